/* SPDX-License-Identifier: GPL-2.0 */
/* Messages of the generic netlink family, see message.c. */
#ifndef _GWSYNC_MESSAGE_H
#define _GWSYNC_MESSAGE_H

#include "gwsync.h"

struct genl_family;
struct sk_buff;

void gwsync_message_init(const struct genl_family *family);
void *gwsync_message_put(struct sk_buff *skb, u32 portid, u32 seq, int flags, u8 cmd);

int gwsync_message_delta(struct gwsync_net *gn, u64 set, u32 walk_id,
			 const void *records, unsigned int len);
int gwsync_message_event(struct gwsync_net *gn, enum gwsync_event event, u8 owner,
			 u32 walk_id, u32 count);

#endif /* _GWSYNC_MESSAGE_H */
