/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _GWSYNC_PICKUP_H
#define _GWSYNC_PICKUP_H

struct gwsync_net;

/* Of a netns: see pickup.c. */
int gwsync_pickup_start(struct gwsync_net *gn);
void gwsync_pickup_stop(struct gwsync_net *gn);

#endif /* _GWSYNC_PICKUP_H */
