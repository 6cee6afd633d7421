/* SPDX-License-Identifier: GPL-2.0 */
/* An agent comes and goes, see attach.c. */
#ifndef _GWSYNC_ATTACH_H
#define _GWSYNC_ATTACH_H

#include "gwsync.h"

struct netlink_ext_ack;

int gwsync_attach(struct gwsync_net *gn, u32 portid, u8 self, u32 epoch, const __be16 *ports,
		  unsigned int count, struct netlink_ext_ack *extack);
void gwsync_detach(struct gwsync_net *gn);

#endif /* _GWSYNC_ATTACH_H */
