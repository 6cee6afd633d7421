/* SPDX-License-Identifier: GPL-2.0 */
/* One epoll loop: file descriptors and timers, no threads. */
#ifndef GWSYNC_AGENT_LOOP_H
#define GWSYNC_AGENT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#define NSEC_PER_MSEC	1000000ULL
#define NSEC_PER_SEC	1000000000ULL

struct loop;

/* Embed these; use container_of() in the callback. */
struct loop_fd {
	int		fd;		/* -1: not registered */
	uint32_t	events;		/* EPOLLIN, EPOLLOUT */
	void		(*ready)(struct loop_fd *fd, uint32_t events);
};

struct loop_timer {
	uint64_t	due_ns;		/* CLOCK_MONOTONIC; 0: not armed */
	unsigned int	slot;		/* place in the heap */
	void		(*fire)(struct loop_timer *timer);
};

struct loop *loop_alloc(void);
void loop_free(struct loop *loop);

/* Runs until loop_stop(); returns 0 or -errno. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* CLOCK_MONOTONIC as of the current round (cached), and read anew. */
uint64_t loop_now(const struct loop *loop);
uint64_t loop_clock(void);

int loop_fd_add(struct loop *loop, struct loop_fd *fd);
int loop_fd_set(struct loop *loop, struct loop_fd *fd, uint32_t events);
void loop_fd_del(struct loop *loop, struct loop_fd *fd);

/* Arms (or moves) a timer; at most LOOP_TIMERS are armed at once. */
#define LOOP_TIMERS 256
int loop_timer_at(struct loop *loop, struct loop_timer *timer, uint64_t due_ns);
int loop_timer_in(struct loop *loop, struct loop_timer *timer, uint64_t delay_ns);
void loop_timer_del(struct loop *loop, struct loop_timer *timer);

#endif
