// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "config/address.h"
#include "config/reader.h"

unsigned int address_bytes(uint8_t family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}

bool address_parse(const char *text, uint8_t *family, uint8_t *prefix_len, uint8_t addr[16])
{
	char host[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	unsigned long long bits;

	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	memset(addr, 0, 16);
	if (inet_pton(AF_INET, host, addr) == 1)
		*family = AF_INET;
	else if (inet_pton(AF_INET6, host, addr) == 1)
		*family = AF_INET6;
	else
		return false;
	bits = 8 * address_bytes(*family);
	if (slash && !reader_parse_number(slash + 1, bits, &bits))
		return false;
	*prefix_len = (uint8_t)bits;
	return true;
}

const char *address_text(uint8_t family, const uint8_t *addr, char text[ADDRESS_TEXT])
{
	if (!address_bytes(family) || !inet_ntop(family, addr, text, ADDRESS_TEXT))
		strcpy(text, "?");
	return text;
}

bool address_same_network(const uint8_t *a, const uint8_t *b, unsigned int prefix_len)
{
	unsigned int bytes = prefix_len / 8, bits = prefix_len % 8;

	if (memcmp(a, b, bytes))
		return false;
	return !bits || !((a[bytes] ^ b[bytes]) >> (8 - bits));
}

bool address_is_network(uint8_t family, const uint8_t *addr, unsigned int prefix_len)
{
	unsigned int i;

	for (i = prefix_len; i < 8 * address_bytes(family); i++)
		if (addr[i / 8] & 0x80 >> i % 8)
			return false;
	return true;
}

bool address_is_multicast(uint8_t family, const uint8_t *addr)
{
	return family == AF_INET ? (addr[0] & 0xf0) == 0xe0 : addr[0] == 0xff;
}

bool address_is_link_local(uint8_t family, const uint8_t *addr)
{
	return family == AF_INET6 && addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80;
}

const char *address_unfit(uint8_t family, const uint8_t *addr, unsigned int prefix_len)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t loopback[16] = { [15] = 1 };

	if (address_is_multicast(family, addr))
		return "is a multicast address";
	if (!prefix_len)
		return "has prefix length 0";
	if (family == AF_INET6) {
		if (address_is_network(family, addr, 0))
			return "is the unspecified address";
		if (!memcmp(addr, loopback, 16))
			return "is the loopback address";
		if (!memcmp(addr, mapped, sizeof(mapped)))
			return "is an IPv4 address in IPv6 dress";
		return NULL;
	}
	if (!addr[0])
		return "is in 0.0.0.0/8";
	if (addr[0] == 127)
		return "is a loopback address";
	if ((addr[0] & 0xf0) == 0xf0)
		return "is in 240.0.0.0/4";
	if (prefix_len < 31) {
		uint32_t host, mask = ~0U >> prefix_len;

		memcpy(&host, addr, 4);
		host = ntohl(host) & mask;
		if (!host)
			return "is the address of its network";
		if (host == mask)
			return "is the broadcast address of its network";
	}
	return NULL;
}
