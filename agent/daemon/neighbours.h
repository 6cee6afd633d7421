/* SPDX-License-Identifier: GPL-2.0 */
/* The table of neighbours of this member: the interfaces of its virtual routers go in,
 * records come out.
 */
#ifndef GWSYNC_AGENT_NEIGHBOURS_H
#define GWSYNC_AGENT_NEIGHBOURS_H

#include "daemon/lan.h"
#include "neigh/neigh.h"
#include "table/stored.h"
#include "table/tables.h"
#include "vrouter/vrouter.h"

struct neighbours {
	struct neigh		*neigh;		/* NULL: there is no such table */
	struct lans		lans;
	struct stored		stored;
};

/**
 * neighbours_init() - have the table, behind those that are there
 * @neighbours: zeroed; neighbours_exit() it, also after an error
 * @tables: where to
 * @ifaces: knows those that the configuration names
 * @vrouters: on whose interfaces, too
 *
 * Return: 0 or -errno.
 */
int neighbours_init(struct neighbours *neighbours, struct tables *tables,
		    const struct ifaces *ifaces, struct vrouters *vrouters);
void neighbours_exit(struct neighbours *neighbours);

/* Some times a second, and before a change of role: interfaces come and go. */
void neighbours_look(struct neighbours *neighbours);

#endif
