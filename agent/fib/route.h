/* SPDX-License-Identifier: GPL-2.0 */
/* A route, as the kernel tells of it and as records say it.
 *
 *	key:	0  u8   4 or 6			value:	0  u8   type, RTN_*
 *		1  u8   prefix length			1  u8   protocol, RTPROT_*
 *		2  u8   tos				2  u8   scope
 *		3  u8   0				3  u8   count of metrics
 *		4  u32  table, see fib_table_id()	4  u8   bytes of prefsrc: 0, 4, 16
 *		8  u32  metric				5  u8   count of next hops
 *		12 bytes of the prefix,			6  u16  0
 *		   no more than it has			8  prefsrc
 *							   metrics: u8 RTAX_*, u32
 *							   next hops, see below
 *	next hop:
 *		0  u8   FIB_HOP_* and the family of its gateway: 0, 4, 6
 *		1  u8   weight - 1
 *		2  u8   role, enum neigh_role
 *		3  u8   vrid
 *		4  u32  name of the interface, see neigh_name_id()
 *		8  0, 4 or 16 bytes of the gateway
 *
 * Numbers are big endian.
 */
#ifndef GWSYNC_AGENT_FIB_ROUTE_H
#define GWSYNC_AGENT_FIB_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIB_KEY_HEAD	12
#define FIB_KEY_MAX	(FIB_KEY_HEAD + 16)
#define FIB_VALUE_HEAD	8
#define FIB_VALUE_MAX	128
#define FIB_HOP_HEAD	8
#define FIB_HOPS	16
#define FIB_METRICS	8
#define FIB_HOP_ONLINK	(1 << 7)

struct fib_hop {
	uint8_t		family;		/* of the gateway, 0: there is none */
	uint8_t		gateway[16];
	uint8_t		weight;		/* less one */
	bool		onlink;
	int		ifindex;	/* as the kernel says; the rest as records do */
	uint8_t		role, vrid;
	uint32_t	name_id;
};

struct fib_metric {
	uint8_t		type;		/* RTAX_* */
	uint32_t	value;
};

struct fib_route {
	uint8_t		family, prefix_len, tos;
	uint8_t		prefix[16];
	uint32_t	table;		/* the kernel's number */
	uint32_t	table_id;	/* in keys */
	uint32_t	metric;
	uint8_t		type, protocol, scope;
	uint8_t		source_len;
	uint8_t		source[16];
	unsigned int	metrics, hops;
	struct fib_metric metrics_of[FIB_METRICS];
	struct fib_hop	hop[FIB_HOPS];
};

/* What a table is called by in keys: 0 is main. */
uint32_t fib_table_id(const char *name);

size_t fib_key_write(const struct fib_route *route, uint8_t key[FIB_KEY_MAX]);
/* 0: it does not fit. */
size_t fib_value_write(const struct fib_route *route, uint8_t value[FIB_VALUE_MAX]);

/* The key's part of it alone; false: no member writes that. */
bool fib_key_read(struct fib_route *route, const uint8_t *key, size_t len);

/**
 * fib_route_read() - what a record says
 * @route: filled, but for what only a kernel knows; NULL: is it valid?
 * @key: hostile, of @key_len bytes
 * @value: likewise
 *
 * Return: false if no member writes that.
 */
bool fib_route_read(struct fib_route *route, const uint8_t *key, size_t key_len,
		    const uint8_t *value, size_t value_len);

/* See struct store_ops. */
bool fib_record_valid(void *of, const uint8_t *key, size_t key_len, const uint8_t *value,
		      size_t value_len);

#endif
