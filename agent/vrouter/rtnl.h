/* SPDX-License-Identifier: GPL-2.0 */
/* rtnetlink: links and addresses, in batches of one sendmsg(). */
#ifndef GWSYNC_AGENT_RTNL_H
#define GWSYNC_AGENT_RTNL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/netlink.h"
#include "host/rtlink.h"

#define RTNL_BATCH	64	/* answers that fit a socket's default buffer */
#define RTNL_MESSAGE	512	/* bytes of one request */
#define RTNL_WHY	288

struct rtnl {
	struct netlink	netlink;
	unsigned int	count;
	size_t		used;
	int		error;		/* the first of this batch that counts */
	char		why[RTNL_WHY];	/* its step and the kernel's words */
	struct {
		uint32_t	seq;
		int		ignore[2];	/* -errno that is as good as success */
		const char	*what;
	} op[RTNL_BATCH];
	uint8_t		message[RTNL_BATCH * RTNL_MESSAGE] __attribute__((aligned(8)));
};

struct rtnl_conf {
	uint16_t	id;		/* IPV4_DEVCONF_* */
	uint32_t	value;
};

int rtnl_open(struct rtnl *rtnl);
void rtnl_close(struct rtnl *rtnl);

/* By its name, or without one by its index. */
int rtnl_link_get(struct rtnl *rtnl, const char *name, int index, struct rtnl_link *link);

/* Every link of the host; @cb must not ask on @rtnl. */
int rtnl_links(struct rtnl *rtnl, void (*cb)(void *arg, const struct rtnl_link *link), void *arg);

/* Requests of the open batch.  A full one goes out by itself; rtnl_link_get() and
 * the like may come between.
 */
void rtnl_macvlan_add(struct rtnl *rtnl, const char *name, int parent, const uint8_t mac[6],
		      uint32_t mtu);
/* Mode, MAC and MTU of one that is there. */
void rtnl_macvlan_set(struct rtnl *rtnl, int index, const uint8_t mac[6], uint32_t mtu);
/* It receives nothing, or as usual; that is no news for anybody else in the kernel. */
void rtnl_macvlan_hush(struct rtnl *rtnl, int index, bool hush);
void rtnl_link_del(struct rtnl *rtnl, int index);
/* Up is with ARP and multicast. */
void rtnl_link_updown(struct rtnl *rtnl, int index, bool up);
/* @master 0: none. */
void rtnl_link_master(struct rtnl *rtnl, int index, int master);
void rtnl_link_alias(struct rtnl *rtnl, const char *name, const char *alias);
void rtnl_link_conf(struct rtnl *rtnl, int index, const struct rtnl_conf *conf,
		    unsigned int count);
/* No link-local address by itself. */
void rtnl_link_no_address(struct rtnl *rtnl, const char *name);

/* Addresses are usable at once (no DAD), their network is a route of @metric. */
void rtnl_address_add(struct rtnl *rtnl, int index, uint8_t family, const uint8_t *addr,
		      uint8_t prefix_len, uint32_t metric);
void rtnl_address_del(struct rtnl *rtnl, int index, uint8_t family, const uint8_t *addr,
		      uint8_t prefix_len);

/* Sends what waits and reads the answers; 0 or the first error since the last
 * commit, of which @rtnl->why tells.  The others are tried all the same.
 */
int rtnl_commit(struct rtnl *rtnl);

/* Every address of the link @index; @cb must not ask on @rtnl. */
int rtnl_addresses(struct rtnl *rtnl, int index,
		   void (*cb)(void *arg, const struct rtnl_address *address), void *arg);

#endif
