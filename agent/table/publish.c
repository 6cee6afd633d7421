// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "base/container.h"
#include "base/log.h"
#include "table/publish.h"

#define PUBLISH_GATHER_NS	(20 * NSEC_PER_MSEC)	/* one walk for all who ask together */
#define PUBLISH_AGAIN_NS	(10 * NSEC_PER_MSEC)
#define PUBLISH_BUSY_NS		(200 * NSEC_PER_MSEC)
#define PUBLISH_FAILED_NS	(1 * NSEC_PER_SEC)
#define PUBLISH_RENEW_NS	(1 * NSEC_PER_SEC)	/* doubling while it is refused */
#define PUBLISH_RENEW_MAX_NS	(30 * NSEC_PER_SEC)
#define PUBLISH_UNABLE_DEAD	8	/* dead intervals, to hand over in */
#define PUBLISH_LOST_NS		(300 * NSEC_PER_SEC)	/* between full syncs for lost ends */
#define PUBLISH_BEHIND_NS	(1 * NSEC_PER_SEC)	/* doubling while it does not keep up */
#define PUBLISH_BEHIND_MAX_NS	(60 * NSEC_PER_SEC)
#define PUBLISH_REQUESTED	6			/* full syncs of a member at once, */
#define PUBLISH_REQUESTED_NS	(10 * NSEC_PER_SEC)	/* and then one in this time */
#define PUBLISH_PACE_PART	4			/* of the walk's pace, for one too slow */
#define PUBLISH_PACE_LEAST	200			/* connections a second */

#define REPAIR_KEEP_NS		(600 * NSEC_PER_SEC)
#define REPAIR_ONE_NS		(NSEC_PER_SEC / 2)	/* requests of one repair */
#define REPAIR_BACK_NS		(8 * NSEC_PER_SEC)	/* it is for what it missed while away */
#define REPAIR_REQUESTED	10			/* repairs of a member at once, */
#define REPAIR_REQUESTED_NS	(6 * NSEC_PER_SEC)	/* and then one in this time */
#define DIGESTS_REQUESTED	10			/* rounds of digests, too */
#define DIGESTS_REQUESTED_NS	(NSEC_PER_SEC / 2)

static bool is_owner(const struct publish *p)
{
	return p->home->member->state == MEMBER_OWNER;
}

static bool publish_may_send(const struct publish *p)
{
	const struct peers *peers = p->home->peers;
	unsigned int i;

	for (i = 0; i < peers->count; i++)
		if (!table_may_send(p->home, &peers->peer[i]))
			return false;
	return true;
}

static struct transmit *transmit_of(const struct publish *p)
{
	return p->home->stream->transmit;
}

/* Tell the table whom to emit for; false: it does not know. */
static bool publish_map(struct publish *p)
{
	const struct table *table = p->home->table;
	uint64_t map[GWSYNC_BUCKETS];
	uint64_t set = p->served | p->kept;
	unsigned int i;

	if (!table_is_there(table))
		return false;
	if (p->mapped == set)
		return true;
	for (i = 0; i < GWSYNC_BUCKETS; i++)
		map[i] = set;
	if (table->ops->map(table->of, map))
		return false;
	p->mapped = set;
	return true;
}

/* Members that were served and are not: what changes meanwhile must still be
 * in the sums, or nobody would see that they lack it.
 */
static void publish_keep(struct publish *p, uint64_t set)
{
	const struct peers *peers = p->home->peers;
	uint64_t now_ns = loop_clock();
	unsigned int i;

	for (i = 0; i < peers->count; i++)
		if (peers->peer[i].bit & set)
			p->peer[peers->peer[i].id].kept_ns = now_ns;
	p->kept |= set;
}

static void publish_check_kept(struct publish *p, uint64_t now_ns)
{
	const struct peers *peers = p->home->peers;
	uint64_t kept = p->kept;
	unsigned int i;

	for (i = 0; kept && i < peers->count; i++)
		if (peers->peer[i].bit & kept &&
		    elapsed_ns(now_ns, p->peer[peers->peer[i].id].kept_ns) > REPAIR_KEEP_NS)
			p->kept &= ~peers->peer[i].bit;
	if (p->kept != kept)
		publish_map(p);
}

/* Full sync: a walk of the table, begin and end in the stream of changes. */

static void publish_walk_soon(struct publish *p, uint64_t delay_ns)
{
	if (!p->walk_timer.due_ns)
		loop_timer_in(p->home->loop, &p->walk_timer, delay_ns);
}

static void publish_end_walk(const struct publish *p)
{
	const struct table *table = p->home->table;

	if (table_is_there(table))
		table->ops->walk(table->of, 0, 0);
}

static void publish_serve_no_more(struct publish *p, uint64_t set)
{
	const struct peers *peers = p->home->peers;
	bool walked = p->walking && !p->end_pending;
	unsigned int i;

	for (i = 0; i < peers->count; i++)	/* it may ask for the same again */
		if (peers->peer[i].bit & set & p->waiting)
			p->peer[peers->peer[i].id].request = 0;
	p->served &= ~set;
	p->waiting &= ~set;
	p->walking &= ~set;
	/* For nobody: it would keep the next one waiting. */
	if (walked && !p->walking)
		publish_end_walk(p);
	for (i = 0; i < peers->count; i++)
		if (peers->peer[i].bit & set)
			stream_wait(p->home->stream, p->home->table->id, peers->peer[i].id, false);
	publish_map(p);
	/* The end of that walk would have begun theirs. */
	if (p->waiting && !p->walking)
		publish_walk_soon(p, PUBLISH_GATHER_NS);
	stream_kick(p->home->stream);	/* there may be room now */
}

/* Return: false if the stream has no room for it now. */
static bool publish_push_end(struct publish *p)
{
	struct frame_data end = {
		.set = p->walking, .epoch = p->home->member->epoch, .walk_id = p->last_walk,
		.kind = FRAME_DATA_SYNC_END, .table = p->home->table->id,
		.count = p->end_count,
	};

	if (p->walking && transmit_push(transmit_of(p), &end, NULL))
		return false;
	p->end_pending = false;
	p->walking = 0;
	p->full_sent++;
	stream_kick(p->home->stream);
	return true;
}

/* Of those who wait for it the slowest sets the pace of the walk, or its connections
 * would keep the changes from all others.
 */
static void publish_set_pace(struct publish *p)
{
	const struct peers *peers = p->home->peers;
	const struct table *table = p->home->table;
	uint32_t pace = p->home->config->walk_rate;
	unsigned int i;

	for (i = 0; i < peers->count; i++) {
		uint32_t its = p->peer[peers->peer[i].id].pace;

		if (peers->peer[i].bit & p->waiting && its && (!pace || its < pace))
			pace = its;
	}
	if (p->pace == pace)
		return;
	p->pace = pace;
	table->ops->pace(table->of, pace);
}

/* It could not take the walk at the last pace. */
static void publish_slow_down(struct publish *p, struct publish_peer *its)
{
	uint32_t pace = its->pace ? its->pace : p->pace;

	if (!pace)
		pace = PUBLISH_PACE_LEAST * 1000;
	its->pace = pace / PUBLISH_PACE_PART > PUBLISH_PACE_LEAST ? pace / PUBLISH_PACE_PART :
								    PUBLISH_PACE_LEAST;
}

static void publish_walk(struct loop_timer *timer)
{
	struct publish *p = container_of(timer, struct publish, walk_timer);
	const struct table *table = p->home->table;
	struct frame_data begin = { .kind = FRAME_DATA_SYNC_BEGIN, .table = table->id };
	int err;

	if (!is_owner(p) || !table_is_there(table))
		return;
	if (p->end_pending && !publish_push_end(p)) {
		publish_walk_soon(p, PUBLISH_AGAIN_NS);
		return;
	}
	if (p->walking || !p->waiting)
		return;
	if (transmit_full(transmit_of(p))) {
		publish_walk_soon(p, PUBLISH_AGAIN_NS);
		return;
	}

	/* A walk for nobody ends as well, and all that they hold would be swept. */
	if (!publish_map(p)) {
		publish_walk_soon(p, PUBLISH_FAILED_NS);
		return;
	}
	if (!++p->last_walk)
		p->last_walk = 1;
	publish_set_pace(p);
	err = table->ops->walk(table->of, p->waiting, p->last_walk);
	if (err) {
		publish_walk_soon(p, err == -EBUSY ? PUBLISH_BUSY_NS : PUBLISH_FAILED_NS);
		return;
	}
	/* Nothing of the walk is read before this function returns to the loop. */
	begin.set = p->waiting;
	begin.epoch = p->home->member->epoch;
	begin.walk_id = p->last_walk;
	err = transmit_push(transmit_of(p), &begin, NULL);
	if (err) {		/* there was room a moment ago */
		log_error("bug: no room for the begin of a full sync: %s", strerror(-err));
		publish_end_walk(p);
		publish_walk_soon(p, PUBLISH_BUSY_NS);
		return;
	}
	p->walking = p->waiting;
	p->waiting = 0;
	log_info("%sfull sync %u begins", table->prefix, p->last_walk);
	stream_kick(p->home->stream);
}

/* One that does not keep up is not served anew at once: the others would wait for it. */
static bool publish_must_wait(const struct publish *p, const struct peer *peer)
{
	const struct publish_peer *its = &p->peer[peer->id];

	return p->served & ~peer->bit && elapsed_ns(loop_clock(), its->behind_ns) < its->wait_ns;
}

/* A passive table has no state of its own: the end of its empty walk would have the
 * backup sweep all it holds.
 */
static bool publish_can_serve(const struct publish *p, uint32_t epoch)
{
	return publish_may_send(p) && is_owner(p) && table_is_there(p->home->table) &&
	       p->active && !p->closed && epoch == p->home->member->epoch;
}

static void publish_serve(struct publish *p, const struct peer *peer)
{
	p->kept &= ~peer->bit;
	p->served |= peer->bit;
	stream_wait(p->home->stream, p->home->table->id, peer->id, true);
	publish_map(p);
}

void publish_requested(struct publish *p, const struct peer *peer,
		       const struct frame_sync_request *request)
{
	struct publish_peer *its = &p->peer[peer->id];

	if (!publish_can_serve(p, request->epoch) || request->request == its->request ||
	    publish_must_wait(p, peer))
		return;
	/* It has a fault, and would keep this member walking. */
	if (!allowed(&its->request_free_ns, loop_clock(), PUBLISH_REQUESTED_NS,
		     PUBLISH_REQUESTED)) {
		p->limited++;
		return;
	}
	its->request = request->request;
	log_info("%s%s asks for a full sync", p->home->table->prefix, peer->name);

	/* Changes from now on, and a walk for what there is. */
	p->waiting |= peer->bit;
	publish_serve(p, peer);
	publish_walk_soon(p, PUBLISH_GATHER_NS);
}

/* Something that was for the served is lost: all of them need a full sync. */
static bool publish_again_for_all(struct publish *p, const char *why)
{
	if (!is_owner(p) || !p->served || p->closed)
		return false;
	log_warning("%s%s: full sync for all backups", p->home->table->prefix, why);
	p->waiting |= p->served;
	p->restarts++;
	publish_walk_soon(p, PUBLISH_GATHER_NS);
	return true;
}

bool publish_delta(struct publish *p, uint64_t set, uint32_t walk_id,
		   const void *records, size_t len)
{
	struct frame_data data = {
		.set = set & p->served, .epoch = p->home->member->epoch, .walk_id = walk_id,
		.kind = FRAME_DATA_RECORDS, .table = p->home->table->id,
		.records = records, .len = len,
	};
	int err;

	if (!is_owner(p) || !data.set || !publish_may_send(p))
		return true;
	p->deltas++;
	p->records_bytes += len;
	err = transmit_push(transmit_of(p), &data, NULL);
	if (err)
		publish_again_for_all(p, err == -EMSGSIZE ? "a batch of records is too large" :
				      "the stream has no room");
	stream_kick(p->home->stream);
	return !transmit_full(transmit_of(p));
}

void publish_walked(struct publish *p, uint32_t walk_id, uint32_t count)
{
	if (!is_owner(p) || !p->walking || walk_id != p->last_walk)
		return;
	log_info("%sfull sync %u: %u %s", p->home->table->prefix, walk_id, count,
		 p->home->table->name);
	p->end_pending = true;
	p->end_count = count;
	if (!publish_push_end(p) || p->waiting)
		publish_walk_soon(p, PUBLISH_AGAIN_NS);
}

/* Ends of flows were lost in the kernel.  The digests find those, but for flows that
 * have no number: for these alone full syncs are not to follow each other.
 */
static void publish_check_lost(struct publish *p, uint64_t now_ns)
{
	if (!p->lost || (p->home->config->digest_ms && p->lost_ns &&
			 elapsed_ns(now_ns, p->lost_ns) <= PUBLISH_LOST_NS))
		return;
	p->lost = false;
	if (publish_again_for_all(p, "ends of flows were lost in the kernel"))
		p->lost_ns = now_ns;
}

void publish_lost(struct publish *p)
{
	p->lost = true;
	publish_check_lost(p, loop_clock());
}

/* Repairs: some classes are sent again. */

/* For the status: a difference takes several requests, all at once. */
static void publish_note_repair(struct publish_peer *its,
				const struct frame_repair_request *request)
{
	uint64_t now_ns = loop_clock();
	unsigned int i, classes = 0;

	for (i = 0; i < request->buckets; i++)
		classes += (unsigned int)__builtin_popcountll(request->repair[i].classes);
	if (elapsed_ns(now_ns, its->repair_ns) > REPAIR_ONE_NS)
		its->repair_classes = 0;
	its->repair_classes += classes;
	its->repair_cause = its->back_ns && elapsed_ns(now_ns, its->back_ns) <= REPAIR_BACK_NS ?
			    "it had been given up" : "digests differed";
	its->repair_ns = now_ns;
}

static void publish_repair(struct publish *p, const struct peer *peer,
			   const struct frame_repair_request *request)
{
	struct publish_peer *its = &p->peer[peer->id];
	const struct table *table = p->home->table;
	uint64_t classes[GWSYNC_BUCKETS] = { 0 };
	unsigned int i;

	/* Each round is read by all: one that asks all the time would fill the stream. */
	if (!request->buckets) {
		if (allowed(&its->digests_free_ns, loop_clock(), DIGESTS_REQUESTED_NS,
			    DIGESTS_REQUESTED))
			table->ops->repair(table->of, NULL);
		else
			p->limited++;
		return;
	}
	/* Several requests, all at once, are one repair. */
	if (elapsed_ns(loop_clock(), its->repair_ns) > REPAIR_ONE_NS &&
	    !allowed(&its->repair_free_ns, loop_clock(), REPAIR_REQUESTED_NS,
		     REPAIR_REQUESTED)) {
		p->limited++;
		return;
	}
	for (i = 0; i < request->buckets; i++)
		classes[request->repair[i].bucket] = request->repair[i].classes;
	if (table->ops->repair(table->of, classes))
		return;
	p->repairs++;
	publish_note_repair(its, request);
}

bool publish_repair_requested(struct publish *p, const struct peer *peer,
			      const struct frame_repair_request *request)
{
	bool back = false;

	if (!publish_can_serve(p, request->epoch))
		return false;
	if (!(p->served & peer->bit)) {
		/* Kept for too long: it asks for a full sync when nobody answers. */
		if (publish_must_wait(p, peer) || !(p->kept & peer->bit))
			return false;
		log_notice("%s%s is back: its state is compared and repaired",
			   p->home->table->prefix, peer->name);
		p->peer[peer->id].back_ns = loop_clock();
		publish_serve(p, peer);
		back = true;
	}
	publish_repair(p, peer, request);
	return back;
}

/* Who is served. */

void publish_session(struct publish *p, const struct peer *peer)
{
	struct publish_peer *its = &p->peer[peer->id];

	its->request = 0;
	its->request_free_ns = 0;
	its->repair_free_ns = 0;
	its->digests_free_ns = 0;
	its->pace = 0;
	p->kept &= ~peer->bit;
}

void publish_dead(struct publish *p, const struct peer *peer)
{
	p->peer[peer->id].request = 0;
	publish_keep(p, peer->bit & p->served & ~(p->waiting | p->walking));
	publish_serve_no_more(p, peer->bit);
}

void publish_in_sync(struct publish *p, const struct peer *peer)
{
	p->peer[peer->id].wait_ns = 0;
}

/* An owner whose table is gone hands over to one in sync, soon or never: nobody gets
 * what changes here meanwhile.
 */
static void publish_check_unable(struct publish *p, uint64_t now_ns)
{
	uint64_t most_ns = PUBLISH_UNABLE_DEAD * member_dead_ns(&p->home->member->params);

	if (!is_owner(p) || !p->served || (table_is_there(p->home->table) && p->active) ||
	    elapsed_ns(now_ns, p->gone_ns) <= most_ns)
		return;
	log_warning("without its kernel half this owner has nothing for its backups: out of sync");
	publish_serve_no_more(p, p->served);
}

/* Each time one that hears nothing but heartbeats is served anew the others wait. */
static void publish_behind(struct publish *p, const struct peer *peer, uint64_t now_ns)
{
	struct publish_peer *its = &p->peer[peer->id];

	log_warning("%s%s does not keep up: out of sync", p->home->table->prefix, peer->name);
	its->behind_ns = now_ns;
	its->wait_ns = its->wait_ns ? doubled_ns(its->wait_ns, PUBLISH_BEHIND_MAX_NS) :
				      PUBLISH_BEHIND_NS;
	if (peer->bit & (p->walking | p->waiting))
		publish_slow_down(p, its);
}

/* A walk over flows that are no longer own would end early, and its end would
 * have the backups sweep the rest.
 */
static void publish_stop_walk(struct publish *p)
{
	if (p->walking)
		publish_end_walk(p);
	p->end_pending = false;
	p->walking = 0;
	p->waiting = 0;
	loop_timer_del(p->home->loop, &p->walk_timer);
}

void publish_check(struct publish *p, uint64_t now_ns, uint64_t behind)
{
	const struct peers *peers = p->home->peers;
	unsigned int i;
	uint64_t set;

	publish_check_kept(p, now_ns);
	publish_check_unable(p, now_ns);
	publish_check_lost(p, now_ns);
	if (p->served && !publish_may_send(p)) {
		publish_stop_walk(p);
		publish_serve_no_more(p, p->served);
	}
	set = behind & p->served;
	if (!set)
		return;
	for (i = 0; i < peers->count; i++)
		if (peers->peer[i].bit & set)
			publish_behind(p, &peers->peer[i], now_ns);
	/* One that a full sync is on its way to has no state to be repaired. */
	publish_keep(p, set & ~(p->waiting | p->walking));
	publish_serve_no_more(p, set);
}

/* Changes of role. */

void publish_close(struct publish *p, bool closed)
{
	if (closed)
		publish_stop_walk(p);
	p->closed = closed;
}

/* No walk of an earlier role goes on. */
static void publish_clear(struct publish *p)
{
	p->kept = 0;
	publish_stop_walk(p);
	publish_serve_no_more(p, p->served);
	p->active = false;
}

bool publish_acquire(struct publish *p, uint64_t owners, uint32_t epoch)
{
	const struct table *table = p->home->table;
	unsigned int id;

	p->lost = false;
	p->lost_ns = 0;
	publish_clear(p);
	/* A new epoch: each backup asks again, for this one. */
	for (id = 0; id <= GWSYNC_MEMBER_MAX; id++)
		p->peer[id].request = 0;
	if (!table_is_there(table))
		return false;
	p->active = !table->ops->activate(table->of, owners, epoch);
	if (p->active) {
		p->renew_wait_ns = 0;
		return true;
	}
	/* Better new connections than none. */
	if (!p->renew_wait_ns)
		log_error("replicas could not be activated: existing connections will break; trying again");
	p->renew_wait_ns = p->renew_wait_ns ? doubled_ns(p->renew_wait_ns, PUBLISH_RENEW_MAX_NS) :
					      PUBLISH_RENEW_NS;
	p->renew_ns = loop_clock() + p->renew_wait_ns;
	return false;
}

void publish_release(struct publish *p)
{
	publish_clear(p);
}

bool publish_is_passive(const struct publish *p)
{
	return table_is_there(p->home->table) && is_owner(p) && !p->active;
}

bool publish_renews(const struct publish *p, uint64_t now_ns)
{
	/* Its backups got nothing of this epoch: with a newer one nothing is lost. */
	return publish_is_passive(p) && now_ns >= p->renew_ns;
}

void publish_attached(struct publish *p)
{
	p->mapped = ~0ULL;	/* unknown */
	publish_map(p);
}

void publish_gone(struct publish *p)
{
	p->mapped = 0;
	p->active = false;
	/* A backup in sync remains so for as long as it takes to hand over to it:
	 * publish_check_unable() ends that.
	 */
	if (is_owner(p))
		p->served &= ~(p->waiting | p->walking);
	else
		p->served = 0;
	p->gone_ns = loop_clock();
	p->waiting = 0;
	p->walking = 0;
	p->end_pending = false;
	loop_timer_del(p->home->loop, &p->walk_timer);
}

void publish_init(struct publish *p, const struct table_home *home)
{
	p->home = home;
	p->pace = home->config->walk_rate;
	p->walk_timer.fire = publish_walk;
	seal_random(&p->last_walk, sizeof(p->last_walk));
}

void publish_exit(struct publish *p)
{
	if (p->home)
		loop_timer_del(p->home->loop, &p->walk_timer);
}
