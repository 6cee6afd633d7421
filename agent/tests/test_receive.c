// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pattern.h"
#include "stream/receive.h"

#define REORDER	64

static struct receive *receive;
static uint64_t now, expected, lost;

static void on_deliver(void *arg, const struct frame_data *data)
{
	uint8_t want[RECORDS_MAX];

	(void)arg;
	assert_int_equal(data->seq, expected);
	assert_int_equal(data->len, content(data->seq, want));
	assert_memory_equal(data->records, want, data->len);
	expected++;
}

static void on_lost(void *arg, uint64_t first, uint64_t next)
{
	(void)arg;
	assert_int_equal(first, expected);
	assert_true(next > first);
	lost += next - first;
	expected = next;
}

static int setup(void **state)
{
	const struct frame_stream stream = { .member = SENDER, .boot_id = 1 };
	const struct receive_callbacks cb = { on_deliver, on_lost, NULL };

	(void)state;
	now = 1000 * MS;
	expected = 1;
	lost = 0;
	receive = receive_alloc(REORDER, RECORDS_MAX, 8116, &cb);
	assert_non_null(receive);
	receive_start(receive, &stream, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	receive_free(receive);
	return 0;
}

static void give(struct receive *r, uint64_t at, uint64_t seq)
{
	uint8_t buf[RECORDS_MAX];
	struct frame_data data = { .seq = seq, .set = 2, .kind = FRAME_DATA_RECORDS,
				   .records = buf };

	data.len = content(seq, buf);
	receive_data(r, at, &data);
}

static void test_nack_timing(void **state)
{
	struct receive *r = receive;
	uint64_t wait = RECEIVE_AGAIN_NS;
	struct frame f;

	(void)state;
	give(r, now, 1);
	give(r, now, 3);
	give(r, now, 4);
	give(r, now, 7);
	assert_int_equal(receive_held(r), 3);
	assert_int_equal(receive_missing_since(r), now);
	assert_true(receive_due(r) >= now + RECEIVE_NACK_NS);
	assert_true(receive_due(r) < now + 2 * RECEIVE_NACK_NS);
	assert_false(receive_poll(r, now + RECEIVE_NACK_NS - 1, &f));

	for (int i = 0; i < 8; i++) {
		now = receive_due(r);
		assert_false(receive_poll(r, now - 1, &f));
		assert_true(receive_poll(r, now, &f));
		assert_int_equal(f.head.type, FRAME_NACK);
		assert_int_equal(f.nack.stream.boot_id, 1);
		assert_int_equal(f.nack.ack, 1);
		assert_int_equal(f.nack.ranges, 2);
		assert_int_equal(f.nack.range[0].first, 2);
		assert_int_equal(f.nack.range[0].count, 1);
		assert_int_equal(f.nack.range[1].first, 5);
		assert_int_equal(f.nack.range[1].count, 2);
		assert_true(receive_due(r) >= now + wait);
		assert_true(receive_due(r) <= now + wait + wait / 4);
		wait = wait * 2 < RECEIVE_AGAIN_MAX_NS ? wait * 2 : RECEIVE_AGAIN_MAX_NS;
	}
	give(r, now, 2);
	assert_int_equal(expected, 5);
	/* The next hole was in the same NACK: its answer gets time. */
	assert_true(receive_due(r) >= now + RECEIVE_AGAIN_NS);
	assert_true(receive_due(r) <= now + RECEIVE_AGAIN_NS + RECEIVE_AGAIN_NS / 4);
	give(r, now, 6);
	give(r, now, 5);
	assert_int_equal(expected, 8);
	assert_int_equal(receive_missing_since(r), 0);
	assert_int_equal(receive_held(r), 0);
}

/* Frames that a NACK asks for. */
static uint64_t wanted(const struct frame_nack *nack)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < nack->ranges; i++)
		n += nack->range[i].count;
	return n;
}

/* A link that loses whatever is large, and a sender that soon has it no more: few are
 * asked for, until one comes.
 */
static void test_nothing_gets_through(void **state)
{
	struct receive *r = receive;
	uint64_t last = 1000, asked = 0;
	struct frame f;
	unsigned int i;

	(void)state;
	receive_heartbeat(r, now, last);
	for (i = 0; i < RECEIVE_FRUITLESS; i++) {
		now = receive_due(r);
		assert_true(receive_poll(r, now, &f));
		assert_int_equal(wanted(&f.nack), 64);	/* all that it could hold */
	}
	for (i = 0; i < 100; i++) {
		now = receive_due(r);
		assert_true(receive_poll(r, now, &f));
		if (f.head.type == FRAME_NACK) {
			asked += wanted(&f.nack);
			last += 50;
			receive_heartbeat(r, now, last);
			receive_gone(r, now + 1, last - 500);
		}
	}
	assert_in_range(asked, RECEIVE_PROBE_FRAMES, 100 * RECEIVE_PROBE_FRAMES);
	assert_true(now >= 40 * RECEIVE_AGAIN_MAX_NS);

	give(r, now, expected);
	do {
		now = receive_due(r);
		assert_true(receive_poll(r, now, &f));
	} while (f.head.type != FRAME_NACK);
	assert_int_equal(wanted(&f.nack), 64);
}

/* A hole that may be a reordering yet is not in the NACK of an older one. */
static void test_nack_leaves_fresh_holes(void **state)
{
	struct receive *r = receive;
	uint64_t due;
	struct frame f;

	(void)state;
	give(r, now, 2);
	due = receive_due(r);
	give(r, due - RECEIVE_NACK_NS + 1, 4);
	assert_int_equal(receive_due(r), due);
	assert_true(receive_poll(r, due, &f));
	assert_int_equal(f.nack.ranges, 1);
	assert_int_equal(f.nack.range[0].first, 1);
	give(r, due, 1);
	assert_true(receive_due(r) >= due + 1);
	assert_true(receive_due(r) <= due + 1 + RECEIVE_NACK_NS);
	due = receive_due(r);
	assert_true(receive_poll(r, due, &f));
	assert_int_equal(f.head.type, FRAME_NACK);
	assert_int_equal(f.nack.range[0].first, 3);
}

static void test_ack_timing(void **state)
{
	struct receive *r = receive;
	struct frame f;

	(void)state;
	assert_int_equal(receive_due(r), 0);
	for (uint64_t seq = 1; seq < RECEIVE_ACK_FRAMES; seq++)
		give(r, now, seq);
	assert_false(receive_poll(r, now, &f));
	give(r, now, RECEIVE_ACK_FRAMES);
	assert_true(receive_poll(r, now, &f));
	assert_int_equal(f.head.type, FRAME_ACK);
	assert_int_equal(f.ack.ack, RECEIVE_ACK_FRAMES);
	assert_false(receive_poll(r, now + MS * 1000, &f));

	give(r, now, RECEIVE_ACK_FRAMES + 1);
	assert_int_equal(receive_due(r), now + RECEIVE_ACK_NS);
	assert_false(receive_poll(r, now + RECEIVE_ACK_NS - 1, &f));
	assert_true(receive_poll(r, now + RECEIVE_ACK_NS, &f));
	assert_int_equal(f.ack.ack, RECEIVE_ACK_FRAMES + 1);
}

static void test_receive_bounds(void **state)
{
	const struct frame_stream stream = { .member = SENDER, .boot_id = 2 };
	struct receive *r = receive;
	struct frame f;

	(void)state;
	/* Only what fits is kept, the rest is asked for as the window moves. */
	for (uint64_t seq = 2; seq < 5 * REORDER; seq++)
		give(r, now, seq);
	assert_int_equal(receive_held(r), REORDER - 1);
	assert_int_equal(receive_highest(r), 5 * REORDER - 1);
	assert_int_equal(receive_stats(r)->beyond, 4 * REORDER - 1);
	give(r, now, 1);
	while (receive_rest(r, now))
		;
	assert_int_equal(expected, REORDER + 1);
	assert_true(receive_poll(r, now, &f));
	assert_int_equal(f.head.type, FRAME_ACK);
	assert_true(receive_poll(r, receive_due(r), &f));
	assert_int_equal(f.nack.ranges, 1);
	assert_int_equal(f.nack.range[0].first, REORDER + 1);
	assert_int_equal(f.nack.range[0].count, REORDER);

	/* A number from nowhere costs one bounded NACK. */
	give(r, now, FRAME_SEQ_MAX);
	assert_int_equal(receive_held(r), 0);
	give(r, now, 0);
	give(r, now, FRAME_SEQ_MAX + 1);
	receive_heartbeat(r, now, UINT64_MAX);
	receive_gone(r, now, UINT64_MAX);
	assert_int_equal(receive_stats(r)->bad, 4);
	assert_int_equal(receive_ack(r), REORDER);

	receive_stop(r);
	give(r, now, REORDER + 1);
	assert_int_equal(expected, REORDER + 1);
	assert_int_equal(receive_due(r), 0);
	assert_false(receive_poll(r, now + 1000 * MS, &f));

	/* A new session starts where the sender is, and forgets all else. */
	receive_start(r, &stream, 1000);
	expected = 1001;
	give(r, now, 1002);
	receive_start(r, &stream, 2000);
	expected = 2001;
	assert_int_equal(receive_held(r), 0);
	give(r, now, 1002);
	give(r, now, 2001);
	assert_int_equal(expected, 2002);
	assert_int_equal(receive_stats(r)->duplicates, 1);
	receive_heartbeat(r, now, 5);
	assert_int_equal(receive_missing_since(r), 0);

	/* Also when it starts over with small numbers. */
	receive_start(r, &stream, 0);
	expected = 1;
	now += 1000 * MS;
	give(r, now, 2);
	assert_true(receive_due(r) >= now + RECEIVE_NACK_NS);
}

/* The last frames are lost and nothing comes behind them: what names the last
 * one (a heartbeat, PREPARE, RESIGN) has them asked for at once.
 */
static void test_last_frames_lost(void **state)
{
	struct receive *r = receive;
	struct frame f;

	(void)state;
	give(r, now, 1);
	assert_int_equal(receive_missing_since(r), 0);
	receive_heartbeat(r, now, 3);
	assert_int_equal(receive_highest(r), 3);
	assert_in_range(receive_due(r), now + RECEIVE_NACK_NS, now + 2 * RECEIVE_NACK_NS);
	now = receive_due(r);
	assert_true(receive_poll(r, now, &f));
	assert_int_equal(f.head.type, FRAME_NACK);
	assert_int_equal(f.nack.ranges, 1);
	assert_int_equal(f.nack.range[0].first, 2);
	assert_int_equal(f.nack.range[0].count, 2);
	/* Said again, and said of what is here: no other NACK for it. */
	receive_heartbeat(r, now, 3);
	receive_heartbeat(r, now, 1);
	assert_true(receive_due(r) > now);
	give(r, now, 2);
	give(r, now, 3);
	assert_int_equal(receive_missing_since(r), 0);
	assert_int_equal(expected, 4);
}

static void test_gone_in_the_middle(void **state)
{
	struct receive *r = receive;

	(void)state;
	give(r, now, 3);
	give(r, now, 10);
	give(r, now, 11);
	receive_gone(r, now, 1);
	assert_int_equal(lost, 0);
	receive_gone(r, now, 10);
	assert_int_equal(lost, 9);
	assert_int_equal(expected, 12);
	assert_int_equal(receive_held(r), 0);
	assert_int_equal(receive_missing_since(r), 0);
	receive_gone(r, now, 10);
	assert_int_equal(lost, 9);
	/* Past what was known to exist. */
	receive_gone(r, now, 100);
	assert_int_equal(receive_highest(r), 99);
	give(r, now, 100);
	assert_int_equal(expected, 101);
}

/* A hole that is filled at last: what waited behind it is delivered in parts. */
static void test_rest_in_parts(void **state)
{
	struct receive *r = receive;
	struct frame f;
	uint64_t seq;

	(void)state;
	for (seq = 2; seq < REORDER - 5; seq++)
		give(r, now, seq);
	give(r, now, REORDER);
	give(r, now, 1);
	assert_int_equal(expected, 2 + RECEIVE_BURST);
	assert_true(receive_due(r) <= now);
	assert_int_equal(receive_missing_since(r), 0);
	/* The next one again, while it waits: once. */
	give(r, now, expected);
	assert_int_equal(receive_stats(r)->duplicates, 1);
	assert_int_equal(expected, 2 + RECEIVE_BURST);
	assert_true(receive_rest(r, now));
	assert_int_equal(expected, REORDER - 5);
	assert_int_equal(receive_held(r), 1);
	/* Now there is a hole again. */
	assert_false(receive_rest(r, now));
	assert_int_equal(receive_missing_since(r), now);
	assert_true(receive_poll(r, now, &f));
	assert_int_equal(f.head.type, FRAME_ACK);
	assert_true(receive_due(r) > now);
}

/* What is gone is no longer sent again; what came of it and waits is no loss. */
static void test_gone_while_some_wait(void **state)
{
	struct receive *r = receive;
	uint64_t seq;

	(void)state;
	for (seq = 2; seq < 50; seq++)
		give(r, now, seq);
	give(r, now, 1);
	assert_int_equal(expected, 2 + RECEIVE_BURST);
	/* Nor is more delivered at once for that. */
	receive_gone(r, now, 60);
	receive_gone(r, now, 40);
	assert_int_equal(lost, 0);
	assert_int_equal(expected, 2 + RECEIVE_BURST);
	assert_true(receive_rest(r, now));
	assert_int_equal(lost, 10);
	assert_int_equal(expected, 60);
	assert_int_equal(receive_held(r), 0);
	assert_false(receive_rest(r, now));
	give(r, now, 60);
	assert_int_equal(expected, 61);
}

int main(void)
{
#define RECEIVE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		RECEIVE(test_nack_timing),
		RECEIVE(test_nothing_gets_through),
		RECEIVE(test_nack_leaves_fresh_holes),
		RECEIVE(test_ack_timing),
		RECEIVE(test_rest_in_parts),
		RECEIVE(test_gone_while_some_wait),
		RECEIVE(test_receive_bounds),
		RECEIVE(test_last_frames_lost),
		RECEIVE(test_gone_in_the_middle),
	};

	return cmocka_run_group_tests_name("receive", tests, NULL, NULL);
}
