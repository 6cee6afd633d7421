// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "base/netlink.h"

/* The kernel answers within the call that asks; this is for a bug there. */
#define NETLINK_TIMEOUT_S 5

int netlink_open(struct netlink *netlink, int bus)
{
	struct timeval timeout = { .tv_sec = NETLINK_TIMEOUT_S };
	int one = 1, err;

	memset(netlink, 0, offsetof(struct netlink, buffer));
	netlink->nl = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!netlink->nl)
		return -errno;
	if (mnl_socket_bind(netlink->nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(mnl_socket_get_fd(netlink->nl), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		       sizeof(timeout))) {
		err = -errno;
		netlink_close(netlink);
		return err;
	}
	/* Texts only; without them an error is a number. */
	mnl_socket_setsockopt(netlink->nl, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(netlink->nl, NETLINK_CAP_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(netlink->nl, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	return 0;
}

void netlink_close(struct netlink *netlink)
{
	if (netlink->nl)
		mnl_socket_close(netlink->nl);
	netlink->nl = NULL;
}

struct nlmsghdr *netlink_start(struct netlink *netlink, void *message, uint16_t type,
			       uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(message);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	if (!++netlink->seq)	/* notifications have 0 */
		netlink->seq = 1;
	nlh->nlmsg_seq = netlink->seq;
	return nlh;
}

struct nlmsghdr *netlink_start_genl(struct netlink *netlink, void *message, uint16_t family,
				    uint8_t command, uint8_t version, uint16_t flags)
{
	struct nlmsghdr *nlh = netlink_start(netlink, message, family, flags);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));

	genl->cmd = command;
	genl->version = version;
	return nlh;
}

int netlink_send(struct netlink *netlink, const void *message, size_t len)
{
	ssize_t n;

	netlink->extack[0] = '\0';
	do {
		n = mnl_socket_sendto(netlink->nl, message, len);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int netlink_error(const struct nlmsghdr *nlh, char text[NETLINK_EXTACK])
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	size_t offset = sizeof(*err);

	text[0] = '\0';
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*err))
		return -EBADMSG;
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return err->error;
	/* The request is repeated before the attributes unless it was capped. */
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		offset += MNL_ALIGN(err->msg.nlmsg_len) - sizeof(err->msg);
	if (offset > mnl_nlmsg_get_payload_len(nlh))
		return err->error;
	mnl_attr_for_each(attr, nlh, offset)
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
			snprintf(text, NETLINK_EXTACK, "%.*s",
				 (int)mnl_attr_get_payload_len(attr), mnl_attr_get_str(attr));
	return err->error;
}

static void netlink_stray(struct netlink *netlink, const struct nlmsghdr *nlh)
{
	char text[NETLINK_EXTACK];
	int err;

	if (nlh->nlmsg_type != NLMSG_ERROR)
		return;
	err = netlink_error(nlh, text);
	if (!err)
		return;
	netlink->strays++;
	netlink->stray_error = err;
}

static ssize_t netlink_receive(struct netlink *netlink, int flags)
{
	struct sockaddr_nl from = { 0 };
	struct iovec iov = { .iov_base = netlink->buffer, .iov_len = sizeof(netlink->buffer) };
	struct msghdr msg = { .msg_name = &from, .msg_namelen = sizeof(from),
			      .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	do {
		n = recvmsg(mnl_socket_get_fd(netlink->nl), &msg, flags);
	} while ((n < 0 && errno == EINTR) || (n >= 0 && from.nl_pid));
	if (n < 0)
		return -errno;
	return msg.msg_flags & MSG_TRUNC ? -EMSGSIZE : n;
}

void netlink_drain(struct netlink *netlink)
{
	const struct nlmsghdr *nlh;
	ssize_t n;
	int len;

	while ((n = netlink_receive(netlink, MSG_DONTWAIT)) >= 0 || n == -ENOBUFS) {
		if (n == -ENOBUFS) {	/* some refusals were dropped: one at least */
			netlink->strays++;
			continue;
		}
		len = (int)n;
		for (nlh = (void *)netlink->buffer; mnl_nlmsg_ok(nlh, len);
		     nlh = mnl_nlmsg_next(nlh, &len))
			netlink_stray(netlink, nlh);
	}
}

/* 1: complete */
static int netlink_answer(struct netlink *netlink, const struct nlmsghdr *nlh, bool *interrupted,
			  int (*cb)(const struct nlmsghdr *nlh, void *arg), void *arg)
{
	int err;

	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		*interrupted = true;
	switch (nlh->nlmsg_type) {
	case NLMSG_ERROR:
		err = netlink_error(nlh, netlink->extack);
		return err ? err : 1;
	case NLMSG_DONE:
		if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(int)) {
			err = *(const int *)mnl_nlmsg_get_payload(nlh);
			if (err < 0)
				return err;
		}
		return 1;
	case NLMSG_NOOP:
		return 0;
	case NLMSG_OVERRUN:
		return -ENOBUFS;
	default:
		return cb ? cb(nlh, arg) : 0;
	}
}

int netlink_wait(struct netlink *netlink, uint32_t seq,
		 int (*cb)(const struct nlmsghdr *nlh, void *arg), void *arg)
{
	bool interrupted = false;
	int result = 0;

	for (;;) {
		const struct nlmsghdr *nlh = (void *)netlink->buffer;
		ssize_t n = netlink_receive(netlink, 0);
		int len = (int)n, done;

		if (n == -EAGAIN)
			return -ETIMEDOUT;
		if (n < 0)
			return (int)n;
		for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
			if (nlh->nlmsg_seq != seq) {
				netlink_stray(netlink, nlh);
				continue;
			}
			/* After an error of @cb, only the end is looked for. */
			done = netlink_answer(netlink, nlh, &interrupted, result ? NULL : cb, arg);
			if (done > 0)
				return result ? result : interrupted ? -EINTR : 0;
			if (done < 0 && nlh->nlmsg_type < NLMSG_MIN_TYPE)
				return done;
			if (done < 0)
				result = done;
		}
	}
}

int netlink_request(struct netlink *netlink, const struct nlmsghdr *nlh,
		    int (*cb)(const struct nlmsghdr *nlh, void *arg), void *arg)
{
	int err = netlink_send(netlink, nlh, nlh->nlmsg_len);

	return err ? err : netlink_wait(netlink, nlh->nlmsg_seq, cb, arg);
}

static bool netlink_attr_put(const struct nlattr *attr, const struct nlattr **tb,
			     const uint16_t *min, unsigned int max)
{
	uint16_t type = mnl_attr_get_type(attr);

	if (type > max)
		return true;
	if (mnl_attr_get_payload_len(attr) < min[type])
		return false;
	tb[type] = attr;
	return true;
}

bool netlink_attrs(const struct nlmsghdr *nlh, size_t header, const struct nlattr **tb,
		   const uint16_t *min, unsigned int max)
{
	const struct nlattr *attr;

	memset(tb, 0, (max + 1) * sizeof(*tb));
	if (mnl_nlmsg_get_payload_len(nlh) < MNL_ALIGN(header))
		return false;
	mnl_attr_for_each(attr, nlh, header)
		if (!netlink_attr_put(attr, tb, min, max))
			return false;
	return true;
}

bool netlink_nested(const struct nlattr *nest, const struct nlattr **tb,
		    const uint16_t *min, unsigned int max)
{
	const struct nlattr *attr;

	memset(tb, 0, (max + 1) * sizeof(*tb));
	mnl_attr_for_each_nested(attr, nest)
		if (!netlink_attr_put(attr, tb, min, max))
			return false;
	return true;
}

struct netlink_named {
	const char	*name;
	uint16_t	id;
};

static int netlink_family_cb(const struct nlmsghdr *nlh, void *arg)
{
	static const uint16_t min[CTRL_ATTR_MAX + 1] = {
		[CTRL_ATTR_FAMILY_ID] = 2, [CTRL_ATTR_FAMILY_NAME] = 1,
	};
	const struct nlattr *tb[CTRL_ATTR_MAX + 1], *name;
	struct netlink_named *family = arg;

	if (!netlink_attrs(nlh, GENL_HDRLEN, tb, min, CTRL_ATTR_MAX))
		return -EBADMSG;
	name = tb[CTRL_ATTR_FAMILY_NAME];
	if (tb[CTRL_ATTR_FAMILY_ID] && name &&
	    mnl_attr_get_payload_len(name) == strlen(family->name) + 1 &&
	    !memcmp(mnl_attr_get_payload(name), family->name, strlen(family->name) + 1))
		family->id = mnl_attr_get_u16(tb[CTRL_ATTR_FAMILY_ID]);
	return 0;
}

int netlink_family(struct netlink *netlink, const char *name, bool load, uint16_t *family)
{
	char message[256] __attribute__((aligned(8)));
	struct netlink_named named = { .name = name };
	struct nlmsghdr *nlh;
	int err;

	nlh = netlink_start_genl(netlink, message, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1,
				 load ? NLM_F_ACK : NLM_F_DUMP);
	if (load)
		mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, name);
	err = netlink_request(netlink, nlh, netlink_family_cb, &named);
	*family = named.id;
	if (err)
		return err;
	return *family ? 0 : -ENOENT;
}
