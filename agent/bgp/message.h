/* SPDX-License-Identifier: GPL-2.0 */
/* BGP messages but for UPDATE: their head, OPEN with its capabilities, NOTIFICATION and
 * ROUTE-REFRESH.  Nothing that is read is believed: lengths are checked before a byte is
 * looked at, and what is wrong is said as the NOTIFICATION that answers it.
 *
 * RFC 4271 section 4; capabilities: RFC 5492, 4760 (families), 2918 and 7313 (route
 * refresh), 8950 (IPv6 next hops of IPv4), 8654 (extended messages), 4724 (graceful
 * restart), 6793 (AS of 4 bytes), 7911 (additional paths).
 */
#ifndef GWSYNC_AGENT_BGP_MESSAGE_H
#define GWSYNC_AGENT_BGP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BGP_HEAD	19
#define BGP_MESSAGE	4096	/* bytes of the longest, but with RFC 8654: */
#define BGP_MESSAGE_MAX	65535
#define BGP_OPEN_MAX	128	/* of ours */
#define BGP_NOTIFICATION_DATA	16	/* of ours */

enum bgp_type {
	BGP_OPEN = 1,
	BGP_UPDATE,
	BGP_NOTIFICATION,
	BGP_KEEPALIVE,
	BGP_ROUTE_REFRESH,
};

/* RFC 4271 section 6, error codes. */
enum bgp_error_code {
	BGP_ERROR_HEAD = 1,
	BGP_ERROR_OPEN,
	BGP_ERROR_UPDATE,
	BGP_ERROR_HOLD_TIME,
	BGP_ERROR_STATE,
	BGP_ERROR_CEASE,
	BGP_ERROR_REFRESH,	/* RFC 7313 section 5 */
};

enum bgp_error_subcode {
	BGP_HEAD_SYNC = 1, BGP_HEAD_LENGTH, BGP_HEAD_TYPE,
	BGP_OPEN_VERSION = 1, BGP_OPEN_AS, BGP_OPEN_ID, BGP_OPEN_PARAMETER,
	BGP_OPEN_HOLD_TIME = 6, BGP_OPEN_CAPABILITY,
	BGP_UPDATE_ATTRIBUTES = 1, BGP_UPDATE_WELL_KNOWN, BGP_UPDATE_OPTIONAL = 9,
	BGP_UPDATE_NETWORK,
	BGP_CEASE_SHUTDOWN = 2, BGP_CEASE_REJECTED = 5,
};

/* The NOTIFICATION that something deserves; code 0: nothing is wrong. */
struct bgp_error {
	uint8_t	code, subcode;
	uint8_t	data[BGP_NOTIFICATION_DATA], len;
	const char	*text;		/* for the log */
};

enum bgp_family { BGP_IPV4, BGP_IPV6, __BGP_FAMILIES };

#define BGP_SAFI_UNICAST	1

/* Returns false if it is none of ours. */
bool bgp_family_of(uint16_t afi, uint8_t safi, enum bgp_family *family);
uint16_t bgp_afi(enum bgp_family family);

/* What a speaker says of itself in its OPEN. */
struct bgp_open {
	uint32_t	as, id;			/* id: 4 bytes as a number */
	uint16_t	hold_s;
	bool		family[__BGP_FAMILIES];
	bool		as4, refresh, enhanced_refresh, extended;
	bool		ipv6_next_hop;		/* of IPv4 unicast */
	uint8_t		paths[__BGP_FAMILIES];	/* BGP_PATHS_* */
	bool		graceful, restarting;	/* RFC 4724; R bit */
	uint16_t	restart_s;
	bool		preserved[__BGP_FAMILIES];	/* F bits */
};

#define BGP_PATHS_RECEIVE	1
#define BGP_PATHS_SEND		2

/**
 * bgp_head_parse() - the head of a message
 * @head: BGP_HEAD bytes
 * @extended: messages of more than BGP_MESSAGE bytes were agreed on
 * @type: of the message
 *
 * Return: bytes of the message with its head, 0: see @error.
 */
size_t bgp_head_parse(const uint8_t *head, bool extended, uint8_t *type,
		      struct bgp_error *error);

/**
 * bgp_open_parse() - what follows the head of an OPEN
 *
 * Capabilities that are not known are passed over, as RFC 5492 section 4 asks.
 *
 * Return: false: see @error.
 */
bool bgp_open_parse(const uint8_t *body, size_t len, struct bgp_open *open,
		    struct bgp_error *error);

/* Writers: at @to there is room (BGP_OPEN_MAX; BGP_HEAD + 2 + BGP_NOTIFICATION_DATA;
 * BGP_HEAD; BGP_HEAD + 4; BGP_HEAD + 10); they return the bytes of the message.
 */
size_t bgp_open_write(uint8_t *to, const struct bgp_open *open);
size_t bgp_notification_write(uint8_t *to, const struct bgp_error *error);
size_t bgp_keepalive_write(uint8_t *to);

enum bgp_refresh {
	BGP_REFRESH_REQUEST,
	BGP_REFRESH_BEGIN,	/* RFC 7313 */
	BGP_REFRESH_END,
};

size_t bgp_refresh_write(uint8_t *to, enum bgp_family family, enum bgp_refresh what);
/* RFC 4724 section 2: there is nothing more to come. */
size_t bgp_end_of_rib_write(uint8_t *to, enum bgp_family family);

/* RFC 4271 section 4.5 in words. */
const char *bgp_error_name(uint8_t code);

#endif
