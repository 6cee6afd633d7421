/* SPDX-License-Identifier: GPL-2.0 */
/* The tables of this member, in the order of the gate: what is done for each of them.
 *
 * Flows are always the first.  In sync is who has them; the others may only keep a member
 * waiting for a while, when it has an owner to follow anew.
 */
#ifndef GWSYNC_AGENT_TABLES_H
#define GWSYNC_AGENT_TABLES_H

#include "table/publish.h"
#include "table/replicate.h"
#include "table/table.h"

struct table_halves {
	struct table_home	home;
	struct publish		publish;
	struct replicate	replicate;
};

struct tables {
	struct loop		*loop;
	const struct config	*config;
	struct member		*member;	/* is told whether it is in sync */
	struct peers		*peers;
	struct stream		*stream;

	unsigned int		count;
	struct table_halves	halves[FRAME_TABLES_MAX];
	struct table_halves	*by_id[FRAME_TABLES_MAX];

	bool			was_in_sync;
	uint64_t		in_sync_ns;	/* since when it is as it is */
	uint64_t		flows_ns;	/* when flows first were, of this owner */
	bool			waited;		/* long enough for the others, or they were too */
	uint64_t		skipped;	/* frames of tables that are not known here */
	uint64_t		unknowing;	/* members that know flows alone, at last */
	/* What was in the stream when that was seen of them: some of it they cannot read. */
	uint64_t		unread[GWSYNC_MEMBER_MAX + 1];
};

/**
 * tables_add() - one more table, behind those that are there
 * @tables: what it has in common is filled in
 * @table: outlives it
 *
 * Return: its halves.
 */
struct table_halves *tables_add(struct tables *tables, const struct table *table);
void tables_exit(struct tables *tables);

/* Tables that are known here, a bit each, for a heartbeat; and the members that get the
 * changes of each.
 */
uint8_t tables_known(const struct tables *tables);
void tables_served(const struct tables *tables, uint64_t served[FRAME_TABLES_MAX]);

/* Changes of role: see publish.h and replicate.h.  Acquire is the gate: when it returns
 * all that the tables held is this member's own, and live.
 */
void tables_acquire(struct tables *tables, uint64_t owners, uint32_t epoch);
void tables_release(struct tables *tables, uint8_t owner, uint32_t epoch);
void tables_follow(struct tables *tables, uint8_t owner, uint32_t epoch);
/* Handing over: no full sync any more, or again; what is own is @owner's.
 * Return: false if the table of flows did not take it.
 */
void tables_close(struct tables *tables, bool closed);
bool tables_yield(struct tables *tables, uint8_t owner, uint32_t epoch);

/* The stream has room again.  What waits is sent, before this member is silent. */
void tables_resume(struct tables *tables);
void tables_drain(struct tables *tables);

/* Of a peer: a new session with it; it is dead; it is in sync. */
void tables_session(struct tables *tables, const struct peer *peer);
void tables_dead(struct tables *tables, const struct peer *peer);
void tables_in_sync(struct tables *tables, const struct peer *peer);

/* What it asks for.  Return: true if it is served by that, and it is not: to be said
 * soon.
 */
void tables_requested(struct tables *tables, const struct peer *peer,
		      const struct frame_sync_request *request);
bool tables_repair_requested(struct tables *tables, const struct peer *peer,
			     const struct frame_repair_request *request);

/* From the streams. */
void tables_deliver(struct tables *tables, const struct peer *peer,
		    const struct frame_data *data);
void tables_lost(struct tables *tables, const struct peer *peer, uint64_t first,
		 uint64_t next);

/* Some times a second, and for each heartbeat of the owner. */
void tables_check(struct tables *tables, uint64_t now_ns);
void tables_judge(struct tables *tables, uint64_t now_ns);

#endif
