/* SPDX-License-Identifier: GPL-2.0 */
/* Netlink requests: one socket that asks and waits for the answer. */
#ifndef GWSYNC_AGENT_NETLINK_H
#define GWSYNC_AGENT_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

#define NETLINK_BUFFER	32768
#define NETLINK_EXTACK	192

struct netlink {
	struct mnl_socket	*nl;	/* NULL: not open */
	uint32_t		seq;
	uint64_t		strays;	/* refusals of requests that nobody waited for */
	int			stray_error;		/* the last of them, -errno */
	char			extack[NETLINK_EXTACK];	/* why the last one was refused */
	char			buffer[NETLINK_BUFFER] __attribute__((aligned(8)));
};

/* Returns 0 or -errno; @bus is NETLINK_GENERIC or NETLINK_ROUTE. */
int netlink_open(struct netlink *netlink, int bus);
void netlink_close(struct netlink *netlink);

/* Starts a message in @message (of at least MNL_SOCKET_BUFFER_SIZE bytes). */
struct nlmsghdr *netlink_start(struct netlink *netlink, void *message, uint16_t type,
			       uint16_t flags);
struct nlmsghdr *netlink_start_genl(struct netlink *netlink, void *message, uint16_t family,
				    uint8_t command, uint8_t version, uint16_t flags);

int netlink_send(struct netlink *netlink, const void *message, size_t len);

/**
 * netlink_wait() - receive until the answer to one request is complete
 * @netlink: where the request was sent
 * @seq: of a request with NLM_F_ACK or NLM_F_DUMP
 * @cb: given every message that answers it (no errors); returns 0 to go on or
 *	-errno, which is then the result; may be NULL
 * @arg: for @cb
 *
 * Refusals of earlier requests that come first are counted as strays.
 *
 * Return: 0 or -errno, the kernel's own words in @netlink->extack; -EINTR when
 * a dump was not consistent.
 */
int netlink_wait(struct netlink *netlink, uint32_t seq,
		 int (*cb)(const struct nlmsghdr *nlh, void *arg), void *arg);
int netlink_request(struct netlink *netlink, const struct nlmsghdr *nlh,
		    int (*cb)(const struct nlmsghdr *nlh, void *arg), void *arg);

/* Takes in refusals that wait, without waiting. */
void netlink_drain(struct netlink *netlink);

/* Error and text of an NLMSG_ERROR message; @text may be "". */
int netlink_error(const struct nlmsghdr *nlh, char text[NETLINK_EXTACK]);

/* Attributes by type, NULL where absent or shorter than @min[type]; false if
 * one is malformed.  @tb has @max + 1 places, types above are skipped.
 */
bool netlink_attrs(const struct nlmsghdr *nlh, size_t header, const struct nlattr **tb,
		   const uint16_t *min, unsigned int max);
bool netlink_nested(const struct nlattr *nest, const struct nlattr **tb,
		    const uint16_t *min, unsigned int max);

/**
 * netlink_family() - the id of a generic netlink family
 * @netlink: of NETLINK_GENERIC
 * @name: of the family
 * @load: if it is not there, its module is loaded: the kernel has modprobe run and waits
 *	for it (ctrl_getfamily(), net/netlink/genetlink.c).  If not, only those that are
 *	there are looked at.
 * @family: the id, 0 with an error
 *
 * Return: 0, -ENOENT, or another -errno.
 */
int netlink_family(struct netlink *netlink, const char *name, bool load, uint16_t *family);

#endif
