// SPDX-License-Identifier: GPL-2.0
/*
 * The clocks of replicas stand still, and somebody must see to it.
 *
 * So as long as there are replicas, or own flows that wait for their windows (pickup.c),
 * a walk looks at them every few seconds, see keep.c.  A netns without either walks never.
 */
#include "extend.h"
#include "gwsync.h"
#include "work.h"

/* The shortest clock that matters is the 30 s of a UDP flow without reply. */
#define GWSYNC_EXTEND_INTERVAL	(10 * HZ)

static void gwsync_extend_queue(struct gwsync_net *gn, unsigned long delay)
{
	queue_delayed_work(system_power_efficient_wq, &gn->extend.work, delay);
}

static void gwsync_extend_arm(struct gwsync_net *gn)
{
	if (!atomic_read(&gn->extend.armed) && !atomic_xchg(&gn->extend.armed, 1))
		gwsync_extend_queue(gn, GWSYNC_EXTEND_INTERVAL);
}

/**
 * gwsync_extend_note - there is a replica, or a flow that waits for its windows
 * @gn: the netns
 *
 * After it is there: whoever has begun a pass before that, and may have passed it
 * by, looks again.
 *
 * Context: any.
 */
void gwsync_extend_note(struct gwsync_net *gn)
{
	gwsync_extend_meet(gn);
	/* Pairs with that of gwsync_extend_done(): one of us sees the other. */
	smp_mb();
	gwsync_extend_arm(gn);
}

/**
 * gwsync_extend_has_met - may there be replicas?
 * @gn: the netns
 *
 * Unlike gn->replicas, which is for people, this never says no when there are.
 *
 * Context: any; under gn->lock, by which records come, it stays true.
 */
bool gwsync_extend_has_met(const struct gwsync_net *gn)
{
	return READ_ONCE(gn->extend.met) || atomic_read(&gn->extend.armed);
}

static void gwsync_extend_work(struct work_struct *work)
{
	struct gwsync_net *gn = container_of(to_delayed_work(work), struct gwsync_net,
					     extend.work);

	gwsync_work_ask(gn, GWSYNC_WALK_EXTEND_BIT);
}

/**
 * gwsync_extend_begin - a pass of the walk begins
 * @gn: the netns
 *
 * Context: the worker.
 */
void gwsync_extend_begin(struct gwsync_net *gn)
{
	gn->extend.cost_ns = 0;
	WRITE_ONCE(gn->extend.met, false);
}

/**
 * gwsync_extend_cost - what a step of the walk has cost
 * @gn: the netns
 * @ns: so much
 *
 * Context: the worker.
 */
void gwsync_extend_cost(struct gwsync_net *gn, u64 ns)
{
	gn->extend.cost_ns += ns;
}

/**
 * gwsync_extend_done - a pass of the walk has been everywhere
 * @gn: the netns
 * @more: there is a reason to look again, besides replicas; who comes with one later
 *	says so by gwsync_extend_note()
 *
 * Context: the worker.
 */
void gwsync_extend_done(struct gwsync_net *gn, bool more)
{
	if (READ_ONCE(gn->extend.met) || more) {
		gwsync_extend_queue(gn, gwsync_work_rest(gn->extend.cost_ns,
							 GWSYNC_EXTEND_INTERVAL));
		return;
	}
	atomic_set(&gn->extend.armed, 0);
	/* Pairs with that of gwsync_extend_note(). */
	smp_mb();
	if (READ_ONCE(gn->extend.met))
		gwsync_extend_arm(gn);
}

void gwsync_extend_init(struct gwsync_net *gn)
{
	INIT_DELAYED_WORK(&gn->extend.work, gwsync_extend_work);
}

/* No command can come any more; again when the worker has stopped, which may have
 * asked for it.
 */
void gwsync_extend_exit(struct gwsync_net *gn)
{
	cancel_delayed_work_sync(&gn->extend.work);
}
