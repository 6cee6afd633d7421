// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pattern.h"
#include "stream/transmit.h"

#define RING	256

/* A stream that member 2 hears. */
static struct transmit *joined(uint32_t frames)
{
	struct transmit *t = transmit_alloc(frames, RECORDS_MAX);

	assert_non_null(t);
	transmit_join(t, 2);
	return t;
}

static void test_transmit_limits(void **state)
{
	struct frame_data data = { .set = 2, .kind = FRAME_DATA_RECORDS, .records = "x",
				   .len = RECORDS_MAX + 1 };
	struct transmit *t = transmit_alloc(RING, RECORDS_MAX);
	uint64_t now = 1000 * MS, seq;
	struct frame f;

	(void)state;
	assert_non_null(t);
	for (uint8_t member = 2; member <= 4; member++) {
		transmit_join(t, member);
		transmit_wait(t, now, member, true);
	}
	assert_null(transmit_alloc(TRANSMIT_RESERVE, 1));
	assert_null(transmit_alloc(RING, 0));
	assert_null(transmit_alloc(RING, FRAME_RECORDS_MAX + 1));
	assert_int_equal(transmit_push(t, &data, NULL), -EMSGSIZE);
	data.len = 0;
	assert_int_equal(transmit_push(t, &data, NULL), -EINVAL);

	for (uint64_t i = 1; i <= RING; i++) {
		assert_int_equal(transmit_room(t), RING - i + 1);
		assert_int_equal(push(t, &seq), 0);
		assert_int_equal(seq, i);
	}
	assert_int_equal(push(t, &seq), -ENOBUFS);
	assert_int_equal(transmit_last(t), 0);
	/* Sent is not enough, acked by all is. */
	while (transmit_next(t, now, &f))
		transmit_sent(t, now, &f);
	assert_int_equal(transmit_room(t), 0);
	transmit_ack(t, now, 2, RING);
	transmit_ack(t, now, 3, RING);
	transmit_ack(t, now, 4, 1);
	assert_int_equal(transmit_room(t), 1);
	assert_false(transmit_resume(t));
	transmit_ack(t, now, 4, RING + 1);
	assert_int_equal(transmit_stats(t)->bad_acks, 1);
	assert_int_equal(transmit_room(t), 1);
	transmit_ack(t, now, 4, RING / 2);
	assert_true(transmit_resume(t));
	assert_false(transmit_resume(t));
	transmit_ack(t, now, 4, 1);
	assert_int_equal(transmit_acked(t, 4), RING / 2);
	transmit_leave(t, 4);
	assert_int_equal(transmit_room(t), RING);
	transmit_free(t);
}

/* What no longer fits a member's link would be asked for and lost again for ever. */
static void test_smaller_limit(void **state)
{
	uint8_t records[RECORDS_MAX] = { 0 };
	struct frame_data large = { .set = 2, .kind = FRAME_DATA_RECORDS, .records = records,
				    .len = sizeof(records) };
	struct frame_nack nack = { .ack = 0, .ranges = 1, .range = { { .first = 1, .count = 4 } } };
	struct transmit *t = joined(RING);
	uint64_t now = 1000 * MS;
	struct frame f;
	unsigned int i;

	(void)state;
	transmit_wait(t, now, 2, true);
	assert_int_equal(push(t, NULL), 0);
	assert_int_equal(transmit_push(t, &large, NULL), 0);
	assert_int_equal(push(t, NULL), 0);
	transmit_limit(t, sizeof(records) - 1);
	assert_int_equal(transmit_push(t, &large, NULL), 0);
	/* All are sent: there may be another link. */
	for (i = 1; i <= 4; i++) {
		assert_true(transmit_next(t, now, &f));
		assert_int_equal(f.head.type, FRAME_DATA);
		assert_int_equal(f.data.seq, i);
		transmit_sent(t, now, &f);
	}
	/* A member that lost the last ones: again, but not for ever. */
	nack.range[0].count = 2;
	for (i = 0; i < TRANSMIT_TRIES; i++, now += TRANSMIT_HOLD_NS) {
		transmit_nack(t, now, 2, &nack);
		assert_true(transmit_next(t, now, &f));
		assert_int_equal(f.data.seq, 1);
		transmit_sent(t, now, &f);
		assert_true(transmit_next(t, now, &f));
		assert_int_equal(f.data.seq, 2);
		transmit_sent(t, now, &f);
		assert_false(transmit_next(t, now, &f));
	}
	transmit_nack(t, now, 2, &nack);
	assert_int_equal(transmit_oldest(t), 3);
	assert_true(transmit_next(t, now, &f));
	assert_int_equal(f.head.type, FRAME_GONE);
	assert_int_equal(f.gone.next, 3);
	transmit_sent(t, now, &f);
	/* The first one had been asked for, too, and is gone with it. */
	assert_false(transmit_next(t, now, &f));
	assert_int_equal(transmit_due(t, now), 0);
	/* Ranges that are in no order do not bring it back. */
	nack.ranges = 2;
	nack.range[0] = (struct frame_range) { 3, 1 };
	nack.range[1] = (struct frame_range) { 1, 2 };
	transmit_nack(t, now, 2, &nack);
	assert_int_equal(transmit_oldest(t), 3);
	assert_true(transmit_next(t, now, &f));
	assert_int_equal(f.data.seq, 3);
	transmit_sent(t, now, &f);
	/* What fits is sent as often as it is asked for, and so is all when it fits again. */
	transmit_limit(t, sizeof(records));
	nack.ranges = 1;
	nack.range[0] = (struct frame_range) { 3, 2 };
	for (i = 0; i < 3 * TRANSMIT_TRIES; i++) {
		now += TRANSMIT_HOLD_NS;
		transmit_nack(t, now, 2, &nack);
		while (transmit_next(t, now, &f))
			transmit_sent(t, now, &f);
	}
	assert_int_equal(transmit_oldest(t), 3);
	assert_int_equal(transmit_stats(t)->gone, 2);
	transmit_ack(t, now, 2, 4);
	assert_int_equal(transmit_room(t), RING);
	assert_int_equal(transmit_stats(t)->bad_acks, 0);
	transmit_free(t);
}

/* NACKs for everything, all the time: retransmits stay within their rate. */
static void test_retransmit_rate(void **state)
{
	struct frame_nack nack = { .stream = { SENDER, 1 }, .ranges = 1 };
	struct transmit *t = joined(8192);
	uint64_t now = 1000 * MS;
	struct frame f;

	(void)state;
	while (transmit_room(t))
		assert_int_equal(push(t, NULL), 0);
	while (transmit_next(t, now, &f))
		transmit_sent(t, now, &f);
	nack.range[0] = (struct frame_range) { 1, 0xffffffff };
	for (unsigned int ms = 0; ms < 100; ms++, now += MS) {
		transmit_nack(t, now, 2, &nack);
		while (transmit_next(t, now, &f))
			transmit_sent(t, now, &f);
		assert_true(transmit_due(t, now) > now);
	}
	assert_true(transmit_stats(t)->again <=
		    TRANSMIT_AGAIN_BURST + TRANSMIT_AGAIN_RATE / 10 + 1);
	assert_true(transmit_stats(t)->again >= TRANSMIT_AGAIN_RATE / 10);

	/* Asked for by many within a moment, sent once. */
	for (; transmit_due(t, now); now += MS)
		while (transmit_next(t, now, &f))
			transmit_sent(t, now, &f);
	now += 1000 * MS;
	nack.range[0] = (struct frame_range) { 5, 1 };
	for (unsigned int i = 0; i < 10; i++) {
		uint64_t again = transmit_stats(t)->again;

		transmit_nack(t, now + i * TRANSMIT_HOLD_NS / 10, 2, &nack);
		while (transmit_next(t, now + i * TRANSMIT_HOLD_NS / 10, &f)) {
			assert_int_equal(f.data.seq, 5);
			transmit_sent(t, now + i * TRANSMIT_HOLD_NS / 10, &f);
		}
		assert_int_equal(transmit_stats(t)->again, again + (i == 0));
	}
	/* By a clock that is a moment behind as well. */
	transmit_nack(t, now - MS, 2, &nack);
	assert_false(transmit_next(t, now + MS, &f));
	transmit_free(t);
}

/* A thousand frames a second for @seconds, of which member 2 acks each within 10 ms and
 * member 3 one in @step_ms.  Return: the longest time in ms in which nothing could be
 * pushed; @waited: for whom at the end.
 */
static uint64_t run_slow(struct transmit *t, unsigned int seconds, unsigned int step_ms,
			 uint64_t good, uint64_t *waited)
{
	uint64_t now = 1000 * MS, blocked = 0, longest = 0, acked3 = 0;
	struct frame f;

	for (unsigned int ms = 0; ms < seconds * 1000; ms++, now += MS) {
		bool room = !transmit_full(t) && !push(t, NULL);

		blocked = room ? 0 : blocked + 1;
		longest = blocked > longest ? blocked : longest;
		while (transmit_next(t, now, &f))
			transmit_sent(t, now, &f);
		if (ms % 10 == 0)
			transmit_ack(t, now, 2, transmit_last(t));
		if (ms % step_ms == 0 && acked3 < transmit_last(t))
			transmit_ack(t, now, 3, ++acked3);
		transmit_resume(t);
		if (ms % 100 == 0) {
			transmit_behind(t, now, 100 * MS);
			transmit_slow(t, now, good);
		}
	}
	*waited = transmit_waited(t);
	return longest;
}

/* One weak backup is no veto: not for one that acks a frame each 1.9 s, not for one that
 * acks ten a second; but while nobody else has the state it is waited for.
 */
static void test_slow_one(void **state)
{
	static const unsigned int step_ms[] = { 1900, 100, 20 };
	uint64_t waited;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct transmit *t = joined(1024);

		transmit_join(t, 3);
		transmit_wait(t, 1000 * MS, 2, true);
		transmit_wait(t, 1000 * MS, 3, true);
		assert_in_range(run_slow(t, 60, step_ms[i], 1 << 2, &waited), 0, 2500);
		assert_int_equal(waited, 1 << 2);
		/* It hears the rest as steps, or that they are gone. */
		assert_true(transmit_stats(t)->frames > 55000);
		transmit_free(t);

		t = joined(1024);
		transmit_join(t, 3);
		transmit_wait(t, 1000 * MS, 2, true);
		transmit_wait(t, 1000 * MS, 3, true);
		run_slow(t, 20, step_ms[i], 1 << 3, &waited);
		assert_int_equal(waited, 1 << 2 | 1 << 3);
		transmit_free(t);
	}
}

/* Who was stopped himself gives nobody up before he has read the acks that wait. */
static void test_stopped_sender(void **state)
{
	struct transmit *t = joined(RING);
	uint64_t now = 1000 * MS;
	struct frame f;

	(void)state;
	transmit_wait(t, now, 2, true);
	assert_int_equal(transmit_behind(t, now, 100 * MS), 0);
	assert_int_equal(push(t, NULL), 0);
	while (transmit_next(t, now, &f))
		transmit_sent(t, now, &f);

	now += 5000 * MS;
	assert_int_equal(transmit_behind(t, now, 100 * MS), 0);
	for (uint64_t end = now + TRANSMIT_BEHIND_NS - 100 * MS; now < end; now += 100 * MS)
		assert_int_equal(transmit_behind(t, now, 100 * MS), 0);
	/* But one that says nothing from then on. */
	assert_int_equal(transmit_behind(t, now + 100 * MS, 100 * MS), 1 << 2);
	transmit_free(t);
}

/* The looks of a group whose heartbeats are far apart are no pauses. */
static void test_slow_looks(void **state)
{
	struct transmit *t = joined(RING);
	uint64_t now = 1000 * MS, looks = 0;
	struct frame f;

	(void)state;
	transmit_wait(t, now, 2, true);
	assert_int_equal(transmit_behind(t, now, 1000 * MS), 0);
	assert_int_equal(push(t, NULL), 0);
	while (transmit_next(t, now, &f))
		transmit_sent(t, now, &f);
	do {
		now += 1000 * MS;
		assert_true(++looks <= 3);
	} while (!transmit_behind(t, now, 1000 * MS));
	transmit_free(t);
}

/* Asked for, then overwritten before it was sent again: its place is free for
 * the frame that is there now.
 */
static void test_overwritten_while_queued(void **state)
{
	struct frame_nack nack = { .stream = { SENDER, 1 }, .ranges = 1 };
	struct transmit *t = joined(32);
	uint64_t now = 1000 * MS;
	struct frame f;

	(void)state;
	while (transmit_pushed(t) < 32)
		assert_int_equal(push(t, NULL), 0);
	while (transmit_next(t, now, &f))
		transmit_sent(t, now, &f);
	nack.range[0] = (struct frame_range) { 1, 32 };
	transmit_nack(t, now, 2, &nack);
	while (transmit_pushed(t) < 64)
		assert_int_equal(push(t, NULL), 0);
	assert_int_equal(transmit_oldest(t), 33);
	for (uint64_t seq = 33; seq <= 64; seq++) {
		assert_true(transmit_next(t, now, &f));
		assert_int_equal(f.data.seq, seq);
		transmit_sent(t, now, &f);
	}
	assert_false(transmit_next(t, now, &f));
	nack.range[0] = (struct frame_range) { 20, 20 };
	transmit_nack(t, now, 2, &nack);
	assert_true(transmit_next(t, now, &f));
	assert_int_equal(f.head.type, FRAME_GONE);
	assert_int_equal(f.gone.next, 33);
	transmit_sent(t, now, &f);
	for (uint64_t seq = 33; seq < 40; seq++) {
		assert_true(transmit_next(t, now, &f));
		assert_int_equal(f.data.seq, seq);
		transmit_sent(t, now, &f);
	}
	assert_false(transmit_next(t, now, &f));
	transmit_free(t);
}

static void push_and_send(struct transmit *t, uint64_t now, unsigned int frames)
{
	struct frame f;

	while (frames--) {
		assert_int_equal(push(t, NULL), 0);
		assert_true(transmit_next(t, now, &f));
		transmit_sent(t, now, &f);
	}
}

/* A member that comes back from behind the ring does not stop the stream. */
static void test_back_from_behind(void **state)
{
	struct frame_nack nack = { .stream = { SENDER, 1 }, .ranges = 1 };
	struct transmit *t = joined(RING);
	uint64_t now = 1000 * MS;
	struct frame f;

	(void)state;
	transmit_join(t, 3);
	push_and_send(t, now, 2 * RING);
	transmit_wait(t, now, 2, true);
	assert_true(transmit_room(t) >= TRANSMIT_RESERVE + RING / 4);
	assert_false(transmit_full(t));
	assert_true(transmit_acked(t, 2) >= transmit_oldest(t) - 1);
	/* It is waited for with the rest. */
	while (!transmit_full(t))
		push_and_send(t, now, 1);
	assert_false(transmit_resume(t));
	nack.range[0] = (struct frame_range) { 1, 1 };
	transmit_nack(t, now, 2, &nack);
	assert_true(transmit_next(t, now, &f));
	assert_int_equal(f.head.type, FRAME_GONE);
	assert_int_equal(f.gone.next, transmit_oldest(t));
	transmit_sent(t, now, &f);

	/* A full ring goes on as if the one that is back were not there. */
	transmit_ack(t, now, 2, transmit_last(t));
	transmit_wait(t, now, 3, true);
	assert_true(transmit_resume(t));

	/* One that lacks little is waited for from there. */
	transmit_leave(t, 3);
	transmit_join(t, 3);
	push_and_send(t, now, RING / 4);
	transmit_wait(t, now, 3, true);
	assert_int_equal(transmit_acked(t, 3), transmit_last(t) - RING / 4);
	transmit_free(t);
}

/* Frames that were never sent are not taken for acked. */
static void test_wait_without_link(void **state)
{
	struct transmit *t = joined(RING);
	uint64_t now = 1000 * MS;

	(void)state;
	for (unsigned int i = 0; i < RING - TRANSMIT_RESERVE; i++)
		assert_int_equal(push(t, NULL), 0);
	transmit_wait(t, now, 2, true);
	assert_int_equal(transmit_acked(t, 2), 0);
	assert_int_equal(transmit_room(t), TRANSMIT_RESERVE);
	transmit_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transmit_limits),
		cmocka_unit_test(test_smaller_limit),
		cmocka_unit_test(test_retransmit_rate),
		cmocka_unit_test(test_slow_one),
		cmocka_unit_test(test_stopped_sender),
		cmocka_unit_test(test_slow_looks),
		cmocka_unit_test(test_overwritten_while_queued),
		cmocka_unit_test(test_back_from_behind),
		cmocka_unit_test(test_wait_without_link),
	};

	return cmocka_run_group_tests_name("transmit", tests, NULL, NULL);
}
