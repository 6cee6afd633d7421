/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GWSYNC_AGENT_CONTAINER_H
#define GWSYNC_AGENT_CONTAINER_H

#include <stddef.h>

/* From a pointer to @member to the @type that embeds it. */
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

#endif
