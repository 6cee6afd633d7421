// SPDX-License-Identifier: GPL-2.0
/* Runs the table of routes of one member by hand, for tests/fib.sh: a command a line on
 * stdin, an answer a line on stdout.  What streams would carry is in files.
 * The argument is hold_s.
 *
 * interface NAME VRID macvlan|parent IFNAME|- running|stopped
 * table NAME NUMBER
 * walk FILE, emit FILE		a full sync, or the changes, are written
 * apply FILE, sync FILE	and taken
 * make COUNT SETS IFNAME VIA FAMILY FILE	a full sync of an owner with so many routes,
 *				20.0.0.0/24 and on, or 2001:db8:X::/48, by SETS gateways from VIA on
 * activate, settle, deactivate, status, list, quit
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/rtnetlink.h>

#include "base/big_endian.h"
#include "base/log.h"
#include "base/loop.h"
#include "commands.h"
#include "config/address.h"
#include "fib/fib.h"
#include "wire/frame.h"

#define OWNER	1
#define EPOCH	1
#define ROOM	1350

static struct loop *loop;
static struct fib *fib;

static void interface(char **arg)
{
	struct neigh_interface i = { .vrouter = arg[0], .vrid = (uint8_t)strtoul(arg[1], NULL, 10),
				     .role = strcmp(arg[2], "parent") ? NEIGH_MACVLAN :
								       NEIGH_PARENT,
				     .ifindex = (int)if_nametoindex(arg[3]),
				     .running = !strcmp(arg[4], "running") };

	printf("%d\n", fib_interface(fib, &i));
}

/* All that @store has to say, a length before each batch. */
static void emit(struct store *store, const char *name)
{
	unsigned int records = 0, bytes = 0;
	FILE *file = fopen(name, "w");
	struct store_batch batch;
	uint8_t buf[ROOM];

	while (file && store_pending(store)) {
		uint16_t len = (uint16_t)store_emit(store, loop_clock(), &batch, buf, ROOM);

		if (len) {
			records += batch.count;
			bytes += len;
			fwrite(&len, sizeof(len), 1, file);
			fwrite(buf, len, 1, file);
		}
	}
	if (file)
		fclose(file);
	printf("%u records, %u bytes\n", records, bytes);
}

static void walk(struct store *store, const char *name)
{
	store_map(store, 4);
	store_walk(store, 4, 1);
	emit(store, name);
}

static void apply(const char *name, bool full)
{
	struct store *store = fib_store(fib);
	uint64_t start_ns = loop_clock();
	FILE *file = fopen(name, "r");
	uint8_t buf[ROOM];
	uint16_t len;
	int err = 0;

	if (full)
		err = store_begin(store);
	while (file && !err && fread(&len, sizeof(len), 1, file) == 1 && len <= ROOM &&
	       fread(buf, len, 1, file) == 1)
		err = store_apply(store, OWNER, EPOCH, buf, len);
	if (full && !err)
		err = store_end(store, OWNER);
	if (file)
		fclose(file);
	printf("%d %.3f ms\n", err, (double)(loop_clock() - start_ns) / 1e6);
}

/* As another member would that knows of them. */
static void make(char **arg)
{
	unsigned int count = (unsigned int)strtoul(arg[0], NULL, 10), n;
	unsigned int sets = (unsigned int)strtoul(arg[1], NULL, 10);
	const struct store_config config = {
		.table = FRAME_TABLE_ROUTES, .most = count, .key_max = FIB_KEY_MAX,
		.value_max = FIB_VALUE_MAX, .hash_key = "",
	};
	static const struct store_ops ops = { .name = "made" };
	struct store *store = store_alloc(&config, &ops, NULL);
	uint8_t key[FIB_KEY_MAX], value[FIB_VALUE_MAX], via[16] = { 0 };
	bool v6 = !strcmp(arg[4], "6");
	unsigned int last = v6 ? 14 : 2;

	if (!store || inet_pton(v6 ? AF_INET6 : AF_INET, arg[3], via) != 1) {
		printf("?\n");
		return;
	}
	store_activate(store, 0);
	for (n = 0; n < count; n++) {
		struct fib_route r = {
			.family = v6 ? AF_INET6 : AF_INET, .prefix_len = v6 ? 48 : 24,
			.metric = v6 ? 1024 : 0, .type = RTN_UNICAST, .protocol = RTPROT_BIRD,
			.hops = 1,
		};
		struct fib_hop *hop = &r.hop[0];
		size_t len;

		if (v6)
			put_be(r.prefix, 0x20010000 + (uint64_t)n, 6);
		else
			put_be(r.prefix, (20U << 16) + n, 3);
		hop->family = r.family;
		memcpy(hop->gateway, via, 16);
		put_be(hop->gateway + last, get_be(via + last, 2) + n % sets, 2);
		hop->role = NEIGH_PARENT;
		hop->name_id = neigh_name_id(arg[2]);
		len = fib_value_write(&r, value);
		store_put(store, key, fib_key_write(&r, key), value, len);
	}
	walk(store, arg[5]);
	store_free(store);
}

static void list(void)
{
	struct store_item item;
	uint32_t cursor = 0;
	json_t *all = json_array();

	while (store_each(fib_store(fib), &cursor, &item))
		json_array_append_new(all, fib_item_json(fib, &item));
	json_dumpf(all, stdout, JSON_COMPACT);
	printf("\n");
	json_decref(all);
}

static void status(void)
{
	json_t *json = fib_json(fib);

	json_dumpf(json, stdout, JSON_COMPACT);
	printf("\n");
	json_decref(json);
}

static void gate(const char *what)
{
	uint64_t start_ns = loop_clock();

	if (!strcmp(what, "activate"))
		fib_activate(fib, 1ULL << OWNER);
	else if (!strcmp(what, "settle"))
		fib_settle(fib);
	else
		fib_deactivate(fib, OWNER, EPOCH);
	printf("0 %.3f ms\n", (double)(loop_clock() - start_ns) / 1e6);
}

static void command(char *line)
{
	char *arg[8] = { NULL }, *at;
	unsigned int args = 0;

	for (at = strtok(line, " "); at && args < 8; at = strtok(NULL, " "))
		arg[args++] = at;
	if (!args)
		return;
	if (!strcmp(arg[0], "interface") && args == 6) {
		interface(arg + 1);
	} else if (!strcmp(arg[0], "table") && args == 3) {
		printf("%d\n", fib_table(fib, arg[1], (uint32_t)strtoul(arg[2], NULL, 10)));
	} else if (!strcmp(arg[0], "walk") && args == 2) {
		walk(fib_store(fib), arg[1]);
	} else if (!strcmp(arg[0], "emit") && args == 2) {
		emit(fib_store(fib), arg[1]);
	} else if (!strcmp(arg[0], "apply") && args == 2) {
		apply(arg[1], false);
	} else if (!strcmp(arg[0], "sync") && args == 2) {
		apply(arg[1], true);
	} else if (!strcmp(arg[0], "make") && args == 7) {
		make(arg + 1);
	} else if (!strcmp(arg[0], "activate") || !strcmp(arg[0], "settle") ||
		   !strcmp(arg[0], "deactivate")) {
		gate(arg[0]);
	} else if (!strcmp(arg[0], "status")) {
		status();
	} else if (!strcmp(arg[0], "list")) {
		list();
	} else if (!strcmp(arg[0], "quit")) {
		printf("0\n");
		loop_stop(loop);
	} else {
		printf("?\n");
	}
}

int main(int argc, char **argv)
{
	struct fib_config config = {
		.hold_s = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 60,
	};
	struct fib_ops ops = { .arg = NULL };
	int err = -ENOMEM;

	log_init(LOG_LEVEL_DEBUG);
	loop = loop_alloc();
	fib = loop ? fib_alloc(loop, &config, &ops, &err) : NULL;
	if (!fib) {
		printf("ready %d\n", err);
		return 1;
	}
	commands_run(loop, err, command);
	fib_free(fib);
	loop_free(loop);
	return 0;
}
