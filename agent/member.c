// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "loop.h"
#include "member.h"

#define MEMBER_FOREVER	UINT64_MAX

/* How much longer silence is borne by one that is deaf.  A flood that drowns 3 of
 * 4 heartbeats drowns 3 in a row within a second, 30 in a row within half an hour;
 * but a member that dies under the flood must be replaced as well.
 */
#define MEMBER_PATIENCE	10

#define MEMBER_LISTEN	2	/* times the silence of the dead, in INITIALIZE */

const char *member_state_name(enum member_state state)
{
	switch (state) {
	case MEMBER_INITIALIZE:	return "initialize";
	case MEMBER_BACKUP:	return "backup";
	case MEMBER_OWNER:	return "owner";
	}
	return "?";
}

static uint64_t dead_ns(const struct member *m)
{
	return member_dead_ns(&m->params);
}

/* Once all is heard again, everybody has the usual time to speak. */
static uint64_t deaf_until_ns(const struct member *m)
{
	return m->deaf_ns ? m->deaf_ns + dead_ns(m) : 0;
}

/* Silence for so long means something. */
static uint64_t patience_ns(const struct member *m, uint64_t now_ns)
{
	return dead_ns(m) * (now_ns < deaf_until_ns(m) ? MEMBER_PATIENCE : 1);
}

static uint64_t min_ns(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void member_report(const struct member *m, struct member_report *report)
{
	*report = (struct member_report) {
		.state = m->leaving ? MEMBER_INITIALIZE : m->state,
		.epoch = m->epoch,
		.priority = m->healthy && !m->leaving ? m->params.priority : 0,
		.owner = m->owner ? m->owner : m->heir,
		.in_sync = m->in_sync && !m->leaving,
	};
}

/* Which of two owners stays. */
static bool claim_beats(const struct member_report *a, uint8_t a_id,
			const struct member_report *b, uint8_t b_id)
{
	if (a->epoch != b->epoch)
		return a->epoch > b->epoch;
	if (a->priority != b->priority)
		return a->priority > b->priority;
	return a_id < b_id;
}

/* Which of two members should take over. */
static bool candidate_beats(const struct member_report *a, uint8_t a_id,
			    const struct member_report *b, uint8_t b_id)
{
	if (!a->priority != !b->priority)
		return a->priority;
	if (a->in_sync != b->in_sync)
		return a->in_sync;
	if (a->in_sync && a->epoch != b->epoch)
		return a->epoch > b->epoch;
	if (a->priority != b->priority)
		return a->priority > b->priority;
	return a_id < b_id;
}

/* How long the living that should take over before this one have for it. */
static uint64_t member_turn_ns(const struct member *m)
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
			turn_ns += dead_ns(m);
		else if (!self.in_sync || self.epoch != peer->report.epoch)
			turn_ns += (MEMBER_LISTEN + 1) * dead_ns(m);
	}
	return turn_ns;
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
		if (!any && (!report->in_sync || report->epoch != m->epoch ||
			     report->owner != m->params.self))
			continue;
		if (!best || candidate_beats(report, (uint8_t)id, &m->peer[best].report, best))
			best = (uint8_t)id;
	}
	return best;
}

/* The living owner with the best claim, 0: none.  For a backup, an owner of an
 * epoch that is over is none.
 */
static uint8_t member_heard_owner(const struct member *m)
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

static void member_enter(struct member *m, uint64_t now_ns, enum member_state state)
{
	if (m->state == state)
		return;
	m->state = state;
	m->since_ns = now_ns;
}

/* @epoch is newer than any that was heard. */
static void member_acquire(struct member *m, uint64_t now_ns, uint32_t epoch)
{
	uint64_t others = ~(1ULL << m->params.self) & ~1ULL;

	member_enter(m, now_ns, MEMBER_OWNER);
	m->epoch = epoch;
	if (m->max_epoch < epoch)
		m->max_epoch = epoch;
	m->owner = m->params.self;
	m->heir = 0;
	m->vacant_ns = 0;
	m->better_ns = 0;
	m->in_sync = true;
	m->actions.acquire(m->actions.arg, others, epoch);
	m->actions.announce(m->actions.arg);
}

static void member_take_over(struct member *m, uint64_t now_ns)
{
	/* An epoch that wraps would make every peer refuse us for good. */
	if (m->max_epoch != UINT32_MAX)
		member_acquire(m, now_ns, m->max_epoch + 1);
}

static void member_follow(struct member *m, uint64_t now_ns, uint8_t owner)
{
	const struct member_report *report = &m->peer[owner].report;
	bool was_owner = m->state == MEMBER_OWNER;
	bool same = m->owner == owner && m->epoch == report->epoch;

	if (same && m->state == MEMBER_BACKUP)
		return;
	member_enter(m, now_ns, MEMBER_BACKUP);
	m->owner = owner;
	m->epoch = report->epoch;
	m->heir = 0;
	m->vacant_ns = 0;
	m->better_ns = 0;
	m->in_sync = false;
	if (was_owner)
		m->actions.release(m->actions.arg, owner, m->epoch);
	m->actions.follow(m->actions.arg, owner, m->epoch);
	m->actions.announce(m->actions.arg);
}

/* The owner that was followed is no more.  @grace_ns: how long others come
 * first.
 */
static void member_vacant(struct member *m, uint64_t now_ns, uint64_t grace_ns)
{
	m->owner = 0;
	m->vacant_ns = now_ns + grace_ns;
	/* A group of three and more waits for everybody to notice. */
	m->actions.announce(m->actions.arg);
}

/* As owner: a living backup of the newest epoch above the own that proves a newer
 * owner, 0: none.  @owner gets whose state that is.
 */
static uint8_t member_newer(const struct member *m, uint8_t *owner)
{
	uint8_t newer = 0;
	unsigned int id;

	for (id = 1; id <= GWSYNC_MEMBER_MAX; id++) {
		const struct member_report *report = &m->peer[id].report;
		bool follows = report->owner && report->owner != m->params.self;

		if (!m->peer[id].alive || report->state != MEMBER_BACKUP ||
		    report->epoch <= m->epoch)
			continue;
		/* It follows one that is not heard here, or holds all the state
		 * of one which then died.
		 */
		if (!follows && !report->in_sync)
			continue;
		if (newer && report->epoch <= m->peer[newer].report.epoch)
			continue;
		newer = (uint8_t)id;
		*owner = follows ? report->owner : newer;
	}
	return newer;
}

/* As owner: is this epoch no longer the newest, or not the own alone? */
static bool member_late(const struct member *m, uint8_t rival)
{
	unsigned int id;

	if (rival && m->peer[rival].report.epoch == m->epoch)
		return true;
	for (id = 1; id <= GWSYNC_MEMBER_MAX; id++)
		if (m->peer[id].alive && m->peer[id].report.epoch > m->epoch)
			return true;
	return false;
}

/* As owner: is the ownership contested? */
static void member_defend(struct member *m, uint64_t now_ns)
{
	uint8_t rival = member_heard_owner(m);
	struct member_report self;
	uint8_t newer, owner = 0;
	bool late;

	member_report(m, &self);
	if (rival && claim_beats(&m->peer[rival].report, rival, &self, m->params.self)) {
		member_follow(m, now_ns, rival);
		return;
	}
	newer = member_newer(m, &owner);
	if (newer) {
		member_enter(m, now_ns, MEMBER_BACKUP);
		m->epoch = m->peer[newer].report.epoch;
		m->in_sync = false;
		m->actions.release(m->actions.arg, owner, m->epoch);
		member_vacant(m, now_ns, dead_ns(m));
		return;
	}
	/* Once in a while: two that do not hear each other would go on and on. */
	late = member_late(m, rival);
	if ((!late && !rival) || now_ns < m->assert_ns)
		return;
	m->assert_ns = now_ns + dead_ns(m);
	if (late) {
		/* Nobody may refuse this owner's records as of an old epoch. */
		member_take_over(m, now_ns);
	} else {
		/* It will yield; until then switches must be taught again. */
		m->actions.acquire(m->actions.arg, 0, m->epoch);
		m->actions.announce(m->actions.arg);
	}
}

/* As backup: is the ownership vacant, and is it this member's turn? */
static void member_elect(struct member *m, uint64_t now_ns)
{
	uint8_t owner = member_heard_owner(m);

	if (owner) {
		member_follow(m, now_ns, owner);
		return;
	}
	if (m->owner)
		member_vacant(m, now_ns, 0);
	if (m->heir && now_ns >= m->vacant_ns) {
		m->heir = 0;
		m->actions.announce(m->actions.arg);
	}
	if (m->isolated || m->leaving || member_owner_elsewhere(m, false))
		return;
	if (now_ns >= m->vacant_ns + member_turn_ns(m))
		member_take_over(m, now_ns);
}

static void member_listen(struct member *m, uint64_t now_ns)
{
	uint8_t owner = member_heard_owner(m);

	/* One of an older epoch than this host knows will raise its epoch: the
	 * kernel here refuses it until then.
	 */
	if (owner && m->peer[owner].report.epoch >= m->epoch) {
		member_follow(m, now_ns, owner);
		return;
	}
	if (now_ns < m->listen_ns + patience_ns(m, now_ns) - dead_ns(m))
		return;
	member_enter(m, now_ns, MEMBER_BACKUP);
	m->vacant_ns = now_ns;
	member_elect(m, now_ns);
}

/* As owner: is there one that should be owner instead? */
static void member_yield(struct member *m, uint64_t now_ns)
{
	uint8_t best = member_best_backup(m, false);
	const struct member_report *report = &m->peer[best].report;
	bool better = best && report->priority;
	uint64_t delay_ns = 2 * m->params.heartbeat_ns;

	if (better && m->healthy) {
		better = m->params.preempt && report->priority > m->params.priority;
		delay_ns = m->params.preempt_delay_ns;
	}
	if (!better) {
		m->better_ns = 0;
	} else if (!m->better_ns) {
		m->better_ns = now_ns + delay_ns;
	} else if (now_ns >= m->better_ns) {
		m->better_ns = now_ns + dead_ns(m);	/* if it fails, later again */
		m->actions.hand_over(m->actions.arg, best);
	}
}

static void member_resolve(struct member *m, uint64_t now_ns)
{
	if (m->leaving)
		return;
	switch (m->state) {
	case MEMBER_INITIALIZE:
		member_listen(m, now_ns);
		break;
	case MEMBER_BACKUP:
		member_elect(m, now_ns);
		break;
	case MEMBER_OWNER:
		member_defend(m, now_ns);
		break;
	}
	if (m->state == MEMBER_OWNER)
		member_yield(m, now_ns);
}

void member_start(struct member *m, const struct member_params *params,
		  const struct member_actions *actions, uint64_t now_ns, uint32_t epoch)
{
	memset(m, 0, sizeof(*m));
	m->params = *params;
	m->actions = *actions;
	m->state = MEMBER_INITIALIZE;
	m->since_ns = now_ns;
	m->tick_ns = now_ns;
	m->epoch = epoch;
	m->max_epoch = epoch;
	m->healthy = true;
	m->listen_ns = now_ns + MEMBER_LISTEN * dead_ns(m);
}

static void member_bury(struct member *m, uint64_t now_ns, unsigned int id)
{
	m->peer[id].alive = false;
	m->peer[id].since_ns = now_ns;
	m->actions.alive(m->actions.arg, (uint8_t)id, false);
}

/* The process was stopped, or the machine slept: what was heard last is old,
 * yet says nothing about who lives.  Everybody gets the time to be heard.
 */
static void member_jump(struct member *m, uint64_t now_ns)
{
	unsigned int id;

	for (id = 1; id <= GWSYNC_MEMBER_MAX; id++)
		if (m->peer[id].alive)
			m->peer[id].heard_ns = now_ns;
	if (m->state == MEMBER_INITIALIZE)
		m->listen_ns = now_ns + MEMBER_LISTEN * dead_ns(m);
	if (m->vacant_ns)
		m->vacant_ns = now_ns + dead_ns(m);
	if (m->better_ns)
		m->better_ns = 0;
}

static uint64_t member_next(const struct member *m)
{
	/* Being called each heartbeat is how a jump of the clock is noticed. */
	uint64_t next_ns = m->tick_ns + m->params.heartbeat_ns;
	unsigned int id;

	for (id = 1; id <= GWSYNC_MEMBER_MAX; id++)
		if (m->peer[id].alive)
			next_ns = min_ns(next_ns, m->peer[id].heard_ns +
						  patience_ns(m, m->tick_ns));
	if (deaf_until_ns(m) > m->tick_ns)
		next_ns = min_ns(next_ns, deaf_until_ns(m));
	if (m->state == MEMBER_INITIALIZE && m->listen_ns > m->tick_ns)
		next_ns = min_ns(next_ns, m->listen_ns);
	if (m->vacant_ns > m->tick_ns)
		next_ns = min_ns(next_ns, m->vacant_ns);
	if (m->better_ns > m->tick_ns)
		next_ns = min_ns(next_ns, m->better_ns);
	return next_ns;
}

uint64_t member_tick(struct member *m, uint64_t now_ns)
{
	unsigned int id;

	if (elapsed_ns(now_ns, m->tick_ns) > dead_ns(m))
		member_jump(m, now_ns);
	m->tick_ns = now_ns;

	for (id = 1; id <= GWSYNC_MEMBER_MAX; id++)
		if (m->peer[id].alive &&
		    now_ns >= m->peer[id].heard_ns + patience_ns(m, now_ns))
			member_bury(m, now_ns, id);
	member_resolve(m, now_ns);
	return member_next(m);
}

void member_heard(struct member *m, uint64_t now_ns, uint8_t id,
		  const struct member_report *report)
{
	struct member_peer *peer = &m->peer[id];

	if (!id || id > GWSYNC_MEMBER_MAX || id == m->params.self)
		return;
	/* The loop serves sockets before timers: the tick has not seen it yet. */
	if (elapsed_ns(now_ns, m->tick_ns) > dead_ns(m)) {
		member_jump(m, now_ns);
		m->tick_ns = now_ns;
	}

	peer->heard_ns = now_ns;
	peer->report = *report;
	if (!peer->alive) {
		peer->alive = true;
		peer->since_ns = now_ns;
		m->actions.alive(m->actions.arg, id, true);
	}
	if (m->max_epoch < report->epoch)
		m->max_epoch = report->epoch;

	/* The owner that was followed resigned in favour of a member. */
	if (m->state == MEMBER_BACKUP && !m->leaving && id == m->owner &&
	    report->state != MEMBER_OWNER && report->owner && report->owner != id) {
		m->epoch = report->epoch;
		m->heir = report->owner;
		member_vacant(m, now_ns, dead_ns(m));
	}
	/* In favour of this one: not before all it sent is applied here. */
	if (m->state == MEMBER_BACKUP && !m->leaving && m->heir == m->params.self &&
	    report->state == MEMBER_BACKUP && report->owner == m->params.self &&
	    report->epoch == m->epoch && report->drained) {
		member_acquire(m, now_ns, m->epoch);
		return;
	}
	member_resolve(m, now_ns);
}

void member_lost(struct member *m, uint64_t now_ns, uint8_t id)
{
	if (!id || id > GWSYNC_MEMBER_MAX || !m->peer[id].alive)
		return;
	member_bury(m, now_ns, id);
	/* Born again it may own at the same epoch, with other state. */
	if (m->state == MEMBER_BACKUP && m->owner == id)
		member_vacant(m, now_ns, 0);
}

void member_renew(struct member *m, uint64_t now_ns)
{
	if (m->state == MEMBER_OWNER)
		member_take_over(m, now_ns);
}

void member_set_healthy(struct member *m, uint64_t now_ns, bool healthy)
{
	if (m->healthy == healthy)
		return;
	m->healthy = healthy;
	m->actions.announce(m->actions.arg);
	member_resolve(m, now_ns);
}

void member_set_isolated(struct member *m, uint64_t now_ns, bool isolated)
{
	if (m->isolated == isolated)
		return;
	m->isolated = isolated;
	/* Links are back: listen before anything is claimed. */
	if (!isolated && m->state == MEMBER_BACKUP && !m->owner)
		m->vacant_ns = now_ns + MEMBER_LISTEN * dead_ns(m);
	if (!isolated && m->state == MEMBER_INITIALIZE)
		m->listen_ns = now_ns + MEMBER_LISTEN * dead_ns(m);
}

void member_set_deaf(struct member *m, uint64_t now_ns)
{
	m->deaf_ns = now_ns;
}

void member_set_in_sync(struct member *m, uint64_t now_ns, bool in_sync)
{
	(void)now_ns;
	if (m->in_sync == in_sync || m->state == MEMBER_OWNER)
		return;
	m->in_sync = in_sync;
	m->actions.announce(m->actions.arg);
}

void member_resign(struct member *m, uint64_t now_ns, uint8_t heir)
{
	if (m->state != MEMBER_OWNER || m->epoch == UINT32_MAX)
		return;
	member_enter(m, now_ns, MEMBER_BACKUP);
	m->epoch++;
	if (m->max_epoch < m->epoch)
		m->max_epoch = m->epoch;
	m->owner = 0;
	m->heir = heir;
	/* What it owned a moment ago it holds in full, until another changes it. */
	m->in_sync = true;
	m->vacant_ns = now_ns + dead_ns(m);
	m->actions.announce(m->actions.arg);
}

void member_leave(struct member *m, uint64_t now_ns)
{
	(void)now_ns;
	m->leaving = true;
	m->actions.announce(m->actions.arg);
}
