// SPDX-License-Identifier: GPL-2.0
/*
 * Emission: the one worker of a netns sends what was captured.
 *
 * Records are collected in one batch for each set of members.  A batch that
 * the agent's socket does not take stays as it is and the worker stops
 * consuming until it went: nothing grows, nothing is lost, and a flow's
 * records leave in the order in which they were packed.  For the same reason
 * all batches go before the worker turns from the rings to the walk.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/netlink.h>
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "capture.h"
#include "digest.h"
#include "drift.h"
#include "emit.h"
#include "filter.h"
#include "map.h"
#include "netlink.h"
#include "pack.h"
#include "params.h"
#include "repair.h"
#include "walk.h"

#define GWSYNC_EMIT_BATCHES	8	/* sets of members served at once */
#define GWSYNC_EMIT_QUOTA	256	/* entries of a CPU's ring a round */
#define GWSYNC_EMIT_RETRY_MS	10	/* the agent's socket was full */
#define GWSYNC_TICK_MS		10000	/* flows whose end raises no event */

struct gwsync_batch {
	u64		set;
	u32		walk_id;
	unsigned int	records;
	unsigned int	len;
	u8		*data;
};

/* Events that wait: one of a kind, so they need no memory of their own. */
struct gwsync_events {
	spinlock_t	lock;		/* what belongs to a pending bit */
	unsigned long	pending;	/* bits: enum gwsync_event */
	u32		walk_id;
	u32		walk_count;
	u32		activate_count;
	u32		digest_count;
	u8		digest_owner;
	u64		sweep_owners;
	u32		sweep_count[GWSYNC_MEMBER_MAX + 1];
};

struct gwsync_emit {
	struct gwsync_net	*gn;
	struct mutex		lock;	/* a round of the worker; start and stop */
	bool			running;	/* there is an agent to send to */
	bool			lazy;	/* the worker waits longer than a kick may */
	unsigned int		next;	/* batch to flush when all are taken */
	struct gwsync_batch	batch[GWSYNC_EMIT_BATCHES];
	u8			*data;
	struct llist_node	*stones;	/* taken, not yet emitted */
	struct gwsync_events	events;
	struct delayed_work	tick;
	u8			record[GWSYNC_RECORD_MAX];
};

static struct workqueue_struct *gwsync_emit_wq;

/**
 * gwsync_emit_kick - have the worker run when flush_ms have passed
 * @gn: the netns
 *
 * Context: any.
 */
void gwsync_emit_kick(struct gwsync_net *gn)
{
	unsigned long delay;

	/* What the caller left for the worker comes first: one that has begun and
	 * not seen it is no longer pending.
	 */
	smp_mb();
	if (delayed_work_pending(&gn->work) && !READ_ONCE(gn->emit->lazy))
		return;

	delay = msecs_to_jiffies(READ_ONCE(gn->params.flush_ms));
	/* The worker sets lazy before it queues itself for long: whoever finds
	 * it queued sees the mark.
	 */
	if (!queue_delayed_work(gwsync_emit_wq, &gn->work, delay) &&
	    READ_ONCE(gn->emit->lazy)) {
		WRITE_ONCE(gn->emit->lazy, false);
		mod_delayed_work(gwsync_emit_wq, &gn->work, delay);
	}
}

/**
 * gwsync_emit_kick_now - have the worker run at once
 * @gn: the netns
 *
 * Context: any.
 */
void gwsync_emit_kick_now(struct gwsync_net *gn)
{
	mod_delayed_work(gwsync_emit_wq, &gn->work, 0);
}

/**
 * gwsync_emit_flush - wait for a round of the worker
 * @gn: the netns
 *
 * After gwsync_deactivate() that is all that was captured.  A congested agent
 * is not waited for.
 *
 * Context: process; not from the worker.
 */
void gwsync_emit_flush(struct gwsync_net *gn)
{
	gwsync_emit_kick_now(gn);
	flush_delayed_work(&gn->work);
}

/**
 * gwsync_emit_tick - there are flows to look after whose end raises no event
 * @gn: the netns
 *
 * Context: any.
 */
void gwsync_emit_tick(struct gwsync_net *gn)
{
	queue_delayed_work(gwsync_emit_wq, &gn->emit->tick, msecs_to_jiffies(GWSYNC_TICK_MS));
}

static void gwsync_emit_tick_work(struct work_struct *work)
{
	struct gwsync_emit *emit = container_of(to_delayed_work(work), struct gwsync_emit, tick);
	struct gwsync_net *gn = emit->gn;

	if (READ_ONCE(gn->active) && gwsync_walk_mute(gn)) {
		gwsync_walk_request(gn, GWSYNC_WALK_MUTE_BIT);
		gwsync_emit_tick(gn);
	}
}

/*
 * Sends a batch.  Returns 0, or a negative error when it must be tried again;
 * an agent that has gone takes its batches with it.
 */
static int gwsync_batch_flush(struct gwsync_net *gn, struct gwsync_batch *batch)
{
	int err;

	if (!batch->len)
		return 0;

	err = gwsync_netlink_send_delta(gn, batch->set, batch->walk_id, batch->data, batch->len);
	switch (err) {
	case 0:
		gwsync_stat_inc(gn, GWSYNC_STAT_A_MESSAGES_SENT);
		gwsync_stat_add(gn, GWSYNC_STAT_A_RECORDS_SENT, batch->records);
		gwsync_stat_add(gn, GWSYNC_STAT_A_BYTES_SENT, batch->len);
		break;
	case -ENOMEM:
		gwsync_stat_inc(gn, GWSYNC_STAT_A_ENOMEM);
		return err;
	case -ECONNREFUSED:
		gn->emit->running = false;
		break;
	default:
		gwsync_stat_inc(gn, GWSYNC_STAT_A_CONGESTED);
		return -EAGAIN;
	}

	batch->len = 0;
	batch->records = 0;
	return 0;
}

static int gwsync_emit_flush_batches(struct gwsync_net *gn)
{
	struct gwsync_emit *emit = gn->emit;
	unsigned int i;
	int err;

	for (i = 0; i < GWSYNC_EMIT_BATCHES && emit->running; i++) {
		err = gwsync_batch_flush(gn, &emit->batch[i]);
		if (err)
			return err;
	}
	return 0;
}

static struct gwsync_batch *gwsync_batch_find(struct gwsync_emit *emit, u64 set, u32 walk_id)
{
	struct gwsync_batch *batch, *empty = NULL;
	unsigned int i;

	for (i = 0; i < GWSYNC_EMIT_BATCHES; i++) {
		batch = &emit->batch[i];
		if (!batch->len)
			empty = empty ?: batch;
		else if (batch->set == set && batch->walk_id == walk_id)
			return batch;
	}
	return empty;
}

/*
 * Adds emit->record, which counts as @records; an error means that it was not
 * added and must come again.
 */
static int gwsync_emit_append(struct gwsync_net *gn, u64 set, u32 walk_id, unsigned int len,
			      unsigned int records)
{
	struct gwsync_emit *emit = gn->emit;
	struct gwsync_batch *batch;
	int err;

	batch = gwsync_batch_find(emit, set, walk_id);
	if (!batch)
		batch = &emit->batch[emit->next++ % GWSYNC_EMIT_BATCHES];

	if (batch->len && (batch->set != set || batch->walk_id != walk_id ||
			   batch->len + len > READ_ONCE(gn->params.batch_bytes))) {
		err = gwsync_batch_flush(gn, batch);
		if (err)
			return err;
		if (!emit->running)
			return -ECONNREFUSED;
	}

	batch->set = set;
	batch->walk_id = walk_id;
	memcpy(batch->data + batch->len, emit->record, len);
	batch->len += len;
	batch->records += records;
	return 0;
}

static int gwsync_emit_gone(struct gwsync_net *gn, const struct nf_conntrack_tuple *tuple,
			    const struct nf_conntrack_zone *zone, u64 set)
{
	return gwsync_emit_append(gn, set, 0,
				  gwsync_pack_gone(gn->emit->record, tuple, zone), 1);
}

/* Take back a flow that was announced and is now to be left out. */
static int gwsync_emit_withdraw(struct gwsync_net *gn, struct nf_conn *ct, u64 set)
{
	int err;

	if (!set || !test_bit(GWSYNC_FLOW_ANNOUNCED_BIT, &ct->status))
		return 0;
	err = gwsync_emit_gone(gn, &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple, nf_ct_zone(ct), set);
	if (err)
		return err;
	gwsync_digest_clear(gn, ct);
	if (test_and_clear_bit(GWSYNC_FLOW_ANNOUNCED_BIT, &ct->status))
		atomic64_dec(&gn->announced);
	return 1;
}

/* @passed: the filter has let it through, a moment ago. */
static int gwsync_emit_checked(struct gwsync_net *gn, struct nf_conn *ct, u64 only, u32 walk_id,
			       bool passed)
{
	const struct nf_conntrack_tuple *tuple = &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	unsigned int size = READ_ONCE(gn->params.batch_bytes);
	struct gwsync_emit *emit = gn->emit;
	unsigned int len;
	bool known;
	u32 key;
	u64 set;
	int err;

	lockdep_assert_held(&emit->lock);

	if (!emit->running || !gwsync_flow_is_own(gn, ct))
		return 0;
	set = gwsync_map_lookup(gn, tuple, nf_ct_zone_id(nf_ct_zone(ct), IP_CT_DIR_ORIGINAL));
	/* From all of them: it loses its mark. */
	if (!passed || test_bit(GWSYNC_FLOW_ANNOUNCED_BIT, &ct->status) ||
	    gwsync_filter_has_marks(gn)) {
		if (gwsync_filter_match(gn, ct))
			return gwsync_emit_withdraw(gn, ct, set);
	}
	set &= only;
	if (!set)
		return 0;

	/*
	 * The mark first, then the look at DYING: nf_ct_delete() sets DYING
	 * before its event looks at the mark, so one of the two sees the other.
	 */
	known = test_bit(GWSYNC_FLOW_ANNOUNCED_BIT, &ct->status);
	if (!known) {
		if (!gwsync_digest_open(ct))
			return 0;
		set_bit(GWSYNC_FLOW_ANNOUNCED_BIT, &ct->status);
		atomic64_inc(&gn->announced);
	}
	smp_mb__after_atomic();	/* see above */
	if (nf_ct_is_dying(ct)) {
		if (!known && test_and_clear_bit(GWSYNC_FLOW_ANNOUNCED_BIT, &ct->status))
			atomic64_dec(&gn->announced);
		return 0;
	}

	len = gwsync_pack_flow(emit->record, size, ct, !known);
	err = gwsync_emit_append(gn, set, walk_id, len, 1);
	if (err)
		return err;
	key = gwsync_digest_key(tuple, nf_ct_zone_id(nf_ct_zone(ct), IP_CT_DIR_ORIGINAL));
	gwsync_digest_set(gn, ct, gwsync_digest_class_by(key),
			  gwsync_digest_record(emit->record, len, key));
	gwsync_drift_note(gn, ct);
	/* A walk counts those that it tells itself. */
	if (!known && !walk_id && gwsync_flow_is_mute(ct))
		gwsync_walk_note_mute(gn);
	return 1;
}

/**
 * gwsync_emit_flow - emit the current state of an own flow
 * @gn: the netns
 * @ct: a confirmed flow; the caller holds a reference
 * @only: of the members that the map names, those to send to
 * @walk_id: of the walk that this is for, or 0
 *
 * Context: the worker, under emit->lock.
 * Return: 1: a record was added; 0: nothing to send; negative: try again.
 */
int gwsync_emit_flow(struct gwsync_net *gn, struct nf_conn *ct, u64 only, u32 walk_id)
{
	return gwsync_emit_checked(gn, ct, only, walk_id, false);
}

/**
 * gwsync_emit_dirty - emit a flow if it is marked
 * @gn: the netns
 * @ct: a confirmed flow; the caller holds a reference
 * @passed: capture asked the filter when it was marked, a moment ago
 *
 * The mark comes back when the record could not be added.
 *
 * Context: the worker, under emit->lock.
 * Return: as gwsync_emit_flow().
 */
int gwsync_emit_dirty(struct gwsync_net *gn, struct nf_conn *ct, bool passed)
{
	int ret;

	if (!test_and_clear_bit(GWSYNC_FLOW_DIRTY_BIT, &ct->status))
		return 0;
	ret = gwsync_emit_checked(gn, ct, U64_MAX, 0, passed);
	if (ret < 0)
		set_bit(GWSYNC_FLOW_DIRTY_BIT, &ct->status);
	return ret;
}

/**
 * gwsync_emit_control - emit a record that is not about one flow
 * @gn: the netns
 * @bucket: of the backup map, says for whom it is
 * @record: its header and what follows; its length is right
 *
 * Context: the worker, under emit->lock.
 * Return: 0, also when it is for nobody; negative: try again.
 */
int gwsync_emit_control(struct gwsync_net *gn, unsigned int bucket,
			const struct gwsync_record *record)
{
	unsigned int len = be16_to_cpu(record->len);
	struct gwsync_emit *emit = gn->emit;
	u64 set = gwsync_map_bucket(gn, bucket);

	lockdep_assert_held(&emit->lock);

	if (!emit->running || !set)
		return 0;
	memcpy(emit->record, record, len);
	return gwsync_emit_append(gn, set, 0, len, 0);
}

/*
 * Whether a new flow with the tuple of one that is gone was announced: the
 * record of the end would then kill the new one's replica.
 */
static bool gwsync_emit_is_reborn(struct gwsync_net *gn, const struct gwsync_tombstone *stone)
{
	struct nf_conntrack_tuple_hash *h;
	bool reborn = false;
	struct nf_conn *ct;

	h = nf_conntrack_find_get(gn->net, &stone->zone, &stone->tuple);
	if (!h)
		return false;
	ct = nf_ct_tuplehash_to_ctrack(h);
	if (NF_CT_DIRECTION(h) == IP_CT_DIR_ORIGINAL && gwsync_flow_is_own(gn, ct) &&
	    test_bit(GWSYNC_FLOW_ANNOUNCED_BIT, &ct->status)) {
		gwsync_capture_mark(gn, ct);
		reborn = true;
	}
	nf_ct_put(ct);
	return reborn;
}

static int gwsync_emit_tombstones(struct gwsync_net *gn)
{
	struct gwsync_emit *emit = gn->emit;
	struct gwsync_tombstone *stone;
	int err;

	if (!emit->stones)
		emit->stones = gwsync_capture_tombstones(gn);

	while (emit->stones) {
		stone = llist_entry(emit->stones, struct gwsync_tombstone, node);
		if (!gwsync_emit_is_reborn(gn, stone)) {
			err = gwsync_emit_gone(gn, &stone->tuple, &stone->zone, stone->set);
			if (err)
				return err;
		}
		emit->stones = stone->node.next;
		gwsync_tombstone_free(gn, stone);
		cond_resched();
	}
	return 0;
}

/* Returns 1 when the ring has more than the round's quota. */
static int gwsync_emit_ring(struct gwsync_net *gn, int cpu)
{
	unsigned int quota = GWSYNC_EMIT_QUOTA;
	struct nf_conn *ct;
	int ret;

	while ((ct = gwsync_capture_peek(gn, cpu))) {
		if (!quota--)
			return 1;
		ret = gwsync_emit_dirty(gn, ct, true);
		if (ret < 0)
			return ret;
		gwsync_capture_pop(gn, cpu);
	}
	return 0;
}

/* Returns 1 for more at once; @wake is moved to the first flow that is not due. */
static int gwsync_emit_held(struct gwsync_net *gn, int cpu, long *wake)
{
	unsigned int quota = GWSYNC_EMIT_QUOTA;
	unsigned long due;
	struct nf_conn *ct;
	int ret;

	while ((ct = gwsync_capture_peek_held(gn, cpu, &due))) {
		/* One that is gone frees its slot as soon as it is the oldest. */
		if (time_after(due, jiffies) && !nf_ct_is_dying(ct)) {
			*wake = min_t(long, *wake, due - jiffies);
			return 0;
		}
		if (!quota--)
			return 1;
		if (nf_ct_is_dying(ct)) {
			if (test_and_clear_bit(GWSYNC_FLOW_DIRTY_BIT, &ct->status))
				gwsync_stat_inc(gn, GWSYNC_STAT_A_HELD);
		} else {
			ret = gwsync_emit_dirty(gn, ct, false);
			if (ret < 0)
				return ret;
		}
		gwsync_capture_pop_held(gn, cpu);
	}
	return 0;
}

static int gwsync_emit_captured(struct gwsync_net *gn, long *wake)
{
	int cpu, ret, more;

	ret = gwsync_emit_tombstones(gn);
	for_each_possible_cpu(cpu) {
		if (ret < 0)
			return ret;
		more = gwsync_emit_ring(gn, cpu);
		if (more < 0)
			return more;
		ret = gwsync_emit_held(gn, cpu, wake);
		if (more || ret > 0)
			*wake = 0;
		cond_resched();
	}
	return ret < 0 ? ret : 0;
}

/*
 * The rings, a quota each; but all of them when own flows are about to become
 * replicas: what these have not said by then nobody would say.
 */
static int gwsync_emit_captured_all(struct gwsync_net *gn, long *wake)
{
	int err;

	do {
		*wake = MAX_JIFFY_OFFSET;
		err = gwsync_emit_captured(gn, wake);
	} while (!err && !*wake && !READ_ONCE(gn->active) &&
		 test_bit(GWSYNC_WALK_DEMOTE_BIT, &gn->walk_jobs));
	return err;
}

static int gwsync_event_send_sweeps(struct gwsync_net *gn)
{
	struct gwsync_events *ev = &gn->emit->events;
	u32 count;
	u8 owner;
	int err;

	for (;;) {
		spin_lock_bh(&ev->lock);
		if (!ev->sweep_owners) {
			clear_bit(GWSYNC_EVENT_SWEEP_DONE, &ev->pending);
			spin_unlock_bh(&ev->lock);
			return 0;
		}
		owner = __ffs64(ev->sweep_owners);
		count = ev->sweep_count[owner];
		ev->sweep_owners &= ~BIT_ULL(owner);
		spin_unlock_bh(&ev->lock);

		err = gwsync_netlink_send_event(gn, GWSYNC_EVENT_SWEEP_DONE, owner, 0, count);
		if (err) {
			spin_lock_bh(&ev->lock);
			ev->sweep_owners |= BIT_ULL(owner);
			spin_unlock_bh(&ev->lock);
			return err;
		}
	}
}

static u32 gwsync_event_count(const struct gwsync_events *ev, int event)
{
	switch (event) {
	case GWSYNC_EVENT_WALK_DONE:
		return ev->walk_count;
	case GWSYNC_EVENT_ACTIVATE_DONE:
		return ev->activate_count;
	case GWSYNC_EVENT_DIGEST:
		return ev->digest_count;
	default:
		return 0;
	}
}

/* Each event after all records before it; kept when the socket is full. */
static int gwsync_emit_events(struct gwsync_net *gn)
{
	struct gwsync_events *ev = &gn->emit->events;
	u32 walk_id, count;
	int event, err;
	u8 owner;

	for_each_set_bit(event, &ev->pending, GWSYNC_EVENT_DIGEST + 1) {
		if (event == GWSYNC_EVENT_SWEEP_DONE) {
			err = gwsync_event_send_sweeps(gn);
			if (err)
				return err;
			continue;
		}

		spin_lock_bh(&ev->lock);
		clear_bit(event, &ev->pending);
		walk_id = event == GWSYNC_EVENT_WALK_DONE ? ev->walk_id : 0;
		count = gwsync_event_count(ev, event);
		owner = event == GWSYNC_EVENT_DIGEST ? ev->digest_owner : 0;
		spin_unlock_bh(&ev->lock);

		err = gwsync_netlink_send_event(gn, event, owner, walk_id, count);
		if (err) {
			set_bit(event, &ev->pending);
			return err;
		}
	}
	return 0;
}

/**
 * gwsync_event_send - tell the agent
 * @gn: the netns
 * @event: what
 * @owner: of GWSYNC_EVENT_SWEEP_DONE and _DIGEST, else 0
 * @walk_id: of GWSYNC_EVENT_WALK_DONE, else 0
 * @count: of flows, see &enum gwsync_event
 *
 * Kept until it was sent, after every record that was emitted before; events
 * of one kind (and owner) that wait are one.  Dropped if nobody is attached.
 *
 * Context: any.
 */
void gwsync_event_send(struct gwsync_net *gn, enum gwsync_event event, u8 owner,
		       u32 walk_id, u32 count)
{
	struct gwsync_events *ev = &gn->emit->events;

	if (event == GWSYNC_EVENT_LOST && test_bit(event, &ev->pending))
		return;

	spin_lock_bh(&ev->lock);
	switch (event) {
	case GWSYNC_EVENT_WALK_DONE:
		ev->walk_id = walk_id;
		ev->walk_count = count;
		break;
	case GWSYNC_EVENT_SWEEP_DONE:
		if (WARN_ON_ONCE(owner > GWSYNC_MEMBER_MAX))
			break;
		ev->sweep_owners |= BIT_ULL(owner);
		ev->sweep_count[owner] = count;
		break;
	case GWSYNC_EVENT_ACTIVATE_DONE:
		ev->activate_count = count;
		break;
	case GWSYNC_EVENT_DIGEST:
		ev->digest_owner = owner;
		ev->digest_count = count;
		break;
	default:
		break;
	}
	set_bit(event, &ev->pending);
	spin_unlock_bh(&ev->lock);

	gwsync_emit_kick(gn);
}

static void gwsync_emit_drop(struct gwsync_net *gn)
{
	struct gwsync_events *ev = &gn->emit->events;
	struct gwsync_emit *emit = gn->emit;
	struct gwsync_tombstone *stone;
	unsigned int i;

	while (emit->stones) {
		stone = llist_entry(emit->stones, struct gwsync_tombstone, node);
		emit->stones = stone->node.next;
		gwsync_tombstone_free(gn, stone);
	}
	for (i = 0; i < GWSYNC_EMIT_BATCHES; i++) {
		emit->batch[i].len = 0;
		emit->batch[i].records = 0;
	}
	gwsync_capture_drain(gn);
	gwsync_repair_drop(gn);

	spin_lock_bh(&ev->lock);
	ev->pending = 0;
	ev->sweep_owners = 0;
	spin_unlock_bh(&ev->lock);
}

static int gwsync_emit_digests(struct gwsync_net *gn, long *wake)
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
static long gwsync_emit_round(struct gwsync_net *gn)
{
	struct gwsync_emit *emit = gn->emit;
	long wake = MAX_JIFFY_OFFSET;
	long delay;
	int err;

	if (emit->running) {
		err = gwsync_emit_flush_batches(gn);
		if (!err)
			err = gwsync_emit_captured_all(gn, &wake);
		if (!err)
			err = gwsync_repair_step(gn);
		if (!err)
			err = gwsync_emit_digests(gn, &wake);
		if (!err)
			err = gwsync_emit_flush_batches(gn);
		if (err && emit->running)
			goto congested;
	}
	if (!emit->running)
		gwsync_emit_drop(gn);

	delay = gwsync_walk_step(gn);
	if (delay < 0 && !emit->running)
		delay = 0;
	if (delay >= 0)
		wake = min(wake, delay);

	if (emit->running) {
		err = gwsync_emit_flush_batches(gn);
		if (!err)
			err = gwsync_emit_events(gn);
		if ((err || delay < 0) && emit->running)
			goto congested;
	}
	return wake;

congested:
	return msecs_to_jiffies(GWSYNC_EMIT_RETRY_MS);
}

static void gwsync_emit_work(struct work_struct *work)
{
	struct gwsync_net *gn = container_of(to_delayed_work(work), struct gwsync_net, work);
	long delay;

	WRITE_ONCE(gn->emit->lazy, false);

	mutex_lock(&gn->emit->lock);
	delay = gwsync_emit_round(gn);
	mutex_unlock(&gn->emit->lock);

	if (delay == MAX_JIFFY_OFFSET)
		return;
	if (delay > msecs_to_jiffies(READ_ONCE(gn->params.flush_ms)))
		WRITE_ONCE(gn->emit->lazy, true);
	queue_delayed_work(gwsync_emit_wq, &gn->work, delay);
}

/**
 * gwsync_emit_start - there is an agent to send to
 * @gn: the netns; gn->portid is set
 * @extack: where a refusal is explained
 *
 * Context: process, under gn->lock.
 * Return: 0, -ENOMEM.
 */
int gwsync_emit_start(struct gwsync_net *gn, struct netlink_ext_ack *extack)
{
	struct gwsync_emit *emit = gn->emit;
	unsigned int i;
	int err = 0;

	lockdep_assert_held(&gn->lock);

	mutex_lock(&emit->lock);
	if (!emit->data)
		emit->data = kvcalloc(GWSYNC_EMIT_BATCHES, GWSYNC_BATCH_BYTES_MAX,
				      GFP_KERNEL_ACCOUNT);
	if (emit->data) {
		for (i = 0; i < GWSYNC_EMIT_BATCHES; i++)
			emit->batch[i].data = emit->data + i * GWSYNC_BATCH_BYTES_MAX;
		emit->running = true;
	} else {
		NL_SET_ERR_MSG(extack, "no memory for the batches of records");
		err = -ENOMEM;
	}
	mutex_unlock(&emit->lock);
	return err;
}

/**
 * gwsync_emit_pause - have the worker wait while another count of digests begins
 * @gn: the netns; nobody captures its events
 *
 * What flows that are gone have is of the last count, which no sum has any more,
 * and must not be taken for one of the next but one.
 *
 * Context: process, under the mutex of the notifier's slot; gwsync_emit_resume()
 * must follow.
 */
void gwsync_emit_pause(struct gwsync_net *gn)
{
	struct gwsync_emit *emit = gn->emit;
	struct gwsync_tombstone *stone;

	mutex_lock(&emit->lock);
	llist_for_each_entry(stone, emit->stones, node)
		stone->digest = 0;
	llist_for_each_entry(stone, READ_ONCE(gn->tombstones.first), node)
		stone->digest = 0;
}

/**
 * gwsync_emit_resume - let the worker go on
 * @gn: the netns
 *
 * Context: process, after gwsync_emit_pause().
 */
void gwsync_emit_resume(struct gwsync_net *gn)
{
	mutex_unlock(&gn->emit->lock);
}

/**
 * gwsync_emit_stop - the agent has gone: forget what was to be sent
 * @gn: the netns; capture is detached
 *
 * Context: process, under gn->lock.
 */
void gwsync_emit_stop(struct gwsync_net *gn)
{
	struct gwsync_emit *emit = gn->emit;

	lockdep_assert_held(&gn->lock);

	mutex_lock(&emit->lock);
	emit->running = false;
	gwsync_emit_drop(gn);
	kvfree(emit->data);
	emit->data = NULL;
	mutex_unlock(&emit->lock);
}

int gwsync_emit_net_init(struct gwsync_net *gn)
{
	struct gwsync_emit *emit = kzalloc(sizeof(*emit), GFP_KERNEL_ACCOUNT);

	if (!emit)
		return -ENOMEM;
	emit->gn = gn;
	mutex_init(&emit->lock);
	spin_lock_init(&emit->events.lock);
	INIT_DELAYED_WORK(&emit->tick, gwsync_emit_tick_work);
	INIT_DELAYED_WORK(&gn->work, gwsync_emit_work);
	gn->emit = emit;
	return 0;
}

/* Stops the worker; capture has left the slot and RCU readers are gone. */
void gwsync_emit_net_stop(struct gwsync_net *gn)
{
	cancel_delayed_work_sync(&gn->emit->tick);
	cancel_delayed_work_sync(&gn->work);
	/* The worker may have set it again. */
	cancel_delayed_work_sync(&gn->emit->tick);
	gn->emit->running = false;
	gwsync_emit_drop(gn);
}

void gwsync_emit_net_exit(struct gwsync_net *gn)
{
	kvfree(gn->emit->data);
	kfree(gn->emit);
}

int gwsync_emit_init(void)
{
	gwsync_emit_wq = alloc_workqueue("gwsync", WQ_UNBOUND | WQ_MEM_RECLAIM | WQ_SYSFS, 0);
	return gwsync_emit_wq ? 0 : -ENOMEM;
}

void gwsync_emit_exit(void)
{
	destroy_workqueue(gwsync_emit_wq);
}
