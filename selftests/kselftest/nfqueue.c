// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "nfqueue.h"

static struct nlmsghdr *start(const struct nfqueue *queue, char *buf, uint16_t type)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | type;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = AF_UNSPEC;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(queue->number);
	return nlh;
}

int nfqueue_send(const struct nfqueue *queue, const struct nlmsghdr *nlh)
{
	return mnl_socket_sendto(queue->nl, nlh, nlh->nlmsg_len) < 0 ? -errno : 0;
}

/* No packet comes before the last of these was acknowledged. */
static int request(const struct nfqueue *queue, struct nlmsghdr *nlh)
{
	char buf[8192];
	ssize_t n;
	int ret;

	nlh->nlmsg_flags |= NLM_F_ACK;
	nlh->nlmsg_seq = 1;
	ret = nfqueue_send(queue, nlh);
	if (ret)
		return ret;
	n = mnl_socket_recvfrom(queue->nl, buf, sizeof(buf));
	if (n < 0 || mnl_cb_run(buf, (size_t)n, 1, mnl_socket_get_portid(queue->nl), NULL,
				NULL) < 0)
		return -errno;
	return 0;
}

int nfqueue_open(struct nfqueue *queue, uint16_t number)
{
	struct nfqnl_msg_config_cmd bind = { .command = NFQNL_CFG_CMD_BIND };
	struct nfqnl_msg_config_params params = { .copy_mode = NFQNL_COPY_META };
	char buf[NFQUEUE_MESSAGE] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;
	int ret;

	queue->number = number;
	queue->nl = mnl_socket_open(NETLINK_NETFILTER);
	if (!queue->nl || mnl_socket_bind(queue->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	nlh = start(queue, buf, NFQNL_MSG_CONFIG);
	mnl_attr_put(nlh, NFQA_CFG_CMD, sizeof(bind), &bind);
	ret = request(queue, nlh);
	if (ret)
		return ret;
	nlh = start(queue, buf, NFQNL_MSG_CONFIG);
	mnl_attr_put(nlh, NFQA_CFG_PARAMS, sizeof(params), &params);
	return request(queue, nlh);
}

struct nlmsghdr *nfqueue_accept(const struct nfqueue *queue, char *buf, uint16_t type, uint32_t id)
{
	struct nfqnl_msg_verdict_hdr verdict = {
		.verdict = htonl(NF_ACCEPT), .id = htonl(id),
	};
	struct nlmsghdr *nlh = start(queue, buf, type);

	mnl_attr_put(nlh, NFQA_VERDICT_HDR, sizeof(verdict), &verdict);
	return nlh;
}

struct taker {
	struct nfqueue	*queue;
	int		(*packet)(struct nfqueue *queue, uint32_t id);
	int		ret;
};

static int message(const struct nlmsghdr *nlh, void *data)
{
	const struct nfqnl_msg_packet_hdr *head;
	struct taker *taker = data;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attr) != NFQA_PACKET_HDR)
			continue;
		head = mnl_attr_get_payload(attr);
		taker->ret = taker->packet(taker->queue, ntohl(head->packet_id));
		if (taker->ret)
			return MNL_CB_STOP;
	}
	return MNL_CB_OK;
}

int nfqueue_receive(struct nfqueue *queue, int (*packet)(struct nfqueue *queue, uint32_t id))
{
	static char buf[65536] __attribute__((aligned(8)));
	struct taker taker = { .queue = queue, .packet = packet };
	ssize_t n = mnl_socket_recvfrom(queue->nl, buf, sizeof(buf));

	if (n < 0 || mnl_cb_run(buf, (size_t)n, 0, 0, message, &taker) < 0)
		return -errno;
	return taker.ret;
}
