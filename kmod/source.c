// SPDX-License-Identifier: GPL-2.0
/*
 * Flows whose translated source is an address that nobody has any more.
 *
 * A flow keeps the source that it was given at its beginning.  Where packets of its
 * client keep it alive it has that for ever, also when the address has gone from all
 * gateways, and no answer comes.  The kernel's own clean-up for masquerading goes by
 * the interface that a flow was masqueraded by, which is no part of a record.
 *
 * Which address is meant is for the agent to know; one at a time.  A walk of the table
 * finds the flows.  What ends here ends like any other flow: its tombstone tells others.
 */
#include <linux/netlink.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "emit.h"
#include "event.h"
#include "owner.h"
#include "source.h"
#include "work.h"

void gwsync_source_init(struct gwsync_net *gn)
{
	spin_lock_init(&gn->source.lock);
}

/**
 * gwsync_source_ask - look for own flows that have an address as translated source
 * @gn: the netns
 * @addr: the address, in network order
 * @len: 4 or 16, its bytes
 * @end: end them, and do not only count them
 * @extack: where a refusal is explained
 *
 * GWSYNC_EVENT_SOURCE_DONE tells how many there were.
 *
 * Context: process, under gn->lock.
 * Return: 0, -EBUSY, -EINVAL, -ENOTCONN.
 */
int gwsync_source_ask(struct gwsync_net *gn, const void *addr, unsigned int len, bool end,
		      struct netlink_ext_ack *extack)
{
	struct gwsync_source *asked = &gn->source.asked;
	int err = 0;

	lockdep_assert_held(&gn->lock);

	if (len != sizeof(struct in_addr) && len != sizeof(struct in6_addr)) {
		NL_SET_ERR_MSG(extack, "an address has 4 or 16 bytes");
		return -EINVAL;
	}
	if (!gwsync_owner_is_active(gn)) {
		NL_SET_ERR_MSG(extack, "only an active member has flows of its own");
		return -ENOTCONN;
	}

	spin_lock(&gn->source.lock);
	if (gn->source.busy) {
		NL_SET_ERR_MSG(extack, "flows of another source are being looked for");
		err = -EBUSY;
	} else {
		gn->source.busy = true;
		memset(asked, 0, sizeof(*asked));
		memcpy(&asked->addr, addr, len);
		asked->l3num = len == sizeof(struct in_addr) ? AF_INET : AF_INET6;
		asked->end = end;
	}
	spin_unlock(&gn->source.lock);

	if (!err)
		gwsync_work_ask(gn, GWSYNC_WALK_SOURCE_BIT);
	return err;
}

/**
 * gwsync_source_cancel - the agent has gone: look for nothing
 * @gn: the netns
 *
 * A pass that runs goes on, for nobody.
 *
 * Context: process, under gn->lock; not under emit->lock.
 */
void gwsync_source_cancel(struct gwsync_net *gn)
{
	lockdep_assert_held(&gn->lock);

	gwsync_emit_pause(gn);
	spin_lock(&gn->source.lock);
	gn->source.busy = false;
	gn->source.asked.l3num = 0;
	gn->source.running.l3num = 0;
	spin_unlock(&gn->source.lock);
	gwsync_emit_resume(gn);
}

/**
 * gwsync_source_begin - a pass takes what was asked for
 * @gn: the netns
 *
 * Context: the worker, under emit->lock.
 */
void gwsync_source_begin(struct gwsync_net *gn)
{
	spin_lock(&gn->source.lock);
	gn->source.running = gn->source.asked;
	gn->source.asked.l3num = 0;
	spin_unlock(&gn->source.lock);
	gn->source.count = 0;
}

/**
 * gwsync_source_wants - has a flow the source that is looked for?
 * @gn: the netns
 * @ct: a flow, which may be another one a moment later
 *
 * Context: the worker, under emit->lock.
 */
bool gwsync_source_wants(const struct gwsync_net *gn, const struct nf_conn *ct)
{
	const struct gwsync_source *running = &gn->source.running;
	const struct nf_conntrack_tuple *reply = &ct->tuplehash[IP_CT_DIR_REPLY].tuple;

	return READ_ONCE(ct->status) & IPS_SRC_NAT && reply->src.l3num == running->l3num &&
	       nf_inet_addr_cmp(&reply->dst.u3, &running->addr);
}

/**
 * gwsync_source_flow - count, or end, a flow that has it
 * @gn: the netns
 * @ct: a flow; the caller holds a reference
 *
 * A replica is not ours to end, nor is any flow of a member that owns no more.
 *
 * Context: the worker, under emit->lock.
 */
void gwsync_source_flow(struct gwsync_net *gn, struct nf_conn *ct)
{
	if (!gwsync_source_wants(gn, ct) || nf_ct_is_dying(ct) ||
	    !gwsync_owner_is_active(gn) || !gwsync_flow_is_own(gn, ct))
		return;
	if (gn->source.running.end) {
		nf_ct_kill(ct);
		/* Whether a listener has heard of it already or not. */
		if (!nf_ct_is_dying(ct))
			return;
		gwsync_stat_inc(gn, GWSYNC_STAT_A_SOURCE_ENDED);
	}
	gn->source.count++;
}

/**
 * gwsync_source_done - the pass has been everywhere
 * @gn: the netns
 *
 * Context: the worker, under emit->lock.
 */
void gwsync_source_done(struct gwsync_net *gn)
{
	bool told;

	spin_lock(&gn->source.lock);
	/* Else it was for an agent that has gone. */
	told = gn->source.running.l3num;
	gn->source.running.l3num = 0;
	if (told)
		gn->source.busy = false;
	spin_unlock(&gn->source.lock);
	if (told)
		gwsync_event_send(gn, GWSYNC_EVENT_SOURCE_DONE, 0, 0, gn->source.count);
}
