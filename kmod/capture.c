// SPDX-License-Identifier: GPL-2.0
/*
 * Capture: what conntrack says becomes dirty marks, ring entries and tombstones.
 *
 * The conntrack table is the queue: an event sets a mark on its flow and puts
 * a reference on this CPU's ring; the worker emits the flow's state as it is
 * then.  A full ring costs a walk of the table, never a change.  Only flows
 * that are gone need memory of their own, and that is capped.
 *
 * A netns has room for one notifier, which ctnetlink takes when it is loaded.
 * We stand in front of it and pass every event on, see gwsync_slot_take().
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/log2.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <net/netfilter/nf_conntrack_expect.h>

#include "capture.h"
#include "digest.h"
#include "emit.h"
#include "filter.h"
#include "map.h"
#include "params.h"
#include "replica.h"
#include "stats.h"
#include "walk.h"

/* A flow that is held back costs a slot for hold_ms, not for flush_ms. */
#define GWSYNC_HELD_FACTOR	4

/* One producer (its CPU, with BH off) and one consumer (the worker). */
struct gwsync_ring {
	struct nf_conn	**slot;
	u32		mask;
	u32		head;
	u32		tail ____cacheline_aligned_in_smp;
};

struct gwsync_held_slot {
	struct nf_conn	*ct;
	unsigned long	due;	/* jiffies */
};

struct gwsync_held {
	struct gwsync_held_slot	*slot;
	u32			mask;
	u32			head;
	u32			tail ____cacheline_aligned_in_smp;
};

/* The slot of every attached netns, and whether ctnetlink is being loaded. */
static DEFINE_MUTEX(gwsync_slot_mutex);
static LIST_HEAD(gwsync_slot_list);
static bool gwsync_slot_yielded;

static struct kmem_cache *gwsync_tombstone_cache;

static bool gwsync_held_push(struct gwsync_net *gn, struct nf_conn *ct)
{
	/* Pairs with the release in gwsync_capture_hold(). */
	struct gwsync_held __percpu *all = smp_load_acquire(&gn->held);
	bool pushed = false;
	struct gwsync_held *held;
	u32 head;

	if (!all)
		return false;

	local_bh_disable();
	held = this_cpu_ptr(all);
	head = held->head;
	/* Pairs with the release in gwsync_capture_pop_held(). */
	if (head - smp_load_acquire(&held->tail) <= held->mask) {
		nf_conntrack_get(&ct->ct_general);
		held->slot[head & held->mask].ct = ct;
		held->slot[head & held->mask].due =
			jiffies + msecs_to_jiffies(READ_ONCE(gn->params.hold_ms));
		/* Pairs with the acquire in gwsync_capture_peek_held(). */
		smp_store_release(&held->head, head + 1);
		pushed = true;
	}
	local_bh_enable();
	return pushed;
}

static bool gwsync_ring_push(struct gwsync_net *gn, struct nf_conn *ct, bool *half)
{
	/* Pairs with the release in gwsync_capture_attach(). */
	struct gwsync_ring __percpu *all = smp_load_acquire(&gn->ring);
	bool pushed = false;
	struct gwsync_ring *ring;
	u32 head, count;

	if (!all)
		return false;

	local_bh_disable();
	ring = this_cpu_ptr(all);
	head = ring->head;
	/* Pairs with the release in gwsync_capture_pop(). */
	count = head - smp_load_acquire(&ring->tail);
	if (count <= ring->mask) {
		nf_conntrack_get(&ct->ct_general);
		ring->slot[head & ring->mask] = ct;
		/* Pairs with the acquire in gwsync_capture_peek(). */
		smp_store_release(&ring->head, head + 1);
		pushed = true;
	}
	*half = count == (ring->mask + 1) / 2;
	local_bh_enable();
	return pushed;
}

static void gwsync_capture_dirty(struct gwsync_net *gn, struct nf_conn *ct, bool hold)
{
	bool half = false;

	if (test_and_set_bit(GWSYNC_FLOW_DIRTY_BIT, &ct->status)) {
		gwsync_stat_inc(gn, GWSYNC_STAT_A_COALESCED);
		return;
	}

	if (hold && gwsync_held_push(gn, ct)) {
		gwsync_emit_kick(gn);
		return;
	}

	if (!gwsync_ring_push(gn, ct, &half)) {
		/* The mark stays: the walk finds it. */
		gwsync_stat_inc(gn, GWSYNC_STAT_A_RING_OVERRUN);
		gwsync_walk_request(gn, GWSYNC_WALK_DIRTY_BIT);
		return;
	}

	if (half)
		gwsync_emit_kick_now(gn);
	else
		gwsync_emit_kick(gn);
}

/**
 * gwsync_capture_mark - have a flow's state emitted
 * @gn: the netns of the flow
 * @ct: a confirmed flow; the caller holds a reference
 *
 * Context: any; the worker takes its own reference.
 */
void gwsync_capture_mark(struct gwsync_net *gn, struct nf_conn *ct)
{
	if (READ_ONCE(gn->active) && READ_ONCE(gn->portid))
		gwsync_capture_dirty(gn, ct, false);
}

static void gwsync_capture_tombstone(struct gwsync_net *gn, struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *tuple = &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	const struct nf_conntrack_zone *zone = nf_ct_zone(ct);
	struct gwsync_tombstone *stone;
	u64 set;

	set = gwsync_map_lookup(gn, tuple, nf_ct_zone_id(zone, IP_CT_DIR_ORIGINAL));
	if (!set) {
		gwsync_digest_clear(gn, ct);
		return;
	}

	if (atomic_inc_return(&gn->tombstone_count) > READ_ONCE(gn->params.tombstones))
		goto err_lost;

	stone = kmem_cache_alloc(gwsync_tombstone_cache, GFP_ATOMIC | __GFP_NOWARN);
	if (!stone) {
		gwsync_stat_inc(gn, GWSYNC_STAT_A_ENOMEM);
		goto err_lost;
	}

	stone->tuple = *tuple;
	stone->zone = *zone;
	stone->set = set;
	/* It counts until the backups know: their sums change with the record. */
	stone->digest = gwsync_digest_take(ct);
	llist_add(&stone->node, &gn->tombstones);
	gwsync_stat_inc(gn, GWSYNC_STAT_A_TOMBSTONES);
	gwsync_emit_kick(gn);
	return;

err_lost:
	gwsync_digest_clear(gn, ct);
	atomic_dec(&gn->tombstone_count);
	gwsync_stat_inc(gn, GWSYNC_STAT_A_TOMBSTONES_LOST);
	gwsync_event_send(gn, GWSYNC_EVENT_LOST, 0, 0, 0);
}

/*
 * A destroyed flow.  The event comes again when a listener behind us could
 * not take it: the marks that go here make the second time a no-op.
 */
static void gwsync_capture_destroy(struct gwsync_net *gn, struct nf_conn *ct)
{
	/* All marks in one step, and one look at whose it is: it may become own meanwhile. */
	unsigned long old = gwsync_flow_update(ct, GWSYNC_REPLICA_MARKS |
					       BIT(GWSYNC_FLOW_ANNOUNCED_BIT), 0);
	bool own = gwsync_status_is_own(gn, old);
	bool told = old & BIT(GWSYNC_FLOW_ANNOUNCED_BIT);

	if (gwsync_status_is_removed(old))
		return;

	if (told)
		atomic64_dec(&gn->announced);

	if (old & BIT(GWSYNC_FLOW_REPLICA_BIT)) {
		atomic64_dec(&gn->replicas);
		if (own) {
			told = true; /* by the owner that we took over from */
		} else {
			gwsync_digest_clear(gn, ct);
			gwsync_stat_inc(gn, GWSYNC_STAT_A_EVENTS_REPLICA);
			gwsync_stat_inc(gn, GWSYNC_STAT_A_REPLICAS_LOST);
		}
	}

	if (!own || !READ_ONCE(gn->active)) {
		if (told)
			gwsync_digest_clear(gn, ct);
		return;
	}

	gwsync_stat_inc(gn, GWSYNC_STAT_A_EVENTS);
	if (told)
		gwsync_capture_tombstone(gn, ct);
}

/* @portid: of the netlink socket that has caused it, 0: a packet or a clock. */
static void gwsync_capture_event(struct gwsync_net *gn, unsigned int events, struct nf_conn *ct,
				 u32 portid)
{
	bool fresh = events & (BIT(IPCT_NEW) | BIT(IPCT_RELATED));

	if (events & BIT(IPCT_DESTROY)) {
		gwsync_capture_destroy(gn, ct);
		return;
	}

	if (!gwsync_flow_is_own(gn, ct)) {
		gwsync_stat_inc(gn, GWSYNC_STAT_A_EVENTS_REPLICA);
		/* What we do to a replica raises none. */
		gwsync_digest_spoil(gn, ct);
		return;
	}

	if (!READ_ONCE(gn->active)) {
		if (fresh && portid && !test_bit(GWSYNC_FLOW_ANNOUNCED_BIT, &ct->status))
			gwsync_digest_foreign(gn, ct);
		return;
	}

	/*
	 * The loser of a race of two first packets: for a second it stands
	 * beside the real flow, with the same original tuple.
	 */
	if (test_bit(IPS_NAT_CLASH_BIT, &ct->status))
		return;

	gwsync_stat_inc(gn, GWSYNC_STAT_A_EVENTS);

	/* The change first: the worker looks at the flow after it took the mark. */
	smp_mb();
	if (test_bit(GWSYNC_FLOW_DIRTY_BIT, &ct->status)) {
		gwsync_stat_inc(gn, GWSYNC_STAT_A_COALESCED);
		return;
	}

	/* One that was announced must be taken back: that is the worker's. */
	if (!test_bit(GWSYNC_FLOW_ANNOUNCED_BIT, &ct->status) && gwsync_filter_match(gn, ct)) {
		if (fresh)
			gwsync_stat_inc(gn, GWSYNC_STAT_A_FILTERED);
		return;
	}

	gwsync_capture_dirty(gn, ct, fresh && READ_ONCE(gn->params.hold_ms));
}

static int gwsync_ct_event(unsigned int events, const struct nf_ct_event *item)
{
	struct gwsync_net *gn = gwsync_pernet(nf_ct_net(item->ct));
	const struct nf_ct_event_notifier *prev;

	gwsync_capture_event(gn, events, item->ct, item->portid);

	prev = rcu_dereference(gn->prev);
	return prev ? prev->ct_event(events, item) : 0;
}

/* An expectation is part of its master's record. */
static int gwsync_exp_event(unsigned int events, const struct nf_exp_event *item)
{
	struct gwsync_net *gn = gwsync_pernet(nf_ct_exp_net(item->exp));
	const struct nf_ct_event_notifier *prev;
	struct nf_conn *ct = item->exp->master;

	/*
	 * The master may be on its last way out, or not in the table yet.  The
	 * order matters: we are called under nf_conntrack_expect_lock, which
	 * the last nf_ct_put() would take.  A master that is not dying stays in
	 * the table, and so referenced, until clean_from_lists() gets the lock.
	 */
	if (READ_ONCE(gn->active) && nf_ct_is_confirmed(ct) && !nf_ct_is_dying(ct) &&
	    !test_bit(IPS_NAT_CLASH_BIT, &ct->status) && gwsync_flow_is_own(gn, ct) &&
	    refcount_inc_not_zero(&ct->ct_general.use)) {
		gwsync_stat_inc(gn, GWSYNC_STAT_A_EVENTS);
		if (test_bit(GWSYNC_FLOW_ANNOUNCED_BIT, &ct->status) ||
		    !gwsync_filter_match(gn, ct))
			gwsync_capture_dirty(gn, ct, false);
		nf_ct_put(ct);
	}

	prev = rcu_dereference(gn->prev);
	return prev && prev->exp_event ? prev->exp_event(events, item) : 0;
}

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
	mutex_lock(&gn->replica_lock);
	gwsync_digest_reset(gn);
	if (!gwsync_slot_yielded)
		gwsync_slot_take(gn);
	mutex_unlock(&gn->replica_lock);
	gwsync_emit_resume(gn);
	gwsync_digest_recount(gn);
}

/* What else happened is unknown. */
static void gwsync_slot_gap(struct gwsync_net *gn)
{
	gwsync_stat_inc(gn, GWSYNC_STAT_A_NOTIFIER_GAPS);
	gwsync_walk_request(gn, GWSYNC_WALK_RESEND_BIT);
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

static void gwsync_ring_free(struct gwsync_ring __percpu *all)
{
	int cpu;

	if (!all)
		return;
	for_each_possible_cpu(cpu)
		kvfree(per_cpu_ptr(all, cpu)->slot);
	free_percpu(all);
}

static struct gwsync_ring __percpu *gwsync_ring_alloc(u32 size)
{
	struct gwsync_ring __percpu *all;
	struct gwsync_ring *ring;
	int cpu;

	all = alloc_percpu_gfp(struct gwsync_ring, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!all)
		return NULL;

	for_each_possible_cpu(cpu) {
		ring = per_cpu_ptr(all, cpu);
		ring->mask = size - 1;
		ring->slot = kvcalloc(size, sizeof(*ring->slot), GFP_KERNEL_ACCOUNT);
		if (!ring->slot) {
			gwsync_ring_free(all);
			return NULL;
		}
	}
	return all;
}

static void gwsync_held_free(struct gwsync_held __percpu *all)
{
	int cpu;

	if (!all)
		return;
	for_each_possible_cpu(cpu)
		kvfree(per_cpu_ptr(all, cpu)->slot);
	free_percpu(all);
}

static struct gwsync_held __percpu *gwsync_held_alloc(u32 size)
{
	struct gwsync_held __percpu *all;
	struct gwsync_held *held;
	int cpu;

	all = alloc_percpu_gfp(struct gwsync_held, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!all)
		return NULL;

	for_each_possible_cpu(cpu) {
		held = per_cpu_ptr(all, cpu);
		held->mask = size - 1;
		held->slot = kvcalloc(size, sizeof(*held->slot), GFP_KERNEL_ACCOUNT);
		if (!held->slot) {
			gwsync_held_free(all);
			return NULL;
		}
	}
	return all;
}

/**
 * gwsync_capture_hold - make room for flows that are held back
 * @gn: the netns
 * @extack: where a refusal is explained
 *
 * Called before hold_ms is set for the first time.
 *
 * Context: process, under gn->lock.
 * Return: 0, -ENOMEM.
 */
int gwsync_capture_hold(struct gwsync_net *gn, struct netlink_ext_ack *extack)
{
	struct gwsync_held __percpu *held;

	lockdep_assert_held(&gn->lock);

	if (gn->held)
		return 0;

	held = gwsync_held_alloc(gwsync_params_ring_size() * GWSYNC_HELD_FACTOR);
	if (!held) {
		NL_SET_ERR_MSG(extack, "no memory for the rings of held flows");
		return -ENOMEM;
	}
	/* Pairs with the acquire in gwsync_held_push(). */
	smp_store_release(&gn->held, held);
	return 0;
}

/**
 * gwsync_capture_attach - begin to see the events of a netns
 * @gn: the netns
 * @extack: where a refusal is explained
 *
 * nf_conntrack_events is set to 1: at its default of 2 flows carry no event
 * extension unless somebody listens on ctnetlink (nf_ct_ecache_ext_add()).
 *
 * Context: process, under gn->lock.
 * Return: 0, -ENOMEM.
 */
int gwsync_capture_attach(struct gwsync_net *gn, struct netlink_ext_ack *extack)
{
	struct gwsync_ring __percpu *ring;
	int err;

	lockdep_assert_held(&gn->lock);

	if (!gn->ring) {
		ring = gwsync_ring_alloc(gwsync_params_ring_size());
		if (!ring) {
			NL_SET_ERR_MSG(extack, "no memory for the rings of changed flows");
			return -ENOMEM;
		}
		/* Pairs with the acquire in gwsync_ring_push(). */
		smp_store_release(&gn->ring, ring);
	}

	if (gn->params.hold_ms) {
		err = gwsync_capture_hold(gn, extack);
		if (err)
			return err;
	}

	mutex_lock(&gwsync_slot_mutex);
	gn->saved_events = READ_ONCE(gn->net->ct.sysctl_events);
	WRITE_ONCE(gn->net->ct.sysctl_events, 1);
	list_add_tail(&gn->capture_list, &gwsync_slot_list);
	gwsync_slot_begin(gn);
	mutex_unlock(&gwsync_slot_mutex);
	return 0;
}

/**
 * gwsync_capture_detach - put the slot and nf_conntrack_events back as found
 * @gn: the netns
 *
 * What was captured stays where it is: gwsync_emit_stop() drops it.
 *
 * Context: process, under gn->lock; waits for RCU readers.
 */
void gwsync_capture_detach(struct gwsync_net *gn)
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
 * gwsync_capture_waiting - what was captured and is not emitted
 * @gn: the netns
 *
 * Context: process, under gn->lock.
 * Return: changed flows in the rings, held ones, and tombstones.
 */
unsigned int gwsync_capture_waiting(struct gwsync_net *gn)
{
	unsigned int count = max(atomic_read(&gn->tombstone_count), 0);
	int cpu;

	lockdep_assert_held(&gn->lock);

	for_each_possible_cpu(cpu) {
		if (gn->ring) {
			const struct gwsync_ring *ring = per_cpu_ptr(gn->ring, cpu);

			count += READ_ONCE(ring->head) - READ_ONCE(ring->tail);
		}
		if (gn->held) {
			const struct gwsync_held *held = per_cpu_ptr(gn->held, cpu);

			count += READ_ONCE(held->head) - READ_ONCE(held->tail);
		}
	}
	return count;
}

/**
 * gwsync_capture_tombstones - take the flows that are gone
 * @gn: the netns
 *
 * Context: the worker.
 * Return: &gwsync_tombstone.node of the oldest, or NULL.  Each is freed with
 * gwsync_tombstone_free().
 */
struct llist_node *gwsync_capture_tombstones(struct gwsync_net *gn)
{
	return llist_reverse_order(llist_del_all(&gn->tombstones));
}

/**
 * gwsync_tombstone_free - forget a flow that is gone
 * @gn: the netns
 * @stone: taken by gwsync_capture_tombstones()
 *
 * Context: any.
 */
void gwsync_tombstone_free(struct gwsync_net *gn, struct gwsync_tombstone *stone)
{
	gwsync_digest_sub(gn, &stone->tuple, &stone->zone, stone->digest);
	kmem_cache_free(gwsync_tombstone_cache, stone);
	atomic_dec(&gn->tombstone_count);
}

/**
 * gwsync_capture_peek - the oldest entry of a CPU's ring
 * @gn: the netns
 * @cpu: whose ring
 *
 * Context: the worker, the only consumer.
 * Return: a flow with a reference that gwsync_capture_pop() drops, or NULL.
 */
struct nf_conn *gwsync_capture_peek(struct gwsync_net *gn, int cpu)
{
	/* Pairs with the release in gwsync_capture_attach(). */
	struct gwsync_ring __percpu *all = smp_load_acquire(&gn->ring);
	struct gwsync_ring *ring;

	if (!all)
		return NULL;
	ring = per_cpu_ptr(all, cpu);
	/* Pairs with the release in gwsync_ring_push(). */
	if (smp_load_acquire(&ring->head) == ring->tail)
		return NULL;
	return ring->slot[ring->tail & ring->mask];
}

/**
 * gwsync_capture_pop - drop the entry that gwsync_capture_peek() showed
 * @gn: the netns
 * @cpu: whose ring
 *
 * Context: the worker, the only consumer.
 */
void gwsync_capture_pop(struct gwsync_net *gn, int cpu)
{
	struct gwsync_ring *ring = per_cpu_ptr(gn->ring, cpu);
	struct nf_conn *ct = ring->slot[ring->tail & ring->mask];

	/* Pairs with the acquire in gwsync_ring_push(): the slot is free. */
	smp_store_release(&ring->tail, ring->tail + 1);
	nf_ct_put(ct);
}

/**
 * gwsync_capture_peek_held - the flow that a CPU has held back longest
 * @gn: the netns
 * @cpu: whose ring
 * @due: (out) when it is to be emitted, in jiffies
 *
 * Context: the worker, the only consumer.
 * Return: a flow with a reference that gwsync_capture_pop_held() drops, or NULL.
 */
struct nf_conn *gwsync_capture_peek_held(struct gwsync_net *gn, int cpu, unsigned long *due)
{
	/* Pairs with the release in gwsync_capture_hold(). */
	struct gwsync_held __percpu *all = smp_load_acquire(&gn->held);
	struct gwsync_held *held;

	if (!all)
		return NULL;
	held = per_cpu_ptr(all, cpu);
	/* Pairs with the release in gwsync_held_push(). */
	if (smp_load_acquire(&held->head) == held->tail)
		return NULL;
	*due = held->slot[held->tail & held->mask].due;
	return held->slot[held->tail & held->mask].ct;
}

/**
 * gwsync_capture_pop_held - drop what gwsync_capture_peek_held() showed
 * @gn: the netns
 * @cpu: whose ring
 *
 * Context: the worker, the only consumer.
 */
void gwsync_capture_pop_held(struct gwsync_net *gn, int cpu)
{
	struct gwsync_held *held = per_cpu_ptr(gn->held, cpu);
	struct nf_conn *ct = held->slot[held->tail & held->mask].ct;

	/* Pairs with the acquire in gwsync_held_push(): the slot is free. */
	smp_store_release(&held->tail, held->tail + 1);
	nf_ct_put(ct);
}

/**
 * gwsync_capture_drain - forget everything that was captured
 * @gn: the netns; nobody is attached
 *
 * Context: process, as or instead of the worker.
 */
void gwsync_capture_drain(struct gwsync_net *gn)
{
	struct gwsync_tombstone *stone, *next;
	struct nf_conn *ct;
	unsigned long due;
	int cpu;

	llist_for_each_entry_safe(stone, next, llist_del_all(&gn->tombstones), node)
		gwsync_tombstone_free(gn, stone);

	for_each_possible_cpu(cpu) {
		while ((ct = gwsync_capture_peek(gn, cpu))) {
			clear_bit(GWSYNC_FLOW_DIRTY_BIT, &ct->status);
			gwsync_capture_pop(gn, cpu);
		}
		while ((ct = gwsync_capture_peek_held(gn, cpu, &due))) {
			clear_bit(GWSYNC_FLOW_DIRTY_BIT, &ct->status);
			gwsync_capture_pop_held(gn, cpu);
		}
	}
}

void gwsync_capture_net_init(struct gwsync_net *gn)
{
	INIT_LIST_HEAD(&gn->capture_list);
	init_llist_head(&gn->tombstones);
	gn->notifier.ct_event = gwsync_ct_event;
	gn->notifier.exp_event = gwsync_exp_event;
}

/*
 * The netns goes: ctnetlink clears the slot in its own pre_exit, before or
 * after us, so what we found there must not come back.
 */
void gwsync_capture_net_pre_exit(struct gwsync_net *gn)
{
	mutex_lock(&gwsync_slot_mutex);
	if (!list_empty(&gn->capture_list)) {
		list_del_init(&gn->capture_list);
		gwsync_slot_leave(gn, NULL);
	}
	mutex_unlock(&gwsync_slot_mutex);
	/* The core waits for RCU readers between pre_exit and exit. */
}

void gwsync_capture_net_exit(struct gwsync_net *gn)
{
	RCU_INIT_POINTER(gn->prev, NULL);
	gwsync_capture_drain(gn);
	gwsync_ring_free(gn->ring);
	gwsync_held_free(gn->held);
	WARN_ON_ONCE(atomic_read(&gn->tombstone_count));
}

/**
 * gwsync_capture_stop - put every slot back as found: the module goes
 *
 * Context: process; no command and no agent's close can come any more.
 */
void gwsync_capture_stop(void)
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

int gwsync_capture_init(void)
{
	int err;

	gwsync_tombstone_cache = KMEM_CACHE(gwsync_tombstone, SLAB_ACCOUNT);
	if (!gwsync_tombstone_cache)
		return -ENOMEM;

	err = register_module_notifier(&gwsync_slot_module_nb);
	if (err)
		kmem_cache_destroy(gwsync_tombstone_cache);
	return err;
}

void gwsync_capture_exit(void)
{
	kmem_cache_destroy(gwsync_tombstone_cache);
}
