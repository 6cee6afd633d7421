// SPDX-License-Identifier: GPL-2.0
/* verify: this member's connections against another's, flow by flow, and its other tables.
 *
 * Two tables are never looked at in the same moment.  What differs is looked at
 * again, and only what differs in the same way then is told.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/verify.h"

#define VERIFY_LOOKS		3
#define VERIFY_PAUSE_US		1000000
#define VERIFY_WORDS_MAX	64

static const struct verify_table *const tables[] = { &verify_neighbours, &verify_routes };

#define TABLES	(sizeof(tables) / sizeof(tables[0]))

/* Keys: what both sides have in their own way, or what moves without an event. */
static const char *const volatile_keys[] = {
	"timeout", "sync", "owner", "counters", "window", "expectations", "status", "start_ns",
	"labels_taken", "mark_mask", NULL
};

/* The bits of the status that a record carries. */
static const char *const state_bits[] = {
	"expected", "seen_reply", "assured", "fixed_timeout", "helper", "seq_adjust",
	"src_nat_done", "dst_nat_done", NULL
};

static bool one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(word, *words))
			return true;
	return false;
}

static bool has(const json_t *array, const char *word)
{
	const json_t *value;
	size_t i;

	json_array_foreach(array, i, value)
		if (json_is_string(value) && !strcmp(json_string_value(value), word))
			return true;
	return false;
}

static bool is_synced(const json_t *flow)
{
	const json_t *sync = json_object_get(flow, "sync");

	return has(sync, "announced") || has(sync, "replica");
}

static char *name_of(const json_t *flow)
{
	json_t *name = json_pack("[O?, O?, O?]", json_object_get(flow, "protocol"),
				 json_object_get(flow, "original"), json_object_get(flow, "zone"));
	char *text = json_dumps(name, JSON_COMPACT | JSON_SORT_KEYS);

	json_decref(name);
	return text;
}

/* Takes @flows. */
static json_t *by_name(json_t *flows, unsigned long *unsynced)
{
	json_t *named = json_object(), *flow;
	size_t i;

	json_array_foreach(flows, i, flow) {
		char *name;

		if (!is_synced(flow)) {
			(*unsynced)++;
			continue;
		}
		name = name_of(flow);
		if (name)
			json_object_set(named, name, flow);
		free(name);
	}
	json_decref(flows);
	return named;
}

static json_t *peer_flows(const struct cli *cli, char *const *command)
{
	json_error_t error = { .text = "" };
	json_t *answer, *flows;
	int status = 0;

	answer = verify_peer(command, &status, &error);
	flows = json_object_get(answer, "flows");
	if (!json_is_array(flows)) {
		cli_error(cli, "verify: '%s' gave no flows (exit status %d, %s)", command[0],
			  WIFEXITED(status) ? WEXITSTATUS(status) : 128,
			  answer ? "another answer" : error.text);
		json_decref(answer);
		return NULL;
	}
	json_incref(flows);
	json_decref(answer);
	return flows;
}

/* Bits that are @where but not in @other. */
static void compare_status(struct verify *v, const char *name, const json_t *status,
			   const json_t *other, const char *where)
{
	const json_t *bit;
	size_t i;

	json_array_foreach(status, i, bit)
		if (json_is_string(bit) && one_of(json_string_value(bit), state_bits) &&
		    !has(other, json_string_value(bit)))
			verify_differ(v, name, "%s %s", json_string_value(bit), where);
}

/* Bits of the mark that the one which is a replica has from the other. */
static json_int_t mark_of(const json_t *flow, const json_t *here, const json_t *there)
{
	const json_t *mask = json_object_get(here, "mark_mask") ?:
			     json_object_get(there, "mark_mask");
	json_int_t mark = json_integer_value(json_object_get(flow, "mark"));

	return mask ? mark & json_integer_value(mask) : mark;
}

/* Does one of two flows have this in its own way? */
static bool is_private(const char *key, const json_t *here, const json_t *there)
{
	if (!strcmp(key, "labels"))
		return json_object_get(here, "labels_taken") ||
		       json_object_get(there, "labels_taken");
	return !strcmp(key, "mark") && mark_of(here, here, there) == mark_of(there, here, there);
}

static bool is_compared(const char *key, const json_t *here, const json_t *there)
{
	return !one_of(key, volatile_keys) && !is_private(key, here, there);
}

static void compare_flow(struct verify *v, const char *name, json_t *here, json_t *there)
{
	const json_t *ours = json_object_get(here, "status");
	const json_t *theirs = json_object_get(there, "status");
	const char *key;
	json_t *value;

	v->compared++;
	compare_status(v, name, ours, theirs, "here, not there");
	compare_status(v, name, theirs, ours, "there, not here");
	json_object_foreach(here, key, value)
		if (is_compared(key, here, there) &&
		    !json_equal(value, json_object_get(there, key)))
			verify_differ_value(v, name, key, value,
					    json_object_get(there, key));
	json_object_foreach(there, key, value)
		if (is_compared(key, here, there) && !json_object_get(here, key))
			verify_differ_value(v, name, key, NULL, value);
}

static void missing(struct verify *v, const char *name, const json_t *flow, const char *where)
{
	const json_t *sync = json_object_get(flow, "sync");

	if (has(sync, "dirty"))
		verify_differ(v, name, "missing %s: a change of it waits to be sent", where);
	else if (has(sync, "replica"))
		verify_differ(v, name, "missing %s: a replica that its owner does not have", where);
	else
		verify_differ(v, name, "missing %s: announced, and not installed or removed %s",
			      where, where);
}

/* False after a message. */
static bool verify_flows(const struct cli *cli, char *const *command, struct verify *v)
{
	json_t *here, *there, *flow, *other;
	const char *name;

	memset(v, 0, sizeof(*v));
	there = peer_flows(cli, command);
	here = there ? cli_flows_collect(cli) : NULL;
	if (!here) {
		json_decref(there);
		return false;
	}
	v->here = by_name(here, &v->unsynced);
	v->there = by_name(there, &v->unsynced);
	v->differences = json_object();
	json_object_foreach(v->here, name, flow) {
		other = json_object_get(v->there, name);
		if (other)
			compare_flow(v, name, flow, other);
		else
			missing(v, name, flow, "there");
	}
	json_object_foreach(v->there, name, flow)
		if (!json_object_get(v->here, name))
			missing(v, name, flow, "here");
	return true;
}

static void verify_free(struct verify *v)
{
	json_decref(v->here);
	json_decref(v->there);
	json_decref(v->differences);
}

/* What was told before and is told again. */
static void keep_those_of(struct verify *v, const json_t *before)
{
	const char *name;
	json_t *text;
	void *next;

	json_object_foreach_safe(v->differences, next, name, text)
		if (!json_equal(text, json_object_get(before, name)))
			json_object_del(v->differences, name);
}

/* @table: NULL: the flows. */
static bool look_once(const struct verify_table *table, const struct cli *cli,
		      char *const *command, struct verify *v)
{
	return table ? verify_table(table, cli, command, v) : verify_flows(cli, command, v);
}

/* Three looks; false if there was nothing to look at. */
static bool look(const struct verify_table *table, const struct cli *cli, char *const *command,
		 struct verify *v)
{
	struct verify again;
	int i;

	if (!look_once(table, cli, command, v))
		return false;
	for (i = 1; i < VERIFY_LOOKS && json_object_size(v->differences); i++) {
		usleep(VERIFY_PAUSE_US);
		if (!look_once(table, cli, command, &again)) {
			verify_free(v);
			*v = again;
			return false;
		}
		keep_those_of(&again, v->differences);
		verify_free(v);
		*v = again;
	}
	return true;
}

static void print_differences(const struct verify *v)
{
	const char *name;
	json_t *text;

	json_object_foreach(v->differences, name, text)
		printf("%s\n    %s\n", name, json_string_value(text));
}

static json_t *table_json(const struct verify *v)
{
	if (!v->differences)
		return json_null();
	return json_pack("{s:I, s:I, s:O}", "compared", (json_int_t)v->compared,
			 "different", (json_int_t)json_object_size(v->differences),
			 "differences", v->differences);
}

static void print_json(const struct verify *v, const struct verify *of_table, bool ok)
{
	json_t *json = json_pack("{s:b, s:I, s:I, s:I, s:O}", "ok", ok,
				 "compared", (json_int_t)v->compared,
				 "unsynced", (json_int_t)v->unsynced,
				 "different", (json_int_t)json_object_size(v->differences),
				 "differences", v->differences);
	unsigned int i;

	for (i = 0; i < TABLES; i++)
		json_object_set_new(json, tables[i]->noun, table_json(&of_table[i]));
	cli_print_json(json);
}

static int print(const struct cli *cli, const struct verify *v, const struct verify *of_table)
{
	size_t different = json_object_size(v->differences);
	unsigned int i;

	for (i = 0; i < TABLES; i++)
		different += json_object_size(of_table[i].differences);
	if (cli->json) {
		print_json(v, of_table, !different);
		return different ? CLI_FAILED : CLI_OK;
	}
	print_differences(v);
	for (i = 0; i < TABLES; i++)
		print_differences(&of_table[i]);
	printf("%lu connections compared, %zu differ; %lu are not synced (filtered, or never told)\n",
	       v->compared, json_object_size(v->differences), v->unsynced);
	for (i = 0; i < TABLES; i++) {
		if (of_table[i].differences)
			printf("%lu %s compared, %zu differ\n", of_table[i].compared,
			       tables[i]->noun, json_object_size(of_table[i].differences));
		else
			printf("%s are not compared: %s\n", tables[i]->noun, of_table[i].why);
	}
	return different ? CLI_FAILED : CLI_OK;
}

/* What the other side's command ends with. */
static void add_words(char **at, const char *const *words)
{
	while (*words)
		*at++ = (char *)*words++;
	*at = NULL;
}

int cli_verify(struct cli *cli, int argc, char **argv)
{
	static const char *const flows[] = { "flows", "--json", NULL };
	char *command[VERIFY_WORDS_MAX + 4];
	struct verify v, of_table[TABLES];
	unsigned int i;
	int words, ret;

	if (cli_option(cli, argc, argv, NULL) != -1)
		return CLI_USAGE;
	words = argc - optind;
	if (!words)
		return cli_usage("verify", "whom with? e.g. gwsync verify ssh gw2 gwsync");
	if (words > VERIFY_WORDS_MAX)
		return cli_usage("verify", "the command has more than %d words", VERIFY_WORDS_MAX);
	memcpy(command, argv + optind, (size_t)words * sizeof(command[0]));
	add_words(command + words, flows);
	if (!look(NULL, cli, command, &v))
		return CLI_FAILED;
	for (i = 0; i < TABLES; i++) {
		add_words(command + words, tables[i]->words);
		look(tables[i], cli, command, &of_table[i]);
	}
	ret = print(cli, &v, of_table);
	verify_free(&v);
	for (i = 0; i < TABLES; i++)
		verify_free(&of_table[i]);
	return ret;
}
