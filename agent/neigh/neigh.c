// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <linux/neighbour.h>

#include "base/container.h"
#include "base/log.h"
#include "base/loop.h"
#include "config/address.h"
#include "neigh/kernel.h"
#include "neigh/limit.h"
#include "neigh/place.h"
#include "neigh/removal.h"
#include "neigh/resync.h"
#include "neigh/wanted.h"
#include "wire/frame.h"

#define VALID_STATES	(NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE)

#define READS		16		/* of events, before the loop has its turn */
#define READS_GATE	1024		/* before an activation */
#define REPAIR_NS	(100 * NSEC_PER_MSEC)
#define TICK_NS		NSEC_PER_SEC
#define RETIRE_A_TICK	500
#define RETRY_NS	(10 * NSEC_PER_SEC)	/* what the kernel refused */
#define QUIET_NS	NSEC_PER_SEC	/* interfaces go down after a change of role */

/* For what is asked of the kernel, which waits for rtnl: in a turn of the loop, and at the
 * gate.
 */
#define WORK_NS		(20 * NSEC_PER_MSEC)	/* from one turn to the next */
#define WORK_TURN_NS	(5 * NSEC_PER_MSEC)
#define WORK_GATE_NS	(20 * NSEC_PER_MSEC)

/* Of an entry, in its note, below what is in wanted.h. */
enum note {
	NOTE_INSTALLED	= 1 << 0,	/* the kernel has it from us, and not by itself */
	NOTE_GONE	= 1 << 1,	/* the kernel forgot it, at note_ns */
	NOTE_SEEN	= 1 << 2,	/* since the last dump began */
	NOTE_OWN	= 1 << 3,	/* this backup's kernel knows it by itself */
	NOTE_REFUSED	= 1 << 4,	/* the kernel did not take it, and is asked again */
};

struct neigh {
	struct loop		*loop;
	struct neigh_ops	ops;
	struct store		*store;
	struct neigh_kernel	kernel;
	struct loop_fd		fd;
	struct loop_timer	timer;
	struct places		places;

	bool			active;
	uint64_t		active_ns;
	bool			moved;		/* a place is */
	struct resync		resync;
	struct wanted		wanted;
	struct removals		removals;
	uint64_t		work_ns;	/* nothing is asked for before, see QUIET_NS */
	uint64_t		retry_ns;	/* one is NOTE_REFUSED until then, 0: none */
	uint64_t		slow_ns;	/* what is done once in TICK_NS is due */
	bool			lingering;	/* one is NOTE_GONE */
	bool			retired;	/* none is NOTE_INSTALLED, as owner */
	uint32_t		retire;		/* cursor */
	struct limits		limits;
	struct neigh_counts	counts;
};

/* Into what the kernel is asked by; false: its interface is not here. */
static bool target_of(const struct neigh *n, const struct store_item *item,
		      struct neigh_target *target, enum neigh_role *role)
{
	const struct place *place = places_by_key(&n->places, item->key);

	if (!place || !place->ifindex)
		return false;
	memset(target, 0, sizeof(*target));
	target->id = item->id;
	target->ifindex = place->ifindex;
	target->family = neigh_key_family(item->key);
	memcpy(target->addr, neigh_key_addr(item->key), address_bytes(target->family));
	memcpy(target->mac, item->value + 2, 6);
	target->router = item->value[0] & NEIGH_ROUTER;
	*role = place->role;
	return true;
}

static void tick_in(struct neigh *n, uint64_t delay_ns)
{
	if (!n->timer.due_ns || n->timer.due_ns > loop_clock() + delay_ns)
		loop_timer_in(n->loop, &n->timer, delay_ns);
}

static void dump_in(struct neigh *n, uint64_t wait_ns)
{
	if (wait_ns != UINT64_MAX)
		tick_in(n, wait_ns);
}

static void dump_lost(struct neigh *n)
{
	dump_in(n, resync_lost(&n->resync, loop_clock(), REPAIR_NS));
}

/* Replicas */

static void mark_installed(struct neigh *n, const struct store_item *item, bool installed)
{
	if (installed == !!(*item->note & NOTE_INSTALLED))
		return;
	*item->note ^= NOTE_INSTALLED;
	n->counts.installed += installed ? 1 : -1U;
}

static void want(struct neigh *n, const struct store_item *item, enum want what)
{
	wanted_add(&n->wanted, item, what);
	tick_in(n, WORK_NS);
}

/* One that is not in the kernel as it should be. */
static void mark_missing(struct neigh *n, const struct store_item *item)
{
	mark_installed(n, item, false);
	*item->note &= ~NOTE_OWN;
	if (!n->active)
		want(n, item, WANT_INSTALL);
}

/* Replicas yield to what the kernel has by itself, on an interface that it uses. */
static void install(struct neigh *n, const struct store_item *item, bool replace)
{
	struct neigh_target target;
	enum neigh_role role;

	if (!target_of(n, item, &target, &role)) {
		mark_installed(n, item, false);
		return;
	}
	mark_installed(n, item, true);
	*item->note &= ~(NOTE_OWN | NOTE_REFUSED);
	neigh_kernel_install(&n->kernel, &target,
			     n->active || (role == NEIGH_PARENT && !replace));
}

static void confirm(struct neigh *n, const struct store_item *item)
{
	struct neigh_target target;
	enum neigh_role role;

	if (target_of(n, item, &target, &role))
		neigh_kernel_confirm(&n->kernel, &target);
}

static void entry_put(void *of, const struct store_item *item)
{
	want(of, item, WANT_INSTALL);
}

static void removal_add(struct neigh *n, const struct neigh_target *target)
{
	if (removals_add(&n->removals, target))
		tick_in(n, WORK_NS);
	else		/* a dump finds it */
		dump_in(n, resync_later(&n->resync, loop_clock(), REPAIR_NS));
}

static void entry_del(void *of, const struct store_item *item)
{
	struct neigh_target target;
	struct neigh *n = of;
	enum neigh_role role;

	wanted_drop(&n->wanted, item, WANT_ANY);
	if (!(*item->note & NOTE_INSTALLED))
		return;
	mark_installed(n, item, false);
	if (target_of(n, item, &target, &role))
		removal_add(n, &target);
}

static void entries_ready(void *of)
{
	struct neigh *n = of;

	if (n->ops.ready)
		n->ops.ready(n->ops.arg);
}

static void entries_swept(void *of, uint8_t owner, uint32_t count)
{
	struct neigh *n = of;

	if (n->ops.swept)
		n->ops.swept(n->ops.arg, owner, count);
}

static void entries_compared(void *of, uint8_t owner, uint32_t differing)
{
	struct neigh *n = of;

	if (n->ops.compared)
		n->ops.compared(n->ops.arg, owner, differing);
}

static const struct store_ops entry_ops = {
	.name = "neighbours", .valid = neigh_record_valid, .put = entry_put, .del = entry_del,
	.ready = entries_ready, .swept = entries_swept, .compared = entries_compared,
};

/* What was in the kernel went with the interface.  Of all at once: they often move together. */
static void entries_moved(struct neigh *n)
{
	struct store_item item;
	uint32_t cursor = 0;
	unsigned int i;

	if (!n->moved)
		return;
	n->moved = false;
	while (store_each(n->store, &cursor, &item)) {
		const struct place *place = places_by_key(&n->places, item.key);

		if (place && place->moved)
			mark_missing(n, &item);
	}
	for (i = 0; i < n->places.count; i++)
		n->places.place[i].moved = false;
}

static void wanted_ask(void *arg, const struct store_item *item, uint32_t what)
{
	struct neigh *n = arg;

	if (what & (WANT_INSTALL | WANT_REPLACE))
		install(n, item, what & WANT_REPLACE);
	else
		confirm(n, item);
}

static void wanted_flush(void *arg)
{
	struct neigh *n = arg;

	neigh_kernel_flush(&n->kernel);
}

/* Return: false if there was no time for all of them. */
static bool work_off_wanted(struct neigh *n, uint64_t until_ns)
{
	static const struct wanted_ops ops = {
		.ask = wanted_ask, .flush = wanted_flush, .once = NEIGH_KERNEL_ONCE,
	};

	return wanted_work_off(&n->wanted, n->store, &ops, n, until_ns);
}

static void retry_refused(struct neigh *n)
{
	struct store_item item;
	uint32_t cursor = 0;

	n->retry_ns = 0;
	while (store_each(n->store, &cursor, &item)) {
		if (!(*item.note & NOTE_REFUSED))
			continue;
		*item.note &= ~NOTE_REFUSED;
		want(n, &item, WANT_INSTALL);
	}
}

/* What the kernel tells */

static void seen_target(const struct neigh_seen *seen, struct neigh_target *target)
{
	memset(target, 0, sizeof(*target));
	target->ifindex = seen->ifindex;
	target->family = seen->family;
	memcpy(target->addr, seen->addr, 16);
}

/* On a backup: which replicas are there, and whether there are others of ours. */
static void seen_as_backup(struct neigh *n, const struct place *place,
			   const struct neigh_seen *seen, const struct store_item *item)
{
	struct neigh_target target;

	if (seen->gone) {
		if (item)
			mark_missing(n, item);
	} else if (item) {
		*item->note |= NOTE_SEEN;
		if (seen->ours)
			return;
		if (place->role == NEIGH_PARENT && seen->state & (VALID_STATES | NUD_PERMANENT)) {
			mark_installed(n, item, false);
			wanted_drop(&n->wanted, item, WANT_ANY);
			*item->note |= NOTE_OWN;
		} else {
			want(n, item, WANT_REPLACE);
		}
	} else if (seen->ours) {
		n->counts.former++;
		seen_target(seen, &target);
		removal_add(n, &target);
	}
}

static bool seen_is_learned(const struct neigh *n, const struct place *place,
			    const struct neigh_seen *seen)
{
	if (seen->proxy || !(seen->state & VALID_STATES) || !seen->has_mac ||
	    !neigh_mac_is_hosts(seen->mac) || !memcmp(seen->mac, place->mac, 6) ||
	    address_unfit(seen->family, seen->addr, 8 * address_bytes(seen->family)))
		return false;
	/* Somebody else's program says so: it will say so on the other member too. */
	if (seen->external && !seen->ours)
		return false;
	return !n->ops.own || !n->ops.own(n->ops.arg, seen->family, seen->addr);
}

static void forget(struct neigh *n, const struct store_item *item)
{
	mark_installed(n, item, false);
	wanted_drop(&n->wanted, item, WANT_ANY);
	store_del(n->store, item->key, item->key_len);
}

/* One that is to be forgotten if it does not come back. */
static void linger(struct neigh *n, const struct store_item *item)
{
	mark_installed(n, item, false);
	*item->note |= NOTE_GONE;
	*item->note_ns = loop_clock();
	n->lingering = true;
	tick_in(n, TICK_NS);
}

static void learn(struct neigh *n, const struct neigh_key *key, const struct neigh_seen *seen,
		  const struct store_item *held)
{
	uint8_t value[NEIGH_VALUE] = { seen->router ? NEIGH_ROUTER : 0 };
	struct store_item item;

	memcpy(value + 2, seen->mac, 6);
	if (held && memcmp(held->value + 2, seen->mac, 6))
		n->counts.moved++;
	if (!held)
		n->counts.learned++;
	if (store_put(n->store, key->bytes, key->len, value, sizeof(value)) ||
	    !store_find(n->store, key->bytes, key->len, &item))
		return;
	*item.note |= NOTE_SEEN;
	*item.note &= ~NOTE_GONE;
	mark_installed(n, &item, seen->ours);
	wanted_drop(&n->wanted, &item, WANT_ANY);
	if (seen->ours && seen->state & NUD_REACHABLE)
		want(n, &item, WANT_CONFIRM);
}

static void seen_as_owner(struct neigh *n, const struct place *place, const struct neigh_key *key,
			  const struct neigh_seen *seen, const struct store_item *item)
{
	struct neigh_target target;

	seen_target(seen, &target);
	if (seen->gone) {
		if (item && !(*item->note & NOTE_GONE))
			linger(n, item);
	} else if (seen->ours && !item) {
		/* It was not here when this member took over: of a former life. */
		n->counts.former++;
		removal_add(n, &target);
	} else if (seen_is_learned(n, place, seen)) {
		learn(n, key, seen, item);
	} else if (item && seen->state & NUD_INCOMPLETE) {
		*item->note |= NOTE_SEEN;	/* it is asked for just now */
	} else if (item) {
		n->counts.failed += !!(seen->state & NUD_FAILED);
		forget(n, item);
		/* The kernel would keep it for ever, as external. */
		if (seen->ours)
			removal_add(n, &target);
	}
}

static void place_key(const struct place *place, const struct neigh_seen *seen,
		      struct neigh_key *key)
{
	neigh_key_write(key, place->id, place->vrid, place->role, seen->family, seen->addr);
}

static void kernel_seen(void *arg, const struct neigh_seen *seen)
{
	struct neigh *n = arg;
	struct place *place = places_by_index(&n->places, seen->ifindex);
	struct store_item item;
	struct neigh_key key;
	bool held;

	if (!place || !place->ifindex)
		return;
	place_key(place, seen, &key);
	held = store_find(n->store, key.bytes, key.len, &item);
	if (n->active)
		seen_as_owner(n, place, &key, seen, held ? &item : NULL);
	else
		seen_as_backup(n, place, seen, held ? &item : NULL);
}

static void kernel_dumped(void *arg, bool whole)
{
	struct store_item item;
	struct neigh *n = arg;
	uint32_t cursor = 0;

	resync_end(&n->resync, loop_clock());
	if (!whole) {
		dump_lost(n);
		return;
	}
	while (store_each(n->store, &cursor, &item)) {
		if (*item.note & NOTE_SEEN)
			continue;
		if (n->active && !(*item.note & (NOTE_GONE | WANT_INSTALL)))
			linger(n, &item);
		else if (!n->active && *item.note & NOTE_INSTALLED)
			mark_missing(n, &item);
	}
}

static void kernel_lost(void *arg)
{
	struct neigh *n = arg;

	n->counts.lost++;
	dump_lost(n);
}

static void kernel_refused(void *arg, uint32_t id, int err)
{
	struct neigh *n = arg;
	struct store_item item;

	if (!store_get(n->store, id, &item))
		return;
	/* The kernel has it; where it is an owner's all the same, and given to it later. */
	if (err == -EEXIST && n->active)
		return;
	mark_installed(n, &item, false);
	if (err == -EEXIST) {
		/* By itself; whether it is of use, a dump says. */
		*item.note |= NOTE_OWN;
		n->resync.due = true;
	} else if (!n->active) {
		/* Not again at once: it will not be taken then either. */
		*item.note |= NOTE_REFUSED;
		if (!n->retry_ns)
			n->retry_ns = loop_clock() + RETRY_NS;
	}
}

static void dump(struct neigh *n)
{
	struct store_item item;
	uint32_t cursor = 0;

	/* What waits to be removed would be found once more. */
	if (n->kernel.dumping || n->kernel.congested || n->removals.count)
		return;
	while (store_each(n->store, &cursor, &item))
		*item.note &= ~NOTE_SEEN;
	if (!neigh_kernel_dump(&n->kernel))
		resync_begin(&n->resync, loop_clock());
}

static void events_ready(struct loop_fd *fd, uint32_t events)
{
	struct neigh *n = container_of(fd, struct neigh, fd);

	(void)events;
	neigh_kernel_read(&n->kernel, READS);
}

/* Timer */

/* Those that the kernel forgot a while ago, though it could hear of them all the time: a
 * cable that is back has not brought them yet.
 */
static bool is_forgotten(const struct place *place, uint64_t now_ns, uint64_t gone_ns)
{
	if (!place || !place->running)
		return elapsed_ns(now_ns, gone_ns) >= NEIGH_AWAY_S * NSEC_PER_SEC;
	if (place->running_ns > gone_ns)
		gone_ns = place->running_ns;
	return elapsed_ns(now_ns, gone_ns) >= NEIGH_LINGER_MS * NSEC_PER_MSEC;
}

static void forget_gone(struct neigh *n, uint64_t now_ns)
{
	struct store_item item;
	uint32_t cursor = 0;

	n->lingering = false;
	while (store_each(n->store, &cursor, &item)) {
		if (!(*item.note & NOTE_GONE))
			continue;
		n->lingering = true;
		if (is_forgotten(places_by_key(&n->places, item.key), now_ns, *item.note_ns))
			forget(n, &item);
	}
}

/* What nobody used since the takeover is for the kernel to keep, or not. */
static void retire(struct neigh *n)
{
	unsigned int count = 0;
	struct store_item item;

	while (count < RETIRE_A_TICK) {
		struct neigh_target target;
		enum neigh_role role;

		if (!store_each(n->store, &n->retire, &item)) {
			n->retired = true;
			return;
		}
		if (!(*item.note & NOTE_INSTALLED) || !target_of(n, &item, &target, &role))
			continue;
		mark_installed(n, &item, false);
		neigh_kernel_age(&n->kernel, &target);
		count++;
	}
}

static void tick_slow(struct neigh *n, uint64_t now_ns)
{
	if (now_ns < n->slow_ns)
		return;
	n->slow_ns = now_ns + TICK_NS;
	if (n->retry_ns && now_ns >= n->retry_ns)
		retry_refused(n);
	if (n->active && n->lingering)
		forget_gone(n, now_ns);
	if (n->active && !n->retired &&
	    elapsed_ns(now_ns, n->active_ns) >= NEIGH_RETIRE_S * NSEC_PER_SEC)
		retire(n);
	limits_check(&n->limits, n->store, now_ns);
}

/* The only place, but for the gate and the end, where the kernel is waited for. */
static void tick(struct loop_timer *timer)
{
	struct neigh *n = container_of(timer, struct neigh, timer);
	uint64_t now_ns = loop_clock();

	tick_in(n, TICK_NS);
	entries_moved(n);
	if (resync_is_due(&n->resync, now_ns))
		dump(n);
	if (resync_is_due(&n->resync, now_ns))
		tick_in(n, REPAIR_NS);
	tick_slow(n, now_ns);
	if (now_ns >= n->work_ns &&
	    (!work_off_wanted(n, now_ns + WORK_TURN_NS) ||
	     !removals_work_off(&n->removals, &n->places, n->store, &n->kernel,
				now_ns + WORK_TURN_NS)))
		tick_in(n, WORK_NS);
	neigh_kernel_flush(&n->kernel);
}

/* From above */

struct neigh *neigh_alloc(struct loop *loop, const struct neigh_config *config,
			  const struct neigh_ops *ops, int *err)
{
	struct store_config of_store = {
		.table = FRAME_TABLE_NEIGHBOURS, .most = config->most ? config->most : NEIGH_MOST,
		.key_max = NEIGH_KEY_MAX, .value_max = NEIGH_VALUE,
	};
	struct neigh_watcher watcher = {
		.seen = kernel_seen, .dumped = kernel_dumped, .lost = kernel_lost,
		.refused = kernel_refused,
	};
	struct neigh *n = calloc(1, sizeof(*n));

	*err = -ENOMEM;
	if (!n)
		return NULL;
	n->loop = loop;
	n->ops = *ops;
	memcpy(of_store.hash_key, config->hash_key, STORE_HASH_KEY);
	n->store = store_alloc(&of_store, &entry_ops, n);
	if (!n->store) {
		free(n);
		return NULL;
	}
	watcher.arg = n;
	*err = neigh_kernel_open(&n->kernel, &watcher);
	if (!*err) {
		n->fd = (struct loop_fd){ .fd = n->kernel.events, .events = EPOLLIN,
					  .ready = events_ready };
		*err = loop_fd_add(loop, &n->fd);
	}
	if (*err) {
		neigh_kernel_close(&n->kernel);
		store_free(n->store);
		free(n);
		return NULL;
	}
	n->timer.fire = tick;
	n->retired = true;
	tick_in(n, TICK_NS);
	return n;
}

/* A member that is not there is no heir, and its next life begins anew.  What it used as
 * owner stays, but not as ours: the kernel would keep that for ever, and a host that is away
 * as FAILED.  Only on parents: macvlans go.
 */
static void entries_leave(struct neigh *n)
{
	struct neigh_target target;
	struct store_item item;
	enum neigh_role role;
	uint32_t cursor = 0;

	removals_work_off(&n->removals, &n->places, n->store, &n->kernel, UINT64_MAX);
	while (store_each(n->store, &cursor, &item)) {
		if (!(*item.note & NOTE_INSTALLED) || !target_of(n, &item, &target, &role))
			continue;
		if (!n->active)
			neigh_kernel_remove(&n->kernel, &target);
		else if (role == NEIGH_PARENT)
			neigh_kernel_age(&n->kernel, &target);
	}
	neigh_kernel_flush(&n->kernel);
}

void neigh_free(struct neigh *n)
{
	if (!n)
		return;
	loop_fd_del(n->loop, &n->fd);
	entries_leave(n);
	loop_timer_del(n->loop, &n->timer);	/* what was refused may have set it */
	neigh_kernel_close(&n->kernel);
	store_free(n->store);
	free(n);
}

struct store *neigh_store(const struct neigh *n)
{
	return n->store;
}

int neigh_interface(struct neigh *n, const struct neigh_interface *interface)
{
	struct place *place = places_of(&n->places, interface);

	if (!place)
		return -ENOSPC;
	if (interface->running && !place->running)
		place->running_ns = loop_clock();
	place->running = interface->running;
	memcpy(place->mac, interface->mac, 6);
	if (place->ifindex == interface->ifindex)
		return 0;
	place->ifindex = interface->ifindex;
	place->moved = true;
	n->moved = true;
	tick_in(n, REPAIR_NS);
	if (!place->ifindex)
		return 0;
	if (interface->tune)
		neigh_kernel_tune(&n->kernel, place->ifindex);
	/* What it has of a former life, or has learned. */
	resync_now(&n->resync);
	return 0;
}

/* Whether the kernel lost some that it had is not known: all are asked for anew. */
static void want_all(struct neigh *n)
{
	struct store_item item;
	uint32_t cursor = 0;

	while (store_each(n->store, &cursor, &item))
		wanted_add(&n->wanted, &item, WANT_INSTALL);
}

/* First what is known to be missing, then what may be.  What there is no time for comes when
 * the addresses are there: its first packet may have to wait for an answer of its host, and
 * all others do not wait for it.
 */
static void install_at_gate(struct neigh *n, bool unsure, uint64_t until_ns)
{
	bool done;

	retry_refused(n);
	done = work_off_wanted(n, until_ns);
	if (!unsure)
		return;
	want_all(n);
	if (done)
		work_off_wanted(n, until_ns);
}

int neigh_activate(struct neigh *n, uint64_t owners)
{
	uint64_t start_ns = loop_clock();
	struct store_item item;
	uint32_t cursor = 0;
	bool unsure;

	if (n->active)
		return 0;
	entries_moved(n);
	unsure = !neigh_kernel_read(&n->kernel, READS_GATE) || n->resync.due || n->kernel.dumping;
	n->counts.activated = store_activate(n->store, owners);
	install_at_gate(n, unsure, start_ns + WORK_GATE_NS);
	n->counts.missing = 0;
	while (store_each(n->store, &cursor, &item)) {
		const struct place *place = places_by_key(&n->places, item.key);

		n->counts.missing += place && place->ifindex &&
				     !(*item.note & (NOTE_INSTALLED | NOTE_OWN));
		*item.note &= ~(NOTE_OWN | NOTE_REFUSED);
	}
	n->active = true;
	n->active_ns = loop_clock();
	n->counts.activate_ns = n->active_ns - start_ns;
	n->retired = false;
	n->retire = 0;
	n->lingering = false;
	resync_now(&n->resync);
	n->work_ns = 0;
	n->retry_ns = 0;
	tick_in(n, n->wanted.count ? WORK_NS : REPAIR_NS);
	return (int)n->counts.missing;
}

void neigh_deactivate(struct neigh *n, uint8_t owner, uint32_t epoch)
{
	struct store_item item;
	uint32_t cursor = 0;

	if (!n->active)
		return;
	/* What is known is of before the interfaces go down: the rest is no news. */
	neigh_kernel_read(&n->kernel, READS_GATE);
	store_deactivate(n->store, owner, epoch);
	n->active = false;
	n->lingering = false;
	n->work_ns = loop_clock() + QUIET_NS;
	while (store_each(n->store, &cursor, &item)) {
		*item.note &= ~NOTE_GONE;
		wanted_drop(&n->wanted, &item, WANT_ANY);
		if (!(*item.note & NOTE_INSTALLED))
			wanted_add(&n->wanted, &item, WANT_INSTALL);
	}
	tick_in(n, TICK_NS);
}

void neigh_counts(const struct neigh *n, struct neigh_counts *counts)
{
	*counts = n->counts;
	counts->refused = n->kernel.refused;
	memcpy(counts->limit, n->limits.limit, sizeof(counts->limit));
}

const struct places *neigh_places(const struct neigh *n)
{
	return &n->places;
}

bool neigh_installed(const struct store_item *item)
{
	return *item->note & NOTE_INSTALLED;
}
