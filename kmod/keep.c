// SPDX-License-Identifier: GPL-2.0
/*
 * Replicas are kept as they are.
 *
 * Stray traffic gives a replica the short clock of its protocol, a helper comes with its
 * module, the map of PPTP's calls is cleared.  A walk, see extend.c for when, puts that
 * right.  It also counts own flows that wait for their windows, for pickup.c.
 */
#include "extend.h"
#include "flow.h"
#include "gwsync.h"
#include "helper.h"
#include "keep.h"
#include "owner.h"
#include "pickup.h"
#include "pptp.h"

/**
 * gwsync_keep_begin - a pass of the walk begins
 * @gn: the netns
 *
 * Context: the worker.
 */
void gwsync_keep_begin(struct gwsync_net *gn)
{
	gwsync_extend_begin(gn);
	gwsync_pickup_count_begin(gn);
	gwsync_helper_look_begin(gn);
}

/**
 * gwsync_keep_wants - has the pass anything to do with a flow?
 * @gn: the netns
 * @ct: a flow; the caller holds a reference, the lock of its bucket, or that of RCU
 *
 * Context: the worker.
 */
bool gwsync_keep_wants(struct gwsync_net *gn, const struct nf_conn *ct)
{
	if (gwsync_flow_is_own(gn, ct))
		return gwsync_pickup_waits(ct);
	gwsync_extend_meet(gn);
	return !gwsync_flow_is_held(ct) || nf_ct_protonum(ct) == IPPROTO_GRE ||
	       gwsync_helper_is_missing(gn, ct);
}

/* A call whose keys are not in the map of the netns yet: its master may have come. */
static void gwsync_keep_call(struct gwsync_net *gn, struct nf_conn *ct)
{
	mutex_lock(&gn->replica_lock);
	if (!gwsync_flow_is_own(gn, ct) && !nf_ct_is_dying(ct))
		gwsync_pptp_install(gn, ct);
	mutex_unlock(&gn->replica_lock);
}

/**
 * gwsync_keep_flow - put the clock of a replica back
 * @gn: the netns
 * @ct: a flow; the caller holds a reference
 *
 * One that stands is left alone: to write to each would be a cache line of each.
 *
 * Context: process, the worker; takes gn->replica_lock.
 */
void gwsync_keep_flow(struct gwsync_net *gn, struct nf_conn *ct)
{
	if (!gwsync_keep_wants(gn, ct))
		return;
	if (gwsync_flow_is_own(gn, ct)) {
		gwsync_pickup_count(gn);
		return;
	}
	if (!gwsync_flow_is_held(ct))
		gwsync_flow_hold(ct);
	gwsync_helper_look(gn, ct);
	if (nf_ct_protonum(ct) == IPPROTO_GRE)
		gwsync_keep_call(gn, ct);
}

/**
 * gwsync_keep_done - a pass of the walk has been everywhere
 * @gn: the netns
 *
 * Context: the worker.
 */
void gwsync_keep_done(struct gwsync_net *gn)
{
	gwsync_pickup_count_done(gn);
	gwsync_extend_done(gn, gwsync_pickup_started(gn));
}
