// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

#define PERIOD	200000ull		/* ns */
#define LIMIT	(3000 * NSEC)		/* who starts us has one that fits the machine */

enum { BEFORE, AFTER };			/* the command's end; the IP identification tells */

/* Who carries the order out: a process that ends, or one that answers its lines. */
struct order {
	pid_t	pid;
	int	in, out;	/* its standard input and output, or -1 */
	int	wait;		/* readable when it has ended, or answered */
};

static void order_start(struct order *order, char **command, bool answers)
{
	posix_spawn_file_actions_t actions;
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };

	/* the figures are alone on standard output */
	posix_spawn_file_actions_init(&actions);
	if (answers) {
		if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
			err(1, "pipe");
		posix_spawn_file_actions_adddup2(&actions, in[0], 0);
		posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	} else {
		posix_spawn_file_actions_adddup2(&actions, 2, 1);
	}
	errno = posix_spawnp(&order->pid, command[0], &actions, NULL, command, environ);
	if (errno)
		err(1, "%s", command[0]);
	posix_spawn_file_actions_destroy(&actions);
	close(in[0]);
	close(out[1]);
	order->in = in[1];
	order->out = out[0];
	order->wait = answers ? out[0] : syscall(SYS_pidfd_open, order->pid, 0);
	if (order->wait < 0)
		err(1, "pidfd_open");
}

static void order_give(const struct order *order, const char *line)
{
	if (dprintf(order->in, "%s\n", line) < 0)
		err(1, "order");
}

/* 0: it is carried out, 1: not yet, -1: refused; call it when wait is readable. */
static int order_done(struct order *order)
{
	char answer[256];
	ssize_t n;
	int status;

	if (order->out < 0) {
		waitpid(order->pid, &status, 0);
		order->pid = 0;
		if (status)
			warnx("status %#x of the order", status);
		return status ? -1 : 0;
	}
	n = read(order->out, answer, sizeof(answer) - 1);
	if (n <= 0)
		return -1;
	answer[n] = '\0';
	/* The last line tells; those before it are what was asked for. */
	if (!strncmp(answer, "error", 5) || strstr(answer, "\nerror")) {
		warnx("%s", answer);
		return -1;
	}
	return strncmp(answer, "ok\n", 3) && !strstr(answer, "\nok\n");
}

static void order_end(struct order *order)
{
	if (!order->pid)
		return;
	kill(order->pid, SIGKILL);
	waitpid(order->pid, NULL, 0);
}

static void print_ms(const char *key, uint64_t begin, uint64_t when)
{
	if (when)
		printf("%s=%.3f\n", key, (when - begin) / 1e6);
}

int probe(struct port *client, struct port *server, uint32_t k, uint32_t round,
	  const char *ready, const char *line, char **command)
{
	uint64_t begin, now, next, ended = 0, first = 0, passed = 0;
	struct pollfd fds[2] = { { .fd = server->fd, .events = POLLIN }, { .events = POLLIN } };
	uint32_t seq = round_seq(round);
	struct frame segment;
	struct order order;
	unsigned int len;
	int left = 0;

	/* without it a sleep is 50 us longer */
	prctl(PR_SET_TIMERSLACK, 1);
	len = flow_tcp(&segment, CLIENT, k, 0, TH_PUSH | TH_ACK, seq, seq, FLOW_DATA);

	if (line) {
		order_start(&order, command, true);
		order_give(&order, ready);
		do {
			left = order_done(&order);
		} while (left > 0);
	}
	begin = now_ns();
	next = begin;
	if (line)
		order_give(&order, line);
	else
		order_start(&order, command, false);
	fds[1].fd = order.wait;

	while (!passed && left >= 0) {
		struct timespec wait = { };
		struct seen s;

		now = now_ns();
		if (now - begin > LIMIT)
			break;
		if (now >= next) {
			flow_set_id(&segment, ended ? AFTER : BEFORE);
			*port_frame(client) = segment;
			port_queue(client, len);
			port_flush(client);
			next = now + PERIOD;
		}
		while (port_read(server, &s)) {
			if (s.udp || s.k != k || s.len != FLOW_DATA || s.seq != seq)
				continue;
			now = now_ns();
			if (!first)
				first = now;
			if (s.id == AFTER && !passed)
				passed = now;
		}
		now = now_ns();
		if (next > now)
			wait.tv_nsec = next - now;
		if (!passed)
			ppoll(fds, ended ? 1 : 2, &wait, NULL);
		if (!ended && fds[1].revents) {
			left = order_done(&order);
			if (!left) {
				ended = now_ns();
				next = ended;
			}
		}
	}
	order_end(&order);
	print_ms("command_ms", begin, ended);
	print_ms("first_ms", begin, first);
	print_ms("passed_ms", begin, passed);
	return !passed;
}
