/* SPDX-License-Identifier: GPL-2.0 */
/* Paths, which the configuration calls links: one UDP multicast socket for each
 * interface that carries the group's traffic.  The configured ones come first, in the
 * order of the file; then the parents of virtual routers that are not among them, which
 * carry heartbeats only: the second path that tells a dead peer from a dead cable.
 */
#ifndef GWSYNC_AGENT_PATH_H
#define GWSYNC_AGENT_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <netinet/in.h>

#include "config/config.h"

#define PATHS_MAX		(CONFIG_LINKS_MAX + CONFIG_VROUTERS_MAX)
#define PATH_PORT		8116
#define PATH_GROUP		0xe0000074u	/* 224.0.0.116 */
#define PATH_DATAGRAM_MAX	9216	/* jumbo frames; a larger MTU is cut to it */

struct ifaces;
struct loop;
struct paths;

struct path_callbacks {
	/* @data is valid during the call only. */
	void (*receive)(void *arg, unsigned int path, const struct sockaddr_in *from,
			uint8_t *data, size_t len);
	/* A link went up or down; also called when its MTU changed. */
	void (*changed)(void *arg, unsigned int path);
	void *arg;
};

/**
 * paths_alloc() - open a socket on every link
 * @loop: where the sockets are served
 * @ifaces: outlives the links
 * @config: outlives the links
 * @cb: called from the loop, never from this function
 * @err: -errno when NULL is returned
 *
 * An interface that is missing is no error: it is waited for, and its coming
 * and going is logged.
 */
struct paths *paths_alloc(struct loop *loop, struct ifaces *ifaces, const struct config *config,
			  const struct path_callbacks *cb, int *err);
void paths_free(struct paths *paths);

unsigned int paths_count(const struct paths *paths);
const char *paths_name(const struct paths *paths, unsigned int path);
bool paths_is_sync(const struct paths *paths, unsigned int path);
bool paths_up(const struct paths *paths, unsigned int path);

/* A member was heard on it: its socket works. */
void paths_heard(struct paths *paths, unsigned int number, uint64_t now_ns);

/* Does a virtual router need it? */
bool paths_is_lan(const struct paths *paths, unsigned int path);

/* Whether a sync link is configured, and whether all of them are down. */
bool paths_sync_down(const struct paths *paths);

/**
 * paths_deaf() - can silence be trusted?
 * @paths: looks at each socket that is up
 * @overflow: whether one has lost datagrams for want of room since the last call
 *
 * Return: true if each of them has, or holds more than was read just now: who was
 * not heard may have spoken.
 */
bool paths_deaf(struct paths *paths, bool *overflow);

/* The least MTU of all sync links: most bytes of an IP packet that fits each. */
unsigned int paths_mtu(const struct paths *paths);

/* 0 or -errno.  -EAGAIN: the socket is full; the datagram counts as lost. */
int paths_send(struct paths *paths, unsigned int number, const void *data, size_t len);

/**
 * paths_loop() - have this host hear what it sends, or no longer
 * @paths: all links
 * @number: which
 * @loop: whether datagrams come back to this host, too
 *
 * What comes back has been through the host's own firewall, out and in.
 */
void paths_loop(struct paths *paths, unsigned int number, bool loop);

/* Does the interface have an IPv4 address, so that what is sent must come back? */
bool paths_has_address(const struct paths *paths, unsigned int number);

/* Has the firewall of this host refused the last datagram that was sent? */
bool paths_refused(const struct paths *paths, unsigned int number);

json_t *paths_json(const struct paths *paths);

#endif
