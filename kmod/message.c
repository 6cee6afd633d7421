// SPDX-License-Identifier: GPL-2.0
/*
 * Messages to user space, and to the agent of a netns without being asked.
 *
 * The family that they are of has all commands, and stands above those (netlink.c): it is
 * handed to this file, which wants no more than its number.
 */
#include <net/genetlink.h>
#include <net/net_namespace.h>

#include "message.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static const struct genl_family *gwsync_message_family;

/**
 * gwsync_message_init - say which family messages are of
 * @family: it is registered after this
 *
 * Context: process, before the first command.
 */
void gwsync_message_init(const struct genl_family *family)
{
	gwsync_message_family = family;
}

/**
 * gwsync_message_put - begin a message
 * @skb: where
 * @portid: to whom
 * @seq: of the request that it answers, or 0
 * @flags: NLM_F_*
 * @cmd: &enum gwsync_cmd
 *
 * Context: any.
 * Return: its head for genlmsg_end(), NULL: no room.
 */
void *gwsync_message_put(struct sk_buff *skb, u32 portid, u32 seq, int flags, u8 cmd)
{
	return genlmsg_put(skb, portid, seq, gwsync_message_family, flags, cmd);
}

/**
 * gwsync_message_delta - give the agent a message of records
 * @gn: the netns
 * @set: members that they are for
 * @walk_id: of the walk that they belong to, or 0
 * @records: packed, one after the other
 * @len: bytes of them, at most GWSYNC_BATCH_BYTES_MAX
 *
 * Context: the worker.
 * Return: 0; -ENOMEM; -EAGAIN: its socket is full; -ECONNREFUSED: it has gone.
 */
int gwsync_message_delta(struct gwsync_net *gn, u64 set, u32 walk_id,
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

	head = gwsync_message_put(skb, 0, 0, 0, GWSYNC_CMD_DELTA);
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
 * gwsync_message_event - give the agent an event
 * @gn: the netns
 * @event: which
 * @owner: or 0
 * @walk_id: or 0
 * @count: of flows
 *
 * Context: the worker.
 * Return: as gwsync_message_delta().
 */
int gwsync_message_event(struct gwsync_net *gn, enum gwsync_event event, u8 owner,
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

	head = gwsync_message_put(skb, 0, 0, 0, GWSYNC_CMD_EVENT);
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
