/* SPDX-License-Identifier: GPL-2.0 */
/* IP addresses with a prefix length, IPv4 and IPv6 alike. */
#ifndef GWSYNC_AGENT_ADDRESS_H
#define GWSYNC_AGENT_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADDRESS_TEXT 64		/* an IPv6 address, "/128", NUL */

/* 4 or 16 bytes, 0 for another family. */
unsigned int address_bytes(uint8_t family);

/* "ADDRESS" or "ADDRESS/LENGTH"; *prefix_len is the full length without one. */
bool address_parse(const char *text, uint8_t *family, uint8_t *prefix_len, uint8_t addr[16]);
const char *address_text(uint8_t family, const uint8_t *addr, char text[ADDRESS_TEXT]);

/* Whether the first @prefix_len bits are the same; and whether the rest is 0. */
bool address_same_network(const uint8_t *a, const uint8_t *b, unsigned int prefix_len);
bool address_is_network(uint8_t family, const uint8_t *addr, unsigned int prefix_len);

bool address_is_multicast(uint8_t family, const uint8_t *addr);
bool address_is_link_local(uint8_t family, const uint8_t *addr);

/* NULL, or why no host may have this address ("is multicast", ...). */
const char *address_unfit(uint8_t family, const uint8_t *addr, unsigned int prefix_len);

#endif
