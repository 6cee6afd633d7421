/* SPDX-License-Identifier: GPL-2.0 */
/* Neighbours that the kernel is to forget, when there is time to ask it. */
#ifndef GWSYNC_AGENT_NEIGH_REMOVAL_H
#define GWSYNC_AGENT_NEIGH_REMOVAL_H

#include "neigh/kernel.h"
#include "neigh/place.h"

#define REMOVALS	4096

struct removals {
	struct neigh_target	target[REMOVALS];
	unsigned int		count;
};

/* False: too many wait. */
bool removals_add(struct removals *removals, const struct neigh_target *target);

/**
 * removals_work_off() - ask the kernel for them, but not for what has come back meanwhile
 * @removals: become fewer
 * @places: whose they are
 * @store: what is held
 * @kernel: is asked, and waited for
 * @until_ns: not for longer
 *
 * Return: false if there was no time for all of them.
 */
bool removals_work_off(struct removals *removals, const struct places *places,
		       const struct store *store, struct neigh_kernel *kernel,
		       uint64_t until_ns);

#endif
