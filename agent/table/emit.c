// SPDX-License-Identifier: GPL-2.0
/* The owner's half of a store: changes, walks, repairs and sums become records. */
#include <string.h>

#include "table/slot.h"

#define SECOND_NS	1000000000ULL
#define PACE_BURST	64		/* records that a pace lets through at once */

void store_walk(struct store *s, uint64_t set, uint32_t walk_id)
{
	bool pending = store_pending(s);

	memset(&s->walk, 0, sizeof(s->walk));
	s->walk.set = s->active ? set : 0;
	s->walk.id = walk_id;
	s->walk.cursor.end = STORE_CLASSES;
	slots_ready(s, pending);
}

void store_pace(struct store *s, uint32_t rate)
{
	s->pace = rate;
}

void store_repair(struct store *s, const uint64_t classes[STORE_BUCKETS])
{
	bool pending = store_pending(s);
	unsigned int i;

	if (!s->active || !s->set)
		return;
	if (!classes && !s->rounds) {
		s->rounds = true;
		s->round = 0;
	}
	for (i = 0; classes && i < STORE_BUCKETS; i++)
		s->repair.classes[i] |= classes[i];
	slots_ready(s, pending);
}

/* Those that wait in the queue come by that; so do those that come behind it. */
static uint32_t cursor_next(const struct store *s, struct cursor *cursor)
{
	for (;;) {
		for (; cursor->at; cursor->at = slot_of(s, cursor->at)->class_next) {
			const struct slot *slot = slot_of(s, cursor->at);

			if (slot_lives(slot) && !(slot->flags & SLOT_QUEUED))
				return cursor->at;
		}
		if (cursor->class == cursor->end)
			return 0;
		cursor->at = s->classes[cursor->class++];
	}
}

/* Those that it left to the queue go before its end too. */
static bool cursor_is_done(const struct store *s, struct cursor *cursor)
{
	if (cursor->at || cursor->class < cursor->end)
		return false;
	if (!cursor->scanned)
		cursor->behind = s->queued;
	cursor->scanned = true;
	return !s->first || s->fetched >= cursor->behind;
}

static size_t emit_slot(struct store *s, uint32_t id, uint8_t *at, size_t room)
{
	struct slot *slot = slot_of(s, id);
	struct entry entry = {
		.kind = slot->flags & SLOT_GONE ? ENTRY_DEL : ENTRY_PUT,
		.table = s->config.table, .number = s->number + 1, .key = slot->bytes,
		.value = slot_value(s, slot), .key_len = slot->key_len,
		.value_len = slot->value_len,
	};
	size_t len = entry_write(&entry, at, room);

	if (!len)
		return 0;
	slot->number = ++s->number;
	slot->flags |= SLOT_SENT;
	s->counts.emitted++;
	if (!(slot->flags & SLOT_GONE))
		slot_count(s, slot, slot_digest(s, slot));
	return len;
}

static size_t emit_changes(struct store *s, struct store_batch *batch, uint8_t *at,
			   size_t room)
{
	size_t used = 0;

	batch->set = s->set;
	while (s->first) {
		struct slot *slot = slot_of(s, s->first);
		uint32_t id = s->first;

		/* Nobody knows of what came and went in the meantime. */
		if (!(slot->flags & SLOT_GONE) || slot->flags & SLOT_SENT) {
			size_t len = emit_slot(s, id, at + used, room - used);

			if (!len)
				break;
			used += len;
			batch->count++;
		}
		slot_unqueue(s, id);
		if (slot->flags & SLOT_GONE)
			slot_free(s, id);
	}
	return used;
}

/* How many records of a job may go now. */
static uint32_t paced(struct store *s, uint64_t now_ns)
{
	uint64_t cost_ns = s->pace ? SECOND_NS / s->pace : 0, free;

	if (!cost_ns)
		return UINT32_MAX;
	if (now_ns > PACE_BURST * cost_ns && s->pace_ns < now_ns - PACE_BURST * cost_ns)
		s->pace_ns = now_ns - PACE_BURST * cost_ns;
	if (s->pace_ns >= now_ns)
		return 0;
	free = (now_ns - s->pace_ns) / cost_ns;
	return free < PACE_BURST ? (uint32_t)free : PACE_BURST;
}

static size_t emit_cursor(struct store *s, struct cursor *cursor, struct store_batch *batch,
			  uint64_t now_ns, uint8_t *at, size_t room)
{
	uint32_t most = paced(s, now_ns), count, id;
	size_t used = 0;

	for (count = 0; count < most; count++) {
		size_t len;

		id = cursor_next(s, cursor);
		len = id ? emit_slot(s, id, at + used, room - used) : 0;
		if (!len)
			break;
		cursor->at = slot_of(s, id)->class_next;
		used += len;
	}
	batch->count += count;
	if (s->pace)
		s->pace_ns += count * (SECOND_NS / s->pace);
	return used;
}

static size_t emit_walk(struct store *s, struct store_batch *batch, uint64_t now_ns,
			uint8_t *at, size_t room)
{
	size_t used;

	batch->set = s->walk.set;
	batch->walk_id = s->walk.id;
	used = emit_cursor(s, &s->walk.cursor, batch, now_ns, at, room);
	s->walk.count += batch->count;
	if (used || !cursor_is_done(s, &s->walk.cursor))
		return used;
	batch->walked = true;
	batch->count = s->walk.count;
	s->walk.set = 0;
	return 0;
}

static bool repair_next(struct store *s)
{
	uint32_t class;

	for (class = 0; class < STORE_CLASSES; class++) {
		uint64_t bit = 1ULL << (class % ENTRY_CLASSES);

		if (!(s->repair.classes[class / ENTRY_CLASSES] & bit))
			continue;
		s->repair.classes[class / ENTRY_CLASSES] &= ~bit;
		s->repair.class = class;
		s->repair.cursor = (struct cursor){ .class = class, .end = class + 1 };
		return true;
	}
	return false;
}

static size_t emit_repair(struct store *s, struct store_batch *batch, uint64_t now_ns,
			  uint8_t *at, size_t room)
{
	struct entry mark = { .table = s->config.table };
	size_t used = 0, len;

	batch->set = s->set;
	while (room - used >= ENTRY_MAX && (s->repair.begun || repair_next(s))) {
		mark.number = s->repair.class / ENTRY_CLASSES;
		mark.classes = 1ULL << (s->repair.class % ENTRY_CLASSES);
		if (!s->repair.begun) {
			mark.kind = ENTRY_SWEEP;
			used += entry_write(&mark, at + used, room - used);
			s->repair.begun = true;
		}
		used += emit_cursor(s, &s->repair.cursor, batch, now_ns, at + used, room - used);
		if (!cursor_is_done(s, &s->repair.cursor))
			break;
		mark.kind = ENTRY_SWEPT;
		len = entry_write(&mark, at + used, room - used);
		if (!len)
			break;
		used += len;
		s->repair.begun = false;
	}
	return used;
}

static size_t emit_round(struct store *s, struct store_batch *batch, uint8_t *at, size_t room)
{
	struct entry end = { .kind = ENTRY_ROUND, .table = s->config.table };
	size_t used = 0, len;

	batch->set = s->set;
	for (; s->round < STORE_BUCKETS; s->round++) {
		len = entry_write_sums(s->config.table, s->round,
				       s->sums + (size_t)s->round * ENTRY_CLASSES, at + used,
				       room - used);
		if (!len)
			return used;
		used += len;
		batch->count++;
	}
	len = entry_write(&end, at + used, room - used);
	if (len)
		s->rounds = false;
	return used + len;
}

/* A backup that has all of the changes has what the sums are of: they come first. */
static size_t emit_jobs(struct store *s, struct store_batch *batch, uint64_t now_ns,
			uint8_t *at, size_t room)
{
	size_t used = 0;

	if (s->rounds)
		return emit_round(s, batch, at, room);
	if (s->walk.set)
		used = emit_walk(s, batch, now_ns, at, room);
	if (used || batch->walked || s->walk.set)
		return used;
	return slots_repair_pending(s) ? emit_repair(s, batch, now_ns, at, room) : 0;
}

size_t store_emit(struct store *s, uint64_t now_ns, struct store_batch *batch, void *buf,
		  size_t room)
{
	size_t used = 0;

	memset(batch, 0, sizeof(*batch));
	if (!s->active || room < ENTRY_MAX)
		return 0;
	/* By turns: neither many changes nor a long walk keep the other from going. */
	if (!s->job_next)
		used = emit_changes(s, batch, buf, room);
	s->job_next = !s->job_next;
	if (used)
		return used;
	memset(batch, 0, sizeof(*batch));
	used = emit_jobs(s, batch, now_ns, buf, room);
	if (used || batch->walked)
		return used;
	memset(batch, 0, sizeof(*batch));
	s->job_next = true;
	return emit_changes(s, batch, buf, room);
}
