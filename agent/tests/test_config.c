// SPDX-License-Identifier: GPL-2.0
/* Each kind of error is found, with line, key and remedy; no input crashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "config/keyfile.h"

/* libconfig 1.5 does not free the string it was in when a file ends within. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

static char dir[] = "/tmp/gwsync-config-XXXXXX";
static char path[64], key_path[64], second_path[64];
static struct config config;
static char errors[65536];

static void write_file(const char *name, const void *data, size_t len, mode_t mode)
{
	FILE *file;

	unlink(name);
	file = fopen(name, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(name, mode), 0);
}

static int load_bytes(const void *data, size_t len)
{
	int found;

	write_file(path, data, len, 0600);
	found = config_load(path, &config, errors, sizeof(errors));
	assert_int_equal(found == 0, errors[0] == '\0');
	return found;
}

static int load(const char *text)
{
	return load_bytes(text, strlen(text));
}

/* A whole file of which one section is replaced, or left out (""). */
enum section { GROUP, MEMBERS, AUTH, LINKS, ROUTERS, KERNEL, DAEMON, SECTIONS };

static const char *const good[SECTIONS] = {
	"group = { id = 9; member = 2; };\n",
	"members = ( { id = 1; name = \"a\"; }, { id = 2; name = \"b\"; } );\n",
	"auth = \"none\";\n",
	"links = ( { interface = \"eth2\"; } );\n",
	"virtual_routers = ( { interface = \"eth0\"; vrid = 7; addresses = (\"10.0.0.1/24\"); } );\n",
	"kernel = { hold_ms = 5; };\n",
	"daemon = { reorder_frames = 64; };\n",
};

static int load_with(enum section section, const char *text)
{
	char all[8192] = "";
	unsigned int i;

	for (i = 0; i < SECTIONS; i++)
		strcat(all, i == section ? text : good[i]);
	return load(all);
}

static void test_good(void **state)
{
	static const uint8_t mac[6] = { 0x00, 0x00, 0x5e, 0x00, 0x01, 7 };

	(void)state;
	assert_int_equal(load_with(SECTIONS, ""), 0);
	assert_int_equal(config.group, 9);
	assert_int_equal(config.member, 2);
	assert_int_equal(config.priority, 100);
	assert_int_equal(config.heartbeat_ms, 100);
	assert_int_equal(config.dead_after, 3);
	assert_true(config.auth_none);
	assert_int_equal(config.keys, 0);
	assert_string_equal(config_member_name(&config, 1), "a");
	assert_string_equal(config_member_name(&config, 3), "?");
	assert_int_equal(config.links, 1);
	assert_true(config.link[0].sync);
	assert_int_equal(config.link[0].port, 8116);
	assert_int_equal(ntohl(config.link[0].group.s_addr), 0xe0000074);
	assert_int_equal(config.vrouters, 1);
	assert_string_equal(config.vrouter[0].macvlan, "gws7");
	assert_memory_equal(config.vrouter[0].mac, mac, 6);
	assert_int_equal(config.vrouter[0].address[0].prefix_len, 24);
	assert_int_equal(config.hold_ms, 5);
	assert_int_equal(config.reorder_frames, 64);
	assert_true(config.sync_state);
	assert_true(config.filter.own_addresses);
}

static void test_ipv6_only_mac(void **state)
{
	static const uint8_t mac[6] = { 0x00, 0x00, 0x5e, 0x00, 0x02, 7 };

	(void)state;
	assert_int_equal(load_with(ROUTERS, "virtual_routers = ( { interface = \"eth0\";"
				   "vrid = 7; addresses = (\"2001:db8::1/64\"); } );\n"), 0);
	assert_memory_equal(config.vrouter[0].mac, mac, 6);
}

static void test_filter(void **state)
{
	static const char text[] =
		"kernel = { filter = { own_addresses = false; protocols = (\"icmp\", \"47\");\n"
		"ports = (\"udp/53\"); prefixes = (\"192.0.2.0/24\", \"2001:db8::/32\");\n"
		"marks = (\"0x10/0xf0\", \"3\"); zones = (7, 0);\n"
		"tcp_states = (\"time_wait\", \"close\"); }; };\n";

	(void)state;
	assert_int_equal(load_with(KERNEL, text), 0);
	assert_false(config.filter.own_addresses);
	assert_int_equal(config.filter.protocols, 2);
	assert_int_equal(config.filter.protocol[0], 1);
	assert_int_equal(config.filter.protocol[1], 47);
	assert_int_equal(config.filter.port[0].protocol, 17);
	assert_int_equal(ntohs(config.filter.port[0].port), 53);
	assert_int_equal(config.filter.prefixes, 2);
	assert_int_equal(config.filter.prefix[1].len, 32);
	assert_int_equal(config.filter.mark[0].mask, 0xf0);
	assert_int_equal(config.filter.mark[1].mask, 0xffffffff);
	assert_int_equal(config.filter.zone[0], 7);
	assert_int_equal(config.filter.tcp_states, 1 << 7 | 1 << 8);
}

static void test_private(void **state)
{
	uint32_t before[__CONFIG_PART_MAX], after[__CONFIG_PART_MAX];

	(void)state;
	assert_int_equal(load_with(KERNEL, ""), 0);
	assert_int_equal(config.labels, GWSYNC_LABELS_AUTO);
	assert_int_equal(config.mark_mask, 0xffffffff);
	config_hash(&config, before);
	assert_int_equal(load_with(KERNEL, "sync = { labels = \"auto\"; };\n"), 0);
	config_hash(&config, after);
	assert_int_equal(before[CONFIG_PART_STATE], after[CONFIG_PART_STATE]);
	assert_int_equal(load_with(KERNEL,
				   "sync = { labels = \"off\"; mark_mask = \"0xff00\"; };\n"), 0);
	assert_int_equal(config.labels, GWSYNC_LABELS_OFF);
	assert_int_equal(config.mark_mask, 0xff00);
	config_hash(&config, after);
	assert_int_not_equal(before[CONFIG_PART_STATE], after[CONFIG_PART_STATE]);
	assert_int_equal(load_with(KERNEL,
				   "sync = { labels = \"on\"; mark_mask = \"0\"; };\n"), 0);
	assert_int_equal(config.labels, GWSYNC_LABELS_ON);
	assert_int_equal(config.mark_mask, 0);
	assert_true(config.neighbours);
	assert_int_equal(load_with(KERNEL, "sync = { neighbours = false; };\n"), 0);
	assert_false(config.neighbours);
	config_hash(&config, after);
	assert_int_not_equal(before[CONFIG_PART_STATE], after[CONFIG_PART_STATE]);
	assert_int_equal(config.neighbours_ons, 0);
	assert_int_equal(load_with(KERNEL, "sync = { neighbours_on = ( \"wan0\", \"dmz\" ); };\n"),
			 0);
	assert_int_equal(config.neighbours_ons, 2);
	assert_string_equal(config.neighbours_on[0], "wan0");
	assert_string_equal(config.neighbours_on[1], "dmz");
	assert_false(config.end_sourceless);
	assert_int_equal(load_with(KERNEL, "sync = { end_sourceless = true; };\n"), 0);
	assert_true(config.end_sourceless);
	config_hash(&config, after);
	assert_int_not_equal(before[CONFIG_PART_STATE], after[CONFIG_PART_STATE]);
}

static void test_bgp(void **state)
{
	(void)state;
	assert_int_equal(load_with(KERNEL, "bgp = ( { table = \"main\"; },\n"
				   "{ table = \"blue\"; address = \"127.0.0.3\"; as = 4200000001L;"
				   " passive = true; paths = 7; } );\n"), 0);
	assert_int_equal(config.bgps, 2);
	assert_string_equal(config.bgp[0].table, "main");
	assert_int_equal(ntohl(config.bgp[0].address.s_addr), 0x7f000002);
	assert_int_equal(ntohl(config.bgp[0].neighbour.s_addr), 0x7f000001);
	assert_int_equal(config.bgp[0].neighbour_port, 1179);
	assert_int_equal(config.bgp[0].hold_s, 30);
	assert_int_equal(config.bgp[0].paths, 1000000);
	assert_false(config.bgp[0].passive);
	/* The router id is the address unless it is given. */
	assert_int_equal(ntohl(config.bgp[1].router_id.s_addr), 0x7f000003);
	assert_int_equal(config.bgp[1].as, 4200000001);
	assert_int_equal(config.bgp[1].paths, 7);
	assert_true(config.bgp[1].passive);
}

/* Line of the file, key, a word of what is wrong, a word of the remedy: in the
 * order in which the table below is read.
 */
struct error_case {	/* NOLINT(clang-analyzer-optin.performance.Padding) */
	enum section	section;
	const char	*text;
	int		line;
	const char	*key, *what, *remedy;
};

static const struct error_case error_cases[] = {
	/* group */
	{ GROUP, "", 0, "group", "missing", "add it" },
	{ GROUP, "group = 5;\n", 1, "group", "whole number", "give a group" },
	{ GROUP, "group = {\nid = 0; member = 2; };\n", 2, "group.id", "out of range", "1..255" },
	{ GROUP, "group = {\nid = 256; member = 2; };\n", 2, "group.id", "out of range",
	  "1..255" },
	{ GROUP, "group = { member = 2; };\n", 1, "group.id", "missing", "add it" },
	{ GROUP, "group = { id = 1; };\n", 1, "group.member", "missing", "add it" },
	{ GROUP, "group = { id = 1; member = 64; };\n", 1, "group.member", "out of range",
	  "1..63" },
	{ GROUP, "group = { id = \"1\"; member = 2; };\n", 1, "group.id", "a string",
	  "without quotes" },
	{ GROUP, "group = { id = 1.5; member = 2; };\n", 1, "group.id", "a fraction",
	  "whole number" },
	{ GROUP, "group = { id = 1; member = 2;\n\nprio = 5; };\n", 3, "group.prio",
	  "unknown key", "priority" },
	{ GROUP, "group = { id = 1; member = 2; preempt = 1; };\n", 1, "group.preempt",
	  "whole number", "true or false" },
	{ GROUP, "group = { id = 1; member = 2; priority = 255; };\n", 1, "group.priority",
	  "out of range", "1..254" },
	{ GROUP, "group = { id = 1; member = 2; heartbeat_ms = 9; };\n", 1,
	  "group.heartbeat_ms", "out of range", "10..10000" },
	{ GROUP, "group = { id = 1; member = 2; dead_after = 1; };\n", 1, "group.dead_after",
	  "out of range", "2..100" },
	{ GROUP, "group = { id = 1; member = 2; preempt_delay_ms = 10; };\n", 1,
	  "group.preempt_delay_ms", "no meaning", "preempt = true" },
	{ GROUP, "group = { id = 1; member = 99999999999999L; };\n", 1, "group.member",
	  "out of range", "1..63" },
	/* members */
	{ MEMBERS, "", 0, "members", "missing", "add it" },
	{ MEMBERS, "members = { };\n", 2, "members", "a group", "give a list" },
	{ MEMBERS, "members = ( { id = 1; } );\n", 2, "members", "not among them", "add it" },
	{ MEMBERS, "members = ( { id = 2; }, { id = 2; name = \"x\"; } );\n", 2, "members[1]",
	  "given twice", "of its own" },
	{ MEMBERS, "members = ( { id = 2; name = \"x\"; },\n{ id = 1; name = \"x\"; } );\n", 3,
	  "members[1]", "given twice", "of its own" },
	{ MEMBERS, "members = ( { id = 2; name = \"a b\"; } );\n", 2, "members[0].name",
	  "no name", "without spaces" },
	{ MEMBERS, "members = ( { id = 2; adress = \"x\"; } );\n", 2, "members[0].adress",
	  "unknown key", "id, name" },
	{ MEMBERS, "members = ( 5, { id = 2; } );\n", 2, "members[0]", "whole number",
	  "give a group" },
	/* auth */
	{ AUTH, "", 0, "key_file", "missing", "key generate" },
	{ AUTH, "auth = \"key\";\n", 0, "key_file", "missing", "key generate" },
	{ AUTH, "auth = \"off\";\n", 3, "auth", "unknown", "\"none\"" },
	{ AUTH, "auth = false;\n", 3, "auth", "true or false", "string" },
	{ AUTH, "key_file = \"group.key\";\n", 3, "key_file", "relative", "absolute" },
	{ AUTH, "key_file = \"/nonexistent/key\";\n", 3, "key_file", "there is no",
	  "key generate" },
	{ AUTH, "auth = \"none\"; key_file = \"/nonexistent/key\";\n", 3, "auth",
	  "a key file is given", "remove" },
	/* links */
	{ LINKS, "", 0, "links", "missing", "add it" },
	{ LINKS, "links = ( );\n", 4, "links", "no sync link", "sync = true" },
	{ LINKS, "links = ( { interface = \"e\"; sync = false; } );\n", 4, "links",
	  "no sync link", "sync = true" },
	{ LINKS, "links = ( { sync = true; } );\n", 4, "links[0].interface", "missing",
	  "add it" },
	{ LINKS, "links = ( { interface = \"much-too-long-a-name\"; } );\n", 4,
	  "links[0].interface", "no interface name", "15 characters" },
	{ LINKS, "links = ( { interface = \"a/b\"; } );\n", 4, "links[0].interface",
	  "no interface name", "ip link" },
	{ LINKS, "links = ( { interface = \"..\"; } );\n", 4, "links[0].interface",
	  "no interface name", "ip link" },
	{ LINKS, "links = ( { interface = \"e\"; }, { interface = \"e\"; } );\n", 4, "links[1]",
	  "already", "once" },
	{ LINKS, "links = ( { interface = \"e\"; group = \"10.0.0.1\"; } );\n", 4,
	  "links[0].group", "no multicast group", "224.0.0.116" },
	{ LINKS, "links = ( { interface = \"e\"; group = \"224.0.0.1\"; } );\n", 4,
	  "links[0].group", "no multicast group", "224.0.0.116" },
	{ LINKS, "links = ( { interface = \"e\"; port = 80; } );\n", 4, "links[0].port",
	  "out of range", "1024..65535" },
	{ LINKS, "links = ( { interface = \"e\"; mtu = 576; } );\n", 4, "links[0].mtu",
	  "too small", "1280" },
	/* virtual routers */
	{ ROUTERS, "virtual_routers = ( { vrid = 1; addresses = (\"10.0.0.1/24\"); } );\n", 5,
	  "virtual_routers[0].interface", "missing", "add it" },
	{ ROUTERS, "virtual_routers = ( { interface = \"e\"; addresses = (\"10.0.0.1/24\"); } );\n",
	  5, "virtual_routers[0].vrid", "missing", "add it" },
	{ ROUTERS, "virtual_routers = ( { interface = \"e\"; vrid = 1; } );\n", 5,
	  "virtual_routers[0].addresses", "missing", "add it" },
	{ ROUTERS, "virtual_routers = ( { interface = \"e\"; vrid = 1; addresses = (); } );\n", 5,
	  "virtual_routers[0]", "no addresses", "give one" },
	{ ROUTERS, "virtual_routers = ( { interface = \"e\"; vrid = 1;\n"
	  "addresses = (\"10.0.0.1\"); } );\n", 6, "virtual_routers[0].addresses[0]",
	  "no address", "192.0.2.1/24" },
	{ ROUTERS, "virtual_routers = ( { interface = \"e\"; vrid = 1;\n"
	  "addresses = (\"10.0.0.1/33\"); } );\n", 6, "virtual_routers[0].addresses[0]",
	  "no address", "192.0.2.1/24" },
	{ ROUTERS, "virtual_routers = ( { interface = \"e\"; vrid = 1;\n"
	  "addresses = (\"10.0.0.0/24\"); } );\n", 6, "virtual_routers[0].addresses[0]",
	  "address of its network", "a host may have" },
	{ ROUTERS, "virtual_routers = ( { interface = \"e\"; vrid = 1;\n"
	  "addresses = (\"10.0.0.255/24\"); } );\n", 6, "virtual_routers[0].addresses[0]",
	  "broadcast", "a host may have" },
	{ ROUTERS, "virtual_routers = ( { interface = \"e\"; vrid = 1;\n"
	  "addresses = (\"224.0.0.1/24\"); } );\n", 6, "virtual_routers[0].addresses[0]",
	  "multicast", "a host may have" },
	{ ROUTERS, "virtual_routers = ( { interface = \"e\"; vrid = 1;\n"
	  "addresses = (\"::1/64\"); } );\n", 6, "virtual_routers[0].addresses[0]",
	  "loopback", "a host may have" },
	{ ROUTERS, "virtual_routers = ( { interface = \"e\"; vrid = 1;\n"
	  "addresses = (\"10.0.0.1/24\"); mac = \"01:00:5e:00:01:01\"; } );\n", 6,
	  "virtual_routers[0].mac", "no unicast MAC", "00:00:5e:00:01:01" },
	{ ROUTERS, "virtual_routers = ( { interface = \"e\"; vrid = 1;\n"
	  "addresses = (\"10.0.0.1/24\"); mac = \"00:00:5e\"; } );\n", 6,
	  "virtual_routers[0].mac", "no unicast MAC", "leave it out" },
	{ ROUTERS, "virtual_routers = ( { interface = \"e\"; vrid = 1; addresses = (\"10.0.0.1/24\"); },\n"
	  "{ interface = \"e\"; vrid = 1; macvlan = \"m\"; name = \"n\"; addresses = (\"10.0.0.2/24\"); } );\n",
	  6, "virtual_routers[1]", "vrid 1 is given twice", "its own" },
	{ ROUTERS, "virtual_routers = ( { interface = \"e\"; vrid = 1; addresses = (\"10.0.0.1/24\"); },\n"
	  "{ interface = \"f\"; vrid = 1; name = \"n\"; addresses = (\"10.0.1.2/24\"); } );\n",
	  6, "virtual_routers[1]", "macvlan 'gws1' is given twice", "set macvlan" },
	{ ROUTERS, "virtual_routers = ( { interface = \"e\"; vrid = 1; addresses = (\"10.0.0.1/24\"); },\n"
	  "{ interface = \"e\"; vrid = 2; addresses = (\"10.0.0.1/24\"); } );\n",
	  6, "virtual_routers[1]", "10.0.0.1 is given twice", "one virtual router" },
	{ ROUTERS, "virtual_routers = ( { interface = \"e\"; vrid = 1;\n"
	  "addresses = (\"10.0.0.1/24\", \"10.0.0.1/32\"); } );\n", 5, "virtual_routers[0]",
	  "given twice", "one virtual router" },
	{ ROUTERS, "virtual_routers = ( { interface = \"e\"; vrid = 1; addresses = (\"10.0.0.1/24\"); },\n"
	  "{ interface = \"f\"; vrid = 2; addresses = (\"10.0.0.2/24\"); } );\n",
	  6, "virtual_routers[1]", "the network of 10.0.0.2/24 is on e too", "two interfaces" },
	{ ROUTERS, "virtual_routers = ( { interface = \"e\"; vrid = 1; macvlan = \"e\";\n"
	  "addresses = (\"10.0.0.1/24\"); } );\n", 5, "virtual_routers[0]",
	  "parent itself", "another name" },
	/* kernel and filter */
	{ KERNEL, "kernel = { flush_ms = 1001; };\n", 6, "kernel.flush_ms", "out of range",
	  "0..1000" },
	{ KERNEL, "kernel = { hold_ms = -1; };\n", 6, "kernel.hold_ms", "out of range",
	  "0..60000" },
	{ KERNEL, "kernel = { filter = { protocols = (\"icmpx\"); }; };\n", 6,
	  "kernel.filter.protocols[0]", "no IP protocol", "icmpv6" },
	{ KERNEL, "kernel = { filter = { ports = (\"53\"); }; };\n", 6,
	  "kernel.filter.ports[0]", "no port", "udp/53" },
	{ KERNEL, "kernel = { filter = { ports = (\"udp/65536\"); }; };\n", 6,
	  "kernel.filter.ports[0]", "no port", "udp/53" },
	{ KERNEL, "kernel = { filter = { prefixes = (\"192.0.2.1/24\"); }; };\n", 6,
	  "kernel.filter.prefixes[0]", "bits behind", "longer length" },
	{ KERNEL, "kernel = { filter = { prefixes = (\"x\"); }; };\n", 6,
	  "kernel.filter.prefixes[0]", "no prefix", "2001:db8::/32" },
	{ KERNEL, "kernel = { filter = { marks = (\"0x1/0x2\"); }; };\n", 6,
	  "kernel.filter.marks[0]", "no mark", "VALUE/MASK" },
	{ KERNEL, "kernel = { filter = { tcp_states = (\"gone\"); }; };\n", 6,
	  "kernel.filter.tcp_states[0]", "no state of TCP", "time_wait" },
	{ KERNEL, "kernel = { filter = { zones = (65536); }; };\n", 6,
	  "kernel.filter.zones[0]", "out of range", "0..65535" },
	{ KERNEL, "kernel = { filter = { zone = (1); }; };\n", 6, "kernel.filter.zone",
	  "unknown key", "zones" },
	/* daemon */
	{ DAEMON, "daemon = { control = \"sock\"; };\n", 7, "daemon.control", "will not do",
	  "absolute" },
	{ DAEMON, "daemon = { retransmit_frames = 255; };\n", 7, "daemon.retransmit_frames",
	  "out of range", "256..65536" },
	{ KERNEL, "sync = { neighbours_on = ( \"wan0\", \"wan0\" ); };\n", 6,
	  "sync.neighbours_on[1]", "there already", "each once" },
	{ KERNEL, "sync = { neighbours_on = ( \"a/b\" ); };\n", 6, "sync.neighbours_on[0]",
	  "no interface name", "ip link" },
	{ KERNEL, "sync = { labels = true; };\n", 6, "sync.labels", "true or false", "\"auto\"" },
	{ KERNEL, "sync = { labels = \"yes\"; };\n", 6, "sync.labels", "unknown", "\"off\"" },
	{ KERNEL, "sync = { mark_mask = 255; };\n", 6, "sync.mark_mask", "whole number",
	  "quotes" },
	{ KERNEL, "sync = { mark_mask = \"0x100000000\"; };\n", 6, "sync.mark_mask", "no mask",
	  "\"0x0000ffff\"" },
	{ KERNEL, "sync = { label = \"on\"; };\n", 6, "sync.label", "unknown key", "labels" },
	{ KERNEL, "bgp = ( { } );\n", 6, "bgp[0].table", "missing", "add it" },
	{ KERNEL, "bgp = ( { table = \"a b\"; } );\n", 6, "bgp[0].table", "no name",
	  "without spaces" },
	{ KERNEL, "bgp = ( { table = \"a\"; address = \"10.0.0.1\"; } );\n", 6,
	  "bgp[0].address", "no address of 127", "127.0.0.1" },
	{ KERNEL, "bgp = ( { table = \"a\"; router_id = \"0.0.0.0\"; } );\n", 6,
	  "bgp[0].router_id", "no router id", "127.0.0.2" },
	{ KERNEL, "bgp = ( { table = \"a\"; address = \"127.0.0.1\"; } );\n", 6, "bgp[0]",
	  "the same", "two addresses" },
	{ KERNEL, "bgp = ( { table = \"a\"; }, { table = \"b\"; } );\n", 6, "bgp[1]",
	  "same address and neighbour", "of its own" },
	{ KERNEL, "bgp = ( { table = \"a\"; },\n{ table = \"a\"; address = \"127.0.0.3\"; } );\n",
	  7, "bgp[1]", "given twice", "each once" },
	{ KERNEL, "bgp = ( { table = \"a\"; hold_s = 2; } );\n", 6, "bgp[0].hold_s",
	  "out of range", "3..3600" },
	{ DAEMON, "deamon = { };\n", 7, "deamon", "unknown key", "daemon" },
	/* the file */
	{ DAEMON, "daemon = { \n", 8, "", "syntax error", "bracket" },
	{ DAEMON, "daemon = { };\ndaemon = { };\n", 8, "", "duplicate setting name", "look at" },
	{ DAEMON, " @include \"/etc/passwd\"\n", 7, "@include", "not supported", "here" },
};

static void test_errors(void **state)
{
	unsigned int i, failed = 0;

	(void)state;
	for (i = 0; i < sizeof(error_cases) / sizeof(error_cases[0]); i++) {
		const struct error_case *c = &error_cases[i];
		char want[256], *line, *rest = errors;
		bool seen = false;

		assert_true(load_with(c->section, c->text) > 0);
		if (c->line)
			snprintf(want, sizeof(want), "%s:%d: %s%s", path, c->line, c->key,
				 *c->key ? ": " : "");
		else
			snprintf(want, sizeof(want), "%s: %s: ", path, c->key);
		while ((line = strsep(&rest, "\n")))
			seen |= !strncmp(line, want, strlen(want)) && strstr(line, c->what) &&
				strstr(line, c->remedy);
		if (seen)
			continue;
		failed++;
		load_with(c->section, c->text);
		print_error("case %u: %swanted '%s' with '%s' and '%s', got:\n%s", i, c->text,
			    want, c->what, c->remedy, errors);
	}
	assert_int_equal(failed, 0);
}

static void test_all_errors_at_once(void **state)
{
	(void)state;
	assert_int_equal(load("group = { id = 0; member = 99; colour = 1; };\n"
			      "members = ( { id = 1; } );\n"
			      "auth = \"none\";\nlinks = ( { interface = \"\"; } );\n"), 5);
	assert_non_null(strstr(errors, ":1: group.id: "));
	assert_non_null(strstr(errors, ":1: group.member: "));
	assert_non_null(strstr(errors, ":1: group.colour: "));
	assert_non_null(strstr(errors, ":4: links[0].interface: "));
	assert_non_null(strstr(errors, ":4: links: "));
}

/* Errors that do not fit are counted all the same, and end where they may. */
static void test_small_error_buffer(void **state)
{
	char small[40];

	(void)state;
	load("group = { id = 0; member = 99; };\n");
	memset(small, 'x', sizeof(small));
	assert_true(config_load(path, &config, small, 20) >= 2);
	assert_true(strlen(small) < 20);
	assert_int_equal(small[20], 'x');
	assert_true(config_load(path, &config, small, 0) >= 2);
}

/* Nothing of a refused file is left, keys least of all. */
static void test_refused_is_empty(void **state)
{
	static const struct config zero;
	char text[512];

	(void)state;
	write_file(key_path, "2TcbLGQ9UM/cB83ZghSuuOJQoyO5pzAUX4DW2DYhiF0=\n", 45, 0600);
	snprintf(text, sizeof(text), "key_file = \"%s\"; nonsense = 1;\n", key_path);
	assert_true(load_with(AUTH, text) > 0);
	assert_memory_equal(&config, &zero, sizeof(config));
}

static int load_key(const void *data, size_t len, mode_t mode)
{
	char text[512];

	write_file(key_path, data, len, mode);
	snprintf(text, sizeof(text), "key_file = \"%s\";\n", key_path);
	return load_with(AUTH, text);
}

static const char base64[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
static const char hex[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

static void test_key_forms(void **state)
{
	unsigned int i;

	(void)state;
	assert_int_equal(load_key(base64, strlen(base64), 0600), 0);
	assert_int_equal(config.keys, 1);
	assert_false(config.auth_none);
	for (i = 0; i < 32; i++)
		assert_int_equal(config.key[0][i], i);
	assert_int_equal(load_key(hex, strlen(hex), 0400), 0);
	for (i = 0; i < 32; i++)
		assert_int_equal(config.key[0][i], i);
}

static void test_key_modes(void **state)
{
	mode_t bit;

	(void)state;
	for (bit = 1; bit <= 040; bit <<= 1) {
		assert_int_equal(load_key(base64, strlen(base64), 0600 | bit), 1);
		assert_non_null(strstr(errors, ":3: key_file: "));
		assert_non_null(strstr(errors, "open to group or others"));
		assert_non_null(strstr(errors, "chmod 600"));
	}
}

static void test_key_owner(void **state)
{
	char text[512];

	(void)state;
	if (geteuid())
		skip();
	write_file(key_path, base64, strlen(base64), 0600);
	assert_int_equal(chown(key_path, 12345, 0), 0);
	snprintf(text, sizeof(text), "key_file = \"%s\";\n", key_path);
	assert_int_equal(load_with(AUTH, text), 1);
	assert_non_null(strstr(errors, "belongs to user 12345"));
	assert_non_null(strstr(errors, "chown root"));
}

static void test_key_contents(void **state)
{
	static const struct {
		const char	*text, *what;
	} cases[] = {
		{ "", "holds no key" },
		{ "AAEC\n", "holds no key" },
		{ "000102", "holds no key" },
		{ "not a key at all, is it?\n", "holds no key" },
		{ "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIj\n", "holds no key" },
		{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", "all zero" },
	};
	char large[5000], text[512];
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(load_key(cases[i].text, strlen(cases[i].text), 0600), 1);
		assert_non_null(strstr(errors, cases[i].what));
		assert_non_null(strstr(errors, "gwsync key generate"));
	}
	memset(large, 'A', sizeof(large));
	assert_int_equal(load_key(large, sizeof(large), 0600), 1);
	snprintf(text, sizeof(text), "key_file = \"%s\";\n", dir);
	assert_int_equal(load_with(AUTH, text), 1);
	assert_non_null(strstr(errors, "no regular file"));
	/* a FIFO must not hang */
	unlink(key_path);
	assert_int_equal(mkfifo(key_path, 0600), 0);
	snprintf(text, sizeof(text), "key_file = \"%s\";\n", key_path);
	assert_int_equal(load_with(AUTH, text), 1);
	unlink(key_path);
}

static void test_two_keys(void **state)
{
	char text[512];

	(void)state;
	write_file(key_path, base64, strlen(base64), 0600);
	write_file(second_path, "2TcbLGQ9UM/cB83ZghSuuOJQoyO5pzAUX4DW2DYhiF0=", 44, 0600);
	/* The first is the one that seals, in whatever order they are given. */
	snprintf(text, sizeof(text), "second_key_file = \"%s\"; key_file = \"%s\";\n",
		 second_path, key_path);
	assert_int_equal(load_with(AUTH, text), 0);
	assert_int_equal(config.keys, 2);
	assert_int_equal(config.key[0][31], 31);
	assert_int_equal(config.key[1][0], 0xd9);
	snprintf(text, sizeof(text), "second_key_file = \"%s\"; key_file = \"%s\";\n",
		 key_path, key_path);
	assert_int_equal(load_with(AUTH, text), 1);
	assert_non_null(strstr(errors, "second_key_file: holds the key of key_file"));
	snprintf(text, sizeof(text), "second_key_file = \"%s\";\n", key_path);
	assert_int_equal(load_with(AUTH, text), 1);
	assert_non_null(strstr(errors, "key_file: is missing"));
}

static void test_key_generate(void **state)
{
	char one[KEYFILE_TEXT], two[KEYFILE_TEXT];

	(void)state;
	keyfile_generate(one);
	keyfile_generate(two);
	assert_string_not_equal(one, two);
	assert_int_equal(load_key(one, strlen(one), 0600), 0);
}

static void test_file(void **state)
{
	(void)state;
	assert_int_equal(config_load(dir, &config, errors, sizeof(errors)), 1);
	assert_non_null(strstr(errors, "no regular file"));
	assert_int_equal(config_load("/nonexistent", &config, errors, sizeof(errors)), 1);
	assert_non_null(strstr(errors, "/nonexistent: cannot be opened"));
	assert_int_equal(load_bytes("auth\0 = 1;", 10), 1);
	assert_non_null(strstr(errors, "NUL byte"));
	assert_true(load("") > 0);
}

static size_t example(char *text, size_t size)
{
	FILE *file = fopen("gwsync.conf.example", "r");
	size_t len;

	if (!file)
		return 0;
	len = fread(text, 1, size - 1, file);
	fclose(file);
	text[len] = '\0';
	return len;
}

/* The example is valid but for its key, and each default in it is true. */
static void test_example(void **state)
{
	static char text[16384];
	static struct config as_is, uncommented;
	char *p;

	(void)state;
	if (!example(text, sizeof(text)))
		skip();
	p = strstr(text, "key_file = \"");
	assert_non_null(p);
	memcpy(p, "auth = \"none\";#", 15);
	if (load(text))
		print_error("%s", errors);
	assert_string_equal(errors, "");
	as_is = config;
	assert_int_equal(as_is.vrouters, 2);
	/* "#	key = value;" of group and kernel are defaults */
	for (p = text; (p = strstr(p, "\n#\t")); p++)
		if (!strncmp(p + 3, "priority", 8) || !strncmp(p + 3, "preempt =", 9) ||
		    !strncmp(p + 3, "heartbeat", 9) || !strncmp(p + 3, "dead", 4) ||
		    !strncmp(p + 3, "flush", 5) || !strncmp(p + 3, "hold", 4) ||
		    !strncmp(p + 3, "tombstones", 10) || !strncmp(p + 3, "walk_rate", 9) ||
		    !strncmp(p + 3, "digest_ms", 9) || !strncmp(p + 3, "audit_ms", 8) ||
		    !strncmp(p + 3, "labels", 6) || !strncmp(p + 3, "mark_mask", 9) ||
		    !strncmp(p + 3, "end_sourceless", 14) ||
		    !strncmp(p + 3, "control", 7) || !strncmp(p + 3, "retransmit", 10) ||
		    !strncmp(p + 3, "reorder", 7) || !strncmp(p + 3, "sync_state", 10))
			p[1] = ' ';
	if (load(text))
		print_error("%s", errors);
	uncommented = config;
	assert_memory_equal(&as_is, &uncommented, sizeof(as_is));
}

static uint32_t seed = 1;

static uint32_t random32(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

/* Which parts of two configurations differ, a bit each. */
static unsigned int differing(const struct config *a, const struct config *b)
{
	uint32_t one[__CONFIG_PART_MAX], other[__CONFIG_PART_MAX];
	unsigned int i, differ = 0;

	config_hash(a, one);
	config_hash(b, other);
	for (i = 0; i < __CONFIG_PART_MAX; i++) {
		assert_int_not_equal(one[i], 0);
		differ |= (unsigned int)(one[i] != other[i]) << i;
	}
	return differ;
}

/* What members compare: all that must be the same, and nothing that need not be. */
static void test_hash(void **state)
{
	static struct config a, b;

	(void)state;
	memset(&a, 0, sizeof(a));
	a.vrouters = 1;
	strcpy(a.vrouter[0].name, "lan");
	strcpy(a.vrouter[0].interface, "eth0");
	a.vrouter[0].vrid = 7;
	a.vrouter[0].addresses = 1;
	a.vrouter[0].address[0].family = AF_INET;
	a.vrouter[0].address[0].prefix_len = 24;
	a.members[0].id = 1;
	strcpy(a.members[0].name, "gw1");
	a.heartbeat_ms = 100;
	a.sync_state = true;
#define DIFFER(change, part) do {				\
		b = a;						\
		change;						\
		assert_int_equal(differing(&a, &b), part);	\
	} while (0)

	b = a;
	assert_true(config_is_same(&a, &b));
	b.key[1][3] = 1;
	b.keys = 2;
	assert_true(config_is_same(&a, &b));
	b.reorder_frames = 5;
	assert_false(config_is_same(&a, &b));
	b = a;
	b.priority = 5;
	assert_false(config_is_same(&a, &b));

	DIFFER(b.member = 2, 0);
	DIFFER(b.priority = 50, 0);
	DIFFER(strcpy(b.vrouter[0].interface, "ens3"), 0);
	DIFFER(b.flush_ms = 50, 0);
	DIFFER(b.retransmit_frames = 9999, 0);
	DIFFER(b.vrouter[0].vrid = 8, 1 << CONFIG_PART_ROUTERS);
	DIFFER(b.vrouter[0].mac[5] = 1, 1 << CONFIG_PART_ROUTERS);
	DIFFER(b.vrouter[0].address[0].addr[3] = 1, 1 << CONFIG_PART_ROUTERS);
	DIFFER(b.vrouter[0].addresses = 2, 1 << CONFIG_PART_ROUTERS);
	DIFFER(strcpy(b.vrouter[0].name, "wan"), 1 << CONFIG_PART_ROUTERS);
	DIFFER(b.members[1].id = 2, 1 << CONFIG_PART_MEMBERS);
	DIFFER(strcpy(b.members[0].name, "gw2"), 1 << CONFIG_PART_MEMBERS);
	DIFFER(b.hold_ms = 5, 1 << CONFIG_PART_STATE);
	DIFFER(b.filter.own_addresses = true, 1 << CONFIG_PART_STATE);
	DIFFER(b.filter.ports = 1, 1 << CONFIG_PART_STATE);
	DIFFER(b.filter.tcp_states = 1 << 7, 1 << CONFIG_PART_STATE);
	DIFFER(b.sync_state = false, 1 << CONFIG_PART_STATE);
	DIFFER(b.heartbeat_ms = 200, 1 << CONFIG_PART_TIMERS);
	DIFFER(b.dead_after = 4, 1 << CONFIG_PART_TIMERS);
#undef DIFFER
}

static void test_truncated(void **state)
{
	static char text[16384];
	size_t len = example(text, sizeof(text)), i;

	(void)state;
	if (!len)
		skip();
	for (i = 0; i < len; i += 7)
		load_bytes(text, i);
}

static void test_random(void **state)
{
	static const char words[] = "group=members{id=1;}()[]\"eth0\"#@include 0x1L;,\n\\x00";
	static char text[16384], mutant[16384];
	size_t len = example(text, sizeof(text)), i, j, n;

	(void)state;
	for (i = 0; i < 300; i++) {
		n = random32() % 400;
		for (j = 0; j < n; j++)
			mutant[j] = i & 1 ? (char)random32()
					  : words[random32() % (sizeof(words) - 1)];
		load_bytes(mutant, n);
	}
	for (i = 0; len && i < 300; i++) {
		memcpy(mutant, text, len);
		for (j = 0; j < 1 + i % 8; j++)
			mutant[random32() % len] = (char)(i & 1 ? random32() :
				(uint32_t)words[random32() % (sizeof(words) - 1)]);
		load_bytes(mutant, len);
	}
	/* nested deeper than any sense */
	memset(mutant, '(', sizeof(mutant));
	memcpy(mutant, "a=", 2);
	assert_true(load_bytes(mutant, sizeof(mutant)) > 0);
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/conf", dir);
	snprintf(key_path, sizeof(key_path), "%s/key", dir);
	snprintf(second_path, sizeof(second_path), "%s/second", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	unlink(key_path);
	unlink(second_path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_ipv6_only_mac),
		cmocka_unit_test(test_bgp),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_private),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_all_errors_at_once),
		cmocka_unit_test(test_small_error_buffer),
		cmocka_unit_test(test_refused_is_empty),
		cmocka_unit_test(test_key_forms),
		cmocka_unit_test(test_key_modes),
		cmocka_unit_test(test_key_owner),
		cmocka_unit_test(test_key_contents),
		cmocka_unit_test(test_two_keys),
		cmocka_unit_test(test_key_generate),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("config", tests, setup, teardown);
}
