/* SPDX-License-Identifier: GPL-2.0 */
/* The lease on which an owner has its addresses, see lease.c. */
#ifndef _GWSYNC_LEASE_H
#define _GWSYNC_LEASE_H

#include <linux/types.h>

struct gwsync_net;
struct netlink_ext_ack;
struct sk_buff;

int gwsync_lease_init(void);
void gwsync_lease_exit(void);
void gwsync_lease_net_init(struct gwsync_net *gn);
void gwsync_lease_net_pre_exit(struct gwsync_net *gn);
void gwsync_lease_net_exit(struct gwsync_net *gn);

int gwsync_lease_take(struct gwsync_net *gn, const u32 *ifindex, unsigned int count, u32 term_ms,
		      struct netlink_ext_ack *extack);
int gwsync_lease_renew(struct gwsync_net *gn, u32 term_ms, struct netlink_ext_ack *extack);
void gwsync_lease_end(struct gwsync_net *gn);
void gwsync_lease_give_back(struct gwsync_net *gn);
int gwsync_lease_fill(struct gwsync_net *gn, struct sk_buff *skb);

#endif /* _GWSYNC_LEASE_H */
