// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "base/container.h"
#include "base/log.h"
#include "base/netlink.h"
#include "daemon/routes.h"
#include "fib/kernel.h"

static void routes_ready(void *arg)
{
	struct routes *r = arg;

	stored_ready(&r->stored);
}

static void routes_swept(void *arg, uint8_t owner, uint32_t count)
{
	struct routes *r = arg;

	if (r->halves)
		replicate_swept(&r->halves->replicate, owner, count);
}

static void routes_compared(void *arg, uint8_t owner, uint32_t differing)
{
	struct routes *r = arg;

	if (r->halves)
		replicate_compared(&r->halves->replicate, owner, differing);
}

static int vrf_cb(const struct nlmsghdr *nlh, void *arg)
{
	static const uint16_t min[IFLA_MAX + 1];
	static const uint16_t info_min[IFLA_INFO_MAX + 1] = { [IFLA_INFO_KIND] = 4 };
	static const uint16_t vrf_min[IFLA_VRF_MAX + 1] = { [IFLA_VRF_TABLE] = 4 };
	const struct nlattr *tb[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1], *vrf[IFLA_VRF_MAX + 1];
	uint32_t *number = arg;

	if (nlh->nlmsg_type == RTM_NEWLINK &&
	    netlink_attrs(nlh, sizeof(struct ifinfomsg), tb, min, IFLA_MAX) &&
	    tb[IFLA_LINKINFO] &&
	    netlink_nested(tb[IFLA_LINKINFO], info, info_min, IFLA_INFO_MAX) &&
	    info[IFLA_INFO_KIND] && info[IFLA_INFO_DATA] &&
	    !memcmp(mnl_attr_get_payload(info[IFLA_INFO_KIND]), "vrf", 4) &&
	    netlink_nested(info[IFLA_INFO_DATA], vrf, vrf_min, IFLA_VRF_MAX) &&
	    vrf[IFLA_VRF_TABLE])
		*number = mnl_attr_get_u32(vrf[IFLA_VRF_TABLE]);
	return 0;
}

/* The table of a VRF, 0: it is none.  Asked when it comes, which is seldom. */
static uint32_t vrf_table(int ifindex)
{
	struct netlink *netlink = malloc(sizeof(*netlink));
	char message[128] __attribute__((aligned(8)));
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh;
	uint32_t number = 0;

	if (netlink && !netlink_open(netlink, NETLINK_ROUTE)) {
		nlh = netlink_start(netlink, message, RTM_GETLINK, NLM_F_ACK);
		ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
		ifi->ifi_index = ifindex;
		netlink_request(netlink, nlh, vrf_cb, &number);
		netlink_close(netlink);
	}
	free(netlink);
	return number;
}

static void routes_look_tables(struct routes *r)
{
	unsigned int i;

	for (i = 0; i < r->config->routes.tables; i++) {
		const char *name = r->config->routes.table[i];
		const struct rtnl_link *link;

		if (!strcmp(name, "main")) {
			fib_table(r->fib, name, RT_TABLE_MAIN);
			continue;
		}
		link = ifaces_named(r->ifaces, name + strlen("vrf:"));
		if (r->vrf[i] && r->vrf[i] == (link ? link->index : 0))
			continue;
		r->vrf[i] = link ? link->index : 0;
		if (fib_table(r->fib, name, link ? vrf_table(link->index) : 0) == -EINVAL)
			log_error("routes: %s has one of the tables from %u on, which are gwsync's: give the VRF another one",
				  name, FIB_TABLE);
	}
}

static void routes_look_named(struct routes *r)
{
	unsigned int i;

	for (i = 0; i < r->config->routes.interfaces; i++) {
		const char *name = r->config->routes.interface[i];
		const struct rtnl_link *link = ifaces_named(r->ifaces, name);
		struct neigh_interface interface = { .vrouter = name, .role = NEIGH_PARENT };

		if (link) {
			interface.ifindex = link->index;
			interface.running = (link->flags & IFF_UP) && (link->flags & IFF_RUNNING);
		}
		fib_interface(r->fib, &interface);
	}
}

void routes_look(struct routes *r)
{
	struct vrouter_lan lan;
	unsigned int i;

	if (!r->fib)
		return;
	routes_look_tables(r);
	for (i = 0; vrouters_lan(r->vrouters, i, &lan); i++) {
		struct neigh_interface interface = {
			.vrouter = lan.name, .vrid = lan.vrid, .role = NEIGH_MACVLAN,
			.ifindex = lan.macvlan, .running = lan.up && lan.carrier,
		};

		fib_interface(r->fib, &interface);
		interface.role = NEIGH_PARENT;
		interface.ifindex = lan.parent;
		interface.running = lan.carrier;
		fib_interface(r->fib, &interface);
	}
	routes_look_named(r);
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

static json_t *routes_table_json(const struct table *table)
{
	const struct routes *r = container_of(table, struct routes, stored.table);

	return fib_json(r->fib);
}

int routes_init(struct routes *r, struct tables *tables, const struct ifaces *ifaces,
		struct vrouters *vrouters)
{
	const struct stored_ops stored_ops = {
		.activate = routes_activate, .deactivate = routes_deactivate, .arg = r,
	};
	const struct fib_ops fib_ops = {
		.ready = routes_ready, .swept = routes_swept, .compared = routes_compared,
		.arg = r,
	};
	/* The same on all members, whatever key they have now: see store.h. */
	const struct fib_config config = {
		.most = tables->config->routes.most, .hold_s = tables->config->routes.hold_s,
		.hash_key = "gwsync routes",
	};
	int err;

	r->config = tables->config;
	r->ifaces = ifaces;
	r->vrouters = vrouters;
	r->fib = fib_alloc(tables->loop, &config, &fib_ops, &err);
	if (!r->fib) {
		log_error("routes: %s", strerror(-err));
		return err;
	}
	stored_init(&r->stored, fib_store(r->fib), FRAME_TABLE_ROUTES, "routes", "routes: ",
		    &stored_ops);
	r->stored.table.json = routes_table_json;
	r->halves = tables_add(tables, &r->stored.table);
	stored_start(&r->stored, &r->halves->publish);
	routes_look(r);
	return 0;
}

void routes_exit(struct routes *r)
{
	if (!r->fib)
		return;
	stored_start(&r->stored, NULL);
	fib_free(r->fib);
	r->fib = NULL;
}

void routes_resume(struct routes *r)
{
	if (r->fib)
		stored_ready(&r->stored);
}

void routes_drain(struct routes *r)
{
	if (r->fib)
		stored_drain(&r->stored);
}

json_t *routes_json(const struct routes *r, uint32_t *cursor, unsigned int most)
{
	json_t *some = json_array();
	struct store_item item;

	while (r->fib && most-- && store_each(fib_store(r->fib), cursor, &item))
		json_array_append_new(some, fib_item_json(r->fib, &item));
	return some;
}
