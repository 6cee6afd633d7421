/* SPDX-License-Identifier: GPL-2.0 */
/* Change of ownership, see takeover.c. */
#ifndef _GWSYNC_TAKEOVER_H
#define _GWSYNC_TAKEOVER_H

#include "gwsync.h"

struct netlink_ext_ack;

int gwsync_activate(struct gwsync_net *gn, u64 set, u32 epoch, struct netlink_ext_ack *extack);
int gwsync_deactivate(struct gwsync_net *gn, u8 owner, u32 epoch, struct netlink_ext_ack *extack);

#endif /* _GWSYNC_TAKEOVER_H */
