// SPDX-License-Identifier: GPL-2.0
/* A backup whose socket overflows: it hears one heartbeat in four. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/loop.h"
#include "ignored.h"
#include "member/member.h"

#define HEARTBEAT_NS	(100 * NSEC_PER_MSEC)
#define DEAD_NS		(325 * NSEC_PER_MSEC)	/* 3 of them, and the slack */
#define START_NS	(1000 * NSEC_PER_SEC)
#define STEP_NS		(5 * NSEC_PER_MSEC)

static struct member m;
static uint64_t now_ns, rng;

static int setup(void **state)
{
	const struct member_params params = {
		.self = 2, .priority = 90, .heartbeat_ns = HEARTBEAT_NS, .dead_after = 3,
	};

	(void)state;
	now_ns = START_NS;
	rng = 88172645463325252ULL;
	member_start(&m, &params, &ignored_actions, now_ns, 0, true);
	return 0;
}

static void hear_owner(void)
{
	const struct member_report owner = {
		.state = MEMBER_OWNER, .epoch = 1, .priority = 100, .score = MEMBER_SCORE_MAX,
		.owner = 1, .in_sync = true,
	};

	member_heard(&m, now_ns, 1, &owner);
}

/* The owner speaks, the backup hears one in @one_of, 0: never.  Returns how long
 * it stayed backup or initialize, at most @ms.
 */
static uint64_t run(uint64_t ms, unsigned int one_of, bool deaf)
{
	uint64_t begin_ns = now_ns, beat_ns = now_ns, tick_ns = now_ns;

	while (now_ns - begin_ns < ms * NSEC_PER_MSEC && m.state != MEMBER_OWNER) {
		now_ns += STEP_NS;
		if (now_ns >= beat_ns) {
			beat_ns += HEARTBEAT_NS;
			rng ^= rng << 13;
			rng ^= rng >> 7;
			rng ^= rng << 17;
			if (one_of && !(rng % one_of))
				hear_owner();
		}
		if (now_ns >= tick_ns) {
			if (deaf)
				member_set_deaf(&m, now_ns);
			tick_ns = member_tick(&m, now_ns);
			assert_true(tick_ns > now_ns);
			assert_true(tick_ns <= now_ns + HEARTBEAT_NS);
		}
	}
	return now_ns - begin_ns;
}

static void follow(void)
{
	hear_owner();
	run(1000, 1, false);
	assert_int_equal(m.state, MEMBER_BACKUP);
	assert_int_equal(m.owner, 1);
}

/* What the patience is for: without it the living owner is taken for dead. */
static void test_deaf_not_told(void **state)
{
	(void)state;
	follow();
	assert_true(run(60000, 4, false) < 5 * NSEC_PER_SEC);
	assert_int_equal(m.state, MEMBER_OWNER);
}

static void test_deaf(void **state)
{
	(void)state;
	follow();
	run(60000, 4, true);
	assert_int_equal(m.state, MEMBER_BACKUP);
	assert_int_equal(m.owner, 1);
}

static void test_death_under_flood(void **state)
{
	uint64_t took_ns;

	(void)state;
	follow();
	took_ns = run(60000, 0, true);
	assert_int_equal(m.state, MEMBER_OWNER);
	assert_true(took_ns > 5 * DEAD_NS);
	assert_true(took_ns <= 11 * DEAD_NS);
}

/* The flood ends: everybody has the usual time to be heard, and no more. */
static void test_flood_ends(void **state)
{
	(void)state;
	follow();
	run(2000, 0, true);
	assert_int_equal(m.state, MEMBER_BACKUP);
	hear_owner();
	run(2000, 1, false);
	assert_int_equal(m.state, MEMBER_BACKUP);
	run(2000, 0, true);
	assert_int_equal(m.state, MEMBER_BACKUP);
	assert_true(run(60000, 0, false) <= 2 * DEAD_NS);
	assert_int_equal(m.state, MEMBER_OWNER);
}

/* One that starts under the flood must not miss the owner that is there. */
static void test_start_under_flood(void **state)
{
	(void)state;
	run(2500, 0, true);
	assert_int_equal(m.state, MEMBER_INITIALIZE);
	hear_owner();
	assert_int_equal(m.state, MEMBER_BACKUP);
	setup(state);
	assert_true(run(60000, 0, true) <= 12 * DEAD_NS);
	assert_int_equal(m.state, MEMBER_OWNER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_deaf_not_told, setup),
		cmocka_unit_test_setup(test_deaf, setup),
		cmocka_unit_test_setup(test_death_under_flood, setup),
		cmocka_unit_test_setup(test_flood_ends, setup),
		cmocka_unit_test_setup(test_start_under_flood, setup),
	};

	return cmocka_run_group_tests_name("deaf", tests, NULL, NULL);
}
