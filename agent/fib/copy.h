/* SPDX-License-Identifier: GPL-2.0 */
/* Copies: what the kernel has of entries, in tables of gwsync's own. */
#ifndef GWSYNC_AGENT_FIB_COPY_H
#define GWSYNC_AGENT_FIB_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "fib/route.h"
#include "table/store.h"

struct fib;

/* What an entry says; false: it does not say a route. */
bool copy_route(const struct store_item *item, struct fib_route *route);
/* The set of next hops that its copy is on, 0: none. */
uint16_t copy_set(const struct store_item *item);

/* Marks, and their counts: the kernel has it; it could not be installed. */
void copy_mark_installed(struct fib *fib, const struct store_item *item, bool installed);
void copy_mark_held(struct fib *fib, const struct store_item *item, bool held);

/* It is to be made, it goes: both when there is time. */
void copy_want(struct fib *fib, const struct store_item *item);
void copy_uninstall(struct fib *fib, const struct store_item *item);
/* Somebody else took it away: it is made again, and counted. */
void copy_lost(struct fib *fib, const struct store_item *item);

/* Make what is wanted.  Return: false if there was no time for all of it. */
bool copies_work(struct fib *fib, uint64_t until_ns);
/* Those on sets whose object went: one look at all of them, however many sets went. */
void copies_gone(struct fib *fib);
/* Some of them go, since nothing looks at them any more; see @retired. */
void copies_retire(struct fib *fib);
/* What could not be installed is wanted again. */
void copies_retry(struct fib *fib, uint64_t now_ns);

#endif
