/* SPDX-License-Identifier: GPL-2.0 */
/* gwsync, the command: what its subcommands share. */
#ifndef GWSYNC_AGENT_CLI_H
#define GWSYNC_AGENT_CLI_H

#include <stdbool.h>

#include <jansson.h>

#define CLI_OK		0
#define CLI_FAILED	1
#define CLI_USAGE	2

/* Exit status of "status", as monitoring plugins have it. */
#define CLI_STATUS_FINE		0
#define CLI_STATUS_NO_BACKUP	1	/* no redundancy */
#define CLI_STATUS_NO_OWNER	2	/* or two */
#define CLI_STATUS_UNKNOWN	3	/* the daemon does not answer */

struct cli {
	const char	*socket;
	bool		json;
	bool		colour;		/* stdout is a terminal */
};

/* Each gets the arguments from its own name on, options included. */
int cli_status(struct cli *cli, int argc, char **argv);
int cli_members(struct cli *cli, int argc, char **argv);
int cli_flows(struct cli *cli, int argc, char **argv);
int cli_neighbours(struct cli *cli, int argc, char **argv);
int cli_routes(struct cli *cli, int argc, char **argv);
int cli_stats(struct cli *cli, int argc, char **argv);
int cli_switchover(struct cli *cli, int argc, char **argv);
int cli_config(struct cli *cli, int argc, char **argv);
int cli_key(struct cli *cli, int argc, char **argv);
int cli_monitor(struct cli *cli, int argc, char **argv);
int cli_verify(struct cli *cli, int argc, char **argv);

/* "gwsync: text" to stderr (with --json an object to stdout); CLI_FAILED. */
int cli_error(const struct cli *cli, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* "gwsync COMMAND: text; see gwsync --help" to stderr; CLI_USAGE. */
int cli_usage(const char *command, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The next option of @argv (a getopt_long() with the options that every
 * command has): its letter, -1 at the end, '?' after a message.
 */
struct option;
int cli_option(struct cli *cli, int argc, char **argv, const struct option *own);
bool cli_no_arguments(const char *command, int argc, char **argv);

/* Asks the daemon: the answer, or NULL after a message.  Takes @request. */
json_t *cli_ask(const struct cli *cli, json_t *request);
json_t *cli_ask_command(const struct cli *cli, const char *command);

/**
 * cli_pages() - ask for what comes in pages
 * @cli: whom to ask
 * @request: without a cursor; taken
 * @key: of the array in an answer
 * @seen: is told of each entry; a reference that it wants to keep is its own affair
 * @arg: of @seen
 *
 * Return: false after a message.
 */
bool cli_pages(const struct cli *cli, json_t *request, const char *key,
	       void (*seen)(void *arg, json_t *one), void *arg);

/* All of it in an array; NULL after a message. */
json_t *cli_collect(const struct cli *cli, const char *command, const char *key);

int cli_print_json(json_t *json);	/* takes it */

/* @text as JSON, '?' for bytes that are not UTF-8. */
json_t *cli_json_string(const char *text);

/* Values of an object, something harmless where they are absent. */
const char *cli_string(const json_t *json, const char *key);
long long cli_number(const json_t *json, const char *key);
bool cli_true(const json_t *json, const char *key);

/* "3d4h", "12m5s", "310ms" */
const char *cli_duration(long long ms, char text[24]);

/* All flows of the kernel as flows --json shows them, NULL after a message. */
json_t *cli_flows_collect(const struct cli *cli);

/* Shared by status and monitor. */
void cli_status_print(const struct cli *cli, const json_t *status);

#endif
