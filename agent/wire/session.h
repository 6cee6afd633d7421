/* SPDX-License-Identifier: GPL-2.0 */
/* Sessions with the peers: datagrams in, believable frames out.
 *
 * A datagram with the right tag proves that a member sent it, not when: it may
 * be a recording.  A session is the proof of now: a heartbeat that echoes this
 * daemon's boot id together with a datagram counter that was used after the
 * previous session with this peer began.  Until then nothing but the peer's
 * existence is believed.
 *
 * A boot id is the number of the daemon's start, which only grows, and 32 random
 * bits.  Of all boot ids that are heard of a peer the newest start is the one
 * that is there, and everything older may be a recording: so whatever somebody
 * has recorded, the living one is known and answered.
 */
#ifndef GWSYNC_AGENT_SESSION_H
#define GWSYNC_AGENT_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/frame.h"
#include "wire/replay.h"
#include "wire/seal.h"

/* Boot ids heard of a peer that is not in session: the newest start, then others. */
#define SESSION_CANDIDATES	4

/* An old member is taken to be there for so long after it was heard. */
#define SESSION_OLD_NS		(10 * 1000000000ULL)

enum session_drop {
	SESSION_DROP_SHORT,
	SESSION_DROP_MAGIC,
	SESSION_DROP_VERSION,
	SESSION_DROP_HEAD,
	SESSION_DROP_GROUP,	/* of another group: no fault */
	SESSION_DROP_MEMBER,	/* a member that the configuration does not name */
	SESSION_DROP_OWN,	/* came back to its sender */
	SESSION_DROP_DUPLICATE,	/* another machine uses this member id */
	SESSION_DROP_FORMER,	/* a former life of this member: a recording */
	SESSION_DROP_MODE,	/* sealed here, not there, or the reverse */
	SESSION_DROP_KEY,
	SESSION_DROP_TAG,
	SESSION_DROP_REPLAY,
	SESSION_DROP_BODY,	/* authentic, yet malformed */
	SESSION_DROP_NO_SESSION,/* authentic, not proven to be of now */

	__SESSION_DROP_MAX
};

struct session_candidate {
	uint64_t		boot_id;
	uint64_t		counter;	/* highest heard; 0: free */
	uint8_t			version;	/* highest that it has spoken */
	uint64_t		heard_ns;
	struct seal_subkeys	subkeys;
};

struct session_peer {
	bool			live;
	uint8_t			version;	/* highest that the session has spoken */
	uint64_t		boot_id;	/* of the session */
	uint64_t		floor;		/* own counter when it began */
	uint64_t		heard_ns;	/* last accepted datagram of the session */
	uint64_t		old_ns;		/* last heartbeat of one that knows no more than the
						 * old version; 0: none
						 */
	uint64_t		sessions;	/* begun so far */
	struct replay		replay;
	struct seal_subkeys	subkeys;
	struct session_candidate candidate[SESSION_CANDIDATES];	/* [0]: the newest start */
	unsigned int		echo;		/* turn of the next echo */
};

struct session {
	struct seal		seal;
	uint8_t			group;
	uint8_t			self;
	uint64_t		members;	/* set of configured members */
	uint64_t		boot_id;
	uint32_t		twin_start;	/* newest other start of the own id */
	uint64_t		counter;	/* of the last datagram sealed */
	unsigned int		rotate;		/* first peer of the next heartbeat */
	struct seal_subkeys	subkeys;
	uint64_t		sent, accepted;
	uint64_t		present;	/* SESSION_PRESENT: neither accepted nor dropped */
	uint64_t		dropped[__SESSION_DROP_MAX];
	struct session_peer	peer[GWSYNC_MEMBER_MAX + 1];
	uint8_t			body[FRAME_MAX];
};

enum session_verdict {
	SESSION_REFUSED,	/* dropped and counted: *drop tells why */
	SESSION_PRESENT,	/* a heartbeat of a peer that is not in session: it exists */
	SESSION_ACCEPTED,	/* of the session: believe it */
	SESSION_BEGUN,		/* the same, and a new session begins with this heartbeat */
};

/**
 * session_init() - start with a new boot id and no sessions
 * @session: tens of KiB: not for the stack
 * @group: 1..255
 * @self: this member
 * @start: of this daemon's start, above that of all its former ones, not 0: seconds
 *	of the wall clock, and the last one and 1 where the clock went back
 * @members: set of all configured members
 * @key: see seal_init()
 * @keys: see seal_init()
 *
 * Return: 0, -EINVAL or -EIO.
 */
int session_init(struct session *session, uint8_t group, uint8_t self, uint32_t start,
		 uint64_t members, const uint8_t (*key)[SEAL_KEY_BYTES], unsigned int keys);
void session_wipe(struct session *session);

/**
 * session_renew() - a new boot id, and all sessions forgotten
 * @session: keeps its keys and counts
 * @start: as for session_init()
 *
 * For a daemon that goes on in a machine whose memory is of another time, or
 * that is taken for a recording of itself.
 */
void session_renew(struct session *session, uint32_t start);
uint32_t session_start(const struct session *session);

/**
 * session_rekey() - change the keys of a running daemon (rollover)
 * @session: keeps its boot id, counters and sessions
 * @key: see seal_init()
 * @keys: as before 0 or not 0: auth none cannot be switched on or off
 *
 * Return: 0 or -EINVAL; nothing changes then.
 */
int session_rekey(struct session *session, const uint8_t (*key)[SEAL_KEY_BYTES],
		  unsigned int keys);

/**
 * session_send() - make the datagram of a frame
 * @session: counts one counter up
 * @frame: head.version (0: the present one), head.type and the body; the rest of the
 *	head is filled in
 * @buf: FRAME_MAX bytes
 *
 * Each call makes another datagram: to send a heartbeat on three links, call
 * three times, so that each is heard and none is a replay.
 *
 * Return: bytes to send, or 0 if the frame breaks a rule (a bug: log it).
 */
size_t session_send(struct session *session, struct frame *frame, uint8_t *buf);

/**
 * session_receive() - from a datagram to a frame
 * @session: its state of the sender advances
 * @now: ns, monotonic
 * @datagram: as received, from anybody
 * @len: bytes
 * @frame: filled unless refused; data.records is valid until the next call
 * @drop: why it was refused
 *
 * Checks in the order of their cost: head, group, member, mode and key; tag;
 * replay; body; session.  On SESSION_BEGUN the caller forgets what it knew of
 * the peer's streams and begins at heartbeat.last_seq.
 */
enum session_verdict session_receive(struct session *session, uint64_t now,
				     const uint8_t *datagram, size_t len,
				     struct frame *frame, enum session_drop *drop);

/**
 * session_echo() - fill in the peers of a heartbeat
 * @session: of more than FRAME_PEERS_MAX peers each heartbeat names others
 * @heartbeat: peers and peer[] are written: member, boot id, counter and
 *	FRAME_PEER_SESSION; the caller adds ack, FRAME_PEER_IN_SYNC and _SERVED
 *
 * Call once a heartbeat interval, not once a link.
 */
void session_echo(struct session *session, struct frame_heartbeat *heartbeat);

bool session_live(const struct session *session, uint8_t member);

/* What was just refused for this reason was to come, and does not count. */
void session_expected(struct session *session, enum session_drop drop);

/* Has the session spoken the present version? */
bool session_is_new(const struct session *session, uint8_t member);

/**
 * session_version() - what every member in session understands
 * @session: looks at the living sessions
 * @now: ns
 *
 * A session that was silent for SESSION_OLD_NS does not count.
 *
 * Return: FRAME_VERSION, or FRAME_VERSION_OLD.
 */
uint8_t session_version(const struct session *session, uint64_t now);

/* Is there, or asks for a session, a member that knows the old version alone? */
bool session_has_old(const struct session *session, uint64_t now);

/**
 * session_present() - is a member there whose session has not begun?
 * @session: looks at what was authentic
 * @now: ns
 * @within: ns
 *
 * Return: true if it was heard within that time; it may be a recording.
 */
bool session_present(const struct session *session, uint64_t now, uint64_t within);

/* True if @stream is this daemon's own: an ACK, NACK or request meant for it. */
bool session_is_own(const struct session *session, const struct frame_stream *stream);
struct frame_stream session_stream(const struct session *session, uint8_t member);

const char *session_drop_name(enum session_drop drop);

#endif
