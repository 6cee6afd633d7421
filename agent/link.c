// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>

#include "container.h"
#include "frame.h"
#include "link.h"
#include "log.h"
#include "loop.h"

#define LINK_BATCH	32		/* datagrams of one recvmmsg() */
#define LINK_RCVBUF	(4 << 20)	/* a full sync arrives in bursts */
#define LINK_SNDBUF	(1 << 20)
#define LINK_RETRY_NS	(1 * NSEC_PER_SEC)
#define LINK_WATCH_BUF	32768

struct link {
	struct links		*links;
	struct loop_fd		fd;
	char			name[IFNAMSIZ];
	struct sockaddr_in	dest;
	bool			sync;
	uint32_t		mtu_cap;	/* of the configuration, 0: none */

	int			ifindex;	/* 0: no such interface */
	bool			running;	/* up, with carrier */
	uint32_t		mtu;
	bool			complained;	/* about a socket that cannot be opened */

	uint64_t		rx, rx_bytes, rx_truncated, rx_errors;
	uint64_t		rx_overflows;	/* datagrams that found the socket full */
	uint32_t		drops;		/* the socket's count, at the last look */
	bool			behind;		/* the last read left some in the socket */
	uint64_t		tx, tx_bytes, tx_errors;
	unsigned int		transitions;
};

struct links {
	struct loop		*loop;
	struct link_callbacks	cb;
	struct link		link[LINK_MAX_LINKS];
	unsigned int		count;
	bool			started;	/* callbacks may be called */

	struct mnl_socket	*watch;
	struct loop_fd		watch_fd;
	struct loop_timer	retry;

	struct mmsghdr		msg[LINK_BATCH];
	struct iovec		iov[LINK_BATCH];
	struct sockaddr_in	from[LINK_BATCH];
	uint8_t			data[LINK_BATCH][LINK_DATAGRAM_MAX];
};

static bool link_is_up(const struct link *link)
{
	return link->fd.fd >= 0 && link->running;
}

static unsigned int link_number(const struct link *link)
{
	return (unsigned int)(link - link->links->link);
}

static void link_changed(struct link *link)
{
	struct links *links = link->links;

	if (links->started && links->cb.changed)
		links->cb.changed(links->cb.arg, link_number(link));
}

static void link_ready(struct loop_fd *fd, uint32_t events)
{
	struct link *link = container_of(fd, struct link, fd);
	struct links *links = link->links;
	int i, n;

	(void)events;
	for (i = 0; i < LINK_BATCH; i++) {
		links->iov[i].iov_base = links->data[i];
		links->iov[i].iov_len = sizeof(links->data[i]);
		links->msg[i].msg_hdr = (struct msghdr) {
			.msg_name = &links->from[i],
			.msg_namelen = sizeof(links->from[i]),
			.msg_iov = &links->iov[i],
			.msg_iovlen = 1,
		};
	}

	n = recvmmsg(fd->fd, links->msg, LINK_BATCH, MSG_DONTWAIT, NULL);
	link->behind = n == LINK_BATCH;
	if (n < 0) {
		/* A pending socket error (ENETDOWN) is read away like this. */
		if (errno != EAGAIN && errno != EINTR)
			link->rx_errors++;
		return;
	}
	for (i = 0; i < n; i++) {
		if (links->msg[i].msg_hdr.msg_flags & MSG_TRUNC) {
			link->rx_truncated++;
			continue;
		}
		link->rx++;
		link->rx_bytes += links->msg[i].msg_len;
		links->cb.receive(links->cb.arg, link_number(link), &links->from[i],
				  links->data[i], links->msg[i].msg_len);
	}
}

static void link_close(struct link *link)
{
	if (link->fd.fd < 0)
		return;
	loop_fd_del(link->links->loop, &link->fd);
	close(link->fd.fd);
	link->fd.fd = -1;
}

static int link_socket(const struct link *link, const char **what)
{
	static const int off, one = 1, tos = IPTOS_CLASS_CS6, rcvbuf = LINK_RCVBUF,
			 sndbuf = LINK_SNDBUF;
	struct ip_mreqn mreq = {
		.imr_multiaddr = link->dest.sin_addr,
		.imr_ifindex = link->ifindex,
	};
	int err, fd;

	*what = "socket";
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
	if (fd < 0)
		return -errno;

	*what = "SO_BINDTODEVICE";
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, link->name,
		       (socklen_t)strlen(link->name)))
		goto fail;
	/* Bound to the group address, so that no unicast datagram gets in. */
	*what = "bind";
	if (bind(fd, (const struct sockaddr *)&link->dest, sizeof(link->dest)))
		goto fail;
	*what = "IP_ADD_MEMBERSHIP";
	if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mreq, sizeof(mreq)))
		goto fail;
	*what = "IP_MULTICAST_ALL";
	if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof(off)))
		goto fail;
	*what = "IP_MULTICAST_IF";
	if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &mreq, sizeof(mreq)))
		goto fail;
	*what = "IP_MULTICAST_LOOP";
	if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &off, sizeof(off)))
		goto fail;
	*what = "IP_MULTICAST_TTL";
	if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &one, sizeof(one)))
		goto fail;

	/* Good to have: these never keep a link down. */
	(void)setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcvbuf, sizeof(rcvbuf)))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &sndbuf, sizeof(sndbuf)))
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf));
	return fd;

fail:
	err = -errno;
	close(fd);
	return err;
}

static int link_open(struct link *link)
{
	const char *what = "epoll";
	int err, fd;

	fd = link_socket(link, &what);
	if (fd >= 0) {
		link->fd.fd = fd;
		link->drops = 0;
		link->behind = false;
		err = loop_fd_add(link->links->loop, &link->fd);
		if (!err) {
			link->complained = false;
			return 0;
		}
		link->fd.fd = -1;
		close(fd);
	} else {
		err = fd;
	}
	if (!link->complained) {
		link->complained = true;
		log_error("link %s: %s: %s%s; trying again every second", link->name, what,
			  strerror(-err), err == -EADDRINUSE ?
			  " (does another gwsyncd run here?)" : "");
	}
	return err;
}

/* It works, but a fragment that is lost costs the datagram. */
static void link_check_mtu(const struct link *link)
{
	if (link->sync && link->ifindex && link->mtu < FRAME_MTU_MIN)
		log_warning("link %s: MTU %u is under %d: records go in fragments; raise it on all members (ip link set dev %s mtu 1500)",
			    link->name, link->mtu, FRAME_MTU_MIN, link->name);
}

/* Takes what rtnetlink says of the interface; opens and closes the socket. */
static void link_update(struct link *link, int ifindex, bool running, uint32_t mtu)
{
	uint32_t was_mtu = link->mtu;
	bool was_up = link_is_up(link);
	bool was_there = link->ifindex;

	/* Another index under the same name is another interface. */
	if (link->ifindex != ifindex)
		link_close(link);
	link->ifindex = ifindex;
	link->running = running;
	link->mtu = mtu;
	if (ifindex && link->fd.fd < 0)
		link_open(link);

	if (was_up != link_is_up(link)) {
		link->transitions++;
		if (!was_up)
			log_notice("link %s: up, MTU %u%s", link->name, mtu,
				   link->sync ? "" : ", heartbeats only");
		else
			log_warning("link %s: %s", link->name,
				    ifindex ? "down" : "interface is gone, waiting for it");
	} else if (was_there && !ifindex) {
		log_warning("link %s: interface is gone, waiting for it", link->name);
	}
	if (!was_there || was_mtu != mtu)
		link_check_mtu(link);
	if (was_up != link_is_up(link) || was_mtu != mtu)
		link_changed(link);
}

static int links_watch_message(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct links *links = data;
	const struct nlattr *attr;
	const char *name = NULL;
	uint32_t mtu = 0;
	bool running;
	unsigned int i;

	if (nlh->nlmsg_type != RTM_NEWLINK && nlh->nlmsg_type != RTM_DELLINK)
		return MNL_CB_OK;
	/* A bridge tells of its ports in its own family; not our matter. */
	if (nlh->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*ifi) || ifi->ifi_family != AF_UNSPEC)
		return MNL_CB_OK;

	mnl_attr_for_each(attr, nlh, sizeof(*ifi)) {
		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			if (!mnl_attr_validate(attr, MNL_TYPE_NUL_STRING))
				name = mnl_attr_get_str(attr);
			break;
		case IFLA_MTU:
			if (!mnl_attr_validate(attr, MNL_TYPE_U32))
				mtu = mnl_attr_get_u32(attr);
			break;
		}
	}

	running = (ifi->ifi_flags & IFF_UP) && (ifi->ifi_flags & IFF_RUNNING);
	for (i = 0; i < links->count; i++) {
		struct link *link = &links->link[i];
		bool named = name && !strcmp(name, link->name);

		if (nlh->nlmsg_type == RTM_NEWLINK && named)
			link_update(link, ifi->ifi_index, running, mtu);
		else if (link->ifindex == ifi->ifi_index)
			link_update(link, 0, false, link->mtu);	/* deleted or renamed */
	}
	return MNL_CB_OK;
}

static int links_dump(struct links *links)
{
	uint8_t buf[256] __attribute__((aligned(4))) = { 0 };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;

	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	return mnl_socket_sendto(links->watch, nlh, nlh->nlmsg_len) < 0 ? -errno : 0;
}

/* Reads all that waits.  Return: true when a dump came to its end. */
static bool links_watch_read(struct links *links, int flags)
{
	static uint8_t buf[LINK_WATCH_BUF] __attribute__((aligned(8)));
	int fd = mnl_socket_get_fd(links->watch);
	bool done = false;
	ssize_t len;

	for (;;) {
		len = recv(fd, buf, sizeof(buf), flags);
		if (len < 0) {
			if (errno == EINTR)
				continue;
			if (errno == ENOBUFS)	/* messages were lost: look again */
				(void)links_dump(links);
			return done;
		}
		if (mnl_cb_run(buf, (size_t)len, 0, 0, links_watch_message, links) <=
		    MNL_CB_STOP)
			done = true;
		if (done)
			flags = MSG_DONTWAIT;
	}
}

static void links_watch_ready(struct loop_fd *fd, uint32_t events)
{
	(void)events;
	links_watch_read(container_of(fd, struct links, watch_fd), MSG_DONTWAIT);
}

static int links_watch_open(struct links *links)
{
	struct timeval patience = { .tv_sec = 2 };
	int err, fd;

	links->watch = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!links->watch)
		return -errno;
	fd = mnl_socket_get_fd(links->watch);
	if (mnl_socket_bind(links->watch, RTMGRP_LINK, MNL_SOCKET_AUTOPID) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience))) {
		err = -errno;
		goto close_watch;
	}

	/* At start the dump is waited for: what is there is used at once. */
	err = links_dump(links);
	if (err)
		goto close_watch;
	if (!links_watch_read(links, 0)) {
		err = -ETIMEDOUT;
		goto close_watch;
	}

	links->watch_fd = (struct loop_fd) {
		.fd = fd, .events = EPOLLIN, .ready = links_watch_ready,
	};
	err = loop_fd_add(links->loop, &links->watch_fd);
	if (err)
		goto close_watch;
	return 0;

close_watch:
	links->watch_fd.fd = -1;
	mnl_socket_close(links->watch);
	links->watch = NULL;
	return err;
}

static void links_retry(struct loop_timer *timer)
{
	struct links *links = container_of(timer, struct links, retry);
	unsigned int i;

	for (i = 0; i < links->count; i++) {
		struct link *link = &links->link[i];

		if (link->ifindex && link->fd.fd < 0)
			link_update(link, link->ifindex, link->running, link->mtu);
	}
	loop_timer_in(links->loop, timer, LINK_RETRY_NS);
}

static void links_add(struct links *links, const char *name, struct in_addr group,
		      uint16_t port, bool sync, uint32_t mtu_cap)
{
	struct link *link = &links->link[links->count++];

	link->links = links;
	link->fd = (struct loop_fd) { .fd = -1, .events = EPOLLIN, .ready = link_ready };
	memcpy(link->name, name, sizeof(link->name));
	link->name[sizeof(link->name) - 1] = '\0';
	link->dest.sin_family = AF_INET;
	link->dest.sin_addr = group;
	link->dest.sin_port = htons(port);
	link->sync = sync;
	link->mtu_cap = mtu_cap;
}

static bool links_have(const struct links *links, const char *name)
{
	unsigned int i;

	for (i = 0; i < links->count; i++)
		if (!strcmp(links->link[i].name, name))
			return true;
	return false;
}

struct links *links_alloc(struct loop *loop, const struct config *config,
			  const struct link_callbacks *cb, int *err)
{
	struct in_addr group = { .s_addr = htonl(LINK_GROUP) };
	struct links *links = calloc(1, sizeof(*links));
	uint16_t port = LINK_PORT;
	unsigned int i;

	if (!links) {
		*err = -ENOMEM;
		return NULL;
	}
	links->loop = loop;
	links->cb = *cb;
	links->watch_fd.fd = -1;

	for (i = 0; i < config->links && i < CONFIG_LINKS_MAX; i++) {
		const struct config_link *c = &config->link[i];

		links_add(links, c->interface, c->group, c->port, c->sync, c->mtu);
	}
	if (config->links) {
		group = config->link[0].group;
		port = config->link[0].port;
	}
	for (i = 0; i < config->vrouters && i < CONFIG_VROUTERS_MAX; i++)
		if (!links_have(links, config->vrouter[i].interface))
			links_add(links, config->vrouter[i].interface, group, port, false, 0);

	*err = links_watch_open(links);
	if (*err) {
		log_error("links: rtnetlink: %s", strerror(-*err));
		links_free(links);
		return NULL;
	}
	for (i = 0; i < links->count; i++) {
		const struct link *link = &links->link[i];

		if (!link->ifindex)
			log_warning("link %s: no such interface, waiting for it", link->name);
		else if (link->fd.fd >= 0 && !link->running)
			log_warning("link %s: down, waiting for it", link->name);
	}

	links->retry.fire = links_retry;
	loop_timer_in(loop, &links->retry, LINK_RETRY_NS);
	links->started = true;
	return links;
}

void links_free(struct links *links)
{
	unsigned int i;

	if (!links)
		return;
	loop_timer_del(links->loop, &links->retry);
	if (links->watch) {
		loop_fd_del(links->loop, &links->watch_fd);
		mnl_socket_close(links->watch);
	}
	for (i = 0; i < links->count; i++)
		link_close(&links->link[i]);
	free(links);
}

unsigned int links_count(const struct links *links)
{
	return links->count;
}

const char *links_name(const struct links *links, unsigned int link)
{
	return link < links->count ? links->link[link].name : "?";
}

bool links_is_sync(const struct links *links, unsigned int link)
{
	return link < links->count && links->link[link].sync;
}

bool links_up(const struct links *links, unsigned int link)
{
	return link < links->count && link_is_up(&links->link[link]);
}

bool links_sync_down(const struct links *links)
{
	bool configured = false;
	unsigned int i;

	for (i = 0; i < links->count; i++) {
		if (!links->link[i].sync)
			continue;
		if (link_is_up(&links->link[i]))
			return false;
		configured = true;
	}
	return configured;
}

/* Takes the socket's count; returns whether it has gone up. */
static bool link_overflowed(struct link *link)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 }, more;
	socklen_t len = sizeof(info);

	if (getsockopt(link->fd.fd, SOL_SOCKET, SO_MEMINFO, info, &len))
		return false;
	more = info[SK_MEMINFO_DROPS] - link->drops;
	link->drops = info[SK_MEMINFO_DROPS];
	link->rx_overflows += more;
	return more;
}

bool links_deaf(struct links *links, bool *overflow)
{
	unsigned int i, up = 0, deaf = 0;

	*overflow = false;
	for (i = 0; i < links->count; i++) {
		struct link *link = &links->link[i];
		bool overflowed;

		if (!link_is_up(link))
			continue;
		overflowed = link_overflowed(link);
		*overflow |= overflowed;
		up++;
		deaf += overflowed || link->behind;
	}
	return up && deaf == up;
}

unsigned int links_mtu(const struct links *links)
{
	uint32_t least = LINK_DATAGRAM_MAX + FRAME_IP_BYTES;
	unsigned int i;

	for (i = 0; i < links->count; i++) {
		const struct link *link = &links->link[i];
		uint32_t mtu = link->mtu;

		if (!link->sync)
			continue;
		if (link->mtu_cap && (!mtu || link->mtu_cap < mtu))
			mtu = link->mtu_cap;
		if (!mtu)		/* not seen yet: Ethernet's */
			mtu = 1500;
		if (mtu < least)
			least = mtu;
	}
	return least;
}

int links_send(struct links *links, unsigned int number, const void *data, size_t len)
{
	struct link *link;

	if (number >= links->count)
		return -EINVAL;
	link = &links->link[number];
	if (link->fd.fd < 0)
		return -ENETDOWN;
	if (sendto(link->fd.fd, data, len, MSG_DONTWAIT,
		   (const struct sockaddr *)&link->dest, sizeof(link->dest)) < 0) {
		link->tx_errors++;
		return -errno;
	}
	link->tx++;
	link->tx_bytes += len;
	return 0;
}

static const char *link_state(const struct link *link)
{
	if (!link->ifindex)
		return "missing";
	if (link->fd.fd < 0)
		return "error";
	return link->running ? "up" : "down";
}

json_t *links_json(const struct links *links)
{
	json_t *array = json_array(), *json;
	unsigned int i;

	for (i = 0; i < links->count; i++) {
		const struct link *link = &links->link[i];

		json = json_pack("{s:s, s:b, s:s, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
				 "interface", link->name, "sync", link->sync,
				 "state", link_state(link), "mtu", (int)link->mtu,
				 "transitions", (int)link->transitions,
				 "rx", (json_int_t)link->rx,
				 "rx_bytes", (json_int_t)link->rx_bytes,
				 "rx_truncated", (json_int_t)link->rx_truncated,
				 "rx_errors", (json_int_t)link->rx_errors,
				 "rx_overflows", (json_int_t)link->rx_overflows,
				 "tx", (json_int_t)link->tx,
				 "tx_bytes", (json_int_t)link->tx_bytes,
				 "tx_errors", (json_int_t)link->tx_errors);
		json_array_append_new(array, json);
	}
	return array;
}
