/* SPDX-License-Identifier: GPL-2.0 */
/* The backup map: which members hold replicas of a bucket, see map.c. */
#ifndef _GWSYNC_MAP_H
#define _GWSYNC_MAP_H

#include "gwsync.h"

struct netlink_ext_ack;
struct nlattr;

int gwsync_map_set(struct gwsync_net *gn, const struct nlattr *map,
		   struct netlink_ext_ack *extack);
struct gwsync_backups gwsync_map_lookup(struct gwsync_net *gn,
					const struct nf_conntrack_tuple *tuple, u16 zone);
struct gwsync_backups gwsync_map_bucket(struct gwsync_net *gn, unsigned int bucket);
void gwsync_map_net_exit(struct gwsync_net *gn);

#endif /* _GWSYNC_MAP_H */
