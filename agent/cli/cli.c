// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/columns.h"

#define CLI_TIMEOUT_S	5
#define CLI_ANSWER_MAX	(2 * 1024 * 1024)

int cli_error(const struct cli *cli, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (cli->json) {
		cli_print_json(json_pack("{s:b, s:o}", "ok", 0, "error", cli_json_string(text)));
	} else {
		fflush(stdout);
		fputs("gwsync: ", stderr);
		columns_text(stderr, false, COLUMNS_PLAIN, text);
		fputc('\n', stderr);
	}
	return CLI_FAILED;
}

int cli_usage(const char *command, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "gwsync %s: ", command);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("; see gwsync --help\n", stderr);
	return CLI_USAGE;
}

int cli_option(struct cli *cli, int argc, char **argv, const struct option *own)
{
	struct option options[16] = {
		{ "json", no_argument, NULL, 'j' },
		{ "socket", required_argument, NULL, 's' },
	};
	unsigned int i;
	int c;

	for (i = 2; own && own->name && i < 15; i++, own++)
		options[i] = *own;
	while ((c = getopt_long(argc, argv, "js:", options, NULL)) == 'j' || c == 's') {
		if (c == 'j')
			cli->json = true;
		else
			cli->socket = optarg;
	}
	return c;
}

bool cli_no_arguments(const char *command, int argc, char **argv)
{
	if (optind == argc)
		return true;
	cli_usage(command, "'%s' is too much", argv[optind]);
	return false;
}

static int cli_connect(const struct cli *cli)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = CLI_TIMEOUT_S };
	int fd;

	if (strlen(cli->socket) >= sizeof(address.sun_path)) {
		cli_error(cli, "%s: longer than a socket's path may be", cli->socket);
		return -1;
	}
	strcpy(address.sun_path, cli->socket);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		cli_error(cli, "socket: %s", strerror(errno));
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	switch (errno) {
	case ENOENT:
	case ECONNREFUSED:
		cli_error(cli,
			  "gwsyncd does not run here (%s: %s); start it with 'systemctl start gwsyncd', or name its socket with --socket",
			  cli->socket, strerror(errno));
		break;
	case EACCES:
	case EPERM:
		cli_error(cli, "%s: %s; run this as root or as a member of the socket's group",
			  cli->socket, strerror(errno));
		break;
	default:
		cli_error(cli, "%s: %s", cli->socket, strerror(errno));
	}
	close(fd);
	return -1;
}

static bool cli_write(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		/* An answer may be there all the same: "not permitted". */
		if (n < 0)
			return errno == EPIPE;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

/* A line, without its newline; NULL: none came. */
static char *cli_read(int fd, size_t *len)
{
	size_t size = 65536;
	char *text = malloc(size);

	*len = 0;
	while (text) {
		ssize_t n = recv(fd, text + *len, size - *len, 0);
		char *end;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		end = memchr(text + *len, '\n', (size_t)n);
		*len += (size_t)n;
		if (end) {
			*len = (size_t)(end - text);
			return text;
		}
		if (*len == size) {
			char *more = size < CLI_ANSWER_MAX ? realloc(text, 2 * size) : NULL;

			if (!more)
				break;
			text = more;
			size *= 2;
		}
	}
	free(text);
	return NULL;
}

json_t *cli_ask(const struct cli *cli, json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT), *line = NULL;
	json_t *answer = NULL;
	json_error_t error;
	size_t len;
	int fd;

	json_decref(request);
	fd = text ? cli_connect(cli) : -1;
	if (fd < 0)
		goto out;
	if (cli_write(fd, text, strlen(text)) && cli_write(fd, "\n", 1))
		line = cli_read(fd, &len);
	if (!line) {
		cli_error(cli,
			  "gwsyncd gave no answer within %d s; look at 'journalctl -u gwsyncd'",
			  CLI_TIMEOUT_S);
		goto out;
	}
	answer = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(answer)) {
		cli_error(cli, "gwsyncd's answer is no JSON object; is %s its socket?",
			  cli->socket);
	} else if (!json_is_true(json_object_get(answer, "ok"))) {
		cli_error(cli, "%s", cli_string(answer, "error"));
	} else {
		goto out;
	}
	json_decref(answer);
	answer = NULL;
out:
	if (fd >= 0)
		close(fd);
	free(line);
	free(text);
	return answer;
}

json_t *cli_ask_command(const struct cli *cli, const char *command)
{
	return cli_ask(cli, json_pack("{s:s}", "command", command));
}

bool cli_pages(const struct cli *cli, json_t *request, const char *key,
	       void (*seen)(void *arg, json_t *one), void *arg)
{
	json_int_t cursor = 0;
	bool more = true;

	while (more) {
		json_t *answer, *one;
		size_t i;

		json_object_set_new(request, "cursor", json_integer(cursor));
		answer = cli_ask(cli, json_incref(request));
		if (!answer)
			break;
		json_array_foreach(json_object_get(answer, key), i, one)
			seen(arg, one);
		cursor = json_integer_value(json_object_get(answer, "cursor"));
		more = cli_true(answer, "more");
		json_decref(answer);
	}
	json_decref(request);
	return !more;
}

static void collect(void *arg, json_t *one)
{
	json_array_append(arg, one);
}

json_t *cli_collect(const struct cli *cli, const char *command, const char *key)
{
	json_t *all = json_array();

	if (cli_pages(cli, json_pack("{s:s}", "command", command), key, collect, all))
		return all;
	json_decref(all);
	return NULL;
}

int cli_print_json(json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(json);
	return CLI_OK;
}

json_t *cli_json_string(const char *text)
{
	json_t *json = json_string(text);
	char *copy, *p;

	if (json)
		return json;
	copy = strdup(text);
	for (p = copy; p && *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	json = json_string(copy ? copy : "?");
	free(copy);
	return json;
}

const char *cli_string(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "-";
}

long long cli_number(const json_t *json, const char *key)
{
	return json_integer_value(json_object_get(json, key));
}

bool cli_true(const json_t *json, const char *key)
{
	return json_is_true(json_object_get(json, key));
}

const char *cli_duration(long long ms, char text[24])
{
	long long s = ms / 1000;

	if (ms < 0)
		snprintf(text, 24, "-");
	else if (ms < 10000)
		snprintf(text, 24, "%lldms", ms);
	else if (s < 60)
		snprintf(text, 24, "%llds", s);
	else if (s < 3600)
		snprintf(text, 24, "%lldm%llds", s / 60, s % 60);
	else if (s < 86400)
		snprintf(text, 24, "%lldh%lldm", s / 3600, s / 60 % 60);
	else
		snprintf(text, 24, "%lldd%lldh", s / 86400, s / 3600 % 24);
	return text;
}
