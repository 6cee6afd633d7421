/* SPDX-License-Identifier: GPL-2.0 */
/* Membership and ownership: who is alive, who owns the virtual routers.
 *
 * A pure state machine after RFC 5798, section 6: it owns no clock, no socket
 * and no timer.  Every input carries the time; what must be done comes out
 * through struct member_actions.  Any number of members up to 63.
 *
 * The owner is one member that all others follow.  It stays until it dies,
 * leaves, hands over or meets an owner with a better claim:
 *	the higher epoch, then the higher priority, then the lower id.
 * A backup that follows an owner of a newer epoch speaks for that one: a link
 * between the two owners is dead.
 * Without an owner the best of the living takes over:
 *	healthy before not, in sync before not, the newer epoch among those,
 *	the higher priority, the lower id.
 * The next best waits its turn, so one that hangs cannot block the rest.  An
 * owner whose daemon was started again is in sync with itself: a backup in the
 * middle of a full sync lets it be owner again.
 */
#ifndef GWSYNC_AGENT_MEMBER_H
#define GWSYNC_AGENT_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/gwsync.h>

enum member_state { MEMBER_INITIALIZE, MEMBER_BACKUP, MEMBER_OWNER };

struct member_params {
	uint8_t		self;			/* 1..63 */
	uint8_t		priority;		/* 1..254 */
	bool		preempt;
	uint64_t	preempt_delay_ns;
	uint64_t	heartbeat_ns;
	uint32_t	dead_after;		/* heartbeats */
};

/* What a heartbeat says about its sender. */
struct member_report {
	enum member_state	state;
	uint32_t		epoch;
	uint8_t			priority;	/* in effect; 0: not healthy */
	uint8_t			owner;		/* whom it follows or resigned to; 0: none */
	bool			in_sync;	/* holds all of that owner's state; of one
						 * that listens: of its own
						 */
	bool			drained;	/* the receiver has applied all it sent */
};

struct member_actions {
	/* Become owner: replicas of @owners live, then addresses, then announce.
	 * Called again to assert an ownership that was contested: with a newer
	 * epoch, or with the same one and @owners 0 if others must only be told.
	 */
	void (*acquire)(void *arg, uint64_t owners, uint32_t epoch);
	/* Stop being owner; addresses first. @owner is the member to follow. */
	void (*release)(void *arg, uint8_t owner, uint32_t epoch);
	/* A backup follows @owner, never 0, from now on; it is not in sync. */
	void (*follow)(void *arg, uint8_t owner, uint32_t epoch);
	/* The owner should hand over to @to, which is in sync: it has the higher
	 * priority, or it is healthy and this member is not.
	 */
	void (*hand_over)(void *arg, uint8_t to);
	/* Send a heartbeat now: the report has changed. */
	void (*announce)(void *arg);
	/* A member came to life or died. */
	void (*alive)(void *arg, uint8_t id, bool alive);
	void *arg;
};

struct member_peer {
	bool			alive;
	uint64_t		heard_ns;	/* by whatever link */
	uint64_t		since_ns;	/* of being alive or dead */
	struct member_report	report;
};

struct member {
	struct member_params	params;
	struct member_actions	actions;

	enum member_state	state;
	uint64_t		since_ns;	/* of the state */
	uint32_t		epoch;		/* of the owner that is or was followed */
	uint32_t		max_epoch;	/* highest heard from anybody */
	uint8_t			owner;		/* self, a living member, or 0 */
	uint8_t			heir;		/* ownership is on its way to this member */
	bool			in_sync;
	bool			healthy;
	bool			isolated;	/* no link works: cannot judge others */
	bool			leaving;

	uint64_t		listen_ns;	/* INITIALIZE until then */
	uint64_t		vacant_ns;	/* no owner since; start of the election */
	uint64_t		better_ns;	/* a better member is in sync since */
	uint64_t		assert_ns;	/* not again before */
	uint64_t		tick_ns;
	uint64_t		deaf_ns;	/* when member_set_deaf() was last called */

	struct member_peer	peer[GWSYNC_MEMBER_MAX + 1];
};

/* The silence after which a member is dead; the slack is for jitter. */
static inline uint64_t member_dead_ns(const struct member_params *params)
{
	return params->heartbeat_ns * params->dead_after + params->heartbeat_ns / 4;
}

const char *member_state_name(enum member_state state);

/**
 * member_start() - begin to listen, in INITIALIZE
 * @epoch: the newest that is known to this host, 0: none
 */
void member_start(struct member *m, const struct member_params *params,
		  const struct member_actions *actions, uint64_t now_ns, uint32_t epoch);

/**
 * member_tick() - let time pass
 *
 * Notices by itself that it was not called for a long time (the process was
 * stopped): then nobody is dead because nobody was listened to.
 *
 * Return: when to be called again at the latest.
 */
uint64_t member_tick(struct member *m, uint64_t now_ns);

/* A heartbeat of @id, which is in session, came over some link. */
void member_heard(struct member *m, uint64_t now_ns, uint8_t id,
		  const struct member_report *report);

/**
 * member_owner_elsewhere() - does a living backup follow an owner that is not heard here?
 * @m: the member, itself a backup without an owner
 * @in_sync: only one that has all of that owner's state
 *
 * The owner is not dead then, a link is.
 */
bool member_owner_elsewhere(const struct member *m, bool in_sync);

/* @id was started again: what it was is over.  The heartbeat of the new session
 * comes next, by member_heard().
 */
void member_lost(struct member *m, uint64_t now_ns, uint8_t id);

void member_set_healthy(struct member *m, uint64_t now_ns, bool healthy);
void member_set_isolated(struct member *m, uint64_t now_ns, bool isolated);
/* In INITIALIZE: this host was owner when its last daemon ended, and has its flows. */
void member_set_in_sync(struct member *m, uint64_t now_ns, bool in_sync);

/* This host does not hear all that it is sent, on any link: who is silent may have
 * spoken.  Call for as long as that is so.
 */
void member_set_deaf(struct member *m, uint64_t now_ns);

/* The best backup to hand over to, 0: none.  @any: also one not in sync. */
uint8_t member_best_backup(const struct member *m, bool any);

/* The owner has released and given all it had: @heir is to take over.  0: to
 * nobody in particular, the others elect.
 */
void member_resign(struct member *m, uint64_t now_ns, uint8_t heir);

/* The owner must acquire anew, with a newer epoch: its kernel half was away. */
void member_renew(struct member *m, uint64_t now_ns);

/* The daemon ends: a last announcement tells the others not to wait. */
void member_leave(struct member *m, uint64_t now_ns);

void member_report(const struct member *m, struct member_report *report);

#endif
