/* SPDX-License-Identifier: GPL-2.0 */
/* The table of neighbours: which host of a virtual router's LAN has which MAC.
 *
 * The owner observes what its kernel learned on the interfaces that are handed in here.
 * A backup has the entries in its store and in its kernel, on macvlans that are down, so
 * that nothing is left to be done when it takes over but what its kernel lost meanwhile.
 * There they are STALE: a packet goes to the MAC at once, and is what has it checked.
 *
 * An entry that the kernel of the owner forgets is gone for the others after
 * NEIGH_LINGER_MS, and only while its interface has a carrier: a cable that is pulled, or
 * an interface that goes down for a switchover, makes a kernel forget all of them, just
 * when the heir will need them.  After NEIGH_AWAY_S it is gone all the same: what is never
 * plugged in again, or no virtual router here has, is not to fill the table.
 *
 * A key names virtual router and role of the interface, not its index or name: members
 * may differ.  An interface without a virtual router is known by what the configuration
 * calls it.
 */
#ifndef GWSYNC_AGENT_NEIGH_H
#define GWSYNC_AGENT_NEIGH_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "neigh/key.h"
#include "table/store.h"

#define NEIGH_MOST		65536	/* entries, by default */
#define NEIGH_INTERFACES_MAX	512
#define NEIGH_LINGER_MS		10000
#define NEIGH_AWAY_S		600	/* even without a carrier, or its interface */
#define NEIGH_RETIRE_S		300	/* then even those that nobody used are the kernel's */

struct loop;
struct neigh;

struct neigh_interface {
	const char	*vrouter;	/* its name, the same on all members */
	uint8_t		vrid;
	enum neigh_role	role;
	int		ifindex;	/* 0: it is not there now */
	bool		running;	/* it is up and has a carrier */
	bool		tune;		/* its settings may be changed: see neigh_kernel_tune() */
	uint8_t		mac[6];		/* its own, which is no neighbour's */
};

struct neigh_config {
	uint32_t	most;		/* entries, 0: NEIGH_MOST */
	uint8_t		hash_key[STORE_HASH_KEY];	/* see store.h */
};

/* All may be NULL. */
struct neigh_ops {
	/* Is that an address of this host, or a virtual one? */
	bool (*own)(void *arg, uint8_t family, const uint8_t *addr);
	/* See struct store_ops. */
	void (*ready)(void *arg);
	void (*swept)(void *arg, uint8_t owner, uint32_t count);
	void (*compared)(void *arg, uint8_t owner, uint32_t differing);
	void *arg;
};

struct neigh_counts {
	uint32_t	installed;	/* now, replicas in the kernel */
	uint32_t	missing;	/* now, those that are not though they should be */
	uint64_t	learned;	/* by the own kernel, as owner */
	uint64_t	failed;		/* hosts that did not answer, as owner */
	uint64_t	moved;		/* hosts with another MAC than before, as owner */
	uint64_t	former;		/* entries of a former life that were removed */
	uint64_t	refused;	/* requests, by the kernel */
	uint64_t	lost;		/* events, so that all were looked at */
	uint64_t	activate_ns;	/* that the last activation took */
	uint32_t	activated;	/* entries, at the last activation */
	uint32_t	limit[2];	/* gc_thresh3 of IPv4, IPv6; 0: not known */
};

/* @err: -errno with NULL. */
struct neigh *neigh_alloc(struct loop *loop, const struct neigh_config *config,
			  const struct neigh_ops *ops, int *err);
void neigh_free(struct neigh *neigh);

/**
 * neigh_interface() - an interface came, changed or went
 * @neigh: where to
 * @interface: known again by @vrouter, @vrid and @role
 *
 * Return: 0 or -ENOSPC.
 */
int neigh_interface(struct neigh *neigh, const struct neigh_interface *interface);

/* What is to be emitted, walked, applied, swept and compared. */
struct store *neigh_store(const struct neigh *neigh);

/**
 * neigh_activate() - what is held of @owners is own, and goes into the kernel
 * @neigh: of a backup; to be called before the addresses are there
 * @owners: bit n: member n
 *
 * Waits for nothing but the kernel's own work on what it does not have yet, and for that
 * not longer than 20 ms: the rest comes when there is time.
 *
 * Return: how many entries are not there yet.
 */
int neigh_activate(struct neigh *neigh, uint64_t owners);

/* To be called before the interfaces go down. */
void neigh_deactivate(struct neigh *neigh, uint8_t owner, uint32_t epoch);

void neigh_counts(const struct neigh *neigh, struct neigh_counts *counts);

/* Has the kernel it from us? */
bool neigh_installed(const struct store_item *item);

/* New references: counts for the status, and one entry. */
json_t *neigh_json(const struct neigh *neigh);
json_t *neigh_item_json(const struct neigh *neigh, const struct store_item *item);

#endif
