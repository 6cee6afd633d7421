// SPDX-License-Identifier: GPL-2.0
/* Of what comes from the daemons, and is the same on all members: neighbours, routes. */
#include <stdio.h>
#include <string.h>

#include "cli/verify.h"

#define NAME_MAX_LEN	256

/* What an heir needs of the owner's; who it is of, and in whose kernel, is each side's. */

static void neighbour_name(const json_t *one, char *name, size_t size)
{
	snprintf(name, size, "neighbour %s of %s, vrid %lld, %s", cli_string(one, "address"),
		 cli_string(one, "virtual_router"), cli_number(one, "vrid"),
		 cli_string(one, "interface"));
}

static const char *const neighbour_keys[] = { "mac", "router", NULL };

const struct verify_table verify_neighbours = {
	.noun = "neighbours", .array = "neighbours", .ask = "neighbours",
	.words = { "neighbours", "--json", NULL },
	.name = neighbour_name, .keys = neighbour_keys,
};

static void route_name(const json_t *one, char *name, size_t size)
{
	snprintf(name, size, "route %s of table %s, metric %lld, tos %lld",
		 cli_string(one, "prefix"), cli_string(one, "table"), cli_number(one, "metric"),
		 cli_number(one, "tos"));
}

static const char *const route_keys[] = {
	"type", "protocol", "source", "next_hops", "mtu", NULL
};

const struct verify_table verify_routes = {
	.noun = "routes", .array = "routes", .ask = "fib",
	.words = { "routes", "--fib", "--json", NULL },
	.name = route_name, .keys = route_keys, .copies = true,
};

/* Takes @all. */
static json_t *by_name(const struct verify_table *table, json_t *all)
{
	json_t *named = json_object(), *one;
	char name[NAME_MAX_LEN];
	size_t i;

	json_array_foreach(all, i, one) {
		table->name(one, name, sizeof(name));
		json_object_set(named, name, one);
	}
	json_decref(all);
	return named;
}

static json_t *of_peer(const struct verify_table *table, char *const *command, struct verify *v)
{
	json_error_t error = { .text = "" };
	json_t *answer, *all;
	int status = 0;

	answer = verify_peer(command, &status, &error);
	all = json_object_get(answer, table->array);
	if (json_is_array(all))
		json_incref(all);
	else
		snprintf(v->why, sizeof(v->why), "'%s' gave none: %s", command[0],
			 answer ? cli_string(answer, "error") : error.text);
	json_decref(answer);
	return json_is_array(all) ? all : NULL;
}

static json_t *of_this(const struct verify_table *table, const struct cli *cli, struct verify *v)
{
	/* That there are none is no error of the command: it is about flows as well. */
	struct cli aside = *cli;
	json_t *all;

	aside.json = false;
	all = cli_collect(&aside, table->ask, table->array);
	if (!all)
		snprintf(v->why, sizeof(v->why), "this member has none");
	return all;
}

static void compare(const struct verify_table *table, struct verify *v, const char *name,
		    const json_t *here, const json_t *there)
{
	const char *const *key;

	v->compared++;
	for (key = table->keys; *key; key++) {
		const json_t *ours = json_object_get(here, *key);
		const json_t *theirs = json_object_get(there, *key);

		if (!ours != !theirs || (ours && !json_equal(ours, theirs)))
			verify_differ_value(v, name, *key, ours, theirs);
	}
}

/* A replica forwards nothing at a takeover that the kernel does not have. */
static void copy(struct verify *v, const char *name, const json_t *one, const char *where)
{
	if (cli_true(one, "replica") && !cli_true(one, "installed"))
		verify_differ(v, name, "held back %s: the kernel has no copy of it", where);
}

bool verify_table(const struct verify_table *table, const struct cli *cli, char *const *command,
		  struct verify *v)
{
	json_t *here, *there, *one, *other;
	const char *name;

	memset(v, 0, sizeof(*v));
	there = of_peer(table, command, v);
	here = there ? of_this(table, cli, v) : NULL;
	if (!here) {
		json_decref(there);
		return false;
	}
	v->here = by_name(table, here);
	v->there = by_name(table, there);
	v->differences = json_object();
	json_object_foreach(v->here, name, one) {
		other = json_object_get(v->there, name);
		if (other)
			compare(table, v, name, one, other);
		else
			verify_differ(v, name, "missing there");
		if (table->copies)
			copy(v, name, one, "here");
	}
	json_object_foreach(v->there, name, one) {
		if (!json_object_get(v->here, name))
			verify_differ(v, name, "missing here");
		if (table->copies)
			copy(v, name, one, "there");
	}
	return true;
}
