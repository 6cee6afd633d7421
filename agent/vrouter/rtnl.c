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

#include "base/log.h"
#include "config/address.h"
#include "host/rtlink.h"
#include "vrouter/rtnl.h"

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

/* Who asks says it, or not again: this may be tried for ever. */
static void rtnl_failed(struct rtnl *rtnl, int err, const char *what)
{
	if (rtnl->error)
		return;
	rtnl->error = err;
	snprintf(rtnl->why, sizeof(rtnl->why), "%s: %s%s%s", what, strerror(-err),
		 rtnl->netlink.extack[0] ? ": " : "", rtnl->netlink.extack);
	log_debug("rtnetlink: %s", rtnl->why);
}

static int rtnl_answer(struct rtnl *rtnl, unsigned int i)
{
	int err = netlink_wait(&rtnl->netlink, rtnl->op[i].seq, NULL, NULL);

	if (!err || err == rtnl->op[i].ignore[0] || err == rtnl->op[i].ignore[1])
		return 0;
	rtnl_failed(rtnl, err, rtnl->op[i].what);
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
		rtnl_failed(rtnl, err, "send");
	for (i = 0; !err && i < rtnl->count; i++) {
		int one = rtnl_answer(rtnl, i);

		if (one == -ETIMEDOUT || one == -ENOBUFS)
			err = one;
	}
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

/* @ignore, @ignore_too: errors that are as good as success, 0: none. */
static struct nlmsghdr *rtnl_start(struct rtnl *rtnl, uint16_t type, uint16_t flags,
				   const char *what, int ignore, int ignore_too)
{
	struct nlmsghdr *nlh;

	if (rtnl->count == RTNL_BATCH)
		rtnl_flush(rtnl);
	nlh = netlink_start(&rtnl->netlink, rtnl->message + rtnl->used, type, NLM_F_ACK | flags);
	/* Each answer has its number: others may be asked for meanwhile. */
	rtnl->op[rtnl->count].seq = nlh->nlmsg_seq;
	rtnl->op[rtnl->count].what = what;
	rtnl->op[rtnl->count].ignore[0] = ignore;
	rtnl->op[rtnl->count].ignore[1] = ignore_too;
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
	struct nlmsghdr *nlh = rtnl_start(rtnl, type, flags, what, ignore, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = index;
	ifi->ifi_flags = set;
	ifi->ifi_change = change;
	return nlh;
}

static void rtnl_macvlan_mode(struct nlmsghdr *nlh, uint32_t mode)
{
	struct nlattr *info, *data;

	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "macvlan");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	mnl_attr_put_u32(nlh, IFLA_MACVLAN_MODE, mode);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
}

static void rtnl_macvlan_put(struct nlmsghdr *nlh, const uint8_t mac[6], uint32_t mtu)
{
	mnl_attr_put(nlh, IFLA_ADDRESS, 6, mac);
	if (mtu)
		mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	rtnl_macvlan_mode(nlh, MACVLAN_MODE_BRIDGE);
}

void rtnl_macvlan_add(struct rtnl *rtnl, const char *name, int parent, const uint8_t mac[6],
		      uint32_t mtu)
{
	struct nlmsghdr *nlh = rtnl_link_start(rtnl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
					       "create macvlan", 0, 0, 0, 0);

	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	mnl_attr_put_u32(nlh, IFLA_LINK, (uint32_t)parent);
	rtnl_macvlan_put(nlh, mac, mtu);
	rtnl_end(rtnl, nlh);
}

void rtnl_macvlan_set(struct rtnl *rtnl, int index, const uint8_t mac[6], uint32_t mtu)
{
	struct nlmsghdr *nlh = rtnl_link_start(rtnl, RTM_NEWLINK, 0, "set up macvlan", 0, index,
					       0, 0);

	rtnl_macvlan_put(nlh, mac, mtu);
	rtnl_end(rtnl, nlh);
}

void rtnl_macvlan_hush(struct rtnl *rtnl, int index, bool hush)
{
	struct nlmsghdr *nlh = rtnl_link_start(rtnl, RTM_NEWLINK, 0, "silence macvlan", -ENODEV,
					       index, 0, 0);

	/* From a list of sources that is empty */
	rtnl_macvlan_mode(nlh, hush ? MACVLAN_MODE_SOURCE : MACVLAN_MODE_BRIDGE);
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
	if (!up)
		rtnl_end(rtnl, rtnl_link_start(rtnl, RTM_NEWLINK, 0, "macvlan down", -ENODEV,
					       index, 0, IFF_UP));
	else
		rtnl_end(rtnl, rtnl_link_start(rtnl, RTM_NEWLINK, 0, "macvlan up", 0, index,
					       IFF_UP | IFF_MULTICAST,
					       IFF_UP | IFF_MULTICAST | IFF_NOARP));
}

void rtnl_link_master(struct rtnl *rtnl, int index, int master)
{
	struct nlmsghdr *nlh = rtnl_link_start(rtnl, RTM_NEWLINK, 0, "put macvlan into its VRF", 0,
					       index, 0, 0);

	mnl_attr_put_u32(nlh, IFLA_MASTER, (uint32_t)master);
	rtnl_end(rtnl, nlh);
}

void rtnl_link_alias(struct rtnl *rtnl, const char *name, const char *alias)
{
	struct nlmsghdr *nlh = rtnl_link_start(rtnl, RTM_SETLINK, 0, "alias of macvlan", 0, 0,
					       0, 0);

	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	mnl_attr_put(nlh, IFLA_IFALIAS, strlen(alias), alias);
	rtnl_end(rtnl, nlh);
}

void rtnl_link_conf(struct rtnl *rtnl, int index, const struct rtnl_conf *conf,
		    unsigned int count)
{
	struct nlmsghdr *nlh = rtnl_link_start(rtnl, RTM_SETLINK, 0, "set ARP behaviour",
					       -ENODEV, index, 0, 0);
	struct nlattr *spec, *inet, *values;
	unsigned int i;

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
					   const char *what, int ignore, int ignore_too,
					   int index, uint8_t family, const uint8_t *addr,
					   uint8_t prefix_len)
{
	struct nlmsghdr *nlh = rtnl_start(rtnl, type, flags, what, ignore, ignore_too);
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
						  "add virtual address", -EEXIST, 0, index, family,
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
	/* IPv6 addresses went as the link went down; all went with the link. */
	rtnl_end(rtnl, rtnl_address_start(rtnl, RTM_DELADDR, 0, "remove virtual address",
					  -EADDRNOTAVAIL, -ENODEV, index, family, addr,
					  prefix_len));
}

static int rtnl_link_cb(const struct nlmsghdr *nlh, void *arg)
{
	return rtnl_link_read(nlh, arg) ? 0 : -EBADMSG;
}

int rtnl_link_get(struct rtnl *rtnl, const char *name, int index, struct rtnl_link *link)
{
	char message[RTNL_MESSAGE] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = netlink_start(&rtnl->netlink, message, RTM_GETLINK, NLM_F_ACK);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	int err;

	memset(link, 0, sizeof(*link));
	ifi->ifi_family = AF_UNSPEC;
	if (name)
		mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	else
		ifi->ifi_index = index;
	err = netlink_request(&rtnl->netlink, nlh, rtnl_link_cb, link);
	return err == -ENODEV ? 0 : err;
}

struct rtnl_links {
	void	(*cb)(void *arg, const struct rtnl_link *link);
	void	*arg;
};

static int rtnl_links_cb(const struct nlmsghdr *nlh, void *arg)
{
	struct rtnl_links *links = arg;
	struct rtnl_link link;

	if (!rtnl_link_read(nlh, &link))
		return -EBADMSG;
	links->cb(links->arg, &link);
	return 0;
}

int rtnl_links(struct rtnl *rtnl, void (*cb)(void *arg, const struct rtnl_link *link), void *arg)
{
	char message[RTNL_MESSAGE] __attribute__((aligned(8)));
	struct rtnl_links links = { .cb = cb, .arg = arg };
	struct nlmsghdr *nlh = netlink_start(&rtnl->netlink, message, RTM_GETLINK, NLM_F_DUMP);

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	return netlink_request(&rtnl->netlink, nlh, rtnl_links_cb, &links);
}

struct rtnl_addresses {
	void	(*cb)(void *arg, const struct rtnl_address *address);
	void	*arg;
	int	index;
};

static int rtnl_addresses_cb(const struct nlmsghdr *nlh, void *arg)
{
	struct rtnl_addresses *addresses = arg;
	struct rtnl_address address;

	if (rtnl_address_read(nlh, &address) && address.index == addresses->index)
		addresses->cb(addresses->arg, &address);
	return 0;
}

int rtnl_addresses(struct rtnl *rtnl, int index,
		   void (*cb)(void *arg, const struct rtnl_address *address), void *arg)
{
	char message[RTNL_MESSAGE] __attribute__((aligned(8)));
	struct rtnl_addresses addresses = { .cb = cb, .arg = arg, .index = index };
	struct nlmsghdr *nlh = netlink_start(&rtnl->netlink, message, RTM_GETADDR, NLM_F_DUMP);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	int err;

	ifa->ifa_index = (uint32_t)index;
	err = netlink_request(&rtnl->netlink, nlh, rtnl_addresses_cb, &addresses);
	/* A link that is gone has none. */
	return err == -ENODEV ? 0 : err;
}
