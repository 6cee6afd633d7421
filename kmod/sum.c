// SPDX-License-Identifier: GPL-2.0
/*
 * The sums of all numbers, class by class.
 *
 * Each flow that was told to a backup, and each replica, has the number of its last
 * record (number.c).  The sum of a class changes with each record that leaves (owner)
 * or is applied (backup).  What somebody does to a replica behind our back raises an
 * event, and the event spoils its number.
 *
 * The number is kept where no kernel keeps anything: the largest member of
 * union nf_conntrack_proto, struct ip_ct_tcp, leaves its last four bytes
 * free.  Whoever puts a number there takes the old one out in the same step,
 * so the sum is always that of all numbers, in whatever order a worker and a
 * packet that ends the flow come.
 *
 * While no agent is attached nobody hears of flows that end.  So an attach
 * counts anew: the highest bit of a number says in which count it is, and one
 * of the last count is as good as none until it is counted.
 */
#include <linux/netlink.h>
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "flow.h"
#include "number.h"
#include "owner.h"
#include "sum.h"

#define GWSYNC_SUM_COUNT	BIT(31)	/* of a slot: the count that it is in */

static u32 *gwsync_sum_slot(struct nf_conn *ct)
{
	union nf_conntrack_proto *proto = &ct->proto;

	BUILD_BUG_ON(sizeof(proto->tcp) + sizeof(u32) > sizeof(*proto));
	BUILD_BUG_ON(sizeof(proto->sctp) + sizeof(u32) > sizeof(*proto));
	BUILD_BUG_ON(sizeof(proto->udp) + sizeof(u32) > sizeof(*proto));
	BUILD_BUG_ON(sizeof(proto->gre) + sizeof(u32) > sizeof(*proto));
	return (u32 *)(proto + 1) - 1;
}

/**
 * gwsync_sum_get - have room for the sums of a netns
 * @gn: the netns
 * @extack: where a refusal is explained
 *
 * 64 KiB, once, for a netns that is used; they go with it.
 *
 * Context: process, under gn->lock.
 * Return: 0, -ENOMEM.
 */
int gwsync_sum_get(struct gwsync_net *gn, struct netlink_ext_ack *extack)
{
	struct gwsync_sums *sums;
	int err;

	lockdep_assert_held(&gn->lock);

	if (gn->sums)
		return 0;
	err = gwsync_owner_get(gn, extack);
	if (err)
		return err;
	sums = kvzalloc(sizeof(*sums), GFP_KERNEL_ACCOUNT);
	if (!sums) {
		NL_SET_ERR_MSG(extack, "no memory for the digests");
		return -ENOMEM;
	}
	/* Pairs with the acquire of those who do not hold the lock. */
	smp_store_release(&gn->sums, sums);
	return 0;
}

void gwsync_sum_net_exit(struct gwsync_net *gn)
{
	kvfree(gn->sums);
}

/* What a slot's value is worth in the sum of its class. */
static u32 gwsync_sum_worth(const struct gwsync_sums *sums, u32 value)
{
	return (value & GWSYNC_SUM_COUNT) == READ_ONCE(sums->count) ?
	       value & GWSYNC_NUMBER_MASK : 0;
}

/**
 * gwsync_sum_open - a flow is about to get a mark
 * @ct: the flow
 *
 * If it is the first one, what the slot has now is of a time before: this module
 * was loaded anew.  One that dies may have no mark because its event has taken it
 * a moment ago, and not yet the number, which must stay.
 *
 * Context: any.
 * Return: false: it dies, and must not get a mark or a number.
 */
bool gwsync_sum_open(struct nf_conn *ct)
{
	u32 *slot = gwsync_sum_slot(ct);
	u32 old = READ_ONCE(*slot);
	unsigned long status;

	/* Whoever marks it meanwhile has put a number in that is not @old. */
	smp_rmb();
	/* One look for both: DYING comes before the mark goes. */
	status = READ_ONCE(ct->status);
	if (gwsync_status_is_removed(status))
		return false;
	if (status & GWSYNC_FLOW_MARKED)
		return true;
	if (status & IPS_DYING)
		return false;
	cmpxchg(slot, old, 0);
	return true;
}

/**
 * gwsync_sum_take - take the number of a flow that ends
 * @ct: a flow that is, or a moment ago was, marked
 *
 * Who takes it subtracts it from its class, now or when the end is told.
 *
 * Context: any.
 * Return: what gwsync_sum_sub() takes; 0: it had none, or somebody else has
 * taken it.
 */
u32 gwsync_sum_take(struct nf_conn *ct)
{
	return xchg(gwsync_sum_slot(ct), 0);
}

/**
 * gwsync_sum_is - has a flow this number?
 * @ct: a marked flow
 * @digest: of a record
 *
 * Context: any.
 */
bool gwsync_sum_is(struct nf_conn *ct, u32 digest)
{
	return (READ_ONCE(*gwsync_sum_slot(ct)) & GWSYNC_NUMBER_MASK) == digest;
}

/**
 * gwsync_sum_sub - a number counts no longer
 * @gn: the netns
 * @tuple: of its flow
 * @zone: of its flow
 * @digest: taken by gwsync_sum_take()
 *
 * Context: any.
 */
void gwsync_sum_sub(struct gwsync_net *gn, const struct nf_conntrack_tuple *tuple,
		    const struct nf_conntrack_zone *zone, u32 digest)
{
	struct gwsync_sums *sums = gwsync_sum_of(gn);

	if (digest && sums)
		atomic_sub(gwsync_sum_worth(sums, digest),
			   &sums->sum[gwsync_flow_class(tuple, zone)]);
}

/**
 * gwsync_sum_clear - a flow counts no longer
 * @gn: the netns
 * @ct: as for gwsync_sum_take()
 *
 * Context: any.
 */
void gwsync_sum_clear(struct gwsync_net *gn, struct nf_conn *ct)
{
	gwsync_sum_sub(gn, &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple, nf_ct_zone(ct),
		       gwsync_sum_take(ct));
}

/**
 * gwsync_sum_set - a flow was told, or made to be, as a record says
 * @gn: the netns
 * @ct: a marked flow, or one that is not in the table yet
 * @class: of the flow
 * @digest: of the record; 0: it does not count
 *
 * Context: any.
 */
void gwsync_sum_set(struct gwsync_net *gn, struct nf_conn *ct, u16 class, u32 digest)
{
	struct gwsync_sums *sums = gwsync_sum_of(gn);
	u32 old;

	if (!sums)
		return;
	old = xchg(gwsync_sum_slot(ct), digest ? digest | READ_ONCE(sums->count) : 0);
	atomic_add(digest - gwsync_sum_worth(sums, old), &sums->sum[class]);
	/* DYING comes before the event that takes the number: one of us sees the other. */
	if (nf_ct_is_dying(ct))
		gwsync_sum_clear(gn, ct);
}

/**
 * gwsync_sum_spoil - a replica is not as its record says
 * @gn: the netns
 * @ct: a replica
 *
 * Its class differs from now on, and is repaired.
 *
 * Context: any.
 */
void gwsync_sum_spoil(struct gwsync_net *gn, struct nf_conn *ct)
{
	u32 digest = (READ_ONCE(*gwsync_sum_slot(ct)) + 1) & GWSYNC_NUMBER_MASK;

	gwsync_sum_set(gn, ct, gwsync_flow_class_of(ct), digest ?: 1);
}

struct gwsync_sum_recount {
	struct gwsync_net	*gn;
	u64			announced;
	u64			replicas;
};

static int gwsync_sum_count(struct nf_conn *ct, void *data)
{
	unsigned long status = READ_ONCE(ct->status);
	struct gwsync_sum_recount *recount = data;
	struct gwsync_sums *sums = recount->gn->sums;
	u32 *slot = gwsync_sum_slot(ct);
	u32 old = READ_ONCE(*slot);

	/* The event of one that is dying may have gone to somebody else. */
	if (!(status & GWSYNC_FLOW_MARKED) || status & IPS_DYING)
		return 0;
	recount->announced += !!(status & BIT(GWSYNC_FLOW_ANNOUNCED_BIT));
	recount->replicas += !!(status & BIT(GWSYNC_FLOW_REPLICA_BIT));
	/* Who is faster than we are has put in a number of this count, or none. */
	if (old && (old & GWSYNC_SUM_COUNT) != sums->count &&
	    cmpxchg(slot, old, old ^ GWSYNC_SUM_COUNT) == old)
		atomic_add(old & GWSYNC_NUMBER_MASK,
			   &sums->sum[gwsync_flow_class_of(ct)]);
	/* As in gwsync_sum_set(). */
	if (nf_ct_is_dying(ct))
		gwsync_sum_clear(recount->gn, ct);
	return 0;
}

/**
 * gwsync_sum_reset - begin another count
 * @gn: the netns; nobody captures its events, and the worker rests
 *
 * gwsync_sum_recount() must follow, before there is another one.
 *
 * Context: process, under gn->replica_lock, between gwsync_emit_pause() and
 * gwsync_emit_resume().
 */
void gwsync_sum_reset(struct gwsync_net *gn)
{
	struct gwsync_sums *sums = gn->sums;

	lockdep_assert_held(&gn->replica_lock);

	WRITE_ONCE(sums->counting, true);
	WRITE_ONCE(sums->count, sums->count ^ GWSYNC_SUM_COUNT);
	memset(sums->sum, 0, sizeof(sums->sum));
}

/**
 * gwsync_sum_recount - count all flows that are told or held
 * @gn: the netns; its events are captured
 *
 * Context: process, under the mutex of the notifier's slot; walks the table, may
 * sleep.
 */
void gwsync_sum_recount(struct gwsync_net *gn)
{
	struct gwsync_sum_recount recount = { .gn = gn };
	const struct nf_ct_iter_data iter = { .net = gn->net, .data = &recount };

	nf_ct_iterate_cleanup_net(gwsync_sum_count, &iter);
	/* For people: what begins or ends during the walk may be missed. */
	atomic64_set(&gn->announced, recount.announced);
	atomic64_set(&gn->replicas, recount.replicas);
	WRITE_ONCE(gn->sums->counting, false);
}
