/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _GWSYNC_EXPECT_H
#define _GWSYNC_EXPECT_H

struct gwsync_record_flow;
struct gwsync_net;
struct nf_conn;

void gwsync_expect_install(struct gwsync_net *gn, struct nf_conn *ct,
			   const struct gwsync_record_flow *flow);

#endif /* _GWSYNC_EXPECT_H */
