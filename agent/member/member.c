// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "base/loop.h"
#include "member/election.h"
#include "member/member.h"

#define MEMBER_FOREVER	UINT64_MAX

/* How much longer silence is borne by one that is deaf.  A flood that drowns 3 of
 * 4 heartbeats drowns 3 in a row within a second, 30 in a row within half an hour;
 * but a member that dies under the flood must be replaced as well.
 */
#define MEMBER_PATIENCE	10

/* For so long after the start members that are there may keep this one from owning
 * though no session begins: recordings can do as much.
 */
#define MEMBER_PRESENT_NS	(10 * NSEC_PER_SEC)

/* What cannot be read comes with each heartbeat, if it comes. */
#define MEMBER_UNSURE_NS	(3 * NSEC_PER_SEC)

/* Heartbeats: before a better one is handed over to, a blip of its carrier borne. */
#define MEMBER_BETTER		2	/* for its priority */
#define MEMBER_HEALTHIER	5
#define MEMBER_HEARS_MORE	30

#define MEMBER_ASSERT_MAX_NS	(60 * NSEC_PER_SEC)

/* No group changes its owner so often between two looks of a member. */
#define MEMBER_EPOCH_JUMP	(1U << 20)

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

/* When an owner whose links are gone must have let go: its last heartbeat may be one
 * interval older, and when it is dead_ns() old others own.
 */
static uint64_t cut_off_ns(const struct member *m)
{
	uint64_t beat_ns = m->params.heartbeat_ns;

	return m->isolated_ns + dead_ns(m) - beat_ns - beat_ns / 4;
}

static uint64_t min_ns(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
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

	if (m->state != MEMBER_OWNER) {
		m->sound = m->in_sync;
		m->service_ms = 0;
		m->contested = false;
		m->cut_off = false;
		m->stood_down = false;
		m->claims++;
	}
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

static void member_update_preempts(struct member *m, uint64_t now_ns)
{
	m->preempts = m->params.preempt && !m->stood_down && m->state == MEMBER_BACKUP &&
		      m->in_sync && now_ns >= m->in_sync_ns + m->params.preempt_delay_ns;
}

/* This owner can serve no longer, or must not: it has all that it owned, and nobody to
 * follow yet.
 */
static void member_abandon(struct member *m, uint64_t now_ns)
{
	member_enter(m, now_ns, MEMBER_BACKUP);
	m->owner = 0;
	m->heir = 0;
	m->better_ns = 0;
	m->in_sync = true;
	m->in_sync_ns = now_ns;
	m->cut_off = true;
	m->vacant_ns = now_ns + MEMBER_LISTEN * dead_ns(m);
	m->actions.release(m->actions.arg, 0, m->epoch);
	m->actions.announce(m->actions.arg);
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
	m->cut_off = false;
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
		 * of one which then died; not of its own, of before it was cut off.
		 */
		if (!follows && (!report->in_sync || (report->newer && !report->sound)))
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

/* Is there one beside these two? */
static bool member_has_third(const struct member *m, uint8_t rival)
{
	unsigned int id;

	for (id = 1; id <= GWSYNC_MEMBER_MAX; id++)
		if (id != rival && m->peer[id].since_ns)
			return true;
	return false;
}

/* Two that have not heard each other for a while do not judge each other by the first
 * words: the other one has a moment to show that it hears this one, and third ones to
 * say whom they follow.
 */
static bool member_judges_soon(const struct member *m, uint64_t now_ns, uint8_t rival)
{
	const struct member_peer *peer = &m->peer[rival];
	uint64_t beat_ns = m->params.heartbeat_ns;

	if (!peer->report.newer)
		return false;
	if (!peer->report.hears_us && elapsed_ns(now_ns, m->contest_ns) < 2 * beat_ns)
		return true;
	return member_has_third(m, rival) &&
	       elapsed_ns(now_ns, m->contest_ns) < beat_ns + beat_ns / 4;
}

/* Another was owner beside this one: switches may have learned its port, and kernels
 * know its epoch.
 */
static void member_announce_again(struct member *m, uint64_t now_ns)
{
	if (m->max_epoch > m->epoch)
		member_take_over(m, now_ns);
	else
		m->actions.assert(m->actions.arg, false);
}

/* As owner: is the ownership contested? */
static void member_defend(struct member *m, uint64_t now_ns)
{
	uint8_t rival = election_heard_owner(m);
	uint8_t newer, owner = 0;
	bool late;

	if (rival && !m->contested) {
		m->contested = true;
		m->contest_ns = now_ns;
		m->assert_wait_ns = dead_ns(m);
		m->actions.announce(m->actions.arg);
	}
	if (rival && member_judges_soon(m, now_ns, rival))
		return;
	if (rival && election_rival_beats(m, rival)) {
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
	if (!rival && m->contested) {
		m->contested = false;
		m->assert_ns = 0;
		member_announce_again(m, now_ns);
		return;
	}
	late = member_late(m, rival);
	/* Once in a while: two that do not hear each other would go on and on. */
	if ((!late && !rival) || now_ns < m->assert_ns)
		return;
	m->assert_ns = now_ns + m->assert_wait_ns;
	m->assert_wait_ns = doubled_ns(m->assert_wait_ns, MEMBER_ASSERT_MAX_NS);
	if (late) {
		/* Nobody may refuse this owner's records as of an old epoch. */
		member_take_over(m, now_ns);
	} else {
		/* It will yield; until then switches must be taught again. */
		m->actions.assert(m->actions.arg, true);
		m->actions.announce(m->actions.arg);
	}
}

static bool member_hears_anybody(const struct member *m)
{
	unsigned int id;

	for (id = 1; id <= GWSYNC_MEMBER_MAX; id++)
		if (m->peer[id].alive)
			return true;
	return false;
}

enum member_wait member_waits(const struct member *m, uint64_t now_ns)
{
	const struct member_params *params = &m->params;

	if (m->state == MEMBER_OWNER || m->owner || m->leaving)
		return MEMBER_WAIT_NONE;
	if (m->isolated)
		return MEMBER_WAIT_ISOLATED;
	if (m->state == MEMBER_INITIALIZE)
		return MEMBER_WAIT_LISTEN;
	if (params->alone)
		return MEMBER_WAIT_NONE;
	if (m->present_ns && elapsed_ns(now_ns, m->present_ns) < dead_ns(m) &&
	    elapsed_ns(now_ns, m->start_ns) < MEMBER_PRESENT_NS)
		return MEMBER_WAIT_PRESENT;
	if (m->unsure_ns && elapsed_ns(now_ns, m->unsure_ns) < MEMBER_UNSURE_NS &&
	    elapsed_ns(now_ns, m->start_ns) < params->unsure_ns)
		return MEMBER_WAIT_UNSURE;
	if (m->blocked_ns && elapsed_ns(now_ns, m->blocked_ns) < params->unsure_ns)
		return MEMBER_WAIT_BLOCKED;
	if (now_ns < m->claim_ns && !member_hears_anybody(m))
		return MEMBER_WAIT_DELAY;
	if (member_owner_elsewhere(m, false))
		return MEMBER_WAIT_ELSEWHERE;
	if (now_ns < m->vacant_ns + election_turn_ns(m))
		return MEMBER_WAIT_TURN;
	return MEMBER_WAIT_NONE;
}

/* As backup: is the ownership vacant, and is it this member's turn? */
static void member_elect(struct member *m, uint64_t now_ns)
{
	uint8_t owner = election_heard_owner(m);

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
	if (!m->leaving && member_waits(m, now_ns) == MEMBER_WAIT_NONE)
		member_take_over(m, now_ns);
}

static void member_listen(struct member *m, uint64_t now_ns)
{
	uint8_t owner = election_heard_owner(m);

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

/* How many heartbeats @report, a backup in sync, must stay better than this owner until
 * it is handed over to; 0: it is not.
 */
static unsigned int member_better_beats(const struct member *m,
					const struct member_report *report)
{
	if (!election_usable(report) || report->score < m->score)
		return 0;
	if (report->score > m->score)
		return MEMBER_HEALTHIER;
	if (report->unheard != m->unheard)
		return report->unheard < m->unheard ? MEMBER_HEARS_MORE : 0;
	return report->preempts && report->priority > m->params.priority ? MEMBER_BETTER : 0;
}

/* As owner: is there one that should be owner instead? */
static void member_yield(struct member *m, uint64_t now_ns)
{
	uint8_t best = member_best_backup(m, false);
	const struct member_report *report = &m->peer[best].report;
	unsigned int beats = best ? member_better_beats(m, report) : 0;
	uint64_t delay_ns = beats * m->params.heartbeat_ns;

	/* One of the old version leaves the delay to the owner. */
	if (beats == MEMBER_BETTER && !report->newer)
		delay_ns = m->params.preempt_delay_ns;
	if (!beats) {
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
		  const struct member_actions *actions, uint64_t now_ns, uint32_t epoch,
		  bool settled)
{
	uint64_t delay_ns = settled ? 0 : params->link_delay_ns;

	if (delay_ns < params->startup_delay_ns)
		delay_ns = params->startup_delay_ns;
	memset(m, 0, sizeof(*m));
	m->params = *params;
	m->actions = *actions;
	m->state = MEMBER_INITIALIZE;
	m->since_ns = now_ns;
	m->tick_ns = now_ns;
	m->epoch = epoch;
	m->max_epoch = epoch;
	m->score = MEMBER_SCORE_MAX;
	m->start_ns = now_ns;
	m->listen_ns = now_ns + MEMBER_LISTEN * dead_ns(m);
	m->claim_ns = now_ns + delay_ns;
	m->assert_wait_ns = dead_ns(m);
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

void member_lapse(struct member *m, uint64_t now_ns)
{
	member_jump(m, now_ns);
	m->tick_ns = now_ns;
	if (m->state == MEMBER_OWNER && !m->params.alone)
		member_abandon(m, now_ns);
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
	if (m->state == MEMBER_OWNER && m->isolated && cut_off_ns(m) > m->tick_ns)
		next_ns = min_ns(next_ns, cut_off_ns(m));
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
	/* Others own in a moment: when the links are back, this one is just a backup. */
	if (m->state == MEMBER_OWNER && m->isolated && !m->params.alone &&
	    now_ns >= cut_off_ns(m))
		member_abandon(m, now_ns);
	member_update_preempts(m, now_ns);
	member_resolve(m, now_ns);
	return member_next(m);
}

void member_heard(struct member *m, uint64_t now_ns, uint8_t id,
		  const struct member_report *report)
{
	struct member_peer *peer = &m->peer[id];
	bool claimed;

	if (!id || id > GWSYNC_MEMBER_MAX || id == m->params.self)
		return;
	/* The loop serves sockets before timers: the tick has not seen it yet. */
	if (elapsed_ns(now_ns, m->tick_ns) > dead_ns(m)) {
		member_jump(m, now_ns);
		m->tick_ns = now_ns;
	}

	/* Who says so has a fault, or means harm: an epoch that is used up would end
	 * all changes of ownership.
	 */
	if (report->epoch > UINT32_MAX - MEMBER_EPOCH_JUMP ||
	    (m->max_epoch && report->epoch > m->max_epoch + MEMBER_EPOCH_JUMP)) {
		m->refused++;
		return;
	}
	/* It was owner for a moment, and has announced the addresses. */
	claimed = peer->since_ns && peer->report.newer && report->newer &&
		  report->claims != peer->report.claims && report->state != MEMBER_OWNER;

	/* Its links do forward. */
	m->claim_ns = 0;
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
	if (claimed && m->state == MEMBER_OWNER)
		member_announce_again(m, now_ns);
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

void member_set_health(struct member *m, uint64_t now_ns, uint16_t score, uint8_t unheard)
{
	if (m->score == score && m->unheard == unheard)
		return;
	m->score = score;
	m->unheard = unheard;
	m->actions.announce(m->actions.arg);
	member_resolve(m, now_ns);
}

void member_set_isolated(struct member *m, uint64_t now_ns, bool isolated)
{
	if (m->isolated == isolated)
		return;
	m->isolated = isolated;
	m->isolated_ns = now_ns;
	if (isolated)
		return;
	/* Links are back: listen before anything is claimed, and while nobody is heard
	 * do not believe that nobody is there: a switch may have carrier and not forward.
	 */
	if (m->state == MEMBER_BACKUP && !m->owner)
		m->vacant_ns = now_ns + MEMBER_LISTEN * dead_ns(m);
	if (m->state == MEMBER_INITIALIZE)
		m->listen_ns = now_ns + MEMBER_LISTEN * dead_ns(m);
	if (m->claim_ns < now_ns + m->params.link_delay_ns)
		m->claim_ns = now_ns + m->params.link_delay_ns;
}

void member_set_service(struct member *m, uint32_t service_ms)
{
	m->service_ms = service_ms;
}

void member_set_present(struct member *m, uint64_t now_ns)
{
	m->present_ns = now_ns;
}

void member_set_unsure(struct member *m, uint64_t now_ns)
{
	m->unsure_ns = now_ns;
}

void member_set_blocked(struct member *m, uint64_t now_ns, bool blocked)
{
	if (!blocked)
		m->blocked_ns = 0;
	else if (!m->blocked_ns)
		m->blocked_ns = now_ns;
}

void member_stand_down(struct member *m)
{
	m->stood_down = true;
	m->preempts = false;
}

void member_set_deaf(struct member *m, uint64_t now_ns)
{
	m->deaf_ns = now_ns;
}

void member_set_in_sync(struct member *m, uint64_t now_ns, bool in_sync)
{
	if (m->in_sync == in_sync || m->state == MEMBER_OWNER)
		return;
	m->in_sync = in_sync;
	m->in_sync_ns = now_ns;
	member_update_preempts(m, now_ns);
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
	m->in_sync_ns = now_ns;
	m->vacant_ns = now_ns + dead_ns(m);
	m->actions.announce(m->actions.arg);
}

void member_leave(struct member *m, uint64_t now_ns)
{
	(void)now_ns;
	m->leaving = true;
	m->actions.announce(m->actions.arg);
}
