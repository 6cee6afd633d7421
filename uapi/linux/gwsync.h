/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * gwsync: the contract of kernel and daemon.
 *
 * Part one is the generic netlink family "gwsync"; part two is the layout of
 * a record, which is the same in the kernel, on the wire and in the kernel of
 * the other member.  Documentation/netlink/specs/gwsync.yaml describes part
 * one for machines, Documentation/records.rst part two for people.
 */
#ifndef _UAPI_LINUX_GWSYNC_H
#define _UAPI_LINUX_GWSYNC_H

#include <linux/types.h>

#define GWSYNC_GENL_NAME	"gwsync"
#define GWSYNC_GENL_VERSION	1

/* A member's id is 1..63, so a set of members is the bitmap of a __u64. */
#define GWSYNC_MEMBER_MAX	63
#define GWSYNC_GROUP_MAX	255
#define GWSYNC_PORTS_MAX	16

/* Buckets of the backup map: a hash of the original tuple and its zone. */
#define GWSYNC_BUCKETS		256

/* Classes of the digests: a bucket has as many as a __u64 has bits. */
#define GWSYNC_BUCKET_CLASSES	64
#define GWSYNC_CLASSES		(GWSYNC_BUCKETS * GWSYNC_BUCKET_CLASSES)

/* Most protocols, prefixes, ports, zones and marks that one filter may name. */
#define GWSYNC_FILTER_MAX	256

/* Most interfaces of a lease. */
#define GWSYNC_LEASE_MAX	256

/**
 * enum gwsync_cmd - commands and notifications of the family
 *
 * All commands but GET_STATS need CAP_NET_ADMIN in the user namespace that
 * owns the network namespace.  One socket a netns is attached at a time; its
 * close detaches it, and leaves replicas and parameters as they are.
 *
 * @GWSYNC_CMD_ATTACH: the sender becomes this netns' agent and gets DELTA and
 *	EVENT messages (unicast to its port).  Needs MEMBER and EPOCH; starts
 *	passive.  Answered by one ATTACH message: BOOT_ID.  -EBUSY if another
 *	socket is attached.  A full socket loses nothing, the kernel tries
 *	again: set NETLINK_NO_ENOBUFS and ignore -ENOBUFS.
 * @GWSYNC_CMD_DETACH: the reverse.  Capture stops, the notifier slot and
 *	nf_conntrack_events are put back as found; replicas stay.
 * @GWSYNC_CMD_SET: set parameters of this netns (PARAM_*, FILTER).
 * @GWSYNC_CMD_GET: answered by parameters and state of this netns; SET is the
 *	members whose replicas are own flows but not yet put right.
 * @GWSYNC_CMD_SET_MAP: MAP holds GWSYNC_BUCKETS sets (__u64 each, host order).
 * @GWSYNC_CMD_DELTA: (notification) RECORDS for the members of SET; with
 *	WALK_ID when the records belong to a walk.
 * @GWSYNC_CMD_EVENT: (notification) something that the agent must act on: EVENT.
 * @GWSYNC_CMD_APPLY: install RECORDS on behalf of OWNER at EPOCH.  -ESTALE
 *	when EPOCH is older than the netns' epoch, -EBUSY when it is newer and
 *	this member is active.  Records that are malformed, unsupported or
 *	cannot be installed are counted one by one and do not stop the rest.
 * @GWSYNC_CMD_SYNC_BEGIN: a full sync of OWNER's flows begins: replicas that
 *	no record names before SYNC_END are removed then.
 * @GWSYNC_CMD_SYNC_END: see there.  The sweep runs in the background and ends
 *	with GWSYNC_EVENT_SWEEP_DONE.
 * @GWSYNC_CMD_WALK: emit every own flow to those members of SET that the map
 *	names for it, as DELTA messages with WALK_ID, then
 *	GWSYNC_EVENT_WALK_DONE.  One at a time (-EBUSY); WALK with WALK_ID 0
 *	cancels the one that runs.
 * @GWSYNC_CMD_ACTIVATE: replicas of the members of SET become own flows, from
 *	one moment to the next whatever their number; EPOCH must be newer than
 *	the netns' epoch (-ESTALE).  The table is put right in the background,
 *	then GWSYNC_EVENT_ACTIVATE_DONE.
 * @GWSYNC_CMD_DEACTIVATE: own flows become replicas of OWNER at EPOCH.
 * @GWSYNC_CMD_PURGE: remove all replicas of OWNER.
 * @GWSYNC_CMD_GET_FLOW: (dump) RECORDS with FLOW_STATE of this netns' table.
 *	CURSOR resumes a dump that was broken off.
 * @GWSYNC_CMD_GET_STATS: counters of this netns: STATS.
 * @GWSYNC_CMD_REPAIR: (owner) send the flows of CLASSES again, between records
 *	of kind REPAIR_BEGIN and REPAIR_END; without CLASSES send all digests
 *	at once.  (backup) without CLASSES: records were lost, so that the next
 *	REPAIR_END of what was begun before says nothing.
 * @GWSYNC_CMD_GET_DIGEST: (backup) answered by CLASSES that differ from the
 *	owner's, and their COUNT.
 * @GWSYNC_CMD_LEASE: (attached) hold the interfaces of IFINDEX on a lease that ends
 *	in TERM_MS; without IFINDEX renew that which is held (-ESTALE: it has
 *	lapsed; -ENOENT: there is none); TERM_MS 0 gives it back.  When it lapses
 *	nothing passes these interfaces any more, in or out, they are set down,
 *	this member is passive, and GWSYNC_EVENT_LAPSED says so: with or without an
 *	agent.  It ends as well when the machine goes to sleep or was copied.
 *	GWSYNC_CMD_DEACTIVATE ends it: nothing passes from then on, nobody sets the
 *	interfaces down, and to renew it is -ESTALE.
 * @GWSYNC_CMD_SOURCE: (active) count own flows whose translated source is SOURCE; with
 *	END end them.  GWSYNC_EVENT_SOURCE_DONE tells how many.  One at a time (-EBUSY).
 */
enum gwsync_cmd {
	GWSYNC_CMD_UNSPEC,
	GWSYNC_CMD_ATTACH,
	GWSYNC_CMD_DETACH,
	GWSYNC_CMD_SET,
	GWSYNC_CMD_GET,
	GWSYNC_CMD_SET_MAP,
	GWSYNC_CMD_DELTA,
	GWSYNC_CMD_EVENT,
	GWSYNC_CMD_APPLY,
	GWSYNC_CMD_SYNC_BEGIN,
	GWSYNC_CMD_SYNC_END,
	GWSYNC_CMD_WALK,
	GWSYNC_CMD_ACTIVATE,
	GWSYNC_CMD_DEACTIVATE,
	GWSYNC_CMD_PURGE,
	GWSYNC_CMD_GET_FLOW,
	GWSYNC_CMD_GET_STATS,
	GWSYNC_CMD_REPAIR,
	GWSYNC_CMD_GET_DIGEST,
	GWSYNC_CMD_LEASE,
	GWSYNC_CMD_SOURCE,

	__GWSYNC_CMD_MAX
};

#define GWSYNC_CMD_MAX (__GWSYNC_CMD_MAX - 1)

/**
 * enum gwsync_attr - top level attributes (host byte order unless said)
 * @GWSYNC_A_UNSPEC: never used
 * @GWSYNC_A_PAD: padding of 64 bit attributes
 * @GWSYNC_A_MEMBER: (u8) 1..63, this member's id
 * @GWSYNC_A_OWNER: (u8) 1..63, the owner of the records or replicas
 * @GWSYNC_A_EPOCH: (u32) see &enum gwsync_cmd
 * @GWSYNC_A_SET: (u64) bitmap of members, bit n is member n
 * @GWSYNC_A_RECORDS: (binary) packed records, one after the other
 * @GWSYNC_A_WALK_ID: (u32) chosen by the agent, not 0
 * @GWSYNC_A_EVENT: (u32) &enum gwsync_event
 * @GWSYNC_A_MAP: (binary) GWSYNC_BUCKETS * __u64
 * @GWSYNC_A_ACTIVE: (u8) 1 while own flows are this member's
 * @GWSYNC_A_BOOT_ID: (u64) random, one for each netns, made when the module
 *	or the netns came: tells an agent whether the replicas it knew are
 *	still there
 * @GWSYNC_A_COUNT: (u32) of flows walked, swept, adopted or that have a source, of
 *	classes that differ
 * @GWSYNC_A_CURSOR: (u64) opaque position of a dump
 * @GWSYNC_A_FLOW_STATE: (nest) &enum gwsync_flow_attr
 * @GWSYNC_A_STATS: (nest) &enum gwsync_stat_attr, all u64
 * @GWSYNC_A_FILTER: (nest) &enum gwsync_filter_attr; replaces the filter whole
 * @GWSYNC_A_PARAM_FLUSH_MS: (u32) 0..1000, how long changes are collected
 * @GWSYNC_A_PARAM_HOLD_MS: (u32) 0..60000, do not sync a younger flow
 * @GWSYNC_A_PARAM_BATCH_BYTES: (u32) 512..8192, most bytes of records in a
 *	DELTA message: what fits one datagram
 * @GWSYNC_A_PARAM_TOMBSTONES: (u32) most destroyed flows remembered
 * @GWSYNC_A_PARAM_WALK_RATE: (u32) flows a second that a walk emits, 0: all
 * @GWSYNC_A_REPLICAS: (u64) replicas now in the table
 * @GWSYNC_A_FLOWS: (u64) own flows announced to somebody
 * @GWSYNC_A_CLASSES: (binary) GWSYNC_BUCKETS * __u64, host order: bit n of word
 *	m is class m * GWSYNC_BUCKET_CLASSES + n
 * @GWSYNC_A_PARAM_DIGEST_MS: (u32) in which all digests are sent once, 0: only
 *	when they are asked for
 * @GWSYNC_A_WAITING: (u32) changed and ended flows that wait to be emitted, at
 *	most: with TCP that began or ended in the last 0.2 s, told or not; not
 *	those that found no room in a ring, which a walk looks for
 * @GWSYNC_A_MUTE: (u32) own flows whose end raises no event, as of the last look
 *	(every ten seconds): they have no digest
 * @GWSYNC_A_IFINDEX: (binary) array of __u32, host order: macvlans of this netns
 * @GWSYNC_A_TERM_MS: (u32) 0..3600000
 * @GWSYNC_A_LEASE: (u8) &enum gwsync_lease
 * @GWSYNC_A_PORTS: (binary) up to GWSYNC_PORTS_MAX * __be16, UDP ports of the
 *	group: their multicast datagrams need no room in a table that is full
 * @GWSYNC_A_PARAM_AUDIT_MS: (u32) in which all own flows are looked at for what
 *	raises no event, 0: never
 * @GWSYNC_A_PARAM_LABELS: (u32) &enum gwsync_labels
 * @GWSYNC_A_PARAM_MARK_MASK: (u32) bits of a record's mark that a replica takes over;
 *	the others stay as they are here
 * @GWSYNC_A_SOURCE: (binary) an address of IPv4 or IPv6: 4 or 16 bytes, network order
 * @GWSYNC_A_END: (flag) end the flows
 */
enum gwsync_attr {
	GWSYNC_A_UNSPEC,
	GWSYNC_A_PAD,
	GWSYNC_A_MEMBER,
	GWSYNC_A_OWNER,
	GWSYNC_A_EPOCH,
	GWSYNC_A_SET,
	GWSYNC_A_RECORDS,
	GWSYNC_A_WALK_ID,
	GWSYNC_A_EVENT,
	GWSYNC_A_MAP,
	GWSYNC_A_ACTIVE,
	GWSYNC_A_BOOT_ID,
	GWSYNC_A_COUNT,
	GWSYNC_A_CURSOR,
	GWSYNC_A_FLOW_STATE,
	GWSYNC_A_STATS,
	GWSYNC_A_FILTER,
	GWSYNC_A_PARAM_FLUSH_MS,
	GWSYNC_A_PARAM_HOLD_MS,
	GWSYNC_A_PARAM_BATCH_BYTES,
	GWSYNC_A_PARAM_TOMBSTONES,
	GWSYNC_A_PARAM_WALK_RATE,
	GWSYNC_A_REPLICAS,
	GWSYNC_A_FLOWS,
	GWSYNC_A_CLASSES,
	GWSYNC_A_PARAM_DIGEST_MS,
	GWSYNC_A_WAITING,
	GWSYNC_A_MUTE,
	GWSYNC_A_IFINDEX,
	GWSYNC_A_TERM_MS,
	GWSYNC_A_LEASE,
	GWSYNC_A_PORTS,
	GWSYNC_A_PARAM_AUDIT_MS,
	GWSYNC_A_PARAM_LABELS,
	GWSYNC_A_PARAM_MARK_MASK,
	GWSYNC_A_SOURCE,
	GWSYNC_A_END,

	__GWSYNC_A_MAX
};

#define GWSYNC_A_MAX (__GWSYNC_A_MAX - 1)

/**
 * enum gwsync_labels - does a replica take over the labels of its record?
 * @GWSYNC_LABELS_AUTO: if rules of this netns use labels, or have since the module
 *	was loaded
 * @GWSYNC_LABELS_ON: yes
 * @GWSYNC_LABELS_OFF: no
 */
enum gwsync_labels {
	GWSYNC_LABELS_AUTO,
	GWSYNC_LABELS_ON,
	GWSYNC_LABELS_OFF,
};

/**
 * enum gwsync_event - what GWSYNC_CMD_EVENT tells the agent
 * @GWSYNC_EVENT_UNSPEC: never sent
 * @GWSYNC_EVENT_WALK_DONE: the walk WALK_ID has emitted its last record (COUNT)
 * @GWSYNC_EVENT_SWEEP_DONE: the sweep after SYNC_END is over (OWNER, COUNT)
 * @GWSYNC_EVENT_ACTIVATE_DONE: all adopted flows were put right (COUNT)
 * @GWSYNC_EVENT_LOST: ends of flows were lost: backups may hold flows that are
 *	gone, start a full sync
 * @GWSYNC_EVENT_DIGEST: a whole round of OWNER's digests was compared; COUNT
 *	classes differ
 * @GWSYNC_EVENT_LAPSED: the lease has lapsed: this member is no longer owner
 * @GWSYNC_EVENT_RESUMED: the machine slept, or is a copy, or a snapshot of it was
 *	loaded: all that the agent knows may be old
 * @GWSYNC_EVENT_SOURCE_DONE: the walk of GWSYNC_CMD_SOURCE is over; so many flows (COUNT)
 *	had the source, and were ended where that was asked for
 */
enum gwsync_event {
	GWSYNC_EVENT_UNSPEC,
	GWSYNC_EVENT_WALK_DONE,
	GWSYNC_EVENT_SWEEP_DONE,
	GWSYNC_EVENT_ACTIVATE_DONE,
	GWSYNC_EVENT_LOST,
	GWSYNC_EVENT_DIGEST,
	GWSYNC_EVENT_LAPSED,
	GWSYNC_EVENT_RESUMED,
	GWSYNC_EVENT_SOURCE_DONE,
};

/**
 * enum gwsync_lease - of the addresses that this member has as owner
 * @GWSYNC_LEASE_NONE: none is held
 * @GWSYNC_LEASE_HELD: the agent renews it
 * @GWSYNC_LEASE_LAPSED: it did not; its interfaces are silent until it holds a new
 *	one, gives this one back, or another agent attaches
 * @GWSYNC_LEASE_ENDED: the same, because this member hands over
 */
enum gwsync_lease {
	GWSYNC_LEASE_NONE,
	GWSYNC_LEASE_HELD,
	GWSYNC_LEASE_LAPSED,
	GWSYNC_LEASE_ENDED,
};

/**
 * enum gwsync_flow_attr - in GWSYNC_A_FLOW_STATE
 * @GWSYNC_FLOW_A_UNSPEC: never used
 * @GWSYNC_FLOW_A_OWNER: (u8) owner of the replica; absent on an own flow
 * @GWSYNC_FLOW_A_FLAGS: (u32) GWSYNC_FLOW_F_*
 * @GWSYNC_FLOW_A_MARK_MASK: (u32) of a replica: the bits of its mark that are its
 *	record's, if not all are
 */
enum gwsync_flow_attr {
	GWSYNC_FLOW_A_UNSPEC,
	GWSYNC_FLOW_A_OWNER,
	GWSYNC_FLOW_A_FLAGS,
	GWSYNC_FLOW_A_MARK_MASK,

	__GWSYNC_FLOW_A_MAX
};

#define GWSYNC_FLOW_A_MAX (__GWSYNC_FLOW_A_MAX - 1)

#define GWSYNC_FLOW_F_REPLICA	(1 << 0)	/* installed for another member */
#define GWSYNC_FLOW_F_ANNOUNCED	(1 << 1)	/* some member may hold a replica */
#define GWSYNC_FLOW_F_DIRTY	(1 << 2)	/* a change waits for emission */
#define GWSYNC_FLOW_F_PICKUP	(1 << 3)	/* TCP window not yet re-learned */
#define GWSYNC_FLOW_F_NO_LABELS	(1 << 4)	/* its labels are not its record's */

/**
 * enum gwsync_filter_attr - in GWSYNC_A_FILTER: flows to leave out
 * @GWSYNC_FILTER_A_UNSPEC: never used
 * @GWSYNC_FILTER_A_PROTOCOL: (u8, repeated) IP protocol
 * @GWSYNC_FILTER_A_ZONE: (u16, repeated) conntrack zone
 * @GWSYNC_FILTER_A_MARK: (binary, repeated) struct gwsync_filter_mark
 * @GWSYNC_FILTER_A_PREFIX: (binary, repeated) struct gwsync_filter_prefix; it
 *	is matched with the true ends of a flow: the source of the original
 *	and the source of the reply tuple
 * @GWSYNC_FILTER_A_PORT: (binary, repeated) struct gwsync_filter_port, a port
 *	of the original tuple's destination
 * @GWSYNC_FILTER_A_TCP_STATE: (u8, repeated) enum tcp_conntrack: TCP flows as long as
 *	they are in this state; one that comes to it is taken back
 */
enum gwsync_filter_attr {
	GWSYNC_FILTER_A_UNSPEC,
	GWSYNC_FILTER_A_PROTOCOL,
	GWSYNC_FILTER_A_ZONE,
	GWSYNC_FILTER_A_MARK,
	GWSYNC_FILTER_A_PREFIX,
	GWSYNC_FILTER_A_PORT,
	GWSYNC_FILTER_A_TCP_STATE,

	__GWSYNC_FILTER_A_MAX
};

#define GWSYNC_FILTER_A_MAX (__GWSYNC_FILTER_A_MAX - 1)

struct gwsync_filter_mark {
	__u32	value;
	__u32	mask;
};

struct gwsync_filter_prefix {
	__u8	family;		/* AF_INET, AF_INET6 */
	__u8	len;		/* 0..32, 0..128 */
	__u8	pad[2];		/* must be 0 */
	__be32	addr[4];	/* network order, unused words 0 */
};

struct gwsync_filter_port {
	__u8	protocol;
	__u8	pad;		/* must be 0 */
	__be16	port;
};

/**
 * enum gwsync_stat_attr - in GWSYNC_A_STATS, each a u64
 *
 * Names in the comments are those of `gwsync stats`.
 */
enum gwsync_stat_attr {
	GWSYNC_STAT_A_UNSPEC,
	GWSYNC_STAT_A_PAD,
	GWSYNC_STAT_A_EVENTS,		/* events: seen on own flows */
	GWSYNC_STAT_A_EVENTS_REPLICA,	/* events_replica: seen on replicas, not echoed */
	GWSYNC_STAT_A_FILTERED,		/* filtered: flows left out by the filter */
	GWSYNC_STAT_A_HELD,		/* held: flows gone before their hold time */
	GWSYNC_STAT_A_COALESCED,	/* coalesced: changes that joined a waiting one */
	GWSYNC_STAT_A_RING_OVERRUN,	/* ring_overrun: ring full, a walk follows */
	GWSYNC_STAT_A_WALKS,		/* walks: of the table, for any reason */
	GWSYNC_STAT_A_TOMBSTONES,	/* tombstones: made */
	GWSYNC_STAT_A_TOMBSTONES_LOST,	/* tombstones_lost: over the cap or no memory */
	GWSYNC_STAT_A_NOTIFIER_GAPS,	/* notifier_gaps: the slot not ours, or events off */
	GWSYNC_STAT_A_RECORDS_SENT,	/* records_sent */
	GWSYNC_STAT_A_BYTES_SENT,	/* bytes_sent: of records */
	GWSYNC_STAT_A_MESSAGES_SENT,	/* messages_sent: DELTA messages */
	GWSYNC_STAT_A_CONGESTED,	/* congested: agent's socket full, tried again */
	GWSYNC_STAT_A_ENOMEM,		/* enomem: an allocation failed, tried again */
	GWSYNC_STAT_A_RECORDS_APPLIED,	/* records_applied */
	GWSYNC_STAT_A_REPLICAS_CREATED,	/* replicas_created */
	GWSYNC_STAT_A_REPLICAS_UPDATED,	/* replicas_updated: in place */
	GWSYNC_STAT_A_REPLICAS_REPLACED,/* replicas_replaced: made anew, the record did not fit */
	GWSYNC_STAT_A_REPLICAS_REMOVED,	/* replicas_removed: by record, sweep or purge */
	GWSYNC_STAT_A_REPLICAS_LOST,	/* replicas_lost: gone behind our back */
	GWSYNC_STAT_A_REFUSED_STALE,	/* refused_stale: messages of an older epoch */
	GWSYNC_STAT_A_REFUSED_MALFORMED,/* refused_malformed: records */
	GWSYNC_STAT_A_REFUSED_VERSION,	/* refused_version: records of another version */
	GWSYNC_STAT_A_REFUSED_UNSUPPORTED,/* refused_unsupported: kind, family, part marked must */
	GWSYNC_STAT_A_REFUSED_CLASH,	/* refused_clash: an own flow or mapping is in the way */
	GWSYNC_STAT_A_REFUSED_FULL,	/* refused_full: nf_conntrack_max reached */
	GWSYNC_STAT_A_REFUSED_ENOMEM,	/* refused_enomem */
	GWSYNC_STAT_A_PARTS_SKIPPED,	/* parts_skipped: unknown optional parts */
	GWSYNC_STAT_A_HELPER_MISSING,	/* helper_missing: installed without its helper */
	GWSYNC_STAT_A_MASTER_MISSING,	/* master_missing: installed without its master */
	GWSYNC_STAT_A_EXPECT_REFUSED,	/* expect_refused: expectations not installed */
	GWSYNC_STAT_A_ACTIVATIONS,	/* activations */
	GWSYNC_STAT_A_ADOPTED,		/* adopted: replicas that became own flows */
	GWSYNC_STAT_A_PICKUP,		/* pickup: TCP directions re-learned */
	GWSYNC_STAT_A_PICKUP_REFUSED,	/* pickup_refused: segments outside the known bounds */
	GWSYNC_STAT_A_REFRESHED,	/* refreshed: flows sent again, moved on without an event */
	GWSYNC_STAT_A_CLASSES_COMPARED,	/* classes_compared: digests, with the owner's */
	GWSYNC_STAT_A_CLASSES_DIFFERED,	/* classes_differed: of them, found to differ */
	GWSYNC_STAT_A_REPAIRED,		/* repaired: flows sent again for a digest */
	GWSYNC_STAT_A_SPOILED,		/* spoiled: replicas that others changed, or no helper */
	GWSYNC_STAT_A_FOREIGN,		/* foreign: flows put into a backup's table */
	GWSYNC_STAT_A_LEASES_LAPSED,	/* leases_lapsed: the agent was late */
	GWSYNC_STAT_A_LEASE_DROPPED,	/* lease_dropped: packets, since it had lapsed */
	GWSYNC_STAT_A_UNTRACKED,	/* untracked: the group's datagrams, the table was full */
	GWSYNC_STAT_A_AUDITED,		/* audited: flows sent, changed or made without an event */
	GWSYNC_STAT_A_LABELS_LEFT,	/* labels_left: records whose labels were not taken over */
	GWSYNC_STAT_A_SOURCE_ENDED,	/* source_ended: flows of a source that nobody has */

	__GWSYNC_STAT_A_MAX
};

#define GWSYNC_STAT_A_MAX (__GWSYNC_STAT_A_MAX - 1)

/*
 * Part two: records.
 *
 * A record is a struct gwsync_record, the original tuple, then parts.  All
 * numbers are in network byte order, nothing is aligned, nothing is padded.
 *
 *   original tuple, IPv4: src (4), dst (4), l4src (2), l4dst (2)
 *                   IPv6: src (16), dst (16), l4src (2), l4dst (2)
 *
 * A new part, kind or hint needs no new version: who does not know it does what
 * is said there.  What changes the meaning of what there is does.  A reader takes
 * all versions from GWSYNC_RECORD_OLDEST to its own: in a rolling upgrade the
 * backups come first, each can follow an older owner.
 *
 * l4src/l4dst are ports; for ICMP and ICMPv6 the id and type << 8 | code; for
 * GRE the two keys; 0 for other protocols.
 */
#define GWSYNC_RECORD_VERSION	1
#define GWSYNC_RECORD_OLDEST	1	/* version that is still read */
#define GWSYNC_RECORD_MAX	1024	/* bytes of a record, all parts included */

enum gwsync_record_kind {
	GWSYNC_RECORD_UNSPEC,
	GWSYNC_RECORD_FLOW,		/* the whole state of a flow */
	GWSYNC_RECORD_FLOW_GONE,	/* tuple and zone of a destroyed one */
	GWSYNC_RECORD_DIGEST,		/* struct gwsync_record_digest */
	GWSYNC_RECORD_REPAIR_BEGIN,	/* struct gwsync_record_repair: its flows follow */
	GWSYNC_RECORD_REPAIR_END,	/* struct gwsync_record_repair: all have come */
};

struct gwsync_record {
	__be16	len;		/* of the record, this header included */
	__u8	version;	/* GWSYNC_RECORD_VERSION */
	__u8	kind;		/* enum gwsync_record_kind */
	__u8	l3num;		/* AF_INET, AF_INET6 */
	__u8	l4proto;	/* IPPROTO_* */
	__be16	status;		/* enum ip_conntrack_status, low 14 bits, GWSYNC_STATUS_* */
	__be32	timeout;	/* seconds that it gets at a takeover */
} __attribute__((packed));

/*
 * Nobody was told of this flow before: it is most likely not there.  A hint
 * that spares a look, never a promise; who does not know it passes over it.
 */
#define GWSYNC_STATUS_FIRST	(1 << 15)

/* A flow whose end raises no event: nobody learns of it, so it has no digest. */
#define GWSYNC_STATUS_MUTE	(1 << 14)

/* Not about a flow: the header's l3num, l4proto, status and timeout are 0. */
struct gwsync_record_digest {
	struct gwsync_record	head;
	__u8			bucket;
	__u8			pad[3];		/* must be 0 */
	__be32			sum[GWSYNC_BUCKET_CLASSES];
} __attribute__((packed));

struct gwsync_record_repair {
	struct gwsync_record	head;
	__u8			bucket;
	__u8			pad[3];		/* must be 0 */
	__be64			classes;	/* bit n: class n of the bucket */
} __attribute__((packed));

/*
 * A part: type, length of the part (these two bytes included), value.  An
 * unknown part is skipped unless its type has GWSYNC_PART_MUST.
 */
#define GWSYNC_PART_MUST	0x80
#define GWSYNC_PART_MAX		255

struct gwsync_part {
	__u8	type;
	__u8	len;
} __attribute__((packed));

enum gwsync_part_type {
	GWSYNC_PART_UNSPEC	= 0,
	/* NAT: the true source and destination after translation, each
	 * address (4 or 16) and l4 id (2); absent where nothing is translated.
	 * ICMP has one id: that of SNAT, or else that of the original tuple.
	 * That is the reply tuple's destination and source; for ICMP and
	 * ICMPv6 the l4 id of both is the reply's id.
	 */
	GWSYNC_PART_SNAT	= 1 | GWSYNC_PART_MUST,
	GWSYNC_PART_DNAT	= 2 | GWSYNC_PART_MUST,
	GWSYNC_PART_ZONE	= 3 | GWSYNC_PART_MUST,	/* struct gwsync_part_zone */
	GWSYNC_PART_TCP		= 4,	/* struct gwsync_part_tcp */
	GWSYNC_PART_SCTP	= 5,	/* struct gwsync_part_sctp */
	GWSYNC_PART_DCCP	= 6,	/* struct gwsync_part_dccp */
	GWSYNC_PART_GRE		= 7,	/* struct gwsync_part_gre */
	GWSYNC_PART_MARK	= 8,	/* __be32 */
	GWSYNC_PART_LABELS	= 9,	/* 16 bytes, bit n of byte n / 8 */
	GWSYNC_PART_HELPER	= 10,	/* name, no NUL */
	GWSYNC_PART_MASTER	= 11,	/* original tuple of the master, its l4proto (1) */
	GWSYNC_PART_SEQADJ	= 12,	/* two struct gwsync_part_seqadj: original, reply */
	GWSYNC_PART_SECCTX	= 13,	/* security context, no NUL */
	GWSYNC_PART_SYNPROXY	= 14,	/* struct gwsync_part_synproxy */
	GWSYNC_PART_COUNTERS	= 15,	/* struct gwsync_part_counters */
	GWSYNC_PART_START	= 16,	/* __be64, ns since the epoch of time */
	GWSYNC_PART_EXPECT	= 17,	/* struct gwsync_part_expect and tuples */
	/* struct gwsync_part_time_wait; in place of TCP, its state is in the type */
	GWSYNC_PART_TIME_WAIT	= 18 | GWSYNC_PART_MUST,
};

struct gwsync_part_zone {
	__be16	id;
	__u8	dir;		/* NF_CT_ZONE_DIR_* */
	__u8	flags;
} __attribute__((packed));

struct gwsync_part_tcp {
	__u8	state;		/* enum tcp_conntrack */
	struct {
		__be32	end;
		__be32	maxend;
		__be32	maxwin;
		__u8	scale;
		__u8	flags;	/* IP_CT_TCP_FLAG_* */
	} __attribute__((packed)) seen[2];
} __attribute__((packed));

struct gwsync_part_time_wait {
	struct {
		__be32	end;
		__u8	scale;
		__u8	flags;	/* IP_CT_TCP_FLAG_* */
	} __attribute__((packed)) seen[2];
} __attribute__((packed));

struct gwsync_part_sctp {
	__u8	state;		/* enum sctp_conntrack */
	__u8	last_dir;
	__u8	flags;
	__be32	vtag[2];
} __attribute__((packed));

struct gwsync_part_dccp {
	__u8	state;		/* enum ct_dccp_states */
	__u8	role[2];
	__be64	handshake_seq;
} __attribute__((packed));

struct gwsync_part_gre {
	__be32	timeout;	/* ms */
	__be32	stream_timeout;	/* ms */
} __attribute__((packed));

struct gwsync_part_seqadj {
	__be32	correction_pos;
	__be32	offset_before;
	__be32	offset_after;
} __attribute__((packed));

struct gwsync_part_synproxy {
	__be32	isn;
	__be32	its;
	__be32	tsoff;
} __attribute__((packed));

struct gwsync_part_counters {
	struct {
		__be64	packets;
		__be64	bytes;
	} __attribute__((packed)) dir[2];
} __attribute__((packed));

/*
 * An expectation of the flow: this head; then its tuple, laid out as an
 * original tuple (src, dst, l4src, l4dst); its mask, source address and source
 * l4 id; the saved address (4 or 16); then the names of the helper that the
 * expected flow gets and of the function, each a length byte and its bytes.
 * All expectations of a flow are in its record: one that is absent is gone.
 */
#define GWSYNC_EXPECT_MAX	8	/* of one flow */

struct gwsync_part_expect {
	__u8	l4proto;
	__u8	class;
	__u8	flags;		/* NF_CT_EXPECT_* of uapi */
	__u8	dir;		/* of the master that the expected flow follows */
	__be32	timeout;	/* seconds left */
	__be16	saved_proto;
} __attribute__((packed));

#endif /* _UAPI_LINUX_GWSYNC_H */
