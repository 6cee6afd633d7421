/* SPDX-License-Identifier: GPL-2.0 */
/* Bounds and sysfs defaults of the parameters, see params.c. */
#ifndef _GWSYNC_PARAMS_H
#define _GWSYNC_PARAMS_H

#define GWSYNC_FLUSH_MS_MAX	1000
#define GWSYNC_HOLD_MS_MAX	60000
#define GWSYNC_BATCH_BYTES_MIN	512
#define GWSYNC_BATCH_BYTES_MAX	8192
#define GWSYNC_TOMBSTONES_MAX	1048576
#define GWSYNC_WALK_RATE_MAX	10000000
#define GWSYNC_DIGEST_MS_MAX	3600000
#define GWSYNC_TERM_MS_MAX	3600000
#define GWSYNC_AUDIT_MS_MAX	3600000
#define GWSYNC_RING_SIZE_MIN	64
#define GWSYNC_RING_SIZE_MAX	65536

struct gwsync_params;

void gwsync_params_default(struct gwsync_params *params);
unsigned int gwsync_params_ring_size(void);

#endif /* _GWSYNC_PARAMS_H */
