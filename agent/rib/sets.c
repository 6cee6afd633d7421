// SPDX-License-Identifier: GPL-2.0
/* A set is found by a hash whose key nobody else knows: its bytes come from anybody's AS. */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "rib/sets.h"

#define SETS_BUCKETS	65536
#define SETS_SLAB	4096		/* numbers of sets that come at once */
#define SETS_SLABS	1024
#define SETS_OVERHEAD	16		/* of malloc(), of one */

struct set {
	uint32_t	references, next, bucket, len;
	uint8_t		bytes[];
};

struct attr_sets {
	uint8_t		key[crypto_shorthash_KEYBYTES];
	size_t		memory, most;
	unsigned int	count;
	uint32_t	used;			/* numbers that ever were given */
	uint32_t	free;			/* first of those that are again */
	uint32_t	bucket[SETS_BUCKETS];
	union entry {
		struct set	*set;
		uint32_t	free;		/* the next that is */
	} *slab[SETS_SLABS];
};

struct attr_sets *attr_sets_alloc(size_t most_bytes)
{
	struct attr_sets *sets = calloc(1, sizeof(*sets));

	if (!sets)
		return NULL;
	randombytes_buf(sets->key, sizeof(sets->key));
	memset(sets->bucket, 0xff, sizeof(sets->bucket));
	sets->free = SETS_NONE;
	sets->most = most_bytes;
	sets->memory = sizeof(*sets);
	return sets;
}

static union entry *entry_of(const struct attr_sets *sets, uint32_t set)
{
	return &sets->slab[set / SETS_SLAB][set % SETS_SLAB];
}

void attr_sets_free(struct attr_sets *sets)
{
	uint32_t i, set;

	if (!sets)
		return;
	for (i = 0; i < SETS_BUCKETS; i++) {
		for (set = sets->bucket[i]; set != SETS_NONE;) {
			struct set *one = entry_of(sets, set)->set;

			set = one->next;
			free(one);
		}
	}
	for (i = 0; i < SETS_SLABS; i++)
		free(sets->slab[i]);
	sodium_memzero(sets->key, sizeof(sets->key));
	free(sets);
}

static uint32_t bucket_of(const struct attr_sets *sets, const uint8_t *bytes, size_t len)
{
	uint8_t hash[crypto_shorthash_BYTES];
	uint32_t bucket;

	crypto_shorthash(hash, bytes, len, sets->key);
	memcpy(&bucket, hash, sizeof(bucket));
	return bucket % SETS_BUCKETS;
}

/* A number for one more; SETS_NONE: no room. */
static uint32_t number_take(struct attr_sets *sets)
{
	uint32_t set = sets->free, slab = sets->used / SETS_SLAB;

	if (set != SETS_NONE) {
		sets->free = entry_of(sets, set)->free;
		return set;
	}
	if (slab == SETS_SLABS)
		return SETS_NONE;
	if (!sets->slab[slab]) {
		sets->slab[slab] = malloc(SETS_SLAB * sizeof(*sets->slab[slab]));
		if (!sets->slab[slab])
			return SETS_NONE;
		sets->memory += SETS_SLAB * sizeof(*sets->slab[slab]);
	}
	return sets->used++;
}

static void number_give(struct attr_sets *sets, uint32_t set)
{
	entry_of(sets, set)->free = sets->free;
	sets->free = set;
}

uint32_t attr_sets_get(struct attr_sets *sets, const uint8_t *bytes, size_t len)
{
	uint32_t bucket = bucket_of(sets, bytes, len), set;
	size_t size = sizeof(struct set) + len;
	struct set *one;

	for (set = sets->bucket[bucket]; set != SETS_NONE; set = one->next) {
		one = entry_of(sets, set)->set;
		if (one->len == len && !memcmp(one->bytes, bytes, len)) {
			one->references++;
			return set;
		}
	}
	if (sets->memory + size + SETS_OVERHEAD > sets->most)
		return SETS_NONE;
	set = number_take(sets);
	if (set == SETS_NONE)
		return SETS_NONE;
	one = malloc(size);
	if (!one) {
		number_give(sets, set);
		return SETS_NONE;
	}
	*one = (struct set){ 1, sets->bucket[bucket], bucket, (uint32_t)len };
	memcpy(one->bytes, bytes, len);
	entry_of(sets, set)->set = one;
	sets->bucket[bucket] = set;
	sets->memory += size + SETS_OVERHEAD;
	sets->count++;
	return set;
}

void attr_sets_hold(struct attr_sets *sets, uint32_t set)
{
	entry_of(sets, set)->set->references++;
}

void attr_sets_put(struct attr_sets *sets, uint32_t set)
{
	struct set *one = entry_of(sets, set)->set;
	uint32_t *link = &sets->bucket[one->bucket];

	if (--one->references)
		return;
	while (*link != set)
		link = &entry_of(sets, *link)->set->next;
	*link = one->next;
	sets->memory -= sizeof(*one) + one->len + SETS_OVERHEAD;
	sets->count--;
	free(one);
	number_give(sets, set);
}

const uint8_t *attr_sets_bytes(const struct attr_sets *sets, uint32_t set, size_t *len)
{
	const struct set *one = entry_of(sets, set)->set;

	*len = one->len;
	return one->bytes;
}

unsigned int attr_sets_count(const struct attr_sets *sets)
{
	return sets->count;
}

size_t attr_sets_memory(const struct attr_sets *sets)
{
	return sets->memory;
}
