// SPDX-License-Identifier: GPL-2.0
/* Neighbours in words: the table in the status, and one entry. */
#include <stdio.h>

#include "base/loop.h"
#include "config/address.h"
#include "neigh/neigh.h"
#include "neigh/place.h"

json_t *neigh_json(const struct neigh *n)
{
	struct store_counts of_store;
	struct neigh_counts c;
	json_t *json;

	store_counts(neigh_store(n), &of_store);
	neigh_counts(n, &c);
	json = json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:I}",
			 "active", store_active(neigh_store(n)),
			 "own", (json_int_t)of_store.own,
			 "replicas", (json_int_t)of_store.replicas,
			 "most", (json_int_t)of_store.most,
			 "full", (json_int_t)of_store.full,
			 "installed", (json_int_t)c.installed,
			 "missing", (json_int_t)c.missing,
			 "learned", (json_int_t)c.learned,
			 "failed", (json_int_t)c.failed,
			 "moved", (json_int_t)c.moved,
			 "former", (json_int_t)c.former,
			 "refused", (json_int_t)c.refused,
			 "lost", (json_int_t)c.lost,
			 "activated", (json_int_t)c.activated,
			 "activate_ms", (double)c.activate_ns / NSEC_PER_MSEC,
			 "limit_ipv4", (json_int_t)c.limit[0]);
	json_object_set_new(json, "limit_ipv6", json_integer(c.limit[1]));
	return json;
}

json_t *neigh_item_json(const struct neigh *n, const struct store_item *item)
{
	const struct place *place = places_by_key(neigh_places(n), item->key);
	const uint8_t *mac = item->value + 2;
	char text[ADDRESS_TEXT], ether[18];

	snprintf(ether, sizeof(ether), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	return json_pack("{s:s?, s:i, s:s, s:s, s:s, s:b, s:i, s:b, s:b}",
			 "virtual_router", place && place->vrid ? place->name : NULL,
			 "vrid", item->key[2],
			 "interface", item->key[0] == NEIGH_MACVLAN ? "macvlan" :
				      item->key[2] ? "parent" : place ? place->name : "?",
			 "address", address_text(neigh_key_family(item->key),
						 neigh_key_addr(item->key), text),
			 "mac", ether,
			 "router", !!(item->value[0] & NEIGH_ROUTER),
			 "owner", item->owner,
			 "replica", item->replica,
			 "installed", neigh_installed(item));
}
