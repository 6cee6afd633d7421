/* SPDX-License-Identifier: GPL-2.0 */
/* What the worker of a netns is asked for, see work.c. */
#ifndef _GWSYNC_WORK_H
#define _GWSYNC_WORK_H

#include "gwsync.h"

int gwsync_work_init(void);
void gwsync_work_exit(void);

void gwsync_work_kick(struct gwsync_net *gn);
void gwsync_work_kick_now(struct gwsync_net *gn);
void gwsync_work_flush(struct gwsync_net *gn);
void gwsync_work_ask(struct gwsync_net *gn, enum gwsync_walk_job job);

/* For what comes again and again. */
void gwsync_work_later(struct delayed_work *work, unsigned long delay);
unsigned long gwsync_work_rest(u64 cost_ns, unsigned long interval);

/* For the worker itself. */
void gwsync_work_begin(struct gwsync_net *gn);
void gwsync_work_next(struct gwsync_net *gn, long delay);

#endif /* _GWSYNC_WORK_H */
