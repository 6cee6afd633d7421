// SPDX-License-Identifier: GPL-2.0
/* The sender's half of the ordered stream. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "stream/transmit.h"

/* Cost of a retransmit in time, at the highest rate. */
#define AGAIN_COST_NS	(1000000000ULL / TRANSMIT_AGAIN_RATE)
#define AGAIN_BURST_NS	(AGAIN_COST_NS * TRANSMIT_AGAIN_BURST)

/* A frame of the ring: @data.records points to the slot's own memory. */
struct slot {
	struct frame_data	data;
	uint64_t		sent_ns;	/* the first time, 0: not yet */
	uint64_t		again_ns;	/* last sent again, 0: never */
	bool			queued;		/* somebody asked for it */
	uint8_t			tries;		/* how often it was sent again, till the limit */
};

struct member {
	uint64_t	acked;
	uint64_t	moved_ns;	/* acked moved, or began to be waited for */
};

struct transmit {
	struct slot	*slot;
	uint8_t		*records;	/* @frames times @records_max */
	uint64_t	*queue;		/* FIFO of frames to send again */
	uint32_t	frames;
	uint32_t	queue_head;
	uint32_t	queued;
	size_t		records_max;
	size_t		limit;		/* what passes all links; see transmit_limit() */
	uint64_t	kept_seq;	/* what is before was given up */
	uint64_t	push_seq;	/* next to push */
	uint64_t	send_seq;	/* next to send the first time */
	uint64_t	again_free_ns;	/* no retransmit before */
	uint64_t	gone_ns;	/* last GONE, 0: never */
	bool		gone;		/* a GONE is to be sent */
	bool		was_full;
	uint64_t	held_ns;	/* since when it was seen to be, 0: it is not */
	uint64_t	joined;		/* sets of members */
	uint64_t	waited;
	uint64_t	looked_ns;	/* for members that are behind */
	struct member	member[GWSYNC_MEMBER_MAX + 1];
	struct transmit_stats stats;
};

struct transmit *transmit_alloc(uint32_t frames, size_t records_max)
{
	struct transmit *t;

	if (frames < TRANSMIT_RESERVE * 2 || records_max < 1 || records_max > FRAME_RECORDS_MAX)
		return NULL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->slot = calloc(frames, sizeof(*t->slot));
	t->queue = calloc(frames, sizeof(*t->queue));
	t->records = calloc(frames, records_max);
	if (!t->slot || !t->queue || !t->records) {
		transmit_free(t);
		return NULL;
	}
	/* A page that is first touched while changes flow would be an allocation
	 * there.  Not with zeroes: the compiler knows that calloc() has done that.
	 */
	memset(t->records, 0xff, frames * records_max);
	t->frames = frames;
	t->records_max = records_max;
	t->limit = records_max;
	t->push_seq = 1;
	t->send_seq = 1;
	return t;
}

void transmit_free(struct transmit *t)
{
	if (!t)
		return;
	free(t->records);
	free(t->queue);
	free(t->slot);
	free(t);
}

static struct slot *slot_of(struct transmit *t, uint64_t seq)
{
	return &t->slot[seq % t->frames];
}

static bool is_member(uint64_t set, uint8_t member)
{
	return member >= 1 && member <= GWSYNC_MEMBER_MAX && set & 1ULL << member;
}

/* Takes the lowest member out of @set, which is not empty. */
static uint8_t next_member(uint64_t *set)
{
	int member = __builtin_ctzll(*set);

	*set &= *set - 1;
	return (uint8_t)member;
}

size_t transmit_records_max(const struct transmit *t)
{
	return t->records_max;
}

uint64_t transmit_last(const struct transmit *t)
{
	return t->send_seq - 1;
}

uint64_t transmit_pushed(const struct transmit *t)
{
	return t->push_seq - 1;
}

uint64_t transmit_oldest(const struct transmit *t)
{
	uint64_t oldest = t->push_seq > t->frames ? t->push_seq - t->frames : 1;

	return oldest > t->kept_seq ? oldest : t->kept_seq;
}

uint64_t transmit_acked(const struct transmit *t, uint8_t member)
{
	return is_member(t->joined, member) ? t->member[member].acked : 0;
}

uint64_t transmit_waited(const struct transmit *t)
{
	return t->waited;
}

const struct transmit_stats *transmit_stats(const struct transmit *t)
{
	return &t->stats;
}

void transmit_join(struct transmit *t, uint8_t member)
{
	if (member < 1 || member > GWSYNC_MEMBER_MAX)
		return;
	t->joined |= 1ULL << member;
	t->waited &= ~(1ULL << member);
	t->member[member].acked = transmit_last(t);
	t->member[member].moved_ns = 0;
}

void transmit_leave(struct transmit *t, uint8_t member)
{
	if (!is_member(t->joined, member))
		return;
	t->joined &= ~(1ULL << member);
	t->waited &= ~(1ULL << member);
}

/* With so much room the kernel goes on. */
static uint32_t room_to_resume(const struct transmit *t)
{
	return TRANSMIT_RESERVE + t->frames / 4;
}

void transmit_wait(struct transmit *t, uint64_t now, uint8_t member, bool wait)
{
	struct member *m;
	uint64_t acked;

	if (!is_member(t->joined, member))
		return;
	if (!wait) {
		t->waited &= ~(1ULL << member);
		return;
	}
	if (is_member(t->waited, member))
		return;
	t->waited |= 1ULL << member;
	m = &t->member[member];
	m->moved_ns = now;
	/* What is overwritten, or must soon be, cannot be waited for: it gets a
	 * GONE.  A ring that is full at once would lose the changes of all.
	 */
	acked = transmit_pushed(t) + room_to_resume(t);
	acked = acked > t->frames ? acked - t->frames : 0;
	if (acked > transmit_last(t))
		acked = transmit_last(t);
	if (m->acked < acked)
		m->acked = acked;
}

/* The last frame that may be forgotten: sent, and acked by all waited for. */
static uint64_t forgettable(const struct transmit *t)
{
	uint64_t seq = transmit_last(t);
	uint64_t set = t->waited;

	while (set) {
		uint64_t acked = t->member[next_member(&set)].acked;

		if (acked < seq)
			seq = acked;
	}
	return seq;
}

uint32_t transmit_room(const struct transmit *t)
{
	return (uint32_t)(forgettable(t) + t->frames + 1 - t->push_seq);
}

bool transmit_full(const struct transmit *t)
{
	return transmit_room(t) < TRANSMIT_RESERVE;
}

bool transmit_resume(struct transmit *t)
{
	if (!t->was_full || transmit_room(t) < room_to_resume(t))
		return false;
	t->was_full = false;
	return true;
}

void transmit_limit(struct transmit *t, size_t records_max)
{
	t->limit = records_max;
}

int transmit_push(struct transmit *t, const struct frame_data *data, uint64_t *seq)
{
	struct slot *slot = slot_of(t, t->push_seq);
	uint8_t *records = t->records + (t->push_seq % t->frames) * t->records_max;
	struct frame_data copy = *data;

	copy.seq = t->push_seq;
	if (copy.len > t->records_max)
		return -EMSGSIZE;
	if (!frame_valid_data(&copy))
		return -EINVAL;
	if (!transmit_room(t)) {
		t->was_full = true;
		t->stats.full++;
		return -ENOBUFS;
	}

	if (copy.len)
		memcpy(records, data->records, copy.len);
	copy.records = records;
	slot->data = copy;
	slot->sent_ns = 0;
	slot->again_ns = 0;
	slot->queued = false;
	slot->tries = 0;
	if (seq)
		*seq = t->push_seq;
	t->push_seq++;
	if (transmit_full(t))
		t->was_full = true;
	return 0;
}

/* The first of the queue that still has its frame. */
static struct slot *queue_peek(struct transmit *t)
{
	while (t->queued) {
		uint64_t seq = t->queue[t->queue_head];
		struct slot *slot = slot_of(t, seq);

		if (slot->data.seq == seq && slot->queued && seq >= t->kept_seq)
			return slot;
		t->queue_head = (t->queue_head + 1) % t->frames;
		t->queued--;
	}
	return NULL;
}

bool transmit_next(struct transmit *t, uint64_t now, struct frame *frame)
{
	struct slot *slot;

	if (t->gone && (!t->gone_ns || elapsed_ns(now, t->gone_ns) >= TRANSMIT_GONE_NS)) {
		frame->head.type = FRAME_GONE;
		frame->gone.next = transmit_oldest(t);
		return true;
	}

	slot = queue_peek(t);
	if (!slot || t->again_free_ns > now) {
		if (t->send_seq == t->push_seq)
			return false;
		slot = slot_of(t, t->send_seq);
	}
	frame->head.type = FRAME_DATA;
	frame->data = slot->data;
	return true;
}

static void sent_first(struct transmit *t, uint64_t now, const struct frame_data *data)
{
	uint64_t set = t->waited;

	/* The clock of a member that had everything starts with this frame. */
	while (set) {
		struct member *member = &t->member[next_member(&set)];

		if (member->acked >= data->seq - 1)
			member->moved_ns = now;
	}
	slot_of(t, t->send_seq)->sent_ns = now;
	t->send_seq++;
	t->stats.frames++;
	t->stats.bytes += data->len;
}

static void sent_again(struct transmit *t, uint64_t now)
{
	struct slot *slot = queue_peek(t);

	if (!slot)
		return;
	slot->queued = false;
	slot->again_ns = now;
	if (slot->tries < TRANSMIT_TRIES)
		slot->tries++;
	t->queue_head = (t->queue_head + 1) % t->frames;
	t->queued--;
	if (now > AGAIN_BURST_NS && t->again_free_ns < now - AGAIN_BURST_NS)
		t->again_free_ns = now - AGAIN_BURST_NS;
	t->again_free_ns += AGAIN_COST_NS;
	t->stats.again++;
}

void transmit_sent(struct transmit *t, uint64_t now, const struct frame *frame)
{
	if (frame->head.type == FRAME_GONE) {
		t->gone = false;
		t->gone_ns = now;
		t->stats.gone++;
	} else if (frame->data.seq == t->send_seq) {
		sent_first(t, now, &frame->data);
	} else {
		sent_again(t, now);
	}
}

uint64_t transmit_due(const struct transmit *t, uint64_t now)
{
	uint64_t due = UINT64_MAX;

	if (t->send_seq != t->push_seq || (t->gone && !t->gone_ns))
		return now;
	if (t->gone)
		due = t->gone_ns + TRANSMIT_GONE_NS;
	if (t->queued && t->again_free_ns < due)
		due = t->again_free_ns;
	if (due == UINT64_MAX)
		return 0;
	return due > now ? due : now;
}

void transmit_ack(struct transmit *t, uint64_t now, uint8_t member, uint64_t ack)
{
	if (!is_member(t->joined, member))
		return;
	if (ack > transmit_last(t)) {
		t->stats.bad_acks++;
		return;
	}
	if (ack <= t->member[member].acked)
		return;
	t->member[member].acked = ack;
	t->member[member].moved_ns = now;
}

static void ask_again(struct transmit *t, uint64_t now, uint64_t seq)
{
	struct slot *slot = slot_of(t, seq);

	t->stats.nacked++;
	if (slot->queued || t->queued == t->frames ||
	    (slot->again_ns && elapsed_ns(now, slot->again_ns) < TRANSMIT_HOLD_NS)) {
		t->stats.suppressed++;
		return;
	}
	if (slot->data.len > t->limit && slot->tries >= TRANSMIT_TRIES) {
		t->kept_seq = seq + 1;
		t->gone = true;
		return;
	}
	slot->queued = true;
	t->queue[(t->queue_head + t->queued) % t->frames] = seq;
	t->queued++;
}

void transmit_nack(struct transmit *t, uint64_t now, uint8_t member,
		   const struct frame_nack *nack)
{
	if (!is_member(t->joined, member))
		return;
	t->stats.nacks++;
	transmit_ack(t, now, member, nack->ack);

	for (unsigned int i = 0; i < nack->ranges; i++) {
		uint64_t first = nack->range[i].first;
		uint64_t end = first + nack->range[i].count;
		uint64_t oldest = transmit_oldest(t);

		if (first < oldest) {
			t->gone = true;
			first = oldest;
		}
		if (end > t->send_seq) {
			t->stats.bad_acks++;
			end = t->send_seq;
		}
		for (uint64_t seq = first; seq < end; seq++)
			ask_again(t, now, seq);
	}
}

uint64_t transmit_behind(struct transmit *t, uint64_t now, uint64_t interval_ns)
{
	uint64_t pause_ns = 2 * interval_ns, behind_ns = pause_ns;
	bool away;
	uint64_t set = t->waited, behind = 0;

	if (pause_ns < TRANSMIT_BEHIND_NS / 2)
		pause_ns = TRANSMIT_BEHIND_NS / 2;
	/* An ack that was lost comes again with a heartbeat. */
	if (behind_ns < TRANSMIT_BEHIND_NS)
		behind_ns = TRANSMIT_BEHIND_NS;
	away = elapsed_ns(now, t->looked_ns) >= pause_ns;
	t->looked_ns = now;
	while (set) {
		uint8_t id = next_member(&set);
		struct member *member = &t->member[id];

		/* It is us who stood still: their acks wait to be read. */
		if (away)
			member->moved_ns = now;
		if (member->acked < transmit_last(t) &&
		    elapsed_ns(now, member->moved_ns) >= behind_ns) {
			behind |= 1ULL << id;
			t->stats.behind++;
		}
	}
	t->waited &= ~behind;
	return behind;
}

/* A good member that has acked so much that without the others the kernel could go on,
 * and lacks nothing that is old.
 */
static bool keeps_up(const struct transmit *t, uint64_t now, uint8_t member)
{
	uint64_t lacks = t->push_seq - 1 - t->member[member].acked;

	return lacks + room_to_resume(t) <= t->frames &&
	       transmit_lag_ns(t, now, member) < TRANSMIT_SLOW_NS / 2;
}

static uint64_t that_keep_up(const struct transmit *t, uint64_t now, uint64_t set)
{
	uint64_t fast = 0;

	while (set) {
		uint8_t id = next_member(&set);

		if (keeps_up(t, now, id))
			fast |= 1ULL << id;
	}
	return fast;
}

uint64_t transmit_slow(struct transmit *t, uint64_t now, uint64_t good)
{
	uint64_t fast = that_keep_up(t, now, good & t->waited);
	uint64_t set = t->waited & ~fast, slow = 0;
	bool held;

	if (!t->was_full)
		t->held_ns = 0;
	else if (!t->held_ns)
		t->held_ns = now;
	held = t->held_ns && elapsed_ns(now, t->held_ns) >= TRANSMIT_HELD_NS;
	while (fast && set) {
		uint8_t id = next_member(&set);
		bool full = t->push_seq - 1 - t->member[id].acked + room_to_resume(t) > t->frames;

		if ((held && full) || transmit_lag_ns(t, now, id) > TRANSMIT_SLOW_NS) {
			slow |= 1ULL << id;
			t->stats.behind++;
		}
	}
	t->waited &= ~slow;
	return slow;
}

uint64_t transmit_lag_ns(const struct transmit *t, uint64_t now, uint8_t member)
{
	uint64_t seq = transmit_acked(t, member) + 1;
	const struct slot *slot = &t->slot[seq % t->frames];

	if (!is_member(t->joined, member) || seq >= t->push_seq)
		return 0;
	if (slot->data.seq != seq || !slot->sent_ns)
		return elapsed_ns(now, t->member[member].moved_ns);
	return elapsed_ns(now, slot->sent_ns);
}

uint64_t transmit_lag_records(const struct transmit *t, uint8_t member)
{
	uint64_t seq = transmit_acked(t, member) + 1, records = 0;

	if (!is_member(t->joined, member))
		return 0;
	for (; seq < t->push_seq; seq++) {
		const struct slot *slot = &t->slot[seq % t->frames];

		if (slot->data.seq == seq && is_member(slot->data.set, member))
			records += frame_count_records(&slot->data);
	}
	return records;
}
