// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "config/address.h"
#include "host/iface.h"
#include "vrouter/own_address.h"

struct own_addresses {
	struct gwsync_filter_prefix	*prefix;
	unsigned int			count, max;
};

static void own_address_add(struct own_addresses *own, uint8_t family, const uint8_t *addr,
			    uint8_t len)
{
	struct gwsync_filter_prefix prefix = { .family = family, .len = len };
	unsigned int i;

	memcpy(prefix.addr, addr, address_bytes(family));
	for (i = 0; i < own->count && i < own->max; i++)
		if (!memcmp(&own->prefix[i], &prefix, sizeof(prefix)))
			return;
	if (own->count < own->max)
		own->prefix[own->count] = prefix;
	own->count++;
}

static void own_address_cb(void *arg, const struct rtnl_address *address)
{
	own_address_add(arg, address->family, address->addr,
			(uint8_t)(8 * address_bytes(address->family)));
}

/* What is never forwarded: flows of it end here, however they are addressed. */
static const struct {
	uint8_t	family, len;
	uint8_t	addr[16];
} never_forwarded[] = {
	{ AF_INET, 8, { 127 } },
	{ AF_INET, 24, { 224, 0, 0 } },
	{ AF_INET, 32, { 255, 255, 255, 255 } },
	{ AF_INET6, 128, { [15] = 1 } },
	{ AF_INET6, 10, { 0xfe, 0x80 } },
	{ AF_INET6, 16, { 0xff, 0x02 } },
};

unsigned int own_addresses(const struct ifaces *ifaces, const struct config *config,
			   struct gwsync_filter_prefix *prefix, unsigned int max)
{
	struct own_addresses own = { .prefix = prefix, .max = max };
	unsigned int i, j;

	for (i = 0; i < sizeof(never_forwarded) / sizeof(never_forwarded[0]); i++)
		own_address_add(&own, never_forwarded[i].family, never_forwarded[i].addr,
				never_forwarded[i].len);
	for (i = 0; i < config->vrouters; i++)
		for (j = 0; j < config->vrouter[i].addresses; j++) {
			const struct config_address *address = &config->vrouter[i].address[j];

			own_address_add(&own, address->family, address->addr,
					(uint8_t)(8 * address_bytes(address->family)));
		}
	ifaces_addresses(ifaces, 0, own_address_cb, &own);
	if (own.count > max) {
		log_warning("own addresses: %u, of which %u fit the filter; flows of the others are synced",
			    own.count, max);
		own.count = max;
	}
	return own.count;
}
