// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/rtnetlink.h>

#include "base/container.h"
#include "base/log.h"
#include "base/loop.h"
#include "host/iface.h"

#define IFACES_BUFFER		32768
#define IFACES_RCVBUF		(1 << 20)
#define IFACES_ROUNDS		64	/* messages of one turn: the loop has others to serve */
#define IFACES_PATIENCE_NS	(2 * NSEC_PER_SEC)	/* at the start */
#define IFACES_AGAIN_NS		NSEC_PER_SEC	/* a look that has no end is begun anew */

/* More than these are not kept: what they are asked for, a filter, takes far fewer. */
#define IFACES_ADDRESSES_MAX	16384

/* The kernel gives one dump at a time. */
enum iface_look { LOOK_NONE, LOOK_LINKS, LOOK_ADDRESSES };

struct iface {
	struct rtnl_link	link;
	uint32_t		look;		/* by which it was last seen */
};

struct iface_address {
	struct rtnl_address	address;
	uint32_t		look;
};

struct ifaces {
	struct loop		*loop;
	struct loop_fd		fd;
	struct loop_timer	again;
	struct iface_watcher	*watchers;

	struct iface		**iface;	/* by index, ascending */
	unsigned int		count, room;
	struct iface_address	*address;
	unsigned int		addresses, address_room;

	enum iface_look		look;
	uint32_t		seq;		/* of the look, and its number */
	bool			anew;		/* it is not consistent: another one */

	uint8_t			buffer[IFACES_BUFFER] __attribute__((aligned(8)));
};

/* Where it is, or would be. */
static unsigned int iface_place(const struct ifaces *ifaces, int index)
{
	unsigned int from = 0, to = ifaces->count;

	while (from < to) {
		unsigned int middle = (from + to) / 2;

		if (ifaces->iface[middle]->link.index < index)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static struct iface *iface_at(const struct ifaces *ifaces, int index)
{
	unsigned int place = iface_place(ifaces, index);

	return place < ifaces->count && ifaces->iface[place]->link.index == index ?
	       ifaces->iface[place] : NULL;
}

static struct iface *iface_add(struct ifaces *ifaces, int index)
{
	unsigned int place = iface_place(ifaces, index);
	struct iface *iface;

	if (ifaces->count == ifaces->room) {
		unsigned int room = ifaces->room ? 2 * ifaces->room : 16;
		struct iface **more = realloc(ifaces->iface, room * sizeof(struct iface *));

		if (!more)
			return NULL;
		ifaces->iface = more;
		ifaces->room = room;
	}
	iface = calloc(1, sizeof(*iface));
	if (!iface)
		return NULL;
	memmove(&ifaces->iface[place + 1], &ifaces->iface[place],
		(ifaces->count - place) * sizeof(struct iface *));
	ifaces->iface[place] = iface;
	ifaces->count++;
	return iface;
}

static void ifaces_tell_link(struct ifaces *ifaces, const struct rtnl_link *link, bool gone)
{
	struct iface_watcher *watcher;

	for (watcher = ifaces->watchers; watcher; watcher = watcher->next)
		if (watcher->link)
			watcher->link(watcher->arg, link, gone);
}

static void ifaces_tell_address(struct ifaces *ifaces, const struct rtnl_address *address,
				bool gone)
{
	struct iface_watcher *watcher;

	for (watcher = ifaces->watchers; watcher; watcher = watcher->next)
		if (watcher->address)
			watcher->address(watcher->arg, address, gone);
}

static void iface_remove(struct ifaces *ifaces, unsigned int place)
{
	struct iface *iface = ifaces->iface[place];

	memmove(&ifaces->iface[place], &ifaces->iface[place + 1],
		(--ifaces->count - place) * sizeof(struct iface *));
	ifaces_tell_link(ifaces, &iface->link, true);
	free(iface);
}

static void ifaces_link(struct ifaces *ifaces, const struct rtnl_link *link, bool gone)
{
	struct iface *iface;

	if (link->port) {
		ifaces_tell_link(ifaces, link, gone);
		return;
	}
	iface = iface_at(ifaces, link->index);
	if (gone) {
		if (iface)
			iface_remove(ifaces, iface_place(ifaces, link->index));
		return;
	}
	if (!iface)
		iface = iface_add(ifaces, link->index);
	if (!iface) {
		log_error("interfaces: no memory for %s: looking again", link->name);
		ifaces->anew = true;
		return;
	}
	iface->link = *link;
	iface->look = ifaces->seq;
	ifaces_tell_link(ifaces, link, false);
}

static bool address_is(const struct rtnl_address *a, const struct rtnl_address *b)
{
	return a->index == b->index && a->family == b->family && a->prefix_len == b->prefix_len &&
	       !memcmp(a->addr, b->addr, sizeof(a->addr));
}

static struct iface_address *address_find(const struct ifaces *ifaces,
					  const struct rtnl_address *address)
{
	unsigned int i;

	for (i = 0; i < ifaces->addresses; i++)
		if (address_is(&ifaces->address[i].address, address))
			return &ifaces->address[i];
	return NULL;
}

static struct iface_address *address_add(struct ifaces *ifaces)
{
	if (ifaces->addresses == IFACES_ADDRESSES_MAX)
		return NULL;
	if (ifaces->addresses == ifaces->address_room) {
		unsigned int room = ifaces->address_room ? 2 * ifaces->address_room : 64;
		struct iface_address *more = realloc(ifaces->address, room * sizeof(*more));

		if (!more)
			return NULL;
		ifaces->address = more;
		ifaces->address_room = room;
	}
	return &ifaces->address[ifaces->addresses++];
}

static void address_remove(struct ifaces *ifaces, struct iface_address *found)
{
	struct rtnl_address address = found->address;

	*found = ifaces->address[--ifaces->addresses];
	ifaces_tell_address(ifaces, &address, true);
}

static void ifaces_address(struct ifaces *ifaces, const struct rtnl_address *address, bool gone)
{
	struct iface_address *found = address_find(ifaces, address);

	if (gone) {
		if (found)
			address_remove(ifaces, found);
		return;
	}
	if (!found)
		found = address_add(ifaces);
	if (found) {
		found->address = *address;
		found->look = ifaces->seq;
	}
	ifaces_tell_address(ifaces, address, false);
}

static int ifaces_ask(struct ifaces *ifaces, enum iface_look look)
{
	struct {
		struct nlmsghdr		nlh;
		union {
			struct ifinfomsg	link;
			struct ifaddrmsg	address;
		};
	} request = { .nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP };

	request.nlh.nlmsg_type = look == LOOK_LINKS ? RTM_GETLINK : RTM_GETADDR;
	request.nlh.nlmsg_len = NLMSG_LENGTH(look == LOOK_LINKS ? sizeof(request.link) :
							 sizeof(request.address));
	request.nlh.nlmsg_seq = ifaces->seq;
	ifaces->look = look;
	loop_timer_in(ifaces->loop, &ifaces->again, IFACES_AGAIN_NS);
	return send(ifaces->fd.fd, &request, request.nlh.nlmsg_len, 0) < 0 ? -errno : 0;
}

/* At everything.  What is not seen by the end of it is gone. */
static int ifaces_look(struct ifaces *ifaces)
{
	/* 0 is what the kernel says of its own accord. */
	ifaces->seq = ifaces->seq + 1 ? ifaces->seq + 1 : 1;
	ifaces->anew = false;
	return ifaces_ask(ifaces, LOOK_LINKS);
}

static void ifaces_look_again(struct loop_timer *timer)
{
	struct ifaces *ifaces = container_of(timer, struct ifaces, again);

	(void)ifaces_look(ifaces);
}

static void ifaces_lost(struct ifaces *ifaces)
{
	struct iface_watcher *watcher;

	for (watcher = ifaces->watchers; watcher; watcher = watcher->next)
		if (watcher->lost)
			watcher->lost(watcher->arg);
	/* A dump is under way: the kernel refuses another one, and this one's end may be
	 * lost, which the timer finds.
	 */
	if (ifaces->look != LOOK_NONE)
		ifaces->anew = true;
	else
		(void)ifaces_look(ifaces);
}

static void ifaces_forget_links(struct ifaces *ifaces)
{
	unsigned int i;

	for (i = ifaces->count; i--;)
		if (ifaces->iface[i]->look != ifaces->seq)
			iface_remove(ifaces, i);
}

static void ifaces_forget_addresses(struct ifaces *ifaces)
{
	unsigned int i;

	for (i = ifaces->addresses; i--;)
		if (ifaces->address[i].look != ifaces->seq)
			address_remove(ifaces, &ifaces->address[i]);
}

/* A dump is over.  One that is not consistent tells nothing of what it did not name; to
 * look again at once would go on for as long as others make and remove interfaces.
 */
static void ifaces_done(struct ifaces *ifaces)
{
	enum iface_look was = ifaces->look;

	ifaces->look = LOOK_NONE;
	loop_timer_del(ifaces->loop, &ifaces->again);
	if (was == LOOK_LINKS) {
		if (!ifaces->anew)
			ifaces_forget_links(ifaces);
		(void)ifaces_ask(ifaces, LOOK_ADDRESSES);
	} else if (was == LOOK_ADDRESSES) {
		if (!ifaces->anew)
			ifaces_forget_addresses(ifaces);
		else
			loop_timer_in(ifaces->loop, &ifaces->again, IFACES_AGAIN_NS);
	}
}

/* A dump that the kernel could not bring to its end has no other. */
static bool ifaces_is_end(const struct nlmsghdr *nlh)
{
	return mnl_nlmsg_get_payload_len(nlh) < sizeof(int) ||
	       *(const int *)mnl_nlmsg_get_payload(nlh) >= 0;
}

static void ifaces_message(struct ifaces *ifaces, const struct nlmsghdr *nlh)
{
	struct rtnl_address address;
	struct rtnl_link link;

	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		ifaces->anew = true;
	switch (nlh->nlmsg_type) {
	case NLMSG_DONE:
		if (nlh->nlmsg_seq == ifaces->seq && ifaces_is_end(nlh))
			ifaces_done(ifaces);
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (rtnl_link_read(nlh, &link))
			ifaces_link(ifaces, &link, nlh->nlmsg_type == RTM_DELLINK);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		if (rtnl_address_read(nlh, &address))
			ifaces_address(ifaces, &address, nlh->nlmsg_type == RTM_DELADDR);
		break;
	default:	/* refused: the timer asks again */
		break;
	}
}

static void ifaces_read(struct ifaces *ifaces)
{
	unsigned int rounds = IFACES_ROUNDS;

	while (rounds--) {
		struct sockaddr_nl from = { .nl_family = AF_NETLINK };
		socklen_t from_len = sizeof(from);
		const struct nlmsghdr *nlh = (void *)ifaces->buffer;
		ssize_t n = recvfrom(ifaces->fd.fd, ifaces->buffer, sizeof(ifaces->buffer),
				     MSG_TRUNC, (struct sockaddr *)&from, &from_len);
		int len = (int)n;

		if (n > (ssize_t)sizeof(ifaces->buffer) || (n < 0 && errno == ENOBUFS)) {
			ifaces_lost(ifaces);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		if (from.nl_pid)	/* not the kernel */
			continue;
		for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
			ifaces_message(ifaces, nlh);
	}
}

static void ifaces_ready(struct loop_fd *fd, uint32_t events)
{
	(void)events;
	ifaces_read(container_of(fd, struct ifaces, fd));
}

static int ifaces_open(struct ifaces *ifaces)
{
	static const int size = IFACES_RCVBUF;
	struct sockaddr_nl local = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	ifaces->fd.fd = fd;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return bind(fd, (struct sockaddr *)&local, sizeof(local)) ? -errno : 0;
}

/* What is there is used at once. */
static int ifaces_first_look(struct ifaces *ifaces)
{
	uint64_t begin_ns = loop_clock();
	int err = ifaces_look(ifaces);

	while (!err && ifaces->look != LOOK_NONE) {
		struct pollfd ready = { .fd = ifaces->fd.fd, .events = POLLIN };

		if (elapsed_ns(loop_clock(), begin_ns) > IFACES_PATIENCE_NS)
			return -ETIMEDOUT;
		if (poll(&ready, 1, 100) < 0 && errno != EINTR)
			return -errno;
		ifaces_read(ifaces);
	}
	return err;
}

struct ifaces *ifaces_alloc(struct loop *loop, int *err)
{
	struct ifaces *ifaces = calloc(1, sizeof(*ifaces));

	if (!ifaces) {
		*err = -ENOMEM;
		return NULL;
	}
	ifaces->loop = loop;
	ifaces->fd = (struct loop_fd){ .fd = -1, .events = EPOLLIN, .ready = ifaces_ready };
	ifaces->again.fire = ifaces_look_again;
	*err = ifaces_open(ifaces);
	if (!*err)
		*err = ifaces_first_look(ifaces);
	if (!*err)
		*err = loop_fd_add(loop, &ifaces->fd);
	if (!*err)
		return ifaces;
	log_error("interfaces: rtnetlink: %s", strerror(-*err));
	ifaces_free(ifaces);
	return NULL;
}

void ifaces_free(struct ifaces *ifaces)
{
	unsigned int i;

	if (!ifaces)
		return;
	loop_timer_del(ifaces->loop, &ifaces->again);
	if (ifaces->fd.fd >= 0) {
		loop_fd_del(ifaces->loop, &ifaces->fd);
		close(ifaces->fd.fd);
	}
	for (i = 0; i < ifaces->count; i++)
		free(ifaces->iface[i]);
	free(ifaces->iface);
	free(ifaces->address);
	free(ifaces);
}

void ifaces_watch(struct ifaces *ifaces, struct iface_watcher *watcher)
{
	watcher->next = ifaces->watchers;
	ifaces->watchers = watcher;
}

void ifaces_unwatch(struct ifaces *ifaces, struct iface_watcher *watcher)
{
	struct iface_watcher **at = &ifaces->watchers;

	while (*at && *at != watcher)
		at = &(*at)->next;
	if (*at)
		*at = watcher->next;
}

const struct rtnl_link *ifaces_named(const struct ifaces *ifaces, const char *name)
{
	unsigned int i;

	for (i = 0; i < ifaces->count; i++)
		if (rtnl_link_named(&ifaces->iface[i]->link, name))
			return &ifaces->iface[i]->link;
	return NULL;
}

const struct rtnl_link *ifaces_at(const struct ifaces *ifaces, int index)
{
	const struct iface *iface = iface_at(ifaces, index);

	return iface ? &iface->link : NULL;
}

void ifaces_addresses(const struct ifaces *ifaces, int index,
		      void (*cb)(void *arg, const struct rtnl_address *address), void *arg)
{
	unsigned int i;

	for (i = 0; i < ifaces->addresses; i++)
		if (!index || ifaces->address[i].address.index == index)
			cb(arg, &ifaces->address[i].address);
}
