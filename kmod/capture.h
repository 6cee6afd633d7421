/* SPDX-License-Identifier: GPL-2.0 */
/* Capture: conntrack events mark flows dirty, see capture.c. */
#ifndef _GWSYNC_CAPTURE_H
#define _GWSYNC_CAPTURE_H

#include <net/netfilter/nf_conntrack_ecache.h>

#include "gwsync.h"

struct netlink_ext_ack;

int gwsync_capture_init(void);
void gwsync_capture_stop(void);
void gwsync_capture_exit(void);
void gwsync_capture_net_init(struct gwsync_net *gn);
void gwsync_capture_net_pre_exit(struct gwsync_net *gn);
void gwsync_capture_net_exit(struct gwsync_net *gn);

int gwsync_capture_attach(struct gwsync_net *gn, struct netlink_ext_ack *extack);
void gwsync_capture_detach(struct gwsync_net *gn);
int gwsync_capture_hold(struct gwsync_net *gn, struct netlink_ext_ack *extack);
void gwsync_capture_drain(struct gwsync_net *gn);
unsigned int gwsync_capture_waiting(struct gwsync_net *gn);
void gwsync_capture_mark(struct gwsync_net *gn, struct nf_conn *ct);

/* For the worker: what was captured, oldest first. */
struct llist_node *gwsync_capture_tombstones(struct gwsync_net *gn);
void gwsync_tombstone_free(struct gwsync_net *gn, struct gwsync_tombstone *stone);
struct nf_conn *gwsync_capture_peek(struct gwsync_net *gn, int cpu);
void gwsync_capture_pop(struct gwsync_net *gn, int cpu);
struct nf_conn *gwsync_capture_peek_held(struct gwsync_net *gn, int cpu, unsigned long *due);
void gwsync_capture_pop_held(struct gwsync_net *gn, int cpu);

/* gwsync_flow_is_own() for who has looked at ct->status already. */
static inline bool gwsync_status_is_own(const struct gwsync_net *gn, unsigned long status)
{
	u8 owner = (status & GWSYNC_FLOW_OWNER_MASK) >> GWSYNC_FLOW_OWNER_SHIFT;

	return !(status & BIT(GWSYNC_FLOW_REPLICA_BIT)) ||
	       READ_ONCE(gn->adopted) & BIT_ULL(owner);
}

/**
 * gwsync_flow_is_own - whether a flow is this member's to announce
 * @gn: the netns of the flow
 * @ct: a confirmed flow
 *
 * A replica of an adopted owner is own from the moment of activation, long
 * before the walk has cleared its mark.
 *
 * Context: any.
 */
static inline bool gwsync_flow_is_own(const struct gwsync_net *gn, const struct nf_conn *ct)
{
	return gwsync_status_is_own(gn, READ_ONCE(ct->status));
}

/**
 * gwsync_flow_is_mute - does a flow end without an event?
 * @ct: a confirmed flow
 *
 * Because it is older than gwsync, or because a rule (iptables' CT target, nft's
 * "ct event set") wants other events of it alone.
 *
 * Context: any.
 */
static inline bool gwsync_flow_is_mute(const struct nf_conn *ct)
{
	const struct nf_conntrack_ecache *e = nf_ct_ecache_find(ct);

	return !e || !(READ_ONCE(e->ctmask) & BIT(IPCT_DESTROY));
}

#endif /* _GWSYNC_CAPTURE_H */
