// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>

#include "base/container.h"
#include "stream/stream.h"

#define STREAM_BURST		256		/* frames of one round: others wait too */
#define STREAM_BLOCKED_NS	(NSEC_PER_MSEC)	/* a full socket is tried again */

/* @due_ns 0: never. */
static void stream_arm(struct stream *stream, uint64_t due_ns)
{
	if (stream->timer.due_ns == due_ns)
		return;
	if (due_ns)
		loop_timer_at(stream->loop, &stream->timer, due_ns);
	else
		loop_timer_del(stream->loop, &stream->timer);
}

static uint64_t stream_sooner(uint64_t a, uint64_t b)
{
	if (!a || !b)
		return a ? a : b;
	return a < b ? a : b;
}

void stream_kick(struct stream *stream)
{
	uint64_t now_ns = loop_now(stream->loop);

	if (!stream->timer.due_ns || stream->timer.due_ns > now_ns)
		stream_arm(stream, now_ns);
}

static int stream_send(struct stream *stream, struct frame *frame)
{
	return speaker_send(stream->speaker, stream->speaker->data_link, frame);
}

/* Acks and nacks of one peer's stream.  False: the socket is full. */
static bool stream_answer(struct stream *stream, struct receive *receive, uint64_t now_ns)
{
	struct frame frame;

	while (receive_poll(receive, now_ns, &frame))
		if (stream_send(stream, &frame) == -EAGAIN)
			return false;
	return true;
}

/* What came before a hole was filled, some of it in each round.  True: there is more. */
static bool stream_rest(struct stream *stream, uint64_t now_ns)
{
	bool moved = false, more = false;
	unsigned int i;

	for (i = 0; i < stream->npeers; i++) {
		uint8_t id = stream->peers[i].id;

		if (!session_live(&stream->speaker->session, id))
			continue;
		if (receive_rest(stream->receive[id], now_ns))
			moved = true;
		more |= receive_waits(stream->receive[id]);
	}
	if (moved)
		stream->ops.moved(stream->ops.arg);
	return more;
}

void stream_pump(struct stream *stream)
{
	uint64_t now_ns = loop_clock(), due_ns;
	unsigned int burst = STREAM_BURST, i;
	bool more = stream_rest(stream, now_ns);
	struct frame frame;

	/* Without a sync link everything waits; members fall behind, and say so. */
	if (stream->speaker->data_link == SPEAKER_NO_LINK) {
		stream_arm(stream, more ? now_ns : 0);
		return;
	}

	while (transmit_next(stream->transmit, now_ns, &frame)) {
		if (!burst--) {
			stream_arm(stream, now_ns);
			return;
		}
		if (stream_send(stream, &frame) == -EAGAIN) {
			stream_arm(stream, now_ns + STREAM_BLOCKED_NS);
			return;
		}
		transmit_sent(stream->transmit, now_ns, &frame);
	}

	due_ns = transmit_due(stream->transmit, now_ns);
	for (i = 0; i < stream->npeers; i++) {
		uint8_t id = stream->peers[i].id;

		if (!session_live(&stream->speaker->session, id))
			continue;
		if (!stream_answer(stream, stream->receive[id], now_ns))
			due_ns = now_ns + STREAM_BLOCKED_NS;
		due_ns = stream_sooner(due_ns, receive_due(stream->receive[id]));
	}
	stream_arm(stream, due_ns);
	if (transmit_resume(stream->transmit))
		stream->ops.drained(stream->ops.arg);
}

static void stream_fire(struct loop_timer *timer)
{
	stream_pump(container_of(timer, struct stream, timer));
}

static void stream_deliver(void *arg, const struct frame_data *data)
{
	const struct stream_peer *peer = arg;
	const struct stream_ops *ops = &peer->stream->ops;

	ops->deliver(ops->arg, peer->id, data);
}

static void stream_lost(void *arg, uint64_t first, uint64_t next)
{
	const struct stream_peer *peer = arg;
	const struct stream_ops *ops = &peer->stream->ops;

	ops->lost(ops->arg, peer->id, first, next);
}

static int stream_add_peer(struct stream *stream, uint8_t id, uint32_t frames)
{
	struct stream_peer *peer = &stream->peers[stream->npeers++];
	struct receive_callbacks cb = {
		.deliver = stream_deliver, .lost = stream_lost, .arg = peer,
	};
	uint64_t seed;

	peer->stream = stream;
	peer->id = id;
	seal_random(&seed, sizeof(seed));
	/* A peer's link may carry larger frames than ours. */
	stream->receive[id] = receive_alloc(frames, FRAME_RECORDS_MAX, seed, &cb);
	return stream->receive[id] ? 0 : -ENOMEM;
}

int stream_init(struct stream *stream, struct loop *loop, struct speaker *speaker,
		const struct config *config, const struct stream_ops *ops)
{
	const struct config_member *m;

	stream->loop = loop;
	stream->speaker = speaker;
	stream->ops = *ops;
	stream->timer.fire = stream_fire;
	stream->mtu = paths_mtu(speaker->paths);
	stream->transmit = transmit_alloc(config->retransmit_frames,
					  frame_records_max(paths_mtu(speaker->paths)));
	if (!stream->transmit)
		return -ENOMEM;
	for (m = config->members; m->id; m++)
		if (m->id != config->member &&
		    stream_add_peer(stream, m->id, config->reorder_frames))
			return -ENOMEM;
	return 0;
}

void stream_set_mtu(struct stream *stream, unsigned int mtu)
{
	if (mtu == stream->mtu)
		return;
	stream->mtu = mtu;
	transmit_limit(stream->transmit, frame_records_max(mtu));
	stream_kick(stream);
}

void stream_exit(struct stream *stream)
{
	unsigned int i;

	if (!stream->loop)
		return;
	loop_timer_del(stream->loop, &stream->timer);
	for (i = 0; i < stream->npeers; i++)
		receive_free(stream->receive[stream->peers[i].id]);
	transmit_free(stream->transmit);
}

void stream_begin(struct stream *stream, uint8_t member, const struct frame_heartbeat *heartbeat)
{
	struct frame_stream its = session_stream(&stream->speaker->session, member);

	receive_start(stream->receive[member], &its, heartbeat->last_seq);
	transmit_leave(stream->transmit, member);
	transmit_join(stream->transmit, member);
	stream->waits[member] = 0;
}

uint64_t stream_lag_ns(const struct stream *stream, uint8_t member)
{
	return transmit_lag_ns(stream->transmit, loop_clock(), member);
}

uint64_t stream_lag_records(const struct stream *stream, uint8_t member)
{
	return transmit_lag_records(stream->transmit, member);
}

uint64_t stream_lag(const struct stream *stream, uint8_t member)
{
	uint64_t pushed = transmit_pushed(stream->transmit);
	uint64_t acked = transmit_acked(stream->transmit, member);

	return pushed > acked ? pushed - acked : 0;
}
