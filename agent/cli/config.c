// SPDX-License-Identifier: GPL-2.0
/* config check */
#include <getopt.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "config/config.h"

static void absent(json_t *warnings, const char *what, const char *interface)
{
	if (!if_nametoindex(interface))
		json_array_append_new(warnings,
				      json_sprintf("%s: there is no interface %s on this host now",
						   what, interface));
}

static void add(json_t *warnings, const char *text)
{
	json_array_append_new(warnings, json_string(text));
}

static json_t *warn(const struct config *config)
{
	json_t *warnings = json_array();
	unsigned int i;

	for (i = 0; i < config->links; i++)
		absent(warnings, "links", config->link[i].interface);
	for (i = 0; i < config->vrouters; i++)
		absent(warnings, "virtual_routers", config->vrouter[i].interface);
	if (config->auth_none)
		add(warnings, "auth: datagrams go in clear and anybody on the LAN can forge them");
	if (!config->sync_state)
		add(warnings, "daemon.sync_state: addresses move, connections do not");
	return warnings;
}

static void print_lines(json_t *array, char *text)
{
	char *line, *rest = text;

	while ((line = strsep(&rest, "\n")))
		if (*line)
			json_array_append_new(array, cli_json_string(line));
}

int cli_config(struct cli *cli, int argc, char **argv)
{
	static struct config config;
	static char text[65536];
	const char *path = CONFIG_DEFAULT_PATH;
	json_t *errors, *warnings, *value;
	unsigned int members = 0;
	size_t i;
	int found;

	if (cli_option(cli, argc, argv, NULL) != -1)
		return CLI_USAGE;
	if (optind == argc || strcmp(argv[optind], "check"))
		return cli_usage("config", "say 'config check [FILE]'");
	if (++optind < argc)
		path = argv[optind++];
	if (!cli_no_arguments("config check", argc, argv))
		return CLI_USAGE;

	found = config_load(path, &config, text, sizeof(text));
	errors = json_array();
	print_lines(errors, text);
	warnings = found ? json_array() : warn(&config);
	while (config.members[members].id)
		members++;
	if (cli->json) {
		cli_print_json(json_pack("{s:b, s:o, s:o, s:o}", "ok", !found,
					 "file", cli_json_string(path),
					 "errors", errors, "warnings", warnings));
		config_wipe(&config);
		return found ? CLI_FAILED : CLI_OK;
	}
	json_array_foreach(errors, i, value)
		fprintf(stderr, "%s\n", json_string_value(value));
	json_array_foreach(warnings, i, value)
		fprintf(stderr, "%s: warning: %s\n", path, json_string_value(value));
	if (found) {
		fprintf(stderr, "%d error%s\n", found, found == 1 ? "" : "s");
	} else {
		printf("%s: ok: group %u, member %u (%s) of %u", path, config.group,
		       config.member, config_member_name(&config, config.member), members);
		printf(", links: %u, virtual routers: %u, %s\n", config.links, config.vrouters,
		       config.auth_none ? "in clear" : "sealed");
	}
	json_decref(errors);
	json_decref(warnings);
	config_wipe(&config);
	return found ? CLI_FAILED : CLI_OK;
}
