// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

#include "flow.h"

#define SERVER_ADDR	0x0a020002u	/* 10.2.0.2 */
#define FIRST_PORT	1024
#define FIRST_SERVICE	7000
#define PORT_BITS	14
#define UDP_DATA	32

/*
 * As Linux offers it; a window that is scaled makes the gateways follow the
 * scale too.
 */
static const uint8_t syn_options[12] = {
	TCPOPT_MAXSEG, 4, 1460 >> 8, 1460 & 255,
	TCPOPT_SACK_PERMITTED, 2, TCPOPT_NOP, TCPOPT_NOP,
	TCPOPT_NOP, TCPOPT_WINDOW, 3, 7,
};

#define WINDOW		502		/* times 2^7 */

static struct frame template[2];	/* by the end that sends */
static uint32_t data_sum;		/* of FLOW_DATA bytes */

typedef uint32_t __attribute__((may_alias)) word;

static uint64_t sum32(const void *p, unsigned int len)
{
	const word *w = p;
	uint64_t s = 0;

	for (; len; len -= 4)
		s += *w++;
	return s;
}

static uint16_t fold(uint64_t s)
{
	s = (s & 0xffffffff) + (s >> 32);
	s = (s & 0xffffffff) + (s >> 32);
	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	return ~s;
}

static uint32_t isn(int end, uint32_t k)
{
	return (k + 1) * 2654435761u + (end == SERVER ? 0x3c6ef372 : 0);
}

/* 02:00:00:00:0G:0N are the gateway's, 02:00:00:00:0c:0a and so on the ends'. */
void flow_init(char path)
{
	uint8_t x = path == 'A' ? 0x0a : 0x0b;
	int end;

	for (end = CLIENT; end <= SERVER; end++) {
		struct frame *f = &template[end];
		uint8_t gw[ETH_ALEN] = { 2, 0, 0, 0, x, end == CLIENT ? 1 : 2 };
		uint8_t me[ETH_ALEN] = { 2, 0, 0, 0, end == CLIENT ? 0x0c : 0x0d, x };

		memcpy(f->eth.h_dest, gw, ETH_ALEN);
		memcpy(f->eth.h_source, me, ETH_ALEN);
		f->eth.h_proto = htons(ETH_P_IP);
		f->ip.version = 4;
		f->ip.ihl = 5;
		f->ip.ttl = 64;
		f->ip.frag_off = htons(IP_DF);
		memset(f->rest, 'x', sizeof(f->rest));
	}
	data_sum = FLOW_DATA / 2 * ('x' << 8 | 'x');
}

/* Headers up to the ports; returns the sum of the pseudo header and the ports. */
static uint64_t begin(struct frame *f, int end, uint32_t k, uint32_t peer, uint8_t proto,
		      unsigned int l4_len)
{
	uint16_t client = htons(FIRST_PORT + (k & ((1 << PORT_BITS) - 1)));
	uint16_t service = htons(FIRST_SERVICE + (k >> PORT_BITS));

	memcpy(f, &template[end], offsetof(struct frame, udp));
	f->ip.protocol = proto;
	f->ip.tot_len = htons(sizeof(f->ip) + l4_len);
	if (end == CLIENT) {
		f->ip.saddr = htonl(0x0a01000a + (((k >> PORT_BITS) + 1) << 8));
		f->ip.daddr = htonl(SERVER_ADDR);
		f->udp.source = client;
		f->udp.dest = service;
	} else {
		f->ip.saddr = htonl(SERVER_ADDR);
		f->ip.daddr = peer;
		f->udp.source = service;
		f->udp.dest = client;
	}
	f->ip.check = 0;
	f->ip.check = fold(sum32(&f->ip, sizeof(f->ip)));
	return (uint64_t)f->ip.saddr + f->ip.daddr + htons(proto) + htons(l4_len);
}

unsigned int flow_udp(struct frame *f, int end, uint32_t k, uint32_t peer)
{
	unsigned int len = sizeof(f->udp) + UDP_DATA;
	uint64_t s = begin(f, end, k, peer, IPPROTO_UDP, len);
	uint16_t check;

	f->udp.len = htons(len);
	f->udp.check = 0;
	memset(&f->udp + 1, 'x', UDP_DATA);
	check = fold(s + sum32(&f->udp, len));
	f->udp.check = check ? check : 0xffff;
	return sizeof(f->eth) + sizeof(f->ip) + len;
}

/* SEQ and ACK are counted from the initial ones; LEN is 0 or FLOW_DATA. */
unsigned int flow_tcp(struct frame *f, int end, uint32_t k, uint32_t peer, unsigned int flags,
		      uint32_t seq, uint32_t ack, unsigned int len)
{
	unsigned int head = sizeof(f->tcp) + (flags & TH_SYN ? sizeof(syn_options) : 0);
	uint64_t s = begin(f, end, k, peer, IPPROTO_TCP, head + len);

	f->tcp.th_seq = htonl(isn(end, k) + seq);
	f->tcp.th_ack = flags & TH_ACK ? htonl(isn(!end, k) + ack) : 0;
	f->tcp.th_x2 = 0;
	f->tcp.th_off = head / 4;
	f->tcp.th_flags = flags;
	f->tcp.th_win = htons(flags & TH_SYN ? 64240 : WINDOW);
	f->tcp.th_sum = 0;
	f->tcp.th_urp = 0;
	if (flags & TH_SYN)
		memcpy(f->rest, syn_options, sizeof(syn_options));
	if (len) {
		memset(f->rest, 'x', FLOW_DATA);
		s += data_sum;
	}
	f->tcp.th_sum = fold(s + sum32(&f->tcp, head));
	return sizeof(f->eth) + sizeof(f->ip) + head + len;
}

void flow_set_id(struct frame *f, uint16_t id)
{
	f->ip.id = htons(id);
	f->ip.check = 0;
	f->ip.check = fold(sum32(&f->ip, sizeof(f->ip)));
}

bool flow_read(int end, const struct iphdr *ip, unsigned int len, struct seen *s)
{
	const struct udphdr *udp = (const void *)(ip + 1);
	const struct tcphdr *tcp = (const void *)(ip + 1);
	uint32_t client, service;
	unsigned int head;

	if (len < sizeof(*ip) + sizeof(*udp) || ip->ihl != 5 || ntohs(ip->tot_len) > len)
		return false;
	client = ntohs(end == CLIENT ? udp->dest : udp->source) - FIRST_PORT;
	service = ntohs(end == CLIENT ? udp->source : udp->dest) - FIRST_SERVICE;
	if (client >> PORT_BITS || service > FLOW_MAX >> PORT_BITS)
		return false;
	s->k = service << PORT_BITS | client;
	s->id = ntohs(ip->id);
	s->from = ip->saddr;
	s->udp = ip->protocol == IPPROTO_UDP;
	if (s->udp)
		return true;
	if (ip->protocol != IPPROTO_TCP || len < sizeof(*ip) + sizeof(*tcp))
		return false;
	head = sizeof(*ip) + tcp->th_off * 4;
	if (ntohs(ip->tot_len) < head || tcp->th_flags & TH_RST)
		return false;
	s->len = ntohs(ip->tot_len) - head;
	s->syn = tcp->th_flags & TH_SYN;
	s->fin = tcp->th_flags & TH_FIN;
	s->seq = ntohl(tcp->th_seq) - isn(!end, s->k);
	s->ack = ntohl(tcp->th_ack) - isn(end, s->k);
	return true;
}
