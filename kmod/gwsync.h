/* SPDX-License-Identifier: GPL-2.0 */
/*
 * gwsync inside the kernel: per-netns state and what the files share.
 *
 * One direction each: capture -> ring/tombstone -> emit -> netlink, and
 * netlink -> apply -> replica.  The one worker of a netns (emit) does all
 * emission, so the order of its messages is the order of truth.
 */
#ifndef _GWSYNC_H
#define _GWSYNC_H

#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_ecache.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include <net/netns/generic.h>
#include <linux/gwsync.h>

#ifndef CONFIG_64BIT
#error "gwsync keeps its marks in bits 32..63 of ct->status: 64 bit only"
#endif

/*
 * Marks of a flow, in the half of ct->status that no kernel uses and that
 * ctnetlink does not show.  Only atomic bit operations and gwsync_flow_*
 * helpers (cmpxchg) touch them once the flow is confirmed.
 */
enum gwsync_flow_bit {
	GWSYNC_FLOW_DIRTY_BIT = 32,	/* a change waits for emission */
	GWSYNC_FLOW_ANNOUNCED_BIT,	/* emitted since it became ours: its end must be told */
	GWSYNC_FLOW_REPLICA_BIT,	/* installed for OWNER */
	GWSYNC_FLOW_GEN_BIT,		/* full sync generation that touched it last */
	GWSYNC_FLOW_PICKUP_ORIG_BIT,	/* may re-learn its TCP window, see pickup.c; */
	GWSYNC_FLOW_PICKUP_REPLY_BIT,	/* ORIG + direction */
	GWSYNC_FLOW_OWNER_SHIFT = 38,	/* 6 bits: member of a replica */
	/* 20 bits: seconds left on the owner of a replica; of an own flow: drift.c */
	GWSYNC_FLOW_TIMEOUT_SHIFT = 44,
};

#define GWSYNC_FLOW_OWNER_MASK		(0x3fUL << GWSYNC_FLOW_OWNER_SHIFT)
#define GWSYNC_FLOW_TIMEOUT_MAX		((1UL << 20) - 1)
#define GWSYNC_FLOW_TIMEOUT_MASK	(GWSYNC_FLOW_TIMEOUT_MAX << GWSYNC_FLOW_TIMEOUT_SHIFT)

static inline u8 gwsync_flow_owner(const struct nf_conn *ct)
{
	return (READ_ONCE(ct->status) & GWSYNC_FLOW_OWNER_MASK) >> GWSYNC_FLOW_OWNER_SHIFT;
}

static inline u32 gwsync_flow_timeout(const struct nf_conn *ct)
{
	return READ_ONCE(ct->status) >> GWSYNC_FLOW_TIMEOUT_SHIFT;
}

/* Told to somebody, or held for somebody: it has a digest. */
#define GWSYNC_FLOW_MARKED	(BIT(GWSYNC_FLOW_ANNOUNCED_BIT) | BIT(GWSYNC_FLOW_REPLICA_BIT))

static inline bool gwsync_flow_is_marked(const struct nf_conn *ct)
{
	return READ_ONCE(ct->status) & GWSYNC_FLOW_MARKED;
}

/* Marks that make a replica. */
#define GWSYNC_REPLICA_MARKS	(BIT(GWSYNC_FLOW_REPLICA_BIT) | BIT(GWSYNC_FLOW_GEN_BIT) | \
				 GWSYNC_FLOW_OWNER_MASK | GWSYNC_FLOW_TIMEOUT_MASK)

/* A replica of nobody: it is being taken out, and who does that accounts for it. */
static inline bool gwsync_status_is_removed(unsigned long status)
{
	return (status & (BIT(GWSYNC_FLOW_REPLICA_BIT) | GWSYNC_FLOW_OWNER_MASK)) ==
	       BIT(GWSYNC_FLOW_REPLICA_BIT);
}

/* Replace the bits of @clear by those of @set in one step; returns the old status. */
static inline unsigned long gwsync_flow_update(struct nf_conn *ct, unsigned long clear,
					       unsigned long set)
{
	unsigned long old = READ_ONCE(ct->status);

	while (!try_cmpxchg(&ct->status, &old, (old & ~clear) | set))
		;
	return old;
}

/* Counters: index is enum gwsync_stat_attr.  64 bits are read in one piece. */
struct gwsync_stats {
	u64	counter[GWSYNC_STAT_A_MAX + 1];
};

struct gwsync_params {
	u32	flush_ms;
	u32	hold_ms;
	u32	batch_bytes;
	u32	tombstones;
	u32	walk_rate;
	u32	digest_ms;
};

struct gwsync_filter;	/* filter.c: read by RCU */
struct gwsync_map {	/* backup map, read by RCU */
	struct rcu_head	rcu;
	bool		uniform;	/* all sets are the same */
	u64		set[GWSYNC_BUCKETS];
};

/* A flow that is gone, until its end was emitted. */
struct gwsync_tombstone {
	struct llist_node		node;
	struct nf_conntrack_tuple	tuple;
	struct nf_conntrack_zone	zone;
	u64				set;	/* members that may hold a replica */
	u32				digest;	/* counts until its end was emitted */
};

/* What a walk of the table does; several may wait, one pass serves all. */
enum gwsync_walk_job {
	GWSYNC_WALK_DIRTY_BIT,		/* emit dirty flows: ring overrun, notifier gap */
	GWSYNC_WALK_FULL_BIT,		/* emit all own flows to walk_set, GWSYNC_CMD_WALK */
	GWSYNC_WALK_ADOPT_BIT,		/* after activation: put adopted replicas right */
	GWSYNC_WALK_DEMOTE_BIT,		/* after deactivation: own flows become replicas */
	GWSYNC_WALK_SWEEP_BIT,		/* after SYNC_END: remove what it did not touch */
	GWSYNC_WALK_PURGE_BIT,		/* remove all replicas of purge_owners */
	GWSYNC_WALK_EXTEND_BIT,		/* push the expiry of replicas into the future */
	GWSYNC_WALK_RESEND_BIT,		/* emit all own flows by the map: notifier gap */
	GWSYNC_WALK_MUTE_BIT,		/* the same for own flows whose end raises no event */
	GWSYNC_WALK_DRIFT_BIT,		/* and for TCP flows that have moved far, drift.c */
	GWSYNC_WALK_REPAIR_BIT,		/* emit the flows of some classes, repair.c */

	GWSYNC_WALK_JOBS
};

/* Owners whose replicas a job of the walk is about, see job.c. */
struct gwsync_job {
	u64	wanted;		/* named by a request */
	u64	running;	/* those that this pass of the walk serves */
	u32	count[GWSYNC_MEMBER_MAX + 1];	/* flows of this pass, by owner */
};

struct gwsync_net {
	struct net			*net;
	struct gwsync_stats __percpu	*stats;

	/* Slow path: attach, parameters, activation.  Serializes all commands but
	 * GET_STATS and GET_FLOW.
	 */
	struct mutex			lock;
	bool				attached;
	u32				portid;		/* of the agent, 0: none */
	u8				member;
	u32				epoch;
	bool				active;		/* own flows are ours: emit */
	u64				adopted;	/* owners whose replicas are ours now */
	u64				boot_id;
	struct gwsync_params		params;
	struct gwsync_filter __rcu	*filter;
	struct gwsync_map __rcu		*map;

	/* capture.c; the slot and the list under its mutex */
	struct nf_ct_event_notifier	notifier;	/* ours, in this netns' slot */
	struct nf_ct_event_notifier __rcu	*prev;	/* found there, called on */
	u8				saved_events;	/* nf_conntrack_events as found */
	bool				interposed;	/* the slot should be ours */
	struct list_head		capture_list;	/* of attached netns */
	struct gwsync_ring __percpu	*ring;		/* from first attach to netns exit */
	struct gwsync_held __percpu	*held;		/* from first hold_ms to netns exit */
	struct llist_head		tombstones;
	atomic_t			tombstone_count;
	atomic64_t			announced;	/* flows that carry the mark */

	/* emit.c, walk.c: the worker and what only it touches, or who holds emit->lock */
	struct delayed_work		work;
	struct gwsync_emit		*emit;
	unsigned long			walk_jobs;	/* atomic bits of enum gwsync_walk_job */
	struct gwsync_walk		*walk;

	/* drift.c: TCP flows that have moved far since their last record */
	struct {
		struct delayed_work	work;		/* asks for GWSYNC_WALK_DRIFT_BIT */
		bool			met;		/* there are announced TCP flows */
		u64			cost_ns;	/* worker's own: of the pass that runs */
	}				drift;

	struct gwsync_digest		*digest;	/* from first use to netns exit */
	struct gwsync_repair		*repair;	/* the same */

	/* replica.c */
	atomic64_t			replicas;
	u64				gen;		/* bit n: generation of member n's sync */
	u64				syncing;	/* bit n: between SYNC_BEGIN and _END */
	struct mutex			replica_lock;	/* replicas, sets below; inner to lock */
	struct gwsync_job		sweep, purge, adopt, demote;
	u64				demote_gen;	/* generation that demoted flows get */
	struct delayed_work		extend;		/* asks for GWSYNC_WALK_EXTEND_BIT */

	/* pickup.c; the lock is inner to replica_lock */
	struct {
		struct mutex	lock;		/* hooks: registering and counting */
		bool		started;	/* hooks are registered */
		unsigned int	starts;		/* changes of ownership that asked for them */
		unsigned int	idle;		/* counts in a row that met nobody */
		unsigned int	counted;	/* worker's own: starts when its count began */
		u64		waiting;	/* worker's own: flows that it met */
	}				pickup;
};

extern unsigned int gwsync_net_id;

static inline struct gwsync_net *gwsync_pernet(const struct net *net)
{
	return net_generic(net, gwsync_net_id);
}

static inline void gwsync_stat_add(struct gwsync_net *gn, enum gwsync_stat_attr id, u64 n)
{
	this_cpu_add(gn->stats->counter[id], n);
}

#define gwsync_stat_inc(gn, id) gwsync_stat_add(gn, id, 1)

#endif /* _GWSYNC_H */
