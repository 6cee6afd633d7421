/* SPDX-License-Identifier: GPL-2.0 */
/* When all that the kernel has is to be looked at again, because it told something that was
 * lost.  In a flood each look is work for all that there is, so the next one waits longer.
 */
#ifndef GWSYNC_AGENT_NEIGH_RESYNC_H
#define GWSYNC_AGENT_NEIGH_RESYNC_H

#include <stdbool.h>
#include <stdint.h>

struct resync {
	bool		due;		/* at at_ns; 0: as soon as there is time */
	uint64_t	at_ns;
	uint64_t	wait_ns;	/* before the last one */
	uint64_t	lost_ns;	/* when something was lost */
};

/* As soon as there is time. */
void resync_now(struct resync *resync);

/**
 * resync_later() - something was lost
 * @resync: gets a time, if it has none
 * @now_ns: loop_clock()
 * @first_ns: how long the first one waits, if nothing was lost for a while
 *
 * Return: how long it waits; UINT64_MAX: it was due anyway.
 */
uint64_t resync_later(struct resync *resync, uint64_t now_ns, uint64_t first_ns);

static inline bool resync_is_due(const struct resync *resync, uint64_t now_ns)
{
	return resync->due && now_ns >= resync->at_ns;
}

#endif
