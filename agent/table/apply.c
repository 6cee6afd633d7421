// SPDX-License-Identifier: GPL-2.0
/* The backup's half of a store: records of an owner become replicas. */
#include <errno.h>
#include <string.h>

#include "table/slot.h"

/* Has a full sync or a repair begun since it was applied last? */
static bool slot_is_due(const struct store *s, const struct slot *slot)
{
	uint32_t swept_at = s->swept_at[slot->class];

	return (s->begun && (int32_t)(slot->generation - s->begun_at) < 0) ||
	       (swept_at && (int32_t)(slot->generation - swept_at) < 0);
}

static bool slot_is_newer(const struct store *s, const struct slot *slot, uint8_t owner,
			  uint32_t epoch, uint64_t number)
{
	return slot->owner == owner && slot->epoch == epoch && slot->number >= number &&
	       !slot_is_due(s, slot);
}

static void apply_put(struct store *s, uint8_t owner, uint32_t epoch,
		      const struct entry *entry)
{
	uint32_t chain = slot_chain(s, entry->key, entry->key_len);
	uint32_t id = slot_find(s, chain, entry->key, entry->key_len);
	struct store_item item;
	struct slot *slot;
	bool same;

	if (id && slot_is_newer(s, slot_of(s, id), owner, epoch, entry->number)) {
		s->counts.stale++;
		return;
	}
	same = id && slot_of(s, id)->value_len == entry->value_len &&
	       !memcmp(slot_value(s, slot_of(s, id)), entry->value, entry->value_len);
	if (!id) {
		id = slot_make(s, chain, entry->key, entry->key_len);
		if (!id)
			return;
		s->of_owner[0]++;	/* as it is made; see below */
		s->counts.replicas++;
	}
	slot = slot_of(s, id);
	s->of_owner[slot->owner]--;
	s->of_owner[owner]++;
	slot->owner = owner;
	slot->flags |= SLOT_SENT;	/* who told it, and whom else it told */
	slot->epoch = epoch;
	slot->number = entry->number;
	slot->generation = s->generation;
	s->counts.applied++;
	if (same)
		return;
	slot->value_len = entry->value_len;
	memcpy(slot_value(s, slot), entry->value, entry->value_len);
	slot_count(s, slot, slot_digest(s, slot));
	slot_item(s, id, &item);
	if (s->ops->put)
		s->ops->put(s->of, &item);
}

static void apply_del(struct store *s, uint8_t owner, uint32_t epoch,
		      const struct entry *entry)
{
	uint32_t id = slot_find(s, slot_chain(s, entry->key, entry->key_len), entry->key,
				entry->key_len);

	s->counts.applied++;
	if (!id)
		return;
	if (slot_is_newer(s, slot_of(s, id), owner, epoch, entry->number)) {
		s->counts.stale++;
		return;
	}
	slot_free_replica(s, id);
}

static void generation_next(struct store *s)
{
	if (!++s->generation)	/* 0: no repair */
		s->generation = 1;
}

static void apply_sweep(struct store *s, const struct entry *entry)
{
	unsigned int i;

	generation_next(s);
	for (i = 0; i < ENTRY_CLASSES; i++)
		if (entry->classes & 1ULL << i)
			s->swept_at[entry->number * ENTRY_CLASSES + i] = s->generation;
}

static void class_sweep(struct store *s, uint32_t class)
{
	uint32_t swept_at = s->swept_at[class], id, next;

	s->swept_at[class] = 0;
	if (!swept_at)		/* its beginning was missed */
		return;
	for (id = s->classes[class]; id; id = next) {
		next = slot_of(s, id)->class_next;
		if ((int32_t)(slot_of(s, id)->generation - swept_at) < 0)
			slot_free_replica(s, id);
	}
}

static void apply_swept(struct store *s, const struct entry *entry)
{
	unsigned int i;

	for (i = 0; i < ENTRY_CLASSES; i++)
		if (entry->classes & 1ULL << i)
			class_sweep(s, (uint32_t)entry->number * ENTRY_CLASSES + i);
}

static void apply_sums(struct store *s, const struct entry *entry)
{
	const uint32_t *sums = s->sums + entry->number * ENTRY_CLASSES;
	uint64_t differs = 0;
	unsigned int i;

	for (i = 0; i < ENTRY_CLASSES; i++)
		if (sums[i] != entry_sum(entry, i))
			differs |= 1ULL << i;
	s->heard[entry->number] = differs;
	s->heard_buckets |= 1U << entry->number;
}

static void apply_round(struct store *s, uint8_t owner)
{
	bool whole = s->heard_buckets == (1U << STORE_BUCKETS) - 1;
	uint32_t differing = 0;
	unsigned int i;

	s->heard_buckets = 0;
	if (!whole)
		return;
	memcpy(s->differs, s->heard, sizeof(s->differs));
	for (i = 0; i < STORE_BUCKETS; i++)
		differing += (uint32_t)__builtin_popcountll(s->differs[i]);
	if (s->ops->compared)
		s->ops->compared(s->of, owner, differing);
}

static bool apply_entry(struct store *s, uint8_t owner, uint32_t epoch,
			const struct entry *entry)
{
	if (entry->table != s->config.table)
		return false;
	switch (entry->kind) {
	case ENTRY_PUT:
	case ENTRY_DEL:
		if (entry->key_len > s->config.key_max ||
		    entry->value_len > s->config.value_max)
			return false;
		if (entry->kind == ENTRY_DEL)
			apply_del(s, owner, epoch, entry);
		else if (s->ops->valid && !s->ops->valid(s->of, entry->key, entry->key_len,
							 entry->value, entry->value_len))
			s->counts.invalid++;
		else
			apply_put(s, owner, epoch, entry);
		return true;
	case ENTRY_ROUND:
		apply_round(s, owner);
		return true;
	default:
		break;
	}
	if (entry->number >= STORE_BUCKETS)
		return false;
	if (entry->kind == ENTRY_SWEEP)
		apply_sweep(s, entry);
	else if (entry->kind == ENTRY_SWEPT)
		apply_swept(s, entry);
	else
		apply_sums(s, entry);
	return true;
}

int store_apply(struct store *s, uint8_t owner, uint32_t epoch, const void *records, size_t len)
{
	enum entry_read read;
	const uint8_t *at = records;
	struct entry entry;
	int err = 0;

	if (s->active || owner > GWSYNC_MEMBER_MAX)
		return -EPERM;
	while ((read = entry_read(&at, &len, &entry)) != ENTRY_READ_END) {
		if (read == ENTRY_READ_UNKNOWN) {
			s->counts.unread++;
		} else if (read == ENTRY_READ_BROKEN || !apply_entry(s, owner, epoch, &entry)) {
			s->counts.broken++;
			err = -EBADMSG;
			break;
		}
	}
	slots_settled(s);
	return err;
}

int store_begin(struct store *s)
{
	if (s->active)
		return -EPERM;
	generation_next(s);
	s->begun = true;
	s->begun_at = s->generation;
	store_missed(s);
	return 0;
}

int store_end(struct store *s, uint8_t owner)
{
	uint32_t id, count = 0;

	if (s->active)
		return -EPERM;
	if (!s->begun)
		return -EINVAL;
	s->begun = false;
	for (id = 1; id <= s->top; id++) {
		struct slot *slot = slot_of(s, id);

		if (!slot_lives(slot) || (int32_t)(slot->generation - s->begun_at) >= 0)
			continue;
		slot_free_replica(s, id);
		count++;
	}
	slots_settled(s);
	if (s->ops->swept)
		s->ops->swept(s->of, owner, count);
	return 0;
}

void store_missed(struct store *s)
{
	memset(s->swept_at, 0, sizeof(s->swept_at));
	s->heard_buckets = 0;
}

void store_differ(const struct store *s, uint64_t classes[STORE_BUCKETS])
{
	memcpy(classes, s->differs, sizeof(s->differs));
}

uint32_t store_purge(struct store *s, uint8_t owner)
{
	uint32_t id, count = 0;

	for (id = 1; id <= s->top && !s->active; id++) {
		struct slot *slot = slot_of(s, id);

		if (!slot_lives(slot) || slot->owner != owner)
			continue;
		slot_free_replica(s, id);
		count++;
	}
	slots_settled(s);
	return count;
}
