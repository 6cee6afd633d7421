// SPDX-License-Identifier: GPL-2.0
/* Echo, bulk and UDP services. Connections come from a fixed pool. */
#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "content.h"
#include "loop.h"
#include "server.h"

#define LISTENERS_MAX	16
#define CONNS_MAX	4096
#define SESSIONS_MAX	64
#define ECHO_BYTES	4096
#define SEND_MAX	(32 * 1024)	/* bytes of a download in one go */
#define SNDBUF		(128 * 1024)

#ifndef SO_MAX_PACING_RATE
#define SO_MAX_PACING_RATE	47
#endif

struct conn {
	struct watch	watch;
	struct conn	*next;		/* free */
	bool		bulk;
	bool		started;	/* bulk: the seed is here */
	bool		ending;		/* bulk: the trailer is being sent */
	uint64_t	seed, offset, sum;
	size_t		len, sent;	/* of buf, still to go out */
	uint8_t		buf[ECHO_BYTES];
};

struct listener {
	struct watch	watch;
	bool		bulk;
};

struct session {
	uint64_t	id;
	union endpoint	peer;
};

static struct listener listeners[LISTENERS_MAX];
static unsigned int listener_total;
static struct watch udp_watch[LISTENERS_MAX];
static unsigned int udp_total;
static struct session sessions[SESSIONS_MAX];
static unsigned int session_next;	/* the oldest: replaced when full */
static struct conn pool[CONNS_MAX];
static struct conn *free_conns;
static uint32_t bulk_rate;

static void conn_close(struct conn *conn)
{
	loop_remove(&conn->watch);
	conn->next = free_conns;
	free_conns = conn;
}

/* True when all of buf is out; the watch asks for what is missing. */
static bool conn_flush(struct conn *conn)
{
	while (conn->sent < conn->len) {
		ssize_t n = send(conn->watch.fd, conn->buf + conn->sent,
				 conn->len - conn->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			loop_change(&conn->watch, EPOLLOUT);
			return false;
		}
		if (n < 0 && errno != EINTR) {
			conn_close(conn);
			return false;
		}
		conn->sent += n > 0 ? n : 0;
	}
	conn->len = 0;
	conn->sent = 0;
	return true;
}

static void echo_serve(struct conn *conn)
{
	ssize_t n;

	if (conn->len && !conn_flush(conn))
		return;
	loop_change(&conn->watch, EPOLLIN);
	n = read(conn->watch.fd, conn->buf, sizeof(conn->buf));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_close(conn);
		return;
	}
	conn->len = n;
	conn_flush(conn);
}

/* Reads the seed, later the client's EOF. Returns false when conn is gone. */
static bool bulk_receive(struct conn *conn)
{
	uint64_t seed;
	ssize_t n;

	n = read(conn->watch.fd, &seed, sizeof(seed));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n == sizeof(seed) && !conn->started) {
		conn->started = true;
		conn->seed = be64toh(seed);
		loop_change(&conn->watch, EPOLLIN | EPOLLOUT);
		return true;
	}
	if (!n && conn->started) {
		conn->ending = true;
		loop_change(&conn->watch, EPOLLOUT);
		return true;
	}
	conn_close(conn);
	return false;
}

static void bulk_send(struct conn *conn)
{
	size_t total = 0;
	ssize_t n;

	while (total < SEND_MAX) {
		if (!conn->len) {
			content_fill(conn->seed, conn->offset, conn->buf,
				     sizeof(conn->buf));
			conn->len = sizeof(conn->buf);
		}
		n = send(conn->watch.fd, conn->buf + conn->sent,
			 conn->len - conn->sent, MSG_NOSIGNAL);
		if (n < 0) {
			if (errno != EAGAIN && errno != EINTR)
				conn_close(conn);
			return;
		}
		conn->sum = content_sum(conn->sum, conn->buf + conn->sent, n);
		conn->offset += n;
		conn->sent += n;
		total += n;
		if (conn->sent == conn->len) {
			conn->len = 0;
			conn->sent = 0;
		}
	}
}

static void bulk_trailer(struct conn *conn)
{
	uint64_t trailer[2] = { htobe64(conn->offset), htobe64(conn->sum) };

	if (send(conn->watch.fd, trailer, sizeof(trailer), MSG_NOSIGNAL) < 0 &&
	    (errno == EAGAIN || errno == EINTR))
		return;
	conn_close(conn);
}

static void bulk_serve(struct conn *conn, uint32_t events)
{
	if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) && !conn->ending &&
	    !bulk_receive(conn))
		return;
	if (!(events & EPOLLOUT) || !conn->started)
		return;
	if (conn->ending)
		bulk_trailer(conn);
	else
		bulk_send(conn);
}

static void conn_ready(struct watch *watch, uint32_t events)
{
	struct conn *conn = (struct conn *)watch;

	if (conn->bulk)
		bulk_serve(conn, events);
	else
		echo_serve(conn);
}

static void listener_ready(struct watch *watch, uint32_t events)
{
	struct listener *listener = (struct listener *)watch;
	struct conn *conn;
	int size = SNDBUF;
	int fd;

	(void)events;
	fd = tcp_accept(watch->fd);
	if (fd < 0)
		return;
	conn = free_conns;
	if (!conn) {
		close(fd);
		return;
	}
	free_conns = conn->next;
	memset(conn, 0, offsetof(struct conn, buf));
	conn->watch.ready = conn_ready;
	conn->watch.fd = -1;
	conn->bulk = listener->bulk;
	conn->sum = CONTENT_SUM_INIT;
	if (conn->bulk) {
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		if (bulk_rate)
			setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE,
				   &bulk_rate, sizeof(bulk_rate));
	}
	if (loop_add(&conn->watch, fd, EPOLLIN)) {
		close(fd);
		conn->next = free_conns;
		free_conns = conn;
	}
}

static bool session_known(uint64_t id, uint64_t seq, const union endpoint *peer)
{
	unsigned int i;

	for (i = 0; i < SESSIONS_MAX; i++)
		if (sessions[i].id == id)
			return endpoint_same(&sessions[i].peer, peer);
	if (seq)
		return false;
	sessions[session_next].id = id;
	sessions[session_next].peer = *peer;
	session_next = (session_next + 1) % SESSIONS_MAX;
	return true;
}

static void udp_ready(struct watch *watch, uint32_t events)
{
	union endpoint peer = { 0 };
	socklen_t len = sizeof(peer);
	struct udp_message message;
	ssize_t n;

	(void)events;
	n = recvfrom(watch->fd, &message, sizeof(message), 0, &peer.sa, &len);
	if (n == sizeof(message) && message.id &&
	    session_known(message.id, message.seq, &peer))
		sendto(watch->fd, &message, sizeof(message), 0, &peer.sa, len);
}

static int listener_start(const union endpoint *address, uint16_t port, bool bulk)
{
	struct listener *listener = &listeners[listener_total];
	union endpoint at = *address;
	int fd, err;

	if (listener_total == LISTENERS_MAX)
		return -ENOSPC;
	endpoint_set_port(&at, port);
	fd = tcp_listen(&at);
	if (fd < 0)
		return fd;
	listener->bulk = bulk;
	listener->watch.ready = listener_ready;
	err = loop_add(&listener->watch, fd, EPOLLIN);
	if (err)
		close(fd);
	else
		listener_total++;
	return err;
}

static int udp_start(const union endpoint *address)
{
	struct watch *watch = &udp_watch[udp_total];
	union endpoint at = *address;
	int fd, err;

	if (udp_total == LISTENERS_MAX)
		return -ENOSPC;
	endpoint_set_port(&at, PORT_UDP);
	fd = udp_bind(&at);
	if (fd < 0)
		return fd;
	watch->ready = udp_ready;
	err = loop_add(watch, fd, EPOLLIN);
	if (err)
		close(fd);
	else
		udp_total++;
	return err;
}

int server_listen(const union endpoint *address, uint32_t rate)
{
	unsigned int i;
	int err;

	bulk_rate = rate;
	if (!listener_total)
		for (i = 0; i < CONNS_MAX; i++) {
			pool[i].next = free_conns;
			free_conns = &pool[i];
		}
	err = listener_start(address, PORT_ECHO, false);
	if (!err)
		err = listener_start(address, PORT_BULK, true);
	if (!err)
		err = udp_start(address);
	if (!err)
		err = ftpd_listen(address);
	return err;
}

void server_tick(int64_t now)
{
	ftpd_tick(now);
}
