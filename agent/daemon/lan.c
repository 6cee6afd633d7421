// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "daemon/lan.h"

/* As an uplink is whose next hop is not ours. */
static void lan_named(const struct ifaces *ifaces, const char *name,
		      struct neigh_interface *interface)
{
	const struct rtnl_link *link = ifaces_named(ifaces, name);

	*interface = (struct neigh_interface){ .vrouter = name, .role = NEIGH_PARENT };
	if (!link)
		return;
	interface->ifindex = link->index;
	interface->running = (link->flags & IFF_UP) && (link->flags & IFF_RUNNING);
	memcpy(interface->mac, link->mac, sizeof(interface->mac));
}

void lans_each(const struct lans *lans,
	       void (*seen)(void *arg, const struct neigh_interface *interface), void *arg)
{
	struct vrouter_lan lan;
	unsigned int i;

	for (i = 0; vrouters_lan(lans->vrouters, i, &lan); i++) {
		struct neigh_interface macvlan = {
			.vrouter = lan.name, .vrid = lan.vrid, .role = NEIGH_MACVLAN,
			.ifindex = lan.macvlan, .running = lan.up && lan.carrier, .tune = true,
		};
		const struct neigh_interface parent = {
			.vrouter = lan.name, .vrid = lan.vrid, .role = NEIGH_PARENT,
			.ifindex = lan.parent, .running = lan.carrier,
		};

		memcpy(macvlan.mac, lan.mac, sizeof(macvlan.mac));
		seen(arg, &macvlan);
		seen(arg, &parent);
	}
	for (i = 0; i < lans->count; i++) {
		struct neigh_interface interface;

		lan_named(lans->ifaces, lans->named[i], &interface);
		seen(arg, &interface);
	}
}
