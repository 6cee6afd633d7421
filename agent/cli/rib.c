// SPDX-License-Identifier: GPL-2.0
/* routes: the paths that the routing daemon told, in its own words. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/routes.h"

struct told {
	json_t	*all;		/* NULL: each is printed as it comes */
	char	table[32];	/* of the last one that was printed */
};

static void route_print(struct told *told, const json_t *route)
{
	const json_t *text;
	const char *name;

	if (strcmp(told->table, cli_string(route, "table")) != 0) {
		snprintf(told->table, sizeof(told->table), "%s", cli_string(route, "table"));
		printf("Table %s:\n", told->table);
	}
	printf("%-20s path %lld%s\n", cli_string(route, "prefix"), cli_number(route, "path_id"),
	       cli_true(route, "stale") ? " stale" : "");
	json_object_foreach(json_object_get(route, "attributes"), name, text)
		printf("\t%s: %s\n", name, json_string_value(text));
}

static void route_seen(void *arg, json_t *one)
{
	struct told *told = arg;

	if (told->all)
		json_array_append(told->all, one);
	else
		route_print(told, one);
}

int cli_rib(const struct cli *cli, const char *table, const char *prefix)
{
	json_t *request = json_pack("{s:s}", "command", "routes");
	struct told told = { .all = cli->json ? json_array() : NULL };

	if (table)
		json_object_set_new(request, "table", cli_json_string(table));
	if (prefix)
		json_object_set_new(request, "prefix", cli_json_string(prefix));
	if (!cli_pages(cli, request, "routes", route_seen, &told)) {
		json_decref(told.all);
		return CLI_FAILED;
	}
	if (!told.all)
		return CLI_OK;
	return cli_print_json(json_pack("{s:b, s:o}", "ok", 1, "routes", told.all));
}
