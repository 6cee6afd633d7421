// SPDX-License-Identifier: GPL-2.0
/* A store as owner and one as backup, with a stream between them that we cut. */
#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <sodium.h>

#include "table/store.h"

#define MOST	4096
#define ROOM	1350
#define TABLE	7
#define OWNER	1
#define EPOCH	5
#define HASH_KEY "the same on all"

struct noun {
	unsigned int put, del, settled, ready, swept, compared;
	uint32_t swept_count, differing;
	const char *refuse;		/* a value */
	char last[ENTRY_KEY_MAX + 1];
};

static struct noun own, held;
static struct store *a, *b;
static unsigned int seed;

static bool noun_valid(void *of, const uint8_t *key, size_t key_len, const uint8_t *value,
		       size_t value_len)
{
	struct noun *noun = of;

	(void)key;
	(void)key_len;
	return !noun->refuse || strlen(noun->refuse) != value_len ||
	       memcmp(noun->refuse, value, value_len);
}

static void noun_put(void *of, const struct store_item *item)
{
	struct noun *noun = of;

	noun->put++;
	memcpy(noun->last, item->key, item->key_len);
	noun->last[item->key_len] = '\0';
	assert_true(item->replica);
}

static void noun_del(void *of, const struct store_item *item)
{
	struct noun *noun = of;

	noun->del++;
	memcpy(noun->last, item->key, item->key_len);
	noun->last[item->key_len] = '\0';
}

static void noun_settled(void *of)
{
	((struct noun *)of)->settled++;
}

static void noun_ready(void *of)
{
	((struct noun *)of)->ready++;
}

static void noun_swept(void *of, uint8_t owner, uint32_t count)
{
	struct noun *noun = of;

	assert_int_equal(owner, OWNER);
	noun->swept++;
	noun->swept_count = count;
}

static void noun_compared(void *of, uint8_t owner, uint32_t differing)
{
	struct noun *noun = of;

	assert_int_equal(owner, OWNER);
	noun->compared++;
	noun->differing = differing;
}

static const struct store_ops ops = {
	.name = "things", .valid = noun_valid, .put = noun_put, .del = noun_del,
	.settled = noun_settled, .ready = noun_ready, .swept = noun_swept,
	.compared = noun_compared,
};

static struct store *make(struct noun *noun, uint32_t most)
{
	struct store_config config = { .table = TABLE, .most = most, .key_max = 16,
				       .value_max = 8, .hash_key = HASH_KEY };

	return store_alloc(&config, &ops, noun);
}

static int setup(void **state)
{
	(void)state;
	memset(&own, 0, sizeof(own));
	memset(&held, 0, sizeof(held));
	a = make(&own, MOST);
	b = make(&held, MOST);
	assert_non_null(a);
	assert_non_null(b);
	store_activate(a, 0);
	store_map(a, 2);
	seed = 1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_free(a);
	store_free(b);
	return 0;
}

static int put(struct store *s, const char *key, const char *value)
{
	return store_put(s, key, strlen(key), value, strlen(value));
}

static int del(struct store *s, const char *key)
{
	return store_del(s, key, strlen(key));
}

static const char *get(struct store *s, const char *key)
{
	static char value[ENTRY_VALUE_MAX + 1];
	struct store_item item;

	if (!store_find(s, key, strlen(key), &item))
		return NULL;
	memcpy(value, item.value, item.value_len);
	value[item.value_len] = '\0';
	return value;
}

/* All that waits; with @lose one frame in so many is lost.  Returns how many records. */
static unsigned int flow(unsigned int lose)
{
	uint8_t buf[ROOM];
	struct store_batch batch;
	unsigned int count = 0;
	bool began = false;

	while (store_pending(a)) {
		size_t len = store_emit(a, 1, &batch, buf, sizeof(buf));
		uint8_t *heap;

		count += batch.walked ? 0 : batch.count;
		if (batch.walk_id && !began) {
			assert_int_equal(store_begin(b), 0);
			began = true;
		}
		if (batch.walked)
			assert_int_equal(store_end(b, OWNER), 0);
		if (!len)
			continue;
		if (lose && !(rand_r(&seed) % lose)) {
			store_missed(b);
			continue;
		}
		heap = malloc(len);	/* so that nobody reads past it unseen */
		memcpy(heap, buf, len);
		assert_int_equal(store_apply(b, OWNER, EPOCH, heap, len), 0);
		free(heap);
	}
	return count;
}

static void assert_same(void)
{
	struct store_counts of_a, of_b;
	struct store_item item, other;
	uint32_t cursor = 0, count = 0;

	while (store_each(a, &cursor, &item)) {
		assert_true(store_find(b, item.key, item.key_len, &other));
		assert_int_equal(item.value_len, other.value_len);
		assert_memory_equal(item.value, other.value, item.value_len);
		count++;
	}
	store_counts(a, &of_a);
	store_counts(b, &of_b);
	assert_int_equal(of_a.own, count);
	assert_int_equal(of_a.replicas, 0);
	assert_int_equal(of_b.replicas, count);
	assert_int_equal(of_b.own, 0);
}

static uint32_t compare(void)
{
	unsigned int before = held.compared;

	store_repair(a, NULL);
	flow(0);
	assert_int_equal(held.compared, before + 1);
	return held.differing;
}

static void churn(unsigned int changes)
{
	char key[16], value[9];

	while (changes--) {
		snprintf(key, sizeof(key), "k%u", rand_r(&seed) % 3000);
		snprintf(value, sizeof(value), "%u", rand_r(&seed) % 100);
		if (rand_r(&seed) % 3)
			assert_int_equal(put(a, key, value), 0);
		else
			del(a, key);
	}
}

static void test_changes(void **state)
{
	(void)state;
	assert_int_equal(put(a, "one", "1"), 0);
	assert_int_equal(own.ready, 1);
	assert_int_equal(put(a, "two", "2"), 0);
	assert_int_equal(own.ready, 1);
	assert_int_equal(flow(0), 2);
	assert_string_equal(get(b, "one"), "1");
	assert_int_equal(held.put, 2);
	assert_int_equal(held.settled, 1);
	assert_int_equal(put(a, "one", "1"), 0);
	assert_false(store_pending(a));
	assert_int_equal(put(a, "one", "one"), 0);
	assert_int_equal(own.ready, 2);
	assert_int_equal(del(a, "two"), 0);
	assert_null(get(a, "two"));
	assert_int_equal(flow(0), 2);
	assert_string_equal(get(b, "one"), "one");
	assert_null(get(b, "two"));
	assert_int_equal(held.del, 1);
	assert_string_equal(held.last, "two");
	assert_int_equal(del(a, "two"), -ENOENT);
	assert_same();
	assert_int_equal(compare(), 0);
}

static void test_ten_are_one(void **state)
{
	char value[2] = "0";

	(void)state;
	for (int i = 0; i < 10; i++) {
		value[0] = (char)('0' + i);
		put(a, "key", value);
	}
	assert_int_equal(flow(0), 1);
	assert_string_equal(get(b, "key"), "9");
	/* Gone and back: not gone.  Come and gone, unseen: nothing. */
	del(a, "key");
	put(a, "key", "9");
	put(a, "brief", "x");
	del(a, "brief");
	assert_int_equal(flow(0), 1);
	assert_int_equal(held.put, 1);
	assert_int_equal(held.del, 0);
	assert_same();
	assert_int_equal(compare(), 0);
}

static void test_roles(void **state)
{
	(void)state;
	assert_int_equal(put(b, "key", "1"), -EPERM);
	assert_int_equal(del(b, "key"), -EPERM);
	assert_int_equal(store_apply(a, 2, 9, "", 0), -EPERM);
	assert_int_equal(store_begin(a), -EPERM);
	assert_int_equal(store_end(a, 2), -EPERM);
	assert_int_equal(store_end(b, OWNER), -EINVAL);
	assert_int_equal(put(a, "", "1"), -EINVAL);
	assert_int_equal(put(a, "a key of 17 bytes", "1"), -EINVAL);
	assert_int_equal(put(a, "key", "9 bytes.."), -EINVAL);
}

static void test_nobody(void **state)
{
	struct store_counts counts;

	(void)state;
	put(a, "queued", "1");
	put(a, "gone", "1");
	flow(0);
	del(a, "gone");
	put(a, "queued", "2");
	store_map(a, 0);
	assert_false(store_pending(a));
	churn(5000);
	assert_false(store_pending(a));
	store_counts(a, &counts);
	assert_int_equal(counts.queued, 0);
	store_map(a, 2);
	store_walk(a, 2, 1);
	flow(0);
	assert_same();
	assert_int_equal(compare(), 0);
}

static void test_full_sync(void **state)
{
	(void)state;
	churn(4000);
	flow(0);
	assert_same();
	store_deactivate(a, 2, 2);
	store_activate(a, 4);
	store_map(a, 2);
	churn(1000);
	store_walk(a, 2, 1);
	put(a, "queued", "1");
	flow(0);
	assert_int_equal(held.swept, 1);
	assert_same();
	/* What was lost in silence goes with the next one. */
	put(a, "lost", "1");
	flow(0);
	store_map(a, 0);
	del(a, "lost");
	store_map(a, 2);
	assert_non_null(get(b, "lost"));
	store_walk(a, 2, 2);
	flow(0);
	assert_int_equal(held.swept_count, 1);
	assert_null(get(b, "lost"));
	assert_same();
	assert_int_equal(compare(), 0);
}

/* Changes all the time do not end it early, and it ends all the same. */
static void test_walk_in_churn(void **state)
{
	uint8_t buf[ROOM];
	struct store_batch batch = { 0 };
	unsigned int rounds = 0;

	(void)state;
	churn(6000);
	flow(0);
	put(b, "x", "");
	store_begin(b);
	store_walk(a, 2, 9);
	while (!batch.walked) {
		size_t len;

		churn(10);
		len = store_emit(a, 1, &batch, buf, sizeof(buf));
		assert_true(++rounds < 1000);
		assert_int_equal(store_apply(b, OWNER, EPOCH, buf, len), 0);
	}
	assert_int_equal(store_end(b, OWNER), 0);
	flow(0);
	assert_same();
	assert_int_equal(compare(), 0);
}

static void test_repair(void **state)
{
	uint64_t classes[STORE_BUCKETS];
	struct store_counts counts;
	unsigned int records;

	(void)state;
	churn(4000);
	flow(3);
	assert_true(compare() > 0);
	store_differ(b, classes);
	store_repair(a, classes);
	records = flow(0);
	store_counts(a, &counts);
	assert_true(records <= counts.own);
	assert_same();
	assert_int_equal(compare(), 0);
	/* Lost again and again, and proven in the end. */
	for (int i = 0; i < 100; i++) {
		churn(100);
		store_repair(a, NULL);
		flow(i < 90 ? 4 : 0);
		store_differ(b, classes);
		store_repair(a, classes);
		flow(i < 90 ? 4 : 0);
	}
	assert_int_equal(compare(), 0);
	assert_same();
}

/* A repair whose beginning or middle was lost removes nothing. */
static void test_repair_cut(void **state)
{
	uint64_t classes[STORE_BUCKETS];
	uint8_t buf[ROOM];
	struct store_batch batch;
	unsigned int frames = 0;

	(void)state;
	churn(6000);
	flow(0);
	memset(classes, 0xff, sizeof(classes));
	store_repair(a, classes);
	while (store_pending(a)) {
		size_t len = store_emit(a, 1, &batch, buf, sizeof(buf));

		if (frames++ % 2)
			assert_int_equal(store_apply(b, OWNER, EPOCH, buf, len), 0);
		else
			store_missed(b);
	}
	assert_true(frames > 10);
	assert_int_equal(held.del, 0);
	assert_same();
}

static void test_cap(void **state)
{
	struct store_counts counts;
	struct store *small = make(&own, 100);
	char key[16];
	int i;

	(void)state;
	store_activate(small, 0);
	store_map(small, 2);
	for (i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "%d", i);
		assert_int_equal(put(small, key, "1"), 0);
	}
	assert_int_equal(put(small, "more", "1"), -ENOSPC);
	assert_int_equal(put(small, "more", "1"), -ENOSPC);
	assert_int_equal(put(small, "99", "2"), 0);
	store_counts(small, &counts);
	assert_int_equal(counts.full, 2);
	/* Ends that nobody fetches do not keep out what is there. */
	for (i = 0; i < 10; i++) {
		snprintf(key, sizeof(key), "%d", i);
		assert_int_equal(del(small, key), 0);
	}
	for (i = 0; i < 10; i++) {
		snprintf(key, sizeof(key), "n%d", i);
		assert_int_equal(put(small, key, "1"), 0);
	}
	assert_int_equal(put(small, "more", "1"), -ENOSPC);
	store_counts(small, &counts);
	assert_int_equal(counts.missed, 10);
	assert_int_equal(counts.own, 100);
	store_free(small);
}

static void test_cap_of_replicas(void **state)
{
	struct store_counts counts;
	char key[16];

	(void)state;
	store_free(b);
	b = make(&held, 100);
	for (int i = 0; i < 150; i++) {
		snprintf(key, sizeof(key), "%d", i);
		put(a, key, "1");
	}
	flow(0);
	store_counts(b, &counts);
	assert_int_equal(counts.replicas, 100);
	assert_int_equal(counts.full, 50);
	assert_true(compare() > 0);
	assert_int_equal(store_purge(b, OWNER), 100);
	store_counts(b, &counts);
	assert_int_equal(counts.replicas, 0);
}

static void test_takeover(void **state)
{
	struct store_counts counts;
	struct store_item item;
	uint32_t cursor = 0;

	(void)state;
	churn(2000);
	flow(0);
	/* One of somebody who is no heir. */
	assert_int_equal(store_activate(b, 1ULL << OWNER | 1ULL << 2), held.put);
	store_counts(b, &counts);
	assert_int_equal(counts.replicas, 0);
	while (store_each(b, &cursor, &item))
		assert_false(item.replica);
	assert_int_equal(put(b, "mine", "1"), 0);
	store_deactivate(a, 2, EPOCH + 1);
	assert_int_equal(put(a, "mine", "1"), -EPERM);
	store_counts(a, &counts);
	assert_int_equal(counts.own, 0);
	assert_int_equal(store_purge(a, 2), counts.replicas);
	/* What an owner holds of others goes. */
	store_deactivate(b, 0, EPOCH + 1);
	assert_int_equal(store_activate(b, ~0ULL), 0);
}

static void test_numbers(void **state)
{
	uint8_t first[ROOM], second[ROOM];
	struct store_batch batch;
	struct store_counts counts;
	size_t len, more;

	(void)state;
	put(a, "key", "old");
	len = store_emit(a, 1, &batch, first, sizeof(first));
	assert_int_equal(batch.set, 2);
	assert_int_equal(batch.count, 1);
	put(a, "key", "new");
	more = store_emit(a, 1, &batch, second, sizeof(second));
	store_apply(b, OWNER, EPOCH, second, more);
	store_apply(b, OWNER, EPOCH, first, len);
	assert_string_equal(get(b, "key"), "new");
	store_counts(b, &counts);
	assert_int_equal(counts.stale, 1);
	/* Another life of the owner counts anew; so does a full sync. */
	store_apply(b, OWNER, EPOCH + 1, first, len);
	assert_string_equal(get(b, "key"), "old");
	store_apply(b, OWNER, EPOCH + 1, second, more);
	store_begin(b);
	store_apply(b, OWNER, EPOCH + 1, first, len);
	assert_string_equal(get(b, "key"), "old");
}

static void test_pace(void **state)
{
	uint8_t buf[ROOM];
	struct store_batch batch = { 0 };
	unsigned int count = 0, ms;

	(void)state;
	churn(3000);
	flow(0);
	store_pace(a, 1000);
	store_walk(a, 2, 1);
	for (ms = 1000; ms < 1500 && !batch.walked; ms++) {
		store_emit(a, ms * 1000000ULL, &batch, buf, sizeof(buf));
		count += batch.count;
	}
	assert_in_range(count, 490, 570);
	assert_true(store_pending(a));
}

static void test_invalid(void **state)
{
	struct store_counts counts;

	(void)state;
	held.refuse = "bad";
	put(a, "one", "bad");
	put(a, "two", "good");
	flow(0);
	assert_null(get(b, "one"));
	assert_non_null(get(b, "two"));
	store_counts(b, &counts);
	assert_int_equal(counts.invalid, 1);
}

/* Each bit flipped, each length cut: nothing breaks, nothing is read past the end. */
static void test_hostile(void **state)
{
	uint64_t classes[STORE_BUCKETS] = { ~0ULL };
	uint8_t buf[4096];
	struct store_batch batch;
	struct store_counts counts;
	size_t len, i;

	(void)state;
	put(a, "one", "1");
	put(a, "two", "2");
	flow(0);
	put(a, "one", "3");
	del(a, "two");
	len = store_emit(a, 1, &batch, buf, sizeof(buf));
	store_repair(a, NULL);
	store_repair(a, classes);
	while (store_pending(a) && sizeof(buf) - len >= ENTRY_MAX && len < 1024)
		len += store_emit(a, 1, &batch, buf + len, sizeof(buf) - len);
	assert_true(len > 0);
	for (i = 0; i < len; i++) {
		uint8_t *heap = malloc(i ? i : 1);

		memcpy(heap, buf, i);
		store_apply(b, OWNER, EPOCH, heap, i);
		free(heap);
	}
	for (i = 0; i < 8 * len; i++) {
		uint8_t *heap = malloc(len + 1);

		memcpy(heap, buf, len);
		heap[i / 8] ^= 1 << i % 8;
		store_apply(b, OWNER, EPOCH, heap, len);
		free(heap);
	}
	for (i = 0; i < 20000; i++) {
		size_t some = (size_t)rand_r(&seed) % (len + 1);
		uint8_t *heap = malloc(some + 1);
		unsigned int j;

		memcpy(heap, buf, some);
		for (j = 0; some && j < 4; j++)
			heap[rand_r(&seed) % some] = (uint8_t)rand_r(&seed);
		store_apply(b, OWNER, EPOCH, heap, some);
		free(heap);
	}
	store_counts(b, &counts);
	assert_true(counts.broken > 0);
	assert_true(counts.unread > 0);
	/* And it is all right after a full sync. */
	store_walk(a, 2, 1);
	flow(0);
	assert_same();
}

static void test_bounds(void **state)
{
	struct store_config config = { .table = 1, .most = 1, .key_max = ENTRY_KEY_MAX,
				       .value_max = ENTRY_VALUE_MAX };
	struct store *s;

	(void)state;
	s = store_alloc(&config, &ops, &own);
	assert_non_null(s);
	store_free(s);
	config.most = 0;
	assert_null(store_alloc(&config, &ops, &own));
	config.most = STORE_MOST + 1;
	assert_null(store_alloc(&config, &ops, &own));
	config.most = 1;
	config.key_max = ENTRY_KEY_MAX + 1;
	assert_null(store_alloc(&config, &ops, &own));
	config.key_max = 1;
	config.value_max = ENTRY_VALUE_MAX + 1;
	assert_null(store_alloc(&config, &ops, &own));
}

/* No bound that a busy machine could miss: the figure is for people. */
/* Hosts that know how classes are made fill one of them. */
static void test_one_class(void **state)
{
	static const uint8_t hash_key[STORE_HASH_KEY] = HASH_KEY;
	uint64_t only[STORE_BUCKETS] = { 1ULL << 5 }, hash;
	struct store_batch batch;
	uint32_t i, made = 0;
	uint8_t buf[ROOM];

	(void)state;
	for (i = 0; made < 1000; i++) {
		crypto_shorthash_siphash24((unsigned char *)&hash, (const void *)&i, sizeof(i),
					   hash_key);
		if (le64toh(hash) % STORE_CLASSES != 5)
			continue;
		assert_int_equal(store_put(a, &i, sizeof(i), "x", 1), 0);
		made++;
		/* Some go in the middle of the walk that comes to them. */
		if (made == 500)
			store_walk(a, 2, 1);
		if (made > 500 && made % 20 == 0 &&
		    store_emit(a, 1, &batch, buf, ROOM) && batch.walk_id)
			store_del(a, &i, sizeof(i));
	}
	/* What the walk gave went nowhere: all of it is in one class. */
	store_walk(a, 2, 2);
	flow(0);
	assert_same();
	assert_int_equal(compare(), 0);
	for (i = 1; i <= MOST; i += 3) {
		struct store_item item;
		uint8_t key[16];

		if (!store_get(a, i, &item))
			continue;
		memcpy(key, item.key, item.key_len);
		store_del(a, key, item.key_len);
	}
	flow(2);
	assert_int_equal(compare(), 1);
	store_repair(a, only);
	flow(0);
	assert_same();
	assert_int_equal(compare(), 0);
}

static void test_cost(void **state)
{
	struct store *many = make(&own, 65536), *copy = make(&held, 65536);
	uint8_t buf[ROOM];
	struct store_batch batch;
	struct timespec start, end;
	size_t len, bytes = 0;

	(void)state;
	store_activate(many, 0);
	store_map(many, 2);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (uint32_t i = 0; i < 30000; i++)
		assert_int_equal(store_put(many, &i, sizeof(i), "12345678", 8), 0);
	while ((len = store_emit(many, 1, &batch, buf, sizeof(buf)))) {
		assert_int_equal(store_apply(copy, OWNER, EPOCH, buf, len), 0);
		bytes += len;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	print_message("# 30000 put, emitted and applied: %.1f ms with sanitizers, %zu bytes\n",
		      (double)(end.tv_sec - start.tv_sec) * 1e3 +
		      (double)(end.tv_nsec - start.tv_nsec) / 1e6, bytes);
	assert_int_equal(held.put, 30000);
	store_free(many);
	store_free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ten_are_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_roles, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_sync, setup, teardown),
		cmocka_unit_test_setup_teardown(test_walk_in_churn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_repair, setup, teardown),
		cmocka_unit_test_setup_teardown(test_repair_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cap_of_replicas, setup, teardown),
		cmocka_unit_test_setup_teardown(test_takeover, setup, teardown),
		cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pace, setup, teardown),
		cmocka_unit_test_setup_teardown(test_invalid, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_class, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cost, setup, teardown),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
