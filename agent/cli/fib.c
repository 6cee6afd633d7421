// SPDX-License-Identifier: GPL-2.0
/* routes --fib: what is forwarded by, own and of others. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/columns.h"
#include "cli/routes.h"

struct shown {
	const char	*table;		/* NULL: all of them */
	const char	*prefix;	/* as it is shown, likewise */
	json_t		*routes;
};

static bool is_shown(const struct shown *shown, const json_t *one)
{
	return (!shown->table || !strcmp(cli_string(one, "table"), shown->table)) &&
	       (!shown->prefix || !strcmp(cli_string(one, "prefix"), shown->prefix));
}

static void routes_seen(void *arg, json_t *one)
{
	struct shown *shown = arg;

	if (is_shown(shown, one))
		json_array_append(shown->routes, one);
}

static void hop_text(const json_t *hop, char *text, size_t size)
{
	const char *via = cli_string(hop, "via"), *role = cli_string(hop, "role");
	bool named = json_is_string(json_object_get(hop, "interface"));

	snprintf(text, size, "%s%s%s dev %s%s%s weight %lld",
		 json_is_string(json_object_get(hop, "via")) ? "via " : "",
		 json_is_string(json_object_get(hop, "via")) ? via : "",
		 cli_true(hop, "onlink") ? " onlink" : "",
		 named ? cli_string(hop, "interface") : "?",
		 strcmp(role, "interface") ? " " : "", strcmp(role, "interface") ? role : "",
		 cli_number(hop, "weight"));
}

static void route_print(struct columns *columns, const json_t *one)
{
	const json_t *hops = json_object_get(one, "next_hops");
	bool replica = cli_true(one, "replica");
	char text[160];
	size_t i = 0;

	do {
		if (json_array_size(hops))
			hop_text(json_array_get(hops, i), text, sizeof(text));
		else
			snprintf(text, sizeof(text), "%s", cli_string(one, "type"));
		columns_cell(columns, COLUMNS_PLAIN, "%s", i ? "" : cli_string(one, "table"));
		columns_cell(columns, COLUMNS_PLAIN, "%s", i ? "" : cli_string(one, "prefix"));
		columns_cell(columns, COLUMNS_PLAIN, "%s", text);
		columns_cell(columns, COLUMNS_PLAIN, "%lld", cli_number(one, "metric"));
		if (replica)
			columns_cell(columns, COLUMNS_PLAIN, "member %lld",
				     cli_number(one, "owner"));
		else
			columns_cell(columns, COLUMNS_PLAIN, "this host");
		columns_cell(columns, replica && !cli_true(one, "installed") ? COLUMNS_WARN :
			     COLUMNS_PLAIN, "%s", cli_true(one, "installed") ? "yes" : "no");
		columns_end(columns);
	} while (++i < json_array_size(hops));
}

int cli_fib(const struct cli *cli, const char *table, const char *prefix)
{
	static const char *const head[] = {
		"TABLE", "PREFIX", "NEXT HOP", "METRIC", "OF", "COPY", NULL
	};
	struct shown shown = { table, prefix, json_array() };
	struct columns *columns;
	const json_t *one;
	size_t i;

	if (!cli_pages(cli, json_pack("{s:s}", "command", "fib"), "routes", routes_seen, &shown)) {
		json_decref(shown.routes);
		return CLI_FAILED;
	}
	if (cli->json)
		return cli_print_json(json_pack("{s:b, s:o}", "ok", 1, "routes",
						shown.routes));
	columns = columns_alloc(head);
	json_array_foreach(shown.routes, i, one)
		route_print(columns, one);
	columns_print(columns, stdout, cli->colour, "");
	columns_free(columns);
	json_decref(shown.routes);
	return CLI_OK;
}
