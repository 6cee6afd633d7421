/* SPDX-License-Identifier: GPL-2.0 */
/* Commands for a tool that a test drives, a line each on stdin. */
#ifndef GWSYNC_AGENT_TESTS_COMMANDS_H
#define GWSYNC_AGENT_TESTS_COMMANDS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/container.h"
#include "base/loop.h"

struct commands {
	struct loop_fd	input;
	struct loop	*loop;
	void		(*command)(char *line);
	char		line[256];
	size_t		used;
};

/* One line in a turn of the loop: what else is ready has its turn before the next. */
static inline void commands_read(struct loop_fd *fd, uint32_t events)
{
	struct commands *c = container_of(fd, struct commands, input);
	char byte;

	(void)events;
	while (read(fd->fd, &byte, 1) == 1) {
		if (byte != '\n' && c->used < sizeof(c->line) - 1) {
			c->line[c->used++] = byte;
			continue;
		}
		c->line[c->used] = '\0';
		c->used = 0;
		c->command(c->line);
		fflush(stdout);
		return;
	}
	loop_stop(c->loop);
}

/* Until one of them stops the loop, or there are no more.  @ready: what it has come to. */
static inline void commands_run(struct loop *loop, int ready, void (*command)(char *line))
{
	struct commands c = {
		.input = { .fd = STDIN_FILENO, .events = EPOLLIN, .ready = commands_read },
		.loop = loop, .command = command,
	};

	printf("ready %d\n", ready);
	fflush(stdout);
	if (!loop_fd_add(loop, &c.input))
		loop_run(loop);
	loop_fd_del(loop, &c.input);
}

#endif
