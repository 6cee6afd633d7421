// SPDX-License-Identifier: GPL-2.0
/*
 * Events: what the agent is told besides records.
 *
 * One of a kind waits, so they need no memory of their own; the worker sends them
 * after all records of before.  None is lost by that: what an event that waits has counted
 * is added to, but for WALK_DONE, whose walk has the next one begin only after it was told
 * or broken off, and for DIGEST, where a newer comparison says all that the older one did.
 * One of before a full sync must not be taken for its proof: the begin forgets it.
 */
#include <linux/slab.h>

#include "event.h"
#include "message.h"
#include "work.h"

struct gwsync_events {
	spinlock_t	lock;		/* what belongs to a pending bit */
	unsigned long	pending;	/* bits: enum gwsync_event */
	u32		walk_id;
	u32		walk_count;
	u32		activate_count;
	u32		source_count;
	u32		digest_count;
	u32		digest_seq;	/* of comparisons, and of full syncs that begin */
	u8		digest_owner;
	u64		sweep_owners;
	u32		sweep_count[GWSYNC_MEMBER_MAX + 1];
};

/**
 * gwsync_event_send - tell the agent
 * @gn: the netns
 * @event: what
 * @owner: of GWSYNC_EVENT_SWEEP_DONE and _DIGEST, else 0
 * @walk_id: of GWSYNC_EVENT_WALK_DONE, else 0
 * @count: of flows, see &enum gwsync_event
 *
 * Kept until it was sent, after every record that was emitted before; events
 * of one kind (and owner) that wait are one.  Dropped if nobody is attached.
 *
 * Context: any.
 */
void gwsync_event_send(struct gwsync_net *gn, enum gwsync_event event, u8 owner,
		       u32 walk_id, u32 count)
{
	struct gwsync_events *ev = gn->events;

	if (event == GWSYNC_EVENT_LOST && test_bit(event, &ev->pending))
		return;

	spin_lock_bh(&ev->lock);
	switch (event) {
	case GWSYNC_EVENT_WALK_DONE:
		ev->walk_id = walk_id;
		ev->walk_count = count;
		break;
	case GWSYNC_EVENT_SWEEP_DONE:
		if (WARN_ON_ONCE(owner > GWSYNC_MEMBER_MAX))
			break;
		ev->sweep_owners |= BIT_ULL(owner);
		ev->sweep_count[owner] += count;
		break;
	case GWSYNC_EVENT_ACTIVATE_DONE:
		ev->activate_count += count;
		break;
	case GWSYNC_EVENT_SOURCE_DONE:
		ev->source_count += count;
		break;
	case GWSYNC_EVENT_DIGEST:
		ev->digest_owner = owner;
		ev->digest_count = count;
		ev->digest_seq++;
		break;
	default:
		break;
	}
	set_bit(event, &ev->pending);
	spin_unlock_bh(&ev->lock);

	gwsync_work_kick(gn);
}

static int gwsync_event_send_sweeps(struct gwsync_net *gn)
{
	struct gwsync_events *ev = gn->events;
	u32 count;
	u8 owner;
	int err;

	for (;;) {
		spin_lock_bh(&ev->lock);
		if (!ev->sweep_owners) {
			clear_bit(GWSYNC_EVENT_SWEEP_DONE, &ev->pending);
			spin_unlock_bh(&ev->lock);
			return 0;
		}
		owner = __ffs64(ev->sweep_owners);
		count = ev->sweep_count[owner];
		ev->sweep_count[owner] = 0;
		ev->sweep_owners &= ~BIT_ULL(owner);
		spin_unlock_bh(&ev->lock);

		err = gwsync_message_event(gn, GWSYNC_EVENT_SWEEP_DONE, owner, 0, count);
		if (err) {
			spin_lock_bh(&ev->lock);
			ev->sweep_owners |= BIT_ULL(owner);
			ev->sweep_count[owner] += count;
			spin_unlock_bh(&ev->lock);
			return err;
		}
	}
}

static u32 gwsync_event_take(struct gwsync_events *ev, int event)
{
	u32 count;

	switch (event) {
	case GWSYNC_EVENT_WALK_DONE:
		return ev->walk_count;
	case GWSYNC_EVENT_ACTIVATE_DONE:
		count = ev->activate_count;
		ev->activate_count = 0;
		return count;
	case GWSYNC_EVENT_SOURCE_DONE:
		count = ev->source_count;
		ev->source_count = 0;
		return count;
	case GWSYNC_EVENT_DIGEST:
		return ev->digest_count;
	default:
		return 0;
	}
}

/* It could not be sent, and waits again, with what came meanwhile. */
static void gwsync_event_again(struct gwsync_events *ev, int event, u32 count, u32 seq)
{
	spin_lock_bh(&ev->lock);
	if (event == GWSYNC_EVENT_ACTIVATE_DONE)
		ev->activate_count += count;
	if (event == GWSYNC_EVENT_SOURCE_DONE)
		ev->source_count += count;
	if (event != GWSYNC_EVENT_DIGEST || ev->digest_seq == seq)
		set_bit(event, &ev->pending);
	spin_unlock_bh(&ev->lock);
}

/**
 * gwsync_event_flush - send what waits
 * @gn: the netns
 *
 * Context: the worker, after all records of before.
 * Return: 0; negative: the socket is full or the agent has gone, and they are kept.
 */
int gwsync_event_flush(struct gwsync_net *gn)
{
	struct gwsync_events *ev = gn->events;
	u32 walk_id, count, seq;
	int event, err;
	u8 owner;

	for_each_set_bit(event, &ev->pending, GWSYNC_EVENT_SOURCE_DONE + 1) {
		if (event == GWSYNC_EVENT_SWEEP_DONE) {
			err = gwsync_event_send_sweeps(gn);
			if (err)
				return err;
			continue;
		}

		spin_lock_bh(&ev->lock);
		clear_bit(event, &ev->pending);
		walk_id = event == GWSYNC_EVENT_WALK_DONE ? ev->walk_id : 0;
		count = gwsync_event_take(ev, event);
		seq = ev->digest_seq;
		owner = event == GWSYNC_EVENT_DIGEST ? ev->digest_owner : 0;
		spin_unlock_bh(&ev->lock);

		err = gwsync_message_event(gn, event, owner, walk_id, count);
		if (err) {
			gwsync_event_again(ev, event, count, seq);
			return err;
		}
	}
	return 0;
}

/**
 * gwsync_event_forget_digest - a comparison that waits to be told is of no more use
 * @gn: the netns
 *
 * Context: any.
 */
void gwsync_event_forget_digest(struct gwsync_net *gn)
{
	struct gwsync_events *ev = gn->events;

	spin_lock_bh(&ev->lock);
	ev->digest_seq++;
	clear_bit(GWSYNC_EVENT_DIGEST, &ev->pending);
	spin_unlock_bh(&ev->lock);
}

/**
 * gwsync_event_drop - forget what waits: the agent has gone
 * @gn: the netns
 *
 * Context: process.
 */
void gwsync_event_drop(struct gwsync_net *gn)
{
	struct gwsync_events *ev = gn->events;

	spin_lock_bh(&ev->lock);
	ev->pending = 0;
	ev->activate_count = 0;
	ev->source_count = 0;
	ev->sweep_owners = 0;
	memset(ev->sweep_count, 0, sizeof(ev->sweep_count));
	spin_unlock_bh(&ev->lock);
}

int gwsync_event_net_init(struct gwsync_net *gn)
{
	gn->events = kzalloc(sizeof(*gn->events), GFP_KERNEL_ACCOUNT);
	if (!gn->events)
		return -ENOMEM;
	spin_lock_init(&gn->events->lock);
	return 0;
}

void gwsync_event_net_exit(struct gwsync_net *gn)
{
	kfree(gn->events);
}
