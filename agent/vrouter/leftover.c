// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "control/control.h"
#include "vrouter/leftover.h"
#include "vrouter/parent.h"

#define LEFTOVER_ALIAS		"gwsync virtual router,"
#define LEFTOVER_CONTROL	" control="
#define LEFTOVERS		64	/* of one look; there is another one then */

void leftover_alias(char alias[RTNL_ALIAS], uint32_t arp_ignore, uint32_t arp_announce,
		    const char *control)
{
	snprintf(alias, RTNL_ALIAS,
		 LEFTOVER_ALIAS " arp_ignore=%" PRIu32 " arp_announce=%" PRIu32
		 LEFTOVER_CONTROL "%s", arp_ignore, arp_announce, control);
}

static bool alias_number(const char *alias, const char *key, uint32_t *value)
{
	const char *at = strstr(alias, key);
	unsigned long number;
	char *end;

	if (!at)
		return false;
	at += strlen(key);
	errno = 0;
	number = strtoul(at, &end, 10);
	*value = (uint32_t)number;
	return end != at && !errno && number <= UINT32_MAX;
}

bool leftover_parse(const struct rtnl_link *link, struct leftover *leftover)
{
	const char *control;

	if (!link->macvlan || strncmp(link->alias, LEFTOVER_ALIAS, strlen(LEFTOVER_ALIAS)) ||
	    !alias_number(link->alias, " arp_ignore=", &leftover->arp_ignore) ||
	    !alias_number(link->alias, " arp_announce=", &leftover->arp_announce))
		return false;
	/* The last one, and it may hold whatever a path may; older ones have none. */
	control = strstr(link->alias, LEFTOVER_CONTROL);
	snprintf(leftover->control, sizeof(leftover->control), "%s",
		 control ? control + strlen(LEFTOVER_CONTROL) : CONFIG_DEFAULT_CONTROL);
	memcpy(leftover->name, link->name, sizeof(leftover->name));
	leftover->index = link->index;
	leftover->parent = link->lower;
	return true;
}

struct leftovers {
	const char	*control;
	unsigned int	count, alive;
	bool		more;
	struct leftover	leftover[LEFTOVERS];
};

static void leftovers_found(void *arg, const struct rtnl_link *link)
{
	struct leftovers *all = arg;
	struct leftover leftover;

	if (!leftover_parse(link, &leftover))
		return;
	if ((!all->control || strcmp(all->control, leftover.control)) &&
	    control_is_served(leftover.control)) {
		if (!all->alive++)
			log_warning("%s is a virtual router of another gwsyncd, which runs (%s)",
				    leftover.name, leftover.control);
		return;
	}
	if (all->count < LEFTOVERS)
		all->leftover[all->count++] = leftover;
	else
		all->more = true;
}

static int leftover_clear(struct rtnl *rtnl, const struct leftover *leftover, bool restore)
{
	char parent[IFNAMSIZ];
	int err;

	log_notice("removing %s of a daemon that was killed", leftover->name);
	rtnl_link_del(rtnl, leftover->index);
	if (restore && leftover->parent &&
	    if_indextoname((unsigned int)leftover->parent, parent))
		parent_restore(rtnl, parent, leftover->parent, leftover->arp_ignore,
			       leftover->arp_announce);
	err = rtnl_commit(rtnl);
	if (err)
		log_error("%s: %s", leftover->name, rtnl->why);
	return err;
}

int leftovers_clear(struct rtnl *rtnl, const char *control,
		    bool (*keep)(void *arg, const struct leftover *leftover), void *arg)
{
	struct leftovers all = { .control = control };
	unsigned int i, tries = 3;
	int err, first = 0;

	do {
		all.count = 0;
		all.alive = 0;
		all.more = false;
		err = rtnl_links(rtnl, leftovers_found, &all);
		if (err == -EINTR && --tries)
			continue;	/* links came or went meanwhile */
		if (err)
			return err;
		for (i = 0; i < all.count; i++) {
			bool kept = keep && keep(arg, &all.leftover[i]);

			err = leftover_clear(rtnl, &all.leftover[i], !kept);
			first = first ? first : err;
		}
		err = 0;
	} while (err || (all.more && !first));
	return first ? first : all.alive ? -EBUSY : 0;
}
