/* SPDX-License-Identifier: GPL-2.0 */
/* The one worker of a netns, see worker.c. */
#ifndef _GWSYNC_WORKER_H
#define _GWSYNC_WORKER_H

#include "gwsync.h"

int gwsync_worker_net_init(struct gwsync_net *gn);
void gwsync_worker_net_stop(struct gwsync_net *gn);

void gwsync_worker_stop(struct gwsync_net *gn);

#endif /* _GWSYNC_WORKER_H */
