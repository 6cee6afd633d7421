/* SPDX-License-Identifier: GPL-2.0 */
/* Links and addresses, as rtnetlink tells of them. */
#ifndef GWSYNC_AGENT_RTLINK_H
#define GWSYNC_AGENT_RTLINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

#define RTNL_ALIAS	256
#define RTNL_NAMES	8	/* alternative ones that are kept */

/* A link as the kernel tells; index 0: none of this name. */
struct rtnl_link {
	int		index;
	unsigned int	flags;		/* IFF_*, IFF_LOWER_UP */
	char		name[IFNAMSIZ];
	/* Others by which it is known, "" for none; longer ones no configuration takes. */
	char		alt[RTNL_NAMES][IFNAMSIZ];
	uint8_t		mac[6];
	uint32_t	mtu;
	int		master;		/* bridge, bond, VRF that it is a port of; 0: none */
	bool		in_vrf;		/* and that is a VRF */
	uint32_t	vrf_table;	/* of a VRF; 0: it is none */
	int		lower;		/* what a macvlan or VLAN is on; 0: none, or elsewhere */
	uint32_t	carrier_ups;	/* how often it got its carrier */
	bool		moved;		/* event: frames go out by another port from now on */
	bool		port;		/* event: of a bridge's port, as the bridge tells */
	bool		macvlan;
	uint32_t	mode;		/* of a macvlan */
	char		alias[RTNL_ALIAS];
};

/* An address as the kernel tells. */
struct rtnl_address {
	int		index;		/* of its link */
	uint8_t		family, prefix_len;
	uint8_t		addr[16];
	uint32_t	flags;		/* IFA_F_* */
	uint32_t	metric;		/* of the route to its network, 0: the usual */
};

/* Of RTM_NEWLINK and RTM_DELLINK; false: it is malformed. */
bool rtnl_link_read(const struct nlmsghdr *nlh, struct rtnl_link *link);

/* Is that its name, or an alternative one (ip link property add altname)? */
bool rtnl_link_named(const struct rtnl_link *link, const char *name);

/* Of RTM_NEWADDR and RTM_DELADDR; false: it is malformed, or of another family. */
bool rtnl_address_read(const struct nlmsghdr *nlh, struct rtnl_address *address);

#endif
