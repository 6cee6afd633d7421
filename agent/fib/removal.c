// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fib/removal.h"
#include "fib/state.h"

#define REMOVE_ONCE	64	/* requests, before the clock is looked at */

int fib_removals_init(struct fib_removals *r, uint32_t most)
{
	*r = (struct fib_removals){ .most = most };
	r->removal = calloc(most, sizeof(r->removal[0]));
	return r->removal ? 0 : -ENOMEM;
}

void fib_removals_exit(struct fib_removals *r)
{
	free(r->removal);
	r->removal = NULL;
}

static void removal_ask(struct fib *f, const struct fib_removal *removal)
{
	const struct source *source;
	struct store_item item;
	struct fib_route route;

	/* One that is there again has been written over. */
	if (store_find(f->store, removal->key, removal->key_len, &item) &&
	    *item.note & NOTE_INSTALLED)
		return;
	if (!fib_key_read(&route, removal->key, removal->key_len))
		return;
	source = sources_by_id(&f->sources, route.table_id);
	if (source)
		fib_kernel_route_remove(&f->kernel, &route, source->copies);
}

bool fib_removals_work_off(struct fib *f, uint64_t until_ns)
{
	struct fib_removals *r = &f->removals;
	unsigned int some = 0;

	while (r->count) {
		const struct fib_removal *removal = &r->removal[--r->count];

		removal_ask(f, removal);
		sets_put(&f->sets, removal->set);
		if (++some % REMOVE_ONCE)
			continue;
		fib_kernel_flush(&f->kernel);
		if (loop_clock() >= until_ns)
			return !r->count;
	}
	fib_kernel_flush(&f->kernel);
	return true;
}

void fib_removals_add(struct fib *f, const struct store_item *item, uint16_t set)
{
	struct fib_removals *r = &f->removals;
	struct fib_removal *removal;

	if (r->count == r->most)
		fib_removals_work_off(f, UINT64_MAX);
	removal = &r->removal[r->count++];
	removal->key_len = (uint8_t)item->key_len;
	memcpy(removal->key, item->key, item->key_len);
	removal->set = set;
	fib_tick_in(f, FIB_WORK_NS);
}
