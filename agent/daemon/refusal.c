// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>

#include "base/log.h"
#include "base/loop.h"
#include "daemon/refusal.h"

#define REFUSAL_NS	(10 * NSEC_PER_SEC)	/* one line a kind in this time */

static const char *refusal_remedy(enum session_drop drop)
{
	switch (drop) {
	case SESSION_DROP_DUPLICATE:
		return "ANOTHER MACHINE USES THIS MEMBER ID; give each its own group.member";
	case SESSION_DROP_MEMBER:
		return "a member that this configuration does not name";
	case SESSION_DROP_MODE:
		return "sealed here and not there, or the reverse; compare auth and key_file";
	case SESSION_DROP_KEY:
	case SESSION_DROP_TAG:
		return "another key or a forgery; compare key_file";
	case SESSION_DROP_VERSION:
		return "another version of gwsync";
	default:
		return NULL;
	}
}

void refusals_add(struct refusals *refusals, uint64_t now_ns, enum session_drop drop,
		  const struct frame_head *head, unsigned int link,
		  const struct sockaddr_in *from)
{
	struct refusal *r = &refusals->of[drop];
	const char *remedy = refusal_remedy(drop);
	char address[INET_ADDRSTRLEN] = "?";

	if (!remedy)
		return;
	/* Of another group that shares the LAN, and another version: not our matter. */
	if (drop == SESSION_DROP_VERSION && head->group != refusals->group)
		return;
	r->last_ns = now_ns;
	r->from = *from;
	r->link = link;
	r->count++;
	/* An attacker must not fill the disk. */
	if (r->window_ns && now_ns - r->window_ns < REFUSAL_NS)
		return;
	r->last_count = r->count - 1;
	r->count = 1;
	r->window_ns = now_ns;
	inet_ntop(AF_INET, &from->sin_addr, address, sizeof(address));
	log_error("link %s: refused a datagram of %s: %s",
		  paths_name(refusals->speaker->paths, link), address, remedy);
}
