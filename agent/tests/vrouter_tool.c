// SPDX-License-Identifier: GPL-2.0
/* Runs the virtual routers of a configuration by hand: a command a line on
 * stdin (acquire, release, status, own, changes, quit), an answer a line on
 * stdout.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "commands.h"
#include "config/address.h"
#include "config/config.h"
#include "daemon/privilege.h"
#include "host/iface.h"
#include "vrouter/vrouter.h"

static struct loop *loop;
static struct ifaces *ifaces;
static struct vrouters *vrouters;
static unsigned int changes;	/* of the host's addresses */

static void changed(void *arg, const struct rtnl_address *address, bool gone)
{
	(void)arg;
	(void)address;
	(void)gone;
	changes++;
}

static struct iface_watcher watcher = { .address = changed };

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
}

int main(int argc, char **argv)
{
	static struct config config;
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
	ifaces = loop ? ifaces_alloc(loop, &err) : NULL;
	vrouters = ifaces ? vrouters_alloc(loop, ifaces, &config, &err) : NULL;
	if (!vrouters)
		return 1;
	ifaces_watch(ifaces, &watcher);
	err = vrouters_reset(vrouters);
	if (!err)
		err = privileges_drop(&config);
	commands_run(loop, err, command);
	vrouters_free(vrouters);
	ifaces_free(ifaces);
	loop_free(loop);
	config_wipe(&config);
	return 0;
}
