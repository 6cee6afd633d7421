/* SPDX-License-Identifier: GPL-2.0 */
/* The inside of a store: its slots, each of which holds an entry, and their queue.
 *
 * For store.c (own entries and the gate), emit.c (the owner's half) and apply.c (the
 * backup's half) alone; a noun sees struct store_item.
 */
#ifndef GWSYNC_AGENT_TABLE_SLOT_H
#define GWSYNC_AGENT_TABLE_SLOT_H

#include <linux/gwsync.h>

#include "table/store.h"

enum slot_flags {
	SLOT_USED	= 1 << 0,
	SLOT_GONE	= 1 << 1,	/* its end is to be emitted */
	SLOT_QUEUED	= 1 << 2,
	SLOT_SENT	= 1 << 3,	/* others may know of it */
};

/* Places are numbered from 1; 0 is none. */
struct slot {
	uint32_t	next;			/* of its chain, or of those that are free */
	uint32_t	queue_next, queue_prev;
	uint32_t	chain;
	uint32_t	class_next, class_prev;
	uint32_t	digest;			/* its part of its class's sum */
	uint32_t	generation;		/* in which it was applied */
	uint32_t	epoch;
	uint32_t	note;
	uint16_t	class;
	uint8_t		owner;			/* while it is a replica */
	uint8_t		flags;
	uint8_t		key_len, value_len;
	uint64_t	number;
	uint64_t	note_ns;
	uint8_t		bytes[];		/* key, then from key_max on the value */
};

/* Entries of some classes that a job has not emitted yet. */
struct cursor {
	uint32_t	at;		/* the next one, 0: that of the next class */
	uint32_t	class, end;	/* classes that it has not begun */
	bool		scanned;
	uint64_t	behind;		/* changes that go before its end; scanned */
};

struct store {
	struct store_config	config;
	const struct store_ops	*ops;
	void			*of;

	uint8_t			*slots;
	size_t			stride;
	uint32_t		*chains;	/* as many as slots */
	uint8_t			chain_key[STORE_HASH_KEY];	/* nobody else's */
	uint32_t		free;
	uint32_t		top;		/* the highest id that was ever taken */
	uint32_t		classes[STORE_CLASSES];	/* the first entry of each */
	uint32_t		sums[STORE_CLASSES];

	uint32_t		first, last;	/* of the queue */
	uint64_t		queued, fetched;	/* since the start */
	uint64_t		set;
	uint64_t		number;

	struct {
		uint64_t	set;		/* 0: there is none */
		uint32_t	id, count;
		struct cursor	cursor;
	} walk;
	struct {
		uint64_t	classes[STORE_BUCKETS];
		uint32_t	class;		/* that it is at */
		bool		begun;		/* its SWEEP is out */
		struct cursor	cursor;
	} repair;
	uint32_t		round;		/* next bucket of a round of sums */
	uint32_t		pace;
	uint64_t		pace_ns;	/* the next record may go then */

	uint32_t		generation;
	uint32_t		begun_at;
	uint32_t		swept_at[STORE_CLASSES];	/* a repair of it, 0: none */
	uint64_t		heard[STORE_BUCKETS], differs[STORE_BUCKETS];
	uint32_t		heard_buckets;

	/* All entries are own, else all are replicas: what changes that is one word,
	 * however many there are.
	 */
	bool			active;
	uint32_t		of_owner[GWSYNC_MEMBER_MAX + 1];	/* replicas */
	bool			full;		/* and it was said */
	bool			job_next;	/* changes had their turn */
	bool			rounds;		/* there is a round of sums */
	bool			begun;		/* a full sync */

	struct store_counts	counts;
};

static inline struct slot *slot_of(const struct store *s, uint32_t id)
{
	return (struct slot *)(s->slots + s->stride * (id - 1));
}

static inline uint8_t *slot_value(const struct store *s, struct slot *slot)
{
	return slot->bytes + s->config.key_max;
}

static inline bool slot_lives(const struct slot *slot)
{
	return (slot->flags & (SLOT_USED | SLOT_GONE)) == SLOT_USED;
}

/* Where a key is looked for, and what an entry is in the sum of its class. */
uint32_t slot_chain(const struct store *s, const void *key, size_t key_len);
uint32_t slot_digest(const struct store *s, struct slot *slot);
/* Its part of the sum is @digest from now on. */
void slot_count(struct store *s, struct slot *slot, uint32_t digest);

/* What a noun sees of it. */
void slot_item(const struct store *s, uint32_t id, struct store_item *item);

/* The place of a key, also of one whose end waits; 0: none. */
uint32_t slot_find(const struct store *s, uint32_t chain, const void *key, size_t key_len);
/* A new one for it; 0: all are taken. */
uint32_t slot_make(struct store *s, uint32_t chain, const void *key, size_t key_len);
void slot_free(struct store *s, uint32_t id);
/* The noun is told. */
void slot_free_replica(struct store *s, uint32_t id);

/* Its change is to be emitted, or is. */
void slot_queue(struct store *s, uint32_t id);
void slot_unqueue(struct store *s, uint32_t id);

/* Are classes still to be emitted for a repair? */
bool slots_repair_pending(const struct store *s);

/* Tell the noun: there is something to emit, and there was nothing; what one call did is
 * over.
 */
void slots_ready(struct store *s, bool was_pending);
void slots_settled(struct store *s);

#endif
