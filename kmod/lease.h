/* SPDX-License-Identifier: GPL-2.0 */
/* The lease on which an owner has its addresses, see lease.c. */
#ifndef _GWSYNC_LEASE_H
#define _GWSYNC_LEASE_H

#include <linux/types.h>

struct gwsync_net;
struct nf_hook_entries;
struct nf_hook_ops;
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

/* The kernel exports it and has it in none of the headers that it gives to modules. */
void nf_hook_entries_delete_raw(struct nf_hook_entries __rcu **pp, const struct nf_hook_ops *reg);

#endif /* _GWSYNC_LEASE_H */
