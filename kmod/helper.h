/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _GWSYNC_HELPER_H
#define _GWSYNC_HELPER_H

#include <linux/types.h>

struct gwsync_net;
struct nf_conn;
struct nf_conntrack_helper;

int gwsync_helper_init(void);
void gwsync_helper_exit(void);

struct nf_conntrack_helper *gwsync_helper_find(const char *name, u16 l3num, u8 proto);

/* Of the walk that puts the clocks of replicas back. */
void gwsync_helper_look_begin(struct gwsync_net *gn);
bool gwsync_helper_is_missing(const struct gwsync_net *gn, const struct nf_conn *ct);
void gwsync_helper_look(struct gwsync_net *gn, struct nf_conn *ct);

#endif /* _GWSYNC_HELPER_H */
