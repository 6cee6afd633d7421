/* SPDX-License-Identifier: GPL-2.0 */
/* rtnetlink: links and addresses, in batches of one sendmsg(). */
#ifndef GWSYNC_AGENT_RTNL_H
#define GWSYNC_AGENT_RTNL_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "netlink.h"

#define RTNL_BATCH	64	/* answers that fit a socket's default buffer */
#define RTNL_MESSAGE	256	/* bytes of one request */
#define RTNL_ALIAS	96

struct rtnl {
	struct netlink	netlink;
	unsigned int	count;
	size_t		used;
	uint32_t	first_seq;
	int		error;		/* the first of this batch that counts */
	struct {
		int		ignore;	/* -errno that is as good as success */
		const char	*what;
	} op[RTNL_BATCH];
	uint8_t		message[RTNL_BATCH * RTNL_MESSAGE] __attribute__((aligned(8)));
};

/* A link as the kernel tells; index 0: none of this name. */
struct rtnl_link {
	int		index;
	unsigned int	flags;		/* IFF_*, IFF_LOWER_UP */
	bool		macvlan;
	char		alias[RTNL_ALIAS];
	bool		has_inet;
	uint32_t	forwarding, arp_ignore, arp_announce;	/* of IPv4 */
};

struct rtnl_conf {
	uint16_t	id;		/* IPV4_DEVCONF_* */
	uint32_t	value;
};

int rtnl_open(struct rtnl *rtnl);
void rtnl_close(struct rtnl *rtnl);

int rtnl_link_get(struct rtnl *rtnl, const char *name, struct rtnl_link *link);

/* Requests of the open batch.  A full one goes out by itself. */
void rtnl_macvlan_add(struct rtnl *rtnl, const char *name, int parent, const uint8_t mac[6]);
void rtnl_link_del(struct rtnl *rtnl, int index);
void rtnl_link_updown(struct rtnl *rtnl, int index, bool up);
void rtnl_link_alias(struct rtnl *rtnl, const char *name, const char *alias);
void rtnl_link_conf(struct rtnl *rtnl, const char *name, const struct rtnl_conf *conf,
		    unsigned int count);
/* No link-local address by itself. */
void rtnl_link_no_address(struct rtnl *rtnl, const char *name);

/* Addresses are usable at once (no DAD), their network is a route of @metric. */
void rtnl_address_add(struct rtnl *rtnl, int index, uint8_t family, const uint8_t *addr,
		      uint8_t prefix_len, uint32_t metric);
void rtnl_address_del(struct rtnl *rtnl, int index, uint8_t family, const uint8_t *addr,
		      uint8_t prefix_len);

/* Sends what waits and reads the answers; 0 or the first error since the last
 * commit.  Each is logged; the others are tried all the same.
 */
int rtnl_commit(struct rtnl *rtnl);

/* Every address of the host. */
int rtnl_addresses(struct rtnl *rtnl,
		   void (*cb)(void *arg, uint8_t family, const uint8_t *addr), void *arg);

/* A non-blocking socket that tells of links and addresses; -errno. */
int rtnl_monitor_open(void);

/* Takes in what waits; true if a link that @match knows was named or if
 * something was lost.  @addresses: set when an address of the host came or went,
 * or something was lost; left alone otherwise.
 */
bool rtnl_monitor_read(int fd, bool (*match)(void *arg, const char *name), void *arg,
		       bool *addresses);

#endif
