// SPDX-License-Identifier: GPL-2.0
/*
 * The walk that the agent asks for: all own flows are emitted to some members.
 *
 * One at a time.  It has a cursor of its own, because it may be paced (walk.c).
 */
#include <linux/netlink.h>

#include "emit.h"
#include "event.h"
#include "flow.h"
#include "full.h"
#include "mute.h"
#include "walk.h"
#include "work.h"

void gwsync_full_init(struct gwsync_net *gn)
{
	spin_lock_init(&gn->full.lock);
}

/**
 * gwsync_full_ask - emit every own flow
 * @gn: the netns
 * @set: of the members that the map names for a flow, those to send to
 * @walk_id: what the messages carry, not 0
 * @extack: where a refusal is explained
 *
 * Context: process, under gn->lock.
 * Return: 0, -EBUSY.
 */
int gwsync_full_ask(struct gwsync_net *gn, u64 set, u32 walk_id, struct netlink_ext_ack *extack)
{
	int err = 0;

	lockdep_assert_held(&gn->lock);

	spin_lock_bh(&gn->full.lock);
	if (gn->full.busy) {
		NL_SET_ERR_MSG(extack, "a walk is running: cancel it with WALK_ID 0");
		err = -EBUSY;
	} else {
		gn->full.busy = true;
		gn->full.set = set;
		gn->full.walk_id = walk_id;
		gn->full.count = 0;
		gwsync_walk_pace_begin(gn);
	}
	spin_unlock_bh(&gn->full.lock);

	if (!err)
		gwsync_work_ask(gn, GWSYNC_WALK_FULL_BIT);
	return err;
}

/**
 * gwsync_full_cancel - break the agent's walk off, without GWSYNC_EVENT_WALK_DONE
 * @gn: the netns
 *
 * Not by the worker: it does not walk while its records wait for the agent, and
 * that may be why the agent wants no more of them.
 *
 * Context: process, under gn->lock; not under emit->lock.
 */
void gwsync_full_cancel(struct gwsync_net *gn)
{
	bool cancel;

	lockdep_assert_held(&gn->lock);

	gwsync_emit_pause(gn);
	spin_lock_bh(&gn->full.lock);
	cancel = gn->full.busy;
	gn->full.busy = false;
	spin_unlock_bh(&gn->full.lock);
	if (cancel)
		gwsync_walk_cancel(gn);
	gwsync_emit_resume(gn);
}

void gwsync_full_begin(struct gwsync_net *gn)
{
	gn->full.mute = 0;
}

/**
 * gwsync_full_flow - emit a flow to those whom the walk is for
 * @gn: the netns
 * @ct: a flow; the caller holds a reference
 *
 * Context: the worker, under emit->lock.
 * Return: as gwsync_emit_flow().
 */
int gwsync_full_flow(struct gwsync_net *gn, struct nf_conn *ct)
{
	int ret;

	/* A change is for all: their sums are of the same state then. */
	ret = gwsync_emit_dirty(gn, ct, false);
	if (ret < 0)
		return ret;
	ret = gwsync_emit_flow(gn, ct, gn->full.set, gn->full.walk_id);
	if (ret < 0)
		return ret;
	gn->full.count += ret;
	gn->full.mute += ret && gwsync_flow_is_mute(ct);
	return ret;
}

/**
 * gwsync_full_done - the walk has been everywhere
 * @gn: the netns
 *
 * Context: the worker, under emit->lock.
 */
void gwsync_full_done(struct gwsync_net *gn)
{
	u32 walk_id, count;

	spin_lock_bh(&gn->full.lock);
	gn->full.busy = false;
	/* From here on they may be the next walk's. */
	walk_id = gn->full.walk_id;
	count = gn->full.count;
	spin_unlock_bh(&gn->full.lock);
	gwsync_mute_told(gn, gn->full.mute);
	gwsync_event_send(gn, GWSYNC_EVENT_WALK_DONE, 0, walk_id, count);
}
