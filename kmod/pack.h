/* SPDX-License-Identifier: GPL-2.0 */
/* A flow as a record, see pack.c. */
#ifndef _GWSYNC_PACK_H
#define _GWSYNC_PACK_H

#include "gwsync.h"

/* Most bytes of a packed tuple (2 addresses, 2 l4 ids) and of a FLOW_GONE record. */
#define GWSYNC_TUPLE_MAX	36
#define GWSYNC_GONE_MAX		(sizeof(struct gwsync_record) + GWSYNC_TUPLE_MAX + \
				 sizeof(struct gwsync_part) + sizeof(struct gwsync_part_zone))

unsigned int gwsync_pack_tuple(u8 *buf, const struct nf_conntrack_tuple *tuple);
unsigned int gwsync_pack_flow(u8 *buf, unsigned int size, struct nf_conn *ct,
			      bool first);
unsigned int gwsync_pack_gone(u8 *buf, const struct nf_conntrack_tuple *tuple,
			      const struct nf_conntrack_zone *zone);

#endif /* _GWSYNC_PACK_H */
