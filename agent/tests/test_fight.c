// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "vrouter/fight.h"

#define START_NS	(1000 * NSEC_PER_SEC)

/* What is taken once is back at once, and so is what is taken once a minute. */
static void test_accident(void **state)
{
	struct fight fight = { .next = 0 };
	uint64_t now_ns = START_NS;
	unsigned int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		assert_true(fight_due_ns(&fight, now_ns) <= now_ns);
		assert_false(fight_mended(&fight, now_ns));
		assert_false(fight_is_on(&fight, now_ns));
		now_ns += 60 * NSEC_PER_SEC;
	}
}

/* Each mending of a fight waits longer, and never so long that a second passes. */
static void test_pace(void **state)
{
	uint64_t now_ns = START_NS, due_ns, last_ns = 0;
	struct fight fight = { .next = 0 };
	unsigned int i, mendings = 0;

	(void)state;
	for (i = 0; i < 10; i++) {
		due_ns = fight_due_ns(&fight, now_ns);
		if (due_ns < now_ns)
			due_ns = now_ns;
		assert_true(due_ns - now_ns >= last_ns || due_ns - now_ns > 500 * NSEC_PER_MSEC);
		assert_true(due_ns - now_ns <= FIGHT_MOST_NS);
		last_ns = due_ns - now_ns;
		now_ns = due_ns;
		fight_mended(&fight, now_ns);
	}
	/* A minute of it, each taken away at once */
	for (due_ns = now_ns + 60 * NSEC_PER_SEC; now_ns < due_ns; mendings++) {
		now_ns = fight_due_ns(&fight, now_ns);
		fight_mended(&fight, now_ns);
	}
	assert_in_range(mendings, 60, 120);
}

/* Once a second is a fight, said once, and who is in one is not trusted for a while:
 * longer after the second one.
 */
static void test_fight(void **state)
{
	uint64_t now_ns = START_NS, first_ns;
	struct fight fight = { .next = 0 };
	unsigned int i, said = 0;

	(void)state;
	for (i = 0; i < 30; i++) {
		assert_true(fight_due_ns(&fight, now_ns) <= now_ns);
		said += fight_mended(&fight, now_ns);
		assert_int_equal(fight_is_on(&fight, now_ns), i + 1 >= FIGHT_MENDINGS);
		now_ns += NSEC_PER_SEC;
	}
	assert_int_equal(said, 1);
	first_ns = fight.until_ns - now_ns;
	assert_true(fight_is_on(&fight, now_ns + first_ns - 1));
	now_ns += first_ns;
	assert_false(fight_is_on(&fight, now_ns));

	for (i = 0; i < FIGHT_MENDINGS; i++) {
		said += fight_mended(&fight, now_ns);
		now_ns += NSEC_PER_SEC;
	}
	assert_int_equal(said, 2);
	assert_true(fight.until_ns - now_ns > first_ns + first_ns / 2);
	/* Bounded */
	for (i = 0; i < 1000; i++) {
		now_ns = fight.until_ns;
		while (!fight_mended(&fight, now_ns))
			now_ns += NSEC_PER_SEC;
		assert_true(fight.until_ns - now_ns <= FIGHT_HOLD_MOST_NS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accident),
		cmocka_unit_test(test_pace),
		cmocka_unit_test(test_fight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
