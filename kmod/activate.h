/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _GWSYNC_ACTIVATE_H
#define _GWSYNC_ACTIVATE_H

#include <linux/types.h>

struct gwsync_net;
struct netlink_ext_ack;
struct nf_conn;

int gwsync_activate(struct gwsync_net *gn, u64 set, u32 epoch, struct netlink_ext_ack *extack);
int gwsync_deactivate(struct gwsync_net *gn, u8 owner, u32 epoch, struct netlink_ext_ack *extack);

/* Jobs of the walk, one call a flow; the caller holds a reference. */
void gwsync_replica_adopt(struct gwsync_net *gn, struct nf_conn *ct);
void gwsync_replica_demote(struct gwsync_net *gn, struct nf_conn *ct);

#endif /* _GWSYNC_ACTIVATE_H */
