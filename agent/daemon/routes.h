/* SPDX-License-Identifier: GPL-2.0 */
/* The table of routes of this member: its tables and interfaces go in, records come out. */
#ifndef GWSYNC_AGENT_ROUTES_H
#define GWSYNC_AGENT_ROUTES_H

#include <jansson.h>

#include "config/config.h"
#include "fib/fib.h"
#include "host/iface.h"
#include "table/stored.h"
#include "table/tables.h"
#include "vrouter/vrouter.h"

struct routes {
	struct fib		*fib;		/* NULL: there is no such table */
	const struct config	*config;
	const struct ifaces	*ifaces;
	struct vrouters		*vrouters;
	int			vrf[CONFIG_ROUTE_TABLES_MAX];	/* ifindex, as it was asked for */
	struct stored		stored;
	struct table_halves	*halves;
};

/**
 * routes_init() - have the table, behind those that are there
 * @routes: zeroed; routes_exit() it, also after an error
 * @tables: where to
 * @ifaces: knows those that the configuration names
 * @vrouters: on whose interfaces next hops are, too
 *
 * Return: 0 or -errno.
 */
int routes_init(struct routes *routes, struct tables *tables, const struct ifaces *ifaces,
		struct vrouters *vrouters);
void routes_exit(struct routes *routes);

/* Some times a second, and before a change of role: interfaces come and go. */
void routes_look(struct routes *routes);
/* The virtual routers' interfaces are up: what goes by them is live. */
void routes_settle(struct routes *routes);

/* The stream has room again; what waits is sent before this member is silent. */
void routes_resume(struct routes *routes);
void routes_drain(struct routes *routes);

/**
 * routes_json() - some of them
 * @cursor: 0 at first; moved
 * @most: how many
 *
 * Return: an array, new reference; fewer than @most: these were the last.
 */
json_t *routes_json(const struct routes *routes, uint32_t *cursor, unsigned int most);

#endif
