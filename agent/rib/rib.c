// SPDX-License-Identifier: GPL-2.0
/* Paths lie in slabs and are found by a hash of their prefix whose key nobody else knows:
 * who can announce a route chooses prefixes.
 */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "rib/rib.h"
#include "rib/sets.h"

#define RIB_NONE	UINT32_MAX
#define RIB_SLAB	4096
#define RIB_FREE	0xff		/* family of a path that is none */

/* 32 bytes: there may be a million. */
struct path {
	uint8_t		addr[16];
	uint32_t	path_id;
	uint32_t	set;
	uint32_t	next;		/* in the bucket, or the next that is free */
	uint16_t	generation;
	uint8_t		family, len;
};

struct rib {
	struct attr_sets	*sets;
	uint8_t		key[crypto_shorthash_KEYBYTES];
	uint32_t	most, used, free, mask;
	uint32_t	paths[__BGP_FAMILIES], current[__BGP_FAMILIES];
	uint16_t	generation[__BGP_FAMILIES];
	uint32_t	*bucket;
	struct path	**slab;
	uint32_t	slabs, slabs_used;
};

struct rib *rib_alloc(uint32_t most, size_t most_bytes)
{
	struct rib *rib = calloc(1, sizeof(*rib));
	uint32_t buckets = 1024;

	if (!rib)
		return NULL;
	/* A page that no path is in costs nothing, so it is made for the most. */
	while (buckets < most && buckets < 1U << 27)
		buckets *= 2;
	rib->mask = buckets - 1;
	rib->most = most;
	rib->free = RIB_NONE;
	rib->slabs = most / RIB_SLAB + 1;
	randombytes_buf(rib->key, sizeof(rib->key));
	rib->sets = attr_sets_alloc(most_bytes);
	rib->bucket = calloc(buckets, sizeof(*rib->bucket));
	rib->slab = calloc(rib->slabs, sizeof(struct path *));
	if (rib->sets && rib->bucket && rib->slab)
		return rib;
	rib_free(rib);
	return NULL;
}

void rib_free(struct rib *rib)
{
	uint32_t i;

	if (!rib)
		return;
	for (i = 0; rib->slab && i < rib->slabs_used; i++)
		free(rib->slab[i]);
	free(rib->slab);
	free(rib->bucket);
	attr_sets_free(rib->sets);
	sodium_memzero(rib->key, sizeof(rib->key));
	free(rib);
}

static struct path *path_of(const struct rib *rib, uint32_t number)
{
	return &rib->slab[number / RIB_SLAB][number % RIB_SLAB];
}

/* Of the first path: buckets hold numbers from 1, 0 is an empty one. */
static uint32_t *bucket_of(const struct rib *rib, const struct bgp_nlri *nlri)
{
	uint8_t text[18], hash[crypto_shorthash_BYTES];
	uint32_t bucket;

	memcpy(text, nlri->addr, 16);
	text[16] = nlri->len;
	text[17] = (uint8_t)nlri->family;
	crypto_shorthash(hash, text, sizeof(text), rib->key);
	memcpy(&bucket, hash, sizeof(bucket));
	return &rib->bucket[bucket & rib->mask];
}

static bool of_prefix(const struct path *path, const struct bgp_nlri *nlri)
{
	return path->family == (uint8_t)nlri->family && path->len == nlri->len &&
	       !memcmp(path->addr, nlri->addr, sizeof(path->addr));
}

/* What points to the path, or to nothing at the end of its bucket; @others: how many of
 * its prefix there are before that.
 */
static uint32_t *link_of(const struct rib *rib, const struct bgp_nlri *nlri,
			 unsigned int *others)
{
	uint32_t *link = bucket_of(rib, nlri);

	*others = 0;
	while (*link) {
		struct path *path = path_of(rib, *link - 1);

		if (of_prefix(path, nlri)) {
			if (path->path_id == nlri->path_id)
				break;
			++*others;
		}
		link = &path->next;
	}
	return link;
}

static bool is_current(const struct rib *rib, const struct path *path)
{
	return path->generation == rib->generation[path->family];
}

static void path_drop(struct rib *rib, uint32_t *link)
{
	uint32_t number = *link - 1;
	struct path *path = path_of(rib, number);

	rib->paths[path->family]--;
	rib->current[path->family] -= is_current(rib, path);
	attr_sets_put(rib->sets, path->set);
	*link = path->next;
	path->family = RIB_FREE;
	path->next = rib->free;
	rib->free = number;
}

static uint32_t path_take(struct rib *rib)
{
	uint32_t number = rib->free;

	if (number != RIB_NONE) {
		rib->free = path_of(rib, number)->next;
		return number;
	}
	if (rib->used == rib->most)
		return RIB_NONE;
	if (rib->used / RIB_SLAB == rib->slabs_used) {
		struct path *slab = malloc(RIB_SLAB * sizeof(*slab));

		if (!slab)
			return RIB_NONE;
		rib->slab[rib->slabs_used++] = slab;
	}
	return rib->used++;
}

static enum rib_result path_add(struct rib *rib, uint32_t *link, const struct bgp_nlri *nlri,
				uint32_t set)
{
	uint32_t number = path_take(rib);
	struct path *path;

	if (number == RIB_NONE)
		return RIB_FULL;
	attr_sets_hold(rib->sets, set);
	path = path_of(rib, number);
	*path = (struct path){
		.path_id = nlri->path_id, .set = set, .family = (uint8_t)nlri->family,
		.len = nlri->len, .generation = rib->generation[nlri->family],
	};
	memcpy(path->addr, nlri->addr, sizeof(path->addr));
	*link = number + 1;
	rib->paths[nlri->family]++;
	rib->current[nlri->family]++;
	return RIB_NEW;
}

uint32_t rib_set_get(struct rib *rib, const uint8_t *attributes, size_t len)
{
	_Static_assert(RIB_NO_SET == SETS_NONE, "no room in either");
	return attr_sets_get(rib->sets, attributes, len);
}

void rib_set_put(struct rib *rib, uint32_t set)
{
	if (set != RIB_NO_SET)
		attr_sets_put(rib->sets, set);
}

enum rib_result rib_put(struct rib *rib, const struct bgp_nlri *nlri, uint32_t set)
{
	unsigned int others;
	uint32_t *link = link_of(rib, nlri, &others), before;
	struct path *path;

	if (set == RIB_NO_SET) {
		/* Better none than one with attributes that it had once. */
		if (*link)
			path_drop(rib, link);
		return RIB_FULL;
	}
	if (!*link && others >= RIB_PREFIX_PATHS)
		return RIB_CROWDED;
	if (!*link)
		return path_add(rib, link, nlri, set);
	path = path_of(rib, *link - 1);
	if (!is_current(rib, path)) {
		path->generation = rib->generation[path->family];
		rib->current[path->family]++;
	}
	before = path->set;
	if (before == set)
		return RIB_SAME;
	attr_sets_hold(rib->sets, set);
	path->set = set;
	attr_sets_put(rib->sets, before);
	return RIB_CHANGED;
}

enum rib_result rib_del(struct rib *rib, const struct bgp_nlri *nlri)
{
	unsigned int others;
	uint32_t *link = link_of(rib, nlri, &others);

	if (!*link)
		return RIB_SAME;
	path_drop(rib, link);
	return RIB_GONE;
}

/* A number that comes again must not make current what is older than all of them. */
static void generations_end(struct rib *rib, enum bgp_family family)
{
	uint32_t number;

	for (number = 0; number < rib->used; number++) {
		struct path *path = path_of(rib, number);

		if (path->family == (uint8_t)family)
			path->generation = 0;
	}
	rib->generation[family] = 1;
}

void rib_begin(struct rib *rib, enum bgp_family family)
{
	if (!++rib->generation[family])
		generations_end(rib, family);
	rib->current[family] = 0;
}

static void nlri_of(const struct path *path, struct bgp_nlri *nlri)
{
	*nlri = (struct bgp_nlri){
		.family = path->family, .path_id = path->path_id, .len = path->len,
	};
	memcpy(nlri->addr, path->addr, sizeof(nlri->addr));
}

bool rib_sweep(struct rib *rib, enum bgp_family family, uint32_t *cursor, uint32_t budget)
{
	for (; *cursor < rib->used; (*cursor)++) {
		const struct path *path = path_of(rib, *cursor);
		struct bgp_nlri nlri;
		unsigned int others;

		if (rib->current[family] == rib->paths[family])
			return true;
		if (!budget--)
			return false;
		if (path->family != (uint8_t)family || is_current(rib, path))
			continue;
		nlri_of(path, &nlri);
		path_drop(rib, link_of(rib, &nlri, &others));
	}
	return true;
}

static void path_show(const struct rib *rib, const struct path *path, struct rib_path *show)
{
	nlri_of(path, &show->nlri);
	show->attributes = attr_sets_bytes(rib->sets, path->set, &show->len);
	show->stale = !is_current(rib, path);
}

bool rib_each(const struct rib *rib, uint32_t *cursor, struct rib_path *path)
{
	while (*cursor < rib->used) {
		const struct path *one = path_of(rib, (*cursor)++);

		if (one->family == RIB_FREE)
			continue;
		path_show(rib, one, path);
		return true;
	}
	return false;
}

/* The cursor is how many of the bucket were looked at. */
bool rib_find(const struct rib *rib, const struct bgp_nlri *nlri, uint32_t *cursor,
	      struct rib_path *path)
{
	uint32_t number = *bucket_of(rib, nlri), at = 0;

	while (number) {
		const struct path *one = path_of(rib, number - 1);

		number = one->next;
		if (at++ < *cursor || !of_prefix(one, nlri))
			continue;
		*cursor = at;
		path_show(rib, one, path);
		return true;
	}
	return false;
}

void rib_counts(const struct rib *rib, struct rib_counts *counts)
{
	unsigned int i;

	*counts = (struct rib_counts){ .most = rib->most, .sets = attr_sets_count(rib->sets) };
	for (i = 0; i < __BGP_FAMILIES; i++) {
		counts->paths[i] = rib->paths[i];
		counts->stale[i] = rib->paths[i] - rib->current[i];
	}
	counts->attribute_memory = attr_sets_memory(rib->sets);
	counts->memory = counts->attribute_memory + sizeof(*rib) +
			 (rib->mask + 1UL) * sizeof(*rib->bucket) +
			 rib->slabs * sizeof(*rib->slab) +
			 (size_t)rib->slabs_used * RIB_SLAB * sizeof(struct path);
}
