// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "socket.h"

#define BACKLOG	1024

int endpoint_parse(union endpoint *endpoint, const char *text, uint16_t port)
{
	memset(endpoint, 0, sizeof(*endpoint));
	if (inet_pton(AF_INET, text, &endpoint->in.sin_addr) == 1)
		endpoint->sa.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &endpoint->in6.sin6_addr) == 1)
		endpoint->sa.sa_family = AF_INET6;
	else
		return -EINVAL;
	endpoint_set_port(endpoint, port);
	return 0;
}

socklen_t endpoint_len(const union endpoint *endpoint)
{
	return endpoint->sa.sa_family == AF_INET ? sizeof(endpoint->in) :
						   sizeof(endpoint->in6);
}

uint16_t endpoint_port(const union endpoint *endpoint)
{
	return ntohs(endpoint->sa.sa_family == AF_INET ?
		     endpoint->in.sin_port : endpoint->in6.sin6_port);
}

void endpoint_set_port(union endpoint *endpoint, uint16_t port)
{
	if (endpoint->sa.sa_family == AF_INET)
		endpoint->in.sin_port = htons(port);
	else
		endpoint->in6.sin6_port = htons(port);
}

int endpoint_same(const union endpoint *a, const union endpoint *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return 0;
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_port == b->in.sin_port &&
		       a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return a->in6.sin6_port == b->in6.sin6_port &&
	       !memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr,
		       sizeof(a->in6.sin6_addr));
}

static int socket_open(const union endpoint *endpoint, int type)
{
	int fd = socket(endpoint->sa.sa_family,
			type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

static int socket_close(int fd, int err)
{
	close(fd);
	return err;
}

int tcp_connect(const union endpoint *to)
{
	int fd = socket_open(to, SOCK_STREAM);
	int one = 1;

	if (fd < 0)
		return fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, &to->sa, endpoint_len(to)) && errno != EINPROGRESS)
		return socket_close(fd, -errno);
	return fd;
}

int tcp_listen(const union endpoint *at)
{
	int fd = socket_open(at, SOCK_STREAM);
	int one = 1;

	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (at->sa.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, &at->sa, endpoint_len(at)) || listen(fd, BACKLOG))
		return socket_close(fd, -errno);
	return fd;
}

int tcp_accept(int fd)
{
	int one = 1;
	int conn = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (conn < 0)
		return -errno;
	setsockopt(conn, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return conn;
}

int udp_bind(const union endpoint *at)
{
	int fd = socket_open(at, SOCK_DGRAM);

	if (fd < 0)
		return fd;
	if (bind(fd, &at->sa, endpoint_len(at)))
		return socket_close(fd, -errno);
	return fd;
}

int udp_connect(const union endpoint *to)
{
	int fd = socket_open(to, SOCK_DGRAM);

	if (fd < 0)
		return fd;
	if (connect(fd, &to->sa, endpoint_len(to)))
		return socket_close(fd, -errno);
	return fd;
}

int socket_local(int fd, union endpoint *endpoint)
{
	socklen_t len = sizeof(*endpoint);

	memset(endpoint, 0, sizeof(*endpoint));
	return getsockname(fd, &endpoint->sa, &len) ? -errno : 0;
}

int socket_error(int fd)
{
	int err = 0;
	socklen_t len = sizeof(err);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	return err;
}
