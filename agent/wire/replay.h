/* SPDX-License-Identifier: GPL-2.0 */
/* Replay window of one sender and boot id: each counter is accepted once. */
#ifndef GWSYNC_AGENT_REPLAY_H
#define GWSYNC_AGENT_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

/* Datagrams that may overtake each other: a power of two. */
#define REPLAY_BITS	2048

struct replay {
	uint64_t	highest;
	uint64_t	seen[REPLAY_BITS / 64];
};

/**
 * replay_init() - start a window
 * @replay: the window
 * @highest: this counter and all below count as seen
 */
void replay_init(struct replay *replay, uint64_t highest);

/**
 * replay_accept() - has this counter not been seen?
 * @replay: the window
 * @counter: of an authenticated datagram
 *
 * Return: true once for each counter; false for a repetition, for one that is
 * REPLAY_BITS - 64 or more behind the highest, and for 0.
 */
bool replay_accept(struct replay *replay, uint64_t counter);

#endif
