/* SPDX-License-Identifier: GPL-2.0 */
/* What was captured and is not emitted, see queue.c. */
#ifndef _GWSYNC_QUEUE_H
#define _GWSYNC_QUEUE_H

#include "gwsync.h"

struct netlink_ext_ack;

int gwsync_queue_init(void);
void gwsync_queue_exit(void);
void gwsync_queue_net_init(struct gwsync_net *gn);
void gwsync_queue_net_exit(struct gwsync_net *gn);
int gwsync_queue_attach(struct gwsync_net *gn, struct netlink_ext_ack *extack);
void gwsync_queue_detach(struct gwsync_net *gn);
int gwsync_queue_hold(struct gwsync_net *gn, struct netlink_ext_ack *extack);

/* For events of conntrack. */
void gwsync_queue_dirty(struct gwsync_net *gn, struct nf_conn *ct, bool hold);
bool gwsync_queue_wait(struct gwsync_net *gn, struct nf_conn *ct, bool again);
void gwsync_queue_mark(struct gwsync_net *gn, struct nf_conn *ct);
void gwsync_queue_gone(struct gwsync_net *gn, struct nf_conn *ct);

/* For the worker: what was captured, oldest first. */
struct llist_node *gwsync_queue_tombstones(struct gwsync_net *gn);
void gwsync_tombstone_free(struct gwsync_net *gn, struct gwsync_tombstone *stone);
struct nf_conn *gwsync_queue_peek(struct gwsync_net *gn, enum gwsync_ring_kind kind, int cpu,
				  unsigned long *due);
void gwsync_queue_pop(struct gwsync_net *gn, enum gwsync_ring_kind kind, int cpu);
bool gwsync_queue_waits(const struct nf_conn *ct, unsigned long due);
void gwsync_queue_shed(struct gwsync_net *gn);

void gwsync_queue_drain(struct gwsync_net *gn);
unsigned int gwsync_queue_waiting(struct gwsync_net *gn);

#endif /* _GWSYNC_QUEUE_H */
