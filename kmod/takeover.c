// SPDX-License-Identifier: GPL-2.0
/*
 * Change of ownership.
 *
 * Activation flips a set and an epoch, gwsync_owner_take(): from that moment on capture and
 * the TCP pick-up take the replicas of these members for own flows, however
 * many there are.  What is left is done by a walk, see adopt.c.
 */
#include <linux/net.h>
#include <linux/netlink.h>

#include "drift.h"
#include "extend.h"
#include "owner.h"
#include "pickup.h"
#include "sum.h"
#include "takeover.h"
#include "work.h"

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

	if (epoch <= gwsync_owner_epoch(gn)) {
		NL_SET_ERR_MSG(extack, "epoch is not newer than the one known here");
		return -ESTALE;
	}
	if (set & (BIT_ULL(0) | BIT_ULL(gwsync_owner_self(gn)))) {
		NL_SET_ERR_MSG(extack, "set names member 0 or this member");
		return -EINVAL;
	}
	if (gwsync_extend_has_met(gn)) {
		err = gwsync_pickup_start(gn);
		if (err) {
			NL_SET_ERR_MSG(extack, "cannot register the TCP pick-up hooks");
			return err;
		}
	}

	gwsync_owner_take(gn, set, epoch);
	gwsync_stat_inc(gn, GWSYNC_STAT_A_ACTIVATIONS);
	gwsync_work_ask(gn, GWSYNC_WALK_ADOPT_BIT);
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
	int err;

	lockdep_assert_held(&gn->lock);

	if (epoch < gwsync_owner_epoch(gn)) {
		NL_SET_ERR_MSG(extack, "epoch is older than the one known here");
		return -ESTALE;
	}
	if (owner == gwsync_owner_self(gn)) {
		NL_SET_ERR_MSG(extack, "flows cannot become replicas of this member itself");
		return -EINVAL;
	}

	err = gwsync_sum_get(gn, extack);
	if (err)
		return err;

	/* Without it segments that still come here may be lost: no reason to stay. */
	if (gwsync_pickup_start(gn))
		net_warn_ratelimited("gwsync: no TCP pick-up while ownership moves\n");

	gwsync_owner_give(gn, owner, epoch);
	gwsync_work_ask(gn, GWSYNC_WALK_DEMOTE_BIT);
	return 0;
}
