// SPDX-License-Identifier: GPL-2.0
/* gwsync: asks gwsyncd and the kernel, and says it to people or programs. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

#ifndef GWSYNC_VERSION
#define GWSYNC_VERSION "0"
#endif

static const struct {
	const char	*name;
	int		(*run)(struct cli *cli, int argc, char **argv);
	const char	*arguments, *what;
} commands[] = {
	{ "status", cli_status, "", "this member: state, peers, links, virtual routers" },
	{ "members", cli_members, "", "all members, as this one sees them" },
	{ "flows", cli_flows, "[--own | --replicas] [--limit N]",
	  "connections in the kernel, own and of others" },
	{ "neighbours", cli_neighbours, "", "hosts of the LANs and their MACs, own and of others" },
	{ "routes", cli_routes, "[--fib | --mrt FILE] [--table NAME] [PREFIX]",
	  "paths of the routing daemon with their attributes, or what is forwarded by" },
	{ "stats", cli_stats, "[--all]", "counters of the protocol and the kernel" },
	{ "switchover", cli_switchover, "[--to NAME] [--force] [--no-wait]",
	  "hand the group to another member" },
	{ "monitor", cli_monitor, "[--interval SECONDS] [--count N]", "status and rates, live" },
	{ "verify", cli_verify, "PEER-COMMAND...",
	  "compare connections, neighbours, routes with another member's" },
	{ "config", cli_config, "check [FILE]", "check a configuration file" },
	{ "key", cli_key, "generate [FILE]", "make a key for the group" },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void help(void)
{
	unsigned int i;

	puts("gwsync - look at and steer a group of gateways that act as one\n\n"
	     "usage: gwsync [OPTION...] COMMAND [ARGUMENT...]\n");
	for (i = 0; i < COMMANDS; i++)
		printf("  %-10s %-34s %s\n", commands[i].name, commands[i].arguments,
		       commands[i].what);
	puts("\n  -j, --json         answer as JSON\n"
	     "  -s, --socket PATH  of gwsyncd (default /run/gwsync/control.sock)\n"
	     "  -h, --help         this text\n"
	     "  -V, --version      the version\n\n"
	     "Exit status: 0 done, 1 failed or refused, 2 wrong usage; of status: 0 fine,\n"
	     "1 no redundancy, 2 no owner or two, 3 unknown.  See gwsync(8).");
}

static void help_command(unsigned int i)
{
	printf("usage: gwsync [OPTION...] %s%s%s\n\n  %s\n\nSee gwsync(8).\n",
	       commands[i].name, commands[i].arguments[0] ? " " : "", commands[i].arguments,
	       commands[i].what);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "socket", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ }
	};
	struct cli cli = { .socket = "/run/gwsync/control.sock" };
	unsigned int i;
	int c;

	cli.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	/* '+': the options behind the command are the command's. */
	while ((c = getopt_long(argc, argv, "+js:hV", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			cli.json = true;
			break;
		case 's':
			cli.socket = optarg;
			break;
		case 'h':
			help();
			return CLI_OK;
		case 'V':
			puts("gwsync " GWSYNC_VERSION);
			return CLI_OK;
		default:
			return CLI_USAGE;
		}
	}
	if (optind == argc) {
		help();
		return CLI_USAGE;
	}
	argc -= optind;
	argv += optind;
	optind = 0;	/* getopt_long() starts anew, with the command as its name */
	if (!strcmp(argv[0], "help")) {
		help();
		return CLI_OK;
	}
	for (i = 0; i < COMMANDS; i++) {
		if (strcmp(argv[0], commands[i].name))
			continue;
		if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
			help_command(i);
			return CLI_OK;
		}
		c = commands[i].run(&cli, argc, argv);
		if (fflush(stdout) || ferror(stdout))
			return CLI_FAILED;
		return c;
	}
	return cli_usage(argv[0], "no such command");
}
