// SPDX-License-Identifier: GPL-2.0
/*
 * verdict: somebody on NFQUEUE who marks connections.
 *
 * verdict QUEUE MARK	lets each packet pass and gives its connection this mark,
 *			with the verdict: conntrack raises no event for that.
 *			Says "ready", and "marked" after the first.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "nfqueue.h"

static uint32_t mark;
static bool said;

static int packet(struct nfqueue *queue, uint32_t id)
{
	char buf[NFQUEUE_MESSAGE] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = nfqueue_accept(queue, buf, NFQNL_MSG_VERDICT, id);
	struct nlattr *nest = mnl_attr_nest_start(nlh, NFQA_CT);
	int ret;

	mnl_attr_put_u32(nlh, CTA_MARK, htonl(mark));
	mnl_attr_nest_end(nlh, nest);
	ret = nfqueue_send(queue, nlh);
	if (!ret && !said)
		puts("marked");
	said = true;
	return ret;
}

int main(int argc, char **argv)
{
	struct nfqueue queue;
	int ret;

	if (argc != 3) {
		fputs("usage: verdict QUEUE MARK\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	mark = (uint32_t)strtoul(argv[2], NULL, 0);
	ret = nfqueue_open(&queue, (uint16_t)strtoul(argv[1], NULL, 0));
	if (!ret)
		puts("ready");
	while (!ret) {
		ret = nfqueue_receive(&queue, packet);
		if (ret == -ENOBUFS || ret == -EINTR)
			ret = 0;
	}
	fprintf(stderr, "verdict: %s\n", strerror(-ret));
	return 1;
}
