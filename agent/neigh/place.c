// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "neigh/place.h"

static unsigned int slot_of(uint32_t id, uint8_t vrid, uint8_t role)
{
	return (id + 2U * vrid + role) % PLACE_SLOTS;
}

static struct place *places_find(const struct places *p, uint32_t id, uint8_t vrid, uint8_t role)
{
	unsigned int at;

	for (at = slot_of(id, vrid, role); p->by_key[at]; at = (at + 1) % PLACE_SLOTS) {
		const struct place *place = &p->place[p->by_key[at] - 1];

		if (place->id == id && place->vrid == vrid && place->role == role)
			return (struct place *)place;
	}
	return NULL;
}

struct place *places_by_key(const struct places *p, const uint8_t *key)
{
	uint32_t id;

	memcpy(&id, key + 4, 4);
	return places_find(p, be32toh(id), key[2], key[0]);
}

struct place *places_by_index(const struct places *p, int ifindex)
{
	const struct place *found = NULL;
	unsigned int i;

	for (i = 0; i < p->count; i++) {
		const struct place *place = &p->place[i];

		if (place->ifindex == ifindex &&
		    (!found || (uint8_t)(place->vrid - 1) < (uint8_t)(found->vrid - 1) ||
		     (place->vrid == found->vrid && place->id < found->id)))
			found = place;
	}
	return (struct place *)found;
}

struct place *places_of(struct places *p, const struct neigh_interface *interface)
{
	uint32_t id = neigh_name_id(interface->vrouter);
	struct place *place = places_find(p, id, interface->vrid, (uint8_t)interface->role);
	unsigned int at;

	if (place || p->count == NEIGH_INTERFACES_MAX)
		return place;
	place = &p->place[p->count++];
	at = slot_of(id, interface->vrid, (uint8_t)interface->role);
	while (p->by_key[at])
		at = (at + 1) % PLACE_SLOTS;
	p->by_key[at] = (uint16_t)p->count;
	snprintf(place->name, sizeof(place->name), "%s", interface->vrouter);
	place->id = id;
	place->vrid = interface->vrid;
	place->role = interface->role;
	return place;
}
