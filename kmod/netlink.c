// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink edge: attributes in, attributes out, nothing else.
 *
 * Every command but GET_STATS and GET_FLOW takes gn->lock; each calls the
 * function of its noun.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/netlink.h>
#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/sock.h>

#include "activate.h"
#include "apply.h"
#include "capture.h"
#include "compat.h"
#include "digest.h"
#include "emit.h"
#include "filter.h"
#include "map.h"
#include "netlink.h"
#include "pack.h"
#include "params.h"
#include "repair.h"
#include "stats.h"
#include "walk.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

#define GWSYNC_RECORDS_MAX	60000	/* bytes of records in one APPLY */

static struct genl_family gwsync_family;

/* Of a command without attributes: a maxattr of 0 would mean the family's. */
static const struct nla_policy gwsync_none_policy[GWSYNC_A_PAD + 1] = {
	[GWSYNC_A_PAD] = { .type = NLA_REJECT },
};

static const struct nla_policy gwsync_attach_policy[GWSYNC_A_EPOCH + 1] = {
	[GWSYNC_A_MEMBER] = NLA_POLICY_RANGE(NLA_U8, 1, GWSYNC_MEMBER_MAX),
	[GWSYNC_A_EPOCH] = { .type = NLA_U32 },
};

static struct netlink_range_validation gwsync_tombstones_range = {
	.max = GWSYNC_TOMBSTONES_MAX,
};

static struct netlink_range_validation gwsync_walk_rate_range = {
	.max = GWSYNC_WALK_RATE_MAX,
};

static struct netlink_range_validation gwsync_digest_ms_range = {
	.max = GWSYNC_DIGEST_MS_MAX,
};

static struct netlink_range_validation gwsync_hold_ms_range = {
	.max = GWSYNC_HOLD_MS_MAX,
};

static const struct nla_policy gwsync_set_policy[GWSYNC_A_PARAM_DIGEST_MS + 1] = {
	[GWSYNC_A_FILTER] = { .type = NLA_NESTED },
	[GWSYNC_A_PARAM_FLUSH_MS] = NLA_POLICY_MAX(NLA_U32, GWSYNC_FLUSH_MS_MAX),
	[GWSYNC_A_PARAM_HOLD_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &gwsync_hold_ms_range),
	[GWSYNC_A_PARAM_BATCH_BYTES] = NLA_POLICY_RANGE(NLA_U32, GWSYNC_BATCH_BYTES_MIN,
							GWSYNC_BATCH_BYTES_MAX),
	[GWSYNC_A_PARAM_TOMBSTONES] = NLA_POLICY_FULL_RANGE(NLA_U32, &gwsync_tombstones_range),
	[GWSYNC_A_PARAM_WALK_RATE] = NLA_POLICY_FULL_RANGE(NLA_U32, &gwsync_walk_rate_range),
	[GWSYNC_A_PARAM_DIGEST_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &gwsync_digest_ms_range),
};

static const struct nla_policy gwsync_map_policy[GWSYNC_A_MAP + 1] = {
	[GWSYNC_A_MAP] = NLA_POLICY_EXACT_LEN(GWSYNC_BUCKETS * sizeof(u64)),
};

static const struct nla_policy gwsync_apply_policy[GWSYNC_A_RECORDS + 1] = {
	[GWSYNC_A_OWNER] = NLA_POLICY_RANGE(NLA_U8, 1, GWSYNC_MEMBER_MAX),
	[GWSYNC_A_EPOCH] = { .type = NLA_U32 },
	[GWSYNC_A_RECORDS] = { .type = NLA_BINARY, .len = GWSYNC_RECORDS_MAX },
};

static const struct nla_policy gwsync_owner_policy[GWSYNC_A_EPOCH + 1] = {
	[GWSYNC_A_OWNER] = NLA_POLICY_RANGE(NLA_U8, 1, GWSYNC_MEMBER_MAX),
	[GWSYNC_A_EPOCH] = { .type = NLA_U32 },
};

static const struct nla_policy gwsync_walk_policy[GWSYNC_A_WALK_ID + 1] = {
	[GWSYNC_A_SET] = { .type = NLA_U64 },
	[GWSYNC_A_WALK_ID] = { .type = NLA_U32 },
};

static const struct nla_policy gwsync_activate_policy[GWSYNC_A_SET + 1] = {
	[GWSYNC_A_EPOCH] = { .type = NLA_U32 },
	[GWSYNC_A_SET] = { .type = NLA_U64 },
};

static const struct nla_policy gwsync_repair_policy[GWSYNC_A_CLASSES + 1] = {
	[GWSYNC_A_CLASSES] = NLA_POLICY_EXACT_LEN(GWSYNC_BUCKETS * sizeof(u64)),
};

static const struct nla_policy gwsync_flow_policy[GWSYNC_A_CURSOR + 1] = {
	[GWSYNC_A_CURSOR] = { .type = NLA_U64 },
};

static struct gwsync_net *gwsync_info_pernet(const struct genl_info *info)
{
	return gwsync_pernet(genl_info_net((struct genl_info *)info));
}

static const char * const gwsync_attr_missing[] = {
	[GWSYNC_A_MEMBER] = "MEMBER is missing",
	[GWSYNC_A_OWNER] = "OWNER is missing",
	[GWSYNC_A_EPOCH] = "EPOCH is missing",
	[GWSYNC_A_SET] = "SET is missing",
	[GWSYNC_A_RECORDS] = "RECORDS is missing",
	[GWSYNC_A_WALK_ID] = "WALK_ID is missing",
	[GWSYNC_A_MAP] = "MAP is missing",
};

static int gwsync_info_need(struct genl_info *info, int attr)
{
	if (!GENL_REQ_ATTR_CHECK(info, attr))
		return 0;
	/* NL_SET_ERR_MSG() wants a literal. */
	if (info->extack)
		info->extack->_msg = gwsync_attr_missing[attr];
	return -EINVAL;
}

/**
 * gwsync_netlink_send_delta - give the agent a message of records
 * @gn: the netns
 * @set: members that they are for
 * @walk_id: of the walk that they belong to, or 0
 * @records: packed, one after the other
 * @len: bytes of them, at most GWSYNC_BATCH_BYTES_MAX
 *
 * Context: the worker.
 * Return: 0; -ENOMEM; -EAGAIN: its socket is full; -ECONNREFUSED: it has gone.
 */
int gwsync_netlink_send_delta(struct gwsync_net *gn, u64 set, u32 walk_id,
			      const void *records, unsigned int len)
{
	u32 portid = READ_ONCE(gn->portid);
	struct sk_buff *skb;
	void *head;
	int err;

	if (!portid)
		return -ECONNREFUSED;

	skb = genlmsg_new(nla_total_size_64bit(sizeof(set)) + nla_total_size(sizeof(walk_id)) +
			  nla_total_size(len), GFP_KERNEL);
	if (!skb)
		return -ENOMEM;

	head = genlmsg_put(skb, 0, 0, &gwsync_family, 0, GWSYNC_CMD_DELTA);
	if (!head ||
	    nla_put_u64_64bit(skb, GWSYNC_A_SET, set, GWSYNC_A_PAD) ||
	    (walk_id && nla_put_u32(skb, GWSYNC_A_WALK_ID, walk_id)) ||
	    nla_put(skb, GWSYNC_A_RECORDS, len, records)) {
		nlmsg_free(skb);
		return -ENOMEM;
	}
	genlmsg_end(skb, head);

	err = genlmsg_unicast(gn->net, skb, portid);
	trace_gwsync_emit(gn->net, set, walk_id, len, err);
	return err;
}

/**
 * gwsync_netlink_send_event - give the agent an event
 * @gn: the netns
 * @event: which
 * @owner: or 0
 * @walk_id: or 0
 * @count: of flows
 *
 * Context: the worker.
 * Return: as gwsync_netlink_send_delta().
 */
int gwsync_netlink_send_event(struct gwsync_net *gn, enum gwsync_event event, u8 owner,
			      u32 walk_id, u32 count)
{
	u32 portid = READ_ONCE(gn->portid);
	struct sk_buff *skb;
	void *head;

	if (!portid)
		return -ECONNREFUSED;

	skb = genlmsg_new(3 * nla_total_size(sizeof(u32)) + nla_total_size(sizeof(u8)),
			  GFP_KERNEL);
	if (!skb)
		return -ENOMEM;

	head = genlmsg_put(skb, 0, 0, &gwsync_family, 0, GWSYNC_CMD_EVENT);
	if (!head ||
	    nla_put_u32(skb, GWSYNC_A_EVENT, event) ||
	    (owner && nla_put_u8(skb, GWSYNC_A_OWNER, owner)) ||
	    (walk_id && nla_put_u32(skb, GWSYNC_A_WALK_ID, walk_id)) ||
	    nla_put_u32(skb, GWSYNC_A_COUNT, count)) {
		nlmsg_free(skb);
		return -ENOMEM;
	}
	genlmsg_end(skb, head);
	return genlmsg_unicast(gn->net, skb, portid);
}

static void gwsync_detach(struct gwsync_net *gn)
{
	lockdep_assert_held(&gn->lock);

	if (!gn->attached)
		return;
	gn->attached = false;
	gwsync_capture_detach(gn);
	WRITE_ONCE(gn->portid, 0);
	gwsync_walk_cancel(gn);
	gwsync_emit_stop(gn);
}

static int gwsync_attach(struct gwsync_net *gn, u8 member, u32 epoch, u32 portid,
			 struct netlink_ext_ack *extack)
{
	int err;

	lockdep_assert_held(&gn->lock);

	if (gn->attached) {
		NL_SET_ERR_MSG(extack, "another socket is attached to this netns");
		return -EBUSY;
	}

	err = gwsync_digest_get(gn, extack) ?: gwsync_repair_get(gn, extack);
	if (err)
		return err;

	/* Before the worker may send: to nobody, it would stop for good. */
	WRITE_ONCE(gn->member, member);
	gn->epoch = epoch;
	WRITE_ONCE(gn->active, false);
	WRITE_ONCE(gn->portid, portid);

	err = gwsync_emit_start(gn, extack);
	if (err)
		goto err_portid;

	err = gwsync_capture_attach(gn, extack);
	if (err)
		goto err_stop;

	gn->attached = true;
	mutex_lock(&gn->replica_lock);
	gwsync_digest_forget(gn);
	mutex_unlock(&gn->replica_lock);
	/* Marks that an earlier agent left behind would swallow events. */
	gwsync_walk_request(gn, GWSYNC_WALK_DIRTY_BIT);
	return 0;

err_stop:
	gwsync_emit_stop(gn);
err_portid:
	WRITE_ONCE(gn->portid, 0);
	return err;
}

static int gwsync_attach_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct gwsync_net *gn = gwsync_info_pernet(info);
	struct sk_buff *reply;
	void *head;
	int err;

	err = gwsync_info_need(info, GWSYNC_A_MEMBER) ?: gwsync_info_need(info, GWSYNC_A_EPOCH);
	if (err)
		return err;

	reply = genlmsg_new(nla_total_size_64bit(sizeof(u64)), GFP_KERNEL);
	if (!reply)
		return -ENOMEM;
	head = genlmsg_put_reply(reply, info, &gwsync_family, 0, GWSYNC_CMD_ATTACH);
	if (!head || nla_put_u64_64bit(reply, GWSYNC_A_BOOT_ID, gn->boot_id, GWSYNC_A_PAD)) {
		nlmsg_free(reply);
		return -EMSGSIZE;
	}
	genlmsg_end(reply, head);

	mutex_lock(&gn->lock);
	err = gwsync_attach(gn, nla_get_u8(info->attrs[GWSYNC_A_MEMBER]),
			    nla_get_u32(info->attrs[GWSYNC_A_EPOCH]), info->snd_portid,
			    info->extack);
	mutex_unlock(&gn->lock);
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	return genlmsg_reply(reply, info);
}

static int gwsync_detach_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct gwsync_net *gn = gwsync_info_pernet(info);
	int err = 0;

	mutex_lock(&gn->lock);
	if (gn->attached && gn->portid != info->snd_portid) {
		NL_SET_ERR_MSG(info->extack, "only the socket that attached may detach");
		err = -EPERM;
	} else {
		gwsync_detach(gn);
	}
	mutex_unlock(&gn->lock);
	return err;
}

static void gwsync_set_u32(struct nlattr **attrs, int attr, u32 *param)
{
	if (attrs[attr])
		WRITE_ONCE(*param, nla_get_u32(attrs[attr]));
}

static int gwsync_set(struct gwsync_net *gn, struct nlattr **attrs,
		      struct netlink_ext_ack *extack)
{
	int err;

	lockdep_assert_held(&gn->lock);

	/* What can fail comes first. */
	if (attrs[GWSYNC_A_PARAM_HOLD_MS] && nla_get_u32(attrs[GWSYNC_A_PARAM_HOLD_MS])) {
		err = gwsync_capture_hold(gn, extack);
		if (err)
			return err;
	}
	if (attrs[GWSYNC_A_FILTER]) {
		err = gwsync_filter_set(gn, attrs[GWSYNC_A_FILTER], extack);
		if (err)
			return err;
	}
	gwsync_set_u32(attrs, GWSYNC_A_PARAM_FLUSH_MS, &gn->params.flush_ms);
	gwsync_set_u32(attrs, GWSYNC_A_PARAM_HOLD_MS, &gn->params.hold_ms);
	gwsync_set_u32(attrs, GWSYNC_A_PARAM_BATCH_BYTES, &gn->params.batch_bytes);
	gwsync_set_u32(attrs, GWSYNC_A_PARAM_TOMBSTONES, &gn->params.tombstones);
	gwsync_set_u32(attrs, GWSYNC_A_PARAM_WALK_RATE, &gn->params.walk_rate);
	gwsync_set_u32(attrs, GWSYNC_A_PARAM_DIGEST_MS, &gn->params.digest_ms);
	/* The worker may sleep for what was the longer round. */
	if (attrs[GWSYNC_A_PARAM_DIGEST_MS] && gn->active)
		gwsync_emit_kick(gn);
	return 0;
}

static int gwsync_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct gwsync_net *gn = gwsync_info_pernet(info);
	int err;

	mutex_lock(&gn->lock);
	err = gwsync_set(gn, info->attrs, info->extack);
	mutex_unlock(&gn->lock);
	return err;
}

static int gwsync_get_fill_locked(struct gwsync_net *gn, struct sk_buff *skb)
{
	const struct gwsync_params *params = &gn->params;

	lockdep_assert_held(&gn->lock);

	if ((gn->member && nla_put_u8(skb, GWSYNC_A_MEMBER, gn->member)) ||
	    nla_put_u32(skb, GWSYNC_A_EPOCH, gn->epoch) ||
	    nla_put_u8(skb, GWSYNC_A_ACTIVE, gn->active) ||
	    nla_put_u64_64bit(skb, GWSYNC_A_SET, gn->adopted, GWSYNC_A_PAD) ||
	    nla_put_u64_64bit(skb, GWSYNC_A_BOOT_ID, gn->boot_id, GWSYNC_A_PAD) ||
	    nla_put_u32(skb, GWSYNC_A_PARAM_FLUSH_MS, params->flush_ms) ||
	    nla_put_u32(skb, GWSYNC_A_PARAM_HOLD_MS, params->hold_ms) ||
	    nla_put_u32(skb, GWSYNC_A_PARAM_BATCH_BYTES, params->batch_bytes) ||
	    nla_put_u32(skb, GWSYNC_A_PARAM_TOMBSTONES, params->tombstones) ||
	    nla_put_u32(skb, GWSYNC_A_PARAM_WALK_RATE, params->walk_rate) ||
	    nla_put_u32(skb, GWSYNC_A_PARAM_DIGEST_MS, params->digest_ms) ||
	    nla_put_u64_64bit(skb, GWSYNC_A_REPLICAS, atomic64_read(&gn->replicas),
			      GWSYNC_A_PAD) ||
	    nla_put_u64_64bit(skb, GWSYNC_A_FLOWS, atomic64_read(&gn->announced),
			      GWSYNC_A_PAD) ||
	    nla_put_u32(skb, GWSYNC_A_WAITING, gwsync_capture_waiting(gn)) ||
	    nla_put_u32(skb, GWSYNC_A_MUTE, gwsync_walk_mute(gn)))
		return -EMSGSIZE;
	return gwsync_filter_fill(gn, skb, GWSYNC_A_FILTER);
}

static int gwsync_get_fill(struct gwsync_net *gn, struct sk_buff *skb)
{
	int err;

	mutex_lock(&gn->lock);
	err = gwsync_get_fill_locked(gn, skb);
	mutex_unlock(&gn->lock);
	return err;
}

/* The answer to a question: one message of the same command. */
static int gwsync_info_answer(struct genl_info *info, size_t size,
			      int (*fill)(struct gwsync_net *gn, struct sk_buff *skb))
{
	struct sk_buff *reply;
	void *head;
	int err;

	reply = genlmsg_new(size, GFP_KERNEL);
	if (!reply)
		return -ENOMEM;
	head = genlmsg_put_reply(reply, info, &gwsync_family, 0, info->genlhdr->cmd);
	err = head ? fill(gwsync_info_pernet(info), reply) : -EMSGSIZE;
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	genlmsg_end(reply, head);
	return genlmsg_reply(reply, info);
}

static int gwsync_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return gwsync_info_answer(info, GENLMSG_DEFAULT_SIZE + GWSYNC_FILTER_MAX *
				  nla_total_size(sizeof(struct gwsync_filter_prefix)),
				  gwsync_get_fill);
}

static int gwsync_set_map_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct gwsync_net *gn = gwsync_info_pernet(info);
	int err;

	err = gwsync_info_need(info, GWSYNC_A_MAP);
	if (err)
		return err;

	mutex_lock(&gn->lock);
	err = gwsync_map_set(gn, info->attrs[GWSYNC_A_MAP], info->extack);
	mutex_unlock(&gn->lock);
	return err;
}

static int gwsync_apply_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct gwsync_net *gn = gwsync_info_pernet(info);
	struct nlattr *records;
	u32 epoch;
	u8 owner;
	int err;

	err = gwsync_info_need(info, GWSYNC_A_OWNER) ?: gwsync_info_need(info, GWSYNC_A_EPOCH) ?:
	      gwsync_info_need(info, GWSYNC_A_RECORDS);
	if (err)
		return err;
	owner = nla_get_u8(info->attrs[GWSYNC_A_OWNER]);
	epoch = nla_get_u32(info->attrs[GWSYNC_A_EPOCH]);
	records = info->attrs[GWSYNC_A_RECORDS];

	mutex_lock(&gn->lock);
	err = gwsync_apply_records(gn, owner, epoch, nla_data(records), nla_len(records),
				   info->extack);
	mutex_unlock(&gn->lock);
	trace_gwsync_apply(gn->net, owner, epoch, nla_len(records), err);
	return min(err, 0);
}

static int gwsync_sync_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct gwsync_net *gn = gwsync_info_pernet(info);
	u32 epoch;
	u8 owner;
	int err;

	err = gwsync_info_need(info, GWSYNC_A_OWNER) ?: gwsync_info_need(info, GWSYNC_A_EPOCH);
	if (err)
		return err;
	owner = nla_get_u8(info->attrs[GWSYNC_A_OWNER]);
	epoch = nla_get_u32(info->attrs[GWSYNC_A_EPOCH]);

	mutex_lock(&gn->lock);
	if (info->genlhdr->cmd == GWSYNC_CMD_SYNC_BEGIN)
		err = gwsync_sync_begin(gn, owner, epoch, info->extack);
	else
		err = gwsync_sync_end(gn, owner, epoch, info->extack);
	mutex_unlock(&gn->lock);
	return err;
}

static int gwsync_walk_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct gwsync_net *gn = gwsync_info_pernet(info);
	u32 walk_id;
	int err;

	err = gwsync_info_need(info, GWSYNC_A_WALK_ID);
	if (err)
		return err;
	walk_id = nla_get_u32(info->attrs[GWSYNC_A_WALK_ID]);
	if (walk_id) {
		err = gwsync_info_need(info, GWSYNC_A_SET);
		if (err)
			return err;
	}

	mutex_lock(&gn->lock);
	if (!gn->attached) {
		NL_SET_ERR_MSG(info->extack, "no agent is attached to this netns");
		err = -ENOTCONN;
	} else if (walk_id) {
		err = gwsync_walk_full(gn, nla_get_u64(info->attrs[GWSYNC_A_SET]), walk_id,
				       info->extack);
	} else {
		gwsync_walk_cancel(gn);
	}
	mutex_unlock(&gn->lock);
	return err;
}

static int gwsync_activate_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct gwsync_net *gn = gwsync_info_pernet(info);
	int err;

	err = gwsync_info_need(info, GWSYNC_A_SET) ?: gwsync_info_need(info, GWSYNC_A_EPOCH);
	if (err)
		return err;

	mutex_lock(&gn->lock);
	if (!gn->member) {
		NL_SET_ERR_MSG(info->extack, "no agent has been attached to this netns");
		err = -ENOTCONN;
	} else {
		err = gwsync_activate(gn, nla_get_u64(info->attrs[GWSYNC_A_SET]),
				      nla_get_u32(info->attrs[GWSYNC_A_EPOCH]), info->extack);
	}
	mutex_unlock(&gn->lock);
	return err;
}

static int gwsync_deactivate_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct gwsync_net *gn = gwsync_info_pernet(info);
	int err;

	err = gwsync_info_need(info, GWSYNC_A_OWNER) ?: gwsync_info_need(info, GWSYNC_A_EPOCH);
	if (err)
		return err;

	mutex_lock(&gn->lock);
	err = gwsync_deactivate(gn, nla_get_u8(info->attrs[GWSYNC_A_OWNER]),
				nla_get_u32(info->attrs[GWSYNC_A_EPOCH]), info->extack);
	/* What changed before is with the agent when it reads the answer. */
	if (!err)
		gwsync_emit_flush(gn);
	mutex_unlock(&gn->lock);
	return err;
}

static int gwsync_purge_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct gwsync_net *gn = gwsync_info_pernet(info);
	int err;

	err = gwsync_info_need(info, GWSYNC_A_OWNER);
	if (err)
		return err;

	mutex_lock(&gn->lock);
	err = gwsync_purge(gn, nla_get_u8(info->attrs[GWSYNC_A_OWNER]), info->extack);
	mutex_unlock(&gn->lock);
	return err;
}

static int gwsync_repair_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct gwsync_net *gn = gwsync_info_pernet(info);
	const struct nlattr *classes = info->attrs[GWSYNC_A_CLASSES];
	int err = 0;

	mutex_lock(&gn->lock);
	if (!gn->attached) {
		NL_SET_ERR_MSG(info->extack, "no agent is attached to this netns");
		err = -ENOTCONN;
	} else if (!gn->active && classes) {
		NL_SET_ERR_MSG(info->extack, "only an active member repairs others");
		err = -ENOTCONN;
	} else if (!gn->active) {
		gwsync_repair_hole(gn);
	} else if (classes) {
		gwsync_repair_ask(gn, nla_data(classes));
	} else {
		gwsync_digest_now(gn);
	}
	mutex_unlock(&gn->lock);
	return err;
}

static int gwsync_get_digest_fill(struct gwsync_net *gn, struct sk_buff *skb)
{
	int err;

	mutex_lock(&gn->lock);
	err = gwsync_digest_fill(gn, skb);
	mutex_unlock(&gn->lock);
	return err;
}

static int gwsync_get_digest_doit(struct sk_buff *skb, struct genl_info *info)
{
	return gwsync_info_answer(info, nla_total_size(GWSYNC_BUCKETS * sizeof(u64)) +
				  nla_total_size(sizeof(u32)), gwsync_get_digest_fill);
}

static int gwsync_get_stats_fill(struct gwsync_net *gn, struct sk_buff *skb)
{
	return gwsync_stats_fill(gn, skb, GWSYNC_A_STATS);
}

static int gwsync_get_stats_doit(struct sk_buff *skb, struct genl_info *info)
{
	return gwsync_info_answer(info, nla_total_size(GWSYNC_STAT_A_MAX *
						       nla_total_size_64bit(sizeof(u64))),
				  gwsync_get_stats_fill);
}

/* A dump's place between two calls: no references are kept. */
struct gwsync_dump {
	unsigned int			size;	/* of the table that it walks */
	unsigned int			bucket;
	u32				last;	/* last flow written of the bucket */
	unsigned int			seq;	/* the table was resized so often */
	struct gwsync_walk_batch	batch;
	u8				record[GWSYNC_RECORD_MAX];
};

/* Opaque outside: the size of the table, by which a resize is noticed, and the bucket. */
static u64 gwsync_dump_cursor(const struct gwsync_dump *dump)
{
	return (u64)dump->size << 32 | dump->bucket;
}

static int gwsync_get_flow_start(struct netlink_callback *cb)
{
	struct nlattr *cursor = gwsync_dump_attrs(cb)[GWSYNC_A_CURSOR];
	unsigned int size = READ_ONCE(nf_conntrack_htable_size);
	struct gwsync_dump *dump;
	u32 bucket = 0;

	if (cursor) {
		if (nla_get_u64(cursor) >> 32 != size) {
			NL_SET_ERR_MSG_ATTR(cb->extack, cursor,
					    "the table was resized: begin anew without CURSOR");
			return -ESTALE;
		}
		bucket = nla_get_u64(cursor);
	}

	dump = kzalloc(sizeof(*dump), GFP_KERNEL_ACCOUNT);
	if (!dump)
		return -ENOMEM;
	dump->size = size;
	dump->bucket = bucket;
	dump->seq = 1;
	cb->args[0] = (long)dump;
	return 0;
}

static int gwsync_get_flow_done(struct netlink_callback *cb)
{
	kfree((void *)cb->args[0]);
	return 0;
}

static int gwsync_flow_state_fill(struct gwsync_net *gn, struct sk_buff *skb,
				  const struct nf_conn *ct)
{
	unsigned long status = READ_ONCE(ct->status);
	bool own = gwsync_flow_is_own(gn, ct);
	struct nlattr *nest;
	u32 flags = 0;

	if (!own)
		flags |= GWSYNC_FLOW_F_REPLICA;
	if (status & BIT(GWSYNC_FLOW_ANNOUNCED_BIT))
		flags |= GWSYNC_FLOW_F_ANNOUNCED;
	if (status & BIT(GWSYNC_FLOW_DIRTY_BIT))
		flags |= GWSYNC_FLOW_F_DIRTY;
	if (status & (BIT(GWSYNC_FLOW_PICKUP_ORIG_BIT) | BIT(GWSYNC_FLOW_PICKUP_REPLY_BIT)))
		flags |= GWSYNC_FLOW_F_PICKUP;

	nest = nla_nest_start(skb, GWSYNC_A_FLOW_STATE);
	if (!nest || nla_put_u32(skb, GWSYNC_FLOW_A_FLAGS, flags) ||
	    (!own && nla_put_u8(skb, GWSYNC_FLOW_A_OWNER, gwsync_flow_owner(ct))))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int gwsync_flow_fill(struct gwsync_net *gn, struct sk_buff *skb,
			    struct netlink_callback *cb, struct nf_conn *ct)
{
	struct gwsync_dump *dump = (struct gwsync_dump *)cb->args[0];
	unsigned int len;
	void *head;

	head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			   &gwsync_family, NLM_F_MULTI, GWSYNC_CMD_GET_FLOW);
	if (!head)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, head);

	len = gwsync_pack_flow(dump->record, sizeof(dump->record), ct, false);
	if (nla_put(skb, GWSYNC_A_RECORDS, len, dump->record) ||
	    nla_put_u64_64bit(skb, GWSYNC_A_CURSOR, gwsync_dump_cursor(dump), GWSYNC_A_PAD) ||
	    gwsync_flow_state_fill(gn, skb, ct)) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

static int gwsync_get_flow_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct gwsync_dump *dump = (struct gwsync_dump *)cb->args[0];
	struct gwsync_net *gn = gwsync_pernet(sock_net(skb->sk));
	unsigned int size, next, i;
	u32 last;

	while (dump->bucket < dump->size) {
		cb->seq = dump->seq;
		last = dump->last;
		size = gwsync_walk_collect(gn, dump->bucket, NULL, &dump->last, &dump->batch,
					   &next);
		if (size != dump->size) {
			/* Marked as inconsistent by genl_dump_check_consistent(). */
			gwsync_walk_release(&dump->batch, 0);
			dump->size = size;
			dump->bucket = 0;
			dump->last = 0;
			dump->seq++;
			continue;
		}

		for (i = 0; i < dump->batch.count; i++) {
			struct nf_conn *ct = dump->batch.ct[i];

			if (!gwsync_walk_reap(gn, ct)) {
				if (gwsync_flow_fill(gn, skb, cb, ct)) {
					dump->last = last;
					gwsync_walk_release(&dump->batch, i);
					return skb->len;
				}
				last = nf_ct_get_id(ct);
			}
			nf_ct_put(ct);
		}
		dump->batch.count = 0;
		dump->bucket = next;
		cond_resched();
	}
	return skb->len;
}

#define GWSYNC_OP(_cmd, _doit, _policy, _maxattr, _flags) {	\
	.cmd		= (_cmd),				\
	.doit		= (_doit),				\
	.policy		= (_policy),				\
	.maxattr	= (_maxattr),				\
	.flags		= (_flags),				\
}

static const struct genl_ops gwsync_ops[] = {
	GWSYNC_OP(GWSYNC_CMD_ATTACH, gwsync_attach_doit, gwsync_attach_policy,
		  GWSYNC_A_EPOCH, GENL_UNS_ADMIN_PERM),
	GWSYNC_OP(GWSYNC_CMD_DETACH, gwsync_detach_doit, gwsync_none_policy,
		  GWSYNC_A_PAD, GENL_UNS_ADMIN_PERM),
	GWSYNC_OP(GWSYNC_CMD_SET, gwsync_set_doit, gwsync_set_policy,
		  GWSYNC_A_PARAM_DIGEST_MS, GENL_UNS_ADMIN_PERM),
	GWSYNC_OP(GWSYNC_CMD_GET, gwsync_get_doit, gwsync_none_policy,
		  GWSYNC_A_PAD, GENL_UNS_ADMIN_PERM),
	GWSYNC_OP(GWSYNC_CMD_SET_MAP, gwsync_set_map_doit, gwsync_map_policy,
		  GWSYNC_A_MAP, GENL_UNS_ADMIN_PERM),
	GWSYNC_OP(GWSYNC_CMD_APPLY, gwsync_apply_doit, gwsync_apply_policy,
		  GWSYNC_A_RECORDS, GENL_UNS_ADMIN_PERM),
	GWSYNC_OP(GWSYNC_CMD_SYNC_BEGIN, gwsync_sync_doit, gwsync_owner_policy,
		  GWSYNC_A_EPOCH, GENL_UNS_ADMIN_PERM),
	GWSYNC_OP(GWSYNC_CMD_SYNC_END, gwsync_sync_doit, gwsync_owner_policy,
		  GWSYNC_A_EPOCH, GENL_UNS_ADMIN_PERM),
	GWSYNC_OP(GWSYNC_CMD_WALK, gwsync_walk_doit, gwsync_walk_policy,
		  GWSYNC_A_WALK_ID, GENL_UNS_ADMIN_PERM),
	GWSYNC_OP(GWSYNC_CMD_ACTIVATE, gwsync_activate_doit, gwsync_activate_policy,
		  GWSYNC_A_SET, GENL_UNS_ADMIN_PERM),
	GWSYNC_OP(GWSYNC_CMD_DEACTIVATE, gwsync_deactivate_doit, gwsync_owner_policy,
		  GWSYNC_A_EPOCH, GENL_UNS_ADMIN_PERM),
	GWSYNC_OP(GWSYNC_CMD_PURGE, gwsync_purge_doit, gwsync_owner_policy,
		  GWSYNC_A_EPOCH, GENL_UNS_ADMIN_PERM),
	GWSYNC_OP(GWSYNC_CMD_REPAIR, gwsync_repair_doit, gwsync_repair_policy,
		  GWSYNC_A_CLASSES, GENL_UNS_ADMIN_PERM),
	GWSYNC_OP(GWSYNC_CMD_GET_DIGEST, gwsync_get_digest_doit, gwsync_none_policy,
		  GWSYNC_A_PAD, GENL_UNS_ADMIN_PERM),
	{
		.cmd		= GWSYNC_CMD_GET_FLOW,
		.start		= gwsync_get_flow_start,
		.dumpit		= gwsync_get_flow_dumpit,
		.done		= gwsync_get_flow_done,
		.policy		= gwsync_flow_policy,
		.maxattr	= GWSYNC_A_CURSOR,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	/* Counters tell nothing about anybody's connections. */
	GWSYNC_OP(GWSYNC_CMD_GET_STATS, gwsync_get_stats_doit, gwsync_none_policy,
		  GWSYNC_A_PAD, 0),
};

static struct genl_family gwsync_family __ro_after_init = {
	.name		= GWSYNC_GENL_NAME,
	.version	= GWSYNC_GENL_VERSION,
	.maxattr	= GWSYNC_A_MAX,
	.netnsok	= true,
	.parallel_ops	= true,
	.ops		= gwsync_ops,
	.n_ops		= ARRAY_SIZE(gwsync_ops),
	.module		= THIS_MODULE,
};

/* The agent's socket was closed. */
static int gwsync_netlink_event(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct netlink_notify *notify = data;
	struct gwsync_net *gn;

	if (event != NETLINK_URELEASE || notify->protocol != NETLINK_GENERIC)
		return NOTIFY_DONE;

	gn = gwsync_pernet(notify->net);
	if (!notify->portid || READ_ONCE(gn->portid) != notify->portid)
		return NOTIFY_DONE;

	mutex_lock(&gn->lock);
	if (gn->portid == notify->portid)
		gwsync_detach(gn);
	mutex_unlock(&gn->lock);
	return NOTIFY_OK;
}

static struct notifier_block gwsync_netlink_nb = {
	.notifier_call = gwsync_netlink_event,
};

int gwsync_netlink_init(void)
{
	int err;

	err = netlink_register_notifier(&gwsync_netlink_nb);
	if (err)
		return err;
	err = genl_register_family(&gwsync_family);
	if (err)
		netlink_unregister_notifier(&gwsync_netlink_nb);
	return err;
}

/* No command can come after this; who is attached is let go by the netns' exit. */
void gwsync_netlink_exit(void)
{
	genl_unregister_family(&gwsync_family);
	netlink_unregister_notifier(&gwsync_netlink_nb);
}
