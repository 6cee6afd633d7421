/* SPDX-License-Identifier: GPL-2.0 */
/* Flows that have an address as their translated source, see source.c. */
#ifndef _GWSYNC_SOURCE_H
#define _GWSYNC_SOURCE_H

#include "gwsync.h"

struct netlink_ext_ack;

void gwsync_source_init(struct gwsync_net *gn);
int gwsync_source_ask(struct gwsync_net *gn, const void *addr, unsigned int len, bool end,
		      struct netlink_ext_ack *extack);
void gwsync_source_cancel(struct gwsync_net *gn);

/* A job of the walk. */
void gwsync_source_begin(struct gwsync_net *gn);
bool gwsync_source_wants(const struct gwsync_net *gn, const struct nf_conn *ct);
void gwsync_source_flow(struct gwsync_net *gn, struct nf_conn *ct);
void gwsync_source_done(struct gwsync_net *gn);

#endif /* _GWSYNC_SOURCE_H */
