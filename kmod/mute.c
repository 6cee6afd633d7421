// SPDX-License-Identifier: GPL-2.0
/*
 * Own flows whose end raises no event.
 *
 * They are older than the attach, so they carry no event extension, or a rule leaves
 * DESTROY out, see gwsync_flow_is_mute().  A slow periodic walk emits them, and tells
 * when one of them has gone.
 */
#include "event.h"
#include "mute.h"
#include "owner.h"
#include "work.h"

#define GWSYNC_MUTE_INTERVAL_MS	10000

/* There are some to look after. */
static void gwsync_mute_queue(struct gwsync_net *gn)
{
	gwsync_work_later(&gn->mute.work, msecs_to_jiffies(GWSYNC_MUTE_INTERVAL_MS));
}

static void gwsync_mute_work(struct work_struct *work)
{
	struct gwsync_net *gn = container_of(to_delayed_work(work), struct gwsync_net, mute.work);

	if (gwsync_owner_is_active(gn) && gwsync_mute_count(gn)) {
		gwsync_work_ask(gn, GWSYNC_WALK_MUTE_BIT);
		gwsync_mute_queue(gn);
	}
}

/**
 * gwsync_mute_count - own flows that are mute
 * @gn: the netns
 *
 * Context: any.
 * Return: how many the last pass saw, and were told since.
 */
unsigned int gwsync_mute_count(const struct gwsync_net *gn)
{
	return READ_ONCE(gn->mute.count);
}

/**
 * gwsync_mute_note - an own flow that is mute was told
 * @gn: the netns
 *
 * Context: the worker, under emit->lock.
 */
void gwsync_mute_note(struct gwsync_net *gn)
{
	WRITE_ONCE(gn->mute.count, gn->mute.count + 1);
	gwsync_mute_queue(gn);
}

/**
 * gwsync_mute_told - a full sync has told of them
 * @gn: the netns
 * @count: so many
 *
 * Context: the worker, under emit->lock.
 */
void gwsync_mute_told(struct gwsync_net *gn, unsigned int count)
{
	WRITE_ONCE(gn->mute.count, max(gn->mute.count, count));
	if (gn->mute.count)
		gwsync_mute_queue(gn);
}

void gwsync_mute_begin(struct gwsync_net *gn)
{
	gn->mute.seen = 0;
}

/* The pass has emitted one. */
void gwsync_mute_see(struct gwsync_net *gn)
{
	gn->mute.seen++;
}

/* Mute flows that the last pass still saw may have gone without a sound. */
void gwsync_mute_done(struct gwsync_net *gn)
{
	if (gn->mute.seen < gn->mute.count)
		gwsync_event_send(gn, GWSYNC_EVENT_LOST, 0, 0, 0);
	WRITE_ONCE(gn->mute.count, gn->mute.seen);
}

void gwsync_mute_init(struct gwsync_net *gn)
{
	INIT_DELAYED_WORK(&gn->mute.work, gwsync_mute_work);
}

/* This member is not active; again when the worker has stopped, which may have set it. */
void gwsync_mute_exit(struct gwsync_net *gn)
{
	cancel_delayed_work_sync(&gn->mute.work);
}
