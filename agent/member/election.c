// SPDX-License-Identifier: GPL-2.0
#include "member/election.h"

/* Of two owners: less than so much more service is none. */
#define MEMBER_SERVICE_MS	1000

void member_report(const struct member *m, struct member_report *report)
{
	/* A kernel half that knows a newer one refuses all of the owner's, until the owner
	 * has one that is newer still.
	 */
	uint32_t epoch = m->state == MEMBER_BACKUP && m->owner && !m->in_sync &&
			 m->max_epoch > m->epoch ? m->max_epoch : m->epoch;

	*report = (struct member_report) {
		.state = m->leaving ? MEMBER_INITIALIZE : m->state,
		.epoch = epoch,
		.priority = m->leaving ? 0 : m->params.priority,
		.score = m->leaving ? 0 : m->score,
		.unheard = m->unheard,
		.owner = m->owner ? m->owner : m->heir,
		.in_sync = m->in_sync && !m->leaving,
		.preempts = m->preempts && !m->leaving,
		.newer = true,
		.hears_us = true,
		.sound = m->state == MEMBER_OWNER ? m->sound : !m->cut_off,
		.claims = m->claims,
		.service_ms = m->state == MEMBER_OWNER ? m->service_ms : 0,
	};
}

bool election_usable(const struct member_report *report)
{
	return report->priority && report->score;
}

/* Of two owners of which one may not hear the other. */
static bool claim_beats(const struct member_report *a, uint8_t a_id,
			const struct member_report *b, uint8_t b_id)
{
	if (a->epoch != b->epoch)
		return a->epoch > b->epoch;
	if (a->priority != b->priority)
		return a->priority > b->priority;
	return a_id < b_id;
}

/* How many other members follow this owner, at its epoch? */
static unsigned int member_followers(const struct member *m, uint8_t owner, uint32_t epoch)
{
	unsigned int id, count = 0;

	for (id = 1; id <= GWSYNC_MEMBER_MAX; id++) {
		const struct member_report *report = &m->peer[id].report;

		count += m->peer[id].alive && report->state == MEMBER_BACKUP &&
			 report->owner == owner && report->epoch == epoch;
	}
	return count;
}

bool election_rival_beats(const struct member *m, uint8_t rival)
{
	const struct member_report *theirs = &m->peer[rival].report;
	unsigned int followers, rival_followers;
	struct member_report ours;

	member_report(m, &ours);
	if (!theirs->newer)
		return claim_beats(theirs, rival, &ours, m->params.self);
	/* It will never know of this one: what serves is left alone. */
	if (!theirs->hears_us)
		return claim_beats(theirs, rival, &ours, m->params.self) ||
		       theirs->service_ms >= MEMBER_SERVICE_MS;
	followers = member_followers(m, m->params.self, ours.epoch);
	rival_followers = member_followers(m, rival, theirs->epoch);
	if (followers != rival_followers)
		return rival_followers > followers;
	if (theirs->service_ms > ours.service_ms + MEMBER_SERVICE_MS)
		return true;
	if (ours.service_ms > theirs->service_ms + MEMBER_SERVICE_MS)
		return false;
	if (theirs->sound != ours.sound)
		return theirs->sound;
	return claim_beats(theirs, rival, &ours, m->params.self);
}

/* Which of two members should take over. */
static bool candidate_beats(const struct member_report *a, uint8_t a_id,
			    const struct member_report *b, uint8_t b_id)
{
	if (election_usable(a) != election_usable(b))
		return election_usable(a);
	if (a->in_sync != b->in_sync)
		return a->in_sync;
	if (a->in_sync && a->epoch != b->epoch)
		return a->epoch > b->epoch;
	/* Who was cut off, or away, waits for those who were not. */
	if (a->newer && b->newer && a->sound != b->sound)
		return a->sound;
	if (a->score != b->score)
		return a->score > b->score;
	if (a->unheard != b->unheard)
		return a->unheard < b->unheard;
	if (a->priority != b->priority)
		return a->priority > b->priority;
	return a_id < b_id;
}

uint64_t election_turn_ns(const struct member *m)
{
	struct member_report self;
	uint64_t turn_ns = 0;
	unsigned int id;

	member_report(m, &self);
	for (id = 1; id <= GWSYNC_MEMBER_MAX; id++) {
		const struct member_peer *peer = &m->peer[id];

		if (!peer->alive || !candidate_beats(&peer->report, (uint8_t)id,
						     &self, m->params.self))
			continue;
		/* An owner whose daemon was started again, and which must listen
		 * first: worth the wait for what this member does not have.
		 */
		if (peer->report.state != MEMBER_INITIALIZE || !peer->report.in_sync)
			turn_ns += member_dead_ns(&m->params);
		else if (!self.in_sync || self.epoch != peer->report.epoch)
			turn_ns += (MEMBER_LISTEN + 1) * member_dead_ns(&m->params);
	}
	return turn_ns;
}

bool member_holds_state(const struct member *m, uint8_t id)
{
	const struct member_report *report = &m->peer[id].report;

	if (!m->peer[id].alive || !report->in_sync || report->state == MEMBER_OWNER)
		return false;
	return m->state != MEMBER_OWNER || (report->owner == m->params.self &&
					    report->epoch == m->epoch);
}

uint8_t member_best_backup(const struct member *m, bool any)
{
	const struct member_report *report;
	uint8_t best = 0;
	unsigned int id;

	for (id = 1; id <= GWSYNC_MEMBER_MAX; id++) {
		report = &m->peer[id].report;
		if (!m->peer[id].alive || report->state == MEMBER_OWNER)
			continue;
		if (!any && !member_holds_state(m, (uint8_t)id))
			continue;
		if (!best || candidate_beats(report, (uint8_t)id, &m->peer[best].report, best))
			best = (uint8_t)id;
	}
	return best;
}

uint8_t election_heard_owner(const struct member *m)
{
	uint8_t best = 0;
	unsigned int id;

	for (id = 1; id <= GWSYNC_MEMBER_MAX; id++) {
		const struct member_report *report = &m->peer[id].report;

		if (!m->peer[id].alive || report->state != MEMBER_OWNER)
			continue;
		if (m->state == MEMBER_BACKUP && report->epoch < m->epoch)
			continue;
		if (!best || claim_beats(report, (uint8_t)id, &m->peer[best].report, best))
			best = (uint8_t)id;
	}
	return best;
}

bool member_owner_elsewhere(const struct member *m, bool in_sync)
{
	unsigned int id;

	for (id = 1; id <= GWSYNC_MEMBER_MAX; id++) {
		const struct member_report *report = &m->peer[id].report;

		if (m->peer[id].alive && report->state == MEMBER_BACKUP && report->owner &&
		    report->owner != m->params.self && report->epoch >= m->epoch &&
		    (report->in_sync || !in_sync))
			return true;
	}
	return false;
}
