// SPDX-License-Identifier: GPL-2.0
/* When a look at all is due. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/loop.h"
#include "neigh/resync.h"

#define MS	NSEC_PER_MSEC
#define SOON	(100 * MS)

/* Looks that take @took_ns, each asked for @apart_ns after the last one: how long it waits. */
static uint64_t waits(struct resync *r, bool lost, unsigned int looks, uint64_t took_ns,
		      uint64_t apart_ns)
{
	uint64_t now_ns = NSEC_PER_SEC * 1000, wait_ns = 0;

	while (looks--) {
		now_ns += apart_ns;
		wait_ns = lost ? resync_lost(r, now_ns, SOON) : resync_later(r, now_ns, SOON);
		now_ns += wait_ns;
		assert_true(resync_is_due(r, now_ns));
		assert_false(resync_is_due(r, now_ns - 1));
		resync_begin(r, now_ns);
		now_ns += took_ns;
		resync_end(r, now_ns);
	}
	return wait_ns;
}

/* Routes go one by one, for hours: each time it is found soon. */
static void test_again(void **state)
{
	struct resync r = { 0 };

	(void)state;
	assert_int_equal(waits(&r, false, 100, MS, 500 * MS), SOON);
}

/* A look at many takes its time, and is not all that there is time for. */
static void test_long(void **state)
{
	struct resync r = { 0 };

	(void)state;
	assert_in_range(waits(&r, false, 3, 200 * MS, 10 * MS), 3900 * MS, 4000 * MS);
	/* Long after it the next one need not wait. */
	assert_int_equal(waits(&r, false, 1, 200 * MS, 60 * NSEC_PER_SEC), SOON);
	assert_in_range(waits(&r, false, 3, 5 * NSEC_PER_SEC, 10 * MS), 9900 * MS,
			10 * NSEC_PER_SEC);
}

/* In a flood each look is a reason for the next one. */
static void test_flood(void **state)
{
	struct resync r = { 0 };

	(void)state;
	assert_int_equal(waits(&r, true, 1, MS, 60 * NSEC_PER_SEC), SOON);
	assert_int_equal(waits(&r, true, 20, MS, 0), 10 * NSEC_PER_SEC);
}

/* What is due is not put off by what comes later. */
static void test_due(void **state)
{
	struct resync r = { 0 };

	(void)state;
	assert_int_equal(resync_later(&r, 1000 * MS, SOON), SOON);
	assert_true(resync_lost(&r, 1050 * MS, SOON) == UINT64_MAX);
	assert_true(resync_later(&r, 1050 * MS, SOON) == UINT64_MAX);
	assert_true(resync_is_due(&r, 1100 * MS));
	resync_begin(&r, 1100 * MS);
	assert_false(resync_is_due(&r, 1100 * MS));
	resync_now(&r);
	assert_true(resync_is_due(&r, 1100 * MS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
