// SPDX-License-Identifier: GPL-2.0
/*
 * Repair: a full sync of those classes that differ, and of nothing else.
 *
 * Like a full sync it has a begin, the flows, and an end that sweeps what was
 * not named; but all three are records in the stream of changes, so whatever
 * changes meanwhile comes in its place.  The begin turns the generation of
 * its classes around: every replica of them is stale until a record names it.
 *
 * A begin whose end was lost leaves its classes open, and so does an end before
 * which records were lost: those that name replicas may have been among them.
 * Open classes are not swept until a repair of them ends or a full sync begins.
 */
#include <linux/netlink.h>
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "capture.h"
#include "compat.h"
#include "digest.h"
#include "emit.h"
#include "repair.h"
#include "walk.h"

enum gwsync_repair_phase {
	GWSYNC_REPAIR_IDLE,
	GWSYNC_REPAIR_BEGIN,		/* the begins are being sent */
	GWSYNC_REPAIR_WALK,		/* the walk sends the flows */
	GWSYNC_REPAIR_END,		/* the ends are being sent */
};

/**
 * gwsync_repair_get - have room for what is to be repaired
 * @gn: the netns
 * @extack: where a refusal is explained
 *
 * Context: process, under gn->lock.
 * Return: 0, -ENOMEM.
 */
int gwsync_repair_get(struct gwsync_net *gn, struct netlink_ext_ack *extack)
{
	struct gwsync_repair *repair;

	lockdep_assert_held(&gn->lock);

	if (gn->repair)
		return 0;
	repair = kzalloc(sizeof(*repair), GFP_KERNEL_ACCOUNT);
	if (!repair) {
		NL_SET_ERR_MSG(extack, "no memory for what is to be repaired");
		return -ENOMEM;
	}
	spin_lock_init(&repair->lock);
	/* Pairs with the acquire in gwsync_repair_step(). */
	smp_store_release(&gn->repair, repair);
	return 0;
}

void gwsync_repair_net_exit(struct gwsync_net *gn)
{
	kfree(gn->repair);
}

/**
 * gwsync_repair_ask - send these classes again
 * @gn: the netns, active and with room for it
 * @classes: GWSYNC_BUCKETS words, one bit a class
 *
 * Joins what was asked for and has not begun.
 *
 * Context: process, under gn->lock.
 */
void gwsync_repair_ask(struct gwsync_net *gn, const u64 *classes)
{
	struct gwsync_repair *repair = gn->repair;
	unsigned int i;

	lockdep_assert_held(&gn->lock);

	spin_lock(&repair->lock);
	for (i = 0; i < GWSYNC_BUCKETS; i++)
		repair->wanted[i] |= classes[i];
	repair->asked = true;
	spin_unlock(&repair->lock);
	gwsync_emit_kick(gn);
}

static int gwsync_repair_emit(struct gwsync_net *gn, u8 kind, unsigned int bucket, u64 classes)
{
	struct gwsync_record_repair record = {
		.head = {
			.len = cpu_to_be16(sizeof(record)),
			.version = GWSYNC_RECORD_VERSION,
			.kind = kind,
		},
		.bucket = bucket,
		.classes = cpu_to_be64(classes),
	};

	return gwsync_emit_control(gn, bucket, &record.head);
}

/* The begins or the ends of all that runs; an error: come again. */
static int gwsync_repair_emit_all(struct gwsync_net *gn, u8 kind)
{
	struct gwsync_repair *repair = gn->repair;
	int err;

	for (; repair->bucket < GWSYNC_BUCKETS; repair->bucket++) {
		if (!repair->running[repair->bucket])
			continue;
		err = gwsync_repair_emit(gn, kind, repair->bucket,
					 repair->running[repair->bucket]);
		if (err)
			return err;
	}
	repair->bucket = 0;
	return 0;
}

static bool gwsync_repair_take(struct gwsync_repair *repair)
{
	bool asked;

	spin_lock(&repair->lock);
	asked = repair->asked;
	if (asked) {
		memcpy(repair->running, repair->wanted, sizeof(repair->running));
		memset(repair->wanted, 0, sizeof(repair->wanted));
		repair->asked = false;
	}
	spin_unlock(&repair->lock);
	return asked;
}

/**
 * gwsync_repair_step - begin and end what is to be repaired
 * @gn: the netns
 *
 * Context: the worker, under emit->lock; what was captured has been emitted.
 * Return: 0; negative: could not be sent, come again.
 */
int gwsync_repair_step(struct gwsync_net *gn)
{
	/* Pairs with the release in gwsync_repair_get(). */
	struct gwsync_repair *repair = smp_load_acquire(&gn->repair);
	int err;

	if (!repair || !READ_ONCE(gn->active))
		return 0;

	if (repair->phase == GWSYNC_REPAIR_END) {
		err = gwsync_repair_emit_all(gn, GWSYNC_RECORD_REPAIR_END);
		if (err)
			return err;
		repair->phase = GWSYNC_REPAIR_IDLE;
	}
	if (repair->phase == GWSYNC_REPAIR_IDLE && gwsync_repair_take(repair)) {
		repair->bucket = 0;
		repair->phase = GWSYNC_REPAIR_BEGIN;
	}
	if (repair->phase == GWSYNC_REPAIR_BEGIN) {
		err = gwsync_repair_emit_all(gn, GWSYNC_RECORD_REPAIR_BEGIN);
		if (err)
			return err;
		repair->phase = GWSYNC_REPAIR_WALK;
		gwsync_walk_request(gn, GWSYNC_WALK_REPAIR_BIT);
	}
	return 0;
}

/**
 * gwsync_repair_flow - send a flow again if its class is repaired
 * @gn: the netns
 * @ct: a flow; the caller holds a reference
 *
 * Context: the worker, under emit->lock.
 * Return: as gwsync_emit_flow().
 */
int gwsync_repair_flow(struct gwsync_net *gn, struct nf_conn *ct)
{
	u16 class = gwsync_digest_class_of(ct);
	int ret;

	if (!(gn->repair->running[class / GWSYNC_BUCKET_CLASSES] &
	      BIT_ULL(class % GWSYNC_BUCKET_CLASSES)))
		return 0;
	ret = gwsync_emit_flow(gn, ct, U64_MAX, 0);
	if (ret > 0)
		gwsync_stat_inc(gn, GWSYNC_STAT_A_REPAIRED);
	return ret;
}

/**
 * gwsync_repair_walked - the walk has been everywhere
 * @gn: the netns
 *
 * Context: the worker, under emit->lock.
 */
void gwsync_repair_walked(struct gwsync_net *gn)
{
	gn->repair->bucket = 0;
	gn->repair->phase = GWSYNC_REPAIR_END;
	gwsync_emit_kick(gn);
}

/**
 * gwsync_repair_drop - the agent has gone: forget what was to be repaired
 * @gn: the netns
 *
 * Context: under emit->lock, or when there is no worker.
 */
void gwsync_repair_drop(struct gwsync_net *gn)
{
	struct gwsync_repair *repair = gn->repair;

	if (!repair)
		return;
	gwsync_repair_take(repair);
	memset(repair->running, 0, sizeof(repair->running));
	/* A walk that still runs sends nothing, and then ends nothing. */
	if (repair->phase != GWSYNC_REPAIR_WALK)
		repair->phase = GWSYNC_REPAIR_IDLE;
	repair->bucket = 0;
}

/**
 * gwsync_repair_gen - the generation that a replica of a class gets now
 * @gn: state of the netns
 * @gens: generations of the full syncs, by owner: gn->gen, or as it will be
 * @owner: of the replica
 * @class: of the replica
 *
 * Context: any; who depends on it holds gn->replica_lock.
 */
bool gwsync_repair_gen(const struct gwsync_net *gn, u64 gens, u8 owner, u16 class)
{
	bool flip = READ_ONCE(gn->digest->flip[class / GWSYNC_BUCKET_CLASSES]) &
		    BIT_ULL(class % GWSYNC_BUCKET_CLASSES);

	return flip != !!(gens & BIT_ULL(owner));
}

/**
 * gwsync_repair_is_open - may more records name replicas of this class?
 * @gn: state of the netns
 * @class: which
 *
 * Context: process, under gn->replica_lock.
 */
bool gwsync_repair_is_open(const struct gwsync_net *gn, u16 class)
{
	lockdep_assert_held(&gn->replica_lock);

	return gn->digest->fixing[class / GWSYNC_BUCKET_CLASSES] &
	       BIT_ULL(class % GWSYNC_BUCKET_CLASSES);
}

/* Of classes that are open what was named stays named. */
static void gwsync_repair_begin(struct gwsync_digest *dg, u8 bucket, u64 classes)
{
	dg->holed[bucket] &= ~classes;
	classes &= ~dg->fixing[bucket];
	WRITE_ONCE(dg->flip[bucket], dg->flip[bucket] ^ classes);
	dg->fixing[bucket] |= classes;
}

static void gwsync_repair_end(struct gwsync_net *gn, u8 owner, u8 bucket, u64 classes)
{
	struct gwsync_digest *dg = gn->digest;

	classes &= dg->fixing[bucket] & ~dg->holed[bucket];
	if (!classes)
		return;
	dg->fixing[bucket] &= ~classes;
	gn->sweep.wanted |= BIT_ULL(owner);
	gwsync_walk_request(gn, GWSYNC_WALK_SWEEP_BIT);
}

/**
 * gwsync_repair_hole - records were lost
 * @gn: state of the netns, passive and attached
 *
 * Context: process, under gn->lock; takes gn->replica_lock.
 */
void gwsync_repair_hole(struct gwsync_net *gn)
{
	struct gwsync_digest *dg = gn->digest;

	lockdep_assert_held(&gn->lock);

	mutex_lock(&gn->replica_lock);
	memcpy(dg->holed, dg->fixing, sizeof(dg->holed));
	mutex_unlock(&gn->replica_lock);
}

/**
 * gwsync_repair_apply - the records of some classes come, or all have come
 * @gn: state of the netns
 * @owner: whose
 * @data: a record of kind GWSYNC_RECORD_REPAIR_BEGIN or _END, from outside
 * @len: its bytes
 *
 * During a full sync there is nothing to be repaired, and nothing begins
 * before its sweep is over.
 *
 * Context: process, under gn->lock; takes gn->replica_lock.
 * Return: 0, -EINVAL.
 */
int gwsync_repair_apply(struct gwsync_net *gn, u8 owner, const u8 *data, size_t len)
{
	const struct gwsync_record_repair *record = (const void *)data;
	u64 bit = BIT_ULL(owner);
	u64 classes;

	if (len != sizeof(*record))
		return -EINVAL;
	classes = get_unaligned_be64(&record->classes);

	mutex_lock(&gn->replica_lock);
	if (gn->syncing & bit)
		goto out;
	if (record->head.kind == GWSYNC_RECORD_REPAIR_END)
		gwsync_repair_end(gn, owner, record->bucket, classes);
	else if (!((gn->sweep.wanted | gn->sweep.running) & bit))
		gwsync_repair_begin(gn->digest, record->bucket, classes);
out:
	mutex_unlock(&gn->replica_lock);
	return 0;
}
