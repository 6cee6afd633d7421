// SPDX-License-Identifier: GPL-2.0
/* status and members */
#include <stdio.h>
#include <string.h>

#include <linux/gwsync.h>

#include "cli.h"
#include "table.h"

static enum table_tone tone(bool good)
{
	return good ? TABLE_GOOD : TABLE_WARN;
}

static void line(const struct cli *cli, const char *name, enum table_tone value_tone,
		 const char *text)
{
	printf("  %-9s ", name);
	table_text(stdout, cli->colour, value_tone, text);
	putchar('\n');
}

/* ["a", "b"] as "a b" */
static const char *join(const json_t *array, char *text, size_t size)
{
	size_t i, used = 0;
	json_t *value;

	snprintf(text, size, "-");
	json_array_foreach(array, i, value) {
		int len = snprintf(text + used, size - used, "%s%s", used ? " " : "",
				   json_string_value(value) ? json_string_value(value) : "?");

		if (len < 0 || (size_t)len >= size - used)
			break;
		used += (size_t)len;
	}
	return text;
}

static void print_members(const struct cli *cli, const json_t *members, const char *indent)
{
	static const char *const head[] = {
		"MEMBER", "NAME", "STATE", ">PRIORITY", "HEALTH", "SESSION", "IN SYNC", ">SINCE",
		">LAG MS", ">HEARD", "LINKS", NULL
	};
	struct table *table = table_alloc(head);
	const json_t *member;
	size_t i;

	json_array_foreach(members, i, member) {
		bool self = cli_true(member, "self"), alive = self || cli_true(member, "alive");
		const json_t *heard = json_object_get(member, "last_heard_ms");
		char text[128], since[24];

		table_cell(table, TABLE_PLAIN, "%lld", cli_number(member, "id"));
		table_cell(table, TABLE_PLAIN, "%s%s", cli_string(member, "name"),
			   self ? " *" : "");
		table_cell(table, !alive ? TABLE_BAD :
			   !strcmp(cli_string(member, "state"), "owner") ? TABLE_GOOD : TABLE_PLAIN,
			   "%s", alive ? cli_string(member, "state") : "dead");
		table_cell(table, TABLE_PLAIN, "%lld", cli_number(member, "priority"));
		table_cell(table, tone(cli_true(member, "healthy")), "%s",
			   !alive ? "-" : cli_true(member, "healthy") ? "ok" : "poor");
		table_cell(table, TABLE_PLAIN, "%s", self ? "-" :
			   cli_true(member, "session") ? "yes" : "no");
		if (cli_true(member, "stateless"))
			table_cell(table, TABLE_WARN, "stateless");
		else
			table_cell(table, tone(cli_true(member, "in_sync")), "%s",
				   cli_true(member, "in_sync") ? "yes" : "no");
		if (json_is_integer(json_object_get(member, "in_sync_since_ms")))
			table_cell(table, TABLE_PLAIN, "%s",
				   cli_duration(cli_number(member, "in_sync_since_ms"), since));
		else
			table_cell(table, TABLE_PLAIN, "-");
		if (json_is_integer(json_object_get(member, "lag_ms")))
			table_cell(table, TABLE_PLAIN, "%lld", cli_number(member, "lag_ms"));
		else
			table_cell(table, TABLE_PLAIN, "-");
		if (!self && !json_is_integer(heard))
			table_cell(table, TABLE_PLAIN, "never");
		else
			table_cell(table, TABLE_PLAIN, "%s", self ? "-" :
				   cli_duration(json_integer_value(heard), since));
		table_cell(table, TABLE_PLAIN, "%s",
			   join(json_object_get(member, "links"), text, sizeof(text)));
		table_end(table);
	}
	table_print(table, stdout, cli->colour, indent);
	table_free(table);
}

static void print_links(const struct cli *cli, const json_t *status)
{
	static const char *const head[] = { "LINK", "USE", "STATE", ">MTU", ">SENT", ">RECEIVED",
					    ">ERRORS", NULL };
	const char *data = cli_string(status, "data_link");
	struct table *table = table_alloc(head);
	const json_t *link;
	size_t i;

	json_array_foreach(json_object_get(status, "links"), i, link) {
		const char *name = cli_string(link, "interface");
		const char *state = cli_string(link, "state");

		table_cell(table, TABLE_PLAIN, "%s", name);
		table_cell(table, TABLE_PLAIN, "%s", !cli_true(link, "sync") ? "heartbeats" :
			   !strcmp(name, data) ? "sync, in use" : "sync");
		table_cell(table, tone(!strcmp(state, "up")), "%s", state);
		table_cell(table, TABLE_PLAIN, "%lld", cli_number(link, "mtu"));
		table_cell(table, TABLE_PLAIN, "%lld", cli_number(link, "tx"));
		table_cell(table, TABLE_PLAIN, "%lld", cli_number(link, "rx"));
		table_cell(table, TABLE_PLAIN, "%lld",
			   cli_number(link, "tx_errors") + cli_number(link, "rx_errors"));
		table_end(table);
	}
	table_print(table, stdout, cli->colour, "  ");
	table_free(table);
}

static void print_vrouters(const struct cli *cli, const json_t *status)
{
	static const char *const head[] = { "ROUTER", "INTERFACE", ">VRID", "MAC", "HERE",
					    "CARRIER", "ADDRESSES", NULL };
	struct table *table = table_alloc(head);
	const json_t *vrouter;
	char text[256];
	size_t i;

	json_array_foreach(json_object_get(status, "virtual_routers"), i, vrouter) {
		bool held = cli_true(vrouter, "held"), carrier = cli_true(vrouter, "carrier");

		table_cell(table, TABLE_PLAIN, "%s", cli_string(vrouter, "name"));
		table_cell(table, TABLE_PLAIN, "%s (%s)", cli_string(vrouter, "interface"),
			   cli_string(vrouter, "macvlan"));
		table_cell(table, TABLE_PLAIN, "%lld", cli_number(vrouter, "vrid"));
		table_cell(table, TABLE_PLAIN, "%s", cli_string(vrouter, "mac"));
		table_cell(table, held ? TABLE_GOOD : TABLE_PLAIN, "%s", held ? "yes" : "no");
		table_cell(table, carrier ? TABLE_PLAIN : TABLE_BAD, "%s", carrier ? "yes" : "no");
		table_cell(table, TABLE_PLAIN, "%s",
			   join(json_object_get(vrouter, "addresses"), text, sizeof(text)));
		table_end(table);
	}
	table_print(table, stdout, cli->colour, "  ");
	table_free(table);
}

static void print_sync(const struct cli *cli, const json_t *status)
{
	const json_t *sync = json_object_get(status, "sync");
	const json_t *proven = json_object_get(json_object_get(status, "repair"), "proven_ms");
	bool owner = !strcmp(cli_string(status, "state"), "owner");
	char text[128], ago[24];

	snprintf(text, sizeof(text), "in sync, proven %s ago",
		 cli_duration(json_integer_value(proven), ago));
	if (cli_true(status, "stateless"))
		line(cli, "sync", TABLE_WARN, "off (sync_state = false): connections do not move");
	else if (owner)
		line(cli, "sync", TABLE_GOOD, "owner: what is here is the truth");
	else if (cli_true(status, "in_sync") && !cli_number(sync, "refused"))
		line(cli, "sync", TABLE_GOOD, text);
	else if (cli_true(status, "in_sync"))
		line(cli, "sync", TABLE_WARN, "in sync but for the records that were refused");
	if (!cli_true(status, "stateless") && !owner && !cli_true(status, "in_sync")) {
		if (json_is_null(json_object_get(status, "owner")) && json_is_integer(proven))
			snprintf(text, sizeof(text), "NOT in sync: no owner; proven last %s ago",
				 ago);
		else
			snprintf(text, sizeof(text), "NOT in sync: %s, %lld frames behind",
				 cli_string(sync, "phase"), cli_number(sync, "lag_frames"));
		line(cli, "sync", TABLE_WARN, text);
	}
}

/* @who: whose repair it was, with what follows a name */
static void print_last(const struct cli *cli, const char *who, const json_t *last)
{
	char text[256], ago[24];

	if (!json_is_object(last))
		return;
	snprintf(text, sizeof(text), "%s%s ago, %lld classes: %s", who,
		 cli_duration(cli_number(last, "ago_ms"), ago),
		 cli_number(last, "classes"), cli_string(last, "cause"));
	line(cli, "repaired", TABLE_PLAIN, text);
}

static void print_repair(const struct cli *cli, const json_t *status)
{
	const json_t *repair = json_object_get(status, "repair");
	bool owner = !strcmp(cli_string(status, "state"), "owner");
	const json_t *peer;
	char text[128];
	size_t i;

	if (owner && !cli_true(status, "stateless")) {
		snprintf(text, sizeof(text), "%lld connections, if this member died now",
			 cli_number(status, "would_be_lost"));
		line(cli, "lost", cli_number(status, "would_be_lost") ? TABLE_WARN : TABLE_GOOD,
		     text);
	}
	if (cli_number(repair, "differing")) {
		snprintf(text, sizeof(text), "%lld of %d classes of connections differ",
			 cli_number(repair, "differing"), GWSYNC_CLASSES);
		line(cli, "differs", TABLE_WARN, text);
	}
	if (!owner)
		print_last(cli, "", json_object_get(repair, "last"));
	json_array_foreach(json_object_get(status, "peers"), i, peer) {
		if (!owner)
			break;
		snprintf(text, sizeof(text), "%s, ", cli_string(peer, "name"));
		print_last(cli, text, json_object_get(peer, "repair"));
	}
}

void cli_status_print(const struct cli *cli, const json_t *status)
{
	const json_t *kernel = json_object_get(status, "kernel"), *problem;
	const char *state = cli_string(status, "state");
	bool sealed = !strcmp(cli_string(status, "auth"), "sealed");
	char text[256], since[24];
	size_t i;

	printf("group %lld, member %lld (%s)\n", cli_number(status, "group"),
	       cli_number(status, "member"), cli_string(status, "name"));
	snprintf(text, sizeof(text), "%s for %s, epoch %lld, priority %lld", state,
		 cli_duration(cli_number(status, "since_ms"), since),
		 cli_number(status, "epoch"), cli_number(status, "priority"));
	line(cli, "state", !strcmp(state, "owner") ? TABLE_GOOD : TABLE_PLAIN, text);
	if (json_is_integer(json_object_get(status, "owner")))
		snprintf(text, sizeof(text), "%lld (%s)", cli_number(status, "owner"),
			 cli_string(status, "owner_name"));
	else
		snprintf(text, sizeof(text), "none");
	line(cli, "owner", TABLE_PLAIN, text);
	print_sync(cli, status);
	print_repair(cli, status);
	if (cli_true(kernel, "attached")) {
		snprintf(text, sizeof(text), "attached, %lld own flows announced, %lld replicas",
			 cli_number(kernel, "flows"), cli_number(kernel, "replicas"));
		line(cli, "kernel", TABLE_PLAIN, text);
		if (cli_number(kernel, "mute")) {
			snprintf(text, sizeof(text), "%lld connections older than gwsync, or without the event \"destroy\": sent every 10 s, in no digest",
				 cli_number(kernel, "mute"));
			line(cli, "mute", TABLE_PLAIN, text);
		}
	} else if (!cli_true(status, "stateless")) {
		line(cli, "kernel", TABLE_BAD, "not attached; is gwsync.ko loaded? (modprobe gwsync)");
	}
	line(cli, "datagrams", sealed ? TABLE_PLAIN : TABLE_WARN,
	     sealed ? "sealed" : "IN CLEAR (auth = \"none\")");
	json_array_foreach(json_object_get(status, "problems"), i, problem)
		line(cli, "problem", TABLE_BAD,
		     json_string_value(problem) ? json_string_value(problem) : "?");
	putchar('\n');
	print_members(cli, json_object_get(status, "peers"), "  ");
	putchar('\n');
	print_links(cli, status);
	if (json_array_size(json_object_get(status, "virtual_routers"))) {
		putchar('\n');
		print_vrouters(cli, status);
	}
}

int cli_status(struct cli *cli, int argc, char **argv)
{
	json_t *status;

	if (cli_option(cli, argc, argv, NULL) != -1 || !cli_no_arguments("status", argc, argv))
		return CLI_USAGE;
	status = cli_ask_command(cli, "status");
	if (!status)
		return CLI_FAILED;
	if (cli->json)
		return cli_print_json(status);
	cli_status_print(cli, status);
	json_decref(status);
	return CLI_OK;
}

int cli_members(struct cli *cli, int argc, char **argv)
{
	json_t *answer;

	if (cli_option(cli, argc, argv, NULL) != -1 || !cli_no_arguments("members", argc, argv))
		return CLI_USAGE;
	answer = cli_ask_command(cli, "members");
	if (!answer)
		return CLI_FAILED;
	if (cli->json)
		return cli_print_json(answer);
	print_members(cli, json_object_get(answer, "members"), "");
	json_decref(answer);
	return CLI_OK;
}
