/* SPDX-License-Identifier: GPL-2.0 */
/* The group's own datagrams when the conntrack table is full, see untrack.c. */
#ifndef _GWSYNC_UNTRACK_H
#define _GWSYNC_UNTRACK_H

#include <linux/types.h>

struct gwsync_net;
struct netlink_ext_ack;

int gwsync_untrack_start(struct gwsync_net *gn, const __be16 *ports, unsigned int count,
			 struct netlink_ext_ack *extack);
void gwsync_untrack_stop(struct gwsync_net *gn);
void gwsync_untrack_exit(struct gwsync_net *gn);

#endif /* _GWSYNC_UNTRACK_H */
