/* SPDX-License-Identifier: GPL-2.0 */
/* All flows for whoever asks, see dump.c. */
#ifndef _GWSYNC_DUMP_H
#define _GWSYNC_DUMP_H

struct netlink_callback;
struct sk_buff;

int gwsync_dump_start(struct netlink_callback *cb);
int gwsync_dump_next(struct sk_buff *skb, struct netlink_callback *cb);
int gwsync_dump_done(struct netlink_callback *cb);

#endif /* _GWSYNC_DUMP_H */
