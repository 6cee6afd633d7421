/* SPDX-License-Identifier: GPL-2.0 */
/* Capture: conntrack events mark flows dirty, see capture.c. */
#ifndef _GWSYNC_CAPTURE_H
#define _GWSYNC_CAPTURE_H

#include "gwsync.h"

void gwsync_capture_net_init(struct gwsync_net *gn);

#endif /* _GWSYNC_CAPTURE_H */
