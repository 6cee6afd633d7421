/* SPDX-License-Identifier: GPL-2.0 */
/* A table: state of an owner that its backups keep a copy of.
 *
 * publish.c and replicate.c do for each table what is the same for all: the changes,
 * full syncs, sweeps, digests, repairs.  What they need of one is here, and is given to
 * them by whoever knows it; flows are the first (flow/attach.c).  All return 0 or -errno.
 */
#ifndef GWSYNC_AGENT_TABLE_H
#define GWSYNC_AGENT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <linux/gwsync.h>

#include "base/loop.h"
#include "member/member.h"
#include "member/peer.h"
#include "wire/frame.h"

struct config;
struct loop;
struct stream;

struct table_ops {
	/* Of an owner: who is to be told of a bucket's changes. */
	int (*map)(void *of, const uint64_t map[GWSYNC_BUCKETS]);
	/* Send all of it to @set, which ends in an event; to nobody: end the walk that runs. */
	int (*walk)(void *of, uint64_t set, uint32_t walk_id);
	/* So many records a second of a walk, 0: as fast as it goes. */
	int (*pace)(void *of, uint32_t rate);
	/* Send these classes again; NULL: send all digests now. */
	int (*repair)(void *of, const uint64_t *classes);

	/* What is held of @owners is this member's own; what is own is @owner's. */
	int (*activate)(void *of, uint64_t owners, uint32_t epoch);
	int (*deactivate)(void *of, uint8_t owner, uint32_t epoch);
	/* May be NULL: the stream has room again; what waits is emitted now, before this
	 * member is silent.
	 */
	void (*resume)(void *of);
	void (*drain)(void *of);

	/* Of a backup, in the path of changes: no allocation, no waiting for an answer.
	 * Refusals are counted.
	 */
	int (*apply)(void *of, uint8_t owner, uint32_t epoch, const void *records, size_t len);
	uint64_t (*apply_errors)(void *of);
	/* A full sync begins and ends: what was not named between is swept. */
	int (*begin)(void *of, uint8_t owner, uint32_t epoch);
	int (*end)(void *of, uint8_t owner, uint32_t epoch);
	/* Changes were missed, so what a repair has begun is not whole. */
	int (*missed)(void *of);
	/* The classes that differ from the owner's. */
	int (*differ)(void *of, uint64_t classes[GWSYNC_BUCKETS]);
	int (*purge)(void *of, uint8_t owner);
	/* Records that could not be kept; @unread: those of a version that is not known. */
	uint64_t (*refused)(void *of, uint64_t *unread);
};

struct table {
	const struct table_ops	*ops;
	void			*of;	/* NULL: it is not there */
	enum frame_table	id;
	const char		*name;
	const char		*prefix;	/* of what is logged of it */
	const char		*refuser;	/* such a prefix: who did not take records */
	unsigned int		classes;	/* that its digests tell apart */
	/* What the status says of it alone, "own" and "replicas" at least; a new reference,
	 * or NULL: it is not known.
	 */
	json_t			*(*json)(const struct table *table);
};

/* What both halves of a table are given; outlives them. */
struct table_home {
	struct loop		*loop;
	const struct config	*config;
	const struct member	*member;	/* its role */
	struct peers		*peers;
	struct stream		*stream;
	const struct table	*table;
	/* Whether this backup is in sync was judged anew. */
	void			(*judged)(void *arg, uint64_t now_ns);
	void			*arg;
};

#define TABLE_AWAY_NS	(60 * NSEC_PER_SEC)

/* What is not about flows is a frame that a daemon of before cannot read, and the stream is
 * one for all members: does that keep this table out of it?  One that is silent may hear all
 * the same, and would lack the frame for as long as the ring has it.
 */
static inline bool table_may_send(const struct table_home *home, const struct peer *peer)
{
	return home->table->id == FRAME_TABLE_FLOWS || !peer->heartbeat.interval_ms ||
	       peer->heartbeat.tables ||
	       (!home->member->peer[peer->id].alive &&
		elapsed_ns(loop_clock(), peer->last_ns) > TABLE_AWAY_NS);
}

static inline bool table_is_there(const struct table *table)
{
	return table->of;
}

#endif
