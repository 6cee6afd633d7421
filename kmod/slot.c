// SPDX-License-Identifier: GPL-2.0
/*
 * The place of a netns' one notifier of conntrack events.
 *
 * ctnetlink takes it when it is loaded.  We stand in front of it, and capture.c passes
 * every event on, see gwsync_slot_take().
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/net.h>

#include "emit.h"
#include "event.h"
#include "slot.h"
#include "sum.h"
#include "work.h"

/* The slot of every attached netns, and whether ctnetlink is being loaded. */
static DEFINE_MUTEX(gwsync_slot_mutex);
static LIST_HEAD(gwsync_slot_list);
static bool gwsync_slot_yielded;

/* Swap the slot's content, if it is @old, in one step: no event finds it empty. */
static struct nf_ct_event_notifier *gwsync_slot_swap(struct gwsync_net *gn,
						     struct nf_ct_event_notifier *old,
						     struct nf_ct_event_notifier *new)
{
	return unrcu_pointer(cmpxchg(&gn->net->ct.nf_conntrack_event_cb,
				     RCU_INITIALIZER(old), RCU_INITIALIZER(new)));
}

/*
 * Stand in front of whatever is in the slot.  nf_conntrack_register_notifier()
 * warns about an occupied slot and its counterpart clears it whoever owns it:
 * between the two, events would be lost to ctnetlink's listeners and a racing
 * owner would be overwritten.  The cmpxchg has neither fault.
 */
static void gwsync_slot_take(struct gwsync_net *gn)
{
	struct nf_ct_event_notifier *found;

	lockdep_assert_held(&gwsync_slot_mutex);

	do {
		found = rcu_access_pointer(gn->net->ct.nf_conntrack_event_cb);
		if (found == &gn->notifier)
			break;
		rcu_assign_pointer(gn->prev, found);
	} while (gwsync_slot_swap(gn, found, &gn->notifier) != found);
	gn->interposed = true;
}

/* Leave the slot to @next, if it is ours; the caller waits for RCU readers. */
static void gwsync_slot_leave(struct gwsync_net *gn, struct nf_ct_event_notifier *next)
{
	lockdep_assert_held(&gwsync_slot_mutex);

	gwsync_slot_swap(gn, &gn->notifier, next);
	gn->interposed = false;
}

/* nf_conntrack_events as found, unless somebody else has changed it since. */
static void gwsync_slot_events_restore(struct gwsync_net *gn)
{
	if (READ_ONCE(gn->net->ct.sysctl_events) == 1)
		WRITE_ONCE(gn->net->ct.sysctl_events, gn->saved_events);
}

/*
 * What ended while the slot was not ours is still in the sums: they start anew.
 * Nothing gets a number of the new count before its end is heard; while ctnetlink
 * is loaded nothing is, and LIVE counts once more.
 */
static void gwsync_slot_begin(struct gwsync_net *gn)
{
	gwsync_emit_pause(gn);
	gwsync_emit_forget_digests(gn);
	mutex_lock(&gn->replica_lock);
	gwsync_sum_reset(gn);
	if (!gwsync_slot_yielded)
		gwsync_slot_take(gn);
	mutex_unlock(&gn->replica_lock);
	gwsync_emit_resume(gn);
	gwsync_sum_recount(gn);
}

/*
 * What else happened is unknown: each own flow is looked at, at once.  However many gaps
 * there are, a flow that has not changed costs the look and no record.
 */
static void gwsync_slot_gap(struct gwsync_net *gn)
{
	gwsync_stat_inc(gn, GWSYNC_STAT_A_NOTIFIER_GAPS);
	gwsync_work_ask(gn, GWSYNC_WALK_AUDIT_BIT);
	gwsync_event_send(gn, GWSYNC_EVENT_LOST, 0, 0, 0);
}

/*
 * ctnetlink registers in every netns when it is loaded and clears every slot
 * when it is removed, whoever is in it.  So step aside before it registers,
 * and stand in front of it again after; when it has gone, stand alone.
 */
static int gwsync_slot_module_event(struct notifier_block *nb, unsigned long state, void *data)
{
	const struct module *mod = data;
	struct gwsync_net *gn;

	if (strcmp(mod->name, "nf_conntrack_netlink"))
		return NOTIFY_DONE;

	mutex_lock(&gwsync_slot_mutex);
	switch (state) {
	case MODULE_STATE_COMING:
		gwsync_slot_yielded = true;
		list_for_each_entry(gn, &gwsync_slot_list, capture_list)
			gwsync_slot_leave(gn, NULL);
		synchronize_rcu();
		list_for_each_entry(gn, &gwsync_slot_list, capture_list)
			RCU_INIT_POINTER(gn->prev, NULL);
		break;
	case MODULE_STATE_LIVE:
	case MODULE_STATE_GOING:
		/* GOING follows a failed init too: the slot is then as we left it,
		 * or cleared by the unwinding of ctnetlink.
		 */
		gwsync_slot_yielded = false;
		/* Its end cleared the slot; some may still be in our events. */
		if (state == MODULE_STATE_GOING)
			synchronize_rcu();
		list_for_each_entry(gn, &gwsync_slot_list, capture_list) {
			if (state == MODULE_STATE_GOING)
				RCU_INIT_POINTER(gn->prev, NULL);
			gwsync_slot_begin(gn);
			gwsync_slot_gap(gn);
		}
		break;
	}
	mutex_unlock(&gwsync_slot_mutex);
	return NOTIFY_OK;
}

static struct notifier_block gwsync_slot_module_nb = {
	.notifier_call = gwsync_slot_module_event,
};

/**
 * gwsync_slot_attach - begin to see the events of a netns
 * @gn: the netns, with room for what is captured
 *
 * nf_conntrack_events is set to 1: at its default of 2 flows carry no event
 * extension unless somebody listens on ctnetlink (nf_ct_ecache_ext_add()).
 *
 * Context: process, under gn->lock.
 */
void gwsync_slot_attach(struct gwsync_net *gn)
{
	lockdep_assert_held(&gn->lock);

	mutex_lock(&gwsync_slot_mutex);
	gn->saved_events = READ_ONCE(gn->net->ct.sysctl_events);
	WRITE_ONCE(gn->net->ct.sysctl_events, 1);
	list_add_tail(&gn->capture_list, &gwsync_slot_list);
	gwsync_slot_begin(gn);
	mutex_unlock(&gwsync_slot_mutex);
}

/**
 * gwsync_slot_detach - put the slot and nf_conntrack_events back as found
 * @gn: the netns
 *
 * Context: process, under gn->lock; waits for RCU readers: nobody is in our events
 * after this.
 */
void gwsync_slot_detach(struct gwsync_net *gn)
{
	lockdep_assert_held(&gn->lock);

	mutex_lock(&gwsync_slot_mutex);
	if (!list_empty(&gn->capture_list)) {
		list_del_init(&gn->capture_list);
		gwsync_slot_leave(gn, rcu_access_pointer(gn->prev));
		gwsync_slot_events_restore(gn);
		synchronize_rcu();
		RCU_INIT_POINTER(gn->prev, NULL);
	}
	mutex_unlock(&gwsync_slot_mutex);
}

/**
 * gwsync_slot_look - is nf_conntrack_events still on?
 * @gn: the netns
 *
 * While it is off, or automatic and nobody listens on ctnetlink, new flows get no
 * event extension: nothing tells of them.  It is put on again, and what somebody has
 * set it to is what a detach will restore.  No end was lost: those that were told
 * before have their extension.
 *
 * Context: process; takes the mutex of the notifier's slot.
 * Return: it was off: own flows that nobody was told of must be looked for.
 */
bool gwsync_slot_look(struct gwsync_net *gn)
{
	u8 found = READ_ONCE(gn->net->ct.sysctl_events);
	bool gap = false;

	if (likely(found == 1))
		return false;

	mutex_lock(&gwsync_slot_mutex);
	if (!list_empty(&gn->capture_list)) {
		gn->saved_events = found;
		WRITE_ONCE(gn->net->ct.sysctl_events, 1);
		gwsync_stat_inc(gn, GWSYNC_STAT_A_NOTIFIER_GAPS);
		gap = true;
	}
	mutex_unlock(&gwsync_slot_mutex);
	if (gap)
		net_warn_ratelimited("nf_conntrack_events was set to %u, and is 1 again\n", found);
	return gap;
}

void gwsync_slot_net_init(struct gwsync_net *gn)
{
	INIT_LIST_HEAD(&gn->capture_list);
}

/*
 * The netns goes: ctnetlink clears the slot in its own pre_exit, before or
 * after us, so what we found there must not come back.
 */
void gwsync_slot_net_pre_exit(struct gwsync_net *gn)
{
	mutex_lock(&gwsync_slot_mutex);
	if (!list_empty(&gn->capture_list)) {
		list_del_init(&gn->capture_list);
		gwsync_slot_leave(gn, NULL);
	}
	mutex_unlock(&gwsync_slot_mutex);
	/* The core waits for RCU readers between pre_exit and exit. */
}

void gwsync_slot_net_exit(struct gwsync_net *gn)
{
	RCU_INIT_POINTER(gn->prev, NULL);
}

/**
 * gwsync_slot_stop - put every slot back as found: the module goes
 *
 * Context: process; no command and no agent's close can come any more.
 */
void gwsync_slot_stop(void)
{
	struct gwsync_net *gn, *next;

	unregister_module_notifier(&gwsync_slot_module_nb);

	mutex_lock(&gwsync_slot_mutex);
	list_for_each_entry(gn, &gwsync_slot_list, capture_list) {
		gwsync_slot_leave(gn, rcu_access_pointer(gn->prev));
		gwsync_slot_events_restore(gn);
	}
	synchronize_rcu();
	list_for_each_entry_safe(gn, next, &gwsync_slot_list, capture_list) {
		list_del_init(&gn->capture_list);
		RCU_INIT_POINTER(gn->prev, NULL);
	}
	mutex_unlock(&gwsync_slot_mutex);
}

int gwsync_slot_init(void)
{
	return register_module_notifier(&gwsync_slot_module_nb);
}
