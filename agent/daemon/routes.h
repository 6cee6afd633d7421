/* SPDX-License-Identifier: GPL-2.0 */
/* The table of routes of this member: its tables and interfaces go in, records come out. */
#ifndef GWSYNC_AGENT_ROUTES_H
#define GWSYNC_AGENT_ROUTES_H

#include "config/config.h"
#include "daemon/lan.h"
#include "fib/fib.h"
#include "table/stored.h"
#include "table/tables.h"
#include "vrouter/vrouter.h"

struct routes {
	struct fib		*fib;		/* NULL: there is no such table */
	const struct config	*config;
	struct lans		lans;
	bool			refused[CONFIG_ROUTE_TABLES_MAX];	/* and that was said */
	struct stored		stored;
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

#endif
