/* SPDX-License-Identifier: GPL-2.0 */
/* What changes without an event, see audit.c. */
#ifndef _GWSYNC_AUDIT_H
#define _GWSYNC_AUDIT_H

#include "gwsync.h"

void gwsync_audit_init(struct gwsync_net *gn);
void gwsync_audit_start(struct gwsync_net *gn);
void gwsync_audit_stop(struct gwsync_net *gn);

/* The worker's: a pass that looks at all own flows begins, has cost time, is over. */
void gwsync_audit_begin(struct gwsync_net *gn);
void gwsync_audit_cost(struct gwsync_net *gn, u64 ns);
void gwsync_audit_done(struct gwsync_net *gn);

#endif /* _GWSYNC_AUDIT_H */
