// SPDX-License-Identifier: GPL-2.0
/* Repair: digests say which classes of flows differ, and those are sent again.
 *
 * The kernel halves compare; see kmod/digest.c.  A backup that has lost frames,
 * or was cut off for a while, has most of its owner's state: it does not begin
 * anew but goes on with the changes, compares, and has the rest repaired.
 */
#include <string.h>

#include "container.h"
#include "group.h"
#include "log.h"
#include "sync.h"

#define REPAIR_ASK_NS		(300 * NSEC_PER_MSEC)	/* for digests, doubling */
#define REPAIR_ASK_MAX_NS	(2 * NSEC_PER_SEC)	/* some times before it is unheard */
#define REPAIR_VERIFY_NS	(8 * NSEC_PER_SEC)	/* without any answer */
#define REPAIR_AGAIN_NS		(1 * NSEC_PER_SEC)	/* doubling while it does not help */
#define REPAIR_AGAIN_MAX_NS	(60 * NSEC_PER_SEC)
#define REPAIR_KEEP_NS		(600 * NSEC_PER_SEC)
#define REPAIR_LATE_ROUNDS	3			/* until one is asked for */

/* The owner's half. */

/* Members that were served and are not: what changes meanwhile must still be
 * in the sums, or nobody would see that they lack it.
 */
void repair_keep(struct group *g, uint64_t set)
{
	uint64_t now_ns = loop_clock();
	unsigned int i;

	for (i = 0; i < g->npeers; i++)
		if (g->peers[i].bit & set)
			g->peers[i].kept_ns = now_ns;
	g->repair.kept |= set;
}

void repair_forget(struct group *g, uint64_t set)
{
	g->repair.kept &= ~set;
}

void repair_check_kept(struct group *g, uint64_t now_ns)
{
	uint64_t kept = g->repair.kept;
	unsigned int i;

	for (i = 0; kept && i < g->npeers; i++)
		if (g->peers[i].bit & kept &&
		    elapsed_ns(now_ns, g->peers[i].kept_ns) > REPAIR_KEEP_NS)
			repair_forget(g, g->peers[i].bit);
	if (g->repair.kept != kept)
		sync_map(g);
}

/* For the status: a difference takes several requests, all at once. */
static void repair_note(struct group_peer *peer, const struct frame_repair_request *request)
{
	uint64_t now_ns = loop_clock();
	unsigned int i, classes = 0;

	for (i = 0; i < request->buckets; i++)
		classes += (unsigned int)__builtin_popcountll(request->repair[i].classes);
	if (elapsed_ns(now_ns, peer->repair_ns) > REPAIR_AGAIN_NS / 2)
		peer->repair_classes = 0;
	peer->repair_classes += classes;
	peer->repair_cause = peer->back_ns &&
			     elapsed_ns(now_ns, peer->back_ns) <= REPAIR_VERIFY_NS ?
			     "it had been given up" : "digests differed";
	peer->repair_ns = now_ns;
}

void repair_requested(struct group_peer *peer, const struct frame_repair_request *request)
{
	uint64_t classes[GWSYNC_BUCKETS] = { 0 };
	struct group *g = peer->group;
	struct sync *s = &g->sync;
	unsigned int i;

	if (g->member.state != MEMBER_OWNER || !s->kernel || !s->active ||
	    g->switchover.phase == SWITCHOVER_DRAIN || request->epoch != g->member.epoch)
		return;
	if (!(s->served & peer->bit)) {
		if (sync_must_wait(peer))
			return;
		/* Too long ago: it asks for a full sync when nobody answers. */
		if (!(g->repair.kept & peer->bit))
			return;
		log_notice("%s is back: its state is compared and repaired", peer->name);
		repair_forget(g, peer->bit);
		peer->back_ns = loop_clock();
		s->served |= peer->bit;
		transmit_wait(g->transmit, loop_clock(), peer->id, true);
		sync_map(g);
		heartbeat_send(g);	/* says that it is served */
	}
	if (!request->buckets) {
		kernel_repair(s->kernel, NULL);
		return;
	}
	for (i = 0; i < request->buckets; i++)
		classes[request->repair[i].bucket] = request->repair[i].classes;
	if (kernel_repair(s->kernel, classes))
		return;
	g->repair.served++;
	repair_note(peer, request);
}

/* The backup's half. */

/* Its buckets are filled in. */
static void repair_send(struct group *g, struct frame *frame)
{
	frame->head.type = FRAME_REPAIR_REQUEST;
	frame->repair_request.stream = session_stream(&g->session, g->sync.owner);
	frame->repair_request.epoch = g->sync.epoch;
	if (g->data_link != GROUP_NO_LINK && session_live(&g->session, g->sync.owner))
		group_send(g, g->data_link, frame);
}

static void repair_ask_digests(struct group *g)
{
	struct frame frame = { .repair_request.buckets = 0 };

	repair_send(g, &frame);
}

static void repair_ask(struct group *g, uint64_t now_ns)
{
	struct frame frame = { .repair_request.buckets = 0 };
	struct frame_repair_request *request = &frame.repair_request;
	uint64_t classes[GWSYNC_BUCKETS];
	struct repair *r = &g->repair;
	unsigned int i;

	if (kernel_differing(g->sync.kernel, classes))
		return;
	for (i = 0; i < GWSYNC_BUCKETS; i++) {
		if (classes[i]) {
			request->repair[request->buckets].bucket = (uint8_t)i;
			request->repair[request->buckets++].classes = classes[i];
		}
		if (request->buckets &&
		    (request->buckets == FRAME_REPAIR_MAX || i == GWSYNC_BUCKETS - 1)) {
			repair_send(g, &frame);
			request->buckets = 0;
		}
	}
	r->last_ns = now_ns;
	r->last_classes = r->differing;
	r->last_cause = r->cause ? r->cause : "digests differed";
	r->repairs++;
	log_notice("%u of %u classes differ from %s (%s): asking for them", r->differing,
		   GWSYNC_CLASSES, group_name(g, g->sync.owner), r->last_cause);
}

/* Nobody answers.  Return: is there anything to wait for? */
static bool repair_unheard(struct group *g)
{
	const struct group_peer *owner = g->by_id[g->sync.owner];
	struct repair *r = &g->repair;

	if (r->cause || r->differing || !owner->serves_us) {
		log_warning("%s does not repair us: full sync again", owner->name);
		g->sync.restarts++;
		sync_restart(g, 0);
		return false;
	}
	/* Another full sync would be as unproven as this one. */
	if (!r->unheard)
		log_error("%s sends no digests: its full sync is here but not proven, so NOT in sync; do all members run the same version?",
			  owner->name);
	r->unheard = true;
	return true;
}

/* After so long without a round one is asked for; 0: they come only then. */
static uint64_t repair_late_ns(const struct group *g)
{
	return REPAIR_LATE_ROUNDS * g->config->digest_ms * NSEC_PER_MSEC;
}

bool repair_is_proven(const struct group *g, uint64_t now_ns)
{
	uint64_t late_ns = repair_late_ns(g);
	const struct repair *r = &g->repair;

	return !r->differing && r->proven_ns &&
	       (!late_ns || elapsed_ns(now_ns, r->proven_ns) <= late_ns + REPAIR_VERIFY_NS);
}

/* The owner may send them at longer intervals than this member would. */
void repair_check_proof(struct group *g, uint64_t now_ns)
{
	uint64_t late_ns = repair_late_ns(g);
	struct repair *r = &g->repair;

	if (g->member.state != MEMBER_BACKUP || g->sync.phase != SYNC_DONE || !late_ns ||
	    elapsed_ns(now_ns, r->heard_ns) <= late_ns ||
	    elapsed_ns(now_ns, r->asked_ns) <= REPAIR_ASK_MAX_NS)
		return;
	r->asked_ns = now_ns;
	repair_ask_digests(g);
}

static void repair_timer(struct loop_timer *timer)
{
	struct group *g = container_of(timer, struct group, repair.timer);
	struct sync *s = &g->sync;
	struct repair *r = &g->repair;
	uint64_t now_ns = loop_clock();

	if (g->member.state != MEMBER_BACKUP || !s->kernel)
		return;
	/* The request for a repair, or for what shows its success, may be lost. */
	if (s->phase == SYNC_DONE && r->differing) {
		repair_ask_digests(g);
		loop_timer_in(g->loop, timer, r->wait_ns);
	}
	if (s->phase != SYNC_VERIFY)
		return;
	/* What is lost on its way was not refused; a full sync would be lost, too.
	 * Who was given up gets nothing before it asks.
	 */
	if (receive_missing_since(g->by_id[s->owner]->receive))
		r->heard_ns = now_ns;
	if (elapsed_ns(now_ns, r->heard_ns) > REPAIR_VERIFY_NS && !repair_unheard(g))
		return;
	repair_ask_digests(g);
	r->ask_ns = doubled_ns(r->ask_ns, REPAIR_ASK_MAX_NS);
	loop_timer_in(g->loop, timer, r->ask_ns);
}

void repair_verify(struct group *g, const char *cause)
{
	struct repair *r = &g->repair;

	sync_enter(g, SYNC_VERIFY);
	if (cause)		/* an end that comes now must not sweep */
		kernel_missed(g->sync.kernel);
	r->cause = cause;
	r->again_ns = 0;
	r->wait_ns = REPAIR_AGAIN_NS;
	r->unheard = false;
	r->heard_ns = loop_clock();
	r->ask_ns = REPAIR_ASK_NS;
	repair_ask_digests(g);
	loop_timer_in(g->loop, &r->timer, r->ask_ns);
}

void repair_swept(struct group *g)
{
	if (g->sync.phase == SYNC_VERIFY || g->sync.phase == SYNC_DONE)
		repair_ask_digests(g);
}

static void repair_proven(struct group *g, uint64_t now_ns)
{
	struct repair *r = &g->repair;

	if (r->differing)
		log_notice("no class differs from %s any more", group_name(g, g->sync.owner));
	r->differing = 0;
	r->proven_ns = now_ns;
	r->cause = NULL;
	r->wait_ns = REPAIR_AGAIN_NS;
	r->again_ns = 0;
	if (g->sync.phase != SYNC_VERIFY)
		return;
	loop_timer_del(g->loop, &r->timer);
	sync_enter(g, SYNC_DONE);
	log_notice("in sync with %s: all digests are the same", group_name(g, g->sync.owner));
}

void repair_compared(struct group *g, const struct kernel_event *event)
{
	uint64_t now_ns = loop_clock();
	struct repair *r = &g->repair;

	if (g->member.state != MEMBER_BACKUP || event->owner != g->sync.owner ||
	    (g->sync.phase != SYNC_VERIFY && g->sync.phase != SYNC_DONE))
		return;
	r->rounds++;
	r->unheard = false;
	r->heard_ns = now_ns;
	if (!event->count) {
		repair_proven(g, now_ns);
	} else {
		/* What no repair mends, a full table, is not to be sent for ever. */
		if (r->differing && event->count > r->differing / 2 && now_ns >= r->again_ns)
			r->wait_ns = doubled_ns(r->wait_ns, REPAIR_AGAIN_MAX_NS);
		r->differing = event->count;
		if (now_ns >= r->again_ns) {
			r->again_ns = now_ns + r->wait_ns;
			repair_ask(g, now_ns);
		}
		/* What has changed since its bucket's turn shows in the next round,
		 * and so does a request that was lost: that one comes at once.
		 */
		if (g->sync.phase == SYNC_DONE)
			loop_timer_at(g->loop, &r->timer, r->again_ns);
	}
	sync_judge(g, now_ns);
}

void repair_init(struct group *g)
{
	g->repair.timer.fire = repair_timer;
}

void repair_stop(struct group *g)
{
	loop_timer_del(g->loop, &g->repair.timer);
	g->repair.differing = 0;
	g->repair.unheard = false;
	g->repair.cause = NULL;
}
