// SPDX-License-Identifier: GPL-2.0
/*
 * Bounded walks of the conntrack table.
 *
 * The worker walks a few buckets at a time and serves every job that waits in
 * one pass.  A job that is asked for while a pass runs joins it where it is
 * and ends when the pass has come around to that bucket.  The walk that the
 * agent asks for has a cursor of its own, because it may be paced.  What a job
 * does, and to which flows, is the worker's, see struct gwsync_walk_ops.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "flow.h"
#include "owner.h"
#include "walk.h"

#define GWSYNC_WALK_SLICE	(2 * NSEC_PER_MSEC)	/* of one step */
#define GWSYNC_WALK_AHEAD	256u			/* buckets looked at under one lock */
#define GWSYNC_WALK_BURST_MS	20			/* pacing: flows of this time at once */
#define GWSYNC_WALK_SHARE	5			/* part of a CPU: gwsync_share_wait() */

enum gwsync_walk_cursor {
	GWSYNC_CURSOR_JOBS,
	GWSYNC_CURSOR_FULL,
	GWSYNC_CURSORS
};

/* One pass over the table. */
struct gwsync_pass {
	unsigned long			active;		/* jobs that it serves */
	unsigned int			bucket;		/* where it is */
	u64				passed;		/* buckets, since it began */
	u64				due;		/* when the first job has had its round */
	u32				last;		/* last flow seen of a long chain */
	unsigned int			next;		/* bucket after the batch */
	bool				fetched;	/* the batch is of this bucket */
	unsigned int			pos;		/* next flow of the batch */
	struct gwsync_walk_batch	batch;
};

struct gwsync_walk {
	struct gwsync_pass	pass[GWSYNC_CURSORS];
	unsigned int		size;			/* of the table, when last looked at */
	u64			end[GWSYNC_WALK_JOBS];	/* of a job's round, in its pass */
	const struct gwsync_walk_ops *ops;
	unsigned long		paced;			/* jiffies up to which flows were paid */
	unsigned int		credit;			/* flows that may go now */
};

/*
 * Take references of the flows of a bucket whose lock is not held, as a lookup does.
 * Returns false, with those that it took behind @batch's count of before, when they
 * are not all: the batch is full, or a flow was freed and leads into the chain of
 * another by now.
 */
static bool gwsync_walk_chain(struct gwsync_net *gn, unsigned int bucket,
			      struct gwsync_walk_batch *batch, unsigned int room)
{
	struct nf_conntrack_tuple_hash *h;
	struct hlist_nulls_node *n;
	struct nf_conn *ct;

	hlist_nulls_for_each_entry_rcu(h, n, &nf_conntrack_hash[bucket], hnnode) {
		ct = nf_ct_tuplehash_to_ctrack(h);
		if (NF_CT_DIRECTION(h) != IP_CT_DIR_ORIGINAL || !net_eq(nf_ct_net(ct), gn->net))
			continue;
		if (batch->want && !batch->want(gn, batch->jobs, ct))
			continue;
		if (batch->count >= room)
			return false;
		if (nf_ct_is_dying(ct) || !refcount_inc_not_zero(&ct->ct_general.use))
			continue;
		batch->ct[batch->count++] = ct;
	}
	return get_nulls_value(n) == bucket;
}

/*
 * Go on from @bucket without locks, over some buckets: most of most tables are
 * empty, and most flows that are met are not wanted.  Whoever holds the lock of
 * one bucket, as our caller does, keeps the table where it is.  Returns the bucket
 * that comes next; the first @sure flows of the batch are of those before it.
 */
static unsigned int gwsync_walk_ahead(struct gwsync_net *gn, unsigned int bucket,
				      unsigned int size, struct gwsync_walk_batch *batch,
				      unsigned int *sure)
{
	unsigned int room = batch->single ? batch->count : GWSYNC_WALK_BATCH;
	unsigned int end = bucket + min(size - bucket, GWSYNC_WALK_AHEAD);

	*sure = batch->count;
	rcu_read_lock();
	for (; bucket < end; bucket++) {
		if (hlist_nulls_empty(&nf_conntrack_hash[bucket]))
			continue;
		if (!gwsync_walk_chain(gn, bucket, batch, room))
			break;
		*sure = batch->count;
	}
	rcu_read_unlock();
	return bucket;
}

/*
 * What was found without a lock may have been freed, and made anew, before we had a
 * reference: drop what is no flow of this netns.  From @sure on they come again.
 */
static void gwsync_walk_weed(struct gwsync_net *gn, struct gwsync_walk_batch *batch,
			     unsigned int from, unsigned int sure)
{
	unsigned int i, kept = from;

	/* What was read of a flow before its reference may be of another one. */
	smp_acquire__after_ctrl_dep();
	for (i = from; i < batch->count; i++) {
		struct nf_conn *ct = batch->ct[i];

		if (i < sure && nf_ct_is_confirmed(ct) && net_eq(nf_ct_net(ct), gn->net))
			batch->ct[kept++] = ct;
		else
			nf_ct_put(ct);
	}
	batch->count = kept;
}

/**
 * gwsync_walk_collect - take references of the flows of some buckets
 * @gn: flows of this netns only
 * @bucket: the first
 * @last: 0, or the id of the last flow of the bucket that was seen; updated
 * @batch: where, and which; whoever calls drops them with gwsync_walk_release()
 * @next: (out) where to go on: @bucket itself when the batch has no room for
 *	all its flows
 *
 * When the flow @last has gone meanwhile the bucket begins anew: better seen
 * twice than not at all.
 *
 * Context: process.
 * Return: size of the table; a @bucket beyond it collects nothing.
 */
unsigned int gwsync_walk_collect(struct gwsync_net *gn, unsigned int bucket, u32 *last,
				 struct gwsync_walk_batch *batch, unsigned int *next)
{
	struct nf_conntrack_tuple_hash *h;
	struct hlist_nulls_node *n;
	unsigned int locked, sure;
	struct nf_conn *ct;
	unsigned int size;
	spinlock_t *lock; /* of the bucket */
	bool skip;

	batch->count = 0;
	*next = bucket + 1;

	local_bh_disable();
	lock = &nf_conntrack_locks[bucket % CONNTRACK_LOCKS];
	nf_conntrack_lock(lock);
	__acquire(lock);	/* which its declaration does not say */
	/* A resize holds all locks: size and table stand still now. */
	size = nf_conntrack_htable_size;
	if (bucket >= size)
		goto out;

	skip = *last;
again:
	hlist_nulls_for_each_entry(h, n, &nf_conntrack_hash[bucket], hnnode) {
		ct = nf_ct_tuplehash_to_ctrack(h);
		if (NF_CT_DIRECTION(h) != IP_CT_DIR_ORIGINAL || !net_eq(nf_ct_net(ct), gn->net))
			continue;
		if (skip) {
			skip = nf_ct_get_id(ct) != *last;
			continue;
		}
		if (batch->want && !batch->want(gn, batch->jobs, ct))
			continue;
		if (batch->count == GWSYNC_WALK_BATCH) {
			*next = bucket;
			break;
		}
		if (nf_ct_is_dying(ct) || !refcount_inc_not_zero(&ct->ct_general.use))
			continue;
		batch->ct[batch->count++] = ct;
	}
	if (skip) {
		skip = false;
		goto again;
	}
out:
	locked = batch->count;
	sure = locked;
	if (*next < size && *next != bucket)
		*next = gwsync_walk_ahead(gn, *next, size, batch, &sure);
	spin_unlock(lock);
	local_bh_enable();

	gwsync_walk_weed(gn, batch, locked, sure);
	*last = *next == bucket ? nf_ct_get_id(batch->ct[batch->count - 1]) : 0;
	return size;
}

/**
 * gwsync_walk_release - drop the references of a batch
 * @batch: filled by gwsync_walk_collect()
 * @from: the first that is still held
 *
 * Context: any.
 */
void gwsync_walk_release(struct gwsync_walk_batch *batch, unsigned int from)
{
	while (from < batch->count)
		nf_ct_put(batch->ct[from++]);
	batch->count = 0;
}

/**
 * gwsync_walk_reap - end a flow whose time is over
 * @gn: its netns
 * @ct: a flow of a batch
 *
 * The core looks for them once a minute, gc_worker(), and whoever comes across
 * one earlier ends it.  So do we: one that a backup knows counts until it has
 * ended, and a walk that passed it over would leave the backup without it.  A
 * replica is not ours to end.
 *
 * Context: process.
 * Return: there is no such flow any more.
 */
bool gwsync_walk_reap(struct gwsync_net *gn, struct nf_conn *ct)
{
	/* A flow table keeps the clock of those it has taken over. */
	if (!nf_ct_is_expired(ct) || test_bit(IPS_OFFLOAD_BIT, &ct->status))
		return false;
	if (!gwsync_flow_is_own(gn, ct))
		return true;
	if (nf_ct_should_gc(ct))
		nf_ct_kill(ct);
	/* A packet may have come between the two looks. */
	return nf_ct_is_dying(ct);
}

static bool gwsync_pass_has(const struct gwsync_pass *pass, enum gwsync_walk_job job)
{
	return pass->active & BIT(job);
}

/* New jobs join their pass where it is. */
static void gwsync_walk_join(struct gwsync_net *gn)
{
	struct gwsync_walk *walk = gn->walk;
	struct gwsync_pass *pass;
	unsigned int job;

	for (job = 0; job < GWSYNC_WALK_JOBS; job++) {
		pass = &walk->pass[job == GWSYNC_WALK_FULL_BIT ? GWSYNC_CURSOR_FULL :
								 GWSYNC_CURSOR_JOBS];
		if (gwsync_pass_has(pass, job) || !test_and_clear_bit(job, &gn->walk_jobs))
			continue;
		/*
		 * In the middle of a bucket the job would miss its first half:
		 * go back to its beginning, the others bear to see it twice.
		 */
		gwsync_walk_release(&pass->batch, pass->pos);
		pass->pos = 0;
		pass->last = 0;
		pass->fetched = false;
		gwsync_stat_inc(gn, GWSYNC_STAT_A_WALKS);
		walk->ops->begin(gn, job);
		walk->end[job] = pass->passed + walk->size;
		pass->due = pass->active ? min(pass->due, walk->end[job]) : walk->end[job];
		pass->active |= BIT(job);
	}
}

/* The table was resized: every flow may be anywhere, so every job begins anew. */
static void gwsync_walk_restart(struct gwsync_walk *walk, unsigned int size)
{
	struct gwsync_pass *pass;
	unsigned int job;

	walk->size = size;
	for (pass = walk->pass; pass < walk->pass + GWSYNC_CURSORS; pass++) {
		pass->bucket = 0;
		pass->last = 0;
		pass->fetched = false;
		pass->due = pass->passed + size;
		for_each_set_bit(job, &pass->active, GWSYNC_WALK_JOBS)
			walk->end[job] = pass->due;
	}
}

static void gwsync_pass_advance(struct gwsync_net *gn, struct gwsync_pass *pass)
{
	struct gwsync_walk *walk = gn->walk;
	unsigned int job;

	pass->fetched = false;
	pass->passed += pass->next - pass->bucket;
	pass->bucket = pass->next < walk->size ? pass->next : 0;
	if (pass->passed < pass->due)
		return;

	pass->due = U64_MAX;
	for_each_set_bit(job, &pass->active, GWSYNC_WALK_JOBS) {
		if (walk->end[job] > pass->passed) {
			pass->due = min(pass->due, walk->end[job]);
			continue;
		}
		pass->active &= ~BIT(job);
		walk->ops->done(gn, job);
	}
}

/**
 * gwsync_walk_pace_begin - the paced job is about to be asked for
 * @gn: the netns
 *
 * Context: process; that job does not run.
 */
void gwsync_walk_pace_begin(struct gwsync_net *gn)
{
	gn->walk->paced = jiffies;
	gn->walk->credit = 0;
}

/* Flows that the paced walk may emit now; returns jiffies to wait when none. */
static long gwsync_walk_pace(struct gwsync_net *gn)
{
	u32 rate = READ_ONCE(gn->params.walk_rate);
	struct gwsync_walk *walk = gn->walk;
	u64 earned;

	if (!rate) {
		walk->credit = UINT_MAX;
		return 0;
	}
	earned = div_u64((u64)rate * jiffies_to_msecs(jiffies - walk->paced), MSEC_PER_SEC);
	if (earned) {
		walk->paced = jiffies;
		walk->credit = min_t(u64, walk->credit + earned,
				     rate * GWSYNC_WALK_BURST_MS / MSEC_PER_SEC + 1);
	}
	if (walk->credit)
		return 0;
	return max(msecs_to_jiffies(DIV_ROUND_UP(MSEC_PER_SEC, rate)), 1UL);
}

/* A slice of a pass; returns 0 to go on, MAX_JIFFY_OFFSET when done, or an error. */
static long gwsync_pass_step(struct gwsync_net *gn, struct gwsync_pass *pass)
{
	bool paced = pass == &gn->walk->pass[GWSYNC_CURSOR_FULL];
	struct gwsync_walk *walk = gn->walk;
	u64 stop = ktime_get_ns() + GWSYNC_WALK_SLICE;
	unsigned int size, n = 0;
	long delay;

	if (paced && pass->active) {
		delay = gwsync_walk_pace(gn);
		if (delay)
			return delay;
	}

	while (pass->active) {
		while (pass->pos < pass->batch.count) {
			struct nf_conn *ct = pass->batch.ct[pass->pos];

			if (!gwsync_walk_reap(gn, ct)) {
				if (walk->ops->flow(gn, pass->active, ct) < 0)
					return -EAGAIN;
				if (paced)
					walk->credit -= !!walk->credit;
			}
			nf_ct_put(ct);
			pass->pos++;
			if (paced && !walk->credit)
				return 1;
		}
		n += 1 + pass->batch.count;
		pass->batch.count = 0;
		pass->pos = 0;

		if (pass->fetched)
			gwsync_pass_advance(gn, pass);
		if (!pass->active)
			break;
		/* The clock is dear: after as many flows as fill a batch. */
		if (n >= GWSYNC_WALK_BATCH) {
			if (ktime_get_ns() > stop)
				return 0;
			n = 0;
		}

		/* Most jobs want every flow. */
		pass->batch.want = pass->active & ~walk->ops->picky ? NULL : walk->ops->wants;
		pass->batch.jobs = pass->active;
		size = gwsync_walk_collect(gn, pass->bucket, &pass->last, &pass->batch,
					   &pass->next);
		pass->fetched = true;
		if (size != walk->size) {
			gwsync_walk_release(&pass->batch, 0);
			gwsync_walk_restart(walk, size);
		}
	}
	return MAX_JIFFY_OFFSET;
}

/**
 * gwsync_walk_cancel - break the paced job off
 * @gn: the netns
 *
 * Context: process, under emit->lock.
 */
void gwsync_walk_cancel(struct gwsync_net *gn)
{
	struct gwsync_pass *pass = &gn->walk->pass[GWSYNC_CURSOR_FULL];

	clear_bit(GWSYNC_WALK_FULL_BIT, &gn->walk_jobs);
	gwsync_walk_release(&pass->batch, pass->pos);
	pass->pos = 0;
	pass->active = 0;
}

/*
 * A netns of another user namespace than the host's belongs to somebody who is not
 * charged for what a kernel thread does for him, and walks the table of all.  All
 * of them together get a part of one CPU: after a step nobody of them walks for
 * some times as long.
 */
static DEFINE_SPINLOCK(gwsync_share_lock);
static u64 gwsync_share_free_ns;	/* when the next step may be */

static bool gwsync_share_has(const struct gwsync_net *gn)
{
	return gn->net->user_ns != &init_user_ns;
}

/* Jiffies until this netns may walk, 0: now. */
static long gwsync_share_wait(struct gwsync_net *gn)
{
	u64 now = ktime_get_ns();
	u64 free;

	if (!gwsync_share_has(gn))
		return 0;
	spin_lock(&gwsync_share_lock);
	free = gwsync_share_free_ns;
	spin_unlock(&gwsync_share_lock);
	return free > now ? nsecs_to_jiffies(free - now) + 1 : 0;
}

static void gwsync_share_spend(struct gwsync_net *gn, u64 ns)
{
	u64 now = ktime_get_ns();

	if (!gwsync_share_has(gn))
		return;
	spin_lock(&gwsync_share_lock);
	gwsync_share_free_ns = max(gwsync_share_free_ns, now) + ns * (GWSYNC_WALK_SHARE - 1);
	spin_unlock(&gwsync_share_lock);
}

/**
 * gwsync_walk_step - walk for a bounded time
 * @gn: the netns
 *
 * Context: the worker, under emit->lock.
 * Return: jiffies until the next step, MAX_JIFFY_OFFSET: nothing to do;
 * -EAGAIN: a record could not be sent.
 */
long gwsync_walk_step(struct gwsync_net *gn)
{
	struct gwsync_walk *walk = gn->walk;
	long delay = MAX_JIFFY_OFFSET, ret;
	bool rests = false;
	unsigned int i;
	u64 start, cost;

	gwsync_walk_join(gn);

	for (i = 0; i < GWSYNC_CURSORS; i++) {
		if (!walk->pass[i].active)
			continue;
		ret = gwsync_share_wait(gn);
		if (ret) {
			rests = true;
			delay = min(delay, ret);
			continue;
		}
		start = ktime_get_ns();
		ret = gwsync_pass_step(gn, &walk->pass[i]);
		cost = ktime_get_ns() - start;
		walk->ops->cost(gn, cost);
		gwsync_share_spend(gn, cost);
		if (ret < 0)
			return ret;
		delay = min(delay, ret);
	}
	/* A job that was asked for again during its pass. */
	if (READ_ONCE(gn->walk_jobs) && !rests)
		delay = 0;
	return delay;
}

int gwsync_walk_net_init(struct gwsync_net *gn, const struct gwsync_walk_ops *ops)
{
	gn->walk = kzalloc(sizeof(*gn->walk), GFP_KERNEL_ACCOUNT);
	if (!gn->walk)
		return -ENOMEM;
	gn->walk->ops = ops;
	gn->walk->size = READ_ONCE(nf_conntrack_htable_size);
	return 0;
}

/* The references that a stopped worker was left with. */
void gwsync_walk_net_stop(struct gwsync_net *gn)
{
	unsigned int i;

	for (i = 0; i < GWSYNC_CURSORS; i++)
		gwsync_walk_release(&gn->walk->pass[i].batch, gn->walk->pass[i].pos);
}

void gwsync_walk_net_exit(struct gwsync_net *gn)
{
	kfree(gn->walk);
}
