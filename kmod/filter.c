// SPDX-License-Identifier: GPL-2.0
/*
 * Flows to leave out, so that DNS and scans need cost nothing.
 *
 * One filter a netns, replaced whole; packets read it under RCU.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/inetdevice.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <net/ipv6.h>
#include <net/netlink.h>

#include "filter.h"

/* A prefix of IPv4 as a packet's path wants it. */
struct gwsync_filter_net {
	__be32	addr;
	__be32	mask;
};

struct gwsync_filter {
	struct rcu_head			rcu;
	DECLARE_BITMAP(protocols, 256);
	u16				tcp_states;	/* bits: enum tcp_conntrack */
	unsigned int			n_zones;
	unsigned int			n_marks;
	unsigned int			n_prefixes;
	unsigned int			n_nets;
	unsigned int			n_ports;
	u16				*zones;
	struct gwsync_filter_mark	*marks;
	struct gwsync_filter_prefix	*prefixes;
	struct gwsync_filter_net	*nets;		/* those of IPv4 again */
	struct gwsync_filter_port	*ports;
	u8				data[] __aligned(8);
};

static const struct nla_policy gwsync_filter_policy[GWSYNC_FILTER_A_MAX + 1] = {
	[GWSYNC_FILTER_A_PROTOCOL] = { .type = NLA_U8 },
	[GWSYNC_FILTER_A_ZONE] = { .type = NLA_U16 },
	[GWSYNC_FILTER_A_MARK] = NLA_POLICY_EXACT_LEN(sizeof(struct gwsync_filter_mark)),
	[GWSYNC_FILTER_A_PREFIX] = NLA_POLICY_EXACT_LEN(sizeof(struct gwsync_filter_prefix)),
	[GWSYNC_FILTER_A_PORT] = NLA_POLICY_EXACT_LEN(sizeof(struct gwsync_filter_port)),
	[GWSYNC_FILTER_A_TCP_STATE] = NLA_POLICY_RANGE(NLA_U8, TCP_CONNTRACK_SYN_SENT,
						       TCP_CONNTRACK_SYN_SENT2),
};

static bool gwsync_prefix_is_valid(const struct gwsync_filter_prefix *prefix)
{
	unsigned int words, i;

	if (prefix->pad[0] || prefix->pad[1])
		return false;

	switch (prefix->family) {
	case AF_INET:
		words = 1;
		break;
	case AF_INET6:
		words = 4;
		break;
	default:
		return false;
	}
	if (prefix->len > words * 32)
		return false;
	for (i = words; i < 4; i++)
		if (prefix->addr[i])
			return false;
	return true;
}

/* Count what the nest names, so that one allocation holds it. */
static int gwsync_filter_count(const struct nlattr *nest, unsigned int *count,
			       struct netlink_ext_ack *extack)
{
	const struct nlattr *attr;
	unsigned int total = 0;
	int rem, err;

	err = nla_validate_nested(nest, GWSYNC_FILTER_A_MAX, gwsync_filter_policy, extack);
	if (err)
		return err;

	nla_for_each_nested(attr, nest, rem) {
		count[nla_type(attr)]++;
		if (++total > GWSYNC_FILTER_MAX) {
			NL_SET_ERR_MSG_ATTR(extack, attr, "filter names more than 256 things");
			return -E2BIG;
		}
	}
	return 0;
}

static int gwsync_filter_parse(struct gwsync_filter *filter, const struct nlattr *nest,
			       struct netlink_ext_ack *extack)
{
	const struct gwsync_filter_prefix *prefix;
	const struct gwsync_filter_port *port;
	const struct nlattr *attr;
	int rem;

	nla_for_each_nested(attr, nest, rem) {
		switch (nla_type(attr)) {
		case GWSYNC_FILTER_A_PROTOCOL:
			__set_bit(nla_get_u8(attr), filter->protocols);
			break;
		case GWSYNC_FILTER_A_ZONE:
			filter->zones[filter->n_zones++] = nla_get_u16(attr);
			break;
		case GWSYNC_FILTER_A_MARK:
			memcpy(&filter->marks[filter->n_marks++], nla_data(attr),
			       sizeof(*filter->marks));
			break;
		case GWSYNC_FILTER_A_PREFIX:
			prefix = nla_data(attr);
			if (!gwsync_prefix_is_valid(prefix)) {
				NL_SET_ERR_MSG_ATTR(extack, attr,
						    "prefix: bad family, length or padding");
				return -EINVAL;
			}
			filter->prefixes[filter->n_prefixes++] = *prefix;
			if (prefix->family == AF_INET)
				filter->nets[filter->n_nets++] = (struct gwsync_filter_net) {
					.addr = prefix->addr[0],
					.mask = inet_make_mask(prefix->len),
				};
			break;
		case GWSYNC_FILTER_A_PORT:
			port = nla_data(attr);
			if (port->pad || !port->protocol) {
				NL_SET_ERR_MSG_ATTR(extack, attr,
						    "port: protocol missing or padding not 0");
				return -EINVAL;
			}
			filter->ports[filter->n_ports++] = *port;
			break;
		case GWSYNC_FILTER_A_TCP_STATE:
			filter->tcp_states |= BIT(nla_get_u8(attr));
			break;
		}
	}
	return 0;
}

/**
 * gwsync_filter_set - replace the filter
 * @gn: the netns
 * @nest: GWSYNC_A_FILTER; an empty one takes the filter away
 * @extack: where a refusal is explained
 *
 * Flows that were announced and match the new filter are taken back when they
 * change next.
 *
 * Context: process, under gn->lock.
 * Return: 0, -EINVAL, -E2BIG, -ENOMEM.
 */
int gwsync_filter_set(struct gwsync_net *gn, const struct nlattr *nest,
		      struct netlink_ext_ack *extack)
{
	unsigned int count[GWSYNC_FILTER_A_MAX + 1] = {};
	struct gwsync_filter *filter = NULL, *old;
	size_t marks, prefixes, nets, ports, zones;
	int err;

	lockdep_assert_held(&gn->lock);

	err = gwsync_filter_count(nest, count, extack);
	if (err)
		return err;

	if (nla_len(nest)) {
		marks = count[GWSYNC_FILTER_A_MARK] * sizeof(*filter->marks);
		prefixes = count[GWSYNC_FILTER_A_PREFIX] * sizeof(*filter->prefixes);
		nets = count[GWSYNC_FILTER_A_PREFIX] * sizeof(*filter->nets);
		ports = count[GWSYNC_FILTER_A_PORT] * sizeof(*filter->ports);
		zones = count[GWSYNC_FILTER_A_ZONE] * sizeof(*filter->zones);

		filter = kzalloc(struct_size(filter, data, marks + prefixes + nets + ports +
					     zones),
				 GFP_KERNEL_ACCOUNT);
		if (!filter) {
			NL_SET_ERR_MSG(extack, "no memory for the filter");
			return -ENOMEM;
		}
		filter->marks = (void *)filter->data;
		filter->prefixes = (void *)filter->data + marks;
		filter->nets = (void *)filter->data + marks + prefixes;
		filter->ports = (void *)filter->data + marks + prefixes + nets;
		filter->zones = (void *)filter->data + marks + prefixes + nets + ports;

		err = gwsync_filter_parse(filter, nest, extack);
		if (err) {
			kfree(filter);
			return err;
		}
	}

	old = rcu_replace_pointer(gn->filter, filter, lockdep_is_held(&gn->lock));
	if (old)
		kfree_rcu(old, rcu);
	return 0;
}

static int gwsync_filter_fill_all(const struct gwsync_filter *filter, struct sk_buff *skb)
{
	unsigned long tcp_states = filter->tcp_states;
	unsigned int i;

	for_each_set_bit(i, filter->protocols, 256)
		if (nla_put_u8(skb, GWSYNC_FILTER_A_PROTOCOL, i))
			return -EMSGSIZE;
	for (i = 0; i < filter->n_zones; i++)
		if (nla_put_u16(skb, GWSYNC_FILTER_A_ZONE, filter->zones[i]))
			return -EMSGSIZE;
	for (i = 0; i < filter->n_marks; i++)
		if (nla_put(skb, GWSYNC_FILTER_A_MARK, sizeof(*filter->marks),
			    &filter->marks[i]))
			return -EMSGSIZE;
	for (i = 0; i < filter->n_prefixes; i++)
		if (nla_put(skb, GWSYNC_FILTER_A_PREFIX, sizeof(*filter->prefixes),
			    &filter->prefixes[i]))
			return -EMSGSIZE;
	for (i = 0; i < filter->n_ports; i++)
		if (nla_put(skb, GWSYNC_FILTER_A_PORT, sizeof(*filter->ports),
			    &filter->ports[i]))
			return -EMSGSIZE;
	for_each_set_bit(i, &tcp_states, TCP_CONNTRACK_MAX)
		if (nla_put_u8(skb, GWSYNC_FILTER_A_TCP_STATE, i))
			return -EMSGSIZE;
	return 0;
}

/**
 * gwsync_filter_fill - write the filter into a message
 * @gn: the netns
 * @skb: the message
 * @attrtype: type of the nest
 *
 * Context: process, under gn->lock.
 * Return: 0, -EMSGSIZE.
 */
int gwsync_filter_fill(struct gwsync_net *gn, struct sk_buff *skb, int attrtype)
{
	const struct gwsync_filter *filter;
	struct nlattr *nest;
	int err;

	filter = rcu_dereference_protected(gn->filter, lockdep_is_held(&gn->lock));
	if (!filter)
		return 0;

	nest = nla_nest_start(skb, attrtype);
	if (!nest)
		return -EMSGSIZE;
	err = gwsync_filter_fill_all(filter, skb);
	if (err)
		return err;
	nla_nest_end(skb, nest);
	return 0;
}

static bool gwsync_filter_is_in_nets(const struct gwsync_filter *filter, __be32 src, __be32 dst)
{
	const struct gwsync_filter_net *net = filter->nets;
	const struct gwsync_filter_net *end = net + filter->n_nets;

	for (; net < end; net++)
		if (!((src ^ net->addr) & net->mask) || !((dst ^ net->addr) & net->mask))
			return true;
	return false;
}

static bool gwsync_filter_is_in_prefixes(const struct gwsync_filter *filter,
					 const struct in6_addr *src, const struct in6_addr *dst)
{
	const struct gwsync_filter_prefix *prefix = filter->prefixes;
	const struct gwsync_filter_prefix *end = prefix + filter->n_prefixes;

	for (; prefix < end; prefix++) {
		const struct in6_addr *addr = (const void *)prefix->addr;

		if (prefix->family == AF_INET6 &&
		    (ipv6_prefix_equal(addr, src, prefix->len) ||
		     ipv6_prefix_equal(addr, dst, prefix->len)))
			return true;
	}
	return false;
}

static bool gwsync_filter_is_hit(const struct gwsync_filter *filter, const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *orig = &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	const struct nf_conntrack_tuple *reply = &ct->tuplehash[IP_CT_DIR_REPLY].tuple;
	u8 proto = orig->dst.protonum;
	unsigned int i;

	if (test_bit(proto, filter->protocols))
		return true;

	if (filter->tcp_states && proto == IPPROTO_TCP &&
	    filter->tcp_states & BIT(READ_ONCE(ct->proto.tcp.state)))
		return true;

	for (i = 0; i < filter->n_zones; i++)
		if (nf_ct_zone(ct)->id == filter->zones[i])
			return true;

	for (i = 0; i < filter->n_ports; i++)
		if (filter->ports[i].protocol == proto &&
		    filter->ports[i].port == orig->dst.u.all)
			return true;

#ifdef CONFIG_NF_CONNTRACK_MARK
	for (i = 0; i < filter->n_marks; i++)
		if ((READ_ONCE(ct->mark) & filter->marks[i].mask) == filter->marks[i].value)
			return true;
#endif

	/* The true ends: the source of either direction. */
	if (nf_ct_l3num(ct) == AF_INET6)
		return gwsync_filter_is_in_prefixes(filter, &orig->src.u3.in6, &reply->src.u3.in6);
	return gwsync_filter_is_in_nets(filter, orig->src.u3.ip, reply->src.u3.ip);
}

/**
 * gwsync_filter_match - whether a flow is to be left out
 * @gn: the netns
 * @ct: a confirmed flow
 *
 * Context: any.
 * Return: true: do not announce it.
 */
bool gwsync_filter_match(struct gwsync_net *gn, const struct nf_conn *ct)
{
	const struct gwsync_filter *filter;
	bool hit;

	rcu_read_lock();
	filter = rcu_dereference(gn->filter);
	hit = filter && gwsync_filter_is_hit(filter, ct);
	rcu_read_unlock();
	return hit;
}

/**
 * gwsync_filter_may_turn - whether a flow may begin or cease to match as it lives
 * @gn: the netns
 *
 * By its mark or its state: all else that the filter looks at is the flow's for good.
 *
 * Context: any.
 */
bool gwsync_filter_may_turn(struct gwsync_net *gn)
{
	const struct gwsync_filter *filter;
	bool may;

	rcu_read_lock();
	filter = rcu_dereference(gn->filter);
	may = filter && (filter->n_marks || filter->tcp_states);
	rcu_read_unlock();
	return may;
}

void gwsync_filter_net_exit(struct gwsync_net *gn)
{
	struct gwsync_filter *filter = rcu_replace_pointer(gn->filter, NULL, true);

	if (filter)
		kfree_rcu(filter, rcu);
}
