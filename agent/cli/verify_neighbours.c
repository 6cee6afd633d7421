// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "cli/verify.h"

#define NAME_MAX_LEN	256

/* What an heir needs of the owner's; who it is of, and in whose kernel, is each side's. */
static const char *const compared_keys[] = { "mac", "router" };

/* Takes @neighbours. */
static json_t *by_name(json_t *neighbours)
{
	json_t *named = json_object(), *one;
	char name[NAME_MAX_LEN];
	size_t i;

	json_array_foreach(neighbours, i, one) {
		snprintf(name, sizeof(name), "neighbour %s of %s, vrid %lld, %s",
			 cli_string(one, "address"), cli_string(one, "virtual_router"),
			 cli_number(one, "vrid"), cli_string(one, "interface"));
		json_object_set(named, name, one);
	}
	json_decref(neighbours);
	return named;
}

static json_t *peer_neighbours(const struct cli *cli, char *const *command)
{
	json_error_t error = { .text = "" };
	json_t *answer, *neighbours;
	int status = 0;

	answer = verify_peer(command, &status, &error);
	neighbours = json_object_get(answer, "neighbours");
	if (json_is_array(neighbours))
		json_incref(neighbours);
	else
		cli_error(cli, "verify: '%s' gave no neighbours: %s", command[0],
			  answer ? cli_string(answer, "error") : error.text);
	json_decref(answer);
	return json_is_array(neighbours) ? neighbours : NULL;
}

static void compare(struct verify *v, const char *name, const json_t *here, const json_t *there)
{
	size_t i;

	v->compared++;
	for (i = 0; i < sizeof(compared_keys) / sizeof(compared_keys[0]); i++) {
		const json_t *ours = json_object_get(here, compared_keys[i]);
		const json_t *theirs = json_object_get(there, compared_keys[i]);

		if (!ours != !theirs || (ours && !json_equal(ours, theirs)))
			verify_differ_value(v, name, compared_keys[i], ours, theirs);
	}
}

bool verify_neighbours(const struct cli *cli, char *const *command, struct verify *v)
{
	/* That there are none is no error of the command: it is about flows as well. */
	struct cli aside = *cli;
	json_t *here, *there, *one, *other;
	const char *name;

	aside.json = false;
	memset(v, 0, sizeof(*v));
	there = peer_neighbours(&aside, command);
	here = there ? cli_neighbours_collect(&aside) : NULL;
	if (!here) {
		json_decref(there);
		return false;
	}
	v->here = by_name(here);
	v->there = by_name(there);
	v->differences = json_object();
	json_object_foreach(v->here, name, one) {
		other = json_object_get(v->there, name);
		if (other)
			compare(v, name, one, other);
		else
			verify_differ(v, name, "missing there");
	}
	json_object_foreach(v->there, name, one)
		if (!json_object_get(v->here, name))
			verify_differ(v, name, "missing here");
	return true;
}
