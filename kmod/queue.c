// SPDX-License-Identifier: GPL-2.0
/*
 * What was captured and is not emitted: dirty marks, ring entries and tombstones.
 *
 * The conntrack table is the queue: a mark on the flow, and a reference on this CPU's
 * ring; the worker emits the flow's state as it is then.  A full ring costs a walk of
 * the table, never a change.  Only flows that are gone need memory of their own, and
 * that is capped.
 */
#include <linux/memcontrol.h>
#include <linux/netlink.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <linux/vmalloc.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "event.h"
#include "flow.h"
#include "map.h"
#include "owner.h"
#include "params.h"
#include "queue.h"
#include "sum.h"
#include "work.h"

/*
 * A TCP connection that begins or ends waits so long for what comes next.  One that
 * is not established yet is begun again by its first segment, one that ends needs
 * little more; both are soon something else, and that is what is told.
 */
#define GWSYNC_WAIT		(HZ / 5)	/* jiffies */

/*
 * Its mark says until when, in the bits that hold the owner of a replica: the entry
 * of one that was told meanwhile, and waits again, must be told from the new one.
 */
#define GWSYNC_WAIT_MARK	BIT(5)
#define GWSYNC_WAIT_MARK_UNIT	DIV_ROUND_UP(GWSYNC_WAIT, 16)	/* of 32: twice as long */

/*
 * One producer (its CPU, with BH off) and one consumer (the worker).  What is in one
 * ring for a while is there equally long, so the oldest is due first.
 */
struct gwsync_ring {
	struct nf_conn	**slot;
	unsigned long	*due;	/* of each slot, in jiffies; NULL: at once */
	u32		mask;
	u32		head;
	u32		tail ____cacheline_aligned_in_smp;
};

/* Slots, in rings of the module's parameter: for hold_ms or GWSYNC_WAIT, not for flush_ms. */
static const u8 gwsync_ring_factor[GWSYNC_RINGS] = {
	[GWSYNC_RING_CHANGED]	= 1,
	[GWSYNC_RING_HELD]	= 4,
	[GWSYNC_RING_WAITING]	= 2,
};

static struct kmem_cache *gwsync_tombstone_cache;

/* Returns 0, 1 when the ring is half full by now, -ENOSPC. */
static int gwsync_ring_push(struct gwsync_net *gn, enum gwsync_ring_kind kind,
			    struct nf_conn *ct, unsigned long due)
{
	/* Pairs with the release in gwsync_ring_get(). */
	struct gwsync_ring __percpu *all = smp_load_acquire(&gn->ring[kind]);
	struct gwsync_ring *ring;
	int ret = -ENOSPC;
	u32 head, count;

	if (!all)
		return ret;

	local_bh_disable();
	ring = this_cpu_ptr(all);
	head = ring->head;
	/* Pairs with the release in gwsync_queue_pop(). */
	count = head - smp_load_acquire(&ring->tail);
	if (count <= ring->mask) {
		nf_conntrack_get(&ct->ct_general);
		ring->slot[head & ring->mask] = ct;
		if (ring->due)
			ring->due[head & ring->mask] = due;
		/* Pairs with the acquire in gwsync_queue_peek(). */
		smp_store_release(&ring->head, head + 1);
		ret = count == (ring->mask + 1) / 2;
	}
	local_bh_enable();
	return ret;
}

/* To the worker, for a mark that is set. */
static void gwsync_queue_push(struct gwsync_net *gn, struct nf_conn *ct)
{
	int ret = gwsync_ring_push(gn, GWSYNC_RING_CHANGED, ct, 0);

	if (ret < 0) {
		/* The mark stays: the walk finds it. */
		gwsync_stat_inc(gn, GWSYNC_STAT_A_RING_OVERRUN);
		gwsync_work_ask(gn, GWSYNC_WALK_DIRTY_BIT);
		return;
	}

	if (ret)
		gwsync_work_kick_now(gn);
	else
		gwsync_work_kick(gn);
}

/**
 * gwsync_queue_dirty - have a change of an own flow emitted
 * @gn: the netns of the flow
 * @ct: a confirmed flow
 * @hold: not before it is hold_ms old
 *
 * Context: any.
 */
void gwsync_queue_dirty(struct gwsync_net *gn, struct nf_conn *ct, bool hold)
{
	if (test_and_set_bit(GWSYNC_FLOW_DIRTY_BIT, &ct->status)) {
		gwsync_stat_inc(gn, GWSYNC_STAT_A_COALESCED);
		return;
	}

	if (hold && gwsync_ring_push(gn, GWSYNC_RING_HELD, ct, jiffies +
				     msecs_to_jiffies(READ_ONCE(gn->params.hold_ms))) >= 0) {
		gwsync_work_kick(gn);
		return;
	}

	gwsync_queue_push(gn, ct);
}

static unsigned long gwsync_wait_mark(unsigned long due)
{
	return (due / GWSYNC_WAIT_MARK_UNIT % GWSYNC_WAIT_MARK | GWSYNC_WAIT_MARK) <<
	       GWSYNC_FLOW_OWNER_SHIFT;
}

/**
 * gwsync_queue_waits - does a flow still wait for what an entry says?
 * @ct: a flow that gwsync_queue_peek() showed
 * @due: of the entry
 *
 * Not if it was told meanwhile, for something that could not wait.
 *
 * Context: any.
 */
bool gwsync_queue_waits(const struct nf_conn *ct, unsigned long due)
{
	unsigned long marks = gwsync_status_changed(READ_ONCE(ct->status));

	/* The worker's own, when a record could not be added. */
	return marks & BIT(GWSYNC_FLOW_DIRTY_BIT) || marks == gwsync_wait_mark(due);
}

/**
 * gwsync_queue_wait - let a change of an own flow wait for what comes next
 * @gn: the netns of the flow
 * @ct: a confirmed flow
 * @again: it may be none, and the worker must not take it for one because there was
 *	no room
 *
 * Context: any.
 * Return: false: it cannot.
 */
bool gwsync_queue_wait(struct gwsync_net *gn, struct nf_conn *ct, bool again)
{
	unsigned long due = jiffies + GWSYNC_WAIT;
	unsigned long old = READ_ONCE(ct->status);

	do {
		/* One that is adopted has a mark of its owner yet. */
		if (old & BIT(GWSYNC_FLOW_REPLICA_BIT))
			return false;
		if (gwsync_status_changed(old)) {
			gwsync_stat_inc(gn, GWSYNC_STAT_A_COALESCED);
			return true;
		}
	} while (!try_cmpxchg(&ct->status, &old, old | gwsync_wait_mark(due)));

	if (gwsync_ring_push(gn, GWSYNC_RING_WAITING, ct, due) >= 0) {
		gwsync_work_kick(gn);
		return true;
	}
	if (again)
		gwsync_queue_push(gn, ct);
	return again;
}

/**
 * gwsync_queue_mark - have a flow's state emitted
 * @gn: the netns of the flow
 * @ct: a confirmed flow; the caller holds a reference
 *
 * Context: any; the worker takes its own reference.
 */
void gwsync_queue_mark(struct gwsync_net *gn, struct nf_conn *ct)
{
	if (gwsync_owner_is_active(gn) && READ_ONCE(gn->portid))
		gwsync_queue_dirty(gn, ct, false);
}

/*
 * Most flows end in a softirq or in a kernel thread, which nobody is charged for.
 * In a netns that is not the host's it is who attached; not with GFP_ATOMIC, which
 * may go beyond the limit of a cgroup.
 */
static struct gwsync_tombstone *gwsync_tombstone_alloc(struct gwsync_net *gn)
{
	struct gwsync_tombstone *stone;
	struct mem_cgroup *old;

	if (!gn->memcg)
		return kmem_cache_alloc(gwsync_tombstone_cache, GFP_ATOMIC | __GFP_NOWARN);
	old = set_active_memcg(gn->memcg);
	stone = kmem_cache_alloc(gwsync_tombstone_cache,
				 GFP_NOWAIT | __GFP_NOWARN | __GFP_ACCOUNT);
	set_active_memcg(old);
	return stone;
}

/**
 * gwsync_queue_gone - have the end of an own flow emitted
 * @gn: the netns of the flow
 * @ct: the flow, which others were told of; its marks have gone, its number has not
 *
 * Context: any.
 */
void gwsync_queue_gone(struct gwsync_net *gn, struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *tuple = &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	const struct nf_conntrack_zone *zone = nf_ct_zone(ct);
	struct gwsync_backups backups;
	struct gwsync_tombstone *stone;

	backups = gwsync_map_lookup(gn, tuple, nf_ct_zone_id(zone, IP_CT_DIR_ORIGINAL));
	if (!backups.set) {
		gwsync_sum_clear(gn, ct);
		return;
	}

	if (atomic_inc_return(&gn->tombstone_count) > READ_ONCE(gn->params.tombstones))
		goto err_lost;

	stone = gwsync_tombstone_alloc(gn);
	if (!stone) {
		gwsync_stat_inc(gn, GWSYNC_STAT_A_ENOMEM);
		goto err_lost;
	}

	stone->tuple = *tuple;
	stone->zone = *zone;
	stone->backups = backups;
	/* It counts until the backups know: their sums change with the record. */
	stone->digest = gwsync_sum_take(ct);
	llist_add(&stone->node, &gn->tombstones);
	gwsync_stat_inc(gn, GWSYNC_STAT_A_TOMBSTONES);
	gwsync_work_kick(gn);
	return;

err_lost:
	gwsync_sum_clear(gn, ct);
	atomic_dec(&gn->tombstone_count);
	gwsync_stat_inc(gn, GWSYNC_STAT_A_TOMBSTONES_LOST);
	gwsync_event_send(gn, GWSYNC_EVENT_LOST, 0, 0, 0);
}

static void gwsync_ring_free(struct gwsync_ring __percpu *all)
{
	int cpu;

	if (!all)
		return;
	for_each_possible_cpu(cpu) {
		kvfree(per_cpu_ptr(all, cpu)->slot);
		kvfree(per_cpu_ptr(all, cpu)->due);
	}
	free_percpu(all);
}

static struct gwsync_ring __percpu *gwsync_ring_alloc(u32 size, bool delayed)
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
		if (!ring->slot)
			goto err_free;
		if (!delayed)
			continue;
		ring->due = kvcalloc(size, sizeof(*ring->due), GFP_KERNEL_ACCOUNT);
		if (!ring->due)
			goto err_free;
	}
	return all;

err_free:
	gwsync_ring_free(all);
	return NULL;
}

/* Room for flows of a kind, on all CPUs; once there it stays. */
static int gwsync_ring_get(struct gwsync_net *gn, enum gwsync_ring_kind kind)
{
	struct gwsync_ring __percpu *ring;

	if (gn->ring[kind])
		return 0;
	ring = gwsync_ring_alloc(gwsync_params_ring_size() * gwsync_ring_factor[kind],
				 kind != GWSYNC_RING_CHANGED);
	if (!ring)
		return -ENOMEM;
	/* Pairs with the acquire in gwsync_ring_push(). */
	smp_store_release(&gn->ring[kind], ring);
	return 0;
}

/**
 * gwsync_queue_hold - make room for flows that are held back
 * @gn: the netns
 * @extack: where a refusal is explained
 *
 * Called before hold_ms is set for the first time.
 *
 * Context: process, under gn->lock.
 * Return: 0, -ENOMEM.
 */
int gwsync_queue_hold(struct gwsync_net *gn, struct netlink_ext_ack *extack)
{
	lockdep_assert_held(&gn->lock);

	if (gwsync_ring_get(gn, GWSYNC_RING_HELD)) {
		NL_SET_ERR_MSG(extack, "no memory for the rings of held flows");
		return -ENOMEM;
	}
	return 0;
}

/**
 * gwsync_queue_attach - make room for what will be captured
 * @gn: the netns
 * @extack: where a refusal is explained
 *
 * Context: process, under gn->lock, before the first event.
 * Return: 0, -ENOMEM.
 */
int gwsync_queue_attach(struct gwsync_net *gn, struct netlink_ext_ack *extack)
{
	int err;

	lockdep_assert_held(&gn->lock);

	if (gwsync_ring_get(gn, GWSYNC_RING_CHANGED)) {
		NL_SET_ERR_MSG(extack, "no memory for the rings of changed flows");
		return -ENOMEM;
	}

	if (gwsync_ring_get(gn, GWSYNC_RING_WAITING)) {
		NL_SET_ERR_MSG(extack, "no memory for the rings of flows that wait");
		return -ENOMEM;
	}

	if (gn->params.hold_ms) {
		err = gwsync_queue_hold(gn, extack);
		if (err)
			return err;
	}

	if (gn->net->user_ns != &init_user_ns)
		gn->memcg = get_mem_cgroup_from_mm(current->mm);
	return 0;
}

/**
 * gwsync_queue_detach - who attached is charged no longer
 * @gn: the netns; nobody is in our events any more
 *
 * What was captured stays where it is: gwsync_worker_stop() drops it.
 *
 * Context: process.
 */
void gwsync_queue_detach(struct gwsync_net *gn)
{
	mem_cgroup_put(gn->memcg);
	gn->memcg = NULL;
}

/**
 * gwsync_queue_waiting - what was captured and is not emitted
 * @gn: the netns
 *
 * Context: process, under gn->lock.
 * Return: changed flows in the rings, delayed ones, and tombstones.  One that was
 * told before its delay was over counts until then.
 */
unsigned int gwsync_queue_waiting(struct gwsync_net *gn)
{
	unsigned int count = max(atomic_read(&gn->tombstone_count), 0);
	const struct gwsync_ring *ring;
	enum gwsync_ring_kind kind;
	int cpu;

	lockdep_assert_held(&gn->lock);

	for (kind = 0; kind < GWSYNC_RINGS; kind++) {
		if (!gn->ring[kind])
			continue;
		for_each_possible_cpu(cpu) {
			ring = per_cpu_ptr(gn->ring[kind], cpu);
			count += READ_ONCE(ring->head) - READ_ONCE(ring->tail);
		}
	}
	return count;
}

/**
 * gwsync_queue_tombstones - take the flows that are gone
 * @gn: the netns
 *
 * Context: the worker.
 * Return: &gwsync_tombstone.node of the oldest, or NULL.  Each is freed with
 * gwsync_tombstone_free().
 */
struct llist_node *gwsync_queue_tombstones(struct gwsync_net *gn)
{
	return llist_reverse_order(llist_del_all(&gn->tombstones));
}

/**
 * gwsync_tombstone_free - forget a flow that is gone
 * @gn: the netns
 * @stone: taken by gwsync_queue_tombstones()
 *
 * Context: any.
 */
void gwsync_tombstone_free(struct gwsync_net *gn, struct gwsync_tombstone *stone)
{
	gwsync_sum_sub(gn, &stone->tuple, &stone->zone, stone->digest);
	kmem_cache_free(gwsync_tombstone_cache, stone);
	atomic_dec(&gn->tombstone_count);
}

/**
 * gwsync_queue_peek - the oldest entry of a CPU's ring
 * @gn: the netns
 * @kind: which ring
 * @cpu: whose ring
 * @due: (out) when it is to be emitted, in jiffies; NULL with GWSYNC_RING_CHANGED, and
 *	where nobody asks
 *
 * Context: the worker, the only consumer.
 * Return: a flow with a reference that gwsync_queue_pop() drops, or NULL.
 */
struct nf_conn *gwsync_queue_peek(struct gwsync_net *gn, enum gwsync_ring_kind kind, int cpu,
				  unsigned long *due)
{
	/* Pairs with the release in gwsync_ring_get(). */
	struct gwsync_ring __percpu *all = smp_load_acquire(&gn->ring[kind]);
	struct gwsync_ring *ring;
	struct nf_conn *ct;

	if (!all)
		return NULL;
	ring = per_cpu_ptr(all, cpu);
	/* Pairs with the release in gwsync_ring_push(). */
	while (smp_load_acquire(&ring->head) != ring->tail) {
		ct = ring->slot[ring->tail & ring->mask];
		if (ct) {
			if (due)
				*due = ring->due[ring->tail & ring->mask];
			return ct;
		}
		/* Shed; pairs with the acquire in gwsync_ring_push(). */
		smp_store_release(&ring->tail, ring->tail + 1);
	}
	return NULL;
}

/**
 * gwsync_queue_pop - drop the entry that gwsync_queue_peek() showed
 * @gn: the netns
 * @kind: which ring
 * @cpu: whose ring
 *
 * Context: the worker, the only consumer.
 */
void gwsync_queue_pop(struct gwsync_net *gn, enum gwsync_ring_kind kind, int cpu)
{
	struct gwsync_ring *ring = per_cpu_ptr(gn->ring[kind], cpu);
	struct nf_conn *ct = ring->slot[ring->tail & ring->mask];

	/* Pairs with the acquire in gwsync_ring_push(): the slot is free. */
	smp_store_release(&ring->tail, ring->tail + 1);
	nf_ct_put(ct);
}

/* One that has ended: its tombstone says all that there is to be said. */
static void gwsync_queue_shed_slot(struct nf_conn **slot)
{
	struct nf_conn *ct = *slot;

	if (!ct || !nf_ct_is_dying(ct))
		return;
	gwsync_flow_take_change(ct);
	*slot = NULL;
	nf_ct_put(ct);
}

/**
 * gwsync_queue_shed - let go of flows that have ended
 * @gn: the netns
 *
 * While the agent does not read nothing leaves the rings, and each flow that has
 * ended and is still there takes the room of another one: nf_conntrack_max counts
 * it.  The producers write to none of the slots that are taken.
 *
 * Context: the worker, the only consumer; looks at every slot.
 */
void gwsync_queue_shed(struct gwsync_net *gn)
{
	struct gwsync_ring __percpu *all;
	enum gwsync_ring_kind kind;
	struct gwsync_ring *ring;
	u32 at, head;
	int cpu;

	for_each_possible_cpu(cpu) {
		for (kind = 0; kind < GWSYNC_RINGS; kind++) {
			/* Pairs with the release in gwsync_ring_get(). */
			all = smp_load_acquire(&gn->ring[kind]);
			if (!all)
				continue;
			ring = per_cpu_ptr(all, cpu);
			/* Pairs with the release in gwsync_ring_push(). */
			head = smp_load_acquire(&ring->head);
			for (at = ring->tail; at != head; at++)
				gwsync_queue_shed_slot(&ring->slot[at & ring->mask]);
		}
		cond_resched();
	}
}

/**
 * gwsync_queue_drain - forget everything that was captured
 * @gn: the netns; nobody is attached
 *
 * Context: process, as or instead of the worker.
 */
void gwsync_queue_drain(struct gwsync_net *gn)
{
	struct gwsync_tombstone *stone, *next;
	enum gwsync_ring_kind kind;
	struct nf_conn *ct;
	int cpu;

	llist_for_each_entry_safe(stone, next, llist_del_all(&gn->tombstones), node)
		gwsync_tombstone_free(gn, stone);

	for_each_possible_cpu(cpu) {
		for (kind = 0; kind < GWSYNC_RINGS; kind++) {
			while ((ct = gwsync_queue_peek(gn, kind, cpu, NULL))) {
				gwsync_flow_take_change(ct);
				gwsync_queue_pop(gn, kind, cpu);
			}
		}
	}
}

void gwsync_queue_net_init(struct gwsync_net *gn)
{
	init_llist_head(&gn->tombstones);
}

void gwsync_queue_net_exit(struct gwsync_net *gn)
{
	enum gwsync_ring_kind kind;

	gwsync_queue_detach(gn);
	gwsync_queue_drain(gn);
	for (kind = 0; kind < GWSYNC_RINGS; kind++)
		gwsync_ring_free(gn->ring[kind]);
	WARN_ON_ONCE(atomic_read(&gn->tombstone_count));
}

int gwsync_queue_init(void)
{
	gwsync_tombstone_cache = KMEM_CACHE(gwsync_tombstone, 0);
	return gwsync_tombstone_cache ? 0 : -ENOMEM;
}

void gwsync_queue_exit(void)
{
	kmem_cache_destroy(gwsync_tombstone_cache);
}
