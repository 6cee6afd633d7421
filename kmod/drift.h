/* SPDX-License-Identifier: GPL-2.0 */
/* Flows that have moved on since their last record, see drift.c. */
#ifndef _GWSYNC_DRIFT_H
#define _GWSYNC_DRIFT_H

#include "gwsync.h"

void gwsync_drift_init(struct gwsync_net *gn);
void gwsync_drift_exit(struct gwsync_net *gn);
void gwsync_drift_start(struct gwsync_net *gn);

u32 gwsync_drift_look(const struct nf_conn *ct);
void gwsync_drift_note(struct gwsync_net *gn, struct nf_conn *ct, u32 look);
void gwsync_drift_adopt(struct gwsync_net *gn, struct nf_conn *ct);
bool gwsync_drift_is_far(struct gwsync_net *gn, const struct nf_conn *ct);

/* The worker's: a pass that looks for such flows begins, has cost time, is over. */
void gwsync_drift_begin(struct gwsync_net *gn);
void gwsync_drift_cost(struct gwsync_net *gn, u64 ns);
void gwsync_drift_done(struct gwsync_net *gn);

#endif /* _GWSYNC_DRIFT_H */
