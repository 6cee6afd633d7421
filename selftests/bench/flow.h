/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The packets of flow K. Everything in them follows from K and from the place
 * in the exchange, so neither end remembers anything of a flow.
 */
#ifndef BENCH_FLOW_H
#define BENCH_FLOW_H

#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>

#define FLOW_MAX	(255u << 14)	/* 255 clients with 16384 ports each */
#define FLOW_DATA	100		/* bytes of a data segment */

enum { CLIENT, SERVER };

struct frame {
	uint8_t		pad[2];		/* the IP header falls on a word */
	struct ethhdr	eth;
	struct iphdr	ip;
	union {
		struct tcphdr	tcp;
		struct udphdr	udp;
	};
	uint8_t		rest[12 + FLOW_DATA];
};

/* What an end makes of a packet that it got. */
struct seen {
	uint32_t	k;
	bool		udp, syn, fin;
	unsigned int	len;		/* of the payload */
	uint32_t	seq, ack;	/* counted from the initial ones */
	uint16_t	id;		/* of the IP header */
	uint32_t	from;		/* address, network order */
};

void flow_init(char path);

/*
 * A packet of flow K from END; returns its length from the Ethernet header on.
 * PEER is the server's view of the client, as a packet of it showed it.
 */
unsigned int flow_udp(struct frame *f, int end, uint32_t k, uint32_t peer);
unsigned int flow_tcp(struct frame *f, int end, uint32_t k, uint32_t peer,
		      unsigned int flags, uint32_t seq, uint32_t ack, unsigned int len);
/* Give a frame that is complete another IP identification. */
void flow_set_id(struct frame *f, uint16_t id);

/* Reads a packet that arrived at END; false if it is no flow's. */
bool flow_read(int end, const struct iphdr *ip, unsigned int len, struct seen *s);

#endif
