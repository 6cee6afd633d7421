// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/container.h"
#include "base/log.h"
#include "fib/copy.h"
#include "fib/leftover.h"
#include "fib/observe.h"
#include "fib/rule.h"
#include "fib/state.h"
#include "wire/frame.h"

#define READS		16		/* of events, before the loop has its turn */
#define TICK_NS		NSEC_PER_SEC
#define SETTLE_NS	(2 * NSEC_PER_SEC)	/* for interfaces to come up, as an owner */
#define GATE_NS		(50 * NSEC_PER_MSEC)	/* of a takeover, or its end */
#define WORK_TURN_NS	(5 * NSEC_PER_MSEC)

/* Entries */

static void entry_put(void *of, const struct store_item *item)
{
	copy_want(of, item);
}

static void entry_del(void *of, const struct store_item *item)
{
	struct fib *f = of;

	wanted_drop(&f->wanted, item, WANT_ANY);
	copy_uninstall(f, item);
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

static void events_ready(struct loop_fd *fd, uint32_t events)
{
	struct fib *f = container_of(fd, struct fib, fd);

	(void)events;
	fib_kernel_read(&f->kernel, READS);
}

static void rules(struct fib *f, bool remove)
{
	unsigned int i;

	f->rules_gone = false;
	for (i = 0; i < f->sources.count; i++)
		rules_ask(&f->kernel, &f->sources.source[i], remove);
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

/* What leads nowhere is not to be looked up: those below it are better than that. */
static void drop_dead(struct fib *f)
{
	uint16_t id;

	if (!sets_flip(&f->sets, true, loop_clock() + WORK_TURN_NS))
		return;
	for (id = 1; id <= f->sets.top; id++) {
		if (!f->sets.set[id].refs || f->sets.set[id].live || !f->sets.set[id].made)
			continue;
		observe_nexthop_gone(f, set_nexthop(id));
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
		fib_tick_in(f, FIB_WORK_NS);
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
		copies_retry(f, now_ns);
}

/* The only place, but for the gate and the end, where the kernel is waited for. */
static void tick(struct loop_timer *timer)
{
	struct fib *f = container_of(timer, struct fib, timer);
	uint64_t now_ns = loop_clock();
	bool done;

	fib_tick_in(f, TICK_NS);
	if (f->flip)
		flip_on(f, now_ns + WORK_TURN_NS);
	tick_slow(f, now_ns);
	if (f->sets_gone)
		copies_gone(f);
	if (f->rules_gone) {
		f->counts.repaired++;
		rules(f, false);
	}
	if (resync_is_due(&f->resync, now_ns)) {
		observe_dump(f);
		if (f->resync.due)
			fib_tick_in(f, FIB_REPAIR_NS);
	}
	if (f->held_over && !f->retired)
		copies_retire(f);
	done = fib_removals_work_off(f, now_ns + WORK_TURN_NS);
	/* What is new does not wait for all that goes. */
	if (!copies_work(f, now_ns + 2 * WORK_TURN_NS) || !done)
		fib_tick_in(f, FIB_WORK_NS);
	fib_kernel_flush(&f->kernel);
}

/* From above */

static int fib_open(struct fib *f)
{
	int err = fib_leftover_clear();

	if (err < 0)
		return err;
	if (err)
		log_info("routes: %d of an earlier run removed", err);
	err = sets_init(&f->sets, &f->kernel, &f->places);
	if (err)
		return err;
	err = observe_open(f);
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
		*err = fib_removals_init(&f->removals, of_store.most);
	if (!*err)
		*err = fib_open(f);
	if (*err) {
		fib_kernel_close(&f->kernel);
		fib_removals_exit(&f->removals);
		free(f->sets.set);
		store_free(f->store);
		free(f);
		return NULL;
	}
	f->timer.fire = tick;
	fib_tick_in(f, TICK_NS);
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
		if (!copy_set(&item))
			copy_uninstall(f, &item);
	fib_removals_work_off(f, UINT64_MAX);
	sets_exit(&f->sets);
	loop_timer_del(f->loop, &f->timer);
	fib_kernel_close(&f->kernel);
	fib_removals_exit(&f->removals);
	store_free(f->store);
	free(f);
}

struct store *fib_store(const struct fib *f)
{
	return f->store;
}

int fib_table(struct fib *f, const char *name, uint32_t number)
{
	struct source *source;

	/* A VRF's that is one of ours would be written over. */
	if (number - FIB_TABLE < FIB_TABLES)
		return -EINVAL;
	source = sources_get(&f->sources, name);
	if (!source)
		return -ENOSPC;
	if (source->number == number)
		return 0;
	if (f->counts.forwarding)
		rules_ask(&f->kernel, source, true);
	source->number = number;
	if (f->counts.forwarding)
		rules_ask(&f->kernel, source, false);
	resync_now(&f->resync);
	fib_tick_in(f, FIB_REPAIR_NS);
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
		if (place->running)
			sets_link_up(&f->sets, place->ifindex);
		f->retry_ns = 0;
		observe_shaken(f);
		fib_tick_in(f, FIB_REPAIR_NS);
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
		fib_tick_in(f, FIB_WORK_NS);
	f->active_ns = loop_clock();
	f->counts.activate_ns = f->active_ns - start_ns;
	f->held_over = false;
	f->retired = true;
	resync_now(&f->resync);
	fib_tick_in(f, FIB_REPAIR_NS);
}

void fib_settle(struct fib *f)
{
	if (!f->active || f->held_over || f->sets.live == f->sets.used)
		return;
	fib_kernel_quiet(&f->kernel, true);
	f->flip = !sets_flip(&f->sets, false, loop_clock() + GATE_NS);
	fib_kernel_quiet(&f->kernel, false);
	if (f->flip)
		fib_tick_in(f, FIB_WORK_NS);
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
	fib_tick_in(f, FIB_WORK_NS);
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
	const struct source *source = sources_by_id(&f->sources, table_id);

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
