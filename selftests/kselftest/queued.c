// SPDX-License-Identifier: GPL-2.0
/*
 * queued: packets that wait for a verdict of user space.
 *
 * queued NETNS QUEUE N	takes the queue, says "ready", and "waiting" when N packets
 *			wait; for a line on stdin accepts them all: "accepted N"
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/netfilter/nfnetlink_queue.h>

#include "client.h"
#include "nfqueue.h"

static unsigned int packets, least;
static uint32_t last;

static int packet(struct nfqueue *queue, uint32_t id)
{
	(void)queue;
	last = id;
	if (++packets == least)
		puts("waiting");
	return 0;
}

static int accept_all(const struct nfqueue *queue)
{
	char buf[NFQUEUE_MESSAGE] __attribute__((aligned(8)));

	return nfqueue_send(queue, nfqueue_accept(queue, buf, NFQNL_MSG_VERDICT_BATCH, last));
}

int main(int argc, char **argv)
{
	struct pollfd pfd[2] = { { .fd = STDIN_FILENO, .events = POLLIN } };
	struct nfqueue queue;
	char line[64];
	int ret;

	if (argc != 4) {
		fputs("usage: queued NETNS QUEUE N\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	least = strtoul(argv[3], NULL, 0);
	ret = client_netns(argv[1]);
	if (!ret)
		ret = nfqueue_open(&queue, (uint16_t)strtoul(argv[2], NULL, 0));
	if (ret) {
		printf("failed %s\n", strerror(-ret));
		return 1;
	}
	puts("ready");
	pfd[1].fd = mnl_socket_get_fd(queue.nl);
	pfd[1].events = POLLIN;
	while (poll(pfd, 2, -1) > 0) {
		if (pfd[1].revents & POLLIN && nfqueue_receive(&queue, packet))
			return 1;
		if (!(pfd[0].revents & POLLIN))
			continue;
		if (!fgets(line, sizeof(line), stdin))
			break;
		ret = accept_all(&queue);
		if (ret)
			printf("failed %s\n", strerror(-ret));
		else
			printf("accepted %u\n", packets);
	}
	return 0;
}
