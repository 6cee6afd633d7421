/* SPDX-License-Identifier: GPL-2.0 */
/* Sockets: always non-blocking, close-on-exec, numeric addresses. */
#ifndef GWSYNC_TRAFFIC_SOCKET_H
#define GWSYNC_TRAFFIC_SOCKET_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

union endpoint {
	struct sockaddr		sa;
	struct sockaddr_in	in;
	struct sockaddr_in6	in6;
};

/* @text is an IPv4 or IPv6 address; -EINVAL when it is neither. */
int endpoint_parse(union endpoint *endpoint, const char *text, uint16_t port);
socklen_t endpoint_len(const union endpoint *endpoint);
uint16_t endpoint_port(const union endpoint *endpoint);
void endpoint_set_port(union endpoint *endpoint, uint16_t port);
int endpoint_same(const union endpoint *a, const union endpoint *b);

/* Each returns a descriptor or a negative errno. */
int tcp_connect(const union endpoint *to);
int tcp_listen(const union endpoint *at);
int tcp_accept(int fd);
int udp_bind(const union endpoint *at);
int udp_connect(const union endpoint *to);

int socket_local(int fd, union endpoint *endpoint);
int socket_error(int fd);	/* pending error, positive errno */

#endif
