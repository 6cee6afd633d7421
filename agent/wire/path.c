// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sock_diag.h>

#include "base/container.h"
#include "base/log.h"
#include "base/loop.h"
#include "host/iface.h"
#include "wire/frame.h"
#include "wire/path.h"

#define PATH_BATCH	32		/* datagrams of one recvmmsg() */
#define PATH_RCVBUF	(4 << 20)	/* a full sync arrives in bursts */
#define PATH_SNDBUF	(1 << 20)
#define PATH_RETRY_NS	(1 * NSEC_PER_SEC)

/* A socket that hears nobody is opened anew after so long, then less and less often:
 * it may have lost its place in the group without a word from the kernel.
 */
#define PATH_QUIET_NS		(3 * NSEC_PER_SEC)
#define PATH_QUIET_MOST_NS	(60 * NSEC_PER_SEC)

/* With less the kernel takes IPv4 from an interface, and memberships with it. */
#define PATH_IPV4_MTU		68

struct path {
	struct paths		*paths;
	struct loop_fd		fd;
	char			name[IFNAMSIZ];	/* of the configuration, maybe an alternative one */
	char			ifname[IFNAMSIZ];	/* the kernel's */
	struct sockaddr_in	dest;
	bool			sync;
	bool			lan;		/* of a virtual router */
	uint32_t		mtu_cap;	/* of the configuration, 0: none */

	int			ifindex;	/* 0: no such interface */
	bool			running;	/* up, with carrier */
	uint32_t		mtu;
	int			master;		/* bridge, bond or VRF that it is a port of */
	uint64_t		heard_ns;	/* a member, or since when it is open */
	uint64_t		quiet_ns;	/* how long it may hear nobody */
	unsigned int		reopened;	/* because it heard nobody */
	bool			complained;	/* about a socket that cannot be opened */
	bool			refused;	/* the last datagram, by the firewall here */

	uint64_t		rx, rx_bytes, rx_truncated, rx_empty, rx_errors;
	uint64_t		rx_overflows;	/* datagrams that found the socket full */
	uint32_t		drops;		/* the socket's count, at the last look */
	bool			behind;		/* the last read left some in the socket */
	uint64_t		tx, tx_bytes, tx_errors;
	unsigned int		transitions;
};

struct paths {
	struct loop		*loop;
	struct path_callbacks	cb;
	struct path		path[PATHS_MAX];
	unsigned int		count;
	bool			started;	/* callbacks may be called */

	struct ifaces		*ifaces;
	struct iface_watcher	watcher;
	struct loop_timer	retry;

	struct mmsghdr		msg[PATH_BATCH];
	struct iovec		iov[PATH_BATCH];
	struct sockaddr_in	from[PATH_BATCH];
	uint8_t			data[PATH_BATCH][PATH_DATAGRAM_MAX];
};

static bool path_is_up(const struct path *path)
{
	return path->fd.fd >= 0 && path->running;
}

static unsigned int path_number(const struct path *path)
{
	return (unsigned int)(path - path->paths->path);
}

static void path_changed(struct path *path)
{
	struct paths *paths = path->paths;

	if (paths->started && paths->cb.changed)
		paths->cb.changed(paths->cb.arg, path_number(path));
}

static void path_ready(struct loop_fd *fd, uint32_t events)
{
	struct path *path = container_of(fd, struct path, fd);
	struct paths *paths = path->paths;
	int i, n;

	(void)events;
	for (i = 0; i < PATH_BATCH; i++) {
		paths->iov[i].iov_base = paths->data[i];
		paths->iov[i].iov_len = sizeof(paths->data[i]);
		paths->msg[i].msg_hdr = (struct msghdr) {
			.msg_name = &paths->from[i],
			.msg_namelen = sizeof(paths->from[i]),
			.msg_iov = &paths->iov[i],
			.msg_iovlen = 1,
		};
	}

	n = recvmmsg(fd->fd, paths->msg, PATH_BATCH, MSG_DONTWAIT, NULL);
	path->behind = n == PATH_BATCH;
	if (n < 0) {
		/* A pending socket error (ENETDOWN) is read away like this. */
		if (errno != EAGAIN && errno != EINTR)
			path->rx_errors++;
		return;
	}
	for (i = 0; i < n; i++) {
		if (paths->msg[i].msg_hdr.msg_flags & MSG_TRUNC) {
			path->rx_truncated++;
			continue;
		}
		/* For switches: the owner's virtual MAC is a source. */
		if (!paths->msg[i].msg_len) {
			path->rx_empty++;
			continue;
		}
		path->rx++;
		path->rx_bytes += paths->msg[i].msg_len;
		paths->cb.receive(paths->cb.arg, path_number(path), &paths->from[i],
				  paths->data[i], paths->msg[i].msg_len);
	}
}

static void path_close(struct path *path)
{
	if (path->fd.fd < 0)
		return;
	loop_fd_del(path->paths->loop, &path->fd);
	close(path->fd.fd);
	path->fd.fd = -1;
}

static int path_socket(const struct path *path, const char **what)
{
	static const int off, one = 1, tos = IPTOS_CLASS_CS6, rcvbuf = PATH_RCVBUF,
			 sndbuf = PATH_SNDBUF;
	struct ip_mreqn mreq = {
		.imr_multiaddr = path->dest.sin_addr,
		.imr_ifindex = path->ifindex,
	};
	int err, fd;

	*what = "socket";
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
	if (fd < 0)
		return -errno;

	*what = "SO_BINDTODEVICE";
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, path->ifname,
		       (socklen_t)strlen(path->ifname)))
		goto fail;
	/* Bound to the group address, so that no unicast datagram gets in. */
	*what = "bind";
	if (bind(fd, (const struct sockaddr *)&path->dest, sizeof(path->dest)))
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

static int path_open(struct path *path)
{
	const char *what = "epoll";
	int err, fd;

	fd = path_socket(path, &what);
	if (fd >= 0) {
		path->fd.fd = fd;
		path->drops = 0;
		path->behind = false;
		path->heard_ns = loop_clock();
		err = loop_fd_add(path->paths->loop, &path->fd);
		if (!err) {
			path->complained = false;
			return 0;
		}
		path->fd.fd = -1;
		close(fd);
	} else {
		err = fd;
	}
	if (!path->complained) {
		path->complained = true;
		log_error("link %s: %s: %s%s; trying again every second", path->name, what,
			  strerror(-err), err == -EADDRINUSE ?
			  " (does another gwsyncd run here?)" : "");
	}
	return err;
}

/* It works, but a fragment that is lost costs the datagram. */
static void path_check_mtu(const struct path *path)
{
	if (path->sync && path->ifindex && path->mtu < FRAME_MTU_MIN)
		log_warning("link %s: MTU %u is under %d: records go in fragments; raise it on all members (ip link set dev %s mtu 1500)",
			    path->name, path->mtu, FRAME_MTU_MIN, path->name);
}

/* What rtnetlink says of an interface. */
struct path_news {
	int		ifindex;	/* 0: it is gone */
	bool		running;
	uint32_t	mtu;
	int		master;
};

/* Memberships may be gone: another index under the same name is another interface, and
 * what was down, without IPv4 or a port of another one has lost them, or a switch has.
 */
static bool path_is_anew(const struct path *path, const struct path_news *news)
{
	return path->ifindex != news->ifindex || (news->running && !path->running) ||
	       path->master != news->master ||
	       (path->mtu < PATH_IPV4_MTU && news->mtu >= PATH_IPV4_MTU);
}

/* Takes what rtnetlink says of the interface; opens and closes the socket. */
static void path_update(struct path *path, const struct path_news *news)
{
	uint32_t was_mtu = path->mtu, mtu = news->mtu;
	bool was_up = path_is_up(path);
	bool was_there = path->ifindex;
	int ifindex = news->ifindex;

	if (path_is_anew(path, news)) {
		path_close(path);
		path->quiet_ns = PATH_QUIET_NS;
	}
	path->ifindex = ifindex;
	path->running = news->running;
	path->mtu = mtu;
	path->master = news->master;
	if (ifindex && path->fd.fd < 0)
		path_open(path);

	if (was_up != path_is_up(path)) {
		path->transitions++;
		if (!was_up)
			log_notice("link %s: up, MTU %u%s", path->name, mtu,
				   path->sync ? "" : ", heartbeats only");
		else
			log_warning("link %s: %s", path->name,
				    ifindex ? "down" : "interface is gone, waiting for it");
	} else if (was_there && !ifindex) {
		log_warning("link %s: interface is gone, waiting for it", path->name);
	}
	if (!was_there || was_mtu != mtu)
		path_check_mtu(path);
	if (was_up != path_is_up(path) || was_mtu != mtu)
		path_changed(path);
}

/* The other one that is this interface already, by another of its names. */
static struct path *path_same(const struct path *path, int ifindex)
{
	struct paths *paths = path->paths;
	unsigned int i;

	for (i = 0; i < path_number(path); i++)
		if (paths->path[i].ifindex == ifindex)
			return &paths->path[i];
	return NULL;
}

static void path_look(struct path *path, const struct rtnl_link *link)
{
	struct path_news news = {
		.ifindex = link->index, .mtu = link->mtu, .master = link->master,
		.running = (link->flags & IFF_UP) && (link->flags & IFF_RUNNING),
	};
	struct path *same = path_same(path, link->index);

	if (!same) {
		memcpy(path->ifname, link->name, sizeof(path->ifname));
		path_update(path, &news);
		return;
	}
	same->lan |= path->lan;
	/* One that a virtual router names and a link as well is no fault. */
	if (path->sync && !path->complained) {
		path->complained = true;
		log_error("link %s: is %s, which is a link already: name it once", path->name,
			  same->name);
	}
}

static void paths_link(void *arg, const struct rtnl_link *link, bool gone)
{
	struct paths *paths = arg;
	unsigned int i;

	/* A bridge tells of its ports in its own family; not our matter. */
	if (link->port)
		return;
	for (i = 0; i < paths->count; i++) {
		struct path *path = &paths->path[i];

		if (!gone && rtnl_link_named(link, path->name))
			path_look(path, link);
		else if (path->ifindex == link->index)	/* deleted or renamed */
			path_update(path, &(struct path_news){ .mtu = path->mtu });
	}
}

/* Nobody is heard, though the interface runs: is it the socket? */
static void path_check_quiet(struct path *path, uint64_t now_ns)
{
	if (!path_is_up(path) || elapsed_ns(now_ns, path->heard_ns) < path->quiet_ns)
		return;
	path->quiet_ns = doubled_ns(path->quiet_ns, PATH_QUIET_MOST_NS);
	path->reopened++;
	log_debug("link %s: nobody is heard: socket opened anew", path->name);
	path_close(path);
	path_open(path);
	path_changed(path);
}

static void paths_retry(struct loop_timer *timer)
{
	struct paths *paths = container_of(timer, struct paths, retry);
	uint64_t now_ns = loop_clock();
	unsigned int i;

	for (i = 0; i < paths->count; i++) {
		struct path *path = &paths->path[i];

		struct path_news same = {
			.ifindex = path->ifindex, .running = path->running,
			.mtu = path->mtu, .master = path->master,
		};

		if (path->ifindex && path->fd.fd < 0)
			path_update(path, &same);
		path_check_quiet(path, now_ns);
	}
	loop_timer_in(paths->loop, timer, PATH_RETRY_NS);
}

static void paths_add(struct paths *paths, const char *name, struct in_addr group,
		      uint16_t port, bool sync, uint32_t mtu_cap)
{
	struct path *path = &paths->path[paths->count++];

	path->paths = paths;
	path->fd = (struct loop_fd) { .fd = -1, .events = EPOLLIN, .ready = path_ready };
	memcpy(path->name, name, sizeof(path->name));
	path->name[sizeof(path->name) - 1] = '\0';
	path->dest.sin_family = AF_INET;
	path->dest.sin_addr = group;
	path->dest.sin_port = htons(port);
	path->sync = sync;
	path->mtu_cap = mtu_cap;
	path->quiet_ns = PATH_QUIET_NS;
}

static struct path *paths_find(struct paths *paths, const char *name)
{
	unsigned int i;

	for (i = 0; i < paths->count; i++)
		if (!strcmp(paths->path[i].name, name))
			return &paths->path[i];
	return NULL;
}

struct paths *paths_alloc(struct loop *loop, struct ifaces *ifaces, const struct config *config,
			  const struct path_callbacks *cb, int *err)
{
	struct in_addr group = { .s_addr = htonl(PATH_GROUP) };
	struct paths *paths = calloc(1, sizeof(*paths));
	uint16_t port = PATH_PORT;
	unsigned int i;

	if (!paths) {
		*err = -ENOMEM;
		return NULL;
	}
	paths->loop = loop;
	paths->cb = *cb;
	paths->ifaces = ifaces;
	paths->watcher = (struct iface_watcher){ .link = paths_link, .arg = paths };

	for (i = 0; i < config->links && i < CONFIG_LINKS_MAX; i++) {
		const struct config_link *c = &config->link[i];

		paths_add(paths, c->interface, c->group, c->port, c->sync, c->mtu);
	}
	if (config->links) {
		group = config->link[0].group;
		port = config->link[0].port;
	}
	for (i = 0; i < config->vrouters && i < CONFIG_VROUTERS_MAX; i++) {
		const char *name = config->vrouter[i].interface;

		if (!paths_find(paths, name))
			paths_add(paths, name, group, port, false, 0);
		paths_find(paths, name)->lan = true;
	}

	for (i = 0; i < paths->count; i++) {
		struct path *path = &paths->path[i];
		const struct rtnl_link *link = ifaces_named(ifaces, path->name);

		if (link)
			path_look(path, link);
		if (!link)
			log_warning("link %s: no such interface, waiting for it", path->name);
		else if (path->fd.fd >= 0 && !path->running)
			log_warning("link %s: down, waiting for it", path->name);
	}

	ifaces_watch(ifaces, &paths->watcher);
	paths->retry.fire = paths_retry;
	loop_timer_in(loop, &paths->retry, PATH_RETRY_NS);
	paths->started = true;
	return paths;
}

void paths_free(struct paths *paths)
{
	unsigned int i;

	if (!paths)
		return;
	loop_timer_del(paths->loop, &paths->retry);
	ifaces_unwatch(paths->ifaces, &paths->watcher);
	for (i = 0; i < paths->count; i++)
		path_close(&paths->path[i]);
	free(paths);
}

unsigned int paths_count(const struct paths *paths)
{
	return paths->count;
}

const char *paths_name(const struct paths *paths, unsigned int path)
{
	return path < paths->count ? paths->path[path].name : "?";
}

bool paths_is_sync(const struct paths *paths, unsigned int path)
{
	return path < paths->count && paths->path[path].sync;
}

void paths_heard(struct paths *paths, unsigned int number, uint64_t now_ns)
{
	if (number >= paths->count)
		return;
	paths->path[number].heard_ns = now_ns;
	paths->path[number].quiet_ns = PATH_QUIET_NS;
}

bool paths_up(const struct paths *paths, unsigned int path)
{
	return path < paths->count && path_is_up(&paths->path[path]);
}

bool paths_sync_down(const struct paths *paths)
{
	bool configured = false;
	unsigned int i;

	for (i = 0; i < paths->count; i++) {
		if (!paths->path[i].sync)
			continue;
		if (path_is_up(&paths->path[i]))
			return false;
		configured = true;
	}
	return configured;
}

bool paths_is_lan(const struct paths *paths, unsigned int path)
{
	return path < paths->count && paths->path[path].lan;
}

/* Takes the socket's count; returns whether it has gone up. */
static bool path_overflowed(struct path *path)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 }, more;
	socklen_t len = sizeof(info);

	if (getsockopt(path->fd.fd, SOL_SOCKET, SO_MEMINFO, info, &len))
		return false;
	more = info[SK_MEMINFO_DROPS] - path->drops;
	path->drops = info[SK_MEMINFO_DROPS];
	path->rx_overflows += more;
	return more;
}

bool paths_deaf(struct paths *paths, bool *overflow)
{
	unsigned int i, up = 0, deaf = 0;

	*overflow = false;
	for (i = 0; i < paths->count; i++) {
		struct path *path = &paths->path[i];
		bool overflowed;

		if (!path_is_up(path))
			continue;
		overflowed = path_overflowed(path);
		*overflow |= overflowed;
		up++;
		deaf += overflowed || path->behind;
	}
	return up && deaf == up;
}

unsigned int paths_mtu(const struct paths *paths)
{
	uint32_t least = PATH_DATAGRAM_MAX + FRAME_IP_BYTES;
	unsigned int i;

	for (i = 0; i < paths->count; i++) {
		const struct path *path = &paths->path[i];
		uint32_t mtu = path->mtu;

		if (!path->sync)
			continue;
		if (path->mtu_cap && (!mtu || path->mtu_cap < mtu))
			mtu = path->mtu_cap;
		if (!mtu)		/* not seen yet: Ethernet's */
			mtu = 1500;
		if (mtu < least)
			least = mtu;
	}
	return least;
}

int paths_send(struct paths *paths, unsigned int number, const void *data, size_t len)
{
	struct path *path;

	if (number >= paths->count)
		return -EINVAL;
	path = &paths->path[number];
	if (path->fd.fd < 0)
		return -ENETDOWN;
	if (sendto(path->fd.fd, data, len, MSG_DONTWAIT,
		   (const struct sockaddr *)&path->dest, sizeof(path->dest)) < 0) {
		path->tx_errors++;
		/* What a rule of the output hook drops comes back as this. */
		path->refused = errno == EPERM;
		return -errno;
	}
	path->refused = false;
	path->tx++;
	path->tx_bytes += len;
	return 0;
}

void paths_loop(struct paths *paths, unsigned int number, bool loop)
{
	int on = loop;

	if (number < paths->count && paths->path[number].fd.fd >= 0)
		(void)setsockopt(paths->path[number].fd.fd, IPPROTO_IP, IP_MULTICAST_LOOP, &on,
				 sizeof(on));
}

static void path_has_ipv4(void *arg, const struct rtnl_address *address)
{
	bool *has = arg;

	*has |= address->family == AF_INET;
}

bool paths_has_address(const struct paths *paths, unsigned int number)
{
	bool has = false;

	if (number < paths->count && paths->path[number].fd.fd >= 0)
		ifaces_addresses(paths->ifaces, paths->path[number].ifindex, path_has_ipv4, &has);
	return has;
}

bool paths_refused(const struct paths *paths, unsigned int number)
{
	return number < paths->count && paths->path[number].refused;
}

static const char *path_state(const struct path *path)
{
	if (!path->ifindex)
		return "missing";
	if (path->fd.fd < 0)
		return "error";
	return path->running ? "up" : "down";
}

json_t *paths_json(const struct paths *paths)
{
	json_t *array = json_array(), *json;
	unsigned int i;

	for (i = 0; i < paths->count; i++) {
		const struct path *path = &paths->path[i];

		json = json_pack("{s:s, s:b, s:s, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
				 "interface", path->name, "sync", path->sync,
				 "state", path_state(path), "mtu", (int)path->mtu,
				 "transitions", (int)path->transitions,
				 "reopened", (int)path->reopened,
				 "rx", (json_int_t)path->rx,
				 "rx_bytes", (json_int_t)path->rx_bytes,
				 "rx_truncated", (json_int_t)path->rx_truncated,
				 "rx_empty", (json_int_t)path->rx_empty,
				 "rx_errors", (json_int_t)path->rx_errors,
				 "rx_overflows", (json_int_t)path->rx_overflows,
				 "tx", (json_int_t)path->tx,
				 "tx_bytes", (json_int_t)path->tx_bytes,
				 "tx_errors", (json_int_t)path->tx_errors);
		json_array_append_new(array, json);
	}
	return array;
}
