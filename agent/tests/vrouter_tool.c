// SPDX-License-Identifier: GPL-2.0
/* Runs the virtual routers of a configuration by hand: a command a line on
 * stdin (acquire, release, status, own, changes, quit), an answer a line on
 * stdout.
 */
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "address.h"
#include "config.h"
#include "log.h"
#include "loop.h"
#include "privilege.h"
#include "vrouter.h"

static struct loop *loop;
static struct vrouters *vrouters;
static unsigned int changes;	/* of the host's addresses */

static void changed(void *arg)
{
	(void)arg;
	changes++;
}

static void own(void)
{
	struct gwsync_filter_prefix prefix[64];
	unsigned int i, count = vrouters_own_addresses(vrouters, prefix, 64);

	for (i = 0; i < count; i++) {
		char text[ADDRESS_TEXT];

		address_text(prefix[i].family, (uint8_t *)prefix[i].addr, text);
		printf("%s/%u ", text, prefix[i].len);
	}
	printf("\n");
}

static void command(char *line)
{
	uint64_t start_ns = loop_clock();
	int err;

	line[strcspn(line, "\n")] = '\0';
	if (!strcmp(line, "acquire")) {
		err = vrouters_acquire(vrouters);
		printf("%d %.3f ms\n", err, (double)(loop_clock() - start_ns) / 1e6);
	} else if (!strcmp(line, "release")) {
		err = vrouters_release(vrouters);
		printf("%d %.3f ms\n", err, (double)(loop_clock() - start_ns) / 1e6);
	} else if (!strcmp(line, "status")) {
		json_t *json = vrouters_json(vrouters);

		json_dumpf(json, stdout, JSON_COMPACT);
		json_decref(json);
		printf(" healthy=%d complete=%d\n", vrouters_healthy(vrouters),
		       vrouters_complete(vrouters));
	} else if (!strcmp(line, "own")) {
		own();
	} else if (!strcmp(line, "changes")) {
		printf("%u\n", changes);
		changes = 0;
	} else if (!strcmp(line, "quit")) {
		loop_stop(loop);
	} else {
		printf("?\n");
	}
	fflush(stdout);
}

static void ready(struct loop_fd *fd, uint32_t events)
{
	static char line[256];
	static size_t used;
	char c;

	(void)events;
	while (read(fd->fd, &c, 1) == 1) {
		line[used++] = c;
		if (c != '\n' && used < sizeof(line) - 1)
			continue;
		line[used] = '\0';
		used = 0;
		command(line);
		return;
	}
	loop_stop(loop);
}

int main(int argc, char **argv)
{
	static struct config config;
	struct loop_fd input = { .fd = STDIN_FILENO, .events = EPOLLIN, .ready = ready };
	char errors[4096];
	int err;

	log_init(LOG_LEVEL_INFO);
	if (argc != 2)
		return 2;
	if (config_load(argv[1], &config, errors, sizeof(errors))) {
		fputs(errors, stderr);
		return 2;
	}
	loop = loop_alloc();
	vrouters = loop ? vrouters_alloc(loop, &config, &err) : NULL;
	if (!vrouters)
		return 1;
	vrouters_watch_addresses(vrouters, changed, NULL);
	err = vrouters_reset(vrouters);
	if (!err)
		err = privileges_drop(&config);
	printf("ready %d\n", err);
	fflush(stdout);
	if (!loop_fd_add(loop, &input))
		loop_run(loop);
	vrouters_free(vrouters);
	loop_free(loop);
	config_wipe(&config);
	return 0;
}
