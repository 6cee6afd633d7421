// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/big_endian.h"
#include "base/container.h"
#include "base/log.h"
#include "bgp/session.h"

#define SESSION_RETRY_NS	NSEC_PER_SEC
#define SESSION_RETRY_MOST_NS	(60 * NSEC_PER_SEC)	/* after errors of the peer */
#define SESSION_RESTART_S	120		/* said to the peer */
#define SESSION_MESSAGES	64		/* of a round */
#define SESSION_PREFIXES	1000		/* likewise */
#define SESSION_READ		16384		/* bytes, likewise */
#define SESSION_OUT		4096
#define SESSION_COMPLAIN_NS	(10 * NSEC_PER_SEC)

struct bgp_session {
	struct loop		*loop;
	struct bgp_params	params;
	struct bgp_ops		ops;
	enum bgp_state		state;
	uint64_t		since_ns;
	struct loop_fd		listener, fd;
	struct loop_timer	retry, hold, keepalive, work;
	uint64_t		retry_ns, heard_ns, hold_ns;
	uint64_t		complain_free_ns;
	struct bgp_open		peer;
	struct bgp_agreed	agreed;
	struct bgp_counts	counts;
	char			error[128];

	/* The update that is being dealt with. */
	bool			busy;
	struct bgp_update	update;

	size_t			used, done;	/* bytes read; of messages that were served */
	size_t			out_used;
	uint8_t			in[BGP_MESSAGE_MAX + SESSION_READ];
	uint8_t			out[SESSION_OUT];
	uint8_t			attributes[BGP_MESSAGE_MAX];
};

static void state_set(struct bgp_session *s, enum bgp_state state)
{
	s->state = state;
	s->since_ns = loop_clock();
}

static void events_set(struct bgp_session *s)
{
	loop_fd_set(s->loop, &s->fd, (s->work.due_ns ? 0 : EPOLLIN) |
				     (s->out_used || s->state == BGP_CONNECT ? EPOLLOUT : 0));
}

static void retry_arm(struct bgp_session *s, bool blame)
{
	/* RFC 4271 section 8.1.1: one that errs again and again is let wait. */
	s->retry_ns = blame ? doubled_ns(s->retry_ns, SESSION_RETRY_MOST_NS) : SESSION_RETRY_NS;
	if (!s->params.passive)
		loop_timer_in(s->loop, &s->retry, s->retry_ns);
}

/* @blame: the peer erred. */
static void connection_end(struct bgp_session *s, bool blame)
{
	bool was_up = s->state == BGP_ESTABLISHED;

	loop_timer_del(s->loop, &s->hold);
	loop_timer_del(s->loop, &s->keepalive);
	loop_timer_del(s->loop, &s->work);
	if (s->fd.fd >= 0) {
		loop_fd_del(s->loop, &s->fd);
		close(s->fd.fd);
		s->fd.fd = -1;
	}
	s->busy = false;
	s->used = 0;
	s->done = 0;
	s->out_used = 0;
	/* A table with one bad message is told from its start each time. */
	if (was_up && elapsed_ns(loop_clock(), s->since_ns) >= SESSION_RETRY_MOST_NS)
		s->retry_ns = SESSION_RETRY_NS;
	state_set(s, s->params.passive ? BGP_ACTIVE : BGP_IDLE);
	retry_arm(s, blame);
	if (was_up)
		s->ops.down(s->ops.arg);
}

static void error_note(struct bgp_session *s, const char *text)
{
	bool news = strcmp(s->error, text) != 0;

	snprintf(s->error, sizeof(s->error), "%s", text);
	if (s->state == BGP_ESTABLISHED || news)
		log_warning("bgp %s: session ended: %s", s->params.name, text);
}

/* It is a few bytes to a socket of this host: what does not go at once is not sent. */
static void last_words(struct bgp_session *s, const struct bgp_error *error)
{
	uint8_t message[BGP_HEAD + 2 + BGP_NOTIFICATION_DATA];
	size_t len = bgp_notification_write(message, error);

	if (s->fd.fd >= 0 && s->state >= BGP_OPEN_SENT && !s->out_used &&
	    send(s->fd.fd, message, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("bgp %s: the reason was not sent: %s", s->params.name, strerror(errno));
}

static void fail(struct bgp_session *s, const struct bgp_error *error)
{
	char text[128];

	snprintf(text, sizeof(text), "%s (%s)", error->text, bgp_error_name(error->code));
	error_note(s, text);
	s->counts.errors++;
	last_words(s, error);
	connection_end(s, true);
}

static void lose(struct bgp_session *s, const char *what, int err)
{
	char text[128];

	snprintf(text, sizeof(text), "%s%s%s", what, err ? ": " : "", err ? strerror(err) : "");
	error_note(s, text);
	connection_end(s, false);
}

static void out_flush(struct bgp_session *s)
{
	ssize_t n = send(s->fd.fd, s->out, s->out_used, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		lose(s, "cannot be written to", errno);
		return;
	}
	if (n > 0) {
		s->out_used -= (size_t)n;
		memmove(s->out, s->out + n, s->out_used);
	}
	events_set(s);
}

static void out_add(struct bgp_session *s, const uint8_t *message, size_t len)
{
	if (s->fd.fd < 0)
		return;
	if (len > SESSION_OUT - s->out_used) {
		lose(s, "the peer does not read", 0);
		return;
	}
	memcpy(s->out + s->out_used, message, len);
	s->out_used += len;
	out_flush(s);
}

static void keepalive_send(struct bgp_session *s)
{
	uint8_t message[BGP_HEAD];

	out_add(s, message, bgp_keepalive_write(message));
}

static void open_send(struct bgp_session *s)
{
	uint8_t message[BGP_OPEN_MAX];
	struct bgp_open open = {
		.as = s->params.as, .id = s->params.id, .hold_s = s->params.hold_s,
		.family = { true, true }, .as4 = true, .refresh = true,
		.enhanced_refresh = true, .extended = true, .ipv6_next_hop = true,
		.paths = { BGP_PATHS_RECEIVE, BGP_PATHS_RECEIVE },
		/* What it announced itself, nothing, outlives it. */
		.graceful = true, .restart_s = SESSION_RESTART_S,
		.restarting = !s->counts.established, .preserved = { true, true },
	};

	state_set(s, BGP_OPEN_SENT);
	s->heard_ns = loop_clock();
	s->hold_ns = s->params.hold_s * NSEC_PER_SEC;
	loop_timer_in(s->loop, &s->hold, s->hold_ns);
	out_add(s, message, bgp_open_write(message, &open));
}

/* OPEN: is it whom we expect, and what do both of us want? */
static bool peer_accept(struct bgp_session *s, struct bgp_error *error)
{
	const struct bgp_open *peer = &s->peer;
	unsigned int i;

	*error = (struct bgp_error){ .code = BGP_ERROR_OPEN };
	if (peer->as != s->params.as) {
		error->subcode = BGP_OPEN_AS;
		error->text = "the peer has another AS: give it as bgp.as";
	} else if (peer->id == s->params.id) {
		/* RFC 6286 section 2.3 */
		error->subcode = BGP_OPEN_ID;
		error->text = "the peer has the same router id: give another as bgp.router_id";
	} else if (!peer->as4) {
		error->subcode = BGP_OPEN_CAPABILITY;
		error->text = "the peer has no AS numbers of 4 bytes";
	}
	for (i = 0; i < __BGP_FAMILIES; i++) {
		s->agreed.family[i] = peer->family[i];
		s->agreed.paths[i] = peer->paths[i] & BGP_PATHS_SEND;
	}
	s->agreed.extended = peer->extended;
	return !error->text;
}

static void hold_arm(struct bgp_session *s)
{
	uint16_t hold_s = s->peer.hold_s < s->params.hold_s ? s->peer.hold_s : s->params.hold_s;

	s->hold_ns = hold_s * NSEC_PER_SEC;
	loop_timer_del(s->loop, &s->hold);
	if (!hold_s)
		return;
	loop_timer_in(s->loop, &s->hold, s->hold_ns);
	loop_timer_in(s->loop, &s->keepalive, s->hold_ns / 3);
}

static bool opened(struct bgp_session *s, const uint8_t *body, size_t len,
		   struct bgp_error *error)
{
	if (!bgp_open_parse(body, len, &s->peer, error) || !peer_accept(s, error))
		return false;
	state_set(s, BGP_OPEN_CONFIRM);
	hold_arm(s);
	keepalive_send(s);
	return true;
}

static void established(struct bgp_session *s)
{
	uint8_t message[BGP_HEAD + 10];
	unsigned int i;

	state_set(s, BGP_ESTABLISHED);
	s->counts.established++;
	s->error[0] = '\0';
	log_notice("bgp %s: established", s->params.name);
	s->ops.up(s->ops.arg);
	/* There is nothing that this end tells. */
	for (i = 0; i < __BGP_FAMILIES; i++)
		if (s->agreed.family[i])
			out_add(s, message, bgp_end_of_rib_write(message, i));
}

/* Prefixes, as many as the round has left; true: these were the last. */
static bool update_step(struct bgp_session *s, unsigned int *budget)
{
	struct bgp_nlri nlri;
	bool reach, told = false, told_mp = false, more;

	while (*budget) {
		more = bgp_update_next(&s->update, &nlri, &reach);
		if (!more) {
			s->busy = false;
			break;
		}
		--*budget;
		if (!reach) {
			s->counts.withdrawn++;
			s->counts.refused += s->update.part[s->update.current].reach;
			s->ops.withdraw(s->ops.arg, &nlri);
			continue;
		}
		if (!told || told_mp != nlri.mp)
			s->ops.attributes(s->ops.arg, s->attributes,
					  bgp_attributes_write(&s->update, nlri.mp,
							       s->attributes));
		told = true;
		told_mp = nlri.mp;
		s->counts.reached++;
		s->ops.reach(s->ops.arg, &nlri);
	}
	if (told)
		s->ops.attributes(s->ops.arg, NULL, 0);
	return !s->busy;
}

static bool updated(struct bgp_session *s, const uint8_t *body, size_t len,
		    struct bgp_error *error)
{
	if (!bgp_update_parse(body, len, &s->agreed, &s->update, error))
		return false;
	s->counts.updates++;
	s->counts.discarded += s->update.discarded;
	if (s->update.why && allowed(&s->complain_free_ns, loop_now(s->loop),
				     SESSION_COMPLAIN_NS, 3))
		log_warning("bgp %s: an UPDATE with %s: %s (RFC 7606)", s->params.name,
			    s->update.why, s->update.withdraw ?
			    "its routes are taken for withdrawn" : "it was left out");
	if (s->update.end_of_rib)
		s->ops.end(s->ops.arg, s->update.ended);
	s->busy = true;
	return true;
}

static bool notified(struct bgp_session *s, const uint8_t *body)
{
	char text[128];

	s->counts.notifications++;
	snprintf(text, sizeof(text), "the peer ended it: %s (%u/%u)", bgp_error_name(body[0]),
		 body[0], body[1]);
	error_note(s, text);
	/* Cease is an administrator's wish, or a restart. */
	connection_end(s, body[0] != BGP_ERROR_CEASE);
	return true;
}

static bool refreshed(struct bgp_session *s, const uint8_t *body, size_t len,
		      struct bgp_error *error)
{
	uint8_t message[BGP_HEAD + 4];
	enum bgp_family family;

	if (len != 4) {
		*error = (struct bgp_error){ BGP_ERROR_REFRESH, 1, .text =
					     "a ROUTE-REFRESH of another length than 4" };
		return false;
	}
	/* Others are passed over: RFC 2918 section 4, RFC 7313 section 5. */
	if (!bgp_family_of((uint16_t)get_be(body, 2), body[3], &family) ||
	    !s->agreed.family[family])
		return true;
	if (body[2] == BGP_REFRESH_BEGIN) {
		s->ops.begin(s->ops.arg, family);
	} else if (body[2] == BGP_REFRESH_END) {
		s->ops.end(s->ops.arg, family);
	} else if (body[2] == BGP_REFRESH_REQUEST && s->peer.enhanced_refresh) {
		out_add(s, message, bgp_refresh_write(message, family, BGP_REFRESH_BEGIN));
		out_add(s, message, bgp_refresh_write(message, family, BGP_REFRESH_END));
	}
	return true;
}

/* RFC 4271 section 8.2.2: which message may come in which state; false: see @error. */
static bool message_serve(struct bgp_session *s, uint8_t type, const uint8_t *body, size_t len,
			  struct bgp_error *error)
{
	s->heard_ns = loop_clock();
	if (type == BGP_NOTIFICATION)
		return notified(s, body);
	if (s->state == BGP_OPEN_SENT && type == BGP_OPEN)
		return opened(s, body, len, error);
	if (s->state == BGP_OPEN_CONFIRM && type == BGP_KEEPALIVE) {
		established(s);
		return true;
	}
	if (s->state == BGP_ESTABLISHED && type == BGP_KEEPALIVE)
		return true;
	if (s->state == BGP_ESTABLISHED && type == BGP_UPDATE)
		return updated(s, body, len, error);
	if (s->state == BGP_ESTABLISHED && type == BGP_ROUTE_REFRESH)
		return refreshed(s, body, len, error);
	/* RFC 6608: the subcode is the state, 1 to 3. */
	*error = (struct bgp_error){ BGP_ERROR_STATE, (uint8_t)(s->state - BGP_OPEN_SENT + 1),
				     .text = "a message that may not come now" };
	return false;
}

/* The next whole message; false: there is none, or the session has ended. */
static bool message_next(struct bgp_session *s)
{
	const uint8_t *head = s->in + s->done;
	struct bgp_error error = { 0 };
	uint8_t type;
	size_t len;

	if (s->used - s->done < BGP_HEAD)
		return false;
	len = bgp_head_parse(head, s->state == BGP_ESTABLISHED && s->agreed.extended, &type,
			     &error);
	if (len && s->used - s->done < len)
		return false;
	if (!len || !message_serve(s, type, head + BGP_HEAD, len - BGP_HEAD, &error)) {
		fail(s, &error);
		return false;
	}
	if (s->fd.fd < 0)
		return false;
	s->done += len;
	return true;
}

static void serve(struct bgp_session *s)
{
	unsigned int prefixes = SESSION_PREFIXES, messages = SESSION_MESSAGES;
	bool more = true;

	while (more && prefixes && messages--)
		if (!s->busy || update_step(s, &prefixes))
			more = message_next(s);
	if (s->fd.fd < 0)
		return;
	if (more) {
		/* The others first; until then nothing moves in the buffer. */
		loop_timer_in(s->loop, &s->work, 0);
	} else {
		s->used -= s->done;
		memmove(s->in, s->in + s->done, s->used);
		s->done = 0;
	}
	events_set(s);
}

static void work_fire(struct loop_timer *timer)
{
	serve(container_of(timer, struct bgp_session, work));
}

static void session_read(struct bgp_session *s)
{
	size_t room = sizeof(s->in) - s->used;
	ssize_t n = recv(s->fd.fd, s->in + s->used, room < SESSION_READ ? room : SESSION_READ,
			 MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		lose(s, n ? "cannot be read from" : "the peer closed it", n ? errno : 0);
		return;
	}
	s->used += (size_t)n;
	serve(s);
}

static void connected(struct bgp_session *s)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (getsockopt(s->fd.fd, SOL_SOCKET, SO_ERROR, &err, &len))
		err = errno;
	if (err)
		lose(s, "cannot connect", err);
	else
		open_send(s);
}

static void session_ready(struct loop_fd *fd, uint32_t events)
{
	struct bgp_session *s = container_of(fd, struct bgp_session, fd);

	if (s->state == BGP_CONNECT) {
		connected(s);
		return;
	}
	if (events & EPOLLOUT)
		out_flush(s);
	if (s->fd.fd >= 0 && !s->work.due_ns && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		session_read(s);
}

/* Takes @fd. */
static bool connection_begin(struct bgp_session *s, int fd, uint32_t events)
{
	int err;

	s->fd.fd = fd;
	s->fd.events = events;
	err = loop_fd_add(s->loop, &s->fd);
	if (!err)
		return true;
	close(fd);
	s->fd.fd = -1;
	lose(s, "cannot be watched", -err);
	return false;
}

static int socket_bound(const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1, err;

	if (fd < 0)
		return -errno;
	if (!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) &&
	    !bind(fd, (const struct sockaddr *)address, sizeof(*address)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static void connect_begin(struct bgp_session *s)
{
	struct sockaddr_in any_port = s->params.local;
	const struct sockaddr *peer = (const struct sockaddr *)&s->params.peer;
	int fd;

	any_port.sin_port = 0;
	fd = socket_bound(&any_port);
	if (fd < 0) {
		lose(s, "cannot use its address", -fd);
		return;
	}
	if (connect(fd, peer, sizeof(s->params.peer)) && errno != EINPROGRESS) {
		int err = errno;

		close(fd);
		lose(s, "cannot connect", err);
		return;
	}
	state_set(s, BGP_CONNECT);
	connection_begin(s, fd, EPOLLOUT);
}

static void accept_ready(struct loop_fd *listener, uint32_t events)
{
	struct bgp_session *s = container_of(listener, struct bgp_session, listener);
	struct sockaddr_in from = { 0 };
	socklen_t len = sizeof(from);
	int fd = accept4(listener->fd, (struct sockaddr *)&from, &len,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0)
		return;
	if (len != sizeof(from) || from.sin_addr.s_addr != s->params.peer.sin_addr.s_addr) {
		s->counts.strangers++;
		close(fd);
		return;
	}
	if (s->fd.fd >= 0)
		lose(s, "the peer connected anew", 0);
	if (connection_begin(s, fd, EPOLLIN))
		open_send(s);
}

static void listen_begin(struct bgp_session *s)
{
	int fd = socket_bound(&s->params.local);

	if (fd < 0) {
		error_note(s, strerror(-fd));
		loop_timer_in(s->loop, &s->retry, SESSION_RETRY_NS);
		return;
	}
	s->listener.fd = fd;
	s->listener.events = EPOLLIN;
	if (!listen(fd, 4) && !loop_fd_add(s->loop, &s->listener)) {
		state_set(s, BGP_ACTIVE);
		return;
	}
	error_note(s, strerror(errno));
	close(fd);
	s->listener.fd = -1;
	loop_timer_in(s->loop, &s->retry, SESSION_RETRY_NS);
}

static void retry_fire(struct loop_timer *timer)
{
	bgp_session_start(container_of(timer, struct bgp_session, retry));
}

static void hold_fire(struct loop_timer *timer)
{
	static const struct bgp_error expired = {
		.code = BGP_ERROR_HOLD_TIME, .text = "nothing was heard for the hold time",
	};
	struct bgp_session *s = container_of(timer, struct bgp_session, hold);
	uint64_t due_ns = s->heard_ns + s->hold_ns;

	if (due_ns > loop_clock())
		loop_timer_at(s->loop, timer, due_ns);
	else
		fail(s, &expired);
}

static void keepalive_fire(struct loop_timer *timer)
{
	struct bgp_session *s = container_of(timer, struct bgp_session, keepalive);

	loop_timer_in(s->loop, timer, s->hold_ns / 3);
	keepalive_send(s);
}

struct bgp_session *bgp_session_alloc(struct loop *loop, const struct bgp_params *params,
				      const struct bgp_ops *ops, int *err)
{
	struct bgp_session *s = calloc(1, sizeof(*s));

	if (!s) {
		*err = -ENOMEM;
		return NULL;
	}
	s->loop = loop;
	s->params = *params;
	s->ops = *ops;
	s->fd.fd = -1;
	s->fd.ready = session_ready;
	s->listener.fd = -1;
	s->listener.ready = accept_ready;
	s->retry.fire = retry_fire;
	s->hold.fire = hold_fire;
	s->keepalive.fire = keepalive_fire;
	s->work.fire = work_fire;
	s->retry_ns = SESSION_RETRY_NS;
	state_set(s, BGP_IDLE);
	return s;
}

void bgp_session_free(struct bgp_session *s)
{
	if (!s)
		return;
	loop_timer_del(s->loop, &s->retry);
	loop_timer_del(s->loop, &s->hold);
	loop_timer_del(s->loop, &s->keepalive);
	loop_timer_del(s->loop, &s->work);
	if (s->fd.fd >= 0) {
		loop_fd_del(s->loop, &s->fd);
		close(s->fd.fd);
	}
	if (s->listener.fd >= 0) {
		loop_fd_del(s->loop, &s->listener);
		close(s->listener.fd);
	}
	free(s);
}

void bgp_session_start(struct bgp_session *s)
{
	if (s->params.passive)
		listen_begin(s);
	else
		connect_begin(s);
}

void bgp_session_refresh(struct bgp_session *s, enum bgp_family family)
{
	uint8_t message[BGP_HEAD + 4];

	if (s->state == BGP_ESTABLISHED && s->peer.refresh && s->agreed.family[family])
		out_add(s, message, bgp_refresh_write(message, family, BGP_REFRESH_REQUEST));
}

enum bgp_state bgp_session_state(const struct bgp_session *s)
{
	return s->state;
}

const char *bgp_state_name(enum bgp_state state)
{
	static const char *const name[] = {
		[BGP_IDLE] = "idle", [BGP_CONNECT] = "connect", [BGP_ACTIVE] = "active",
		[BGP_OPEN_SENT] = "open sent", [BGP_OPEN_CONFIRM] = "open confirm",
		[BGP_ESTABLISHED] = "established",
	};

	return name[state];
}

const struct bgp_counts *bgp_session_counts(const struct bgp_session *s)
{
	return &s->counts;
}

const char *bgp_session_error(const struct bgp_session *s)
{
	return s->error;
}

uint64_t bgp_session_since(const struct bgp_session *s)
{
	return s->since_ns;
}

const struct bgp_open *bgp_session_peer(const struct bgp_session *s)
{
	return s->state == BGP_ESTABLISHED ? &s->peer : NULL;
}
