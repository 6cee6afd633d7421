/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers of any size as they are on the wire, at any address. */
#ifndef GWSYNC_AGENT_BIG_ENDIAN_H
#define GWSYNC_AGENT_BIG_ENDIAN_H

#include <stddef.h>
#include <stdint.h>

static inline void put_be(uint8_t *at, uint64_t value, size_t bytes)
{
	while (bytes--) {
		at[bytes] = (uint8_t)value;
		value >>= 8;
	}
}

static inline uint64_t get_be(const uint8_t *at, size_t bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | *at++;
	return value;
}

#endif
