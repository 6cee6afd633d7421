// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "base/big_endian.h"
#include "bgp/message.h"

#define BGP_VERSION	4
#define BGP_AS_TRANS	23456	/* RFC 6793: stands for an AS of 4 bytes */

/* Optional parameters of an OPEN, and capabilities. */
#define PARAMETER_CAPABILITIES	2
#define PARAMETER_EXTENDED	255	/* RFC 9072 */

enum capability {
	CAPABILITY_FAMILY = 1,
	CAPABILITY_REFRESH = 2,
	CAPABILITY_NEXT_HOP = 5,
	CAPABILITY_EXTENDED = 6,
	CAPABILITY_GRACEFUL = 64,
	CAPABILITY_AS4 = 65,
	CAPABILITY_PATHS = 69,
	CAPABILITY_ENHANCED_REFRESH = 70,
};

#define GRACEFUL_RESTARTING	0x8000
#define GRACEFUL_PRESERVED	0x80

bool bgp_family_of(uint16_t afi, uint8_t safi, enum bgp_family *family)
{
	*family = afi == 2 ? BGP_IPV6 : BGP_IPV4;
	return (afi == 1 || afi == 2) && safi == BGP_SAFI_UNICAST;
}

uint16_t bgp_afi(enum bgp_family family)
{
	return family == BGP_IPV6 ? 2 : 1;
}

static bool wrong(struct bgp_error *error, uint8_t code, uint8_t subcode, const char *text)
{
	*error = (struct bgp_error){ .code = code, .subcode = subcode, .text = text };
	return false;
}

static bool wrong_value(struct bgp_error *error, uint8_t code, uint8_t subcode,
			const char *text, uint64_t value, uint8_t bytes)
{
	wrong(error, code, subcode, text);
	put_be(error->data, value, bytes);
	error->len = bytes;
	return false;
}

/* RFC 4271 section 6.1: the least of each type; KEEPALIVE is nothing but a head. */
static bool length_fits(uint8_t type, size_t len, size_t most)
{
	switch (type) {
	case BGP_OPEN:
		/* An OPEN is sent before longer ones are agreed on. */
		return len >= BGP_HEAD + 10 && len <= BGP_MESSAGE;
	case BGP_UPDATE:
		return len >= BGP_HEAD + 4 && len <= most;
	case BGP_NOTIFICATION:
		return len >= BGP_HEAD + 2 && len <= most;
	case BGP_KEEPALIVE:
		return len == BGP_HEAD;
	default:
		return len >= BGP_HEAD && len <= most;
	}
}

size_t bgp_head_parse(const uint8_t *head, bool extended, uint8_t *type, struct bgp_error *error)
{
	size_t len = get_be(head + 16, 2), most = extended ? BGP_MESSAGE_MAX : BGP_MESSAGE;
	unsigned int i;

	*type = head[18];
	for (i = 0; i < 16; i++)
		if (head[i] != 0xff)
			return wrong(error, BGP_ERROR_HEAD, BGP_HEAD_SYNC,
				     "a message begins without its marker");
	if (*type < BGP_OPEN || *type > BGP_ROUTE_REFRESH)
		return wrong_value(error, BGP_ERROR_HEAD, BGP_HEAD_TYPE,
				   "a message of a type that is unknown", *type, 1);
	if (!length_fits(*type, len, most))
		return wrong_value(error, BGP_ERROR_HEAD, BGP_HEAD_LENGTH,
				   "a message of a length that cannot be", len, 2);
	return len;
}

static void graceful_parse(const uint8_t *at, size_t len, struct bgp_open *open)
{
	uint16_t word = (uint16_t)get_be(at, 2);
	enum bgp_family family;

	/* RFC 4724 section 3: the last one counts. */
	memset(open->preserved, 0, sizeof(open->preserved));
	open->graceful = true;
	open->restarting = word & GRACEFUL_RESTARTING;
	open->restart_s = word & 0xfff;
	for (at += 2, len -= 2; len; at += 4, len -= 4)
		if (bgp_family_of((uint16_t)get_be(at, 2), at[2], &family))
			open->preserved[family] = at[3] & GRACEFUL_PRESERVED;
}

static bool capability_parse(uint8_t code, const uint8_t *at, size_t len, struct bgp_open *open)
{
	enum bgp_family family;

	switch (code) {
	case CAPABILITY_FAMILY:
		if (len != 4)
			return false;
		if (bgp_family_of((uint16_t)get_be(at, 2), at[3], &family))
			open->family[family] = true;
		return true;
	case CAPABILITY_REFRESH:
		open->refresh = true;
		return !len;
	case CAPABILITY_NEXT_HOP:
		for (; len >= 6; at += 6, len -= 6)
			open->ipv6_next_hop |= get_be(at, 2) == 1 &&
					       get_be(at + 2, 2) == BGP_SAFI_UNICAST &&
					       get_be(at + 4, 2) == 2;
		return !len;
	case CAPABILITY_EXTENDED:
		open->extended = true;
		return !len;
	case CAPABILITY_GRACEFUL:
		if (len < 2 || (len - 2) % 4)
			return false;
		graceful_parse(at, len, open);
		return true;
	case CAPABILITY_AS4:
		if (len != 4)
			return false;
		open->as4 = true;
		open->as = (uint32_t)get_be(at, 4);
		return true;
	case CAPABILITY_PATHS:
		/* RFC 7911 section 4: another value than 1 to 3 is passed over. */
		for (; len >= 4; at += 4, len -= 4)
			if (bgp_family_of((uint16_t)get_be(at, 2), at[2], &family) && at[3] <= 3)
				open->paths[family] = at[3];
		return !len;
	case CAPABILITY_ENHANCED_REFRESH:
		open->enhanced_refresh = true;
		return !len;
	default:
		return true;
	}
}

static bool capabilities_parse(const uint8_t *at, size_t len, struct bgp_open *open)
{
	while (len) {
		if (len < 2 || len - 2 < at[1] || !capability_parse(at[0], at + 2, at[1], open))
			return false;
		len -= 2U + at[1];
		at += 2 + at[1];
	}
	return true;
}

static bool parameters_parse(const uint8_t *at, size_t len, size_t width, struct bgp_open *open,
			     struct bgp_error *error)
{
	while (len) {
		size_t bytes;

		if (len < 1 + width)
			return wrong(error, BGP_ERROR_OPEN, 0, "an OPEN that is cut off");
		bytes = get_be(at + 1, width);
		if (bytes > len - 1 - width)
			return wrong(error, BGP_ERROR_OPEN, 0, "an OPEN that is cut off");
		if (at[0] != PARAMETER_CAPABILITIES)
			return wrong(error, BGP_ERROR_OPEN, BGP_OPEN_PARAMETER,
				     "an OPEN with a parameter that is unknown");
		if (!capabilities_parse(at + 1 + width, bytes, open))
			return wrong(error, BGP_ERROR_OPEN, 0,
				     "an OPEN with a capability that cannot be read");
		at += 1 + width + bytes;
		len -= 1 + width + bytes;
	}
	return true;
}

bool bgp_open_parse(const uint8_t *body, size_t len, struct bgp_open *open,
		    struct bgp_error *error)
{
	size_t parameters, at = 10, width = 1;

	memset(open, 0, sizeof(*open));
	if (len < 10)
		return wrong(error, BGP_ERROR_OPEN, 0, "an OPEN that is cut off");
	if (body[0] != BGP_VERSION)
		return wrong_value(error, BGP_ERROR_OPEN, BGP_OPEN_VERSION,
				   "another version than 4", BGP_VERSION, 2);
	open->as = (uint32_t)get_be(body + 1, 2);
	open->hold_s = (uint16_t)get_be(body + 3, 2);
	open->id = (uint32_t)get_be(body + 5, 4);
	if (open->hold_s == 1 || open->hold_s == 2)
		return wrong(error, BGP_ERROR_OPEN, BGP_OPEN_HOLD_TIME, "a hold time below 3 s");
	if (!open->id)
		return wrong(error, BGP_ERROR_OPEN, BGP_OPEN_ID, "router id 0");
	parameters = body[9];
	/* RFC 9072: lengths of two bytes */
	if (parameters && len >= 13 && body[10] == PARAMETER_EXTENDED) {
		parameters = get_be(body + 11, 2);
		at = 13;
		width = 2;
	}
	if (parameters != len - at)
		return wrong(error, BGP_ERROR_OPEN, 0, "an OPEN that is cut off");
	if (!parameters_parse(body + at, parameters, width, open, error))
		return false;
	if (!open->as)
		return wrong(error, BGP_ERROR_OPEN, BGP_OPEN_AS, "AS 0");
	return true;
}

static uint8_t *head_write(uint8_t *to, size_t len, enum bgp_type type)
{
	memset(to, 0xff, 16);
	put_be(to + 16, len, 2);
	to[18] = type;
	return to + BGP_HEAD;
}

static uint8_t *capability_write(uint8_t *at, enum capability code, uint64_t value, uint8_t len)
{
	at[0] = code;
	at[1] = len;
	put_be(at + 2, value, len);
	return at + 2 + len;
}

/* Of each family that @open has: AFI, SAFI, @last. */
static uint8_t *families_write(uint8_t *at, const struct bgp_open *open, const uint8_t *last)
{
	unsigned int i;

	for (i = 0; i < __BGP_FAMILIES; i++) {
		if (!open->family[i])
			continue;
		put_be(at, bgp_afi(i), 2);
		at[2] = BGP_SAFI_UNICAST;
		at[3] = last[i];
		at += 4;
	}
	return at;
}

static uint8_t *capabilities_write(uint8_t *at, const struct bgp_open *open)
{
	uint8_t flags[__BGP_FAMILIES], *start;
	unsigned int i;

	for (i = 0; i < __BGP_FAMILIES; i++) {
		flags[i] = open->preserved[i] ? GRACEFUL_PRESERVED : 0;
		if (open->family[i])
			at = capability_write(at, CAPABILITY_FAMILY,
					      (uint32_t)bgp_afi(i) << 16 | BGP_SAFI_UNICAST, 4);
	}
	if (open->refresh)
		at = capability_write(at, CAPABILITY_REFRESH, 0, 0);
	if (open->ipv6_next_hop)
		at = capability_write(at, CAPABILITY_NEXT_HOP,
				      1ULL << 32 | BGP_SAFI_UNICAST << 16 | 2, 6);
	if (open->extended)
		at = capability_write(at, CAPABILITY_EXTENDED, 0, 0);
	at = capability_write(at, CAPABILITY_AS4, open->as, 4);
	if (open->enhanced_refresh)
		at = capability_write(at, CAPABILITY_ENHANCED_REFRESH, 0, 0);
	if (open->graceful) {
		start = capability_write(at, CAPABILITY_GRACEFUL,
					 (open->restarting ? GRACEFUL_RESTARTING : 0U) |
					 open->restart_s, 2);
		at[1] = (uint8_t)(2 + families_write(start, open, flags) - start);
		at += 2 + at[1];
	}
	start = at;
	at = families_write(at + 2, open, open->paths);
	start[0] = CAPABILITY_PATHS;
	start[1] = (uint8_t)(at - start - 2);
	return at;
}

size_t bgp_open_write(uint8_t *to, const struct bgp_open *open)
{
	uint8_t *body = to + BGP_HEAD, *end = capabilities_write(body + 12, open);
	size_t len = (size_t)(end - to);

	head_write(to, len, BGP_OPEN);
	body[0] = BGP_VERSION;
	put_be(body + 1, open->as > UINT16_MAX ? BGP_AS_TRANS : open->as, 2);
	put_be(body + 3, open->hold_s, 2);
	put_be(body + 5, open->id, 4);
	body[9] = (uint8_t)(end - body - 10);
	body[10] = PARAMETER_CAPABILITIES;
	body[11] = (uint8_t)(end - body - 12);
	return len;
}

size_t bgp_notification_write(uint8_t *to, const struct bgp_error *error)
{
	uint8_t *at = head_write(to, BGP_HEAD + 2U + error->len, BGP_NOTIFICATION);

	at[0] = error->code;
	at[1] = error->subcode;
	memcpy(at + 2, error->data, error->len);
	return BGP_HEAD + 2U + error->len;
}

size_t bgp_keepalive_write(uint8_t *to)
{
	head_write(to, BGP_HEAD, BGP_KEEPALIVE);
	return BGP_HEAD;
}

size_t bgp_refresh_write(uint8_t *to, enum bgp_family family, enum bgp_refresh what)
{
	uint8_t *at = head_write(to, BGP_HEAD + 4, BGP_ROUTE_REFRESH);

	put_be(at, bgp_afi(family), 2);
	at[2] = (uint8_t)what;
	at[3] = BGP_SAFI_UNICAST;
	return BGP_HEAD + 4;
}

size_t bgp_end_of_rib_write(uint8_t *to, enum bgp_family family)
{
	size_t len = family == BGP_IPV4 ? BGP_HEAD + 4 : BGP_HEAD + 10;
	uint8_t *at = head_write(to, len, BGP_UPDATE);

	memset(at, 0, len - BGP_HEAD);
	if (family != BGP_IPV4) {
		/* MP_UNREACH_NLRI without any */
		put_be(at + 2, 6, 2);
		at[4] = 0x80;
		at[5] = 15;
		at[6] = 3;
		put_be(at + 7, bgp_afi(family), 2);
		at[9] = BGP_SAFI_UNICAST;
	}
	return len;
}

const char *bgp_error_name(uint8_t code)
{
	static const char *const name[] = {
		[BGP_ERROR_HEAD] = "message header", [BGP_ERROR_OPEN] = "OPEN",
		[BGP_ERROR_UPDATE] = "UPDATE", [BGP_ERROR_HOLD_TIME] = "hold timer expired",
		[BGP_ERROR_STATE] = "state machine", [BGP_ERROR_CEASE] = "cease",
		[BGP_ERROR_REFRESH] = "ROUTE-REFRESH",
	};

	return code && code < sizeof(name) / sizeof(name[0]) ? name[code] : "unknown error";
}
