// SPDX-License-Identifier: GPL-2.0
/* Paths and sets of attributes: what is kept, shared, refused, swept, and said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/big_endian.h"
#include "rib/rib.h"
#include "rib/words.h"

static struct bgp_nlri ipv4(uint32_t number, uint32_t path_id)
{
	struct bgp_nlri nlri = { .family = BGP_IPV4, .path_id = path_id, .len = 32 };

	put_be(nlri.addr, number, 4);
	return nlri;
}

static enum rib_result put(struct rib *rib, uint32_t number, uint32_t path_id, uint32_t med)
{
	uint8_t bytes[] = { 0x80, BGP_MED, 4, 0, 0, 0, 0 };
	struct bgp_nlri nlri = ipv4(number, path_id);
	enum rib_result result;
	uint32_t set;

	put_be(bytes + 3, med, 4);
	set = rib_set_get(rib, bytes, sizeof(bytes));
	result = rib_put(rib, &nlri, set);
	rib_set_put(rib, set);
	return result;
}

static enum rib_result del(struct rib *rib, uint32_t number, uint32_t path_id)
{
	struct bgp_nlri nlri = ipv4(number, path_id);

	return rib_del(rib, &nlri);
}

static struct rib_counts counts_of(const struct rib *rib)
{
	struct rib_counts counts;

	rib_counts(rib, &counts);
	return counts;
}

static void test_paths(void **state)
{
	struct rib *rib = rib_alloc(100, 1 << 20);
	struct bgp_nlri nlri = ipv4(7, 0);
	struct rib_path path;
	uint32_t cursor = 0;
	unsigned int n = 0;

	(void)state;
	assert_non_null(rib);
	assert_int_equal(put(rib, 7, 1, 5), RIB_NEW);
	assert_int_equal(put(rib, 7, 2, 5), RIB_NEW);
	assert_int_equal(put(rib, 8, 1, 6), RIB_NEW);
	assert_int_equal(put(rib, 7, 1, 5), RIB_SAME);
	assert_int_equal(counts_of(rib).sets, 2);
	assert_int_equal(put(rib, 8, 1, 5), RIB_CHANGED);
	assert_int_equal(counts_of(rib).sets, 1);
	while (rib_find(rib, &nlri, &cursor, &path)) {
		assert_int_equal(path.nlri.path_id, 1 + (path.nlri.path_id == 2));
		assert_int_equal(path.len, 7);
		n++;
	}
	assert_int_equal(n, 2);
	assert_int_equal(del(rib, 7, 2), RIB_GONE);
	assert_int_equal(del(rib, 7, 2), RIB_SAME);
	assert_int_equal(del(rib, 7, 1), RIB_GONE);
	assert_int_equal(del(rib, 8, 1), RIB_GONE);
	assert_int_equal(counts_of(rib).sets, 0);
	assert_int_equal(counts_of(rib).paths[BGP_IPV4], 0);
	rib_free(rib);
}

/* Against an array, at random: each number is there or not, with the MED that it has. */
static void test_model(void **state)
{
	enum { NUMBERS = 3000 };
	static uint32_t model[NUMBERS];
	struct rib *rib = rib_alloc(NUMBERS, 1 << 20);
	struct rib_path path;
	uint32_t cursor = 0, i, there = 0;

	(void)state;
	assert_non_null(rib);
	srand(7);
	for (i = 0; i < 50000; i++) {
		uint32_t number = (uint32_t)rand() % NUMBERS, med = 1 + (uint32_t)rand() % 50;

		if (rand() % 3) {
			assert_int_equal(put(rib, number, 3, med), !model[number] ? RIB_NEW :
					 model[number] == med ? RIB_SAME : RIB_CHANGED);
			model[number] = med;
		} else {
			assert_int_equal(del(rib, number, 3), model[number] ? RIB_GONE : RIB_SAME);
			model[number] = 0;
		}
	}
	while (rib_each(rib, &cursor, &path)) {
		assert_int_equal(get_be(path.attributes + 3, 4),
				 model[get_be(path.nlri.addr, 4)]);
		there++;
	}
	for (i = 0; i < NUMBERS; i++)
		there -= !!model[i];
	assert_int_equal(there, 0);
	rib_free(rib);
}

static void test_full(void **state)
{
	struct rib *rib = rib_alloc(3, 1 << 20);
	uint8_t large[60000] = { 0 };
	uint32_t i, set;

	(void)state;
	assert_non_null(rib);
	for (i = 0; i < 3; i++)
		assert_int_equal(put(rib, i, 0, i), RIB_NEW);
	assert_int_equal(put(rib, 3, 0, 3), RIB_FULL);
	assert_int_equal(counts_of(rib).sets, 3);
	assert_int_equal(put(rib, 2, 0, 9), RIB_CHANGED);
	assert_int_equal(del(rib, 0, 0), RIB_GONE);
	assert_int_equal(put(rib, 3, 0, 3), RIB_NEW);
	/* Attributes have a limit of their own; a path that wants more has none. */
	for (i = 0; i < 100; i++) {
		put_be(large, i, 4);
		set = rib_set_get(rib, large, sizeof(large));
		if (set == RIB_NO_SET)
			break;
	}
	assert_true(i > 5 && i < 18);
	assert_true(counts_of(rib).attribute_memory <= 1 << 20);
	assert_int_equal(put(rib, 3, 0, 4), RIB_CHANGED);
	assert_int_equal(rib_put(rib, &(struct bgp_nlri){ .len = 32, .addr = { 0, 0, 0, 3 } },
				 RIB_NO_SET), RIB_FULL);
	assert_int_equal(counts_of(rib).paths[BGP_IPV4], 2);
	rib_free(rib);
}

/* One prefix cannot be made a list that takes long to look through. */
static void test_crowd(void **state)
{
	struct rib *rib = rib_alloc(1000, 1 << 20);
	uint32_t i;

	(void)state;
	assert_non_null(rib);
	for (i = 0; i < RIB_PREFIX_PATHS; i++)
		assert_int_equal(put(rib, 1, i, 1), RIB_NEW);
	assert_int_equal(put(rib, 1, i, 1), RIB_CROWDED);
	assert_int_equal(put(rib, 1, 7, 2), RIB_CHANGED);
	assert_int_equal(put(rib, 2, 0, 1), RIB_NEW);
	assert_int_equal(del(rib, 1, 7), RIB_GONE);
	assert_int_equal(put(rib, 1, i, 1), RIB_NEW);
	rib_free(rib);
}

static void test_sweep(void **state)
{
	struct rib *rib = rib_alloc(1000, 1 << 20);
	uint32_t cursor = 0, i, rounds = 1;

	(void)state;
	assert_non_null(rib);
	for (i = 0; i < 900; i++)
		put(rib, i, 0, i % 9);
	rib_begin(rib, BGP_IPV4);
	assert_int_equal(counts_of(rib).stale[BGP_IPV4], 900);
	for (i = 0; i < 300; i++)
		assert_int_equal(put(rib, i, 0, i % 9), RIB_SAME);
	put(rib, 1000, 0, 1);
	assert_int_equal(counts_of(rib).stale[BGP_IPV4], 600);
	while (!rib_sweep(rib, BGP_IPV4, &cursor, 100))
		rounds++;
	assert_int_equal(rounds, 9);
	assert_int_equal(counts_of(rib).paths[BGP_IPV4], 301);
	assert_int_equal(counts_of(rib).stale[BGP_IPV4], 0);
	rib_free(rib);
}

/* A session that flaps for a day: what the first one told does not become current. */
static void test_generations(void **state)
{
	struct rib *rib = rib_alloc(100, 1 << 20);
	unsigned int i;

	(void)state;
	assert_non_null(rib);
	for (i = 0; i < 3; i++)
		assert_int_equal(put(rib, 7 + i, 1, 5), RIB_NEW);
	for (i = 0; i < 3 * 65536; i++) {
		rib_begin(rib, BGP_IPV4);
		assert_int_equal(put(rib, 8, 1, 5), RIB_SAME);
		assert_int_equal(counts_of(rib).stale[BGP_IPV4], 2);
	}
	assert_int_equal(del(rib, 7, 1), RIB_GONE);
	assert_int_equal(counts_of(rib).stale[BGP_IPV4], 1);
	rib_free(rib);
}

/* What a route costs: a million with 20,000 sets of 60 bytes. */
static void test_memory(void **state)
{
	enum { ROUTES = 1000000, SETS = 20000 };
	struct rib *rib = rib_alloc(ROUTES, 64 << 20);
	uint8_t bytes[60] = { 0 };
	uint32_t i;

	(void)state;
	assert_non_null(rib);
	for (i = 0; i < ROUTES; i++) {
		struct bgp_nlri nlri = ipv4(i * 2654435761U, 1);
		uint32_t set;

		put_be(bytes, i % SETS, 4);
		set = rib_set_get(rib, bytes, sizeof(bytes));
		assert_int_equal(rib_put(rib, &nlri, set), RIB_NEW);
		rib_set_put(rib, set);
	}
	print_message("# %zu bytes a route\n", counts_of(rib).memory / ROUTES);
	assert_true(counts_of(rib).memory <= 50ULL * ROUTES);
	rib_free(rib);
}

static void expect_word(json_t *json, const char *name, const char *text)
{
	const json_t *attributes = json_object_get(json, "attributes");

	assert_string_equal(json_string_value(json_object_get(attributes, name)), text);
}

static void test_words(void **state)
{
	static const uint8_t set[] = {
		0x40, 1, 1, 2, 0x40, 2, 20, 2, 1, 0, 0, 0xfd, 0xe9, 1, 2, 0, 0, 0, 1, 0, 0, 0, 2,
		/* and a segment that is cut off, which is not said */
		2, 9, 0, 0,
		0x40, 3, 4, 10, 9, 2, 3, 0x80, 4, 4, 0xff, 0xff, 0xff, 0xff,
		0xc0, 7, 8, 0, 0, 0xfd, 0xe9, 10, 0, 0, 1, 0xc0, 8, 4, 0xff, 0xff, 0xff, 1,
		0x80, 10, 8, 1, 1, 1, 1, 2, 2, 2, 2,
		0xc0, 16, 16, 1, 3, 10, 9, 1, 2, 0x1f, 0xb4, 0x80, 9, 0, 0, 0, 0, 0, 1,
		0x80, 26, 11, 1, 0, 11, 0, 0, 0, 1, 0, 0, 0, 0,
		0xc0, 32, 12, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xe0, 200, 2, 7, 0xff,
	};
	struct rib_path path = {
		.nlri = { .family = BGP_IPV6, .len = 32, .addr = { 0x20, 1, 0xd, 0xb8 } },
		.attributes = set, .len = sizeof(set),
	};
	json_t *json = words_path(&path);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(json, "prefix")), "2001:db8::/32");
	expect_word(json, "BGP.origin", "Incomplete");
	expect_word(json, "BGP.as_path", "65001 {1 2}");
	expect_word(json, "BGP.next_hop", "10.9.2.3");
	expect_word(json, "BGP.med", "4294967295");
	expect_word(json, "BGP.aggregator", "10.0.0.1 AS65001");
	expect_word(json, "BGP.community", "(65535,65281)");
	expect_word(json, "BGP.cluster_list", "1.1.1.1 2.2.2.2");
	expect_word(json, "BGP.ext_community",
		    "(ro, 10.9.1.2, 8116) (generic, 0x80090000, 0x1)");
	expect_word(json, "BGP.aigp", "4294967296");
	expect_word(json, "BGP.large_community", "(1, 2, 3)");
	expect_word(json, "BGP.c8 [t]", "07 ff");
	json_decref(json);
}

static void test_prefix(void **state)
{
	static const char *const wrong[] = {
		"", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/24", "10.0.0/8", "/8",
		"fd00::/129", "fd00::1/64", "10.0.0.0/8 ", "10.0.0.0/-1", "10.0.0.0/+8",
		"1111111111111111111111111111111111111111111111111111/8",
	};
	struct bgp_nlri nlri;
	size_t i;

	(void)state;
	assert_true(words_prefix("10.7.0.0/16", &nlri));
	assert_int_equal(nlri.len, 16);
	assert_true(words_prefix("0.0.0.0/0", &nlri));
	assert_true(words_prefix("fd00:1::/32", &nlri));
	assert_int_equal(nlri.family, BGP_IPV6);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(words_prefix(wrong[i], &nlri));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths), cmocka_unit_test(test_model),
		cmocka_unit_test(test_full), cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_generations),
		cmocka_unit_test(test_memory), cmocka_unit_test(test_words),
		cmocka_unit_test(test_prefix),
	};

	return cmocka_run_group_tests_name("rib", tests, NULL, NULL);
}
