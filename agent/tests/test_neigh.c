// SPDX-License-Identifier: GPL-2.0
/* What of neighbours may come from other members; the rest is played by neigh.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "neigh/key.h"

static const uint8_t v4[16] = { 10, 7, 1, 2 }, v6[16] = { 0xfd, 7, [15] = 1 };
static const uint8_t value[NEIGH_VALUE] = { NEIGH_ROUTER, 0, 2, 0, 0, 0, 0, 1 };

/* From the heap, so that nobody reads past the end unseen. */
static bool valid(const struct neigh_key *key, size_t len, const uint8_t *of, size_t value_len)
{
	uint8_t *k = malloc(len + 1), *v = malloc(value_len + 1);
	bool answer;

	assert_non_null(k);
	assert_non_null(v);
	memcpy(k + 1, key->bytes, len);
	memcpy(v + 1, of, value_len);
	answer = neigh_record_valid(NULL, k + 1, len, v + 1, value_len);
	free(k);
	free(v);
	return answer;
}

static void test_key(void **state)
{
	struct neigh_key key;

	(void)state;
	neigh_key_write(&key, neigh_name_id("lan"), 7, NEIGH_PARENT, AF_INET, v4);
	assert_int_equal(key.len, 12);
	assert_int_equal(neigh_key_family(key.bytes), AF_INET);
	assert_memory_equal(neigh_key_addr(key.bytes), v4, 4);
	assert_true(valid(&key, key.len, value, NEIGH_VALUE));
	neigh_key_write(&key, neigh_name_id("lan"), 7, NEIGH_MACVLAN, AF_INET6, v6);
	assert_int_equal(key.len, NEIGH_KEY_MAX);
	assert_int_equal(neigh_key_family(key.bytes), AF_INET6);
	assert_true(valid(&key, key.len, value, NEIGH_VALUE));
	assert_int_not_equal(neigh_name_id("lan"), neigh_name_id("wan"));
}

static void test_lengths(void **state)
{
	struct neigh_key key;
	size_t len;

	(void)state;
	neigh_key_write(&key, 1, 7, NEIGH_MACVLAN, AF_INET6, v6);
	for (len = 0; len < NEIGH_KEY_MAX; len++)
		assert_false(valid(&key, len, value, NEIGH_VALUE));
	for (len = 0; len < NEIGH_VALUE; len++)
		assert_false(valid(&key, key.len, value, len));
}

static void test_hostile(void **state)
{
	static const uint8_t unfit[][16] = { { 0 }, { 224, 0, 0, 1 }, { 127, 0, 0, 1 },
					     { 255, 255, 255, 255 } };
	uint8_t bad[NEIGH_VALUE];
	struct neigh_key key;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(unfit) / sizeof(unfit[0]); i++) {
		neigh_key_write(&key, 1, 7, NEIGH_MACVLAN, AF_INET, unfit[i]);
		assert_false(valid(&key, key.len, value, NEIGH_VALUE));
	}
	for (i = 0; i < 4; i++) {
		neigh_key_write(&key, 1, 7, NEIGH_MACVLAN, AF_INET, v4);
		key.bytes[i] = 0xff;
		assert_int_equal(valid(&key, key.len, value, NEIGH_VALUE), i == 2);
	}
	neigh_key_write(&key, 1, 7, NEIGH_MACVLAN, AF_INET, v4);
	for (i = 0; i < 3; i++) {	/* flags, 0, a MAC of a group */
		memcpy(bad, value, sizeof(bad));
		bad[i] = 0xff;
		assert_false(valid(&key, key.len, bad, NEIGH_VALUE));
	}
	memset(bad, 0, sizeof(bad));
	assert_false(valid(&key, key.len, bad, NEIGH_VALUE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests_name("neigh", tests, NULL, NULL);
}
