/* SPDX-License-Identifier: GPL-2.0 */
/* Health: how well could this member serve, and how has it served?
 *
 * It is more than yes or no.  Of two members that each lack a LAN the one that
 * lacks less should own; and a LAN on which no other member is heard, though all
 * have carrier, is cut somewhere: by it two members are told apart that would
 * seem equally well.
 */
#ifndef GWSYNC_AGENT_HEALTH_H
#define GWSYNC_AGENT_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "member/member.h"
#include "member/peer.h"
#include "wire/speaker.h"

/* What this member has to serve with. */
struct health_means {
	unsigned int	routers, able;	/* virtual routers, and how many it can hold */
	bool		carrier;	/* no interface of them lacks it */
	bool		passive;	/* the kernel half does not own what is here */
	bool		no_kernel;	/* it is wanted, and not attached */
};

struct health_ops {
	struct health_means (*means)(void *arg);
	/* Frames that virtual routers have received. */
	uint64_t (*received)(void *arg);
	void *arg;
};

struct health {
	struct health_ops	ops;
	const struct speaker	*speaker;
	struct member		*member;	/* is told */
	const struct peers	*peers;

	const char		*poor;		/* why it is not full, NULL: it is */

	/* As owner, while no other member is heard: */
	uint64_t		service_look_ns;
	uint64_t		service_frames;	/* that virtual routers had received then */
	uint32_t		service_ms;
	bool			service_heard;	/* another member, since the last look */
	bool			service_rival;	/* and one that owned, by its last word */
};

/* Some times a second: how well could this member serve? */
void health_check(struct health *health);
/* As owner: has it served, while no other member is heard? */
void health_check_service(struct health *health, uint64_t now_ns);

#endif
