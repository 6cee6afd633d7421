// SPDX-License-Identifier: GPL-2.0
/* Records in words, hostile ones too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <linux/gwsync.h>

#include "flow/record.h"

static size_t build(uint8_t *data)
{
	static const uint8_t tuple[] = { 10, 0, 0, 1, 203, 0, 113, 5, 0x30, 0x39, 0, 80 };
	static const uint8_t snat[] = { GWSYNC_PART_SNAT, 8, 198, 51, 100, 1, 0x04, 0x01 };
	static const uint8_t mark[] = { GWSYNC_PART_MARK, 6, 0, 0, 1, 2 };
	static const uint8_t unknown[] = { 100, 4, 1, 2 };
	static const uint8_t helper[] = { GWSYNC_PART_HELPER, 6, 'f', 't', 'p', '\033' };
	struct gwsync_part_tcp tcp = { .state = 3, .seen = { { .end = htonl(77) } } };
	struct gwsync_record *record = (void *)data;
	uint8_t *at = data + sizeof(*record);

	memset(record, 0, sizeof(*record));
	record->version = GWSYNC_RECORD_VERSION;
	record->kind = GWSYNC_RECORD_UNSPEC + 1;
	record->l3num = AF_INET;
	record->l4proto = IPPROTO_TCP;
	record->status = htons(1 << 1 | 1 << 2);
	record->timeout = htonl(432000);
#define PUT(what) do { memcpy(at, what, sizeof(what)); at += sizeof(what); } while (0)
	PUT(tuple);
	PUT(snat);
	*at++ = GWSYNC_PART_TCP;
	*at++ = 2 + sizeof(tcp);
	memcpy(at, &tcp, sizeof(tcp));
	at += sizeof(tcp);
	PUT(mark);
	PUT(unknown);
	PUT(helper);
#undef PUT
	record->len = htons((uint16_t)(at - data));
	return (size_t)(at - data);
}

/* Of a connection that is over its state is in the part's type. */
static void test_time_wait(void **state)
{
	struct gwsync_part_time_wait tcp = { .seen = { { .end = htonl(77), .scale = 7 } } };
	uint8_t data[GWSYNC_RECORD_MAX], *at = data + sizeof(struct gwsync_record) + 12;
	struct gwsync_record *record = (void *)data;
	json_t *json, *window;

	(void)state;
	build(data);
	*at++ = GWSYNC_PART_TIME_WAIT;
	*at++ = 2 + sizeof(tcp);
	memcpy(at, &tcp, sizeof(tcp));
	record->len = htons((uint16_t)(at + sizeof(tcp) - data));
	json = record_json(data, (size_t)(at + sizeof(tcp) - data));
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "state")), "TIME_WAIT");
	window = json_array_get(json_object_get(json, "window"), 0);
	assert_int_equal(json_integer_value(json_object_get(window, "end")), 77);
	assert_int_equal(json_integer_value(json_object_get(window, "scale")), 7);
	assert_null(json_object_get(window, "maxend"));
	json_decref(json);

	/* One byte is missing. */
	at[-1]--;
	record->len = htons((uint16_t)(at + sizeof(tcp) - 1 - data));
	assert_null(record_json(data, (size_t)(at + sizeof(tcp) - 1 - data)));
}

static void test_words(void **state)
{
	uint8_t data[GWSYNC_RECORD_MAX];
	size_t len = build(data);
	json_t *json = record_json(data, len), *part;

	(void)state;
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "protocol")), "tcp");
	assert_string_equal(json_string_value(json_object_get(json, "state")), "ESTABLISHED");
	part = json_object_get(json, "original");
	assert_string_equal(json_string_value(json_object_get(part, "src")), "10.0.0.1");
	assert_int_equal(json_integer_value(json_object_get(part, "sport")), 12345);
	assert_int_equal(json_integer_value(json_object_get(part, "dport")), 80);
	part = json_object_get(json, "snat");
	assert_string_equal(json_string_value(json_object_get(part, "addr")), "198.51.100.1");
	assert_int_equal(json_integer_value(json_object_get(part, "port")), 1025);
	assert_int_equal(json_integer_value(json_object_get(json, "mark")), 258);
	assert_int_equal(json_integer_value(json_object_get(json, "timeout")), 432000);
	/* nothing of a peer reaches a terminal as it is */
	assert_string_equal(json_string_value(json_object_get(json, "helper")), "ftp?");
	part = json_array_get(json_object_get(json, "window"), 0);
	assert_int_equal(json_integer_value(json_object_get(part, "end")), 77);
	json_decref(json);
}

/* Exactly the bytes there are, so that a read behind them is seen. */
static void decode(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, data, len);
	json_decref(record_json(copy, len));
	free(copy);
}

static void test_truncated(void **state)
{
	uint8_t data[GWSYNC_RECORD_MAX], cut[GWSYNC_RECORD_MAX];
	size_t len = build(data), i;

	(void)state;
	for (i = 0; i < len; i++) {
		uint8_t *copy = malloc(i ? i : 1);

		memcpy(copy, data, i);
		assert_null(record_json(copy, i));
		free(copy);
		/* and where the record says itself that it is shorter */
		memcpy(cut, data, len);
		cut[0] = (uint8_t)(i >> 8);
		cut[1] = (uint8_t)i;
		decode(cut, i);
	}
}

static void test_refused(void **state)
{
	uint8_t data[GWSYNC_RECORD_MAX];
	size_t len = build(data);

	(void)state;
	data[2] = GWSYNC_RECORD_VERSION + 1;
	assert_null(record_json(data, len));
	len = build(data);
	data[4] = 7;				/* no family */
	assert_null(record_json(data, len));
	len = build(data);
	data[sizeof(struct gwsync_record) + 12 + 1] = 1;	/* part shorter than its head */
	assert_null(record_json(data, len));
	len = build(data);
	data[sizeof(struct gwsync_record) + 12 + 1] = 7;	/* than its value */
	assert_null(record_json(data, len));
}

static void test_random(void **state)
{
	uint8_t data[GWSYNC_RECORD_MAX];
	unsigned int seed = 1, i, j;
	size_t len;

	(void)state;
	for (i = 0; i < 20000; i++) {
		len = build(data);
		for (j = 0; j < 1 + i % 6; j++)
			data[(unsigned int)rand_r(&seed) % len] = (uint8_t)(rand_r(&seed) >> 5);
		decode(data, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_time_wait),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
