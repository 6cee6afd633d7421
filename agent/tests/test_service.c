// SPDX-License-Identifier: GPL-2.0
/* What an owner that hears nobody has served, and until when that is evidence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/loop.h"
#include "ignored.h"
#include "member/health.h"

#define HEARTBEAT_NS	(100 * NSEC_PER_MSEC)
#define START_NS	(1000 * NSEC_PER_SEC)
#define OTHER		1
#define SELF		2

static struct member m;
static struct peers peers;
static struct health health;
static uint64_t now_ns, frames;

static uint64_t received(void *arg)
{
	(void)arg;
	return frames;
}

static int setup(void **state)
{
	const struct member_params params = {
		.self = SELF, .priority = 90, .heartbeat_ns = HEARTBEAT_NS, .dead_after = 3,
	};

	(void)state;
	now_ns = START_NS;
	frames = 1;
	member_start(&m, &params, &ignored_actions, now_ns, 0, true);
	m.state = MEMBER_OWNER;
	peers = (struct peers) { .count = 1, .peer[0].id = OTHER };
	health = (struct health) { .ops.received = received, .member = &m, .peers = &peers };
	return 0;
}

/* The virtual routers have received frames all the while, or none. */
static void pass(unsigned int ms, bool serves)
{
	uint64_t end_ns = now_ns + ms * NSEC_PER_MSEC;

	while (now_ns < end_ns) {
		now_ns += HEARTBEAT_NS;
		frames += serves;
		health_check_service(&health, now_ns);
	}
}

static void is_alive(bool alive)
{
	m.peer[OTHER].alive = alive;
	m.peer[OTHER].since_ns = now_ns;
}

static void says(enum member_state what, uint8_t owner)
{
	m.peer[OTHER].report.state = what;
	m.peer[OTHER].report.owner = owner;
	m.contested = what == MEMBER_OWNER;
}

static void test_alone(void **state)
{
	(void)state;
	pass(4000, true);
	assert_in_range(m.service_ms, 3000, 4000);
	pass(4000, false);
	assert_in_range(m.service_ms, 3000, 4000);
}

/* A rival is heard, and lost again before it could yield. */
static void test_rival_is_lost(void **state)
{
	(void)state;
	pass(4000, true);
	says(MEMBER_OWNER, OTHER);
	is_alive(true);
	pass(100, false);
	assert_in_range(m.service_ms, 3000, 4000);
	is_alive(false);
	m.contested = false;
	pass(1000, false);
	assert_in_range(m.service_ms, 3000, 4000);
}

/* It yields within a heartbeat or a few: what follows is another split, in which it
 * counts who serves then.
 */
static void test_rival_yields(void **state)
{
	unsigned int looks;

	for (looks = 0; looks < 4; looks++) {
		setup(state);
		pass(4000, true);
		says(MEMBER_OWNER, OTHER);
		is_alive(true);
		pass(looks * 100, false);
		assert_in_range(m.service_ms, 3000, 4000);
		says(MEMBER_BACKUP, SELF);
		pass(100, false);
		assert_int_equal(m.service_ms, 0);
		is_alive(false);
		pass(1000, false);
		assert_int_equal(m.service_ms, 0);
		pass(2000, true);
		assert_in_range(m.service_ms, 1000, 2000);
	}
}

/* One that follows nobody yet may still be a rival, or hear one: for a time. */
static void test_undecided(void **state)
{
	(void)state;
	pass(4000, true);
	says(MEMBER_INITIALIZE, 0);
	is_alive(true);
	pass(300, false);
	assert_in_range(m.service_ms, 3000, 4000);
	pass(1000, false);
	assert_int_equal(m.service_ms, 0);

	/* Who did not own then may own now. */
	setup(state);
	pass(4000, true);
	says(MEMBER_INITIALIZE, 0);
	is_alive(true);
	pass(300, false);
	is_alive(false);
	pass(100, false);
	assert_int_equal(m.service_ms, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_alone, setup),
		cmocka_unit_test_setup(test_rival_is_lost, setup),
		cmocka_unit_test_setup(test_rival_yields, setup),
		cmocka_unit_test_setup(test_undecided, setup),
	};

	return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
