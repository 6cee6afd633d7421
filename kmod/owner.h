/* SPDX-License-Identifier: GPL-2.0 */
/* Who owns what in a netns, see owner.c. */
#ifndef _GWSYNC_OWNER_H
#define _GWSYNC_OWNER_H

#include "flow.h"
#include "gwsync.h"

struct netlink_ext_ack;

/* gwsync_flow_is_own() for who has looked at ct->status already. */
static inline bool gwsync_status_is_own(const struct gwsync_net *gn, unsigned long status)
{
	return !(status & BIT(GWSYNC_FLOW_REPLICA_BIT)) ||
	       READ_ONCE(gn->owner.adopted) & BIT_ULL(gwsync_status_owner(status));
}

/**
 * gwsync_flow_is_own - whether a flow is this member's to announce
 * @gn: the netns of the flow
 * @ct: a confirmed flow
 *
 * A replica of an adopted owner is own from the moment of activation, long
 * before the walk has cleared its mark.
 *
 * Context: any.
 */
static inline bool gwsync_flow_is_own(const struct gwsync_net *gn, const struct nf_conn *ct)
{
	return gwsync_status_is_own(gn, READ_ONCE(ct->status));
}

/**
 * gwsync_owner_is_active - are own flows this member's to tell others of?
 * @gn: the netns
 *
 * Context: any.
 */
static inline bool gwsync_owner_is_active(const struct gwsync_net *gn)
{
	return READ_ONCE(gn->owner.active);
}

/* May a record change this entry?  Our own flows are ours while we are active. */
static inline bool gwsync_owner_may_change(const struct gwsync_net *gn, const struct nf_conn *ct)
{
	return !gwsync_owner_is_active(gn) || !gwsync_flow_is_own(gn, ct);
}

/* This member, 0: there was no agent yet. */
static inline u8 gwsync_owner_self(const struct gwsync_net *gn)
{
	return READ_ONCE(gn->owner.self);
}

/* Under gn->lock. */
static inline u32 gwsync_owner_epoch(const struct gwsync_net *gn)
{
	return gn->owner.epoch;
}

/* Owners whose replicas are own flows now, and not all put right. */
static inline u64 gwsync_owner_adopted(const struct gwsync_net *gn)
{
	return READ_ONCE(gn->owner.adopted);
}

void gwsync_owner_net_init(struct gwsync_net *gn);
void gwsync_owner_net_exit(struct gwsync_net *gn);
int gwsync_owner_get(struct gwsync_net *gn, struct netlink_ext_ack *extack);

/* Ownership moves. */
void gwsync_owner_attach(struct gwsync_net *gn, u8 self, u32 epoch);
void gwsync_owner_take(struct gwsync_net *gn, u64 set, u32 epoch);
void gwsync_owner_give(struct gwsync_net *gn, u8 owner, u32 epoch);
void gwsync_owner_rest(struct gwsync_net *gn);

/* Records of an owner come. */
int gwsync_owner_admits(struct gwsync_net *gn, u8 owner, u32 epoch,
			struct netlink_ext_ack *extack);
void gwsync_owner_admit(struct gwsync_net *gn, u32 epoch);
void gwsync_owner_sync_begin(struct gwsync_net *gn, u8 owner);
int gwsync_owner_sync_end(struct gwsync_net *gn, u8 owner);
void gwsync_owner_repair_begin(struct gwsync_net *gn, u8 owner, u8 bucket, u64 classes);
void gwsync_owner_repair_end(struct gwsync_net *gn, u8 owner, u8 bucket, u64 classes);
void gwsync_owner_hole(struct gwsync_net *gn);
int gwsync_owner_purge(struct gwsync_net *gn, u8 owner);

/* Which sync has named a replica last. */
bool gwsync_owner_gen(const struct gwsync_net *gn, u8 owner, u16 class);
bool gwsync_owner_demoted_gen(const struct gwsync_net *gn, u8 owner, u16 class);
bool gwsync_owner_unnamed_gen(const struct gwsync_net *gn, u8 owner, u16 class);
bool gwsync_owner_is_stale(const struct gwsync_net *gn, const struct nf_conn *ct, u8 owner);

/* Jobs of the walk that are about owners: see job.c and adopt.c. */
void gwsync_owner_job_begin(struct gwsync_net *gn, enum gwsync_walk_job job);
u64 gwsync_owner_job_done(struct gwsync_net *gn, enum gwsync_walk_job job);
u64 gwsync_owner_job_serves(struct gwsync_net *gn, enum gwsync_walk_job job);
void gwsync_owner_job_count(struct gwsync_net *gn, enum gwsync_walk_job job, u8 owner);
u32 gwsync_owner_job_counted(struct gwsync_net *gn, enum gwsync_walk_job job, u8 owner);
u8 gwsync_owner_heir(const struct gwsync_net *gn);
bool gwsync_owner_is_settled(const struct gwsync_net *gn);

/**
 * struct gwsync_compared - an owner's digests against ours, under gn->replica_lock
 * @differ: classes whose sum was another than the owner's, bit by class
 * @differing: number of them
 * @whole: no bucket of the round that runs was passed over
 */
struct gwsync_compared {
	u64		differ[GWSYNC_BUCKETS];
	u32		differing;
	bool		whole;
};

struct gwsync_compared *gwsync_owner_compared(struct gwsync_net *gn);
u8 gwsync_owner_heard(const struct gwsync_net *gn);
void gwsync_owner_hear(struct gwsync_net *gn, u8 owner);
void gwsync_owner_forget(struct gwsync_net *gn, u8 owner);

#endif /* _GWSYNC_OWNER_H */
