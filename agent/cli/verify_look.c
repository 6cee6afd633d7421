// SPDX-License-Identifier: GPL-2.0
/* Of one look at two tables: to ask the other side, and to note what differs. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/verify.h"

json_t *verify_peer(char *const *command, int *status, json_error_t *error)
{
	posix_spawn_file_actions_t actions;
	json_t *answer = NULL;
	int fds[2], err;
	FILE *from;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC)) {
		snprintf(error->text, sizeof(error->text), "%s", strerror(errno));
		return NULL;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	err = posix_spawnp(&pid, command[0], &actions, NULL, command, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	from = fdopen(fds[0], "r");
	if (!err && from)
		answer = json_loadf(from, 0, error);
	if (from)
		fclose(from);
	else
		close(fds[0]);
	if (err)
		snprintf(error->text, sizeof(error->text), "%s", strerror(err));
	else
		waitpid(pid, status, 0);
	return answer;
}

void verify_differ(struct verify *v, const char *name, const char *fmt, ...)
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

void verify_differ_value(struct verify *v, const char *name, const char *key,
			 const json_t *here, const json_t *there)
{
	char *a = here ? json_dumps(here, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	char *b = there ? json_dumps(there, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	verify_differ(v, name, "%s is %s here, %s there", key, a ? a : "absent", b ? b : "absent");
	free(a);
	free(b);
}
