/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _GWSYNC_REPLICA_H
#define _GWSYNC_REPLICA_H

#include <linux/types.h>

#include "gwsync.h"

struct gwsync_flow;

/* Of a netns: _init before its first command, _stop after its last, while the
 * worker can still be asked; _exit when the worker has stopped.
 */
void gwsync_replica_init(struct gwsync_net *gn);
void gwsync_replica_stop(struct gwsync_net *gn);
void gwsync_replica_exit(struct gwsync_net *gn);

int gwsync_replica_install(struct gwsync_net *gn, u8 owner, const struct gwsync_flow *flow);
int gwsync_replica_gone(struct gwsync_net *gn, const struct gwsync_flow *flow);
u8 gwsync_replica_drop(struct gwsync_net *gn, struct nf_conn *ct, u64 owners, bool stale);
unsigned long gwsync_replica_marks(u8 owner, bool gen, u32 timeout, u8 l4proto);
void gwsync_replica_hold(struct nf_conn *ct);
bool gwsync_replica_is_held(const struct nf_conn *ct);
void gwsync_replica_helper_resync(struct nf_conn *ct);
void gwsync_replica_unmark(struct gwsync_net *gn, struct nf_conn *ct);

/*
 * Jobs of the walk.  The worker calls _job_begin when a pass starts to serve
 * a job, the job's function for each flow of the pass (with a reference held,
 * demote before sweep), _job_done when the pass has come around: it sends the
 * event that tells the agent.  A job that is requested during its own pass
 * simply gets another one.
 */
void gwsync_replica_job_begin(struct gwsync_net *gn, enum gwsync_walk_job job);
void gwsync_replica_job_done(struct gwsync_net *gn, enum gwsync_walk_job job);
void gwsync_replica_sweep(struct gwsync_net *gn, struct nf_conn *ct);
void gwsync_replica_purge(struct gwsync_net *gn, struct nf_conn *ct);
void gwsync_replica_extend(struct gwsync_net *gn, struct nf_conn *ct);

#endif /* _GWSYNC_REPLICA_H */
