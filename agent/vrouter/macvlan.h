/* SPDX-License-Identifier: GPL-2.0 */
/* The interface of one virtual router: what is wanted of it, what the kernel has, and
 * how the one becomes the other.
 */
#ifndef GWSYNC_AGENT_MACVLAN_H
#define GWSYNC_AGENT_MACVLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "vrouter/fight.h"
#include "vrouter/parent.h"
#include "vrouter/rtnl.h"

#define MACVLAN_TEXT	320
#define MACVLAN_SETTINGS 7

/* What it lacks of what is wanted. */
enum macvlan_lack {
	MACVLAN_GONE	= 1 << 0,	/* it is not there */
	MACVLAN_DOWN	= 1 << 1,
	MACVLAN_UP	= 1 << 2,	/* though this member does not own */
	MACVLAN_FLAGS	= 1 << 3,	/* ARP or multicast are off */
	MACVLAN_MAC	= 1 << 4,
	MACVLAN_MODE	= 1 << 5,
	MACVLAN_MTU	= 1 << 6,
	MACVLAN_MASTER	= 1 << 7,	/* not in the VRF of its interface */
	MACVLAN_ALIAS	= 1 << 8,
};

struct macvlan_lacks {
	uint32_t	link;		/* enum macvlan_lack */
	uint32_t	addresses;	/* bit n: address[n] is not there */
	uint32_t	wrong;		/* of these: it is, but not as it must be */
	uint8_t		prefix_len[CONFIG_ADDRESSES_MAX];	/* that it has, then */
	uint32_t	settings;
	uint32_t	value[MACVLAN_SETTINGS];	/* what was found instead */
};

struct macvlan {
	const struct config_vrouter	*config;
	const char			*control;	/* socket, for the alias */
	struct parent			*parent;
	int				index;		/* 0: none */
	bool				up;		/* with its addresses, as far as known */
	bool				hushed;		/* it receives nothing */
	bool				whole;		/* once, since it was last made or moved */
	int				stray;		/* its index before it lost its name */
	struct macvlan_lacks		lacks;		/* at the last look */
	uint64_t			lacks_ns;	/* since when, 0: nothing */

	char				why[MACVLAN_TEXT];	/* not mended, "": it is */
	uint64_t			retry_ns;	/* then; not before */
	uint64_t			retry_wait_ns;
	struct fight			fight;
};

/**
 * macvlan_look() - compare what the kernel has with what is wanted
 * @held: does this member own?
 *
 * Return: 0, with what it lacks in @macvlan->lacks, or -errno: nothing is known.
 */
int macvlan_look(struct macvlan *macvlan, struct rtnl *rtnl, bool held);

/* By the last look: does it lack anything? */
bool macvlan_lacks(const struct macvlan *macvlan);

/* Are its settings other than they must be?  Asks without the kernel's lock of links. */
bool macvlan_settings_differ(const struct macvlan *macvlan);

/* What it lacks, in words that follow "gws1: ". */
void macvlan_lacks_text(const struct macvlan *macvlan, char *at, size_t size);

/**
 * macvlan_mend() - give it what it lacks by the last look
 * @held: does this member own?
 *
 * Return: 0 or -errno, with the reason in @macvlan->why, logged when it is another
 * one than before.
 */
int macvlan_mend(struct macvlan *macvlan, struct rtnl *rtnl, bool held);

/* If it is not there, make it, down and without addresses; 0 or -errno as above. */
int macvlan_ensure(struct macvlan *macvlan, struct rtnl *rtnl);

/* Queue: up, with every address.  Down, before and apart from the addresses. */
void macvlan_queue_up(struct macvlan *macvlan, struct rtnl *rtnl);
void macvlan_queue_down(struct macvlan *macvlan, struct rtnl *rtnl);
void macvlan_queue_clean(struct macvlan *macvlan, struct rtnl *rtnl);
/* Queue: it receives nothing from now on, until it was down. */
void macvlan_queue_hush(struct macvlan *macvlan, struct rtnl *rtnl);

/* It went with its parent, or cannot be known any more. */
void macvlan_forget(struct macvlan *macvlan);

/* Is that one of its addresses? */
bool macvlan_has(const struct macvlan *macvlan, uint8_t family, const uint8_t *addr);

/* Frames that came by it, as far as the host counts them. */
uint64_t macvlan_received(const struct macvlan *macvlan);

#endif
