// SPDX-License-Identifier: GPL-2.0
/*
 * GWSYNC_CMD_GET_FLOW: all flows of a netns, as records and with what we know of them.
 */
#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/sock.h>

#include "compat.h"
#include "dump.h"
#include "flow.h"
#include "mask.h"
#include "message.h"
#include "owner.h"
#include "pack.h"
#include "walk.h"

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

int gwsync_dump_start(struct netlink_callback *cb)
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
	/* Its cursor is a bucket and a flow of it. */
	dump->batch.single = true;
	dump->size = size;
	dump->bucket = bucket;
	dump->seq = 1;
	cb->args[0] = (long)dump;
	return 0;
}

int gwsync_dump_done(struct netlink_callback *cb)
{
	kfree((void *)cb->args[0]);
	return 0;
}

static int gwsync_dump_state(struct gwsync_net *gn, struct sk_buff *skb,
			     const struct nf_conn *ct)
{
	unsigned long status = READ_ONCE(ct->status);
	bool own = gwsync_flow_is_own(gn, ct);
	u32 mask = READ_ONCE(gn->params.mark_mask);
	struct nlattr *nest;
	u32 flags = 0;

	if (!own)
		flags |= GWSYNC_FLOW_F_REPLICA;
	if (status & BIT(GWSYNC_FLOW_ANNOUNCED_BIT))
		flags |= GWSYNC_FLOW_F_ANNOUNCED;
	if (gwsync_status_changed(status))
		flags |= GWSYNC_FLOW_F_DIRTY;
	if (status & (BIT(GWSYNC_FLOW_PICKUP_ORIG_BIT) | BIT(GWSYNC_FLOW_PICKUP_REPLY_BIT)))
		flags |= GWSYNC_FLOW_F_PICKUP;

	if (!own && !gwsync_mask_takes_labels(gn))
		flags |= GWSYNC_FLOW_F_NO_LABELS;

	nest = nla_nest_start(skb, GWSYNC_A_FLOW_STATE);
	if (!nest || nla_put_u32(skb, GWSYNC_FLOW_A_FLAGS, flags) ||
	    (!own && nla_put_u8(skb, GWSYNC_FLOW_A_OWNER, gwsync_flow_owner(ct))) ||
	    (!own && mask != U32_MAX && nla_put_u32(skb, GWSYNC_FLOW_A_MARK_MASK, mask)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int gwsync_dump_flow(struct gwsync_net *gn, struct sk_buff *skb,
			    struct netlink_callback *cb, struct nf_conn *ct)
{
	struct gwsync_dump *dump = (struct gwsync_dump *)cb->args[0];
	unsigned int len;
	void *head;

	head = gwsync_message_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				  NLM_F_MULTI, GWSYNC_CMD_GET_FLOW);
	if (!head)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, head);

	len = gwsync_pack_flow(dump->record, sizeof(dump->record), ct, false);
	if (nla_put(skb, GWSYNC_A_RECORDS, len, dump->record) ||
	    nla_put_u64_64bit(skb, GWSYNC_A_CURSOR, gwsync_dump_cursor(dump), GWSYNC_A_PAD) ||
	    gwsync_dump_state(gn, skb, ct)) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

int gwsync_dump_next(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct gwsync_dump *dump = (struct gwsync_dump *)cb->args[0];
	struct gwsync_net *gn = gwsync_pernet(sock_net(skb->sk));
	unsigned int size, next, i;
	u32 last;

	while (dump->bucket < dump->size) {
		cb->seq = dump->seq;
		last = dump->last;
		size = gwsync_walk_collect(gn, dump->bucket, &dump->last, &dump->batch, &next);
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
				if (gwsync_dump_flow(gn, skb, cb, ct)) {
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
