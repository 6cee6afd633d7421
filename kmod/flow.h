/* SPDX-License-Identifier: GPL-2.0 */
/* What a flow says by itself, see flow.c. */
#ifndef _GWSYNC_FLOW_H
#define _GWSYNC_FLOW_H

#include <linux/bits.h>
#include <linux/types.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_ecache.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include <linux/gwsync.h>

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
	/* 6 bits: member of a replica; of an own flow: since when it waits, queue.c */
	GWSYNC_FLOW_OWNER_SHIFT = 38,
	/* 20 bits: what a replica's clock gets once it is ours; of an own flow: drift.c */
	GWSYNC_FLOW_TIMEOUT_SHIFT = 44,
};

#define GWSYNC_FLOW_OWNER_MASK		(0x3fUL << GWSYNC_FLOW_OWNER_SHIFT)
#define GWSYNC_FLOW_TIMEOUT_MAX		((1UL << 20) - 1)
#define GWSYNC_FLOW_TIMEOUT_MASK	(GWSYNC_FLOW_TIMEOUT_MAX << GWSYNC_FLOW_TIMEOUT_SHIFT)

static inline u8 gwsync_status_owner(unsigned long status)
{
	return (status & GWSYNC_FLOW_OWNER_MASK) >> GWSYNC_FLOW_OWNER_SHIFT;
}

static inline u8 gwsync_flow_owner(const struct nf_conn *ct)
{
	return gwsync_status_owner(READ_ONCE(ct->status));
}

static inline u32 gwsync_flow_timeout(const struct nf_conn *ct)
{
	return READ_ONCE(ct->status) >> GWSYNC_FLOW_TIMEOUT_SHIFT;
}

/* Bits of an own flow that say that a change of it waits for emission. */
static inline unsigned long gwsync_status_changed(unsigned long status)
{
	unsigned long marks = BIT(GWSYNC_FLOW_DIRTY_BIT);

	if (!(status & BIT(GWSYNC_FLOW_REPLICA_BIT)))
		marks |= GWSYNC_FLOW_OWNER_MASK;
	return status & marks;
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
	return status & BIT(GWSYNC_FLOW_REPLICA_BIT) && !gwsync_status_owner(status);
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

/* Take the marks that say that a change waits; returns them, 0: there was none. */
static inline unsigned long gwsync_flow_take_change(struct nf_conn *ct)
{
	unsigned long old = READ_ONCE(ct->status);

	do {
		if (!gwsync_status_changed(old))
			return 0;
	} while (!try_cmpxchg(&ct->status, &old, old & ~gwsync_status_changed(old)));
	return gwsync_status_changed(old);
}

/**
 * gwsync_flow_is_mute - does a flow end without an event?
 * @ct: a confirmed flow
 *
 * Because it is older than gwsync, or because a rule (iptables' CT target, nft's
 * "ct event set") wants other events of it alone.
 *
 * Context: any.
 */
static inline bool gwsync_flow_is_mute(const struct nf_conn *ct)
{
	const struct nf_conntrack_ecache *e = nf_ct_ecache_find(ct);

	return !e || !(READ_ONCE(e->ctmask) & BIT(IPCT_DESTROY));
}

/**
 * gwsync_flow_missed - events of a flow that somebody waits for
 * @ct: a confirmed flow
 *
 * A listener behind us that wants all of them could not take them.  Until it can,
 * each event of the flow has these in it as well, and each of its packets, which
 * need not change anything, is such an event.
 *
 * Context: any.
 * Return: bits of enum ip_conntrack_events.
 */
static inline unsigned int gwsync_flow_missed(const struct nf_conn *ct)
{
	const struct nf_conntrack_ecache *e = nf_ct_ecache_find(ct);

	return e ? READ_ONCE(e->missed) : 0;
}

u32 gwsync_flow_key(const struct nf_conntrack_tuple *tuple, u16 zone);

/* Divided by GWSYNC_BUCKET_CLASSES it is the bucket of the backup map: all
 * flows of a class have the same backups.
 */
static inline u16 gwsync_flow_class_by(u32 key)
{
	BUILD_BUG_ON(GWSYNC_CLASSES != 1 << 14);
	return key >> 18;
}

static inline u16 gwsync_flow_class(const struct nf_conntrack_tuple *tuple,
				    const struct nf_conntrack_zone *zone)
{
	return gwsync_flow_class_by(gwsync_flow_key(tuple, nf_ct_zone_id(zone,
						    IP_CT_DIR_ORIGINAL)));
}

static inline u16 gwsync_flow_class_of(const struct nf_conn *ct)
{
	return gwsync_flow_class(&ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple, nf_ct_zone(ct));
}

unsigned long gwsync_flow_marks(u8 owner, bool gen, u32 timeout, u8 l4proto);
void gwsync_flow_hold(struct nf_conn *ct);
bool gwsync_flow_is_held(const struct nf_conn *ct);
void gwsync_flow_helper_resync(struct nf_conn *ct);

#endif /* _GWSYNC_FLOW_H */
