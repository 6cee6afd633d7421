/* SPDX-License-Identifier: GPL-2.0 */
/* The RIBs of this host: what its routing daemon tells by BGP, a table a session. */
#ifndef GWSYNC_AGENT_DAEMON_RIB_H
#define GWSYNC_AGENT_DAEMON_RIB_H

#include <jansson.h>

#include "base/loop.h"
#include "bgp/session.h"
#include "config/config.h"
#include "rib/rib.h"

struct rib_table {
	const struct config_bgp	*config;
	struct loop		*loop;
	struct rib		*rib;
	struct bgp_session	*session;
	uint32_t		set;		/* of the routes that come now */
	struct loop_timer	sweep, stale, refresh;
	bool			sweeping[__BGP_FAMILIES];
	uint32_t		cursor[__BGP_FAMILIES];
	uint64_t		full;		/* paths refused: too many, or their attributes */
	bool			incomplete;	/* some were, since the daemon told all */
	uint64_t		complain_free_ns;
};

struct ribs {
	struct rib_table	table[CONFIG_BGP_MAX];
	unsigned int		tables;
};

/**
 * ribs_start() - speak with the routing daemon, as far as the configuration says so
 * @ribs: zeroed; ribs_exit() it, also after an error
 *
 * Return: 0 or -errno.
 */
int ribs_start(struct ribs *ribs, struct loop *loop, const struct config *config);
void ribs_exit(struct ribs *ribs);

/* Of the status: each table, its session, and counts. */
json_t *ribs_json(const struct ribs *ribs);

/* The answer to "routes": some of the paths, of one prefix or table if it is asked for. */
json_t *ribs_routes(const struct ribs *ribs, const json_t *request);

#endif
