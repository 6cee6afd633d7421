/* SPDX-License-Identifier: GPL-2.0 */
/* Emission: records of what was captured, see emit.c. */
#ifndef _GWSYNC_EMIT_H
#define _GWSYNC_EMIT_H

#include "gwsync.h"

struct netlink_ext_ack;

int gwsync_emit_net_init(struct gwsync_net *gn);
void gwsync_emit_net_exit(struct gwsync_net *gn);

int gwsync_emit_start(struct gwsync_net *gn, struct netlink_ext_ack *extack);
void gwsync_emit_stop(struct gwsync_net *gn);
bool gwsync_emit_is_running(const struct gwsync_net *gn);
void gwsync_emit_drop(struct gwsync_net *gn);
void gwsync_emit_pause(struct gwsync_net *gn);
void gwsync_emit_forget_digests(struct gwsync_net *gn);
void gwsync_emit_resume(struct gwsync_net *gn);

int gwsync_emit_flush(struct gwsync_net *gn);
int gwsync_emit_captured(struct gwsync_net *gn, long *wake);
int gwsync_emit_tombstones(struct gwsync_net *gn);

int gwsync_emit_flow(struct gwsync_net *gn, struct nf_conn *ct, u64 only, u32 walk_id);
int gwsync_emit_dirty(struct gwsync_net *gn, struct nf_conn *ct, bool passed);
int gwsync_emit_audit(struct gwsync_net *gn, struct nf_conn *ct);
int gwsync_emit_control(struct gwsync_net *gn, unsigned int bucket,
			const struct gwsync_record *record);

#endif /* _GWSYNC_EMIT_H */
