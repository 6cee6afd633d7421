/* SPDX-License-Identifier: GPL-2.0 */
/* A table whose entries are in a store: what publish.c and replicate.c ask of a table,
 * and the pump between the store and the stream.
 */
#ifndef GWSYNC_AGENT_STORED_H
#define GWSYNC_AGENT_STORED_H

#include "table/publish.h"
#include "table/replicate.h"
#include "table/store.h"
#include "table/table.h"

struct stored_ops {
	/* The gate: what is held of @owners is this member's; what is own is @owner's. */
	void (*activate)(void *arg, uint64_t owners, uint32_t epoch);
	void (*deactivate)(void *arg, uint8_t owner, uint32_t epoch);
	/* New references: what the status says of it alone, and one entry. */
	json_t *(*json)(const void *arg);
	json_t *(*item_json)(const void *arg, const struct store_item *item);
	void *arg;
};

struct stored {
	struct table		table;
	struct store		*store;
	struct stored_ops	ops;
	struct publish		*publish;	/* NULL: before stored_start() */
	struct replicate	*replicate;
	struct loop_timer	pump;		/* something waits in the store */
	struct loop_timer	round;		/* of sums */
};

/**
 * stored_init() - make a table of a store
 * @stored: zeroed
 * @store: outlives it; tells it stored_ready(), stored_swept(), stored_compared()
 * @id: of the table
 * @name: its name
 * @prefix: of what is logged of it: the name and ": "
 * @ops: of the noun
 */
void stored_init(struct stored *stored, struct store *store, enum frame_table id,
		 const char *name, const char *prefix, const struct stored_ops *ops);
/**
 * stored_start() - both halves of it: its entries go out and come in
 * @stored: of stored_init(), also after stored_stop()
 * @publish: the owner's, takes what the store has
 * @replicate: the backup's
 */
void stored_start(struct stored *stored, struct publish *publish, struct replicate *replicate);
/* Not after the store is gone; also without stored_start(). */
void stored_stop(struct stored *stored);

/* What a store tells, see struct store_ops; @arg: the stored. */
void stored_ready(void *arg);
void stored_swept(void *arg, uint8_t owner, uint32_t count);
void stored_compared(void *arg, uint8_t owner, uint32_t differing);

/**
 * stored_page() - some of its entries, as the status shows them
 * @stored: the table
 * @cursor: 0 at first; moved
 * @most: how many
 *
 * Return: an array, new reference; fewer than @most: these were the last.
 */
json_t *stored_page(const struct stored *stored, uint32_t *cursor, unsigned int most);

#endif
