/* SPDX-License-Identifier: GPL-2.0 */
/* One epoll loop: file descriptors and timers, no threads. */
#ifndef GWSYNC_AGENT_LOOP_H
#define GWSYNC_AGENT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#define NSEC_PER_USEC	1000ULL
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

/* One in @cost_ns on the average, @burst of them at once: may one go now?  @free_ns is
 * the caller's, 0 at the start.
 */
static inline bool allowed(uint64_t *free_ns, uint64_t now_ns, uint64_t cost_ns,
			   unsigned int burst)
{
	uint64_t burst_ns = burst * cost_ns;

	if (now_ns > burst_ns && *free_ns < now_ns - burst_ns)
		*free_ns = now_ns - burst_ns;
	if (*free_ns + cost_ns > now_ns)
		return false;
	*free_ns += cost_ns;
	return true;
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
	void		(*fire)(struct loop_timer *timer);
	/* The loop's: those that are due later, and among its siblings the next and the
	 * one before; of the first of them that one is the parent.
	 */
	struct loop_timer *child, *next, *before;
};

struct loop *loop_alloc(void);
void loop_free(struct loop *loop);

/* Runs until loop_stop(); returns 0 or -errno. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* @round is called in each round before a descriptor is served; NULL: nothing is. */
void loop_set_round(struct loop *loop, void (*round)(void *arg), void *arg);

/* CLOCK_MONOTONIC as of the current round (cached), and read anew. */
uint64_t loop_now(const struct loop *loop);
uint64_t loop_clock(void);

int loop_fd_add(struct loop *loop, struct loop_fd *fd);
int loop_fd_set(struct loop *loop, struct loop_fd *fd, uint32_t events);
void loop_fd_del(struct loop *loop, struct loop_fd *fd);

/* Timers in one round: one that arms itself for the past cannot starve descriptors. */
#define LOOP_FIRES 256

/* Arms (or moves) a timer; however many are armed, this cannot fail. */
void loop_timer_at(struct loop *loop, struct loop_timer *timer, uint64_t due_ns);
void loop_timer_in(struct loop *loop, struct loop_timer *timer, uint64_t delay_ns);
void loop_timer_del(struct loop *loop, struct loop_timer *timer);

#endif
