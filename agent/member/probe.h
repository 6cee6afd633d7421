/* SPDX-License-Identifier: GPL-2.0 */
/* Probes: does the host's own firewall let heartbeats out and in?
 *
 * A backup behind rules that drop UDP 8116 hears nobody, and would take a living
 * owner for dead.  Now and then, and with each heartbeat while the owner is
 * silent, a heartbeat is sent so that the kernel gives it back to this host as
 * well: through the output and the input hook, as one from the interface.  What
 * does not come back was dropped here.
 */
#ifndef GWSYNC_AGENT_PROBE_H
#define GWSYNC_AGENT_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "member/member.h"
#include "wire/path.h"
#include "wire/speaker.h"

struct probe {
	uint64_t	sent_ns;	/* the last one that should come back, 0: never */
	uint64_t	back_ns;	/* the last one that did, 0: never */
	unsigned int	missed;		/* in a row */
	unsigned int	awaited;	/* are under way: a busy host sends two before it reads */
};

struct probes {
	const struct speaker	*speaker;
	struct member		*member;	/* is told when all is kept back */
	struct probe		link[PATHS_MAX];
};

/* Is the next heartbeat on this link to come back to this host? */
bool probe_is_due(const struct probes *probes, unsigned int link, uint64_t now_ns);
void probe_sent(struct probes *probes, unsigned int link, uint64_t now_ns);
/* A datagram of this member came.  Returns whether it is one of those that were to come. */
bool probe_back(struct probes *probes, unsigned int link, uint64_t now_ns);
/* The link went up or down: what was on the way does not come back. */
void probe_forget(struct probes *probes, unsigned int link);
/* Does the firewall here keep this link's datagrams from this member? */
bool probe_is_blocked(const struct probes *probes, unsigned int link);
/* Each heartbeat: does it keep all? */
void probe_check(struct probes *probes, uint64_t now_ns);

#endif
