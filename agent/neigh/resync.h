/* SPDX-License-Identifier: GPL-2.0 */
/* When all that the kernel has is to be looked at again, because of something that it did
 * not tell, or that was lost.  A look is work for all that there is: so the pause behind each
 * is so many times as long as it took.  And while events are lost, in a flood, one makes the
 * next one necessary: there the pauses grow.
 */
#ifndef GWSYNC_AGENT_NEIGH_RESYNC_H
#define GWSYNC_AGENT_NEIGH_RESYNC_H

#include <stdbool.h>
#include <stdint.h>

struct resync {
	bool		due;		/* at at_ns; 0: as soon as there is time */
	uint64_t	at_ns;
	uint64_t	began_ns;	/* the last one */
	uint64_t	rest_ns;	/* when the pause behind it ends */
	uint64_t	lost_ns;	/* when events were */
	uint64_t	wait_ns;	/* before the look for them */
};

/* As soon as there is time. */
void resync_now(struct resync *resync);

/**
 * resync_later() - there is a reason for one
 * @resync: gets a time, if it has none
 * @now_ns: loop_clock()
 * @wait_ns: what else happens within that is seen by the same look
 *
 * Return: how long it waits; UINT64_MAX: it was due anyway.
 */
uint64_t resync_later(struct resync *resync, uint64_t now_ns, uint64_t wait_ns);

/* The same, since events were lost. */
uint64_t resync_lost(struct resync *resync, uint64_t now_ns, uint64_t wait_ns);

/* A look begins, and ends, whether it has seen all or not; at loop_clock(). */
void resync_begin(struct resync *resync, uint64_t now_ns);
void resync_end(struct resync *resync, uint64_t now_ns);

static inline bool resync_is_due(const struct resync *resync, uint64_t now_ns)
{
	return resync->due && now_ns >= resync->at_ns;
}

#endif
