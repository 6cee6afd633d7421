/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GWSYNC_AGENT_OWN_ADDRESS_H
#define GWSYNC_AGENT_OWN_ADDRESS_H

#include "config/config.h"

struct ifaces;

/**
 * own_addresses() - what flows of this host itself have
 * @ifaces: knows the host's addresses
 * @config: whose virtual addresses belong to it, held or not
 * @prefix: written to
 * @max: its size
 *
 * Return: how many; what does not fit is logged.
 */
unsigned int own_addresses(const struct ifaces *ifaces, const struct config *config,
			   struct gwsync_filter_prefix *prefix, unsigned int max);

#endif
