// SPDX-License-Identifier: GPL-2.0
/*
 * Repair: a full sync of those classes that differ, and of nothing else.
 *
 * Like a full sync it has a begin, the flows, and an end that sweeps what was
 * not named; but all three are records in the stream of changes, so whatever
 * changes meanwhile comes in its place.  The begin turns the generation of
 * its classes around: every replica of them is stale until a record names it.
 */
#include <linux/netlink.h>
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "compat.h"
#include "emit.h"
#include "flow.h"
#include "owner.h"
#include "repair.h"
#include "work.h"

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
	gwsync_work_kick(gn);
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

	if (!repair || !gwsync_owner_is_active(gn))
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
		gwsync_work_ask(gn, GWSYNC_WALK_REPAIR_BIT);
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
	u16 class = gwsync_flow_class_of(ct);
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
	gwsync_work_kick(gn);
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
