// SPDX-License-Identifier: GPL-2.0
#include <sys/socket.h>

#include "base/log.h"
#include "base/loop.h"
#include "neigh/kernel.h"
#include "neigh/key.h"
#include "neigh/limit.h"

#define LIMIT_NS	(60 * NSEC_PER_SEC)

static void limit_check(struct limits *l, unsigned int i, uint32_t count)
{
	uint32_t limit = l->limit[i];

	if (!limit || count < limit - limit / 8) {
		l->said[i] = false;
		return;
	}
	if (!l->said[i])
		log_warning("%u neighbours of IPv%u are held, and the owner's kernel learns %u at most: set net.ipv%u.neigh.default.gc_thresh3 to %u or more, and gc_thresh2 to half of it, on all members",
			    count, i ? 6 : 4, limit, i ? 6 : 4, 2 * count);
	l->said[i] = true;
}

void limits_check(struct limits *l, const struct store *store, uint64_t now_ns)
{
	uint32_t cursor = 0, count[2] = { 0 };
	struct store_counts held;
	struct store_item item;
	bool due = !l->asked_ns || elapsed_ns(now_ns, l->asked_ns) >= LIMIT_NS;

	store_counts(store, &held);
	if (!due && held.own + held.replicas <= l->held + l->held / 8)
		return;
	if (due) {
		l->asked_ns = now_ns;
		l->limit[0] = neigh_kernel_limit(AF_INET);
		l->limit[1] = neigh_kernel_limit(AF_INET6);
	}
	l->held = held.own + held.replicas;
	while (store_each(store, &cursor, &item))
		count[neigh_key_family(item.key) == AF_INET6]++;
	limit_check(l, 0, count[0]);
	limit_check(l, 1, count[1]);
}
