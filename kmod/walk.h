/* SPDX-License-Identifier: GPL-2.0 */
/* Bounded walks of the conntrack table, see walk.c. */
#ifndef _GWSYNC_WALK_H
#define _GWSYNC_WALK_H

#include "gwsync.h"

/**
 * struct gwsync_walk_ops - what a pass of the worker does
 * @begin: it begins to serve a job
 * @wants: has it anything to do with a flow, for jobs that are all @picky?  Called under
 *	the lock of a bucket or of RCU, and of flows that may be another a moment later
 * @flow: all its @jobs for one flow, a reference of which is held; negative: come again
 * @done: a job has had its round
 * @cost: a step has taken so long
 * @picky: jobs that come again and again, and want hardly any flow
 *
 * The one place where a call goes up: the worker hands them in.
 */
struct gwsync_walk_ops {
	void		(*begin)(struct gwsync_net *gn, enum gwsync_walk_job job);
	bool		(*wants)(struct gwsync_net *gn, unsigned long jobs,
				 const struct nf_conn *ct);
	int		(*flow)(struct gwsync_net *gn, unsigned long jobs, struct nf_conn *ct);
	void		(*done)(struct gwsync_net *gn, enum gwsync_walk_job job);
	void		(*cost)(struct gwsync_net *gn, u64 ns);
	unsigned long	picky;
};

int gwsync_walk_net_init(struct gwsync_net *gn, const struct gwsync_walk_ops *ops);
void gwsync_walk_net_stop(struct gwsync_net *gn);
void gwsync_walk_net_exit(struct gwsync_net *gn);

long gwsync_walk_step(struct gwsync_net *gn);
void gwsync_walk_pace_begin(struct gwsync_net *gn);
void gwsync_walk_cancel(struct gwsync_net *gn);

#define GWSYNC_WALK_BATCH	64u

typedef bool (*gwsync_walk_want)(struct gwsync_net *gn, unsigned long jobs,
				 const struct nf_conn *ct);

/**
 * struct gwsync_walk_batch - references of some flows
 * @single: they are of one bucket alone
 * @want: NULL, or says which flows; see @wants of struct gwsync_walk_ops
 * @jobs: for it
 * @count: of them
 * @ct: the flows
 */
struct gwsync_walk_batch {
	bool			single;
	gwsync_walk_want	want;
	unsigned long		jobs;
	unsigned int		count;
	struct nf_conn		*ct[GWSYNC_WALK_BATCH];
};

unsigned int gwsync_walk_collect(struct gwsync_net *gn, unsigned int bucket, u32 *last,
				 struct gwsync_walk_batch *batch, unsigned int *next);
void gwsync_walk_release(struct gwsync_walk_batch *batch, unsigned int from);
bool gwsync_walk_reap(struct gwsync_net *gn, struct nf_conn *ct);

#endif /* _GWSYNC_WALK_H */
