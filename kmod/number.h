/* SPDX-License-Identifier: GPL-2.0 */
/* The number of a record, see number.c. */
#ifndef _GWSYNC_NUMBER_H
#define _GWSYNC_NUMBER_H

#include <linux/bits.h>
#include <linux/types.h>

#define GWSYNC_NUMBER_MASK	GENMASK(30, 0)	/* the highest bit is free, see sum.c */

u32 gwsync_number_record(const u8 *record, unsigned int len, u32 key);

#endif /* _GWSYNC_NUMBER_H */
