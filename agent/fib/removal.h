/* SPDX-License-Identifier: GPL-2.0 */
/* Copies that the kernel is to forget, when there is time to ask it: a sweep may take many
 * away at once, and a loop that waited for all of them would be late with its heartbeats.
 */
#ifndef GWSYNC_AGENT_FIB_REMOVAL_H
#define GWSYNC_AGENT_FIB_REMOVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "fib/route.h"
#include "table/store.h"

struct fib;

struct fib_removal {
	uint8_t		key_len;
	uint8_t		key[FIB_KEY_MAX];
	uint16_t	set;		/* that the copy is on, and keeps until it has gone */
};

struct fib_removals {
	struct fib_removal	*removal;
	uint32_t		count, most;
};

/**
 * fib_removals_init() - none yet
 * @removals: to be filled
 * @most: copies that may wait; memory is touched as far as they do
 *
 * Return: 0 or -ENOMEM.
 */
int fib_removals_init(struct fib_removals *removals, uint32_t most);
void fib_removals_exit(struct fib_removals *removals);

/**
 * fib_removals_add() - the copy of an entry goes
 * @fib: whose it is
 * @item: the entry, which may go before its copy does
 * @set: of next hops that the copy is on, 0: none; its reference passes on
 *
 * Too many that wait are worked off here and now.
 */
void fib_removals_add(struct fib *fib, const struct store_item *item, uint16_t set);

/**
 * fib_removals_work_off() - ask the kernel for them, but not for what has come back
 * @fib: whose they are
 * @until_ns: not for longer
 *
 * A set of next hops goes after the last of its copies: the kernel would else look for
 * them, route by route, once for each set.
 *
 * Return: false if there was no time for all of them.
 */
bool fib_removals_work_off(struct fib *fib, uint64_t until_ns);

#endif
