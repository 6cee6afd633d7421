/* SPDX-License-Identifier: GPL-2.0 */
/* The receiver's half of one peer's ordered stream: each frame delivered once,
 * in order; frames that are missing asked for; frames that are gone admitted.
 */
#ifndef GWSYNC_AGENT_RECEIVE_H
#define GWSYNC_AGENT_RECEIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/frame.h"

/* A hole may be a reordering: wait so long, plus up to as much at random,
 * before the first NACK of a hole; then again after RECEIVE_AGAIN_NS, doubling
 * up to RECEIVE_AGAIN_MAX_NS.  Progress, a frame that is delivered, starts over.
 * After so many NACKs without any they ask for a few frames only: a link that loses
 * all is not to be filled with what it loses.
 */
#define RECEIVE_NACK_NS		(2 * 1000000ULL)
#define RECEIVE_AGAIN_NS	(10 * 1000000ULL)
#define RECEIVE_AGAIN_MAX_NS	(160 * 1000000ULL)
#define RECEIVE_FRUITLESS	6
#define RECEIVE_PROBE_FRAMES	16

/* ACK after so many frames or so long after the first unacked one. */
#define RECEIVE_ACK_FRAMES	32
#define RECEIVE_ACK_NS		(10 * 1000000ULL)

/* Of the frames that waited for a hole to be filled, so many are delivered in one call:
 * each is work for a kernel, and a buffer of them would be longer than others have
 * patience with a member that is not heard.
 */
#define RECEIVE_BURST		32

#define RECEIVE_FRAMES_MAX	65536

struct receive_callbacks {
	/* The next frame of the stream; valid during the call.  Frames of other
	 * members' sets come too: look at data->set.
	 */
	void (*deliver)(void *arg, const struct frame_data *data);
	/* Frames first..next - 1 are lost for good: out of sync. */
	void (*lost)(void *arg, uint64_t first, uint64_t next);
	void *arg;
};

struct receive_stats {
	uint64_t	delivered;
	uint64_t	duplicates;
	uint64_t	reordered;	/* kept until what was missing came */
	uint64_t	beyond;		/* past the reorder buffer: dropped, asked for later */
	uint64_t	nacks;		/* sent */
	uint64_t	nacked;		/* frames asked for */
	uint64_t	lost;		/* frames that were gone */
	uint64_t	bad;		/* before a start, or numbers that make no sense */
};

struct receive;

/**
 * receive_alloc() - memory for one peer's stream, taken once
 * @frames: most frames that wait for a missing one, 2..RECEIVE_FRAMES_MAX;
 *	rounded up to a power of two
 * @records_max: most bytes of records of a frame
 * @seed: of the jitter
 * @cb: must not call back into this stream but for receive_stop()
 *
 * Return: the stream, stopped; NULL if there is no memory or a size is out of range.
 */
struct receive *receive_alloc(uint32_t frames, size_t records_max, uint64_t seed,
			      const struct receive_callbacks *cb);
void receive_free(struct receive *receive);

/**
 * receive_start() - a session has begun: expect @last + 1
 * @receive: forgets all it held
 * @stream: the peer and its boot id
 * @last: last_seq of the heartbeat that began the session
 */
void receive_start(struct receive *receive, const struct frame_stream *stream, uint64_t last);
void receive_stop(struct receive *receive);

/* A DATA frame of the session: delivers it and what waited for it, or keeps it.  More than
 * RECEIVE_BURST of those that waited are left to receive_rest().
 */
void receive_data(struct receive *receive, uint64_t now, const struct frame_data *data);

/* last_seq of a heartbeat: finds that the end of a burst is missing. */
void receive_heartbeat(struct receive *receive, uint64_t now, uint64_t last);

/* Everything before @next is gone: forget it, frames that wait there too, tell
 * lost() and go on at @next.
 */
void receive_gone(struct receive *receive, uint64_t now, uint64_t next);

/**
 * receive_rest() - deliver more of what waited for a hole that is filled
 * @receive: of which receive_due() says that something is due
 * @now: ns
 *
 * Return: true if something was delivered; receive_waits() says whether that was all.
 */
bool receive_rest(struct receive *receive, uint64_t now);
/* Is the next one here already, and only waits for its turn? */
bool receive_waits(const struct receive *receive);

/**
 * receive_poll() - an ACK or NACK to send now
 * @receive: counts it as sent
 * @now: ns
 * @frame: head.type and the body are filled
 *
 * Return: false if nothing is due; call until then.
 */
bool receive_poll(struct receive *receive, uint64_t now, struct frame *frame);

/* When receive_poll() has something to send or receive_rest() something to deliver (maybe
 * already); 0: never.
 */
uint64_t receive_due(const struct receive *receive);

uint64_t receive_ack(const struct receive *receive);	/* in order up to this */
uint64_t receive_highest(const struct receive *receive); /* known to be sent */
uint32_t receive_held(const struct receive *receive);	/* frames waiting */

/* Since when something has been missing (ns), 0: nothing is. */
uint64_t receive_missing_since(const struct receive *receive);
const struct receive_stats *receive_stats(const struct receive *receive);

#endif
