// SPDX-License-Identifier: GPL-2.0
/* BGP messages, byte by byte: what is right, and each thing that can be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/big_endian.h"
#include "bgp/message.h"
#include "bgp/update.h"

static const struct bgp_agreed plain = { .family = { true, true } };
static const struct bgp_agreed with_paths = { .family = { true, true }, .paths = { true, true } };

/* ORIGIN IGP, AS_PATH empty, NEXT_HOP 10.9.2.3, LOCAL_PREF 100 */
static const uint8_t sound[] = {
	0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 10, 9, 2, 3, 0x40, 5, 4, 0, 0, 0, 100
};

static struct bgp_update update;
static struct bgp_error error;
static uint8_t *copy;

/* From the heap, so that nobody reads past the end unseen. */
static bool parse(const struct bgp_agreed *agreed, const uint8_t *bytes, size_t len)
{
	free(copy);
	copy = malloc(len);
	assert_non_null(copy);
	memcpy(copy, bytes, len);
	error = (struct bgp_error){ 0 };
	return bgp_update_parse(copy, len, agreed, &update, &error);
}

/* An UPDATE of attributes and one prefix, 10.7.0.0/16. */
static bool parse_attributes(const uint8_t *attributes, size_t len)
{
	uint8_t bytes[512] = { 0 };

	put_be(bytes + 2, len, 2);
	memcpy(bytes + 4, attributes, len);
	memcpy(bytes + 4 + len, (uint8_t[]){ 16, 10, 7 }, 3);
	return parse(&plain, bytes, len + 7);
}

#define PARSE(...) parse_attributes((const uint8_t[]){ __VA_ARGS__ }, \
				    sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* Behind those that are sound, or before them. */
static bool parse_around(const uint8_t *before, size_t before_len, const uint8_t *behind,
			 size_t behind_len)
{
	uint8_t bytes[256];

	memcpy(bytes, before, before_len);
	memcpy(bytes + before_len, sound, sizeof(sound));
	memcpy(bytes + before_len + sizeof(sound), behind, behind_len);
	return parse_attributes(bytes, before_len + sizeof(sound) + behind_len);
}

#define PARSE_BEHIND(...) parse_around(sound, 0, (const uint8_t[]){ __VA_ARGS__ }, \
				       sizeof((const uint8_t[]){ __VA_ARGS__ }))
#define PARSE_BEFORE(...) parse_around((const uint8_t[]){ __VA_ARGS__ }, \
				       sizeof((const uint8_t[]){ __VA_ARGS__ }), sound, 0)

static void expect_one(bool reach)
{
	struct bgp_nlri nlri;
	bool is;

	assert_true(bgp_update_next(&update, &nlri, &is));
	assert_int_equal(is, reach);
	assert_int_equal(nlri.len, 16);
	assert_memory_equal(nlri.addr, ((uint8_t[]){ 10, 7, 0, 0 }), 4);
	assert_false(bgp_update_next(&update, &nlri, &is));
}

static void test_open(void **state)
{
	static const struct bgp_open open = {
		.as = 4200000001, .id = 0x7f000002, .hold_s = 30, .family = { true, true },
		.as4 = true, .refresh = true, .enhanced_refresh = true, .extended = true,
		.ipv6_next_hop = true, .paths = { BGP_PATHS_RECEIVE, 3 }, .graceful = true,
		.restarting = true, .restart_s = 120, .preserved = { true, false },
	};
	uint8_t bytes[BGP_OPEN_MAX], type;
	struct bgp_open read;
	size_t len, cut;

	(void)state;
	len = bgp_open_write(bytes, &open);
	assert_int_equal(bgp_head_parse(bytes, false, &type, &error), len);
	assert_int_equal(type, BGP_OPEN);
	/* AS_TRANS stands for it. */
	assert_int_equal(get_be(bytes + BGP_HEAD + 1, 2), 23456);
	assert_true(bgp_open_parse(bytes + BGP_HEAD, len - BGP_HEAD, &read, &error));
	assert_memory_equal(&read, &open, sizeof(open));
	for (cut = 0; cut < len - BGP_HEAD; cut++) {
		uint8_t *few = malloc(cut + 1);

		assert_non_null(few);
		memcpy(few, bytes + BGP_HEAD, cut);
		assert_false(bgp_open_parse(few, cut, &read, &error));
		free(few);
	}
}

static void expect_open_error(uint8_t *body, size_t len, uint8_t subcode)
{
	struct bgp_open open;

	assert_false(bgp_open_parse(body, len, &open, &error));
	assert_int_equal(error.code, BGP_ERROR_OPEN);
	assert_int_equal(error.subcode, subcode);
}

static void test_open_errors(void **state)
{
	uint8_t body[16] = { 4, 0xfd, 0xe8, 0, 30, 10, 0, 0, 1, 0 };
	struct bgp_open open;

	(void)state;
	assert_true(bgp_open_parse(body, 10, &open, &error));
	assert_int_equal(open.as, 65000);
	assert_false(open.as4);
	body[0] = 3;
	expect_open_error(body, 10, BGP_OPEN_VERSION);
	assert_int_equal(error.len, 2);
	body[0] = 4;
	body[4] = 2;
	expect_open_error(body, 10, BGP_OPEN_HOLD_TIME);
	body[4] = 0;
	body[5] = 0;
	body[8] = 0;
	expect_open_error(body, 10, BGP_OPEN_ID);
	body[8] = 1;
	body[1] = 0;
	body[2] = 0;
	expect_open_error(body, 10, BGP_OPEN_AS);
	body[1] = 1;
	body[9] = 3;
	memcpy(body + 10, (uint8_t[]){ 1, 1, 0 }, 3);
	expect_open_error(body, 13, BGP_OPEN_PARAMETER);
	/* RFC 9072: the same with lengths of two bytes */
	body[9] = 255;
	memcpy(body + 10, (uint8_t[]){ 255, 0, 3, 2, 0, 0 }, 6);
	assert_true(bgp_open_parse(body, 16, &open, &error));
	/* A capability of families that is too short */
	memcpy(body + 9, (uint8_t[]){ 4, 2, 2, 1, 0 }, 5);
	expect_open_error(body, 14, 0);
}

static void test_head(void **state)
{
	uint8_t bytes[BGP_HEAD + 10], type;
	const struct bgp_error cease = { .code = BGP_ERROR_CEASE, .subcode = 2 };

	(void)state;
	assert_int_equal(bgp_keepalive_write(bytes), BGP_HEAD);
	assert_int_equal(bgp_head_parse(bytes, false, &type, &error), BGP_HEAD);
	bytes[17]++;
	assert_int_equal(bgp_head_parse(bytes, false, &type, &error), 0);
	assert_int_equal(error.subcode, BGP_HEAD_LENGTH);
	bytes[18] = BGP_UPDATE;
	put_be(bytes + 16, 4097, 2);
	assert_int_equal(bgp_head_parse(bytes, false, &type, &error), 0);
	assert_int_equal(bgp_head_parse(bytes, true, &type, &error), 4097);
	bytes[18] = 6;
	assert_int_equal(bgp_head_parse(bytes, true, &type, &error), 0);
	assert_int_equal(error.subcode, BGP_HEAD_TYPE);
	bytes[15] = 0;
	assert_int_equal(bgp_head_parse(bytes, true, &type, &error), 0);
	assert_int_equal(error.subcode, BGP_HEAD_SYNC);
	assert_int_equal(bgp_notification_write(bytes, &cease), BGP_HEAD + 2);
	assert_int_equal(bgp_head_parse(bytes, false, &type, &error), BGP_HEAD + 2);
	assert_int_equal(bgp_refresh_write(bytes, BGP_IPV6, BGP_REFRESH_BEGIN), BGP_HEAD + 4);
	assert_memory_equal(bytes + BGP_HEAD, ((uint8_t[]){ 0, 2, 1, 1 }), 4);
}

static void test_end_of_rib(void **state)
{
	uint8_t bytes[BGP_HEAD + 10];
	unsigned int i;

	(void)state;
	for (i = 0; i < __BGP_FAMILIES; i++) {
		size_t len = bgp_end_of_rib_write(bytes, i);

		assert_true(parse(&plain, bytes + BGP_HEAD, len - BGP_HEAD));
		assert_true(update.end_of_rib);
		assert_int_equal(update.ended, i);
	}
	assert_true(parse_attributes(sound, sizeof(sound)));
	assert_false(update.end_of_rib);
}

static void test_update(void **state)
{
	static const uint8_t bytes[] = {
		0, 10, 0, 0, 0, 9, 24, 20, 0, 1, 0, 0, 0, 0,
	};
	struct bgp_nlri nlri;
	bool reach;

	(void)state;
	assert_true(parse_attributes(sound, sizeof(sound)));
	assert_null(update.why);
	expect_one(true);
	/* Path ids, withdrawn; the second is 4 bytes of id and nothing else */
	assert_false(parse(&with_paths, bytes, sizeof(bytes)));
	assert_int_equal(error.subcode, BGP_UPDATE_NETWORK);
	assert_true(parse(&with_paths, (const uint8_t[]){
		0, 8, 0, 0, 0, 9, 20, 20, 0, 0xff, 0, 0 }, 12));
	assert_true(bgp_update_next(&update, &nlri, &reach));
	assert_false(reach);
	assert_int_equal(nlri.path_id, 9);
	assert_int_equal(nlri.len, 20);
	/* Bits behind the length have no meaning. */
	assert_int_equal(nlri.addr[2], 0xf0);
}

static void expect_remedy(bool withdraw, unsigned int discarded)
{
	assert_int_equal(update.withdraw, withdraw);
	assert_int_equal(update.discarded, discarded);
	assert_non_null(update.why);
	expect_one(!withdraw);
}

/* RFC 7606 section 7, and 3 */
static void test_remedies(void **state)
{
	(void)state;
	assert_true(PARSE_BEHIND(0xc0, 8, 3, 1, 2, 3));
	expect_remedy(true, 0);
	assert_true(PARSE_BEHIND(0xc0, 8, 0));
	expect_remedy(true, 0);
	assert_true(PARSE_BEHIND(0xc0, 32, 4, 1, 2, 3, 4));
	expect_remedy(true, 0);
	assert_true(PARSE_BEHIND(0x80, 4, 2, 1, 2));
	expect_remedy(true, 0);
	/* Flags of another kind */
	assert_true(PARSE_BEHIND(0xc0, 4, 4, 0, 0, 0, 1));
	expect_remedy(true, 0);
	assert_true(PARSE_BEHIND(0x40, 6, 1, 0));
	expect_remedy(false, 1);
	assert_true(PARSE_BEHIND(0xc0, 7, 6, 1, 2, 3, 4, 5, 6));
	expect_remedy(false, 1);
	assert_true(PARSE_BEHIND(0x80, 26, 4, 1, 0, 11, 0));
	expect_remedy(false, 1);
	assert_true(PARSE_BEHIND(0xc0, 17, 0));
	expect_remedy(false, 1);
	/* Twice: the first counts. */
	assert_true(PARSE_BEHIND(0x80, 4, 4, 0, 0, 0, 1, 0x80, 4, 4, 0, 0, 0, 2));
	assert_int_equal(update.attribute[BGP_MED][3], 1);
	expect_remedy(false, 1);
	/* Missing: LOCAL_PREF; ORIGIN of no kind */
	assert_true(PARSE(0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 10, 9, 2, 3));
	expect_remedy(true, 0);
	assert_true(PARSE(0x40, 1, 1, 3, 0x40, 2, 0, 0x40, 3, 4, 10, 9, 2, 3,
			  0x40, 5, 4, 0, 0, 0, 100));
	expect_remedy(true, 0);
	/* A segment of no AS, one of an unknown type, one that is cut off */
	assert_true(PARSE_BEFORE(0x40, 2, 2, 2, 0));
	expect_remedy(true, 1);
	assert_true(PARSE_BEFORE(0x40, 2, 6, 5, 1, 0, 0, 0, 1));
	expect_remedy(true, 1);
	assert_true(PARSE_BEFORE(0x40, 2, 5, 2, 1, 0, 0, 0));
	expect_remedy(true, 1);
	/* Longer than all of them, and one that ends in its head */
	assert_true(PARSE_BEHIND(0xc0, 8, 200, 1, 2));
	expect_remedy(true, 0);
	assert_true(PARSE_BEHIND(0xd0, 8, 0));
	expect_remedy(true, 0);
}

static void expect_reset(bool parsed, uint8_t subcode)
{
	assert_false(parsed);
	assert_int_equal(error.code, BGP_ERROR_UPDATE);
	assert_int_equal(error.subcode, subcode);
	assert_non_null(error.text);
}

/* Which prefixes are meant cannot be told. */
static void test_resets(void **state)
{
	(void)state;
	expect_reset(parse(&plain, (const uint8_t[]){ 0, 1, 0, 0 }, 4), BGP_UPDATE_ATTRIBUTES);
	expect_reset(parse(&plain, (const uint8_t[]){ 0, 0, 0, 1 }, 4), BGP_UPDATE_ATTRIBUTES);
	expect_reset(parse(&plain, (const uint8_t[]){ 0, 2, 33, 1, 0, 0 }, 6),
		     BGP_UPDATE_NETWORK);
	expect_reset(parse(&plain, (const uint8_t[]){ 0, 2, 24, 1, 0, 0 }, 6),
		     BGP_UPDATE_NETWORK);
	expect_reset(PARSE_BEHIND(0x40, 99, 0), BGP_UPDATE_WELL_KNOWN);
	expect_reset(PARSE_BEHIND(0x80, 14, 3, 0, 2, 1), BGP_UPDATE_OPTIONAL);
	expect_reset(PARSE_BEHIND(0x80, 14, 6, 0, 2, 1, 200, 0, 0), BGP_UPDATE_OPTIONAL);
	/* A next hop of 5 bytes */
	expect_reset(PARSE_BEHIND(0x80, 14, 10, 0, 2, 1, 5, 1, 2, 3, 4, 5, 0),
		     BGP_UPDATE_OPTIONAL);
	expect_reset(PARSE_BEHIND(0x80, 15, 2, 0, 2), BGP_UPDATE_OPTIONAL);
	expect_reset(PARSE_BEHIND(0x80, 15, 3, 0, 2, 1, 0x80, 15, 3, 0, 2, 1),
		     BGP_UPDATE_ATTRIBUTES);
	expect_reset(PARSE_BEHIND(0x80, 15, 9, 0, 2, 1), BGP_UPDATE_ATTRIBUTES);
}

static void test_family(void **state)
{
	static const struct bgp_agreed ipv4 = { .family = { true, false } };
	static const uint8_t bytes[] = {
		0, 0, 0, 45, 0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 5, 4, 0, 0, 0, 100,
		0x90, 14, 0, 27, 0, 2, 1, 16, 0xfd, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
		0, 32, 0x20, 1, 0x0d, 0xb8, 0
	};
	uint8_t set[sizeof(bytes)];
	struct bgp_nlri nlri;
	bool reach;

	(void)state;
	/* ::/0 is behind 2001:db8::/32 */
	assert_true(parse(&plain, bytes, sizeof(bytes)));
	assert_true(bgp_update_next(&update, &nlri, &reach));
	assert_true(reach && nlri.mp);
	assert_int_equal(nlri.family, BGP_IPV6);
	assert_int_equal(nlri.len, 32);
	/* The next hop alone is kept of it, its length in one byte. */
	assert_int_equal(bgp_attributes_write(&update, true, set), 14 + 3 + 17);
	assert_memory_equal(set + 14, ((uint8_t[]){ 0x80, 14, 17, 16, 0xfd, 9 }), 6);
	assert_true(bgp_update_next(&update, &nlri, &reach));
	assert_int_equal(nlri.len, 0);
	assert_true(parse(&ipv4, bytes, sizeof(bytes)));
	assert_false(bgp_update_next(&update, &nlri, &reach));
	assert_int_equal(update.discarded, 1);
}

/* The same set, whatever the order and the width of lengths; unknown ones as they are. */
static void test_canonical(void **state)
{
	uint8_t one[64], other[64], flags, code;
	const uint8_t *at = one, *value;
	size_t len, value_len, n = 0;

	(void)state;
	assert_true(PARSE_BEHIND(0xe0, 200, 2, 7, 8, 0x80, 201, 1, 1));
	len = bgp_attributes_write(&update, false, one);
	assert_true(PARSE(0xf0, 200, 0, 2, 7, 8, 0x40, 5, 4, 0, 0, 0, 100, 0x40, 3, 4, 10, 9, 2, 3,
			  0x50, 2, 0, 0, 0x40, 1, 1, 0));
	assert_int_equal(bgp_attributes_write(&update, false, other), len);
	assert_memory_equal(one, other, len);
	while (bgp_attribute_next(&at, &len, &flags, &code, &value, &value_len))
		n++;
	assert_int_equal(n, 5);
	assert_int_equal(len, 0);
	/* Optional and transitive, and partial as it was */
	assert_int_equal(flags, 0xe0);
	assert_int_equal(code, 200);
	assert_memory_equal(value, ((uint8_t[]){ 7, 8 }), 2);
}

static int teardown(void **state)
{
	(void)state;
	free(copy);
	copy = NULL;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open), cmocka_unit_test(test_open_errors),
		cmocka_unit_test(test_head), cmocka_unit_test(test_end_of_rib),
		cmocka_unit_test(test_update), cmocka_unit_test(test_remedies),
		cmocka_unit_test(test_resets), cmocka_unit_test(test_family),
		cmocka_unit_test(test_canonical),
	};

	return cmocka_run_group_tests_name("bgp", tests, NULL, teardown);
}
