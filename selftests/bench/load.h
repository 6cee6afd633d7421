/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdint.h>
#include <time.h>

#include "port.h"

#define NSEC	1000000000ull

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NSEC + t.tv_nsec;
}

/* Sequence number, from the initial one, of what an end sends in ROUND. */
static inline uint32_t round_seq(uint32_t round)
{
	/* tcp-open itself has sent one segment each way */
	return 1 + FLOW_DATA * (1 + round);
}

/* Returns the exit status. */
int probe(struct port *client, struct port *server, uint32_t k, uint32_t round,
	  const char *ready, const char *line, char **command);

#endif
