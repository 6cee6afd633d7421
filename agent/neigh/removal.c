// SPDX-License-Identifier: GPL-2.0
#include "base/loop.h"
#include "neigh/removal.h"

bool removals_add(struct removals *r, const struct neigh_target *target)
{
	if (r->count == REMOVALS)
		return false;
	r->target[r->count++] = *target;
	return true;
}

bool removals_work_off(struct removals *r, const struct places *places,
		       const struct store *store, struct neigh_kernel *kernel,
		       uint64_t until_ns)
{
	unsigned int some = 0;

	while (r->count) {
		const struct neigh_target *target = &r->target[--r->count];
		const struct place *place = places_by_index(places, target->ifindex);
		struct store_item item;
		struct neigh_key key;

		if (place)
			neigh_key_write(&key, place->id, place->vrid, place->role,
					target->family, target->addr);
		if (place && store_find(store, key.bytes, key.len, &item))
			continue;
		neigh_kernel_remove(kernel, target);
		if (++some % NEIGH_KERNEL_ONCE)
			continue;
		neigh_kernel_flush(kernel);
		if (loop_clock() >= until_ns)
			return !r->count;
	}
	neigh_kernel_flush(kernel);
	return true;
}
