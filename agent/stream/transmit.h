/* SPDX-License-Identifier: GPL-2.0 */
/* The sender's half of the ordered stream: a ring of frames that can be sent
 * again, and the acks of the members.
 *
 * Memory is taken once.  A frame is forgotten when its slot is needed and no
 * member that is waited for misses it; while one does, there is no room and the
 * kernel keeps its changes.
 */
#ifndef GWSYNC_AGENT_TRANSMIT_H
#define GWSYNC_AGENT_TRANSMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/frame.h"

/* Room that is left for frames that must not wait (SYNC_BEGIN, SYNC_END, the
 * batch that the kernel link has taken): below it take nothing from the kernel.
 */
#define TRANSMIT_RESERVE	16

/* No frame is sent again twice within this time: one answer serves all who asked. */
#define TRANSMIT_HOLD_NS	(5 * 1000000ULL)
/* What no link may let through is sent again so often. */
#define TRANSMIT_TRIES	4

/* Retransmits a second and in a burst, over all frames. */
#define TRANSMIT_AGAIN_RATE	50000
#define TRANSMIT_AGAIN_BURST	512

/* GONE answers are at least this far apart. */
#define TRANSMIT_GONE_NS	(20 * 1000000ULL)

/* A member whose ack stands still for so long is no longer waited for. */
#define TRANSMIT_SLOW_NS	(5000 * 1000000ULL)
#define TRANSMIT_HELD_NS	(2000 * 1000000ULL)
#define TRANSMIT_BEHIND_NS	(2000 * 1000000ULL)

struct transmit_stats {
	uint64_t	frames;		/* sent the first time */
	uint64_t	bytes;		/* of records, first time */
	uint64_t	again;		/* retransmits */
	uint64_t	nacks;		/* received */
	uint64_t	nacked;		/* frames that they asked for */
	uint64_t	suppressed;	/* of those: already queued or just sent */
	uint64_t	gone;		/* GONE frames sent */
	uint64_t	full;		/* pushes refused */
	uint64_t	behind;		/* members given up */
	uint64_t	bad_acks;	/* acks and nacks of frames never sent */
};

struct transmit;

/**
 * transmit_alloc() - make an empty stream; its first frame is 1
 * @frames: ring size, TRANSMIT_RESERVE * 2 or more
 * @records_max: most bytes of records of a frame, up to FRAME_RECORDS_MAX
 *
 * Return: the stream, NULL if there is no memory or a size is out of range.
 */
struct transmit *transmit_alloc(uint32_t frames, size_t records_max);
void transmit_free(struct transmit *transmit);

/**
 * transmit_join() - a session with a member has begun
 * @transmit: the stream
 * @member: hears the stream from the next frame on; is not waited for yet
 */
void transmit_join(struct transmit *transmit, uint8_t member);
void transmit_leave(struct transmit *transmit, uint8_t member);

/**
 * transmit_wait() - wait for a member, or no longer
 * @transmit: the stream
 * @now: ns
 * @member: has joined
 * @wait: true from its sync request on, false when it is dead or out of sync
 *
 * One that is behind the ring, or nearly, is not waited for with what would
 * leave the ring full: that is gone for it.
 */
void transmit_wait(struct transmit *transmit, uint64_t now, uint8_t member, bool wait);
uint64_t transmit_waited(const struct transmit *transmit);	/* set of members */

/* Frames that can be pushed now. */
uint32_t transmit_room(const struct transmit *transmit);

/* Less than the reserve is left: take no more from the kernel. */
bool transmit_full(const struct transmit *transmit);

/**
 * transmit_resume() - may the kernel go on?
 * @transmit: the stream
 *
 * Ask after acks, sends and transmit_behind().
 *
 * Return: true once after transmit_full() was true, as soon as a quarter of the
 * ring is free again: kernel_resume().
 */
bool transmit_resume(struct transmit *transmit);

/**
 * transmit_push() - put a frame at the end of the stream
 * @transmit: the stream
 * @data: copied, records too; seq is ignored
 * @seq: gets its number; may be NULL
 *
 * It is sent when transmit_next() returns it.
 *
 * Return: 0, -ENOBUFS (no room: nothing was taken), -EMSGSIZE (too many
 * records), -EINVAL (a frame that frame_encode_body() would refuse).
 */
int transmit_push(struct transmit *transmit, const struct frame_data *data, uint64_t *seq);

/**
 * transmit_next() - what to send now
 * @transmit: the stream
 * @now: ns
 * @frame: gets a DATA or GONE frame: GONE first, then retransmits as the rate
 *	allows, then new frames; data.records is valid until the next push
 *
 * Does not count it as sent: call transmit_sent() once it is on its way, and
 * leave it if the socket is full.
 *
 * Return: false if there is nothing to send at @now.
 */
bool transmit_next(struct transmit *transmit, uint64_t now, struct frame *frame);
void transmit_sent(struct transmit *transmit, uint64_t now, const struct frame *frame);

/* When transmit_next() may have something that it has not now; 0: never. */
uint64_t transmit_due(const struct transmit *transmit, uint64_t now);

/**
 * transmit_ack() - a member has everything up to @ack
 * @transmit: the stream
 * @now: ns
 * @member: who
 * @ack: from an ACK, a NACK or a heartbeat that names this daemon's stream
 */
void transmit_ack(struct transmit *transmit, uint64_t now, uint8_t member, uint64_t ack);

/* Queue what is asked for; takes the ack too. */
void transmit_nack(struct transmit *transmit, uint64_t now, uint8_t member,
		   const struct frame_nack *nack);

/**
 * transmit_behind() - members that must be given up
 * @transmit: stops waiting for them
 * @now: ns
 * @interval_ns: at which it is called
 *
 * After a pause of two intervals, and at least half of TRANSMIT_BEHIND_NS, between
 * two calls everybody gets his time anew: a process that was stopped has not read
 * their acks yet.
 *
 * Return: the set of members that have unacked frames and whose ack has not moved
 * for two intervals, and at least TRANSMIT_BEHIND_NS: they are out of sync.
 */
uint64_t transmit_behind(struct transmit *transmit, uint64_t now, uint64_t interval_ns);

/**
 * transmit_slow() - members that hold up better ones
 * @transmit: stops waiting for them
 * @now: ns
 * @good: members that have all of the sender's state but what is under way
 *
 * One that is slow but moves sets the pace, for to give it up would make it ask for
 * more than it can take.  But not while another one is good and keeps up: then it
 * is given up when it lacks what is older than TRANSMIT_SLOW_NS, or when it alone
 * has kept the ring full for TRANSMIT_HELD_NS.
 *
 * Return: their set.
 */
uint64_t transmit_slow(struct transmit *transmit, uint64_t now, uint64_t good);

/**
 * transmit_limit() - what passes the links of all members
 * @transmit: the stream
 * @records_max: bytes of records of a frame, from now on
 *
 * A frame that is larger was made before that was known. It may get through all the same,
 * by another link; but what was sent again TRANSMIT_TRIES times and is still asked for is
 * gone, with all before it: it would be asked for and lost again for ever.
 */
void transmit_limit(struct transmit *transmit, size_t records_max);

/* Of one frame, as at transmit_alloc(). */
size_t transmit_records_max(const struct transmit *transmit);

uint64_t transmit_last(const struct transmit *transmit);	/* last sent, 0: none */
uint64_t transmit_pushed(const struct transmit *transmit);	/* last pushed, 0: none */
uint64_t transmit_oldest(const struct transmit *transmit);	/* that can be sent again */
uint64_t transmit_acked(const struct transmit *transmit, uint8_t member);

/* Age of the oldest frame that a member has not acked, 0: it has all. */
uint64_t transmit_lag_ns(const struct transmit *transmit, uint64_t now, uint8_t member);
/* Flows in those frames that are for it, as far as they are still here. */
uint64_t transmit_lag_records(const struct transmit *transmit, uint8_t member);
const struct transmit_stats *transmit_stats(const struct transmit *transmit);

#endif
