// SPDX-License-Identifier: GPL-2.0
/* Replay window: a bitmap of the counters behind the highest one. */
#include <string.h>

#include "wire/replay.h"

#define WORD(counter)	((counter) / 64 % (REPLAY_BITS / 64))
#define BIT(counter)	(1ULL << (counter) % 64)

_Static_assert((REPLAY_BITS & (REPLAY_BITS - 1)) == 0 && REPLAY_BITS >= 128, "power of two");

/* The word that the highest counter is in is shared with the oldest ones as
 * the window moves, so only whole words behind it count as known.
 */
#define WINDOW		((uint64_t)REPLAY_BITS - 64)

void replay_init(struct replay *replay, uint64_t highest)
{
	replay->highest = highest;
	memset(replay->seen, 0xff, sizeof(replay->seen));
	/* Above the highest in its own word nothing has been seen. */
	replay->seen[WORD(highest)] = (BIT(highest) << 1) - 1;
}

bool replay_accept(struct replay *replay, uint64_t counter)
{
	uint64_t *word = &replay->seen[WORD(counter)];

	if (!counter)
		return false;

	if (counter > replay->highest) {
		uint64_t words = counter / 64 - replay->highest / 64;

		if (words > REPLAY_BITS / 64)
			words = REPLAY_BITS / 64;
		/* Words that the window moves into hold bits of long ago. */
		for (uint64_t i = 0; i < words; i++)
			replay->seen[(counter / 64 - i) % (REPLAY_BITS / 64)] = 0;
		replay->highest = counter;
	} else if (replay->highest - counter >= WINDOW) {
		return false;
	}

	if (*word & BIT(counter))
		return false;
	*word |= BIT(counter);
	return true;
}
