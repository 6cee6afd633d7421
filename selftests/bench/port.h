/* SPDX-License-Identifier: GPL-2.0 */
/* An end's packet socket: what arrives is read from a ring, what leaves goes in batches. */
#ifndef BENCH_PORT_H
#define BENCH_PORT_H

#include <sys/socket.h>

#include "flow.h"

#define PORT_BATCH	64

struct port {
	int		fd;
	int		end;		/* CLIENT or SERVER */
	uint8_t		*ring;
	unsigned int	next;		/* frame of the ring to look at */
	unsigned int	queued;
	struct frame	frame[PORT_BATCH];
	struct iovec	iov[PORT_BATCH];
	struct mmsghdr	msg[PORT_BATCH];
	unsigned long	sent;
	unsigned long	refused;	/* by a queue that was full */
};

/* In namespace NETNS, on DEVICE. Ends the program if that fails. */
void port_open(struct port *p, int end, const char *netns, const char *device);

/* The next frame to fill; port_queue() says how long it became. */
struct frame *port_frame(struct port *p);
void port_queue(struct port *p, unsigned int len);
void port_flush(struct port *p);

/* Reads the oldest packet that arrived; false if there is none. */
bool port_read(struct port *p, struct seen *s);

/* Packets that found the ring full, since the last call. */
unsigned int port_overruns(struct port *p);

#endif
