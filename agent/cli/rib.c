// SPDX-License-Identifier: GPL-2.0
/* routes: the paths that the routing daemon told, in its own words. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/routes.h"

/* The next page of them; NULL after a message. */
static json_t *routes_page(const struct cli *cli, const char *table, const char *prefix,
			   json_int_t cursor)
{
	json_t *request = json_pack("{s:s, s:I}", "command", "routes", "cursor", cursor);

	if (table)
		json_object_set_new(request, "table", cli_json_string(table));
	if (prefix)
		json_object_set_new(request, "prefix", cli_json_string(prefix));
	return cli_ask(cli, request);
}

static void route_print(const json_t *route, char table[32])
{
	const json_t *text;
	const char *name;

	if (strcmp(table, cli_string(route, "table")) != 0) {
		snprintf(table, 32, "%s", cli_string(route, "table"));
		printf("Table %s:\n", table);
	}
	printf("%-20s path %lld%s\n", cli_string(route, "prefix"), cli_number(route, "path_id"),
	       cli_true(route, "stale") ? " stale" : "");
	json_object_foreach(json_object_get(route, "attributes"), name, text)
		printf("\t%s: %s\n", name, json_string_value(text));
}

int cli_rib(const struct cli *cli, const char *table, const char *prefix)
{
	json_t *all = NULL, *answer, *some, *route;
	char printed[32] = "";
	json_int_t cursor = 0;
	bool more = true;
	size_t i;

	if (cli->json)
		all = json_array();
	while (more) {
		answer = routes_page(cli, table, prefix, cursor);
		if (!answer) {
			json_decref(all);
			return CLI_FAILED;
		}
		cursor = json_integer_value(json_object_get(answer, "cursor"));
		more = cli_true(answer, "more");
		some = json_object_get(answer, "routes");
		if (all)
			json_array_extend(all, some);
		else
			json_array_foreach(some, i, route)
				route_print(route, printed);
		json_decref(answer);
	}
	return all ? cli_print_json(json_pack("{s:b, s:o}", "ok", 1, "routes", all)) : CLI_OK;
}
