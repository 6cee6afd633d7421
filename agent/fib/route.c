// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <sys/socket.h>

#include <linux/rtnetlink.h>

#include "base/big_endian.h"
#include "config/address.h"
#include "fib/route.h"
#include "neigh/key.h"

#define METRIC_BYTES	5

static unsigned int prefix_bytes(unsigned int prefix_len)
{
	return (prefix_len + 7) / 8;
}

static uint8_t family_number(uint8_t family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 6 : 0;
}

uint32_t fib_table_id(const char *name)
{
	return strcmp(name, "main") ? neigh_name_id(name) : 0;
}

size_t fib_key_write(const struct fib_route *r, uint8_t key[FIB_KEY_MAX])
{
	key[0] = family_number(r->family);
	key[1] = r->prefix_len;
	key[2] = r->tos;
	key[3] = 0;
	put_be(key + 4, r->table_id, 4);
	put_be(key + 8, r->metric, 4);
	memcpy(key + FIB_KEY_HEAD, r->prefix, prefix_bytes(r->prefix_len));
	return FIB_KEY_HEAD + prefix_bytes(r->prefix_len);
}

static size_t hop_write(const struct fib_hop *hop, uint8_t *at)
{
	unsigned int bytes = address_bytes(hop->family);

	at[0] = family_number(hop->family) | (hop->onlink ? FIB_HOP_ONLINK : 0);
	at[1] = hop->weight;
	at[2] = hop->role;
	at[3] = hop->vrid;
	put_be(at + 4, hop->name_id, 4);
	memcpy(at + FIB_HOP_HEAD, hop->gateway, bytes);
	return FIB_HOP_HEAD + bytes;
}

static size_t value_size(const struct fib_route *r)
{
	size_t size = FIB_VALUE_HEAD + r->source_len + (size_t)METRIC_BYTES * r->metrics;
	unsigned int i;

	for (i = 0; i < r->hops; i++)
		size += FIB_HOP_HEAD + address_bytes(r->hop[i].family);
	return size;
}

size_t fib_value_write(const struct fib_route *r, uint8_t value[FIB_VALUE_MAX])
{
	uint8_t *at = value + FIB_VALUE_HEAD;
	unsigned int i;

	if (value_size(r) > FIB_VALUE_MAX)
		return 0;
	memset(value, 0, FIB_VALUE_HEAD);
	value[0] = r->type;
	value[1] = r->protocol;
	value[2] = r->scope;
	value[3] = (uint8_t)r->metrics;
	value[4] = r->source_len;
	value[5] = (uint8_t)r->hops;
	memcpy(at, r->source, r->source_len);
	at += r->source_len;
	for (i = 0; i < r->metrics; i++, at += METRIC_BYTES) {
		at[0] = r->metrics_of[i].type;
		put_be(at + 1, r->metrics_of[i].value, 4);
	}
	for (i = 0; i < r->hops; i++)
		at += hop_write(&r->hop[i], at);
	return (size_t)(at - value);
}

bool fib_key_read(struct fib_route *r, const uint8_t *key, size_t len)
{
	unsigned int bits;

	if (len < FIB_KEY_HEAD || (key[0] != 4 && key[0] != 6) || key[3])
		return false;
	r->family = key[0] == 4 ? AF_INET : AF_INET6;
	bits = 8 * address_bytes(r->family);
	if (key[1] > bits || len != FIB_KEY_HEAD + prefix_bytes(key[1]))
		return false;
	r->prefix_len = key[1];
	r->tos = key[2];
	r->table_id = (uint32_t)get_be(key + 4, 4);
	r->metric = (uint32_t)get_be(key + 8, 4);
	memset(r->prefix, 0, sizeof(r->prefix));
	memcpy(r->prefix, key + FIB_KEY_HEAD, prefix_bytes(r->prefix_len));
	return address_is_network(r->family, r->prefix, r->prefix_len);
}

static bool hop_read(struct fib_hop *hop, uint8_t of_family, const uint8_t **at, size_t *len)
{
	uint8_t number;
	size_t size;

	if (*len < FIB_HOP_HEAD)
		return false;
	number = (*at)[0] & ~FIB_HOP_ONLINK;
	if ((number && number != 4 && number != 6) || (*at)[2] >= __NEIGH_ROLE_MAX)
		return false;
	memset(hop, 0, sizeof(*hop));
	hop->family = number == 4 ? AF_INET : number == 6 ? AF_INET6 : 0;
	/* The kernel knows no way of IPv6 by an IPv4 gateway. */
	if (of_family == AF_INET6 && hop->family == AF_INET)
		return false;
	size = FIB_HOP_HEAD + address_bytes(hop->family);
	if (*len < size)
		return false;
	hop->onlink = (*at)[0] & FIB_HOP_ONLINK;
	hop->weight = (*at)[1];
	hop->role = (*at)[2];
	hop->vrid = (*at)[3];
	hop->name_id = (uint32_t)get_be(*at + 4, 4);
	memcpy(hop->gateway, *at + FIB_HOP_HEAD, address_bytes(hop->family));
	*at += size;
	*len -= size;
	return true;
}

/* The kernel's array of metrics is dense and has each once. */
static bool metrics_read(struct fib_route *r, const uint8_t **at, size_t *len)
{
	unsigned int i;

	if (*len < (size_t)METRIC_BYTES * r->metrics)
		return false;
	for (i = 0; i < r->metrics; i++, *at += METRIC_BYTES, *len -= METRIC_BYTES) {
		r->metrics_of[i].type = **at;
		r->metrics_of[i].value = (uint32_t)get_be(*at + 1, 4);
		if (!**at || **at > RTAX_MAX || **at == RTAX_CC_ALGO ||
		    (i && **at <= r->metrics_of[i - 1].type))
			return false;
	}
	return true;
}

static bool value_read(struct fib_route *r, const uint8_t *value, size_t len)
{
	const uint8_t *at = value + FIB_VALUE_HEAD;
	size_t left = len - FIB_VALUE_HEAD;
	unsigned int i;

	if (len < FIB_VALUE_HEAD || value[6] || value[7] || value[3] > FIB_METRICS ||
	    value[5] > FIB_HOPS || (value[4] && value[4] != address_bytes(r->family)))
		return false;
	r->type = value[0];
	r->protocol = value[1];
	r->scope = value[2];
	r->metrics = value[3];
	r->source_len = value[4];
	r->hops = value[5];
	if (left < r->source_len)
		return false;
	memcpy(r->source, at, r->source_len);
	at += r->source_len;
	left -= r->source_len;
	if (!metrics_read(r, &at, &left))
		return false;
	for (i = 0; i < r->hops; i++)
		if (!hop_read(&r->hop[i], r->family, &at, &left))
			return false;
	if (left)
		return false;
	switch (r->type) {
	case RTN_UNICAST:
		return r->hops;
	case RTN_BLACKHOLE:
	case RTN_UNREACHABLE:
	case RTN_PROHIBIT:
		return !r->hops;
	default:
		return false;
	}
}

bool fib_route_read(struct fib_route *route, const uint8_t *key, size_t key_len,
		    const uint8_t *value, size_t value_len)
{
	struct fib_route read;

	if (!route)
		route = &read;
	memset(route, 0, sizeof(*route));
	return fib_key_read(route, key, key_len) && value_read(route, value, value_len);
}

bool fib_record_valid(void *of, const uint8_t *key, size_t key_len, const uint8_t *value,
		      size_t value_len)
{
	(void)of;
	return fib_route_read(NULL, key, key_len, value, value_len);
}
