/* SPDX-License-Identifier: GPL-2.0 */
/* One epoll loop: descriptors that became ready, and a tick. */
#ifndef GWSYNC_TRAFFIC_LOOP_H
#define GWSYNC_TRAFFIC_LOOP_H

#include <stdint.h>
#include <sys/epoll.h>

#define TICK_MS	10

/* Embedded in what it watches; that is never freed while the loop runs, so an
 * event of a descriptor closed in the same round finds fd < 0.
 */
struct watch {
	int	fd;
	void	(*ready)(struct watch *watch, uint32_t events);
};

int loop_init(void);
int loop_add(struct watch *watch, int fd, uint32_t events);
void loop_change(struct watch *watch, uint32_t events);
/* Closes the descriptor too; does nothing when there is none. */
void loop_remove(struct watch *watch);

/**
 * loop_run() - serve until loop_stop() or SIGTERM
 * @tick: called every TICK_MS with the time in us; late ticks are not made up
 *
 * Return: 0, or a negative errno when the loop itself failed.
 */
int loop_run(void (*tick)(int64_t now));
void loop_stop(void);

/* CLOCK_MONOTONIC in us. */
int64_t clock_us(void);

#endif
