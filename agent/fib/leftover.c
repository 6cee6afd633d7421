// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/fib_rules.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>

#include "fib/kernel.h"
#include "fib/leftover.h"

#define FOUND_MAX	(4U << 20)	/* bytes; more is looked for again */
#define ROUNDS		256

struct found {
	uint8_t		*bytes;
	size_t		used;
	unsigned int	count;
	uint16_t	type;		/* of the message that removes one */
};

/* What a dump says of one is what removes it. */
static void found_add(struct found *found, const struct nlmsghdr *nlh, size_t len)
{
	struct nlmsghdr *copy = (void *)(found->bytes + found->used);

	if (found->used + MNL_ALIGN(len) > FOUND_MAX)
		return;
	memcpy(copy, nlh, len);
	copy->nlmsg_len = (uint32_t)len;
	copy->nlmsg_type = found->type;
	copy->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	found->used += MNL_ALIGN(len);
	found->count++;
}

static int rule_found(const struct nlmsghdr *nlh, void *arg)
{
	static const uint16_t min[FRA_MAX + 1] = { [FRA_PROTOCOL] = 1, [FRA_TABLE] = 4 };
	const struct nlattr *tb[FRA_MAX + 1];

	if (nlh->nlmsg_type == RTM_NEWRULE &&
	    netlink_attrs(nlh, sizeof(struct fib_rule_hdr), tb, min, FRA_MAX) &&
	    tb[FRA_PROTOCOL] && mnl_attr_get_u8(tb[FRA_PROTOCOL]) == FIB_PROTOCOL)
		found_add(arg, nlh, nlh->nlmsg_len);
	return 0;
}

static int nexthop_found(const struct nlmsghdr *nlh, void *arg)
{
	static const uint16_t min[NHA_ID + 1] = { [NHA_ID] = 4 };
	char message[64] __attribute__((aligned(8)));
	const struct nlattr *tb[NHA_ID + 1];
	const struct nhmsg *nhm;
	struct nlmsghdr *one;
	uint32_t id;

	if (nlh->nlmsg_type != RTM_NEWNEXTHOP ||
	    !netlink_attrs(nlh, sizeof(struct nhmsg), tb, min, NHA_ID) || !tb[NHA_ID])
		return 0;
	id = mnl_attr_get_u32(tb[NHA_ID]);
	nhm = mnl_nlmsg_get_payload(nlh);
	if ((id & FIB_ID_MASK) != FIB_ID || nhm->nh_protocol != FIB_PROTOCOL)
		return 0;
	one = mnl_nlmsg_put_header(message);
	mnl_nlmsg_put_extra_header(one, sizeof(struct nhmsg));
	mnl_attr_put_u32(one, NHA_ID, id);
	found_add(arg, one, one->nlmsg_len);
	return 0;
}

static int route_found(const struct nlmsghdr *nlh, void *arg)
{
	struct fib_seen seen;

	fib_kernel_parse(nlh, &seen);
	if (seen.told != FIB_TOLD_NOTHING && seen.ours && seen.route.table >= FIB_TABLE &&
	    seen.route.table < FIB_TABLE + FIB_TABLES)
		found_add(arg, nlh, nlh->nlmsg_len);
	return 0;
}

static int dump(struct netlink *netlink, uint16_t type, uint8_t family, size_t header,
		int (*cb)(const struct nlmsghdr *nlh, void *arg), struct found *found)
{
	char message[128] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = netlink_start(netlink, message, type, NLM_F_DUMP);
	uint8_t *at = mnl_nlmsg_put_extra_header(nlh, header);
	int err;

	at[0] = family;
	found->used = 0;
	found->count = 0;
	err = netlink_request(netlink, nlh, cb, found);
	return err == -EINTR ? 0 : err;		/* there is a next round */
}

static void remove_found(struct netlink *netlink, struct found *found)
{
	size_t at = 0;

	while (at < found->used) {
		struct nlmsghdr *nlh = (void *)(found->bytes + at);
		char message[MNL_NLMSG_HDRLEN] __attribute__((aligned(8)));

		/* Its number alone. */
		nlh->nlmsg_seq = netlink_start(netlink, message, nlh->nlmsg_type, 0)->nlmsg_seq;
		nlh->nlmsg_pid = 0;
		netlink_request(netlink, nlh, NULL, NULL);
		at += MNL_ALIGN(nlh->nlmsg_len);
	}
}

static int clear(struct netlink *netlink, struct found *found, uint16_t get, uint8_t family,
		 size_t header, int (*cb)(const struct nlmsghdr *nlh, void *arg))
{
	unsigned int round, total = 0;
	int err;

	for (round = 0; round < ROUNDS; round++) {
		err = dump(netlink, get, family, header, cb, found);
		if (err)
			return err;
		if (!found->count)
			break;
		total += found->count;
		remove_found(netlink, found);
	}
	return (int)total;
}

int fib_leftover_clear(void)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	struct netlink *netlink = malloc(sizeof(*netlink));
	struct found found = { .bytes = malloc(FOUND_MAX) };
	int total = -ENOMEM, err = 0, n;
	unsigned int i;

	if (!netlink || !found.bytes)
		goto out;
	total = netlink_open(netlink, NETLINK_ROUTE);
	if (total)
		goto out;
	for (i = 0; i < 2; i++) {
		found.type = RTM_DELRULE;
		n = clear(netlink, &found, RTM_GETRULE, families[i],
			  sizeof(struct fib_rule_hdr), rule_found);
		total += n > 0 ? n : 0;
		err = err ? err : n < 0 ? n : 0;
	}
	found.type = RTM_DELNEXTHOP;
	n = clear(netlink, &found, RTM_GETNEXTHOP, AF_UNSPEC, sizeof(struct nhmsg),
		  nexthop_found);
	total += n > 0 ? n : 0;
	err = err ? err : n < 0 ? n : 0;
	for (i = 0; i < 2; i++) {
		found.type = RTM_DELROUTE;
		n = clear(netlink, &found, RTM_GETROUTE, families[i], sizeof(struct rtmsg),
			  route_found);
		total += n > 0 ? n : 0;
		err = err ? err : n < 0 ? n : 0;
	}
	netlink_close(netlink);
	if (err)
		total = err;
out:
	free(found.bytes);
	free(netlink);
	return total;
}
