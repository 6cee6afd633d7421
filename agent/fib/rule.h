/* SPDX-License-Identifier: GPL-2.0 */
/* The rules by which copies are looked up; where they are, and why there: see fib.h. */
#ifndef GWSYNC_AGENT_FIB_RULE_H
#define GWSYNC_AGENT_FIB_RULE_H

#include <stdbool.h>

#include "fib/source.h"

/* They wait for fib_kernel_flush(); none for a table that is not there. */
void rules_ask(struct fib_kernel *kernel, const struct source *source, bool remove);

#endif
