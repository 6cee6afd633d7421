// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "port.h"

#define FRAME_SIZE	512
#define FRAMES		1024
#define BLOCK_SIZE	(1 << 16)

void port_open(struct port *p, int end, const char *netns, const char *device)
{
	struct tpacket_req req = {
		.tp_frame_size = FRAME_SIZE, .tp_frame_nr = FRAMES,
		.tp_block_size = BLOCK_SIZE, .tp_block_nr = FRAMES * FRAME_SIZE / BLOCK_SIZE,
	};
	struct sockaddr_ll sll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
	int home, there, one = 1, version = TPACKET_V2;
	char path[64];
	unsigned int i;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (home < 0 || there < 0 || setns(there, CLONE_NEWNET))
		err(1, "namespace %s", netns);

	/* Nothing arrives before the ring is there. */
	p->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (p->fd < 0)
		err(1, "packet socket");
	if (setsockopt(p->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) ||
	    setsockopt(p->fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)) ||
	    setsockopt(p->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)))
		err(1, "packet socket's options");
	p->ring = mmap(NULL, FRAMES * FRAME_SIZE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, p->fd, 0);
	if (p->ring == MAP_FAILED)
		err(1, "packet socket's ring");
	sll.sll_ifindex = if_nametoindex(device);
	if (!sll.sll_ifindex || bind(p->fd, (struct sockaddr *)&sll, sizeof(sll)))
		err(1, "%s in %s", device, netns);
	if (setns(home, CLONE_NEWNET))
		err(1, "own namespace");
	close(home);
	close(there);

	p->end = end;
	for (i = 0; i < PORT_BATCH; i++) {
		p->iov[i].iov_base = &p->frame[i].eth;
		p->msg[i].msg_hdr.msg_iov = &p->iov[i];
		p->msg[i].msg_hdr.msg_iovlen = 1;
	}
}

/*
 * The gateway forwards a packet within the call that sends it, unless the
 * kernel has handed its soft interrupts to ksoftirqd.
 */
void port_flush(struct port *p)
{
	unsigned int i = 0;
	int n;

	while (i < p->queued) {
		n = sendmmsg(p->fd, p->msg + i, p->queued - i, 0);
		if (n > 0) {
			p->sent += n;
			i += n;
		} else if (errno != EINTR) {
			if (errno != ENOBUFS)
				err(1, "sendmmsg");
			p->refused++;
			i++;
		}
	}
	p->queued = 0;
}

struct frame *port_frame(struct port *p)
{
	if (p->queued == PORT_BATCH)
		port_flush(p);
	return &p->frame[p->queued];
}

void port_queue(struct port *p, unsigned int len)
{
	p->iov[p->queued++].iov_len = len;
}

bool port_read(struct port *p, struct seen *s)
{
	for (;;) {
		struct tpacket2_hdr *h = (void *)(p->ring + p->next * FRAME_SIZE);
		bool good;

		if (!(__atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
			return false;
		good = flow_read(p->end, (void *)((uint8_t *)h + h->tp_net),
				 h->tp_snaplen - (h->tp_net - h->tp_mac), s);
		__atomic_store_n(&h->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		p->next = (p->next + 1) % FRAMES;
		if (good)
			return true;
	}
}

unsigned int port_overruns(struct port *p)
{
	struct tpacket_stats stats = { };
	socklen_t len = sizeof(stats);

	getsockopt(p->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len);
	return stats.tp_drops;
}
