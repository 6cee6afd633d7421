// SPDX-License-Identifier: GPL-2.0
/*
 * Capture: what conntrack says becomes dirty marks, ring entries and tombstones.
 *
 * The notifier of a netns, see slot.c for how it comes to be called; what it finds is
 * queued, see queue.c.
 */
#include <net/netfilter/nf_conntrack_expect.h>

#include "capture.h"
#include "filter.h"
#include "flow.h"
#include "mark.h"
#include "owner.h"
#include "queue.h"
#include "sum.h"

/* Events that can wait; others are about what nothing else will tell. */
#define GWSYNC_WAIT_EVENTS	(BIT(IPCT_REPLY) | BIT(IPCT_ASSURED) | BIT(IPCT_PROTOINFO))

/* May an event of an own flow wait? */
static bool gwsync_wait_may(const struct nf_conn *ct, unsigned int events, u32 portid)
{
	/* Somebody who makes or changes flows by hand is no connection. */
	if (nf_ct_protonum(ct) != IPPROTO_TCP || portid)
		return false;
	switch (READ_ONCE(ct->proto.tcp.state)) {
	case TCP_CONNTRACK_SYN_SENT:
	case TCP_CONNTRACK_SYN_SENT2:
	case TCP_CONNTRACK_SYN_RECV:
		/* Of a new one nothing was told, whatever its first packet has set. */
		if (events & (BIT(IPCT_NEW) | BIT(IPCT_RELATED)))
			return true;
		break;
	case TCP_CONNTRACK_FIN_WAIT:
	case TCP_CONNTRACK_CLOSE_WAIT:
	case TCP_CONNTRACK_LAST_ACK:
	case TCP_CONNTRACK_TIME_WAIT:
	case TCP_CONNTRACK_CLOSE:
		break;
	default:
		return false;
	}
	return !(events & ~GWSYNC_WAIT_EVENTS);
}

/*
 * A destroyed flow.  The event comes again when a listener behind us could
 * not take it: the marks that go here make the second time a no-op.
 */
static void gwsync_capture_destroy(struct gwsync_net *gn, struct nf_conn *ct)
{
	/* All marks in one step, and one look at whose it is: it may become own meanwhile. */
	unsigned long old = gwsync_flow_update(ct, GWSYNC_REPLICA_MARKS |
					       BIT(GWSYNC_FLOW_ANNOUNCED_BIT), 0);
	bool own = gwsync_status_is_own(gn, old);
	bool told = old & BIT(GWSYNC_FLOW_ANNOUNCED_BIT);

	if (gwsync_status_is_removed(old))
		return;

	if (told)
		atomic64_dec(&gn->announced);

	if (old & BIT(GWSYNC_FLOW_REPLICA_BIT)) {
		atomic64_dec(&gn->replicas);
		if (own) {
			told = true; /* by the owner that we took over from */
		} else {
			gwsync_sum_clear(gn, ct);
			gwsync_stat_inc(gn, GWSYNC_STAT_A_EVENTS_REPLICA);
			gwsync_stat_inc(gn, GWSYNC_STAT_A_REPLICAS_LOST);
		}
	}

	if (!own || !gwsync_owner_is_active(gn)) {
		if (told)
			gwsync_sum_clear(gn, ct);
		return;
	}

	if (!(gwsync_flow_missed(ct) & BIT(IPCT_DESTROY)))
		gwsync_stat_inc(gn, GWSYNC_STAT_A_EVENTS);
	if (told)
		gwsync_queue_gone(gn, ct);
}

/* @portid: of the netlink socket that has caused it, 0: a packet or a clock. */
static void gwsync_capture_event(struct gwsync_net *gn, unsigned int events, struct nf_conn *ct,
				 u32 portid)
{
	unsigned int news = events & ~gwsync_flow_missed(ct);
	bool fresh = news & (BIT(IPCT_NEW) | BIT(IPCT_RELATED));
	unsigned long status;
	bool again, hold, wait;

	if (events & BIT(IPCT_DESTROY)) {
		gwsync_capture_destroy(gn, ct);
		return;
	}

	if (!gwsync_flow_is_own(gn, ct)) {
		gwsync_stat_inc(gn, GWSYNC_STAT_A_EVENTS_REPLICA);
		/* What we do to a replica raises none. */
		gwsync_sum_spoil(gn, ct);
		gwsync_stat_inc(gn, GWSYNC_STAT_A_SPOILED);
		return;
	}

	if (!gwsync_owner_is_active(gn)) {
		if (fresh && portid && !test_bit(GWSYNC_FLOW_ANNOUNCED_BIT, &ct->status))
			gwsync_mark_foreign(gn, ct);
		return;
	}

	/*
	 * The loser of a race of two first packets: for a second it stands
	 * beside the real flow, with the same original tuple.
	 */
	if (test_bit(IPS_NAT_CLASH_BIT, &ct->status))
		return;

	gwsync_stat_inc(gn, GWSYNC_STAT_A_EVENTS);

	/* The change first: the worker looks at the flow after it took the mark. */
	smp_mb();
	status = READ_ONCE(ct->status);
	hold = fresh && READ_ONCE(gn->params.hold_ms);
	/*
	 * What was missed before: a packet, and perhaps nothing else.  Whether it has
	 * changed the flow again is seen by the flow, a few times a second.
	 */
	again = !news && !portid;
	wait = !hold && (again || gwsync_wait_may(ct, news, portid));
	if (status & BIT(GWSYNC_FLOW_DIRTY_BIT) || (wait && gwsync_status_changed(status))) {
		gwsync_stat_inc(gn, GWSYNC_STAT_A_COALESCED);
		return;
	}

	/* One that was announced must be taken back: that is the worker's. */
	if (!(status & BIT(GWSYNC_FLOW_ANNOUNCED_BIT)) && gwsync_filter_match(gn, ct)) {
		if (fresh)
			gwsync_stat_inc(gn, GWSYNC_STAT_A_FILTERED);
		return;
	}

	if (!wait || !gwsync_queue_wait(gn, ct, again))
		gwsync_queue_dirty(gn, ct, hold);
}

static int gwsync_ct_event(unsigned int events, const struct nf_ct_event *item)
{
	struct gwsync_net *gn = gwsync_pernet(nf_ct_net(item->ct));
	const struct nf_ct_event_notifier *prev;

	gwsync_capture_event(gn, events, item->ct, item->portid);

	prev = rcu_dereference(gn->prev);
	return prev ? prev->ct_event(events, item) : 0;
}

/* An expectation is part of its master's record. */
static int gwsync_exp_event(unsigned int events, const struct nf_exp_event *item)
{
	struct gwsync_net *gn = gwsync_pernet(nf_ct_exp_net(item->exp));
	const struct nf_ct_event_notifier *prev;
	struct nf_conn *ct = item->exp->master;

	/*
	 * The master may be on its last way out, or not in the table yet.  The
	 * order matters: we are called under nf_conntrack_expect_lock, which
	 * the last nf_ct_put() would take.  A master that is not dying stays in
	 * the table, and so referenced, until clean_from_lists() gets the lock.
	 */
	if (gwsync_owner_is_active(gn) && nf_ct_is_confirmed(ct) && !nf_ct_is_dying(ct) &&
	    !test_bit(IPS_NAT_CLASH_BIT, &ct->status) && gwsync_flow_is_own(gn, ct) &&
	    refcount_inc_not_zero(&ct->ct_general.use)) {
		gwsync_stat_inc(gn, GWSYNC_STAT_A_EVENTS);
		if (test_bit(GWSYNC_FLOW_ANNOUNCED_BIT, &ct->status) ||
		    !gwsync_filter_match(gn, ct))
			gwsync_queue_dirty(gn, ct, false);
		nf_ct_put(ct);
	}

	prev = rcu_dereference(gn->prev);
	return prev && prev->exp_event ? prev->exp_event(events, item) : 0;
}

void gwsync_capture_net_init(struct gwsync_net *gn)
{
	gn->notifier.ct_event = gwsync_ct_event;
	gn->notifier.exp_event = gwsync_exp_event;
}
