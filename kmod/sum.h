/* SPDX-License-Identifier: GPL-2.0 */
/* The sums of all numbers, class by class, see sum.c. */
#ifndef _GWSYNC_SUM_H
#define _GWSYNC_SUM_H

#include <linux/atomic.h>

#include "gwsync.h"

struct netlink_ext_ack;

/**
 * struct gwsync_sums - the sums of a netns
 * @sum: of the numbers of all flows that are told or held, by class
 * @count: the mark of a number that is in the sums
 * @counting: not all of them are yet
 */
struct gwsync_sums {
	atomic_t	sum[GWSYNC_CLASSES];
	u32		count;
	bool		counting;
};

/* Flows are marked only after gwsync_sum_get(). */
static inline struct gwsync_sums *gwsync_sum_of(struct gwsync_net *gn)
{
	/* Pairs with the release in gwsync_sum_get(). */
	return smp_load_acquire(&gn->sums);
}

int gwsync_sum_get(struct gwsync_net *gn, struct netlink_ext_ack *extack);
void gwsync_sum_net_exit(struct gwsync_net *gn);
void gwsync_sum_reset(struct gwsync_net *gn);
void gwsync_sum_recount(struct gwsync_net *gn);

/* Of one flow: what of it counts in the sum of its class. */
bool gwsync_sum_open(struct nf_conn *ct);
void gwsync_sum_set(struct gwsync_net *gn, struct nf_conn *ct, u16 class, u32 digest);
void gwsync_sum_clear(struct gwsync_net *gn, struct nf_conn *ct);
u32 gwsync_sum_take(struct nf_conn *ct);
bool gwsync_sum_is(struct nf_conn *ct, u32 digest);
void gwsync_sum_sub(struct gwsync_net *gn, const struct nf_conntrack_tuple *tuple,
		    const struct nf_conntrack_zone *zone, u32 digest);
void gwsync_sum_spoil(struct gwsync_net *gn, struct nf_conn *ct);

#endif /* _GWSYNC_SUM_H */
