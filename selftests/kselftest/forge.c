// SPDX-License-Identifier: GPL-2.0
/*
 * forge: raw IPv4 packets that no socket of ours would send.
 *
 * forge tcp SRC SPORT DST DPORT FLAGS SEQ ACK [COUNT]	FLAGS as "SAFRP"; with
 *	COUNT, each with the next SEQ and ACK of a fixed pseudo random series
 * forge talk CLIENT SRC SPORT SERVER DST DPORT SEEN MS COUNT SEGMENT...	both ends of COUNT
 *	connections from SPORT on, in step: each SEGMENT (END:FLAGS:SEQ:ACK, END c or s,
 *	counted from the first numbers of both ends) of all, with a pause of MS between two;
 *	the server, in another netns, sees them come from SEEN; "flush:NETNS": conntrack -F
 *	there.  Says how many ms the segments took.
 * forge gre SRC DST KEY		PPTP's GRE, version 1
 * forge sctp SRC SPORT DST DPORT CHUNK VTAG [INITTAG]
 * forge udp SRC SPORT DST DPORT COUNT ROUNDS [MS]	a datagram from each of COUNT ports
 *	from SPORT on, in so many rounds, with a pause of MS (0) between two
 * forge udplite SRC SPORT DST DPORT COVERAGE BYTES
 * forge dccp SRC SPORT DST DPORT TYPE SEQ [ACK]
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

struct packet {
	struct in_addr	src, dst;
	uint8_t		proto;
	unsigned int	len;
	uint8_t		data[256] __attribute__((aligned(4)));
};

static int raw_fd = -1;

static uint32_t sum(const void *data, unsigned int len, uint32_t s)
{
	const uint8_t *p = data;

	for (; len > 1; len -= 2, p += 2)
		s += p[0] << 8 | p[1];
	if (len)
		s += p[0] << 8;
	return s;
}

static uint16_t fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return htons(~s & 0xffff);
}

static uint16_t l4_checksum(const struct packet *p)
{
	uint32_t s = sum(&p->src, 4, sum(&p->dst, 4, p->proto + p->len));

	return fold(sum(p->data, p->len, s));
}

static uint32_t crc32c(const uint8_t *p, unsigned int len)
{
	uint32_t crc = ~0u;
	int i;

	while (len--) {
		crc ^= *p++;
		for (i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static int transmit(const struct packet *p)
{
	uint8_t buf[sizeof(struct iphdr) + sizeof(p->data)];
	struct iphdr ip = {
		.version = 4, .ihl = 5, .ttl = 64, .protocol = p->proto,
		.saddr = p->src.s_addr, .daddr = p->dst.s_addr,
	};
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = p->dst };

	ip.tot_len = htons(sizeof(ip) + p->len);
	memcpy(buf, &ip, sizeof(ip));
	memcpy(buf + sizeof(ip), p->data, p->len);
	if (sendto(raw_fd, buf, sizeof(ip) + p->len, 0, (struct sockaddr *)&to, sizeof(to)) < 0) {
		perror("forge: sendto");
		return 1;
	}
	return 0;
}

static int tcp(struct packet *p, uint16_t sport, uint16_t dport, const char *flags, uint32_t seq,
	       uint32_t ack, unsigned int count)
{
	while (count--) {
		struct tcphdr th = {
			.source = htons(sport), .dest = htons(dport), .doff = 5,
			.seq = htonl(seq), .ack_seq = htonl(ack), .window = htons(1024),
			.syn = !!strchr(flags, 'S'), .ack = !!strchr(flags, 'A'),
			.fin = !!strchr(flags, 'F'), .rst = !!strchr(flags, 'R'),
			.psh = !!strchr(flags, 'P'),
		};

		memcpy(p->data, &th, sizeof(th));
		p->len = sizeof(th);
		if (th.psh) {	/* a pushed segment carries something */
			memcpy(p->data + p->len, "forged!!", 8);
			p->len += 8;
		}
		memset(p->data + 16, 0, 2);
		th.check = l4_checksum(p);
		memcpy(p->data + 16, &th.check, 2);
		if (transmit(p))
			return 1;
		seq = seq * 1664525 + 1013904223;
		ack = ack * 22695477 + 1;
	}
	return 0;
}

/* A socket in a netns of "ip netns". */
static int socket_in(const char *netns, int family, int protocol)
{
	int fd, err = client_netns(netns);

	if (err) {
		fprintf(stderr, "forge: netns %s: %s\n", netns, strerror(-err));
		exit(1);
	}
	fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (fd < 0) {
		perror("forge: socket");
		exit(1);
	}
	return fd;
}

static int flush(const char *netns)
{
	struct {
		struct nlmsghdr		nlh;
		struct nfgenmsg		nfg;
	} ask = {
		.nlh.nlmsg_len = sizeof(ask),
		.nlh.nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE,
		.nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
	};
	struct {
		struct nlmsghdr		nlh;
		struct nlmsgerr		err;
	} answer = {};
	int fd = socket_in(netns, AF_NETLINK, NETLINK_NETFILTER);

	if (send(fd, &ask, sizeof(ask), 0) < 0 || recv(fd, &answer, sizeof(answer), 0) < 0 ||
	    answer.err.error) {
		fputs("forge: cannot flush\n", stderr);
		return 1;
	}
	close(fd);
	return 0;
}

static int talk(char **argv)
{
	static const uint32_t isn[2] = { 1000, 5000 };	/* client, server */
	int fd[2] = { socket_in(argv[0], AF_INET, IPPROTO_RAW),
		      socket_in(argv[3], AF_INET, IPPROTO_RAW) };
	unsigned int ms = atoi(argv[7]), count = atoi(argv[8]), i, seq, ack;
	uint64_t start_us = client_now_us();
	struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	uint16_t sport = atoi(argv[2]), dport = atoi(argv[5]);
	struct in_addr src, dst, seen;
	char end, flags[8];

	if (inet_pton(AF_INET, argv[1], &src) != 1 || inet_pton(AF_INET, argv[4], &dst) != 1 ||
	    inet_pton(AF_INET, argv[6], &seen) != 1)
		return 2;
	for (argv += 9; *argv; argv++) {
		bool server;

		if (!strncmp(*argv, "flush:", 6)) {
			if (flush(*argv + 6))
				return 1;
			continue;
		}
		if (sscanf(*argv, "%c:%7[A-Z]:%u:%u", &end, flags, &seq, &ack) != 4)
			return 2;
		server = end == 's';
		raw_fd = fd[server];
		for (i = 0; i < count; i++) {
			struct packet p = { .proto = IPPROTO_TCP };

			memcpy(&p.src, server ? &dst : &src, sizeof(p.src));
			memcpy(&p.dst, server ? &seen : &dst, sizeof(p.dst));
			if (tcp(&p, server ? dport : sport + i, server ? sport + i : dport, flags,
				isn[server] + seq, strchr(flags, 'A') ? isn[!server] + ack : 0, 1))
				return 1;
		}
		if (ms && argv[1])
			nanosleep(&pause, NULL);
	}
	printf("%u\n", (unsigned int)((client_now_us() - start_us) / 1000));
	return 0;
}

static int gre(struct packet *p, uint16_t key)
{
	put16(p->data, 0x3001);		/* key and sequence, version 1 */
	put16(p->data + 2, 0x880b);	/* PPP */
	put16(p->data + 4, 4);		/* payload */
	put16(p->data + 6, key);
	put32(p->data + 8, 1);
	p->len = 16;
	return transmit(p);
}

static int sctp(struct packet *p, uint16_t sport, uint16_t dport, uint8_t chunk, uint32_t vtag,
		uint32_t init_tag)
{
	uint32_t crc;

	put16(p->data, sport);
	put16(p->data + 2, dport);
	put32(p->data + 4, vtag);
	p->data[12] = chunk;
	put16(p->data + 14, 20);
	put32(p->data + 16, init_tag);
	put32(p->data + 20, 65536);
	put32(p->data + 24, 0x00010001);
	put32(p->data + 28, 1);
	p->len = 32;
	crc = crc32c(p->data, p->len);	/* goes out least significant byte first */
	p->data[8] = crc;
	p->data[9] = crc >> 8;
	p->data[10] = crc >> 16;
	p->data[11] = crc >> 24;
	return transmit(p);
}

static int udp(struct packet *p, uint16_t sport, uint16_t dport, unsigned int count,
	       unsigned int rounds, unsigned int ms)
{
	unsigned int round, i;
	uint16_t check;

	p->len = 12;
	for (round = 0; round < rounds; round++) {
		if (round)
			usleep(ms * 1000);
		for (i = 0; i < count; i++) {
			put16(p->data, sport + i);
			put16(p->data + 2, dport);
			put16(p->data + 4, p->len);
			put16(p->data + 6, 0);
			put32(p->data + 8, round);
			check = l4_checksum(p);
			memcpy(p->data + 6, &check, 2);
			if (transmit(p))
				return 1;
		}
	}
	return 0;
}

static int udplite(struct packet *p, uint16_t sport, uint16_t dport, uint16_t coverage,
		   unsigned int bytes)
{
	unsigned int total = 8 + (bytes > 64 ? 64 : bytes), covered = coverage ? coverage : total;
	uint16_t check;
	uint32_t s;

	put16(p->data, sport);
	put16(p->data + 2, dport);
	put16(p->data + 4, coverage);
	s = sum(&p->src, 4, sum(&p->dst, 4, p->proto + total));
	check = fold(sum(p->data, covered < total ? covered : total, s));
	memcpy(p->data + 6, &check, 2);
	p->len = total;
	return transmit(p);
}

static int dccp(struct packet *p, uint16_t sport, uint16_t dport, uint8_t type, uint64_t seq,
		uint64_t ack)
{
	uint16_t check;

	put16(p->data, sport);
	put16(p->data + 2, dport);
	p->data[8] = type << 1 | 1;	/* extended sequence numbers */
	put16(p->data + 10, seq >> 32);
	put32(p->data + 12, seq);
	p->len = 16;
	if (type == 0) {		/* request: service code */
		put32(p->data + 16, 42);
		p->len = 20;
	} else if (type != 2) {		/* all but data: acknowledgment number */
		put16(p->data + 18, ack >> 32);
		put32(p->data + 20, ack);
		p->len = 24;
		if (type == 1) {	/* response: service code */
			put32(p->data + 24, 42);
			p->len = 28;
		}
	}
	p->data[4] = p->len / 4;
	check = l4_checksum(p);
	memcpy(p->data + 6, &check, 2);
	return transmit(p);
}

static uint64_t num(const char *s)
{
	return s ? strtoull(s, NULL, 0) : 0;
}

int main(int argc, char **argv)
{
	struct packet p = {};
	bool is_gre = argc == 5 && !strcmp(argv[1], "gre");

	if (argc > 11 && !strcmp(argv[1], "talk"))
		return talk(argv + 2);
	if (argc < 5 || (!is_gre && argc < 8))
		goto usage;
	if (inet_pton(AF_INET, argv[2], &p.src) != 1 ||
	    inet_pton(AF_INET, argv[is_gre ? 3 : 4], &p.dst) != 1)
		goto usage;
	raw_fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (raw_fd < 0) {
		perror("forge: socket");
		return 1;
	}
	if (is_gre) {
		p.proto = IPPROTO_GRE;
		return gre(&p, num(argv[4]));
	}
	if (!strcmp(argv[1], "tcp") && argc >= 9) {
		p.proto = IPPROTO_TCP;
		return tcp(&p, num(argv[3]), num(argv[5]), argv[6], num(argv[7]), num(argv[8]),
			   argv[9] ? num(argv[9]) : 1);
	}
	if (!strcmp(argv[1], "sctp")) {
		p.proto = IPPROTO_SCTP;
		return sctp(&p, num(argv[3]), num(argv[5]), num(argv[6]), num(argv[7]),
			    num(argv[8]));
	}
	if (!strcmp(argv[1], "udp")) {
		p.proto = IPPROTO_UDP;
		return udp(&p, num(argv[3]), num(argv[5]), num(argv[6]),
			   num(argv[7]), argv[8] ? num(argv[8]) : 0);
	}
	if (!strcmp(argv[1], "udplite")) {
		p.proto = IPPROTO_UDPLITE;
		return udplite(&p, num(argv[3]), num(argv[5]), num(argv[6]), num(argv[7]));
	}
	if (!strcmp(argv[1], "dccp")) {
		p.proto = IPPROTO_DCCP;
		return dccp(&p, num(argv[3]), num(argv[5]), num(argv[6]), num(argv[7]),
			    argc > 8 ? num(argv[8]) : 0);
	}
usage:
	fputs("usage: forge tcp|talk|gre|sctp|udp|udplite|dccp ..., see forge.c\n", stderr);
	return 2;
}
