/* SPDX-License-Identifier: GPL-2.0 */
/* A loop that the target turns by hand, in a time of its own. */
#ifndef GWSYNC_SELFTESTS_FUZZ_LOOP_H
#define GWSYNC_SELFTESTS_FUZZ_LOOP_H

#include "base/loop.h"

#define FUZZ_LOOP_FDS	64
#define FUZZ_LOOP_TIMERS 16

struct loop {
	uint64_t		now_ns;
	unsigned int		fds, timers;
	struct loop_fd		*fd[FUZZ_LOOP_FDS];
	struct loop_timer	*timer[FUZZ_LOOP_TIMERS];
};

/* There is one, so that loop_clock() knows it. */
extern struct loop fuzz_loop;

/* Serve what is ready and due, until nothing is; fails after too many rounds. */
void fuzz_loop_turn(void);

#endif
