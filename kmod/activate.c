// SPDX-License-Identifier: GPL-2.0
/*
 * Change of ownership.
 *
 * Activation flips gn->adopted and gn->epoch: from that moment on capture and
 * the TCP pick-up take the replicas of these members for own flows, however
 * many there are.  What is left is done by a walk: to give each flow the
 * clock that its owner had for it and to take its marks away.
 */
#include <linux/net.h>
#include <linux/netlink.h>

#include "activate.h"
#include "capture.h"
#include "digest.h"
#include "drift.h"
#include "filter.h"
#include "gwsync.h"
#include "pickup.h"
#include "repair.h"
#include "replica.h"
#include "walk.h"

/**
 * gwsync_activate - replicas become own flows
 * @gn: state of the netns
 * @set: members whose replicas they are; none is allowed: nobody had a flow
 * @epoch: must be newer than the epoch that we know
 * @extack: says why not
 *
 * Context: process, under gn->lock.  Its cost does not depend on the flows.
 * Return: 0; -ESTALE: an old epoch; -EINVAL: @set names 0 or this member; -ENOMEM.
 */
int gwsync_activate(struct gwsync_net *gn, u64 set, u32 epoch, struct netlink_ext_ack *extack)
{
	int err;

	lockdep_assert_held(&gn->lock);

	if (epoch <= gn->epoch) {
		NL_SET_ERR_MSG(extack, "epoch is not newer than the one known here");
		return -ESTALE;
	}
	if (set & (BIT_ULL(0) | BIT_ULL(gn->member))) {
		NL_SET_ERR_MSG(extack, "set names member 0 or this member");
		return -EINVAL;
	}
	if (atomic64_read(&gn->replicas) > 0) {
		err = gwsync_pickup_start(gn);
		if (err) {
			NL_SET_ERR_MSG(extack, "cannot register the TCP pick-up hooks");
			return err;
		}
	}

	mutex_lock(&gn->replica_lock);
	gn->epoch = epoch;
	gn->demote.wanted = 0;
	gn->demote.running = 0;
	/* Its owner will not end it: what it has named becomes own with the rest. */
	gn->syncing &= ~set;
	WRITE_ONCE(gn->adopted, gn->adopted | set);
	/* Those of an activation that was called off before its walk was over, too. */
	gn->adopt.wanted |= gn->adopted;
	WRITE_ONCE(gn->active, true);
	mutex_unlock(&gn->replica_lock);

	gwsync_stat_inc(gn, GWSYNC_STAT_A_ACTIVATIONS);
	gwsync_walk_request(gn, GWSYNC_WALK_ADOPT_BIT);
	gwsync_drift_start(gn);
	return 0;
}

/**
 * gwsync_deactivate - own flows become replicas of another member
 * @gn: state of the netns
 * @owner: who handles their packets from now on
 * @epoch: at least the one that we know: of two members that were active at
 *	the same epoch, one gives way
 * @extack: says why not
 *
 * Flows that the filter leaves out stay own: the new owner cannot name them,
 * so its full sync would sweep them, and with them sessions to this gateway
 * itself.  Others that nobody was told about are those of a member that owned
 * alone and gives way: they go, or their mappings would be in the way of flows
 * that the new owner made meanwhile.
 *
 * Context: process, under gn->lock.
 * Return: 0; -ESTALE: an old epoch; -EINVAL: @owner is this member; -ENOMEM.
 */
int gwsync_deactivate(struct gwsync_net *gn, u8 owner, u32 epoch, struct netlink_ext_ack *extack)
{
	u64 bit = BIT_ULL(owner);
	int err;

	lockdep_assert_held(&gn->lock);

	if (epoch < gn->epoch) {
		NL_SET_ERR_MSG(extack, "epoch is older than the one known here");
		return -ESTALE;
	}
	if (owner == gn->member) {
		NL_SET_ERR_MSG(extack, "flows cannot become replicas of this member itself");
		return -EINVAL;
	}

	err = gwsync_digest_get(gn, extack);
	if (err)
		return err;

	/* Without it segments that still come here may be lost: no reason to stay. */
	if (gwsync_pickup_start(gn))
		net_warn_ratelimited("gwsync: no TCP pick-up while ownership moves\n");

	mutex_lock(&gn->replica_lock);
	gn->epoch = epoch;
	WRITE_ONCE(gn->active, false);
	/* Not yet put right: they are replicas of @owner again, and can be swept. */
	WRITE_ONCE(gn->adopted, gn->adopted & ~bit);
	gn->adopt.wanted = 0;
	gn->adopt.running = 0;
	gn->demote.running = 0;
	gn->demote.wanted = bit;
	/* What the next full sync of @owner does not name must be swept. */
	gn->demote_gen = gn->gen;
	if (gn->syncing & bit)
		gn->demote_gen ^= bit;
	mutex_unlock(&gn->replica_lock);

	gwsync_walk_request(gn, GWSYNC_WALK_DEMOTE_BIT);
	return 0;
}

/**
 * gwsync_replica_adopt - finish the activation of one flow
 * @gn: state of the netns
 * @ct: a flow; the caller holds a reference
 *
 * It counts as announced: members besides us may hold a replica, which the
 * old owner can no longer take back.
 *
 * Context: process, the worker; takes gn->replica_lock.
 */
void gwsync_replica_adopt(struct gwsync_net *gn, struct nf_conn *ct)
{
	unsigned long old;
	u8 owner;

	if (!test_bit(GWSYNC_FLOW_REPLICA_BIT, &ct->status))
		return;

	mutex_lock(&gn->replica_lock);
	owner = gwsync_flow_owner(ct);
	if (!(gn->adopt.running & BIT_ULL(owner)) || nf_ct_is_dying(ct))
		goto out;

	/* A packet since activation has set the clock already. */
	if (gwsync_replica_is_held(ct))
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
		gwsync_digest_clear(gn, ct);
		gwsync_walk_note_mute(gn);
	}
	atomic64_dec(&gn->replicas);
	gwsync_drift_note(gn, ct);	/* others have it as we do */
	gn->adopt.count[owner]++;
	gwsync_stat_inc(gn, GWSYNC_STAT_A_ADOPTED);
out:
	mutex_unlock(&gn->replica_lock);
}

/**
 * gwsync_replica_demote - make an own flow a replica of the new owner
 * @gn: state of the netns
 * @ct: a flow; the caller holds a reference
 *
 * Context: process, the worker; takes gn->replica_lock.
 */
void gwsync_replica_demote(struct gwsync_net *gn, struct nf_conn *ct)
{
	unsigned long marks, old;
	u32 left;
	u8 owner;

	if (!gwsync_flow_is_own(gn, ct))
		return;

	mutex_lock(&gn->replica_lock);
	if (!gn->demote.running || nf_ct_is_dying(ct) ||
	    !gwsync_flow_is_own(gn, ct))
		goto out;
	if (!gwsync_flow_is_marked(ct) && gwsync_filter_match(gn, ct))
		goto out;
	if (!gwsync_digest_open(ct))
		goto out;

	owner = __fls(gn->demote.running);
	left = nf_ct_expires(ct) / HZ;
	if (test_bit(GWSYNC_FLOW_REPLICA_BIT, &ct->status) && gwsync_replica_is_held(ct))
		left = gwsync_flow_timeout(ct);
	marks = gwsync_replica_marks(owner, gwsync_repair_gen(gn, gn->demote_gen, owner,
							      gwsync_digest_class_of(ct)),
				     left, nf_ct_protonum(ct));
	old = gwsync_flow_update(ct, GWSYNC_REPLICA_MARKS | BIT(GWSYNC_FLOW_ANNOUNCED_BIT),
				 marks);
	if (old & BIT(GWSYNC_FLOW_ANNOUNCED_BIT))
		atomic64_dec(&gn->announced);
	if (!(old & BIT(GWSYNC_FLOW_REPLICA_BIT)))
		atomic64_inc(&gn->replicas);
	if (nf_ct_is_dying(ct))
		gwsync_replica_unmark(gn, ct);
	gwsync_replica_hold(ct);
	gwsync_replica_helper_resync(ct);
out:
	mutex_unlock(&gn->replica_lock);
}
