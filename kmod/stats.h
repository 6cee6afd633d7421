/* SPDX-License-Identifier: GPL-2.0 */
/* Counters of a netns, see stats.c. */
#ifndef _GWSYNC_STATS_H
#define _GWSYNC_STATS_H

#include "gwsync.h"

struct sk_buff;

int gwsync_stats_net_init(struct gwsync_net *gn);
void gwsync_stats_net_exit(struct gwsync_net *gn);
u64 gwsync_stats_sum(const struct gwsync_net *gn, enum gwsync_stat_attr id);
int gwsync_stats_fill(const struct gwsync_net *gn, struct sk_buff *skb, int attrtype);

#endif /* _GWSYNC_STATS_H */
