// SPDX-License-Identifier: GPL-2.0
/*
 * Jobs on replicas that the walk of the table does, flow by flow.
 *
 * A request notes the owners that it wants served and asks for a walk; a pass
 * takes what is wanted when it begins and tells the agent when it is done.
 */
#include "activate.h"
#include "capture.h"
#include "emit.h"
#include "filter.h"
#include "gwsync.h"
#include "pickup.h"
#include "replica.h"
#include "walk.h"

/*
 * Stray traffic gives a replica the short clock of its protocol: the shortest
 * that matters is the 30 s of a UDP flow without reply.
 */
#define GWSYNC_EXTEND_INTERVAL	(10 * HZ)

static void gwsync_job_extend_work(struct work_struct *work)
{
	struct gwsync_net *gn = container_of(to_delayed_work(work), struct gwsync_net, extend);

	if (atomic64_read(&gn->replicas) > 0 || gwsync_pickup_started(gn))
		gwsync_walk_request(gn, GWSYNC_WALK_EXTEND_BIT);
	queue_delayed_work(system_power_efficient_wq, &gn->extend, GWSYNC_EXTEND_INTERVAL);
}

/**
 * gwsync_replica_init - prepare a netns for replicas
 * @gn: state of the netns, zeroed
 *
 * Context: process, before the first command.
 */
void gwsync_replica_init(struct gwsync_net *gn)
{
	mutex_init(&gn->replica_lock);
	gwsync_pickup_init(gn);
	INIT_DELAYED_WORK(&gn->extend, gwsync_job_extend_work);
	queue_delayed_work(system_power_efficient_wq, &gn->extend, GWSYNC_EXTEND_INTERVAL);
}

/* Nobody is left who knows what our marks mean. */
static int gwsync_job_release(struct nf_conn *ct, void *data)
{
	unsigned long marks = GENMASK(63, GWSYNC_FLOW_DIRTY_BIT);

	if (test_bit(GWSYNC_FLOW_REPLICA_BIT, &ct->status) && gwsync_replica_is_held(ct))
		WRITE_ONCE(ct->timeout, nfct_time_stamp + gwsync_flow_timeout(ct) * HZ);
	if (READ_ONCE(ct->status) & marks)
		gwsync_flow_update(ct, marks, 0);
	return 0;
}

/**
 * gwsync_replica_stop - ask the worker for nothing any more
 * @gn: state of the netns
 *
 * Context: process; no command can come any more.
 */
void gwsync_replica_stop(struct gwsync_net *gn)
{
	cancel_delayed_work_sync(&gn->extend);
}

/**
 * gwsync_replica_exit - the reverse of gwsync_replica_init()
 * @gn: state of the netns
 *
 * Replicas stay in the table as ordinary flows, with the clock that their
 * owner had for them.
 *
 * Context: process; the worker, which sets marks, has stopped.
 */
void gwsync_replica_exit(struct gwsync_net *gn)
{
	const struct nf_ct_iter_data iter = { .net = gn->net, .data = gn };

	nf_ct_iterate_cleanup_net(gwsync_job_release, &iter);
	mutex_destroy(&gn->replica_lock);
}

/* The part of the state that belongs to a job, or NULL. */
static struct gwsync_job *gwsync_job_of(struct gwsync_net *gn, enum gwsync_walk_job job)
{
	switch (job) {
	case GWSYNC_WALK_ADOPT_BIT:
		return &gn->adopt;
	case GWSYNC_WALK_DEMOTE_BIT:
		return &gn->demote;
	case GWSYNC_WALK_SWEEP_BIT:
		return &gn->sweep;
	case GWSYNC_WALK_PURGE_BIT:
		return &gn->purge;
	default:
		return NULL;
	}
}

/**
 * gwsync_replica_job_begin - a pass of the walk starts to serve a job
 * @gn: state of the netns
 * @job: any, those that are not about replicas are ignored
 *
 * Context: process, the worker; takes gn->replica_lock.
 */
void gwsync_replica_job_begin(struct gwsync_net *gn, enum gwsync_walk_job job)
{
	struct gwsync_job *state = gwsync_job_of(gn, job);

	if (job == GWSYNC_WALK_EXTEND_BIT)
		gwsync_pickup_count_begin(gn);
	if (!state)
		return;
	mutex_lock(&gn->replica_lock);
	state->running |= state->wanted;
	state->wanted = 0;
	memset(state->count, 0, sizeof(state->count));
	mutex_unlock(&gn->replica_lock);
}

/**
 * gwsync_replica_job_done - a pass of the walk has served a job
 * @gn: state of the netns
 * @job: any, those that are not about replicas are ignored
 *
 * Context: process, the worker; takes gn->replica_lock.
 */
void gwsync_replica_job_done(struct gwsync_net *gn, enum gwsync_walk_job job)
{
	struct gwsync_job *state = gwsync_job_of(gn, job);
	u32 total = 0;
	u64 owners;
	u8 owner;

	if (job == GWSYNC_WALK_EXTEND_BIT)
		gwsync_pickup_count_done(gn);
	if (!state)
		return;

	mutex_lock(&gn->replica_lock);
	owners = state->running;
	state->running = 0;
	/* Asked for again meanwhile: its replicas are not all own yet. */
	if (job == GWSYNC_WALK_ADOPT_BIT)
		WRITE_ONCE(gn->adopted, gn->adopted & ~(owners & ~state->wanted));
	if (job == GWSYNC_WALK_DEMOTE_BIT)
		WRITE_ONCE(gn->adopted, gn->active ? gn->adopted : 0);
	mutex_unlock(&gn->replica_lock);

	for (owner = 1; owner <= GWSYNC_MEMBER_MAX; owner++) {
		if (!(owners & BIT_ULL(owner)))
			continue;
		total += state->count[owner];
		if (job == GWSYNC_WALK_SWEEP_BIT)
			gwsync_event_send(gn, GWSYNC_EVENT_SWEEP_DONE, owner, 0,
					  state->count[owner]);
	}
	if (job == GWSYNC_WALK_ADOPT_BIT && owners)
		gwsync_event_send(gn, GWSYNC_EVENT_ACTIVATE_DONE, 0, 0, total);
}

/**
 * gwsync_replica_sweep - remove a replica that the last full sync did not name
 * @gn: state of the netns
 * @ct: a flow; the caller holds a reference
 *
 * gn->gen does not flip while a sweep of that owner waits or runs.
 *
 * Context: process, the worker.
 */
void gwsync_replica_sweep(struct gwsync_net *gn, struct nf_conn *ct)
{
	u64 owners = gn->sweep.running;

	if (owners & BIT_ULL(gwsync_flow_owner(ct)))
		gn->sweep.count[gwsync_replica_drop(gn, ct, owners, true)]++;
}

/**
 * gwsync_replica_purge - remove a replica of an owner that is to be forgotten
 * @gn: state of the netns
 * @ct: a flow; the caller holds a reference
 *
 * Context: process, the worker.
 */
void gwsync_replica_purge(struct gwsync_net *gn, struct nf_conn *ct)
{
	u64 owners = gn->purge.running;

	if (owners & BIT_ULL(gwsync_flow_owner(ct)))
		gn->purge.count[gwsync_replica_drop(gn, ct, owners, false)]++;
}

/**
 * gwsync_replica_extend - push the expiry of a replica into the far future
 * @gn: state of the netns
 * @ct: a flow; the caller holds a reference
 *
 * Context: process, the worker.
 */
void gwsync_replica_extend(struct gwsync_net *gn, struct nf_conn *ct)
{
	gwsync_pickup_count(gn, ct);
	if (!gwsync_flow_is_own(gn, ct))
		gwsync_replica_hold(ct);
}
