/* SPDX-License-Identifier: GPL-2.0 */
/* What the agent is told besides records, see event.c. */
#ifndef _GWSYNC_EVENT_H
#define _GWSYNC_EVENT_H

#include "gwsync.h"

int gwsync_event_net_init(struct gwsync_net *gn);
void gwsync_event_net_exit(struct gwsync_net *gn);

void gwsync_event_send(struct gwsync_net *gn, enum gwsync_event event, u8 owner,
		       u32 walk_id, u32 count);
void gwsync_event_forget_digest(struct gwsync_net *gn);

/* For the worker. */
int gwsync_event_flush(struct gwsync_net *gn);
void gwsync_event_drop(struct gwsync_net *gn);

#endif /* _GWSYNC_EVENT_H */
