// SPDX-License-Identifier: GPL-2.0
#include "vrouter/fight.h"

static unsigned int fight_recent(const struct fight *fight, uint64_t now_ns)
{
	unsigned int i, count = 0;

	for (i = 0; i < FIGHT_MENDINGS; i++)
		count += fight->mended_ns[i] &&
			 elapsed_ns(now_ns, fight->mended_ns[i]) < FIGHT_WINDOW_NS;
	return count;
}

uint64_t fight_due_ns(const struct fight *fight, uint64_t now_ns)
{
	unsigned int last = (fight->next + FIGHT_MENDINGS - 1) % FIGHT_MENDINGS;
	unsigned int recent = fight_recent(fight, now_ns);
	uint64_t wait_ns = FIGHT_FIRST_NS;

	if (!recent)
		return 0;
	while (--recent)
		wait_ns = doubled_ns(wait_ns, FIGHT_MOST_NS);
	return fight->mended_ns[last] + wait_ns;
}

bool fight_mended(struct fight *fight, uint64_t now_ns)
{
	bool was_on = fight_is_on(fight, now_ns);

	fight->mended_ns[fight->next] = now_ns;
	fight->next = (fight->next + 1) % FIGHT_MENDINGS;
	if (!was_on && fight_recent(fight, now_ns) < FIGHT_MENDINGS)
		return false;
	if (!was_on)
		fight->hold_ns = fight->hold_ns ?
				 doubled_ns(fight->hold_ns, FIGHT_HOLD_MOST_NS) : FIGHT_HOLD_NS;
	fight->until_ns = now_ns + fight->hold_ns;
	return !was_on;
}
