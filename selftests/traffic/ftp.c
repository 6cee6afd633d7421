// SPDX-License-Identifier: GPL-2.0
/* FTP sessions. Three kinds:
 *   ftp		a passive data connection that is busy all the time
 *   ftp-passive	PASV is answered before the probe, the data connection is
 *			opened after it: the expectation has to be there
 *   ftp-active		the same with PORT, whose address the gateway rewrites
 * On IPv6 EPSV and EPRT stand for PASV and PORT. The control connections of
 * the last two carry a NOOP now and then.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "content.h"
#include "flow.h"
#include "loop.h"
#include "server.h"

#define LINE_MAX_LEN	256
#define NOOP_US		100000
#define FILE_BYTES	65536

enum ftp_wait {
	FTP_NOTHING,
	FTP_GREETING, FTP_USER, FTP_PASS,
	FTP_PASSIVE,		/* 227, 229 */
	FTP_PORT,		/* 200 */
	FTP_CONNECTED,		/* the data connection, before RETR */
	FTP_BEGIN,		/* 150 */
	FTP_END,		/* 226 */
	FTP_NOOP,		/* 200, while idle */
	FTP_LAST,		/* 200, of the NOOP that ends a probe */
};

struct ftp {
	struct flow	flow;
	struct watch	control;
	struct watch	listener;
	struct watch	data;
	union endpoint	data_to;
	enum ftp_wait	wait;
	bool		connected;	/* control */
	bool		data_open;
	bool		expected;	/* an expectation is outstanding */
	bool		probe;		/* wanted as soon as nothing is awaited */
	bool		fresh;		/* data came after the probe */
	uint64_t	seed, received;	/* of the data connection */
	int64_t		noop_at;
	size_t		len;
	char		line[LINE_MAX_LEN];
};

static struct ftp *ftp_of(const struct flow *flow)
{
	return (struct ftp *)flow;
}

static bool ftp_streams(const struct ftp *ftp)
{
	return ftp->flow.ops == &ftp_ops;
}

static void ftp_send(struct ftp *ftp, const char *line, enum ftp_wait wait)
{
	char buf[128];
	int len = snprintf(buf, sizeof(buf), "%s\r\n", line);

	if (send(ftp->control.fd, buf, len, MSG_NOSIGNAL) != len)
		flow_fail(&ftp->flow, "control connection: %s", strerror(errno));
	else
		ftp->wait = wait;
}

static void ftp_retr(struct ftp *ftp)
{
	char line[32];

	ftp->received = 0;
	ftp->seed = ftp_streams(ftp) ? UINT64_MAX : FILE_BYTES;
	if (ftp_streams(ftp))
		snprintf(line, sizeof(line), "RETR stream");
	else
		snprintf(line, sizeof(line), "RETR %u", FILE_BYTES);
	ftp_send(ftp, line, FTP_BEGIN);
}

static void ftp_data_connect(struct ftp *ftp)
{
	int fd = tcp_connect(&ftp->data_to);

	ftp->expected = false;
	ftp->data_open = false;
	ftp->wait = FTP_CONNECTED;
	if (fd < 0)
		flow_fail(&ftp->flow, "data connection: %s", strerror(-fd));
	else
		loop_add(&ftp->data, fd, EPOLLOUT);
}

static void ftp_passive(struct ftp *ftp)
{
	ftp_send(ftp, ftp->flow.to.sa.sa_family == AF_INET ? "PASV" : "EPSV",
		 FTP_PASSIVE);
}

static void ftp_port(struct ftp *ftp)
{
	char line[96], address[INET6_ADDRSTRLEN];
	union endpoint at;
	unsigned int port;
	const uint8_t *ip;
	int fd;

	if (socket_local(ftp->control.fd, &at)) {
		flow_fail(&ftp->flow, "no local address");
		return;
	}
	endpoint_set_port(&at, 0);
	loop_remove(&ftp->listener);
	fd = tcp_listen(&at);
	if (fd < 0 || socket_local(fd, &at)) {
		flow_fail(&ftp->flow, "cannot listen");
		if (fd >= 0)
			close(fd);
		return;
	}
	loop_add(&ftp->listener, fd, EPOLLIN);
	port = endpoint_port(&at);
	ip = (const uint8_t *)&at.in.sin_addr;
	if (at.sa.sa_family == AF_INET) {
		snprintf(line, sizeof(line), "PORT %u,%u,%u,%u,%u,%u",
			 ip[0], ip[1], ip[2], ip[3], port >> 8, port & 255);
	} else {
		inet_ntop(AF_INET6, &at.in6.sin6_addr, address, sizeof(address));
		snprintf(line, sizeof(line), "EPRT |2|%s|%u|", address, port);
	}
	ftp_send(ftp, line, FTP_PORT);
}

/* Logged in, or the last transfer is over: what the phase needs. */
static void ftp_arrange(struct ftp *ftp)
{
	if (ftp->flow.ops == &ftp_active_ops)
		ftp_port(ftp);
	else
		ftp_passive(ftp);
}

static void ftp_use(struct ftp *ftp)
{
	ftp->probe = false;
	if (ftp_streams(ftp)) {
		ftp_send(ftp, "NOOP", FTP_LAST);
	} else if (ftp->flow.ops == &ftp_passive_ops) {
		ftp_data_connect(ftp);
	} else {
		ftp->expected = false;
		ftp_retr(ftp);
	}
}

static void ftp_idle(struct ftp *ftp)
{
	ftp->wait = FTP_NOTHING;
	if (ftp->probe)
		ftp_use(ftp);
}

static bool ftp_passive_parse(struct ftp *ftp, const char *line)
{
	unsigned int ip[4], port[2];
	char address[INET_ADDRSTRLEN];
	const char *open = strchr(line, '(');

	ftp->data_to = ftp->flow.to;
	if (!open)
		return false;
	if (!strncmp(line, "229", 3)) {
		if (sscanf(open, "(|||%5u|)", &port[0]) != 1 || port[0] > 65535)
			return false;
		endpoint_set_port(&ftp->data_to, port[0]);
		return true;
	}
	if (sscanf(open, "(%3u,%3u,%3u,%3u,%3u,%3u)", &ip[0], &ip[1], &ip[2],
		   &ip[3], &port[0], &port[1]) != 6 || port[0] > 255 || port[1] > 255)
		return false;
	snprintf(address, sizeof(address), "%u.%u.%u.%u", ip[0] & 255,
		 ip[1] & 255, ip[2] & 255, ip[3] & 255);
	return !endpoint_parse(&ftp->data_to, address, port[0] << 8 | port[1]);
}

static void ftp_expect(struct ftp *ftp)
{
	ftp->expected = true;
	flow_set_ready(&ftp->flow);
	ftp_idle(ftp);
}

static void ftp_transferred(struct ftp *ftp)
{
	if (ftp->received != FILE_BYTES)
		flow_fail(&ftp->flow, "%llu of %u bytes came",
			  (unsigned long long)ftp->received, FILE_BYTES);
	else
		ftp_send(ftp, "NOOP", FTP_LAST);
}

/* Codes that each wait may get; anything else is an error of the session. */
static const unsigned int expected_code[] = {
	[FTP_GREETING] = 220, [FTP_USER] = 331, [FTP_PASS] = 230,
	[FTP_PORT] = 200, [FTP_BEGIN] = 150, [FTP_END] = 226,
	[FTP_NOOP] = 200, [FTP_LAST] = 200,
};

static void ftp_reply(struct ftp *ftp, const char *line)
{
	unsigned int code = strtoul(line, NULL, 10);
	enum ftp_wait wait = ftp->wait;

	flow_progress(&ftp->flow);
	if (wait == FTP_PASSIVE ? code != 227 && code != 229 :
				  code != expected_code[wait]) {
		flow_fail(&ftp->flow, "the server said: %.40s", line);
		return;
	}
	switch (wait) {
	case FTP_GREETING:
		ftp_send(ftp, "USER gwsync", FTP_USER);
		break;
	case FTP_USER:
		ftp_send(ftp, "PASS gwsync", FTP_PASS);
		break;
	case FTP_PASS:
		ftp_arrange(ftp);
		break;
	case FTP_PASSIVE:
		if (!ftp_passive_parse(ftp, line))
			flow_fail(&ftp->flow, "the server said: %.40s", line);
		else if (ftp_streams(ftp))
			ftp_data_connect(ftp);
		else
			ftp_expect(ftp);
		break;
	case FTP_PORT:
		ftp_expect(ftp);
		break;
	case FTP_BEGIN:
		if (ftp_streams(ftp)) {
			flow_set_ready(&ftp->flow);
			ftp_idle(ftp);
		} else {
			ftp->wait = FTP_END;
		}
		break;
	case FTP_END:
		/* The data may still be on its way, see ftp_data_read(), or its
		 * connection may wait to be accepted.
		 */
		ftp->wait = FTP_NOTHING;
		if (ftp->data.fd < 0 && ftp->listener.fd < 0)
			ftp_transferred(ftp);
		break;
	case FTP_LAST:
		if (ftp->flow.probed && (ftp->fresh || !ftp_streams(ftp)))
			flow_answer(&ftp->flow);
		else if (ftp->flow.probed)
			ftp->probe = true;	/* again, until data comes too */
		ftp_idle(ftp);
		break;
	default:
		ftp_idle(ftp);
		break;
	}
}

static void ftp_control_read(struct ftp *ftp)
{
	char *end;
	ssize_t n;

	n = read(ftp->control.fd, ftp->line + ftp->len, sizeof(ftp->line) - 1 - ftp->len);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		flow_fail(&ftp->flow, "control connection: %s",
			  n ? strerror(errno) : "closed by the other end");
		return;
	}
	ftp->len += n;
	ftp->line[ftp->len] = '\0';
	while (ftp->control.fd >= 0 && (end = strstr(ftp->line, "\r\n"))) {
		*end = '\0';
		ftp_reply(ftp, ftp->line);
		ftp->len -= end + 2 - ftp->line;
		memmove(ftp->line, end + 2, ftp->len + 1);
	}
	if (ftp->control.fd >= 0 && ftp->len == sizeof(ftp->line) - 1)
		flow_fail(&ftp->flow, "control connection: a line without end");
}

static void ftp_control_ready(struct watch *watch, uint32_t events)
{
	struct ftp *ftp = (struct ftp *)((char *)watch - offsetof(struct ftp, control));
	int err;

	if (!ftp->connected) {
		err = socket_error(watch->fd);
		if (err) {
			flow_fail(&ftp->flow, "connect: %s", strerror(err));
			return;
		}
		ftp->connected = true;
		loop_change(watch, EPOLLIN);
	} else if (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) {
		ftp_control_read(ftp);
	}
}

static void ftp_data_read(struct ftp *ftp)
{
	uint8_t buf[8192];
	ssize_t n;

	n = read(ftp->data.fd, buf, sizeof(buf));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && !content_same(ftp->seed, ftp->received, buf, n)) {
		flow_fail(&ftp->flow, "wrong data near byte %llu",
			  (unsigned long long)ftp->received);
	} else if (n > 0) {
		ftp->received += n;
		ftp->fresh = ftp->flow.probed;
		flow_progress(&ftp->flow);
	} else if (n < 0 || ftp_streams(ftp)) {
		flow_fail(&ftp->flow, "data connection: %s",
			  n ? strerror(errno) : "closed by the other end");
	} else {
		loop_remove(&ftp->data);
		if (ftp->wait == FTP_NOTHING)
			ftp_transferred(ftp);
	}
}

static void ftp_data_ready(struct watch *watch, uint32_t events)
{
	struct ftp *ftp = (struct ftp *)((char *)watch - offsetof(struct ftp, data));
	int err;

	if (!ftp->data_open) {
		err = socket_error(watch->fd);
		if (err) {
			flow_fail(&ftp->flow, "data connection: %s", strerror(err));
			return;
		}
		ftp->data_open = true;
		loop_change(watch, EPOLLIN);
		if (ftp->wait == FTP_CONNECTED)
			ftp_retr(ftp);
	} else if (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) {
		ftp_data_read(ftp);
	}
}

static void ftp_listener_ready(struct watch *watch, uint32_t events)
{
	struct ftp *ftp = (struct ftp *)((char *)watch - offsetof(struct ftp, listener));
	int fd = tcp_accept(watch->fd);

	(void)events;
	if (fd < 0)
		return;
	ftp->data_open = true;
	if (ftp->data.fd >= 0 || loop_add(&ftp->data, fd, EPOLLIN)) {
		close(fd);
		return;
	}
	loop_remove(watch);
}

static struct flow *ftp_alloc(void)
{
	struct ftp *ftp = calloc(1, sizeof(*ftp));

	if (!ftp)
		return NULL;
	ftp->control = (struct watch){ -1, ftp_control_ready };
	ftp->listener = (struct watch){ -1, ftp_listener_ready };
	ftp->data = (struct watch){ -1, ftp_data_ready };
	return &ftp->flow;
}

static void ftp_close(struct flow *flow)
{
	struct ftp *ftp = ftp_of(flow);

	loop_remove(&ftp->data);
	loop_remove(&ftp->listener);
	loop_remove(&ftp->control);
}

static void ftp_open(struct flow *flow)
{
	struct ftp *ftp = ftp_of(flow);
	int fd = tcp_connect(&flow->to);

	ftp->wait = FTP_GREETING;
	ftp->connected = false;
	ftp->expected = false;
	ftp->probe = false;
	ftp->fresh = false;
	ftp->len = 0;
	if (fd < 0)
		flow_fail(flow, "connect: %s", strerror(-fd));
	else
		loop_add(&ftp->control, fd, EPOLLOUT);
}

static void ftp_prepare(struct flow *flow)
{
	struct ftp *ftp = ftp_of(flow);

	ftp->fresh = false;
	if (ftp_streams(ftp) || ftp->expected)
		flow_set_ready(flow);
	else
		ftp_arrange(ftp);
}

static void ftp_tick(struct flow *flow, int64_t now)
{
	struct ftp *ftp = ftp_of(flow);

	if (ftp_streams(ftp) || !ftp->expected || ftp->wait != FTP_NOTHING ||
	    now - ftp->noop_at < NOOP_US)
		return;
	ftp->noop_at = now;
	ftp_send(ftp, "NOOP", FTP_NOOP);
}

static void ftp_probe(struct flow *flow)
{
	struct ftp *ftp = ftp_of(flow);

	ftp->fresh = false;
	ftp->probe = true;
	if (ftp->wait == FTP_NOTHING)
		ftp_use(ftp);
}

static unsigned int ftp_lost(const struct flow *flow, int64_t now)
{
	(void)now;
	return flow_alive(flow) ? 0 : 1;	/* the session */
}

#define FTP_OPS(name, text, usual)		\
const struct flow_ops name = {			\
	.kind		= text,			\
	.port		= PORT_FTP,		\
	.interval	= usual,		\
	.alloc		= ftp_alloc,		\
	.open		= ftp_open,		\
	.close		= ftp_close,		\
	.prepare	= ftp_prepare,		\
	.tick		= ftp_tick,		\
	.probe		= ftp_probe,		\
	.lost		= ftp_lost,		\
}

FTP_OPS(ftp_ops, "ftp", TICK_MS * 1000);
FTP_OPS(ftp_passive_ops, "ftp-passive", NOOP_US);
FTP_OPS(ftp_active_ops, "ftp-active", NOOP_US);
