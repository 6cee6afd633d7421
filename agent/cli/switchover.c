// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

#define SWITCHOVER_POLL_US	50000
#define SWITCHOVER_WAIT_MS	15000

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Until another owns, or the daemon says that it will not be. */
static int wait_for_end(const struct cli *cli, const char *to)
{
	long long start_ms = now_ms();

	do {
		json_t *status = cli_ask_command(cli, "status");
		const json_t *switchover = json_object_get(status, "switchover");
		const char *phase = cli_string(switchover, "phase");
		const char *result = cli_string(switchover, "result");
		bool owns, failed;

		if (!status)
			return CLI_FAILED;
		owns = !strcmp(cli_string(status, "owner_name"), to);
		failed = !owns && (!strcmp(phase, "none") || !strcmp(phase, "idle")) &&
			 strcmp(result, "-") && strncmp(result, "done", 4);
		if (failed)
			cli_error(cli, "switchover to %s failed: %s", to, result);
		json_decref(status);
		if (failed)
			return CLI_FAILED;
		if (owns) {
			if (cli->json)
				return cli_print_json(json_pack("{s:b, s:s, s:I}", "ok", 1, "owner",
								to, "took_ms",
								(json_int_t)(now_ms() - start_ms)));
			printf("%s owns now (seen after %lld ms)\n", to, now_ms() - start_ms);
			return CLI_OK;
		}
		usleep(SWITCHOVER_POLL_US);
	} while (now_ms() - start_ms < SWITCHOVER_WAIT_MS);
	return cli_error(cli, "%s does not own after %d s; look at 'gwsync status' on both members",
			 to, SWITCHOVER_WAIT_MS / 1000);
}

int cli_switchover(struct cli *cli, int argc, char **argv)
{
	static const struct option own[] = {
		{ "to", required_argument, NULL, 't' },
		{ "force", no_argument, NULL, 'f' },
		{ "no-wait", no_argument, NULL, 'n' },
		{ }
	};
	const char *to = NULL;
	bool force = false, wait = true;
	json_t *request, *answer;
	char name[64];
	int c, status;

	while ((c = cli_option(cli, argc, argv, own)) != -1) {
		if (c == 't')
			to = optarg;
		else if (c == 'f')
			force = true;
		else if (c == 'n')
			wait = false;
		else
			return CLI_USAGE;
	}
	if (!cli_no_arguments("switchover", argc, argv))
		return CLI_USAGE;
	request = json_pack("{s:s, s:b}", "command", "switchover", "force", force);
	if (to)
		json_object_set_new(request, "to", cli_json_string(to));
	answer = cli_ask(cli, request);
	if (!answer)
		return CLI_FAILED;
	snprintf(name, sizeof(name), "%s", cli_string(answer, "to"));
	if (!wait && cli->json)
		return cli_print_json(answer);
	json_decref(answer);
	if (!wait) {
		printf("switchover to %s has begun\n", name);
		return CLI_OK;
	}
	status = wait_for_end(cli, name);
	return status;
}
