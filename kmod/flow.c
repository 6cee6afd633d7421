// SPDX-License-Identifier: GPL-2.0
/*
 * What a flow says by itself: marks, class and clock.
 *
 * Nothing here depends on the state of a netns.
 */
#include <linux/jhash.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_helper.h>

#include "flow.h"

/**
 * gwsync_flow_key - what a flow is found by
 * @tuple: original tuple
 * @zone: its zone
 *
 * Over numbers and not over bytes in memory: members of another byte order
 * find the same.  It is no secret: who chooses his tuples to fill one class
 * has that class sent again as a whole when one flow of it differs.
 *
 * Context: any.
 * Return: a hash; gwsync_flow_class_by() of it is the flow's class.
 */
u32 gwsync_flow_key(const struct nf_conntrack_tuple *tuple, u16 zone)
{
	u32 init = (u32)zone << 16 | (u32)(u8)tuple->src.l3num << 8 | tuple->dst.protonum;
	u32 ids = (u32)be16_to_cpu(tuple->src.u.all) << 16 | be16_to_cpu(tuple->dst.u.all);
	u32 word[9];
	int i;

	if (tuple->src.l3num == AF_INET)
		return jhash_3words(be32_to_cpu(tuple->src.u3.ip), be32_to_cpu(tuple->dst.u3.ip),
				    ids, init);
	for (i = 0; i < 4; i++) {
		word[i] = be32_to_cpu(tuple->src.u3.ip6[i]);
		word[4 + i] = be32_to_cpu(tuple->dst.u3.ip6[i]);
	}
	word[8] = ids;
	return jhash2(word, ARRAY_SIZE(word), init);
}

/**
 * gwsync_flow_marks - the marks of a replica
 * @owner: member whose flow it is
 * @gen: generation of the full sync that names it
 * @timeout: seconds left on the owner
 * @l4proto: IPPROTO_*, TCP may re-learn its windows once it is ours
 *
 * Context: any.
 * Return: bits of ct->status.
 */
unsigned long gwsync_flow_marks(u8 owner, bool gen, u32 timeout, u8 l4proto)
{
	unsigned long marks = BIT(GWSYNC_FLOW_REPLICA_BIT);

	marks |= (unsigned long)owner << GWSYNC_FLOW_OWNER_SHIFT;
	marks |= min_t(unsigned long, timeout, GWSYNC_FLOW_TIMEOUT_MAX)
		 << GWSYNC_FLOW_TIMEOUT_SHIFT;
	if (gen)
		marks |= BIT(GWSYNC_FLOW_GEN_BIT);
	if (l4proto == IPPROTO_TCP)
		marks |= BIT(GWSYNC_FLOW_PICKUP_ORIG_BIT) | BIT(GWSYNC_FLOW_PICKUP_REPLY_BIT);
	return marks;
}

/**
 * gwsync_flow_hold - stop a flow's own clock
 * @ct: a flow
 *
 * Half of what nf_ct_is_expired() can tell from the past: 49 days at HZ=250.
 * Stray traffic may shorten it again, which GWSYNC_WALK_EXTEND_BIT repairs.
 *
 * Context: any.
 */
void gwsync_flow_hold(struct nf_conn *ct)
{
	WRITE_ONCE(ct->timeout, nfct_time_stamp + INT_MAX / 2);
}

/**
 * gwsync_flow_is_held - is a flow's clock where gwsync_flow_hold() put it?
 * @ct: a flow
 *
 * No protocol's timeout comes near: a quarter of the range is 24 days at
 * HZ=250, and a walk puts the clock back every few seconds.
 *
 * Context: any.
 * Return: false when a packet has set the clock since.
 */
bool gwsync_flow_is_held(const struct nf_conn *ct)
{
	return nf_ct_expires(ct) > INT_MAX / 4;
}

/**
 * gwsync_flow_helper_resync - tell a helper that it missed packets
 * @ct: a flow
 *
 * Helpers that follow sequence numbers (ftp) have a call that makes them start
 * afresh: that of ctnetlink, which it makes for flows from user space.  Those
 * of user space helpers want an attribute that we do not have.
 *
 * Context: any.
 */
void gwsync_flow_helper_resync(struct nf_conn *ct)
{
	const struct nf_conntrack_helper *helper;
	const struct nf_conn_help *help;

	rcu_read_lock();
	help = nfct_help(ct);
	helper = help ? rcu_dereference(help->helper) : NULL;
	if (helper && helper->from_nlattr && !(helper->flags & NF_CT_HELPER_F_USERSPACE))
		helper->from_nlattr(NULL, ct);
	rcu_read_unlock();
}
