/* SPDX-License-Identifier: GPL-2.0 */
/* Replicas that nobody names, or wants, go: see job.c. */
#ifndef _GWSYNC_JOB_H
#define _GWSYNC_JOB_H

#include "gwsync.h"

/* Jobs of the walk, one call a flow; the caller holds a reference. */
void gwsync_job_sweep(struct gwsync_net *gn, struct nf_conn *ct);
void gwsync_job_purge(struct gwsync_net *gn, struct nf_conn *ct);

/* A pass has been everywhere. */
void gwsync_job_done(struct gwsync_net *gn, enum gwsync_walk_job job);

#endif /* _GWSYNC_JOB_H */
