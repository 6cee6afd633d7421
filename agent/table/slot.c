// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include <sodium.h>

#include "base/log.h"
#include "table/slot.h"

_Static_assert(crypto_shorthash_siphash24_KEYBYTES == STORE_HASH_KEY, "key of the hash");

static uint64_t slot_hash(const uint8_t key[STORE_HASH_KEY], const void *bytes, size_t len)
{
	uint64_t out;

	crypto_shorthash_siphash24((unsigned char *)&out, bytes, len, key);
	return le64toh(out);
}

static uint32_t class_of(const struct store *s, const void *key, size_t key_len)
{
	return slot_hash(s->config.hash_key, key, key_len) % STORE_CLASSES;
}

/* Where it is looked for nobody can aim at, whoever makes the keys: chains do not go by
 * classes, of which all members must think the same.
 */
uint32_t slot_chain(const struct store *s, const void *key, size_t key_len)
{
	return (uint32_t)(slot_hash(s->chain_key, key, key_len) % s->config.most);
}

uint32_t slot_digest(const struct store *s, struct slot *slot)
{
	uint8_t bytes[1 + ENTRY_KEY_MAX + ENTRY_VALUE_MAX];

	bytes[0] = slot->key_len;
	memcpy(bytes + 1, slot->bytes, slot->key_len);
	memcpy(bytes + 1 + slot->key_len, slot_value(s, slot), slot->value_len);
	return (uint32_t)slot_hash(s->config.hash_key, bytes, 1U + slot->key_len + slot->value_len);
}

void slot_count(struct store *s, struct slot *slot, uint32_t digest)
{
	s->sums[slot->class] += digest - slot->digest;
	slot->digest = digest;
}

void slot_item(const struct store *s, uint32_t id, struct store_item *item)
{
	struct slot *slot = slot_of(s, id);

	item->key = slot->bytes;
	item->value = slot_value(s, slot);
	item->key_len = slot->key_len;
	item->value_len = slot->value_len;
	item->owner = s->active ? 0 : slot->owner;
	item->replica = !s->active;
	item->id = id;
	item->note = &slot->note;
	item->note_ns = &slot->note_ns;
}

/* One whose end waits too. */
uint32_t slot_find(const struct store *s, uint32_t chain, const void *key, size_t key_len)
{
	uint32_t id;

	for (id = s->chains[chain]; id; id = slot_of(s, id)->next) {
		struct slot *slot = slot_of(s, id);

		if (slot->key_len == key_len && !memcmp(slot->bytes, key, key_len))
			return id;
	}
	return 0;
}

void slot_unqueue(struct store *s, uint32_t id)
{
	struct slot *slot = slot_of(s, id);

	if (!(slot->flags & SLOT_QUEUED))
		return;
	if (slot->queue_prev)
		slot_of(s, slot->queue_prev)->queue_next = slot->queue_next;
	else
		s->first = slot->queue_next;
	if (slot->queue_next)
		slot_of(s, slot->queue_next)->queue_prev = slot->queue_prev;
	else
		s->last = slot->queue_prev;
	slot->queue_next = 0;
	slot->queue_prev = 0;
	slot->flags &= ~SLOT_QUEUED;
	s->counts.queued--;
	s->fetched++;
}

bool slots_repair_pending(const struct store *s)
{
	unsigned int i;

	for (i = 0; i < STORE_BUCKETS; i++)
		if (s->repair.classes[i])
			return true;
	return s->repair.begun;
}

bool store_pending(const struct store *s)
{
	return s->first || s->walk.set || s->rounds || slots_repair_pending(s);
}

void slots_ready(struct store *s, bool was_pending)
{
	if (!was_pending && s->ops->ready && store_pending(s))
		s->ops->ready(s->of);
}

void slots_settled(struct store *s)
{
	if (s->ops->settled)
		s->ops->settled(s->of);
}

void slot_queue(struct store *s, uint32_t id)
{
	struct slot *slot = slot_of(s, id);
	bool pending = store_pending(s);

	if (slot->flags & SLOT_QUEUED)
		return;
	slot->queue_prev = s->last;
	if (s->last)
		slot_of(s, s->last)->queue_next = id;
	else
		s->first = id;
	s->last = id;
	slot->flags |= SLOT_QUEUED;
	s->counts.queued++;
	s->queued++;
	slots_ready(s, pending);
}

static void class_add(struct store *s, uint32_t id, uint32_t class)
{
	struct slot *slot = slot_of(s, id);

	slot->class = (uint16_t)class;
	slot->class_next = s->classes[class];
	if (slot->class_next)
		slot_of(s, slot->class_next)->class_prev = id;
	s->classes[class] = id;
}

static void class_remove(struct store *s, uint32_t id)
{
	const struct slot *slot = slot_of(s, id);

	if (slot->class_prev)
		slot_of(s, slot->class_prev)->class_next = slot->class_next;
	else
		s->classes[slot->class] = slot->class_next;
	if (slot->class_next)
		slot_of(s, slot->class_next)->class_prev = slot->class_prev;
	/* Jobs go on behind it. */
	if (s->walk.cursor.at == id)
		s->walk.cursor.at = slot->class_next;
	if (s->repair.cursor.at == id)
		s->repair.cursor.at = slot->class_next;
}

void slot_free(struct store *s, uint32_t id)
{
	struct slot *slot = slot_of(s, id);
	uint32_t *at = &s->chains[slot->chain];

	if (!s->active) {
		s->of_owner[slot->owner]--;
		s->counts.replicas--;
	} else if (slot_lives(slot)) {
		s->counts.own--;
	}
	slot_unqueue(s, id);
	slot_count(s, slot, 0);
	class_remove(s, id);
	while (*at != id)
		at = &slot_of(s, *at)->next;
	*at = slot->next;
	slot->flags = 0;
	slot->next = s->free;
	s->free = id;
	if (s->counts.own + s->counts.replicas < s->config.most - s->config.most / 8)
		s->full = false;
}

/* The ends that nobody fetches must not keep out what is there: a repair finds them. */
static bool slot_reclaim(struct store *s)
{
	uint32_t id;

	/* In a flood this is asked for each packet. */
	if (s->counts.own + s->counts.replicas == s->config.most)
		return false;
	for (id = s->first; id; id = slot_of(s, id)->queue_next) {
		if (!(slot_of(s, id)->flags & SLOT_GONE))
			continue;
		s->counts.missed++;
		slot_free(s, id);
		return true;
	}
	return false;
}

uint32_t slot_make(struct store *s, uint32_t chain, const void *key, size_t key_len)
{
	struct slot *slot;
	uint32_t id;

	if (!s->free && !slot_reclaim(s)) {
		s->counts.full++;
		if (!s->full)
			log_warning("%s: %u are held, which is the most; others are left out",
				    s->ops->name, s->config.most);
		s->full = true;
		return 0;
	}
	id = s->free;
	if (id > s->top)
		s->top = id;
	slot = slot_of(s, id);
	s->free = slot->next;
	memset(slot, 0, sizeof(*slot));
	slot->flags = SLOT_USED;
	slot->chain = chain;
	slot->key_len = (uint8_t)key_len;
	memcpy(slot->bytes, key, key_len);
	slot->next = s->chains[chain];
	s->chains[chain] = id;
	class_add(s, id, class_of(s, key, key_len));
	return id;
}

void slot_free_replica(struct store *s, uint32_t id)
{
	struct store_item item;

	slot_item(s, id, &item);
	if (s->ops->del)
		s->ops->del(s->of, &item);
	slot_free(s, id);
}
