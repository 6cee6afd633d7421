/* SPDX-License-Identifier: GPL-2.0 */
/* TCP windows after activation, see pickup.c. */
#ifndef _GWSYNC_PICKUP_H
#define _GWSYNC_PICKUP_H

#include <linux/types.h>

struct gwsync_net;
struct nf_conn;

void gwsync_pickup_init(struct gwsync_net *gn);
int gwsync_pickup_start(struct gwsync_net *gn);
void gwsync_pickup_stop(struct gwsync_net *gn);
bool gwsync_pickup_started(const struct gwsync_net *gn);

/* A walk counts the flows that still wait: when there are none, packets pass. */
bool gwsync_pickup_waits(const struct nf_conn *ct);
void gwsync_pickup_count_begin(struct gwsync_net *gn);
void gwsync_pickup_count(struct gwsync_net *gn);
void gwsync_pickup_count_done(struct gwsync_net *gn);

#endif /* _GWSYNC_PICKUP_H */
