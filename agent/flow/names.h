/* SPDX-License-Identifier: GPL-2.0 */
/* Attributes of the family "gwsync" by their names, for JSON. */
#ifndef GWSYNC_AGENT_KERNEL_NAMES_H
#define GWSYNC_AGENT_KERNEL_NAMES_H

#include <stdbool.h>

#include <jansson.h>
#include <libmnl/libmnl.h>
#include <linux/gwsync.h>

/* Parameters and state, as GWSYNC_CMD_GET answers. */
void kernel_names_state(json_t *json, const struct nlattr *tb[GWSYNC_A_MAX + 1]);

/* Counters of GWSYNC_A_STATS; false if one is malformed. */
bool kernel_names_stats(json_t *json, const struct nlattr *stats);

#endif
