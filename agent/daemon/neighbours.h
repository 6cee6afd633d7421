/* SPDX-License-Identifier: GPL-2.0 */
/* The table of neighbours of this member: the interfaces of its virtual routers go in,
 * records come out.
 */
#ifndef GWSYNC_AGENT_NEIGHBOURS_H
#define GWSYNC_AGENT_NEIGHBOURS_H

#include <jansson.h>

#include "config/config.h"
#include "host/iface.h"
#include "neigh/neigh.h"
#include "table/stored.h"
#include "table/tables.h"
#include "vrouter/vrouter.h"

struct neighbours {
	struct neigh		*neigh;		/* NULL: there is no such table */
	const struct config	*config;
	const struct ifaces	*ifaces;
	struct vrouters		*vrouters;
	struct stored		stored;
	struct table_halves	*halves;
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

/* The stream has room again; what waits is sent before this member is silent. */
void neighbours_resume(struct neighbours *neighbours);
void neighbours_drain(struct neighbours *neighbours);

/**
 * neighbours_json() - some of them
 * @cursor: 0 at first; moved
 * @most: how many
 *
 * Return: an array, new reference; fewer than @most: these were the last.
 */
json_t *neighbours_json(const struct neighbours *neighbours, uint32_t *cursor, unsigned int most);

#endif
