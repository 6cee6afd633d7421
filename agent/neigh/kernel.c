// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "base/log.h"
#include "config/address.h"
#include "neigh/kernel.h"

#define EVENTS_BUFFER	(4 << 20)
#define REQUESTS_BUFFER	(1 << 20)
#define READ_BUFFER	32768

/* Milliseconds and counts, see neigh_kernel_tune(). */
#define TUNE_DELAY_MS	300
#define TUNE_RETRANS_MS	300
#define TUNE_UCAST	1
#define TUNE_REPROBES	2
/* For as long as the usual three, a second apart, that hosts get to answer: half of it. */
#define TUNE_MCAST	5

/* What a request is, above its id in its number. */
enum request {
	REQUEST_INSTALL	= 0,
	REQUEST_OTHER	= 1 << 24,
};

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

int neigh_kernel_open(struct neigh_kernel *k, const struct neigh_watcher *watcher)
{
	memset(k, 0, offsetof(struct neigh_kernel, batch));
	k->watcher = *watcher;
	k->requests = -1;
	k->events = kernel_socket(RTMGRP_NEIGH, EVENTS_BUFFER);
	if (k->events < 0)
		return k->events;
	k->requests = kernel_socket(0, REQUESTS_BUFFER);
	if (k->requests >= 0)
		return 0;
	close(k->events);
	k->events = -1;
	return k->requests;
}

void neigh_kernel_close(struct neigh_kernel *k)
{
	if (k->events >= 0)
		close(k->events);
	if (k->requests >= 0)
		close(k->requests);
	k->events = -1;
	k->requests = -1;
}

bool neigh_kernel_parse(const struct nlmsghdr *nlh, struct neigh_seen *seen)
{
	static const uint16_t min[NDA_MAX + 1] = { [NDA_DST] = 4, [NDA_PROTOCOL] = 1 };
	const struct nlattr *tb[NDA_MAX + 1];
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	unsigned int bytes;

	if ((nlh->nlmsg_type != RTM_NEWNEIGH && nlh->nlmsg_type != RTM_DELNEIGH) ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*ndm))
		return false;
	/* Bridges tell of their ports by the same messages, with AF_BRIDGE. */
	bytes = address_bytes(ndm->ndm_family);
	if (!bytes || !netlink_attrs(nlh, sizeof(*ndm), tb, min, NDA_MAX) || !tb[NDA_DST] ||
	    mnl_attr_get_payload_len(tb[NDA_DST]) != bytes)
		return false;
	memset(seen, 0, sizeof(*seen));
	seen->ifindex = ndm->ndm_ifindex;
	seen->family = ndm->ndm_family;
	memcpy(seen->addr, mnl_attr_get_payload(tb[NDA_DST]), bytes);
	seen->has_mac = tb[NDA_LLADDR] && mnl_attr_get_payload_len(tb[NDA_LLADDR]) == 6;
	if (seen->has_mac)
		memcpy(seen->mac, mnl_attr_get_payload(tb[NDA_LLADDR]), 6);
	seen->state = ndm->ndm_state;
	seen->gone = nlh->nlmsg_type == RTM_DELNEIGH;
	seen->router = ndm->ndm_flags & NTF_ROUTER;
	seen->proxy = ndm->ndm_flags & NTF_PROXY;
	seen->external = ndm->ndm_flags & NTF_EXT_LEARNED;
	seen->ours = seen->external && tb[NDA_PROTOCOL] &&
		     mnl_attr_get_u8(tb[NDA_PROTOCOL]) == NEIGH_PROTOCOL;
	return true;
}

static void kernel_dumped(struct neigh_kernel *k, bool whole)
{
	k->dumping = false;
	k->watcher.dumped(k->watcher.arg, whole && !k->dump_cut);
}

static void kernel_message(struct neigh_kernel *k, const struct nlmsghdr *nlh)
{
	bool of_dump = k->dumping && nlh->nlmsg_seq == k->dump_seq;
	struct neigh_seen seen;

	if (of_dump && nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		k->dump_cut = true;
	if (of_dump && (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR))
		kernel_dumped(k, nlh->nlmsg_type == NLMSG_DONE);
	else if (neigh_kernel_parse(nlh, &seen))
		k->watcher.seen(k->watcher.arg, &seen);
}

bool neigh_kernel_read(struct neigh_kernel *k, unsigned int most)
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
			/* A dump goes on, but who was seen is not known any more. */
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

int neigh_kernel_dump(struct neigh_kernel *k)
{
	char message[64] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(message);

	if (k->dumping)
		return -EBUSY;
	nlh->nlmsg_type = RTM_GETNEIGH;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	if (!++k->dump_seq)
		k->dump_seq = 1;
	nlh->nlmsg_seq = k->dump_seq;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ndmsg));
	if (send(k->events, nlh, nlh->nlmsg_len, 0) < 0)
		return -errno;
	k->dumping = true;
	k->dump_cut = false;
	return 0;
}

/* Requests */

static void kernel_refused(struct neigh_kernel *k, const struct nlmsghdr *nlh)
{
	char why[NETLINK_EXTACK];
	int err;

	if (nlh->nlmsg_type != NLMSG_ERROR)
		return;
	err = netlink_error(nlh, why);
	/* What is to go may have gone, with its interface or without. */
	if (!err || (nlh->nlmsg_seq & REQUEST_OTHER && (err == -ENOENT || err == -ENODEV)))
		return;
	if (err != -EEXIST) {		/* see @yields */
		k->refused++;
		if (err != k->error)
			log_debug("neighbours: the kernel refuses: %s%s%s", strerror(-err),
				  why[0] ? ": " : "", why);
		k->error = err;
		memcpy(k->why, why, sizeof(why));
	}
	if (!(nlh->nlmsg_seq & REQUEST_OTHER))
		k->watcher.refused(k->watcher.arg, nlh->nlmsg_seq, err);
}

/* The kernel has done all of it when send() returns. */
static void kernel_answers(struct neigh_kernel *k)
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

void neigh_kernel_flush(struct neigh_kernel *k)
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
		log_debug("neighbours: send: %s", strerror(errno));
		k->watcher.lost(k->watcher.arg);
	}
	kernel_answers(k);
}

static struct nlmsghdr *kernel_start(struct neigh_kernel *k, uint16_t type, uint16_t flags,
				     uint32_t seq)
{
	struct nlmsghdr *nlh;

	if (k->used + NEIGH_MESSAGE_MAX > sizeof(k->batch))
		neigh_kernel_flush(k);
	nlh = mnl_nlmsg_put_header(k->batch + k->used);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = seq;
	return nlh;
}

static void kernel_end(struct neigh_kernel *k, const struct nlmsghdr *nlh)
{
	k->used += MNL_ALIGN(nlh->nlmsg_len);
}

static struct nlmsghdr *kernel_entry(struct neigh_kernel *k, uint16_t type, uint16_t flags,
				     enum request request, const struct neigh_target *target,
				     uint16_t state, unsigned int ntf)
{
	struct nlmsghdr *nlh = kernel_start(k, type, flags, target->id | request);
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));

	ndm->ndm_family = target->family;
	ndm->ndm_ifindex = target->ifindex;
	ndm->ndm_state = state;
	ndm->ndm_flags = (uint8_t)ntf;
	mnl_attr_put(nlh, NDA_DST, address_bytes(target->family), target->addr);
	return nlh;
}

void neigh_kernel_install(struct neigh_kernel *k, const struct neigh_target *target, bool yields)
{
	struct nlmsghdr *nlh;

	nlh = kernel_entry(k, RTM_NEWNEIGH, NLM_F_CREATE | (yields ? NLM_F_EXCL : NLM_F_REPLACE),
			   REQUEST_INSTALL, target, NUD_STALE,
			   NTF_EXT_LEARNED | (target->router ? NTF_ROUTER : 0));
	mnl_attr_put(nlh, NDA_LLADDR, 6, target->mac);
	mnl_attr_put_u8(nlh, NDA_PROTOCOL, NEIGH_PROTOCOL);
	kernel_end(k, nlh);
}

void neigh_kernel_remove(struct neigh_kernel *k, const struct neigh_target *target)
{
	kernel_end(k, kernel_entry(k, RTM_DELNEIGH, 0, REQUEST_OTHER, target, 0, 0));
}

void neigh_kernel_confirm(struct neigh_kernel *k, const struct neigh_target *target)
{
	/* Not NLM_F_REPLACE: its router flag stays. */
	kernel_end(k, kernel_entry(k, RTM_NEWNEIGH, 0, REQUEST_OTHER, target, NUD_NONE,
				   NTF_USE));
}

void neigh_kernel_age(struct neigh_kernel *k, const struct neigh_target *target)
{
	kernel_end(k, kernel_entry(k, RTM_NEWNEIGH, 0, REQUEST_OTHER, target, NUD_STALE, 0));
}

void neigh_kernel_tune(struct neigh_kernel *k, int ifindex)
{
	static const char *const tables[] = { "arp_cache", "ndisc_cache" };
	unsigned int i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		struct nlmsghdr *nlh = kernel_start(k, RTM_SETNEIGHTBL, 0, REQUEST_OTHER);
		struct ndtmsg *ndt = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndt));
		struct nlattr *nest;

		ndt->ndtm_family = i ? AF_INET6 : AF_INET;
		mnl_attr_put_strz(nlh, NDTA_NAME, tables[i]);
		nest = mnl_attr_nest_start(nlh, NDTA_PARMS);
		mnl_attr_put_u32(nlh, NDTPA_IFINDEX, (uint32_t)ifindex);
		mnl_attr_put_u64(nlh, NDTPA_DELAY_PROBE_TIME, TUNE_DELAY_MS);
		mnl_attr_put_u64(nlh, NDTPA_RETRANS_TIME, TUNE_RETRANS_MS);
		mnl_attr_put_u32(nlh, NDTPA_UCAST_PROBES, TUNE_UCAST);
		mnl_attr_put_u32(nlh, NDTPA_MCAST_REPROBES, TUNE_REPROBES);
		mnl_attr_put_u32(nlh, NDTPA_MCAST_PROBES, TUNE_MCAST);
		mnl_attr_put_u64(nlh, NDTPA_LOCKTIME, 0);
		mnl_attr_nest_end(nlh, nest);
		kernel_end(k, nlh);
	}
}

struct limit {
	uint8_t		family;
	uint32_t	thresh3;
};

static int limit_cb(const struct nlmsghdr *nlh, void *arg)
{
	static const uint16_t min[NDTA_MAX + 1] = { [NDTA_THRESH3] = 4 };
	const struct ndtmsg *ndt = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[NDTA_MAX + 1];
	struct limit *limit = arg;

	if (netlink_attrs(nlh, sizeof(*ndt), tb, min, NDTA_MAX) &&
	    ndt->ndtm_family == limit->family && tb[NDTA_THRESH3])
		limit->thresh3 = mnl_attr_get_u32(tb[NDTA_THRESH3]);
	return 0;
}

uint32_t neigh_kernel_limit(uint8_t family)
{
	struct netlink *netlink = malloc(sizeof(*netlink));
	char message[64] __attribute__((aligned(8)));
	struct limit limit = { .family = family };
	struct nlmsghdr *nlh;
	struct ndtmsg *ndt;

	if (netlink && !netlink_open(netlink, NETLINK_ROUTE)) {
		nlh = netlink_start(netlink, message, RTM_GETNEIGHTBL, NLM_F_DUMP);
		ndt = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndt));
		ndt->ndtm_family = family;
		netlink_request(netlink, nlh, limit_cb, &limit);
		netlink_close(netlink);
	}
	free(netlink);
	return limit.thresh3;
}
