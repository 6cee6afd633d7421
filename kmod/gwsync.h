/* SPDX-License-Identifier: GPL-2.0 */
/*
 * gwsync inside the kernel: per-netns state and what the files share.
 *
 * Calls go down only, from layer to layer, as Kbuild lists the files.  Flows go one
 * way each: capture -> queue -> emit -> message, driven by the one worker of a netns, and
 * netlink -> apply -> replica.
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
	u32	audit_ms;
	u32	labels;		/* enum gwsync_labels */
	u32	mark_mask;	/* bits of the mark that are the group's */
};

struct mem_cgroup;
struct gwsync_filter;	/* filter.c: read by RCU */
struct gwsync_map {	/* backup map, read by RCU */
	struct rcu_head	rcu;
	bool		uniform;	/* all sets are the same */
	u32		version;	/* of the netns' maps, from 1 */
	u64		set[GWSYNC_BUCKETS];
};

/* Members that hold replicas of something, as a map says. */
struct gwsync_backups {
	u64	set;		/* without this member; 0: nobody */
	u32	map;		/* version of the map, 0: there is none */
};

/* A flow that is gone, until its end was emitted. */
struct gwsync_tombstone {
	struct llist_node		node;
	struct nf_conntrack_tuple	tuple;
	struct nf_conntrack_zone	zone;
	u32				digest;	/* counts until its end was emitted */
	struct gwsync_backups		backups;
};

/* What a walk of the table does; several may wait, one pass serves all. */
enum gwsync_walk_job {
	GWSYNC_WALK_DIRTY_BIT,		/* emit dirty flows: ring overrun, an agent attaches */
	GWSYNC_WALK_FULL_BIT,		/* emit all own flows to walk_set, GWSYNC_CMD_WALK */
	GWSYNC_WALK_ADOPT_BIT,		/* after activation: put adopted replicas right */
	GWSYNC_WALK_DEMOTE_BIT,		/* after deactivation: own flows become replicas */
	GWSYNC_WALK_SWEEP_BIT,		/* after SYNC_END: remove what it did not touch */
	GWSYNC_WALK_PURGE_BIT,		/* remove all replicas of purge_owners */
	GWSYNC_WALK_EXTEND_BIT,		/* push the expiry of replicas into the future */
	GWSYNC_WALK_MUTE_BIT,		/* emit own flows whose end raises no event */
	GWSYNC_WALK_DRIFT_BIT,		/* and flows that have moved on, drift.c */
	GWSYNC_WALK_REPAIR_BIT,		/* emit the flows of some classes, repair.c */
	GWSYNC_WALK_AUDIT_BIT,		/* emit own flows whose number is another, audit.c */
	GWSYNC_WALK_SOURCE_BIT,		/* count or end own flows of a source, source.c */

	GWSYNC_WALK_JOBS
};

/* Owners whose replicas a job of the walk is about, see owner.c. */
struct gwsync_job {
	u64	wanted;		/* named by a request */
	u64	running;	/* those that this pass of the walk serves */
	u32	count[GWSYNC_MEMBER_MAX + 1];	/* flows of this pass, by owner */
};

/* Whose flows are looked for, see source.c. */
struct gwsync_source {
	union nf_inet_addr	addr;
	u8			l3num;		/* 0: nobody's */
	bool			end;		/* and not only counted */
};

/* Rings of flows that are to be emitted: when. */
enum gwsync_ring_kind {
	GWSYNC_RING_CHANGED,		/* at the next flush */
	GWSYNC_RING_HELD,		/* when it is hold_ms old */
	GWSYNC_RING_WAITING,		/* TCP that begins or ends: with what comes next */

	GWSYNC_RINGS
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
	u64				boot_id;
	struct gwsync_params		params;
	struct gwsync_filter __rcu	*filter;
	struct gwsync_map __rcu		*map;

	/* Replicas, and whose they are; inner to lock. */
	struct mutex			replica_lock;

	/* owner.c and its header alone look at this: who owns what here */
	struct {
		u8			self;		/* this member, 0: never attached */
		u32			epoch;
		bool			active;		/* own flows are ours: emit */
		u64			adopted;	/* owners whose replicas are ours now */
		u64			gen;		/* bit n: generation of member n's sync */
		u64			syncing;	/* bit n: between SYNC_BEGIN and _END */
		struct gwsync_job	sweep, purge, adopt, demote;
		u64			demote_gen;	/* generation that demoted flows get */
		u8			heard;		/* of struct gwsync_compared, 0: none */
		struct gwsync_owned	*owned;		/* from first use to netns exit */
	}				owner;

	/* slot.c; the slot and the list under its mutex */
	struct nf_ct_event_notifier	notifier;	/* ours, in this netns' slot */
	struct nf_ct_event_notifier __rcu	*prev;	/* found there, called on */
	u8				saved_events;	/* nf_conntrack_events as found */
	bool				interposed;	/* the slot should be ours */
	struct list_head		capture_list;	/* of attached netns */

	/* queue.c */
	/* from first attach, or hold_ms, to netns exit */
	struct gwsync_ring __percpu	*ring[GWSYNC_RINGS];
	struct mem_cgroup		*memcg;		/* pays for tombstones, NULL: nobody */
	struct llist_head		tombstones;
	atomic_t			tombstone_count;
	atomic64_t			announced;	/* flows that carry the mark */

	/* work.c: the worker, and what it is asked for */
	struct delayed_work		work;
	bool				lazy;		/* it waits longer than a kick may */
	unsigned long			walk_jobs;	/* atomic bits of enum gwsync_walk_job */

	struct gwsync_events		*events;	/* event.c */

	/* emit.c, walk.c, worker.c: what only the worker touches, or who holds emit->lock */
	struct gwsync_emit		*emit;
	unsigned long			shed;		/* jiffies: when to shed the rings next */
	struct gwsync_walk		*walk;

	/* full.c: set under gn->lock, taken by the worker */
	struct {
		spinlock_t	lock;		/* of whether one runs, and for whom */
		bool		busy;
		u64		set;
		u32		walk_id;
		u32		count;		/* flows that were emitted */
		unsigned int	mute;		/* and those of them that are mute */
	}				full;

	/* mute.c: own flows whose end raises no event */
	struct {
		struct delayed_work	work;		/* asks for GWSYNC_WALK_MUTE_BIT */
		unsigned int		count;
		unsigned int		seen;		/* by the pass that runs */
	}				mute;

	/* source.c: flows of a source that nobody has any more */
	struct {
		spinlock_t		lock;		/* of the first three */
		bool			busy;		/* until the agent is told */
		struct gwsync_source	asked;
		struct gwsync_source	running;	/* the worker's, under emit->lock */
		u32			count;		/* worker's own: flows of this pass */
	}				source;

	/* drift.c: flows that have moved on since their last record */
	struct {
		struct delayed_work	work;		/* asks for GWSYNC_WALK_DRIFT_BIT */
		bool			met;		/* there are announced flows */
		u64			cost_ns;	/* worker's own: of the pass that runs */
	}				drift;

	/* lease.c: of the addresses of an owner */
	struct {
		struct delayed_work	work;		/* looks whether it has lapsed */
		u8			state;		/* enum gwsync_lease, under lock */
		unsigned int		era;		/* it was taken in */
		u64			end;		/* jiffies_64; hooks compare it */
		struct list_head	devs;		/* under rtnl */
	}				lease;

	/* audit.c: what changes without an event */
	struct {
		struct delayed_work	work;		/* asks for GWSYNC_WALK_AUDIT_BIT */
		unsigned long		last;		/* its own: jiffies of the last pass */
		unsigned long		idle;		/* jiffies until the next, at least */
		bool			running;
		u64			cost_ns;	/* worker's own: of the pass that runs */
	}				audit;

	struct gwsync_sums		*sums;		/* sum.c: from first use to netns exit */

	/* digest.c: what an owner sends; the worker's own, but for now */
	struct {
		unsigned int	next;		/* bucket whose sums are sent next */
		unsigned long	due;		/* when, in jiffies */
		atomic_t	now;		/* 1: a whole round is asked for, 2: it has begun */
	}				digest;

	struct gwsync_repair		*repair;	/* from first use to netns exit */

	/* mark.c */
	atomic64_t			replicas;

	/* mask.c, under lock */
	struct {
		bool			used;		/* rules use them, or have */
		bool			left;		/* a record's were not taken over */
	}				labels;

	/* extend.c, keep.c: replicas, whose clocks stand, and flows that wait for their windows */
	struct {
		struct delayed_work	work;		/* asks for GWSYNC_WALK_EXTEND_BIT */
		atomic_t		armed;		/* it is queued, or a pass runs */
		bool			met;		/* there are some */
		u64			cost_ns;	/* worker's own: of the pass that runs */
	}				extend;

	/* helper.c: the worker's own */
	struct {
		int		loads;		/* of modules, before the last look */
		bool		look;		/* the walk that runs looks who lacks a helper */
	}				helper;

	/* pickup.c; the lock is inner to replica_lock */
	struct {
		struct mutex	lock;		/* hooks: registering and counting */
		bool		hooked;		/* hooks are registered */
		bool		started;	/* they look at packets */
		unsigned int	starts;		/* changes of ownership that asked for them */
		unsigned int	idle;		/* counts in a row that met nobody */
		unsigned int	counted;	/* worker's own: starts when its count began */
		u64		waiting;	/* worker's own: flows that it met */
	}				pickup;

	/* untrack.c; written under the lock */
	struct {
		bool		hooked;		/* from first attach to netns exit */
		unsigned int	count;		/* of ports, 0: idle */
		__be16		port[GWSYNC_PORTS_MAX];
	}				untrack;
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
