// SPDX-License-Identifier: GPL-2.0
/* Streams <-> kernel half: deltas and full sync.  What attaches and detaches
 * the kernel half is in attach.c.
 */
#include <errno.h>
#include <string.h>

#include "container.h"
#include "group.h"
#include "log.h"
#include "sync.h"

#define SYNC_REQUEST_NS		(200 * NSEC_PER_MSEC)
#define SYNC_JITTER_NS		(50 * NSEC_PER_MSEC)
#define SYNC_GATHER_NS		(20 * NSEC_PER_MSEC)	/* one walk for all who ask together */
#define SYNC_AGAIN_NS		(10 * NSEC_PER_MSEC)
#define SYNC_BUSY_NS		(200 * NSEC_PER_MSEC)
#define SYNC_FAILED_NS		(1 * NSEC_PER_SEC)
#define SYNC_UNREAD_NS		(60 * NSEC_PER_SEC)
#define SYNC_RENEW_NS		(1 * NSEC_PER_SEC)	/* doubling while it is refused */
#define SYNC_RENEW_MAX_NS	(30 * NSEC_PER_SEC)
#define SYNC_STUCK_NS		(60 * NSEC_PER_SEC)
#define SYNC_UNABLE_DEAD	8	/* dead intervals, to hand over in */
#define SYNC_MISSING_NS		(1 * NSEC_PER_SEC)
#define SYNC_UNSERVED_NS	(1 * NSEC_PER_SEC)	/* a heartbeat may be older */
#define SYNC_LOST_NS		(300 * NSEC_PER_SEC)	/* between full syncs for lost ends */
#define SYNC_BEHIND_NS		(1 * NSEC_PER_SEC)	/* doubling while it does not keep up */
#define SYNC_BEHIND_MAX_NS	(4 * NSEC_PER_SEC)	/* before it thinks itself unheard */

static uint64_t self_bit(const struct group *g)
{
	return 1ULL << g->config->member;
}

void sync_enter(struct group *g, enum sync_phase phase)
{
	g->sync.phase = phase;
	g->sync.since_ns = loop_clock();
}

const char *sync_phase_name(const struct group *g)
{
	static const char * const name[] = {
		[SYNC_NONE] = "none", [SYNC_REQUEST] = "request", [SYNC_RECEIVE] = "receive",
		[SYNC_SWEEP] = "sweep", [SYNC_VERIFY] = "verify", [SYNC_DONE] = "done",
	};

	return g->config->sync_state ? name[g->sync.phase] : "stateless";
}

/* The owner's half. */

bool sync_map(struct group *g)
{
	uint64_t map[GWSYNC_BUCKETS];
	uint64_t set = g->sync.served | g->repair.kept;
	struct sync *s = &g->sync;
	unsigned int i;

	if (!s->kernel)
		return false;
	if (s->mapped == set)
		return true;
	for (i = 0; i < GWSYNC_BUCKETS; i++)
		map[i] = set;
	if (kernel_set_map(s->kernel, map))
		return false;
	s->mapped = set;
	return true;
}

static void sync_walk_soon(struct group *g, uint64_t delay_ns)
{
	if (!g->sync.walk_timer.due_ns)
		loop_timer_in(g->loop, &g->sync.walk_timer, delay_ns);
}

static void sync_serve_no_more(struct group *g, uint64_t set)
{
	bool walked = g->sync.walking && !g->sync.end_pending;
	struct sync *s = &g->sync;
	unsigned int i;

	for (i = 0; i < g->npeers; i++)		/* it may ask for the same again */
		if (g->peers[i].bit & set & s->waiting)
			g->peers[i].request = 0;
	s->served &= ~set;
	s->waiting &= ~set;
	s->walking &= ~set;
	/* For nobody: it would keep the next one waiting. */
	if (walked && !s->walking && s->kernel)
		kernel_walk(s->kernel, 0, 0);
	for (i = 0; i < g->npeers; i++)
		if (g->peers[i].bit & set)
			transmit_wait(g->transmit, loop_clock(), g->peers[i].id, false);
	sync_map(g);
	/* The end of that walk would have begun theirs. */
	if (s->waiting && !s->walking)
		sync_walk_soon(g, SYNC_GATHER_NS);
	stream_kick(g);		/* there may be room now */
}

/* Return: false if the stream has no room for it now. */
static bool sync_push_end(struct group *g)
{
	struct sync *s = &g->sync;
	struct frame_data end = {
		.set = s->walking, .epoch = g->member.epoch, .walk_id = s->last_walk,
		.kind = FRAME_DATA_SYNC_END, .count = s->end_count,
	};

	if (s->walking && transmit_push(g->transmit, &end, NULL))
		return false;
	s->end_pending = false;
	s->walking = 0;
	s->full_sent++;
	stream_kick(g);
	return true;
}

static void sync_walk(struct loop_timer *timer)
{
	struct group *g = container_of(timer, struct group, sync.walk_timer);
	struct sync *s = &g->sync;
	struct frame_data begin = { .kind = FRAME_DATA_SYNC_BEGIN };
	int err;

	if (g->member.state != MEMBER_OWNER || !s->kernel)
		return;
	if (s->end_pending && !sync_push_end(g)) {
		sync_walk_soon(g, SYNC_AGAIN_NS);
		return;
	}
	if (s->walking || !s->waiting)
		return;
	if (transmit_full(g->transmit)) {
		sync_walk_soon(g, SYNC_AGAIN_NS);
		return;
	}

	/* A walk for nobody ends as well, and all that they hold would be swept. */
	if (!sync_map(g)) {
		sync_walk_soon(g, SYNC_FAILED_NS);
		return;
	}
	if (!++s->last_walk)
		s->last_walk = 1;
	err = kernel_walk(s->kernel, s->waiting, s->last_walk);
	if (err) {
		sync_walk_soon(g, err == -EBUSY ? SYNC_BUSY_NS : SYNC_FAILED_NS);
		return;
	}
	/* Nothing of the walk is read before this function returns to the loop. */
	begin.set = s->waiting;
	begin.epoch = g->member.epoch;
	begin.walk_id = s->last_walk;
	err = transmit_push(g->transmit, &begin, NULL);
	if (err) {		/* there was room a moment ago */
		log_error("bug: no room for the begin of a full sync: %s", strerror(-err));
		kernel_walk(s->kernel, 0, 0);
		sync_walk_soon(g, SYNC_BUSY_NS);
		return;
	}
	s->walking = s->waiting;
	s->waiting = 0;
	log_info("full sync %u begins", s->last_walk);
	stream_kick(g);
}

bool sync_must_wait(const struct group_peer *peer)
{
	return peer->group->sync.served & ~peer->bit &&
	       elapsed_ns(loop_clock(), peer->behind_ns) < peer->wait_ns;
}

void sync_requested(struct group_peer *peer, const struct frame_sync_request *request)
{
	struct group *g = peer->group;
	struct sync *s = &g->sync;

	/* A passive kernel half has no own flows: the end of its empty walk
	 * would have the backup sweep all it holds.
	 */
	if (g->member.state != MEMBER_OWNER || !s->kernel || !s->active ||
	    g->switchover.phase == SWITCHOVER_DRAIN ||
	    request->epoch != g->member.epoch || request->request == peer->request ||
	    sync_must_wait(peer))
		return;
	peer->request = request->request;
	log_info("%s asks for a full sync", peer->name);

	/* Changes from now on, and a walk for what there is. */
	repair_forget(g, peer->bit);
	s->served |= peer->bit;
	s->waiting |= peer->bit;
	transmit_wait(g->transmit, loop_clock(), peer->id, true);
	sync_map(g);
	sync_walk_soon(g, SYNC_GATHER_NS);
}

/* Something that was for the served is lost: all of them need a full sync. */
static bool sync_again_for_all(struct group *g, const char *why)
{
	struct sync *s = &g->sync;

	if (g->member.state != MEMBER_OWNER || !s->served ||
	    g->switchover.phase == SWITCHOVER_DRAIN)
		return false;
	log_warning("%s: full sync for all backups", why);
	s->waiting |= s->served;
	s->restarts++;
	sync_walk_soon(g, SYNC_GATHER_NS);
	return true;
}

bool sync_delta(struct group *g, uint64_t set, uint32_t walk_id,
		const void *records, size_t len)
{
	struct sync *s = &g->sync;
	struct frame_data data = {
		.set = set & s->served, .epoch = g->member.epoch, .walk_id = walk_id,
		.kind = FRAME_DATA_RECORDS, .records = records, .len = len,
	};
	int err;

	if (g->member.state != MEMBER_OWNER || !data.set)
		return true;
	s->deltas++;
	s->records_bytes += len;
	err = transmit_push(g->transmit, &data, NULL);
	if (err)
		sync_again_for_all(g, err == -EMSGSIZE ? "a batch of records is too large" :
				   "the stream has no room");
	stream_kick(g);
	return !transmit_full(g->transmit);
}

static void sync_walk_done(struct group *g, const struct kernel_event *event)
{
	struct sync *s = &g->sync;

	if (g->member.state != MEMBER_OWNER || !s->walking || event->walk_id != s->last_walk)
		return;
	log_info("full sync %u: %u flows", event->walk_id, event->count);
	s->end_pending = true;
	s->end_count = event->count;
	if (!sync_push_end(g) || s->waiting)
		sync_walk_soon(g, SYNC_AGAIN_NS);
}

/* Ends of flows were lost in the kernel.  The digests find those, but for flows that
 * have no number: for these alone full syncs are not to follow each other.
 */
static void sync_check_lost(struct group *g, uint64_t now_ns)
{
	struct sync *s = &g->sync;

	if (!s->lost || (g->config->digest_ms && s->lost_ns &&
			 elapsed_ns(now_ns, s->lost_ns) <= SYNC_LOST_NS))
		return;
	s->lost = false;
	if (sync_again_for_all(g, "ends of flows were lost in the kernel"))
		s->lost_ns = now_ns;
}

static void sync_swept(struct group *g, const struct kernel_event *event);

void sync_event(struct group *g, const struct kernel_event *event)
{
	switch (event->event) {
	case GWSYNC_EVENT_WALK_DONE:
		sync_walk_done(g, event);
		break;
	case GWSYNC_EVENT_SWEEP_DONE:
		sync_swept(g, event);
		break;
	case GWSYNC_EVENT_ACTIVATE_DONE:
		log_info("%u replicas became own flows", event->count);
		break;
	case GWSYNC_EVENT_DIGEST:
		repair_compared(g, event);
		break;
	case GWSYNC_EVENT_LOST:
		g->sync.lost = true;
		sync_check_lost(g, loop_clock());
		break;
	default:
		break;
	}
}

/* An owner whose kernel half is gone hands over to one in sync, soon or never:
 * nobody gets what changes here meanwhile.
 */
static void sync_check_unable(struct group *g, uint64_t now_ns)
{
	uint64_t most_ns = SYNC_UNABLE_DEAD * member_dead_ns(&g->member.params);
	struct sync *s = &g->sync;

	if (g->member.state != MEMBER_OWNER || !s->served || (s->kernel && s->active) ||
	    elapsed_ns(now_ns, s->gone_ns) <= most_ns)
		return;
	log_warning("without its kernel half this owner has nothing for its backups: out of sync");
	sync_serve_no_more(g, s->served);
}

/* Each time one that hears nothing but heartbeats is served anew the others wait. */
static void sync_behind(struct group_peer *peer, uint64_t now_ns)
{
	log_warning("%s does not keep up: out of sync", peer->name);
	peer->behind_ns = now_ns;
	peer->wait_ns = peer->wait_ns ? doubled_ns(peer->wait_ns, SYNC_BEHIND_MAX_NS) :
					SYNC_BEHIND_NS;
}

void sync_check_behind(struct group *g, uint64_t now_ns)
{
	unsigned int i;
	uint64_t set;

	repair_check_kept(g, now_ns);
	repair_check_proof(g, now_ns);
	sync_check_unable(g, now_ns);
	sync_check_lost(g, now_ns);
	set = transmit_behind(g->transmit, now_ns, g->member.params.heartbeat_ns) & g->sync.served;
	if (!set)
		return;
	for (i = 0; i < g->npeers; i++)
		if (g->peers[i].bit & set)
			sync_behind(&g->peers[i], now_ns);
	/* One that a full sync is on its way to has no state to be repaired. */
	repair_keep(g, set & ~(g->sync.waiting | g->sync.walking));
	sync_serve_no_more(g, set);
}

void sync_dead(struct group *g, struct group_peer *peer)
{
	peer->request = 0;
	repair_keep(g, peer->bit & g->sync.served & ~(g->sync.waiting | g->sync.walking));
	sync_serve_no_more(g, peer->bit);
}

/* The backup's half. */

static void sync_ask(struct loop_timer *timer)
{
	struct group *g = container_of(timer, struct group, sync.request_timer);
	struct sync *s = &g->sync;
	struct frame frame = { .head.type = FRAME_SYNC_REQUEST };
	uint16_t jitter;

	if (g->member.state != MEMBER_BACKUP || g->member.owner != s->owner ||
	    s->phase != SYNC_REQUEST)
		return;
	frame.sync_request.stream = session_stream(&g->session, s->owner);
	frame.sync_request.epoch = s->epoch;
	frame.sync_request.request = s->request;
	if (g->data_link != GROUP_NO_LINK && session_live(&g->session, s->owner))
		group_send(g, g->data_link, &frame);

	/* Many backups of a new owner need not ask in step. */
	seal_random(&jitter, sizeof(jitter));
	loop_timer_in(g->loop, timer, SYNC_REQUEST_NS + jitter * SYNC_JITTER_NS / UINT16_MAX);
}

void sync_restart(struct group *g, uint64_t delay_ns)
{
	struct sync *s = &g->sync;

	s->complete = false;
	s->unserved_ns = 0;
	repair_stop(g);
	if (!s->kernel || !s->owner) {
		sync_enter(g, SYNC_NONE);
		return;
	}
	/* What was own when an earlier agent died, or the kernel half refused, is
	 * the owner's now: flows that it ended since must be swept.
	 */
	if (s->former && !kernel_deactivate(s->kernel, s->owner, s->epoch))
		s->former = false;
	do
		seal_random(&s->request, sizeof(s->request));
	while (!s->request);
	sync_enter(g, SYNC_REQUEST);
	loop_timer_in(g->loop, &s->request_timer, delay_ns);
}

void sync_follow(struct group *g, uint8_t owner, uint32_t epoch)
{
	struct sync *s = &g->sync;

	/* The same after a silence: the stream repairs itself.  If the owner
	 * has given us up meanwhile, its heartbeats say so.
	 */
	if (s->owner != owner || s->epoch != epoch || s->phase == SYNC_REQUEST ||
	    s->phase == SYNC_NONE) {
		s->owner = owner;
		s->epoch = epoch;
		s->foreign |= 1ULL << owner;
		g->by_id[owner]->serves_us = false;
		sync_restart(g, 0);
	}
	sync_judge(g, loop_clock());
}

void sync_session(struct group_peer *peer)
{
	struct sync *s = &peer->group->sync;

	peer->request = 0;
	peer->serves_us = false;
	repair_forget(peer->group, peer->bit);
	if (s->owner != peer->id)
		return;
	/* Another stream: nothing of the old one can be repaired. */
	repair_stop(peer->group);
	s->owner = 0;
	s->complete = false;
	s->unread = false;
	sync_enter(peer->group, SYNC_NONE);
}

/* What records of another version name may be here, of an earlier owner, or from
 * before this member fell behind: a sweep would remove it.
 */
static bool sync_is_unread(struct group *g)
{
	struct sync *s = &g->sync;
	uint64_t unread;

	kernel_records_refused(s->kernel, &unread);
	s->unread = unread > s->records_unread;
	if (!s->unread)
		return false;
	log_error("records of %s are of a version that this member cannot read: upgrade this member (the backups first, then the owner)",
		  group_name(g, s->owner));
	s->restarts++;
	sync_restart(g, SYNC_UNREAD_NS);
	return true;
}

/* Return: false if the kernel half refused. */
static bool sync_take(struct group *g, const struct frame_data *data)
{
	struct sync *s = &g->sync;
	int err;

	switch (data->kind) {
	case FRAME_DATA_RECORDS:
		err = kernel_apply(s->kernel, s->owner, s->epoch, data->records, data->len);
		if (err) {
			s->apply_failed++;
			/* Once: frames may come by the thousand until it works. */
			if (s->phase != SYNC_REQUEST)
				log_error("kernel: apply: %s", strerror(-err));
			return false;
		}
		s->applied++;
		s->applied_bytes += data->len;
		if (data->walk_id)
			s->since_ns = loop_now(g->loop);
		return true;
	case FRAME_DATA_SYNC_BEGIN:
		if (kernel_sync_begin(s->kernel, s->owner, s->epoch))
			return false;
		s->walk_id = data->walk_id;
		s->records_refused = kernel_records_refused(s->kernel, &s->records_unread);
		g->by_id[s->owner]->serves_us = true;
		sync_enter(g, SYNC_RECEIVE);
		log_info("full sync %u of %s begins", s->walk_id, group_name(g, s->owner));
		return true;
	case FRAME_DATA_SYNC_END:
		if (s->phase != SYNC_RECEIVE || data->walk_id != s->walk_id)
			return true;
		if (sync_is_unread(g))
			return true;
		if (kernel_sync_end(s->kernel, s->owner, s->epoch))
			return false;
		sync_enter(g, SYNC_SWEEP);
		return true;
	default:
		return true;
	}
}

/* A frame for others.  All that are served get all changes, so the owner has given
 * this member up for a while: its heartbeats may come too late to say so.
 */
static void sync_passed_by(struct group_peer *peer, const struct frame_data *data)
{
	struct sync *s = &peer->group->sync;

	if (s->missed || !s->complete || !s->kernel || peer->id != s->owner ||
	    data->epoch != s->epoch || data->kind != FRAME_DATA_RECORDS || data->walk_id)
		return;
	s->missed = true;
	kernel_missed(s->kernel);
}

void sync_deliver(struct group_peer *peer, const struct frame_data *data)
{
	struct group *g = peer->group;
	struct sync *s = &g->sync;

	if (!(data->set & self_bit(g))) {
		sync_passed_by(peer, data);
		return;
	}
	s->missed = false;
	/* The owner that is followed or, until another is, that resigned. */
	if (g->member.state != MEMBER_BACKUP || peer->id != s->owner ||
	    data->epoch != s->epoch) {
		s->stale++;
		return;
	}
	if (s->kernel && !sync_take(g, data)) {
		s->restarts++;
		sync_restart(g, SYNC_FAILED_NS);
		sync_judge(g, loop_clock());
	}
}

void sync_lost(struct group_peer *peer, uint64_t first, uint64_t next)
{
	struct group *g = peer->group;

	if (g->member.state != MEMBER_BACKUP || peer->id != g->sync.owner ||
	    g->sync.phase == SYNC_NONE)
		return;
	log_warning("%llu frames of %s are lost: %s", (unsigned long long)(next - first),
		    peer->name, g->sync.complete ? "comparing" : "full sync again");
	if (g->sync.complete) {
		repair_verify(g, "frames were lost");
	} else {
		g->sync.restarts++;
		sync_restart(g, 0);
	}
	sync_judge(g, loop_clock());
}

static void sync_swept(struct group *g, const struct kernel_event *event)
{
	struct sync *s = &g->sync;
	uint8_t id;

	if (g->member.state != MEMBER_BACKUP || event->owner != s->owner)
		return;
	if (s->phase != SYNC_SWEEP) {
		repair_swept(g);
		return;
	}
	/* What an earlier owner left and this one has not named is gone. */
	for (id = 1; id <= GWSYNC_MEMBER_MAX; id++)
		if (s->foreign & 1ULL << id && id != s->owner)
			kernel_purge(s->kernel, id);
	s->foreign = 1ULL << s->owner;
	s->full_received++;
	s->complete = true;
	log_info("full sync of %s is here, %u stale replicas removed", group_name(g, s->owner),
		 event->count);
	repair_verify(g, NULL);
	sync_judge(g, loop_clock());
}

/* Refusals of records come later, and without the records. */
static void sync_check_refused(struct group *g, const struct group_peer *owner)
{
	struct sync *s = &g->sync;
	uint64_t refused = s->kernel ? kernel_apply_errors(s->kernel) : 0;

	if (refused == s->refused)
		return;
	if (refused > s->refused && s->phase != SYNC_NONE && s->phase != SYNC_REQUEST) {
		log_error("kernel: refused records of %s: full sync again", owner->name);
		s->restarts++;
		sync_restart(g, SYNC_FAILED_NS);
	}
	s->refused = refused;
}

/* Given up by the owner, which says so in its heartbeats. */
static void sync_check_unserved(struct group *g, const struct group_peer *owner,
				uint64_t now_ns)
{
	struct sync *s = &g->sync;

	if (owner->serves_us || (s->phase != SYNC_RECEIVE && s->phase != SYNC_DONE)) {
		s->unserved_ns = 0;
		return;
	}
	if (!s->unserved_ns)
		s->unserved_ns = now_ns;
	if (elapsed_ns(now_ns, s->unserved_ns) <= SYNC_UNSERVED_NS)
		return;
	s->unserved_ns = 0;
	if (s->phase == SYNC_DONE) {
		log_warning("%s no longer sends us its changes: comparing", owner->name);
		repair_verify(g, "changes were not sent");
		return;
	}
	/* The rest of its walk is not for us, nor is the end. */
	log_warning("%s has given up our full sync: again", owner->name);
	s->restarts++;
	sync_restart(g, 0);
}

uint64_t sync_records_refused(const struct group *g)
{
	const struct sync *s = &g->sync;
	uint64_t refused, unread;

	if (!s->kernel || s->phase < SYNC_RECEIVE)
		return 0;
	refused = kernel_records_refused(s->kernel, &unread);
	return refused > s->records_refused ? refused - s->records_refused : 0;
}

static void sync_set_judgement(struct group *g, uint64_t now_ns, bool in_sync)
{
	struct sync *s = &g->sync;

	member_set_in_sync(&g->member, now_ns, in_sync);
	if (!s->in_sync_ns || s->was_in_sync != g->member.in_sync) {
		s->was_in_sync = g->member.in_sync;
		s->in_sync_ns = now_ns;
	}
}

void sync_judge(struct group *g, uint64_t now_ns)
{
	uint64_t dead_ns = member_dead_ns(&g->member.params), missing_ns;
	const struct group_peer *peer = g->by_id[g->member.owner];
	struct sync *s = &g->sync;
	bool path, whole;

	if (g->member.state != MEMBER_BACKUP)
		return;
	/* Without an owner the last judgement stands: the election asks for it.  But
	 * not for one that goes on without this member, with another that has its state.
	 */
	if (!peer) {
		if (g->config->sync_state && member_owner_elsewhere(&g->member, true) &&
		    elapsed_ns(now_ns, g->member.vacant_ns) > dead_ns + SYNC_MISSING_NS)
			sync_set_judgement(g, now_ns, false);
		return;
	}
	if (!g->config->sync_state) {
		member_set_in_sync(&g->member, now_ns, true);
		return;
	}
	sync_check_refused(g, peer);
	if ((s->phase == SYNC_RECEIVE || s->phase == SYNC_SWEEP) &&
	    elapsed_ns(now_ns, s->since_ns) > SYNC_STUCK_NS) {
		log_warning("full sync of %s is stuck: again", peer->name);
		s->restarts++;
		sync_restart(g, 0);
	}
	sync_check_unserved(g, peer, now_ns);

	/* Heard on another link only: it lives, but its state does not come. */
	path = peer->sync_ns && elapsed_ns(now_ns, peer->sync_ns) < dead_ns;
	missing_ns = receive_missing_since(peer->receive);
	whole = !missing_ns || elapsed_ns(now_ns, missing_ns) < SYNC_MISSING_NS;
	/* Changes that were not for us went by as steps of the stream. */
	sync_set_judgement(g, now_ns, s->complete && s->phase == SYNC_DONE &&
			   repair_is_proven(g, now_ns) && path && whole && !s->unserved_ns);
}

/* Changes of role. */

/* A walk over flows that are no longer own would end early, and its end would
 * have the backups sweep the rest.
 */
void sync_stop_walk(struct group *g)
{
	struct sync *s = &g->sync;

	if (s->walking && s->kernel)
		kernel_walk(s->kernel, 0, 0);
	s->end_pending = false;
	s->walking = 0;
	s->waiting = 0;
	loop_timer_del(g->loop, &s->walk_timer);
}

/* No walk of an earlier role goes on. */
static void sync_clear_served(struct group *g)
{
	sync_stop_walk(g);
	sync_serve_no_more(g, g->sync.served);
}

void sync_acquire(struct group *g, uint64_t owners, uint32_t epoch)
{
	struct sync *s = &g->sync;
	unsigned int i;

	if (!owners)		/* nothing has changed but that others must be told again */
		return;
	loop_timer_del(g->loop, &s->request_timer);
	repair_stop(g);
	repair_forget(g, ~0ULL);
	sync_enter(g, SYNC_NONE);
	s->owner = 0;
	s->complete = false;
	s->lost = false;
	s->lost_ns = 0;
	s->in_sync_ns = 0;
	s->former = false;
	s->unread = false;
	sync_clear_served(g);
	/* A new epoch: each backup asks again, for this one. */
	for (i = 0; i < g->npeers; i++)
		g->peers[i].request = 0;
	s->active = false;
	if (!s->kernel)
		return;
	s->active = !kernel_activate(s->kernel, owners, epoch);
	if (s->active) {
		s->foreign &= ~owners;
		s->renew_wait_ns = 0;
		return;
	}
	/* Better new connections than none. */
	if (!s->renew_wait_ns)
		log_error("replicas could not be activated: existing connections will break; trying again");
	s->renew_wait_ns = s->renew_wait_ns ? doubled_ns(s->renew_wait_ns, SYNC_RENEW_MAX_NS) :
					      SYNC_RENEW_NS;
	s->renew_ns = loop_clock() + s->renew_wait_ns;
}

bool sync_passive(const struct group *g)
{
	return g->sync.kernel && g->member.state == MEMBER_OWNER && !g->sync.active;
}

void sync_check_active(struct group *g, uint64_t now_ns)
{
	/* Its backups got nothing of this epoch: with a newer one nothing is lost. */
	if (sync_passive(g) && g->switchover.phase == SWITCHOVER_IDLE &&
	    now_ns >= g->sync.renew_ns)
		member_renew(&g->member, now_ns);
}

void sync_release(struct group *g, uint8_t owner, uint32_t epoch)
{
	repair_forget(g, ~0ULL);
	sync_clear_served(g);
	g->sync.active = false;
	g->sync.foreign |= 1ULL << owner;	/* what was own here is now its */
	/* Refused: again before a full sync is asked for. */
	g->sync.former = g->sync.kernel &&
			 kernel_deactivate(g->sync.kernel, owner, epoch);
}

void sync_timers(struct group *g)
{
	repair_init(g);
	g->sync.request_timer.fire = sync_ask;
	g->sync.walk_timer.fire = sync_walk;
}
