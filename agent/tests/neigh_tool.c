// SPDX-License-Identifier: GPL-2.0
/* Runs the table of neighbours of one member by hand, for tests/neigh.sh: a command a line
 * on stdin, an answer a line on stdout.  What streams would carry is in files.
 *
 * interface VROUTER VRID macvlan|parent IFNAME|- running|stopped
 * walk FILE, emit FILE		a full sync, or the changes, are written
 * apply FILE			and taken
 * make COUNT FILE		a full sync of an owner with so many, 10.8.0.0/15 and fd08::/64
 * activate, deactivate, status, list, quit
 * listen IFNAME, heard		solicitations that went out since then; a host that does not
 *				answer and is asked again is one
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "base/log.h"
#include "base/loop.h"
#include "commands.h"
#include "neigh/neigh.h"

#define OWNER	1
#define EPOCH	1
#define ROOM	1350

static struct loop *loop;
static struct neigh *neigh;
static int packets = -1;

static void interface(char **arg)
{
	struct neigh_interface i = { .vrouter = arg[0], .vrid = (uint8_t)strtoul(arg[1], NULL, 10),
				     .role = strcmp(arg[2], "parent") ? NEIGH_MACVLAN :
								       NEIGH_PARENT,
				     .ifindex = (int)if_nametoindex(arg[3]),
				     .running = !strcmp(arg[4], "running"), .tune = true };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq ifr = { 0 };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", arg[3]);
	if (!ioctl(fd, SIOCGIFHWADDR, &ifr))
		memcpy(i.mac, ifr.ifr_hwaddr.sa_data, 6);
	close(fd);
	printf("%d\n", neigh_interface(neigh, &i));
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

static void walk(const char *name)
{
	store_map(neigh_store(neigh), 4);
	store_walk(neigh_store(neigh), 4, 1);
	emit(neigh_store(neigh), name);
}

static void apply(const char *name, bool full)
{
	struct store *store = neigh_store(neigh);
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
static void make(unsigned int count, const char *name)
{
	struct neigh_config config = { .most = 0 };
	struct neigh_ops ops = { .arg = NULL };
	struct neigh_interface i = { .vrouter = "lan", .vrid = 7, .role = NEIGH_MACVLAN };
	struct store *store;
	struct neigh *other;
	unsigned int n;
	int err;

	other = neigh_alloc(loop, &config, &ops, &err);
	if (!other)
		return;
	neigh_interface(other, &i);
	store = neigh_store(other);
	store_activate(store, 0);
	for (n = 0; n < count; n++) {
		uint8_t value[8] = { 0, 0, 2, 0, 0, 1, (uint8_t)(n >> 8), (uint8_t)n };
		uint8_t addr[2][16] = { { 10, 8, value[6], value[7] },
					{ 0xfd, 8, [14] = value[6], [15] = value[7] } };
		struct neigh_key key;

		neigh_key_write(&key, neigh_name_id(i.vrouter), i.vrid, i.role,
				n % 2 ? AF_INET6 : AF_INET, addr[n % 2]);
		store_put(store, key.bytes, key.len, value, sizeof(value));
	}
	store_map(store, 4);
	store_walk(store, 4, 1);
	emit(store, name);
	neigh_free(other);
}

static void list(void)
{
	struct store_item item;
	uint32_t cursor = 0;
	json_t *all = json_array();

	while (store_each(neigh_store(neigh), &cursor, &item))
		json_array_append_new(all, neigh_item_json(neigh, &item));
	json_dumpf(all, stdout, JSON_COMPACT);
	printf("\n");
	json_decref(all);
}

static void status(void)
{
	json_t *json = neigh_json(neigh);

	json_dumpf(json, stdout, JSON_COMPACT);
	printf("\n");
	json_decref(json);
}

static void listen_on(const char *name)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = (int)if_nametoindex(name) };
	int size = 32 << 20;

	if (packets >= 0)
		close(packets);
	packets = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL));
	setsockopt(packets, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	printf("%d\n", bind(packets, (struct sockaddr *)&at, sizeof(at)));
}

/* To everybody, and to the one MAC that is known: the latter holds up no packet. */
static void heard(void)
{
	unsigned int everybody[2] = { 0 }, one[2] = { 0 };
	uint8_t frame[2048] = { 0 }, last[4] = { 0 };
	struct sockaddr_ll from = { .sll_family = AF_PACKET };
	socklen_t size = sizeof(from);
	ssize_t n;

	while ((n = recvfrom(packets, frame, sizeof(frame), 0, (struct sockaddr *)&from,
			     &size)) > 0) {
		bool arp = n >= 42 && frame[12] == 8 && frame[13] == 6 && frame[21] == 1;
		bool ns = n >= 78 && frame[12] == 0x86 && frame[13] == 0xdd &&
			  frame[20] == 58 && frame[54] == 135;

		/* Not those that tell of an address of its own. */
		if (from.sll_pkttype != PACKET_OUTGOING || (!arp && !ns) ||
		    (arp && !memcmp(frame + 28, frame + 38, 4)))
			continue;
		if (!(frame[0] & 1)) {
			one[ns]++;
			continue;
		}
		/* A second later, which a slow machine may take to look here. */
		if (arp && !memcmp(last, frame + 38, sizeof(last)))
			continue;
		if (arp)
			memcpy(last, frame + 38, sizeof(last));
		everybody[ns]++;
	}
	printf("arp %u ns %u confirm %u\n", everybody[0], everybody[1], one[0] + one[1]);
}

static void command(char *line)
{
	char *arg[8] = { NULL }, *at;
	unsigned int args = 0;
	int err;

	for (at = strtok(line, " "); at && args < 8; at = strtok(NULL, " "))
		arg[args++] = at;
	if (!args)
		return;
	if (!strcmp(arg[0], "interface") && args == 6) {
		interface(arg + 1);
	} else if (!strcmp(arg[0], "walk") && args == 2) {
		walk(arg[1]);
	} else if (!strcmp(arg[0], "emit") && args == 2) {
		emit(neigh_store(neigh), arg[1]);
	} else if (!strcmp(arg[0], "apply") && args == 2) {
		apply(arg[1], false);
	} else if (!strcmp(arg[0], "sync") && args == 2) {
		apply(arg[1], true);
	} else if (!strcmp(arg[0], "make") && args == 3) {
		make((unsigned int)strtoul(arg[1], NULL, 10), arg[2]);
	} else if (!strcmp(arg[0], "activate")) {
		uint64_t start_ns = loop_clock();

		err = neigh_activate(neigh, 1ULL << OWNER);
		printf("%d %.3f ms\n", err, (double)(loop_clock() - start_ns) / 1e6);
	} else if (!strcmp(arg[0], "deactivate")) {
		neigh_deactivate(neigh, OWNER, EPOCH);
		printf("0\n");
	} else if (!strcmp(arg[0], "status")) {
		status();
	} else if (!strcmp(arg[0], "list")) {
		list();
	} else if (!strcmp(arg[0], "listen") && args == 2) {
		listen_on(arg[1]);
	} else if (!strcmp(arg[0], "heard")) {
		heard();
	} else if (!strcmp(arg[0], "quit")) {
		printf("0\n");
		loop_stop(loop);
	} else {
		printf("?\n");
	}
}

int main(void)
{
	struct neigh_config config = { .most = 0 };
	struct neigh_ops ops = { .arg = NULL };
	int err = -ENOMEM;

	log_init(LOG_LEVEL_DEBUG);
	loop = loop_alloc();
	neigh = loop ? neigh_alloc(loop, &config, &ops, &err) : NULL;
	if (!neigh) {
		printf("ready %d\n", err);
		return 1;
	}
	commands_run(loop, err, command);
	neigh_free(neigh);
	loop_free(loop);
	return 0;
}
