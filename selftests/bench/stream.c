// SPDX-License-Identifier: GPL-2.0
/* The traffic of the switchover: a TCP stream of 100 packets a second, and UDP packets,
 * one a millisecond, as a ruler.  All is sent back.
 *
 *	stream server ADDRESS		echoes both
 *	stream client ADDRESS		until SIGTERM; then what both ends sent again
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define PORT		7007
#define BYTES		100
#define TICK_NS		1000000
#define TCP_TICKS	10		/* of TICK_NS: 100 a second */

static volatile sig_atomic_t over;

static void end(int sig)
{
	(void)sig;
	over = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "stream: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Segments that this end sent again. */
static unsigned int again(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		die("TCP_INFO");
	return info.tcpi_total_retrans;
}

static int open_socket(int type, const struct sockaddr_in *at, int server)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (server ? bind(fd, (const void *)at, sizeof(*at)) :
		     connect(fd, (const void *)at, sizeof(*at)))
		die(server ? "bind" : "connect");
	if (type == SOCK_STREAM && !server)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static void server(const struct sockaddr_in *at)
{
	int udp = open_socket(SOCK_DGRAM, at, 1), listener = open_socket(SOCK_STREAM, at, 1);
	struct pollfd fd[2] = { { .fd = udp, .events = POLLIN }, { .events = POLLIN } };
	char data[4096];
	int one = 1;

	if (listen(listener, 1))
		die("listen");
	fd[1].fd = accept(listener, NULL, NULL);
	if (fd[1].fd < 0)
		die("accept");
	setsockopt(fd[1].fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	for (;;) {
		ssize_t n;

		if (poll(fd, 2, -1) < 0)
			die("poll");
		if (fd[0].revents) {
			struct sockaddr_in from;
			socklen_t len = sizeof(from);

			n = recvfrom(udp, data, sizeof(data), 0, (void *)&from, &len);
			if (n > 0)
				sendto(udp, data, (size_t)n, 0, (void *)&from, len);
		}
		if (!fd[1].revents)
			continue;
		n = read(fd[1].fd, data, sizeof(data));
		if (n <= 0)
			break;
		if (write(fd[1].fd, data, (size_t)n) != n)
			die("write");
	}
	printf("server again %u\n", again(fd[1].fd));
}

static void client(const struct sockaddr_in *at)
{
	struct itimerspec tick = { { 0, TICK_NS }, { 0, TICK_NS } };
	int tcp = open_socket(SOCK_STREAM, at, 0), udp = open_socket(SOCK_DGRAM, at, 0);
	int timer = timerfd_create(CLOCK_MONOTONIC, 0);
	struct pollfd fd[3] = { { .fd = tcp, .events = POLLIN }, { .fd = udp, .events = POLLIN },
				{ .fd = timer, .events = POLLIN } };
	unsigned long tcp_sent = 0, tcp_back = 0, udp_sent = 0, udp_back = 0;
	char data[4096] = { 0 };
	uint64_t ticks;
	ssize_t n;

	timerfd_settime(timer, 0, &tick, NULL);
	while (!over) {
		if (poll(fd, 3, -1) < 0)
			continue;
		if (fd[0].revents) {
			n = read(tcp, data, sizeof(data));
			if (n <= 0)
				die("the connection ended");
			tcp_back += (unsigned long)n;
		}
		if (fd[1].revents && recv(udp, data, sizeof(data), 0) > 0)
			udp_back++;
		if (!fd[2].revents || read(timer, &ticks, sizeof(ticks)) != sizeof(ticks))
			continue;
		/* What it overslept is not caught up: the pace is what counts. */
		udp_sent++;
		send(udp, data, BYTES, 0);
		if (udp_sent % TCP_TICKS)
			continue;
		tcp_sent += BYTES;
		if (write(tcp, data, BYTES) != BYTES)
			die("write");
	}
	printf("client again %u tcp %lu of %lu bytes, udp %lu of %lu\n", again(tcp), tcp_back,
	       tcp_sent, udp_back, udp_sent);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct sigaction action = { .sa_handler = end };

	if (argc != 3 || inet_pton(AF_INET, argv[2], &at.sin_addr) != 1) {
		fprintf(stderr, "usage: stream server|client ADDRESS\n");
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	if (!strcmp(argv[1], "server"))
		server(&at);
	else
		client(&at);
	return 0;
}
