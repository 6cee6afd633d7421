// SPDX-License-Identifier: GPL-2.0
/* Clients are served from the loop; nothing a client does makes it wait. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/container.h"
#include "base/log.h"
#include "base/loop.h"
#include "control/control.h"

#define CONTROL_CLIENTS		16
#define CONTROL_REQUEST		4096		/* bytes of a line */
#define CONTROL_ANSWER		(1024 * 1024)
#define CONTROL_TICK_NS		(100 * NSEC_PER_MSEC)
#define CONTROL_BURST		20		/* requests, then one a tick */
#define CONTROL_SLOW_NS		(5 * NSEC_PER_SEC)	/* for a line in, or an answer out */
#define CONTROL_IDLE_NS		(60 * NSEC_PER_SEC)

struct control_client {
	struct loop_fd	fd;
	struct control	*control;
	uint64_t	deadline_ns;
	unsigned int	tokens;
	char		*answer;	/* being written */
	size_t		answer_len, sent;
	size_t		used;
	char		request[CONTROL_REQUEST];
};

struct control {
	struct loop		*loop;
	control_handler		handler;
	void			*arg;
	struct loop_fd		listener;
	struct loop_timer	tick;
	unsigned int		clients;
	bool			bound;
	struct sockaddr_un	address;
	struct control_client	*client[CONTROL_CLIENTS];
};

json_t *control_error(const char *fmt, ...)
{
	char text[512];
	json_t *json = json_object(), *error;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* No text: cut within a character. */
	error = json_string(text);
	json_object_set_new(json, "ok", json_false());
	json_object_set_new(json, "error", error ? error : json_string("refused"));
	return json;
}

static void control_drop(struct control_client *client)
{
	struct control *control = client->control;
	unsigned int i;

	for (i = 0; i < CONTROL_CLIENTS; i++)
		if (control->client[i] == client)
			control->client[i] = NULL;
	control->clients--;
	loop_fd_del(control->loop, &client->fd);
	close(client->fd.fd);
	free(client->answer);
	free(client);
}

static json_t *control_answer(struct control *control, const char *line, size_t len)
{
	json_t *request, *answer;
	const char *command;
	json_error_t error;

	request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(request)) {
		answer = control_error("not a JSON object on one line: %s",
				       request ? "another kind of value" : error.text);
		json_decref(request);
		return answer;
	}
	command = json_string_value(json_object_get(request, "command"));
	if (command)
		answer = control->handler(control->arg, command, request);
	else
		answer = control_error("\"command\" is missing or no string");
	json_decref(request);
	return answer ? answer : control_error("out of memory");
}

/* Returns false when the client is gone. */
static bool control_write(struct control_client *client)
{
	while (client->sent < client->answer_len) {
		ssize_t n = send(client->fd.fd, client->answer + client->sent,
				 client->answer_len - client->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			loop_fd_set(client->control->loop, &client->fd, EPOLLOUT);
			return true;
		}
		if (n < 0) {
			control_drop(client);
			return false;
		}
		client->sent += (size_t)n;
	}
	free(client->answer);
	client->answer = NULL;
	client->deadline_ns = loop_clock() + (client->used ? CONTROL_SLOW_NS : CONTROL_IDLE_NS);
	/* Out of tokens: unread until the tick; EPOLLHUP comes all the same. */
	loop_fd_set(client->control->loop, &client->fd, client->tokens ? EPOLLIN : 0);
	return true;
}

static bool control_send(struct control_client *client, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;

	json_decref(json);
	if (!text || len + 1 > CONTROL_ANSWER) {
		log_error("control: an answer of %zu bytes was not sent", len);
		free(text);
		control_drop(client);
		return false;
	}
	text[len] = '\n';	/* the NUL's place: answers are sent by length */
	client->answer = text;
	client->answer_len = len + 1;
	client->sent = 0;
	client->deadline_ns = loop_clock() + CONTROL_SLOW_NS;
	return control_write(client);
}

/* Serves the lines that are there, one answer after the other. */
static void control_serve(struct control_client *client)
{
	while (!client->answer && client->tokens) {
		char *end = memchr(client->request, '\n', client->used);
		size_t len;
		json_t *json;

		if (!end) {
			if (client->used < sizeof(client->request))
				return;
			/* No line can end in there any more. */
			if (control_send(client, control_error("a request is at most %d bytes",
							       CONTROL_REQUEST - 1)))
				control_drop(client);
			return;
		}
		len = (size_t)(end - client->request);
		client->tokens--;
		json = control_answer(client->control, client->request, len);
		client->used -= len + 1;
		memmove(client->request, end + 1, client->used);
		if (!control_send(client, json))
			return;
	}
}

static void control_client_ready(struct loop_fd *fd, uint32_t events)
{
	struct control_client *client = container_of(fd, struct control_client, fd);
	ssize_t n;

	if (events & EPOLLOUT) {
		if (control_write(client))
			control_serve(client);
		return;
	}
	if (!(events & EPOLLIN) || client->answer || !client->tokens) {
		if (events & (EPOLLHUP | EPOLLERR))
			control_drop(client);
		return;
	}
	n = recv(fd->fd, client->request + client->used, sizeof(client->request) - client->used,
		 MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		control_drop(client);
		return;
	}
	if (!client->used)
		client->deadline_ns = loop_clock() + CONTROL_SLOW_NS;
	client->used += (size_t)n;
	control_serve(client);
}

static void control_tick(struct loop_timer *timer)
{
	struct control *control = container_of(timer, struct control, tick);
	uint64_t now_ns = loop_clock();
	unsigned int i;

	for (i = 0; i < CONTROL_CLIENTS; i++) {
		struct control_client *client = control->client[i];

		if (!client)
			continue;
		if (now_ns > client->deadline_ns) {
			control_drop(client);
			continue;
		}
		if (client->tokens < CONTROL_BURST)
			client->tokens++;
		if (client->answer)
			continue;
		loop_fd_set(control->loop, &client->fd, EPOLLIN);
		control_serve(client);
	}
	if (control->clients)
		loop_timer_in(control->loop, &control->tick, CONTROL_TICK_NS);
}

/* The socket's mode says it first; this holds when somebody changed that.  The
 * group is what it is now: daemon.user and the administrator may change it.
 */
static bool control_allowed(const struct control *control, int fd)
{
	gid_t groups[64], gid;
	struct stat st;
	socklen_t len;
	struct ucred cred;
	unsigned int i;

	len = sizeof(cred);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		return false;
	if (!cred.uid || cred.uid == geteuid())
		return true;
	if (lstat(control->address.sun_path, &st) || !S_ISSOCK(st.st_mode))
		return false;
	gid = st.st_gid;
	if (cred.gid == gid)
		return true;
	len = sizeof(groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len))
		return false;
	for (i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == gid)
			return true;
	return false;
}

static void control_refuse(int fd, const char *why)
{
	char line[128];
	int len = snprintf(line, sizeof(line), "{\"ok\":false,\"error\":\"%s\"}\n", why);

	/* As far as it goes: the client is not worth waiting for. */
	if (send(fd, line, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("control: %s", why);
	close(fd);
}

static void control_accept(struct loop_fd *listener, uint32_t events)
{
	struct control *control = container_of(listener, struct control, listener);
	struct control_client *client;
	unsigned int i;
	int fd;

	(void)events;
	fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (!control_allowed(control, fd)) {
		control_refuse(fd, "not permitted: be root or in the socket's group");
		return;
	}
	for (i = 0; i < CONTROL_CLIENTS && control->client[i]; i++)
		;
	client = i < CONTROL_CLIENTS ? calloc(1, sizeof(*client)) : NULL;
	if (!client) {
		control_refuse(fd, "too many clients: close one and try again");
		return;
	}
	client->control = control;
	client->tokens = CONTROL_BURST;
	client->deadline_ns = loop_clock() + CONTROL_IDLE_NS;
	client->fd.fd = fd;
	client->fd.events = EPOLLIN;
	client->fd.ready = control_client_ready;
	if (loop_fd_add(control->loop, &client->fd)) {
		close(fd);
		free(client);
		return;
	}
	control->client[i] = client;
	if (!control->clients++)
		loop_timer_in(control->loop, &control->tick, CONTROL_TICK_NS);
}

/* The directory of the socket, when only its last part is missing. */
static int control_directory(const char *path)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (!slash || slash == dir)
		return 0;
	*slash = '\0';
	return mkdir(dir, 0755) && errno != EEXIST ? -errno : 0;
}

/* Or so many wait to be heard that there is no room for one more. */
static bool control_listens(int fd, const struct sockaddr_un *address)
{
	return !connect(fd, (const struct sockaddr *)address, sizeof(*address)) ||
	       errno == EAGAIN;
}

bool control_is_served(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	bool served;
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return false;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	served = control_listens(fd, &address);
	close(fd);
	return served;
}

/* A socket that nobody listens on was left by a daemon that died. */
static int control_stale(const struct sockaddr_un *address)
{
	struct stat st;
	int fd, err = 0;

	if (lstat(address->sun_path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (control_listens(fd, address))
		err = -EADDRINUSE;
	close(fd);
	if (!err && unlink(address->sun_path) && errno != ENOENT)
		err = -errno;
	return err;
}

static int control_listen(struct control *control)
{
	mode_t mask;
	int err;

	err = control_directory(control->address.sun_path);
	if (!err)
		err = control_stale(&control->address);
	if (err)
		return err;
	control->listener.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->listener.fd < 0)
		return -errno;
	mask = umask(0117);
	err = bind(control->listener.fd, (const struct sockaddr *)&control->address,
		   sizeof(control->address)) ? -errno : 0;
	umask(mask);
	if (err)
		return err;
	control->bound = true;
	if (listen(control->listener.fd, CONTROL_CLIENTS))
		return -errno;
	control->listener.events = EPOLLIN;
	control->listener.ready = control_accept;
	return loop_fd_add(control->loop, &control->listener);
}

struct control *control_alloc(struct loop *loop, const char *path, control_handler handler,
			      void *arg, int *err)
{
	struct control *control = calloc(1, sizeof(*control));

	if (!control) {
		*err = -ENOMEM;
		return NULL;
	}
	control->loop = loop;
	control->handler = handler;
	control->arg = arg;
	control->listener.fd = -1;
	control->tick.fire = control_tick;
	control->address.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(control->address.sun_path)) {
		*err = -ENAMETOOLONG;
	} else {
		strcpy(control->address.sun_path, path);
		*err = control_listen(control);
	}
	if (!*err)
		return control;
	log_error("control: %s: %s%s", path, strerror(-*err),
		  *err == -EADDRINUSE ? "; another gwsyncd runs: stop it first" :
		  *err == -EEXIST ? " and is no socket; remove it or set daemon.control" : "");
	control_free(control);
	return NULL;
}

void control_free(struct control *control)
{
	unsigned int i;

	if (!control)
		return;
	for (i = 0; i < CONTROL_CLIENTS; i++)
		if (control->client[i])
			control_drop(control->client[i]);
	loop_timer_del(control->loop, &control->tick);
	if (control->listener.fd >= 0) {
		loop_fd_del(control->loop, &control->listener);
		close(control->listener.fd);
	}
	if (control->bound)
		unlink(control->address.sun_path);
	free(control);
}
