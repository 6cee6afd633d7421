/* SPDX-License-Identifier: GPL-2.0 */
/* Membership and ownership: who is alive, who owns the virtual routers.
 *
 * A pure state machine after RFC 5798, section 6: it owns no clock, no socket
 * and no timer.  Every input carries the time; what must be done comes out
 * through struct member_actions.  Any number of members up to 63.
 *
 * The owner is one member that all others follow.  It stays until it dies,
 * leaves, hands over, loses all its links or meets an owner with a better claim.
 * Of two that hear each other the better one is
 *	that which more members follow, then the one that has served packets
 *	while they did not hear each other, then the one that had the state of the
 *	owner before it, then the higher epoch, the higher priority, the lower id.
 * To one that does not hear this member nothing can be said: it stays if its epoch is
 * newer, or if it serves.
 * A backup that follows an owner of a newer epoch speaks for that one: a link
 * between the two owners is dead.
 * Without an owner the best of the living takes over:
 *	one that can serve at all, in sync before not, the newer epoch among those,
 *	the better health, the higher priority, the lower id.
 * The next best waits its turn, so one that hangs cannot block the rest.  An
 * owner whose daemon was started again is in sync with itself: a backup in the
 * middle of a full sync lets it be owner again.
 * Who hears nobody waits before it takes itself for alone: while its links have
 * just come up, while members are there whose sessions have not begun, and while
 * datagrams come that it cannot read.
 */
#ifndef GWSYNC_AGENT_MEMBER_H
#define GWSYNC_AGENT_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/gwsync.h>

enum member_state { MEMBER_INITIALIZE, MEMBER_BACKUP, MEMBER_OWNER };

#define MEMBER_SCORE_MAX	1000

struct member_params {
	uint8_t		self;			/* 1..63 */
	uint8_t		priority;		/* 1..254 */
	bool		alone;			/* there is no other member */
	bool		preempt;		/* own for the priority */
	uint64_t	preempt_delay_ns;
	uint64_t	heartbeat_ns;
	uint32_t	dead_after;		/* heartbeats */
	/* No ownership of one that hears nobody for so long: */
	uint64_t	startup_delay_ns;	/* after the start */
	uint64_t	link_delay_ns;		/* after the first of its links came up */
	uint64_t	unsure_ns;		/* after the start, at the most, while
						 * datagrams of members cannot be read
						 */
};

/* What a heartbeat says about its sender. */
struct member_report {
	enum member_state	state;
	uint32_t		epoch;
	uint8_t			priority;	/* 0: steps down */
	uint16_t		score;		/* health, 0: cannot serve */
	uint8_t			unheard;	/* LANs on which it hears no member */
	uint8_t			owner;		/* whom it follows or resigned to; 0: none */
	bool			in_sync;	/* holds all of that owner's state; of one
						 * that listens: of its own
						 */
	bool			drained;	/* the receiver has applied all it sent */
	bool			preempts;	/* would be owner for its priority */

	/* Of one that knows the present version of the protocol: */
	bool			newer;
	bool			hears_us;	/* some link of the receiver reaches it */
	bool			sound;		/* an owner that had the state of the one before;
						 * a backup that was not cut off as owner
						 */
	uint8_t			claims;		/* how often it became owner, modulo 256 */
	uint32_t		service_ms;	/* as owner, since it last heard another */
};

struct member_actions {
	/* Become owner: replicas of @owners live, then addresses, then announce.
	 * Called again with a newer epoch for an ownership that was contested.
	 */
	void (*acquire)(void *arg, uint64_t owners, uint32_t epoch);
	/* Announce the addresses again: another member has done so meanwhile, or
	 * does so now, if @contested.
	 */
	void (*assert)(void *arg, bool contested);
	/* Stop being owner; addresses first.  @owner is the member to follow, 0:
	 * nobody yet, this member can serve no longer.
	 */
	void (*release)(void *arg, uint8_t owner, uint32_t epoch);
	/* A backup follows @owner, never 0, from now on; it is not in sync. */
	void (*follow)(void *arg, uint8_t owner, uint32_t epoch);
	/* The owner should hand over to @to, which is in sync: its health is better,
	 * or its priority.
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

/* Why a member without an owner does not become it. */
enum member_wait {
	MEMBER_WAIT_NONE,
	MEMBER_WAIT_LISTEN,	/* it has just begun to listen */
	MEMBER_WAIT_ISOLATED,	/* none of its links works */
	MEMBER_WAIT_PRESENT,	/* members are there whose sessions have not begun */
	MEMBER_WAIT_UNSURE,	/* datagrams of members cannot be read */
	MEMBER_WAIT_BLOCKED,	/* its own firewall keeps datagrams from it */
	MEMBER_WAIT_DELAY,	/* it hears nobody, and started or got its links just now */
	MEMBER_WAIT_ELSEWHERE,	/* another member hears an owner */
	MEMBER_WAIT_TURN,	/* another member comes first */
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
	bool			sound;		/* was in sync when it became owner */
	bool			cut_off;	/* was owner, and others may have been since */
	bool			isolated;	/* no link works: cannot judge others */
	bool			leaving;
	bool			stood_down;	/* somebody has given the group to another */
	bool			preempts;	/* as it says to others */
	bool			contested;	/* another owner was heard */
	uint16_t		score;		/* health */
	uint8_t			unheard;
	uint8_t			claims;
	uint32_t		service_ms;
	uint64_t		refused;	/* heartbeats with an epoch that cannot be */

	uint64_t		start_ns;
	uint64_t		listen_ns;	/* INITIALIZE until then */
	uint64_t		claim_ns;	/* nobody who hears no other owns before */
	uint64_t		present_ns;	/* a member without session was heard; 0: none */
	uint64_t		unsure_ns;	/* a datagram could not be read; 0: none */
	uint64_t		isolated_ns;
	uint64_t		blocked_ns;	/* since when its firewall keeps all back; 0: no */
	uint64_t		contest_ns;	/* since when another owner is heard */
	uint64_t		in_sync_ns;	/* since when it is */
	uint64_t		vacant_ns;	/* no owner since; start of the election */
	uint64_t		better_ns;	/* a better member is in sync since */
	uint64_t		assert_ns;	/* not again before */
	uint64_t		assert_wait_ns;	/* doubling */
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
 * @settled: the host has been up for long: its links have not just come up
 */
void member_start(struct member *m, const struct member_params *params,
		  const struct member_actions *actions, uint64_t now_ns, uint32_t epoch,
		  bool settled);

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

/* @score: 0..MEMBER_SCORE_MAX; @unheard: LANs on which no member is heard. */
void member_set_health(struct member *m, uint64_t now_ns, uint16_t score, uint8_t unheard);

/* No link works; or one does again. */
void member_set_isolated(struct member *m, uint64_t now_ns, bool isolated);

/* This member was away, for longer than it knows: whoever is silent may have spoken, and
 * another member may own.  So it does not.
 */
void member_lapse(struct member *m, uint64_t now_ns);

/* As owner: for so long packets have come, since another member was heard. */
void member_set_service(struct member *m, uint32_t service_ms);

/* Heard, and authentic, but not proven to be of now: a member that just starts, or a
 * recording of one.
 */
void member_set_present(struct member *m, uint64_t now_ns);

/* Something of this group, from one of its members as it seems, that cannot be read:
 * another key, or another version.
 */
void member_set_unsure(struct member *m, uint64_t now_ns);

/* The firewall of this host lets nothing in, or does again: who is silent may speak. */
void member_set_blocked(struct member *m, uint64_t now_ns, bool blocked);

/* Somebody has asked this owner to hand over: its priority is no reason to take it
 * back, until it starts again.
 */
void member_stand_down(struct member *m);

/**
 * member_waits() - why this member, without an owner, does not become it
 *
 * Return: MEMBER_WAIT_NONE if it will, at the next member_tick(), or has an owner.
 */
enum member_wait member_waits(const struct member *m, uint64_t now_ns);

/* In INITIALIZE: this host was owner when its last daemon ended, and has its flows. */
void member_set_in_sync(struct member *m, uint64_t now_ns, bool in_sync);

/* This host does not hear all that it is sent, on any link: who is silent may have
 * spoken.  Call for as long as that is so.
 */
void member_set_deaf(struct member *m, uint64_t now_ns);

/* Is @id a living backup that has all of the owner's state?  As owner: of this one's, of
 * this epoch.
 */
bool member_holds_state(const struct member *m, uint8_t id);

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
