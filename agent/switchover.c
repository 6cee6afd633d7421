// SPDX-License-Identifier: GPL-2.0
/* A planned change of the owner.
 *
 * PREPARE until the heir says READY: it has applied all there was when asked.
 * Then the addresses go, the kernel half gives its last changes, and RESIGN
 * names the last frame: the heir is owner once it has it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "container.h"
#include "group.h"
#include "log.h"

#define SWITCHOVER_AGAIN_NS	(10 * NSEC_PER_MSEC)
#define SWITCHOVER_PREPARE_NS	(2 * NSEC_PER_SEC)
#define SWITCHOVER_DRAIN_NS	(2 * NSEC_PER_MSEC)	/* to read what the kernel gave */
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

static void switchover_finish(struct group *g, const char *result)
{
	struct switchover *w = &g->switchover;

	if (w->phase == SWITCHOVER_IDLE)
		return;
	snprintf(w->result, sizeof(w->result), "%s", result);
	w->phase = SWITCHOVER_IDLE;
	loop_timer_del(g->loop, &w->timer);
	log_notice("switchover to %s: %s", group_name(g, w->to), result);
	if (w->leaving)
		loop_timer_in(g->loop, &g->end_timer, 0);
}

void switchover_abort(struct group *g, const char *why)
{
	switchover_finish(g, why);
}

static void switchover_send(struct group *g, enum frame_type type, uint8_t to, uint32_t epoch,
			    uint64_t seq, enum frame_switch_status status)
{
	struct frame frame = { .head.type = type };

	if (!session_live(&g->session, to))
		return;
	frame.switchover.stream = session_stream(&g->session, to);
	frame.switchover.epoch = epoch;
	frame.switchover.seq = seq;
	frame.switchover.status = status;
	group_send_all(g, &frame);
}

static void switchover_resign(struct group *g)
{
	struct switchover *w = &g->switchover;

	w->phase = SWITCHOVER_RESIGN;
	w->seq = transmit_pushed(g->transmit);
	w->deadline_ns = loop_clock() + member_dead_ns(&g->member.params);
	stream_pump(g);		/* the last frame before the word that it is the last */
	switchover_send(g, FRAME_RESIGN, w->to, w->epoch, w->seq, FRAME_SWITCH_OK);
	member_resign(&g->member, loop_clock(), w->to);
	loop_timer_in(g->loop, &w->timer, SWITCHOVER_AGAIN_NS);
}

static void switchover_drain(struct group *g)
{
	struct switchover *w = &g->switchover;

	w->phase = SWITCHOVER_DRAIN;
	w->released_ns = loop_clock();
	/* The kernel half knows it from here on: if this member takes over anew,
	 * then with a newer one.
	 */
	if (g->member.max_epoch < w->epoch)
		g->member.max_epoch = w->epoch;
	vrouters_release(g->vrouters);
	if (!g->sync.kernel) {
		switchover_resign(g);
		return;
	}
	sync_stop_walk(g);
	/* When this returns the last changes wait in the kernel link's socket. */
	g->sync.foreign |= 1ULL << w->to;
	g->sync.former = kernel_deactivate(g->sync.kernel, w->to, w->epoch) != 0;
	loop_timer_in(g->loop, &w->timer, SWITCHOVER_DRAIN_NS);
}

/* What the kernel half gave is not read yet, or not sent: a heartbeat that
 * names the heir must not come before the last frame that it has to wait for.
 */
static bool switchover_drains(const struct group *g)
{
	return (g->sync.kernel && kernel_pending(g->sync.kernel)) ||
	       transmit_last(g->transmit) < transmit_pushed(g->transmit);
}

static void switchover_fire(struct loop_timer *timer)
{
	struct group *g = container_of(timer, struct group, switchover.timer);
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
		if (switchover_drains(g) &&
		    loop_clock() - w->released_ns < SWITCHOVER_FULL_NS)
			loop_timer_in(g->loop, timer, SWITCHOVER_DRAIN_NS);
		else
			switchover_resign(g);
		return;
	case SWITCHOVER_RESIGN:
		if (late) {
			switchover_finish(g, "resigned, but it did not take over in time");
			return;
		}
		switchover_send(g, FRAME_RESIGN, w->to, w->epoch, w->seq, FRAME_SWITCH_OK);
		break;
	}
	loop_timer_in(g->loop, timer, SWITCHOVER_AGAIN_NS);
}

void switchover_init(struct group *g)
{
	g->switchover.timer.fire = switchover_fire;
}

int switchover_begin(struct group *g, uint8_t to, bool force, const char **why)
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
	if (to == g->config->member || !g->by_id[to]) {
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
	w->to = to;
	w->force = force;
	w->epoch = g->member.epoch + 1;
	w->seq = transmit_pushed(g->transmit);
	w->began_ns = loop_clock();
	w->deadline_ns = w->began_ns + SWITCHOVER_PREPARE_NS;
	snprintf(w->result, sizeof(w->result), "under way");
	log_notice("switchover to %s begins", group_name(g, to));
	loop_timer_in(g->loop, &w->timer, 0);
	return 0;
}

static void switchover_prepare(struct group_peer *peer, const struct frame_switch *message)
{
	struct group *g = peer->group;
	enum frame_switch_status status = FRAME_SWITCH_OK;

	if (message->epoch <= g->member.epoch || g->member.owner != peer->id)
		status = FRAME_SWITCH_STALE;
	else if (!g->member.healthy)
		status = FRAME_SWITCH_NOT_HEALTHY;
	else if (!g->member.in_sync)
		status = FRAME_SWITCH_NOT_IN_SYNC;
	else if (receive_ack(peer->receive) < message->seq)
		return;		/* soon; it asks again */
	switchover_send(g, FRAME_READY, peer->id, message->epoch, message->seq, status);
}

static void switchover_ready(struct group_peer *peer, const struct frame_switch *message)
{
	struct group *g = peer->group;
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
			switchover_finish(g, "refused: it is not healthy");
		return;
	default:
		switchover_finish(g, "refused: it knows a newer epoch or another owner");
	}
}

void switchover_progress(struct group *g)
{
	struct switchover *w = &g->switchover;
	struct group_peer *peer = g->by_id[w->from];
	struct member_report report;

	if (!w->from)
		return;
	/* Meanwhile another took over, or this one: that resignation is over. */
	if (g->member.state != MEMBER_BACKUP || w->from_epoch < g->member.epoch ||
	    (g->member.owner != w->from && g->member.heir != g->config->member)) {
		w->from = 0;
		return;
	}
	if (receive_ack(peer->receive) < w->from_seq)
		return;
	report = g->member.peer[w->from].report;
	report.state = MEMBER_BACKUP;
	report.epoch = w->from_epoch;
	report.owner = g->config->member;
	report.drained = true;
	w->from = 0;
	member_heard(&g->member, loop_clock(), peer->id, &report);
}

void switchover_take(struct group_peer *peer, enum frame_type type,
		     const struct frame_switch *message)
{
	struct group *g = peer->group;
	struct switchover *w = &g->switchover;

	/* The last frames may be lost, and nothing behind them shows it: the
	 * next heartbeat would, far later than a NACK now.
	 */
	if (type == FRAME_PREPARE || type == FRAME_RESIGN)
		receive_heartbeat(peer->receive, loop_clock(), message->seq);

	switch (type) {
	case FRAME_PREPARE:
		switchover_prepare(peer, message);
		break;
	case FRAME_READY:
		switchover_ready(peer, message);
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

void switchover_owner_heard(struct group *g, uint8_t owner)
{
	struct switchover *w = &g->switchover;
	char result[64];

	if (w->phase != SWITCHOVER_RESIGN || g->member.owner != owner)
		return;
	snprintf(result, sizeof(result), "done, %llu ms without an owner",
		 (unsigned long long)((loop_clock() - w->released_ns) / NSEC_PER_MSEC));
	switchover_finish(g, result);
}
