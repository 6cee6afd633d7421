/* SPDX-License-Identifier: GPL-2.0 */
/* The configuration file: parsed by libconfig, checked whole, then constant. */
#ifndef GWSYNC_AGENT_CONFIG_H
#define GWSYNC_AGENT_CONFIG_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include <linux/gwsync.h>

#define CONFIG_LINKS_MAX	8
#define CONFIG_VROUTERS_MAX	32
#define CONFIG_NEIGHBOURS_MAX	16
#define CONFIG_BGP_MAX		8
#define CONFIG_ADDRESSES_MAX	16	/* of one virtual router */
#define CONFIG_NAME_MAX		32
#define CONFIG_PATH_MAX		108	/* sun_path */
#define CONFIG_KEY_BYTES	32
#define CONFIG_DEFAULT_PATH	"/etc/gwsync/gwsync.conf"
#define CONFIG_DEFAULT_CONTROL	"/run/gwsync/control.sock"

struct config_member {
	uint8_t	id;			/* 1..63, 0: end */
	char	name[CONFIG_NAME_MAX];
};

/* A link carries heartbeats; a sync link carries everything. */
struct config_link {
	char		interface[IFNAMSIZ];
	struct in_addr	group;		/* in 224.0.0.0/8 */
	uint16_t	port;
	bool		sync;
	uint16_t	mtu;		/* most bytes of an IP packet; 0: of the interface */
};

struct config_address {
	uint8_t	family;			/* AF_INET, AF_INET6 */
	uint8_t	prefix_len;
	uint8_t	addr[16];
};

struct config_vrouter {
	char			name[CONFIG_NAME_MAX];
	char			interface[IFNAMSIZ];	/* the parent */
	char			macvlan[IFNAMSIZ];	/* default gws<vrid> */
	uint8_t			vrid;			/* 1..255 */
	uint8_t			mac[6];	/* default 00:00:5e:00:01:vrid, :02: without IPv4 */
	struct config_address	address[CONFIG_ADDRESSES_MAX];
	unsigned int		addresses;
};

struct config_filter {
	uint8_t				protocol[GWSYNC_FILTER_MAX];
	uint16_t			zone[GWSYNC_FILTER_MAX];
	struct gwsync_filter_mark	mark[GWSYNC_FILTER_MAX];
	struct gwsync_filter_prefix	prefix[GWSYNC_FILTER_MAX];
	struct gwsync_filter_port	port[GWSYNC_FILTER_MAX];
	uint16_t			tcp_states;	/* bits: enum tcp_conntrack */
	unsigned int			protocols, zones, marks, prefixes, ports;
	bool				own_addresses;	/* leave out, default true */
};

/* A session with the routing daemon, for one of its tables. */
struct config_bgp {
	char		table[CONFIG_NAME_MAX];	/* here; what the daemon calls its own */
	struct in_addr	address, neighbour;	/* in 127.0.0.0/8 */
	struct in_addr	router_id;		/* default address */
	uint16_t	port, neighbour_port;
	uint32_t	as;			/* of both */
	uint16_t	hold_s;			/* 3..3600 */
	bool		passive;		/* the daemon connects, default false */
	uint32_t	paths;			/* at most */
	uint32_t	attributes_mib;		/* likewise, of all their attributes */
};

#define CONFIG_ROUTE_TABLES_MAX	16
#define CONFIG_ROUTE_INTERFACES_MAX	64

/* routes: what the owner forwards by is kept on its backups */
struct config_routes {
	bool			fib;		/* default false */
	char			table[CONFIG_ROUTE_TABLES_MAX][4 + IFNAMSIZ];	/* main, vrf:NAME */
	unsigned int		tables;		/* default main alone */
	/* Next hops are on these, too, beside the virtual routers' own. */
	char			interface[CONFIG_ROUTE_INTERFACES_MAX][IFNAMSIZ];
	unsigned int		interfaces;
	uint32_t		hold_s;		/* copies of a new owner, default 120 */
	uint32_t		most;		/* entries, default 262144 */
};

struct config {
	/* group */
	uint8_t			group;		/* 1..255 */
	uint8_t			member;		/* this member, 1..63 */
	uint8_t			priority;	/* 1..254, default 100 */
	bool			preempt;	/* default false */
	struct config_member	members[GWSYNC_MEMBER_MAX + 1];
	uint32_t		heartbeat_ms;	/* 10..10000, default 100 */
	uint32_t		dead_after;	/* missed heartbeats, 2..100, default 3 */
	uint32_t		preempt_delay_ms;
	/* How long one that hears nobody does not own: */
	uint32_t		startup_delay_ms;	/* after the start, default 0 */
	uint32_t		link_delay_ms;	/* after links came up, default 10000 */
	uint32_t		unsure_ms;	/* while datagrams cannot be read, default 30000 */

	/* auth */
	bool			auth_none;	/* asked for by name */
	uint8_t			key[2][CONFIG_KEY_BYTES];	/* current; previous or next */
	unsigned int		keys;		/* 1 or 2; 0 with auth_none */

	struct config_link	link[CONFIG_LINKS_MAX];
	unsigned int		links;
	struct config_vrouter	vrouter[CONFIG_VROUTERS_MAX];
	unsigned int		vrouters;

	/* kernel */
	uint32_t		flush_ms;
	uint32_t		hold_ms;
	uint32_t		tombstones;
	uint32_t		walk_rate;	/* flows a second of a full sync */
	uint32_t		audit_ms;	/* in which all flows are looked at, 0: never */
	uint32_t		digest_ms;	/* in which all are sent once, 0: when asked for */
	struct config_filter	filter;

	/* sync: what a replica takes over of a record */
	uint32_t		labels;		/* enum gwsync_labels, default auto */
	bool			neighbours;	/* are replicated, default true */
	/* Of these interfaces, too, which carry no virtual router. */
	char			neighbours_on[CONFIG_NEIGHBOURS_MAX][IFNAMSIZ];
	unsigned int		neighbours_ons;
	uint32_t		mark_mask;	/* bits of the mark, default all */
	bool			end_sourceless;	/* flows of a source that has gone, default false */

	struct config_bgp	bgp[CONFIG_BGP_MAX];
	unsigned int		bgps;
	struct config_routes	routes;

	/* daemon */
	char			control[CONFIG_PATH_MAX];	/* CONFIG_DEFAULT_CONTROL */
	char			user[CONFIG_NAME_MAX];		/* run as, default "" (stay) */
	char			state[CONFIG_PATH_MAX];		/* directory, /var/lib/gwsync */
	uint32_t		retransmit_frames;	/* 256..65536, default 4096 */
	uint32_t		reorder_frames;		/* 64..16384, default 1024 */
	bool			sync_state;	/* default true; false: only addresses move */
};

/**
 * config_load() - read and check a configuration file and its key files
 * @path: the file
 * @config: filled on success; zeroize with config_wipe()
 * @errors: where messages go ("file:line: key: what is wrong; remedy"), one a
 *	line, all that were found and not only the first; at most @errors_len bytes
 *
 * Return: 0, or the number of errors found.
 */
int config_load(const char *path, struct config *config,
		char *errors, unsigned int errors_len);
void config_wipe(struct config *config);

/* Parts that must be the same on all members, or they do not fit together. */
enum config_part {
	CONFIG_PART_ROUTERS,	/* names, MAC and addresses; not the interfaces */
	CONFIG_PART_MEMBERS,
	CONFIG_PART_STATE,	/* kernel and filter: what is replicated */
	CONFIG_PART_TIMERS,

	__CONFIG_PART_MAX
};

/* A number for each part, not 0, by which members compare. */
void config_hash(const struct config *config, uint32_t hash[__CONFIG_PART_MAX]);
const char *config_part_name(enum config_part part);

/* Do two configurations say the same, but for the keys? */
bool config_is_same(const struct config *a, const struct config *b);

/* "nobody" of 0. */
const char *config_member_name(const struct config *config, uint8_t member);

#endif
