// SPDX-License-Identifier: GPL-2.0
/* As much of an FTP server (RFC 959, RFC 2428) as the flows need: passive and
 * active data connections. "RETR stream" sends a little every tick until ABOR,
 * "RETR N" sends N bytes; the content's seed is the size asked for.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "content.h"
#include "loop.h"
#include "server.h"

#define SESSIONS_MAX	64
#define LISTENERS_MAX	8
#define LINE_MAX_LEN	256
#define FILE_MAX	(64 * 1024 * 1024)
#define STREAM_TICK	512	/* bytes a tick */
#define CHUNK		4096

struct ftp_session {
	struct watch	control;
	struct watch	listener;	/* passive, waits for the client */
	struct watch	data;
	union endpoint	active;		/* where to connect, port 0: passive */
	bool		transfer;	/* RETR was asked for */
	bool		stream;
	bool		connected;
	uint64_t	size, offset;
	size_t		len;		/* of line */
	char		line[LINE_MAX_LEN];
};

static struct ftp_session sessions[SESSIONS_MAX];
static struct watch listeners[LISTENERS_MAX];
static unsigned int listener_total;

static void session_close(struct ftp_session *session)
{
	loop_remove(&session->data);
	loop_remove(&session->listener);
	loop_remove(&session->control);
}

static void reply(struct ftp_session *session, const char *text)
{
	char buf[160];
	int len = snprintf(buf, sizeof(buf), "%s\r\n", text);

	/* one line: less than any socket buffer holds */
	if (session->control.fd >= 0 &&
	    send(session->control.fd, buf, len, MSG_NOSIGNAL) != len)
		session_close(session);
}

static void transfer_end(struct ftp_session *session, const char *text)
{
	loop_remove(&session->data);
	loop_remove(&session->listener);
	session->transfer = false;
	session->connected = false;
	reply(session, text);
}

static void transfer_send(struct ftp_session *session, size_t most)
{
	uint8_t buf[CHUNK];
	ssize_t n;

	while (most && session->offset < session->size) {
		uint64_t left = session->size - session->offset;
		size_t len = left < sizeof(buf) ? left : sizeof(buf);

		len = len < most ? len : most;
		content_fill(session->size, session->offset, buf, len);
		n = send(session->data.fd, buf, len, MSG_NOSIGNAL);
		if (n < 0) {
			if (errno != EAGAIN && errno != EINTR)
				transfer_end(session, "426 Connection closed");
			return;
		}
		session->offset += n;
		most -= n;
	}
	if (session->offset == session->size)
		transfer_end(session, "226 Transfer complete");
}

static void data_ready(struct watch *watch, uint32_t events)
{
	struct ftp_session *session = (struct ftp_session *)
		((char *)watch - offsetof(struct ftp_session, data));
	char sink[64];
	int err;

	if (!session->connected) {
		err = socket_error(watch->fd);
		if (err) {
			transfer_end(session, "425 Cannot connect");
			return;
		}
		session->connected = true;
		loop_change(watch, session->transfer && !session->stream ?
			    EPOLLIN | EPOLLOUT : EPOLLIN);
	}
	if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) &&
	    read(watch->fd, sink, sizeof(sink)) == 0) {
		transfer_end(session, "426 Connection closed");
		return;
	}
	if (session->transfer && !session->stream && (events & EPOLLOUT))
		transfer_send(session, CHUNK);
}

static void passive_ready(struct watch *watch, uint32_t events)
{
	struct ftp_session *session = (struct ftp_session *)
		((char *)watch - offsetof(struct ftp_session, listener));
	int fd = tcp_accept(watch->fd);

	(void)events;
	if (fd < 0)
		return;
	if (session->data.fd >= 0 || loop_add(&session->data, fd, EPOLLOUT)) {
		close(fd);
		return;
	}
	loop_remove(watch);
}

static void command_passive(struct ftp_session *session, bool extended)
{
	union endpoint at;
	unsigned int port;
	const uint8_t *ip;
	char text[96];
	int fd;

	loop_remove(&session->data);
	loop_remove(&session->listener);
	endpoint_set_port(&session->active, 0);
	if (socket_local(session->control.fd, &at) ||
	    (!extended && at.sa.sa_family != AF_INET)) {
		reply(session, "522 Use EPSV");
		return;
	}
	endpoint_set_port(&at, 0);
	fd = tcp_listen(&at);
	if (fd < 0 || socket_local(fd, &at) || loop_add(&session->listener, fd, EPOLLIN)) {
		if (fd >= 0)
			close(fd);
		reply(session, "425 Cannot listen");
		return;
	}
	port = endpoint_port(&at);
	ip = (const uint8_t *)&at.in.sin_addr;
	if (extended)
		snprintf(text, sizeof(text),
			 "229 Entering Extended Passive Mode (|||%u|)", port);
	else
		snprintf(text, sizeof(text),
			 "227 Entering Passive Mode (%u,%u,%u,%u,%u,%u)",
			 ip[0], ip[1], ip[2], ip[3], port >> 8, port & 255);
	reply(session, text);
}

static bool active_parse(const char *text, union endpoint *to)
{
	unsigned int ip[4], port[2];
	char address[INET_ADDRSTRLEN];

	if (sscanf(text, "%3u,%3u,%3u,%3u,%3u,%3u", &ip[0], &ip[1], &ip[2],
		   &ip[3], &port[0], &port[1]) != 6)
		return false;
	if (ip[0] > 255 || ip[1] > 255 || ip[2] > 255 || ip[3] > 255 ||
	    port[0] > 255 || port[1] > 255 || port[0] + port[1] == 0)
		return false;
	snprintf(address, sizeof(address), "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
	return !endpoint_parse(to, address, port[0] << 8 | port[1]);
}

static bool active_parse_extended(const char *text, union endpoint *to)
{
	char address[INET6_ADDRSTRLEN];
	unsigned int family, port;

	return sscanf(text, "|%1u|%45[^|]|%5u|", &family, address, &port) == 3 &&
	       port && port <= 65535 && !endpoint_parse(to, address, port);
}

static void command_active(struct ftp_session *session, const char *arg, bool extended)
{
	loop_remove(&session->data);
	loop_remove(&session->listener);
	if (extended ? active_parse_extended(arg, &session->active) :
		       active_parse(arg, &session->active)) {
		reply(session, "200 PORT command successful");
	} else {
		endpoint_set_port(&session->active, 0);
		reply(session, "501 Bad address");
	}
}

static void command_retr(struct ftp_session *session, const char *arg)
{
	int fd;

	session->stream = !strcmp(arg, "stream");
	session->size = session->stream ? UINT64_MAX : strtoul(arg, NULL, 10);
	session->offset = 0;
	if (!session->stream && (!session->size || session->size > FILE_MAX)) {
		reply(session, "550 No such file");
		return;
	}
	if (endpoint_port(&session->active)) {
		fd = tcp_connect(&session->active);
		if (fd < 0 || loop_add(&session->data, fd, EPOLLOUT)) {
			if (fd >= 0)
				close(fd);
			reply(session, "425 Cannot connect");
			return;
		}
		session->connected = false;
		endpoint_set_port(&session->active, 0);
	} else if (session->data.fd < 0 && session->listener.fd < 0) {
		reply(session, "425 Use PASV or PORT first");
		return;
	}
	session->transfer = true;
	if (session->connected)
		loop_change(&session->data,
			    session->stream ? EPOLLIN : EPOLLIN | EPOLLOUT);
	reply(session, "150 Here it comes");
}

static void command(struct ftp_session *session, const char *line)
{
	const char *arg = strchr(line, ' ');

	arg = arg ? arg + 1 : "";
	if (!strncmp(line, "USER ", 5))
		reply(session, "331 Password please");
	else if (!strncmp(line, "PASS ", 5))
		reply(session, "230 Logged in");
	else if (!strcmp(line, "NOOP"))
		reply(session, "200 NOOP ok");
	else if (!strcmp(line, "PASV") || !strcmp(line, "EPSV"))
		command_passive(session, *line == 'E');
	else if (!strncmp(line, "PORT ", 5) || !strncmp(line, "EPRT ", 5))
		command_active(session, arg, *line == 'E');
	else if (!strncmp(line, "RETR ", 5))
		command_retr(session, arg);
	else if (!strcmp(line, "ABOR"))
		transfer_end(session, "226 Transfer ended");
	else
		reply(session, "502 Not implemented");
}

static void control_ready(struct watch *watch, uint32_t events)
{
	struct ftp_session *session = (struct ftp_session *)
		((char *)watch - offsetof(struct ftp_session, control));
	char *end;
	ssize_t n;

	(void)events;
	n = read(watch->fd, session->line + session->len,
		 sizeof(session->line) - 1 - session->len);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		session_close(session);
		return;
	}
	session->len += n;
	session->line[session->len] = '\0';
	while (watch->fd >= 0 && (end = strstr(session->line, "\r\n"))) {
		*end = '\0';
		command(session, session->line);
		session->len -= end + 2 - session->line;
		memmove(session->line, end + 2, session->len + 1);
	}
	if (session->len == sizeof(session->line) - 1)
		session_close(session);		/* no line is that long */
}

static void accept_ready(struct watch *watch, uint32_t events)
{
	struct ftp_session *session = NULL;
	int fd = tcp_accept(watch->fd);
	unsigned int i;

	(void)events;
	if (fd < 0)
		return;
	for (i = 0; i < SESSIONS_MAX && !session; i++)
		if (sessions[i].control.fd < 0)
			session = &sessions[i];
	if (!session || loop_add(&session->control, fd, EPOLLIN)) {
		close(fd);
		return;
	}
	session->transfer = false;
	session->stream = false;
	session->connected = false;
	session->len = 0;
	memset(&session->active, 0, sizeof(session->active));
	reply(session, "220 gwsync-traffic");
}

int ftpd_listen(const union endpoint *address)
{
	union endpoint at = *address;
	unsigned int i;
	int fd, err;

	if (listener_total == LISTENERS_MAX)
		return -ENOSPC;
	for (i = 0; !listener_total && i < SESSIONS_MAX; i++) {
		sessions[i].control = (struct watch){ -1, control_ready };
		sessions[i].listener = (struct watch){ -1, passive_ready };
		sessions[i].data = (struct watch){ -1, data_ready };
	}
	endpoint_set_port(&at, PORT_FTP);
	fd = tcp_listen(&at);
	if (fd < 0)
		return fd;
	listeners[listener_total].ready = accept_ready;
	err = loop_add(&listeners[listener_total], fd, EPOLLIN);
	if (err)
		close(fd);
	else
		listener_total++;
	return err;
}

void ftpd_tick(int64_t now)
{
	unsigned int i;

	(void)now;
	for (i = 0; listener_total && i < SESSIONS_MAX; i++) {
		struct ftp_session *session = &sessions[i];

		if (session->stream && session->transfer && session->connected)
			transfer_send(session, STREAM_TICK);
	}
}
