/* SPDX-License-Identifier: GPL-2.0 */
/* Bounded walks of the conntrack table, see walk.c. */
#ifndef _GWSYNC_WALK_H
#define _GWSYNC_WALK_H

#include "gwsync.h"

struct netlink_ext_ack;

int gwsync_walk_net_init(struct gwsync_net *gn);
void gwsync_walk_net_stop(struct gwsync_net *gn);
void gwsync_walk_net_exit(struct gwsync_net *gn);

void gwsync_walk_request(struct gwsync_net *gn, enum gwsync_walk_job job);
unsigned int gwsync_walk_mute(const struct gwsync_net *gn);
void gwsync_walk_note_mute(struct gwsync_net *gn);
int gwsync_walk_full(struct gwsync_net *gn, u64 set, u32 walk_id,
		     struct netlink_ext_ack *extack);
void gwsync_walk_cancel(struct gwsync_net *gn);
long gwsync_walk_step(struct gwsync_net *gn);

/* References of some flows of a bucket. */
#define GWSYNC_WALK_BATCH	64

struct gwsync_walk_batch {
	unsigned int	count;
	struct nf_conn	*ct[GWSYNC_WALK_BATCH];
};

typedef bool (*gwsync_walk_want)(struct gwsync_net *gn, const struct nf_conn *ct);

unsigned int gwsync_walk_collect(struct gwsync_net *gn, unsigned int bucket,
				 gwsync_walk_want want, u32 *last,
				 struct gwsync_walk_batch *batch, unsigned int *next);
void gwsync_walk_release(struct gwsync_walk_batch *batch, unsigned int from);
bool gwsync_walk_reap(struct gwsync_net *gn, struct nf_conn *ct);

#endif /* _GWSYNC_WALK_H */
