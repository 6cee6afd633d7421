// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/columns.h"

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Counters that moved, with how many a second. */
static void rates(struct columns *columns, const json_t *now, const json_t *then, double seconds,
		  const char *path)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)now, key, value) {
		const json_t *old = json_object_get(then, key);
		char name[160];
		long long moved;

		snprintf(name, sizeof(name), "%s%s%s", path, *path ? "." : "", key);
		if (json_is_object(value)) {
			rates(columns, value, old, seconds, name);
			continue;
		}
		if (!json_is_integer(value) || !json_is_integer(old))
			continue;
		moved = json_integer_value(value) - json_integer_value(old);
		if (!moved)
			continue;
		columns_cell(columns, COLUMNS_PLAIN, "%s", name);
		columns_cell(columns, COLUMNS_PLAIN, "%.1f", (double)moved / seconds);
		columns_cell(columns, COLUMNS_PLAIN, "%lld", (long long)json_integer_value(value));
		columns_end(columns);
	}
}

static void show(const struct cli *cli, const json_t *status, const json_t *now,
		 const json_t *then, double seconds)
{
	static const char *const head[] = { "COUNTER", ">A SECOND", ">TOTAL", NULL };
	struct columns *columns;

	if (cli->colour)
		fputs("\033[H\033[J", stdout);
	cli_status_print(cli, status);
	if (then && seconds > 0) {
		columns = columns_alloc(head);
		rates(columns, now, then, seconds, "");
		putchar('\n');
		columns_print(columns, stdout, cli->colour, "  ");
		columns_free(columns);
	}
	if (!cli->colour)
		puts("--");
}

static void show_json(json_t *status, json_t *stats)
{
	json_t *both = json_pack("{s:O, s:O}", "status", status, "stats", stats);

	json_dumpf(both, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(both);
}

static bool positive(const char *text, double max, double *value)
{
	char *end;

	*value = strtod(text, &end);
	return *text && !*end && *value > 0 && *value <= max;
}

int cli_monitor(struct cli *cli, int argc, char **argv)
{
	static const struct option own[] = {
		{ "interval", required_argument, NULL, 'i' },
		{ "count", required_argument, NULL, 'n' },
		{ }
	};
	double interval = 1, count = 0, at = 0, then_at = 0, i;
	json_t *status, *stats, *then = NULL;
	struct timespec pause;
	int c;

	while ((c = cli_option(cli, argc, argv, own)) != -1) {
		if (c == 'i' && !positive(optarg, 3600, &interval))
			return cli_usage("monitor", "'%s' is no interval of up to 3600 s", optarg);
		if (c == 'n' && !positive(optarg, 1e9, &count))
			return cli_usage("monitor", "'%s' is no count", optarg);
		if (c != 'i' && c != 'n')
			return CLI_USAGE;
	}
	if (!cli_no_arguments("monitor", argc, argv))
		return CLI_USAGE;
	if (interval < 0.1)
		interval = 0.1;
	pause.tv_sec = (time_t)interval;
	pause.tv_nsec = (long)((interval - (double)pause.tv_sec) * 1e9);
	for (i = 1;; i++) {
		status = cli_ask_command(cli, "status");
		stats = status ? cli_ask_command(cli, "stats") : NULL;
		at = now_s();
		if (stats && cli->json)
			show_json(status, stats);
		else if (stats)
			show(cli, status, stats, then, at - then_at);
		json_decref(status);
		json_decref(then);
		then = stats;
		then_at = at;
		if (!stats)
			return CLI_FAILED;
		if (fflush(stdout) || (count > 0 && i >= count))
			break;
		nanosleep(&pause, NULL);
	}
	json_decref(then);
	return CLI_OK;
}
