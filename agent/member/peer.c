// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "base/loop.h"
#include "member/peer.h"

void peers_init(struct peers *peers, const struct config *config)
{
	const struct config_member *m;

	for (m = config->members; m->id; m++) {
		struct peer *peer;

		if (m->id == config->member)
			continue;
		peer = &peers->peer[peers->count++];
		peer->id = m->id;
		peer->bit = 1ULL << m->id;
		peer->name = m->name;
		peers->by_id[m->id] = peer;
	}
}

uint64_t peers_set(const struct peers *peers)
{
	uint64_t set = 0;
	unsigned int i;

	for (i = 0; i < peers->count; i++)
		set |= peers->peer[i].bit;
	return set;
}

void peer_begin(struct peer *peer)
{
	memset(peer->heard_ns, 0, sizeof(peer->heard_ns));
	memset(peer->sent_ns, 0, sizeof(peer->sent_ns));
	peer->hears = 0;
	peer->sync_ns = 0;
	peer->counter = 0;
	peer->serves_us = 0;
}

bool peer_is_heard(const struct peer *peer, unsigned int link, uint64_t within_ns)
{
	return peer->heard_ns[link] &&
	       elapsed_ns(loop_clock(), peer->heard_ns[link]) < within_ns;
}
