// SPDX-License-Identifier: GPL-2.0
#include "base/loop.h"
#include "neigh/wanted.h"

void wanted_add(struct wanted *w, const struct store_item *item, enum want want)
{
	if (!(*item->note & WANT_ANY)) {
		w->count++;
		if (w->ids < WANTED_IDS)
			w->id[w->ids++] = item->id;
	}
	*item->note |= want;
}

void wanted_drop(struct wanted *w, const struct store_item *item, enum want want)
{
	if (!(*item->note & WANT_ANY))
		return;
	*item->note &= ~want;
	if (!(*item->note & WANT_ANY))
		w->count--;
}

/* One of them, which is to be dropped; false: there is none. */
static bool wanted_next(struct wanted *w, const struct store *store, struct store_item *item)
{
	while (w->count && w->ids)
		if (store_get(store, w->id[--w->ids], item) && *item->note & WANT_ANY)
			return true;
	while (w->count) {
		bool whole = !w->cursor;

		while (store_each(store, &w->cursor, item))
			if (*item->note & WANT_ANY)
				return true;
		w->cursor = 0;
		if (whole)
			break;
	}
	return false;
}

bool wanted_work_off(struct wanted *w, const struct store *store,
		     const struct wanted_ops *ops, void *arg, uint64_t until_ns)
{
	struct store_item item;
	unsigned int some = 0;

	while (wanted_next(w, store, &item)) {
		uint32_t what = *item.note & WANT_ANY;

		wanted_drop(w, &item, WANT_ANY);
		ops->ask(arg, &item, what);
		if (++some % ops->once)
			continue;
		ops->flush(arg);
		if (loop_clock() >= until_ns)
			return !w->count;
	}
	ops->flush(arg);
	return true;
}
