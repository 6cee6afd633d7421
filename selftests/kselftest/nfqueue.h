/* SPDX-License-Identifier: GPL-2.0 */
/* Somebody on an NFQUEUE: packets come without their content, and wait for a verdict. */
#ifndef _KSELFTEST_NFQUEUE_H
#define _KSELFTEST_NFQUEUE_H

#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

#define NFQUEUE_MESSAGE	512	/* room for one that is sent */

struct nfqueue {
	struct mnl_socket	*nl;
	uint16_t		number;
};

/* Takes the queue of this netns: 0 or -errno. */
int nfqueue_open(struct nfqueue *queue, uint16_t number);

/* Calls @packet for each message that has come, with the id of its packet: 0 or -errno. */
int nfqueue_receive(struct nfqueue *queue, int (*packet)(struct nfqueue *queue, uint32_t id));

/*
 * To accept @id, or with NFQNL_MSG_VERDICT_BATCH all up to it.  @buf: NFQUEUE_MESSAGE, to
 * which more may be put before it is sent: 0 or -errno.
 */
struct nlmsghdr *nfqueue_accept(const struct nfqueue *queue, char *buf, uint16_t type,
				uint32_t id);
int nfqueue_send(const struct nfqueue *queue, const struct nlmsghdr *nlh);

#endif
