/* SPDX-License-Identifier: GPL-2.0 */
/* A group as one member sees it: where sessions, membership, the streams, the
 * kernel half and the virtual routers meet.
 *
 * group.c	frames in, actions of the membership out, health
 * heartbeat.c	what a heartbeat says, and what is believed of one
 * stream.c	ordered streams over the links
 * attach.c	the kernel half comes and goes
 * sync.c	streams <-> kernel half: deltas and full sync
 * repair.c	digests, and what differs by them
 * switchover.c	planned change of the owner
 * status.c	all of it as JSON
 */
#ifndef GWSYNC_AGENT_GROUP_H
#define GWSYNC_AGENT_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "frame.h"
#include "kernel.h"
#include "link.h"
#include "loop.h"
#include "member.h"
#include "receive.h"
#include "session.h"
#include "transmit.h"
#include "vrouter.h"

#define GROUP_NO_LINK	UINT32_MAX

struct group;

struct group_peer {
	struct group	*group;
	uint8_t		id;
	uint64_t	bit;
	const char	*name;

	uint64_t	heard_ns[LINK_MAX_LINKS];	/* 0: never in this session */
	uint64_t	last_ns;	/* on whatever link */
	uint64_t	sync_ns;	/* on a sync link */
	struct frame_heartbeat heartbeat;	/* the last one; interval_ms 0: none */
	uint64_t	counter;	/* of that one's datagram */

	struct receive	*receive;	/* its stream */
	bool		holds_ours;	/* it says that it has all our state */
	bool		serves_us;	/* it says that we are given its changes */
	uint32_t	request;	/* its last sync request that was taken */
	uint64_t	kept_ns;	/* since when it is not served, but kept */
	uint64_t	in_sync_ns;	/* since when it is, or is not, in sync */

	uint64_t	back_ns;	/* had been given up and was served again, 0: never */
	uint64_t	behind_ns;	/* did not keep up, the last time */
	uint64_t	wait_ns;	/* from then on, for the sake of others */
	uint64_t	repair_ns;	/* its last repair by this owner, 0: none */
	uint32_t	repair_classes;
	const char	*repair_cause;
};

/* As a backup: how far the owner's state is here. */
enum sync_phase {
	SYNC_NONE,		/* no owner, or no kernel half */
	SYNC_REQUEST,		/* asking the owner for a full sync */
	SYNC_RECEIVE,		/* from SYNC_BEGIN on */
	SYNC_SWEEP,		/* all is here; the kernel removes what is gone */
	SYNC_VERIFY,		/* digests are compared, what differs is repaired */
	SYNC_DONE,
};

struct sync {
	struct kernel		*kernel;	/* NULL: not attached */
	struct config		*config;	/* copy with the host's addresses */
	uint64_t		boot_id;	/* of the kernel half */
	size_t			batch_most;	/* that a slot of the ring holds */
	size_t			batch_bytes;	/* that fits a packet now */
	struct loop_timer	attach_timer;
	struct loop_timer	filter_timer;	/* the host's addresses have changed */
	uint64_t		gone_ns;	/* the kernel half, the last time */
	bool			complained;	/* about the kernel half being absent */
	bool			owned;		/* at attach: the last agent ended as owner */

	/* backup */
	bool			complete;	/* all was here once; what is lost is repaired */
	bool			missed;		/* the last changes were not for us */
	bool			former;		/* flows of an earlier role may look own */
	bool			unread;		/* the owner's records, at the last full sync */
	bool			lost;		/* ends of flows: a full sync for all is due */
	uint64_t		lost_ns;	/* the last one for that */
	bool			was_in_sync;
	uint64_t		in_sync_ns;	/* since when it is as it is */
	enum sync_phase		phase;
	uint32_t		epoch;		/* of the owner whose state is taken */
	uint8_t			owner;
	uint64_t		since_ns;	/* of the phase */
	uint32_t		walk_id;	/* of the full sync that is received */
	uint32_t		request;
	struct loop_timer	request_timer;
	uint64_t		unserved_ns;	/* the owner does not send us its changes */
	uint64_t		foreign;	/* members whose replicas may be here */

	/* owner */
	bool			active;		/* the kernel half took the activation */
	bool			end_pending;	/* SYNC_END found no room */
	uint32_t		end_count;
	uint64_t		renew_ns;	/* not active: not again before */
	uint64_t		renew_wait_ns;
	uint64_t		served;		/* members that get our changes */
	uint64_t		mapped;		/* these and repair.kept, as the kernel has it */
	uint64_t		waiting;	/* for a walk to begin */
	uint64_t		walking;	/* for the one that runs */
	uint32_t		last_walk;
	struct loop_timer	walk_timer;

	uint64_t		deltas, records_bytes;	/* from the kernel */
	uint64_t		applied, applied_bytes;	/* to the kernel */
	uint64_t		stale;			/* frames of no owner or an old epoch */
	uint64_t		apply_failed;
	uint64_t		refused;		/* kernel_apply_errors() at last look */
	uint64_t		records_refused;	/* kernel_records_refused() at SYNC_BEGIN */
	uint64_t		records_unread;		/* those of another version, then */
	uint64_t		full_sent, full_received, restarts;
};

struct repair {
	/* backup */
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

	/* owner */
	uint64_t		kept;		/* members that may come back */
	uint64_t		served;		/* requests */
};

enum switchover_phase {
	SWITCHOVER_IDLE,
	SWITCHOVER_PREPARE,	/* asking the heir whether it is ready */
	SWITCHOVER_DRAIN,	/* addresses released; the last changes go out */
	SWITCHOVER_RESIGN,	/* telling the heir to go on */
};

struct switchover {
	enum switchover_phase	phase;
	uint8_t			to;
	bool			force;
	bool			leaving;	/* the daemon ends after it */
	uint32_t		epoch;		/* the new one */
	uint64_t		seq;		/* last frame of the old owner */
	uint64_t		deadline_ns;
	uint64_t		began_ns, released_ns;
	struct loop_timer	timer;
	char			result[96];

	/* as heir: a resignation that waits for frames */
	uint8_t			from;
	uint32_t		from_epoch;
	uint64_t		from_seq;
};

struct group {
	struct loop		*loop;
	const struct config	*config;
	struct session		session;
	struct member		member;
	struct links		*links;
	struct vrouters		*vrouters;
	struct transmit		*transmit;
	struct sync		sync;
	struct repair		repair;
	struct switchover	switchover;

	struct group_peer	peers[GWSYNC_MEMBER_MAX];	/* the others */
	unsigned int		npeers;
	struct group_peer	*by_id[GWSYNC_MEMBER_MAX + 1];

	uint32_t		data_link;	/* number or GROUP_NO_LINK */
	bool			healthy;
	bool			started;
	bool			acquire_failed;	/* of the virtual routers */
	bool			end_waits;	/* for a backup that will be in sync */

	struct loop_timer	heartbeat_timer;
	struct loop_timer	member_timer;
	struct loop_timer	stream_timer;
	struct loop_timer	end_timer;
	uint64_t		heartbeat_ns;	/* last one sent */
	uint64_t		complain_ns[__SESSION_DROP_MAX];
	uint64_t		overflow_ns;	/* last complaint that datagrams are lost */

	uint64_t		heartbeats_sent, heartbeats_heard;
	uint8_t			datagram[FRAME_MAX];
};

/**
 * group_alloc() - open links, virtual routers and the kernel half
 * @config: outlives the group
 * @err: -errno when NULL is returned; the reason was logged
 */
struct group *group_alloc(struct loop *loop, const struct config *config, int *err);
void group_free(struct group *group);

/* Begin to listen. */
void group_start(struct group *group);

/* End in order: an owner hands over first. Stops the loop when done. */
void group_end(struct group *group);

/* Reread keys after their files changed; 0 or -errno. */
int group_rekey(struct group *group, const struct config *config);

/* Seal @frame and send it on one link; 0 or -errno. */
int group_send(struct group *group, unsigned int link, struct frame *frame);
/* On every link that is up: what must arrive if anything can. */
void group_send_all(struct group *group, struct frame *frame);

/* Which link carries data now. */
void group_choose_link(struct group *group);
void group_check_health(struct group *group);
const char *group_name(const struct group *group, uint8_t member);

void heartbeat_send(struct group *group);
void heartbeat_take(struct group_peer *peer, uint64_t now_ns,
		    const struct frame_heartbeat *hb);

int stream_alloc(struct group *group);
void stream_free(struct group *group);
/* A session began: both streams start anew. */
void stream_begin(struct group_peer *peer, const struct frame_heartbeat *heartbeat);
void stream_data(struct group_peer *peer, uint64_t now_ns, const struct frame_data *data);
/* Send what is due, and arm the timer for the rest. */
void stream_pump(struct group *group);
/* The same, soon: after the descriptors of this round. */
void stream_kick(struct group *group);
uint64_t stream_lag(const struct group_peer *peer);	/* frames it has not acked */
uint64_t stream_lag_ns(const struct group_peer *peer);	/* age of the oldest of them */
uint64_t stream_lag_records(const struct group_peer *peer);	/* records in them */

/* 0, or -errno: only without memory; a missing kernel half is waited for. */
int sync_init(struct group *group);
void sync_exit(struct group *group);
/* Actions of the membership. */
void sync_acquire(struct group *group, uint64_t owners, uint32_t epoch);
void sync_release(struct group *group, uint8_t owner, uint32_t epoch);
void sync_follow(struct group *group, uint8_t owner, uint32_t epoch);
void sync_dead(struct group *group, struct group_peer *peer);
/* A new session with @peer: what was known of its streams is over. */
void sync_session(struct group_peer *peer);
/* Input from the streams. */
void sync_deliver(struct group_peer *peer, const struct frame_data *data);
void sync_lost(struct group_peer *peer, uint64_t first, uint64_t next);
void sync_requested(struct group_peer *peer, const struct frame_sync_request *request);
/* Is this backup in sync now?  Called for each heartbeat of the owner. */
void sync_judge(struct group *group, uint64_t now_ns);
/* Some times a second: members that stay behind are no longer served. */
void sync_check_behind(struct group *group, uint64_t now_ns);
/* An owner whose kernel half refused to be active. */
bool sync_passive(const struct group *group);
/* Some times a second: it is asked again. */
void sync_check_active(struct group *group, uint64_t now_ns);
void sync_link_changed(struct group *group);
/* Records that the kernel half refused since the last full sync began: "in
 * sync" is true but for them.
 */
uint64_t sync_records_refused(const struct group *group);
/* The owner hands over: no full sync begins or ends any more. */
void sync_stop_walk(struct group *group);
const char *sync_phase_name(const struct group *group);

void repair_init(struct group *group);
void repair_stop(struct group *group);
/* Backup: what is here is most of the owner's state; @cause: why not all, NULL:
 * it is all, as far as one can tell.
 */
void repair_verify(struct group *group, const char *cause);
/* Backup: no class differs, and that was seen not long ago. */
bool repair_is_proven(const struct group *group, uint64_t now_ns);
/* Some times a second: a round that is late is asked for. */
void repair_check_proof(struct group *group, uint64_t now_ns);
/* Events of the kernel half: a round was compared; what was repaired is swept. */
void repair_compared(struct group *group, const struct kernel_event *event);
void repair_swept(struct group *group);
/* Owner. */
void repair_requested(struct group_peer *peer, const struct frame_repair_request *request);
void repair_keep(struct group *group, uint64_t set);
void repair_forget(struct group *group, uint64_t set);
void repair_check_kept(struct group *group, uint64_t now_ns);

void switchover_init(struct group *group);
/* 0 or -errno with a text in *why: begin to hand over to @to, 0: the best. */
int switchover_begin(struct group *group, uint8_t to, bool force, const char **why);
void switchover_abort(struct group *group, const char *why);
void switchover_take(struct group_peer *peer, enum frame_type type,
		     const struct frame_switch *message);
/* As heir: frames came in; is the last one of the old owner among them? */
void switchover_progress(struct group *group);
/* The member @owner became owner. */
void switchover_owner_heard(struct group *group, uint8_t owner);
const char *switchover_phase_name(enum switchover_phase phase);

#endif
