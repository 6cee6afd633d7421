/* SPDX-License-Identifier: GPL-2.0 */
/* What is replicated beside connections, and what of them. */
#ifndef GWSYNC_AGENT_CONFIG_SYNC_H
#define GWSYNC_AGENT_CONFIG_SYNC_H

#include "config/config.h"
#include "config/reader.h"

/* Group sync of the file; @config has the defaults. */
void config_sync_read(struct reader *reader, const config_setting_t *setting,
		      struct config *config);

#endif
