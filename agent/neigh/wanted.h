/* SPDX-License-Identifier: GPL-2.0 */
/* Entries for which something is still to be asked of the kernel, as marks in their notes:
 * to mark one costs nothing, and whoever has the time works them off.
 */
#ifndef GWSYNC_AGENT_NEIGH_WANTED_H
#define GWSYNC_AGENT_NEIGH_WANTED_H

#include "table/store.h"

#define WANTED_IDS	512		/* that are known; more are looked for */

/* In the upper half of a note. */
enum want {
	WANT_INSTALL	= 1 << 16,
	WANT_REPLACE	= 1 << 17,	/* so, whatever the kernel has */
	WANT_CONFIRM	= 1 << 18,	/* the host answered: it is the kernel's own */
	WANT_ANY	= WANT_INSTALL | WANT_REPLACE | WANT_CONFIRM,
};

struct wanted {
	uint32_t	count;
	unsigned int	ids;
	uint32_t	id[WANTED_IDS];
	uint32_t	cursor;
};

void wanted_add(struct wanted *wanted, const struct store_item *item, enum want want);
/* Not any more; also before an entry goes. */
void wanted_drop(struct wanted *wanted, const struct store_item *item, enum want want);

/* Asking the kernel: for one of them, and all that was asked for is sent. */
struct wanted_ops {
	void (*ask)(void *arg, const struct store_item *item, uint32_t what);
	void (*flush)(void *arg);
	unsigned int once;	/* so many are asked for before the clock is looked at */
};

/**
 * wanted_work_off() - ask for what is wanted
 * @wanted: becomes fewer
 * @store: of the entries
 * @ops: how, with @arg
 * @until_ns: not for longer
 *
 * Return: false if there was no time for all of them.
 */
bool wanted_work_off(struct wanted *wanted, const struct store *store,
		     const struct wanted_ops *ops, void *arg, uint64_t until_ns);

#endif
