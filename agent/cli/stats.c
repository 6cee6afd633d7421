// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>
#include <stdio.h>

#include "cli/cli.h"

static void print_counters(const json_t *json, const char *path, bool all)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)json, key, value) {
		char name[160];

		snprintf(name, sizeof(name), "%s%s%s", path, *path ? "." : "", key);
		if (json_is_object(value))
			print_counters(value, name, all);
		else if (json_is_integer(value) && (all || json_integer_value(value)))
			printf("%-44s %20lld\n", name, (long long)json_integer_value(value));
		else if (json_is_real(value))
			printf("%-44s %20.3f\n", name, json_real_value(value));
	}
}

int cli_stats(struct cli *cli, int argc, char **argv)
{
	static const struct option own[] = { { "all", no_argument, NULL, 'a' }, { } };
	bool all = false;
	json_t *stats;
	int c;

	while ((c = cli_option(cli, argc, argv, own)) == 'a')
		all = true;
	if (c != -1 || !cli_no_arguments("stats", argc, argv))
		return CLI_USAGE;
	stats = cli_ask_command(cli, "stats");
	if (!stats)
		return CLI_FAILED;
	if (cli->json)
		return cli_print_json(stats);
	print_counters(stats, "", all);
	json_decref(stats);
	return CLI_OK;
}
