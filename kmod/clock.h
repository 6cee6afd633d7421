/* SPDX-License-Identifier: GPL-2.0 */
/* What a flow's protocol gives it, see clock.c. */
#ifndef _GWSYNC_CLOCK_H
#define _GWSYNC_CLOCK_H

#include <linux/types.h>

struct nf_conn;

u32 gwsync_clock_seconds(const struct nf_conn *ct);

#endif /* _GWSYNC_CLOCK_H */
