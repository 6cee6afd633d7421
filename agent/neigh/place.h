/* SPDX-License-Identifier: GPL-2.0 */
/* Where neighbours are: the interfaces of virtual routers, by what their keys say of them
 * and by what the kernel does.
 */
#ifndef GWSYNC_AGENT_NEIGH_PLACE_H
#define GWSYNC_AGENT_NEIGH_PLACE_H

#include "neigh/neigh.h"

#define PLACE_SLOTS	(2 * NEIGH_INTERFACES_MAX)

struct place {
	char		name[32];
	uint32_t	id;		/* of the name, in keys */
	uint8_t		vrid;
	enum neigh_role	role;
	int		ifindex;	/* 0: it is not here now */
	bool		moved;		/* it has another interface than its entries know */
	bool		running;
	uint64_t	running_ns;	/* since when */
	uint8_t		mac[6];
};

struct places {
	struct place	place[NEIGH_INTERFACES_MAX];
	unsigned int	count;
	uint16_t	by_key[PLACE_SLOTS];	/* place + 1, 0: none; half are */
};

/* That of @key, NULL: no virtual router here has it.  Asked for each entry, at the gate too. */
struct place *places_by_key(const struct places *places, const uint8_t *key);

/* Of virtual routers with the same parent the one that is the first on all members, and
 * before the interface itself, which others may not name: its vrid is 0.
 */
struct place *places_by_index(const struct places *places, int ifindex);

/* Made if it is new, NULL: there are too many. */
struct place *places_of(struct places *places, const struct neigh_interface *interface);

/* Those of a table. */
const struct places *neigh_places(const struct neigh *neigh);

#endif
