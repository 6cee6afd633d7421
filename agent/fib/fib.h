/* SPDX-License-Identifier: GPL-2.0 */
/* The table of routes: what the owner's kernel forwards by.
 *
 * The owner observes the routes of main and of the VRFs that are named, whatever daemon
 * made them; not those that each member has by itself.  A backup has them in its kernel, in
 * tables of gwsync's own (8116 and on) which no rule leads to: nothing there is looked up,
 * not for its own packets either, until it is an owner.  Their next hops are groups that
 * lead nowhere, so that no interface that is down keeps a route out; see set.h.
 *
 * Activation flips these groups and adds the rules: what it costs goes by the number of
 * distinct sets of next hops, not of routes.  Rules around main, by their priorities:
 *
 *	32764	main, but for its default routes
 *	32765	ours, likewise
 *	32766	main (the kernel's)
 *	32767	default (the kernel's)
 *	32768	ours
 *
 * so a route of main is better than a copy of the same prefix, always, and a default route
 * of main is none that hides what is more specific among the copies.  For a VRF the same
 * around its l3mdev rule (1000), for what comes from it or is bound to it.
 *
 * After hold_s as an owner the rules go, in one step; then the copies, a few at a time.
 */
#ifndef GWSYNC_AGENT_FIB_FIB_H
#define GWSYNC_AGENT_FIB_FIB_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "fib/route.h"
#include "neigh/neigh.h"
#include "table/store.h"

#define FIB_MOST	262144		/* entries, by default */

struct fib;
struct loop;

struct fib_config {
	uint32_t	most;		/* entries, 0: FIB_MOST */
	uint32_t	hold_s;		/* of copies, as an owner */
	uint8_t		hash_key[STORE_HASH_KEY];	/* see store.h */
};

/* All may be NULL; see struct store_ops. */
struct fib_ops {
	void (*ready)(void *arg);
	void (*swept)(void *arg, uint8_t owner, uint32_t count);
	void (*compared)(void *arg, uint8_t owner, uint32_t differing);
	void *arg;
};

struct fib_counts {
	uint32_t	installed;	/* now, copies in the kernel */
	uint32_t	held;		/* now, those that cannot be there */
	uint32_t	sets, sets_live;	/* now, distinct next hops, and which lead on */
	uint32_t	unnamed;	/* as owner: by an interface that has no name here */
	uint32_t	unfit;		/* as owner: of what no record can say */
	uint64_t	repaired;	/* that somebody else took away */
	uint64_t	refused;	/* requests, by the kernel */
	uint64_t	lost;		/* events */
	uint32_t	activated;	/* at the last activation: entries */
	uint64_t	activate_ns;	/* and how long it took */
	bool		forwarding;	/* the rules are there */
};

/* NULL and @err: it cannot be.  What an earlier run has left is removed. */
struct fib *fib_alloc(struct loop *loop, const struct fib_config *config,
		      const struct fib_ops *ops, int *err);
void fib_free(struct fib *fib);
struct store *fib_store(const struct fib *fib);

/**
 * fib_table() - a table of the kernel that is replicated, or is known better now
 * @fib: of at most FIB_TABLES
 * @name: "main", or "vrf:" and the name of the VRF; the same on all members
 * @number: the kernel's, 0: it is not there now
 *
 * Return: 0 or -ENOSPC.
 */
int fib_table(struct fib *fib, const char *name, uint32_t number);
/* An interface that next hops may be on, as for neighbours; 0 or -ENOSPC. */
int fib_interface(struct fib *fib, const struct neigh_interface *interface);

/* What is held of @owners forwards; what could not, by an interface that was down, when it
 * is up.
 */
void fib_activate(struct fib *fib, uint64_t owners);
void fib_settle(struct fib *fib);
/* No copy forwards any more; what was own is @owner's. */
void fib_deactivate(struct fib *fib, uint8_t owner, uint32_t epoch);

void fib_counts(const struct fib *fib, struct fib_counts *counts);
/* New references. */
json_t *fib_json(const struct fib *fib);
json_t *fib_item_json(const struct fib *fib, const struct store_item *item);
/* For that: names, NULL: not known here. */
const char *fib_table_name(const struct fib *fib, uint32_t table_id);
const char *fib_hop_name(const struct fib *fib, const struct fib_hop *hop);
bool fib_installed(const struct store_item *item);

#endif
