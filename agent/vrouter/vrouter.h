/* SPDX-License-Identifier: GPL-2.0 */
/* Virtual routers: on the owner a macvlan with the virtual MAC, up and with
 * the virtual addresses; on every other member down and without them.
 */
#ifndef GWSYNC_AGENT_VROUTER_H
#define GWSYNC_AGENT_VROUTER_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct config;
struct ifaces;
struct loop;
struct vrouters;

/* @ifaces outlives them. */
struct vrouters *vrouters_alloc(struct loop *loop, struct ifaces *ifaces,
				const struct config *config, int *err);
void vrouters_free(struct vrouters *vrouters);	/* releases what is held */

/* Removes what a daemon that died has left, and makes what is not there; call before
 * anything else.  -errno: what is left cannot be removed, so that two may own.  What
 * cannot be made is tried again.
 */
int vrouters_reset(struct vrouters *vrouters);

/* Addresses and vMAC up at once, then gratuitous ARP / unsolicited NA, and
 * again some times from a timer.  Idempotent.
 */
int vrouters_acquire(struct vrouters *vrouters);

/* Nothing that comes for the virtual MAC is taken any more; the addresses are still
 * here, so that nobody in the kernel takes their going for the end of connections.  To
 * be followed by a release.
 */
void vrouters_hush(struct vrouters *vrouters);

/* Somebody else lets nothing pass them, in or out: a release, which takes a while, can
 * wait.  Until then they are up, and nobody mends that.
 */
void vrouters_quiet(struct vrouters *vrouters);
/* NULL: there are none any more. */
bool vrouters_is_quiet(const struct vrouters *vrouters);

/* Silent at once: nothing answers for the addresses when this returns. */
int vrouters_release(struct vrouters *vrouters);
/* All of them are up, and nothing is to be tried again. */
bool vrouters_complete(const struct vrouters *vrouters);
bool vrouters_held(const struct vrouters *vrouters);

/* Interfaces that have the virtual MACs, as far as they are there; returns how many. */
unsigned int vrouters_macvlans(const struct vrouters *vrouters, uint32_t *ifindex,
			       unsigned int max);

/* Where a virtual router is. */
struct vrouter_lan {
	const char	*name;
	uint8_t		vrid;
	int		macvlan, parent;	/* indexes, 0: not there */
	bool		up;			/* the macvlan, with its addresses */
	bool		carrier;		/* the parent has one */
	uint8_t		mac[6];			/* virtual */
};

/* Of number @i of them; false: there are not so many. */
bool vrouters_lan(const struct vrouters *vrouters, unsigned int i, struct vrouter_lan *lan);

/* Is that one of the virtual addresses? */
bool vrouters_has(const struct vrouters *vrouters, uint8_t family, const uint8_t *addr);

/* False while an interface that a virtual router needs has no carrier. */
bool vrouters_healthy(const struct vrouters *vrouters);

/* How many of them this member holds, or, while it does not own, could hold. */
unsigned int vrouters_able(const struct vrouters *vrouters, unsigned int *total);

unsigned int vrouters_count(const struct vrouters *vrouters);

/* Why number @i of them does not count as such; NULL: it does.  @name: which it is. */
const char *vrouters_poor(const struct vrouters *vrouters, unsigned int i, const char **name);

/* Frames that came by their interfaces, as far as the host counts them. */
uint64_t vrouters_received(const struct vrouters *vrouters);

/* Own addresses of this host, virtual ones included, for the filter. */
struct gwsync_filter_prefix;
unsigned int vrouters_own_addresses(const struct vrouters *vrouters,
				    struct gwsync_filter_prefix *prefix, unsigned int max);

json_t *vrouters_json(const struct vrouters *vrouters);

#endif
