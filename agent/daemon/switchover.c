// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/container.h"
#include "base/log.h"
#include "daemon/gateway.h"

#define SWITCHOVER_AGAIN_NS	(10 * NSEC_PER_MSEC)
#define SWITCHOVER_SOON_NS	(2 * NSEC_PER_MSEC)	/* RESIGN, at first */
#define SWITCHOVER_SOON		5			/* so often */
#define SWITCHOVER_QUIET_NS	(100 * NSEC_PER_MSEC)	/* longest, with addresses on */
#define SWITCHOVER_PREPARE_NS	(2 * NSEC_PER_SEC)
#define SWITCHOVER_DRAIN_NS	(NSEC_PER_MSEC)	/* there was no room, or a full socket */
#define SWITCHOVER_FULL_NS	(100 * NSEC_PER_MSEC)	/* longest wait for room to do so */

const char *switchover_phase_name(enum switchover_phase phase)
{
	switch (phase) {
	case SWITCHOVER_IDLE:		return "idle";
	case SWITCHOVER_PREPARE:	return "prepare";
	case SWITCHOVER_DRAIN:		return "drain";
	case SWITCHOVER_RESIGN:		return "resign";
	}
	return "?";
}

/* What is quiet is set down, now that nobody waits for this. */
static void switchover_release(struct gateway *g)
{
	uint64_t from_ns = loop_clock();

	if (!vrouters_is_quiet(g->vrouters))
		return;
	lease_give_back(g);
	log_info("switchover, us: addresses off %llu",
		 (unsigned long long)((loop_clock() - from_ns) / NSEC_PER_USEC));
}

static void switchover_finish(struct gateway *g, const char *result)
{
	struct switchover *w = &g->switchover;

	if (w->phase == SWITCHOVER_IDLE)
		return;
	snprintf(w->result, sizeof(w->result), "%s", result);
	w->phase = SWITCHOVER_IDLE;
	tables_close(&g->tables, false);
	loop_timer_del(g->loop, &w->timer);
	switchover_release(g);
	log_notice("switchover to %s: %s", config_member_name(g->config, w->to), result);
	if (w->leaving)
		loop_timer_in(g->loop, &g->end_timer, 0);
}

void switchover_abort(struct gateway *g, const char *why)
{
	switchover_finish(g, why);
}

static void switchover_send(struct gateway *g, enum frame_type type, uint8_t to, uint32_t epoch,
			    uint64_t seq, enum frame_switch_status status)
{
	struct frame frame = { .head.type = type };

	if (!session_live(&g->speaker.session, to))
		return;
	frame.switchover.stream = session_stream(&g->speaker.session, to);
	frame.switchover.epoch = epoch;
	frame.switchover.seq = seq;
	frame.switchover.status = status;
	speaker_send_all(&g->speaker, &frame);
}

static void switchover_resign(struct gateway *g)
{
	struct switchover *w = &g->switchover;

	w->phase = SWITCHOVER_RESIGN;
	tables_close(&g->tables, false);
	w->seq = transmit_pushed(g->stream.transmit);
	/* The last frame before the word that it is the last. */
	stream_pump(&g->stream);
	w->resigned_ns = loop_clock();
	w->deadline_ns = w->resigned_ns + member_dead_ns(&g->member.params);
	switchover_send(g, FRAME_RESIGN, w->to, w->epoch, w->seq, FRAME_SWITCH_OK);
	if (w->asked)
		member_stand_down(&g->member);
	member_resign(&g->member, loop_clock(), w->to);
	w->soon = SWITCHOVER_SOON;
	loop_timer_in(g->loop, &w->timer, SWITCHOVER_SOON_NS);
}

/* What the kernel half gave is not read yet, or not sent: a heartbeat that
 * names the heir must not come before the last frame that it has to wait for.
 */
static bool switchover_drains(const struct gateway *g)
{
	return (g->attach.kernel && kernel_pending(g->attach.kernel)) ||
	       transmit_last(g->stream.transmit) < transmit_pushed(g->stream.transmit);
}

static void switchover_drained(struct gateway *g)
{
	struct switchover *w = &g->switchover;

	if (g->attach.kernel)
		kernel_read(g->attach.kernel);
	stream_pump(&g->stream);
	if (switchover_drains(g) && loop_clock() - w->released_ns < SWITCHOVER_FULL_NS)
		loop_timer_in(g->loop, &w->timer, SWITCHOVER_DRAIN_NS);
	else
		switchover_resign(g);
}

static void switchover_drain(struct gateway *g)
{
	struct switchover *w = &g->switchover;
	bool passive;

	w->phase = SWITCHOVER_DRAIN;
	w->released_ns = loop_clock();
	/* The kernel half knows it from here on: if this member takes over anew,
	 * then with a newer one.
	 */
	if (g->member.max_epoch < w->epoch)
		g->member.max_epoch = w->epoch;
	if (!g->attach.kernel) {
		vrouters_release(g->vrouters);
		w->silent_ns = loop_clock();
		w->passive_ns = w->silent_ns;
		w->bare_ns = w->silent_ns;
		switchover_resign(g);
		return;
	}
	/* No walk any more, and what waits is sent while hosts are still served. */
	tables_close(&g->tables, true);
	tables_drain(&g->tables);
	stream_pump(&g->stream);
	/* Where an address goes the kernel ends what it masqueraded by that: these ends
	 * must not be the last changes.
	 */
	vrouters_hush(g->vrouters);
	w->silent_ns = loop_clock();
	tables_drain(&g->tables);
	/* When this returns the last changes wait in the kernel link's socket. */
	passive = tables_yield(&g->tables, w->to, w->epoch);
	w->passive_ns = loop_clock();
	if (passive && lease_has_ended(g))
		vrouters_quiet(g->vrouters);
	else
		vrouters_release(g->vrouters);
	w->bare_ns = loop_clock();
	switchover_drained(g);
}

static void switchover_fire(struct loop_timer *timer)
{
	struct gateway *g = container_of(timer, struct gateway, switchover.timer);
	struct switchover *w = &g->switchover;
	const struct member_peer *heir = &g->member.peer[w->to];
	bool late = loop_clock() >= w->deadline_ns;

	switch (w->phase) {
	case SWITCHOVER_IDLE:
		return;
	case SWITCHOVER_PREPARE:
		if (!heir->alive || heir->report.state != MEMBER_BACKUP) {
			switchover_finish(g, "given up: it is dead or leaving");
			return;
		}
		if (late && w->force) {
			switchover_drain(g);
			return;
		}
		if (late) {
			switchover_finish(g, "given up: no answer that it is ready");
			return;
		}
		switchover_send(g, FRAME_PREPARE, w->to, w->epoch, w->seq, FRAME_SWITCH_OK);
		break;
	case SWITCHOVER_DRAIN:
		switchover_drained(g);
		return;
	case SWITCHOVER_RESIGN:
		if (late) {
			switchover_finish(g, "resigned, but it did not take over in time");
			return;
		}
		switchover_send(g, FRAME_RESIGN, w->to, w->epoch, w->seq, FRAME_SWITCH_OK);
		if (loop_clock() - w->resigned_ns >= SWITCHOVER_QUIET_NS)
			switchover_release(g);
		if (!w->soon)
			break;
		w->soon--;
		loop_timer_in(g->loop, timer, SWITCHOVER_SOON_NS);
		return;
	}
	loop_timer_in(g->loop, timer, SWITCHOVER_AGAIN_NS);
}

void switchover_init(struct gateway *g)
{
	g->switchover.timer.fire = switchover_fire;
}

int switchover_begin(struct gateway *g, uint8_t to, bool force, const char **why)
{
	struct switchover *w = &g->switchover;
	const struct member_peer *peer;

	if (g->member.state != MEMBER_OWNER) {
		*why = "this member is not the owner; ask the owner";
		return -EPERM;
	}
	if (w->phase != SWITCHOVER_IDLE) {
		*why = "a switchover is under way";
		return -EBUSY;
	}
	if (!to)
		to = member_best_backup(&g->member, force);
	if (!to) {
		*why = force ? "no other member is alive" :
			       "no member is in sync (force would lose connections)";
		return -EAGAIN;
	}
	peer = &g->member.peer[to];
	if (to == g->config->member || !g->peers.by_id[to]) {
		*why = "it is not another member of the group";
		return -EINVAL;
	}
	if (!peer->alive) {
		*why = "that member is not alive";
		return -EHOSTDOWN;
	}
	if (!force && (!peer->report.in_sync || peer->report.epoch != g->member.epoch)) {
		*why = "that member is not in sync (force would lose connections)";
		return -EAGAIN;
	}
	if (g->member.max_epoch == UINT32_MAX) {
		*why = "epochs are used up; restart the group";
		return -EOVERFLOW;
	}

	w->phase = SWITCHOVER_PREPARE;
	w->asked = false;
	w->to = to;
	w->force = force;
	w->epoch = g->member.epoch + 1;
	w->seq = transmit_pushed(g->stream.transmit);
	w->began_ns = loop_clock();
	w->deadline_ns = w->began_ns + SWITCHOVER_PREPARE_NS;
	snprintf(w->result, sizeof(w->result), "under way");
	log_notice("switchover to %s begins", config_member_name(g->config, to));
	loop_timer_in(g->loop, &w->timer, 0);
	return 0;
}

static void switchover_prepare(struct gateway *g, const struct peer *peer,
			       const struct frame_switch *message)
{
	enum frame_switch_status status = FRAME_SWITCH_OK;

	if (message->epoch <= g->member.epoch || g->member.owner != peer->id)
		status = FRAME_SWITCH_STALE;
	else if (g->member.score < g->member.peer[peer->id].report.score)
		status = FRAME_SWITCH_NOT_HEALTHY;
	else if (!g->member.in_sync)
		status = FRAME_SWITCH_NOT_IN_SYNC;
	else if (receive_ack(g->stream.receive[peer->id]) < message->seq)
		return;		/* soon; it asks again */
	switchover_send(g, FRAME_READY, peer->id, message->epoch, message->seq, status);
}

static void switchover_ready(struct gateway *g, const struct peer *peer,
			     const struct frame_switch *message)
{
	struct switchover *w = &g->switchover;

	if (w->phase != SWITCHOVER_PREPARE || peer->id != w->to || message->epoch != w->epoch)
		return;
	switch (message->status) {
	case FRAME_SWITCH_OK:
		switchover_drain(g);
		return;
	case FRAME_SWITCH_NOT_IN_SYNC:
		if (w->force)
			switchover_drain(g);
		else
			switchover_finish(g, "refused: it is not in sync");
		return;
	case FRAME_SWITCH_NOT_HEALTHY:
		if (w->force)
			switchover_drain(g);
		else
			switchover_finish(g, "refused: its health is worse");
		return;
	default:
		switchover_finish(g, "refused: it knows a newer epoch or another owner");
	}
}

void switchover_progress(struct gateway *g)
{
	struct switchover *w = &g->switchover;
	const struct peer *peer = g->peers.by_id[w->from];
	struct member_report report;

	if (!w->from)
		return;
	/* Meanwhile another took over, or this one: that resignation is over. */
	if (g->member.state != MEMBER_BACKUP || w->from_epoch < g->member.epoch ||
	    (g->member.owner != w->from && g->member.heir != g->config->member)) {
		w->from = 0;
		return;
	}
	if (receive_ack(g->stream.receive[peer->id]) < w->from_seq)
		return;
	report = g->member.peer[w->from].report;
	report.state = MEMBER_BACKUP;
	report.epoch = w->from_epoch;
	report.owner = g->config->member;
	report.drained = true;
	w->from = 0;
	member_heard(&g->member, loop_clock(), peer->id, &report);
}

void switchover_take(struct gateway *g, const struct peer *peer, enum frame_type type,
		     const struct frame_switch *message)
{
	struct switchover *w = &g->switchover;

	/* The last frames may be lost, and nothing behind them shows it: the
	 * next heartbeat would, far later than a NACK now.
	 */
	if (type == FRAME_PREPARE || type == FRAME_RESIGN)
		receive_heartbeat(g->stream.receive[peer->id], loop_clock(), message->seq);

	switch (type) {
	case FRAME_PREPARE:
		switchover_prepare(g, peer, message);
		break;
	case FRAME_READY:
		switchover_ready(g, peer, message);
		break;
	case FRAME_RESIGN:
		/* From the owner that is followed, or a repetition of it. */
		if (g->member.state != MEMBER_BACKUP ||
		    (g->member.owner != peer->id && g->member.heir != g->config->member) ||
		    message->epoch < g->member.epoch)
			return;
		w->from = peer->id;
		w->from_epoch = message->epoch;
		w->from_seq = message->seq;
		switchover_progress(g);
		break;
	default:
		break;
	}
}

/* us, for who wants to know what the way is made of */
static void switchover_say_parts(const struct switchover *w, uint64_t now_ns)
{
	log_info("switchover, us: ready %llu, silent %llu, passive %llu, addresses off %llu, resigned %llu, heir heard %llu",
		 (unsigned long long)((w->released_ns - w->began_ns) / NSEC_PER_USEC),
		 (unsigned long long)((w->silent_ns - w->released_ns) / NSEC_PER_USEC),
		 (unsigned long long)((w->passive_ns - w->silent_ns) / NSEC_PER_USEC),
		 (unsigned long long)((w->bare_ns - w->passive_ns) / NSEC_PER_USEC),
		 (unsigned long long)((w->resigned_ns - w->bare_ns) / NSEC_PER_USEC),
		 (unsigned long long)((now_ns - w->resigned_ns) / NSEC_PER_USEC));
}

void switchover_owner_heard(struct gateway *g, uint8_t owner)
{
	struct switchover *w = &g->switchover;
	char result[64];

	if (w->phase != SWITCHOVER_RESIGN || g->member.owner != owner)
		return;
	switchover_say_parts(w, loop_clock());
	snprintf(result, sizeof(result), "done, %llu ms without an owner",
		 (unsigned long long)((loop_clock() - w->released_ns) / NSEC_PER_MSEC));
	switchover_finish(g, result);
}
