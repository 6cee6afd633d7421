// SPDX-License-Identifier: GPL-2.0
/*
 * The mailbox of a netns' worker: what it is asked for, and when it runs.
 *
 * Whoever asks leaves a bit and has the worker run; what it then does is not known
 * here (worker.c).
 */
#include <linux/workqueue.h>

#include "work.h"

#define GWSYNC_WORK_REST	100	/* times the cost of a pass */

static struct workqueue_struct *gwsync_work_queue;

/**
 * gwsync_work_kick - have the worker run when flush_ms have passed
 * @gn: the netns
 *
 * Context: any.
 */
void gwsync_work_kick(struct gwsync_net *gn)
{
	unsigned long delay;

	/* What the caller left for the worker comes first: one that has begun and
	 * not seen it is no longer pending.
	 */
	smp_mb();
	if (delayed_work_pending(&gn->work) && !READ_ONCE(gn->lazy))
		return;

	delay = msecs_to_jiffies(READ_ONCE(gn->params.flush_ms));
	/* The worker sets lazy before it queues itself for long: whoever finds
	 * it queued sees the mark.
	 */
	if (!queue_delayed_work(gwsync_work_queue, &gn->work, delay) &&
	    READ_ONCE(gn->lazy)) {
		WRITE_ONCE(gn->lazy, false);
		mod_delayed_work(gwsync_work_queue, &gn->work, delay);
	}
}

/**
 * gwsync_work_kick_now - have the worker run at once
 * @gn: the netns
 *
 * Context: any.
 */
void gwsync_work_kick_now(struct gwsync_net *gn)
{
	mod_delayed_work(gwsync_work_queue, &gn->work, 0);
}

/**
 * gwsync_work_flush - wait for a round of the worker
 * @gn: the netns
 *
 * After gwsync_deactivate() that is all that was captured.  A congested agent
 * is not waited for.
 *
 * Context: process; not from the worker.
 */
void gwsync_work_flush(struct gwsync_net *gn)
{
	gwsync_work_kick_now(gn);
	flush_delayed_work(&gn->work);
}

/**
 * gwsync_work_ask - ask for a job
 * @gn: the netns
 * @job: which
 *
 * The job sees every flow that is in the table from now until its end at
 * least once; it may see one twice.  Asked for again while it runs, it runs
 * once more.
 *
 * Context: any.
 */
void gwsync_work_ask(struct gwsync_net *gn, enum gwsync_walk_job job)
{
	if (!test_and_set_bit(job, &gn->walk_jobs))
		gwsync_work_kick(gn);
}

/**
 * gwsync_work_rest - how long to wait before the next pass of a periodic job
 * @cost_ns: what the last one has cost
 * @interval: jiffies, the shortest time
 *
 * A large table is walked less often: a hundredth of one CPU is what it may cost.
 *
 * Context: any.
 * Return: jiffies.
 */
unsigned long gwsync_work_rest(u64 cost_ns, unsigned long interval)
{
	return max_t(unsigned long, nsecs_to_jiffies(cost_ns * GWSYNC_WORK_REST), interval);
}

/**
 * gwsync_work_later - run something on the queue of the workers
 * @work: what
 * @delay: in so many jiffies; left alone if it is queued
 *
 * Context: any.
 */
void gwsync_work_later(struct delayed_work *work, unsigned long delay)
{
	queue_delayed_work(gwsync_work_queue, work, delay);
}

/**
 * gwsync_work_begin - the worker runs
 * @gn: the netns
 *
 * Context: the worker.
 */
void gwsync_work_begin(struct gwsync_net *gn)
{
	WRITE_ONCE(gn->lazy, false);
}

/**
 * gwsync_work_next - have the worker run again
 * @gn: the netns
 * @delay: jiffies, MAX_JIFFY_OFFSET: when it is kicked
 *
 * Context: the worker.
 */
void gwsync_work_next(struct gwsync_net *gn, long delay)
{
	if (delay == MAX_JIFFY_OFFSET)
		return;
	if (delay > msecs_to_jiffies(READ_ONCE(gn->params.flush_ms)))
		WRITE_ONCE(gn->lazy, true);
	queue_delayed_work(gwsync_work_queue, &gn->work, delay);
}

int gwsync_work_init(void)
{
	gwsync_work_queue = alloc_workqueue("gwsync", WQ_UNBOUND | WQ_MEM_RECLAIM | WQ_SYSFS, 0);
	return gwsync_work_queue ? 0 : -ENOMEM;
}

void gwsync_work_exit(void)
{
	destroy_workqueue(gwsync_work_queue);
}
