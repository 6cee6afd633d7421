// SPDX-License-Identifier: GPL-2.0
/*
 * Audit: what changes without an event.
 *
 * Capture hears events alone, and the number of a flow is made from its last record,
 * so owner and backup agree for ever on what is no longer true.  These raise none:
 * marks, helpers and status that an NFQUEUE verdict or a BPF program sets, sequence
 * offsets of NAT helpers, flags that a flow table sets, and all of a flow that was
 * made while nf_conntrack_events was off.  So once in audit_ms a walk packs each own
 * flow, and emits it when the record has another number than the last one had, or
 * when there was none and should be.
 *
 * After a gap, in which nobody heard of events, it comes at once (slot.c).
 *
 * A large table is audited less often: a hundredth of one CPU is what it may cost.
 * What is cheaper to remember is found sooner, see drift.c.
 *
 * nf_conntrack_events itself is looked at once a second.
 */
#include "audit.h"
#include "gwsync.h"
#include "owner.h"
#include "slot.h"
#include "work.h"

#define GWSYNC_AUDIT_LOOK	HZ
#define GWSYNC_AUDIT_IDLE	100			/* times the cost of a pass */

static void gwsync_audit_work(struct work_struct *work)
{
	struct gwsync_net *gn = container_of(to_delayed_work(work), struct gwsync_net, audit.work);
	unsigned long pause = msecs_to_jiffies(READ_ONCE(gn->params.audit_ms));

	if (gwsync_slot_look(gn))
		gwsync_work_ask(gn, GWSYNC_WALK_AUDIT_BIT);

	pause = max(pause, READ_ONCE(gn->audit.idle));
	if (READ_ONCE(gn->audit.running) || !gwsync_owner_is_active(gn) ||
	    !READ_ONCE(gn->params.audit_ms)) {
		gn->audit.last = jiffies;
	} else if (time_after_eq(jiffies, gn->audit.last + pause)) {
		gn->audit.last = jiffies;
		gwsync_work_ask(gn, GWSYNC_WALK_AUDIT_BIT);
	}
	queue_delayed_work(system_power_efficient_wq, &gn->audit.work, GWSYNC_AUDIT_LOOK);
}

/**
 * gwsync_audit_init - prepare a netns
 * @gn: the netns, zeroed
 *
 * Context: process.
 */
void gwsync_audit_init(struct gwsync_net *gn)
{
	INIT_DELAYED_WORK(&gn->audit.work, gwsync_audit_work);
}

/**
 * gwsync_audit_start - there is an agent: look from now on
 * @gn: the netns
 *
 * Context: process.
 */
void gwsync_audit_start(struct gwsync_net *gn)
{
	gn->audit.last = jiffies;
	queue_delayed_work(system_power_efficient_wq, &gn->audit.work, GWSYNC_AUDIT_LOOK);
}

/**
 * gwsync_audit_stop - the agent has gone
 * @gn: the netns
 *
 * Context: process; not under the mutex of the notifier's slot.
 */
void gwsync_audit_stop(struct gwsync_net *gn)
{
	cancel_delayed_work_sync(&gn->audit.work);
}

void gwsync_audit_begin(struct gwsync_net *gn)
{
	gn->audit.cost_ns = 0;
	WRITE_ONCE(gn->audit.running, true);
}

void gwsync_audit_cost(struct gwsync_net *gn, u64 ns)
{
	gn->audit.cost_ns += ns;
}

void gwsync_audit_done(struct gwsync_net *gn)
{
	WRITE_ONCE(gn->audit.idle, nsecs_to_jiffies(gn->audit.cost_ns * GWSYNC_AUDIT_IDLE));
	WRITE_ONCE(gn->audit.running, false);
}
