/* SPDX-License-Identifier: GPL-2.0 */
/* Sessions with the routing daemon of this host. */
#ifndef GWSYNC_AGENT_CONFIG_BGP_H
#define GWSYNC_AGENT_CONFIG_BGP_H

#include "config/config.h"
#include "config/reader.h"

/* List bgp of the file. */
void config_bgp_read(struct reader *reader, const config_setting_t *setting,
		     struct config *config);

#endif
