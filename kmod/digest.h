/* SPDX-License-Identifier: GPL-2.0 */
/* Digests: the sums of two tables are compared, see digest.c. */
#ifndef _GWSYNC_DIGEST_H
#define _GWSYNC_DIGEST_H

#include "gwsync.h"

struct sk_buff;

/* Of an owner. */
void gwsync_digest_now(struct gwsync_net *gn);
long gwsync_digest_step(struct gwsync_net *gn);

/* Of a backup. */
int gwsync_digest_compare(struct gwsync_net *gn, u8 owner, const u8 *data, size_t len);
int gwsync_digest_fill(struct gwsync_net *gn, struct sk_buff *skb);

#endif /* _GWSYNC_DIGEST_H */
