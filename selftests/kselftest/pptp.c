// SPDX-License-Identifier: GPL-2.0
/*
 * pptp: both ends of a PPTP call (RFC 2637), as far as a gateway looks at it.
 *
 * pptp serve		answers each control connection and each GRE packet of its calls
 * pptp call FROM ADDR ID	opens a control connection; then for each line on stdin
 *	dial		a call with this id; "up" when the other end has taken it
 *	data		a packet of the call, answered by one: "alive"
 *	echo		the control connection's own: "echo"
 *	clear		hangs up; "cleared" when the other end says so
 *
 * An answer is awaited for PEER_SECONDS (environment, 10); "failed" if none comes.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

#define PORT		1723
#define COOKIE		0x1a2b3c4d
#define CALLS		16
#define RESEND_MS	200

enum {
	START_REQUEST = 1, START_REPLY = 2, ECHO_REQUEST = 5, ECHO_REPLY = 6,
	CALL_REQUEST = 7, CALL_REPLY = 8, CLEAR_REQUEST = 12, DISCONNECT = 13,
};

/* Bytes of a whole message, by its type. */
static const uint16_t sizes[] = {
	[START_REQUEST] = 156, [START_REPLY] = 156, [ECHO_REQUEST] = 16, [ECHO_REPLY] = 20,
	[CALL_REQUEST] = 168, [CALL_REPLY] = 32, [CLEAR_REQUEST] = 16, [DISCONNECT] = 148,
};

struct control {
	uint8_t		buf[512];
	size_t		have;
};

struct call {
	int		fd;		/* of its control connection, 0: none */
	struct in_addr	peer;
	uint16_t	id;		/* by which it is called here */
	uint16_t	peer_id;	/* and there */
};

static int timeout_ms = 10000;

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* What follows the head: two ids, and the result of a reply. */
static void say(int fd, unsigned int type, uint16_t a, uint16_t b)
{
	uint8_t msg[256] = { 0 };

	put16(msg, sizes[type]);
	put16(msg + 2, 1);
	put16(msg + 4, COOKIE >> 16);
	put16(msg + 6, COOKIE & 0xffff);
	put16(msg + 8, (uint16_t)type);
	put16(msg + 12, a);
	put16(msg + 14, b);
	if (type == START_REPLY)
		msg[14] = 1;
	if (type == CALL_REPLY || type == ECHO_REPLY)
		msg[16] = 1;
	if (write(fd, msg, sizes[type]) != sizes[type])
		perror("pptp: write");
}

/* The next whole message: its type, -1: the end; @ids: what follows the head. */
static int hear(int fd, struct control *c, uint16_t ids[2])
{
	uint16_t len;
	ssize_t n;
	int type;

	while (c->have < 12 || c->have < get16(c->buf)) {
		n = read(fd, c->buf + c->have, sizeof(c->buf) - c->have);
		if (n <= 0)
			return -1;
		c->have += (size_t)n;
	}
	len = get16(c->buf);
	type = get16(c->buf + 8);
	ids[0] = get16(c->buf + 12);
	ids[1] = get16(c->buf + 14);
	memmove(c->buf, c->buf + len, c->have - len);
	c->have -= len;
	return type;
}

/* Version 1, with key and sequence number, and a byte of payload. */
static void send_gre(int raw, struct in_addr to, uint16_t id)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr = to };
	static uint32_t seq;
	uint8_t gre[13] = { 0x30, 0x01, 0x88, 0x0b, 0, 1 };

	put16(gre + 6, id);
	seq++;
	put16(gre + 10, (uint16_t)seq);
	if (sendto(raw, gre, sizeof(gre), 0, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		perror("pptp: gre");
}

/* The id that a packet names, or -1. */
static int receive_gre(int raw, struct in_addr *from)
{
	uint8_t buf[256];
	ssize_t n = recv(raw, buf, sizeof(buf), 0);
	const struct iphdr *ip = (const void *)buf;
	size_t head = ip->ihl * 4U;
	const uint8_t *gre = buf + head;

	if (n < 0 || (size_t)n < head + 12 || get16(gre) != 0x3001 || get16(gre + 2) != 0x880b)
		return -1;
	from->s_addr = ip->saddr;
	return get16(gre + 6);
}

static int open_raw(struct in_addr local)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr = local };
	int raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_GRE);

	if (raw < 0 || bind(raw, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		perror("pptp: raw socket");
		exit(1);
	}
	return raw;
}

static void served(struct call *calls, int fd, int type, const uint16_t ids[2])
{
	struct sockaddr_in sa = { 0 };
	static uint16_t next = 100;
	socklen_t len = sizeof(sa);
	struct call *c;

	switch (type) {
	case START_REQUEST:
		say(fd, START_REPLY, 0x0100, 0);
		break;
	case ECHO_REQUEST:
		say(fd, ECHO_REPLY, ids[0], ids[1]);
		break;
	case CALL_REQUEST:
		for (c = calls; c < calls + CALLS - 1 && c->fd; c++)
			;
		getpeername(fd, (struct sockaddr *)&sa, &len);
		*c = (struct call){ .fd = fd, .peer = sa.sin_addr, .id = next, .peer_id = ids[0] };
		next++;
		printf("call %u of %s, %u there\n", c->id, inet_ntoa(c->peer), c->peer_id);
		say(fd, CALL_REPLY, c->id, c->peer_id);
		break;
	case CLEAR_REQUEST:
		for (c = calls; c < calls + CALLS; c++) {
			if (c->fd != fd)
				continue;
			say(fd, DISCONNECT, c->id, 0x0400);
			printf("cleared %u\n", c->id);
			c->fd = 0;
		}
		break;
	}
}

static int serve(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int lfd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, type, id;
	struct call calls[CALLS] = { 0 };
	struct control control[CALLS] = { 0 };
	struct pollfd fds[CALLS];
	uint16_t ids[2];
	struct in_addr from = { 0 };
	nfds_t n = 2, i;

	setsockopt(lfd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(lfd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(lfd, CALLS) < 0) {
		perror("pptp: listen");
		return 1;
	}
	fds[0] = (struct pollfd){ .fd = lfd, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = open_raw(sa.sin_addr), .events = POLLIN };
	puts("ready");
	while (poll(fds, n, -1) > 0) {
		for (i = 2; i < n; i++) {
			if (!fds[i].revents)
				continue;
			type = hear(fds[i].fd, &control[i], ids);
			if (type < 0)
				fds[i].fd = -1;
			else
				served(calls, fds[i].fd, type, ids);
		}
		if (fds[1].revents) {
			id = receive_gre(fds[1].fd, &from);
			for (i = 0; i < CALLS; i++)
				if (calls[i].fd && calls[i].id == id &&
				    calls[i].peer.s_addr == from.s_addr)
					send_gre(fds[1].fd, from, calls[i].peer_id);
		}
		if (fds[0].revents && n < CALLS)
			fds[n++] = (struct pollfd){ accept(lfd, NULL, NULL), POLLIN, 0 };
	}
	return 1;
}

static bool await(int fd, struct control *c, int want, uint16_t ids[2])
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int type;

	while (poll(&pfd, 1, timeout_ms) > 0) {
		type = hear(fd, c, ids);
		if (type < 0)
			return false;
		if (type == want)
			return true;
	}
	return false;
}

/* Packets on and on, until one comes back by the id that we chose. */
static bool exchange(int raw, struct in_addr to, uint16_t id, uint16_t peer_id)
{
	struct pollfd pfd = { .fd = raw, .events = POLLIN };
	uint64_t end = client_now_us() + (uint64_t)timeout_ms * 1000;
	struct in_addr from = { 0 };

	/* What was on its way before is no answer. */
	while (poll(&pfd, 1, 0) > 0)
		receive_gre(raw, &from);
	while (client_now_us() < end) {
		send_gre(raw, to, peer_id);
		while (poll(&pfd, 1, RESEND_MS) > 0)
			if (receive_gre(raw, &from) == id && from.s_addr == to.s_addr)
				return true;
	}
	return false;
}

static int call(const char *local, const char *addr, uint16_t id)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), raw;
	struct control control = { 0 };
	uint16_t ids[2] = { 0 }, peer_id = 0;
	const char *answer;
	char line[32];

	if (inet_pton(AF_INET, local, &from.sin_addr) != 1 ||
	    inet_pton(AF_INET, addr, &to.sin_addr) != 1)
		return 2;
	raw = open_raw(from.sin_addr);
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		perror("pptp: connect");
		return 1;
	}
	say(fd, START_REQUEST, 0x0100, 0);
	if (!await(fd, &control, START_REPLY, ids)) {
		puts("failed");
		return 1;
	}
	puts("ready");
	while (fgets(line, sizeof(line), stdin)) {
		answer = "failed";
		if (!strcmp(line, "dial\n")) {
			say(fd, CALL_REQUEST, id, 1);
			if (await(fd, &control, CALL_REPLY, ids) && ids[1] == id)
				answer = "up";
			peer_id = ids[0];
		} else if (!strcmp(line, "data\n")) {
			if (exchange(raw, to.sin_addr, id, peer_id))
				answer = "alive";
		} else if (!strcmp(line, "echo\n")) {
			say(fd, ECHO_REQUEST, 1, 2);
			if (await(fd, &control, ECHO_REPLY, ids))
				answer = "echo";
		} else if (!strcmp(line, "clear\n")) {
			say(fd, CLEAR_REQUEST, id, 0);
			if (await(fd, &control, DISCONNECT, ids))
				answer = "cleared";
		}
		puts(answer);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *seconds = getenv("PEER_SECONDS");

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	if (seconds)
		timeout_ms = atoi(seconds) * 1000;
	if (argc == 2 && !strcmp(argv[1], "serve"))
		return serve();
	if (argc == 5 && !strcmp(argv[1], "call"))
		return call(argv[2], argv[3], (uint16_t)atoi(argv[4]));
	fputs("usage: pptp serve | pptp call FROM ADDR ID\n", stderr);
	return 2;
}
