/* SPDX-License-Identifier: GPL-2.0 */
/* The owner's half of a table: its changes, full syncs and repairs for the backups. */
#ifndef GWSYNC_AGENT_PUBLISH_H
#define GWSYNC_AGENT_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "config/config.h"
#include "member/member.h"
#include "member/peer.h"
#include "stream/stream.h"
#include "table/table.h"
#include "wire/frame.h"

/* Another member, as this owner serves it. */
struct publish_peer {
	uint32_t	request;	/* its last sync request that was taken */
	uint64_t	request_free_ns;	/* what else it may ask for, see allowed() */
	uint64_t	repair_free_ns;
	uint64_t	digests_free_ns;
	uint64_t	kept_ns;	/* since when it is not served, but kept */

	uint64_t	back_ns;	/* had been given up and was served again, 0: never */
	uint64_t	behind_ns;	/* did not keep up, the last time */
	uint64_t	wait_ns;	/* from then on, for the sake of others */
	uint32_t	pace;		/* of a full sync for it, connections a second; 0: usual */
	uint64_t	repair_ns;	/* its last repair by this owner, 0: none */
	uint32_t	repair_classes;
	const char	*repair_cause;
};

struct publish {
	const struct table_home	*home;
	struct publish_peer	peer[GWSYNC_MEMBER_MAX + 1];

	bool			active;		/* the table took the activation */
	uint64_t		renew_ns;	/* not active: not again before */
	uint64_t		renew_wait_ns;
	uint64_t		gone_ns;	/* the table, the last time */
	bool			closed;		/* handing over: no full sync, no repair */

	uint64_t		served;		/* members that get our changes */
	uint64_t		kept;		/* members that may come back */
	uint64_t		mapped;		/* both, as the table has it */
	uint64_t		waiting;	/* for a walk to begin */
	uint64_t		walking;	/* for the one that runs */
	uint32_t		last_walk;
	uint32_t		pace;		/* of walks */
	struct loop_timer	walk_timer;
	bool			end_pending;	/* SYNC_END found no room */
	uint32_t		end_count;
	bool			lost;		/* ends of flows: a full sync for all is due */
	uint64_t		lost_ns;	/* the last one for that */

	uint64_t		deltas, records_bytes;	/* from the table */
	uint64_t		full_sent, restarts;
	uint64_t		repairs;
	uint64_t		limited;		/* requests over a member's due */
};

/* @publish: zeroed. */
void publish_init(struct publish *publish, const struct table_home *home);
void publish_exit(struct publish *publish);

/**
 * publish_acquire() - this member becomes owner, or is it anew
 * @publish: nobody is served until it asks
 * @owners: whose state is its own from now on
 * @epoch: its own
 *
 * Return: false if the table did not take it: publish_renews() says when to try again.
 */
bool publish_acquire(struct publish *publish, uint64_t owners, uint32_t epoch);
void publish_release(struct publish *publish);
/* The owner hands over: no full sync begins or ends any more; or it does not after all. */
void publish_close(struct publish *publish, bool closed);
/* An owner whose table refused to be active. */
bool publish_is_passive(const struct publish *publish);
/* Is it time that this one becomes owner anew? */
bool publish_renews(const struct publish *publish, uint64_t now_ns);

/* The table is there, as of a former life; or it is gone. */
void publish_attached(struct publish *publish);
void publish_gone(struct publish *publish);
/* From it: records for @set, false: no more now; a walk has ended; ends were lost. */
bool publish_delta(struct publish *publish, uint64_t set, uint32_t walk_id,
		   const void *records, size_t len);
void publish_walked(struct publish *publish, uint32_t walk_id, uint32_t count);
void publish_lost(struct publish *publish);

/* A new session with @peer: what it had asked for is over; it is dead; it is in sync. */
void publish_session(struct publish *publish, const struct peer *peer);
void publish_dead(struct publish *publish, const struct peer *peer);
void publish_in_sync(struct publish *publish, const struct peer *peer);
/* It asks for a full sync; for digests, or for classes that differ. */
void publish_requested(struct publish *publish, const struct peer *peer,
		       const struct frame_sync_request *request);
/* Return: true if it is served by that, and it is not: to be said soon. */
bool publish_repair_requested(struct publish *publish, const struct peer *peer,
			      const struct frame_repair_request *request);

/* Some times a second: members that stay @behind are no longer served. */
void publish_check(struct publish *publish, uint64_t now_ns, uint64_t behind);

#endif
