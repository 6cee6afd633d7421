// SPDX-License-Identifier: GPL-2.0
/*
 * The time that a flow gets when another member takes it over.
 *
 * What is left of a flow's clock is a sample: packets wind it up again and raise
 * no event, so a record would keep whatever was left when a walk happened to pack
 * it, be it a second.  What the flow's protocol gives to a packet in its state
 * does not depend on that moment.  It is a function of what each record carries
 * anyway, and a change of it raises an event.
 *
 * A flow in a flow table has the clock of a day; it is its protocol's that counts.
 */
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_l4proto.h>
#include <net/netfilter/nf_conntrack_timeout.h>

#include "clock.h"
#include "flow.h"
#include "gwsync.h"
#include "owner.h"

/*
 * Not the short clocks of an established connection: of one that waits for an ACK,
 * whose last segment was sent again, whose receiver's window is shut or that got a
 * doubtful RST.  The segment that winds them up raises no event.
 */
static unsigned int gwsync_clock_tcp(const struct nf_conn *ct, const unsigned int *timeouts)
{
	u8 state = READ_ONCE(ct->proto.tcp.state);

	if (!timeouts)
		timeouts = nf_tcp_pernet(nf_ct_net(ct))->timeouts;
	/* Picked up in the middle, and only one end was heard. */
	if (state == TCP_CONNTRACK_ESTABLISHED && !test_bit(IPS_SEEN_REPLY_BIT, &ct->status))
		return min(READ_ONCE(timeouts[state]), READ_ONCE(timeouts[TCP_CONNTRACK_UNACK]));
	return state < TCP_CONNTRACK_MAX ? READ_ONCE(timeouts[state]) : 0;
}

/* One in a flow table does not become assured, conntrack sees none of its packets. */
static unsigned int gwsync_clock_udp(const struct nf_conn *ct, const unsigned int *timeouts)
{
	bool stream = READ_ONCE(ct->status) & (IPS_ASSURED | IPS_OFFLOAD);

	if (!timeouts)
		timeouts = nf_udp_pernet(nf_ct_net(ct))->timeouts;
	return READ_ONCE(timeouts[stream ? UDP_CT_REPLIED : UDP_CT_UNREPLIED]);
}

#ifdef CONFIG_NF_CT_PROTO_SCTP
static unsigned int gwsync_clock_sctp(const struct nf_conn *ct, const unsigned int *timeouts)
{
	unsigned int state = READ_ONCE(ct->proto.sctp.state);

	if (!timeouts)
		timeouts = nf_sctp_pernet(nf_ct_net(ct))->timeouts;
	return state < SCTP_CONNTRACK_MAX ? READ_ONCE(timeouts[state]) : 0;
}
#endif

#ifdef CONFIG_NF_CT_PROTO_DCCP
static unsigned int gwsync_clock_dccp(const struct nf_conn *ct, const unsigned int *timeouts)
{
	unsigned int state = READ_ONCE(ct->proto.dccp.state);

	if (!timeouts)
		timeouts = nf_dccp_pernet(nf_ct_net(ct))->dccp_timeout;
	return state <= CT_DCCP_TIMEWAIT ? READ_ONCE(timeouts[state]) : 0;
}
#endif

/* What a packet of a flow gives it, in jiffies; under RCU. */
static unsigned int gwsync_clock_protocol(const struct nf_conn *ct)
{
	const unsigned int *timeouts = nf_ct_timeout_lookup(ct);
	struct net *net = nf_ct_net(ct);

	switch (nf_ct_protonum(ct)) {
	case IPPROTO_TCP:
		return gwsync_clock_tcp(ct, timeouts);
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return gwsync_clock_udp(ct, timeouts);
#ifdef CONFIG_NF_CT_PROTO_SCTP
	case IPPROTO_SCTP:
		return gwsync_clock_sctp(ct, timeouts);
#endif
#ifdef CONFIG_NF_CT_PROTO_DCCP
	case IPPROTO_DCCP:
		return gwsync_clock_dccp(ct, timeouts);
#endif
#ifdef CONFIG_NF_CT_PROTO_GRE
	case IPPROTO_GRE:
		return test_bit(IPS_SEEN_REPLY_BIT, &ct->status) ? ct->proto.gre.stream_timeout :
								   ct->proto.gre.timeout;
#endif
	case IPPROTO_ICMP:
		return READ_ONCE(*(timeouts ?: &nf_icmp_pernet(net)->timeout));
	case IPPROTO_ICMPV6:
		return READ_ONCE(*(timeouts ?: &nf_icmpv6_pernet(net)->timeout));
	default:
		return READ_ONCE(*(timeouts ?: &nf_generic_pernet(net)->timeout));
	}
}

/* Both ends are done: no packet winds its clock up, and a takeover is no reason to. */
static bool gwsync_clock_is_closing(const struct nf_conn *ct)
{
	return nf_ct_protonum(ct) == IPPROTO_TCP &&
	       READ_ONCE(ct->proto.tcp.state) >= TCP_CONNTRACK_LAST_ACK &&
	       READ_ONCE(ct->proto.tcp.state) <= TCP_CONNTRACK_CLOSE;
}

/**
 * gwsync_clock_seconds - the time that a flow gets at a takeover
 * @ct: a confirmed flow; the caller holds a reference
 *
 * Of a replica of another member it is what its owner has said: its own clock is
 * held, see gwsync_flow_hold().
 *
 * Context: any.
 * Return: seconds.
 */
u32 gwsync_clock_seconds(const struct nf_conn *ct)
{
	unsigned long status = READ_ONCE(ct->status);
	u32 left = nf_ct_expires(ct) / HZ;
	u32 full;

	if (status & BIT(GWSYNC_FLOW_REPLICA_BIT)) {
		left = min(left, gwsync_flow_timeout(ct));
		if (!gwsync_status_is_own(gwsync_pernet(nf_ct_net(ct)), status))
			return left;
	}
	if (status & IPS_FIXED_TIMEOUT)
		return left;

	rcu_read_lock();
	full = gwsync_clock_protocol(ct) / HZ;
	rcu_read_unlock();
	if (status & IPS_OFFLOAD)
		return full;
	return gwsync_clock_is_closing(ct) ? left : max(left, full);
}
