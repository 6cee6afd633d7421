/* SPDX-License-Identifier: GPL-2.0 */
/* Flows to leave out, see filter.c. */
#ifndef _GWSYNC_FILTER_H
#define _GWSYNC_FILTER_H

#include "gwsync.h"

struct netlink_ext_ack;
struct nlattr;
struct sk_buff;

int gwsync_filter_set(struct gwsync_net *gn, const struct nlattr *nest,
		      struct netlink_ext_ack *extack);
int gwsync_filter_fill(struct gwsync_net *gn, struct sk_buff *skb, int attrtype);
bool gwsync_filter_match(struct gwsync_net *gn, const struct nf_conn *ct);
bool gwsync_filter_may_turn(struct gwsync_net *gn);
void gwsync_filter_net_exit(struct gwsync_net *gn);

#endif /* _GWSYNC_FILTER_H */
