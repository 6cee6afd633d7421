/* SPDX-License-Identifier: GPL-2.0 */
/* A table whose entries are in a store: what publish.c and replicate.c ask of a table,
 * and the pump between the store and the stream.
 */
#ifndef GWSYNC_AGENT_STORED_H
#define GWSYNC_AGENT_STORED_H

#include "table/publish.h"
#include "table/store.h"
#include "table/table.h"

struct stored_ops {
	/* The gate: what is held of @owners is this member's; what is own is @owner's. */
	void (*activate)(void *arg, uint64_t owners, uint32_t epoch);
	void (*deactivate)(void *arg, uint8_t owner, uint32_t epoch);
	void *arg;
};

struct stored {
	struct table		table;
	struct store		*store;
	struct stored_ops	ops;
	struct publish		*publish;
	struct loop_timer	pump;		/* something waits in the store */
	struct loop_timer	round;		/* of sums */
};

/**
 * stored_init() - make a table of a store
 * @stored: zeroed
 * @store: outlives it; its noun calls stored_ready()
 * @id: of the table
 * @name: its name
 * @prefix: of what is logged of it: the name and ": "
 * @ops: of the noun
 */
void stored_init(struct stored *stored, struct store *store, enum frame_table id,
		 const char *name, const char *prefix, const struct stored_ops *ops);
/* The owner's half of it, which takes what the store has; NULL: no more. */
void stored_start(struct stored *stored, struct publish *publish);

/* There is something to emit; the stream has room again. */
void stored_ready(struct stored *stored);
/* Nothing is left that could be emitted now: before this member says that it is silent. */
void stored_drain(struct stored *stored);

#endif
