// SPDX-License-Identifier: GPL-2.0
#include "fib/copy.h"
#include "fib/state.h"

#define RETRY_NS	(5 * NSEC_PER_SEC)	/* what could not be installed */
#define RETIRE_A_TURN	1000			/* copies, after the hold */
#define WORK_ONCE	64

uint16_t copy_set(const struct store_item *item)
{
	return (uint16_t)(*item->note >> NOTE_SET_SHIFT);
}

static void mark_set(struct fib *f, const struct store_item *item, uint16_t set)
{
	uint16_t before = copy_set(item);

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

void copy_mark_installed(struct fib *f, const struct store_item *item, bool installed)
{
	mark(item, NOTE_INSTALLED, installed, &f->counts.installed);
}

void copy_mark_held(struct fib *f, const struct store_item *item, bool held)
{
	mark(item, NOTE_HELD, held, &f->counts.held);
}

void copy_want(struct fib *f, const struct store_item *item)
{
	wanted_add(&f->wanted, item, WANT_INSTALL);
	fib_tick_in(f, FIB_WORK_NS);
}

void copy_lost(struct fib *f, const struct store_item *item)
{
	f->counts.repaired++;
	copy_mark_installed(f, item, false);
	copy_want(f, item);
}

bool copy_route(const struct store_item *item, struct fib_route *route)
{
	return fib_route_read(route, item->key, item->key_len, item->value, item->value_len);
}

void copy_uninstall(struct fib *f, const struct store_item *item)
{
	copy_mark_held(f, item, false);
	if (*item->note & NOTE_INSTALLED) {
		copy_mark_installed(f, item, false);
		/* The set is the removal's from here on. */
		fib_removals_add(f, item, copy_set(item));
		*item->note &= (1U << NOTE_SET_SHIFT) - 1;
		return;
	}
	mark_set(f, item, 0);
}

/* An owner's, which forwards, may only lead somewhere. */
static bool copy_set_ready(struct fib *f, uint16_t set)
{
	if (!f->active) {
		set_make(&f->sets, set);
		return true;
	}
	if (!f->sets.set[set].live || f->sets.set[set].doubt)
		set_flip(&f->sets, set, true);
	return f->sets.set[set].live;
}

static void copy_install(struct fib *f, const struct store_item *item)
{
	const struct source *source;
	struct fib_route route;
	uint16_t set = 0;

	if (f->active && *item->note & NOTE_MAIN) {	/* it needs none */
		copy_uninstall(f, item);
		return;
	}
	if (!copy_route(item, &route))
		return;
	source = sources_by_id(&f->sources, route.table_id);
	if (route.hops && source) {
		set = sets_get(&f->sets, &route);
		if (set && !copy_set_ready(f, set)) {
			sets_put(&f->sets, set);
			set = 0;
		}
	}
	if (!source || (route.hops && !set)) {
		copy_uninstall(f, item);
		copy_mark_held(f, item, true);
		return;
	}
	fib_kernel_route(&f->kernel, item->id, &route, source->copies,
			 set ? set_nexthop(set) : 0);
	copy_mark_held(f, item, false);
	copy_mark_installed(f, item, true);
	if (!f->active)		/* a dump that has passed it does not show it */
		*item->note |= NOTE_SEEN;
	mark_set(f, item, set);
}

static void copy_ask(void *arg, const struct store_item *item, uint32_t what)
{
	(void)what;
	copy_install(arg, item);
}

static void copies_flush(void *arg)
{
	struct fib *f = arg;

	fib_kernel_flush(&f->kernel);
}

bool copies_work(struct fib *f, uint64_t until_ns)
{
	static const struct wanted_ops ops = {
		.ask = copy_ask, .flush = copies_flush, .once = WORK_ONCE,
	};

	return wanted_work_off(&f->wanted, f->store, &ops, f, until_ns);
}

/* One look at all of them, however many sets went. */
void copies_gone(struct fib *f)
{
	struct store_item item;
	uint32_t cursor = 0;
	uint16_t id;

	f->sets_gone = false;
	while (store_each(f->store, &cursor, &item)) {
		if (!f->sets.set[copy_set(&item)].gone || !(*item.note & NOTE_INSTALLED))
			continue;
		copy_lost(f, &item);
	}
	for (id = 1; id <= f->sets.top; id++)
		f->sets.set[id].gone = false;
}

/* Nothing looks at them any more. */
void copies_retire(struct fib *f)
{
	unsigned int count = 0;
	struct store_item item;

	while (count < RETIRE_A_TURN) {
		if (!store_each(f->store, &f->retire, &item)) {
			f->retired = true;
			/* What main does not have is no route any more. */
			resync_now(&f->resync);
			fib_tick_in(f, FIB_WORK_NS);
			return;
		}
		wanted_drop(&f->wanted, &item, WANT_ANY);
		if (!(*item.note & (NOTE_INSTALLED | NOTE_HELD)))
			continue;
		copy_uninstall(f, &item);
		count++;
	}
	fib_tick_in(f, FIB_WORK_NS);
}

void copies_retry(struct fib *f, uint64_t now_ns)
{
	struct store_item item;
	uint32_t cursor = 0;

	f->retry_ns = now_ns + RETRY_NS;
	while (f->counts.held && store_each(f->store, &cursor, &item))
		if (*item.note & NOTE_HELD)
			copy_want(f, &item);
}
