// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

#define PERIOD	200000ull		/* ns */
#define LIMIT	(300 * NSEC)

enum { BEFORE, AFTER };			/* the command's end; the IP identification tells */

static pid_t start(char **command)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;

	/* the figures are alone on standard output */
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, 2, 1);
	errno = posix_spawnp(&pid, command[0], &actions, NULL, command, environ);
	if (errno)
		err(1, "%s", command[0]);
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

static void print_ms(const char *key, uint64_t begin, uint64_t when)
{
	if (when)
		printf("%s=%.3f\n", key, (when - begin) / 1e6);
}

int probe(struct port *client, struct port *server, uint32_t k, uint32_t round, char **command)
{
	uint64_t begin, now, next, ended = 0, first = 0, passed = 0;
	struct pollfd fds[2] = { { .fd = server->fd, .events = POLLIN }, { .events = POLLIN } };
	uint32_t seq = round_seq(round);
	struct frame segment;
	unsigned int len;
	int status = 0;
	pid_t pid;

	/* without it a sleep is 50 us longer */
	prctl(PR_SET_TIMERSLACK, 1);
	len = flow_tcp(&segment, CLIENT, k, 0, TH_PUSH | TH_ACK, seq, seq, FLOW_DATA);

	begin = now_ns();
	next = begin;
	pid = start(command);
	fds[1].fd = syscall(SYS_pidfd_open, pid, 0);
	if (fds[1].fd < 0)
		err(1, "pidfd_open");

	while (!passed) {
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
			ended = now_ns();
			next = ended;
			waitpid(pid, &status, 0);
			if (status)
				break;
		}
	}
	if (!ended) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	print_ms("command_ms", begin, ended);
	print_ms("first_ms", begin, first);
	print_ms("passed_ms", begin, passed);
	if (status)
		warnx("%s: status %#x", command[0], status);
	return !passed;
}
