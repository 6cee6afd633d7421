/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _GWSYNC_APPLY_H
#define _GWSYNC_APPLY_H

#include <linux/types.h>

struct gwsync_net;
struct netlink_ext_ack;

int gwsync_apply_records(struct gwsync_net *gn, u8 owner, u32 epoch, const void *data, size_t len,
			 struct netlink_ext_ack *extack);
int gwsync_sync_begin(struct gwsync_net *gn, u8 owner, u32 epoch, struct netlink_ext_ack *extack);
int gwsync_sync_end(struct gwsync_net *gn, u8 owner, u32 epoch, struct netlink_ext_ack *extack);
int gwsync_purge(struct gwsync_net *gn, u8 owner, struct netlink_ext_ack *extack);

#endif /* _GWSYNC_APPLY_H */
