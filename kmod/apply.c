// SPDX-License-Identifier: GPL-2.0
/*
 * Apply: records of another member go into the table, one by one.
 *
 * The epoch decides about the message, each record about itself: one that is
 * refused is counted and does not stop the rest.
 */
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "apply.h"
#include "compat.h"
#include "digest.h"
#include "flow.h"
#include "gwsync.h"
#include "mask.h"
#include "number.h"
#include "owner.h"
#include "parse.h"
#include "replica.h"
#include "sum.h"

/* Records without giving way: a tenth of a millisecond. */
#define GWSYNC_APPLY_BURST	16

static int gwsync_apply_epoch(struct gwsync_net *gn, u8 owner, u32 epoch,
			      struct netlink_ext_ack *extack)
{
	int err;

	err = gwsync_owner_admits(gn, owner, epoch, extack) ?: gwsync_sum_get(gn, extack);
	if (!err)
		gwsync_owner_admit(gn, epoch);
	return err;
}

static enum gwsync_stat_attr gwsync_apply_stat(int err)
{
	switch (err) {
	case 0:
		return GWSYNC_STAT_A_RECORDS_APPLIED;
	case -EPROTO:
		return GWSYNC_STAT_A_REFUSED_VERSION;
	case -EOPNOTSUPP:
		return GWSYNC_STAT_A_REFUSED_UNSUPPORTED;
	case -EEXIST:
		return GWSYNC_STAT_A_REFUSED_CLASH;
	case -ENOSPC:
		return GWSYNC_STAT_A_REFUSED_FULL;
	case -EAGAIN:
	case -ENOMEM:
		return GWSYNC_STAT_A_REFUSED_ENOMEM;
	default:
		return GWSYNC_STAT_A_REFUSED_MALFORMED;
	}
}

/* The records of some classes come, or all have come. */
static int gwsync_apply_repair(struct gwsync_net *gn, u8 owner, const u8 *data, size_t len)
{
	const struct gwsync_record_repair *record = (const void *)data;
	u64 classes;

	if (len != sizeof(*record))
		return -EINVAL;
	classes = get_unaligned_be64(&record->classes);
	if (record->head.kind == GWSYNC_RECORD_REPAIR_END)
		gwsync_owner_repair_end(gn, owner, record->bucket, classes);
	else
		gwsync_owner_repair_begin(gn, owner, record->bucket, classes);
	return 0;
}

static int gwsync_apply_record(struct gwsync_net *gn, u8 owner, const u8 *data, size_t len,
			       struct gwsync_record_flow *flow)
{
	const struct gwsync_record *head = (const void *)data;
	unsigned int skipped = 0;
	u32 key;
	int err;

	if (gwsync_parse_version(head)) {
		switch (head->kind) {
		case GWSYNC_RECORD_DIGEST:
			return gwsync_digest_compare(gn, owner, data, len);
		case GWSYNC_RECORD_REPAIR_BEGIN:
		case GWSYNC_RECORD_REPAIR_END:
			return gwsync_apply_repair(gn, owner, data, len);
		}
	}

	err = gwsync_parse_record(data, len, flow, &skipped);
	if (skipped)
		gwsync_stat_add(gn, GWSYNC_STAT_A_PARTS_SKIPPED, skipped);
	if (err)
		return err;
	if (flow->kind == GWSYNC_RECORD_FLOW_GONE)
		return gwsync_replica_gone(gn, flow);
	key = gwsync_flow_key(&flow->tuple, nf_ct_zone_id(&flow->zone, IP_CT_DIR_ORIGINAL));
	flow->class = gwsync_flow_class_by(key);
	flow->digest = gwsync_number_record(data, len, key);
	return gwsync_replica_install(gn, owner, flow);
}

/**
 * gwsync_apply_records - install records
 * @gn: state of the netns
 * @owner: the member that sent them, 1..63
 * @epoch: the epoch that they belong to
 * @data: packed records, from outside: nothing about them is known
 * @len: bytes at @data
 * @extack: says why the message was refused as a whole
 *
 * Context: process, under gn->lock; may sleep.
 * Return: number of records applied; -ESTALE, -EBUSY: see GWSYNC_CMD_APPLY;
 * -EINVAL: @owner; -ENOMEM.
 */
int gwsync_apply_records(struct gwsync_net *gn, u8 owner, u32 epoch, const void *data, size_t len,
			 struct netlink_ext_ack *extack)
{
	unsigned int records = 0;
	struct gwsync_record_flow *flow;
	const u8 *at = data;
	size_t left = len;
	int applied = 0;
	int err;

	err = gwsync_apply_epoch(gn, owner, epoch, extack);
	if (err)
		return err;
	gwsync_mask_look(gn);
	flow = kmalloc(sizeof(*flow), GFP_KERNEL);
	if (!flow) {
		NL_SET_ERR_MSG(extack, "no memory to take records apart");
		return -ENOMEM;
	}

	while (left) {
		const struct gwsync_record *head = (const void *)at;
		size_t size = left < sizeof(*head) ? 0 : be16_to_cpu(head->len);

		/* Where the next record begins is lost. */
		if (size < sizeof(*head) || size > left) {
			gwsync_stat_inc(gn, GWSYNC_STAT_A_REFUSED_MALFORMED);
			break;
		}
		err = gwsync_apply_record(gn, owner, at, size, flow);
		gwsync_stat_inc(gn, gwsync_apply_stat(err));
		applied += !err;
		at += size;
		left -= size;
		if (!(++records % GWSYNC_APPLY_BURST))
			cond_resched();
	}

	kfree(flow);
	return applied;
}

/**
 * gwsync_sync_begin - a full sync of a member's flows begins
 * @gn: state of the netns
 * @owner: the member, 1..63
 * @epoch: the epoch of the records to come
 * @extack: says why not
 *
 * From now on each replica that a record names gets the new generation.  A
 * sync that was broken off, or whose sweep is not over, is gone on with: what
 * it has named stays named, which at worst keeps a replica until the next one.
 *
 * Context: process, under gn->lock.
 * Return: 0; -ESTALE, -EBUSY, -EINVAL as gwsync_apply_records().
 */
int gwsync_sync_begin(struct gwsync_net *gn, u8 owner, u32 epoch, struct netlink_ext_ack *extack)
{
	int err;

	err = gwsync_apply_epoch(gn, owner, epoch, extack);
	if (err)
		return err;
	gwsync_owner_sync_begin(gn, owner);
	return 0;
}

/**
 * gwsync_sync_end - a full sync is complete: remove what it did not name
 * @gn: state of the netns
 * @owner: the member, 1..63
 * @epoch: the epoch of the sync
 * @extack: says why not
 *
 * Context: process, under gn->lock.
 * Return: 0; -ENOENT: none began; -ESTALE, -EBUSY, -EINVAL as
 * gwsync_apply_records().
 */
int gwsync_sync_end(struct gwsync_net *gn, u8 owner, u32 epoch, struct netlink_ext_ack *extack)
{
	int err;

	err = gwsync_apply_epoch(gn, owner, epoch, extack);
	if (err)
		return err;
	err = gwsync_owner_sync_end(gn, owner);
	if (err)
		NL_SET_ERR_MSG(extack, "no full sync of this owner began");
	return err;
}

/**
 * gwsync_purge - forget a member: remove all its replicas
 * @gn: state of the netns
 * @owner: the member, 1..63
 * @extack: says why not
 *
 * Context: process, under gn->lock.
 * Return: 0; -EINVAL: no such member; -EBUSY: they are about to be own flows.
 */
int gwsync_purge(struct gwsync_net *gn, u8 owner, struct netlink_ext_ack *extack)
{
	int err;

	lockdep_assert_held(&gn->lock);

	if (owner == 0 || owner > GWSYNC_MEMBER_MAX) {
		NL_SET_ERR_MSG(extack, "owner is not 1..63");
		return -EINVAL;
	}
	err = gwsync_owner_purge(gn, owner);
	if (err)
		NL_SET_ERR_MSG(extack, "replicas of this owner are being adopted");
	return err;
}
