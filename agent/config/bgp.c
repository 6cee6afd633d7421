// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

#include "config/bgp.h"

/* Addresses of lo: nobody outside of this host can be the peer, or reach it. */
static void loopback_read(struct reader *reader, const config_setting_t *setting,
			  struct in_addr *field)
{
	const char *text = reader_string(reader, setting, "\"127.0.0.1\"");
	struct in_addr address;

	if (!text)
		return;
	if (inet_pton(AF_INET, text, &address) != 1 || ntohl(address.s_addr) >> 24 != 127)
		reader_error(reader, setting,
			     "'%s' is no address of 127.0.0.0/8; the session stays within this host: give one such as 127.0.0.1",
			     text);
	else
		*field = address;
}

static void address_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	loopback_read(reader, setting, &((struct config_bgp *)base)->address);
}

static void neighbour_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	loopback_read(reader, setting, &((struct config_bgp *)base)->neighbour);
}

static void router_id_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	struct config_bgp *bgp = base;
	const char *text = reader_string(reader, setting, "\"127.0.0.2\"");
	struct in_addr id;

	if (!text)
		return;
	if (inet_pton(AF_INET, text, &id) != 1 || !id.s_addr)
		reader_error(reader, setting,
			     "'%s' is no router id; give one such as 127.0.0.2, another than the daemon's",
			     text);
	else
		bgp->router_id = id;
}

static void table_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	struct config_bgp *bgp = base;
	const char *name = reader_string(reader, setting, "\"main\"");
	size_t len, i;

	if (!name)
		return;
	len = strlen(name);
	for (i = 0; i < len && name[i] > ' ' && name[i] <= '~'; i++)
		;
	if (!len || len >= sizeof(bgp->table) || i < len)
		reader_error(reader, setting,
			     "'%s' is no name; give 1..%d printable ASCII characters without spaces",
			     name, CONFIG_NAME_MAX - 1);
	else
		memcpy(bgp->table, name, len + 1);
}

static void bgp_check(struct reader *reader, const config_setting_t *at,
		      const struct config *config, const struct config_bgp *bgp)
{
	const struct config_bgp *other;

	if (bgp->address.s_addr == bgp->neighbour.s_addr)
		reader_error(reader, at,
			     "address and neighbour are the same; give two addresses of 127.0.0.0/8");
	for (other = config->bgp; other < bgp; other++) {
		if (!strcmp(other->table, bgp->table))
			reader_error(reader, at, "table '%s' is given twice; name each once",
				     bgp->table);
		if (other->address.s_addr == bgp->address.s_addr &&
		    other->neighbour.s_addr == bgp->neighbour.s_addr)
			reader_error(reader, at,
				     "another has the same address and neighbour; give each session an address of its own");
	}
}

void config_bgp_read(struct reader *reader, const config_setting_t *setting,
		     struct config *config)
{
#define FIELD(f) .offset = offsetof(struct config_bgp, f)
	static const struct reader_key keys[] = {
		{ "table", READER_CUSTOM, .required = true, .read = table_read },
		{ "address", READER_CUSTOM, .read = address_read },
		{ "port", READER_U16, false, FIELD(port), 1, 65535, NULL },
		{ "neighbour", READER_CUSTOM, .read = neighbour_read },
		{ "neighbour_port", READER_U16, false, FIELD(neighbour_port), 1, 65535, NULL },
		{ "as", READER_U32, false, FIELD(as), 1, 4294967294, NULL },
		{ "router_id", READER_CUSTOM, .read = router_id_read },
		{ "hold_s", READER_U16, false, FIELD(hold_s), 3, 3600, NULL },
		{ "passive", READER_BOOL, false, FIELD(passive), 0, 0, NULL },
		{ "paths", READER_U32, false, FIELD(paths), 1, 16777216, NULL },
		{ "attributes_mib", READER_U32, false, FIELD(attributes_mib), 1, 4096, NULL },
		{ }
	};
	int i;

	if (!reader_list(reader, setting, CONFIG_BGP_MAX))
		return;
	for (i = 0; i < config_setting_length(setting); i++) {
		const config_setting_t *at = config_setting_get_elem(setting, (unsigned int)i);
		struct config_bgp *bgp = &config->bgp[config->bgps];

		*bgp = (struct config_bgp){
			.address.s_addr = htonl(0x7f000002),
			.neighbour.s_addr = htonl(0x7f000001),
			.port = 1180, .neighbour_port = 1179, .as = 64512, .hold_s = 30,
			.paths = 1000000, .attributes_mib = 64,
		};
		reader_group(reader, at, keys, bgp);
		if (!bgp->router_id.s_addr)
			bgp->router_id = bgp->address;
		bgp_check(reader, at, config, bgp);
		config->bgps++;
	}
}
