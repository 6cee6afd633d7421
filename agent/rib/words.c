// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/big_endian.h"
#include "rib/words.h"

/* 65,535 bytes of attributes, of which a byte becomes 3 characters at most. */
struct text {
	char	at[4 * BGP_MESSAGE_MAX];
	size_t	used;
};

static void add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *t, const char *fmt, ...)
{
	size_t room = sizeof(t->at) - t->used;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->at + t->used, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->used += (size_t)n < room ? (size_t)n : room - 1;
}

static const char *space(const struct text *t)
{
	return t->used ? " " : "";
}

static unsigned int number(const uint8_t *at, size_t bytes)
{
	return (unsigned int)get_be(at, bytes);
}

static void add_address(struct text *t, int family, const uint8_t *addr)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(family, addr, text, sizeof(text));
	add(t, "%s%s", space(t), text);
}

static void add_origin(struct text *t, const uint8_t *value, size_t len)
{
	static const char *const name[] = { "IGP", "EGP", "Incomplete" };

	add(t, "%s", len && value[0] < 3 ? name[value[0]] : "?");
}

/* RFC 4271 section 4.3 b, RFC 5065: sets in braces, confederations in brackets. */
static void add_as_path(struct text *t, const uint8_t *value, size_t len)
{
	static const char *const before[] = { "", "{", "", "(", "({" };
	static const char *const after[] = { "", "}", "", ")", "})" };

	while (len >= 2) {
		unsigned int type = value[0] <= 4 ? value[0] : 0, count = value[1], i;

		if (2 + 4U * count > len)
			return;
		add(t, "%s%s", space(t), before[type]);
		for (i = 0; i < count; i++)
			add(t, "%s%u", i ? " " : "", number(value + 2 + 4UL * i, 4));
		add(t, "%s", after[type]);
		value += 2 + 4UL * count;
		len -= 2 + 4UL * count;
	}
}

static void add_number(struct text *t, const uint8_t *value, size_t len)
{
	add(t, "%" PRIu64, get_be(value, len < 8 ? len : 8));
}

static void add_next_hop(struct text *t, const uint8_t *value, size_t len)
{
	if (len == 4)
		add_address(t, AF_INET, value);
}

/* As RFC 6396 abbreviates it: length, next hop, and the link-local one behind. */
static void add_mp_next_hop(struct text *t, const uint8_t *value, size_t len)
{
	static const uint8_t none[16];

	if (len == 5)
		add_address(t, AF_INET, value + 1);
	if (len >= 17)
		add_address(t, AF_INET6, value + 1);
	if (len == 33 && memcmp(value + 17, none, 16) != 0)
		add_address(t, AF_INET6, value + 17);
}

static void add_aggregator(struct text *t, const uint8_t *value, size_t len)
{
	if (len < 8)
		return;
	add_address(t, AF_INET, value + 4);
	add(t, " AS%u", number(value, 4));
}

static void add_communities(struct text *t, const uint8_t *value, size_t len)
{
	for (; len >= 4; value += 4, len -= 4)
		add(t, "%s(%u,%u)", space(t), number(value, 2), number(value + 2, 2));
}

static void add_ids(struct text *t, const uint8_t *value, size_t len)
{
	for (; len >= 4; value += 4, len -= 4)
		add_address(t, AF_INET, value);
}

/* RFC 4360: route targets and origins of an AS of 2 or 4 bytes, or an address. */
static void add_ext_communities(struct text *t, const uint8_t *value, size_t len)
{
	for (; len >= 8; value += 8, len -= 8) {
		const char *kind = value[1] == 2 ? "rt" : "ro";
		char addr[INET_ADDRSTRLEN];

		if (value[0] > 2 || value[1] < 2 || value[1] > 3) {
			add(t, "%s(generic, 0x%x, 0x%x)", space(t), number(value, 4),
			    number(value + 4, 4));
		} else if (value[0] == 0) {
			add(t, "%s(%s, %u, %u)", space(t), kind, number(value + 2, 2),
			    number(value + 4, 4));
		} else if (value[0] == 1) {
			inet_ntop(AF_INET, value + 2, addr, sizeof(addr));
			add(t, "%s(%s, %s, %u)", space(t), kind, addr, number(value + 6, 2));
		} else {
			add(t, "%s(%s, %u, %u)", space(t), kind, number(value + 2, 4),
			    number(value + 6, 2));
		}
	}
}

static void add_aigp(struct text *t, const uint8_t *value, size_t len)
{
	while (len >= 3) {
		size_t bytes = get_be(value + 1, 2);

		if (bytes < 3 || bytes > len)
			return;
		if (value[0] == 1 && bytes == 11) {
			add(t, "%" PRIu64, get_be(value + 3, 8));
			return;
		}
		value += bytes;
		len -= bytes;
	}
}

static void add_large_communities(struct text *t, const uint8_t *value, size_t len)
{
	for (; len >= 12; value += 12, len -= 12)
		add(t, "%s(%u, %u, %u)", space(t), number(value, 4), number(value + 4, 4),
		    number(value + 8, 4));
}

static void add_bytes(struct text *t, const uint8_t *value, size_t len)
{
	for (; len; value++, len--)
		add(t, "%s%02x", space(t), value[0]);
}

static const struct {
	const char	*name;
	void		(*add)(struct text *t, const uint8_t *value, size_t len);
} words[] = {
	[BGP_ORIGIN] = { "origin", add_origin },
	[BGP_AS_PATH] = { "as_path", add_as_path },
	[BGP_NEXT_HOP] = { "next_hop", add_next_hop },
	[BGP_MED] = { "med", add_number },
	[BGP_LOCAL_PREF] = { "local_pref", add_number },
	[BGP_ATOMIC_AGGREGATE] = { "atomic_aggr", add_bytes },
	[BGP_AGGREGATOR] = { "aggregator", add_aggregator },
	[BGP_COMMUNITIES] = { "community", add_communities },
	[BGP_ORIGINATOR_ID] = { "originator_id", add_ids },
	[BGP_CLUSTER_LIST] = { "cluster_list", add_ids },
	[BGP_MP_REACH] = { "next_hop", add_mp_next_hop },
	[BGP_EXT_COMMUNITIES] = { "ext_community", add_ext_communities },
	[BGP_AIGP] = { "aigp", add_aigp },
	[BGP_LARGE_COMMUNITIES] = { "large_community", add_large_communities },
};

static json_t *attributes_json(const uint8_t *at, size_t len)
{
	static struct text text;	/* large, and of one caller at a time */
	json_t *json = json_object();
	size_t value_len;
	const uint8_t *value;
	uint8_t flags, code;

	while (bgp_attribute_next(&at, &len, &flags, &code, &value, &value_len)) {
		bool known = code < sizeof(words) / sizeof(words[0]) && words[code].name;
		char name[32];

		text.used = 0;
		text.at[0] = '\0';
		(known ? words[code].add : add_bytes)(&text, value, value_len);
		if (known)
			snprintf(name, sizeof(name), "BGP.%s", words[code].name);
		else
			snprintf(name, sizeof(name), "BGP.%02x%s", code,
				 flags & BGP_FLAG_TRANSITIVE ? " [t]" : "");
		json_object_set_new(json, name, json_string(text.at));
	}
	return json;
}

static json_t *path_json(const struct rib_path *path, const char *key, json_t *attributes)
{
	char addr[INET6_ADDRSTRLEN], prefix[INET6_ADDRSTRLEN + 4];

	inet_ntop(path->nlri.family == BGP_IPV4 ? AF_INET : AF_INET6, path->nlri.addr, addr,
		  sizeof(addr));
	snprintf(prefix, sizeof(prefix), "%s/%u", addr, path->nlri.len);
	return json_pack("{s:s, s:I, s:b, s:o}", "prefix", prefix,
			 "path_id", (json_int_t)path->nlri.path_id, "stale", path->stale,
			 key, attributes);
}

json_t *words_path(const struct rib_path *path)
{
	return path_json(path, "attributes", attributes_json(path->attributes, path->len));
}

json_t *words_bytes(const struct rib_path *path)
{
	static char hex[2 * BGP_MESSAGE_MAX + 1];	/* large, and of one caller at a time */

	sodium_bin2hex(hex, sizeof(hex), path->attributes, path->len);
	return path_json(path, "attribute_bytes", json_string(hex));
}

bool words_prefix(const char *text, struct bgp_nlri *nlri)
{
	char addr[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	unsigned int most, bit;
	unsigned long len;
	char *end;

	memset(nlri, 0, sizeof(*nlri));
	if (!slash || (size_t)(slash - text) >= sizeof(addr) || slash[1] < '0' || slash[1] > '9')
		return false;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	len = strtoul(slash + 1, &end, 10);
	nlri->family = strchr(addr, ':') ? BGP_IPV6 : BGP_IPV4;
	most = nlri->family == BGP_IPV4 ? 32 : 128;
	if (*end || len > most ||
	    inet_pton(nlri->family == BGP_IPV4 ? AF_INET : AF_INET6, addr, nlri->addr) != 1)
		return false;
	for (bit = (unsigned int)len; bit < most; bit++)
		if (nlri->addr[bit / 8] & 0x80 >> bit % 8)
			return false;
	nlri->len = (uint8_t)len;
	return true;
}
