// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "flow.h"
#include "loop.h"

#define COMMAND_MAX	64
#define ANSWER_MAX	16384
#define PHASE_MAX	32

static struct watch listener = { .fd = -1 };
static char listener_path[sizeof(((struct sockaddr_un *)0)->sun_path)];
static char phase[PHASE_MAX] = "start";

static double ms(int64_t us)
{
	return us > 0 ? us / 1000.0 : 0;
}

static void report_flow(const struct flow *flow, int64_t now, FILE *out)
{
	const struct measure *measure = &flow->measure;
	bool alive = flow_alive(flow);
	const char *c;

	fprintf(out, "{\"name\":\"%s\",\"kind\":\"%s\",\"ready\":%s,\"alive\":%s",
		flow->name, flow->ops->kind, flow->ready ? "true" : "false",
		alive ? "true" : "false");
	if (alive)
		fprintf(out, ",\"blackout_ms\":%.1f",
			ms(measure->longest - measure->interval));
	else
		fprintf(out, ",\"blackout_ms\":null,\"silent_ms\":%.1f",
			ms(now - measure->last));
	fprintf(out, ",\"before_ms\":%.1f,\"lost\":%u,\"answered\":%s,\"finished\":%s",
		ms(measure->before - measure->interval),
		flow->ops->lost(flow, now), flow->answered ? "true" : "false",
		flow->finished ? "true" : "false");
	if (flow->ops->extra)
		flow->ops->extra(flow, out);
	fputs(",\"why\":\"", out);
	for (c = flow->why; *c; c++)
		if (*c >= ' ' && *c != '"' && *c != '\\')
			fputc(*c, out);
	fputs("\"}", out);
}

static void report(FILE *out)
{
	unsigned int total = 0, alive = 0, i;
	bool ready = true, done = true, probed = false, first = true;
	int64_t now = clock_us();
	struct timespec at;

	clock_gettime(CLOCK_REALTIME, &at);
	fprintf(out, "{\"ok\":true,\"at\":%lld.%03ld,\"phase\":\"%s\",\"flows\":[",
		(long long)at.tv_sec, at.tv_nsec / 1000000, phase);
	for (i = 0; i < flows_count(); i++) {
		const struct flow *flow = flow_get(i);

		ready &= flow->ready && !flow->dead;
		done &= flow->dead || flow->answered;
		probed |= flow->probed;
		if (flow->ops == &idle_ops)
			idle_totals(flow, &total, &alive);
		if (!first)
			fputc(',', out);
		report_flow(flow, now, out);
		first = false;
	}
	fprintf(out, "],\"idle_total\":%u,\"idle_alive\":%u,\"ready\":%s,\"done\":%s}\n",
		total, alive, ready ? "true" : "false",
		probed && done ? "true" : "false");
}

static bool phase_start(const char *name)
{
	size_t len = strlen(name);

	if (!len || len >= PHASE_MAX ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")])
		return false;
	memcpy(phase, name, len + 1);
	flows_phase();
	return true;
}

static bool execute(const char *command)
{
	if (!strncmp(command, "phase ", 6))
		return phase_start(command + 6);
	if (!strcmp(command, "mark"))
		flows_mark();
	else if (!strcmp(command, "probe"))
		flows_probe();
	else if (!strcmp(command, "finish"))
		flows_finish();
	else if (!strcmp(command, "quit"))
		loop_stop();
	else
		return !strcmp(command, "status") || !strcmp(command, "report");
	return true;
}

/* The asker sends its line at once and is on this machine: a short wait is
 * bounded by the timeout of the socket.
 */
static void serve(int fd)
{
	struct timeval limit = { .tv_usec = 100000 };
	static char answer[ANSWER_MAX];
	char command[COMMAND_MAX];
	ssize_t n;
	FILE *out;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	n = read(fd, command, sizeof(command) - 1);
	if (n <= 0)
		return;
	command[n] = '\0';
	command[strcspn(command, "\n")] = '\0';
	out = fmemopen(answer, sizeof(answer), "w");
	if (!out)
		return;
	if (execute(command))
		report(out);
	else
		fputs("{\"ok\":false,\"error\":\"unknown command\"}\n", out);
	n = ftell(out);
	fclose(out);
	if (n > 0 && send(fd, answer, n, MSG_NOSIGNAL) != n)
		fputs("gwsync-traffic: control: the answer was cut\n", stderr);
}

static void listener_ready(struct watch *watch, uint32_t events)
{
	int fd = accept(watch->fd, NULL, NULL);

	(void)events;
	if (fd < 0)
		return;
	serve(fd);
	close(fd);
}

static int control_address(struct sockaddr_un *un, const char *path)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(un->sun_path))
		return -ENAMETOOLONG;
	strcpy(un->sun_path, path);
	return 0;
}

int control_listen(const char *path)
{
	struct sockaddr_un un;
	int err = control_address(&un, path);
	int fd;

	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	unlink(path);
	if (bind(fd, (struct sockaddr *)&un, sizeof(un)) || listen(fd, 8)) {
		err = -errno;
		close(fd);
		return err;
	}
	strcpy(listener_path, un.sun_path);
	listener.ready = listener_ready;
	return loop_add(&listener, fd, EPOLLIN);
}

void control_close(void)
{
	loop_remove(&listener);
	if (*listener_path)
		unlink(listener_path);
}

int control_ask(const char *path, const char *command)
{
	struct sockaddr_un un;
	char buf[4096];
	bool ok = false, first = true;
	ssize_t n;
	int fd, err;

	err = control_address(&un, path);
	fd = err ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&un, sizeof(un)) ||
	    dprintf(fd, "%s\n", command) < 0) {
		fprintf(stderr, "gwsync-traffic: %s: %s\n", path,
			strerror(err ? -err : errno));
		return 1;
	}
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		if (first)
			ok = n >= 10 && !memcmp(buf, "{\"ok\":true", 10);
		first = false;
		fwrite(buf, 1, n, stdout);
	}
	close(fd);
	return ok ? 0 : 1;
}
