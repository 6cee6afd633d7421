// SPDX-License-Identifier: GPL-2.0
/*
 * An agent comes and goes: everything that works for it begins and ends.
 */
#include <linux/netlink.h>

#include "attach.h"
#include "audit.h"
#include "emit.h"
#include "full.h"
#include "lease.h"
#include "owner.h"
#include "queue.h"
#include "repair.h"
#include "slot.h"
#include "source.h"
#include "sum.h"
#include "untrack.h"
#include "work.h"
#include "worker.h"

/**
 * gwsync_detach - the agent has gone
 * @gn: the netns
 *
 * Context: process, under gn->lock.
 */
void gwsync_detach(struct gwsync_net *gn)
{
	lockdep_assert_held(&gn->lock);

	if (!gn->attached)
		return;
	gn->attached = false;
	gwsync_untrack_stop(gn);
	gwsync_audit_stop(gn);
	gwsync_slot_detach(gn);
	gwsync_queue_detach(gn);
	WRITE_ONCE(gn->portid, 0);
	gwsync_full_cancel(gn);
	gwsync_source_cancel(gn);
	gwsync_worker_stop(gn);
}

/**
 * gwsync_attach - an agent is here
 * @gn: the netns
 * @portid: of its socket
 * @self: this member
 * @epoch: that it knows
 * @ports: UDP ports of the group
 * @count: of them
 * @extack: says why not
 *
 * Context: process, under gn->lock.
 * Return: 0; -EBUSY: there is another one; -ENOMEM, or the error of registering hooks.
 */
int gwsync_attach(struct gwsync_net *gn, u32 portid, u8 self, u32 epoch, const __be16 *ports,
		  unsigned int count, struct netlink_ext_ack *extack)
{
	int err;

	lockdep_assert_held(&gn->lock);

	if (gn->attached) {
		NL_SET_ERR_MSG(extack, "another socket is attached to this netns");
		return -EBUSY;
	}

	err = gwsync_sum_get(gn, extack) ?: gwsync_repair_get(gn, extack);
	if (err)
		return err;

	/* What the last agent held this one has not made: it begins anew. */
	gwsync_lease_give_back(gn);
	/* Before the worker may send: to nobody, it would stop for good. */
	gwsync_owner_attach(gn, self, epoch);
	WRITE_ONCE(gn->portid, portid);

	err = gwsync_emit_start(gn, extack);
	if (err)
		goto err_portid;

	err = gwsync_untrack_start(gn, ports, count, extack);
	if (err)
		goto err_stop;

	err = gwsync_queue_attach(gn, extack);
	if (err)
		goto err_untrack;
	gwsync_slot_attach(gn);

	gn->attached = true;
	gwsync_audit_start(gn);
	mutex_lock(&gn->replica_lock);
	gwsync_owner_forget(gn, 0);
	mutex_unlock(&gn->replica_lock);
	/* Marks that an earlier agent left behind would swallow events. */
	gwsync_work_ask(gn, GWSYNC_WALK_DIRTY_BIT);
	return 0;

err_untrack:
	gwsync_untrack_stop(gn);
err_stop:
	gwsync_worker_stop(gn);
err_portid:
	WRITE_ONCE(gn->portid, 0);
	return err;
}
