// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "base/big_endian.h"
#include "vrouter/announce.h"

#define ARP_BYTES	28
#define NA_BYTES	32
#define IPV4_BYTES	20
#define UDP_BYTES	8
#define NA_ROUTER	0x80
#define NA_OVERRIDE	0x20

int announce_open(void)
{
	/* Protocol 0: the kernel delivers no packet to it. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

static size_t announce_arp(const uint8_t *addr, const uint8_t mac[6], uint8_t *frame)
{
	uint8_t *arp = frame + ETH_HLEN;

	memset(frame, 0xff, 6);
	put_be(frame + 12, ETH_P_ARP, 2);
	put_be(arp, 1, 2);			/* Ethernet */
	put_be(arp + 2, ETH_P_IP, 2);
	arp[4] = 6;
	arp[5] = 4;
	put_be(arp + 6, 1, 2);		/* request */
	memcpy(arp + 8, mac, 6);
	memcpy(arp + 14, addr, 4);
	memcpy(arp + 24, addr, 4);
	return ETH_HLEN + ARP_BYTES;
}

/* RFC 4443, section 2.3: with the pseudo header of RFC 8200, section 8.1 */
static uint16_t icmpv6_checksum(const uint8_t *ipv6, const uint8_t *icmp, size_t len)
{
	uint32_t sum = IPPROTO_ICMPV6 + (uint32_t)len;
	size_t i;

	for (i = 8; i < 40; i += 2)
		sum += (uint32_t)ipv6[i] << 8 | ipv6[i + 1];
	for (i = 0; i < len; i += 2)
		sum += (uint32_t)icmp[i] << 8 | icmp[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static size_t announce_na(const uint8_t *addr, const uint8_t mac[6], uint8_t *frame)
{
	uint8_t *ipv6 = frame + ETH_HLEN, *na = ipv6 + 40;

	/* All nodes of the link */
	frame[0] = 0x33;
	frame[1] = 0x33;
	frame[5] = 1;
	put_be(frame + 12, ETH_P_IPV6, 2);
	ipv6[0] = 0x60;
	put_be(ipv6 + 4, NA_BYTES, 2);
	ipv6[6] = IPPROTO_ICMPV6;
	ipv6[7] = 255;
	memcpy(ipv6 + 8, addr, 16);
	ipv6[24] = 0xff;
	ipv6[25] = 0x02;
	ipv6[39] = 1;
	na[0] = 136;
	na[4] = NA_ROUTER | NA_OVERRIDE;
	memcpy(na + 8, addr, 16);
	na[24] = 2;			/* target link-layer address */
	na[25] = 1;			/* in units of 8 bytes */
	memcpy(na + 26, mac, 6);
	put_be(na + 2, icmpv6_checksum(ipv6, na, NA_BYTES), 2);
	return ETH_HLEN + 40 + NA_BYTES;
}

size_t announce_frame(uint8_t family, const uint8_t *addr, const uint8_t mac[6],
		      uint8_t frame[ANNOUNCE_FRAME])
{
	memset(frame, 0, ANNOUNCE_FRAME);
	memcpy(frame + 6, mac, 6);
	if (family == AF_INET)
		return announce_arp(addr, mac, frame);
	if (family == AF_INET6)
		return announce_na(addr, mac, frame);
	return 0;
}

/* RFC 791: of a header with nothing where the sum is to be */
static uint16_t ipv4_checksum(const uint8_t *ip)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < IPV4_BYTES; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

size_t announce_source(const uint8_t *addr, const uint8_t mac[6], uint32_t group,
		       uint16_t port, uint8_t frame[ANNOUNCE_FRAME])
{
	uint8_t *ip = frame + ETH_HLEN, *udp = ip + IPV4_BYTES;

	memset(frame, 0, ANNOUNCE_FRAME);
	memcpy(frame + 6, mac, 6);
	put_be(frame + 12, ETH_P_IP, 2);
	ip[0] = 0x45;
	ip[1] = IPTOS_CLASS_CS6;
	put_be(ip + 2, IPV4_BYTES + UDP_BYTES, 2);
	ip[8] = 1;			/* TTL: it ends here */
	ip[9] = IPPROTO_UDP;
	if (addr)
		memcpy(ip + 12, addr, 4);
	memcpy(ip + 16, &group, 4);
	put_be(ip + 10, ipv4_checksum(ip), 2);
	put_be(udp, port, 2);
	put_be(udp + 2, port, 2);
	put_be(udp + 4, UDP_BYTES, 2);	/* and no checksum */
	/* RFC 1112, section 6.4 */
	frame[0] = 0x01;
	frame[2] = 0x5e;
	frame[3] = ip[17] & 0x7f;
	memcpy(frame + 4, ip + 18, 2);
	return ETH_HLEN + IPV4_BYTES + UDP_BYTES;
}

int announce_send(int fd, int ifindex, const uint8_t *frame, size_t len)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = ifindex,
		.sll_halen = 6,
	};

	memcpy(&to.sll_protocol, frame + 12, 2);
	memcpy(to.sll_addr, frame, 6);
	if (sendto(fd, frame, len, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return 0;
}
