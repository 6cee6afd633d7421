/* SPDX-License-Identifier: GPL-2.0 */
/* Repair: a full sync of those classes that differ, see repair.c. */
#ifndef _GWSYNC_REPAIR_H
#define _GWSYNC_REPAIR_H

#include "gwsync.h"

struct netlink_ext_ack;

/**
 * struct gwsync_repair - what an owner is asked to send again
 * @lock: of @asked and @wanted
 * @asked: there are some in @wanted
 * @wanted: classes, by bucket
 * @running: those of the walk that runs; the worker's own
 * @phase: of the worker
 * @bucket: where the worker is in its phase
 */
struct gwsync_repair {
	spinlock_t	lock;	/* of what is asked for */
	bool		asked;
	u64		wanted[GWSYNC_BUCKETS];
	u64		running[GWSYNC_BUCKETS];
	unsigned int	phase;
	unsigned int	bucket;
};

int gwsync_repair_get(struct gwsync_net *gn, struct netlink_ext_ack *extack);
void gwsync_repair_net_exit(struct gwsync_net *gn);

void gwsync_repair_ask(struct gwsync_net *gn, const u64 *classes);
int gwsync_repair_step(struct gwsync_net *gn);
int gwsync_repair_flow(struct gwsync_net *gn, struct nf_conn *ct);
void gwsync_repair_walked(struct gwsync_net *gn);
void gwsync_repair_drop(struct gwsync_net *gn);

#endif /* _GWSYNC_REPAIR_H */
