// SPDX-License-Identifier: GPL-2.0
/*
 * Jobs on replicas that the walk of the table does, flow by flow.
 *
 * A request notes the owners that it wants served and asks for a walk; a pass
 * takes what is wanted when it begins and tells the agent when it is done.
 */
#include "event.h"
#include "flow.h"
#include "job.h"
#include "owner.h"
#include "replica.h"

/**
 * gwsync_job_done - a pass of the walk has served a job: tell the agent
 * @gn: state of the netns
 * @job: ADOPT, DEMOTE, SWEEP or PURGE
 *
 * Context: process, the worker; takes gn->replica_lock.
 */
void gwsync_job_done(struct gwsync_net *gn, enum gwsync_walk_job job)
{
	u64 owners = gwsync_owner_job_done(gn, job);
	u32 count, total = 0;
	u8 owner;

	for (owner = 1; owner <= GWSYNC_MEMBER_MAX; owner++) {
		if (!(owners & BIT_ULL(owner)))
			continue;
		count = gwsync_owner_job_counted(gn, job, owner);
		total += count;
		if (job == GWSYNC_WALK_SWEEP_BIT)
			gwsync_event_send(gn, GWSYNC_EVENT_SWEEP_DONE, owner, 0, count);
	}
	if (job == GWSYNC_WALK_ADOPT_BIT && owners)
		gwsync_event_send(gn, GWSYNC_EVENT_ACTIVATE_DONE, 0, 0, total);
}

/**
 * gwsync_job_sweep - remove a replica that the last full sync did not name
 * @gn: state of the netns
 * @ct: a flow; the caller holds a reference
 *
 * The generation does not turn while a sweep of that owner waits or runs.
 *
 * Context: process, the worker.
 */
void gwsync_job_sweep(struct gwsync_net *gn, struct nf_conn *ct)
{
	u64 owners = gwsync_owner_job_serves(gn, GWSYNC_WALK_SWEEP_BIT);

	if (owners & BIT_ULL(gwsync_flow_owner(ct)))
		gwsync_owner_job_count(gn, GWSYNC_WALK_SWEEP_BIT,
				       gwsync_replica_drop(gn, ct, owners, true));
}

/**
 * gwsync_job_purge - remove a replica of an owner that is to be forgotten
 * @gn: state of the netns
 * @ct: a flow; the caller holds a reference
 *
 * Context: process, the worker.
 */
void gwsync_job_purge(struct gwsync_net *gn, struct nf_conn *ct)
{
	u64 owners = gwsync_owner_job_serves(gn, GWSYNC_WALK_PURGE_BIT);

	if (owners & BIT_ULL(gwsync_flow_owner(ct)))
		gwsync_owner_job_count(gn, GWSYNC_WALK_PURGE_BIT,
				       gwsync_replica_drop(gn, ct, owners, false));
}
