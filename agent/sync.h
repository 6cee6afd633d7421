/* SPDX-License-Identifier: GPL-2.0 */
/* Between sync.c and attach.c; what others call is in group.h. */
#ifndef GWSYNC_AGENT_SYNC_H
#define GWSYNC_AGENT_SYNC_H

#include "group.h"

void sync_timers(struct group *group);
/* Tell the kernel half whom to emit for; false: it does not know. */
bool sync_map(struct group *group);
void sync_enter(struct group *group, enum sync_phase phase);
/* Ask the owner for a full sync, after @delay_ns; out of sync until it is here. */
void sync_restart(struct group *group, uint64_t delay_ns);
/* One that does not keep up is not served anew at once: the others would wait for it. */
bool sync_must_wait(const struct group_peer *peer);
/* From the kernel half; see kernel.h. */
bool sync_delta(struct group *group, uint64_t set, uint32_t walk_id,
		const void *records, size_t len);
void sync_event(struct group *group, const struct kernel_event *event);

#endif
