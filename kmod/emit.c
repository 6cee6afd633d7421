// SPDX-License-Identifier: GPL-2.0
/*
 * Emission: what was captured becomes records, for the worker.
 *
 * Records are collected in one batch for each set of members.  A batch that
 * the agent's socket does not take stays as it is and the worker stops
 * consuming until it went: nothing grows, nothing is lost, and a flow's
 * records leave in the order in which they were packed.  For that all of them
 * must be in one batch: as long as one map says for whom they are, they are.
 * So all batches go before the first record by another map; those of changes go
 * before those of the walk, and all before the worker turns from the rings to it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/netlink.h>
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "drift.h"
#include "emit.h"
#include "filter.h"
#include "flow.h"
#include "map.h"
#include "message.h"
#include "mute.h"
#include "number.h"
#include "owner.h"
#include "pack.h"
#include "params.h"
#include "queue.h"
#include "sum.h"
#include "work.h"

#define GWSYNC_EMIT_BATCHES	8	/* sets of members served at once */
#define GWSYNC_EMIT_QUOTA	256	/* entries of a CPU's ring a round */
#define GWSYNC_EMIT_MASTERS	4	/* H.323: RAS, Q.931, H.245, RTP */

struct gwsync_batch {
	u64		set;
	u32		walk_id;
	unsigned int	records;
	unsigned int	len;
	u8		*data;
};

struct gwsync_emit {
	struct mutex		lock;	/* a round of the worker; start and stop */
	bool			running;	/* there is an agent to send to */
	unsigned int		next;	/* batch to flush when all are taken */
	u32			map;	/* version of that by which they are filled */
	struct gwsync_batch	batch[GWSYNC_EMIT_BATCHES];
	u8			*data;
	struct llist_node	*stones;	/* taken, not yet emitted */
	u8			record[GWSYNC_RECORD_MAX];
};

/*
 * Sends a batch.  Returns 0, or a negative error when it must be tried again;
 * an agent that has gone takes its batches with it.
 */
static int gwsync_batch_flush(struct gwsync_net *gn, struct gwsync_batch *batch)
{
	int err;

	if (!batch->len)
		return 0;

	err = gwsync_message_delta(gn, batch->set, batch->walk_id, batch->data, batch->len);
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

/* Those of the walk, or the others. */
static int gwsync_emit_flush_some(struct gwsync_net *gn, bool walk)
{
	struct gwsync_emit *emit = gn->emit;
	unsigned int i;
	int err;

	for (i = 0; i < GWSYNC_EMIT_BATCHES && emit->running; i++) {
		if (!!emit->batch[i].walk_id != walk)
			continue;
		err = gwsync_batch_flush(gn, &emit->batch[i]);
		if (err)
			return err;
	}
	return 0;
}

/**
 * gwsync_emit_flush - send all batches
 * @gn: the netns
 *
 * Context: the worker, under emit->lock.
 * Return: 0; negative: the agent's socket is full, come again.
 */
int gwsync_emit_flush(struct gwsync_net *gn)
{
	return gwsync_emit_flush_some(gn, false) ?: gwsync_emit_flush_some(gn, true);
}

/* What comes is for members of another map than what waits. */
static int gwsync_emit_turn(struct gwsync_net *gn, u32 map)
{
	struct gwsync_emit *emit = gn->emit;
	int err;

	err = gwsync_emit_flush(gn);
	if (err)
		return err;
	if (!emit->running)
		return -ECONNREFUSED;
	emit->map = map;
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
static int gwsync_emit_append(struct gwsync_net *gn, const struct gwsync_backups *backups,
			      u32 walk_id, unsigned int len, unsigned int records)
{
	struct gwsync_emit *emit = gn->emit;
	struct gwsync_batch *batch;
	u64 set = backups->set;
	int err;

	if (backups->map != emit->map) {
		err = gwsync_emit_turn(gn, backups->map);
		if (err)
			return err;
	}

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
			    const struct nf_conntrack_zone *zone,
			    const struct gwsync_backups *backups)
{
	return gwsync_emit_append(gn, backups, 0,
				  gwsync_pack_gone(gn->emit->record, tuple, zone), 1);
}

/* Nobody is to hear of its end. */
static void gwsync_emit_unannounce(struct gwsync_net *gn, struct nf_conn *ct)
{
	if (test_and_clear_bit(GWSYNC_FLOW_ANNOUNCED_BIT, &ct->status))
		atomic64_dec(&gn->announced);
}

/* Take back a flow that was announced and is now to be left out. */
static int gwsync_emit_withdraw(struct gwsync_net *gn, struct nf_conn *ct,
				const struct gwsync_backups *backups)
{
	int err;

	if (!backups->set || !test_bit(GWSYNC_FLOW_ANNOUNCED_BIT, &ct->status))
		return 0;
	err = gwsync_emit_gone(gn, &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple, nf_ct_zone(ct),
			       backups);
	if (err)
		return err;
	gwsync_sum_clear(gn, ct);
	gwsync_emit_unannounce(gn, ct);
	return 1;
}

/* The number of the record that is in emit->record; @class is that of its flow. */
static u32 gwsync_emit_number(struct gwsync_net *gn, const struct nf_conn *ct, unsigned int len,
			      u16 *class)
{
	u32 key = gwsync_flow_key(&ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple,
				  nf_ct_zone_id(nf_ct_zone(ct), IP_CT_DIR_ORIGINAL));

	*class = gwsync_flow_class_by(key);
	return gwsync_number_record(gn->emit->record, len, key);
}

/* @passed: the filter has let it through, a moment ago. */
static int gwsync_emit_checked(struct gwsync_net *gn, struct nf_conn *ct, u64 only, u32 walk_id,
			       bool passed)
{
	const struct nf_conntrack_tuple *tuple = &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	unsigned int size = READ_ONCE(gn->params.batch_bytes);
	struct gwsync_emit *emit = gn->emit;
	struct gwsync_backups backups;
	u32 look, number;
	unsigned int len;
	bool known;
	u16 class;
	int err;

	lockdep_assert_held(&emit->lock);

	if (!emit->running || !gwsync_flow_is_own(gn, ct))
		return 0;
	backups = gwsync_map_lookup(gn, tuple,
				    nf_ct_zone_id(nf_ct_zone(ct), IP_CT_DIR_ORIGINAL));
	/* From all of them: it loses its mark. */
	if (!passed || test_bit(GWSYNC_FLOW_ANNOUNCED_BIT, &ct->status) ||
	    gwsync_filter_may_turn(gn)) {
		if (gwsync_filter_match(gn, ct))
			return gwsync_emit_withdraw(gn, ct, &backups);
	}
	backups.set &= only;
	if (!backups.set)
		return 0;

	/*
	 * The mark first, then the look at DYING: nf_ct_delete() sets DYING
	 * before its event looks at the mark, so one of the two sees the other.
	 */
	known = test_bit(GWSYNC_FLOW_ANNOUNCED_BIT, &ct->status);
	if (!known) {
		if (!gwsync_sum_open(ct))
			return 0;
		set_bit(GWSYNC_FLOW_ANNOUNCED_BIT, &ct->status);
		atomic64_inc(&gn->announced);
	}
	smp_mb__after_atomic();	/* see above */
	if (nf_ct_is_dying(ct)) {
		if (!known)
			gwsync_emit_unannounce(gn, ct);
		return 0;
	}

	look = gwsync_drift_look(ct);
	len = gwsync_pack_flow(emit->record, size, ct, !known);
	err = gwsync_emit_append(gn, &backups, walk_id, len, 1);
	if (err) {
		/* Nobody heard of it: who looks at a master's mark would not tell it. */
		if (!known)
			gwsync_emit_unannounce(gn, ct);
		return err;
	}
	number = gwsync_emit_number(gn, ct, len, &class);
	gwsync_sum_set(gn, ct, class, number);
	gwsync_drift_note(gn, ct, look);
	/* A walk counts those that it tells itself. */
	if (!known && !walk_id && gwsync_flow_is_mute(ct))
		gwsync_mute_note(gn);
	return 1;
}

/*
 * Only a new replica gets a master, so a flow's masters are told before it, the first of
 * all first: a walk meets flows in any order, and the ring of one CPU is read before that
 * of another, on which the master may be, or waits for what comes next.  @all: those, too,
 * that were announced; members that a walk is for need not have heard of them.
 *
 * More of them than any helper makes are in no order, but for the nearest: ctnetlink makes
 * chains of any length, and each of these flows would have all of them looked at.
 */
static int gwsync_emit_masters(struct gwsync_net *gn, struct nf_conn *ct, u64 only, u32 walk_id,
			       bool all)
{
	struct nf_conn *master[GWSYNC_EMIT_MASTERS];
	unsigned long marks;
	unsigned int n;
	int ret;

	/* Each has a reference to its own as long as it lives. */
	for (n = 0; n < ARRAY_SIZE(master) && ct->master; n++) {
		ct = ct->master;
		master[n] = ct;
	}
	while (n--) {
		/* The loser of a clash is in no hash, and nobody's replica, see capture.c. */
		if (test_bit(IPS_NAT_CLASH_BIT, &master[n]->status))
			continue;
		if (!all && test_bit(GWSYNC_FLOW_ANNOUNCED_BIT, &master[n]->status))
			continue;
		marks = all ? 0 : gwsync_flow_take_change(master[n]);
		ret = gwsync_emit_checked(gn, master[n], only, walk_id, false);
		if (ret < 0) {
			if (marks)
				set_bit(GWSYNC_FLOW_DIRTY_BIT, &master[n]->status);
			return ret;
		}
	}
	return 0;
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
	int ret;

	ret = gwsync_emit_masters(gn, ct, only, walk_id, true);
	if (ret < 0)
		return ret;
	return gwsync_emit_checked(gn, ct, only, walk_id, false);
}

/*
 * Is an announced flow as its last record said?  Windows, clock, counters and
 * expectations are left out, as in gwsync_number_record().
 */
static bool gwsync_emit_is_told(struct gwsync_net *gn, struct nf_conn *ct)
{
	unsigned int size = READ_ONCE(gn->params.batch_bytes);
	unsigned int len = gwsync_pack_flow(gn->emit->record, size, ct, false);
	u16 class;

	return gwsync_sum_is(ct, gwsync_emit_number(gn, ct, len, &class));
}

/*
 * Was it only told again, for somebody who had missed it?  What must be sent in any
 * case has another mark than what waits.
 */
static bool gwsync_emit_is_repeat(struct gwsync_net *gn, struct nf_conn *ct, unsigned long marks)
{
	return !(marks & BIT(GWSYNC_FLOW_DIRTY_BIT)) && gwsync_flow_missed(ct) &&
	       gn->emit->running && test_bit(GWSYNC_FLOW_ANNOUNCED_BIT, &ct->status) &&
	       !gwsync_flow_is_mute(ct) && gwsync_emit_is_told(gn, ct);
}

/**
 * gwsync_emit_dirty - emit a flow if a change of it waits, be it for what comes next
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
	unsigned long marks = gwsync_flow_take_change(ct);
	int ret;

	if (!marks || gwsync_emit_is_repeat(gn, ct, marks))
		return 0;
	ret = gwsync_emit_masters(gn, ct, U64_MAX, 0, false);
	if (ret >= 0)
		ret = gwsync_emit_checked(gn, ct, U64_MAX, 0, passed);
	if (ret < 0)
		set_bit(GWSYNC_FLOW_DIRTY_BIT, &ct->status);
	return ret;
}

/**
 * gwsync_emit_audit - emit an own flow if it is not what its last record said
 * @gn: the netns
 * @ct: a confirmed flow; the caller holds a reference
 *
 * Or if there was no record, and should be.  One whose end raises no event is sent
 * again and again anyway, see gwsync_mute_count().  What did not fit in the agent's
 * socket is in no ring: a walk for what is marked comes for it.
 *
 * Context: the worker, under emit->lock.
 * Return: as gwsync_emit_flow().
 */
int gwsync_emit_audit(struct gwsync_net *gn, struct nf_conn *ct)
{
	unsigned long status = READ_ONCE(ct->status);
	int ret;

	lockdep_assert_held(&gn->emit->lock);

	/* What waits will be sent; a replica, be it about to be own, is not told here. */
	if (!gn->emit->running || !gwsync_owner_is_active(gn) ||
	    status & BIT(GWSYNC_FLOW_REPLICA_BIT) || gwsync_status_changed(status))
		return 0;
	if (status & BIT(GWSYNC_FLOW_ANNOUNCED_BIT)) {
		if (gwsync_flow_is_mute(ct) || gwsync_emit_is_told(gn, ct))
			return 0;
	}
	set_bit(GWSYNC_FLOW_DIRTY_BIT, &ct->status);
	ret = gwsync_emit_dirty(gn, ct, false);
	if (ret > 0)
		gwsync_stat_inc(gn, GWSYNC_STAT_A_AUDITED);
	if (ret < 0)
		gwsync_work_ask(gn, GWSYNC_WALK_DIRTY_BIT);
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
	struct gwsync_backups backups = gwsync_map_bucket(gn, bucket);
	unsigned int len = be16_to_cpu(record->len);
	struct gwsync_emit *emit = gn->emit;

	lockdep_assert_held(&emit->lock);

	if (!emit->running || !backups.set)
		return 0;
	memcpy(emit->record, record, len);
	return gwsync_emit_append(gn, &backups, 0, len, 0);
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
		gwsync_queue_mark(gn, ct);
		reborn = true;
	}
	nf_ct_put(ct);
	return reborn;
}

/**
 * gwsync_emit_tombstones - emit the ends of flows
 * @gn: the netns
 *
 * Context: the worker, under emit->lock.
 * Return: 0; negative: try again.
 */
int gwsync_emit_tombstones(struct gwsync_net *gn)
{
	struct gwsync_emit *emit = gn->emit;
	struct gwsync_tombstone *stone;
	int err;

	if (!emit->stones)
		emit->stones = gwsync_queue_tombstones(gn);

	while (emit->stones) {
		stone = llist_entry(emit->stones, struct gwsync_tombstone, node);
		if (!gwsync_emit_is_reborn(gn, stone)) {
			err = gwsync_emit_gone(gn, &stone->tuple, &stone->zone,
					       &stone->backups);
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

	while ((ct = gwsync_queue_peek(gn, GWSYNC_RING_CHANGED, cpu, NULL))) {
		if (!quota--)
			return 1;
		ret = gwsync_emit_dirty(gn, ct, true);
		if (ret < 0)
			return ret;
		gwsync_queue_pop(gn, GWSYNC_RING_CHANGED, cpu);
	}
	return 0;
}

/*
 * Flows that are delayed, for either reason.  Returns 1 for more at once; @wake is moved
 * to the first that is not due.
 */
static int gwsync_emit_delayed(struct gwsync_net *gn, enum gwsync_ring_kind kind, int cpu,
			       long *wake)
{
	bool waits = kind == GWSYNC_RING_WAITING;
	/* What waits for what comes next is due when nobody will hear of that here. */
	bool all = waits && !gwsync_owner_is_active(gn);
	unsigned int quota = GWSYNC_EMIT_QUOTA;
	unsigned long due;
	struct nf_conn *ct;
	bool over;
	int ret;

	while ((ct = gwsync_queue_peek(gn, kind, cpu, &due))) {
		/* One that is gone, or was told, frees its slot when it is the oldest. */
		over = nf_ct_is_dying(ct) || (waits && !gwsync_queue_waits(ct, due));
		if (!over && !all && time_after(due, jiffies)) {
			*wake = min_t(long, *wake, due - jiffies);
			return 0;
		}
		if (!quota--)
			return 1;
		if (!over) {
			ret = gwsync_emit_dirty(gn, ct, false);
			if (ret < 0)
				return ret;
		} else if (!waits && test_and_clear_bit(GWSYNC_FLOW_DIRTY_BIT, &ct->status)) {
			gwsync_stat_inc(gn, GWSYNC_STAT_A_HELD);
		}
		gwsync_queue_pop(gn, kind, cpu);
	}
	return 0;
}

static int gwsync_emit_captured_once(struct gwsync_net *gn, long *wake)
{
	enum gwsync_ring_kind kind;
	int cpu, ret;

	ret = gwsync_emit_tombstones(gn);
	if (ret < 0)
		return ret;
	for_each_possible_cpu(cpu) {
		ret = gwsync_emit_ring(gn, cpu);
		if (ret > 0)
			*wake = 0;
		for (kind = GWSYNC_RING_HELD; kind < GWSYNC_RINGS && ret >= 0; kind++) {
			ret = gwsync_emit_delayed(gn, kind, cpu, wake);
			if (ret > 0)
				*wake = 0;
		}
		if (ret < 0)
			return ret;
		cond_resched();
	}
	return 0;
}

/**
 * gwsync_emit_captured - emit what was captured
 * @gn: the netns
 * @wake: (out) jiffies until more is due
 *
 * The rings, a quota each; but all of them when own flows are about to become
 * replicas: what these have not said by then nobody would say.
 *
 * Context: the worker, under emit->lock.
 * Return: 0; negative: try again.
 */
int gwsync_emit_captured(struct gwsync_net *gn, long *wake)
{
	int err;

	do {
		*wake = MAX_JIFFY_OFFSET;
		err = gwsync_emit_captured_once(gn, wake);
	} while (!err && !*wake && !gwsync_owner_is_active(gn) &&
		 test_bit(GWSYNC_WALK_DEMOTE_BIT, &gn->walk_jobs));
	return err;
}

/**
 * gwsync_emit_drop - forget what is in the batches, and ends that were taken
 * @gn: the netns; there is no agent
 *
 * Context: under emit->lock.
 */
void gwsync_emit_drop(struct gwsync_net *gn)
{
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
 * gwsync_emit_pause - have the worker wait
 * @gn: the netns
 *
 * Context: process, under gn->lock or the mutex of the notifier's slot;
 * gwsync_emit_resume() must follow.
 */
void gwsync_emit_pause(struct gwsync_net *gn)
{
	mutex_lock(&gn->emit->lock);
}

/**
 * gwsync_emit_forget_digests - another count of digests begins
 * @gn: the netns; nobody captures its events
 *
 * What flows that are gone have is of the last count, which no sum has any more,
 * and must not be taken for one of the next but one.
 *
 * Context: process, after gwsync_emit_pause().
 */
void gwsync_emit_forget_digests(struct gwsync_net *gn)
{
	struct gwsync_emit *emit = gn->emit;
	struct gwsync_tombstone *stone;

	lockdep_assert_held(&emit->lock);

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
 * gwsync_emit_stop - there is nobody to send to
 * @gn: the netns
 *
 * Context: process, under emit->lock.
 */
void gwsync_emit_stop(struct gwsync_net *gn)
{
	struct gwsync_emit *emit = gn->emit;

	lockdep_assert_held(&emit->lock);

	emit->running = false;
	gwsync_emit_drop(gn);
	kvfree(emit->data);
	emit->data = NULL;
}

/**
 * gwsync_emit_is_running - is there an agent to send to?
 * @gn: the netns
 *
 * Context: under emit->lock.
 */
bool gwsync_emit_is_running(const struct gwsync_net *gn)
{
	return gn->emit->running;
}

int gwsync_emit_net_init(struct gwsync_net *gn)
{
	struct gwsync_emit *emit = kzalloc(sizeof(*emit), GFP_KERNEL_ACCOUNT);

	if (!emit)
		return -ENOMEM;
	mutex_init(&emit->lock);
	gn->emit = emit;
	return 0;
}

void gwsync_emit_net_exit(struct gwsync_net *gn)
{
	kvfree(gn->emit->data);
	kfree(gn->emit);
}
