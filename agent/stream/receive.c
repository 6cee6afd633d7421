// SPDX-License-Identifier: GPL-2.0
/* The receiver's half of one peer's ordered stream. */
#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "stream/receive.h"

/* How far to look for the frame that showed a hole. */
#define LOOK_AHEAD	64

/* A frame that waits; data.records points to the slot's own memory. */
struct slot {
	struct frame_data	data;		/* seq 0: empty */
	uint64_t		came_ns;
};

struct receive {
	struct receive_callbacks cb;
	struct slot		*slot;
	uint8_t			*records;	/* @frames times @records_max */
	uint32_t		frames;		/* a power of two */
	uint32_t		held;
	size_t			records_max;
	uint64_t		random;
	bool			started;
	struct frame_stream	stream;
	uint64_t		next;		/* to deliver */
	uint64_t		highest;	/* known to be sent */
	uint64_t		highest_ns;	/* since when */
	uint64_t		acked;		/* told to the sender */
	uint64_t		ack_due;	/* 0: nothing to ack */
	uint64_t		missing_since;	/* 0: nothing is */
	uint64_t		nack_due;
	unsigned int		fruitless;	/* NACKs since something was delivered */
	uint64_t		gone;		/* told so, while some waited for their turn */
	uint64_t		nacked;		/* holes up to it were asked for */
	uint64_t		nacked_ns;	/* then */
	struct receive_stats	stats;
};

struct receive *receive_alloc(uint32_t frames, size_t records_max, uint64_t seed,
			      const struct receive_callbacks *cb)
{
	struct receive *r;

	if (frames < 2 || frames > RECEIVE_FRAMES_MAX || records_max < 1 ||
	    records_max > FRAME_RECORDS_MAX)
		return NULL;
	while (frames & (frames - 1))
		frames += frames & -frames;
	r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->slot = calloc(frames, sizeof(*r->slot));
	r->records = calloc(frames, records_max);
	if (!r->slot || !r->records) {
		receive_free(r);
		return NULL;
	}
	r->cb = *cb;
	r->frames = frames;
	r->records_max = records_max;
	r->random = seed | 1;
	return r;
}

void receive_free(struct receive *r)
{
	if (!r)
		return;
	free(r->records);
	free(r->slot);
	free(r);
}

void receive_start(struct receive *r, const struct frame_stream *stream, uint64_t last)
{
	memset(r->slot, 0, r->frames * sizeof(*r->slot));
	r->held = 0;
	r->started = true;
	r->stream = *stream;
	r->next = last + 1;
	r->highest = last;
	r->acked = last;
	r->ack_due = 0;
	r->missing_since = 0;
	r->nack_due = 0;
	r->fruitless = 0;
	r->nacked = 0;
	r->gone = 0;
}

void receive_stop(struct receive *r)
{
	r->started = false;
}

static uint32_t slot_at(const struct receive *r, uint64_t seq)
{
	return seq & (r->frames - 1);
}

bool receive_waits(const struct receive *r)
{
	return r->started && r->slot[slot_at(r, r->next)].data.seq == r->next;
}

/* xorshift64: spreads the NACKs of several receivers, keeps no secret. */
static uint64_t jitter(struct receive *r, uint64_t range)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 7;
	r->random ^= r->random << 17;
	return r->random % range;
}

/* When the first NACK for the hole at r->next is due. */
static uint64_t first_nack(struct receive *r, uint64_t now)
{
	uint64_t due, since = now;

	/* It was in a NACK that named several holes: give the answer time. */
	if (r->next <= r->nacked) {
		due = r->nacked_ns + RECEIVE_AGAIN_NS + jitter(r, RECEIVE_AGAIN_NS / 4);
		return due > now ? due : now;
	}
	/* It is a hole since the frame behind it came, not since it is in front. */
	for (uint64_t seq = r->next + 1; seq <= r->highest && seq - r->next < LOOK_AHEAD; seq++) {
		const struct slot *slot = &r->slot[slot_at(r, seq)];

		if (slot->data.seq == seq) {
			since = slot->came_ns;
			break;
		}
	}
	due = since + RECEIVE_NACK_NS + jitter(r, RECEIVE_NACK_NS);
	return due > now ? due : now;
}

/* After each change of next or highest.  @moved: next has moved. */
static void update_nack(struct receive *r, uint64_t now, bool moved)
{
	if (r->next > r->highest || receive_waits(r)) {
		r->missing_since = 0;
		r->nack_due = 0;
		return;
	}
	if (r->missing_since && !moved)
		return;
	r->missing_since = now;
	/* What the sender no longer has is no sign that anything gets through. */
	if (!r->nack_due || !r->fruitless)
		r->nack_due = first_nack(r, now);
}

static void raise_highest(struct receive *r, uint64_t now, uint64_t seq)
{
	if (seq > r->highest) {
		r->highest = seq;
		r->highest_ns = now;
	}
}

static void deliver(struct receive *r, uint64_t now, const struct frame_data *data)
{
	r->next++;
	r->fruitless = 0;
	r->stats.delivered++;
	if (!r->ack_due)
		r->ack_due = now + RECEIVE_ACK_NS;
	if (r->next - 1 - r->acked >= RECEIVE_ACK_FRAMES)
		r->ack_due = now;
	r->cb.deliver(r->cb.arg, data);
}

static void deliver_held(struct receive *r, uint64_t now)
{
	unsigned int most = RECEIVE_BURST;

	while (most-- && receive_waits(r)) {
		struct slot *slot = &r->slot[slot_at(r, r->next)];
		struct frame_data data = slot->data;

		slot->data.seq = 0;
		r->held--;
		deliver(r, now, &data);
	}
}

static void hold(struct receive *r, uint64_t now, const struct frame_data *data)
{
	uint32_t at = slot_at(r, data->seq);
	uint8_t *records = r->records + at * r->records_max;
	struct slot *slot = &r->slot[at];

	if (slot->data.seq == data->seq) {
		r->stats.duplicates++;
		return;
	}
	slot->data = *data;
	slot->data.records = records;
	slot->came_ns = now;
	if (data->len)
		memcpy(records, data->records, data->len);
	r->held++;
	r->stats.reordered++;
}

void receive_data(struct receive *r, uint64_t now, const struct frame_data *data)
{
	if (!r->started || !data->seq || data->seq > FRAME_SEQ_MAX ||
	    data->len > r->records_max) {
		r->stats.bad++;
		return;
	}
	if (data->seq < r->next) {
		r->stats.duplicates++;
		return;
	}

	raise_highest(r, now, data->seq);
	if (data->seq == r->next && !receive_waits(r)) {
		deliver(r, now, data);
		deliver_held(r, now);
		update_nack(r, now, true);
		return;
	}
	if (data->seq - r->next >= r->frames)
		r->stats.beyond++;
	else
		hold(r, now, data);
	update_nack(r, now, false);
}

void receive_heartbeat(struct receive *r, uint64_t now, uint64_t last)
{
	if (!r->started || last <= r->highest)
		return;
	if (last > FRAME_SEQ_MAX) {
		r->stats.bad++;
		return;
	}
	raise_highest(r, now, last);
	update_nack(r, now, false);
}

void receive_gone(struct receive *r, uint64_t now, uint64_t next)
{
	uint64_t first = r->next;

	if (!r->started || next <= first)
		return;
	if (next > FRAME_SEQ_MAX) {
		r->stats.bad++;
		return;
	}
	/* What only waits for its turn is not lost: this is taken up behind it. */
	if (receive_waits(r)) {
		if (r->gone < next)
			r->gone = next;
		return;
	}

	for (uint32_t i = 0; i < r->frames && r->held; i++) {
		if (r->slot[i].data.seq && r->slot[i].data.seq < next) {
			r->slot[i].data.seq = 0;
			r->held--;
		}
	}
	r->next = next;
	raise_highest(r, now, next - 1);
	r->stats.lost += next - first;
	if (!r->ack_due)
		r->ack_due = now + RECEIVE_ACK_NS;
	r->cb.lost(r->cb.arg, first, next);
	deliver_held(r, now);
	update_nack(r, now, true);
}

bool receive_rest(struct receive *r, uint64_t now)
{
	if (!receive_waits(r))
		return false;
	deliver_held(r, now);
	update_nack(r, now, true);
	if (!receive_waits(r))
		receive_gone(r, now, r->gone);
	return true;
}

static uint64_t nack_wait(const struct receive *r)
{
	uint64_t wait = RECEIVE_AGAIN_NS << (r->fruitless < 8 ? r->fruitless : 8);

	return wait < RECEIVE_AGAIN_MAX_NS ? wait : RECEIVE_AGAIN_MAX_NS;
}

/* All holes but those so new that they may be a reordering; the first one is
 * not, or no NACK would be due.
 */
static void fill_nack(struct receive *r, uint64_t now, struct frame_nack *nack)
{
	uint64_t hole = r->next, end = r->highest + 1;

	if (end - r->next > r->frames)
		end = r->next + r->frames;

	nack->stream = r->stream;
	nack->ack = r->next - 1;
	nack->ranges = 0;
	/* Where nothing gets through, few show it as well as all. */
	if (r->fruitless >= RECEIVE_FRUITLESS && end - r->next > RECEIVE_PROBE_FRAMES)
		end = r->next + RECEIVE_PROBE_FRAMES;
	for (uint64_t seq = r->next; seq <= end && nack->ranges < FRAME_RANGES_MAX; seq++) {
		const struct slot *slot = &r->slot[slot_at(r, seq)];
		uint64_t since = r->highest_ns;

		if (seq < end) {
			if (slot->data.seq != seq)
				continue;
			since = slot->came_ns;
		}
		if (hole < seq) {
			if (nack->ranges && hole > r->nacked && now < since + RECEIVE_NACK_NS)
				break;
			nack->range[nack->ranges].first = hole;
			nack->range[nack->ranges].count = (uint32_t)(seq - hole);
			nack->ranges++;
			r->stats.nacked += seq - hole;
			if (r->nacked < seq - 1)
				r->nacked = seq - 1;
		}
		hole = seq + 1;
	}
	r->nacked_ns = now;
}

bool receive_poll(struct receive *r, uint64_t now, struct frame *frame)
{
	if (!r->started)
		return false;

	if (r->nack_due && now >= r->nack_due) {
		frame->head.type = FRAME_NACK;
		fill_nack(r, now, &frame->nack);
		r->nack_due = now + nack_wait(r) + jitter(r, nack_wait(r) / 4);
		r->fruitless++;
		r->stats.nacks++;
	} else if (r->ack_due && now >= r->ack_due) {
		frame->head.type = FRAME_ACK;
		frame->ack.stream = r->stream;
		frame->ack.ack = r->next - 1;
	} else {
		return false;
	}
	/* A NACK is an ACK too. */
	r->acked = r->next - 1;
	r->ack_due = 0;
	return true;
}

uint64_t receive_due(const struct receive *r)
{
	if (!r->started)
		return 0;
	if (receive_waits(r))
		return 1;
	if (r->nack_due && (!r->ack_due || r->nack_due < r->ack_due))
		return r->nack_due;
	return r->ack_due;
}

uint64_t receive_ack(const struct receive *r)
{
	return r->started ? r->next - 1 : 0;
}

uint64_t receive_highest(const struct receive *r)
{
	return r->started ? r->highest : 0;
}

uint32_t receive_held(const struct receive *r)
{
	return r->held;
}

uint64_t receive_missing_since(const struct receive *r)
{
	return r->started ? r->missing_since : 0;
}

const struct receive_stats *receive_stats(const struct receive *r)
{
	return &r->stats;
}
