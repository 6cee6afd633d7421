/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel tells: as an owner its routes become entries, by events and by dumps that
 * are compared; as a backup what somebody took away of the copies is made again.
 */
#ifndef GWSYNC_AGENT_FIB_OBSERVE_H
#define GWSYNC_AGENT_FIB_OBSERVE_H

#include <stdint.h>

struct fib;

/* Listen to it from now on; 0 or -errno. */
int observe_open(struct fib *fib);
/* A dump, now. */
void observe_dump(struct fib *fib);
/* Something that takes routes away without a word on each; an object went, with its routes.
 * The kernel tells these, too, so @arg, the fib, is what a watcher gets.
 */
void observe_shaken(void *arg);
void observe_nexthop_gone(void *arg, uint32_t nexthop);

#endif
