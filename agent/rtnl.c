// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>

#include "address.h"
#include "log.h"
#include "rtnl.h"

#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP 0x10000	/* linux/if.h and net/if.h do not go together */
#endif

int rtnl_open(struct rtnl *rtnl)
{
	rtnl->count = 0;
	rtnl->used = 0;
	rtnl->error = 0;
	return netlink_open(&rtnl->netlink, NETLINK_ROUTE);
}

void rtnl_close(struct rtnl *rtnl)
{
	netlink_close(&rtnl->netlink);
}

static int rtnl_answer(struct rtnl *rtnl, unsigned int i)
{
	int err = netlink_wait(&rtnl->netlink, rtnl->first_seq + i, NULL, NULL);

	if (!err || err == rtnl->op[i].ignore)
		return 0;
	log_error("rtnetlink: %s: %s%s%s", rtnl->op[i].what, strerror(-err),
		  rtnl->netlink.extack[0] ? ": " : "", rtnl->netlink.extack);
	return err;
}

static void rtnl_flush(struct rtnl *rtnl)
{
	unsigned int i;
	int err;

	if (!rtnl->count)
		return;
	err = netlink_send(&rtnl->netlink, rtnl->message, rtnl->used);
	if (err)
		log_error("rtnetlink: %s", strerror(-err));
	for (i = 0; !err && i < rtnl->count; i++) {
		int one = rtnl_answer(rtnl, i);

		if (one && !rtnl->error)
			rtnl->error = one;
		if (one == -ETIMEDOUT || one == -ENOBUFS)
			err = one;
	}
	if (err && !rtnl->error)
		rtnl->error = err;
	rtnl->count = 0;
	rtnl->used = 0;
}

int rtnl_commit(struct rtnl *rtnl)
{
	int err;

	rtnl_flush(rtnl);
	err = rtnl->error;
	rtnl->error = 0;
	return err;
}

static struct nlmsghdr *rtnl_start(struct rtnl *rtnl, uint16_t type, uint16_t flags,
				   const char *what, int ignore)
{
	struct nlmsghdr *nlh;

	if (rtnl->count == RTNL_BATCH)
		rtnl_flush(rtnl);
	/* The answers are told apart by a run of numbers. */
	if (!rtnl->count && rtnl->netlink.seq > UINT32_MAX - 2 * RTNL_BATCH)
		rtnl->netlink.seq = 0;
	nlh = netlink_start(&rtnl->netlink, rtnl->message + rtnl->used, type, NLM_F_ACK | flags);
	if (!rtnl->count)
		rtnl->first_seq = nlh->nlmsg_seq;
	rtnl->op[rtnl->count].what = what;
	rtnl->op[rtnl->count].ignore = ignore;
	return nlh;
}

static void rtnl_end(struct rtnl *rtnl, const struct nlmsghdr *nlh)
{
	rtnl->used += MNL_ALIGN(nlh->nlmsg_len);
	rtnl->count++;
}

static struct nlmsghdr *rtnl_link_start(struct rtnl *rtnl, uint16_t type, uint16_t flags,
					const char *what, int ignore, int index,
					unsigned int set, unsigned int change)
{
	struct nlmsghdr *nlh = rtnl_start(rtnl, type, flags, what, ignore);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = index;
	ifi->ifi_flags = set;
	ifi->ifi_change = change;
	return nlh;
}

void rtnl_macvlan_add(struct rtnl *rtnl, const char *name, int parent, const uint8_t mac[6])
{
	struct nlmsghdr *nlh = rtnl_link_start(rtnl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
					       "create macvlan", 0, 0, 0, 0);
	struct nlattr *info, *data;

	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	mnl_attr_put_u32(nlh, IFLA_LINK, (uint32_t)parent);
	mnl_attr_put(nlh, IFLA_ADDRESS, 6, mac);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "macvlan");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	mnl_attr_put_u32(nlh, IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	rtnl_end(rtnl, nlh);
}

void rtnl_link_del(struct rtnl *rtnl, int index)
{
	rtnl_end(rtnl, rtnl_link_start(rtnl, RTM_DELLINK, 0, "remove macvlan", -ENODEV, index,
				       0, 0));
}

void rtnl_link_updown(struct rtnl *rtnl, int index, bool up)
{
	/* To go down is what the loss of the device did already. */
	rtnl_end(rtnl, rtnl_link_start(rtnl, RTM_NEWLINK, 0, up ? "macvlan up" : "macvlan down",
				       up ? 0 : -ENODEV, index, up ? IFF_UP : 0, IFF_UP));
}

void rtnl_link_alias(struct rtnl *rtnl, const char *name, const char *alias)
{
	struct nlmsghdr *nlh = rtnl_link_start(rtnl, RTM_SETLINK, 0, "alias of macvlan", 0, 0,
					       0, 0);

	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	mnl_attr_put(nlh, IFLA_IFALIAS, strlen(alias), alias);
	rtnl_end(rtnl, nlh);
}

void rtnl_link_conf(struct rtnl *rtnl, const char *name, const struct rtnl_conf *conf,
		    unsigned int count)
{
	struct nlmsghdr *nlh = rtnl_link_start(rtnl, RTM_SETLINK, 0, "set ARP behaviour",
					       -ENODEV, 0, 0, 0);
	struct nlattr *spec, *inet, *values;
	unsigned int i;

	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	spec = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	inet = mnl_attr_nest_start(nlh, AF_INET);
	values = mnl_attr_nest_start(nlh, IFLA_INET_CONF);
	for (i = 0; i < count; i++)
		mnl_attr_put_u32(nlh, conf[i].id, conf[i].value);
	mnl_attr_nest_end(nlh, values);
	mnl_attr_nest_end(nlh, inet);
	mnl_attr_nest_end(nlh, spec);
	rtnl_end(rtnl, nlh);
}

void rtnl_link_no_address(struct rtnl *rtnl, const char *name)
{
	struct nlmsghdr *nlh = rtnl_link_start(rtnl, RTM_SETLINK, 0, "set address generation",
					       -EAFNOSUPPORT, 0, 0, 0);
	struct nlattr *spec, *inet6;

	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	spec = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	inet6 = mnl_attr_nest_start(nlh, AF_INET6);
	mnl_attr_put_u8(nlh, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(nlh, inet6);
	mnl_attr_nest_end(nlh, spec);
	rtnl_end(rtnl, nlh);
}

static struct nlmsghdr *rtnl_address_start(struct rtnl *rtnl, uint16_t type, uint16_t flags,
					   const char *what, int ignore, int index,
					   uint8_t family, const uint8_t *addr,
					   uint8_t prefix_len)
{
	struct nlmsghdr *nlh = rtnl_start(rtnl, type, flags, what, ignore);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));

	ifa->ifa_family = family;
	ifa->ifa_prefixlen = prefix_len;
	ifa->ifa_index = (unsigned int)index;
	ifa->ifa_scope = RT_SCOPE_UNIVERSE;
	mnl_attr_put(nlh, IFA_LOCAL, address_bytes(family), addr);
	return nlh;
}

void rtnl_address_add(struct rtnl *rtnl, int index, uint8_t family, const uint8_t *addr,
		      uint8_t prefix_len, uint32_t metric)
{
	struct nlmsghdr *nlh = rtnl_address_start(rtnl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE,
						  "add virtual address", -EEXIST, index, family,
						  addr, prefix_len);

	if (family == AF_INET)
		mnl_attr_put(nlh, IFA_ADDRESS, 4, addr);
	else
		mnl_attr_put_u32(nlh, IFA_FLAGS, IFA_F_NODAD);
	mnl_attr_put_u32(nlh, IFA_RT_PRIORITY, metric);
	rtnl_end(rtnl, nlh);
}

void rtnl_address_del(struct rtnl *rtnl, int index, uint8_t family, const uint8_t *addr,
		      uint8_t prefix_len)
{
	/* IPv6 addresses went as the link went down. */
	rtnl_end(rtnl, rtnl_address_start(rtnl, RTM_DELADDR, 0, "remove virtual address",
					  -EADDRNOTAVAIL, index, family, addr, prefix_len));
}

static void rtnl_link_conf_read(const struct nlattr *spec, struct rtnl_link *link)
{
	static const uint16_t inet_min[IFLA_INET_MAX + 1];
	const struct nlattr *family, *tb[IFLA_INET_MAX + 1];

	mnl_attr_for_each_nested(family, spec) {
		const uint8_t *value;
		unsigned int count;

		if (mnl_attr_get_type(family) != AF_INET ||
		    !netlink_nested(family, tb, inet_min, IFLA_INET_MAX) || !tb[IFLA_INET_CONF])
			continue;
		/* An array of all, the first has id 1; the last of ours is ARP_IGNORE. */
		value = mnl_attr_get_payload(tb[IFLA_INET_CONF]);
		count = mnl_attr_get_payload_len(tb[IFLA_INET_CONF]) / 4;
		_Static_assert(IPV4_DEVCONF_ARP_IGNORE > IPV4_DEVCONF_ARP_ANNOUNCE, "order");
		if (count < IPV4_DEVCONF_ARP_IGNORE)
			continue;
		memcpy(&link->forwarding, value + 4 * (IPV4_DEVCONF_FORWARDING - 1), 4);
		memcpy(&link->arp_ignore, value + 4 * (IPV4_DEVCONF_ARP_IGNORE - 1), 4);
		memcpy(&link->arp_announce, value + 4 * (IPV4_DEVCONF_ARP_ANNOUNCE - 1), 4);
		link->has_inet = true;
	}
}

static int rtnl_link_cb(const struct nlmsghdr *nlh, void *arg)
{
	static const uint16_t min[IFLA_MAX + 1], info_min[IFLA_INFO_MAX + 1];
	const struct nlattr *tb[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct rtnl_link *link = arg;

	if (!netlink_attrs(nlh, sizeof(*ifi), tb, min, IFLA_MAX))
		return -EBADMSG;
	link->index = ifi->ifi_index;
	link->flags = ifi->ifi_flags;
	if (tb[IFLA_IFALIAS])
		snprintf(link->alias, sizeof(link->alias), "%.*s",
			 (int)mnl_attr_get_payload_len(tb[IFLA_IFALIAS]),
			 mnl_attr_get_str(tb[IFLA_IFALIAS]));
	if (tb[IFLA_LINKINFO] &&
	    netlink_nested(tb[IFLA_LINKINFO], info, info_min, IFLA_INFO_MAX) &&
	    info[IFLA_INFO_KIND])
		link->macvlan = !strncmp(mnl_attr_get_str(info[IFLA_INFO_KIND]), "macvlan",
					 mnl_attr_get_payload_len(info[IFLA_INFO_KIND]));
	if (tb[IFLA_AF_SPEC])
		rtnl_link_conf_read(tb[IFLA_AF_SPEC], link);
	return 0;
}

int rtnl_link_get(struct rtnl *rtnl, const char *name, struct rtnl_link *link)
{
	char message[RTNL_MESSAGE] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = netlink_start(&rtnl->netlink, message, RTM_GETLINK, NLM_F_ACK);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	int err;

	memset(link, 0, sizeof(*link));
	ifi->ifi_family = AF_UNSPEC;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	err = netlink_request(&rtnl->netlink, nlh, rtnl_link_cb, link);
	return err == -ENODEV ? 0 : err;
}

struct rtnl_addresses {
	void	(*cb)(void *arg, uint8_t family, const uint8_t *addr);
	void	*arg;
};

static int rtnl_addresses_cb(const struct nlmsghdr *nlh, void *arg)
{
	static const uint16_t min[IFA_MAX + 1] = { [IFA_ADDRESS] = 4, [IFA_LOCAL] = 4 };
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[IFA_MAX + 1], *addr;
	struct rtnl_addresses *addresses = arg;

	if (!netlink_attrs(nlh, sizeof(*ifa), tb, min, IFA_MAX))
		return -EBADMSG;
	/* On a point-to-point link IFA_ADDRESS is the other end's. */
	addr = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS];
	if (addr && address_bytes(ifa->ifa_family) &&
	    mnl_attr_get_payload_len(addr) == address_bytes(ifa->ifa_family))
		addresses->cb(addresses->arg, ifa->ifa_family, mnl_attr_get_payload(addr));
	return 0;
}

int rtnl_addresses(struct rtnl *rtnl,
		   void (*cb)(void *arg, uint8_t family, const uint8_t *addr), void *arg)
{
	char message[RTNL_MESSAGE] __attribute__((aligned(8)));
	struct rtnl_addresses addresses = { .cb = cb, .arg = arg };
	struct nlmsghdr *nlh = netlink_start(&rtnl->netlink, message, RTM_GETADDR, NLM_F_DUMP);

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifaddrmsg));
	return netlink_request(&rtnl->netlink, nlh, rtnl_addresses_cb, &addresses);
}

int rtnl_monitor_open(void)
{
	struct sockaddr_nl local = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE), err;

	if (fd < 0)
		return -errno;
	if (!bind(fd, (struct sockaddr *)&local, sizeof(local)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static bool rtnl_monitor_message(const struct nlmsghdr *nlh,
				 bool (*match)(void *arg, const char *name), void *arg)
{
	static const uint16_t min[IFLA_MAX + 1];
	const struct nlattr *tb[IFLA_MAX + 1];
	char name[IFNAMSIZ];

	if (nlh->nlmsg_type != RTM_NEWLINK && nlh->nlmsg_type != RTM_DELLINK)
		return false;
	if (!netlink_attrs(nlh, sizeof(struct ifinfomsg), tb, min, IFLA_MAX) ||
	    !tb[IFLA_IFNAME])
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)mnl_attr_get_payload_len(tb[IFLA_IFNAME]),
		 mnl_attr_get_str(tb[IFLA_IFNAME]));
	return match(arg, name);
}

bool rtnl_monitor_read(int fd, bool (*match)(void *arg, const char *name), void *arg,
		       bool *addresses)
{
	char buffer[16384] __attribute__((aligned(8)));
	unsigned int rounds = 64;	/* the loop has others to serve */
	bool matched = false;

	while (rounds--) {
		const struct nlmsghdr *nlh = (void *)buffer;
		ssize_t n = recv(fd, buffer, sizeof(buffer), 0);
		int len = (int)n;

		if (n < 0 && errno == ENOBUFS)
			matched = *addresses = true;
		else if (n < 0 && errno != EINTR)
			break;
		for (; n > 0 && mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
			matched |= rtnl_monitor_message(nlh, match, arg);
			*addresses |= nlh->nlmsg_type == RTM_NEWADDR ||
				      nlh->nlmsg_type == RTM_DELADDR;
		}
	}
	return matched;
}
