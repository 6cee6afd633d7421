// SPDX-License-Identifier: GPL-2.0
/* Records: the kernel half's parser and the command line's, on the same bytes.
 *
 * Input: records, one after the other, as in a DELTA message.  Those that are not
 * about a flow never reach gwsync_parse_record() in the kernel (kmod/apply.c); if
 * one did, it must be refused.
 */
#include <sys/socket.h>

#include <jansson.h>
#include <linux/gwsync.h>

#include "fuzz.h"
#include "kernel_parse.h"
#include "flow/record.h"

static bool in_words(const uint8_t *data, size_t len)
{
	json_t *json = record_json(data, len);
	char *text;

	if (!json)
		return false;
	text = json_dumps(json, JSON_COMPACT);
	expect(text);
	/* Nothing of a peer reaches a terminal as it is. */
	for (const char *p = text; *p; p++)
		expect(*p >= ' ' && *p <= '~');
	free(text);
	json_decref(json);
	return true;
}

/* Part number @n, or the last; 0: there is none. */
static size_t find_part(const uint8_t *data, size_t size, unsigned int n)
{
	size_t at = sizeof(struct gwsync_record), found = 0;

	for (at += data[4] == AF_INET6 ? 36 : 12;
	     at + 2 <= size && data[at + 1] >= 2 && at + data[at + 1] <= size; at += data[at + 1]) {
		found = at;
		if (!n--)
			break;
	}
	return found;
}

static size_t change_part(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	size_t at = find_part(data, size, seed >> 2 & 15), len;
	unsigned int copies = 1 + (seed >> 6) % 10;

	if (!at)
		return size;
	len = data[at + 1];
	switch (seed & 3) {
	case 0:		/* its value */
		if (len > 2)
			LLVMFuzzerMutate(data + at + 2, len - 2, len - 2);
		break;
	case 1:		/* a state, a number of something */
		if (len > 2)
			data[at + 2 + (seed >> 10) % (len - 2)] = seed >> 16 & 31;
		break;
	case 2:		/* again, or as often as expectations may come */
		for (; copies && size + len <= max; copies--, size += len)
			memmove(data + at + len, data + at, size - at);
		break;
	default:	/* without it */
		size -= len;
		memmove(data + at, data + at + len, size - at);
		break;
	}
	return size;
}

/* Changes that lengths survive: else all of them end at the first check. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	if (seed & 1 && size > sizeof(struct gwsync_record))
		size = change_part(data, size, max, seed >> 4);
	else
		size = LLVMFuzzerMutate(data, size, max);
	/* One record, as long as the input. */
	if (seed & 14 && size >= 2) {
		data[0] = (uint8_t)(size >> 8);
		data[1] = (uint8_t)size;
	}
	return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	while (size >= sizeof(struct gwsync_record)) {
		size_t len = (size_t)(data[0] << 8 | data[1]);
		uint8_t *record;

		/* As apply.c: a record that is no longer than what there is. */
		if (len < sizeof(struct gwsync_record) || len > size)
			break;
		record = exact_copy(data, len);
		if (!kernel_parse(record, len))
			expect(in_words(record, len));
		else
			in_words(record, len);
		free(record);
		data += len;
		size -= len;
	}
	/* The daemon's reader looks at the length itself. */
	if (size) {
		uint8_t *rest = exact_copy(data, size);

		in_words(rest, size);
		free(rest);
	}
	return 0;
}
