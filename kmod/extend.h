/* SPDX-License-Identifier: GPL-2.0 */
/* When replicas are looked at, see extend.c. */
#ifndef _GWSYNC_EXTEND_H
#define _GWSYNC_EXTEND_H

#include "gwsync.h"

void gwsync_extend_init(struct gwsync_net *gn);
void gwsync_extend_exit(struct gwsync_net *gn);

void gwsync_extend_note(struct gwsync_net *gn);
bool gwsync_extend_has_met(const struct gwsync_net *gn);

/* The pass that runs meets a replica: there will be another one. */
static inline void gwsync_extend_meet(struct gwsync_net *gn)
{
	if (!READ_ONCE(gn->extend.met))
		WRITE_ONCE(gn->extend.met, true);
}

/* The pass, see keep.c. */
void gwsync_extend_begin(struct gwsync_net *gn);
void gwsync_extend_cost(struct gwsync_net *gn, u64 ns);
void gwsync_extend_done(struct gwsync_net *gn, bool more);

#endif /* _GWSYNC_EXTEND_H */
