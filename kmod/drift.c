// SPDX-License-Identifier: GPL-2.0
/*
 * TCP flows that have moved far since their last record.
 *
 * A flow that only carries traffic raises no event, and its replica's window
 * edges fall behind.  The pick-up (pickup.c) bridges that while it can tell
 * ahead from behind, which in 32 bit sequence numbers is 2 GiB.  So a walk
 * looks, now and then, for flows that have moved an eighth of that since they
 * were emitted, and emits those again: 70 bytes for each 256 MiB.
 *
 * Where a flow was needs memory, and there is some: on an own flow the bits
 * that hold a replica's timeout are free.  They keep the upper ten bits of
 * both directions' td_end.
 */
#include <net/netfilter/nf_conntrack_core.h>

#include "capture.h"
#include "drift.h"
#include "gwsync.h"
#include "stats.h"
#include "walk.h"

#define GWSYNC_DRIFT_BITS	10			/* of a position: steps of 4 MiB */
#define GWSYNC_DRIFT_MASK	(BIT(GWSYNC_DRIFT_BITS) - 1)
#define GWSYNC_DRIFT_FAR	(SZ_256M >> (32 - GWSYNC_DRIFT_BITS))

/*
 * A second covers 14 Gbit/s of one flow before 2 GiB are passed.  A large
 * table is walked less often: a hundredth of one CPU is what it may cost.
 */
#define GWSYNC_DRIFT_INTERVAL	HZ
#define GWSYNC_DRIFT_IDLE	100			/* times the cost of a pass */

static unsigned long gwsync_drift_position(const struct nf_conn *ct)
{
	unsigned long position = 0;
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		position |= (unsigned long)(READ_ONCE(ct->proto.tcp.seen[dir].td_end) >>
					    (32 - GWSYNC_DRIFT_BITS)) << dir * GWSYNC_DRIFT_BITS;
	return position;
}

/**
 * gwsync_drift_note - remember where a flow was when it was emitted
 * @gn: the netns
 * @ct: an own flow; the caller holds a reference
 *
 * Context: the worker.
 */
void gwsync_drift_note(struct gwsync_net *gn, struct nf_conn *ct)
{
	unsigned long old = READ_ONCE(ct->status);
	unsigned long position;

	if (nf_ct_protonum(ct) != IPPROTO_TCP)
		return;

	WRITE_ONCE(gn->drift.met, true);
	position = gwsync_drift_position(ct) << GWSYNC_FLOW_TIMEOUT_SHIFT;
	do {
		/* One that is adopted, but not yet put right, needs its timeout. */
		if (old & BIT(GWSYNC_FLOW_REPLICA_BIT))
			return;
	} while (!try_cmpxchg(&ct->status, &old, (old & ~GWSYNC_FLOW_TIMEOUT_MASK) | position));
}

/**
 * gwsync_drift_is_far - whether a flow has moved far since it was emitted
 * @gn: the netns
 * @ct: a flow; the caller holds a reference, or the lock of its bucket
 *
 * An announced TCP flow, far or not, is a reason for the next pass.
 *
 * Context: the worker.
 */
bool gwsync_drift_is_far(struct gwsync_net *gn, const struct nf_conn *ct)
{
	unsigned long status = READ_ONCE(ct->status);
	unsigned long was, is;
	int dir;

	if (nf_ct_protonum(ct) != IPPROTO_TCP || status & BIT(GWSYNC_FLOW_REPLICA_BIT) ||
	    !(status & BIT(GWSYNC_FLOW_ANNOUNCED_BIT)))
		return false;

	WRITE_ONCE(gn->drift.met, true);
	was = status >> GWSYNC_FLOW_TIMEOUT_SHIFT;
	is = gwsync_drift_position(ct);
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		if (((is - was) & GWSYNC_DRIFT_MASK) >= GWSYNC_DRIFT_FAR)
			return true;
		was >>= GWSYNC_DRIFT_BITS;
		is >>= GWSYNC_DRIFT_BITS;
	}
	return false;
}

static void gwsync_drift_work(struct work_struct *work)
{
	struct gwsync_net *gn = container_of(to_delayed_work(work), struct gwsync_net, drift.work);

	if (!READ_ONCE(gn->active))
		return;
	if (READ_ONCE(gn->drift.met))
		gwsync_walk_request(gn, GWSYNC_WALK_DRIFT_BIT);
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
	unsigned long idle = nsecs_to_jiffies(gn->drift.cost_ns * GWSYNC_DRIFT_IDLE);

	queue_delayed_work(system_power_efficient_wq, &gn->drift.work,
			   max_t(unsigned long, idle, GWSYNC_DRIFT_INTERVAL));
}

void gwsync_drift_init(struct gwsync_net *gn)
{
	INIT_DELAYED_WORK(&gn->drift.work, gwsync_drift_work);
}

/* gn->active is false; again when the worker has stopped, which may have asked for it. */
void gwsync_drift_exit(struct gwsync_net *gn)
{
	cancel_delayed_work_sync(&gn->drift.work);
}
