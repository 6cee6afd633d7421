// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>

#include "fuzz.h"
#include "fuzz_loop.h"
#include "base/log.h"

#define ROUNDS_MAX	4096

struct loop fuzz_loop = { .now_ns = NSEC_PER_SEC };

uint64_t loop_now(const struct loop *loop)
{
	return loop->now_ns;
}

uint64_t loop_clock(void)
{
	return fuzz_loop.now_ns;
}

int loop_fd_add(struct loop *loop, struct loop_fd *fd)
{
	expect(fd->fd >= 0 && loop->fds < FUZZ_LOOP_FDS);
	loop->fd[loop->fds++] = fd;
	return 0;
}

int loop_fd_set(struct loop *loop, struct loop_fd *fd, uint32_t events)
{
	(void)loop;
	fd->events = events;
	return 0;
}

void loop_fd_del(struct loop *loop, struct loop_fd *fd)
{
	for (unsigned int i = 0; i < loop->fds; i++) {
		if (loop->fd[i] == fd) {
			loop->fd[i] = loop->fd[--loop->fds];
			return;
		}
	}
	expect(0);
}

void loop_timer_at(struct loop *loop, struct loop_timer *timer, uint64_t due_ns)
{
	loop_timer_del(loop, timer);
	expect(loop->timers < FUZZ_LOOP_TIMERS);
	timer->due_ns = due_ns;
	loop->timer[loop->timers++] = timer;
}

void loop_timer_in(struct loop *loop, struct loop_timer *timer, uint64_t delay_ns)
{
	loop_timer_at(loop, timer, loop->now_ns + delay_ns);
}

void loop_timer_del(struct loop *loop, struct loop_timer *timer)
{
	if (!timer->due_ns)
		return;
	timer->due_ns = 0;
	for (unsigned int i = 0; i < loop->timers; i++) {
		if (loop->timer[i] == timer) {
			loop->timer[i] = loop->timer[--loop->timers];
			return;
		}
	}
	expect(0);
}

static bool serve_fd(struct loop_fd *fd)
{
	struct pollfd pfd = { .fd = fd->fd };

	/* The bits of poll and epoll are the same. */
	pfd.events = (short)fd->events;
	if (poll(&pfd, 1, 0) != 1 || !pfd.revents)
		return false;
	fd->ready(fd, (uint32_t)pfd.revents);
	return true;
}

static bool serve_timers(struct loop *loop)
{
	for (unsigned int i = 0; i < loop->timers; i++) {
		struct loop_timer *timer = loop->timer[i];

		if (timer->due_ns > loop->now_ns)
			continue;
		loop_timer_del(loop, timer);
		timer->fire(timer);
		return true;
	}
	return false;
}

void fuzz_loop_turn(void)
{
	struct loop *loop = &fuzz_loop;
	unsigned int rounds = 0, i;
	bool served;

	do {
		served = serve_timers(loop);
		/* A callback may take others out: begin anew after each. */
		for (i = 0; i < loop->fds && !served; i++)
			served = serve_fd(loop->fd[i]);
		expect(++rounds < ROUNDS_MAX);
	} while (served);
}

/* Refusals are what a target provokes: no text of them. */
void log_at(enum log_level level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}
