/* SPDX-License-Identifier: GPL-2.0 */
/* A fight: another program takes away what this one puts back, again and again.
 *
 * What is taken once is back at once.  The more often it happens, the longer each
 * mending waits, up to a limit; and who lost so much in so little time is not to be
 * trusted with it for a while, for longer each time.  Pure: time comes from outside.
 */
#ifndef GWSYNC_AGENT_FIGHT_H
#define GWSYNC_AGENT_FIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"

#define FIGHT_MENDINGS		6	/* within FIGHT_WINDOW_NS: it is one */
#define FIGHT_WINDOW_NS		(10 * NSEC_PER_SEC)
#define FIGHT_FIRST_NS		(20 * NSEC_PER_MSEC)
#define FIGHT_MOST_NS		(800 * NSEC_PER_MSEC)	/* between two mendings */
#define FIGHT_HOLD_NS		(600 * NSEC_PER_SEC)	/* not trusted, the first time */
#define FIGHT_HOLD_MOST_NS	(86400 * NSEC_PER_SEC)

struct fight {
	uint64_t	mended_ns[FIGHT_MENDINGS];	/* the last ones, a ring */
	unsigned int	next;
	uint64_t	hold_ns;	/* of the last fight, 0: none yet */
	uint64_t	until_ns;	/* not trusted before */
};

/* Not before this may it be mended again; 0: at once. */
uint64_t fight_due_ns(const struct fight *fight, uint64_t now_ns);

/* Something was put back.  Return: true if that makes it a fight. */
bool fight_mended(struct fight *fight, uint64_t now_ns);

static inline bool fight_is_on(const struct fight *fight, uint64_t now_ns)
{
	return now_ns < fight->until_ns;
}

#endif
