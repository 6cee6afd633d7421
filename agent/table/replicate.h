/* SPDX-License-Identifier: GPL-2.0 */
/* The backup's half of a table: a full sync of the owner's, its changes from then on,
 * digests that say what differs, and the repair of that.
 *
 * The kernel halves compare; see kmod/digest.c.  A backup that has lost frames, or was
 * cut off for a while, has most of its owner's state: it does not begin anew but goes on
 * with the changes, compares, and has the rest repaired.
 */
#ifndef GWSYNC_AGENT_REPLICATE_H
#define GWSYNC_AGENT_REPLICATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "config/config.h"
#include "member/member.h"
#include "member/peer.h"
#include "stream/stream.h"
#include "table/table.h"
#include "wire/frame.h"

/* How far the owner's state is here. */
enum replicate_phase {
	REPLICATE_NONE,		/* no owner, or no table */
	REPLICATE_REQUEST,	/* asking the owner for a full sync */
	REPLICATE_RECEIVE,	/* from SYNC_BEGIN on */
	REPLICATE_SWEEP,	/* all is here; the table removes what is gone */
	REPLICATE_VERIFY,	/* digests are compared, what differs is repaired */
	REPLICATE_DONE,
};

struct repair {
	struct loop_timer	timer;		/* asks for digests, out of turn */
	uint64_t		ask_ns;		/* until it asks again */
	uint64_t		heard_ns;	/* last whole round, or when it was asked for */
	uint64_t		asked_ns;	/* for one that was late */
	uint64_t		proven_ns;	/* last one without a difference, 0: never */
	bool			unheard;	/* none came after the full sync */
	uint64_t		rounds;
	uint32_t		differing;	/* classes, at the last whole round */
	const char		*cause;		/* of what differs, NULL: unknown */
	uint64_t		again_ns;	/* no repair before */
	uint64_t		wait_ns;	/* from one to the next */
	uint64_t		repairs;
	uint64_t		last_ns;	/* the last one */
	uint32_t		last_classes;
	const char		*last_cause;
};

struct replicate {
	const struct table_home	*home;

	uint8_t			owner;		/* whose state is taken, 0: nobody's */
	uint32_t		epoch;		/* of it */
	enum replicate_phase	phase;
	uint64_t		since_ns;	/* of the phase */
	bool			complete;	/* all was here once; what is lost is repaired */
	bool			missed;		/* the last changes were not for us */
	bool			former;		/* state of an earlier role may look own */
	bool			unread;		/* the owner's records, at the last full sync */
	bool			in_sync;	/* as a backup, at the last look */
	uint64_t		in_sync_ns;	/* since when, with this owner, it is or is not */
	uint32_t		walk_id;	/* of the full sync that is received */
	uint32_t		request;
	struct loop_timer	request_timer;
	uint64_t		unserved_ns;	/* the owner does not send us its changes */
	uint64_t		foreign;	/* members whose replicas may be here */
	struct repair		repair;

	uint64_t		applied, applied_bytes;	/* to the table */
	uint64_t		stale;			/* frames of no owner or an old epoch */
	uint64_t		apply_failed;
	uint64_t		errors;			/* of the table, at the last look */
	uint64_t		refused;		/* records of it, at SYNC_BEGIN */
	uint64_t		records_unread;		/* those of another version, then */
	uint64_t		full_received, restarts;
};

/* @replicate: zeroed. */
void replicate_init(struct replicate *replicate, const struct table_home *home);
void replicate_exit(struct replicate *replicate);

/* This member is owner: there is nothing to take, and what was taken is its own; or the
 * table did not make it so.
 */
void replicate_acquire(struct replicate *replicate);
void replicate_activated(struct replicate *replicate, uint64_t owners);
/* It is owner no longer; @owner is, or nobody yet: 0. */
void replicate_release(struct replicate *replicate, uint8_t owner, uint32_t epoch);
/* What is own here is @owner's from now on.  Return: false if the table did not take it. */
bool replicate_yield(struct replicate *replicate, uint8_t owner, uint32_t epoch);
void replicate_follow(struct replicate *replicate, uint8_t owner, uint32_t epoch);

/* The table is there, as of a former life; a full sync is wanted; the table is gone. */
void replicate_attached(struct replicate *replicate);
void replicate_again(struct replicate *replicate);
void replicate_gone(struct replicate *replicate);
/* From it: what was not named is gone; a round of digests was compared. */
void replicate_swept(struct replicate *replicate, uint8_t owner, uint32_t count);
void replicate_compared(struct replicate *replicate, uint8_t owner, uint32_t differing);

/* A new session with @peer: what was known of its stream is over. */
void replicate_session(struct replicate *replicate, const struct peer *peer);
/* Input from the streams. */
void replicate_deliver(struct replicate *replicate, const struct peer *peer,
		       const struct frame_data *data);
void replicate_lost(struct replicate *replicate, const struct peer *peer, uint64_t first,
		    uint64_t next);

/* Is this backup in sync now?  Called for each heartbeat of the owner. */
void replicate_judge(struct replicate *replicate, uint64_t now_ns);
/* Some times a second: a round of digests that is late is asked for. */
void replicate_check(struct replicate *replicate, uint64_t now_ns);

/* Records that the table refused since the last full sync began: "in sync" is true but
 * for them.
 */
uint64_t replicate_refused(const struct replicate *replicate);
const char *replicate_phase_name(const struct replicate *replicate);

#endif
