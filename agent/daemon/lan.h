/* SPDX-License-Identifier: GPL-2.0 */
/* The interfaces that tables of this member are about: those of its virtual routers, and
 * others that the configuration names.
 */
#ifndef GWSYNC_AGENT_LAN_H
#define GWSYNC_AGENT_LAN_H

#include "host/iface.h"
#include "neigh/neigh.h"
#include "vrouter/vrouter.h"

struct lans {
	struct vrouters		*vrouters;
	const struct ifaces	*ifaces;
	const char		(*named)[IFNAMSIZ];	/* that carry no virtual router */
	unsigned int		count;			/* of those */
};

/**
 * lans_each() - all of them, as they are now
 * @lans: where to look
 * @seen: is told of each; one that is not there has no index
 * @arg: of @seen
 */
void lans_each(const struct lans *lans,
	       void (*seen)(void *arg, const struct neigh_interface *interface), void *arg);

#endif
