// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>

#include "base/log.h"
#include "config/address.h"
#include "fib/kernel.h"

#define EVENTS_BUFFER	(16 << 20)
#define REQUESTS_BUFFER	(1 << 20)
#define READ_BUFFER	65536
#define COMPAT		"/proc/sys/net/ipv4/nexthop_compat_mode"

static int kernel_socket(uint32_t groups, int buffer)
{
	struct sockaddr_nl local = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	int one = 1, err;

	if (fd < 0)
		return -errno;
	/* As much as one may; what is lost is asked for again. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	if (!bind(fd, (struct sockaddr *)&local, sizeof(local)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int fib_kernel_open(struct fib_kernel *k, const struct fib_watcher *watcher)
{
	static const int groups[] = { RTNLGRP_NEXTHOP, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE };
	struct sockaddr_nl self = { .nl_pid = UINT32_MAX };	/* nobody's */
	socklen_t len = sizeof(self);
	unsigned int i;
	int err = 0;

	memset(k, 0, offsetof(struct fib_kernel, batch));
	k->watcher = *watcher;
	k->requests = -1;
	k->compat = open(COMPAT, O_RDWR | O_CLOEXEC);
	k->events = kernel_socket(RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RTMGRP_LINK |
				  RTMGRP_IPV4_IFADDR, EVENTS_BUFFER);
	if (k->events < 0)
		return k->events;
	for (i = 0; i < sizeof(groups) / sizeof(groups[0]) && !err; i++)
		err = setsockopt(k->events, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
				 sizeof(groups[i])) ? -errno : 0;
	k->requests = err ? err : kernel_socket(0, REQUESTS_BUFFER);
	if (k->requests >= 0) {
		getsockname(k->requests, (struct sockaddr *)&self, &len);
		k->self = self.nl_pid;
		return 0;
	}
	close(k->events);
	k->events = -1;
	return k->requests;
}

void fib_kernel_close(struct fib_kernel *k)
{
	if (k->events >= 0)
		close(k->events);
	if (k->requests >= 0)
		close(k->requests);
	if (k->compat >= 0)
		close(k->compat);
	k->events = -1;
	k->requests = -1;
	k->compat = -1;
}

/* What the kernel tells */

static bool hop_gateway(struct fib_hop *hop, uint8_t family, const struct nlattr *gateway,
			const struct nlattr *via)
{
	const uint8_t *at;

	if (gateway) {
		if (mnl_attr_get_payload_len(gateway) != address_bytes(family))
			return false;
		hop->family = family;
		memcpy(hop->gateway, mnl_attr_get_payload(gateway), address_bytes(family));
	} else if (via) {	/* struct rtvia: a family of 16 bits, then the address */
		uint16_t of;

		at = mnl_attr_get_payload(via);
		memcpy(&of, at, sizeof(of));
		if ((of != AF_INET && of != AF_INET6) ||
		    mnl_attr_get_payload_len(via) != sizeof(of) + address_bytes((uint8_t)of))
			return false;
		hop->family = (uint8_t)of;
		memcpy(hop->gateway, at + sizeof(of), address_bytes(hop->family));
	}
	return true;
}

static bool parse_multipath(struct fib_route *r, const struct nlattr *multipath)
{
	const uint8_t *at = mnl_attr_get_payload(multipath);
	size_t left = mnl_attr_get_payload_len(multipath);

	while (left >= sizeof(struct rtnexthop)) {
		const struct nlattr *gateway = NULL, *via = NULL;
		struct fib_hop *hop = &r->hop[r->hops];
		struct rtnexthop rtnh;
		const void *inside = at + sizeof(rtnh);
		const struct nlattr *attr;
		size_t attrs;

		memcpy(&rtnh, at, sizeof(rtnh));
		if (rtnh.rtnh_len < sizeof(rtnh) || rtnh.rtnh_len > left || r->hops == FIB_HOPS)
			return false;
		attrs = rtnh.rtnh_len - sizeof(rtnh);
		mnl_attr_for_each_payload(inside, attrs) {
			if (mnl_attr_get_type(attr) == RTA_GATEWAY)
				gateway = attr;
			else if (mnl_attr_get_type(attr) == RTA_VIA &&
				 mnl_attr_get_payload_len(attr) >= 2)
				via = attr;
			else if (mnl_attr_get_type(attr) == RTA_ENCAP)
				return false;
		}
		memset(hop, 0, sizeof(*hop));
		hop->ifindex = rtnh.rtnh_ifindex;
		hop->weight = rtnh.rtnh_hops;
		hop->onlink = rtnh.rtnh_flags & RTNH_F_ONLINK;
		if (!hop_gateway(hop, r->family, gateway, via))
			return false;
		r->hops++;
		if (NLMSG_ALIGN(rtnh.rtnh_len) >= left)
			break;
		at += NLMSG_ALIGN(rtnh.rtnh_len);
		left -= NLMSG_ALIGN(rtnh.rtnh_len);
	}
	return r->hops;
}

static bool parse_metrics(struct fib_route *r, const struct nlattr *nest)
{
	static const uint16_t min[RTAX_MAX + 1];
	const struct nlattr *tb[RTAX_MAX + 1];
	unsigned int type;

	if (!netlink_nested(nest, tb, min, RTAX_MAX))
		return false;
	for (type = 1; type <= RTAX_MAX; type++) {
		if (!tb[type])
			continue;
		if (type == RTAX_CC_ALGO || mnl_attr_get_payload_len(tb[type]) != 4 ||
		    r->metrics == FIB_METRICS)
			return false;
		r->metrics_of[r->metrics].type = (uint8_t)type;
		r->metrics_of[r->metrics++].value = mnl_attr_get_u32(tb[type]);
	}
	return true;
}

static bool is_reject(uint8_t type)
{
	return type == RTN_BLACKHOLE || type == RTN_UNREACHABLE || type == RTN_PROHIBIT;
}

static bool parse_ways(struct fib_route *r, const struct nlattr **tb, unsigned int flags)
{
	struct fib_hop *hop = &r->hop[0];

	if (tb[RTA_PREFSRC]) {
		if (mnl_attr_get_payload_len(tb[RTA_PREFSRC]) != address_bytes(r->family))
			return false;
		r->source_len = (uint8_t)address_bytes(r->family);
		memcpy(r->source, mnl_attr_get_payload(tb[RTA_PREFSRC]), r->source_len);
	}
	if (tb[RTA_ENCAP] || (tb[RTA_METRICS] && !parse_metrics(r, tb[RTA_METRICS])))
		return false;
	if (is_reject(r->type))
		return true;
	if (tb[RTA_MULTIPATH])
		return parse_multipath(r, tb[RTA_MULTIPATH]);
	if (!tb[RTA_OIF])
		return false;
	hop->ifindex = (int)mnl_attr_get_u32(tb[RTA_OIF]);
	hop->onlink = flags & RTNH_F_ONLINK;
	r->hops = 1;
	return hop_gateway(hop, r->family, tb[RTA_GATEWAY], tb[RTA_VIA]);
}

void fib_kernel_parse(const struct nlmsghdr *nlh, struct fib_seen *seen)
{
	static const uint16_t min[RTA_MAX + 1] = {
		[RTA_OIF] = 4, [RTA_PRIORITY] = 4, [RTA_TABLE] = 4, [RTA_VIA] = 2,
	};
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[RTA_MAX + 1];
	struct fib_route *r = &seen->route;
	unsigned int bytes;

	memset(seen, 0, sizeof(*seen));
	if ((nlh->nlmsg_type != RTM_NEWROUTE && nlh->nlmsg_type != RTM_DELROUTE) ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm))
		return;
	bytes = address_bytes(rtm->rtm_family);
	if (!bytes || rtm->rtm_dst_len > 8 * bytes || rtm->rtm_flags & RTM_F_CLONED ||
	    !netlink_attrs(nlh, sizeof(*rtm), tb, min, RTA_MAX) ||
	    (tb[RTA_DST] && mnl_attr_get_payload_len(tb[RTA_DST]) != bytes) ||
	    (!tb[RTA_DST] && rtm->rtm_dst_len))
		return;
	seen->gone = nlh->nlmsg_type == RTM_DELROUTE;
	seen->appended = nlh->nlmsg_flags & NLM_F_APPEND;
	seen->ours = rtm->rtm_protocol == FIB_PROTOCOL;
	r->family = rtm->rtm_family;
	r->prefix_len = rtm->rtm_dst_len;
	r->tos = rtm->rtm_tos;
	r->table = tb[RTA_TABLE] ? mnl_attr_get_u32(tb[RTA_TABLE]) : rtm->rtm_table;
	r->type = rtm->rtm_type;
	r->protocol = rtm->rtm_protocol;
	r->scope = rtm->rtm_scope;
	if (tb[RTA_DST])
		memcpy(r->prefix, mnl_attr_get_payload(tb[RTA_DST]), bytes);
	if (tb[RTA_PRIORITY])
		r->metric = mnl_attr_get_u32(tb[RTA_PRIORITY]);
	if (!address_is_network(r->family, r->prefix, r->prefix_len))
		return;
	if (r->protocol == RTPROT_KERNEL || r->protocol == RTPROT_REDIRECT ||
	    r->protocol == RTPROT_RA || (r->type != RTN_UNICAST && !is_reject(r->type)))
		seen->told = FIB_TOLD_LOCAL;
	else if (rtm->rtm_src_len || !parse_ways(r, tb, rtm->rtm_flags))
		seen->told = FIB_TOLD_UNFIT;
	else
		seen->told = FIB_TOLD_ROUTE;
}

static void kernel_nexthop(struct fib_kernel *k, const struct nlmsghdr *nlh)
{
	static const uint16_t min[NHA_ID + 1] = { [NHA_ID] = 4 };
	const struct nlattr *tb[NHA_ID + 1];
	uint32_t id;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nhmsg) ||
	    !netlink_attrs(nlh, sizeof(struct nhmsg), tb, min, NHA_ID) || !tb[NHA_ID])
		return;
	id = mnl_attr_get_u32(tb[NHA_ID]);
	if ((id & FIB_ID_MASK) != FIB_ID)
		k->watcher.shaken(k->watcher.arg);
	else if (nlh->nlmsg_type == RTM_DELNEXTHOP)
		k->watcher.nexthop_gone(k->watcher.arg, id);
}

static bool rule_is_ours(const struct nlmsghdr *nlh)
{
	static const uint16_t min[FRA_MAX + 1] = { [FRA_PROTOCOL] = 1 };
	const struct nlattr *tb[FRA_MAX + 1];

	return netlink_attrs(nlh, sizeof(struct fib_rule_hdr), tb, min, FRA_MAX) &&
	       tb[FRA_PROTOCOL] && mnl_attr_get_u8(tb[FRA_PROTOCOL]) == FIB_PROTOCOL;
}

/* When objects by an interface go: nh_netdev_event() of net/ipv4/nexthop.c. */
static void kernel_link(struct fib_kernel *k, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);

	k->watcher.shaken(k->watcher.arg);
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi) || ifi->ifi_family == AF_BRIDGE)
		return;
	if (nlh->nlmsg_type == RTM_DELLINK || !(ifi->ifi_flags & IFF_UP) ||
	    !(ifi->ifi_flags & (IFF_RUNNING | IFF_LOWER_UP)))
		k->watcher.link_down(k->watcher.arg, ifi->ifi_index);
}

static void kernel_message(struct fib_kernel *k, const struct nlmsghdr *nlh)
{
	bool of_dump = k->dumping && nlh->nlmsg_seq == k->dump_seq;
	struct fib_seen seen;
	int err = 0;

	if (of_dump && nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		k->dump_cut = true;
	switch (nlh->nlmsg_type) {
	case NLMSG_DONE:
	case NLMSG_ERROR:
		if (!of_dump)
			return;
		k->dumping = false;
		/* A dump that broke off says so in its end; a table that is not there is empty. */
		if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(err))
			memcpy(&err, mnl_nlmsg_get_payload(nlh), sizeof(err));
		k->watcher.dumped(k->watcher.arg, nlh->nlmsg_type == NLMSG_DONE && !k->dump_cut &&
				  (!err || err == -ENOENT));
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		kernel_link(k, nlh);
		break;
	case RTM_DELADDR:	/* routes go with it, without a word on each */
		k->watcher.shaken(k->watcher.arg);
		break;
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		kernel_nexthop(k, nlh);
		break;
	case RTM_NEWRULE:
		break;
	case RTM_DELRULE:
		if (rule_is_ours(nlh))
			k->watcher.rule_gone(k->watcher.arg);
		break;
	default:
		fib_kernel_parse(nlh, &seen);
		seen.dumped = of_dump;
		/* What this daemon removed may be there again by now. */
		if (seen.gone && nlh->nlmsg_pid == k->self)
			break;
		if (seen.told != FIB_TOLD_NOTHING)
			k->watcher.seen(k->watcher.arg, &seen);
	}
}

bool fib_kernel_read(struct fib_kernel *k, unsigned int most)
{
	char buffer[READ_BUFFER] __attribute__((aligned(8)));

	while (most--) {
		const struct nlmsghdr *nlh = (void *)buffer;
		ssize_t n = recv(k->events, buffer, sizeof(buffer), MSG_TRUNC);
		int len = (int)n;

		if (n < 0 && errno != EINTR && errno != ENOBUFS) {
			k->congested = false;
			return true;
		}
		if (n > (ssize_t)sizeof(buffer) || (n < 0 && errno == ENOBUFS)) {
			k->dump_cut = true;
			k->congested |= n < 0;
			k->watcher.lost(k->watcher.arg);
			continue;
		}
		for (; n > 0 && mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
			kernel_message(k, nlh);
	}
	return false;
}

int fib_kernel_dump(struct fib_kernel *k, uint8_t family, uint32_t table)
{
	char message[64] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(message);
	struct rtmsg *rtm;

	if (k->dumping)
		return -EBUSY;
	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	if (!++k->dump_seq)
		k->dump_seq = 1;
	nlh->nlmsg_seq = k->dump_seq;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = family;
	mnl_attr_put_u32(nlh, RTA_TABLE, table);
	if (send(k->events, nlh, nlh->nlmsg_len, 0) < 0)
		return -errno;
	k->dumping = true;
	k->dump_cut = false;
	return 0;
}

void fib_kernel_quiet(struct fib_kernel *k, bool quiet)
{
	static char was;
	ssize_t n;

	if (k->compat < 0)
		return;
	if (quiet) {
		n = pread(k->compat, &was, 1, 0);
		if (n == 1 && was == '1')
			n = pwrite(k->compat, "0", 1, 0);
	} else if (was == '1') {
		n = pwrite(k->compat, "1", 1, 0);
	} else {
		return;
	}
	if (n != 1)
		log_debug("routes: %s: %s", COMPAT, strerror(errno));
}

/* Requests */

static void kernel_refused(struct fib_kernel *k, const struct nlmsghdr *nlh)
{
	uint32_t what = nlh->nlmsg_seq & FIB_ASK_MASK;
	char why[NETLINK_EXTACK];
	int err;

	if (nlh->nlmsg_type != NLMSG_ERROR)
		return;
	err = netlink_error(nlh, why);
	if (!err || (what == FIB_ASK_REMOVE && (err == -ENOENT || err == -ESRCH)) ||
	    (what == FIB_ASK_RULE && (err == -EEXIST || err == -ENOENT)))
		return;
	k->refused++;
	if (err != k->error)
		log_debug("routes: the kernel refuses %u of %u: %s%s%s",
			  nlh->nlmsg_seq & ~FIB_ASK_MASK, what >> 28, strerror(-err),
			  why[0] ? ": " : "", why);
	k->error = err;
	memcpy(k->why, why, sizeof(why));
	k->watcher.refused(k->watcher.arg, nlh->nlmsg_seq, err);
}

/* The kernel has done all of it when send() returns. */
static void kernel_answers(struct fib_kernel *k)
{
	char buffer[READ_BUFFER] __attribute__((aligned(8)));

	for (;;) {
		const struct nlmsghdr *nlh = (void *)buffer;
		ssize_t n = recv(k->requests, buffer, sizeof(buffer), 0);
		int len = (int)n;

		if (n < 0 && errno == ENOBUFS)
			k->watcher.lost(k->watcher.arg);
		else if (n < 0 && errno != EINTR)
			return;
		for (; n > 0 && mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
			kernel_refused(k, nlh);
	}
}

void fib_kernel_flush(struct fib_kernel *k)
{
	ssize_t n;

	if (!k->used)
		return;
	do {
		n = send(k->requests, k->batch, k->used, 0);
	} while (n < 0 && errno == EINTR);
	k->used = 0;
	if (n < 0) {
		k->error = -errno;
		k->refused++;
		log_debug("routes: send: %s", strerror(errno));
		k->watcher.lost(k->watcher.arg);
	}
	kernel_answers(k);
}

static struct nlmsghdr *kernel_start(struct fib_kernel *k, uint16_t type, uint16_t flags,
				     uint32_t seq)
{
	struct nlmsghdr *nlh;

	if (k->used + FIB_MESSAGE_MAX > sizeof(k->batch))
		fib_kernel_flush(k);
	nlh = mnl_nlmsg_put_header(k->batch + k->used);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = seq;
	return nlh;
}

static void kernel_end(struct fib_kernel *k, const struct nlmsghdr *nlh)
{
	k->used += MNL_ALIGN(nlh->nlmsg_len);
}

static struct nlmsghdr *kernel_route(struct fib_kernel *k, uint16_t type, uint16_t flags,
				     uint32_t seq, const struct fib_route *r, uint32_t table)
{
	struct nlmsghdr *nlh = kernel_start(k, type, flags, seq);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	rtm->rtm_family = r->family;
	rtm->rtm_dst_len = r->prefix_len;
	rtm->rtm_tos = r->tos;
	rtm->rtm_protocol = FIB_PROTOCOL;
	rtm->rtm_type = r->type;
	if (r->prefix_len)
		mnl_attr_put(nlh, RTA_DST, address_bytes(r->family), r->prefix);
	mnl_attr_put_u32(nlh, RTA_TABLE, table);
	if (r->metric)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, r->metric);
	return nlh;
}

void fib_kernel_route(struct fib_kernel *k, uint32_t id, const struct fib_route *r,
		      uint32_t table, uint32_t nexthop)
{
	struct nlmsghdr *nlh = kernel_route(k, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE,
					    FIB_ASK_ROUTE | id, r, table);
	struct nlattr *nest;
	unsigned int i;

	if (r->metrics) {
		nest = mnl_attr_nest_start(nlh, RTA_METRICS);
		for (i = 0; i < r->metrics; i++)
			mnl_attr_put_u32(nlh, r->metrics_of[i].type, r->metrics_of[i].value);
		mnl_attr_nest_end(nlh, nest);
	}
	if (nexthop)
		mnl_attr_put_u32(nlh, RTA_NH_ID, nexthop);
	kernel_end(k, nlh);
}

void fib_kernel_route_remove(struct fib_kernel *k, const struct fib_route *r, uint32_t table)
{
	struct nlmsghdr *nlh = kernel_route(k, RTM_DELROUTE, 0, FIB_ASK_REMOVE, r, table);
	struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);

	rtm->rtm_type = 0;
	rtm->rtm_scope = RT_SCOPE_NOWHERE;
	kernel_end(k, nlh);
}

static struct nlmsghdr *kernel_nexthop_new(struct fib_kernel *k, uint32_t id, uint8_t family,
					   uint32_t flags)
{
	struct nlmsghdr *nlh = kernel_start(k, RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_REPLACE,
					    FIB_ASK_NEXTHOP | (id & ~FIB_ID_MASK));
	struct nhmsg *nhm = mnl_nlmsg_put_extra_header(nlh, sizeof(*nhm));

	nhm->nh_family = family;
	nhm->nh_protocol = FIB_PROTOCOL;
	nhm->nh_flags = flags;
	mnl_attr_put_u32(nlh, NHA_ID, id);
	return nlh;
}

void fib_kernel_nexthop(struct fib_kernel *k, uint32_t id, uint8_t family,
			const struct fib_hop *hop)
{
	uint8_t of = hop && hop->family ? hop->family : family;
	/* Not looked for in the tables: its addresses come later. */
	struct nlmsghdr *nlh = kernel_nexthop_new(k, id, of,
						  hop && hop->family ? RTNH_F_ONLINK : 0);

	if (!hop) {
		mnl_attr_put(nlh, NHA_BLACKHOLE, 0, NULL);
	} else {
		mnl_attr_put_u32(nlh, NHA_OIF, (uint32_t)hop->ifindex);
		if (hop->family)
			mnl_attr_put(nlh, NHA_GATEWAY, address_bytes(hop->family), hop->gateway);
	}
	kernel_end(k, nlh);
}

void fib_kernel_group(struct fib_kernel *k, uint32_t id, const struct fib_member *members,
		      unsigned int count)
{
	struct nlmsghdr *nlh = kernel_nexthop_new(k, id, AF_UNSPEC, 0);
	struct nexthop_grp group[FIB_HOPS] = { { 0 } };
	unsigned int i;

	for (i = 0; i < count; i++) {
		group[i].id = members[i].id;
		/* The highest one is the next field's in later kernels. */
		group[i].weight = members[i].weight == UINT8_MAX ? UINT8_MAX - 1 :
				  members[i].weight;
	}
	mnl_attr_put(nlh, NHA_GROUP, count * sizeof(group[0]), group);
	kernel_end(k, nlh);
}

void fib_kernel_nexthop_remove(struct fib_kernel *k, uint32_t id)
{
	struct nlmsghdr *nlh = kernel_start(k, RTM_DELNEXTHOP, 0, FIB_ASK_REMOVE);

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct nhmsg));
	mnl_attr_put_u32(nlh, NHA_ID, id);
	kernel_end(k, nlh);
}

void fib_kernel_rule(struct fib_kernel *k, uint8_t family, const struct fib_rule *rule,
		     bool remove)
{
	struct nlmsghdr *nlh = kernel_start(k, remove ? RTM_DELRULE : RTM_NEWRULE,
					    remove ? 0 : NLM_F_CREATE | NLM_F_EXCL,
					    FIB_ASK_RULE);
	struct fib_rule_hdr *frh = mnl_nlmsg_put_extra_header(nlh, sizeof(*frh));

	frh->family = family;
	frh->action = FR_ACT_TO_TBL;
	mnl_attr_put_u32(nlh, FRA_PRIORITY, rule->priority);
	mnl_attr_put_u32(nlh, FRA_TABLE, rule->table);
	mnl_attr_put_u8(nlh, FRA_PROTOCOL, FIB_PROTOCOL);
	if (rule->iif)
		mnl_attr_put_strz(nlh, FRA_IIFNAME, rule->iif);
	if (rule->oif)
		mnl_attr_put_strz(nlh, FRA_OIFNAME, rule->oif);
	if (rule->no_default)
		mnl_attr_put_u32(nlh, FRA_SUPPRESS_PREFIXLEN, 0);
	kernel_end(k, nlh);
}
