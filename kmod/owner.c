// SPDX-License-Identifier: GPL-2.0
/*
 * Who owns what in a netns.
 *
 * Today one member owns all flows of a group.  Each field that says so is looked at in
 * this file and its header alone: gn->owner.  A replica has its owner in its marks; it
 * is own, without a look at each flow, once its owner is in the set of the adopted.
 *
 * What the last full sync of an owner, or the last repair of a class, has not named is
 * stale.  For that each replica has the generation in which it was named: a full sync
 * turns that of its owner, a repair that of its classes.  A repair whose end was lost
 * leaves its classes open, and so does an end before which records were lost: those that
 * name replicas may have been among them.  Open classes are not swept until a repair of
 * them ends or a full sync begins.
 */
#include <linux/netlink.h>
#include <linux/slab.h>

#include "event.h"
#include "flow.h"
#include "gwsync.h"
#include "owner.h"
#include "work.h"

/**
 * struct gwsync_owned - what is known of an owner's replicas, class by class
 * @flip: classes whose generation is the other one
 * @fixing: classes between GWSYNC_RECORD_REPAIR_BEGIN and _END
 * @holed: those of them of which records have been lost since the BEGIN
 * @compared: their digests
 */
struct gwsync_owned {
	u64			flip[GWSYNC_BUCKETS];
	u64			fixing[GWSYNC_BUCKETS];
	u64			holed[GWSYNC_BUCKETS];
	struct gwsync_compared	compared;
};

void gwsync_owner_net_init(struct gwsync_net *gn)
{
	mutex_init(&gn->replica_lock);
}

/* Replicas have gone, or are marked no more. */
void gwsync_owner_net_exit(struct gwsync_net *gn)
{
	mutex_destroy(&gn->replica_lock);
	kfree(gn->owner.owned);
}

/**
 * gwsync_owner_get - have room for what is known of replicas
 * @gn: the netns
 * @extack: where a refusal is explained
 *
 * Before the first flow is marked.
 *
 * Context: process, under gn->lock.
 * Return: 0, -ENOMEM.
 */
int gwsync_owner_get(struct gwsync_net *gn, struct netlink_ext_ack *extack)
{
	lockdep_assert_held(&gn->lock);

	if (gn->owner.owned)
		return 0;
	gn->owner.owned = kzalloc(sizeof(*gn->owner.owned), GFP_KERNEL_ACCOUNT);
	if (!gn->owner.owned) {
		NL_SET_ERR_MSG(extack, "no memory for what is known of replicas");
		return -ENOMEM;
	}
	return 0;
}

/**
 * gwsync_owner_attach - an agent is here: this member owns nothing yet
 * @gn: the netns
 * @self: this member
 * @epoch: that it knows
 *
 * Context: process, under gn->lock.
 */
void gwsync_owner_attach(struct gwsync_net *gn, u8 self, u32 epoch)
{
	lockdep_assert_held(&gn->lock);

	WRITE_ONCE(gn->owner.self, self);
	gn->owner.epoch = epoch;
	WRITE_ONCE(gn->owner.active, false);
}

/**
 * gwsync_owner_take - replicas become own flows
 * @gn: the netns
 * @set: members whose replicas they are
 * @epoch: from now on
 *
 * From this moment on capture and the TCP pick-up take them for own flows, however many
 * there are.  GWSYNC_WALK_ADOPT_BIT puts each right.
 *
 * Context: process, under gn->lock; takes gn->replica_lock.
 */
void gwsync_owner_take(struct gwsync_net *gn, u64 set, u32 epoch)
{
	lockdep_assert_held(&gn->lock);

	mutex_lock(&gn->replica_lock);
	gn->owner.epoch = epoch;
	gn->owner.demote.wanted = 0;
	gn->owner.demote.running = 0;
	/* Its owner will not end it: what it has named becomes own with the rest. */
	gn->owner.syncing &= ~set;
	WRITE_ONCE(gn->owner.adopted, gn->owner.adopted | set);
	/* Those of an activation that was called off before its walk was over, too. */
	gn->owner.adopt.wanted |= gn->owner.adopted;
	WRITE_ONCE(gn->owner.active, true);
	mutex_unlock(&gn->replica_lock);
}

/**
 * gwsync_owner_give - own flows become replicas of another member
 * @gn: the netns
 * @owner: whose
 * @epoch: from now on
 *
 * GWSYNC_WALK_DEMOTE_BIT makes each flow one.
 *
 * Context: process, under gn->lock; takes gn->replica_lock.
 */
void gwsync_owner_give(struct gwsync_net *gn, u8 owner, u32 epoch)
{
	u64 bit = BIT_ULL(owner);

	lockdep_assert_held(&gn->lock);

	mutex_lock(&gn->replica_lock);
	gn->owner.epoch = epoch;
	WRITE_ONCE(gn->owner.active, false);
	/* Not yet put right: they are replicas of @owner again, and can be swept. */
	WRITE_ONCE(gn->owner.adopted, gn->owner.adopted & ~bit);
	gn->owner.adopt.wanted = 0;
	gn->owner.adopt.running = 0;
	gn->owner.demote.running = 0;
	gn->owner.demote.wanted = bit;
	/* What the next full sync of @owner does not name must be swept. */
	gn->owner.demote_gen = gn->owner.gen;
	if (gn->owner.syncing & bit)
		gn->owner.demote_gen ^= bit;
	mutex_unlock(&gn->replica_lock);
}

/**
 * gwsync_owner_rest - own flows stay own, and nobody is told of them
 * @gn: the netns
 *
 * Until there is an owner to follow: see gwsync_owner_give().
 *
 * Context: process.
 */
void gwsync_owner_rest(struct gwsync_net *gn)
{
	WRITE_ONCE(gn->owner.active, false);
}

/**
 * gwsync_owner_admits - may records of this owner and epoch be applied?
 * @gn: the netns
 * @owner: who sent them
 * @epoch: that they belong to; state of an older one never overwrites newer
 * @extack: says why not
 *
 * Context: process, under gn->lock.
 * Return: 0; -EINVAL: no such owner; -ESTALE: an old epoch; -EBUSY: a newer one, and
 * this member is active.
 */
int gwsync_owner_admits(struct gwsync_net *gn, u8 owner, u32 epoch,
			struct netlink_ext_ack *extack)
{
	lockdep_assert_held(&gn->lock);

	if (owner == 0 || owner > GWSYNC_MEMBER_MAX || owner == gn->owner.self) {
		NL_SET_ERR_MSG(extack, "owner is this member or none");
		return -EINVAL;
	}
	if (epoch < gn->owner.epoch) {
		gwsync_stat_inc(gn, GWSYNC_STAT_A_REFUSED_STALE);
		NL_SET_ERR_MSG(extack, "epoch is older than the one known here");
		return -ESTALE;
	}
	if (epoch > gn->owner.epoch && gn->owner.active) {
		NL_SET_ERR_MSG(extack, "newer epoch while active: deactivate this member first");
		return -EBUSY;
	}
	return 0;
}

/**
 * gwsync_owner_admit - records of an epoch are applied
 * @gn: the netns
 * @epoch: admitted by gwsync_owner_admits()
 *
 * Context: process, under gn->lock.
 */
void gwsync_owner_admit(struct gwsync_net *gn, u32 epoch)
{
	lockdep_assert_held(&gn->lock);

	gn->owner.epoch = epoch;
}

/* A full sync of this owner, or the sweep after one, waits or runs. */
static bool gwsync_owner_is_sweeping(const struct gwsync_net *gn, u8 owner)
{
	return (gn->owner.sweep.wanted | gn->owner.sweep.running) & BIT_ULL(owner);
}

/**
 * gwsync_owner_sync_begin - a full sync begins
 * @gn: the netns
 * @owner: whose
 *
 * One that was broken off, or whose sweep is not over, is gone on with.
 *
 * Context: process, under gn->lock; takes gn->replica_lock.
 */
void gwsync_owner_sync_begin(struct gwsync_net *gn, u8 owner)
{
	u64 bit = BIT_ULL(owner);

	mutex_lock(&gn->replica_lock);
	if (!(gn->owner.syncing & bit) && !gwsync_owner_is_sweeping(gn, owner))
		gn->owner.gen ^= bit;
	gn->owner.syncing |= bit;
	gwsync_owner_forget(gn, owner);
	mutex_unlock(&gn->replica_lock);
}

/**
 * gwsync_owner_sync_end - a full sync is complete: what it did not name goes
 * @gn: the netns
 * @owner: whose
 *
 * Context: process, under gn->lock; takes gn->replica_lock.
 * Return: 0; -ENOENT: none began.
 */
int gwsync_owner_sync_end(struct gwsync_net *gn, u8 owner)
{
	u64 bit = BIT_ULL(owner);

	lockdep_assert_held(&gn->lock);

	if (!(gn->owner.syncing & bit))
		return -ENOENT;
	mutex_lock(&gn->replica_lock);
	gn->owner.syncing &= ~bit;
	gn->owner.sweep.wanted |= bit;
	mutex_unlock(&gn->replica_lock);
	gwsync_work_ask(gn, GWSYNC_WALK_SWEEP_BIT);
	return 0;
}

/**
 * gwsync_owner_purge - all replicas of an owner go
 * @gn: the netns
 * @owner: whose
 *
 * Context: process, under gn->lock; takes gn->replica_lock.
 * Return: 0; -EBUSY: they are about to be own flows.
 */
int gwsync_owner_purge(struct gwsync_net *gn, u8 owner)
{
	u64 bit = BIT_ULL(owner);

	lockdep_assert_held(&gn->lock);

	if (gn->owner.adopted & bit)
		return -EBUSY;
	mutex_lock(&gn->replica_lock);
	/* A sync that its owner never ended would keep all digests from being compared. */
	gn->owner.syncing &= ~bit;
	gn->owner.purge.wanted |= bit;
	mutex_unlock(&gn->replica_lock);
	gwsync_work_ask(gn, GWSYNC_WALK_PURGE_BIT);
	return 0;
}

/**
 * gwsync_owner_repair_begin - the records of some classes come
 * @gn: the netns
 * @owner: whose
 * @bucket: of the classes
 * @classes: of the bucket
 *
 * During a full sync there is nothing to be repaired, and nothing begins before its
 * sweep is over.  Of classes that are open what was named stays named.
 *
 * Context: process; takes gn->replica_lock.
 */
void gwsync_owner_repair_begin(struct gwsync_net *gn, u8 owner, u8 bucket, u64 classes)
{
	struct gwsync_owned *owned = gn->owner.owned;

	mutex_lock(&gn->replica_lock);
	if (!(gn->owner.syncing & BIT_ULL(owner)) && !gwsync_owner_is_sweeping(gn, owner)) {
		owned->holed[bucket] &= ~classes;
		classes &= ~owned->fixing[bucket];
		WRITE_ONCE(owned->flip[bucket], owned->flip[bucket] ^ classes);
		owned->fixing[bucket] |= classes;
	}
	mutex_unlock(&gn->replica_lock);
}

/**
 * gwsync_owner_repair_end - the records of some classes have come
 * @gn: the netns
 * @owner: whose
 * @bucket: of the classes
 * @classes: of the bucket
 *
 * Context: process; takes gn->replica_lock.
 */
void gwsync_owner_repair_end(struct gwsync_net *gn, u8 owner, u8 bucket, u64 classes)
{
	struct gwsync_owned *owned = gn->owner.owned;

	mutex_lock(&gn->replica_lock);
	classes &= owned->fixing[bucket] & ~owned->holed[bucket];
	if (classes && !(gn->owner.syncing & BIT_ULL(owner))) {
		owned->fixing[bucket] &= ~classes;
		gn->owner.sweep.wanted |= BIT_ULL(owner);
		gwsync_work_ask(gn, GWSYNC_WALK_SWEEP_BIT);
	}
	mutex_unlock(&gn->replica_lock);
}

/**
 * gwsync_owner_hole - records were lost
 * @gn: the netns, passive and attached
 *
 * Context: process, under gn->lock; takes gn->replica_lock.
 */
void gwsync_owner_hole(struct gwsync_net *gn)
{
	struct gwsync_owned *owned = gn->owner.owned;

	lockdep_assert_held(&gn->lock);

	mutex_lock(&gn->replica_lock);
	memcpy(owned->holed, owned->fixing, sizeof(owned->holed));
	mutex_unlock(&gn->replica_lock);
}

/* @gens: generations of the full syncs, by owner. */
static bool gwsync_owner_gen_of(const struct gwsync_net *gn, u64 gens, u8 owner, u16 class)
{
	bool flip = READ_ONCE(gn->owner.owned->flip[class / GWSYNC_BUCKET_CLASSES]) &
		    BIT_ULL(class % GWSYNC_BUCKET_CLASSES);

	return flip != !!(gens & BIT_ULL(owner));
}

/**
 * gwsync_owner_gen - the generation that a replica gets that a record names now
 * @gn: the netns
 * @owner: of the replica
 * @class: of the replica
 *
 * Context: any; who depends on it holds gn->replica_lock.
 */
bool gwsync_owner_gen(const struct gwsync_net *gn, u8 owner, u16 class)
{
	return gwsync_owner_gen_of(gn, READ_ONCE(gn->owner.gen), owner, class);
}

/**
 * gwsync_owner_demoted_gen - the generation that an own flow gets which is given away
 * @gn: the netns
 * @owner: whom it is given to
 * @class: of the flow
 *
 * Context: process, under gn->replica_lock.
 */
bool gwsync_owner_demoted_gen(const struct gwsync_net *gn, u8 owner, u16 class)
{
	return gwsync_owner_gen_of(gn, gn->owner.demote_gen, owner, class);
}

/* May more records name replicas of this class? */
static bool gwsync_owner_is_open(const struct gwsync_net *gn, u16 class)
{
	return READ_ONCE(gn->owner.owned->fixing[class / GWSYNC_BUCKET_CLASSES]) &
	       BIT_ULL(class % GWSYNC_BUCKET_CLASSES);
}

/**
 * gwsync_owner_unnamed_gen - the generation of a replica that no record has named
 * @gn: the netns
 * @owner: of the replica
 * @class: of the replica
 *
 * That of all others when nothing runs: the next sync, be it of all classes or of
 * this one, turns it.  One that runs has turned it.
 *
 * Context: any; what begins or ends meanwhile may be missed, and then the sync
 * after it removes the replica.
 */
bool gwsync_owner_unnamed_gen(const struct gwsync_net *gn, u8 owner, u16 class)
{
	bool open = gwsync_owner_is_open(gn, class);
	bool syncing = READ_ONCE(gn->owner.syncing) & BIT_ULL(owner);

	return gwsync_owner_gen(gn, owner, class) != (syncing || open);
}

/**
 * gwsync_owner_is_stale - has the last sync of its class not named a replica?
 * @gn: the netns
 * @ct: the replica
 * @owner: whose
 *
 * Be it a sync of all classes.
 *
 * Context: process, under gn->replica_lock.
 */
bool gwsync_owner_is_stale(const struct gwsync_net *gn, const struct nf_conn *ct, u8 owner)
{
	u16 class = gwsync_flow_class_of(ct);

	lockdep_assert_held(&gn->replica_lock);

	if (gwsync_owner_is_open(gn, class))
		return false;
	return test_bit(GWSYNC_FLOW_GEN_BIT, &ct->status) != gwsync_owner_gen(gn, owner, class);
}

/* The part of the state that belongs to a job, or NULL. */
static struct gwsync_job *gwsync_owner_job(struct gwsync_net *gn, enum gwsync_walk_job job)
{
	switch (job) {
	case GWSYNC_WALK_ADOPT_BIT:
		return &gn->owner.adopt;
	case GWSYNC_WALK_DEMOTE_BIT:
		return &gn->owner.demote;
	case GWSYNC_WALK_SWEEP_BIT:
		return &gn->owner.sweep;
	case GWSYNC_WALK_PURGE_BIT:
		return &gn->owner.purge;
	default:
		return NULL;
	}
}

/**
 * gwsync_owner_job_begin - a pass of the walk starts to serve a job
 * @gn: the netns
 * @job: ADOPT, DEMOTE, SWEEP or PURGE
 *
 * Context: process, the worker; takes gn->replica_lock.
 */
void gwsync_owner_job_begin(struct gwsync_net *gn, enum gwsync_walk_job job)
{
	struct gwsync_job *state = gwsync_owner_job(gn, job);

	if (WARN_ON_ONCE(!state))
		return;
	mutex_lock(&gn->replica_lock);
	state->running |= state->wanted;
	state->wanted = 0;
	memset(state->count, 0, sizeof(state->count));
	mutex_unlock(&gn->replica_lock);
}

/**
 * gwsync_owner_job_done - a pass of the walk has served a job
 * @gn: the netns
 * @job: ADOPT, DEMOTE, SWEEP or PURGE
 *
 * Context: process, the worker; takes gn->replica_lock.
 * Return: the owners that it has served.
 */
u64 gwsync_owner_job_done(struct gwsync_net *gn, enum gwsync_walk_job job)
{
	struct gwsync_job *state = gwsync_owner_job(gn, job);
	u64 owners;

	if (WARN_ON_ONCE(!state))
		return 0;
	mutex_lock(&gn->replica_lock);
	owners = state->running;
	state->running = 0;
	/* Asked for again meanwhile: its replicas are not all own, or not all the new
	 * owner's, yet.
	 */
	if (job == GWSYNC_WALK_ADOPT_BIT)
		WRITE_ONCE(gn->owner.adopted, gn->owner.adopted & ~(owners & ~state->wanted));
	if (job == GWSYNC_WALK_DEMOTE_BIT && !gn->owner.active && !state->wanted)
		WRITE_ONCE(gn->owner.adopted, 0);
	mutex_unlock(&gn->replica_lock);
	return owners;
}

/**
 * gwsync_owner_job_serves - owners whose replicas a job is about
 * @gn: the netns
 * @job: ADOPT, DEMOTE, SWEEP or PURGE
 *
 * Context: process, the worker; who depends on it holds gn->replica_lock.
 */
u64 gwsync_owner_job_serves(struct gwsync_net *gn, enum gwsync_walk_job job)
{
	return gwsync_owner_job(gn, job)->running;
}

/**
 * gwsync_owner_job_count - a job has done something to a flow
 * @gn: the netns
 * @job: ADOPT, DEMOTE, SWEEP or PURGE
 * @owner: of the flow, 0: it was none of the job's
 *
 * Context: process, the worker.
 */
void gwsync_owner_job_count(struct gwsync_net *gn, enum gwsync_walk_job job, u8 owner)
{
	gwsync_owner_job(gn, job)->count[owner]++;
}

/**
 * gwsync_owner_job_counted - to how many flows a pass has done something
 * @gn: the netns
 * @job: ADOPT, DEMOTE, SWEEP or PURGE
 * @owner: of these flows
 *
 * Context: process, the worker, before the next pass begins.
 */
u32 gwsync_owner_job_counted(struct gwsync_net *gn, enum gwsync_walk_job job, u8 owner)
{
	return gwsync_owner_job(gn, job)->count[owner];
}

/**
 * gwsync_owner_heir - who gets the own flows that are given away
 * @gn: the netns
 *
 * Context: process, under gn->replica_lock.
 * Return: a member, 0: they are not.
 */
u8 gwsync_owner_heir(const struct gwsync_net *gn)
{
	lockdep_assert_held(&gn->replica_lock);

	return gn->owner.demote.running ? __fls(gn->owner.demote.running) : 0;
}

/**
 * gwsync_owner_is_settled - is no replica on its way in or out?
 * @gn: the netns
 *
 * Context: process, under gn->replica_lock.
 */
bool gwsync_owner_is_settled(const struct gwsync_net *gn)
{
	lockdep_assert_held(&gn->replica_lock);

	return !(gn->owner.syncing | gn->owner.sweep.wanted | gn->owner.sweep.running |
		 gn->owner.purge.wanted | gn->owner.purge.running | gn->owner.demote.wanted |
		 gn->owner.demote.running);
}

/**
 * gwsync_owner_compared - the digests of the owner that was heard last, against ours
 * @gn: the netns
 *
 * Context: process, under gn->lock.
 * Return: NULL: there is no room for it yet, so none was heard.
 */
struct gwsync_compared *gwsync_owner_compared(struct gwsync_net *gn)
{
	return gn->owner.owned ? &gn->owner.owned->compared : NULL;
}

/**
 * gwsync_owner_heard - whose digests were compared or whose full sync began last
 * @gn: the netns
 *
 * Context: any.
 * Return: a member, 0: none.
 */
u8 gwsync_owner_heard(const struct gwsync_net *gn)
{
	return READ_ONCE(gn->owner.heard);
}

/**
 * gwsync_owner_hear - digests of an owner were compared
 * @gn: the netns
 * @owner: whose
 *
 * Context: process, under gn->replica_lock.
 */
void gwsync_owner_hear(struct gwsync_net *gn, u8 owner)
{
	WRITE_ONCE(gn->owner.heard, owner);
}

/**
 * gwsync_owner_forget - a full sync begins: what differed before is no matter
 * @gn: the netns
 * @owner: whose, 0: nobody's yet, an agent has just attached
 *
 * Context: process, under gn->replica_lock.
 */
void gwsync_owner_forget(struct gwsync_net *gn, u8 owner)
{
	struct gwsync_owned *owned = gn->owner.owned;

	lockdep_assert_held(&gn->replica_lock);

	memset(owned->fixing, 0, sizeof(owned->fixing));
	memset(owned->holed, 0, sizeof(owned->holed));
	memset(&owned->compared, 0, sizeof(owned->compared));
	gwsync_event_forget_digest(gn);
	gwsync_owner_hear(gn, owner);
}
