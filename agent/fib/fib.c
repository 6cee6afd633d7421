// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <linux/rtnetlink.h>

#include "base/container.h"
#include "base/log.h"
#include "base/loop.h"
#include "fib/fib.h"
#include "fib/kernel.h"
#include "fib/leftover.h"
#include "fib/set.h"
#include "neigh/place.h"
#include "neigh/wanted.h"
#include "wire/frame.h"

#define READS		16		/* of events, before the loop has its turn */
#define REPAIR_NS	(100 * NSEC_PER_MSEC)
#define TICK_NS		NSEC_PER_SEC
#define DUMP_MAX_NS	(10 * NSEC_PER_SEC)	/* between dumps, while events are lost */
#define RETRY_NS	(5 * NSEC_PER_SEC)	/* what could not be installed */
#define RETIRE_A_TURN	1000			/* copies, after the hold */
#define SETTLE_NS	(2 * NSEC_PER_SEC)	/* for interfaces to come up, as an owner */

#define WORK_NS		(20 * NSEC_PER_MSEC)	/* from one turn to the next */
#define GATE_NS		(50 * NSEC_PER_MSEC)	/* of a takeover, or its end */
#define WORK_TURN_NS	(5 * NSEC_PER_MSEC)
#define WORK_ONCE	64

/* Of an entry, in its note; bits 16 to 18 are those of wanted.h, and above is its set. */
enum note {
	NOTE_INSTALLED	= 1 << 0,	/* there is a copy in the kernel */
	NOTE_SEEN	= 1 << 1,	/* since the last dump began */
	NOTE_MAIN	= 1 << 2,	/* the table that it is of has it; as an owner */
	NOTE_HELD	= 1 << 3,	/* it could not be installed, and is tried again */
	NOTE_SET_SHIFT	= 19,
};

/* Where rules are: before, around and behind the rule of the table itself. */
struct priorities {
	uint32_t	own, ours, last;
};

static const struct priorities of_main = { 32764, 32765, 32768 };
static const struct priorities of_vrf = { 998, 999, 1001 };

struct fib_source {
	char		name[40];
	uint32_t	id;		/* in keys */
	uint32_t	number;		/* the kernel's, 0: it is not there */
};

struct fib {
	struct loop		*loop;
	struct fib_ops		ops;
	struct store		*store;
	struct fib_kernel	kernel;
	struct loop_fd		fd;
	struct loop_timer	timer;
	struct places		places;
	struct sets		sets;
	struct wanted		wanted;

	struct fib_source	source[FIB_TABLES];
	unsigned int		sources;

	uint32_t		hold_s;
	bool			active;
	uint64_t		active_ns;
	bool			held_over;	/* hold_s has passed */
	bool			resync;		/* a dump is due, at dump_ns */
	uint64_t		dump_ns, dump_wait_ns, lost_ns;
	unsigned int		dump_at;	/* family and table, 0: the first */
	bool			dumps;		/* one is under way */
	bool			flip;		/* sets are to be flipped, or back */
	bool			sets_gone;	/* some set's object went */
	uint64_t		slow_ns, retry_ns;
	uint32_t		retire;		/* cursor */
	bool			retired;
	struct fib_counts	counts;
};

static void tick_in(struct fib *f, uint64_t delay_ns)
{
	if (!f->timer.due_ns || f->timer.due_ns > loop_clock() + delay_ns)
		loop_timer_in(f->loop, &f->timer, delay_ns);
}

/* In a flood each dump is work for all that there is. */
static void resync_later(struct fib *f)
{
	uint64_t now_ns = loop_clock();

	if (f->resync)
		return;
	f->dump_wait_ns = elapsed_ns(now_ns, f->lost_ns) < 2 * DUMP_MAX_NS ?
			  doubled_ns(f->dump_wait_ns, DUMP_MAX_NS) : REPAIR_NS;
	f->lost_ns = now_ns;
	f->resync = true;
	f->dump_ns = now_ns + f->dump_wait_ns;
	tick_in(f, f->dump_wait_ns);
}

static const struct fib_source *source_of(const struct fib *f, uint32_t id)
{
	unsigned int i;

	for (i = 0; i < f->sources; i++)
		if (f->source[i].id == id)
			return &f->source[i];
	return NULL;
}

static uint32_t copy_table(const struct fib *f, const struct fib_source *source)
{
	return FIB_TABLE + (uint32_t)(source - f->source);
}

/* Copies */

static uint16_t note_set(const struct store_item *item)
{
	return (uint16_t)(*item->note >> NOTE_SET_SHIFT);
}

static void mark_set(struct fib *f, const struct store_item *item, uint16_t set)
{
	uint16_t before = note_set(item);

	*item->note = (*item->note & ((1U << NOTE_SET_SHIFT) - 1)) |
		      (uint32_t)set << NOTE_SET_SHIFT;
	sets_put(&f->sets, before);
}

static void mark(const struct store_item *item, enum note note, bool is, uint32_t *count)
{
	if (is == !!(*item->note & note))
		return;
	*item->note ^= note;
	*count += is ? 1 : -1U;
}

static void mark_installed(struct fib *f, const struct store_item *item, bool installed)
{
	mark(item, NOTE_INSTALLED, installed, &f->counts.installed);
}

static void mark_held(struct fib *f, const struct store_item *item, bool held)
{
	mark(item, NOTE_HELD, held, &f->counts.held);
}

static void want(struct fib *f, const struct store_item *item)
{
	wanted_add(&f->wanted, item, WANT_INSTALL);
	tick_in(f, WORK_NS);
}

static bool item_route(const struct store_item *item, struct fib_route *route)
{
	return fib_route_read(route, item->key, item->key_len, item->value, item->value_len);
}

static void uninstall(struct fib *f, const struct store_item *item)
{
	const struct fib_source *source;
	struct fib_route route;

	mark_held(f, item, false);
	if (*item->note & NOTE_INSTALLED && item_route(item, &route)) {
		mark_installed(f, item, false);
		source = source_of(f, route.table_id);
		if (source)
			fib_kernel_route_remove(&f->kernel, &route, copy_table(f, source));
		tick_in(f, WORK_NS);
	}
	mark_set(f, item, 0);
}

/* An owner's, which forwards, may only lead somewhere. */
static bool set_is_ready(struct fib *f, uint16_t set)
{
	if (!f->active) {
		set_make(&f->sets, set);
		return true;
	}
	if (!f->sets.set[set].live)
		set_flip(&f->sets, set, true);
	return f->sets.set[set].live;
}

static void install(struct fib *f, const struct store_item *item)
{
	const struct fib_source *source;
	struct fib_route route;
	uint16_t set = 0;

	if (f->active && *item->note & NOTE_MAIN) {	/* it needs none */
		uninstall(f, item);
		return;
	}
	if (!item_route(item, &route))
		return;
	source = source_of(f, route.table_id);
	if (route.hops && source) {
		set = sets_get(&f->sets, &route);
		if (set && !set_is_ready(f, set)) {
			sets_put(&f->sets, set);
			set = 0;
		}
	}
	if (!source || (route.hops && !set)) {
		uninstall(f, item);
		mark_held(f, item, true);
		return;
	}
	fib_kernel_route(&f->kernel, item->id, &route, copy_table(f, source),
			 set ? set_nexthop(set) : 0);
	mark_held(f, item, false);
	mark_installed(f, item, true);
	mark_set(f, item, set);
}

static void entry_put(void *of, const struct store_item *item)
{
	want(of, item);
}

static void entry_del(void *of, const struct store_item *item)
{
	struct fib *f = of;

	wanted_drop(&f->wanted, item, WANT_ANY);
	uninstall(f, item);
}

static void entries_ready(void *of)
{
	struct fib *f = of;

	if (f->ops.ready)
		f->ops.ready(f->ops.arg);
}

static void entries_swept(void *of, uint8_t owner, uint32_t count)
{
	struct fib *f = of;

	if (f->ops.swept)
		f->ops.swept(f->ops.arg, owner, count);
}

static void entries_compared(void *of, uint8_t owner, uint32_t differing)
{
	struct fib *f = of;

	if (f->ops.compared)
		f->ops.compared(f->ops.arg, owner, differing);
}

static const struct store_ops entry_ops = {
	.name = "routes", .valid = fib_record_valid, .put = entry_put, .del = entry_del,
	.ready = entries_ready, .swept = entries_swept, .compared = entries_compared,
};

/* Return: false if there was no time for all of them. */
static bool work_off(struct fib *f, uint64_t until_ns)
{
	struct store_item item;
	unsigned int some = 0;

	while (wanted_next(&f->wanted, f->store, &item)) {
		wanted_drop(&f->wanted, &item, WANT_ANY);
		install(f, &item);
		if (++some % WORK_ONCE)
			continue;
		fib_kernel_flush(&f->kernel);
		if (loop_clock() >= until_ns)
			return !f->wanted.count;
	}
	fib_kernel_flush(&f->kernel);
	return true;
}

/* What the kernel tells */

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
	uninstall(f, item);
	store_del(f->store, item->key, item->key_len);
}

/* An IPv6 route loses next hops one by one; of IPv4 ones only the first of a key counts,
 * and which is next is not said.
 */
static void seen_gone(struct fib *f, struct fib_route *gone, const struct store_item *item)
{
	struct fib_route held;
	unsigned int i, j;

	if (!(*item->note & NOTE_MAIN) || !item_route(item, &held))
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
		resync_later(f);
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

/* On a backup: somebody took one of ours away. */
static void seen_ours(struct fib *f, struct fib_seen *seen)
{
	uint32_t at = seen->route.table - FIB_TABLE;
	uint8_t key[FIB_KEY_MAX];
	struct store_item item;

	if (!seen->gone || at >= f->sources)
		return;
	seen->route.table_id = f->source[at].id;
	if (!store_find(f->store, key, fib_key_write(&seen->route, key), &item) ||
	    !(*item.note & NOTE_INSTALLED))
		return;
	f->counts.repaired++;
	mark_installed(f, &item, false);
	want(f, &item);
}

static void kernel_seen(void *arg, const struct fib_seen *told)
{
	struct fib_seen seen = *told;
	struct fib *f = arg;
	unsigned int i;

	if (seen.route.table - FIB_TABLE < FIB_TABLES) {
		seen_ours(f, &seen);
		return;
	}
	if (!f->active || seen.ours || seen.told == FIB_TOLD_LOCAL)
		return;
	for (i = 0; i < f->sources; i++) {
		if (!f->source[i].number || f->source[i].number != seen.route.table)
			continue;
		seen.route.table_id = f->source[i].id;
		seen_as_owner(f, &seen);
		return;
	}
}

static void kernel_shaken(void *arg)
{
	struct fib *f = arg;

	if (f->active)
		resync_later(f);
}

/* A group of ours, and with it its routes: its interface went, or somebody removed it. */
static void kernel_nexthop_gone(void *arg, uint32_t nexthop)
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
	f->sets.set[set].made = false;
	if (f->sets.set[set].live)
		f->sets.live--;
	f->sets.set[set].live = false;
	f->sets.set[set].gone = true;
	f->sets_gone = true;
	tick_in(f, 0);
}

/* One look at all of them, however many sets went. */
static void routes_gone(struct fib *f)
{
	struct store_item item;
	uint32_t cursor = 0;
	uint16_t id;

	f->sets_gone = false;
	while (store_each(f->store, &cursor, &item)) {
		if (!f->sets.set[note_set(&item)].gone || !(*item.note & NOTE_INSTALLED))
			continue;
		f->counts.repaired++;
		mark_installed(f, &item, false);
		want(f, &item);
	}
	for (id = 1; id <= f->sets.top; id++)
		f->sets.set[id].gone = false;
}

/* Return: false: one could not be asked for. */
static bool dump_next(struct fib *f)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };

	for (; f->dump_at < 2 * f->sources; f->dump_at++) {
		const struct fib_source *source = &f->source[f->dump_at / 2];

		if (!source->number)
			continue;
		if (!fib_kernel_dump(&f->kernel, families[f->dump_at % 2], source->number))
			return true;
		f->dumps = false;
		resync_later(f);
		return false;
	}
	f->dumps = false;
	return true;
}

static void dump_over(struct fib *f)
{
	struct store_item item;
	uint32_t cursor = 0;

	if (!f->active)
		return;
	while (store_each(f->store, &cursor, &item))
		if (!(*item.note & NOTE_SEEN) &&
		    (*item.note & NOTE_MAIN || (f->held_over && f->retired)))
			forget(f, &item);
}

static void kernel_dumped(void *arg, bool whole)
{
	struct fib *f = arg;

	if (!whole) {
		f->dumps = false;
		resync_later(f);
		return;
	}
	f->dump_at++;
	if (dump_next(f) && !f->dumps)
		dump_over(f);
}

static void dump_begin(struct fib *f)
{
	struct store_item item;
	uint32_t cursor = 0;

	if (f->dumps || f->kernel.dumping || f->kernel.congested)
		return;
	f->resync = false;
	if (!f->active)
		return;
	while (store_each(f->store, &cursor, &item))
		*item.note &= ~NOTE_SEEN;
	f->counts.unnamed = 0;
	f->counts.unfit = 0;
	f->dump_at = 0;
	f->dumps = true;
	dump_next(f);
}

static void kernel_lost(void *arg)
{
	struct fib *f = arg;

	f->counts.lost++;
	resync_later(f);
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
		mark_installed(f, &item, false);
		mark_held(f, &item, true);
		break;
	case FIB_ASK_NEXTHOP:
		set = sets_of_nexthop(&f->sets, FIB_ID | (what & ~FIB_ASK_MASK), &hop);
		if (!set)
			return;
		if (hop == FIB_HOPS) {	/* it is what it was before */
			if (f->sets.set[set].live)
				f->sets.live--;
			f->sets.set[set].live = false;
			if (!f->active) {	/* it is not there, nor what leads nowhere */
				f->sets.set[set].made = false;
				f->sets.blackholes = false;
			}
			/* As below; a blackhole is not refused. */
			if (set_is_plain(&f->sets.set[set]))
				f->sets.set[set].bad |= 1U;
		} else {
			f->sets.set[set].bad |= (uint16_t)(1U << hop);
		}
		break;
	default:
		break;
	}
}

static void events_ready(struct loop_fd *fd, uint32_t events)
{
	struct fib *f = container_of(fd, struct fib, fd);

	(void)events;
	fib_kernel_read(&f->kernel, READS);
}

/* Rules */

static void rules_of(struct fib *f, const struct fib_source *source, bool remove)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	const char *vrf = source->id ? source->name + strlen("vrf:") : NULL;
	const struct priorities *at = vrf ? &of_vrf : &of_main;
	unsigned int i, way;

	for (i = 0; i < 2; i++) {
		for (way = 0; way < (vrf ? 2U : 1U); way++) {
			struct fib_rule rule = {
				.priority = at->own, .table = source->number, .no_default = true,
				.iif = way ? NULL : vrf, .oif = way ? vrf : NULL,
			};

			fib_kernel_rule(&f->kernel, families[i], &rule, remove);
			rule.priority = at->ours;
			rule.table = copy_table(f, source);
			fib_kernel_rule(&f->kernel, families[i], &rule, remove);
			rule.priority = at->last;
			rule.no_default = false;
			fib_kernel_rule(&f->kernel, families[i], &rule, remove);
		}
	}
}

static void rules(struct fib *f, bool remove)
{
	unsigned int i;

	for (i = 0; i < f->sources; i++)
		if (f->source[i].number)
			rules_of(f, &f->source[i], remove);
	fib_kernel_flush(&f->kernel);
	f->counts.forwarding = !remove;
}

/* Timer */

static void hold_end(struct fib *f)
{
	rules(f, true);
	f->held_over = true;
	f->retired = false;
	f->retire = 0;
	log_info("routes: %u copies go, %u s after the takeover", f->counts.installed,
		 f->hold_s);
}

/* Nothing looks at them any more. */
static void retire(struct fib *f)
{
	unsigned int count = 0;
	struct store_item item;

	while (count < RETIRE_A_TURN) {
		if (!store_each(f->store, &f->retire, &item)) {
			f->retired = true;
			/* What main does not have is no route any more. */
			f->resync = true;
			f->dump_ns = 0;
			tick_in(f, WORK_NS);
			return;
		}
		wanted_drop(&f->wanted, &item, WANT_ANY);
		if (!(*item.note & (NOTE_INSTALLED | NOTE_HELD)))
			continue;
		uninstall(f, &item);
		count++;
	}
	tick_in(f, WORK_NS);
}

/* What leads nowhere is not to be looked up: those below it are better than that. */
static void drop_dead(struct fib *f)
{
	uint16_t id;

	if (!sets_flip(&f->sets, true, loop_clock() + WORK_TURN_NS))
		return;
	for (id = 1; id <= f->sets.top; id++) {
		if (!f->sets.set[id].refs || f->sets.set[id].live || !f->sets.set[id].made)
			continue;
		kernel_nexthop_gone(f, set_nexthop(id));
		fib_kernel_nexthop_remove(&f->kernel, set_nexthop(id));
	}
	fib_kernel_flush(&f->kernel);
}

/* What the gate had no time for. */
static void flip_on(struct fib *f, uint64_t until_ns)
{
	fib_kernel_quiet(&f->kernel, true);
	if (f->active ? sets_flip(&f->sets, true, until_ns) :
			sets_flip_back(&f->sets, until_ns))
		f->flip = false;
	fib_kernel_quiet(&f->kernel, false);
	if (f->flip)
		tick_in(f, WORK_NS);
}

static void retry_held(struct fib *f, uint64_t now_ns)
{
	struct store_item item;
	uint32_t cursor = 0;

	f->retry_ns = now_ns + RETRY_NS;
	while (f->counts.held && store_each(f->store, &cursor, &item))
		if (*item.note & NOTE_HELD)
			want(f, &item);
}

static void tick_slow(struct fib *f, uint64_t now_ns)
{
	if (now_ns < f->slow_ns)
		return;
	f->slow_ns = now_ns + TICK_NS;
	if (f->active && !f->held_over) {
		if (elapsed_ns(now_ns, f->active_ns) >= f->hold_s * NSEC_PER_SEC)
			hold_end(f);
		else if (elapsed_ns(now_ns, f->active_ns) >= SETTLE_NS && !f->flip)
			drop_dead(f);
	}
	if (now_ns >= f->retry_ns && !f->held_over)
		retry_held(f, now_ns);
}

/* The only place, but for the gate and the end, where the kernel is waited for. */
static void tick(struct loop_timer *timer)
{
	struct fib *f = container_of(timer, struct fib, timer);
	uint64_t now_ns = loop_clock();

	tick_in(f, TICK_NS);
	if (f->flip)
		flip_on(f, now_ns + WORK_TURN_NS);
	tick_slow(f, now_ns);
	if (f->sets_gone)
		routes_gone(f);
	if (f->resync && now_ns >= f->dump_ns) {
		dump_begin(f);
		if (f->resync)
			tick_in(f, REPAIR_NS);
	}
	if (f->held_over && !f->retired)
		retire(f);
	if (!work_off(f, now_ns + WORK_TURN_NS))
		tick_in(f, WORK_NS);
	fib_kernel_flush(&f->kernel);
}

/* From above */

static int fib_open(struct fib *f)
{
	const struct fib_watcher watcher = {
		.seen = kernel_seen, .shaken = kernel_shaken,
		.nexthop_gone = kernel_nexthop_gone, .dumped = kernel_dumped,
		.lost = kernel_lost, .refused = kernel_refused, .arg = f,
	};
	int err = fib_leftover_clear();

	if (err < 0)
		return err;
	if (err)
		log_info("routes: %d of an earlier run removed", err);
	err = sets_init(&f->sets, &f->kernel, &f->places);
	if (err)
		return err;
	err = fib_kernel_open(&f->kernel, &watcher);
	if (err)
		return err;
	f->fd = (struct loop_fd){ .fd = f->kernel.events, .events = EPOLLIN,
				  .ready = events_ready };
	return loop_fd_add(f->loop, &f->fd);
}

struct fib *fib_alloc(struct loop *loop, const struct fib_config *config,
		      const struct fib_ops *ops, int *err)
{
	struct store_config of_store = {
		.table = FRAME_TABLE_ROUTES, .most = config->most ? config->most : FIB_MOST,
		.key_max = FIB_KEY_MAX, .value_max = FIB_VALUE_MAX,
	};
	struct fib *f = calloc(1, sizeof(*f));

	*err = -ENOMEM;
	if (!f)
		return NULL;
	f->loop = loop;
	f->ops = *ops;
	f->hold_s = config->hold_s;
	f->kernel.events = -1;
	f->kernel.requests = -1;
	f->kernel.compat = -1;
	memcpy(of_store.hash_key, config->hash_key, STORE_HASH_KEY);
	f->store = store_alloc(&of_store, &entry_ops, f);
	if (f->store)
		*err = fib_open(f);
	if (*err) {
		fib_kernel_close(&f->kernel);
		free(f->sets.set);
		store_free(f->store);
		free(f);
		return NULL;
	}
	f->timer.fire = tick;
	tick_in(f, TICK_NS);
	return f;
}

void fib_free(struct fib *f)
{
	struct store_item item;
	uint32_t cursor = 0;

	if (!f)
		return;
	loop_fd_del(f->loop, &f->fd);
	if (f->counts.forwarding)
		rules(f, true);
	/* Those on nexthop objects go with these. */
	while (store_each(f->store, &cursor, &item))
		if (!note_set(&item))
			uninstall(f, &item);
	fib_kernel_flush(&f->kernel);
	sets_exit(&f->sets);
	loop_timer_del(f->loop, &f->timer);
	fib_kernel_close(&f->kernel);
	store_free(f->store);
	free(f);
}

struct store *fib_store(const struct fib *f)
{
	return f->store;
}

int fib_table(struct fib *f, const char *name, uint32_t number)
{
	uint32_t id = fib_table_id(name);
	struct fib_source *source = (struct fib_source *)source_of(f, id);

	/* A VRF's that is one of ours would be written over. */
	if (number - FIB_TABLE < FIB_TABLES)
		return -EINVAL;
	if (!source) {
		if (f->sources == FIB_TABLES)
			return -ENOSPC;
		source = &f->source[f->sources++];
		snprintf(source->name, sizeof(source->name), "%s", name);
		source->id = id;
	}
	if (source->number == number)
		return 0;
	if (f->counts.forwarding && source->number)
		rules_of(f, source, true);
	source->number = number;
	if (f->counts.forwarding && number)
		rules_of(f, source, false);
	f->resync = true;
	f->dump_ns = 0;
	tick_in(f, REPAIR_NS);
	return 0;
}

int fib_interface(struct fib *f, const struct neigh_interface *interface)
{
	struct place *place = places_of(&f->places, interface);
	bool changed;

	if (!place)
		return -ENOSPC;
	changed = place->ifindex != interface->ifindex ||
		  (interface->running && !place->running);
	place->running = interface->running;
	place->ifindex = interface->ifindex;
	if (changed) {
		f->retry_ns = 0;
		kernel_shaken(f);
		tick_in(f, REPAIR_NS);
	}
	return 0;
}

void fib_activate(struct fib *f, uint64_t owners)
{
	uint64_t start_ns = loop_clock();

	if (f->active)
		return;
	f->counts.activated = store_activate(f->store, owners);
	f->active = true;
	fib_kernel_flush(&f->kernel);
	fib_kernel_quiet(&f->kernel, true);
	f->flip = !sets_flip(&f->sets, false, start_ns + GATE_NS);
	fib_kernel_quiet(&f->kernel, false);
	rules(f, false);
	if (f->flip)
		tick_in(f, WORK_NS);
	f->active_ns = loop_clock();
	f->counts.activate_ns = f->active_ns - start_ns;
	f->held_over = false;
	f->retired = true;
	f->dump_wait_ns = 0;
	f->resync = true;
	f->dump_ns = 0;
	tick_in(f, REPAIR_NS);
}

void fib_settle(struct fib *f)
{
	if (!f->active || f->held_over || f->sets.live == f->sets.used)
		return;
	fib_kernel_quiet(&f->kernel, true);
	f->flip = !sets_flip(&f->sets, false, loop_clock() + GATE_NS);
	fib_kernel_quiet(&f->kernel, false);
	if (f->flip)
		tick_in(f, WORK_NS);
}

void fib_deactivate(struct fib *f, uint8_t owner, uint32_t epoch)
{
	struct store_item item;
	uint32_t cursor = 0;

	if (!f->active)
		return;
	rules(f, true);
	fib_kernel_quiet(&f->kernel, true);
	f->flip = !sets_flip_back(&f->sets, loop_clock() + GATE_NS);
	fib_kernel_quiet(&f->kernel, false);
	store_deactivate(f->store, owner, epoch);
	f->active = false;
	f->held_over = false;
	f->counts.unnamed = 0;
	f->counts.unfit = 0;
	while (store_each(f->store, &cursor, &item)) {
		*item.note &= ~(NOTE_SEEN | NOTE_MAIN);
		/* Its value may be another one than when it was installed. */
		wanted_add(&f->wanted, &item, WANT_INSTALL);
	}
	tick_in(f, WORK_NS);
}

void fib_counts(const struct fib *f, struct fib_counts *counts)
{
	*counts = f->counts;
	counts->refused = f->kernel.refused;
	counts->sets = f->sets.used;
	counts->sets_live = f->sets.live;
}

const char *fib_table_name(const struct fib *f, uint32_t table_id)
{
	const struct fib_source *source = source_of(f, table_id);

	return source ? source->name : NULL;
}

const char *fib_hop_name(const struct fib *f, const struct fib_hop *hop)
{
	unsigned int i;

	for (i = 0; i < f->places.count; i++) {
		const struct place *place = &f->places.place[i];

		if (place->id == hop->name_id && place->vrid == hop->vrid)
			return place->name;
	}
	return NULL;
}

bool fib_installed(const struct store_item *item)
{
	return *item->note & NOTE_INSTALLED;
}
