/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GWSYNC_AGENT_CONFIG_FILTER_H
#define GWSYNC_AGENT_CONFIG_FILTER_H

#include "config/config.h"
#include "config/reader.h"

/* kernel.filter: what the kernel leaves out. */
void config_filter_read(struct reader *reader, const config_setting_t *setting,
			struct config_filter *filter);

#endif
