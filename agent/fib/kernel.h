/* SPDX-License-Identifier: GPL-2.0 */
/* Routes, nexthop objects and rules of the kernel, by rtnetlink: what it tells, and
 * requests in batches of one sendmsg() that ask for no answer but a refusal.
 */
#ifndef GWSYNC_AGENT_FIB_KERNEL_H
#define GWSYNC_AGENT_FIB_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/netlink.h"
#include "fib/route.h"

#define FIB_PROTOCOL	116		/* rtm_protocol of what is ours; port 8116 */
#define FIB_TABLE	8116		/* the first of our tables */
#define FIB_TABLES	16		/* and how many */
/* Ids of our nexthop objects: 20 bits of them, from the upper bits of 8116 << 16. */
#define FIB_ID		0x1fb00000U
#define FIB_ID_MASK	0xfff00000U
#define FIB_BATCH	32768
#define FIB_MESSAGE_MAX	512

enum fib_told {
	FIB_TOLD_NOTHING,	/* not of a route */
	FIB_TOLD_LOCAL,		/* that each member makes itself */
	FIB_TOLD_ROUTE,
	FIB_TOLD_UNFIT,		/* no record can say what it says: key alone is filled */
};

struct fib_seen {
	struct fib_route	route;
	enum fib_told		told;
	bool			gone, appended;
	bool			dumped;		/* of each key the first counts */
	bool			ours;
};

struct fib_watcher {
	void (*seen)(void *arg, const struct fib_seen *seen);
	/* Something that takes routes away, or changes them, without a word on each. */
	void (*shaken)(void *arg);
	/* And nexthop objects by this interface, without a word on these either. */
	void (*link_down)(void *arg, int ifindex);
	void (*nexthop_gone)(void *arg, uint32_t id);
	void (*rule_gone)(void *arg);	/* one of ours */
	/* All that there was of a table has been seen; or not all of it. */
	void (*dumped)(void *arg, bool whole);
	void (*lost)(void *arg);
	/* The kernel did not take what was asked for, by @what and its id. */
	void (*refused)(void *arg, uint32_t what, int err);
	void *arg;
};

/* Upper bits of what is asked for; below is an id of the caller's. */
#define FIB_ASK_ROUTE	0U
#define FIB_ASK_NEXTHOP	(1U << 28)
#define FIB_ASK_REMOVE	(2U << 28)	/* it may have gone */
#define FIB_ASK_RULE	(3U << 28)
#define FIB_ASK_MASK	(7U << 28)

struct fib_kernel {
	struct fib_watcher	watcher;
	int			events;		/* and dumps, so that they come in order */
	int			requests;
	uint32_t		self;		/* the port of the latter */
	int			compat;		/* nexthop_compat_mode, -1: it is not there */
	bool			congested;
	bool			dumping, dump_cut;
	uint32_t		dump_seq;
	uint64_t		refused;
	int			error;		/* the last of them */
	char			why[NETLINK_EXTACK];
	size_t			used;
	uint8_t			batch[FIB_BATCH] __attribute__((aligned(8)));
};

int fib_kernel_open(struct fib_kernel *kernel, const struct fib_watcher *watcher);
void fib_kernel_close(struct fib_kernel *kernel);

/* Takes in what waits, so many messages at most.  Return: false if there may be more. */
bool fib_kernel_read(struct fib_kernel *kernel, unsigned int most);

/* What one message says. */
void fib_kernel_parse(const struct nlmsghdr *nlh, struct fib_seen *seen);

/* Asks for the routes of one table and family; 0 or -errno. */
int fib_kernel_dump(struct fib_kernel *kernel, uint8_t family, uint32_t table);

/**
 * fib_kernel_quiet() - replacing a nexthop object tells nobody of its routes
 * @kernel: whose net.ipv4.nexthop_compat_mode is set
 * @quiet: it begins; false: it is as it was before
 *
 * With it on a replaced object costs a message for each of its routes, if there is a
 * listener.  It is off for as long as the objects are flipped alone: routing daemons that
 * read routes want it on.
 */
void fib_kernel_quiet(struct fib_kernel *kernel, bool quiet);

/* Requests; they wait for fib_kernel_flush(), or until there are many. */

void fib_kernel_route(struct fib_kernel *kernel, uint32_t id, const struct fib_route *route,
		      uint32_t table, uint32_t nexthop);
void fib_kernel_route_remove(struct fib_kernel *kernel, const struct fib_route *route,
			     uint32_t table);
/* One next hop, or nowhere with @hop NULL. */
void fib_kernel_nexthop(struct fib_kernel *kernel, uint32_t id, uint8_t family,
			const struct fib_hop *hop);

struct fib_member {
	uint32_t	id;
	uint8_t		weight;		/* less one */
};

void fib_kernel_group(struct fib_kernel *kernel, uint32_t id,
		      const struct fib_member *members, unsigned int count);
void fib_kernel_nexthop_remove(struct fib_kernel *kernel, uint32_t id);

struct fib_rule {
	uint32_t	priority;
	uint32_t	table;
	const char	*iif, *oif;	/* or NULL */
	bool		no_default;	/* a default route of it does not count */
};

void fib_kernel_rule(struct fib_kernel *kernel, uint8_t family, const struct fib_rule *rule,
		     bool remove);

/* Sends them, and tells of refusals. */
void fib_kernel_flush(struct fib_kernel *kernel);

#endif
