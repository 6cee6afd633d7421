// SPDX-License-Identifier: GPL-2.0
/* status and members */
#include <stdio.h>
#include <string.h>

#include <linux/gwsync.h>

#include "cli/cli.h"
#include "cli/columns.h"

static enum columns_tone tone(bool good)
{
	return good ? COLUMNS_GOOD : COLUMNS_WARN;
}

static void line(const struct cli *cli, const char *name, enum columns_tone value_tone,
		 const char *text)
{
	printf("  %-9s ", name);
	columns_text(stdout, cli->colour, value_tone, text);
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
	struct columns *columns = columns_alloc(head);
	const json_t *member;
	size_t i;

	json_array_foreach(members, i, member) {
		bool self = cli_true(member, "self"), alive = self || cli_true(member, "alive");
		const json_t *heard = json_object_get(member, "last_heard_ms");
		char text[128], since[24];

		columns_cell(columns, COLUMNS_PLAIN, "%lld", cli_number(member, "id"));
		columns_cell(columns, COLUMNS_PLAIN, "%s%s", cli_string(member, "name"),
			     self ? " *" : "");
		columns_cell(columns, !alive ? COLUMNS_BAD :
			   !strcmp(cli_string(member, "state"), "owner") ? COLUMNS_GOOD :
			   COLUMNS_PLAIN,
			   "%s", alive ? cli_string(member, "state") : "dead");
		columns_cell(columns, COLUMNS_PLAIN, "%lld", cli_number(member, "priority"));
		if (!alive || cli_true(member, "healthy"))
			columns_cell(columns, COLUMNS_PLAIN, "%s", alive ? "ok" : "-");
		else
			columns_cell(columns, COLUMNS_WARN, "%lld %%",
				     cli_number(member, "health") / 10);
		columns_cell(columns, COLUMNS_PLAIN, "%s", self ? "-" :
			   cli_true(member, "session") ? "yes" : "no");
		if (cli_true(member, "stateless"))
			columns_cell(columns, COLUMNS_WARN, "stateless");
		else
			columns_cell(columns, tone(cli_true(member, "in_sync")), "%s",
				     cli_true(member, "in_sync") ? "yes" : "no");
		if (json_is_integer(json_object_get(member, "in_sync_since_ms")))
			columns_cell(columns, COLUMNS_PLAIN, "%s",
				     cli_duration(cli_number(member, "in_sync_since_ms"), since));
		else
			columns_cell(columns, COLUMNS_PLAIN, "-");
		if (json_is_integer(json_object_get(member, "lag_ms")))
			columns_cell(columns, COLUMNS_PLAIN, "%lld", cli_number(member, "lag_ms"));
		else
			columns_cell(columns, COLUMNS_PLAIN, "-");
		if (!self && !json_is_integer(heard))
			columns_cell(columns, COLUMNS_PLAIN, "never");
		else
			columns_cell(columns, COLUMNS_PLAIN, "%s", self ? "-" :
				   cli_duration(json_integer_value(heard), since));
		columns_cell(columns, COLUMNS_PLAIN, "%s",
			     join(json_object_get(member, "links"), text, sizeof(text)));
		columns_end(columns);
	}
	columns_print(columns, stdout, cli->colour, indent);
	columns_free(columns);
}

static void print_links(const struct cli *cli, const json_t *status)
{
	static const char *const head[] = { "LINK", "USE", "STATE", ">MTU", ">SENT", ">RECEIVED",
					    ">ERRORS", NULL };
	const char *data = cli_string(status, "data_link");
	struct columns *columns = columns_alloc(head);
	const json_t *link;
	size_t i;

	json_array_foreach(json_object_get(status, "links"), i, link) {
		const char *name = cli_string(link, "interface");
		const char *state = cli_string(link, "state");

		columns_cell(columns, COLUMNS_PLAIN, "%s", name);
		columns_cell(columns, COLUMNS_PLAIN, "%s", !cli_true(link, "sync") ? "heartbeats" :
			   !strcmp(name, data) ? "sync, in use" : "sync");
		columns_cell(columns, tone(!strcmp(state, "up")), "%s", state);
		columns_cell(columns, COLUMNS_PLAIN, "%lld", cli_number(link, "mtu"));
		columns_cell(columns, COLUMNS_PLAIN, "%lld", cli_number(link, "tx"));
		columns_cell(columns, COLUMNS_PLAIN, "%lld", cli_number(link, "rx"));
		columns_cell(columns, COLUMNS_PLAIN, "%lld",
			     cli_number(link, "tx_errors") + cli_number(link, "rx_errors"));
		columns_end(columns);
	}
	columns_print(columns, stdout, cli->colour, "  ");
	columns_free(columns);
}

static void print_vrouters(const struct cli *cli, const json_t *status)
{
	static const char *const head[] = { "ROUTER", "INTERFACE", ">VRID", "MAC", "HERE",
					    "CARRIER", "ADDRESSES", NULL };
	struct columns *columns = columns_alloc(head);
	const json_t *vrouter;
	char text[256];
	size_t i;

	json_array_foreach(json_object_get(status, "virtual_routers"), i, vrouter) {
		bool held = cli_true(vrouter, "held"), carrier = cli_true(vrouter, "carrier");

		columns_cell(columns, COLUMNS_PLAIN, "%s", cli_string(vrouter, "name"));
		columns_cell(columns, COLUMNS_PLAIN, "%s (%s)", cli_string(vrouter, "interface"),
			     cli_string(vrouter, "macvlan"));
		columns_cell(columns, COLUMNS_PLAIN, "%lld", cli_number(vrouter, "vrid"));
		columns_cell(columns, COLUMNS_PLAIN, "%s", cli_string(vrouter, "mac"));
		columns_cell(columns, held ? COLUMNS_GOOD : COLUMNS_PLAIN, "%s", held ? "yes" : "no");
		columns_cell(columns, carrier ? COLUMNS_PLAIN : COLUMNS_BAD, "%s",
			     carrier ? "yes" : "no");
		columns_cell(columns, COLUMNS_PLAIN, "%s",
			     join(json_object_get(vrouter, "addresses"), text, sizeof(text)));
		columns_end(columns);
	}
	columns_print(columns, stdout, cli->colour, "  ");
	columns_free(columns);
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
		line(cli, "sync", COLUMNS_WARN, "off (sync_state = false): connections do not move");
	else if (owner && cli_true(status, "in_sync"))
		line(cli, "sync", COLUMNS_GOOD, "owner: a backup has all that is here");
	else if (owner)
		line(cli, "sync", COLUMNS_WARN, "owner: NO BACKUP has what is here");
	else if (cli_true(status, "in_sync") && !cli_number(sync, "refused"))
		line(cli, "sync", COLUMNS_GOOD, text);
	else if (cli_true(status, "in_sync"))
		line(cli, "sync", COLUMNS_WARN, "in sync but for the records that were refused");
	if (!cli_true(status, "stateless") && !owner && !cli_true(status, "in_sync")) {
		if (json_is_null(json_object_get(status, "owner")) && json_is_integer(proven))
			snprintf(text, sizeof(text), "NOT in sync: no owner; proven last %s ago",
				 ago);
		else
			snprintf(text, sizeof(text), "NOT in sync: %s, %lld frames behind",
				 cli_string(sync, "phase"), cli_number(sync, "lag_frames"));
		line(cli, "sync", COLUMNS_WARN, text);
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
	line(cli, "repaired", COLUMNS_PLAIN, text);
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
		line(cli, "lost", cli_number(status, "would_be_lost") ? COLUMNS_WARN : COLUMNS_GOOD,
		     text);
	}
	if (cli_number(repair, "differing")) {
		snprintf(text, sizeof(text), "%lld of %d classes of connections differ",
			 cli_number(repair, "differing"), GWSYNC_CLASSES);
		line(cli, "differs", COLUMNS_WARN, text);
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

/* Each kind of state, in the order of the gate. */
static void print_tables(const struct cli *cli, const json_t *status)
{
	static const char *const head[] = { "TABLE", "HERE", ">OWN", ">REPLICAS", ">DIFFERING",
					    ">REFUSED", NULL };
	const json_t *tables = json_object_get(status, "tables"), *table;
	bool owner = !strcmp(cli_string(status, "state"), "owner");
	struct columns *columns = columns_alloc(head);
	size_t i;

	json_array_foreach(tables, i, table) {
		bool in_sync = cli_true(table, "in_sync");

		columns_cell(columns, COLUMNS_PLAIN, "%s", cli_string(table, "name"));
		columns_cell(columns, owner || in_sync ? COLUMNS_GOOD : COLUMNS_WARN, "%s",
			     owner ? "own" : in_sync ? "in sync" : cli_string(table, "phase"));
		columns_cell(columns, COLUMNS_PLAIN, "%lld", cli_number(table, "own"));
		columns_cell(columns, COLUMNS_PLAIN, "%lld", cli_number(table, "replicas"));
		columns_cell(columns, COLUMNS_PLAIN, "%lld", cli_number(table, "differing"));
		columns_cell(columns, COLUMNS_PLAIN, "%lld", cli_number(table, "refused"));
		columns_end(columns);
	}
	columns_print(columns, stdout, cli->colour, "  ");
	columns_free(columns);
}

/* What the routing daemon told. */
static void print_bgp(const struct cli *cli, const json_t *status)
{
	static const char *const head[] = { "ROUTES OF", "SESSION", ">IPV4", ">IPV6", ">STALE",
					    ">REFUSED", ">MALFORMED", NULL };
	const json_t *bgp = json_object_get(status, "bgp"), *one;
	struct columns *columns;
	size_t i;

	if (!json_array_size(bgp))
		return;
	columns = columns_alloc(head);
	json_array_foreach(bgp, i, one) {
		bool up = !strcmp(cli_string(one, "state"), "established");

		columns_cell(columns, COLUMNS_PLAIN, "%s", cli_string(one, "table"));
		columns_cell(columns, up ? COLUMNS_GOOD : COLUMNS_WARN, "%s",
			     cli_string(one, "state"));
		columns_cell(columns, COLUMNS_PLAIN, "%lld", cli_number(one, "ipv4"));
		columns_cell(columns, COLUMNS_PLAIN, "%lld", cli_number(one, "ipv6"));
		columns_cell(columns, COLUMNS_PLAIN, "%lld", cli_number(one, "stale"));
		columns_cell(columns, COLUMNS_PLAIN, "%lld", cli_number(one, "refused"));
		columns_cell(columns, COLUMNS_PLAIN, "%lld", cli_number(one, "malformed_routes"));
		columns_end(columns);
	}
	putchar('\n');
	columns_print(columns, stdout, cli->colour, "  ");
	columns_free(columns);
}

static void print_sourceless(const struct cli *cli, const json_t *sourceless)
{
	long long ended = cli_number(sourceless, "ended"), left = cli_number(sourceless, "left");
	char text[128];

	if (!ended && !left)
		return;
	snprintf(text, sizeof(text), "of flows whose source is nobody's address any more %lld were ended, %lld go on",
		 ended, left);
	line(cli, "sourceless", left ? COLUMNS_WARN : COLUMNS_PLAIN, text);
}

static enum columns_tone verdict_tone(const json_t *status)
{
	const char *verdict = cli_string(status, "verdict");

	if (!strcmp(verdict, "fine"))
		return COLUMNS_GOOD;
	return strcmp(verdict, "no redundancy") ? COLUMNS_BAD : COLUMNS_WARN;
}

void cli_status_print(const struct cli *cli, const json_t *status)
{
	const json_t *kernel = json_object_get(status, "kernel"), *problem;
	const char *state = cli_string(status, "state");
	bool sealed = !strcmp(cli_string(status, "auth"), "sealed");
	char text[256], since[24];
	size_t i;

	printf("group %lld, member %lld (%s): ", cli_number(status, "group"),
	       cli_number(status, "member"), cli_string(status, "name"));
	columns_text(stdout, cli->colour, verdict_tone(status), cli_string(status, "verdict"));
	putchar('\n');
	snprintf(text, sizeof(text), "%s for %s, epoch %lld, priority %lld", state,
		 cli_duration(cli_number(status, "since_ms"), since),
		 cli_number(status, "epoch"), cli_number(status, "priority"));
	line(cli, "state", !strcmp(state, "owner") ? COLUMNS_GOOD : COLUMNS_PLAIN, text);
	if (json_is_integer(json_object_get(status, "owner")))
		snprintf(text, sizeof(text), "%lld (%s)", cli_number(status, "owner"),
			 cli_string(status, "owner_name"));
	else
		snprintf(text, sizeof(text), "none");
	line(cli, "owner", COLUMNS_PLAIN, text);
	print_sync(cli, status);
	print_repair(cli, status);
	if (cli_true(kernel, "attached")) {
		snprintf(text, sizeof(text), "attached, %lld own flows announced, %lld replicas",
			 cli_number(kernel, "flows"), cli_number(kernel, "replicas"));
		line(cli, "kernel", COLUMNS_PLAIN, text);
		if (cli_number(kernel, "mute")) {
			snprintf(text, sizeof(text), "%lld connections older than gwsync, or without the event \"destroy\": sent every 10 s, in no digest",
				 cli_number(kernel, "mute"));
			line(cli, "mute", COLUMNS_PLAIN, text);
		}
	} else if (!cli_true(status, "stateless")) {
		line(cli, "kernel", COLUMNS_BAD, "not attached; is gwsync.ko loaded? (modprobe gwsync)");
	}
	print_sourceless(cli, json_object_get(status, "sourceless"));
	line(cli, "datagrams", sealed ? COLUMNS_PLAIN : COLUMNS_WARN,
	     sealed ? "sealed" : "IN CLEAR (auth = \"none\")");
	json_array_foreach(json_object_get(status, "problems"), i, problem)
		line(cli, "problem", COLUMNS_BAD,
		     json_string_value(problem) ? json_string_value(problem) : "?");
	putchar('\n');
	print_members(cli, json_object_get(status, "peers"), "  ");
	putchar('\n');
	print_tables(cli, status);
	print_bgp(cli, status);
	putchar('\n');
	print_links(cli, status);
	if (json_array_size(json_object_get(status, "virtual_routers"))) {
		putchar('\n');
		print_vrouters(cli, status);
	}
}

static int status_exit(const json_t *status)
{
	const char *verdict = cli_string(status, "verdict");

	if (!strcmp(verdict, "fine"))
		return CLI_STATUS_FINE;
	return strcmp(verdict, "no redundancy") ? CLI_STATUS_NO_OWNER : CLI_STATUS_NO_BACKUP;
}

int cli_status(struct cli *cli, int argc, char **argv)
{
	json_t *status;
	int code;

	if (cli_option(cli, argc, argv, NULL) != -1 || !cli_no_arguments("status", argc, argv))
		return CLI_STATUS_UNKNOWN;
	status = cli_ask_command(cli, "status");
	if (!status)
		return CLI_STATUS_UNKNOWN;
	code = status_exit(status);
	if (cli->json)
		return cli_print_json(status) ? CLI_STATUS_UNKNOWN : code;
	cli_status_print(cli, status);
	json_decref(status);
	return code;
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
