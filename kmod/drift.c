// SPDX-License-Identifier: GPL-2.0
/*
 * Flows that have moved on since their last record, without an event.
 *
 * A TCP flow that only carries traffic raises none, and its replica's window edges
 * fall behind.  The pick-up (pickup.c) bridges that while it can tell ahead from
 * behind, which in 32 bit sequence numbers is 2 GiB.  So a walk looks, now and then,
 * for flows that have moved an eighth of that since they were emitted, and emits
 * those again: 70 bytes for each 256 MiB.
 *
 * Where a flow was needs memory, and there is some: on an own flow the bits
 * that hold a replica's timeout are free.  They keep
 *
 *	of a flow in a flow table	a value that says so: from then on conntrack sees
 *					no segment, and its replica must be liberal and
 *					have the clock of a stream;
 *	of one with a helper or		a hash of what these change in place: offsets,
 *	sequence offsets		expectations' flags and clocks (SIP's and H.323's
 *					registration), and of where a TCP flow is, in
 *					steps of 256 MiB;
 *	of SCTP				a hash of the verification tags: an end that begins
 *					anew, or is heard on a path that was silent, has
 *					others in the same state, of which conntrack raises
 *					no event (nf_conntrack_sctp_packet());
 *	of any other TCP flow		the upper ten bits of both directions' td_end.
 *
 * A flow has extensions from its first packet on, so it does not change its kind.
 */
#include <linux/jhash.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_expect.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include <net/netfilter/nf_conntrack_seqadj.h>

#include "drift.h"
#include "flow.h"
#include "gwsync.h"
#include "owner.h"
#include "stats.h"
#include "work.h"

#define GWSYNC_DRIFT_BITS	10			/* of a position: steps of 4 MiB */
#define GWSYNC_DRIFT_MASK	(BIT(GWSYNC_DRIFT_BITS) - 1)
#define GWSYNC_DRIFT_FAR	(SZ_256M >> (32 - GWSYNC_DRIFT_BITS))
#define GWSYNC_DRIFT_OFFLOAD	GWSYNC_FLOW_TIMEOUT_MAX	/* in a flow table, and nothing else */

/* It covers 14 Gbit/s of one flow before 2 GiB are passed. */
#define GWSYNC_DRIFT_INTERVAL	HZ

static bool gwsync_drift_is_hashed(const struct nf_conn *ct)
{
	return nfct_help(ct) || nfct_seqadj(ct) || nf_ct_protonum(ct) == IPPROTO_SCTP;
}

static u32 gwsync_drift_hash_expects(const struct nf_conn *ct, u32 hash)
{
	const struct nf_conn_help *help = nfct_help(ct);
	const struct nf_conntrack_expect *exp;

	if (!help || hlist_empty(&help->expectations))
		return hash;
	rcu_read_lock();
	hlist_for_each_entry_rcu(exp, &help->expectations, lnode)
		hash = jhash_2words(READ_ONCE(exp->flags), READ_ONCE(exp->timeout), hash);
	rcu_read_unlock();
	return hash;
}

/* Without locks: what is torn is no number that was noted, and sent once too often. */
static u32 gwsync_drift_hash(const struct nf_conn *ct)
{
	const struct nf_conn_seqadj *seqadj = nfct_seqadj(ct);
	u32 hash = 0;
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		if (nf_ct_protonum(ct) == IPPROTO_TCP)
			hash = jhash_1word(READ_ONCE(ct->proto.tcp.seen[dir].td_end) / SZ_256M,
					   hash);
		if (nf_ct_protonum(ct) == IPPROTO_SCTP)
			hash = jhash_1word((__force u32)READ_ONCE(ct->proto.sctp.vtag[dir]),
					   hash);
		if (seqadj)
			hash = jhash_3words(READ_ONCE(seqadj->seq[dir].correction_pos),
					    READ_ONCE(seqadj->seq[dir].offset_before),
					    READ_ONCE(seqadj->seq[dir].offset_after), hash);
	}
	return gwsync_drift_hash_expects(ct, hash) & GWSYNC_FLOW_TIMEOUT_MAX;
}

static unsigned long gwsync_drift_position(const struct nf_conn *ct)
{
	unsigned long position = 0;
	int dir;

	if (nf_ct_protonum(ct) != IPPROTO_TCP)
		return 0;
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		position |= (unsigned long)(READ_ONCE(ct->proto.tcp.seen[dir].td_end) >>
					    (32 - GWSYNC_DRIFT_BITS)) << dir * GWSYNC_DRIFT_BITS;
	return position;
}

/**
 * gwsync_drift_look - where a flow is
 * @ct: a confirmed flow; the caller holds a reference, or the lock of its bucket
 *
 * For a record it is looked up before the record is made: what changes meanwhile is
 * sent twice, and not never.
 *
 * Context: any.
 * Return: what gwsync_drift_note() keeps.
 */
u32 gwsync_drift_look(const struct nf_conn *ct)
{
	u32 look;

	if (test_bit(IPS_OFFLOAD_BIT, &ct->status))
		return GWSYNC_DRIFT_OFFLOAD;
	look = gwsync_drift_is_hashed(ct) ? gwsync_drift_hash(ct) : gwsync_drift_position(ct);
	return min_t(u32, look, GWSYNC_DRIFT_OFFLOAD - 1);
}

/**
 * gwsync_drift_note - remember where a flow was when it was emitted
 * @gn: the netns
 * @ct: an own flow; the caller holds a reference
 * @look: of gwsync_drift_look(), before its record was made
 *
 * Context: the worker.
 */
void gwsync_drift_note(struct gwsync_net *gn, struct nf_conn *ct, u32 look)
{
	unsigned long old = READ_ONCE(ct->status);
	unsigned long bits = (unsigned long)look << GWSYNC_FLOW_TIMEOUT_SHIFT;

	WRITE_ONCE(gn->drift.met, true);
	do {
		/* One that is adopted, but not yet put right, needs its timeout. */
		if (old & BIT(GWSYNC_FLOW_REPLICA_BIT))
			return;
	} while (!try_cmpxchg(&ct->status, &old, (old & ~GWSYNC_FLOW_TIMEOUT_MASK) | bits));
}

/**
 * gwsync_drift_adopt - a replica became own: others have it as its record said
 * @gn: the netns
 * @ct: an own flow; the caller holds a reference
 *
 * Context: the worker.
 */
void gwsync_drift_adopt(struct gwsync_net *gn, struct nf_conn *ct)
{
	/* In a flow table of ours it is not for them: that is told next. */
	gwsync_drift_note(gn, ct, min_t(u32, gwsync_drift_look(ct), GWSYNC_DRIFT_OFFLOAD - 1));
}

static bool gwsync_drift_has_moved(unsigned long was, unsigned long is)
{
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		if (((is - was) & GWSYNC_DRIFT_MASK) >= GWSYNC_DRIFT_FAR)
			return true;
		was >>= GWSYNC_DRIFT_BITS;
		is >>= GWSYNC_DRIFT_BITS;
	}
	return false;
}

/**
 * gwsync_drift_is_far - whether a flow has moved on since it was emitted
 * @gn: the netns
 * @ct: a flow; the caller holds a reference, or the lock of its bucket
 *
 * An announced flow, far or not, is a reason for the next pass.
 *
 * Context: the worker.
 */
bool gwsync_drift_is_far(struct gwsync_net *gn, const struct nf_conn *ct)
{
	unsigned long status = READ_ONCE(ct->status);
	u32 was, is;

	if (status & BIT(GWSYNC_FLOW_REPLICA_BIT) || !(status & BIT(GWSYNC_FLOW_ANNOUNCED_BIT)))
		return false;

	WRITE_ONCE(gn->drift.met, true);
	was = status >> GWSYNC_FLOW_TIMEOUT_SHIFT;
	is = gwsync_drift_look(ct);
	if (was == is)
		return false;
	if (is == GWSYNC_DRIFT_OFFLOAD || gwsync_drift_is_hashed(ct))
		return true;
	/* One that was in a flow table, and is seen again, has other windows. */
	if (was == GWSYNC_DRIFT_OFFLOAD)
		return nf_ct_protonum(ct) == IPPROTO_TCP;
	return gwsync_drift_has_moved(was, is);
}

static void gwsync_drift_work(struct work_struct *work)
{
	struct gwsync_net *gn = container_of(to_delayed_work(work), struct gwsync_net, drift.work);

	if (!gwsync_owner_is_active(gn))
		return;
	if (READ_ONCE(gn->drift.met))
		gwsync_work_ask(gn, GWSYNC_WALK_DRIFT_BIT);
	else
		gwsync_drift_start(gn);
}

/**
 * gwsync_drift_start - look for such flows as long as this member is active
 * @gn: the netns
 *
 * Context: any.
 */
void gwsync_drift_start(struct gwsync_net *gn)
{
	queue_delayed_work(system_power_efficient_wq, &gn->drift.work, GWSYNC_DRIFT_INTERVAL);
}

void gwsync_drift_begin(struct gwsync_net *gn)
{
	gn->drift.cost_ns = 0;
	WRITE_ONCE(gn->drift.met, false);
}

void gwsync_drift_cost(struct gwsync_net *gn, u64 ns)
{
	gn->drift.cost_ns += ns;
}

void gwsync_drift_done(struct gwsync_net *gn)
{
	queue_delayed_work(system_power_efficient_wq, &gn->drift.work,
			   gwsync_work_rest(gn->drift.cost_ns, GWSYNC_DRIFT_INTERVAL));
}

void gwsync_drift_init(struct gwsync_net *gn)
{
	INIT_DELAYED_WORK(&gn->drift.work, gwsync_drift_work);
}

/* This member is not active; again when the worker has stopped, which may have asked for it. */
void gwsync_drift_exit(struct gwsync_net *gn)
{
	cancel_delayed_work_sync(&gn->drift.work);
}
