// SPDX-License-Identifier: GPL-2.0
#include "base/loop.h"
#include "neigh/resync.h"

#define RESYNC_MAX_NS	(10 * NSEC_PER_SEC)	/* between two, while events are lost */

void resync_now(struct resync *r)
{
	r->due = true;
	r->at_ns = 0;
}

uint64_t resync_later(struct resync *r, uint64_t now_ns, uint64_t first_ns)
{
	if (r->due)
		return UINT64_MAX;
	r->wait_ns = elapsed_ns(now_ns, r->lost_ns) < 2 * RESYNC_MAX_NS ?
		     doubled_ns(r->wait_ns, RESYNC_MAX_NS) : first_ns;
	r->lost_ns = now_ns;
	r->due = true;
	r->at_ns = now_ns + r->wait_ns;
	return r->wait_ns;
}
