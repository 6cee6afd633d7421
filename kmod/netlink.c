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

#include "apply.h"
#include "attach.h"
#include "compat.h"
#include "digest.h"
#include "dump.h"
#include "filter.h"
#include "flow.h"
#include "full.h"
#include "lease.h"
#include "map.h"
#include "mask.h"
#include "message.h"
#include "mute.h"
#include "netlink.h"
#include "owner.h"
#include "params.h"
#include "queue.h"
#include "repair.h"
#include "source.h"
#include "stats.h"
#include "takeover.h"
#include "trace.h"
#include "walk.h"
#include "work.h"

#define GWSYNC_RECORDS_MAX	60000	/* bytes of records in one APPLY */

static struct genl_family gwsync_family;

/* Of a command without attributes: a maxattr of 0 would mean the family's. */
static const struct nla_policy gwsync_none_policy[GWSYNC_A_PAD + 1] = {
	[GWSYNC_A_PAD] = { .type = NLA_REJECT },
};

static const struct nla_policy gwsync_attach_policy[GWSYNC_A_PORTS + 1] = {
	[GWSYNC_A_MEMBER] = NLA_POLICY_RANGE(NLA_U8, 1, GWSYNC_MEMBER_MAX),
	[GWSYNC_A_EPOCH] = { .type = NLA_U32 },
	[GWSYNC_A_PORTS] = { .type = NLA_BINARY, .len = GWSYNC_PORTS_MAX * sizeof(__be16) },
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

static struct netlink_range_validation gwsync_audit_ms_range = {
	.max = GWSYNC_AUDIT_MS_MAX,
};

static struct netlink_range_validation gwsync_hold_ms_range = {
	.max = GWSYNC_HOLD_MS_MAX,
};

static const struct nla_policy gwsync_set_policy[GWSYNC_A_PARAM_MARK_MASK + 1] = {
	[GWSYNC_A_FILTER] = { .type = NLA_NESTED },
	[GWSYNC_A_PARAM_FLUSH_MS] = NLA_POLICY_MAX(NLA_U32, GWSYNC_FLUSH_MS_MAX),
	[GWSYNC_A_PARAM_HOLD_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &gwsync_hold_ms_range),
	[GWSYNC_A_PARAM_BATCH_BYTES] = NLA_POLICY_RANGE(NLA_U32, GWSYNC_BATCH_BYTES_MIN,
							GWSYNC_BATCH_BYTES_MAX),
	[GWSYNC_A_PARAM_TOMBSTONES] = NLA_POLICY_FULL_RANGE(NLA_U32, &gwsync_tombstones_range),
	[GWSYNC_A_PARAM_WALK_RATE] = NLA_POLICY_FULL_RANGE(NLA_U32, &gwsync_walk_rate_range),
	[GWSYNC_A_PARAM_DIGEST_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &gwsync_digest_ms_range),
	[GWSYNC_A_PARAM_AUDIT_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &gwsync_audit_ms_range),
	[GWSYNC_A_PARAM_LABELS] = NLA_POLICY_MAX(NLA_U32, GWSYNC_LABELS_OFF),
	[GWSYNC_A_PARAM_MARK_MASK] = { .type = NLA_U32 },
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

static struct netlink_range_validation gwsync_term_ms_range = {
	.max = GWSYNC_TERM_MS_MAX,
};

static const struct nla_policy gwsync_lease_policy[GWSYNC_A_TERM_MS + 1] = {
	[GWSYNC_A_IFINDEX] = { .type = NLA_BINARY, .len = GWSYNC_LEASE_MAX * sizeof(u32) },
	[GWSYNC_A_TERM_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &gwsync_term_ms_range),
};

static const struct nla_policy gwsync_source_policy[GWSYNC_A_END + 1] = {
	[GWSYNC_A_SOURCE] = { .type = NLA_BINARY, .len = sizeof(struct in6_addr) },
	[GWSYNC_A_END] = { .type = NLA_FLAG },
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
	[GWSYNC_A_TERM_MS] = "TERM_MS is missing",
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

static int gwsync_attach_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct gwsync_net *gn = gwsync_info_pernet(info);
	const struct nlattr *ports = info->attrs[GWSYNC_A_PORTS];
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
	err = gwsync_attach(gn, info->snd_portid, nla_get_u8(info->attrs[GWSYNC_A_MEMBER]),
			    nla_get_u32(info->attrs[GWSYNC_A_EPOCH]),
			    ports ? nla_data(ports) : NULL,
			    ports ? nla_len(ports) / sizeof(__be16) : 0, info->extack);
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
	u32 labels = gn->params.labels, mark_mask = gn->params.mark_mask;
	int err;

	lockdep_assert_held(&gn->lock);

	/* What can fail comes first. */
	if (attrs[GWSYNC_A_PARAM_HOLD_MS] && nla_get_u32(attrs[GWSYNC_A_PARAM_HOLD_MS])) {
		err = gwsync_queue_hold(gn, extack);
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
	gwsync_set_u32(attrs, GWSYNC_A_PARAM_AUDIT_MS, &gn->params.audit_ms);
	gwsync_set_u32(attrs, GWSYNC_A_PARAM_LABELS, &labels);
	gwsync_set_u32(attrs, GWSYNC_A_PARAM_MARK_MASK, &mark_mask);
	gwsync_mask_set(gn, labels, mark_mask);
	/* The worker may sleep for what was the longer round. */
	if (attrs[GWSYNC_A_PARAM_DIGEST_MS] && gwsync_owner_is_active(gn))
		gwsync_work_kick(gn);
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
	u8 self = gwsync_owner_self(gn);

	lockdep_assert_held(&gn->lock);

	if ((self && nla_put_u8(skb, GWSYNC_A_MEMBER, self)) ||
	    nla_put_u32(skb, GWSYNC_A_EPOCH, gwsync_owner_epoch(gn)) ||
	    nla_put_u8(skb, GWSYNC_A_ACTIVE, gwsync_owner_is_active(gn)) ||
	    nla_put_u64_64bit(skb, GWSYNC_A_SET, gwsync_owner_adopted(gn), GWSYNC_A_PAD) ||
	    nla_put_u64_64bit(skb, GWSYNC_A_BOOT_ID, gn->boot_id, GWSYNC_A_PAD) ||
	    nla_put_u32(skb, GWSYNC_A_PARAM_FLUSH_MS, params->flush_ms) ||
	    nla_put_u32(skb, GWSYNC_A_PARAM_HOLD_MS, params->hold_ms) ||
	    nla_put_u32(skb, GWSYNC_A_PARAM_BATCH_BYTES, params->batch_bytes) ||
	    nla_put_u32(skb, GWSYNC_A_PARAM_TOMBSTONES, params->tombstones) ||
	    nla_put_u32(skb, GWSYNC_A_PARAM_WALK_RATE, params->walk_rate) ||
	    nla_put_u32(skb, GWSYNC_A_PARAM_DIGEST_MS, params->digest_ms) ||
	    nla_put_u32(skb, GWSYNC_A_PARAM_AUDIT_MS, params->audit_ms) ||
	    nla_put_u32(skb, GWSYNC_A_PARAM_LABELS, params->labels) ||
	    nla_put_u32(skb, GWSYNC_A_PARAM_MARK_MASK, params->mark_mask) ||
	    nla_put_u64_64bit(skb, GWSYNC_A_REPLICAS, atomic64_read(&gn->replicas),
			      GWSYNC_A_PAD) ||
	    nla_put_u64_64bit(skb, GWSYNC_A_FLOWS, atomic64_read(&gn->announced),
			      GWSYNC_A_PAD) ||
	    nla_put_u32(skb, GWSYNC_A_WAITING, gwsync_queue_waiting(gn)) ||
	    nla_put_u32(skb, GWSYNC_A_MUTE, gwsync_mute_count(gn)) ||
	    gwsync_lease_fill(gn, skb))
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
		err = gwsync_full_ask(gn, nla_get_u64(info->attrs[GWSYNC_A_SET]), walk_id,
				      info->extack);
	} else {
		gwsync_full_cancel(gn);
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
	if (!gwsync_owner_self(gn)) {
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
	if (!err) {
		gwsync_lease_end(gn);
		gwsync_work_flush(gn);
	}
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
	} else if (!gwsync_owner_is_active(gn) && classes) {
		NL_SET_ERR_MSG(info->extack, "only an active member repairs others");
		err = -ENOTCONN;
	} else if (!gwsync_owner_is_active(gn)) {
		gwsync_owner_hole(gn);
	} else if (classes) {
		gwsync_repair_ask(gn, nla_data(classes));
	} else {
		gwsync_digest_now(gn);
	}
	mutex_unlock(&gn->lock);
	return err;
}

static int gwsync_lease(struct gwsync_net *gn, const struct nlattr *ifindex, u32 term_ms,
			struct netlink_ext_ack *extack)
{
	lockdep_assert_held(&gn->lock);

	if (!gn->attached) {
		NL_SET_ERR_MSG(extack, "no agent is attached to this netns");
		return -ENOTCONN;
	}
	if (!term_ms) {
		gwsync_lease_give_back(gn);
		return 0;
	}
	if (!ifindex)
		return gwsync_lease_renew(gn, term_ms, extack);
	if (nla_len(ifindex) % sizeof(u32)) {
		NL_SET_ERR_MSG_ATTR(extack, ifindex, "not an array of u32");
		return -EINVAL;
	}
	return gwsync_lease_take(gn, nla_data(ifindex), nla_len(ifindex) / sizeof(u32), term_ms,
				 extack);
}

static int gwsync_lease_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct gwsync_net *gn = gwsync_info_pernet(info);
	int err;

	err = gwsync_info_need(info, GWSYNC_A_TERM_MS);
	if (err)
		return err;

	mutex_lock(&gn->lock);
	err = gwsync_lease(gn, info->attrs[GWSYNC_A_IFINDEX],
			   nla_get_u32(info->attrs[GWSYNC_A_TERM_MS]), info->extack);
	mutex_unlock(&gn->lock);
	return err;
}

static int gwsync_source_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct gwsync_net *gn = gwsync_info_pernet(info);
	const struct nlattr *source = info->attrs[GWSYNC_A_SOURCE];
	int err;

	err = gwsync_info_need(info, GWSYNC_A_SOURCE);
	if (err)
		return err;

	mutex_lock(&gn->lock);
	if (!gn->attached) {
		NL_SET_ERR_MSG(info->extack, "no agent is attached to this netns");
		err = -ENOTCONN;
	} else {
		err = gwsync_source_ask(gn, nla_data(source), nla_len(source),
					nla_get_flag(info->attrs[GWSYNC_A_END]), info->extack);
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

#define GWSYNC_OP(_cmd, _doit, _policy, _maxattr, _flags) {	\
	.cmd		= (_cmd),				\
	.doit		= (_doit),				\
	.policy		= (_policy),				\
	.maxattr	= (_maxattr),				\
	.flags		= (_flags),				\
}

static const struct genl_ops gwsync_ops[] = {
	GWSYNC_OP(GWSYNC_CMD_ATTACH, gwsync_attach_doit, gwsync_attach_policy,
		  GWSYNC_A_PORTS, GENL_UNS_ADMIN_PERM),
	GWSYNC_OP(GWSYNC_CMD_DETACH, gwsync_detach_doit, gwsync_none_policy,
		  GWSYNC_A_PAD, GENL_UNS_ADMIN_PERM),
	GWSYNC_OP(GWSYNC_CMD_SET, gwsync_set_doit, gwsync_set_policy,
		  GWSYNC_A_PARAM_MARK_MASK, GENL_UNS_ADMIN_PERM),
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
	GWSYNC_OP(GWSYNC_CMD_LEASE, gwsync_lease_doit, gwsync_lease_policy,
		  GWSYNC_A_TERM_MS, GENL_UNS_ADMIN_PERM),
	GWSYNC_OP(GWSYNC_CMD_SOURCE, gwsync_source_doit, gwsync_source_policy,
		  GWSYNC_A_END, GENL_UNS_ADMIN_PERM),
	{
		.cmd		= GWSYNC_CMD_GET_FLOW,
		.start		= gwsync_dump_start,
		.dumpit		= gwsync_dump_next,
		.done		= gwsync_dump_done,
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

	gwsync_message_init(&gwsync_family);
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
