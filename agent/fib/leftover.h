/* SPDX-License-Identifier: GPL-2.0 */
/* What a daemon that died has left in the kernel. */
#ifndef GWSYNC_AGENT_FIB_LEFTOVER_H
#define GWSYNC_AGENT_FIB_LEFTOVER_H

/**
 * fib_leftover_clear() - rules, nexthop objects and routes of an earlier run go
 *
 * In this order: nothing is looked up that leads nowhere.  Waits for the kernel, as only a
 * start may.
 *
 * Return: how many went, or -errno.
 */
int fib_leftover_clear(void);

#endif
