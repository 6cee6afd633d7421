// SPDX-License-Identifier: GPL-2.0
/* Two sockets: "events" is the attached one, "netlink" asks. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "base/container.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/netlink.h"
#include "config/address.h"
#include "config/config.h"
#include "flow/kernel.h"
#include "flow/names.h"
#include "wire/path.h"

#define KERNEL_BATCH		32	/* messages of one system call */
#define KERNEL_ROUNDS		8	/* system calls of one wakeup: others wait */
#define KERNEL_MESSAGE		12288	/* batch_bytes is 8192 at most */
#define KERNEL_RCVBUF		(4 * 1024 * 1024)
#define KERNEL_RECORDS_MAX	65000	/* one attribute */

struct kernel {
	struct loop		*loop;
	struct kernel_callbacks	cb;
	struct netlink		netlink;	/* commands, and apply's refusals */
	struct loop_fd		refusals;	/* of it */
	uint16_t		family;
	uint64_t		malformed;	/* messages that were not as uapi says */
	bool			has_masks;	/* it knows of labels and marks */
	bool			has_audit;	/* it audits */

	struct mnl_socket	*events;
	struct loop_fd		fd;
	uint32_t		portid;
	bool			paused, gone;
	struct loop_timer	gone_timer;
	int			gone_error;
	uint64_t		overruns;

	/* A batch; messages from @next to @count wait while paused. */
	unsigned int		next, count;
	struct mmsghdr		mmsg[KERNEL_BATCH];
	struct iovec		iov[KERNEL_BATCH];
	struct sockaddr_nl	from[KERNEL_BATCH];
	uint8_t			message[KERNEL_BATCH][KERNEL_MESSAGE] __attribute__((aligned(8)));
};

static const uint16_t attr_min[GWSYNC_A_MAX + 1] = {
	[GWSYNC_A_MEMBER]		= 1,
	[GWSYNC_A_OWNER]		= 1,
	[GWSYNC_A_EPOCH]		= 4,
	[GWSYNC_A_SET]			= 8,
	[GWSYNC_A_WALK_ID]		= 4,
	[GWSYNC_A_EVENT]		= 4,
	[GWSYNC_A_ACTIVE]		= 1,
	[GWSYNC_A_BOOT_ID]		= 8,
	[GWSYNC_A_COUNT]		= 4,
	[GWSYNC_A_CURSOR]		= 8,
	[GWSYNC_A_PARAM_FLUSH_MS]	= 4,
	[GWSYNC_A_PARAM_HOLD_MS]	= 4,
	[GWSYNC_A_PARAM_BATCH_BYTES]	= 4,
	[GWSYNC_A_PARAM_TOMBSTONES]	= 4,
	[GWSYNC_A_PARAM_WALK_RATE]	= 4,
	[GWSYNC_A_REPLICAS]		= 8,
	[GWSYNC_A_FLOWS]		= 8,
	[GWSYNC_A_CLASSES]		= GWSYNC_BUCKETS * sizeof(uint64_t),
	[GWSYNC_A_PARAM_DIGEST_MS]	= 4,
	[GWSYNC_A_WAITING]		= 4,
	[GWSYNC_A_MUTE]			= 4,
	[GWSYNC_A_LEASE]		= 1,
	[GWSYNC_A_PARAM_AUDIT_MS]	= 4,
	[GWSYNC_A_PARAM_LABELS]		= 4,
	[GWSYNC_A_PARAM_MARK_MASK]	= 4,
};

/* Said once, and from the loop alone: the callback may close this. */
static void kernel_say_gone(struct loop_timer *timer)
{
	struct kernel *kernel = container_of(timer, struct kernel, gone_timer);

	kernel->cb.gone(kernel->cb.arg, kernel->gone_error);
}

static void kernel_gone(struct kernel *kernel, int err)
{
	if (kernel->gone)
		return;
	kernel->gone = true;
	kernel->gone_error = err;
	loop_fd_set(kernel->loop, &kernel->fd, 0);
	loop_timer_in(kernel->loop, &kernel->gone_timer, 0);
}

static bool kernel_delta(struct kernel *kernel, const struct nlattr **tb)
{
	const struct nlattr *records = tb[GWSYNC_A_RECORDS];

	if (!records || !tb[GWSYNC_A_SET]) {
		kernel->malformed++;
		return true;
	}
	return kernel->cb.delta(kernel->cb.arg, mnl_attr_get_u64(tb[GWSYNC_A_SET]),
				tb[GWSYNC_A_WALK_ID] ? mnl_attr_get_u32(tb[GWSYNC_A_WALK_ID]) : 0,
				mnl_attr_get_payload(records), mnl_attr_get_payload_len(records));
}

static void kernel_event(struct kernel *kernel, const struct nlattr **tb)
{
	struct kernel_event event = { 0 };

	if (!tb[GWSYNC_A_EVENT]) {
		kernel->malformed++;
		return;
	}
	event.event = mnl_attr_get_u32(tb[GWSYNC_A_EVENT]);
	if (tb[GWSYNC_A_WALK_ID])
		event.walk_id = mnl_attr_get_u32(tb[GWSYNC_A_WALK_ID]);
	if (tb[GWSYNC_A_COUNT])
		event.count = mnl_attr_get_u32(tb[GWSYNC_A_COUNT]);
	if (tb[GWSYNC_A_OWNER])
		event.owner = mnl_attr_get_u8(tb[GWSYNC_A_OWNER]);
	kernel->cb.event(kernel->cb.arg, &event);
}

/* nlctrl tells of every family; ours went with its module. */
static void kernel_control(struct kernel *kernel, const struct nlmsghdr *nlh)
{
	static const uint16_t min[CTRL_ATTR_MAX + 1] = { [CTRL_ATTR_FAMILY_ID] = 2 };
	const struct nlattr *tb[CTRL_ATTR_MAX + 1];
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);

	if (genl->cmd == CTRL_CMD_DELFAMILY &&
	    netlink_attrs(nlh, GENL_HDRLEN, tb, min, CTRL_ATTR_MAX) &&
	    tb[CTRL_ATTR_FAMILY_ID] &&
	    mnl_attr_get_u16(tb[CTRL_ATTR_FAMILY_ID]) == kernel->family)
		kernel_gone(kernel, -ENOENT);
}

static bool kernel_message(struct kernel *kernel, const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[GWSYNC_A_MAX + 1];

	if (nlh->nlmsg_type < NLMSG_MIN_TYPE)	/* late answer of attach */
		return true;
	if (mnl_nlmsg_get_payload_len(nlh) < GENL_HDRLEN) {
		kernel->malformed++;
		return true;
	}
	if (nlh->nlmsg_type == GENL_ID_CTRL) {
		kernel_control(kernel, nlh);
		return true;
	}
	if (nlh->nlmsg_type != kernel->family)
		return true;
	if (!netlink_attrs(nlh, GENL_HDRLEN, tb, attr_min, GWSYNC_A_MAX)) {
		kernel->malformed++;
		return true;
	}
	if (genl->cmd == GWSYNC_CMD_DELTA)
		return kernel_delta(kernel, tb);
	if (genl->cmd == GWSYNC_CMD_EVENT)
		kernel_event(kernel, tb);
	return true;
}

/* One datagram is one message of ours; false: paused after it. */
static bool kernel_datagram(struct kernel *kernel, unsigned int i)
{
	const struct nlmsghdr *nlh = (const void *)kernel->message[i];
	int len = (int)kernel->mmsg[i].msg_len;
	bool go_on = true;

	/* Anybody with the capability may write to our port; the kernel is 0. */
	if (kernel->from[i].nl_pid)
		return true;
	if (kernel->mmsg[i].msg_hdr.msg_flags & MSG_TRUNC) {
		kernel->malformed++;
		log_error("kernel: a message of more than %u bytes was cut; a full sync is needed",
			  KERNEL_MESSAGE);
		return true;
	}
	for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
		go_on &= kernel_message(kernel, nlh);
	return go_on;
}

/* False when paused or gone: take no more. */
static bool kernel_deliver(struct kernel *kernel)
{
	while (kernel->next < kernel->count) {
		if (!kernel_datagram(kernel, kernel->next++)) {
			kernel->paused = true;
			loop_fd_set(kernel->loop, &kernel->fd, 0);
		}
		if (kernel->paused || kernel->gone)
			return false;
	}
	return true;
}

static void kernel_ready(struct loop_fd *fd, uint32_t events)
{
	struct kernel *kernel = container_of(fd, struct kernel, fd);
	unsigned int round, i;
	int n;

	(void)events;
	for (round = 0; round < KERNEL_ROUNDS; round++) {
		if (kernel->paused || kernel->gone || !kernel_deliver(kernel))
			return;
		for (i = 0; i < KERNEL_BATCH; i++)
			kernel->mmsg[i].msg_hdr.msg_namelen = sizeof(kernel->from[i]);
		n = recvmmsg(fd->fd, kernel->mmsg, KERNEL_BATCH, MSG_DONTWAIT, NULL);
		if (n < 0 && errno == ENOBUFS) {
			/* Unicast senders see a full socket and try again: only
			 * a notification of nlctrl can have been lost.
			 */
			kernel->overruns++;
			continue;
		}
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			kernel_gone(kernel, -errno);
			return;
		}
		kernel->next = 0;
		kernel->count = n > 0 ? (unsigned int)n : 0;
		if (!kernel_deliver(kernel) || n < KERNEL_BATCH)
			return;
	}
}

void kernel_read(struct kernel *kernel)
{
	kernel_ready(&kernel->fd, EPOLLIN);
}

void kernel_resume(struct kernel *kernel)
{
	if (!kernel->paused || kernel->gone)
		return;
	kernel->paused = false;
	if (kernel_deliver(kernel))
		loop_fd_set(kernel->loop, &kernel->fd, EPOLLIN);
}

bool kernel_pending(const struct kernel *kernel)
{
	char byte;

	if (kernel->gone)
		return false;
	return kernel->paused || kernel->next < kernel->count ||
	       recv(kernel->fd.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

static void kernel_refusals(struct loop_fd *fd, uint32_t events)
{
	struct kernel *kernel = container_of(fd, struct kernel, refusals);

	(void)events;
	netlink_drain(&kernel->netlink);
}

static int kernel_open_events(struct kernel *kernel)
{
	int size = KERNEL_RCVBUF, group = GENL_ID_CTRL, one = 1, fd;
	unsigned int i;

	kernel->events = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!kernel->events || mnl_socket_bind(kernel->events, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	fd = mnl_socket_get_fd(kernel->events);
	kernel->portid = mnl_socket_get_portid(kernel->events);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)))
		return -errno;
	mnl_socket_setsockopt(kernel->events, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(kernel->events, NETLINK_CAP_ACK, &one, sizeof(one));
	if (mnl_socket_setsockopt(kernel->events, NETLINK_ADD_MEMBERSHIP, &group,
				  sizeof(group)) < 0)
		return -errno;
	for (i = 0; i < KERNEL_BATCH; i++) {
		kernel->iov[i].iov_base = kernel->message[i];
		kernel->iov[i].iov_len = KERNEL_MESSAGE;
		kernel->mmsg[i].msg_hdr.msg_iov = &kernel->iov[i];
		kernel->mmsg[i].msg_hdr.msg_iovlen = 1;
		kernel->mmsg[i].msg_hdr.msg_name = &kernel->from[i];
	}
	kernel->fd.fd = fd;
	kernel->fd.ready = kernel_ready;
	kernel->fd.events = EPOLLIN;
	return loop_fd_add(kernel->loop, &kernel->fd);
}

struct kernel *kernel_open(struct loop *loop, const struct kernel_callbacks *cb, bool load,
			   int *err)
{
	struct kernel *kernel = calloc(1, sizeof(*kernel));

	if (!kernel) {
		*err = -ENOMEM;
		return NULL;
	}
	kernel->loop = loop;
	kernel->cb = *cb;
	kernel->fd.fd = -1;
	kernel->refusals.fd = -1;
	kernel->gone_timer.fire = kernel_say_gone;
	*err = netlink_open(&kernel->netlink, NETLINK_GENERIC);
	if (*err)
		goto fail;
	*err = netlink_family(&kernel->netlink, GWSYNC_GENL_NAME, load, &kernel->family);
	if (*err)	/* asked every second while the module is not there: quiet */
		goto fail;
	*err = kernel_open_events(kernel);
	if (*err)
		goto fail;
	kernel->refusals.fd = mnl_socket_get_fd(kernel->netlink.nl);
	kernel->refusals.ready = kernel_refusals;
	kernel->refusals.events = EPOLLIN;
	*err = loop_fd_add(loop, &kernel->refusals);
	if (*err) {
		kernel->refusals.fd = -1;
		goto fail;
	}
	return kernel;
fail:
	kernel_close(kernel);
	return NULL;
}

void kernel_close(struct kernel *kernel)
{
	if (!kernel)
		return;
	if (kernel->refusals.fd >= 0)
		loop_fd_del(kernel->loop, &kernel->refusals);
	if (kernel->fd.fd >= 0)
		loop_fd_del(kernel->loop, &kernel->fd);
	loop_timer_del(kernel->loop, &kernel->gone_timer);
	if (kernel->events)
		mnl_socket_close(kernel->events);	/* detaches */
	netlink_close(&kernel->netlink);
	free(kernel);
}

static struct nlmsghdr *kernel_start(struct kernel *kernel, void *message,
				     enum gwsync_cmd command, uint16_t flags)
{
	return netlink_start_genl(&kernel->netlink, message, kernel->family, (uint8_t)command,
				  GWSYNC_GENL_VERSION, flags);
}

static int kernel_refused(struct kernel *kernel, const char *what, int err, const char *extack)
{
	if (!err)
		return 0;
	log_error("kernel: %s refused: %s%s%s%s", what, strerror(-err), *extack ? " (" : "",
		  extack, *extack ? ")" : "");
	/* A family that is not there: the answer comes before the event. */
	if (err == -ENOENT && !*extack)
		kernel_gone(kernel, err);
	return err;
}

static int kernel_command(struct kernel *kernel, const char *what, const struct nlmsghdr *nlh,
			  int (*cb)(const struct nlmsghdr *nlh, void *arg), void *arg)
{
	int err;

	if (kernel->gone)
		return -ENOENT;
	err = netlink_request(&kernel->netlink, nlh, cb, arg);
	return kernel_refused(kernel, what, err, kernel->netlink.extack);
}

/* Of all links, those of the virtual routers' LANs as well. */
static void kernel_put_ports(struct nlmsghdr *nlh, const struct config *config)
{
	uint16_t ports[CONFIG_LINKS_MAX + 1] = { htons(PATH_PORT) };
	unsigned int count = 1, i;

	for (i = 0; i < config->links; i++)
		ports[count++] = htons(config->link[i].port);
	mnl_attr_put(nlh, GWSYNC_A_PORTS, count * sizeof(ports[0]), ports);
}

/* The kernel binds to the port that asks, so this goes by the events socket.
 * It starts passive: nothing but the answer is there to be read.
 */
static int kernel_ask_attach(struct kernel *kernel, const struct config *config, uint32_t epoch,
			     bool ports, uint64_t *boot_id, char text[static NETLINK_EXTACK])
{
	char message[256] __attribute__((aligned(8)));
	const struct nlattr *tb[GWSYNC_A_MAX + 1];
	const struct nlmsghdr *answer;
	struct nlmsghdr *nlh;
	int err = -ETIMEDOUT, len;
	ssize_t n;

	nlh = kernel_start(kernel, message, GWSYNC_CMD_ATTACH, NLM_F_ACK);
	mnl_attr_put_u8(nlh, GWSYNC_A_MEMBER, config->member);
	mnl_attr_put_u32(nlh, GWSYNC_A_EPOCH, epoch);
	if (ports)
		kernel_put_ports(nlh, config);
	if (mnl_socket_sendto(kernel->events, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	*boot_id = 0;
	while (err == -ETIMEDOUT) {
		n = recv(kernel->fd.fd, kernel->netlink.buffer, sizeof(kernel->netlink.buffer), 0);
		if (n < 0) {
			snprintf(text, NETLINK_EXTACK, "no answer");
			return -errno;
		}
		answer = (void *)kernel->netlink.buffer;
		for (len = (int)n; mnl_nlmsg_ok(answer, len);
		     answer = mnl_nlmsg_next(answer, &len)) {
			if (answer->nlmsg_seq != nlh->nlmsg_seq)
				kernel_message(kernel, answer);
			else if (answer->nlmsg_type == NLMSG_ERROR)
				err = netlink_error(answer, text);
			else if (netlink_attrs(answer, GENL_HDRLEN, tb, attr_min, GWSYNC_A_MAX) &&
				 tb[GWSYNC_A_BOOT_ID])
				*boot_id = mnl_attr_get_u64(tb[GWSYNC_A_BOOT_ID]);
		}
	}
	return err;
}

int kernel_attach(struct kernel *kernel, const struct config *config, uint32_t epoch,
		  uint64_t *boot_id)
{
	char text[NETLINK_EXTACK] = "";
	int err;

	if (kernel->gone)
		return -ENOENT;
	err = kernel_ask_attach(kernel, config, epoch, true, boot_id, text);
	if (err == -EINVAL) {
		/* An older module refuses what it does not know. */
		err = kernel_ask_attach(kernel, config, epoch, false, boot_id, text);
		if (!err)
			log_warning("gwsync.ko is older than gwsyncd: exempt heartbeats from conntrack by a notrack rule");
	}
	return kernel_refused(kernel, "attach", err, text);
}

int kernel_detach(struct kernel *kernel)
{
	char message[256] __attribute__((aligned(8)));

	return kernel_command(kernel, "detach",
			      kernel_start(kernel, message, GWSYNC_CMD_DETACH, NLM_F_ACK),
			      NULL, NULL);
}

static void kernel_put_filter(struct nlmsghdr *nlh, const struct config_filter *filter)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, GWSYNC_A_FILTER);
	unsigned int i;

	for (i = 0; i < filter->protocols; i++)
		mnl_attr_put_u8(nlh, GWSYNC_FILTER_A_PROTOCOL, filter->protocol[i]);
	for (i = 0; i < filter->zones; i++)
		mnl_attr_put_u16(nlh, GWSYNC_FILTER_A_ZONE, filter->zone[i]);
	for (i = 0; i < filter->marks; i++)
		mnl_attr_put(nlh, GWSYNC_FILTER_A_MARK, sizeof(filter->mark[i]),
			     &filter->mark[i]);
	for (i = 0; i < filter->prefixes; i++)
		mnl_attr_put(nlh, GWSYNC_FILTER_A_PREFIX, sizeof(filter->prefix[i]),
			     &filter->prefix[i]);
	for (i = 0; i < filter->ports; i++)
		mnl_attr_put(nlh, GWSYNC_FILTER_A_PORT, sizeof(filter->port[i]),
			     &filter->port[i]);
	for (i = 0; i < 8 * sizeof(filter->tcp_states); i++)
		if (filter->tcp_states & 1U << i)
			mnl_attr_put_u8(nlh, GWSYNC_FILTER_A_TCP_STATE, (uint8_t)i);
	mnl_attr_nest_end(nlh, nest);
}

int kernel_configure(struct kernel *kernel, const struct config *config, size_t batch_bytes)
{
	/* All lists of a filter full is 16 KiB. */
	static char message[32768] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = kernel_start(kernel, message, GWSYNC_CMD_SET, NLM_F_ACK);

	mnl_attr_put_u32(nlh, GWSYNC_A_PARAM_FLUSH_MS, config->flush_ms);
	mnl_attr_put_u32(nlh, GWSYNC_A_PARAM_HOLD_MS, config->hold_ms);
	mnl_attr_put_u32(nlh, GWSYNC_A_PARAM_BATCH_BYTES, (uint32_t)batch_bytes);
	mnl_attr_put_u32(nlh, GWSYNC_A_PARAM_TOMBSTONES, config->tombstones);
	mnl_attr_put_u32(nlh, GWSYNC_A_PARAM_WALK_RATE, config->walk_rate);
	mnl_attr_put_u32(nlh, GWSYNC_A_PARAM_DIGEST_MS, config->digest_ms);
	if (kernel->has_audit)
		mnl_attr_put_u32(nlh, GWSYNC_A_PARAM_AUDIT_MS, config->audit_ms);
	if (kernel->has_masks) {
		mnl_attr_put_u32(nlh, GWSYNC_A_PARAM_LABELS, config->labels);
		mnl_attr_put_u32(nlh, GWSYNC_A_PARAM_MARK_MASK, config->mark_mask);
	}
	kernel_put_filter(nlh, &config->filter);
	return kernel_command(kernel, "set", nlh, NULL, NULL);
}

int kernel_set_map(struct kernel *kernel, const uint64_t map[GWSYNC_BUCKETS])
{
	char message[256 + GWSYNC_BUCKETS * sizeof(uint64_t)] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = kernel_start(kernel, message, GWSYNC_CMD_SET_MAP, NLM_F_ACK);

	mnl_attr_put(nlh, GWSYNC_A_MAP, GWSYNC_BUCKETS * sizeof(uint64_t), map);
	return kernel_command(kernel, "set map", nlh, NULL, NULL);
}

/* The records go to the kernel from where they are: only heads are built. */
int kernel_apply(struct kernel *kernel, uint8_t owner, uint32_t epoch,
		 const void *records, size_t len)
{
	static const uint8_t zero[MNL_ALIGNTO];
	char message[256] __attribute__((aligned(8)));
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	struct nlmsghdr *nlh;
	struct nlattr *attr;
	struct iovec iov[3];
	struct msghdr msg = { .msg_name = &to, .msg_namelen = sizeof(to),
			      .msg_iov = iov, .msg_iovlen = 3 };

	if (kernel->gone)
		return -ENOENT;
	if (len > KERNEL_RECORDS_MAX)
		return -EMSGSIZE;
	nlh = kernel_start(kernel, message, GWSYNC_CMD_APPLY, 0);
	mnl_attr_put_u8(nlh, GWSYNC_A_OWNER, owner);
	mnl_attr_put_u32(nlh, GWSYNC_A_EPOCH, epoch);
	attr = mnl_nlmsg_get_payload_tail(nlh);
	attr->nla_type = GWSYNC_A_RECORDS;
	attr->nla_len = (uint16_t)(MNL_ATTR_HDRLEN + len);
	iov[0].iov_base = message;
	iov[0].iov_len = nlh->nlmsg_len + MNL_ATTR_HDRLEN;
	iov[1].iov_base = (void *)(uintptr_t)records;
	iov[1].iov_len = len;
	iov[2].iov_base = (void *)(uintptr_t)zero;
	iov[2].iov_len = MNL_ALIGN(len) - len;
	nlh->nlmsg_len += MNL_ATTR_HDRLEN + MNL_ALIGN((uint32_t)len);
	while (sendmsg(mnl_socket_get_fd(kernel->netlink.nl), &msg, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

uint64_t kernel_apply_errors(const struct kernel *kernel)
{
	return kernel->netlink.strays;
}

static int kernel_owner_command(struct kernel *kernel, const char *what,
				enum gwsync_cmd command, uint8_t owner, uint32_t epoch)
{
	char message[256] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = kernel_start(kernel, message, command, NLM_F_ACK);

	mnl_attr_put_u8(nlh, GWSYNC_A_OWNER, owner);
	if (command != GWSYNC_CMD_PURGE)
		mnl_attr_put_u32(nlh, GWSYNC_A_EPOCH, epoch);
	return kernel_command(kernel, what, nlh, NULL, NULL);
}

int kernel_sync_begin(struct kernel *kernel, uint8_t owner, uint32_t epoch)
{
	return kernel_owner_command(kernel, "sync begin", GWSYNC_CMD_SYNC_BEGIN, owner, epoch);
}

int kernel_sync_end(struct kernel *kernel, uint8_t owner, uint32_t epoch)
{
	return kernel_owner_command(kernel, "sync end", GWSYNC_CMD_SYNC_END, owner, epoch);
}

int kernel_deactivate(struct kernel *kernel, uint8_t new_owner, uint32_t epoch)
{
	return kernel_owner_command(kernel, "deactivate", GWSYNC_CMD_DEACTIVATE, new_owner,
				    epoch);
}

int kernel_purge(struct kernel *kernel, uint8_t owner)
{
	return kernel_owner_command(kernel, "purge", GWSYNC_CMD_PURGE, owner, 0);
}

int kernel_walk(struct kernel *kernel, uint64_t set, uint32_t walk_id)
{
	char message[256] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = kernel_start(kernel, message, GWSYNC_CMD_WALK, NLM_F_ACK);

	mnl_attr_put_u64(nlh, GWSYNC_A_SET, set);
	mnl_attr_put_u32(nlh, GWSYNC_A_WALK_ID, walk_id);
	return kernel_command(kernel, "walk", nlh, NULL, NULL);
}

int kernel_activate(struct kernel *kernel, uint64_t owners, uint32_t epoch)
{
	char message[256] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = kernel_start(kernel, message, GWSYNC_CMD_ACTIVATE, NLM_F_ACK);

	mnl_attr_put_u64(nlh, GWSYNC_A_SET, owners);
	mnl_attr_put_u32(nlh, GWSYNC_A_EPOCH, epoch);
	return kernel_command(kernel, "activate", nlh, NULL, NULL);
}

int kernel_lease(struct kernel *kernel, uint32_t term_ms, const uint32_t *ifindex,
		 unsigned int count)
{
	char message[256 + GWSYNC_LEASE_MAX * sizeof(uint32_t)] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = kernel_start(kernel, message, GWSYNC_CMD_LEASE, NLM_F_ACK);
	int err;

	if (kernel->gone)
		return -ENOENT;
	mnl_attr_put_u32(nlh, GWSYNC_A_TERM_MS, term_ms);
	if (count)
		mnl_attr_put(nlh, GWSYNC_A_IFINDEX, count * sizeof(*ifindex), ifindex);
	err = netlink_request(&kernel->netlink, nlh, NULL, NULL);
	/* That it has lapsed is an answer. */
	return err == -ESTALE ? err : kernel_refused(kernel, "lease", err,
						     kernel->netlink.extack);
}

int kernel_source(struct kernel *kernel, uint8_t family, const uint8_t *addr, bool end)
{
	char message[256] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = kernel_start(kernel, message, GWSYNC_CMD_SOURCE, NLM_F_ACK);
	int err;

	if (kernel->gone)
		return -ENOENT;
	mnl_attr_put(nlh, GWSYNC_A_SOURCE, address_bytes(family), addr);
	if (end)
		mnl_attr_put(nlh, GWSYNC_A_END, 0, NULL);
	err = netlink_request(&kernel->netlink, nlh, NULL, NULL);
	return err == -EOPNOTSUPP ? err : kernel_refused(kernel, "source", err,
							 kernel->netlink.extack);
}

int kernel_repair(struct kernel *kernel, const uint64_t *classes)
{
	char message[256 + GWSYNC_BUCKETS * sizeof(uint64_t)] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = kernel_start(kernel, message, GWSYNC_CMD_REPAIR, NLM_F_ACK);

	if (classes)
		mnl_attr_put(nlh, GWSYNC_A_CLASSES, GWSYNC_BUCKETS * sizeof(uint64_t), classes);
	return kernel_command(kernel, "repair", nlh, NULL, NULL);
}

int kernel_missed(struct kernel *kernel)
{
	return kernel_repair(kernel, NULL);
}

static int kernel_differing_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *tb[GWSYNC_A_MAX + 1];

	if (!netlink_attrs(nlh, GENL_HDRLEN, tb, attr_min, GWSYNC_A_MAX))
		return -EBADMSG;
	if (tb[GWSYNC_A_CLASSES])
		memcpy(arg, mnl_attr_get_payload(tb[GWSYNC_A_CLASSES]),
		       GWSYNC_BUCKETS * sizeof(uint64_t));
	return 0;
}

int kernel_differing(struct kernel *kernel, uint64_t classes[GWSYNC_BUCKETS])
{
	char message[256] __attribute__((aligned(8)));

	memset(classes, 0, GWSYNC_BUCKETS * sizeof(uint64_t));
	return kernel_command(kernel, "get digest",
			      kernel_start(kernel, message, GWSYNC_CMD_GET_DIGEST, NLM_F_ACK),
			      kernel_differing_cb, classes);
}

static int kernel_state_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *tb[GWSYNC_A_MAX + 1];
	json_t *json = arg;

	if (!netlink_attrs(nlh, GENL_HDRLEN, tb, attr_min, GWSYNC_A_MAX))
		return -EBADMSG;
	kernel_names_state(json, tb);
	return 0;
}

json_t *kernel_state_json(struct kernel *kernel)
{
	char message[256] __attribute__((aligned(8)));
	json_t *json = json_object();

	if (kernel_command(kernel, "get",
			   kernel_start(kernel, message, GWSYNC_CMD_GET, NLM_F_ACK),
			   kernel_state_cb, json)) {
		json_decref(json);
		return NULL;
	}
	/* An older module takes all marks and labels over, and refuses what it does not know. */
	kernel->has_masks = json_object_get(json, "labels");
	kernel->has_audit = json_object_get(json, "audit_ms");
	json_object_set_new(json, "paused", json_boolean(kernel->paused));
	json_object_set_new(json, "apply_errors", json_integer((json_int_t)kernel->netlink.strays));
	json_object_set_new(json, "malformed", json_integer((json_int_t)kernel->malformed));
	json_object_set_new(json, "overruns", json_integer((json_int_t)kernel->overruns));
	return json;
}

static int kernel_stats_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *tb[GWSYNC_A_MAX + 1];

	if (!netlink_attrs(nlh, GENL_HDRLEN, tb, attr_min, GWSYNC_A_MAX))
		return -EBADMSG;
	return tb[GWSYNC_A_STATS] && !kernel_names_stats(arg, tb[GWSYNC_A_STATS]) ? -EBADMSG : 0;
}

json_t *kernel_stats_json(struct kernel *kernel)
{
	char message[256] __attribute__((aligned(8)));
	json_t *json = json_object();

	if (kernel_command(kernel, "get stats",
			   kernel_start(kernel, message, GWSYNC_CMD_GET_STATS, NLM_F_ACK),
			   kernel_stats_cb, json)) {
		json_decref(json);
		return NULL;
	}
	return json;
}

uint64_t kernel_records_refused(struct kernel *kernel, uint64_t *unread)
{
	static const char *const names[] = {
		"refused_malformed", "refused_version", "refused_unsupported",
		"refused_clash", "refused_full", "refused_enomem",
	};
	json_t *stats = kernel_stats_json(kernel);
	uint64_t refused = 0;
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		refused += (uint64_t)json_integer_value(json_object_get(stats, names[i]));
	*unread = (uint64_t)json_integer_value(json_object_get(stats, "refused_version"));
	json_decref(stats);
	return refused;
}
