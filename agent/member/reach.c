// SPDX-License-Identifier: GPL-2.0
#include "base/log.h"
#include "member/reach.h"

/* How many members can be spoken with on this link: 2 each that is heard and hears,
 * 1 each of which only one is true.
 */
static unsigned int reach_score(const struct member *member, const struct peers *peers,
				unsigned int link)
{
	uint64_t dead_ns = member_dead_ns(&member->params);
	unsigned int i, score = 0;

	for (i = 0; i < peers->count; i++) {
		const struct peer *peer = &peers->peer[i];

		if (!member->peer[peer->id].alive)
			continue;
		score += peer_is_heard(peer, link, dead_ns);
		score += !!(peer->hears & 1ULL << link);
	}
	return score;
}

/* The sync link on which most can be said and heard; the first of equals, but that in
 * use is not left for one that is no better.
 */
bool reach_choose(struct speaker *speaker, const struct member *member, const struct peers *peers)
{
	uint32_t best = SPEAKER_NO_LINK, was = speaker->data_link;
	unsigned int best_score = 0, i;

	for (i = 0; i < paths_count(speaker->paths); i++) {
		unsigned int score;

		if (!paths_is_sync(speaker->paths, i) || !paths_up(speaker->paths, i))
			continue;
		score = 1 + reach_score(member, peers, i);
		if (score > best_score) {
			best = i;
			best_score = score;
		}
	}
	if (best == was)
		return false;
	speaker->data_link = best;
	if (best == SPEAKER_NO_LINK) {
		log_warning("no sync link is up: state waits");
		return false;
	}
	log_notice("state goes over link %s", paths_name(speaker->paths, best));
	return true;
}
