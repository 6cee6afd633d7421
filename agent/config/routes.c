// SPDX-License-Identifier: GPL-2.0
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "config/routes.h"

#define HOLD_S	120
#define MOST	262144
#define MOST_MAX	(1 << 20)

#define FIELD(f) .offset = offsetof(struct config_routes, f)

static void table_read(struct reader *reader, const config_setting_t *setting,
		       struct config_routes *routes)
{
	const char *text = reader_string(reader, setting, "\"main\"");
	unsigned int i;

	if (!text)
		return;
	if (strcmp(text, "main") &&
	    (strncmp(text, "vrf:", 4) || !text[4] || strlen(text + 4) >= IFNAMSIZ)) {
		reader_error(reader, setting,
			     "'%s' is no table; give \"main\" or \"vrf:NAME\" with the name of a VRF",
			     text);
		return;
	}
	for (i = 0; i < routes->tables; i++)
		if (!strcmp(routes->table[i], text)) {
			reader_error(reader, setting, "'%s' is there already; name each once",
				     text);
			return;
		}
	snprintf(routes->table[routes->tables++], sizeof(routes->table[0]), "%s", text);
}

static void tables_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	struct config_routes *routes = base;
	int i;

	if (!reader_list(reader, setting, CONFIG_ROUTE_TABLES_MAX))
		return;
	routes->tables = 0;
	for (i = 0; i < config_setting_length(setting); i++)
		table_read(reader, config_setting_get_elem(setting, (unsigned int)i), routes);
}

static void interfaces_read(struct reader *reader, const config_setting_t *setting, void *base)
{
	struct config_routes *routes = base;
	int i;

	if (!reader_list(reader, setting, CONFIG_ROUTE_INTERFACES_MAX))
		return;
	for (i = 0; i < config_setting_length(setting); i++) {
		char *name = routes->interface[routes->interfaces];

		reader_interface(reader, config_setting_get_elem(setting, (unsigned int)i), name);
		routes->interfaces += !!name[0];
	}
}

void config_routes_defaults(struct config_routes *routes)
{
	strcpy(routes->table[0], "main");
	routes->tables = 1;
	routes->hold_s = HOLD_S;
	routes->most = MOST;
}

void config_routes_read(struct reader *reader, const config_setting_t *setting,
			struct config_routes *routes)
{
	static const struct reader_key keys[] = {
		{ "fib", READER_BOOL, false, FIELD(fib), 0, 0, NULL },
		{ "tables", READER_CUSTOM, .read = tables_read },
		{ "interfaces", READER_CUSTOM, .read = interfaces_read },
		{ "hold_s", READER_U32, false, FIELD(hold_s), 1, 86400, NULL },
		{ "most", READER_U32, false, FIELD(most), 1, MOST_MAX, NULL },
		{ }
	};

	reader_group(reader, setting, keys, routes);
}
