// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>

#include "container.h"
#include "group.h"
#include "log.h"

#define STREAM_BURST		256		/* frames of one round: others wait too */
#define STREAM_BLOCKED_NS	(NSEC_PER_MSEC)	/* a full socket is tried again */

/* @due_ns 0: never. */
static void stream_arm(struct group *g, uint64_t due_ns)
{
	if (g->stream_timer.due_ns == due_ns)
		return;
	if (due_ns)
		loop_timer_at(g->loop, &g->stream_timer, due_ns);
	else
		loop_timer_del(g->loop, &g->stream_timer);
}

static uint64_t stream_sooner(uint64_t a, uint64_t b)
{
	if (!a || !b)
		return a ? a : b;
	return a < b ? a : b;
}

void stream_kick(struct group *g)
{
	uint64_t now_ns = loop_now(g->loop);

	if (!g->stream_timer.due_ns || g->stream_timer.due_ns > now_ns)
		stream_arm(g, now_ns);
}

/* Acks and nacks of one peer's stream.  False: the socket is full. */
static bool stream_answer(struct group_peer *peer, uint64_t now_ns)
{
	struct group *g = peer->group;
	struct frame frame;

	while (receive_poll(peer->receive, now_ns, &frame))
		if (group_send(g, g->data_link, &frame) == -EAGAIN)
			return false;
	return true;
}

void stream_pump(struct group *g)
{
	uint64_t now_ns = loop_clock(), due_ns;
	unsigned int burst = STREAM_BURST, i;
	struct frame frame;

	/* Without a sync link everything waits; members fall behind, and say so. */
	if (g->data_link == GROUP_NO_LINK) {
		stream_arm(g, 0);
		return;
	}

	while (transmit_next(g->transmit, now_ns, &frame)) {
		if (!burst--) {
			stream_arm(g, now_ns);
			return;
		}
		if (group_send(g, g->data_link, &frame) == -EAGAIN) {
			stream_arm(g, now_ns + STREAM_BLOCKED_NS);
			return;
		}
		transmit_sent(g->transmit, now_ns, &frame);
	}

	due_ns = transmit_due(g->transmit, now_ns);
	for (i = 0; i < g->npeers; i++) {
		struct group_peer *peer = &g->peers[i];

		if (!session_live(&g->session, peer->id))
			continue;
		if (!stream_answer(peer, now_ns))
			due_ns = now_ns + STREAM_BLOCKED_NS;
		due_ns = stream_sooner(due_ns, receive_due(peer->receive));
	}
	stream_arm(g, due_ns);
	if (g->sync.kernel && transmit_resume(g->transmit))
		kernel_resume(g->sync.kernel);
}

static void stream_fire(struct loop_timer *timer)
{
	stream_pump(container_of(timer, struct group, stream_timer));
}

static void stream_deliver(void *arg, const struct frame_data *data)
{
	sync_deliver(arg, data);
}

static void stream_lost(void *arg, uint64_t first, uint64_t next)
{
	sync_lost(arg, first, next);
}

int stream_alloc(struct group *g)
{
	size_t records_max = frame_records_max(links_mtu(g->links));
	unsigned int i;

	g->stream_timer.fire = stream_fire;
	g->transmit = transmit_alloc(g->config->retransmit_frames, records_max);
	if (!g->transmit)
		return -ENOMEM;
	for (i = 0; i < g->npeers; i++) {
		struct receive_callbacks cb = {
			.deliver = stream_deliver, .lost = stream_lost, .arg = &g->peers[i],
		};
		uint64_t seed;

		seal_random(&seed, sizeof(seed));
		/* A peer's link may carry larger frames than ours. */
		g->peers[i].receive = receive_alloc(g->config->reorder_frames,
						    FRAME_RECORDS_MAX, seed, &cb);
		if (!g->peers[i].receive)
			return -ENOMEM;
	}
	g->sync.batch_most = records_max;
	g->sync.batch_bytes = records_max;
	return 0;
}

void stream_free(struct group *g)
{
	unsigned int i;

	loop_timer_del(g->loop, &g->stream_timer);
	for (i = 0; i < g->npeers; i++)
		receive_free(g->peers[i].receive);
	transmit_free(g->transmit);
}

void stream_begin(struct group_peer *peer, const struct frame_heartbeat *heartbeat)
{
	struct group *g = peer->group;
	struct frame_stream stream = session_stream(&g->session, peer->id);

	receive_start(peer->receive, &stream, heartbeat->last_seq);
	transmit_leave(g->transmit, peer->id);
	transmit_join(g->transmit, peer->id);
}

void stream_data(struct group_peer *peer, uint64_t now_ns, const struct frame_data *data)
{
	receive_data(peer->receive, now_ns, data);
	switchover_progress(peer->group);
}

uint64_t stream_lag_ns(const struct group_peer *peer)
{
	return transmit_lag_ns(peer->group->transmit, loop_clock(), peer->id);
}

uint64_t stream_lag_records(const struct group_peer *peer)
{
	return transmit_lag_records(peer->group->transmit, peer->id);
}

uint64_t stream_lag(const struct group_peer *peer)
{
	const struct transmit *transmit = peer->group->transmit;
	uint64_t pushed = transmit_pushed(transmit);
	uint64_t acked = transmit_acked(transmit, peer->id);

	return pushed > acked ? pushed - acked : 0;
}
