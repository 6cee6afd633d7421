// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "base/container.h"
#include "base/log.h"
#include "daemon/neighbours.h"

static void neighbours_ready(void *arg)
{
	struct neighbours *n = arg;

	stored_ready(&n->stored);
}

static void neighbours_swept(void *arg, uint8_t owner, uint32_t count)
{
	struct neighbours *n = arg;

	if (n->halves)
		replicate_swept(&n->halves->replicate, owner, count);
}

static void neighbours_compared(void *arg, uint8_t owner, uint32_t differing)
{
	struct neighbours *n = arg;

	if (n->halves)
		replicate_compared(&n->halves->replicate, owner, differing);
}

static bool neighbours_own(void *arg, uint8_t family, const uint8_t *addr)
{
	const struct neighbours *n = arg;

	return vrouters_has(n->vrouters, family, addr);
}

/* They carry no virtual router, as an uplink does whose next hop is not ours. */
static void neighbours_look_named(struct neighbours *n)
{
	unsigned int i;

	for (i = 0; i < n->config->neighbours_ons; i++) {
		const char *name = n->config->neighbours_on[i];
		const struct rtnl_link *link = ifaces_named(n->ifaces, name);
		struct neigh_interface interface = { .vrouter = name, .role = NEIGH_PARENT };

		if (link) {
			interface.ifindex = link->index;
			interface.running = (link->flags & IFF_UP) && (link->flags & IFF_RUNNING);
			memcpy(interface.mac, link->mac, sizeof(interface.mac));
		}
		neigh_interface(n->neigh, &interface);
	}
}

void neighbours_look(struct neighbours *n)
{
	struct vrouter_lan lan;
	unsigned int i;

	for (i = 0; n->neigh && vrouters_lan(n->vrouters, i, &lan); i++) {
		struct neigh_interface interface = {
			.vrouter = lan.name, .vrid = lan.vrid, .role = NEIGH_MACVLAN,
			.ifindex = lan.macvlan, .running = lan.up && lan.carrier, .tune = true,
		};

		memcpy(interface.mac, lan.mac, sizeof(interface.mac));
		neigh_interface(n->neigh, &interface);
		interface.role = NEIGH_PARENT;
		interface.ifindex = lan.parent;
		interface.running = lan.carrier;
		interface.tune = false;
		memset(interface.mac, 0, sizeof(interface.mac));
		neigh_interface(n->neigh, &interface);
	}
	if (n->neigh)
		neighbours_look_named(n);
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

static json_t *neighbours_table_json(const struct table *table)
{
	const struct neighbours *n = container_of(table, struct neighbours, stored.table);

	return neigh_json(n->neigh);
}

int neighbours_init(struct neighbours *n, struct tables *tables, const struct ifaces *ifaces,
		    struct vrouters *vrouters)
{
	const struct stored_ops stored_ops = {
		.activate = neighbours_activate, .deactivate = neighbours_deactivate, .arg = n,
	};
	const struct neigh_ops neigh_ops = {
		.own = neighbours_own, .ready = neighbours_ready, .swept = neighbours_swept,
		.compared = neighbours_compared, .arg = n,
	};
	/* The same on all members, whatever key they have now: which class an entry is in
	 * is no secret, see store.h.
	 */
	const struct neigh_config config = { .hash_key = "gwsync neighbour" };
	int err;

	n->config = tables->config;
	n->ifaces = ifaces;
	n->vrouters = vrouters;
	n->neigh = neigh_alloc(tables->loop, &config, &neigh_ops, &err);
	if (!n->neigh) {
		log_error("neighbours: %s", strerror(-err));
		return err;
	}
	stored_init(&n->stored, neigh_store(n->neigh), FRAME_TABLE_NEIGHBOURS, "neighbours",
		    "neighbours: ", &stored_ops);
	n->stored.table.json = neighbours_table_json;
	n->halves = tables_add(tables, &n->stored.table);
	stored_start(&n->stored, &n->halves->publish);
	neighbours_look(n);
	return 0;
}

void neighbours_exit(struct neighbours *n)
{
	if (!n->neigh)
		return;
	stored_start(&n->stored, NULL);
	neigh_free(n->neigh);
	n->neigh = NULL;
}

void neighbours_resume(struct neighbours *n)
{
	if (n->neigh)
		stored_ready(&n->stored);
}

void neighbours_drain(struct neighbours *n)
{
	if (n->neigh)
		stored_drain(&n->stored);
}

json_t *neighbours_json(const struct neighbours *n, uint32_t *cursor, unsigned int most)
{
	json_t *some = json_array();
	struct store_item item;

	while (n->neigh && most-- && store_each(neigh_store(n->neigh), cursor, &item))
		json_array_append_new(some, neigh_item_json(n->neigh, &item));
	return some;
}
