// SPDX-License-Identifier: GPL-2.0
/* BGP of the routing daemon: messages, and the RIB that becomes of them.
 *
 * Input: one byte (bit 0: path ids; bit 1: extended messages), then messages as they are on
 * the wire, one behind the other.  An OPEN is read as one, an UPDATE goes into a RIB.
 */
#include "bgp/message.h"
#include "bgp/update.h"
#include "fuzz.h"
#include "rib/rib.h"
#include "rib/words.h"

static void open_message(const uint8_t *body, size_t len)
{
	uint8_t *copy = exact_copy(body, len), bytes[BGP_OPEN_MAX];
	struct bgp_error error = { 0 };
	struct bgp_open open;

	if (bgp_open_parse(copy, len, &open, &error))
		expect(open.id && open.as && (!open.hold_s || open.hold_s >= 3));
	else
		expect(error.code == BGP_ERROR_OPEN && error.text);
	/* Whatever it says can be said again. */
	expect(bgp_open_write(bytes, &open) <= sizeof(bytes));
	free(copy);
}

/* Sorted, each once, to the last byte. */
static void check_set(const uint8_t *at, size_t len)
{
	const uint8_t *value;
	uint8_t flags, code, before = 0;
	size_t value_len;

	while (bgp_attribute_next(&at, &len, &flags, &code, &value, &value_len)) {
		expect(code > before && code != BGP_MP_UNREACH);
		before = code;
	}
	expect(!len);
}

static void check_nlri(const struct bgp_nlri *nlri)
{
	unsigned int bit, most = nlri->family == BGP_IPV4 ? 32 : 128;

	expect(nlri->len <= most);
	for (bit = nlri->len; bit < 128; bit++)
		expect(!(nlri->addr[bit / 8] & 0x80 >> bit % 8));
}

static void update_message(struct rib *rib, const struct bgp_agreed *agreed, const uint8_t *body,
			   size_t len)
{
	static uint8_t attributes[BGP_MESSAGE_MAX];
	static struct bgp_update update;
	uint8_t *copy = exact_copy(body, len);
	struct bgp_error error = { 0 };
	struct bgp_nlri nlri;
	bool reach;

	if (!bgp_update_parse(copy, len, agreed, &update, &error)) {
		expect(error.code == BGP_ERROR_UPDATE && error.text);
		free(copy);
		return;
	}
	expect(!(update.withdraw || update.discarded) || update.why);
	while (bgp_update_next(&update, &nlri, &reach)) {
		size_t bytes = bgp_attributes_write(&update, nlri.mp, attributes);
		uint32_t set;

		check_nlri(&nlri);
		expect(bytes <= len);
		check_set(attributes, bytes);
		if (!reach) {
			rib_del(rib, &nlri);
			continue;
		}
		set = rib_set_get(rib, attributes, bytes);
		rib_put(rib, &nlri, set);
		rib_set_put(rib, set);
	}
	if (update.end_of_rib)
		rib_begin(rib, update.ended);
	free(copy);
}

/* Paths, of which some are said, and what remains when they have gone. */
static void check_rib(struct rib *rib)
{
	struct rib_counts counts;
	struct rib_path path;
	uint32_t cursor = 0, i;
	unsigned int n = 0;

	while (rib_each(rib, &cursor, &path))
		if (n++ < 8)
			json_decref(words_path(&path));
	rib_counts(rib, &counts);
	expect(n == counts.paths[BGP_IPV4] + counts.paths[BGP_IPV6] && n <= counts.most);
	for (i = 0; i < __BGP_FAMILIES; i++) {
		rib_begin(rib, i);
		cursor = 0;
		while (!rib_sweep(rib, i, &cursor, 16))
			;
	}
	rib_counts(rib, &counts);
	expect(!counts.sets && !counts.paths[BGP_IPV4] && !counts.paths[BGP_IPV6]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bgp_agreed agreed = { .family = { true, true } };
	struct rib *rib = rib_alloc(64, 1 << 20);
	size_t len;

	expect(rib);
	if (size) {
		agreed.paths[BGP_IPV4] = data[0] & 1;
		agreed.paths[BGP_IPV6] = data[0] & 1;
		agreed.extended = data[0] & 2;
		data++;
		size--;
	}
	for (; size >= BGP_HEAD; data += len, size -= len) {
		struct bgp_error error = { 0 };
		uint8_t type;

		len = bgp_head_parse(data, agreed.extended, &type, &error);
		expect(len || (error.code == BGP_ERROR_HEAD && error.text));
		if (!len || len > size)
			break;
		expect(len >= BGP_HEAD);
		if (type == BGP_OPEN)
			open_message(data + BGP_HEAD, len - BGP_HEAD);
		else if (type == BGP_UPDATE)
			update_message(rib, &agreed, data + BGP_HEAD, len - BGP_HEAD);
	}
	check_rib(rib);
	rib_free(rib);
	return 0;
}
