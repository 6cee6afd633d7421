/* SPDX-License-Identifier: GPL-2.0 */
/* The interfaces of this host and their addresses: one monitor for all who ask.
 *
 * The kernel tells of every change; what it told last is looked up here.  To ask it
 * instead is to wait for its lock (rtnl), also without waiting for the answer: a request
 * is served in sendmsg() (netlink_unicast_kernel(), net/netlink/af_netlink.c).  Others
 * hold that lock for seconds, as when many containers end.
 */
#ifndef GWSYNC_AGENT_IFACE_H
#define GWSYNC_AGENT_IFACE_H

#include <stdbool.h>
#include <stdint.h>

#include "host/rtlink.h"

struct loop;
struct ifaces;

/* Embedded in who wants to be told, zeroed but for the callbacks, each of which may be
 * NULL.  They may look up, and must not free.
 */
struct iface_watcher {
	/* It came, changed, has another name, or is @gone.  Also of a port, as its bridge
	 * tells (link->port), which is not what is looked up.
	 */
	void (*link)(void *arg, const struct rtnl_link *link, bool gone);
	void (*address)(void *arg, const struct rtnl_address *address, bool gone);
	/* Something was lost.  What is different now is told like any other change; what
	 * has only happened (link->moved) is not told again.
	 */
	void (*lost)(void *arg);
	void			*arg;
	struct iface_watcher	*next;		/* the monitor's */
};

/**
 * ifaces_alloc() - open the monitor and look at everything
 * @loop: where it is served
 * @err: -errno when NULL is returned
 *
 * Waits for the kernel, as only a start may.
 */
struct ifaces *ifaces_alloc(struct loop *loop, int *err);
void ifaces_free(struct ifaces *ifaces);

/* From now on; not of what is there already. */
void ifaces_watch(struct ifaces *ifaces, struct iface_watcher *watcher);
void ifaces_unwatch(struct ifaces *ifaces, struct iface_watcher *watcher);

/* By its name or an alternative one, and by its index; NULL: there is none.  Valid until
 * the loop goes on.
 */
const struct rtnl_link *ifaces_named(const struct ifaces *ifaces, const char *name);
const struct rtnl_link *ifaces_at(const struct ifaces *ifaces, int index);

/* Every address of the host, or of the link @index alone. */
void ifaces_addresses(const struct ifaces *ifaces, int index,
		      void (*cb)(void *arg, const struct rtnl_address *address), void *arg);

#endif
