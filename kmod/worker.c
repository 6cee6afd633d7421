// SPDX-License-Identifier: GPL-2.0
/*
 * The one worker of a netns: what it does, and in which order.
 *
 * A round emits what was captured, then what a repair and the digests want, walks the
 * table for a bounded time, and tells the agent what happened.  All that is emitted is
 * emitted here, so the order of its messages is the order of truth.
 */
#include <linux/workqueue.h>

#include "adopt.h"
#include "audit.h"
#include "digest.h"
#include "drift.h"
#include "emit.h"
#include "event.h"
#include "extend.h"
#include "flow.h"
#include "full.h"
#include "job.h"
#include "keep.h"
#include "mute.h"
#include "owner.h"
#include "queue.h"
#include "repair.h"
#include "source.h"
#include "walk.h"
#include "work.h"
#include "worker.h"

#define GWSYNC_WORKER_RETRY_MS	10	/* the agent's socket was full */
#define GWSYNC_WORKER_SHED	HZ	/* and flows that have ended are let go of so often */

/* Jobs that come again and again, and want hardly any flow. */
#define GWSYNC_WORKER_PICKY	(BIT(GWSYNC_WALK_EXTEND_BIT) | BIT(GWSYNC_WALK_DRIFT_BIT) | \
				 BIT(GWSYNC_WALK_SOURCE_BIT))

/* Jobs that emit; the others are about replicas, or end flows. */
#define GWSYNC_WORKER_EMITS	(BIT(GWSYNC_WALK_DIRTY_BIT) | BIT(GWSYNC_WALK_FULL_BIT) | \
				 BIT(GWSYNC_WALK_MUTE_BIT) | BIT(GWSYNC_WALK_DRIFT_BIT) | \
				 BIT(GWSYNC_WALK_REPAIR_BIT) | BIT(GWSYNC_WALK_AUDIT_BIT))

static bool gwsync_worker_wants(struct gwsync_net *gn, unsigned long jobs,
				const struct nf_conn *ct)
{
	return (jobs & BIT(GWSYNC_WALK_DRIFT_BIT) && gwsync_drift_is_far(gn, ct)) ||
	       (jobs & BIT(GWSYNC_WALK_EXTEND_BIT) && gwsync_keep_wants(gn, ct)) ||
	       (jobs & BIT(GWSYNC_WALK_SOURCE_BIT) && gwsync_source_wants(gn, ct));
}

/* All jobs of a pass that emit nothing. */
static void gwsync_worker_silent(struct gwsync_net *gn, unsigned long jobs, struct nf_conn *ct)
{
	if (jobs & BIT(GWSYNC_WALK_ADOPT_BIT))
		gwsync_adopt_flow(gn, ct);
	if (jobs & BIT(GWSYNC_WALK_DEMOTE_BIT))
		gwsync_demote_flow(gn, ct);
	if (jobs & BIT(GWSYNC_WALK_SWEEP_BIT))
		gwsync_job_sweep(gn, ct);
	if (jobs & BIT(GWSYNC_WALK_PURGE_BIT))
		gwsync_job_purge(gn, ct);
	if (jobs & BIT(GWSYNC_WALK_EXTEND_BIT))
		gwsync_keep_flow(gn, ct);
	if (jobs & BIT(GWSYNC_WALK_SOURCE_BIT))
		gwsync_source_flow(gn, ct);
}

/* All jobs of a pass that emit flows whose state may be another than the last record's. */
static int gwsync_worker_changed(struct gwsync_net *gn, unsigned long jobs, struct nf_conn *ct)
{
	bool drifted = jobs & BIT(GWSYNC_WALK_DRIFT_BIT) && gwsync_drift_is_far(gn, ct);
	bool mute = jobs & BIT(GWSYNC_WALK_MUTE_BIT) && gwsync_flow_is_mute(ct);
	int ret;

	if ((drifted || mute) && gwsync_owner_is_active(gn))
		set_bit(GWSYNC_FLOW_DIRTY_BIT, &ct->status);
	if (drifted || jobs & (BIT(GWSYNC_WALK_DIRTY_BIT) | BIT(GWSYNC_WALK_MUTE_BIT))) {
		ret = gwsync_emit_dirty(gn, ct, false);
		if (ret < 0) {
			/* No ring has a flow that was marked here. */
			if (drifted || mute)
				gwsync_work_ask(gn, GWSYNC_WALK_DIRTY_BIT);
			return ret;
		}
		if (mute && ret > 0)
			gwsync_mute_see(gn);
		if (drifted && ret > 0)
			gwsync_stat_inc(gn, GWSYNC_STAT_A_REFRESHED);
	}
	return 0;
}

static int gwsync_worker_flow(struct gwsync_net *gn, unsigned long jobs, struct nf_conn *ct)
{
	int ret;

	gwsync_worker_silent(gn, jobs, ct);
	if (!(jobs & GWSYNC_WORKER_EMITS))
		return 0;
	ret = gwsync_worker_changed(gn, jobs, ct);
	if (ret >= 0 && jobs & BIT(GWSYNC_WALK_AUDIT_BIT))
		ret = gwsync_emit_audit(gn, ct);
	if (ret >= 0 && jobs & BIT(GWSYNC_WALK_REPAIR_BIT))
		ret = gwsync_repair_flow(gn, ct);
	if (ret >= 0 && jobs & BIT(GWSYNC_WALK_FULL_BIT))
		ret = gwsync_full_flow(gn, ct);
	return ret;
}

static void gwsync_worker_job_begin(struct gwsync_net *gn, enum gwsync_walk_job job)
{
	switch (job) {
	case GWSYNC_WALK_MUTE_BIT:
		gwsync_mute_begin(gn);
		break;
	case GWSYNC_WALK_FULL_BIT:
		gwsync_full_begin(gn);
		break;
	case GWSYNC_WALK_DRIFT_BIT:
		gwsync_drift_begin(gn);
		break;
	case GWSYNC_WALK_AUDIT_BIT:
		gwsync_audit_begin(gn);
		break;
	case GWSYNC_WALK_EXTEND_BIT:
		gwsync_keep_begin(gn);
		break;
	case GWSYNC_WALK_SOURCE_BIT:
		gwsync_source_begin(gn);
		break;
	case GWSYNC_WALK_DIRTY_BIT:
	case GWSYNC_WALK_REPAIR_BIT:
		break;
	default:
		gwsync_owner_job_begin(gn, job);
		break;
	}
}

static void gwsync_worker_job_done(struct gwsync_net *gn, enum gwsync_walk_job job)
{
	switch (job) {
	case GWSYNC_WALK_MUTE_BIT:
		gwsync_mute_done(gn);
		break;
	case GWSYNC_WALK_FULL_BIT:
		gwsync_full_done(gn);
		break;
	case GWSYNC_WALK_DRIFT_BIT:
		gwsync_drift_done(gn);
		break;
	case GWSYNC_WALK_AUDIT_BIT:
		gwsync_audit_done(gn);
		break;
	case GWSYNC_WALK_EXTEND_BIT:
		gwsync_keep_done(gn);
		break;
	case GWSYNC_WALK_SOURCE_BIT:
		gwsync_source_done(gn);
		break;
	case GWSYNC_WALK_REPAIR_BIT:
		gwsync_repair_walked(gn);
		break;
	case GWSYNC_WALK_DIRTY_BIT:
		break;
	default:
		gwsync_job_done(gn, job);
		break;
	}
}

static void gwsync_worker_cost(struct gwsync_net *gn, u64 ns)
{
	gwsync_drift_cost(gn, ns);
	gwsync_audit_cost(gn, ns);
	gwsync_extend_cost(gn, ns);
}

static const struct gwsync_walk_ops gwsync_worker_walk_ops = {
	.begin	= gwsync_worker_job_begin,
	.wants	= gwsync_worker_wants,
	.flow	= gwsync_worker_flow,
	.done	= gwsync_worker_job_done,
	.cost	= gwsync_worker_cost,
	.picky	= GWSYNC_WORKER_PICKY,
};

/* Nobody wants any of it. */
static void gwsync_worker_drop(struct gwsync_net *gn)
{
	gwsync_emit_drop(gn);
	gwsync_queue_drain(gn);
	gwsync_repair_drop(gn);
	gwsync_event_drop(gn);
}

static int gwsync_worker_digests(struct gwsync_net *gn, long *wake)
{
	long delay;
	int err;

	/*
	 * A flow that has ended since the first look still counts; one of the
	 * same tuple, told in this round, has already taken its place elsewhere.
	 */
	err = gwsync_emit_tombstones(gn);
	if (err)
		return err;
	delay = gwsync_digest_step(gn);
	if (delay < 0)
		return delay;
	*wake = min(*wake, delay);
	return 0;
}

/* One round; returns jiffies until the next one, MAX_JIFFY_OFFSET: when kicked. */
static long gwsync_worker_round(struct gwsync_net *gn)
{
	long wake = MAX_JIFFY_OFFSET;
	long delay;
	int err;

	if (gwsync_emit_is_running(gn)) {
		err = gwsync_emit_flush(gn);
		if (!err)
			err = gwsync_emit_captured(gn, &wake);
		if (!err)
			err = gwsync_repair_step(gn);
		if (!err)
			err = gwsync_worker_digests(gn, &wake);
		if (!err)
			err = gwsync_emit_flush(gn);
		if (err && gwsync_emit_is_running(gn))
			goto congested;
	}
	if (!gwsync_emit_is_running(gn))
		gwsync_worker_drop(gn);

	delay = gwsync_walk_step(gn);
	if (delay < 0 && !gwsync_emit_is_running(gn))
		delay = 0;
	if (delay >= 0)
		wake = min(wake, delay);

	if (gwsync_emit_is_running(gn)) {
		err = gwsync_emit_flush(gn);
		if (!err)
			err = gwsync_event_flush(gn);
		if ((err || delay < 0) && gwsync_emit_is_running(gn))
			goto congested;
	}
	return wake;

congested:
	if (time_after_eq(jiffies, gn->shed)) {
		gwsync_queue_shed(gn);
		gn->shed = jiffies + GWSYNC_WORKER_SHED;
	}
	return msecs_to_jiffies(GWSYNC_WORKER_RETRY_MS);
}

static void gwsync_worker(struct work_struct *work)
{
	struct gwsync_net *gn = container_of(to_delayed_work(work), struct gwsync_net, work);
	long delay;

	gwsync_work_begin(gn);
	gwsync_emit_pause(gn);
	delay = gwsync_worker_round(gn);
	gwsync_emit_resume(gn);
	gwsync_work_next(gn, delay);
}

static void gwsync_worker_end(struct gwsync_net *gn)
{
	gwsync_emit_pause(gn);
	gwsync_emit_stop(gn);
	gwsync_worker_drop(gn);
	gwsync_emit_resume(gn);
}

/**
 * gwsync_worker_stop - the agent has gone: forget what was to be sent
 * @gn: the netns; capture is detached
 *
 * Context: process, under gn->lock.
 */
void gwsync_worker_stop(struct gwsync_net *gn)
{
	lockdep_assert_held(&gn->lock);

	gwsync_worker_end(gn);
}

int gwsync_worker_net_init(struct gwsync_net *gn)
{
	gn->shed = jiffies;
	INIT_DELAYED_WORK(&gn->work, gwsync_worker);
	return gwsync_walk_net_init(gn, &gwsync_worker_walk_ops);
}

/* Capture has left the slot and RCU readers are gone. */
void gwsync_worker_net_stop(struct gwsync_net *gn)
{
	cancel_delayed_work_sync(&gn->work);
	gwsync_worker_end(gn);
}
