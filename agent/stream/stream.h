/* SPDX-License-Identifier: GPL-2.0 */
/* The ordered streams over the links: this member's, and that of each other one. */
#ifndef GWSYNC_AGENT_STREAM_H
#define GWSYNC_AGENT_STREAM_H

#include <stdint.h>

#include "base/loop.h"
#include "config/config.h"
#include "stream/receive.h"
#include "stream/transmit.h"
#include "wire/frame.h"
#include "wire/speaker.h"

/* Who takes what comes in, and gives what goes out. */
struct stream_ops {
	/* The next frame of @from's stream; see receive.h. */
	void (*deliver)(void *arg, uint8_t from, const struct frame_data *data);
	void (*lost)(void *arg, uint8_t from, uint64_t first, uint64_t next);
	/* Frames were delivered that waited, by the stream's own timer. */
	void (*moved)(void *arg);
	/* There is room again, after there was none. */
	void (*drained)(void *arg);
	void *arg;
};

struct stream_peer {
	struct stream	*stream;
	uint8_t		id;
};

struct stream {
	struct loop		*loop;
	struct speaker		*speaker;
	struct stream_ops	ops;
	unsigned int		mtu;		/* IP packets that all members take */
	struct transmit		*transmit;
	struct receive		*receive[GWSYNC_MEMBER_MAX + 1];	/* of other members */
	struct stream_peer	peers[GWSYNC_MEMBER_MAX];
	unsigned int		npeers;
	struct loop_timer	timer;
	uint8_t			waits[GWSYNC_MEMBER_MAX + 1];	/* tables for which, a bit each */
};

/**
 * stream_init() - memory for the streams of all members, taken once
 * @stream: zeroed; stream_exit() it, also after an error
 * @loop: gives it its turns
 * @speaker: sends, and knows the links
 * @config: who is a member, and how much is kept
 * @ops: called from the loop
 *
 * Return: 0 or -errno.
 */
int stream_init(struct stream *stream, struct loop *loop, struct speaker *speaker,
		const struct config *config, const struct stream_ops *ops);
void stream_exit(struct stream *stream);

/* A session began: both streams start anew. */
void stream_begin(struct stream *stream, uint8_t member,
		  const struct frame_heartbeat *heartbeat);
/* IP packets may be so large from now on; what is larger will not be sent. */
void stream_set_mtu(struct stream *stream, unsigned int mtu);
/* Send what is due, and arm the timer for the rest. */
void stream_pump(struct stream *stream);
/* The same, soon: after the descriptors of this round. */
void stream_kick(struct stream *stream);

/* Of what @member has not acked: frames, the age of the oldest, records. */
uint64_t stream_lag(const struct stream *stream, uint8_t member);
uint64_t stream_lag_ns(const struct stream *stream, uint8_t member);
uint64_t stream_lag_records(const struct stream *stream, uint8_t member);

/* The ring waits for @member, for the sake of this table; it no longer does so. */
static inline void stream_wait(struct stream *stream, enum frame_table table, uint8_t member,
			       bool wait)
{
	if (wait)
		stream->waits[member] |= (uint8_t)(1U << table);
	else
		stream->waits[member] &= (uint8_t)~(1U << table);
	transmit_wait(stream->transmit, loop_clock(), member, stream->waits[member]);
}

#endif
