// SPDX-License-Identifier: GPL-2.0
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "control.h"
#include "flow.h"
#include "hosts.h"
#include "loop.h"
#include "server.h"

#define FILES_WANTED	16384

static const char usage_text[] =
	"usage: gwsync-traffic server [--rate BYTES_A_SECOND] ADDRESS...\n"
	"       gwsync-traffic client --control SOCKET NAME=KIND/ADDRESS[/PORT[/COUNT]]...\n"
	"       gwsync-traffic control SOCKET COMMAND\n"
	"       gwsync-traffic hosts answer ADDRESS/COUNT...\n"
	"       gwsync-traffic hosts ask EVERY_MS ADDRESS/COUNT=PEER...\n"
	"kinds: echo bulk udp idle ftp ftp-passive ftp-active\n"
	"commands of a client: status, phase NAME, mark, probe, report, finish, quit\n";

static int usage(void)
{
	fputs(usage_text, stderr);
	return 2;
}

static int failed(const char *what, int err)
{
	fprintf(stderr, "gwsync-traffic: %s: %s\n", what, strerror(-err));
	return 1;
}

static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= FILES_WANTED)
		return;
	limit.rlim_cur = FILES_WANTED;
	if (limit.rlim_max < FILES_WANTED)
		limit.rlim_max = FILES_WANTED;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		fprintf(stderr, "gwsync-traffic: cannot raise the limit of open files\n");
}

static int server(int argc, char **argv)
{
	unsigned long rate = 0;
	union endpoint at;
	char *end;
	int err, i = 0;

	if (argc > 2 && !strcmp(argv[0], "--rate")) {
		rate = strtoul(argv[1], &end, 10);
		if (*end || rate > UINT32_MAX)
			return usage();
		i = 2;
	}
	if (i == argc)
		return usage();
	for (; i < argc; i++) {
		if (endpoint_parse(&at, argv[i], 0))
			return usage();
		err = server_listen(&at, rate);
		if (err)
			return failed(argv[i], err);
	}
	err = loop_run(server_tick);
	return err ? failed("loop", err) : 0;
}

static int client(int argc, char **argv)
{
	int err, i;

	if (argc < 3 || strcmp(argv[0], "--control"))
		return usage();
	for (i = 2; i < argc; i++)
		if (flow_add(argv[i]))
			return 2;
	err = control_listen(argv[1]);
	if (err)
		return failed(argv[1], err);
	err = loop_run(flows_tick);
	control_close();
	flows_free();
	return err ? failed("loop", err) : 0;
}

int main(int argc, char **argv)
{
	int err;

	if (argc < 3)
		return usage();
	if (!strcmp(argv[1], "control"))
		return argc == 4 ? control_ask(argv[2], argv[3]) : usage();
	signal(SIGPIPE, SIG_IGN);
	raise_file_limit();
	err = loop_init();
	if (err)
		return failed("epoll", err);
	if (!strcmp(argv[1], "server"))
		return server(argc - 2, argv + 2);
	if (!strcmp(argv[1], "client"))
		return client(argc - 2, argv + 2);
	if (!strcmp(argv[1], "hosts")) {
		err = hosts_run(argc - 2, argv + 2);
		return err == 2 ? usage() : err;
	}
	return usage();
}
