// SPDX-License-Identifier: GPL-2.0
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

bool wanted_next(struct wanted *w, const struct store *store, struct store_item *item)
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
