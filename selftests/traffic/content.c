// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <string.h>
#include <sys/random.h>

#include "content.h"
#include "loop.h"

#define FNV_PRIME	0x100000001b3ULL

/* splitmix64 of a counter: any word without the ones before it */
uint64_t content_word(uint64_t seed, uint64_t index)
{
	uint64_t z = seed + (index + 1) * 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

void content_fill(uint64_t seed, uint64_t offset, uint8_t *buf, size_t len)
{
	while (len) {
		uint64_t word = htobe64(content_word(seed, offset / 8));
		size_t skip = offset % 8;
		size_t part = 8 - skip < len ? 8 - skip : len;

		memcpy(buf, (uint8_t *)&word + skip, part);
		buf += part;
		offset += part;
		len -= part;
	}
}

bool content_same(uint64_t seed, uint64_t offset, const uint8_t *buf, size_t len)
{
	uint8_t wanted[4096];

	while (len) {
		size_t part = len < sizeof(wanted) ? len : sizeof(wanted);

		content_fill(seed, offset, wanted, part);
		if (memcmp(wanted, buf, part))
			return false;
		buf += part;
		offset += part;
		len -= part;
	}
	return true;
}

uint64_t content_sum(uint64_t sum, const uint8_t *buf, size_t len)
{
	while (len--)
		sum = (sum ^ *buf++) * FNV_PRIME;
	return sum;
}

uint64_t content_seed(void)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = content_word(clock_us(), 0);
	return seed;
}
