// SPDX-License-Identifier: GPL-2.0
/* verify: this member's connections against another's, flow by flow.
 *
 * Two tables are never looked at in the same moment.  What differs is looked at
 * again, and only what differs in the same way then is told.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"

#define VERIFY_LOOKS		3
#define VERIFY_PAUSE_US		1000000
#define VERIFY_COMMAND_MAX	4096

/* One look at both: flows by what names them, and how they differ. */
struct verify {
	json_t		*here, *there;	/* objects: flows by name */
	json_t		*differences;	/* object: name to text */
	unsigned long	compared, unsynced;
};

/* Keys: what both sides have in their own way, or what moves without an event. */
static const char *const volatile_keys[] = {
	"timeout", "sync", "owner", "counters", "window", "expectations", "status", "start_ns",
	NULL
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

static json_t *peer_flows(const struct cli *cli, const char *command)
{
	json_error_t error;
	json_t *answer, *flows;
	FILE *pipe = popen(command, "r");
	int status;

	if (!pipe) {
		cli_error(cli, "verify: '%s' cannot be run", command);
		return NULL;
	}
	answer = json_loadf(pipe, 0, &error);
	status = pclose(pipe);
	flows = json_object_get(answer, "flows");
	if (!json_is_array(flows)) {
		cli_error(cli, "verify: '%s' gave no flows (exit status %d, %s)", command,
			  WIFEXITED(status) ? WEXITSTATUS(status) : 128,
			  answer ? "another answer" : error.text);
		json_decref(answer);
		return NULL;
	}
	json_incref(flows);
	json_decref(answer);
	return flows;
}

__attribute__((format(printf, 3, 4)))
static void differ(struct verify *v, const char *name, const char *fmt, ...)
{
	const json_t *before = json_object_get(v->differences, name);
	char text[512], all[1100];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	snprintf(all, sizeof(all), "%s%s%s", before ? json_string_value(before) : "",
		 before ? "; " : "", text);
	json_object_set_new(v->differences, name, json_string(all));
}

static void differ_value(struct verify *v, const char *name, const char *key,
			 const json_t *here, const json_t *there)
{
	char *a = here ? json_dumps(here, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	char *b = there ? json_dumps(there, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	differ(v, name, "%s is %s here, %s there", key, a ? a : "absent", b ? b : "absent");
	free(a);
	free(b);
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
			differ(v, name, "%s %s", json_string_value(bit), where);
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
		if (!one_of(key, volatile_keys) && !json_equal(value, json_object_get(there, key)))
			differ_value(v, name, key, value, json_object_get(there, key));
	json_object_foreach(there, key, value)
		if (!one_of(key, volatile_keys) && !json_object_get(here, key))
			differ_value(v, name, key, NULL, value);
}

static void missing(struct verify *v, const char *name, const json_t *flow, const char *where)
{
	const json_t *sync = json_object_get(flow, "sync");

	if (has(sync, "dirty"))
		differ(v, name, "missing %s: a change of it waits to be sent", where);
	else if (has(sync, "replica"))
		differ(v, name, "missing %s: a replica that its owner does not have", where);
	else
		differ(v, name, "missing %s: announced, and not installed or removed %s", where,
		       where);
}

static bool look(const struct cli *cli, const char *command, struct verify *v)
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

static int print(const struct cli *cli, struct verify *v)
{
	size_t differences = json_object_size(v->differences);
	const char *name;
	json_t *text;

	if (cli->json) {
		cli_print_json(json_pack("{s:b, s:I, s:I, s:I, s:O}", "ok", !differences,
					 "compared", (json_int_t)v->compared,
					 "unsynced", (json_int_t)v->unsynced,
					 "different", (json_int_t)differences,
					 "differences", v->differences));
		return differences ? CLI_FAILED : CLI_OK;
	}
	json_object_foreach(v->differences, name, text)
		printf("%s\n    %s\n", name, json_string_value(text));
	printf("%lu connections compared, %zu differ; %lu are not synced (filtered, or never told)\n",
	       v->compared, differences, v->unsynced);
	return differences ? CLI_FAILED : CLI_OK;
}

int cli_verify(struct cli *cli, int argc, char **argv)
{
	char command[VERIFY_COMMAND_MAX] = "";
	size_t used = 0, size = sizeof(command);
	struct verify v;
	int ret, i;

	if (cli_option(cli, argc, argv, NULL) != -1)
		return CLI_USAGE;
	if (optind == argc)
		return cli_usage("verify", "whom with? e.g. gwsync verify ssh gw2 gwsync");
	for (i = optind; i < argc && used < size; i++)
		used += (size_t)snprintf(command + used, used < size ? size - used : 0, "%s ",
					 argv[i]);
	used += (size_t)snprintf(command + used, used < size ? size - used : 0, "flows --json");
	if (used >= size)
		return cli_usage("verify", "the command is too long");

	if (!look(cli, command, &v))
		return CLI_FAILED;
	for (i = 1; i < VERIFY_LOOKS && json_object_size(v.differences); i++) {
		struct verify again;

		usleep(VERIFY_PAUSE_US);
		if (!look(cli, command, &again)) {
			verify_free(&v);
			return CLI_FAILED;
		}
		keep_those_of(&again, v.differences);
		verify_free(&v);
		v = again;
	}
	ret = print(cli, &v);
	verify_free(&v);
	return ret;
}
