// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "base/big_endian.h"
#include "bgp/update.h"

#define FLAGS_KIND	(BGP_FLAG_OPTIONAL | BGP_FLAG_TRANSITIVE)
#define WELL_KNOWN	BGP_FLAG_TRANSITIVE
#define OPTIONAL	BGP_FLAG_OPTIONAL
#define TRANSITIVE	(BGP_FLAG_OPTIONAL | BGP_FLAG_TRANSITIVE)

/* What becomes of an attribute that is broken. */
enum remedy { REMEDY_WITHDRAW, REMEDY_DISCARD };

struct rule {
	uint8_t		flags;		/* of FLAGS_KIND; 0: the code is unknown */
	enum remedy	remedy;
	uint16_t	exact, unit;	/* length; a multiple of unit that is not 0 */
	bool		empty;		/* of length 0 */
	bool		(*valid)(const uint8_t *value, size_t len);
};

static bool origin_valid(const uint8_t *value, size_t len)
{
	return len == 1 && value[0] <= 2;
}

/* RFC 7606 section 7.2; types 3 and 4: RFC 5065. */
static bool as_path_valid(const uint8_t *value, size_t len)
{
	while (len) {
		size_t bytes;

		if (len < 2 || value[0] < 1 || value[0] > 4 || !value[1])
			return false;
		bytes = 2 + 4U * value[1];
		if (bytes > len)
			return false;
		value += bytes;
		len -= bytes;
	}
	return true;
}

/* RFC 7311 section 3: TLVs whose length counts their head. */
static bool aigp_valid(const uint8_t *value, size_t len)
{
	while (len) {
		size_t bytes;

		if (len < 3)
			return false;
		bytes = get_be(value + 1, 2);
		if (bytes < 3 || bytes > len || (value[0] == 1 && bytes != 11))
			return false;
		value += bytes;
		len -= bytes;
	}
	return true;
}

/* RFC 7606 section 7; RFC 8092 section 6 of large communities. */
static const struct rule rules[] = {
	[BGP_ORIGIN] = { WELL_KNOWN, REMEDY_WITHDRAW, .valid = origin_valid },
	[BGP_AS_PATH] = { WELL_KNOWN, REMEDY_WITHDRAW, .valid = as_path_valid },
	[BGP_NEXT_HOP] = { WELL_KNOWN, REMEDY_WITHDRAW, .exact = 4 },
	[BGP_MED] = { OPTIONAL, REMEDY_WITHDRAW, .exact = 4 },
	[BGP_LOCAL_PREF] = { WELL_KNOWN, REMEDY_WITHDRAW, .exact = 4 },
	[BGP_ATOMIC_AGGREGATE] = { WELL_KNOWN, REMEDY_DISCARD, .empty = true },
	[BGP_AGGREGATOR] = { TRANSITIVE, REMEDY_DISCARD, .exact = 8 },
	[BGP_COMMUNITIES] = { TRANSITIVE, REMEDY_WITHDRAW, .unit = 4 },
	[BGP_ORIGINATOR_ID] = { OPTIONAL, REMEDY_WITHDRAW, .exact = 4 },
	[BGP_CLUSTER_LIST] = { OPTIONAL, REMEDY_WITHDRAW, .unit = 4 },
	[BGP_MP_REACH] = { OPTIONAL },
	[BGP_MP_UNREACH] = { OPTIONAL },
	[BGP_EXT_COMMUNITIES] = { TRANSITIVE, REMEDY_WITHDRAW, .unit = 8 },
	[BGP_AS4_PATH] = { TRANSITIVE },
	[BGP_AS4_AGGREGATOR] = { TRANSITIVE },
	[BGP_IPV6_EXT_COMMUNITIES] = { TRANSITIVE, REMEDY_WITHDRAW, .unit = 20 },
	[BGP_AIGP] = { OPTIONAL, REMEDY_DISCARD, .valid = aigp_valid },
	[BGP_LARGE_COMMUNITIES] = { TRANSITIVE, REMEDY_WITHDRAW, .unit = 12 },
};

static const struct rule *rule_of(uint8_t code)
{
	return code < sizeof(rules) / sizeof(rules[0]) && rules[code].flags ? &rules[code] : NULL;
}

static bool reset(struct bgp_error *error, uint8_t subcode, const char *text)
{
	*error = (struct bgp_error){ BGP_ERROR_UPDATE, subcode, .text = text };
	return false;
}

static void take_for_withdrawn(struct bgp_update *u, const char *why)
{
	u->withdraw = true;
	u->why = why;
}

static void discard(struct bgp_update *u, const char *why)
{
	u->discarded++;
	if (!u->why)
		u->why = why;
}

static bool value_valid(const struct rule *rule, const uint8_t *value, size_t len)
{
	if (rule->empty)
		return !len;
	if (rule->exact)
		return len == rule->exact;
	if (rule->unit)
		return len && !(len % rule->unit);
	return !rule->valid || rule->valid(value, len);
}

/* An attribute whose head is sound and that is the first with its code. */
static bool attribute_note(struct bgp_update *u, uint8_t flags, uint8_t code,
			   const uint8_t *value, size_t len, struct bgp_error *error)
{
	const struct rule *rule = rule_of(code);

	if (!rule && !(flags & BGP_FLAG_OPTIONAL))
		return reset(error, BGP_UPDATE_WELL_KNOWN,
			     "a well-known attribute that is unknown");
	/* RFC 4271 section 5: the peer's alone; RFC 6793 section 6: not from a new speaker. */
	if (!rule && !(flags & BGP_FLAG_TRANSITIVE))
		return true;
	if (code == BGP_AS4_PATH || code == BGP_AS4_AGGREGATOR) {
		discard(u, "AS4_PATH or AS4_AGGREGATOR from a speaker with AS numbers of 4 bytes");
		return true;
	}
	if (rule && (flags & FLAGS_KIND) != rule->flags) {
		take_for_withdrawn(u, "an attribute whose flags are not its own");
	} else if (rule && !value_valid(rule, value, len)) {
		if (rule->remedy == REMEDY_DISCARD) {
			discard(u, "a malformed ATOMIC_AGGREGATE, AGGREGATOR or AIGP");
			return true;
		}
		take_for_withdrawn(u, "a malformed attribute");
	}
	u->attribute[code] = value;
	u->length[code] = (uint16_t)len;
	u->flags[code] = flags;
	return true;
}

static bool attributes_parse(struct bgp_update *u, const uint8_t *at, size_t len,
			     struct bgp_error *error)
{
	bool seen[256] = { false };

	while (len) {
		size_t head = 3 + !!(at[0] & BGP_FLAG_EXTENDED), bytes;

		/* RFC 7606 section 4: the length of all of them is still right. */
		if (len < head) {
			take_for_withdrawn(u, "attributes that end in the head of one");
			return true;
		}
		bytes = get_be(at + 2, head - 2);
		if (bytes > len - head) {
			/* Which prefixes are meant is not known. */
			if (at[1] == BGP_MP_REACH || at[1] == BGP_MP_UNREACH)
				return reset(error, BGP_UPDATE_ATTRIBUTES,
					     "prefixes of MP_REACH or MP_UNREACH that are cut off");
			take_for_withdrawn(u, "an attribute that is longer than all of them");
			return true;
		}
		if (!seen[at[1]]) {
			if (!attribute_note(u, at[0], at[1], at + head, bytes, error))
				return false;
		} else if (at[1] == BGP_MP_REACH || at[1] == BGP_MP_UNREACH) {
			return reset(error, BGP_UPDATE_ATTRIBUTES,
				     "MP_REACH or MP_UNREACH twice");
		} else {
			discard(u, "an attribute that is there twice");
		}
		seen[at[1]] = true;
		at += head + bytes;
		len -= head + bytes;
	}
	return true;
}

/* Takes one prefix; false: it is none. */
static bool nlri_take(const uint8_t **at, size_t *len, enum bgp_family family, bool paths,
		      struct bgp_nlri *nlri)
{
	unsigned int bits, bytes, head = paths ? 5 : 1;

	if (*len < head)
		return false;
	bits = (*at)[head - 1];
	bytes = (bits + 7) / 8;
	if (bits > (family == BGP_IPV4 ? 32U : 128U) || *len - head < bytes)
		return false;
	memset(nlri, 0, sizeof(*nlri));
	nlri->family = family;
	nlri->path_id = paths ? (uint32_t)get_be(*at, 4) : 0;
	nlri->len = (uint8_t)bits;
	memcpy(nlri->addr, *at + head, bytes);
	/* RFC 4271 section 4.3: what follows the prefix has no meaning. */
	if (bits % 8)
		nlri->addr[bytes - 1] &= (uint8_t)(0xff << (8 - bits % 8));
	*at += head + bytes;
	*len -= head + bytes;
	return true;
}

static bool part_add(struct bgp_update *u, const uint8_t *at, size_t len, enum bgp_family family,
		     bool reach, bool mp, struct bgp_error *error)
{
	const uint8_t *from = at;
	struct bgp_nlri nlri;
	size_t rest = len;

	while (rest)
		if (!nlri_take(&at, &rest, family, u->paths[family], &nlri))
			return reset(error, BGP_UPDATE_NETWORK, "a prefix that is none");
	if (len)
		u->part[u->parts++] = (struct bgp_part){ from, len, family, reach, mp };
	return true;
}

static bool unreach_parse(struct bgp_update *u, const struct bgp_agreed *agreed,
			  struct bgp_error *error)
{
	const uint8_t *at = u->attribute[BGP_MP_UNREACH];
	size_t len = u->length[BGP_MP_UNREACH];
	enum bgp_family family;

	if (!at)
		return true;
	if (len < 3)
		return reset(error, BGP_UPDATE_OPTIONAL, "an MP_UNREACH that is cut off");
	if (!bgp_family_of((uint16_t)get_be(at, 2), at[2], &family) || !agreed->family[family]) {
		discard(u, "withdrawn prefixes of a family that was not agreed on");
		return true;
	}
	return part_add(u, at + 3, len - 3, family, false, true, error);
}

/* RFC 8950 section 4: also of IPv4 they may be those of IPv6. */
static bool next_hop_fits(enum bgp_family family, size_t len)
{
	return len == 16 || len == 32 || (family == BGP_IPV4 && len == 4);
}

static bool reach_parse(struct bgp_update *u, const struct bgp_agreed *agreed,
			struct bgp_error *error)
{
	const uint8_t *at = u->attribute[BGP_MP_REACH];
	size_t len = u->length[BGP_MP_REACH], head;
	enum bgp_family family;

	if (!at)
		return true;
	if (len < 5 || len - 5 < at[3])
		return reset(error, BGP_UPDATE_OPTIONAL, "an MP_REACH that is cut off");
	if (!bgp_family_of((uint16_t)get_be(at, 2), at[2], &family) || !agreed->family[family]) {
		discard(u, "prefixes of a family that was not agreed on");
		return true;
	}
	if (!next_hop_fits(family, at[3]))
		return reset(error, BGP_UPDATE_OPTIONAL, "an MP_REACH whose next hop is none");
	head = 5U + at[3];
	return part_add(u, at + head, len - head, family, true, true, error);
}

/* RFC 7606 section 3 d: LOCAL_PREF is one of them within an AS. */
static void mandatory_check(struct bgp_update *u, bool ipv4)
{
	if (!u->attribute[BGP_ORIGIN] || !u->attribute[BGP_AS_PATH] ||
	    !u->attribute[BGP_LOCAL_PREF] || (ipv4 && !u->attribute[BGP_NEXT_HOP]))
		take_for_withdrawn(u, "a well-known attribute is missing");
}

/* RFC 4724 section 2: nothing at all, or an MP_UNREACH without a prefix. */
static void end_of_rib_check(struct bgp_update *u, const struct bgp_agreed *agreed,
			     size_t attributes)
{
	const uint8_t *unreach = u->attribute[BGP_MP_UNREACH];

	if (u->parts)
		return;
	if (!attributes) {
		u->ended = BGP_IPV4;
		u->end_of_rib = agreed->family[BGP_IPV4];
	} else if (unreach && u->length[BGP_MP_UNREACH] == 3 && attributes <= 7) {
		u->end_of_rib = bgp_family_of((uint16_t)get_be(unreach, 2), unreach[2],
					      &u->ended) && agreed->family[u->ended];
	}
}

bool bgp_update_parse(const uint8_t *body, size_t len, const struct bgp_agreed *agreed,
		      struct bgp_update *u, struct bgp_error *error)
{
	size_t withdrawn, attributes, rest;
	bool reach;

	memset(u, 0, sizeof(*u));
	memcpy(u->paths, agreed->paths, sizeof(u->paths));
	if (len < 4)
		return reset(error, BGP_UPDATE_ATTRIBUTES, "an UPDATE that is cut off");
	withdrawn = get_be(body, 2);
	if (withdrawn > len - 4)
		return reset(error, BGP_UPDATE_ATTRIBUTES, "withdrawn prefixes that are cut off");
	attributes = get_be(body + 2 + withdrawn, 2);
	if (attributes > len - 4 - withdrawn)
		return reset(error, BGP_UPDATE_ATTRIBUTES, "attributes that are cut off");
	rest = len - 4 - withdrawn - attributes;
	if (!part_add(u, body + 2, withdrawn, BGP_IPV4, false, false, error) ||
	    !attributes_parse(u, body + 4 + withdrawn, attributes, error) ||
	    !unreach_parse(u, agreed, error) || !reach_parse(u, agreed, error) ||
	    !part_add(u, body + len - rest, rest, BGP_IPV4, true, false, error))
		return false;
	reach = u->parts && u->part[u->parts - 1].reach;
	if (reach)
		mandatory_check(u, rest);
	end_of_rib_check(u, agreed, attributes);
	return true;
}

bool bgp_update_next(struct bgp_update *u, struct bgp_nlri *nlri, bool *reach)
{
	for (; u->current < u->parts; u->current++) {
		struct bgp_part *part = &u->part[u->current];

		if (!part->len)
			continue;
		*reach = part->reach && !u->withdraw;
		if (!nlri_take(&part->at, &part->len, part->family, u->paths[part->family],
			       nlri))
			return false;
		nlri->mp = part->mp;
		return true;
	}
	return false;
}

static size_t attribute_write(uint8_t *to, uint8_t flags, uint8_t code, const uint8_t *value,
			      size_t len)
{
	size_t head = 3 + (len > UINT8_MAX);

	to[0] = (uint8_t)((flags & (FLAGS_KIND | BGP_FLAG_PARTIAL)) |
			  (len > UINT8_MAX ? BGP_FLAG_EXTENDED : 0));
	to[1] = code;
	put_be(to + 2, len, head - 2);
	memcpy(to + head, value, len);
	return head + len;
}

/* It never grows: each was in the message, with a head that is no shorter. */
size_t bgp_attributes_write(const struct bgp_update *u, bool mp, uint8_t *to)
{
	size_t used = 0;
	unsigned int code;

	for (code = 1; code < 256; code++) {
		const uint8_t *value = u->attribute[code];
		size_t len = u->length[code];

		if (!value || code == BGP_MP_UNREACH || code == (mp ? BGP_NEXT_HOP : BGP_MP_REACH))
			continue;
		if (code == BGP_MP_REACH) {
			len = 1U + value[3];
			value += 3;
		}
		used += attribute_write(to + used, u->flags[code], (uint8_t)code, value, len);
	}
	return used;
}

bool bgp_attribute_next(const uint8_t **at, size_t *len, uint8_t *flags, uint8_t *code,
			const uint8_t **value, size_t *value_len)
{
	size_t head;

	if (*len < 3)
		return false;
	head = 3 + !!((*at)[0] & BGP_FLAG_EXTENDED);
	if (*len < head)
		return false;
	*value_len = get_be(*at + 2, head - 2);
	if (*value_len > *len - head)
		return false;
	*flags = (*at)[0];
	*code = (*at)[1];
	*value = *at + head;
	*at += head + *value_len;
	*len -= head + *value_len;
	return true;
}
