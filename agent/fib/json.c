// SPDX-License-Identifier: GPL-2.0
/* Routes in words: the table in the status, and one entry. */
#include <stdio.h>

#include <linux/rtnetlink.h>

#include "base/loop.h"
#include "config/address.h"
#include "fib/fib.h"

json_t *fib_json(const struct fib *f)
{
	struct store_counts of_store;
	struct fib_counts c;

	store_counts(fib_store(f), &of_store);
	fib_counts(f, &c);
	return json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:f}",
			 "active", store_active(fib_store(f)),
			 "own", (json_int_t)of_store.own,
			 "replicas", (json_int_t)of_store.replicas,
			 "most", (json_int_t)of_store.most,
			 "full", (json_int_t)of_store.full,
			 "installed", (json_int_t)c.installed,
			 "held", (json_int_t)c.held,
			 "sets", (json_int_t)c.sets,
			 "sets_live", (json_int_t)c.sets_live,
			 "unnamed", (json_int_t)c.unnamed,
			 "unfit", (json_int_t)c.unfit,
			 "repaired", (json_int_t)c.repaired,
			 "refused", (json_int_t)c.refused,
			 "lost", (json_int_t)c.lost,
			 "forwarding", c.forwarding,
			 "activated", (json_int_t)c.activated,
			 "activate_ms", (double)c.activate_ns / NSEC_PER_MSEC);
}

static const char *type_name(uint8_t type)
{
	switch (type) {
	case RTN_BLACKHOLE:
		return "blackhole";
	case RTN_UNREACHABLE:
		return "unreachable";
	case RTN_PROHIBIT:
		return "prohibit";
	default:
		return "unicast";
	}
}

static json_t *hops_json(const struct fib *f, const struct fib_route *r)
{
	json_t *hops = json_array();
	char text[ADDRESS_TEXT];
	unsigned int i;

	for (i = 0; i < r->hops; i++) {
		const struct fib_hop *hop = &r->hop[i];
		const char *role = hop->role == NEIGH_MACVLAN ? "macvlan" :
				   hop->vrid ? "parent" : "interface";
		const char *via = NULL;

		if (hop->family)
			via = address_text(hop->family, hop->gateway, text);
		json_array_append_new(hops, json_pack("{s:s?, s:s?, s:s, s:i, s:b}", "via", via,
						      "interface", fib_hop_name(f, hop),
						      "role", role, "weight", hop->weight + 1,
						      "onlink", hop->onlink));
	}
	return hops;
}

json_t *fib_item_json(const struct fib *f, const struct store_item *item)
{
	char prefix[2 * ADDRESS_TEXT], source[ADDRESS_TEXT], text[ADDRESS_TEXT];
	struct fib_route r;
	json_t *json;
	unsigned int i;

	if (!fib_route_read(&r, item->key, item->key_len, item->value, item->value_len))
		return json_object();
	snprintf(prefix, sizeof(prefix), "%s/%u", address_text(r.family, r.prefix, text),
		 r.prefix_len);
	json = json_pack("{s:s?, s:s, s:s, s:I, s:i, s:i, s:s?, s:o, s:i, s:b, s:b}",
			 "table", fib_table_name(f, r.table_id),
			 "prefix", prefix, "type", type_name(r.type),
			 "metric", (json_int_t)r.metric, "tos", r.tos,
			 "protocol", r.protocol,
			 "source", r.source_len ? address_text(r.family, r.source, source) : NULL,
			 "next_hops", hops_json(f, &r),
			 "owner", item->owner, "replica", item->replica,
			 "installed", fib_installed(item));
	for (i = 0; i < r.metrics; i++)
		if (r.metrics_of[i].type == RTAX_MTU)
			json_object_set_new(json, "mtu", json_integer(r.metrics_of[i].value));
	return json;
}
