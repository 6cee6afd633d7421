// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/ip.h>

#include "base/log.h"
#include "vrouter/parent.h"
#include "host/sysctl.h"

#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP 0x10000	/* linux/if.h and net/if.h do not go together */
#endif

#define PARENT_ARP_ANNOUNCE	2

/* 1 at least; who has set a stricter one keeps it. */
static uint32_t parent_arp_ignore(uint32_t found)
{
	return found ? found : 1;
}

static bool parent_has_carrier(const struct rtnl_link *link)
{
	return link->index && (link->flags & IFF_UP) && (link->flags & IFF_LOWER_UP);
}

bool parent_read(struct parent *parent, const struct ifaces *ifaces)
{
	static const struct rtnl_link none;
	const struct rtnl_link *link = ifaces_named(ifaces, parent->name);
	bool carrier, changed;
	int vrf;

	if (!link)
		link = &none;
	if (link->index != parent->index) {
		if (!link->index)
			log_warning("virtual routers: interface %s is not there", parent->name);
		parent->saved = false;
	}
	vrf = link->in_vrf ? link->master : 0;
	changed = link->index != parent->index || link->mtu != parent->mtu ||
		  vrf != parent->vrf;
	carrier = parent_has_carrier(link);
	if (carrier != parent->carrier)
		log_notice("virtual routers: %s %s", parent->name,
			   carrier ? "has a carrier" : "is down or has no carrier");
	parent->index = link->index;
	parent->mtu = link->mtu;
	parent->vrf = vrf;
	parent->lower = link->lower;
	parent->carrier = carrier;
	parent->carrier_ups = link->carrier_ups;
	if (!link->index)
		return changed;
	memcpy(parent->link, link->name, sizeof(parent->link));
	/* Of these nobody tells. */
	(void)sysctl_read(AF_INET, parent->link, "forwarding", &parent->forwarding);
	if (parent->saved)
		return changed;
	(void)sysctl_read(AF_INET, parent->link, "arp_ignore", &parent->arp_ignore);
	(void)sysctl_read(AF_INET, parent->link, "arp_announce", &parent->arp_announce);
	return changed;
}

bool parent_lacks(const struct parent *parent, char *text, size_t size)
{
	uint32_t value;

	if (!parent->saved || !parent->index)
		return false;
	if (sysctl_read(AF_INET, parent->link, "arp_ignore", &value) && !value) {
		snprintf(text, size, "arp_ignore=0");
		return true;
	}
	if (sysctl_read(AF_INET, parent->link, "arp_announce", &value) &&
	    value != PARENT_ARP_ANNOUNCE) {
		snprintf(text, size, "arp_announce=%" PRIu32, value);
		return true;
	}
	return false;
}

void parent_mend(struct parent *parent, struct rtnl *rtnl)
{
	struct rtnl_conf conf[] = {
		{ IPV4_DEVCONF_ARP_ANNOUNCE, PARENT_ARP_ANNOUNCE },
		{ IPV4_DEVCONF_ARP_IGNORE, parent_arp_ignore(parent->arp_ignore) },
	};
	uint32_t value;
	bool stricter;

	stricter = sysctl_read(AF_INET, parent->link, "arp_ignore", &value) && value;
	rtnl_link_conf(rtnl, parent->index, conf, stricter ? 1 : 2);
	parent->saved = true;
}

void parent_restore(struct rtnl *rtnl, const char *name, int index, uint32_t arp_ignore,
		    uint32_t arp_announce)
{
	struct rtnl_conf conf[2];
	unsigned int count = 0;
	uint32_t value;

	if (!sysctl_read(AF_INET, name, "arp_ignore", &value) ||
	    value == parent_arp_ignore(arp_ignore))
		conf[count++] = (struct rtnl_conf){ IPV4_DEVCONF_ARP_IGNORE, arp_ignore };
	if (!sysctl_read(AF_INET, name, "arp_announce", &value) || value == PARENT_ARP_ANNOUNCE)
		conf[count++] = (struct rtnl_conf){ IPV4_DEVCONF_ARP_ANNOUNCE, arp_announce };
	if (count)
		rtnl_link_conf(rtnl, index, conf, count);
}
