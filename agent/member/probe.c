// SPDX-License-Identifier: GPL-2.0
#include "base/loop.h"
#include "member/probe.h"

#define PROBE_NS	(5 * NSEC_PER_SEC)	/* between two, when all is well */
#define PROBE_MISSED	2			/* in a row: not one that was lost */
#define PROBE_AWAITED	8			/* who sends back more has recorded them */

/* The owner was to be heard by now. */
static bool probe_is_urgent(const struct probes *p, uint64_t now_ns)
{
	const struct member *m = p->member;
	uint64_t beat_ns = m->params.heartbeat_ns;

	if (m->state == MEMBER_OWNER)
		return false;
	return !m->owner || elapsed_ns(now_ns, m->peer[m->owner].heard_ns) > beat_ns + beat_ns / 2;
}

bool probe_is_due(const struct probes *p, unsigned int link, uint64_t now_ns)
{
	const struct probe *probe = &p->link[link];

	if (!probe->sent_ns || probe_is_urgent(p, now_ns))
		return true;
	/* Again at once while it is missed. */
	return probe->missed || elapsed_ns(now_ns, probe->sent_ns) >= PROBE_NS;
}

void probe_sent(struct probes *p, unsigned int link, uint64_t now_ns)
{
	struct probe *probe = &p->link[link];

	/* Where there is no address it may not come back, whatever the rules are. */
	if (probe->back_ns < probe->sent_ns &&
	    (probe->back_ns || paths_has_address(p->speaker->paths, link)))
		probe->missed++;
	probe->sent_ns = now_ns;
	if (probe->awaited < PROBE_AWAITED)
		probe->awaited++;
}

bool probe_back(struct probes *p, unsigned int link, uint64_t now_ns)
{
	struct probe *probe = &p->link[link];

	probe->back_ns = now_ns;
	probe->missed = 0;
	if (!probe->awaited)
		return false;
	probe->awaited--;
	return true;
}

void probe_forget(struct probes *p, unsigned int link)
{
	p->link[link] = (struct probe){ .sent_ns = 0 };
}

bool probe_is_blocked(const struct probes *p, unsigned int link)
{
	return p->link[link].missed >= PROBE_MISSED;
}

void probe_check(struct probes *p, uint64_t now_ns)
{
	bool up = false, open = false;
	unsigned int i;

	for (i = 0; i < paths_count(p->speaker->paths); i++) {
		if (!paths_up(p->speaker->paths, i))
			continue;
		up = true;
		/* One miss will do where it is urgent: the next comes back in time. */
		open |= !p->link[i].missed;
	}
	member_set_blocked(p->member, now_ns, up && !open);
}
