/* SPDX-License-Identifier: GPL-2.0 */
/* What a daemon that died has left: macvlans that tell by their alias what they are.
 *
 * The alias is found on the host, whatever a configuration says by now.  It names
 * what the parent's settings were, so that they outlive the daemon for exactly as
 * long as what must undo them, and the control socket, which tells whether that
 * daemon lives.
 */
#ifndef GWSYNC_AGENT_LEFTOVER_H
#define GWSYNC_AGENT_LEFTOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "vrouter/rtnl.h"

struct leftover {
	char		name[IFNAMSIZ];
	int		index, parent;
	uint32_t	arp_ignore, arp_announce;	/* of the parent, as found */
	char		control[CONFIG_PATH_MAX];
};

/* The alias of a macvlan of a daemon with this control socket. */
void leftover_alias(char alias[RTNL_ALIAS], uint32_t arp_ignore, uint32_t arp_announce,
		    const char *control);

/* Is it a macvlan of gwsync's? */
bool leftover_parse(const struct rtnl_link *link, struct leftover *leftover);

/**
 * leftovers_clear() - remove those of daemons that are dead
 * @rtnl: an open socket
 * @control: of the daemon that asks, whose own leftovers they may be; NULL: none
 * @keep: called for each before it goes; true: its parent's settings are the
 *	caller's matter from now on, and not put back; may be NULL
 * @arg: for @keep
 *
 * Return: 0, -EBUSY if some are a living daemon's and were left alone, or the first
 * error; the others are tried all the same.
 */
int leftovers_clear(struct rtnl *rtnl, const char *control,
		    bool (*keep)(void *arg, const struct leftover *leftover), void *arg);

#endif
