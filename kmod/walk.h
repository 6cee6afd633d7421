/* SPDX-License-Identifier: GPL-2.0 */
/* Bounded walks of the conntrack table, see walk.c. */
#ifndef _GWSYNC_WALK_H
#define _GWSYNC_WALK_H

#include "gwsync.h"

struct netlink_ext_ack;

int gwsync_walk_net_init(struct gwsync_net *gn);
void gwsync_walk_net_exit(struct gwsync_net *gn);

/*
 * Ask for a job; any context.  The job sees every flow that is in the table
 * from now until its end at least once; it may see one twice.  A job asked
 * for while it runs is run once more.
 */
void gwsync_walk_request(struct gwsync_net *gn, enum gwsync_walk_job job);
bool gwsync_walk_pending(const struct gwsync_net *gn, enum gwsync_walk_job job);

int gwsync_walk_full(struct gwsync_net *gn, u64 set, u32 walk_id,
		     struct netlink_ext_ack *extack);
void gwsync_walk_cancel(struct gwsync_net *gn);
long gwsync_walk_step(struct gwsync_net *gn);

/* Collects references of at most GWSYNC_WALK_BATCH flows, see gwsync_walk_collect(). */
#define GWSYNC_WALK_BATCH	128

struct gwsync_walk_batch {
	unsigned int	count;
	struct nf_conn	*ct[GWSYNC_WALK_BATCH];
};

bool gwsync_walk_collect(struct gwsync_net *gn, unsigned int bucket, unsigned long *last,
			 struct gwsync_walk_batch *batch);

#endif /* _GWSYNC_WALK_H */
