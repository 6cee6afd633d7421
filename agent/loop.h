/* SPDX-License-Identifier: GPL-2.0 */
/* One epoll loop: file descriptors and timers, no threads. */
#ifndef GWSYNC_AGENT_LOOP_H
#define GWSYNC_AGENT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#define NSEC_PER_MSEC	1000000ULL
#define NSEC_PER_SEC	1000000000ULL

/* 0 if @since_ns is a moment in the future: a caller's clock may be the one of its
 * round, and @since_ns was read after it.
 */
static inline uint64_t elapsed_ns(uint64_t now_ns, uint64_t since_ns)
{
	return now_ns > since_ns ? now_ns - since_ns : 0;
}

/* The pause after one of @pause_ns, for what is tried again and again. */
static inline uint64_t doubled_ns(uint64_t pause_ns, uint64_t most_ns)
{
	return pause_ns < most_ns / 2 ? 2 * pause_ns : most_ns;
}

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
