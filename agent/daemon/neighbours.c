// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "base/container.h"
#include "base/log.h"
#include "daemon/neighbours.h"

static bool neighbours_own(void *arg, uint8_t family, const uint8_t *addr)
{
	const struct neighbours *n = container_of(arg, struct neighbours, stored);

	return vrouters_has(n->lans.vrouters, family, addr);
}

static void neighbours_seen(void *arg, const struct neigh_interface *interface)
{
	struct neighbours *n = arg;

	neigh_interface(n->neigh, interface);
}

void neighbours_look(struct neighbours *n)
{
	if (n->neigh)
		lans_each(&n->lans, neighbours_seen, n);
}

static void neighbours_activate(void *arg, uint64_t owners, uint32_t epoch)
{
	struct neighbours *n = arg;
	struct neigh_counts counts;
	int missing;

	(void)epoch;
	neighbours_look(n);
	missing = neigh_activate(n->neigh, owners);
	if (missing) {
		log_warning("neighbours: %d are not in the kernel yet: who is needed before is asked for",
			    missing);
		return;
	}
	neigh_counts(n->neigh, &counts);
	log_info("neighbours: %u live after %llu us", counts.activated,
		 (unsigned long long)(counts.activate_ns / NSEC_PER_USEC));
}

static void neighbours_deactivate(void *arg, uint8_t owner, uint32_t epoch)
{
	struct neighbours *n = arg;

	neigh_deactivate(n->neigh, owner, epoch);
}

static json_t *neighbours_json(const void *arg)
{
	const struct neighbours *n = arg;

	return neigh_json(n->neigh);
}

static json_t *neighbours_item_json(const void *arg, const struct store_item *item)
{
	const struct neighbours *n = arg;

	return neigh_item_json(n->neigh, item);
}

int neighbours_init(struct neighbours *n, struct tables *tables, const struct ifaces *ifaces,
		    struct vrouters *vrouters)
{
	const struct stored_ops stored_ops = {
		.activate = neighbours_activate, .deactivate = neighbours_deactivate,
		.json = neighbours_json, .item_json = neighbours_item_json, .arg = n,
	};
	const struct neigh_ops neigh_ops = {
		.own = neighbours_own, .ready = stored_ready, .swept = stored_swept,
		.compared = stored_compared, .arg = &n->stored,
	};
	/* The same on all members, whatever key they have now: which class an entry is in
	 * is no secret, see store.h.
	 */
	const struct neigh_config config = { .hash_key = "gwsync neighbour" };
	struct table_halves *halves;
	int err;

	n->lans = (struct lans){
		.vrouters = vrouters, .ifaces = ifaces,
		.named = tables->config->neighbours_on, .count = tables->config->neighbours_ons,
	};
	n->neigh = neigh_alloc(tables->loop, &config, &neigh_ops, &err);
	if (!n->neigh) {
		log_error("neighbours: %s", strerror(-err));
		return err;
	}
	stored_init(&n->stored, neigh_store(n->neigh), FRAME_TABLE_NEIGHBOURS, "neighbours",
		    "neighbours: ", &stored_ops);
	halves = tables_add(tables, &n->stored.table);
	stored_start(&n->stored, &halves->publish, &halves->replicate);
	neighbours_look(n);
	return 0;
}

void neighbours_exit(struct neighbours *n)
{
	if (!n->neigh)
		return;
	stored_stop(&n->stored);
	neigh_free(n->neigh);
	n->neigh = NULL;
}
