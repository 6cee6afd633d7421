// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/replay.h"

/* Counters so far behind the highest are refused unseen. */
#define WINDOW	(REPLAY_BITS - 64)

static void test_once(void **state)
{
	struct replay replay;

	(void)state;
	replay_init(&replay, 0);
	assert_false(replay_accept(&replay, 0));
	for (uint64_t i = 1; i <= 3 * REPLAY_BITS; i++) {
		assert_true(replay_accept(&replay, i));
		assert_false(replay_accept(&replay, i));
	}
}

static void test_init_counts_as_seen(void **state)
{
	static const uint64_t highest[] = { 1, 62, 63, 64, 65, 127, REPLAY_BITS, 1000003 };
	struct replay replay;

	(void)state;
	for (size_t i = 0; i < sizeof(highest) / sizeof(highest[0]); i++) {
		replay_init(&replay, highest[i]);
		for (uint64_t c = 0; c <= highest[i] && c <= 2 * REPLAY_BITS; c++)
			assert_false(replay_accept(&replay, highest[i] - c));
		assert_true(replay_accept(&replay, highest[i] + 2));
		assert_true(replay_accept(&replay, highest[i] + 1));
		assert_false(replay_accept(&replay, highest[i] + 1));
		assert_false(replay_accept(&replay, highest[i]));
	}
}

/* At every place of the highest counter in its word. */
static void test_window_edges(void **state)
{
	struct replay replay;

	(void)state;
	for (uint64_t highest = 10 * REPLAY_BITS; highest < 10 * REPLAY_BITS + 130; highest++) {
		replay_init(&replay, 0);
		assert_true(replay_accept(&replay, highest));
		assert_false(replay_accept(&replay, highest - WINDOW));
		assert_true(replay_accept(&replay, highest - WINDOW + 1));
		assert_false(replay_accept(&replay, highest - WINDOW + 1));
		assert_true(replay_accept(&replay, highest - 1));
		assert_false(replay_accept(&replay, highest));
	}
}

static void test_jumps(void **state)
{
	static const uint64_t jump[] = { 1, 63, 64, 65, WINDOW, REPLAY_BITS - 1, REPLAY_BITS,
					 REPLAY_BITS + 1, 1ULL << 40 };
	struct replay replay;

	(void)state;
	for (size_t i = 0; i < sizeof(jump) / sizeof(jump[0]); i++) {
		replay_init(&replay, 0);
		for (uint64_t c = 1; c <= REPLAY_BITS; c++)
			assert_true(replay_accept(&replay, c));
		assert_true(replay_accept(&replay, REPLAY_BITS + jump[i]));
		/* Old ones stay seen, skipped ones are open if in the window. */
		for (uint64_t c = 1; c <= REPLAY_BITS; c++)
			assert_false(replay_accept(&replay, c));
		for (uint64_t c = 1; c < jump[i] && c < WINDOW; c++)
			assert_true(replay_accept(&replay, REPLAY_BITS + jump[i] - c));
	}
}

static void test_end_of_numbers(void **state)
{
	struct replay replay;

	(void)state;
	replay_init(&replay, UINT64_MAX - 2);
	assert_true(replay_accept(&replay, UINT64_MAX));
	assert_true(replay_accept(&replay, UINT64_MAX - 1));
	assert_false(replay_accept(&replay, UINT64_MAX - 1));
	assert_false(replay_accept(&replay, UINT64_MAX));
	assert_false(replay_accept(&replay, 1));
	assert_false(replay_accept(&replay, 0));
}

/* Against a byte a counter and no cleverness. */
static void test_against_model(void **state)
{
	static uint8_t seen[200000];
	uint64_t random = 20260101, highest = 0, accepted = 0;
	struct replay replay;

	(void)state;
	memset(seen, 0, sizeof(seen));
	replay_init(&replay, 0);
	while (highest < sizeof(seen) - 2 * REPLAY_BITS) {
		uint64_t counter, back;
		int expect;

		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		back = random >> 33;
		if (back % 8)
			counter = highest + (back >> 3) % 4;
		else if (back % 64)
			counter = highest - (back >> 6) % (highest < 2400 ? highest + 1 : 2400);
		else
			counter = highest + (back >> 6) % REPLAY_BITS;
		expect = counter && !seen[counter] &&
			 (counter > highest || highest - counter < WINDOW);
		assert_int_equal(replay_accept(&replay, counter), expect);
		if (expect) {
			seen[counter] = 1;
			accepted++;
		}
		if (counter > highest)
			highest = counter;
	}
	assert_true(accepted > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_init_counts_as_seen),
		cmocka_unit_test(test_window_edges),
		cmocka_unit_test(test_jumps),
		cmocka_unit_test(test_end_of_numbers),
		cmocka_unit_test(test_against_model),
	};

	return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
