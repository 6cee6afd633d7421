// SPDX-License-Identifier: GPL-2.0
/* Counters of a netns: per CPU, summed when asked for. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <net/netlink.h>

#include "stats.h"

int gwsync_stats_net_init(struct gwsync_net *gn)
{
	gn->stats = netdev_alloc_pcpu_stats(struct gwsync_stats);
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
	const struct gwsync_stats *stats;
	unsigned int start;
	u64 sum = 0, value;
	int cpu;

	for_each_possible_cpu(cpu) {
		stats = per_cpu_ptr(gn->stats, cpu);
		do {
			start = u64_stats_fetch_begin(&stats->syncp);
			value = u64_stats_read(&stats->counter[id]);
		} while (u64_stats_fetch_retry(&stats->syncp, start));
		sum += value;
	}
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
