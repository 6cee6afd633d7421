// SPDX-License-Identifier: GPL-2.0
/*
 * Flows change hands, one by one: what is left to do when ownership has moved.
 *
 * To give each flow the clock that its owner had for it and to take its marks away, and
 * the reverse.
 */
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_nat.h>

#include "adopt.h"
#include "clock.h"
#include "drift.h"
#include "filter.h"
#include "flow.h"
#include "mark.h"
#include "mute.h"
#include "owner.h"
#include "pptp.h"
#include "sum.h"

/**
 * gwsync_adopt_flow - finish the activation of one flow
 * @gn: state of the netns
 * @ct: a flow; the caller holds a reference
 *
 * It counts as announced: members besides us may hold a replica, which the
 * old owner can no longer take back.
 *
 * Context: process, the worker; takes gn->replica_lock.
 */
void gwsync_adopt_flow(struct gwsync_net *gn, struct nf_conn *ct)
{
	unsigned long old;
	u8 owner;

	if (!test_bit(GWSYNC_FLOW_REPLICA_BIT, &ct->status))
		return;

	mutex_lock(&gn->replica_lock);
	owner = gwsync_flow_owner(ct);
	if (!(gwsync_owner_job_serves(gn, GWSYNC_WALK_ADOPT_BIT) & BIT_ULL(owner)) ||
	    nf_ct_is_dying(ct))
		goto out;

	/* A packet since activation has set the clock already. */
	if (gwsync_flow_is_held(ct))
		WRITE_ONCE(ct->timeout, nfct_time_stamp + gwsync_flow_timeout(ct) * HZ);
	old = gwsync_flow_update(ct, GWSYNC_REPLICA_MARKS, BIT(GWSYNC_FLOW_ANNOUNCED_BIT));
	if (!(old & BIT(GWSYNC_FLOW_REPLICA_BIT))) {
		/* The event of its end has just been here. */
		clear_bit(GWSYNC_FLOW_ANNOUNCED_BIT, &ct->status);
		goto out;
	}
	if (!(old & BIT(GWSYNC_FLOW_ANNOUNCED_BIT)))
		atomic64_inc(&gn->announced);
	/* A rule has taken its events away: nobody would take its number out. */
	if (gwsync_flow_is_mute(ct)) {
		gwsync_sum_clear(gn, ct);
		gwsync_mute_note(gn);
	}
	atomic64_dec(&gn->replicas);
	gwsync_pptp_adopt(gn, ct);
	gwsync_drift_adopt(gn, ct);
	gwsync_owner_job_count(gn, GWSYNC_WALK_ADOPT_BIT, owner);
	gwsync_stat_inc(gn, GWSYNC_STAT_A_ADOPTED);
out:
	mutex_unlock(&gn->replica_lock);
}

/*
 * Masquerading ends a flow with the address or the device that it was translated to:
 * here, and that is no end any more.  A replica that a record made knows none either.
 */
static void gwsync_demote_unmasquerade(struct nf_conn *ct)
{
#if IS_ENABLED(CONFIG_NF_NAT_MASQUERADE)
	struct nf_conn_nat *nat = nfct_nat(ct);

	if (nat)
		WRITE_ONCE(nat->masq_index, 0);
#endif
}

/**
 * gwsync_demote_flow - make an own flow a replica of the new owner
 * @gn: state of the netns
 * @ct: a flow; the caller holds a reference
 *
 * Context: process, the worker; takes gn->replica_lock.
 */
void gwsync_demote_flow(struct gwsync_net *gn, struct nf_conn *ct)
{
	unsigned long marks;
	u8 owner;

	if (!gwsync_flow_is_own(gn, ct))
		return;

	mutex_lock(&gn->replica_lock);
	owner = gwsync_owner_heir(gn);
	if (!owner || nf_ct_is_dying(ct) || !gwsync_flow_is_own(gn, ct))
		goto out;
	if (!gwsync_flow_is_marked(ct) && gwsync_filter_match(gn, ct))
		goto out;
	if (!gwsync_sum_open(ct))
		goto out;

	marks = gwsync_flow_marks(owner, gwsync_owner_demoted_gen(gn, owner,
								  gwsync_flow_class_of(ct)),
				  gwsync_clock_seconds(ct), nf_ct_protonum(ct));
	gwsync_mark_replica(gn, ct, 0, marks);
	gwsync_flow_hold(ct);
	gwsync_flow_helper_resync(ct);
	gwsync_demote_unmasquerade(ct);
out:
	mutex_unlock(&gn->replica_lock);
}
