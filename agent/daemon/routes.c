// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include <linux/rtnetlink.h>

#include "base/log.h"
#include "daemon/routes.h"
#include "fib/kernel.h"

static void routes_look_vrf(struct routes *r, unsigned int i)
{
	const char *name = r->config->routes.table[i];
	const struct rtnl_link *link = ifaces_named(r->lans.ifaces, name + strlen("vrf:"));
	bool refused = fib_table(r->fib, name, link ? link->vrf_table : 0) == -EINVAL;

	if (refused && !r->refused[i])
		log_error("routes: %s has one of the tables from %u on, which are gwsync's: give the VRF another one",
			  name, FIB_TABLE);
	r->refused[i] = refused;
}

static void routes_look_tables(struct routes *r)
{
	unsigned int i;

	for (i = 0; i < r->config->routes.tables; i++) {
		if (!strcmp(r->config->routes.table[i], "main"))
			fib_table(r->fib, "main", RT_TABLE_MAIN);
		else
			routes_look_vrf(r, i);
	}
}

static void routes_seen(void *arg, const struct neigh_interface *interface)
{
	struct routes *r = arg;

	fib_interface(r->fib, interface);
}

void routes_look(struct routes *r)
{
	if (!r->fib)
		return;
	routes_look_tables(r);
	lans_each(&r->lans, routes_seen, r);
}

void routes_settle(struct routes *r)
{
	if (!r->fib)
		return;
	routes_look(r);
	fib_settle(r->fib);
}

static void routes_activate(void *arg, uint64_t owners, uint32_t epoch)
{
	struct routes *r = arg;
	struct fib_counts counts;

	(void)epoch;
	routes_look(r);
	fib_activate(r->fib, owners);
	fib_counts(r->fib, &counts);
	log_info("routes: %u live after %llu us, by %u of %u sets of next hops",
		 counts.installed, (unsigned long long)(counts.activate_ns / NSEC_PER_USEC),
		 counts.sets_live, counts.sets);
}

static void routes_deactivate(void *arg, uint8_t owner, uint32_t epoch)
{
	struct routes *r = arg;

	fib_deactivate(r->fib, owner, epoch);
}

static json_t *routes_json(const void *arg)
{
	const struct routes *r = arg;

	return fib_json(r->fib);
}

static json_t *routes_item_json(const void *arg, const struct store_item *item)
{
	const struct routes *r = arg;

	return fib_item_json(r->fib, item);
}

int routes_init(struct routes *r, struct tables *tables, const struct ifaces *ifaces,
		struct vrouters *vrouters)
{
	const struct stored_ops stored_ops = {
		.activate = routes_activate, .deactivate = routes_deactivate,
		.json = routes_json, .item_json = routes_item_json, .arg = r,
	};
	const struct fib_ops fib_ops = {
		.ready = stored_ready, .swept = stored_swept, .compared = stored_compared,
		.arg = &r->stored,
	};
	/* The same on all members, whatever key they have now: see store.h. */
	const struct fib_config config = {
		.most = tables->config->routes.most, .hold_s = tables->config->routes.hold_s,
		.hash_key = "gwsync routes",
	};
	struct table_halves *halves;
	int err;

	r->config = tables->config;
	r->lans = (struct lans){
		.vrouters = vrouters, .ifaces = ifaces,
		.named = r->config->routes.interface, .count = r->config->routes.interfaces,
	};
	r->fib = fib_alloc(tables->loop, &config, &fib_ops, &err);
	if (!r->fib) {
		log_error("routes: %s", strerror(-err));
		return err;
	}
	stored_init(&r->stored, fib_store(r->fib), FRAME_TABLE_ROUTES, "routes", "routes: ",
		    &stored_ops);
	halves = tables_add(tables, &r->stored.table);
	stored_start(&r->stored, &halves->publish, &halves->replicate);
	routes_look(r);
	return 0;
}

void routes_exit(struct routes *r)
{
	if (!r->fib)
		return;
	stored_stop(&r->stored);
	fib_free(r->fib);
	r->fib = NULL;
}
