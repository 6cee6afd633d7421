// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "table/slot.h"

struct store *store_alloc(const struct store_config *config, const struct store_ops *ops,
			  void *of)
{
	struct store *s;
	uint32_t id;

	if (!config->most || config->most > STORE_MOST || !config->key_max ||
	    config->key_max > ENTRY_KEY_MAX || config->value_max > ENTRY_VALUE_MAX ||
	    sodium_init() < 0)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->config = *config;
	s->ops = ops;
	s->of = of;
	s->counts.most = config->most;
	s->generation = 1;
	s->stride = sizeof(struct slot) + config->key_max + config->value_max;
	s->stride = (s->stride + 7) / 8 * 8;
	s->slots = calloc(config->most, s->stride);
	s->chains = calloc(config->most, sizeof(*s->chains));
	if (!s->slots || !s->chains) {
		store_free(s);
		return NULL;
	}
	randombytes_buf(s->chain_key, sizeof(s->chain_key));
	for (id = config->most; id; id--) {
		slot_of(s, id)->next = s->free;
		s->free = id;
	}
	return s;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	free(s->slots);
	free(s->chains);
	sodium_memzero(s, sizeof(*s));
	free(s);
}

void store_counts(const struct store *s, struct store_counts *counts)
{
	*counts = s->counts;
}

bool store_active(const struct store *s)
{
	return s->active;
}

bool store_get(const struct store *s, uint32_t id, struct store_item *item)
{
	if (!id || id > s->config.most || !slot_lives(slot_of(s, id)))
		return false;
	slot_item(s, id, item);
	return true;
}

bool store_find(const struct store *s, const void *key, size_t key_len,
		struct store_item *item)
{
	if (!key_len || key_len > s->config.key_max)
		return false;
	return store_get(s, slot_find(s, slot_chain(s, key, key_len), key, key_len), item);
}

bool store_each(const struct store *s, uint32_t *cursor, struct store_item *item)
{
	while (*cursor < s->top)
		if (store_get(s, ++*cursor, item))
			return true;
	return false;
}

/* Own entries */

/* Others are told, or there is nobody to tell. */
static void slot_changed(struct store *s, uint32_t id)
{
	struct slot *slot = slot_of(s, id);

	if (s->set)
		slot_queue(s, id);
	else if (slot->flags & SLOT_GONE)
		slot_free(s, id);
	else
		slot_count(s, slot, slot_digest(s, slot));
}

int store_put(struct store *s, const void *key, size_t key_len, const void *value,
	      size_t value_len)
{
	struct slot *slot;
	uint32_t chain, id;

	if (!s->active)
		return -EPERM;
	if (!key_len || key_len > s->config.key_max || value_len > s->config.value_max)
		return -EINVAL;
	chain = slot_chain(s, key, key_len);
	id = slot_find(s, chain, key, key_len);
	if (id && slot_lives(slot_of(s, id)) && slot_of(s, id)->value_len == value_len &&
	    !memcmp(slot_value(s, slot_of(s, id)), value, value_len))
		return 0;
	if (!id) {
		id = slot_make(s, chain, key, key_len);
		if (!id)
			return -ENOSPC;
		s->counts.own++;
	}
	slot = slot_of(s, id);
	if (slot->flags & SLOT_GONE) {
		slot->flags &= ~SLOT_GONE;
		slot->note = 0;
		slot->note_ns = 0;
		s->counts.own++;
	}
	slot->value_len = (uint8_t)value_len;
	memcpy(slot_value(s, slot), value, value_len);
	slot_changed(s, id);
	return 0;
}

int store_del(struct store *s, const void *key, size_t key_len)
{
	struct store_item item;

	if (!s->active)
		return -EPERM;
	if (!store_find(s, key, key_len, &item))
		return -ENOENT;
	s->counts.own--;
	slot_of(s, item.id)->flags |= SLOT_GONE;
	slot_changed(s, item.id);
	return 0;
}

void store_map(struct store *s, uint64_t set)
{
	s->set = set;
	while (!set && s->first) {
		uint32_t id = s->first;

		slot_unqueue(s, id);
		slot_changed(s, id);
	}
	if (!set) {
		s->walk.set = 0;
		memset(s->repair.classes, 0, sizeof(s->repair.classes));
		s->repair.begun = false;
		s->rounds = false;
	}
}

/* The gate */

/* Replicas of others than @owners, which are to go. */
static bool replicas_of_others(const struct store *s, uint64_t owners)
{
	unsigned int owner;

	for (owner = 0; owner <= GWSYNC_MEMBER_MAX; owner++)
		if (s->of_owner[owner] && (!owner || !(owners & 1ULL << owner)))
			return true;
	return false;
}

uint32_t store_activate(struct store *s, uint64_t owners)
{
	uint32_t id;

	if (s->active)
		return s->counts.own;
	for (id = 1; replicas_of_others(s, owners) && id <= s->top; id++) {
		const struct slot *slot = slot_of(s, id);

		if (slot_lives(slot) && (!slot->owner || !(owners & 1ULL << slot->owner)))
			slot_free_replica(s, id);
	}
	s->active = true;
	memset(s->of_owner, 0, sizeof(s->of_owner));
	s->counts.own = s->counts.replicas;
	s->counts.replicas = 0;
	s->begun = false;
	store_missed(s);
	slots_settled(s);
	return s->counts.own;
}

void store_deactivate(struct store *s, uint8_t owner, uint32_t epoch)
{
	uint32_t id;

	if (!s->active)
		return;
	store_map(s, 0);
	s->active = false;
	s->begun = false;
	for (id = 1; id <= s->top; id++) {
		struct slot *slot = slot_of(s, id);

		if (!slot_lives(slot))
			continue;
		slot->flags |= SLOT_SENT;
		slot->owner = owner;
		slot->epoch = epoch;
		slot->number = 0;
		slot->generation = s->generation;
	}
	s->counts.replicas = s->counts.own;
	s->counts.own = 0;
	s->of_owner[owner] = s->counts.replicas;
}
