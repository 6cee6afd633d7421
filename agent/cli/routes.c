// SPDX-License-Identifier: GPL-2.0
/* routes: what the routing daemon told, or what is forwarded by. */
#include <getopt.h>

#include "cli/cli.h"
#include "cli/routes.h"

int cli_routes(struct cli *cli, int argc, char **argv)
{
	static const struct option own[] = {
		{ "fib", no_argument, NULL, 'F' },
		{ "mrt", required_argument, NULL, 'm' },
		{ "table", required_argument, NULL, 't' },
		{ }
	};
	const char *table = NULL, *prefix, *file = NULL;
	bool fib = false;
	int c;

	while ((c = cli_option(cli, argc, argv, own)) != -1) {
		if (c == 'F')
			fib = true;
		else if (c == 'm')
			file = optarg;
		else if (c == 't')
			table = optarg;
		else
			return CLI_USAGE;
	}
	prefix = optind < argc ? argv[optind++] : NULL;
	if (!cli_no_arguments("routes", argc, argv))
		return CLI_USAGE;
	if (file && (fib || prefix))
		return cli_usage("routes", "--mrt is all that the routing daemon told: without --fib and a prefix");
	if (file)
		return cli_mrt(cli, table, file);
	return fib ? cli_fib(cli, table, prefix) : cli_rib(cli, table, prefix);
}
