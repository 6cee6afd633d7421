/* SPDX-License-Identifier: GPL-2.0 */
/* Replicas are kept as they are, see keep.c. */
#ifndef _GWSYNC_KEEP_H
#define _GWSYNC_KEEP_H

#include "gwsync.h"

/* A job of the walk. */
bool gwsync_keep_wants(struct gwsync_net *gn, const struct nf_conn *ct);
void gwsync_keep_begin(struct gwsync_net *gn);
void gwsync_keep_flow(struct gwsync_net *gn, struct nf_conn *ct);
void gwsync_keep_done(struct gwsync_net *gn);

#endif /* _GWSYNC_KEEP_H */
