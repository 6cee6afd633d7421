/* SPDX-License-Identifier: GPL-2.0 */
/* The tables of the kernel that are replicated: main, and those of VRFs. */
#ifndef GWSYNC_AGENT_FIB_SOURCE_H
#define GWSYNC_AGENT_FIB_SOURCE_H

#include <stdint.h>

#include "fib/kernel.h"

struct source {
	char		name[40];
	uint32_t	id;		/* in keys */
	uint32_t	number;		/* the kernel's, 0: it is not there */
	uint32_t	copies;		/* the kernel's, for copies of what it has */
};

struct sources {
	struct source	source[FIB_TABLES];
	unsigned int	count;
};

/* By its name, made if it is new; NULL: there are too many. */
struct source *sources_get(struct sources *sources, const char *name);
/* By the id of its name, by its number, by that of its copies; NULL: none. */
const struct source *sources_by_id(const struct sources *sources, uint32_t id);
const struct source *sources_by_number(const struct sources *sources, uint32_t number);
const struct source *sources_by_copies(const struct sources *sources, uint32_t number);

#endif
