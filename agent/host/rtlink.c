// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "base/netlink.h"
#include "config/address.h"
#include "host/rtlink.h"

static bool rtnl_kind_is(const struct nlattr *attr, const char *kind)
{
	return attr && !strncmp(mnl_attr_get_str(attr), kind, mnl_attr_get_payload_len(attr));
}

static void rtnl_macvlan_read(const struct nlattr *nest, struct rtnl_link *link)
{
	static const uint16_t min[IFLA_MACVLAN_MAX + 1] = { [IFLA_MACVLAN_MODE] = 4 };
	const struct nlattr *data[IFLA_MACVLAN_MAX + 1];

	if (netlink_nested(nest, data, min, IFLA_MACVLAN_MAX) && data[IFLA_MACVLAN_MODE])
		link->mode = mnl_attr_get_u32(data[IFLA_MACVLAN_MODE]);
}

static void rtnl_vrf_read(const struct nlattr *nest, struct rtnl_link *link)
{
	static const uint16_t min[IFLA_VRF_MAX + 1] = { [IFLA_VRF_TABLE] = 4 };
	const struct nlattr *data[IFLA_VRF_MAX + 1];

	if (netlink_nested(nest, data, min, IFLA_VRF_MAX) && data[IFLA_VRF_TABLE])
		link->vrf_table = mnl_attr_get_u32(data[IFLA_VRF_TABLE]);
}

static void rtnl_link_info_read(const struct nlattr *nest, struct rtnl_link *link)
{
	static const uint16_t min[IFLA_INFO_MAX + 1];
	const struct nlattr *info[IFLA_INFO_MAX + 1];

	if (!netlink_nested(nest, info, min, IFLA_INFO_MAX))
		return;
	link->in_vrf = rtnl_kind_is(info[IFLA_INFO_SLAVE_KIND], "vrf");
	link->macvlan = rtnl_kind_is(info[IFLA_INFO_KIND], "macvlan");
	if (!info[IFLA_INFO_DATA])
		return;
	if (link->macvlan)
		rtnl_macvlan_read(info[IFLA_INFO_DATA], link);
	else if (rtnl_kind_is(info[IFLA_INFO_KIND], "vrf"))
		rtnl_vrf_read(info[IFLA_INFO_DATA], link);
}

/* What the kernel itself takes for a reason to teach switches anew. */
static bool rtnl_link_moves(uint32_t event)
{
	return event == IFLA_EVENT_BONDING_FAILOVER || event == IFLA_EVENT_NOTIFY_PEERS ||
	       event == IFLA_EVENT_IGMP_RESEND;
}

static void rtnl_text(const struct nlattr *attr, char *text, size_t size)
{
	snprintf(text, size, "%.*s", (int)mnl_attr_get_payload_len(attr), mnl_attr_get_str(attr));
}

static void rtnl_names_read(const struct nlattr *list, struct rtnl_link *link)
{
	const struct nlattr *name;
	unsigned int count = 0;

	mnl_attr_for_each_nested(name, list)
		if (mnl_attr_get_type(name) == IFLA_ALT_IFNAME && count < RTNL_NAMES &&
		    mnl_attr_get_payload_len(name) <= IFNAMSIZ)
			rtnl_text(name, link->alt[count++], IFNAMSIZ);
}

bool rtnl_link_read(const struct nlmsghdr *nlh, struct rtnl_link *link)
{
	static const uint16_t min[IFLA_MAX + 1] = {
		[IFLA_MTU] = 4, [IFLA_MASTER] = 4, [IFLA_LINK] = 4, [IFLA_EVENT] = 4,
		[IFLA_CARRIER_UP_COUNT] = 4,
	};
	const struct nlattr *tb[IFLA_MAX + 1];
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);

	memset(link, 0, sizeof(*link));
	if (!netlink_attrs(nlh, sizeof(*ifi), tb, min, IFLA_MAX))
		return false;
	link->index = ifi->ifi_index;
	link->flags = ifi->ifi_flags;
	link->port = ifi->ifi_family == AF_BRIDGE;
	if (tb[IFLA_IFNAME])
		rtnl_text(tb[IFLA_IFNAME], link->name, sizeof(link->name));
	if (tb[IFLA_PROP_LIST])
		rtnl_names_read(tb[IFLA_PROP_LIST], link);
	if (tb[IFLA_IFALIAS])
		rtnl_text(tb[IFLA_IFALIAS], link->alias, sizeof(link->alias));
	if (tb[IFLA_ADDRESS] && mnl_attr_get_payload_len(tb[IFLA_ADDRESS]) == 6)
		memcpy(link->mac, mnl_attr_get_payload(tb[IFLA_ADDRESS]), 6);
	if (tb[IFLA_MTU])
		link->mtu = mnl_attr_get_u32(tb[IFLA_MTU]);
	if (tb[IFLA_MASTER])
		link->master = (int)mnl_attr_get_u32(tb[IFLA_MASTER]);
	if (tb[IFLA_LINK] && !tb[IFLA_LINK_NETNSID])
		link->lower = (int)mnl_attr_get_u32(tb[IFLA_LINK]);
	if (tb[IFLA_CARRIER_UP_COUNT])
		link->carrier_ups = mnl_attr_get_u32(tb[IFLA_CARRIER_UP_COUNT]);
	if (tb[IFLA_EVENT])
		link->moved = rtnl_link_moves(mnl_attr_get_u32(tb[IFLA_EVENT]));
	if (tb[IFLA_LINKINFO])
		rtnl_link_info_read(tb[IFLA_LINKINFO], link);
	return true;
}

bool rtnl_link_named(const struct rtnl_link *link, const char *name)
{
	unsigned int i;

	if (!strcmp(link->name, name))
		return true;
	for (i = 0; i < RTNL_NAMES && link->alt[i][0]; i++)
		if (!strcmp(link->alt[i], name))
			return true;
	return false;
}

bool rtnl_address_read(const struct nlmsghdr *nlh, struct rtnl_address *address)
{
	static const uint16_t min[IFA_MAX + 1] = {
		[IFA_ADDRESS] = 4, [IFA_LOCAL] = 4, [IFA_FLAGS] = 4, [IFA_RT_PRIORITY] = 4,
	};
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[IFA_MAX + 1], *addr;

	memset(address, 0, sizeof(*address));
	if (!netlink_attrs(nlh, sizeof(*ifa), tb, min, IFA_MAX))
		return false;
	/* On a point-to-point link IFA_ADDRESS is the other end's. */
	addr = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS];
	if (!addr || !address_bytes(ifa->ifa_family) ||
	    mnl_attr_get_payload_len(addr) != address_bytes(ifa->ifa_family))
		return false;
	address->index = (int)ifa->ifa_index;
	address->family = ifa->ifa_family;
	address->prefix_len = ifa->ifa_prefixlen;
	address->flags = tb[IFA_FLAGS] ? mnl_attr_get_u32(tb[IFA_FLAGS]) : ifa->ifa_flags;
	if (tb[IFA_RT_PRIORITY])
		address->metric = mnl_attr_get_u32(tb[IFA_RT_PRIORITY]);
	memcpy(address->addr, mnl_attr_get_payload(addr), address_bytes(ifa->ifa_family));
	return true;
}
