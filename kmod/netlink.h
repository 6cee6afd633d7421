/* SPDX-License-Identifier: GPL-2.0 */
/* The generic netlink edge, see netlink.c. */
#ifndef _GWSYNC_NETLINK_H
#define _GWSYNC_NETLINK_H

#include "gwsync.h"

int gwsync_netlink_init(void);
void gwsync_netlink_exit(void);

int gwsync_netlink_send_delta(struct gwsync_net *gn, u64 set, u32 walk_id,
			      const void *records, unsigned int len);
int gwsync_netlink_send_event(struct gwsync_net *gn, enum gwsync_event event, u8 owner,
			      u32 walk_id, u32 count);

#endif /* _GWSYNC_NETLINK_H */
