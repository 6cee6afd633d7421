/* SPDX-License-Identifier: GPL-2.0 */
/* UPDATE: what is withdrawn, what is reachable, and by which attributes.
 *
 * RFC 4271 section 4.3, with RFC 4760 (families), 7911 (path ids) and 8950 (next hops).
 * What is malformed is dealt with as RFC 7606 says: an attribute that routing does not need
 * is left out, a route with another broken one is taken for withdrawn, and only where it
 * cannot be told which routes are meant does the session end.
 *
 * Attributes come out in a form that is the same for the same set, whoever sent it and in
 * which order: sorted by their code, the length in two bytes only where it must be, a next
 * hop of MP_REACH_NLRI as RFC 6396 section 4.3.4 abbreviates it.  Values are left as they
 * are, byte by byte.
 */
#ifndef GWSYNC_AGENT_BGP_UPDATE_H
#define GWSYNC_AGENT_BGP_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgp/message.h"

#define BGP_FLAG_OPTIONAL	0x80
#define BGP_FLAG_TRANSITIVE	0x40
#define BGP_FLAG_PARTIAL	0x20
#define BGP_FLAG_EXTENDED	0x10

enum bgp_attribute {
	BGP_ORIGIN = 1,
	BGP_AS_PATH = 2,
	BGP_NEXT_HOP = 3,
	BGP_MED = 4,
	BGP_LOCAL_PREF = 5,
	BGP_ATOMIC_AGGREGATE = 6,
	BGP_AGGREGATOR = 7,
	BGP_COMMUNITIES = 8,
	BGP_ORIGINATOR_ID = 9,
	BGP_CLUSTER_LIST = 10,
	BGP_MP_REACH = 14,
	BGP_MP_UNREACH = 15,
	BGP_EXT_COMMUNITIES = 16,
	BGP_AS4_PATH = 17,
	BGP_AS4_AGGREGATOR = 18,
	BGP_IPV6_EXT_COMMUNITIES = 25,
	BGP_AIGP = 26,
	BGP_LARGE_COMMUNITIES = 32,
};

/* What both agreed on. */
struct bgp_agreed {
	bool	family[__BGP_FAMILIES];
	bool	paths[__BGP_FAMILIES];	/* path ids come with what the peer sends */
	bool	extended;
};

struct bgp_nlri {
	enum bgp_family	family;
	uint32_t	path_id;	/* 0 without */
	uint8_t		len;
	uint8_t		addr[16];	/* nothing behind @len bits */
	bool		mp;		/* of MP_REACH_NLRI or MP_UNREACH_NLRI */
};

/* A part of an UPDATE that lists prefixes. */
struct bgp_part {
	const uint8_t	*at;
	size_t		len;
	enum bgp_family	family;
	bool		reach, mp;
};

#define BGP_PARTS	4

/* Points into the message: it stays until the last prefix was taken. */
struct bgp_update {
	struct bgp_part	part[BGP_PARTS];	/* withdrawn ones first */
	unsigned int	parts, current;
	bool		paths[__BGP_FAMILIES];
	bool		withdraw;	/* what is reachable is taken for withdrawn */
	bool		end_of_rib;
	enum bgp_family	ended;		/* with end_of_rib */
	const char	*why;		/* of what was dealt with by RFC 7606, or NULL */
	unsigned int	discarded;	/* attributes that were left out for their errors */
	const uint8_t	*attribute[256];	/* the value; NULL: absent */
	uint16_t	length[256];
	uint8_t		flags[256];
};

/**
 * bgp_update_parse() - what follows the head of an UPDATE
 * @update: filled
 *
 * Prefixes are checked all before the first is given out.
 *
 * Return: false: the session cannot go on, see @error.
 */
bool bgp_update_parse(const uint8_t *body, size_t len, const struct bgp_agreed *agreed,
		      struct bgp_update *update, struct bgp_error *error);

/* The next prefix, withdrawn ones first; false: no more. */
bool bgp_update_next(struct bgp_update *update, struct bgp_nlri *nlri, bool *reach);

/**
 * bgp_attributes_write() - the set of attributes of prefixes, as it is kept
 * @mp: of those of MP_REACH_NLRI, which has a next hop of its own
 * @to: BGP_MESSAGE_MAX bytes
 *
 * Return: its bytes.
 */
size_t bgp_attributes_write(const struct bgp_update *update, bool mp, uint8_t *to);

/**
 * bgp_attribute_next() - the first attribute of a set as it is kept
 * @at, @len: moved behind it
 *
 * Return: false at the end, or if the rest is none.
 */
bool bgp_attribute_next(const uint8_t **at, size_t *len, uint8_t *flags, uint8_t *code,
			const uint8_t **value, size_t *value_len);

#endif
