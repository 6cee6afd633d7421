// SPDX-License-Identifier: GPL-2.0
/*
 * Flows that are in the table become replicas, and are counted.
 */
#include <net/netfilter/nf_conntrack_core.h>

#include "clock.h"
#include "extend.h"
#include "flow.h"
#include "mark.h"
#include "owner.h"
#include "sum.h"

/* Take marks away that came after the event of the end, if they did. */
static void gwsync_mark_drop(struct gwsync_net *gn, struct nf_conn *ct)
{
	unsigned long old = gwsync_flow_update(ct, GWSYNC_REPLICA_MARKS, 0);

	if (!(old & BIT(GWSYNC_FLOW_REPLICA_BIT)))
		return;
	atomic64_dec(&gn->replicas);
	/* An event that comes now finds no mark, and takes no number. */
	gwsync_sum_clear(gn, ct);
}

/**
 * gwsync_mark_replica - a flow that is in the table becomes, or stays, a replica
 * @gn: state of the netns
 * @ct: the flow, after gwsync_sum_open()
 * @clear: bits of ct->status that go, besides its marks
 * @set: bits that come: gwsync_flow_marks() and others
 *
 * Context: any.
 */
void gwsync_mark_replica(struct gwsync_net *gn, struct nf_conn *ct, unsigned long clear,
			 unsigned long set)
{
	unsigned long old = gwsync_flow_update(ct, clear | GWSYNC_REPLICA_MARKS |
					       BIT(GWSYNC_FLOW_ANNOUNCED_BIT), set);

	if (old & BIT(GWSYNC_FLOW_ANNOUNCED_BIT))
		atomic64_dec(&gn->announced);
	if (!(old & BIT(GWSYNC_FLOW_REPLICA_BIT)))
		atomic64_inc(&gn->replicas);
	gwsync_extend_note(gn);
	if (nf_ct_is_dying(ct))
		gwsync_mark_drop(gn, ct);
}

/**
 * gwsync_mark_foreign - somebody has put a flow into a backup's table
 * @gn: the netns, passive
 * @ct: the flow, without marks
 *
 * From the event of an insertion by ctnetlink.  As a replica that no sync has
 * named it makes its class differ, and the repair removes it.
 *
 * Context: any.
 */
void gwsync_mark_foreign(struct gwsync_net *gn, struct nf_conn *ct)
{
	u16 class = gwsync_flow_class_of(ct);
	/* Pairs with the release in gwsync_sum_get(): there are generations, too. */
	u8 owner = gwsync_sum_of(gn) ? gwsync_owner_heard(gn) : 0;
	unsigned long marks;
	bool gen;

	if (!owner || !gwsync_sum_open(ct))
		return;
	gen = gwsync_owner_unnamed_gen(gn, owner, class);
	marks = gwsync_flow_marks(owner, gen, gwsync_clock_seconds(ct), nf_ct_protonum(ct));
	gwsync_mark_replica(gn, ct, 0, marks);
	gwsync_sum_set(gn, ct, class, 1);
	gwsync_stat_inc(gn, GWSYNC_STAT_A_FOREIGN);
}

/* Nobody is left who knows what our marks mean. */
static int gwsync_mark_release_flow(struct nf_conn *ct, void *data)
{
	unsigned long marks = GENMASK(63, GWSYNC_FLOW_DIRTY_BIT);

	if (test_bit(GWSYNC_FLOW_REPLICA_BIT, &ct->status) && gwsync_flow_is_held(ct))
		WRITE_ONCE(ct->timeout, nfct_time_stamp + gwsync_flow_timeout(ct) * HZ);
	if (READ_ONCE(ct->status) & marks)
		gwsync_flow_update(ct, marks, 0);
	return 0;
}

/**
 * gwsync_mark_release - let go of all replicas
 * @gn: state of the netns
 *
 * Replicas stay in the table as ordinary flows, with the clock that their
 * owner had for them.
 *
 * Context: process; the worker, which sets marks, has stopped.
 */
void gwsync_mark_release(struct gwsync_net *gn)
{
	const struct nf_ct_iter_data iter = { .net = gn->net, .data = gn };

	nf_ct_iterate_cleanup_net(gwsync_mark_release_flow, &iter);
}
