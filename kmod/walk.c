// SPDX-License-Identifier: GPL-2.0
/*
 * Bounded walks of the conntrack table.
 *
 * The worker walks a few buckets at a time and serves every job that waits in
 * one pass.  A job that is asked for while a pass runs joins it where it is
 * and ends when the pass has come around to that bucket.  The walk that the
 * agent asks for has a cursor of its own, because it may be paced.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/netlink.h>
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "activate.h"
#include "capture.h"
#include "drift.h"
#include "emit.h"
#include "repair.h"
#include "replica.h"
#include "walk.h"

#define GWSYNC_WALK_SLICE	(2 * NSEC_PER_MSEC)	/* of one step */
#define GWSYNC_WALK_EMPTY	256u			/* buckets passed over at once */
#define GWSYNC_WALK_BURST_MS	20			/* pacing: flows of this time at once */

/* Jobs that emit; the others are about replicas. */
#define GWSYNC_WALK_EMITS	(BIT(GWSYNC_WALK_DIRTY_BIT) | BIT(GWSYNC_WALK_FULL_BIT) | \
				 BIT(GWSYNC_WALK_RESEND_BIT) | BIT(GWSYNC_WALK_MUTE_BIT) | \
				 BIT(GWSYNC_WALK_DRIFT_BIT) | BIT(GWSYNC_WALK_REPAIR_BIT))

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
	unsigned int		mute;			/* own flows whose end raises no event */
	unsigned int		mute_seen;		/* the same, of the pass that runs */
	unsigned int		mute_full;		/* the same, of the agent's walk */

	/* The agent's walk: set under gn->lock, taken by the worker. */
	spinlock_t		lock;
	bool			busy;
	bool			cancel;
	u64			set;
	u32			walk_id;
	u32			count;
	unsigned long		paced;			/* jiffies up to which flows were paid */
	unsigned int		credit;			/* flows that may go now */
};

/**
 * gwsync_walk_request - ask for a job
 * @gn: the netns
 * @job: which
 *
 * The job sees every flow that is in the table from now until its end at
 * least once; it may see one twice.  Asked for again while it runs, it runs
 * once more.
 *
 * Context: any.
 */
void gwsync_walk_request(struct gwsync_net *gn, enum gwsync_walk_job job)
{
	if (!test_and_set_bit(job, &gn->walk_jobs))
		gwsync_emit_kick(gn);
}

/**
 * gwsync_walk_mute - own flows that are mute
 * @gn: the netns
 *
 * They are older than the attach, so they carry no event extension, or a rule
 * leaves DESTROY out, see gwsync_flow_is_mute(): a slow periodic walk emits
 * them, and tells when one of them has gone.
 *
 * Context: any.
 * Return: how many the last pass saw, and were told since.
 */
unsigned int gwsync_walk_mute(const struct gwsync_net *gn)
{
	return READ_ONCE(gn->walk->mute);
}

/**
 * gwsync_walk_note_mute - an own flow that is mute was told
 * @gn: the netns
 *
 * Context: the worker, under emit->lock.
 */
void gwsync_walk_note_mute(struct gwsync_net *gn)
{
	WRITE_ONCE(gn->walk->mute, gn->walk->mute + 1);
	gwsync_emit_tick(gn);
}

/**
 * gwsync_walk_full - emit every own flow
 * @gn: the netns
 * @set: of the members that the map names for a flow, those to send to
 * @walk_id: what the messages carry, not 0
 * @extack: where a refusal is explained
 *
 * Context: process, under gn->lock.
 * Return: 0, -EBUSY.
 */
int gwsync_walk_full(struct gwsync_net *gn, u64 set, u32 walk_id,
		     struct netlink_ext_ack *extack)
{
	struct gwsync_walk *walk = gn->walk;
	int err = 0;

	lockdep_assert_held(&gn->lock);

	spin_lock_bh(&walk->lock);
	if (walk->busy) {
		NL_SET_ERR_MSG(extack, "a walk is running: cancel it with WALK_ID 0");
		err = -EBUSY;
	} else {
		walk->busy = true;
		walk->cancel = false;
		walk->set = set;
		walk->walk_id = walk_id;
		walk->count = 0;
		walk->paced = jiffies;
		walk->credit = 0;
	}
	spin_unlock_bh(&walk->lock);

	if (!err)
		gwsync_walk_request(gn, GWSYNC_WALK_FULL_BIT);
	return err;
}

/**
 * gwsync_walk_cancel - break the agent's walk off, without GWSYNC_EVENT_WALK_DONE
 * @gn: the netns
 *
 * Context: process, under gn->lock; not under emit->lock.
 */
void gwsync_walk_cancel(struct gwsync_net *gn)
{
	struct gwsync_walk *walk = gn->walk;

	lockdep_assert_held(&gn->lock);

	spin_lock_bh(&walk->lock);
	walk->cancel = walk->busy;
	spin_unlock_bh(&walk->lock);

	/* After this round of the worker the next walk may be asked for. */
	gwsync_emit_flush(gn);
}

/*
 * The first bucket from @bucket on that is not empty, at most some further: most
 * buckets of most tables are.  Whoever holds the lock of one bucket keeps the table
 * where it is.
 */
static unsigned int gwsync_walk_occupied(unsigned int bucket, unsigned int size)
{
	const struct hlist_nulls_head *head = &nf_conntrack_hash[bucket];
	const struct hlist_nulls_head *first = head;
	const struct hlist_nulls_head *end = head + min(size - bucket, GWSYNC_WALK_EMPTY);

	while (head < end && hlist_nulls_empty(head))
		head++;
	return bucket + (head - first);
}

/**
 * gwsync_walk_collect - take references of the flows of a bucket
 * @gn: flows of this netns only
 * @bucket: which
 * @want: NULL, or says which flows; called under the lock of the bucket
 * @last: 0, or the id of the last flow of the bucket that was seen; updated
 * @batch: where; whoever calls drops them with gwsync_walk_release()
 * @next: (out) where to go on: @bucket itself when the batch has no room for
 *	all its flows, else the next one, but for some that are empty
 *
 * When the flow @last has gone meanwhile the bucket begins anew: better seen
 * twice than not at all.
 *
 * Context: process.
 * Return: size of the table; a @bucket beyond it collects nothing.
 */
unsigned int gwsync_walk_collect(struct gwsync_net *gn, unsigned int bucket,
				 gwsync_walk_want want, u32 *last,
				 struct gwsync_walk_batch *batch, unsigned int *next)
{
	struct nf_conntrack_tuple_hash *h;
	struct hlist_nulls_node *n;
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
		if (want && !want(gn, ct))
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
	if (*next != bucket)
		*next = gwsync_walk_occupied(*next, size);
out:
	spin_unlock(lock);
	local_bh_enable();

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

/* All jobs of a pass for one flow; a negative error: come again with it. */
static int gwsync_pass_flow(struct gwsync_net *gn, struct gwsync_pass *pass, struct nf_conn *ct)
{
	struct gwsync_walk *walk = gn->walk;
	bool drifted;
	int ret;

	if (gwsync_walk_reap(gn, ct))
		return 0;

	if (gwsync_pass_has(pass, GWSYNC_WALK_ADOPT_BIT))
		gwsync_replica_adopt(gn, ct);
	if (gwsync_pass_has(pass, GWSYNC_WALK_DEMOTE_BIT))
		gwsync_replica_demote(gn, ct);
	if (gwsync_pass_has(pass, GWSYNC_WALK_SWEEP_BIT))
		gwsync_replica_sweep(gn, ct);
	if (gwsync_pass_has(pass, GWSYNC_WALK_PURGE_BIT))
		gwsync_replica_purge(gn, ct);
	if (gwsync_pass_has(pass, GWSYNC_WALK_EXTEND_BIT))
		gwsync_replica_extend(gn, ct);

	if (!(pass->active & GWSYNC_WALK_EMITS))
		return 0;

	drifted = gwsync_pass_has(pass, GWSYNC_WALK_DRIFT_BIT) && gwsync_drift_is_far(gn, ct);
	if (drifted || gwsync_pass_has(pass, GWSYNC_WALK_RESEND_BIT) ||
	    (gwsync_pass_has(pass, GWSYNC_WALK_MUTE_BIT) && gwsync_flow_is_mute(ct))) {
		if (READ_ONCE(gn->active))
			set_bit(GWSYNC_FLOW_DIRTY_BIT, &ct->status);
	}
	if (drifted || gwsync_pass_has(pass, GWSYNC_WALK_DIRTY_BIT) ||
	    gwsync_pass_has(pass, GWSYNC_WALK_RESEND_BIT) ||
	    gwsync_pass_has(pass, GWSYNC_WALK_MUTE_BIT)) {
		ret = gwsync_emit_dirty(gn, ct, false);
		if (ret < 0)
			return ret;
		if (gwsync_pass_has(pass, GWSYNC_WALK_MUTE_BIT) && gwsync_flow_is_mute(ct))
			walk->mute_seen += ret > 0;
		if (drifted && ret > 0)
			gwsync_stat_inc(gn, GWSYNC_STAT_A_REFRESHED);
	}
	if (gwsync_pass_has(pass, GWSYNC_WALK_REPAIR_BIT)) {
		ret = gwsync_repair_flow(gn, ct);
		if (ret < 0)
			return ret;
	}

	if (gwsync_pass_has(pass, GWSYNC_WALK_FULL_BIT)) {
		/* A change is for all: their sums are of the same state then. */
		ret = gwsync_emit_dirty(gn, ct, false);
		if (ret < 0)
			return ret;
		ret = gwsync_emit_flow(gn, ct, walk->set, walk->walk_id);
		if (ret < 0)
			return ret;
		walk->count += ret;
		walk->credit -= !!walk->credit;
		walk->mute_full += ret && gwsync_flow_is_mute(ct);
	}
	return 0;
}

/* Mute flows that the last pass still saw may have gone without a sound. */
static void gwsync_walk_mute_done(struct gwsync_net *gn)
{
	struct gwsync_walk *walk = gn->walk;

	if (walk->mute_seen < walk->mute)
		gwsync_event_send(gn, GWSYNC_EVENT_LOST, 0, 0, 0);
	WRITE_ONCE(walk->mute, walk->mute_seen);
}

static void gwsync_walk_job_begin(struct gwsync_net *gn, enum gwsync_walk_job job)
{
	gwsync_stat_inc(gn, GWSYNC_STAT_A_WALKS);

	switch (job) {
	case GWSYNC_WALK_MUTE_BIT:
		gn->walk->mute_seen = 0;
		break;
	case GWSYNC_WALK_FULL_BIT:
		gn->walk->mute_full = 0;
		break;
	case GWSYNC_WALK_DRIFT_BIT:
		gwsync_drift_begin(gn);
		break;
	case GWSYNC_WALK_DIRTY_BIT:
	case GWSYNC_WALK_RESEND_BIT:
	case GWSYNC_WALK_REPAIR_BIT:
		break;
	default:
		gwsync_replica_job_begin(gn, job);
		break;
	}
}

static void gwsync_walk_job_done(struct gwsync_net *gn, enum gwsync_walk_job job)
{
	struct gwsync_walk *walk = gn->walk;
	u32 walk_id, count;

	switch (job) {
	case GWSYNC_WALK_MUTE_BIT:
		gwsync_walk_mute_done(gn);
		break;
	case GWSYNC_WALK_DRIFT_BIT:
		gwsync_drift_done(gn);
		break;
	case GWSYNC_WALK_REPAIR_BIT:
		gwsync_repair_walked(gn);
		break;
	case GWSYNC_WALK_DIRTY_BIT:
	case GWSYNC_WALK_RESEND_BIT:
		break;
	case GWSYNC_WALK_FULL_BIT:
		spin_lock_bh(&walk->lock);
		walk->busy = false;
		/* From here on they may be the next walk's. */
		walk_id = walk->walk_id;
		count = walk->count;
		spin_unlock_bh(&walk->lock);
		WRITE_ONCE(walk->mute, max(walk->mute, walk->mute_full));
		if (walk->mute)
			gwsync_emit_tick(gn);
		gwsync_event_send(gn, GWSYNC_EVENT_WALK_DONE, 0, walk_id, count);
		break;
	default:
		gwsync_replica_job_done(gn, job);
		break;
	}
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
		gwsync_walk_job_begin(gn, job);
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
		gwsync_walk_job_done(gn, job);
	}
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
	gwsync_walk_want want;
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
			if (gwsync_pass_flow(gn, pass, pass->batch.ct[pass->pos]))
				return -EAGAIN;
			nf_ct_put(pass->batch.ct[pass->pos++]);
			if (paced && !walk->credit)
				return 1;
		}
		pass->batch.count = 0;
		pass->pos = 0;

		if (pass->fetched)
			gwsync_pass_advance(gn, pass);
		if (!pass->active)
			break;
		if (!(++n % 64) && ktime_get_ns() > stop)
			return 0;

		/* Most jobs want every flow; this one hardly any, and runs often. */
		want = pass->active == BIT(GWSYNC_WALK_DRIFT_BIT) ? gwsync_drift_is_far : NULL;
		size = gwsync_walk_collect(gn, pass->bucket, want, &pass->last, &pass->batch,
					   &pass->next);
		pass->fetched = true;
		if (size != walk->size) {
			gwsync_walk_release(&pass->batch, 0);
			gwsync_walk_restart(walk, size);
		}
	}
	return MAX_JIFFY_OFFSET;
}

/* The agent does not want it any more, or there is none. */
static void gwsync_walk_break(struct gwsync_net *gn)
{
	struct gwsync_pass *pass = &gn->walk->pass[GWSYNC_CURSOR_FULL];
	struct gwsync_walk *walk = gn->walk;
	bool cancel;

	spin_lock_bh(&walk->lock);
	cancel = walk->busy && walk->cancel;
	if (cancel)
		walk->busy = false;
	spin_unlock_bh(&walk->lock);
	if (!cancel)
		return;

	clear_bit(GWSYNC_WALK_FULL_BIT, &gn->walk_jobs);
	gwsync_walk_release(&pass->batch, pass->pos);
	pass->pos = 0;
	pass->active = 0;
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
	unsigned int i;
	u64 start;

	gwsync_walk_break(gn);
	gwsync_walk_join(gn);

	for (i = 0; i < GWSYNC_CURSORS; i++) {
		start = ktime_get_ns();
		ret = gwsync_pass_step(gn, &walk->pass[i]);
		gwsync_drift_cost(gn, ktime_get_ns() - start);
		if (ret < 0)
			return ret;
		delay = min(delay, ret);
	}
	/* A job that was asked for again during its pass. */
	if (READ_ONCE(gn->walk_jobs))
		delay = 0;
	return delay;
}

int gwsync_walk_net_init(struct gwsync_net *gn)
{
	gn->walk = kzalloc(sizeof(*gn->walk), GFP_KERNEL_ACCOUNT);
	if (!gn->walk)
		return -ENOMEM;
	spin_lock_init(&gn->walk->lock);
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
