// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "client.h"

uint64_t client_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int client_netns(const char *name)
{
	char path[128];
	int fd, ret = 0;

	if (!name || !strcmp(name, "-"))
		return 0;
	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (setns(fd, CLONE_NEWNET) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static int family_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;
	uint16_t *id = data;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
			*id = mnl_attr_get_u16(attr);
	}
	return MNL_CB_OK;
}

static int client_family(struct client *c)
{
	char buf[4096] = {};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;
	ssize_t n;
	int ret;

	nlh->nlmsg_type = GENL_ID_CTRL;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = ++c->seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = CTRL_CMD_GETFAMILY;
	genl->version = 1;
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, GWSYNC_GENL_NAME);
	if (mnl_socket_sendto(c->nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(c->nl, buf, sizeof(buf));
		if (n < 0)
			return -errno;
		ret = mnl_cb_run(buf, n, c->seq, mnl_socket_get_portid(c->nl), family_cb,
				 &c->family);
		if (ret < 0)
			return -errno;
	} while (ret > 0);
	return c->family ? 0 : -ENOENT;
}

int client_open(struct client *c, const char *netns)
{
	int here = -1, ret = 0, one = 1;

	memset(c, 0, sizeof(*c));
	c->tail = &c->head;
	if (netns && strcmp(netns, "-")) {
		here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		if (here < 0)
			return -errno;
		ret = client_netns(netns);
		if (ret)
			goto out;
	}
	c->nl = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!c->nl)
		ret = -errno;
	if (here >= 0 && setns(here, CLONE_NEWNET) < 0)
		ret = -errno;
	if (ret)
		goto out;
	if (mnl_socket_bind(c->nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		ret = -errno;
		goto out;
	}
	mnl_socket_setsockopt(c->nl, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(c->nl, NETLINK_CAP_ACK, &one, sizeof(one));
	ret = client_family(c);
out:
	if (here >= 0)
		close(here);
	if (ret && c->nl) {
		mnl_socket_close(c->nl);
		c->nl = NULL;
	}
	return ret;
}

void client_close(struct client *c)
{
	struct client_msg *m;

	while ((m = c->head)) {
		c->head = m->next;
		free(m);
	}
	c->tail = &c->head;
	c->queued = 0;
	if (c->nl)
		mnl_socket_close(c->nl);
	c->nl = NULL;
}

struct nlmsghdr *client_put(struct client *c, void *buf, uint8_t cmd, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = c->family;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	nlh->nlmsg_seq = ++c->seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = GWSYNC_GENL_VERSION;
	return nlh;
}

/* The text that came with an error, or nothing. */
static void client_extack(struct client *c, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	unsigned int off = sizeof(*err);
	const struct nlattr *attr;

	c->error[0] = 0;
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		off += err->msg.nlmsg_len - sizeof(struct nlmsghdr);
	mnl_attr_for_each(attr, nlh, off) {
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
			snprintf(c->error, sizeof(c->error), "%s", mnl_attr_get_str(attr));
	}
}

static void client_queue(struct client *c, const struct nlmsghdr *nlh)
{
	struct client_msg *m;

	if (c->queued >= CLIENT_QUEUE) {
		fprintf(stderr, "client: more than %u messages queued\n", CLIENT_QUEUE);
		exit(1);
	}
	m = malloc(sizeof(*m) + nlh->nlmsg_len);
	if (!m) {
		perror("malloc");
		exit(1);
	}
	m->next = NULL;
	m->len = nlh->nlmsg_len;
	memcpy(m->data, nlh, nlh->nlmsg_len);
	*c->tail = m;
	c->tail = &m->next;
	c->queued++;
}

/*
 * Linux fault injection: the N-th allocation that this thread asks for fails.
 * The kernel does what it is asked for before this returns.
 */
static ssize_t client_send_nth(struct client *c, const struct nlmsghdr *nlh)
{
	const struct timeval wait = { .tv_sec = 1 };
	int fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	char text[16] = {};
	ssize_t ret;
	int err;

	/* The answer may be what there was no memory for. */
	setsockopt(mnl_socket_get_fd(c->nl), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (fd < 0 || dprintf(fd, "%u", c->nth) < 0) {
		perror("client: fail-nth");
		exit(1);
	}
	ret = mnl_socket_sendto(c->nl, nlh, nlh->nlmsg_len);
	err = errno;
	/* What is left of the count; until it is put out, all that allocates is in danger. */
	if (pread(fd, text, sizeof(text) - 1, 0) < 0 || pwrite(fd, "0", 1, 0) != 1) {
		perror("client: fail-nth");
		exit(1);
	}
	close(fd);
	c->nth = strtoul(text, NULL, 10);
	errno = err;
	return ret;
}

static ssize_t client_send(struct client *c, const struct nlmsghdr *nlh)
{
	return c->nth ? client_send_nth(c, nlh) : mnl_socket_sendto(c->nl, nlh, nlh->nlmsg_len);
}

int client_request(struct client *c, struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
	uint32_t seq = nlh->nlmsg_seq;
	static char buf[CLIENT_BUF];

	c->error[0] = 0;
	if (client_send(c, nlh) < 0)
		return -errno;
	for (;;) {
		ssize_t n = mnl_socket_recvfrom(c->nl, buf, sizeof(buf));
		int left = n;

		if (n < 0 && errno == ENOBUFS) {
			c->overruns++;
			continue;
		}
		if (n < 0)
			return -errno;
		for (nlh = (struct nlmsghdr *)buf; mnl_nlmsg_ok(nlh, left);
		     nlh = mnl_nlmsg_next(nlh, &left)) {
			if (nlh->nlmsg_seq != seq) {
				if (nlh->nlmsg_type == c->family)
					client_queue(c, nlh);
				continue;
			}
			if (nlh->nlmsg_type == NLMSG_ERROR) {
				const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);

				client_extack(c, nlh);
				return err->error;
			}
			if (nlh->nlmsg_type == NLMSG_DONE) {
				const int *err = mnl_nlmsg_get_payload(nlh);

				return mnl_nlmsg_get_payload_len(nlh) >= sizeof(*err) ? *err : 0;
			}
			if (cb)
				cb(nlh, data);
		}
	}
}

static int parse_cb(const struct nlattr *attr, void *data)
{
	const struct nlattr **tb = data;

	if (mnl_attr_get_type(attr) <= GWSYNC_A_MAX)
		tb[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

void client_parse(const struct nlmsghdr *nlh, const struct nlattr **tb)
{
	memset(tb, 0, sizeof(*tb) * (GWSYNC_A_MAX + 1));
	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), parse_cb, tb);
}

static void client_note(const struct nlmsghdr *nlh, struct client_note *note)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[GWSYNC_A_MAX + 1];

	client_parse(nlh, tb);
	memset(note, 0, sizeof(*note));
	note->cmd = genl->cmd;
	if (tb[GWSYNC_A_SET])
		note->set = mnl_attr_get_u64(tb[GWSYNC_A_SET]);
	if (tb[GWSYNC_A_WALK_ID])
		note->walk_id = mnl_attr_get_u32(tb[GWSYNC_A_WALK_ID]);
	if (tb[GWSYNC_A_EVENT])
		note->event = mnl_attr_get_u32(tb[GWSYNC_A_EVENT]);
	if (tb[GWSYNC_A_COUNT])
		note->count = mnl_attr_get_u32(tb[GWSYNC_A_COUNT]);
	if (tb[GWSYNC_A_OWNER])
		note->owner = mnl_attr_get_u8(tb[GWSYNC_A_OWNER]);
	if (tb[GWSYNC_A_RECORDS]) {
		note->records = mnl_attr_get_payload(tb[GWSYNC_A_RECORDS]);
		note->records_len = mnl_attr_get_payload_len(tb[GWSYNC_A_RECORDS]);
	}
}

int client_next(struct client *c, int timeout_ms, void *buf, struct client_note *note)
{
	uint64_t end = client_now_us() + (uint64_t)timeout_ms * 1000;

	for (;;) {
		struct pollfd pfd = { .fd = mnl_socket_get_fd(c->nl), .events = POLLIN };
		struct client_msg *m = c->head;
		struct nlmsghdr *nlh = buf;
		int left = timeout_ms;
		ssize_t n;

		if (m) {
			c->head = m->next;
			if (!c->head)
				c->tail = &c->head;
			c->queued--;
			memcpy(buf, m->data, m->len);
			free(m);
			client_note(nlh, note);
			return 1;
		}
		if (timeout_ms > 0) {
			uint64_t now = client_now_us();

			left = now < end ? (int)((end - now + 999) / 1000) : 0;
		}
		if (poll(&pfd, 1, left) <= 0)
			return 0;
		n = mnl_socket_recvfrom(c->nl, buf, CLIENT_BUF);
		if (n < 0 && errno == ENOBUFS) {
			c->overruns++;
			continue;
		}
		if (n < 0)
			return -errno;
		for (left = n; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			if (nlh->nlmsg_type == c->family)
				client_queue(c, nlh);
		}
	}
}

static int boot_id_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[GWSYNC_A_MAX + 1];
	uint64_t *boot_id = data;

	client_parse(nlh, tb);
	if (tb[GWSYNC_A_BOOT_ID] && boot_id)
		*boot_id = mnl_attr_get_u64(tb[GWSYNC_A_BOOT_ID]);
	return MNL_CB_OK;
}

int client_attach(struct client *c, uint8_t member, uint32_t epoch, uint64_t *boot_id)
{
	char buf[512];
	struct nlmsghdr *nlh = client_put(c, buf, GWSYNC_CMD_ATTACH, 0);

	mnl_attr_put_u8(nlh, GWSYNC_A_MEMBER, member);
	mnl_attr_put_u32(nlh, GWSYNC_A_EPOCH, epoch);
	return client_request(c, nlh, boot_id_cb, boot_id);
}

int client_map_all(struct client *c, uint64_t set)
{
	char buf[sizeof(uint64_t) * GWSYNC_BUCKETS + 512];
	struct nlmsghdr *nlh = client_put(c, buf, GWSYNC_CMD_SET_MAP, 0);
	uint64_t map[GWSYNC_BUCKETS];
	int i;

	for (i = 0; i < GWSYNC_BUCKETS; i++)
		map[i] = set;
	mnl_attr_put(nlh, GWSYNC_A_MAP, sizeof(map), map);
	return client_request(c, nlh, NULL, NULL);
}

int client_apply(struct client *c, uint8_t owner, uint32_t epoch, const void *records,
		 uint32_t len)
{
	static char buf[CLIENT_BUF];
	struct nlmsghdr *nlh = client_put(c, buf, GWSYNC_CMD_APPLY, 0);

	mnl_attr_put_u8(nlh, GWSYNC_A_OWNER, owner);
	mnl_attr_put_u32(nlh, GWSYNC_A_EPOCH, epoch);
	mnl_attr_put(nlh, GWSYNC_A_RECORDS, len, records);
	return client_request(c, nlh, NULL, NULL);
}

int client_sync(struct client *c, uint8_t cmd, uint8_t owner, uint32_t epoch)
{
	char buf[512];
	struct nlmsghdr *nlh = client_put(c, buf, cmd, 0);

	mnl_attr_put_u8(nlh, GWSYNC_A_OWNER, owner);
	mnl_attr_put_u32(nlh, GWSYNC_A_EPOCH, epoch);
	return client_request(c, nlh, NULL, NULL);
}

int client_walk(struct client *c, uint64_t set, uint32_t id)
{
	char buf[512];
	struct nlmsghdr *nlh = client_put(c, buf, GWSYNC_CMD_WALK, 0);

	mnl_attr_put_u64(nlh, GWSYNC_A_SET, set);
	mnl_attr_put_u32(nlh, GWSYNC_A_WALK_ID, id);
	return client_request(c, nlh, NULL, NULL);
}

int client_activate(struct client *c, uint64_t set, uint32_t epoch)
{
	char buf[512];
	struct nlmsghdr *nlh = client_put(c, buf, GWSYNC_CMD_ACTIVATE, 0);

	mnl_attr_put_u64(nlh, GWSYNC_A_SET, set);
	mnl_attr_put_u32(nlh, GWSYNC_A_EPOCH, epoch);
	return client_request(c, nlh, NULL, NULL);
}

int client_deactivate(struct client *c, uint8_t owner, uint32_t epoch)
{
	char buf[512];
	struct nlmsghdr *nlh = client_put(c, buf, GWSYNC_CMD_DEACTIVATE, 0);

	mnl_attr_put_u8(nlh, GWSYNC_A_OWNER, owner);
	mnl_attr_put_u32(nlh, GWSYNC_A_EPOCH, epoch);
	return client_request(c, nlh, NULL, NULL);
}
