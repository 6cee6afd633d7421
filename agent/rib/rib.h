/* SPDX-License-Identifier: GPL-2.0 */
/* The RIB of a routing table: one path for each prefix and path id, with its attributes.
 *
 * A generation is what one session told.  When it ends, its paths are stale until the next
 * one has told all of its own; those that it did not tell again are swept then.  A new
 * generation is one number, however many paths there are, and a sweep goes in steps.
 */
#ifndef GWSYNC_AGENT_RIB_H
#define GWSYNC_AGENT_RIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgp/update.h"

struct rib;

enum rib_result {
	RIB_SAME,	/* there was nothing to do */
	RIB_NEW,
	RIB_CHANGED,
	RIB_GONE,
	RIB_FULL,	/* refused: no room for it; what was there of it has gone */
	RIB_CROWDED,	/* refused: the prefix has RIB_PREFIX_PATHS */
};

/**
 * rib_alloc() - an empty RIB
 * @most: paths
 * @most_bytes: of attributes
 *
 * Return: NULL without memory.
 */
struct rib *rib_alloc(uint32_t most, size_t most_bytes);
void rib_free(struct rib *rib);

/**
 * rib_set_get() - the number of a set of attributes, for the paths that have it
 *
 * It stays until rib_set_put(), and as long as a path has it.
 *
 * Return: RIB_NO_SET: there is no room for it.
 */
uint32_t rib_set_get(struct rib *rib, const uint8_t *attributes, size_t len);
void rib_set_put(struct rib *rib, uint32_t set);

#define RIB_NO_SET	UINT32_MAX

/* Paths of one prefix, which are looked through one after the other: more than any routing
 * daemon has neighbours, and few enough that nobody can make a look last.
 */
#define RIB_PREFIX_PATHS	256

/* A path by its prefix and path id has these attributes now, or is no more. */
enum rib_result rib_put(struct rib *rib, const struct bgp_nlri *nlri, uint32_t set);
enum rib_result rib_del(struct rib *rib, const struct bgp_nlri *nlri);

/* What there is of a family is stale from now on. */
void rib_begin(struct rib *rib, enum bgp_family family);

/**
 * rib_sweep() - forget what is stale of a family
 * @cursor: 0 at first; moved
 * @budget: how many paths are looked at
 *
 * Return: false: go on later.
 */
bool rib_sweep(struct rib *rib, enum bgp_family family, uint32_t *cursor, uint32_t budget);

struct rib_path {
	struct bgp_nlri	nlri;
	const uint8_t	*attributes;
	size_t		len;
	bool		stale;
};

/* The next path of all; false: no more.  @cursor: 0 at first; moved. */
bool rib_each(const struct rib *rib, uint32_t *cursor, struct rib_path *path);
/* The next path of one prefix, in no order; path ids of @nlri are not looked at. */
bool rib_find(const struct rib *rib, const struct bgp_nlri *nlri, uint32_t *cursor,
	      struct rib_path *path);

struct rib_counts {
	uint32_t	paths[__BGP_FAMILIES], stale[__BGP_FAMILIES], most;
	unsigned int	sets;
	size_t		memory, attribute_memory;	/* the latter is part of it */
};

void rib_counts(const struct rib *rib, struct rib_counts *counts);

#endif
