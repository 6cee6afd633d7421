// SPDX-License-Identifier: GPL-2.0
/* Records: the kernel half's parser and the command line's, on the same bytes.
 *
 * Input: records, one after the other, as in a DELTA message.
 */
#include <jansson.h>
#include <linux/gwsync.h>

#include "fuzz.h"
#include "kernel_parse.h"
#include "record.h"

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
