/* SPDX-License-Identifier: GPL-2.0 */
/* The section "routes" of the configuration. */
#ifndef GWSYNC_AGENT_CONFIG_ROUTES_H
#define GWSYNC_AGENT_CONFIG_ROUTES_H

#include "config/config.h"
#include "config/reader.h"

void config_routes_defaults(struct config_routes *routes);
void config_routes_read(struct reader *reader, const config_setting_t *setting,
			struct config_routes *routes);

#endif
