/* SPDX-License-Identifier: GPL-2.0 */
/* Sets of next hops: each distinct one is one nexthop object of the kernel, on which all
 * routes are that have it; a group, if there are several.
 *
 * It leads nowhere, as a blackhole or as a group whose one member is one, until it is
 * flipped: it is replaced, whatever number of routes is on it.  What net/ipv4/nexthop.c
 * makes of that; 6.1.192 and 6.12.117 have the same:
 * - A group can be replaced by a group alone (replace_nexthop_grp()), and a blackhole may be
 *   the only member of one (valid_group_nh()).  So what has several next hops is always one.
 * - That waits for a grace period (synchronize_net()), some 3 ms each; the replacement of a
 *   plain one does not (replace_nexthop_single()), and most sets are of one next hop.
 * - For IPv6 both take some microseconds for each route (fib6_update_sernum()).  So one next
 *   hop of IPv6 leads on before, if its interface is up: no rule leads to its routes.
 * - A next hop's interface has to be up and have a carrier (rtm_to_nh_config()).  When it
 *   goes down the object goes, then the group that has no other one, then its routes,
 *   without a word on each of them (nexthop_flush_dev(), __remove_nexthop_fib()).
 */
#ifndef GWSYNC_AGENT_FIB_SET_H
#define GWSYNC_AGENT_FIB_SET_H

#include "fib/kernel.h"
#include "neigh/place.h"

#define FIB_SETS	8191		/* with 0, none, in 13 bits */
#define SET_BYTES	(FIB_VALUE_MAX - FIB_VALUE_HEAD)

struct set {
	uint32_t	refs;		/* routes; 0: it is free */
	uint16_t	next;		/* of its chain, or of those that are free */
	uint16_t	bad;		/* hops that the kernel did not take */
	uint8_t		family, hops;
	bool		made;		/* the kernel has its object */
	bool		gone;		/* it went, and its routes are to be looked for */
	bool		doubt;		/* it may have: events were lost */
	bool		live;		/* and it leads somewhere */
	bool		tried;
	uint8_t		members;	/* of its group, when it is live */
	struct fib_hop	hop[FIB_HOPS];
};

struct sets {
	struct fib_kernel *kernel;
	const struct places *places;
	struct set	*set;		/* FIB_SETS + 1, the first is not used */
	uint16_t	chain[4096];
	uint16_t	free, top;
	unsigned int	used, live;
	uint64_t	full;
	bool		blackholes;	/* the kernel has them */
};

int sets_init(struct sets *sets, struct fib_kernel *kernel, const struct places *places);
/* The kernel's objects go, and the routes on them with them. */
void sets_exit(struct sets *sets);

/* The set of a route's next hops, and one more user of it; 0: there are too many. */
uint16_t sets_get(struct sets *sets, const struct fib_route *route);
void sets_put(struct sets *sets, uint16_t id);

/* Its object is in the kernel, and leads nowhere, or on early; see above. */
void set_make(struct sets *sets, uint16_t id);
/* If that was what leads nowhere, it is made again. */
void sets_nowhere_gone(struct sets *sets, uint32_t nexthop);
uint32_t set_nexthop(uint16_t id);
/* Is it no group? */
bool set_is_plain(const struct set *set);

/* Which one a nexthop object is of; *hop is FIB_HOPS for the set's own.  0: none. */
uint16_t sets_of_nexthop(const struct sets *sets, uint32_t nexthop, unsigned int *hop);

/**
 * set_flip() - a set leads where its next hops are
 * @sets: all of them
 * @id: the one
 * @running: only interfaces that are known to be up; else it is tried
 *
 * Nothing happens if none of them is here; see @bad for those that the kernel refuses.
 */
void set_flip(struct sets *sets, uint16_t id, bool running);
/* All that do not yet, or as many as there is time for, the quick ones first; twice, so
 * that one next hop that is refused spoils no other.
 * Return: false: it is to be called again.
 */
bool sets_flip(struct sets *sets, bool running, uint64_t until_ns);
/* And nowhere, likewise. */
bool sets_flip_back(struct sets *sets, uint64_t until_ns);
/* Its object went, and its routes with it, which are to be looked for. */
void sets_lost(struct sets *sets, uint16_t id);
/* The kernel did not take a set's hop, or with FIB_HOPS its own object. */
void sets_refused(struct sets *sets, uint16_t id, unsigned int hop, bool active);
/* Events were lost: who needs one makes it again. */
void sets_doubt(struct sets *sets);
/* Those by an interface went; true: some set is lost. */
bool sets_link_down(struct sets *sets, int ifindex);
/* An interface is up: live sets lead on by it, too. */
void sets_link_up(struct sets *sets, int ifindex);
/* It leads nowhere and must not be looked up: the kernel forgets it, and its routes. */
void set_drop(struct sets *sets, uint16_t id);

#endif
