/* SPDX-License-Identifier: GPL-2.0 */
/* What of a record's mark and labels a replica takes over, see mask.c. */
#ifndef _GWSYNC_MASK_H
#define _GWSYNC_MASK_H

#include "gwsync.h"

struct gwsync_record_flow;

void gwsync_mask_set(struct gwsync_net *gn, u32 labels, u32 mark);
void gwsync_mask_look(struct gwsync_net *gn);
bool gwsync_mask_takes_labels(const struct gwsync_net *gn);
void gwsync_mask_apply(struct gwsync_net *gn, struct nf_conn *ct,
		       const struct gwsync_record_flow *flow);

#endif /* _GWSYNC_MASK_H */
