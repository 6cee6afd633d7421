/* SPDX-License-Identifier: GPL-2.0 */
/* Paths in the words of "birdc show route all", as JSON. */
#ifndef GWSYNC_AGENT_RIB_WORDS_H
#define GWSYNC_AGENT_RIB_WORDS_H

#include <stdbool.h>

#include <jansson.h>

#include "rib/rib.h"

/**
 * words_path() - a path as an object
 *
 * "prefix", "path_id", "stale", and "attributes": names as BIRD has them, with text.
 *
 * Return: a new reference.
 */
json_t *words_path(const struct rib_path *path);

/* The same with "attribute_bytes" instead: all of them as they are kept, in hex. */
json_t *words_bytes(const struct rib_path *path);

/* "10.0.0.0/8" or "fd00::/8", without bits behind the length; false: it is none. */
bool words_prefix(const char *text, struct bgp_nlri *nlri);

#endif
