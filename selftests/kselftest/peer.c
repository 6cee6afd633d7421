// SPDX-License-Identifier: GPL-2.0
/*
 * peer: the ends of the connections that the tests watch.
 *
 * peer serve PORT		TCP over IPv4 and IPv6: a client's first line says
 *				"echo", "bulk BYTES" or "sink BYTES"
 * peer echo ADDR PORT N	open N echo connections, use each; "ready"; then for
 *				each line on stdin use all again: "alive N of M"
 * peer bulk ADDR PORT BYTES	download, checked; "start" with the first byte
 * peer sink ADDR PORT BYTES	upload, checked by the server
 * peer udp-serve PORT		UDP echo (IPv4 and IPv6)
 * peer udp ADDR PORT N		like echo
 *
 * An answer is awaited for PEER_SECONDS (environment, 10).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

#define CONN_MAX	4096

static unsigned int seconds = 10;

/* The byte at a place of the stream: cheap, and a lost or doubled one shows. */
static uint8_t pattern(uint64_t pos)
{
	return (uint8_t)((pos * 2654435761u) >> 13);
}

static int dial(const char *addr, const char *port, int type, int proto)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV }, *ai;
	int fd, one = 1;

	if (getaddrinfo(addr, port, &hints, &ai))
		return -1;
	fd = socket(ai->ai_family, type | SOCK_CLOEXEC, proto);
	if (fd < 0)
		return -1;
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0) {
		close(fd);
		return -1;
	}
	freeaddrinfo(ai);
	if (proto == IPPROTO_TCP)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static int bind_any(int port, int type, int proto)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, proto), one = 1, zero = 0;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -1;
	return fd;
}

static bool readable(int fd, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, ms) == 1;
}

static bool write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n <= 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

static bool send_pattern(int fd, uint64_t total)
{
	static uint8_t buf[65536];
	uint64_t pos = 0;

	while (pos < total) {
		size_t n = total - pos < sizeof(buf) ? total - pos : sizeof(buf), i;

		for (i = 0; i < n; i++)
			buf[i] = pattern(pos + i);
		if (!write_all(fd, buf, n))
			return false;
		pos += n;
	}
	return true;
}

/* Returns bytes read in order; less than @total when the stream broke. */
static uint64_t read_pattern(int fd, uint64_t total, bool progress)
{
	static uint8_t buf[65536];
	uint64_t pos = 0;

	while (pos < total) {
		ssize_t n, i;

		if (!readable(fd, seconds * 1000))
			break;
		n = read(fd, buf, sizeof(buf));
		if (n <= 0)
			break;
		for (i = 0; i < n; i++) {
			if (buf[i] != pattern(pos + i))
				return pos + i;
		}
		if (!pos && progress)
			puts("start");
		pos += n;
	}
	return pos;
}

static void serve_one(int fd)
{
	char line[64];
	unsigned int len = 0;
	uint64_t total;
	ssize_t n;

	while (len < sizeof(line) - 1 && read(fd, line + len, 1) == 1 && line[len] != '\n')
		len++;
	line[len] = 0;
	if (sscanf(line, "bulk %" SCNu64, &total) == 1) {
		send_pattern(fd, total);
		shutdown(fd, SHUT_WR);
		while (read(fd, line, sizeof(line)) > 0)
			;
	} else if (sscanf(line, "sink %" SCNu64, &total) == 1) {
		dprintf(fd, "%" PRIu64 "\n", read_pattern(fd, total, false));
	} else {
		while ((n = read(fd, line, sizeof(line))) > 0)
			write_all(fd, line, n);
	}
}

static int serve(int port)
{
	static struct pollfd pfd[CONN_MAX];
	int fd = bind_any(port, SOCK_STREAM, 0), conn, one = 1;
	unsigned int n = 1, i;
	char buf[4096];

	if (fd < 0 || listen(fd, 1024) < 0) {
		perror("peer: serve");
		return 1;
	}
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	puts("ready");
	/* Echo in this process (there are many); a stream in one of its own. */
	pfd[0].fd = fd;
	pfd[0].events = POLLIN;
	for (;;) {
		if (poll(pfd, n, -1) < 0)
			return 1;
		for (i = n - 1; i > 0; i--) {
			ssize_t len;

			if (!pfd[i].revents)
				continue;
			len = recv(pfd[i].fd, buf, sizeof(buf), MSG_PEEK);
			if (len > 0 && (!strncmp(buf, "bulk", 4) || !strncmp(buf, "sink", 4))) {
				if (!fork()) {
					close(fd);
					serve_one(pfd[i].fd);
					_exit(0);
				}
				len = 0;
			} else if (len > 0) {
				len = recv(pfd[i].fd, buf, sizeof(buf), 0);
				if (!write_all(pfd[i].fd, buf, len))
					len = 0;
			}
			if (len <= 0) {
				close(pfd[i].fd);
				pfd[i] = pfd[--n];
			}
		}
		if (!(pfd[0].revents & POLLIN))
			continue;
		conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (conn < 0)
			continue;
		if (n == CONN_MAX) {
			close(conn);
			continue;
		}
		setsockopt(conn, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		pfd[n].fd = conn;
		pfd[n].events = POLLIN;
		pfd[n++].revents = 0;
	}
}

static int udp_serve(int port)
{
	int fd = bind_any(port, SOCK_DGRAM, IPPROTO_UDP);
	struct sockaddr_storage sa;
	char buf[4096];

	if (fd < 0) {
		perror("peer: udp-serve");
		return 1;
	}
	puts("ready");
	for (;;) {
		socklen_t len = sizeof(sa);
		ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&sa, &len);

		if (n >= 0)
			sendto(fd, buf, n, 0, (struct sockaddr *)&sa, len);
	}
}

/* One round trip on each connection at once; returns how many answered. */
static unsigned int use_all(const int *fd, unsigned int n, unsigned int round)
{
	static bool got[CONN_MAX];
	unsigned int i, alive = 0;
	uint64_t end = client_now_us() + seconds * 1000000ull;

	memset(got, 0, sizeof(got));
	for (i = 0; i < n; i++) {
		uint32_t v = round * 100000 + i;

		if (fd[i] >= 0 && send(fd[i], &v, sizeof(v), MSG_NOSIGNAL) != sizeof(v))
			fprintf(stderr, "peer: connection %u: %s\n", i, strerror(errno));
	}
	for (i = 0; i < n; i++) {
		uint64_t now = client_now_us();
		uint32_t v = 0;

		if (fd[i] < 0 || !readable(fd[i], now < end ? (end - now) / 1000 : 0))
			continue;
		if (recv(fd[i], &v, sizeof(v), 0) == sizeof(v) && v == round * 100000 + i) {
			got[i] = true;
			alive++;
		} else {
			fprintf(stderr, "peer: connection %u: %s\n", i,
				v ? "wrong answer" : strerror(errno));
		}
	}
	return alive;
}

static int echo(const char *addr, const char *port, unsigned int n, int type, int proto)
{
	static int fd[CONN_MAX];
	unsigned int i, round = 1, alive;
	char line[64];

	for (i = 0; i < n; i++) {
		fd[i] = dial(addr, port, type, proto);
		if (fd[i] < 0) {
			printf("failed connection %u: %s\n", i, strerror(errno));
			return 1;
		}
	}
	alive = use_all(fd, n, round);
	if (alive != n) {
		printf("failed alive %u of %u\n", alive, n);
		return 1;
	}
	puts("ready");
	while (fgets(line, sizeof(line), stdin)) {
		alive = use_all(fd, n, ++round);
		printf("alive %u of %u\n", alive, n);
	}
	return 0;
}

static int stream(const char *mode, const char *addr, const char *port, uint64_t total)
{
	uint64_t t = client_now_us(), n = 0;
	int fd = dial(addr, port, SOCK_STREAM, IPPROTO_TCP);

	if (fd < 0) {
		printf("failed %s\n", strerror(errno));
		return 1;
	}
	dprintf(fd, "%s %" PRIu64 "\n", mode, total);
	if (!strcmp(mode, "bulk")) {
		n = read_pattern(fd, total, true);
	} else {
		char line[32] = "";

		usleep(50000);	/* the server peeks at the first line alone */
		puts("start");
		signal(SIGPIPE, SIG_IGN);
		if (send_pattern(fd, total) && readable(fd, seconds * 1000) &&
		    read(fd, line, sizeof(line) - 1) > 0)
			n = strtoull(line, NULL, 10);
	}
	printf("%s %" PRIu64 " of %" PRIu64 " bytes in %" PRIu64 " ms\n",
	       n == total ? "done" : "failed", n, total, (client_now_us() - t) / 1000);
	return n != total;
}

int main(int argc, char **argv)
{
	struct rlimit lim = { CONN_MAX + 64, CONN_MAX + 64 };
	const char *mode = argc > 1 ? argv[1] : "", *patience = getenv("PEER_SECONDS");

	setvbuf(stdout, NULL, _IOLBF, 0);
	setrlimit(RLIMIT_NOFILE, &lim);
	if (patience)
		seconds = atoi(patience);
	if (argc == 3 && !strcmp(mode, "serve"))
		return serve(atoi(argv[2]));
	if (argc == 3 && !strcmp(mode, "udp-serve"))
		return udp_serve(atoi(argv[2]));
	if (argc == 5 && atoi(argv[4]) > CONN_MAX && mode[0] != 'b' && mode[0] != 's')
		return 2;
	if (argc == 5 && !strcmp(mode, "echo"))
		return echo(argv[2], argv[3], atoi(argv[4]), SOCK_STREAM, IPPROTO_TCP);
	if (argc == 5 && !strcmp(mode, "udp"))
		return echo(argv[2], argv[3], atoi(argv[4]), SOCK_DGRAM, IPPROTO_UDP);
	if (argc == 5 && (!strcmp(mode, "bulk") || !strcmp(mode, "sink")))
		return stream(mode, argv[2], argv[3], strtoull(argv[4], NULL, 0));
	fputs("usage: peer MODE ..., see peer.c\n", stderr);
	return 2;
}
