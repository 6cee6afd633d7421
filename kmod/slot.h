/* SPDX-License-Identifier: GPL-2.0 */
/* The place of a netns' one notifier of conntrack events, see slot.c. */
#ifndef _GWSYNC_SLOT_H
#define _GWSYNC_SLOT_H

#include "gwsync.h"

int gwsync_slot_init(void);
void gwsync_slot_stop(void);
void gwsync_slot_net_init(struct gwsync_net *gn);
void gwsync_slot_net_pre_exit(struct gwsync_net *gn);
void gwsync_slot_net_exit(struct gwsync_net *gn);

void gwsync_slot_attach(struct gwsync_net *gn);
void gwsync_slot_detach(struct gwsync_net *gn);
bool gwsync_slot_look(struct gwsync_net *gn);

#endif /* _GWSYNC_SLOT_H */
