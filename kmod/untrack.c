// SPDX-License-Identifier: GPL-2.0
/*
 * The group's own datagrams when the conntrack table is full.
 *
 * Conntrack drops a packet that begins a flow when there is no room, and evicts
 * flows that nobody has answered first: a heartbeat is multicast, nobody answers
 * it, so a SYN flood makes a living member silent.  While the table is nearly
 * full the datagrams to the group's ports pass without an entry.  At other times
 * they are left alone, since rules may well ask for their state.
 */
#include <linux/ip.h>
#include <linux/netfilter_ipv4.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/netfilter/nf_conntrack.h>

#include "gwsync.h"
#include "untrack.h"

/* Nearly full: less room than this part of it.  Early drop begins when it is full. */
#define GWSYNC_UNTRACK_ROOM	16

static bool gwsync_untrack_is_full(struct net *net)
{
	unsigned int max = READ_ONCE(nf_conntrack_max);

	return max && nf_conntrack_count(net) >= max - max / GWSYNC_UNTRACK_ROOM;
}

/* A port of the group's? */
static bool gwsync_untrack_has(const struct gwsync_net *gn, __be16 port)
{
	unsigned int count = READ_ONCE(gn->untrack.count);

	for (unsigned int i = 0; i < count; i++)
		if (READ_ONCE(gn->untrack.port[i]) == port)
			return true;
	return false;
}

/* Runs just before conntrack, behind the rules that choose a zone. */
static unsigned int gwsync_untrack_hook(void *priv, struct sk_buff *skb,
					const struct nf_hook_state *state)
{
	struct gwsync_net *gn = gwsync_pernet(state->net);
	const struct iphdr *iph = ip_hdr(skb);
	struct udphdr buf;
	const struct udphdr *uh;
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct;

	if (!READ_ONCE(gn->untrack.count) || !ipv4_is_multicast(iph->daddr) ||
	    iph->protocol != IPPROTO_UDP || ip_is_fragment(iph))
		return NF_ACCEPT;
	uh = skb_header_pointer(skb, skb_network_offset(skb) + ip_hdrlen(skb), sizeof(buf), &buf);
	if (!uh || !gwsync_untrack_has(gn, uh->dest) || !gwsync_untrack_is_full(state->net))
		return NF_ACCEPT;

	ct = nf_ct_get(skb, &ctinfo);
	if (ctinfo == IP_CT_UNTRACKED || (ct && !nf_ct_is_template(ct)))
		return NF_ACCEPT;
	/* The zone of a packet that is not looked up means nothing. */
	nf_reset_ct(skb);
	nf_ct_set(skb, NULL, IP_CT_UNTRACKED);
	gwsync_stat_inc(gn, GWSYNC_STAT_A_UNTRACKED);
	return NF_ACCEPT;
}

static const struct nf_hook_ops gwsync_untrack_ops[] = {
	{
		.hook		= gwsync_untrack_hook,
		.pf		= NFPROTO_IPV4,
		.hooknum	= NF_INET_PRE_ROUTING,
		.priority	= NF_IP_PRI_CONNTRACK - 1,
	}, {
		.hook		= gwsync_untrack_hook,
		.pf		= NFPROTO_IPV4,
		.hooknum	= NF_INET_LOCAL_OUT,
		.priority	= NF_IP_PRI_CONNTRACK - 1,
	},
};

/**
 * gwsync_untrack_start - let the group's datagrams pass a full table
 * @gn: state of the netns
 * @ports: UDP ports of the group
 * @count: of them, up to GWSYNC_PORTS_MAX
 * @extack: (out) why not
 *
 * The hooks stay until the netns or the module goes: taking a hook away drops
 * whatever waits in any NFQUEUE of the netns (nf_queue_nf_hook_drop()).
 *
 * Context: process; gn->lock.
 * Return: 0, or the error of registering.
 */
int gwsync_untrack_start(struct gwsync_net *gn, const __be16 *ports, unsigned int count,
			 struct netlink_ext_ack *extack)
{
	lockdep_assert_held(&gn->lock);

	if (!count)
		return 0;
	if (!gn->untrack.hooked) {
		int err = nf_register_net_hooks(gn->net, gwsync_untrack_ops,
						ARRAY_SIZE(gwsync_untrack_ops));

		if (err) {
			NL_SET_ERR_MSG(extack, "the hooks of PORTS cannot be registered");
			return err;
		}
		gn->untrack.hooked = true;
	}
	count = min_t(unsigned int, count, GWSYNC_PORTS_MAX);
	for (unsigned int i = 0; i < count; i++)
		WRITE_ONCE(gn->untrack.port[i], ports[i]);
	WRITE_ONCE(gn->untrack.count, count);
	return 0;
}

/**
 * gwsync_untrack_stop - leave all datagrams alone
 * @gn: state of the netns
 *
 * Context: process; gn->lock.
 */
void gwsync_untrack_stop(struct gwsync_net *gn)
{
	lockdep_assert_held(&gn->lock);
	WRITE_ONCE(gn->untrack.count, 0);
}

/**
 * gwsync_untrack_exit - take the hooks away
 * @gn: state of the netns, which goes
 *
 * Context: process, pernet pre_exit: the core waits for packets before exit.
 */
void gwsync_untrack_exit(struct gwsync_net *gn)
{
	if (gn->untrack.hooked)
		nf_unregister_net_hooks(gn->net, gwsync_untrack_ops,
					ARRAY_SIZE(gwsync_untrack_ops));
	gn->untrack.hooked = false;
}
