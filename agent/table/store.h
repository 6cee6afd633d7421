/* SPDX-License-Identifier: GPL-2.0 */
/* The entries of a table that live in the agent: key -> value, own ones and replicas.
 *
 * As owner: what a noun observes comes in by store_put() and store_del(), and goes out by
 * store_emit(), which is pulled when the stream has room.  The queue is a mark on the
 * entry: ten changes of one are one record.  As backup: store_apply() takes what an
 * owner's store_emit() made, and tells the noun what came and what went.
 *
 * All memory is taken at the start.  Once it is used up nothing new is kept, which is
 * counted and said.
 *
 * An entry is in one of STORE_CLASSES classes, by its key.  A class has a sum over what
 * was emitted, or applied: owner and backup that agree have the same.  Members must agree on
 * that hash, so it is no secret, and who makes keys may fill one class: then a repair of it
 * sends them all, as a full sync does.  How long an entry is looked for goes by another
 * hash, whose key each store draws for itself.  SUMS go through
 * the same stream as the changes, so they are compared at the same point of it.
 *
 * Emitted records are numbered; an older one does not replace a newer one, but for a full
 * sync or a repair, which count from where they began.
 */
#ifndef GWSYNC_AGENT_TABLE_STORE_H
#define GWSYNC_AGENT_TABLE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "table/entry.h"

#define STORE_BUCKETS	16
#define STORE_CLASSES	(STORE_BUCKETS * ENTRY_CLASSES)
#define STORE_HASH_KEY	16
#define STORE_MOST	(1U << 20)	/* entries of one */

struct store;

/* What a noun sees of an entry; the rest is the store's. */
struct store_item {
	const uint8_t	*key;
	const uint8_t	*value;
	uint8_t		key_len, value_len;
	uint8_t		owner;		/* of a replica; 0: own, or nobody's */
	bool		replica;
	uint32_t	id;		/* as long as it is there; from 1 */
	uint32_t	*note;		/* the noun's, 0 at first, kept over changes */
	uint64_t	*note_ns;
};

/* All but @name may be NULL.  None may change the store. */
struct store_ops {
	const char *name;
	/* May a record of another member say that? */
	bool (*valid)(void *of, const uint8_t *key, size_t key_len, const uint8_t *value,
		      size_t value_len);
	/* A replica came or changed; it goes, and is there for the last time. */
	void (*put)(void *of, const struct store_item *item);
	void (*del)(void *of, const struct store_item *item);
	/* What one call did is over. */
	void (*settled)(void *of);
	/* There was nothing to emit, and now there is. */
	void (*ready)(void *of);
	/* A full sync of @owner ended, and @count that it did not name went. */
	void (*swept)(void *of, uint8_t owner, uint32_t count);
	/* A whole round of sums of @owner: so many classes differ. */
	void (*compared)(void *of, uint8_t owner, uint32_t differing);
};

struct store_config {
	uint8_t		table;		/* its number in records */
	uint32_t	most;		/* entries, 1..STORE_MOST */
	uint8_t		key_max;	/* bytes, of 1..ENTRY_KEY_MAX */
	uint8_t		value_max;	/* bytes, of 0..ENTRY_VALUE_MAX */
	/* Of classes and sums: the same on all members. */
	uint8_t		hash_key[STORE_HASH_KEY];
};

struct store_counts {
	uint32_t	own, replicas;	/* now */
	uint32_t	queued;		/* now, to be emitted */
	uint32_t	most;
	uint64_t	full;		/* entries that found no room */
	uint64_t	missed;		/* ends that nobody fetched in time, until a repair */
	uint64_t	emitted;	/* records */
	uint64_t	applied, stale;	/* records; of an older number */
	uint64_t	unread;		/* records of a kind or version that is not known */
	uint64_t	broken;		/* frames with a record that no store makes */
	uint64_t	invalid;	/* records that the noun did not believe */
};

/**
 * store_alloc() - make an empty store
 * @config: copied
 * @ops: of the noun; outlives the store
 * @of: for @ops
 *
 * Return: NULL if there is no memory for it, or @config is out of bounds.
 */
struct store *store_alloc(const struct store_config *config, const struct store_ops *ops,
			  void *of);
void store_free(struct store *store);
void store_counts(const struct store *store, struct store_counts *counts);

/* One of the entries that are; false: there is none. */
bool store_find(const struct store *store, const void *key, size_t key_len,
		struct store_item *item);
bool store_get(const struct store *store, uint32_t id, struct store_item *item);

/**
 * store_each() - one entry after the other
 * @cursor: 0 at first
 * @item: the next one
 *
 * In between the store may change: each entry that was there all the time comes once.
 *
 * Return: false if that was all.
 */
bool store_each(const struct store *store, uint32_t *cursor, struct store_item *item);

/* Owner */

/**
 * store_put() - an own entry came or changed
 * @store: of an owner; else nothing happens
 * @key: of at most key_max bytes
 * @value: of at most value_max bytes
 *
 * Return: 0; -ENOSPC with no room, -EINVAL with lengths that may not be, -EPERM on a
 * backup.
 */
int store_put(struct store *store, const void *key, size_t key_len, const void *value,
	      size_t value_len);
/* 0, -ENOENT, -EPERM */
int store_del(struct store *store, const void *key, size_t key_len);

/* Members that get the changes, as bits; 0: nobody, and nothing is queued. */
void store_map(struct store *store, uint64_t set);
/* A full sync for @set; whatever walk runs is over.  To nobody: there is none. */
void store_walk(struct store *store, uint64_t set, uint32_t walk_id);
/* So many records a second of walks and repairs, 0: as fast as it goes. */
void store_pace(struct store *store, uint32_t rate);
/* Send these classes again, a word a bucket, beside those that wait; NULL: a round of
 * sums.
 */
void store_repair(struct store *store, const uint64_t classes[STORE_BUCKETS]);

struct store_batch {
	uint64_t	set;		/* members that it is for */
	uint32_t	walk_id;	/* 0: changes */
	bool		walked;		/* the walk is over, after @count records */
	uint32_t	count;
};

/**
 * store_emit() - the next records for the stream
 * @store: of an owner
 * @now_ns: CLOCK_MONOTONIC
 * @batch: what they are
 * @buf: where to
 * @room: bytes; ENTRY_MAX is enough for any record
 *
 * What it gave counts as sent: the stream takes it, or says that it was lost.
 *
 * Return: bytes, 0 if there is nothing now, or nothing but the end of a walk.
 */
size_t store_emit(struct store *store, uint64_t now_ns, struct store_batch *batch, void *buf,
		  size_t room);
/* Is there anything to emit, now or soon? */
bool store_pending(const struct store *store);

/* Backup */

/**
 * store_apply() - take in records of an owner
 * @store: of a backup
 * @owner: who sent them
 * @epoch: its own
 * @records: as they came, hostile
 * @len: bytes
 *
 * Return: 0; -EBADMSG if some could not be read, -EPERM on an owner.  What comes before
 * the one that could not be read was taken.
 */
int store_apply(struct store *store, uint8_t owner, uint32_t epoch, const void *records,
		size_t len);
/* A full sync begins; it ends, and what it did not name goes.  0, -EPERM, -EINVAL. */
int store_begin(struct store *store);
int store_end(struct store *store, uint8_t owner);
/* Records were lost: repairs that have begun are not whole. */
void store_missed(struct store *store);
/* The classes that differed in the last whole round of sums. */
void store_differ(const struct store *store, uint64_t classes[STORE_BUCKETS]);
/* The replicas of @owner go. */
uint32_t store_purge(struct store *store, uint8_t owner);

/* The gate */

/* What is held of @owners (bit n: member n) is own from now on, the rest goes.
 * Return: how many.
 */
uint32_t store_activate(struct store *store, uint64_t owners);
/* What is own is a replica of @owner from now on, until that one says otherwise; the
 * noun is not told of each.  Of nobody, 0: it is there until somebody owns.
 */
void store_deactivate(struct store *store, uint8_t owner, uint32_t epoch);
bool store_active(const struct store *store);

#endif
