// SPDX-License-Identifier: GPL-2.0
/*
 * TCP windows after activation.
 *
 * A replica has the window edges of its last record.  What flowed since raised
 * no event, so they are stale, by nothing on an idle connection and by
 * gigabytes on a bulk transfer, and tcp_in_window() calls the next segment
 * "over the upper bound".  This lets such a segment re-learn the edges:
 *
 *   far	(both pick-up marks are set) no segment was seen since: one that is
 *		not behind what the replica knows gives both directions a position;
 *   near	(one mark is set) one direction spoke: from then on a segment must
 *		be as close to the edges as data that is in flight can be, that is
 *		within the largest window that the scale of its receiver allows;
 *   strict	(no mark) both did, and the receiver of the data has no hole that a
 *		late ACK could jump over: conntrack alone decides.
 *
 * A mark goes when a segment of its direction was in the window.  In most
 * connections, the idle ones, that is the first segment: they are strict from
 * the start.  Only what conntrack has called invalid is looked at closely; a
 * valid packet costs one test of its flow's marks, and that only while an own flow
 * has a mark.
 *
 * The hooks come when they are needed for the first time, and stay: to take a hook
 * out of a netns drops all packets that wait in its queues for a verdict of user
 * space (nf_queue_nf_hook_drop()), those of others as well.
 *
 * Near covers what one position per direction does not: after a power loss the
 * sender repeats its oldest segment and the receiver acknowledges, or reports
 * by SACK, megabytes beyond it; at a planned switchover the receiver
 * acknowledges what the old owner let through.
 *
 * Addresses do not move on both sides at the same moment, so for a while the
 * old owner sees one direction alone.  It has the hooks for that time too: its
 * flows are replicas then and keep their marks.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/tcp.h>
#include <net/ipv6.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_seqadj.h>
#include <net/tcp.h>

#include "compat.h"
#include "extend.h"
#include "flow.h"
#include "gwsync.h"
#include "owner.h"
#include "pickup.h"

#define GWSYNC_PICKUP_MARKS	(BIT(GWSYNC_FLOW_PICKUP_ORIG_BIT) | \
				 BIT(GWSYNC_FLOW_PICKUP_REPLY_BIT))

/* As MAXACKWINCONST of nf_conntrack_proto_tcp.c. */
#define GWSYNC_PICKUP_WINDOW_MIN	66000U

/* Counts in a row that met nobody before packets pass: ten seconds at the least. */
#define GWSYNC_PICKUP_IDLE	2

/* What a segment says, in the sequence numbers that conntrack keeps. */
struct gwsync_segment {
	u32	seq;
	u32	end;
	u32	ack;	/* raised to the highest edge of SACK */
	u32	hole;	/* ack without SACK */
	u32	win;	/* scaled */
};

static u32 gwsync_segment_end(const struct sk_buff *skb, unsigned int dataoff,
			      const struct tcphdr *th)
{
	return ntohl(th->seq) + skb->len - dataoff - th->doff * 4 + th->syn + th->fin;
}

/* The highest right edge that a SACK option reports (RFC 2018, section 3), or @ack. */
static u32 gwsync_segment_sack(const struct sk_buff *skb, unsigned int dataoff,
			       const struct tcphdr *th, u32 ack)
{
	u8 buf[MAX_TCP_OPTION_SPACE];
	int left = th->doff * 4 - sizeof(*th);
	const u8 *opt;

	if (left <= 0)
		return ack;
	opt = skb_header_pointer(skb, dataoff + sizeof(*th), left, buf);
	while (opt && left > 0) {
		int size, i;

		if (opt[0] == TCPOPT_EOL)
			break;
		if (opt[0] == TCPOPT_NOP) {
			opt++;
			left--;
			continue;
		}
		if (left < 2)
			break;
		size = opt[1];
		if (size < 2 || size > left)
			break;
		if (opt[0] == TCPOPT_SACK) {
			for (i = TCPOLEN_SACK_BASE; i + TCPOLEN_SACK_PERBLOCK <= size;
			     i += TCPOLEN_SACK_PERBLOCK) {
				u32 edge = get_unaligned_be32(opt + i + 4);

				if (after(edge, ack))
					ack = edge;
			}
		}
		opt += size;
		left -= size;
	}
	return ack;
}

static void gwsync_segment_read(struct gwsync_segment *seg, struct nf_conn *ct,
				enum ip_conntrack_dir dir, const struct sk_buff *skb,
				unsigned int dataoff, const struct tcphdr *th)
{
	u32 ack = ntohl(th->ack_seq);
	s32 offset = nf_ct_seq_offset(ct, !dir, ack - 1);

	seg->seq = ntohl(th->seq);
	seg->end = gwsync_segment_end(skb, dataoff, th);
	seg->hole = ack - offset;
	seg->ack = gwsync_segment_sack(skb, dataoff, th, ack) - offset;
	seg->win = (u32)ntohs(th->window) << ct->proto.tcp.seen[dir].td_scale;
}

/* The largest window that this end can have offered: its scale is from the SYN. */
static u32 gwsync_pickup_window(const struct ip_ct_tcp_state *receiver)
{
	return max((u32)U16_MAX << receiver->td_scale, GWSYNC_PICKUP_WINDOW_MIN);
}

static bool gwsync_pickup_state(const struct nf_conn *ct)
{
	switch (ct->proto.tcp.state) {
	case TCP_CONNTRACK_SYN_RECV:
	case TCP_CONNTRACK_ESTABLISHED:
	case TCP_CONNTRACK_FIN_WAIT:
	case TCP_CONNTRACK_CLOSE_WAIT:
	case TCP_CONNTRACK_LAST_ACK:
		return true;
	default:
		return false;
	}
}

/*
 * Not behind what we know by more than a window, and when @near not ahead by
 * more either: @edge is the highest number known, @limit the highest allowed.
 */
static bool gwsync_pickup_bound(u32 value, u32 edge, u32 limit, u32 window, bool near)
{
	if (before(value, edge - window))
		return false;
	return !near || !after(value, limit + window);
}

/* Re-learn both directions' edges from one segment that tcp_in_window() would refuse. */
static bool gwsync_pickup_learn(struct gwsync_net *gn, struct nf_conn *ct,
				enum ip_conntrack_dir dir, const struct gwsync_segment *seg,
				bool near)
{
	struct ip_ct_tcp_state *sender = &ct->proto.tcp.seen[dir];
	struct ip_ct_tcp_state *receiver = &ct->proto.tcp.seen[!dir];
	u32 send_window = gwsync_pickup_window(receiver);
	u32 ack_window = gwsync_pickup_window(sender);

	lockdep_assert_held(&ct->lock);

	if (!after(seg->seq, sender->td_maxend) && !after(seg->ack, receiver->td_end))
		return false;	/* refused for something else */
	if (!gwsync_pickup_bound(seg->end, sender->td_end, sender->td_maxend, send_window, near) ||
	    !gwsync_pickup_bound(seg->ack, receiver->td_end, receiver->td_end, ack_window, near)) {
		gwsync_stat_inc(gn, GWSYNC_STAT_A_PICKUP_REFUSED);
		return false;
	}

	if (after(seg->end, sender->td_end))
		sender->td_end = seg->end;
	if (after(seg->end, sender->td_maxend))
		sender->td_maxend = seg->end +
				    max3(sender->td_maxwin, receiver->td_maxwin,
					 GWSYNC_PICKUP_WINDOW_MIN);
	sender->td_maxwin = max3(sender->td_maxwin, seg->win, 1U);
	if (after(seg->ack, receiver->td_end))
		receiver->td_end = seg->ack;
	if (after(seg->ack + seg->win, receiver->td_maxend))
		receiver->td_maxend = seg->ack + max(seg->win, 1U);
	gwsync_stat_inc(gn, GWSYNC_STAT_A_PICKUP);
	return true;
}

static const struct tcphdr *gwsync_pickup_header(struct sk_buff *skb,
						 const struct nf_hook_state *state,
						 unsigned int *dataoff, struct tcphdr *buf)
{
	const struct tcphdr *th;
	__be16 frag = 0;
	int offset;
	u8 proto;

	if (state->pf == NFPROTO_IPV4) {
		const struct iphdr *iph = ip_hdr(skb);

		if (iph->protocol != IPPROTO_TCP || iph->frag_off & htons(IP_OFFSET))
			return NULL;
		offset = skb_network_offset(skb) + iph->ihl * 4;
	} else {
		proto = ipv6_hdr(skb)->nexthdr;
		offset = ipv6_skip_exthdr(skb, skb_network_offset(skb) + sizeof(struct ipv6hdr),
					  &proto, &frag);
		if (offset < 0 || proto != IPPROTO_TCP || frag & htons(~0x7))
			return NULL;
	}

	th = skb_header_pointer(skb, offset, sizeof(*buf), buf);
	if (!th || th->doff * 4 < sizeof(*th) || skb->len < offset + th->doff * 4)
		return NULL;
	*dataoff = offset;
	return th;
}

/*
 * A segment that conntrack has refused, or may be about to: true when it has
 * taught its flow where the connection is.
 */
static bool gwsync_pickup_segment(struct gwsync_net *gn, struct sk_buff *skb,
				  const struct nf_hook_state *state,
				  const struct nf_conntrack_zone *zone)
{
	struct nf_conntrack_tuple_hash *h;
	struct nf_conntrack_tuple tuple;
	struct gwsync_segment seg;
	enum ip_conntrack_dir dir;
	const struct tcphdr *th;
	unsigned int dataoff;
	unsigned long marks;
	bool learned = false;
	struct tcphdr buf;
	struct nf_conn *ct;

	th = gwsync_pickup_header(skb, state, &dataoff, &buf);
	if (!th || !th->ack || th->syn || th->rst)
		return false;
	if (!nf_ct_get_tuplepr(skb, skb_network_offset(skb), state->pf, state->net, &tuple))
		return false;
	h = nf_conntrack_find_get(state->net, zone, &tuple);
	if (!h)
		return false;
	ct = nf_ct_tuplehash_to_ctrack(h);
	dir = NF_CT_DIRECTION(h);

	marks = READ_ONCE(ct->status) & GWSYNC_PICKUP_MARKS;
	if (!marks)
		goto out;
	if (state->net->ct.sysctl_checksum &&
	    nf_checksum(skb, state->hook, dataoff, IPPROTO_TCP, state->pf))
		goto out;

	gwsync_segment_read(&seg, ct, dir, skb, dataoff, th);
	spin_lock_bh(&ct->lock);
	if (gwsync_pickup_state(ct))
		learned = gwsync_pickup_learn(gn, ct, dir, &seg, marks != GWSYNC_PICKUP_MARKS);
	spin_unlock_bh(&ct->lock);
out:
	nf_ct_put(ct);
	return learned;
}

/*
 * A valid segment of a marked flow: its direction has spoken.  Conntrack lets
 * old segments pass as well ("ignored"), these prove nothing.
 */
static void gwsync_pickup_settle(struct sk_buff *skb, const struct nf_hook_state *state,
				 struct nf_conn *ct, enum ip_conntrack_info ctinfo)
{
	enum ip_conntrack_dir dir = CTINFO2DIR(ctinfo);
	struct ip_ct_tcp_state *sender, *receiver;
	struct gwsync_segment seg;
	const struct tcphdr *th;
	unsigned int dataoff;
	struct tcphdr buf;
	bool last, spoke;

	if (!test_bit(GWSYNC_FLOW_PICKUP_ORIG_BIT + dir, &ct->status))
		return;
	th = gwsync_pickup_header(skb, state, &dataoff, &buf);
	if (!th || !th->ack || th->syn || th->rst)
		return;

	gwsync_segment_read(&seg, ct, dir, skb, dataoff, th);
	last = !test_bit(GWSYNC_FLOW_PICKUP_ORIG_BIT + !dir, &ct->status);
	spin_lock_bh(&ct->lock);
	sender = &ct->proto.tcp.seen[dir];
	receiver = &ct->proto.tcp.seen[!dir];
	spoke = !after(seg.seq, sender->td_maxend) &&
		after(seg.end, sender->td_end - receiver->td_maxwin - 1) &&
		!after(seg.ack, receiver->td_end) &&
		after(seg.ack, receiver->td_end - max(sender->td_maxwin,
						      GWSYNC_PICKUP_WINDOW_MIN) - 1);
	/* What filled the holes before we came would be acknowledged in a jump. */
	if (last && seg.ack != seg.hole)
		spoke = false;
	if (spoke)
		clear_bit(GWSYNC_FLOW_PICKUP_ORIG_BIT + dir, &ct->status);
	spin_unlock_bh(&ct->lock);
}

/*
 * The packet that this CPU has in hand, when it has no other zone than the default
 * one.  Conntrack takes the template away from a packet that it calls invalid, and
 * with that its zone.  What is not noted here, be it that another packet came between
 * the hooks, is left as conntrack has found it.
 */
static DEFINE_PER_CPU(const struct sk_buff *, gwsync_pickup_plain);

/* After conntrack. */
static unsigned int gwsync_pickup_hook(void *priv, struct sk_buff *skb,
				       const struct nf_hook_state *state)
{
	struct gwsync_net *gn = gwsync_pernet(state->net);
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct = nf_ct_get(skb, &ctinfo);
	const struct sk_buff *plain;
	unsigned int verdict;

	if (!READ_ONCE(gn->pickup.started)) {
		this_cpu_write(gwsync_pickup_plain, NULL);
		return NF_ACCEPT;
	}
	plain = this_cpu_xchg(gwsync_pickup_plain, NULL);
	if (ct) {
		if (unlikely(READ_ONCE(ct->status) & GWSYNC_PICKUP_MARKS) &&
		    nf_ct_protonum(ct) == IPPROTO_TCP && gwsync_flow_is_own(gn, ct))
			gwsync_pickup_settle(skb, state, ct, ctinfo);
		return NF_ACCEPT;
	}
	/* In another zone than its own it would find somebody else's flow. */
	if (ctinfo == IP_CT_UNTRACKED || plain != skb)
		return NF_ACCEPT;
	if (!gwsync_pickup_segment(gn, skb, state, &nf_ct_zone_dflt))
		return NF_ACCEPT;

	verdict = nf_conntrack_in(skb, state);
	ct = nf_ct_get(skb, &ctinfo);
	if (verdict == NF_ACCEPT && ct)
		gwsync_pickup_settle(skb, state, ct, ctinfo);
	return verdict;
}

/*
 * Before conntrack: a zone is known from the template that the rules put on
 * the packet.  So segments of other zones are looked at here, whether conntrack
 * will like them or not.
 */
static unsigned int gwsync_pickup_zone_hook(void *priv, struct sk_buff *skb,
					    const struct nf_hook_state *state)
{
	struct gwsync_net *gn = gwsync_pernet(state->net);
	const struct nf_conntrack_zone *zone;
	struct nf_conntrack_zone buf;
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct = nf_ct_get(skb, &ctinfo);

	if (!READ_ONCE(gn->pickup.started))
		return NF_ACCEPT;
	if (ct && nf_ct_is_template(ct)) {
		zone = nf_ct_zone_tmpl(ct, skb, &buf);
		if (zone->id != NF_CT_DEFAULT_ZONE_ID) {
			this_cpu_write(gwsync_pickup_plain, NULL);
			gwsync_pickup_segment(gn, skb, state, zone);
			return NF_ACCEPT;
		}
	}
	this_cpu_write(gwsync_pickup_plain, skb);
	return NF_ACCEPT;
}

static const struct nf_hook_ops gwsync_pickup_ops[] = {
	{
		.hook		= gwsync_pickup_zone_hook,
		.pf		= NFPROTO_IPV4,
		.hooknum	= NF_INET_PRE_ROUTING,
		.priority	= NF_IP_PRI_CONNTRACK - 1,
	}, {
		.hook		= gwsync_pickup_hook,
		.pf		= NFPROTO_IPV4,
		.hooknum	= NF_INET_PRE_ROUTING,
		.priority	= NF_IP_PRI_CONNTRACK + 1,
	}, {
		.hook		= gwsync_pickup_zone_hook,
		.pf		= NFPROTO_IPV6,
		.hooknum	= NF_INET_PRE_ROUTING,
		.priority	= NF_IP6_PRI_CONNTRACK - 1,
	}, {
		.hook		= gwsync_pickup_hook,
		.pf		= NFPROTO_IPV6,
		.hooknum	= NF_INET_PRE_ROUTING,
		.priority	= NF_IP6_PRI_CONNTRACK + 1,
	},
};

/**
 * gwsync_pickup_init - prepare a netns
 * @gn: state of the netns, zeroed
 *
 * Context: process.
 */
void gwsync_pickup_init(struct gwsync_net *gn)
{
	mutex_init(&gn->pickup.lock);
}

/**
 * gwsync_pickup_start - look at packets from now on
 * @gn: state of the netns
 *
 * Context: process.
 * Return: 0, also when it was started before, or the error of registering.
 */
int gwsync_pickup_start(struct gwsync_net *gn)
{
	int err = 0;

	mutex_lock(&gn->pickup.lock);
	gn->pickup.starts++;
	gn->pickup.idle = 0;
	if (!gn->pickup.hooked)
		err = nf_register_net_hooks(gn->net, gwsync_pickup_ops,
					    ARRAY_SIZE(gwsync_pickup_ops));
	if (!err) {
		gn->pickup.hooked = true;
		WRITE_ONCE(gn->pickup.started, true);
	}
	mutex_unlock(&gn->pickup.lock);
	if (!err)
		gwsync_extend_note(gn);
	return err;
}

/**
 * gwsync_pickup_stop - leave packets alone: the netns, or the module, goes
 * @gn: state of the netns
 *
 * Context: process, before the exit of the netns: between the two the core waits
 * for packets that are in the hooks.
 */
void gwsync_pickup_stop(struct gwsync_net *gn)
{
	mutex_lock(&gn->pickup.lock);
	WRITE_ONCE(gn->pickup.started, false);
	if (gn->pickup.hooked)
		nf_unregister_net_hooks(gn->net, gwsync_pickup_ops,
					ARRAY_SIZE(gwsync_pickup_ops));
	gn->pickup.hooked = false;
	mutex_unlock(&gn->pickup.lock);
}

/**
 * gwsync_pickup_started - are packets looked at?
 * @gn: state of the netns
 *
 * Context: any.
 */
bool gwsync_pickup_started(const struct gwsync_net *gn)
{
	return READ_ONCE(gn->pickup.started);
}

/**
 * gwsync_pickup_count_begin - a walk begins to count flows that wait
 * @gn: state of the netns
 *
 * Context: process, the worker.
 */
void gwsync_pickup_count_begin(struct gwsync_net *gn)
{
	mutex_lock(&gn->pickup.lock);
	gn->pickup.counted = gn->pickup.starts;
	gn->pickup.waiting = 0;
	mutex_unlock(&gn->pickup.lock);
}

/**
 * gwsync_pickup_waits - does a flow wait for its windows?
 * @ct: an own flow
 *
 * Context: any.
 */
bool gwsync_pickup_waits(const struct nf_conn *ct)
{
	return READ_ONCE(ct->status) & GWSYNC_PICKUP_MARKS;
}

/**
 * gwsync_pickup_count - count a flow that waits
 * @gn: state of the netns
 *
 * Context: process, the worker.
 */
void gwsync_pickup_count(struct gwsync_net *gn)
{
	gn->pickup.waiting++;
}

/**
 * gwsync_pickup_count_done - a walk has counted: nobody waits, packets pass
 * @gn: state of the netns
 *
 * Context: process, the worker.
 */
void gwsync_pickup_count_done(struct gwsync_net *gn)
{
	mutex_lock(&gn->pickup.lock);
	if (gn->pickup.waiting || gn->pickup.counted != gn->pickup.starts)
		gn->pickup.idle = 0;
	else if (++gn->pickup.idle >= GWSYNC_PICKUP_IDLE)
		WRITE_ONCE(gn->pickup.started, false);
	mutex_unlock(&gn->pickup.lock);
}
