/* SPDX-License-Identifier: GPL-2.0 */
/* The other members, as they are heard here. */
#ifndef GWSYNC_AGENT_PEER_H
#define GWSYNC_AGENT_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "wire/frame.h"
#include "wire/path.h"

struct peer {
	uint8_t		id;
	uint64_t	bit;
	const char	*name;

	uint64_t	heard_ns[PATHS_MAX];	/* by own link; 0: never in this session */
	uint64_t	sent_ns[FRAME_LINKS_MAX];	/* by its link, that it was sent on */
	uint64_t	hears;		/* own links by which it hears this member */
	uint64_t	last_ns;	/* on whatever link */
	uint64_t	sync_ns;	/* on a sync link */
	struct frame_heartbeat heartbeat;	/* the last one; interval_ms 0: none */
	uint64_t	counter;	/* of that one's datagram */
	uint8_t		serves_us;	/* tables of which it says that we are given changes */
	uint64_t	in_sync_ns;	/* since when it is, or is not, in sync */
};

struct peers {
	struct peer	peer[GWSYNC_MEMBER_MAX];
	unsigned int	count;
	struct peer	*by_id[GWSYNC_MEMBER_MAX + 1];
};

/* All members but this one, in the order of the configuration. */
void peers_init(struct peers *peers, const struct config *config);
uint64_t peers_set(const struct peers *peers);

/* A session with it began: nothing was heard in it yet. */
void peer_begin(struct peer *peer);
/* Was it heard on this link of late? */
bool peer_is_heard(const struct peer *peer, unsigned int link, uint64_t within_ns);

#endif
