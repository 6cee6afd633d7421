// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/frame.h"

static const uint8_t records[FRAME_RECORDS_MAX] = { 0, 12, 1, 2, 2, 6, 0, 8, 0, 0, 0, 9 };

/* One frame of each kind, and the largest ones. */
static void make_sample(unsigned int n, struct frame *f)
{
	memset(f, 0, sizeof(*f));
	f->head.version = FRAME_VERSION;
	f->head.sealed = true;
	switch (n) {
	case 0:
	case 1:
		f->head.type = FRAME_HEARTBEAT;
		f->heartbeat = (struct frame_heartbeat) {
			.epoch = 0x01020304, .state = FRAME_STATE_BACKUP, .priority = 100,
			.owner = 63, .flags = FRAME_HEARTBEAT_FLAGS_OLD, .interval_ms = 100,
			.last_seq = 0x1122334455667788, .oldest_seq = 0x1122334455667789,
			.peers = n ? FRAME_PEERS_MAX : 1,
			.link = 9, .score = 1000, .unheard = 2, .claims = 200, .mtu = 1500,
			.service_ms = 258, .config = { 1, 2, 3, 4 },
		};
		for (unsigned int i = 0; i < f->heartbeat.peers; i++)
			f->heartbeat.peer[i] = (struct frame_peer) {
				.member = (uint8_t)(63 - i), .flags = i & FRAME_PEER_FLAGS,
				.boot_id = 0xa1a2a3a4a5a6a7a8 + i, .counter = 7 + i, .ack = i,
				.heard = 0x8000000000000005,
			};
		break;
	case 2:
	case 3:
		f->head.type = FRAME_DATA;
		f->data = (struct frame_data) {
			.seq = 0x0102030405060708, .set = 0x8000000000000002, .epoch = 5,
			.walk_id = 6, .kind = FRAME_DATA_RECORDS,
			.records = records, .len = n == 2 ? 12 : FRAME_RECORDS_MAX,
		};
		break;
	case 4:
		f->head.type = FRAME_DATA;
		f->data = (struct frame_data) { .seq = 1, .set = 2, .walk_id = 9,
						.kind = FRAME_DATA_SYNC_BEGIN };
		break;
	case 5:
		f->head.type = FRAME_DATA;
		f->data = (struct frame_data) { .seq = FRAME_SEQ_MAX, .set = 2, .walk_id = 9,
						.kind = FRAME_DATA_SYNC_END, .count = 50000 };
		break;
	case 6:
		f->head.type = FRAME_ACK;
		f->ack = (struct frame_ack) { .stream = { 3, 0x0102030405060708 }, .ack = 77 };
		break;
	case 7:
	case 8:
		f->head.type = FRAME_NACK;
		f->nack = (struct frame_nack) { .stream = { 3, 9 }, .ack = 10,
						.ranges = n == 7 ? 1 : FRAME_RANGES_MAX };
		for (unsigned int i = 0; i < f->nack.ranges; i++)
			f->nack.range[i] = (struct frame_range) { 11 + i * 10, 9 };
		break;
	case 9:
		f->head.type = FRAME_GONE;
		f->gone.next = 4242;
		break;
	case 10:
		f->head.type = FRAME_SYNC_REQUEST;
		f->sync_request = (struct frame_sync_request) { .stream = { 1, 2 }, .epoch = 3,
								.request = 4 };
		break;
	case 11:
	case 12:
	case 13:
		f->head.type = n == 11 ? FRAME_PREPARE : n == 12 ? FRAME_READY : FRAME_RESIGN;
		f->switchover = (struct frame_switch) { .stream = { 2, 3 }, .epoch = 4, .seq = 5 };
		if (n == 12)
			f->switchover.status = FRAME_SWITCH_STALE;
		break;
	case 14:
	case 15:
		f->head.type = FRAME_REPAIR_REQUEST;
		f->repair_request = (struct frame_repair_request) {
			.stream = { 1, 2 }, .epoch = 3, .buckets = n == 14 ? 0 : FRAME_REPAIR_MAX,
		};
		for (unsigned int i = 0; i < f->repair_request.buckets; i++)
			f->repair_request.repair[i] = (struct frame_repair) {
				.bucket = (uint8_t)(5 * i), .classes = 1ULL << i,
			};
		break;
	default:
		fail();
	}
}

#define SAMPLES 16

/* An allocation of the exact size, so that ASan sees a byte read too far. */
static enum frame_error decode_exact(const uint8_t *buf, size_t len, struct frame *f)
{
	uint8_t *copy = malloc(len ? len : 1);
	enum frame_error err;

	assert_non_null(copy);
	memcpy(copy, buf, len);
	err = frame_decode_body(copy, len, f);
	if (err == FRAME_OK && f->head.type == FRAME_DATA) {
		/* Read what it points to, then point to what stays. */
		assert_memory_equal(f->data.records, buf + FRAME_DATA_BYTES, f->data.len);
		f->data.records = buf + FRAME_DATA_BYTES;
	}
	free(copy);
	return err;
}

/* What was decoded says the same again, but for items that it does not know. */
static void assert_same_again(const struct frame *f, const uint8_t *buf, size_t len)
{
	uint8_t again[FRAME_BODY_MAX];
	size_t bytes = frame_encode_body(f, again, sizeof(again));

	if (frame_has_items(f))
		assert_in_range(bytes, 1, len);
	else
		assert_int_equal(bytes, len);
	assert_memory_equal(buf, again, bytes);
}

static void test_round_trip(void **state)
{
	uint8_t buf[FRAME_BODY_MAX], again[FRAME_BODY_MAX];

	(void)state;
	for (unsigned int n = 0; n < SAMPLES; n++) {
		struct frame f, g;
		size_t len;

		make_sample(n, &f);
		len = frame_encode_body(&f, buf, sizeof(buf));
		assert_true(len > 0);
		memset(&g, 0xee, sizeof(g));
		g.head.version = f.head.version;
		g.head.type = f.head.type;
		assert_int_equal(decode_exact(buf, len, &g), FRAME_OK);
		assert_int_equal(frame_encode_body(&g, again, sizeof(again)), len);
		assert_memory_equal(buf, again, len);
	}
}

static void test_fields(void **state)
{
	uint8_t buf[FRAME_BODY_MAX];
	struct frame f, g;
	size_t len;

	(void)state;
	make_sample(0, &f);
	len = frame_encode_body(&f, buf, sizeof(buf));
	g.head.version = FRAME_VERSION;
	g.head.type = FRAME_HEARTBEAT;
	assert_int_equal(frame_decode_body(buf, len, &g), FRAME_OK);
	assert_int_equal(g.heartbeat.epoch, f.heartbeat.epoch);
	assert_int_equal(g.heartbeat.state, f.heartbeat.state);
	assert_int_equal(g.heartbeat.priority, 100);
	assert_int_equal(g.heartbeat.owner, 63);
	assert_int_equal(g.heartbeat.interval_ms, 100);
	assert_int_equal(g.heartbeat.last_seq, f.heartbeat.last_seq);
	assert_int_equal(g.heartbeat.oldest_seq, f.heartbeat.oldest_seq);
	assert_int_equal(g.heartbeat.peer[0].boot_id, f.heartbeat.peer[0].boot_id);
	assert_int_equal(g.heartbeat.peer[0].counter, 7);
	assert_int_equal(g.heartbeat.peer[0].heard, 0x8000000000000005);
	assert_int_equal(g.heartbeat.link, 9);
	assert_int_equal(g.heartbeat.score, 1000);
	assert_int_equal(g.heartbeat.unheard, 2);
	assert_int_equal(g.heartbeat.claims, 200);
	assert_int_equal(g.heartbeat.mtu, 1500);
	assert_int_equal(g.heartbeat.service_ms, 258);
	assert_int_equal(g.heartbeat.config[3], 4);

	make_sample(2, &f);
	len = frame_encode_body(&f, buf, sizeof(buf));
	g.head.type = FRAME_DATA;
	assert_int_equal(frame_decode_body(buf, len, &g), FRAME_OK);
	assert_int_equal(g.data.seq, f.data.seq);
	assert_int_equal(g.data.set, f.data.set);
	assert_int_equal(g.data.epoch, 5);
	assert_int_equal(g.data.walk_id, 6);
	assert_int_equal(g.data.len, 12);
	assert_memory_equal(g.data.records, records, 12);
}

/* The layout itself: a change of it must change FRAME_VERSION. */
static void test_layout(void **state)
{
	static const uint8_t head[FRAME_HEAD_BYTES] = {
		'g', 'w', 2, 2, 7, 5, 0xab, 0,
		1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 1, 0,
		0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6,
	};
	static const uint8_t data[] = {
		1, 2, 3, 4, 5, 6, 7, 8, 0x80, 0, 0, 0, 0, 0, 0, 2,
		0, 0, 0, 5, 0, 0, 0, 6, 1, 0, 0, 0, 0, 0, 12,
		0, 12, 1, 2, 2, 6, 0, 8, 0, 0, 0, 9,
	};
	static const uint8_t heartbeat[] = {
		1, 2, 3, 4, 1, 100, 63, 0x3f, 0, 100, 9, 1,
		0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
		0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x89,
		3, 0xe8, 2, 200, 5, 0xdc, 0, 0, 1, 2,
		0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4,
		63, 0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8,
		0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0,
		0x80, 0, 0, 0, 0, 0, 0, 5,
	};
	static const uint8_t old_heartbeat[] = {
		1, 2, 3, 4, 1, 100, 63, 0x3f, 0, 100, 0, 1,
		0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
		0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x89,
		63, 0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8,
		0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0,
	};
	static const uint8_t nack[] = {
		3, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 10, 1,
		0, 0, 0, 0, 0, 0, 0, 11, 0, 0, 0, 9,
	};
	static const uint8_t ready[] = {
		2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 5, 3,
	};
	struct frame f = { .head = { .version = FRAME_VERSION, .type = FRAME_DATA, .sealed = true,
				     .group = 7, .sender = 5, .key_id = 0xab,
				     .boot_id = 0x0102030405060708, .counter = 256,
				     .salt = { 0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6 } } };
	uint8_t buf[FRAME_BODY_MAX];

	(void)state;
	frame_encode_head(&f.head, buf);
	assert_memory_equal(buf, head, sizeof(head));
	f.head.version = FRAME_VERSION_OLD;
	memset(buf, 0xee, sizeof(buf));
	frame_encode_head(&f.head, buf);
	assert_int_equal(buf[2], 1);
	assert_memory_equal(buf + 3, head + 3, FRAME_HEAD_BYTES_OLD - 3);
	assert_int_equal(buf[FRAME_HEAD_BYTES_OLD], 0xee);
	make_sample(2, &f);
	assert_int_equal(frame_encode_body(&f, buf, sizeof(buf)), sizeof(data));
	assert_memory_equal(buf, data, sizeof(data));
	make_sample(0, &f);
	assert_int_equal(frame_encode_body(&f, buf, sizeof(buf)), sizeof(heartbeat));
	assert_memory_equal(buf, heartbeat, sizeof(heartbeat));
	f.head.version = FRAME_VERSION_OLD;
	f.heartbeat.flags |= FRAME_HEARTBEAT_SOUND;	/* not known there */
	assert_int_equal(frame_encode_body(&f, buf, sizeof(buf)), sizeof(old_heartbeat));
	assert_memory_equal(buf, old_heartbeat, sizeof(old_heartbeat));
	make_sample(7, &f);
	assert_int_equal(frame_encode_body(&f, buf, sizeof(buf)), sizeof(nack));
	assert_memory_equal(buf, nack, sizeof(nack));
	make_sample(12, &f);
	assert_int_equal(frame_encode_body(&f, buf, sizeof(buf)), sizeof(ready));
	assert_memory_equal(buf, ready, sizeof(ready));
}

/* What the old version does not say is filled in: for the better. */
static void test_old_heartbeat(void **state)
{
	uint8_t buf[FRAME_BODY_MAX];
	struct frame f, g;
	size_t len;

	(void)state;
	make_sample(1, &f);
	f.head.version = FRAME_VERSION_OLD;
	len = frame_encode_body(&f, buf, sizeof(buf));
	memset(&g, 0xee, sizeof(g));
	g.head = f.head;
	assert_int_equal(decode_exact(buf, len, &g), FRAME_OK);
	assert_int_equal(g.heartbeat.score, FRAME_SCORE_MAX);
	assert_int_equal(g.heartbeat.link, 0);
	assert_int_equal(g.heartbeat.unheard, 0);
	assert_int_equal(g.heartbeat.claims, 0);
	assert_int_equal(g.heartbeat.mtu, 0);
	assert_int_equal(g.heartbeat.service_ms, 0);
	assert_int_equal(g.heartbeat.config[0], 0);
	assert_int_equal(g.heartbeat.peer[31].heard, UINT64_MAX);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(decode_exact(buf, cut, &g), FRAME_ERROR_BODY);
	buf[7] &= (uint8_t)~FRAME_HEARTBEAT_HEALTHY;
	assert_int_equal(decode_exact(buf, len, &g), FRAME_OK);
	assert_int_equal(g.heartbeat.score, 0);
	buf[7] |= FRAME_HEARTBEAT_SOUND;
	assert_int_equal(decode_exact(buf, len, &g), FRAME_ERROR_BODY);
}

/* What a later daemon says in addition is passed over. */
static void test_heartbeat_items(void **state)
{
	static const uint8_t items[] = { 200, 3, 'x', 'y', 'z', 201, 0 };
	uint8_t buf[FRAME_BODY_MAX], again[FRAME_BODY_MAX];
	struct frame f, g;
	size_t len;

	(void)state;
	make_sample(1, &f);
	len = frame_encode_body(&f, buf, sizeof(buf));
	memcpy(buf + len, items, sizeof(items));
	g.head = f.head;
	assert_int_equal(decode_exact(buf, len + sizeof(items), &g), FRAME_OK);
	assert_int_equal(frame_encode_body(&g, again, sizeof(again)), len);
	assert_memory_equal(buf, again, len);
	for (size_t cut = 1; cut < sizeof(items); cut++)
		assert_int_equal(decode_exact(buf, len + cut, &g),
				 cut == 5 ? FRAME_OK : FRAME_ERROR_BODY);
}

/* What is about another table than flows says which; who knows flows alone is sent none
 * of it, and the old version has no place for it.
 */
static void test_tables(void **state)
{
	static const unsigned int samples[] = { 3, 10, 14, 15 };
	uint8_t buf[FRAME_BODY_MAX], plain[FRAME_BODY_MAX];
	struct frame f, g;

	(void)state;
	for (unsigned int i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		enum frame_table *table = &f.data.table, *read = &g.data.table;
		size_t len, flows;

		make_sample(samples[i], &f);
		if (f.head.type == FRAME_SYNC_REQUEST) {
			table = &f.sync_request.table;
			read = &g.sync_request.table;
		} else if (f.head.type == FRAME_REPAIR_REQUEST) {
			table = &f.repair_request.table;
			read = &g.repair_request.table;
		}
		assert_int_equal(*table, FRAME_TABLE_FLOWS);
		flows = frame_encode_body(&f, plain, sizeof(plain));
		g.head = f.head;
		assert_int_equal(decode_exact(plain, flows, &g), FRAME_OK);
		assert_int_equal(*read, FRAME_TABLE_FLOWS);

		*table = FRAME_TABLE_NEIGHBOURS;
		len = frame_encode_body(&f, buf, sizeof(buf));
		assert_int_equal(len, flows + (f.head.type != FRAME_DATA));
		assert_int_equal(decode_exact(buf, len, &g), FRAME_OK);
		assert_int_equal(*read, FRAME_TABLE_NEIGHBOURS);
		assert_same_again(&g, buf, len);
		if (f.head.type != FRAME_DATA) {
			/* No other way to say flows, none that is not known to anybody. */
			buf[len - 1] = FRAME_TABLE_FLOWS;
			assert_int_equal(decode_exact(buf, len, &g), FRAME_ERROR_BODY);
			buf[len - 1] = FRAME_TABLES_MAX;
			assert_int_equal(decode_exact(buf, len, &g), FRAME_ERROR_BODY);
		}

		*table = FRAME_TABLES_MAX;
		assert_int_equal(frame_encode_body(&f, buf, sizeof(buf)), 0);
		*table = FRAME_TABLE_NEIGHBOURS;
		f.head.version = FRAME_VERSION_OLD;
		assert_int_equal(frame_encode_body(&f, buf, sizeof(buf)), 0);
	}
}

static void test_heartbeat_tables(void **state)
{
	uint8_t buf[FRAME_BODY_MAX], item[] = { 2, 2, 2, 0 };
	struct frame f, g;
	size_t len, more;

	(void)state;
	make_sample(0, &f);
	len = frame_encode_body(&f, buf, sizeof(buf));
	g.head = f.head;
	assert_int_equal(decode_exact(buf, len, &g), FRAME_OK);
	assert_int_equal(g.heartbeat.tables, 0);
	/* Of a length that is not known: passed over. */
	memcpy(buf + len, item, sizeof(item));
	assert_int_equal(decode_exact(buf, len + sizeof(item), &g), FRAME_OK);
	assert_int_equal(g.heartbeat.tables, 0);

	f.heartbeat.tables = 1 << FRAME_TABLE_FLOWS | 1 << FRAME_TABLE_NEIGHBOURS | 1 << 7;
	f.heartbeat.served[FRAME_TABLE_FLOWS] = 2;
	f.heartbeat.served[FRAME_TABLE_NEIGHBOURS] = 0x0204;
	f.heartbeat.served[7] = 1ULL << 63;
	more = frame_encode_body(&f, buf, sizeof(buf));
	assert_int_equal(more, len + 3 + 24);
	assert_int_equal(decode_exact(buf, more, &g), FRAME_OK);
	assert_int_equal(g.heartbeat.tables, f.heartbeat.tables);
	assert_memory_equal(g.heartbeat.served, f.heartbeat.served, sizeof(g.heartbeat.served));
	for (size_t cut = 1; cut < more - len; cut++)
		assert_int_equal(decode_exact(buf, len + cut, &g), FRAME_ERROR_BODY);

	/* Flows are known to all; bit 0 is no member. */
	f.heartbeat.tables &= 0xfe;
	assert_int_equal(frame_encode_body(&f, buf, sizeof(buf)), 0);
	f.heartbeat.tables |= 1;
	f.heartbeat.served[7] |= 1;
	assert_int_equal(frame_encode_body(&f, buf, sizeof(buf)), 0);
}

static void test_truncated(void **state)
{
	uint8_t buf[FRAME_BODY_MAX + 1];

	(void)state;
	for (unsigned int n = 0; n < SAMPLES; n++) {
		struct frame f;
		size_t len;

		make_sample(n, &f);
		len = frame_encode_body(&f, buf, sizeof(buf));
		for (size_t cut = 0; cut < len; cut++)
			assert_int_equal(decode_exact(buf, cut, &f), FRAME_ERROR_BODY);
		buf[len] = 0;
		assert_int_equal(decode_exact(buf, len + 1, &f), FRAME_ERROR_BODY);
	}
}

/* The clock is such an item: it may be absent, or of a length that is not known. */
static void test_heartbeat_clock(void **state)
{
	uint8_t buf[FRAME_BODY_MAX], item[] = { 1, 7, 1, 2, 3, 4, 5, 6, 7 };
	struct frame f, g;
	size_t len;

	(void)state;
	make_sample(0, &f);
	len = frame_encode_body(&f, buf, sizeof(buf));
	g.head = f.head;
	assert_int_equal(decode_exact(buf, len, &g), FRAME_OK);
	assert_true(g.heartbeat.clock_ms == 0);
	memcpy(buf + len, item, sizeof(item));
	assert_int_equal(decode_exact(buf, len + sizeof(item), &g), FRAME_OK);
	assert_true(g.heartbeat.clock_ms == 0);

	f.heartbeat.clock_ms = 0x0102030405060708;
	assert_int_equal(frame_encode_body(&f, buf, sizeof(buf)), len + 10);
	assert_int_equal(buf[len], 1);
	assert_int_equal(buf[len + 1], 8);
	assert_int_equal(decode_exact(buf, len + 10, &g), FRAME_OK);
	assert_true(g.heartbeat.clock_ms == 0x0102030405060708);
	for (size_t cut = 1; cut < 10; cut++)
		assert_int_equal(decode_exact(buf, len + cut, &g), FRAME_ERROR_BODY);

	/* The old version has no place for it. */
	f.head.version = FRAME_VERSION_OLD;
	len = frame_encode_body(&f, buf, sizeof(buf));
	g.head = f.head;
	assert_int_equal(decode_exact(buf, len, &g), FRAME_OK);
	assert_true(g.heartbeat.clock_ms == 0);
}

static void test_encode_into_too_little(void **state)
{
	uint8_t full[FRAME_BODY_MAX];

	(void)state;
	for (unsigned int n = 0; n < SAMPLES; n++) {
		struct frame f;
		size_t len;

		make_sample(n, &f);
		len = frame_encode_body(&f, full, sizeof(full));
		for (size_t size = 0; size < len; size += size < 200 ? 1 : 97) {
			uint8_t *buf = malloc(size ? size : 1);

			assert_non_null(buf);
			assert_int_equal(frame_encode_body(&f, buf, size), 0);
			free(buf);
		}
	}
}

/* Every value of every byte: refused, or it means exactly those bytes. */
static void test_every_byte_means_something(void **state)
{
	uint8_t buf[FRAME_BODY_MAX];
	unsigned int refused = 0;

	(void)state;
	for (unsigned int n = 0; n < SAMPLES; n++) {
		struct frame f, g;
		size_t len;

		make_sample(n, &f);
		len = frame_encode_body(&f, buf, sizeof(buf));
		for (size_t at = 0; at < len && at < 1024; at++) {
			uint8_t was = buf[at];

			for (unsigned int v = 0; v < 256; v++) {
				buf[at] = (uint8_t)v;
				g.head.version = f.head.version;
		g.head.type = f.head.type;
				if (frame_decode_body(buf, len, &g) != FRAME_OK) {
					assert_true(v != was);
					refused++;
					continue;
				}
				assert_same_again(&g, buf, len);
			}
			buf[at] = was;
		}
	}
	assert_true(refused > 0);
}

static void test_random(void **state)
{
	unsigned int accepted = 0;
	uint8_t buf[256] = { 0 };

	(void)state;
	srandom(8116);
	for (unsigned int round = 0; round < 200000; round++) {
		size_t len = (size_t)random() % sizeof(buf);
		struct frame f;

		f.head.version = random() % 2 ? FRAME_VERSION : FRAME_VERSION_OLD;
		f.head.type = (enum frame_type)(random() % (__FRAME_TYPE_MAX + 2));
		/* Small bytes reach deeper than random ones. */
		for (size_t i = 0; i < len; i++)
			buf[i] = random() % 4 ? (uint8_t)(random() % 3) : (uint8_t)random();
		if (decode_exact(buf, len, &f) != FRAME_OK)
			continue;
		accepted++;
		assert_same_again(&f, buf, len);
	}
	assert_true(accepted > 0);
}

/* What encode refuses to write. */
static void test_rules(void **state)
{
	uint8_t buf[FRAME_BODY_MAX];
	struct frame f;

	(void)state;
#define REFUSE(n, change) do {						\
		make_sample(n, &f);					\
		assert_true(frame_encode_body(&f, buf, sizeof(buf)) > 0); \
		change;							\
		assert_int_equal(frame_encode_body(&f, buf, sizeof(buf)), 0); \
	} while (0)

	REFUSE(0, f.head.type = 0);
	REFUSE(0, f.head.type = __FRAME_TYPE_MAX);
	REFUSE(0, f.heartbeat.state = __FRAME_STATE_MAX);
	REFUSE(0, f.heartbeat.owner = 64);
	REFUSE(0, f.heartbeat.flags = 0x80);
	REFUSE(0, f.heartbeat.link = FRAME_LINKS_MAX);
	REFUSE(0, f.heartbeat.score = FRAME_SCORE_MAX + 1);
	REFUSE(0, f.heartbeat.interval_ms = 0);
	REFUSE(0, f.heartbeat.oldest_seq = 0);
	REFUSE(0, f.heartbeat.oldest_seq = f.heartbeat.last_seq + 2);
	REFUSE(0, f.heartbeat.last_seq = FRAME_SEQ_MAX + 1);
	REFUSE(0, f.heartbeat.peers = FRAME_PEERS_MAX + 1);
	REFUSE(0, f.heartbeat.peer[0].member = 0);
	REFUSE(0, f.heartbeat.peer[0].member = 64);
	REFUSE(0, f.heartbeat.peer[0].flags = 0x80);
	REFUSE(0, f.heartbeat.peer[0].boot_id = 0);
	REFUSE(0, f.heartbeat.peer[0].counter = 0);
	REFUSE(0, f.heartbeat.peer[0].ack = UINT64_MAX);
	REFUSE(1, f.heartbeat.peer[5].member = f.heartbeat.peer[4].member);
	REFUSE(2, f.data.seq = 0);
	REFUSE(2, f.data.seq = FRAME_SEQ_MAX + 1);
	REFUSE(2, f.data.set = 0);
	REFUSE(2, f.data.set |= 1);
	REFUSE(2, f.data.kind = 0);
	REFUSE(2, f.data.kind = __FRAME_DATA_KIND_MAX);
	REFUSE(2, f.data.len = 0);
	REFUSE(2, f.data.len = FRAME_RECORDS_MAX + 1);
	REFUSE(2, f.data.count = 1);
	REFUSE(4, f.data.len = 1);
	REFUSE(4, f.data.walk_id = 0);
	REFUSE(4, f.data.count = 1);
	REFUSE(5, f.data.walk_id = 0);
	REFUSE(6, f.ack.stream.member = 0);
	REFUSE(6, f.ack.stream.boot_id = 0);
	REFUSE(6, f.ack.ack = FRAME_SEQ_MAX + 1);
	REFUSE(7, f.nack.ranges = 0);
	REFUSE(7, f.nack.ranges = FRAME_RANGES_MAX + 1);
	REFUSE(7, f.nack.range[0].first = f.nack.ack);
	REFUSE(7, f.nack.range[0].count = 0);
	REFUSE(7, f.nack.range[0].first = FRAME_SEQ_MAX);
	REFUSE(8, f.nack.range[1].first = f.nack.range[0].first);
	REFUSE(8, f.nack.range[1].first = f.nack.range[0].first + f.nack.range[0].count);
	REFUSE(9, f.gone.next = 0);
	REFUSE(10, f.sync_request.request = 0);
	REFUSE(10, f.sync_request.stream.member = 99);
	REFUSE(11, f.switchover.status = FRAME_SWITCH_NOT_IN_SYNC);
	REFUSE(12, f.switchover.status = __FRAME_SWITCH_MAX);
	REFUSE(13, f.switchover.seq = FRAME_SEQ_MAX + 1);
	REFUSE(14, f.repair_request.stream.member = 0);
	REFUSE(14, f.repair_request.buckets = 1);
	REFUSE(15, f.repair_request.buckets = FRAME_REPAIR_MAX + 1);
	REFUSE(15, f.repair_request.repair[1].bucket = 0);
	REFUSE(15, f.repair_request.repair[3].classes = 0);
#undef REFUSE
}

static void test_head(void **state)
{
	struct frame_head head = { .version = FRAME_VERSION, .type = FRAME_RESIGN, .sealed = false,
				   .group = 255, .sender = 63, .boot_id = UINT64_MAX,
				   .counter = 1, .salt = { 1, 2, 3, 4, 5, 6 } }, got;
	uint8_t buf[FRAME_MAX + 1] = { 0 };

	(void)state;
	frame_encode_head(&head, buf);
	for (size_t len = 0; len < FRAME_HEAD_BYTES; len++)
		assert_int_equal(frame_decode_head(buf, len, &got), FRAME_ERROR_SHORT);
	assert_int_equal(frame_decode_head(buf, FRAME_HEAD_BYTES, &got), FRAME_OK);
	assert_int_equal(got.type, FRAME_RESIGN);
	assert_false(got.sealed);
	assert_int_equal(got.group, 255);
	assert_int_equal(got.sender, 63);
	assert_int_equal(got.boot_id, UINT64_MAX);
	assert_int_equal(got.counter, 1);
	assert_memory_equal(got.salt, head.salt, sizeof(head.salt));
	assert_int_equal(frame_decode_head(buf, FRAME_MAX, &got), FRAME_OK);
	assert_int_equal(frame_decode_head(buf, FRAME_MAX + 1, &got), FRAME_ERROR_HEAD);

#define REFUSE(at, value, error) do {					\
		frame_encode_head(&head, buf);				\
		buf[at] = (value);					\
		assert_int_equal(frame_decode_head(buf, FRAME_HEAD_BYTES, &got), error); \
	} while (0)

	REFUSE(0, 'G', FRAME_ERROR_MAGIC);
	REFUSE(1, 'W', FRAME_ERROR_MAGIC);
	REFUSE(2, 0, FRAME_ERROR_VERSION);
	REFUSE(2, 3, FRAME_ERROR_VERSION);
	REFUSE(3, 0x80, FRAME_ERROR_HEAD);
	REFUSE(3, 0x80 | __FRAME_TYPE_MAX, FRAME_ERROR_HEAD);
	REFUSE(3, FRAME_RESIGN, FRAME_ERROR_HEAD);	/* sealed, but no key id */
	REFUSE(4, 0, FRAME_ERROR_HEAD);
	REFUSE(5, 0, FRAME_ERROR_HEAD);
	REFUSE(5, 64, FRAME_ERROR_HEAD);
	REFUSE(6, 1, FRAME_ERROR_HEAD);			/* a key id, but not sealed */
	REFUSE(7, 1, FRAME_ERROR_HEAD);
	REFUSE(23, 0, FRAME_ERROR_HEAD);		/* counter 0 */
#undef REFUSE
	head.version = FRAME_VERSION_OLD;
	frame_encode_head(&head, buf);
	assert_int_equal(frame_decode_head(buf, FRAME_HEAD_BYTES_OLD - 1, &got), FRAME_ERROR_SHORT);
	assert_int_equal(frame_decode_head(buf, FRAME_HEAD_BYTES_OLD, &got), FRAME_OK);
	assert_int_equal(got.salt[0] | got.salt[5], 0);
	head.version = FRAME_VERSION;
	head.boot_id = 0;
	frame_encode_head(&head, buf);
	assert_int_equal(frame_decode_head(buf, FRAME_HEAD_BYTES, &got), FRAME_ERROR_HEAD);
}

static void test_records_max(void **state)
{
	(void)state;
	/* Never less than the kernel half takes, whatever fits. */
	assert_int_equal(frame_records_max(0), FRAME_RECORDS_MIN);
	assert_int_equal(frame_records_max(FRAME_MTU_MIN - 1), FRAME_RECORDS_MIN);
	assert_int_equal(frame_records_max(FRAME_MTU_MIN), FRAME_RECORDS_MIN);
	assert_int_equal(frame_records_max(FRAME_MTU_MIN + 1), FRAME_RECORDS_MIN + 1);
	assert_int_equal(frame_records_max(1500), 1500 - FRAME_OVERHEAD);
	assert_int_equal(frame_records_max(9000), FRAME_RECORDS_MAX);
	assert_int_equal(frame_records_max(65535), FRAME_RECORDS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_old_heartbeat),
		cmocka_unit_test(test_heartbeat_items),
		cmocka_unit_test(test_heartbeat_clock),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_heartbeat_tables),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_encode_into_too_little),
		cmocka_unit_test(test_every_byte_means_something),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_records_max),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
