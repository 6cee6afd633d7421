// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/big_endian.h"
#include "base/loop.h"
#include "config/address.h"
#include "fib/set.h"

#define CHAINS	(sizeof(((struct sets *)0)->chain) / sizeof(uint16_t))
#define HOP_BITS	5		/* of a nexthop's id: 0 is the set's, then its hops */

int sets_init(struct sets *s, struct fib_kernel *kernel, const struct places *places)
{
	uint16_t id;

	s->kernel = kernel;
	s->places = places;
	s->set = calloc(FIB_SETS + 1, sizeof(*s->set));
	if (!s->set)
		return -ENOMEM;
	for (id = FIB_SETS; id; id--) {
		s->set[id].next = s->free;
		s->free = id;
	}
	return 0;
}

uint32_t set_nexthop(uint16_t id)
{
	return FIB_ID + ((uint32_t)id << HOP_BITS);
}

static uint32_t set_hop(uint16_t id, unsigned int hop)
{
	return set_nexthop(id) + 1 + hop;
}

static uint32_t blackhole(uint8_t family)
{
	return FIB_ID + 1 + (family == AF_INET6);
}

uint16_t sets_of_nexthop(const struct sets *s, uint32_t nexthop, unsigned int *hop)
{
	uint32_t at = nexthop & ~FIB_ID_MASK, id = at >> HOP_BITS;
	unsigned int number = at & ((1U << HOP_BITS) - 1);

	if (!id || id > FIB_SETS || number > FIB_HOPS || !s->set[id].refs)
		return 0;
	*hop = number ? number - 1 : FIB_HOPS;
	return (uint16_t)id;
}

static bool hop_same(const struct fib_hop *a, const struct fib_hop *b)
{
	return a->family == b->family && a->weight == b->weight && a->onlink == b->onlink &&
	       a->role == b->role && a->vrid == b->vrid && a->name_id == b->name_id &&
	       !memcmp(a->gateway, b->gateway, sizeof(a->gateway));
}

static bool set_same(const struct set *set, const struct fib_route *r)
{
	unsigned int i;

	if (set->family != r->family || set->hops != r->hops)
		return false;
	for (i = 0; i < r->hops; i++)
		if (!hop_same(&set->hop[i], &r->hop[i]))
			return false;
	return true;
}

static unsigned int chain_of(uint8_t family, const struct fib_hop *hop, unsigned int hops)
{
	uint32_t hash = family;
	unsigned int i, j;

	for (i = 0; i < hops; i++) {
		hash = hash * 31 + hop[i].name_id + hop[i].vrid + hop[i].weight;
		for (j = 0; j < address_bytes(hop[i].family); j++)
			hash = hash * 31 + hop[i].gateway[j];
	}
	return hash % CHAINS;
}

uint16_t sets_get(struct sets *s, const struct fib_route *r)
{
	unsigned int chain = chain_of(r->family, r->hop, r->hops);
	struct set *set;
	uint16_t id;

	for (id = s->chain[chain]; id; id = s->set[id].next)
		if (set_same(&s->set[id], r)) {
			s->set[id].refs++;
			return id;
		}
	id = s->free;
	if (!id) {
		s->full++;
		return 0;
	}
	set = &s->set[id];
	s->free = set->next;
	memset(set, 0, sizeof(*set));
	set->refs = 1;
	set->family = r->family;
	set->hops = (uint8_t)r->hops;
	memcpy(set->hop, r->hop, r->hops * sizeof(r->hop[0]));
	set->next = s->chain[chain];
	s->chain[chain] = id;
	s->used++;
	if (id > s->top)
		s->top = id;
	return id;
}

bool set_is_plain(const struct set *set)
{
	return set->hops == 1;
}

static void set_dead(struct sets *s, struct set *set)
{
	s->live -= set->live;
	set->live = false;
}

/* The kernel's next hops of it. */
static void set_clear(struct sets *s, uint16_t id)
{
	struct set *set = &s->set[id];
	unsigned int i;

	for (i = 0; set->tried && i < set->hops; i++)
		fib_kernel_nexthop_remove(s->kernel, set_hop(id, i));
	set->tried = false;
	set_dead(s, set);
	set->bad = 0;
	set->members = 0;
}

void set_drop(struct sets *s, uint16_t id)
{
	struct set *set = &s->set[id];

	if (set->made)
		fib_kernel_nexthop_remove(s->kernel, set_nexthop(id));
	set->made = false;
	set_clear(s, id);
}

void sets_put(struct sets *s, uint16_t id)
{
	struct set *set = &s->set[id];
	uint16_t *at;

	if (!id || --set->refs)
		return;
	set_drop(s, id);
	at = &s->chain[chain_of(set->family, set->hop, set->hops)];
	while (*at != id)
		at = &s->set[*at].next;
	*at = set->next;
	set->next = s->free;
	s->free = id;
	s->used--;
}

static void set_nowhere(struct sets *s, uint16_t id)
{
	struct fib_member member = { .id = blackhole(s->set[id].family) };

	if (!s->blackholes) {
		fib_kernel_nexthop(s->kernel, blackhole(AF_INET), AF_INET, NULL);
		fib_kernel_nexthop(s->kernel, blackhole(AF_INET6), AF_INET6, NULL);
		s->blackholes = true;
	}
	if (set_is_plain(&s->set[id]))
		fib_kernel_nexthop(s->kernel, set_nexthop(id), s->set[id].family, NULL);
	else
		fib_kernel_group(s->kernel, set_nexthop(id), &member, 1);
	s->set[id].made = true;
	s->set[id].doubt = false;
}

void sets_nowhere_gone(struct sets *s, uint32_t nexthop)
{
	if (nexthop == blackhole(AF_INET) || nexthop == blackhole(AF_INET6))
		s->blackholes = false;
}

static const struct place *hop_place(const struct sets *s, const struct fib_hop *hop)
{
	uint8_t key[8] = { hop->role, 0, hop->vrid, 0 };

	put_be(key + 4, hop->name_id, 4);
	return places_by_key(s->places, key);
}

void set_flip(struct sets *s, uint16_t id, bool running)
{
	struct fib_member member[FIB_HOPS];
	struct set *set = &s->set[id];
	unsigned int i, members = 0;

	for (i = 0; i < set->hops; i++) {
		const struct place *place = hop_place(s, &set->hop[i]);

		if (!place || !place->ifindex || (running && !place->running) ||
		    set->bad & 1U << i)
			continue;
		set->hop[i].ifindex = place->ifindex;
		fib_kernel_nexthop(s->kernel, set_is_plain(set) ? set_nexthop(id) : set_hop(id, i),
				   set->family, &set->hop[i]);
		set->tried = !set_is_plain(set);
		member[members].id = set_hop(id, i);
		member[members++].weight = set->hop[i].weight;
	}
	if (!members)
		return;
	if (!set_is_plain(set))
		fib_kernel_group(s->kernel, set_nexthop(id), member, members);
	if (!set->live)
		s->live++;
	set->made = true;
	set->doubt = false;
	set->live = true;
	set->members = (uint8_t)members;
}

/* Of IPv6 a next hop that is replaced takes the kernel a while for each of its routes: such
 * a one leads on from the start, which nobody notices, since no rule leads to its routes.
 */
static bool is_early(const struct set *set)
{
	return set_is_plain(set) && set->family == AF_INET6;
}

void set_make(struct sets *s, uint16_t id)
{
	struct set *set = &s->set[id];

	if (set->made && !set->doubt)
		return;
	set_dead(s, set);
	if (is_early(set))
		set_flip(s, id, true);
	if (!set->live)
		set_nowhere(s, id);
}

/* What takes the kernel a while for each: see the head of set.h. */
static bool is_slow(const struct set *set)
{
	return !set_is_plain(set) || set->family == AF_INET6;
}

/* Those that are quick first.  Return: false if there was no time for all. */
static bool flip_once(struct sets *s, bool running, uint64_t until_ns)
{
	unsigned int slow;
	uint16_t id;

	for (slow = 0; slow < 2; slow++) {
		for (id = 1; id <= s->top; id++) {
			if (!s->set[id].refs || s->set[id].live || is_slow(&s->set[id]) != slow)
				continue;
			set_flip(s, id, running);
			if (!slow)
				continue;
			fib_kernel_flush(s->kernel);
			if (loop_clock() >= until_ns)
				return false;
		}
		fib_kernel_flush(s->kernel);
	}
	return true;
}

bool sets_flip(struct sets *s, bool running, uint64_t until_ns)
{
	unsigned int turn;
	uint16_t id;

	for (turn = 0; turn < 2; turn++)
		if (!flip_once(s, running, until_ns))
			return false;
	for (id = 1; id <= s->top; id++)
		if (!s->set[id].live)
			s->set[id].bad = 0;
	return true;
}

bool sets_flip_back(struct sets *s, uint64_t until_ns)
{
	uint16_t id;

	for (id = 1; id <= s->top; id++) {
		struct set *set = &s->set[id];

		if (!set->refs || !set->made || (!set->live && !set->tried) || is_early(set))
			continue;
		if (set->live)
			set_nowhere(s, id);
		set_clear(s, id);
		if (!is_slow(set))
			continue;
		fib_kernel_flush(s->kernel);
		if (loop_clock() >= until_ns)
			return false;
	}
	fib_kernel_flush(s->kernel);
	return true;
}

void sets_lost(struct sets *s, uint16_t id)
{
	struct set *set = &s->set[id];

	set->made = false;
	set_dead(s, set);
	set->gone = true;
}

void sets_refused(struct sets *s, uint16_t id, unsigned int hop, bool active)
{
	struct set *set = &s->set[id];

	if (hop != FIB_HOPS) {
		set->bad |= (uint16_t)(1U << hop);
		return;
	}
	set_dead(s, set);	/* it is what it was before */
	if (!active) {		/* it is not there, nor what leads nowhere */
		set->made = false;
		s->blackholes = false;
	}
	/* As above; a blackhole is not refused. */
	if (set_is_plain(set))
		set->bad |= 1U;
}

void sets_doubt(struct sets *s)
{
	uint16_t id;

	for (id = 1; id <= s->top; id++)
		s->set[id].doubt = s->set[id].made;
	s->blackholes = false;
}

/* The hops of a live set that are by this interface, a bit each. */
static uint16_t hops_by(const struct set *set, int ifindex)
{
	uint16_t hops = 0;
	unsigned int i;

	for (i = 0; set->refs && set->live && i < set->hops; i++)
		if (set->hop[i].ifindex == ifindex)
			hops |= (uint16_t)(1U << i);
	return hops;
}

bool sets_link_down(struct sets *s, int ifindex)
{
	bool lost = false;
	uint16_t id;

	for (id = 1; id <= s->top; id++) {
		struct set *set = &s->set[id];
		uint16_t hops = hops_by(set, ifindex);

		if (!hops)
			continue;
		set->bad |= hops;
		/* A group goes with its last one. */
		if (set->bad != (1U << set->hops) - 1)
			continue;
		sets_lost(s, id);
		set->bad = 0;
		lost = true;
	}
	return lost;
}

void sets_link_up(struct sets *s, int ifindex)
{
	uint16_t id;

	for (id = 1; id <= s->top; id++) {
		uint16_t hops = hops_by(&s->set[id], ifindex) & s->set[id].bad;

		if (!hops)
			continue;
		s->set[id].bad &= (uint16_t)~hops;
		set_flip(s, id, true);
	}
}

void sets_exit(struct sets *s)
{
	uint16_t id;

	for (id = 1; s->set && id <= s->top; id++)
		if (s->set[id].refs)
			set_drop(s, id);
	if (s->set) {
		fib_kernel_nexthop_remove(s->kernel, blackhole(AF_INET));
		fib_kernel_nexthop_remove(s->kernel, blackhole(AF_INET6));
		fib_kernel_flush(s->kernel);
	}
	free(s->set);
	s->set = NULL;
}
