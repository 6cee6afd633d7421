/* SPDX-License-Identifier: GPL-2.0 */
/* The interface of a LAN on which virtual routers are.
 *
 * Parent and macvlan are in one LAN, so either could answer for the other's
 * addresses.  arp_ignore makes each answer for its own, with its own MAC;
 * arp_announce keeps the parent from naming a virtual address as the sender of an
 * ARP request, which would teach neighbours the wrong MAC.
 */
#ifndef GWSYNC_AGENT_PARENT_H
#define GWSYNC_AGENT_PARENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vrouter/fight.h"
#include "host/iface.h"
#include "vrouter/rtnl.h"

struct parent {
	const char	*name;		/* of the configuration, maybe an alternative one */
	char		link[IFNAMSIZ];	/* the kernel's, as it was last there */
	int		index;		/* 0: not there */
	int		vrf;		/* that it is in; 0: none */
	int		lower;		/* as in struct rtnl_link */
	uint32_t	mtu;
	uint32_t	carrier_ups;
	bool		carrier;
	uint32_t	forwarding;

	/* As they were found, and whether they have been changed since. */
	uint32_t	arp_ignore, arp_announce;
	bool		saved;
	struct fight	fight;
};

/**
 * parent_read() - look at the interface, which may not be there
 *
 * Return: true if it is another one, or has another MTU or VRF.
 */
bool parent_read(struct parent *parent, const struct ifaces *ifaces);

/* Is one of the settings that were changed no longer as it must be?  @text names it. */
bool parent_lacks(const struct parent *parent, char *text, size_t size);

/* Queue what sets them. */
void parent_mend(struct parent *parent, struct rtnl *rtnl);

/**
 * parent_restore() - queue what puts settings back as they were found
 * @name: of the interface
 * @index: its index
 * @arp_ignore: what was found
 * @arp_announce: the same
 *
 * What somebody has set to another value meanwhile is left alone.
 */
void parent_restore(struct rtnl *rtnl, const char *name, int index, uint32_t arp_ignore,
		    uint32_t arp_announce);

#endif
