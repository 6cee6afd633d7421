/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of this room share: the table itself. */
#ifndef GWSYNC_AGENT_FIB_STATE_H
#define GWSYNC_AGENT_FIB_STATE_H

#include "base/loop.h"
#include "fib/fib.h"
#include "fib/kernel.h"
#include "fib/removal.h"
#include "fib/set.h"
#include "fib/source.h"
#include "neigh/place.h"
#include "neigh/resync.h"
#include "neigh/wanted.h"

#define FIB_WORK_NS	(20 * NSEC_PER_MSEC)	/* from one turn to the next */
#define FIB_REPAIR_NS	(100 * NSEC_PER_MSEC)

/* Of an entry, in its note; bits 16 to 18 are those of wanted.h, and above is its set. */
enum note {
	NOTE_INSTALLED	= 1 << 0,	/* there is a copy in the kernel */
	NOTE_SEEN	= 1 << 1,	/* since the last dump began */
	NOTE_MAIN	= 1 << 2,	/* the table that it is of has it; as an owner */
	NOTE_HELD	= 1 << 3,	/* it could not be installed, and is tried again */
	NOTE_SET_SHIFT	= 19,
};

struct fib {
	struct loop		*loop;
	struct fib_ops		ops;
	struct store		*store;
	struct fib_kernel	kernel;
	struct loop_fd		fd;
	struct loop_timer	timer;
	struct places		places;
	struct sets		sets;
	struct wanted		wanted;
	struct fib_removals	removals;

	struct sources		sources;

	uint32_t		hold_s;
	bool			active;
	uint64_t		active_ns;
	bool			held_over;	/* hold_s has passed */
	struct resync		resync;
	unsigned int		dump_at;	/* family and table, 0: the first */
	bool			dumps;		/* one is under way */
	bool			dump_own;	/* of routes, not of copies */
	bool			flip;		/* sets are to be flipped, or back */
	bool			sets_gone;	/* some set's object went */
	bool			rules_gone;	/* somebody removed a rule */
	uint64_t		slow_ns, retry_ns;
	uint32_t		retire;		/* cursor */
	bool			retired;
	struct fib_counts	counts;
};

/* The timer fires in so long, or sooner. */
static inline void fib_tick_in(struct fib *f, uint64_t delay_ns)
{
	if (!f->timer.due_ns || f->timer.due_ns > loop_clock() + delay_ns)
		loop_timer_in(f->loop, &f->timer, delay_ns);
}

#endif
