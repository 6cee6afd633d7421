// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "base/container.h"
#include "base/log.h"
#include "table/replicate.h"

#define REPLICATE_ASK_NS	(200 * NSEC_PER_MSEC)
#define REPLICATE_JITTER_NS	(50 * NSEC_PER_MSEC)
#define REPLICATE_FAILED_NS	(1 * NSEC_PER_SEC)
#define REPLICATE_UNREAD_NS	(60 * NSEC_PER_SEC)
#define REPLICATE_STUCK_NS	(60 * NSEC_PER_SEC)
#define REPLICATE_MISSING_NS	(1 * NSEC_PER_SEC)
#define REPLICATE_UNSERVED_NS	(1 * NSEC_PER_SEC)	/* a heartbeat may be older */

#define REPAIR_ASK_NS		(300 * NSEC_PER_MSEC)	/* for digests, doubling */
#define REPAIR_ASK_MAX_NS	(2 * NSEC_PER_SEC)	/* some times before it is unheard */
#define REPAIR_VERIFY_NS	(8 * NSEC_PER_SEC)	/* without any answer */
#define REPAIR_AGAIN_NS		(1 * NSEC_PER_SEC)	/* doubling while it does not help */
#define REPAIR_AGAIN_MAX_NS	(60 * NSEC_PER_SEC)
#define REPAIR_LATE_ROUNDS	3			/* until one is asked for */

static uint64_t self_bit(const struct replicate *r)
{
	return 1ULL << r->home->config->member;
}

static bool is_backup(const struct replicate *r)
{
	return r->home->member->state == MEMBER_BACKUP;
}

static const char *prefix(const struct replicate *r)
{
	return r->home->table->prefix;
}

static const char *owner_name(const struct replicate *r)
{
	return config_member_name(r->home->config, r->owner);
}

static uint8_t table_bit(const struct replicate *r)
{
	return (uint8_t)(1U << r->home->table->id);
}

/* It says that this member is given its changes. */
static bool serves_us(const struct replicate *r, const struct peer *owner)
{
	return owner->serves_us & table_bit(r);
}

/* An owner of another version may not know this table: then there is nothing to have. */
static bool has_table(const struct replicate *r, const struct peer *owner)
{
	return r->home->table->id == FRAME_TABLE_FLOWS ||
	       owner->heartbeat.tables & table_bit(r);
}

/* Since when something of the owner's stream has been missing, 0: nothing is. */
static uint64_t missing_since(const struct replicate *r, uint8_t owner)
{
	return receive_missing_since(r->home->stream->receive[owner]);
}

static void replicate_enter(struct replicate *r, enum replicate_phase phase)
{
	r->phase = phase;
	r->since_ns = loop_clock();
}

const char *replicate_phase_name(const struct replicate *r)
{
	static const char * const name[] = {
		[REPLICATE_NONE] = "none", [REPLICATE_REQUEST] = "request",
		[REPLICATE_RECEIVE] = "receive", [REPLICATE_SWEEP] = "sweep",
		[REPLICATE_VERIFY] = "verify", [REPLICATE_DONE] = "done",
	};

	return r->home->config->sync_state ? name[r->phase] : "stateless";
}

/* Digests and repairs. */

/* Its buckets are filled in. */
static void repair_send(struct replicate *r, struct frame *frame)
{
	struct speaker *speaker = r->home->stream->speaker;

	frame->head.type = FRAME_REPAIR_REQUEST;
	frame->repair_request.stream = session_stream(&speaker->session, r->owner);
	frame->repair_request.epoch = r->epoch;
	frame->repair_request.table = r->home->table->id;
	speaker_tell(speaker, r->owner, frame);
}

static void repair_ask_digests(struct replicate *r)
{
	struct frame frame = { .repair_request.buckets = 0 };

	repair_send(r, &frame);
}

static void repair_ask(struct replicate *r, uint64_t now_ns)
{
	struct frame frame = { .repair_request.buckets = 0 };
	struct frame_repair_request *request = &frame.repair_request;
	const struct table *table = r->home->table;
	uint64_t classes[GWSYNC_BUCKETS];
	struct repair *repair = &r->repair;
	unsigned int i;

	if (table->ops->differ(table->of, classes))
		return;
	for (i = 0; i < GWSYNC_BUCKETS; i++) {
		if (classes[i]) {
			request->repair[request->buckets].bucket = (uint8_t)i;
			request->repair[request->buckets++].classes = classes[i];
		}
		if (request->buckets &&
		    (request->buckets == FRAME_REPAIR_MAX || i == GWSYNC_BUCKETS - 1)) {
			repair_send(r, &frame);
			request->buckets = 0;
		}
	}
	repair->last_ns = now_ns;
	repair->last_classes = repair->differing;
	repair->last_cause = repair->cause ? repair->cause : "digests differed";
	repair->repairs++;
	log_notice("%s%u of %u classes differ from %s (%s): asking for them", table->prefix,
		   repair->differing, table->classes, owner_name(r), repair->last_cause);
}

static void repair_stop(struct replicate *r)
{
	loop_timer_del(r->home->loop, &r->repair.timer);
	r->repair.differing = 0;
	r->repair.unheard = false;
	r->repair.cause = NULL;
}

/* After so long without a round one is asked for; 0: they come only then. */
static uint64_t repair_late_ns(const struct replicate *r)
{
	return REPAIR_LATE_ROUNDS * r->home->config->digest_ms * NSEC_PER_MSEC;
}

/* No class differs, and that was seen not long ago. */
static bool repair_is_proven(const struct replicate *r, uint64_t now_ns)
{
	uint64_t late_ns = repair_late_ns(r);
	const struct repair *repair = &r->repair;

	return !repair->differing && repair->proven_ns &&
	       (!late_ns || elapsed_ns(now_ns, repair->proven_ns) <= late_ns + REPAIR_VERIFY_NS);
}

/* What is here is most of the owner's state; @cause: why not all, NULL: it is all, as far
 * as one can tell.
 */
static void repair_verify(struct replicate *r, const char *cause)
{
	const struct table *table = r->home->table;
	struct repair *repair = &r->repair;

	replicate_enter(r, REPLICATE_VERIFY);
	if (cause)		/* an end that comes now must not sweep */
		table->ops->missed(table->of);
	repair->cause = cause;
	repair->again_ns = 0;
	repair->wait_ns = REPAIR_AGAIN_NS;
	repair->unheard = false;
	repair->heard_ns = loop_clock();
	repair->ask_ns = REPAIR_ASK_NS;
	repair_ask_digests(r);
	loop_timer_in(r->home->loop, &repair->timer, repair->ask_ns);
}

static void repair_proven(struct replicate *r, uint64_t now_ns)
{
	struct repair *repair = &r->repair;

	if (repair->differing)
		log_notice("%sno class differs from %s any more", prefix(r), owner_name(r));
	repair->differing = 0;
	repair->proven_ns = now_ns;
	repair->cause = NULL;
	repair->wait_ns = REPAIR_AGAIN_NS;
	repair->again_ns = 0;
	if (r->phase != REPLICATE_VERIFY)
		return;
	loop_timer_del(r->home->loop, &repair->timer);
	replicate_enter(r, REPLICATE_DONE);
	log_notice("%sin sync with %s: all digests are the same", prefix(r), owner_name(r));
}

void replicate_compared(struct replicate *r, uint8_t owner, uint32_t differing)
{
	uint64_t now_ns = loop_clock();
	struct repair *repair = &r->repair;

	if (!is_backup(r) || owner != r->owner ||
	    (r->phase != REPLICATE_VERIFY && r->phase != REPLICATE_DONE))
		return;
	repair->rounds++;
	repair->unheard = false;
	repair->heard_ns = now_ns;
	if (!differing) {
		repair_proven(r, now_ns);
	} else {
		/* What no repair mends, a full table, is not to be sent for ever. */
		if (repair->differing && differing > repair->differing / 2 &&
		    now_ns >= repair->again_ns)
			repair->wait_ns = doubled_ns(repair->wait_ns, REPAIR_AGAIN_MAX_NS);
		repair->differing = differing;
		if (now_ns >= repair->again_ns) {
			repair->again_ns = now_ns + repair->wait_ns;
			repair_ask(r, now_ns);
		}
		/* What has changed since its bucket's turn shows in the next round,
		 * and so does a request that was lost: that one comes at once.
		 */
		if (r->phase == REPLICATE_DONE)
			loop_timer_at(r->home->loop, &repair->timer, repair->again_ns);
	}
	replicate_judge(r, now_ns);
}

/* The owner may send them at longer intervals than this member would. */
void replicate_check(struct replicate *r, uint64_t now_ns)
{
	uint64_t late_ns = repair_late_ns(r);
	struct repair *repair = &r->repair;

	if (!is_backup(r) || r->phase != REPLICATE_DONE || !late_ns ||
	    elapsed_ns(now_ns, repair->heard_ns) <= late_ns ||
	    elapsed_ns(now_ns, repair->asked_ns) <= REPAIR_ASK_MAX_NS)
		return;
	repair->asked_ns = now_ns;
	repair_ask_digests(r);
}

/* Full sync. */

static void replicate_ask(struct loop_timer *timer)
{
	struct replicate *r = container_of(timer, struct replicate, request_timer);
	struct speaker *speaker = r->home->stream->speaker;
	struct frame frame = { .head.type = FRAME_SYNC_REQUEST };
	uint16_t jitter;

	if (!is_backup(r) || r->home->member->owner != r->owner || r->phase != REPLICATE_REQUEST)
		return;
	if (!has_table(r, r->home->peers->by_id[r->owner])) {
		loop_timer_in(r->home->loop, timer, REPLICATE_ASK_NS);
		return;
	}
	frame.sync_request.stream = session_stream(&speaker->session, r->owner);
	frame.sync_request.epoch = r->epoch;
	frame.sync_request.request = r->request;
	frame.sync_request.table = r->home->table->id;
	speaker_tell(speaker, r->owner, &frame);

	/* Many backups of a new owner need not ask in step. */
	seal_random(&jitter, sizeof(jitter));
	loop_timer_in(r->home->loop, timer,
		      REPLICATE_ASK_NS + jitter * REPLICATE_JITTER_NS / UINT16_MAX);
}

/* Ask the owner for a full sync, after @delay_ns; out of sync until it is here. */
static void replicate_restart(struct replicate *r, uint64_t delay_ns)
{
	const struct table *table = r->home->table;

	r->complete = false;
	r->unserved_ns = 0;
	repair_stop(r);
	if (!table_is_there(table) || !r->owner) {
		replicate_enter(r, REPLICATE_NONE);
		return;
	}
	/* What was own when an earlier agent died, or the table refused, is the owner's
	 * now: what it has ended since must be swept.
	 */
	if (r->former && !table->ops->deactivate(table->of, r->owner, r->epoch))
		r->former = false;
	do
		seal_random(&r->request, sizeof(r->request));
	while (!r->request);
	replicate_enter(r, REPLICATE_REQUEST);
	loop_timer_in(r->home->loop, &r->request_timer, delay_ns);
}

void replicate_again(struct replicate *r)
{
	replicate_restart(r, 0);
}

/* Nobody answers.  Return: is there anything to wait for? */
static bool repair_unheard(struct replicate *r)
{
	const struct peer *owner = r->home->peers->by_id[r->owner];
	struct repair *repair = &r->repair;

	if (repair->cause || repair->differing || !serves_us(r, owner)) {
		log_warning("%s%s does not repair us: full sync again", prefix(r), owner->name);
		r->restarts++;
		replicate_restart(r, 0);
		return false;
	}
	/* Another full sync would be as unproven as this one. */
	if (!repair->unheard)
		log_error("%s%s sends no digests: its full sync is here but not proven, so NOT in sync; do all members run the same version?",
			  prefix(r), owner->name);
	repair->unheard = true;
	return true;
}

static void repair_fire(struct loop_timer *timer)
{
	struct replicate *r = container_of(timer, struct replicate, repair.timer);
	struct repair *repair = &r->repair;
	uint64_t now_ns = loop_clock();

	if (!is_backup(r) || !table_is_there(r->home->table))
		return;
	/* The request for a repair, or for what shows its success, may be lost. */
	if (r->phase == REPLICATE_DONE && repair->differing) {
		repair_ask_digests(r);
		loop_timer_in(r->home->loop, timer, repair->wait_ns);
	}
	if (r->phase != REPLICATE_VERIFY)
		return;
	/* What is lost on its way was not refused; a full sync would be lost, too.
	 * Who was given up gets nothing before it asks.
	 */
	if (missing_since(r, r->owner))
		repair->heard_ns = now_ns;
	if (elapsed_ns(now_ns, repair->heard_ns) > REPAIR_VERIFY_NS && !repair_unheard(r))
		return;
	repair_ask_digests(r);
	repair->ask_ns = doubled_ns(repair->ask_ns, REPAIR_ASK_MAX_NS);
	loop_timer_in(r->home->loop, timer, repair->ask_ns);
}

void replicate_follow(struct replicate *r, uint8_t owner, uint32_t epoch)
{
	/* The same after a silence: the stream repairs itself.  If the owner
	 * has given us up meanwhile, its heartbeats say so.
	 */
	if (r->owner != owner || r->epoch != epoch)
		r->in_sync_ns = 0;
	if (r->owner != owner || r->epoch != epoch || r->phase == REPLICATE_REQUEST ||
	    r->phase == REPLICATE_NONE) {
		r->owner = owner;
		r->epoch = epoch;
		r->foreign |= 1ULL << owner;
		r->home->peers->by_id[owner]->serves_us &= (uint8_t)~table_bit(r);
		replicate_restart(r, 0);
	}
	replicate_judge(r, loop_clock());
}

void replicate_session(struct replicate *r, const struct peer *peer)
{
	if (r->owner != peer->id)
		return;
	/* Another stream: nothing of the old one can be repaired. */
	repair_stop(r);
	r->owner = 0;
	r->complete = false;
	r->unread = false;
	replicate_enter(r, REPLICATE_NONE);
}

/* What records of another version name may be here, of an earlier owner, or from
 * before this member fell behind: a sweep would remove it.
 */
static bool replicate_is_unread(struct replicate *r)
{
	const struct table *table = r->home->table;
	uint64_t unread;

	table->ops->refused(table->of, &unread);
	r->unread = unread > r->records_unread;
	if (!r->unread)
		return false;
	log_error("%srecords of %s are of a version that this member cannot read: upgrade this member (the backups first, then the owner)",
		  prefix(r), owner_name(r));
	r->restarts++;
	replicate_restart(r, REPLICATE_UNREAD_NS);
	return true;
}

static bool replicate_apply(struct replicate *r, const struct frame_data *data)
{
	const struct table *table = r->home->table;
	int err;

	err = table->ops->apply(table->of, r->owner, r->epoch, data->records, data->len);
	if (err) {
		r->apply_failed++;
		/* Once: frames may come by the thousand until it works. */
		if (r->phase != REPLICATE_REQUEST)
			log_error("%sapply: %s", table->refuser, strerror(-err));
		return false;
	}
	r->applied++;
	r->applied_bytes += data->len;
	if (data->walk_id)
		r->since_ns = loop_now(r->home->loop);
	return true;
}

/* Return: false if the table refused. */
static bool replicate_take(struct replicate *r, const struct frame_data *data)
{
	const struct table *table = r->home->table;

	switch (data->kind) {
	case FRAME_DATA_RECORDS:
		return replicate_apply(r, data);
	case FRAME_DATA_SYNC_BEGIN:
		if (table->ops->begin(table->of, r->owner, r->epoch))
			return false;
		r->walk_id = data->walk_id;
		r->refused = table->ops->refused(table->of, &r->records_unread);
		r->home->peers->by_id[r->owner]->serves_us |= table_bit(r);
		replicate_enter(r, REPLICATE_RECEIVE);
		log_info("%sfull sync %u of %s begins", prefix(r), r->walk_id, owner_name(r));
		return true;
	case FRAME_DATA_SYNC_END:
		if (r->phase != REPLICATE_RECEIVE || data->walk_id != r->walk_id)
			return true;
		if (replicate_is_unread(r))
			return true;
		/* A table may have swept when this returns. */
		replicate_enter(r, REPLICATE_SWEEP);
		return !table->ops->end(table->of, r->owner, r->epoch);
	default:
		return true;
	}
}

/* A frame for others.  All that are served get all changes, so the owner has given
 * this member up for a while: its heartbeats may come too late to say so.
 */
static void replicate_passed_by(struct replicate *r, const struct peer *peer,
				const struct frame_data *data)
{
	const struct table *table = r->home->table;

	if (r->missed || !r->complete || !table_is_there(table) || peer->id != r->owner ||
	    data->epoch != r->epoch || data->kind != FRAME_DATA_RECORDS || data->walk_id)
		return;
	r->missed = true;
	table->ops->missed(table->of);
}

void replicate_deliver(struct replicate *r, const struct peer *peer, const struct frame_data *data)
{
	if (!(data->set & self_bit(r))) {
		replicate_passed_by(r, peer, data);
		return;
	}
	r->missed = false;
	/* The owner that is followed or, until another is, that resigned. */
	if (!is_backup(r) || peer->id != r->owner || data->epoch != r->epoch) {
		r->stale++;
		return;
	}
	if (table_is_there(r->home->table) && !replicate_take(r, data)) {
		r->restarts++;
		replicate_restart(r, REPLICATE_FAILED_NS);
		replicate_judge(r, loop_clock());
	}
}

void replicate_lost(struct replicate *r, const struct peer *peer, uint64_t first, uint64_t next)
{
	if (!is_backup(r) || peer->id != r->owner || r->phase == REPLICATE_NONE)
		return;
	log_warning("%s%llu frames of %s are lost: %s", prefix(r),
		    (unsigned long long)(next - first), peer->name, r->complete ? "comparing" : "full sync again");
	if (r->complete) {
		repair_verify(r, "frames were lost");
	} else {
		r->restarts++;
		replicate_restart(r, 0);
	}
	replicate_judge(r, loop_clock());
}

void replicate_swept(struct replicate *r, uint8_t owner, uint32_t count)
{
	const struct table *table = r->home->table;
	uint8_t id;

	if (!is_backup(r) || owner != r->owner)
		return;
	/* Of what was repaired. */
	if (r->phase == REPLICATE_VERIFY || r->phase == REPLICATE_DONE)
		repair_ask_digests(r);
	if (r->phase != REPLICATE_SWEEP)
		return;
	/* What an earlier owner left and this one has not named is gone. */
	for (id = 1; id <= GWSYNC_MEMBER_MAX; id++)
		if (r->foreign & 1ULL << id && id != r->owner)
			table->ops->purge(table->of, id);
	r->foreign = 1ULL << r->owner;
	r->full_received++;
	r->complete = true;
	log_info("%sfull sync of %s is here, %u stale replicas removed", prefix(r),
		 owner_name(r), count);
	repair_verify(r, NULL);
	replicate_judge(r, loop_clock());
}

/* In sync? */

/* Refusals of records come later, and without the records. */
static void replicate_check_errors(struct replicate *r, const struct peer *owner)
{
	const struct table *table = r->home->table;
	uint64_t errors = table_is_there(table) ? table->ops->apply_errors(table->of) : 0;

	if (errors == r->errors)
		return;
	if (errors > r->errors && r->phase != REPLICATE_NONE && r->phase != REPLICATE_REQUEST) {
		log_error("%srefused records of %s: full sync again", table->refuser, owner->name);
		r->restarts++;
		replicate_restart(r, REPLICATE_FAILED_NS);
	}
	r->errors = errors;
}

/* Given up by the owner, which says so in its heartbeats. */
static void replicate_check_unserved(struct replicate *r, const struct peer *owner,
				     uint64_t now_ns)
{
	if (serves_us(r, owner) || (r->phase != REPLICATE_RECEIVE && r->phase != REPLICATE_DONE)) {
		r->unserved_ns = 0;
		return;
	}
	if (!r->unserved_ns)
		r->unserved_ns = now_ns;
	if (elapsed_ns(now_ns, r->unserved_ns) <= REPLICATE_UNSERVED_NS)
		return;
	r->unserved_ns = 0;
	if (r->phase == REPLICATE_DONE) {
		log_warning("%s%s no longer sends us its changes: comparing", prefix(r),
			    owner->name);
		repair_verify(r, "changes were not sent");
		return;
	}
	/* The rest of its walk is not for us, nor is the end. */
	log_warning("%s%s has given up our full sync: again", prefix(r), owner->name);
	r->restarts++;
	replicate_restart(r, 0);
}

uint64_t replicate_refused(const struct replicate *r)
{
	const struct table *table = r->home->table;
	uint64_t refused, unread;

	if (!table_is_there(table) || r->phase < REPLICATE_RECEIVE)
		return 0;
	refused = table->ops->refused(table->of, &unread);
	return refused > r->refused ? refused - r->refused : 0;
}

static void replicate_set_judgement(struct replicate *r, uint64_t now_ns, bool in_sync)
{
	if (r->in_sync != in_sync || !r->in_sync_ns)
		r->in_sync_ns = now_ns;
	r->in_sync = in_sync;
	r->home->judged(r->home->arg, now_ns);
}

/* The last judgement stands: the election asks for it.  But not for one that goes on
 * without this member, with another that has its state.
 */
static void replicate_judge_vacant(struct replicate *r, uint64_t now_ns)
{
	const struct member *member = r->home->member;

	if (r->home->config->sync_state && member_owner_elsewhere(member, true) &&
	    elapsed_ns(now_ns, member->vacant_ns) >
	    member_dead_ns(&member->params) + REPLICATE_MISSING_NS)
		replicate_set_judgement(r, now_ns, false);
}

void replicate_judge(struct replicate *r, uint64_t now_ns)
{
	const struct member *member = r->home->member;
	uint64_t dead_ns = member_dead_ns(&member->params), missing_ns;
	const struct peer *peer = r->home->peers->by_id[member->owner];
	bool path, whole;

	if (!is_backup(r))
		return;
	if (!peer) {
		replicate_judge_vacant(r, now_ns);
		return;
	}
	if (!r->home->config->sync_state || !has_table(r, peer)) {
		replicate_set_judgement(r, now_ns, true);
		return;
	}
	replicate_check_errors(r, peer);
	if ((r->phase == REPLICATE_RECEIVE || r->phase == REPLICATE_SWEEP) &&
	    elapsed_ns(now_ns, r->since_ns) > REPLICATE_STUCK_NS) {
		log_warning("%sfull sync of %s is stuck: again", prefix(r), peer->name);
		r->restarts++;
		replicate_restart(r, 0);
	}
	replicate_check_unserved(r, peer, now_ns);

	/* Heard on another link only: it lives, but its state does not come. */
	path = peer->sync_ns && elapsed_ns(now_ns, peer->sync_ns) < dead_ns;
	missing_ns = missing_since(r, peer->id);
	whole = !missing_ns || elapsed_ns(now_ns, missing_ns) < REPLICATE_MISSING_NS;
	/* Changes that were not for us went by as steps of the stream. */
	replicate_set_judgement(r, now_ns, r->complete && r->phase == REPLICATE_DONE &&
				repair_is_proven(r, now_ns) && path && whole && !r->unserved_ns);
}

/* Changes of role. */

void replicate_acquire(struct replicate *r)
{
	loop_timer_del(r->home->loop, &r->request_timer);
	repair_stop(r);
	replicate_enter(r, REPLICATE_NONE);
	r->owner = 0;
	r->complete = false;
	r->former = false;
	r->unread = false;
}

void replicate_activated(struct replicate *r, uint64_t owners)
{
	r->foreign &= ~owners;
}

bool replicate_yield(struct replicate *r, uint8_t owner, uint32_t epoch)
{
	const struct table *table = r->home->table;

	r->foreign |= 1ULL << owner;
	/* Refused: again before a full sync is asked for. */
	r->former = table_is_there(table) && table->ops->deactivate(table->of, owner, epoch);
	return !r->former;
}

void replicate_release(struct replicate *r, uint8_t owner, uint32_t epoch)
{
	/* Nobody yet: what is own stays so, until there is one to follow. */
	r->former = true;
	if (owner)
		replicate_yield(r, owner, epoch);
}

void replicate_attached(struct replicate *r)
{
	r->former = true;
	/* Of whomever an earlier daemon followed, by whatever name of its own: members
	 * may have gone or changed their ids, and a full sync may have been broken off.
	 */
	r->foreign = ~1ULL;
}

void replicate_gone(struct replicate *r)
{
	r->errors = 0;		/* the next one counts from the start */
	if (r->home->member->state == MEMBER_OWNER)
		return;
	replicate_restart(r, 0);
	replicate_set_judgement(r, loop_clock(), false);
}

void replicate_init(struct replicate *r, const struct table_home *home)
{
	r->home = home;
	r->request_timer.fire = replicate_ask;
	r->repair.timer.fire = repair_fire;
}

void replicate_exit(struct replicate *r)
{
	if (!r->home)
		return;
	loop_timer_del(r->home->loop, &r->request_timer);
	repair_stop(r);
}
