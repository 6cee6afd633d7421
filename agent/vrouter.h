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
struct loop;
struct vrouters;

struct vrouters *vrouters_alloc(struct loop *loop, const struct config *config, int *err);
void vrouters_free(struct vrouters *vrouters);	/* releases what is held */

/* Removes what a daemon that died has left; call before anything else. */
int vrouters_reset(struct vrouters *vrouters);

/* Addresses and vMAC up at once, then gratuitous ARP / unsolicited NA, and
 * again some times from a timer.  Idempotent.
 */
int vrouters_acquire(struct vrouters *vrouters);

/* Silent at once: nothing answers for the addresses when this returns. */
int vrouters_release(struct vrouters *vrouters);
/* All of them are up, and nothing is to be tried again. */
bool vrouters_complete(const struct vrouters *vrouters);
bool vrouters_held(const struct vrouters *vrouters);

/* False while an interface that a virtual router needs has no carrier. */
bool vrouters_healthy(const struct vrouters *vrouters);

/* Own addresses of this host, virtual ones included, for the filter. */
struct gwsync_filter_prefix;
unsigned int vrouters_own_addresses(const struct vrouters *vrouters,
				    struct gwsync_filter_prefix *prefix, unsigned int max);

/* Call @changed(@arg) from the loop when an address of the host came or went; it
 * may be called often.
 */
void vrouters_watch_addresses(struct vrouters *vrouters, void (*changed)(void *arg),
			      void *arg);

json_t *vrouters_json(const struct vrouters *vrouters);

#endif
