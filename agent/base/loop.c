// SPDX-License-Identifier: GPL-2.0
/* One epoll loop: file descriptors level triggered, timers in a pairing heap that is made
 * of themselves: to arm one needs no memory, so it cannot fail, however many there are.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/loop.h"

/* Descriptors served in one round: a busy one cannot starve the timers. */
#define LOOP_EVENTS 32

struct loop {
	int			epoll;
	bool			stop;
	uint64_t		now_ns;
	struct loop_timer	*first;		/* the one that is due first */
	struct epoll_event	event[LOOP_EVENTS];
	int			events;		/* of this round, served or not */
	void			(*round)(void *arg);
	void			*round_arg;
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

void loop_set_round(struct loop *loop, void (*round)(void *arg), void *arg)
{
	loop->round = round;
	loop->round_arg = arg;
}

/* Two heaps become one; the other one's first is a child of the one that is due before. */
static struct loop_timer *heap_meld(struct loop_timer *a, struct loop_timer *b)
{
	if (!a || !b)
		return a ? a : b;
	if (b->due_ns < a->due_ns) {
		struct loop_timer *later = a;

		a = b;
		b = later;
	}
	b->before = a;
	b->next = a->child;
	if (b->next)
		b->next->before = b;
	a->child = b;
	return a;
}

/* Siblings become one heap: in pairs, then one after the other from the last pair on, by
 * which a removal costs the logarithm of what is armed, taken over many.
 */
static struct loop_timer *heap_join(struct loop_timer *siblings)
{
	struct loop_timer *pairs = NULL, *all = NULL;

	while (siblings) {
		struct loop_timer *a = siblings, *b = a->next;

		siblings = b ? b->next : NULL;
		a->next = NULL;
		if (b)
			b->next = NULL;
		a = heap_meld(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		struct loop_timer *pair = pairs;

		pairs = pair->next;
		pair->next = NULL;
		all = heap_meld(all, pair);
	}
	return all;
}

void loop_timer_at(struct loop *loop, struct loop_timer *timer, uint64_t due_ns)
{
	loop_timer_del(loop, timer);
	timer->due_ns = due_ns ? due_ns : 1;
	loop->first = heap_meld(loop->first, timer);
}

void loop_timer_in(struct loop *loop, struct loop_timer *timer, uint64_t delay_ns)
{
	loop_timer_at(loop, timer, loop_clock() + delay_ns);
}

void loop_timer_del(struct loop *loop, struct loop_timer *timer)
{
	struct loop_timer *children;

	if (!timer->due_ns)
		return;
	children = heap_join(timer->child);
	if (loop->first == timer) {
		loop->first = children;
	} else {
		if (timer->before->child == timer)
			timer->before->child = timer->next;
		else
			timer->before->next = timer->next;
		if (timer->next)
			timer->next->before = timer->before;
		loop->first = heap_meld(loop->first, children);
	}
	timer->due_ns = 0;
	timer->child = NULL;
	timer->next = NULL;
	timer->before = NULL;
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
	unsigned int budget = LOOP_FIRES;

	while (!loop->stop && loop->first && budget--) {
		struct loop_timer *timer = loop->first;

		if (timer->due_ns > now_ns)
			break;
		loop_timer_del(loop, timer);
		timer->fire(timer);
	}
}

static int loop_wait(struct loop *loop)
{
	struct timespec ts, *timeout = NULL;

	if (loop->first) {
		uint64_t now_ns = loop_clock(), due_ns = loop->first->due_ns;
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
		if (loop->round)
			loop->round(loop->round_arg);
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
