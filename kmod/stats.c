// SPDX-License-Identifier: GPL-2.0
/* Counters of a netns: per CPU, summed when asked for. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <net/netlink.h>

#include "stats.h"

int gwsync_stats_net_init(struct gwsync_net *gn)
{
	gn->stats = alloc_percpu_gfp(struct gwsync_stats, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	return gn->stats ? 0 : -ENOMEM;
}

void gwsync_stats_net_exit(struct gwsync_net *gn)
{
	free_percpu(gn->stats);
}

/**
 * gwsync_stats_sum - value of a counter
 * @gn: the netns
 * @id: which
 *
 * Context: any.
 * Return: its sum over all CPUs.
 */
u64 gwsync_stats_sum(const struct gwsync_net *gn, enum gwsync_stat_attr id)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(gn->stats, cpu)->counter[id]);
	return sum;
}

/**
 * gwsync_stats_fill - write all counters into a message
 * @gn: the netns
 * @skb: the message
 * @attrtype: type of the nest
 *
 * Context: any.
 * Return: 0, -EMSGSIZE.
 */
int gwsync_stats_fill(const struct gwsync_net *gn, struct sk_buff *skb, int attrtype)
{
	enum gwsync_stat_attr id;
	struct nlattr *nest;

	nest = nla_nest_start(skb, attrtype);
	if (!nest)
		return -EMSGSIZE;
	for (id = GWSYNC_STAT_A_PAD + 1; id <= GWSYNC_STAT_A_MAX; id++)
		if (nla_put_u64_64bit(skb, id, gwsync_stats_sum(gn, id), GWSYNC_STAT_A_PAD))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}
