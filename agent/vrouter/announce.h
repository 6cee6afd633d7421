/* SPDX-License-Identifier: GPL-2.0 */
/* Announcements: gratuitous ARP and unsolicited neighbour advertisements; and frames
 * from the virtual MAC for switches alone.
 */
#ifndef GWSYNC_AGENT_ANNOUNCE_H
#define GWSYNC_AGENT_ANNOUNCE_H

#include <stddef.h>
#include <stdint.h>

#define ANNOUNCE_FRAME 86	/* Ethernet, IPv6, NA with a link-layer option */

/* A packet socket that receives nothing; -errno. */
int announce_open(void);

/**
 * announce_frame() - the frame that says where an address is
 * @family: AF_INET: ARP request for itself (RFC 5798, section 6.4.1), AF_INET6:
 *	advertisement with R, O and the link-layer address (section 8.2.2)
 * @addr: the virtual address
 * @mac: the virtual MAC
 * @frame: written to
 *
 * Return: bytes of the frame, 0 for another family.
 */
size_t announce_frame(uint8_t family, const uint8_t *addr, const uint8_t mac[6],
		      uint8_t frame[ANNOUNCE_FRAME]);

/**
 * announce_source() - a frame that teaches switches where the virtual MAC is
 * @addr: an IPv4 address of the virtual router, NULL: it has none
 * @mac: the virtual MAC
 * @group: the multicast group of the members, in network order
 * @port: theirs
 * @frame: written to
 *
 * An empty datagram to the group: switches pass it to every port, as the heartbeats;
 * hosts drop it unseen, as the group is none of theirs; members let it in by the rule
 * for heartbeats, and their daemons see that nothing is in it.
 *
 * Return: bytes of the frame.
 */
size_t announce_source(const uint8_t *addr, const uint8_t mac[6], uint32_t group,
		       uint16_t port, uint8_t frame[ANNOUNCE_FRAME]);

/* 0 or -errno; never waits. */
int announce_send(int fd, int ifindex, const uint8_t *frame, size_t len);

#endif
