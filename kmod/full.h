/* SPDX-License-Identifier: GPL-2.0 */
/* The agent's walk: all own flows are emitted, see full.c. */
#ifndef _GWSYNC_FULL_H
#define _GWSYNC_FULL_H

#include "gwsync.h"

struct netlink_ext_ack;

void gwsync_full_init(struct gwsync_net *gn);
int gwsync_full_ask(struct gwsync_net *gn, u64 set, u32 walk_id, struct netlink_ext_ack *extack);
void gwsync_full_cancel(struct gwsync_net *gn);

/* A job of the walk. */
void gwsync_full_begin(struct gwsync_net *gn);
int gwsync_full_flow(struct gwsync_net *gn, struct nf_conn *ct);
void gwsync_full_done(struct gwsync_net *gn);

#endif /* _GWSYNC_FULL_H */
