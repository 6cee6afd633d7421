/* SPDX-License-Identifier: GPL-2.0 */
/* Flows change hands, see adopt.c. */
#ifndef _GWSYNC_ADOPT_H
#define _GWSYNC_ADOPT_H

#include "gwsync.h"

/* Jobs of the walk, one call a flow; the caller holds a reference. */
void gwsync_adopt_flow(struct gwsync_net *gn, struct nf_conn *ct);
void gwsync_demote_flow(struct gwsync_net *gn, struct nf_conn *ct);

#endif /* _GWSYNC_ADOPT_H */
