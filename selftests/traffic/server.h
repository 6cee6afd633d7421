/* SPDX-License-Identifier: GPL-2.0 */
/* The server's side, and what both sides know of each service. */
#ifndef GWSYNC_TRAFFIC_SERVER_H
#define GWSYNC_TRAFFIC_SERVER_H

#include <stdint.h>

#include "socket.h"

#define PORT_ECHO	7007	/* TCP: sends back what it gets */
#define PORT_UDP	7007	/* answers struct udp_message of known sessions */
#define PORT_BULK	5001	/* gets a seed (be64), sends content until EOF */
#define PORT_FTP	21

/* After the content, when the client has closed its direction: the number of
 * bytes and their checksum, both be64.
 */
#define BULK_TRAILER	16

struct udp_message {
	uint64_t id;	/* of the session, be64 */
	uint64_t seq;	/* be64; 0 begins a session */
};

/**
 * server_listen() - offer all services at an address
 * @address: the port in it is ignored
 * @rate: most bytes a second of one bulk download, 0: no limit
 *
 * Return: 0, or a negative errno.
 */
int server_listen(const union endpoint *address, uint32_t rate);
int ftpd_listen(const union endpoint *address);
void server_tick(int64_t now);
void ftpd_tick(int64_t now);

#endif
