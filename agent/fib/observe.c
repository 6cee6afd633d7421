// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fib/copy.h"
#include "fib/observe.h"
#include "fib/state.h"

static void dump_in(struct fib *f, uint64_t wait_ns)
{
	if (wait_ns != UINT64_MAX)
		fib_tick_in(f, wait_ns);
}

static void dump_later(struct fib *f)
{
	dump_in(f, resync_later(&f->resync, loop_clock(), FIB_REPAIR_NS));
}

static void dump_lost(struct fib *f)
{
	dump_in(f, resync_lost(&f->resync, loop_clock(), FIB_REPAIR_NS));
}

static int hop_order(const void *a, const void *b)
{
	const struct fib_hop *one = a, *other = b;

	if (one->name_id != other->name_id)
		return one->name_id < other->name_id ? -1 : 1;
	return memcmp(one->gateway, other->gateway, sizeof(one->gateway));
}

/* By the names of their interfaces, and in one order, so that the same hops are one set;
 * false: one has none.
 */
static bool name_hops(const struct fib *f, struct fib_route *route)
{
	unsigned int i;

	for (i = 0; i < route->hops; i++) {
		struct fib_hop *hop = &route->hop[i];
		const struct place *place = places_by_index(&f->places, hop->ifindex);

		if (!place)
			return false;
		hop->role = (uint8_t)place->role;
		hop->vrid = place->vrid;
		hop->name_id = place->id;
	}
	qsort(route->hop, route->hops, sizeof(route->hop[0]), hop_order);
	return true;
}

static void forget(struct fib *f, const struct store_item *item)
{
	wanted_drop(&f->wanted, item, WANT_ANY);
	copy_uninstall(f, item);
	store_del(f->store, item->key, item->key_len);
}

/* An IPv6 route loses next hops one by one; of IPv4 ones only the first of a key counts,
 * and which is next is not said.
 */
static void seen_gone(struct fib *f, struct fib_route *gone, const struct store_item *item)
{
	struct fib_route held;
	unsigned int i, j;

	if (!(*item->note & NOTE_MAIN) || !copy_route(item, &held))
		return;
	if (gone->family == AF_INET6 && gone->hops && gone->hops < held.hops &&
	    name_hops(f, gone)) {
		uint8_t value[FIB_VALUE_MAX];
		unsigned int left = 0;
		size_t len;

		for (i = 0; i < held.hops; i++) {
			for (j = 0; j < gone->hops; j++)
				if (held.hop[i].name_id == gone->hop[j].name_id &&
				    !memcmp(held.hop[i].gateway, gone->hop[j].gateway, 16))
					break;
			if (j == gone->hops)
				held.hop[left++] = held.hop[i];
		}
		held.hops = left;
		len = left ? fib_value_write(&held, value) : 0;
		if (len) {
			store_put(f->store, item->key, item->key_len, value, len);
			return;
		}
	} else if (gone->family == AF_INET) {
		dump_later(f);
	}
	forget(f, item);
}

static void seen_as_owner(struct fib *f, struct fib_seen *seen)
{
	uint8_t key[FIB_KEY_MAX], value[FIB_VALUE_MAX];
	size_t key_len = fib_key_write(&seen->route, key), len = 0;
	struct store_item item;
	bool held = store_find(f->store, key, key_len, &item);

	if (seen->gone) {
		if (held)
			seen_gone(f, &seen->route, &item);
		return;
	}
	if (held && ((seen->dumped && *item.note & NOTE_SEEN) ||
		     (seen->appended && seen->route.family == AF_INET &&
		      *item.note & NOTE_MAIN)))
		return;
	if (seen->told == FIB_TOLD_ROUTE && !name_hops(f, &seen->route)) {
		f->counts.unnamed++;
	} else {
		if (seen->told == FIB_TOLD_ROUTE)
			len = fib_value_write(&seen->route, value);
		f->counts.unfit += !len;
	}
	if (!len) {
		if (held)
			forget(f, &item);
		return;
	}
	if (store_put(f->store, key, key_len, value, len) ||
	    !store_find(f->store, key, key_len, &item))
		return;
	*item.note |= NOTE_SEEN | NOTE_MAIN;
}

/* Of a backup: somebody took one of ours away, or it is there still. */
static void seen_ours(struct fib *f, struct fib_seen *seen)
{
	const struct source *source = sources_by_copies(&f->sources, seen->route.table);
	uint8_t key[FIB_KEY_MAX];
	struct store_item item;

	if (!source || (!seen->gone && !f->dumps))
		return;
	seen->route.table_id = source->id;
	if (!store_find(f->store, key, fib_key_write(&seen->route, key), &item) ||
	    !(*item.note & NOTE_INSTALLED))
		return;
	if (seen->gone)
		copy_lost(f, &item);
	else if (!f->active)
		*item.note |= NOTE_SEEN;
}

static void kernel_seen(void *arg, const struct fib_seen *told)
{
	struct fib_seen seen = *told;
	const struct source *source;
	struct fib *f = arg;

	if (seen.route.table - FIB_TABLE < FIB_TABLES) {
		seen_ours(f, &seen);
		return;
	}
	if (!f->active || seen.ours || seen.told == FIB_TOLD_LOCAL)
		return;
	source = sources_by_number(&f->sources, seen.route.table);
	if (!source)
		return;
	seen.route.table_id = source->id;
	seen_as_owner(f, &seen);
}

void observe_shaken(void *arg)
{
	struct fib *f = arg;

	if (f->active)
		dump_later(f);
}

/* A group of ours, and with it its routes: its interface went, or somebody removed it. */
void observe_nexthop_gone(void *arg, uint32_t nexthop)
{
	struct fib *f = arg;
	unsigned int hop;
	uint16_t set = sets_of_nexthop(&f->sets, nexthop, &hop);

	if (!set) {
		sets_nowhere_gone(&f->sets, nexthop);
		return;
	}
	if (hop != FIB_HOPS) {
		/* The kernel took it out of its group, unless that was this daemon. */
		if (f->sets.set[set].live)
			f->sets.set[set].bad |= (uint16_t)(1U << hop);
		return;
	}
	if (!f->sets.set[set].made)
		return;
	sets_lost(&f->sets, set);
	f->sets_gone = true;
	fib_tick_in(f, 0);
}

static void kernel_link_down(void *arg, int ifindex)
{
	struct fib *f = arg;
	unsigned int i;

	/* Whoever looks after interfaces looks a few times a second. */
	for (i = 0; i < f->places.count; i++)
		if (f->places.place[i].ifindex == ifindex)
			f->places.place[i].running = false;
	if (!sets_link_down(&f->sets, ifindex))
		return;
	f->sets_gone = true;
	fib_tick_in(f, 0);
}

/* Return: false: one could not be asked for. */
static bool dump_next(struct fib *f)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };

	for (; f->dump_at < 2 * f->sources.count; f->dump_at++) {
		const struct source *source = &f->sources.source[f->dump_at / 2];

		uint32_t table = f->dump_own ? source->number : source->copies;

		if (!table)
			continue;
		if (!fib_kernel_dump(&f->kernel, families[f->dump_at % 2], table))
			return true;
		f->dumps = false;
		dump_lost(f);
		return false;
	}
	f->dumps = false;
	return true;
}

static void dump_over(struct fib *f)
{
	struct store_item item;
	uint32_t cursor = 0;

	resync_end(&f->resync, loop_clock());
	if (f->dump_own != f->active) {		/* its role changed meanwhile */
		dump_later(f);
		return;
	}
	while (store_each(f->store, &cursor, &item)) {
		if (*item.note & NOTE_SEEN)
			continue;
		if (!f->active && *item.note & NOTE_INSTALLED)
			copy_lost(f, &item);
		else if (f->active && (*item.note & NOTE_MAIN || (f->held_over && f->retired)))
			forget(f, &item);
	}
}

static void kernel_dumped(void *arg, bool whole)
{
	struct fib *f = arg;

	if (!whole) {
		f->dumps = false;
		resync_end(&f->resync, loop_clock());
		dump_lost(f);
		return;
	}
	f->dump_at++;
	if (dump_next(f) && !f->dumps)
		dump_over(f);
}

void observe_dump(struct fib *f)
{
	struct store_item item;
	uint32_t cursor = 0;

	if (f->dumps || f->kernel.dumping || f->kernel.congested)
		return;
	resync_begin(&f->resync, loop_clock());
	f->dump_own = f->active;
	while (store_each(f->store, &cursor, &item))
		*item.note &= ~NOTE_SEEN;
	f->counts.unnamed = 0;
	f->counts.unfit = 0;
	f->dump_at = 0;
	f->dumps = true;
	if (dump_next(f) && !f->dumps)
		dump_over(f);
}

static void kernel_rule_gone(void *arg)
{
	struct fib *f = arg;

	if (!f->counts.forwarding || f->rules_gone)
		return;
	f->rules_gone = true;
	fib_tick_in(f, FIB_REPAIR_NS);
}

static void kernel_lost(void *arg)
{
	struct fib *f = arg;

	f->counts.lost++;
	sets_doubt(&f->sets);
	dump_lost(f);
}

static void kernel_refused(void *arg, uint32_t what, int err)
{
	struct fib *f = arg;
	struct store_item item;
	unsigned int hop;
	uint16_t set;

	(void)err;
	switch (what & FIB_ASK_MASK) {
	case FIB_ASK_ROUTE:
		if (!store_get(f->store, what & ~FIB_ASK_MASK, &item))
			return;
		copy_mark_installed(f, &item, false);
		copy_mark_held(f, &item, true);
		break;
	case FIB_ASK_NEXTHOP:
		set = sets_of_nexthop(&f->sets, FIB_ID | (what & ~FIB_ASK_MASK), &hop);
		if (set)
			sets_refused(&f->sets, set, hop, f->active);
		break;
	default:
		break;
	}
}

int observe_open(struct fib *f)
{
	const struct fib_watcher watcher = {
		.seen = kernel_seen, .shaken = observe_shaken, .link_down = kernel_link_down,
		.nexthop_gone = observe_nexthop_gone, .rule_gone = kernel_rule_gone,
		.dumped = kernel_dumped, .lost = kernel_lost, .refused = kernel_refused,
		.arg = f,
	};

	return fib_kernel_open(&f->kernel, &watcher);
}
