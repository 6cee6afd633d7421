// SPDX-License-Identifier: GPL-2.0
/*
 * attack: somebody on the sync LAN who has no key.
 *
 * attack record DEV FILE SECONDS	what others send to the group's port, until SIGINT
 * attack list FILE			how many of each member, boot id and key
 * attack send DEV FILE KIND COUNT [NAME=VALUE...]	made of what was recorded
 * attack portid N			a generic netlink socket of this port comes and goes
 *
 * KIND:
 *	random	random bytes of random length
 *	magic	the same behind the magic and the version
 *	head	a head as the recorded ones, the next counters, a random body and tag
 *	boot	the same with a boot id that nobody has
 *	flip	recordings with 1 to 8 bits flipped
 *	cut	recordings that end too early
 *	splice	the head of one recording, the rest of another
 *	replay	recordings as they were
 *
 * NAME: seed; rate (datagrams a second, 0: as fast as it goes); len (payload of
 * head and boot, 0: random); member (only recordings of this one, 0: all);
 * group (written into each head); spoof (1: from the recorded sender's addresses)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/netlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT		8116
#define HEAD		30	/* Documentation/protocol.rst; of the version before: */
#define HEAD_OLD	24
#define TAG		16
#define PAYLOAD_MAX	1472
#define BATCH		32
#define RECORDINGS_MAX	65536

/* Offsets in the head. */
enum { AT_VERSION = 2, AT_TYPE, AT_GROUP, AT_SENDER, AT_KEY, AT_BOOT = 8, AT_COUNTER = 16 };

struct packet {
	struct ether_header	eth;
	struct iphdr		ip;
	struct udphdr		udp;
	uint8_t			payload[PAYLOAD_MAX];
} __attribute__((packed));

#define HEADERS	((unsigned int)offsetof(struct packet, payload))

struct recording {
	unsigned int	len;	/* of the payload */
	struct packet	*packet;
};

static struct recording *recording;
static unsigned int recordings;
static uint64_t rng = 1;

static struct {
	unsigned long	rate, len, member, group, spoof;
} option;

static uint64_t rnd(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng * 0x2545f4914f6cdd1dULL;
}

static void fill(uint8_t *at, unsigned int len)
{
	uint64_t r;

	for (; len >= 8; len -= 8, at += 8) {
		r = rnd();
		memcpy(at, &r, 8);
	}
	r = rnd();
	memcpy(at, &r, len);
}

static uint64_t get_be64(const uint8_t *at)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | at[i];
	return v;
}

static void put_be64(uint8_t *at, uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		at[i] = v;
}

/* Bytes of the clear head. */
static unsigned int head_of(const uint8_t *payload)
{
	return payload[AT_VERSION] == 1 ? HEAD_OLD : HEAD;
}

static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

static int fail(const char *what)
{
	fprintf(stderr, "attack: %s: %s\n", what, strerror(errno));
	return 1;
}

static int open_device(const char *dev, struct sockaddr_ll *to)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_IP));

	*to = (struct sockaddr_ll) {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = (int)if_nametoindex(dev),
	};
	if (fd < 0 || !to->sll_ifindex || bind(fd, (struct sockaddr *)to, sizeof(*to)))
		return -1;
	return fd;
}

/* A whole datagram to our port, with a head: worth keeping. */
static bool wanted(const struct packet *p, ssize_t len)
{
	unsigned int udp;

	if (len < (ssize_t)(HEADERS + HEAD_OLD) || p->ip.ihl != 5 ||
	    p->ip.protocol != IPPROTO_UDP ||
	    p->udp.dest != htons(PORT))
		return false;
	udp = ntohs(p->udp.len);
	return udp >= sizeof(p->udp) + head_of(p->payload) &&
	       udp - sizeof(p->udp) <= (size_t)len - HEADERS;
}

static int record(const char *dev, const char *path, double seconds)
{
	struct sockaddr_ll at;
	int fd = open_device(dev, &at);
	const struct sigaction end_it = { .sa_handler = interrupt };
	struct timespec now, end;
	unsigned int count = 0;
	FILE *file;

	if (fd < 0)
		return fail(dev);
	file = fopen(path, "w");
	if (!file)
		return fail(path);
	sigaction(SIGINT, &end_it, NULL);
	puts("listening");
	fflush(stdout);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += (time_t)seconds;
	do {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		struct sockaddr_ll from = { 0 };
		socklen_t from_len = sizeof(from);
		struct packet p = { 0 };
		ssize_t len = -1;

		if (poll(&poll_fd, 1, 100) > 0)
			len = recvfrom(fd, &p, sizeof(p), MSG_DONTWAIT, (struct sockaddr *)&from,
				       &from_len);
		if (len > 0 && from.sll_pkttype != PACKET_OUTGOING && wanted(&p, len)) {
			uint32_t bytes = HEADERS + ntohs(p.udp.len) - sizeof(p.udp);

			if (fwrite(&bytes, sizeof(bytes), 1, file) != 1 ||
			    fwrite(&p, bytes, 1, file) != 1)
				return fail(path);
			count++;
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (count < RECORDINGS_MAX && !interrupted && (now.tv_sec < end.tv_sec ||
		 (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec)));
	if (fclose(file))
		return fail(path);
	printf("recorded %u\n", count);
	return 0;
}

static int load(const char *path)
{
	FILE *file = fopen(path, "r");
	uint32_t bytes;

	recording = calloc(RECORDINGS_MAX, sizeof(*recording));
	if (!file || !recording)
		return fail(path);
	while (recordings < RECORDINGS_MAX && fread(&bytes, sizeof(bytes), 1, file) == 1) {
		struct packet *p = calloc(1, sizeof(*p));

		if (!p || bytes < HEADERS + HEAD_OLD || bytes > sizeof(*p) ||
		    fread(p, bytes, 1, file) != 1) {
			free(p);
			return fail(path);
		}
		if (option.member && p->payload[AT_SENDER] != option.member) {
			free(p);
			continue;
		}
		recording[recordings].len = bytes - HEADERS;
		recording[recordings++].packet = p;
	}
	fclose(file);
	return 0;
}

/* One line for each sender, boot id and key, in the order of their first datagram. */
static int list(void)
{
	bool *seen = calloc(recordings + 1, sizeof(*seen));

	if (!seen)
		return fail("list");
	for (unsigned int i = 0; i < recordings; i++) {
		const uint8_t *a = recording[i].packet->payload;
		unsigned int count = 0, beats = 0;

		if (seen[i] || !a)
			continue;
		for (unsigned int j = i; j < recordings; j++) {
			const uint8_t *b = recording[j].packet->payload;

			if (memcmp(a + AT_GROUP, b + AT_GROUP, AT_COUNTER - AT_GROUP))
				continue;
			seen[j] = true;
			count++;
			beats += (b[AT_TYPE] & 0x7f) == 1;
		}
		printf("group=%u member=%u key=%u boot=%016llx count=%u heartbeats=%u\n",
		       a[AT_GROUP], a[AT_SENDER], a[AT_KEY],
		       (unsigned long long)get_be64(a + AT_BOOT), count, beats);
	}
	free(seen);
	return 0;
}

/* What this kind makes of recording @i; returns the payload's length. */
static unsigned int make(const char *kind, unsigned int i, struct packet *p)
{
	const struct recording *r = &recording[i % recordings], *other;
	unsigned int len = r->len, n;
	uint8_t *data = p->payload;

	assert(r->packet);
	memcpy(p, r->packet, HEADERS + r->len);
	switch (kind[0]) {
	case 'r':
		if (!strcmp(kind, "replay"))
			break;
		len = 1 + rnd() % 200;
		fill(data, len);
		break;
	case 'm':
		len = 4 + rnd() % 200;
		fill(data + AT_TYPE, len - AT_TYPE);
		break;
	case 'h':
	case 'b':
		len = option.len ? option.len : HEAD + TAG + rnd() % (PAYLOAD_MAX - HEAD - TAG);
		if (len < HEAD + TAG || len > PAYLOAD_MAX)
			len = PAYLOAD_MAX;
		if (kind[0] == 'b')
			fill(data + AT_BOOT, 8);
		/* Ahead of all that was heard: no replay window can know it. */
		put_be64(data + AT_COUNTER, get_be64(data + AT_COUNTER) + 1000000 + i);
		fill(data + head_of(data), len - head_of(data));
		break;
	case 'f':
		n = 1 + rnd() % 8;
		while (n--)
			data[rnd() % len] ^= 1 << rnd() % 8;
		if (!memcmp(data, r->packet->payload, len))
			data[len - 1] ^= 1;
		break;
	case 'c':
		len = rnd() % len;
		break;
	case 's':
		other = &recording[rnd() % recordings];
		len = other->len;
		n = head_of(data);
		if (len <= n)
			break;
		memcpy(data + n, other->packet->payload + n, len - n);
		if (len == r->len && !memcmp(data, r->packet->payload, len))
			data[len - 1] ^= 1;
		break;
	}
	if (option.group && len > AT_GROUP)
		data[AT_GROUP] = option.group;
	return len;
}

static void address(struct packet *p, unsigned int len, const uint8_t mac[6], uint32_t addr)
{
	uint32_t sum = 0;
	uint16_t word;

	if (!option.spoof) {
		memcpy(p->eth.ether_shost, mac, 6);
		p->ip.saddr = addr;
	}
	p->ip.tot_len = htons(sizeof(p->ip) + sizeof(p->udp) + len);
	p->ip.frag_off = 0;
	p->ip.check = 0;
	for (unsigned int i = 0; i < sizeof(p->ip); i += 2) {
		memcpy(&word, (uint8_t *)&p->ip + i, 2);
		sum += word;
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	p->ip.check = ~sum;
	p->udp.len = htons(sizeof(p->udp) + len);
	p->udp.check = 0;	/* none: allowed over IPv4 */
}

static int own_address(int fd, const char *dev, uint8_t mac[6], uint32_t *addr)
{
	struct ifreq ifr = { };
	struct sockaddr_in in;
	int inet = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", dev);
	if (ioctl(fd, SIOCGIFHWADDR, &ifr))
		return -1;
	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	if (inet < 0 || ioctl(inet, SIOCGIFADDR, &ifr))
		return -1;
	memcpy(&in, &ifr.ifr_addr, sizeof(in));
	*addr = in.sin_addr.s_addr;
	close(inet);
	return 0;
}

static double elapsed(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - since->tv_sec) + (double)(now.tv_nsec - since->tv_nsec) / 1e9;
}

static int transmit(int fd, struct mmsghdr *msg, unsigned int n)
{
	unsigned int done = 0;

	while (done < n) {
		int sent = sendmmsg(fd, msg + done, n - done, 0);

		if (sent < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			return fail("sendmmsg");
		done += sent > 0 ? (unsigned int)sent : 0;
	}
	return 0;
}

static int send_all(const char *dev, const char *kind, unsigned int count)
{
	static struct packet packet[BATCH];
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_ll to;
	struct timespec start;
	unsigned int done = 0;
	uint8_t mac[6];
	uint32_t addr;
	double took;
	int fd = open_device(dev, &to);

	if (fd < 0 || own_address(fd, dev, mac, &addr))
		return fail(dev);
	if (!recordings) {
		fputs("attack: nothing was recorded\n", stderr);
		return 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &start);
	while (done < count) {
		unsigned int i, n = count - done < BATCH ? count - done : BATCH;

		for (i = 0; i < n; i++) {
			unsigned int len = make(kind, done + i, &packet[i]);

			address(&packet[i], len, mac, addr);
			iov[i] = (struct iovec) { &packet[i], HEADERS + len };
			msg[i].msg_hdr = (struct msghdr) { .msg_iov = &iov[i], .msg_iovlen = 1 };
		}
		if (transmit(fd, msg, n))
			return 1;
		done += n;
		took = elapsed(&start);
		if (option.rate && (double)done / (double)option.rate > took)
			usleep((useconds_t)(((double)done / (double)option.rate - took) * 1e6));
	}
	took = elapsed(&start);
	printf("sent %u in %.3f s, %.0f a second\n", done, took, done / took);
	return 0;
}

static int options(char **arg)
{
	static const struct {
		const char	*name;
		unsigned long	*value;
	} known[] = {
		{ "rate", &option.rate }, { "len", &option.len }, { "member", &option.member },
		{ "group", &option.group }, { "spoof", &option.spoof }, { }
	};

	for (; *arg; arg++) {
		const char *value = strchr(*arg, '=');
		unsigned int i = 0;

		if (!value)
			return -1;
		if (!strncmp(*arg, "seed=", 5)) {
			rng = strtoull(value + 1, NULL, 0) | 1;
			continue;
		}
		while (known[i].name && strncmp(*arg, known[i].name, (size_t)(value - *arg)))
			i++;
		if (!known[i].name)
			return -1;
		*known[i].value = strtoul(value + 1, NULL, 0);
	}
	return 0;
}

/* Its end is told to every listener in the kernel, with port and netns. */
static int portid(uint32_t port)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_pid = port };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)))
		return fail("portid");
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "portid"))
		return portid((uint32_t)strtoul(argv[2], NULL, 0));
	if (argc == 5 && !strcmp(argv[1], "record"))
		return record(argv[2], argv[3], atof(argv[4]));
	if (argc == 3 && !strcmp(argv[1], "list"))
		return load(argv[2]) || list();
	if (argc >= 6 && !strcmp(argv[1], "send") && !options(argv + 6))
		return load(argv[3]) ||
		       send_all(argv[2], argv[4], (unsigned int)strtoul(argv[5], NULL, 0));
	fputs("usage: attack record|list|send|portid ..., see attack.c\n", stderr);
	return 2;
}
