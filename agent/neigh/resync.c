// SPDX-License-Identifier: GPL-2.0
#include "base/loop.h"
#include "neigh/resync.h"

#define RESYNC_REST		20			/* times as long as a look took, */
#define RESYNC_MAX_NS		(10 * NSEC_PER_SEC)	/* and no longer than this */

void resync_now(struct resync *r)
{
	r->due = true;
	r->at_ns = 0;
}

uint64_t resync_later(struct resync *r, uint64_t now_ns, uint64_t wait_ns)
{
	if (r->due)
		return UINT64_MAX;
	r->due = true;
	r->at_ns = now_ns + wait_ns;
	if (r->at_ns < r->rest_ns)
		r->at_ns = r->rest_ns;
	return r->at_ns - now_ns;
}

uint64_t resync_lost(struct resync *r, uint64_t now_ns, uint64_t wait_ns)
{
	if (r->due)
		return UINT64_MAX;
	r->wait_ns = elapsed_ns(now_ns, r->lost_ns) < 2 * RESYNC_MAX_NS ?
		     doubled_ns(r->wait_ns, RESYNC_MAX_NS) : wait_ns;
	r->lost_ns = now_ns;
	return resync_later(r, now_ns, r->wait_ns);
}

void resync_begin(struct resync *r, uint64_t now_ns)
{
	r->due = false;
	r->began_ns = now_ns;
}

void resync_end(struct resync *r, uint64_t now_ns)
{
	uint64_t rest_ns = RESYNC_REST * elapsed_ns(now_ns, r->began_ns);

	r->rest_ns = now_ns + (rest_ns < RESYNC_MAX_NS ? rest_ns : RESYNC_MAX_NS);
}
