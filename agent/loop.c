// SPDX-License-Identifier: GPL-2.0
/* One epoll loop: file descriptors level triggered, timers in a binary heap. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "loop.h"

/* Descriptors served in one round: a busy one cannot starve the timers. */
#define LOOP_EVENTS 32

struct loop {
	int			epoll;
	bool			stop;
	uint64_t		now_ns;
	struct loop_timer	*heap[LOOP_TIMERS];
	unsigned int		timers;
	struct epoll_event	event[LOOP_EVENTS];
	int			events;		/* of this round, served or not */
};

struct loop *loop_alloc(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
		free(loop);
		return NULL;
	}
	loop->now_ns = loop_clock();
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	close(loop->epoll);
	free(loop);
}

uint64_t loop_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t loop_now(const struct loop *loop)
{
	return loop->now_ns;
}

void loop_stop(struct loop *loop)
{
	loop->stop = true;
}

static void heap_put(struct loop *loop, struct loop_timer *timer, unsigned int slot)
{
	loop->heap[slot] = timer;
	timer->slot = slot;
}

static void heap_up(struct loop *loop, struct loop_timer *timer, unsigned int slot)
{
	while (slot) {
		unsigned int parent = (slot - 1) / 2;

		if (loop->heap[parent]->due_ns <= timer->due_ns)
			break;
		heap_put(loop, loop->heap[parent], slot);
		slot = parent;
	}
	heap_put(loop, timer, slot);
}

static void heap_down(struct loop *loop, struct loop_timer *timer, unsigned int slot)
{
	for (;;) {
		unsigned int child = 2 * slot + 1;

		if (child >= loop->timers)
			break;
		if (child + 1 < loop->timers &&
		    loop->heap[child + 1]->due_ns < loop->heap[child]->due_ns)
			child++;
		if (loop->heap[child]->due_ns >= timer->due_ns)
			break;
		heap_put(loop, loop->heap[child], slot);
		slot = child;
	}
	heap_put(loop, timer, slot);
}

int loop_timer_at(struct loop *loop, struct loop_timer *timer, uint64_t due_ns)
{
	loop_timer_del(loop, timer);
	if (loop->timers == LOOP_TIMERS)
		return -ENOSPC;
	timer->due_ns = due_ns ? due_ns : 1;
	heap_up(loop, timer, loop->timers++);
	return 0;
}

int loop_timer_in(struct loop *loop, struct loop_timer *timer, uint64_t delay_ns)
{
	return loop_timer_at(loop, timer, loop_clock() + delay_ns);
}

void loop_timer_del(struct loop *loop, struct loop_timer *timer)
{
	struct loop_timer *last;
	unsigned int slot = timer->slot;

	if (!timer->due_ns)
		return;
	timer->due_ns = 0;
	last = loop->heap[--loop->timers];
	if (last == timer)
		return;
	if (slot && loop->heap[(slot - 1) / 2]->due_ns > last->due_ns)
		heap_up(loop, last, slot);
	else
		heap_down(loop, last, slot);
}

int loop_fd_add(struct loop *loop, struct loop_fd *fd)
{
	struct epoll_event event = { .events = fd->events, .data.ptr = fd };

	return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd->fd, &event) ? -errno : 0;
}

int loop_fd_set(struct loop *loop, struct loop_fd *fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = fd };

	if (fd->events == events)
		return 0;
	if (epoll_ctl(loop->epoll, EPOLL_CTL_MOD, fd->fd, &event))
		return -errno;
	fd->events = events;
	return 0;
}

void loop_fd_del(struct loop *loop, struct loop_fd *fd)
{
	int i;

	if (fd->fd < 0)
		return;
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd->fd, NULL);
	/* It may be freed now: no event of this round may reach it. */
	for (i = 0; i < loop->events; i++)
		if (loop->event[i].data.ptr == fd)
			loop->event[i].data.ptr = NULL;
}

static void loop_fire(struct loop *loop)
{
	uint64_t now_ns = loop->now_ns;
	unsigned int budget = LOOP_TIMERS;

	/* The budget ends a round in which a timer arms itself for the past. */
	while (!loop->stop && loop->timers && budget--) {
		struct loop_timer *timer = loop->heap[0];

		if (timer->due_ns > now_ns)
			break;
		loop_timer_del(loop, timer);
		timer->fire(timer);
	}
}

static int loop_wait(struct loop *loop)
{
	struct timespec ts, *timeout = NULL;

	if (loop->timers) {
		uint64_t now_ns = loop_clock(), due_ns = loop->heap[0]->due_ns;
		uint64_t wait_ns = due_ns > now_ns ? due_ns - now_ns : 0;

		ts.tv_sec = (time_t)(wait_ns / NSEC_PER_SEC);
		ts.tv_nsec = (long)(wait_ns % NSEC_PER_SEC);
		timeout = &ts;
	}
	return epoll_pwait2(loop->epoll, loop->event, LOOP_EVENTS, timeout, NULL);
}

int loop_run(struct loop *loop)
{
	loop->stop = false;
	while (!loop->stop) {
		int i, n = loop_wait(loop);

		if (n < 0 && errno != EINTR)
			return -errno;
		loop->events = n < 0 ? 0 : n;
		loop->now_ns = loop_clock();
		/* Descriptors first: a heartbeat that waits in a socket counts
		 * before the timer that would declare its sender dead.
		 */
		for (i = 0; i < loop->events && !loop->stop; i++) {
			struct loop_fd *fd = loop->event[i].data.ptr;

			if (fd)
				fd->ready(fd, loop->event[i].events);
		}
		loop->events = 0;
		loop->now_ns = loop_clock();
		loop_fire(loop);
	}
	return 0;
}
