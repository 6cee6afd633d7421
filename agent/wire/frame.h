/* SPDX-License-Identifier: GPL-2.0 */
/* Frames of the group protocol: the layout on the wire and nothing else.
 *
 * A datagram is a clear head (FRAME_HEAD_BYTES) and a body that seal.c seals.
 * Bodies are strict: every byte has a meaning, unknown flags and a length that
 * does not fit exactly are refused.  Documentation/protocol.rst describes them
 * byte by byte.  Nothing here keeps state, allocates or trusts its input.
 */
#ifndef GWSYNC_AGENT_FRAME_H
#define GWSYNC_AGENT_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/gwsync.h>

#define FRAME_PORT		8116

/* What is sent, and what is still read and, to a member that knows no other,
 * sent as well: so a group is upgraded one member after the other.
 */
#define FRAME_VERSION		2
#define FRAME_VERSION_OLD	1

#define FRAME_SALT_BYTES	6	/* of version 2, part of the nonce */
#define FRAME_HEAD_BYTES	30
#define FRAME_HEAD_BYTES_OLD	24
#define FRAME_TAG_BYTES		16	/* after the body, not with auth none */
#define FRAME_DATA_BYTES	31	/* of a DATA body before its records */
#define FRAME_IP_BYTES		28	/* IPv4 and UDP headers */

/* All that stands beside the records in the IP packet of a DATA frame. */
#define FRAME_OVERHEAD	(FRAME_IP_BYTES + FRAME_HEAD_BYTES + FRAME_DATA_BYTES + FRAME_TAG_BYTES)

/* Bytes of records, as GWSYNC_A_PARAM_BATCH_BYTES. */
#define FRAME_RECORDS_MIN	512
#define FRAME_RECORDS_MAX	8192
#define FRAME_BODY_MAX		(FRAME_DATA_BYTES + FRAME_RECORDS_MAX)
#define FRAME_MAX		(FRAME_HEAD_BYTES + FRAME_BODY_MAX + FRAME_TAG_BYTES)

/* With a smaller MTU a full DATA frame goes in fragments. */
#define FRAME_MTU_MIN		(FRAME_OVERHEAD + FRAME_RECORDS_MIN)

/* Sequence numbers and acks stay below it: the next one always exists. */
#define FRAME_SEQ_MAX		(UINT64_MAX >> 1)

#define FRAME_PEERS_MAX		32	/* entries of a heartbeat */
#define FRAME_RANGES_MAX	32	/* of a NACK */
#define FRAME_REPAIR_MAX	48	/* buckets of a REPAIR_REQUEST */

enum frame_type {
	FRAME_HEARTBEAT = 1,
	FRAME_DATA,
	FRAME_ACK,
	FRAME_NACK,
	FRAME_GONE,
	FRAME_SYNC_REQUEST,
	FRAME_PREPARE,
	FRAME_READY,
	FRAME_RESIGN,
	FRAME_REPAIR_REQUEST,

	__FRAME_TYPE_MAX
};

/* The clear head.  It is authenticated, but believe it after seal_open() only. */
struct frame_head {
	uint8_t		version;	/* FRAME_VERSION or FRAME_VERSION_OLD */
	enum frame_type	type;
	bool		sealed;
	uint8_t		group;
	uint8_t		sender;		/* member */
	uint8_t		key_id;		/* 0 when not sealed */
	uint64_t	boot_id;	/* of the sender's daemon start, see session.h */
	uint64_t	counter;	/* of the sender's datagrams, from 1 */
	uint8_t		salt[FRAME_SALT_BYTES];	/* 0 in the old version */
};

/* Bytes of the clear head; more than that the version does not say here. */
static inline size_t frame_head_bytes(const struct frame_head *head)
{
	return head->version == FRAME_VERSION_OLD ? FRAME_HEAD_BYTES_OLD : FRAME_HEAD_BYTES;
}

/* A stream is named by its sender and the boot id of the sender's daemon. */
struct frame_stream {
	uint8_t		member;
	uint64_t	boot_id;
};

/* RFC 5798, 6.4 */
enum frame_state {
	FRAME_STATE_INITIALIZE,
	FRAME_STATE_BACKUP,
	FRAME_STATE_OWNER,

	__FRAME_STATE_MAX
};

#define FRAME_HEARTBEAT_IN_SYNC		(1 << 0) /* holds all state of the owner */
#define FRAME_HEARTBEAT_KERNEL		(1 << 1) /* kernel half attached */
#define FRAME_HEARTBEAT_HEALTHY		(1 << 2)
#define FRAME_HEARTBEAT_SYNC_LINK	(1 << 3) /* a sync link is up */
#define FRAME_HEARTBEAT_STATELESS	(1 << 4) /* sync_state = false */
#define FRAME_HEARTBEAT_PREEMPT		(1 << 5) /* would be owner for its priority */
#define FRAME_HEARTBEAT_SOUND		(1 << 6) /* an owner that had the state of the one */
						 /* before; else: was not cut off as owner */
#define FRAME_HEARTBEAT_FLAGS		0x7f
#define FRAME_HEARTBEAT_FLAGS_OLD	0x3f

#define FRAME_PEER_SESSION		(1 << 0) /* the echoed boot id is in session */
#define FRAME_PEER_IN_SYNC		(1 << 1) /* holds all state of this peer */
#define FRAME_PEER_SERVED		(1 << 2) /* it is sent all changes; clear: it */
						 /* compares, in a full sync asks anew */
#define FRAME_PEER_FLAGS	0x07

/* What the sender of a heartbeat knows of one peer. */
struct frame_peer {
	uint8_t		member;
	uint8_t		flags;		/* FRAME_PEER_* */
	uint64_t	boot_id;	/* echo: as heard from it, authenticated */
	uint64_t	counter;	/* echo: highest datagram counter heard of it */
	uint64_t	ack;		/* its stream is here, in order, up to this */
	uint64_t	heard;		/* its links that are heard, by their number there */
};

#define FRAME_LINKS_MAX		64	/* that a heartbeat can tell apart */
#define FRAME_SCORE_MAX		1000

#define FRAME_CONFIG_PARTS	4	/* of the configuration that a heartbeat compares */

/* Kinds of state, as what is said of them names them.  A daemon that knows flows alone
 * refuses what is about another: it is sent nothing of these (frame_heartbeat.tables).
 */
enum frame_table {
	FRAME_TABLE_FLOWS,
	FRAME_TABLE_NEIGHBOURS,
	FRAME_TABLE_ROUTES,

	FRAME_TABLES_MAX = 8
};

/* All from @link on is not in the old version: the reader gets what a member
 * that does not say it may be taken for.
 */
struct frame_heartbeat {
	uint32_t		epoch;
	enum frame_state	state;
	uint8_t			priority;	/* effective; 0: steps down */
	uint8_t			owner;		/* believed, 0: none known */
	uint8_t			flags;		/* FRAME_HEARTBEAT_* */
	uint16_t		interval_ms;
	uint64_t		last_seq;	/* of the own stream; 0: none sent yet */
	uint64_t		oldest_seq;	/* oldest that can be sent again */
	unsigned int		peers;
	struct frame_peer	peer[FRAME_PEERS_MAX];

	uint8_t			link;		/* of the sender, by which this copy went out */
	uint16_t		score;		/* health, of FRAME_SCORE_MAX */
	uint8_t			unheard;	/* LANs of virtual routers without any member */
	uint8_t			claims;		/* how often it became owner, modulo 256 */
	uint16_t		mtu;		/* largest IP packet that it can take by all its
						 * sync links; 0: not said
						 */
	uint32_t		service_ms;	/* as owner, since it last heard another member,
						 * packets came by its virtual routers for so long
						 */
	uint32_t		config[FRAME_CONFIG_PARTS];	/* hashes; 0: not said */
	uint64_t		clock_ms;	/* of the sender, monotonic; 0: not said */
	uint8_t			tables;		/* that it knows, a bit each; 0: it is of a
						 * version that refuses all but flows
						 */
	/* Of each that it knows, the members that are sent its changes. */
	uint64_t		served[FRAME_TABLES_MAX];
};

enum frame_data_kind {
	FRAME_DATA_RECORDS = 1,
	FRAME_DATA_SYNC_BEGIN,		/* walk_id; no records */
	FRAME_DATA_SYNC_END,		/* walk_id, count; no records */

	__FRAME_DATA_KIND_MAX
};

struct frame_data {
	uint64_t		seq;		/* from 1; set by transmit.c */
	uint64_t		set;		/* members that it is for, not empty */
	uint32_t		epoch;
	uint32_t		walk_id;	/* 0: plain deltas */
	enum frame_data_kind	kind;
	enum frame_table	table;
	uint32_t		count;		/* SYNC_END: records of the walk */
	const void		*records;	/* points into the buffer decoded */
	size_t			len;		/* 1..FRAME_RECORDS_MAX with RECORDS */
};

struct frame_ack {
	struct frame_stream	stream;
	uint64_t		ack;		/* in order up to this */
};

struct frame_range {
	uint64_t	first;
	uint32_t	count;		/* not 0 */
};

/* Ranges ascend and do not touch; the first is past @ack. */
struct frame_nack {
	struct frame_stream	stream;
	uint64_t		ack;
	unsigned int		ranges;		/* not 0 */
	struct frame_range	range[FRAME_RANGES_MAX];
};

/* The sender cannot send frames before @next of its stream again. */
struct frame_gone {
	uint64_t	next;		/* not 0 */
};

struct frame_sync_request {
	struct frame_stream	stream;		/* the owner's */
	uint32_t		epoch;
	uint32_t		request;	/* the same in repetitions, not 0 */
	enum frame_table	table;
};

struct frame_repair {
	uint8_t		bucket;
	uint64_t	classes;	/* of the bucket, one bit each; not 0 */
};

/* Buckets ascend.  None: the receiver wants all digests, and to be served again
 * if it was given up meanwhile.
 */
struct frame_repair_request {
	struct frame_stream	stream;		/* the owner's */
	uint32_t		epoch;
	unsigned int		buckets;
	struct frame_repair	repair[FRAME_REPAIR_MAX];
	enum frame_table	table;
};

enum frame_switch_status {
	FRAME_SWITCH_OK,
	FRAME_SWITCH_NOT_IN_SYNC,
	FRAME_SWITCH_NOT_HEALTHY,
	FRAME_SWITCH_STALE,		/* epoch not newer than the known one */

	__FRAME_SWITCH_MAX
};

/* PREPARE, READY and RESIGN: a planned switchover (Documentation/protocol.rst)
 * PREPARE: the owner asks @stream's member to take over with @epoch once it
 *	has applied the owner's stream up to @seq.
 * READY: its answer to the owner that @stream names: applied up to @seq, or why not.
 * RESIGN: the owner is silent now; @stream's member activates @epoch after @seq.
 */
struct frame_switch {
	struct frame_stream		stream;	/* of the member spoken to */
	uint32_t			epoch;	/* the new one */
	uint64_t			seq;
	enum frame_switch_status	status;	/* READY; else OK */
};

struct frame {
	struct frame_head head;
	union {
		struct frame_heartbeat		heartbeat;
		struct frame_data		data;
		struct frame_ack		ack;
		struct frame_nack		nack;
		struct frame_gone		gone;
		struct frame_sync_request	sync_request;
		struct frame_repair_request	repair_request;
		struct frame_switch		switchover;	/* PREPARE, READY, RESIGN */
	};
};

/* May its body hold items of a later daemon, which are passed over? */
static inline bool frame_has_items(const struct frame *frame)
{
	return frame->head.type == FRAME_HEARTBEAT && frame->head.version != FRAME_VERSION_OLD;
}

enum frame_error {
	FRAME_OK,
	FRAME_ERROR_SHORT,	/* shorter than the head */
	FRAME_ERROR_MAGIC,
	FRAME_ERROR_VERSION,
	FRAME_ERROR_HEAD,	/* a field of the head out of range */
	FRAME_ERROR_BODY,	/* a field of the body out of range, or its length */
};

/**
 * frame_encode_head() - write the clear head
 * @head: what to write
 * @buf: frame_head_bytes() of it
 */
void frame_encode_head(const struct frame_head *head, uint8_t *buf);

/**
 * frame_decode_head() - read and check the clear head of a datagram
 * @buf: the datagram
 * @len: its length
 * @head: filled on FRAME_OK
 *
 * Return: FRAME_OK, or what is wrong with it.
 */
enum frame_error frame_decode_head(const uint8_t *buf, size_t len, struct frame_head *head);

/**
 * frame_encode_body() - write the body of a frame
 * @frame: head.version, head.type and its member of the union
 * @buf: where to
 * @size: of @buf
 *
 * Return: bytes written, or 0 if @frame breaks a rule that frame_decode_body()
 * enforces or does not fit.
 */
size_t frame_encode_body(const struct frame *frame, uint8_t *buf, size_t size);

/**
 * frame_decode_body() - read and check the body of a frame
 * @buf: the opened body
 * @len: its length
 * @frame: head.version and head.type tell what to read; the union is filled on
 *	FRAME_OK
 *
 * data.records points into @buf.
 *
 * Return: FRAME_OK or FRAME_ERROR_BODY.
 */
enum frame_error frame_decode_body(const uint8_t *buf, size_t len, struct frame *frame);

/* Would frame_encode_body() take this DATA body? */
bool frame_valid_data(const struct frame_data *data);

/* Records of flows in a DATA frame: not those that only compare. */
uint32_t frame_count_records(const struct frame_data *data);

/**
 * frame_records_max() - most bytes of records in a DATA frame
 * @mtu: of the link, bytes of an IP packet
 *
 * Return: what fits one, FRAME_RECORDS_MIN at the least and FRAME_RECORDS_MAX at
 * the most.
 */
size_t frame_records_max(unsigned int mtu);

const char *frame_type_name(enum frame_type type);
const char *frame_state_name(enum frame_state state);

#endif
