/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _GWSYNC_REPLICA_H
#define _GWSYNC_REPLICA_H

#include <linux/types.h>

#include "gwsync.h"

struct gwsync_record_flow;

int gwsync_replica_install(struct gwsync_net *gn, u8 owner, const struct gwsync_record_flow *flow);
int gwsync_replica_gone(struct gwsync_net *gn, const struct gwsync_record_flow *flow);
u8 gwsync_replica_drop(struct gwsync_net *gn, struct nf_conn *ct, u64 owners, bool stale);

#endif /* _GWSYNC_REPLICA_H */
