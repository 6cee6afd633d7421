/* SPDX-License-Identifier: GPL-2.0 */
/* Random input that a seed gives anew: xorshift64*, the same everywhere. */
#ifndef _KSELFTEST_RND_H
#define _KSELFTEST_RND_H

#include <stdint.h>

static uint64_t rnd_state;

static inline void rnd_seed(uint64_t seed)
{
	rnd_state = seed * 0x9e3779b97f4a7c15ull + 1;
}

static inline uint32_t rnd(uint32_t below)
{
	rnd_state ^= rnd_state >> 12;
	rnd_state ^= rnd_state << 25;
	rnd_state ^= rnd_state >> 27;
	return (uint32_t)((rnd_state * 0x2545f4914f6cdd1dull) >> 32) % below;
}

static inline void rnd_bytes(uint8_t *p, unsigned int n)
{
	while (n--)
		*p++ = rnd(256);
}

#endif
