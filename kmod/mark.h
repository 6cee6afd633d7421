/* SPDX-License-Identifier: GPL-2.0 */
/* Flows become replicas, see mark.c. */
#ifndef _GWSYNC_MARK_H
#define _GWSYNC_MARK_H

#include "gwsync.h"

void gwsync_mark_replica(struct gwsync_net *gn, struct nf_conn *ct, unsigned long clear,
			 unsigned long set);
void gwsync_mark_foreign(struct gwsync_net *gn, struct nf_conn *ct);
void gwsync_mark_release(struct gwsync_net *gn);

#endif /* _GWSYNC_MARK_H */
