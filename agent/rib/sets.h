/* SPDX-License-Identifier: GPL-2.0 */
/* Sets of attributes, each kept once, whoever many paths have it. */
#ifndef GWSYNC_AGENT_RIB_SETS_H
#define GWSYNC_AGENT_RIB_SETS_H

#include <stddef.h>
#include <stdint.h>

#define SETS_NONE	UINT32_MAX

struct attr_sets;

/**
 * attr_sets_alloc() - an empty collection
 * @most_bytes: of all sets together, with what it takes to find them
 *
 * Return: NULL without memory.
 */
struct attr_sets *attr_sets_alloc(size_t most_bytes);
void attr_sets_free(struct attr_sets *sets);

/**
 * attr_sets_get() - the number of a set, which is made if it is not there; one reference more
 * @len: BGP_MESSAGE_MAX at most
 *
 * Return: SETS_NONE: there is no room for it.
 */
uint32_t attr_sets_get(struct attr_sets *sets, const uint8_t *bytes, size_t len);
/* One reference more to, or less of, a set that has one. */
void attr_sets_hold(struct attr_sets *sets, uint32_t set);
void attr_sets_put(struct attr_sets *sets, uint32_t set);

const uint8_t *attr_sets_bytes(const struct attr_sets *sets, uint32_t set, size_t *len);

/* How many there are, and the memory that they take, with what it takes to find them. */
unsigned int attr_sets_count(const struct attr_sets *sets);
size_t attr_sets_memory(const struct attr_sets *sets);

#endif
