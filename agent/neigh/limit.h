/* SPDX-License-Identifier: GPL-2.0 */
/* How many neighbours a kernel learns (gc_thresh3): replicas are beside that, and a backup
 * that has them all may be an owner that cannot learn as many.
 */
#ifndef GWSYNC_AGENT_NEIGH_LIMIT_H
#define GWSYNC_AGENT_NEIGH_LIMIT_H

#include "table/store.h"

struct limits {
	uint32_t	limit[2];	/* of IPv4, IPv6; 0: not known */
	uint64_t	asked_ns;	/* when the kernel was asked */
	uint32_t	held;		/* entries, when they were counted */
	bool		said[2];
};

/* Now and then, and when there are many more; the kernel is asked now and then alone.  What
 * is near its limit is logged once.
 */
void limits_check(struct limits *limits, const struct store *store, uint64_t now_ns);

#endif
