/* SPDX-License-Identifier: GPL-2.0 */
/* Datagrams of this group and its members that were refused, by reason: said, and kept for
 * who looks for what is wrong.
 */
#ifndef GWSYNC_AGENT_REFUSAL_H
#define GWSYNC_AGENT_REFUSAL_H

#include <stdint.h>

#include <netinet/in.h>

#include "wire/session.h"
#include "wire/speaker.h"

struct refusal {
	uint64_t		window_ns;	/* when the present ten seconds began */
	uint64_t		last_ns;
	uint32_t		count, last_count;	/* of them, and of those before */
	struct sockaddr_in	from;
	unsigned int		link;
};

struct refusals {
	const struct speaker	*speaker;
	uint8_t			group;
	struct refusal		of[__SESSION_DROP_MAX];
};

/* One of another group is not counted; few are logged, however many there are. */
void refusals_add(struct refusals *refusals, uint64_t now_ns, enum session_drop drop,
		  const struct frame_head *head, unsigned int link,
		  const struct sockaddr_in *from);

#endif
