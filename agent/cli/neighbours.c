// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "cli/cli.h"
#include "cli/columns.h"

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

int cli_neighbours(struct cli *cli, int argc, char **argv)
{
	json_t *all;

	if (cli_option(cli, argc, argv, NULL) != -1 || !cli_no_arguments("neighbours", argc, argv))
		return CLI_USAGE;
	all = cli_collect(cli, "neighbours", "neighbours");
	if (!all)
		return CLI_FAILED;
	if (cli->json)
		return cli_print_json(json_pack("{s:b, s:o}", "ok", 1, "neighbours", all));
	neighbours_print(cli, all);
	json_decref(all);
	return CLI_OK;
}
