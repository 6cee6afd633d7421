// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "cli/cli.h"
#include "cli/columns.h"

/* The next page of them, appended; false after a message. */
static bool neighbours_page(const struct cli *cli, json_t *all, json_int_t *cursor, bool *more)
{
	json_t *answer = cli_ask(cli, json_pack("{s:s, s:I}", "command", "neighbours",
						"cursor", *cursor));

	if (!answer)
		return false;
	json_array_extend(all, json_object_get(answer, "neighbours"));
	*cursor = json_integer_value(json_object_get(answer, "cursor"));
	*more = cli_true(answer, "more");
	json_decref(answer);
	return true;
}

static void neighbours_print(const struct cli *cli, const json_t *all)
{
	static const char *const head[] = {
		"ROUTER", "ADDRESS", "MAC", "INTERFACE", "OF", "IN KERNEL", NULL
	};
	struct columns *columns = columns_alloc(head);
	const json_t *one;
	size_t i;

	json_array_foreach(all, i, one) {
		bool live = !cli_true(one, "replica") || cli_true(one, "installed");

		columns_cell(columns, COLUMNS_PLAIN, "%s", cli_string(one, "virtual_router"));
		columns_cell(columns, COLUMNS_PLAIN, "%s", cli_string(one, "address"));
		columns_cell(columns, COLUMNS_PLAIN, "%s", cli_string(one, "mac"));
		columns_cell(columns, COLUMNS_PLAIN, "%s", cli_string(one, "interface"));
		if (cli_true(one, "replica"))
			columns_cell(columns, COLUMNS_PLAIN, "member %lld",
				     cli_number(one, "owner"));
		else
			columns_cell(columns, COLUMNS_PLAIN, "this host");
		columns_cell(columns, live ? COLUMNS_PLAIN : COLUMNS_WARN, live ? "yes" : "no");
		columns_end(columns);
	}
	columns_print(columns, stdout, cli->colour, "");
	columns_free(columns);
}

json_t *cli_neighbours_collect(const struct cli *cli)
{
	json_t *all = json_array();
	json_int_t cursor = 0;
	bool more = true;

	while (more) {
		if (!neighbours_page(cli, all, &cursor, &more)) {
			json_decref(all);
			return NULL;
		}
	}
	return all;
}

int cli_neighbours(struct cli *cli, int argc, char **argv)
{
	json_t *all;

	if (cli_option(cli, argc, argv, NULL) != -1 || !cli_no_arguments("neighbours", argc, argv))
		return CLI_USAGE;
	all = cli_neighbours_collect(cli);
	if (!all)
		return CLI_FAILED;
	if (cli->json)
		return cli_print_json(json_pack("{s:b, s:o}", "ok", 1, "neighbours", all));
	neighbours_print(cli, all);
	json_decref(all);
	return CLI_OK;
}
