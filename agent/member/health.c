// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "member/health.h"

#define HEALTH_UNHEARD_NS	(3 * NSEC_PER_SEC)
#define HEALTH_SERVICE_NS	(500 * NSEC_PER_MSEC)	/* between two looks */

/* The least that can still serve: better than one that is not there. */
#define HEALTH_LEAST		1

static bool health_anybody_alive(const struct health *h)
{
	unsigned int i;

	for (i = 0; i < h->peers->count; i++)
		if (h->member->peer[h->peers->peer[i].id].alive)
			return true;
	return false;
}

/* LANs of virtual routers on which no living member is heard. */
static unsigned int health_unheard(const struct health *h)
{
	unsigned int i, j, count = 0;

	if (!health_anybody_alive(h))
		return 0;
	for (i = 0; i < paths_count(h->speaker->paths); i++) {
		bool heard = false;

		if (!paths_is_lan(h->speaker->paths, i) || !paths_up(h->speaker->paths, i))
			continue;
		for (j = 0; j < h->peers->count && !heard; j++)
			heard = h->member->peer[h->peers->peer[j].id].alive &&
				peer_is_heard(&h->peers->peer[j], i, HEALTH_UNHEARD_NS);
		count += !heard;
	}
	return count;
}

static uint16_t health_score(const struct health_means *means, const char **poor)
{
	unsigned int total = means->routers, able = means->able;
	unsigned int score = total ? able * MEMBER_SCORE_MAX / total : MEMBER_SCORE_MAX;

	*poor = NULL;
	if (able < total)
		*poor = "not every virtual router can be held";
	/* What is taken away and put back is still better than what has no carrier. */
	if (total && !able && means->carrier)
		score = HEALTH_LEAST;
	if (score && means->passive) {
		*poor = "the kernel half is passive";
		score = HEALTH_LEAST;
	}
	if (score && means->no_kernel) {
		*poor = "the kernel half is not attached";
		score = HEALTH_LEAST;
	}
	return (uint16_t)score;
}

void health_check(struct health *h)
{
	struct health_means means = h->ops.means(h->ops.arg);
	const char *poor;
	uint16_t score = health_score(&means, &poor);

	if (!poor != !h->poor || (poor && strcmp(poor, h->poor))) {
		if (poor)
			log_warning("not healthy: %s", poor);
		else
			log_notice("healthy again");
	}
	h->poor = poor;
	member_set_health(h->member, loop_clock(), score, (uint8_t)health_unheard(h));
}

/* Every living member follows this one: none is to be told any more what it served. */
static bool health_settled(const struct health *h, uint64_t now_ns, bool *rival)
{
	uint64_t settled_ns = 2 * member_dead_ns(&h->member->params);
	bool settled = true;
	unsigned int i;

	*rival = h->member->contested;
	for (i = 0; i < h->peers->count; i++) {
		const struct member_peer *peer = &h->member->peer[h->peers->peer[i].id];

		if (!peer->alive)
			continue;
		if (peer->report.state == MEMBER_OWNER)
			*rival = true;
		else if ((peer->report.state != MEMBER_BACKUP ||
			  peer->report.owner != h->member->params.self) &&
			 elapsed_ns(now_ns, peer->since_ns) < settled_ns)
			settled = false;
	}
	return settled && !*rival;
}

/* Another member is heard: what was before is told until ownership is settled.  What
 * counts is what members say that they are, not that a contest was seen: one that is over
 * within a heartbeat is seen by chance.
 */
static void health_end_service(struct health *h, uint64_t now_ns)
{
	h->service_look_ns = 0;
	h->service_heard = true;
	if (h->member->state == MEMBER_OWNER && !health_settled(h, now_ns, &h->service_rival))
		return;
	h->service_rival = false;
	h->service_ms = 0;
	member_set_service(h->member, 0);
}

void health_check_service(struct health *h, uint64_t now_ns)
{
	uint64_t frames;

	if (h->member->state != MEMBER_OWNER || health_anybody_alive(h)) {
		health_end_service(h, now_ns);
		return;
	}
	/* Who was heard and did not own may own now: what was before is no evidence. */
	if (h->service_heard && !h->service_rival)
		h->service_ms = 0;
	h->service_heard = false;
	h->service_rival = false;
	if (h->service_look_ns && elapsed_ns(now_ns, h->service_look_ns) < HEALTH_SERVICE_NS)
		return;
	frames = h->ops.received(h->ops.arg);
	if (h->service_look_ns && frames > h->service_frames &&
	    h->service_ms < UINT32_MAX / 2)
		h->service_ms += (uint32_t)(elapsed_ns(now_ns, h->service_look_ns) /
					    NSEC_PER_MSEC);
	h->service_frames = frames;
	h->service_look_ns = now_ns;
	member_set_service(h->member, h->service_ms);
}
