/* SPDX-License-Identifier: GPL-2.0 */
/* Links: one UDP multicast socket for each interface that carries the group's
 * traffic.  The configured links come first, in the order of the file; then
 * the parents of virtual routers that are not links already, which carry
 * heartbeats only: the second path that tells a dead peer from a dead cable.
 */
#ifndef GWSYNC_AGENT_LINK_H
#define GWSYNC_AGENT_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <netinet/in.h>

#include "config.h"

#define LINK_MAX_LINKS		(CONFIG_LINKS_MAX + CONFIG_VROUTERS_MAX)
#define LINK_PORT		8116
#define LINK_GROUP		0xe0000074u	/* 224.0.0.116 */
#define LINK_DATAGRAM_MAX	9216	/* jumbo frames; a larger MTU is cut to it */

struct links;
struct loop;

struct link_callbacks {
	/* @data is valid during the call only. */
	void (*receive)(void *arg, unsigned int link, const struct sockaddr_in *from,
			uint8_t *data, size_t len);
	/* A link went up or down; also called when its MTU changed. */
	void (*changed)(void *arg, unsigned int link);
	void *arg;
};

/**
 * links_alloc() - open a socket on every link
 * @loop: where the sockets are served
 * @config: outlives the links
 * @cb: called from the loop, never from this function
 * @err: -errno when NULL is returned
 *
 * An interface that is missing is no error: it is waited for, and its coming
 * and going is logged.
 */
struct links *links_alloc(struct loop *loop, const struct config *config,
			  const struct link_callbacks *cb, int *err);
void links_free(struct links *links);

unsigned int links_count(const struct links *links);
const char *links_name(const struct links *links, unsigned int link);
bool links_is_sync(const struct links *links, unsigned int link);
bool links_up(const struct links *links, unsigned int link);

/* Whether a sync link is configured, and whether all of them are down. */
bool links_sync_down(const struct links *links);

/**
 * links_deaf() - can silence be trusted?
 * @links: looks at each socket that is up
 * @overflow: whether one has lost datagrams for want of room since the last call
 *
 * Return: true if each of them has, or holds more than was read just now: who was
 * not heard may have spoken.
 */
bool links_deaf(struct links *links, bool *overflow);

/* The least MTU of all sync links: most bytes of an IP packet that fits each. */
unsigned int links_mtu(const struct links *links);

/* 0 or -errno.  -EAGAIN: the socket is full; the datagram counts as lost. */
int links_send(struct links *links, unsigned int number, const void *data, size_t len);

json_t *links_json(const struct links *links);

#endif
