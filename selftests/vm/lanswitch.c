// SPDX-License-Identifier: GPL-2.0
/*
 * lanswitch - learning Ethernet switches between QEMU guests
 *
 *	lanswitch LAN.PORT=PATH...
 *
 * Every PATH is a unix stream socket that one guest connects to with QEMU's
 * "-netdev stream" (each frame behind its length, 32 bits in network order).
 * Ports of the same LAN form one switch. A guest that loses power closes its
 * socket; it finds its port again when it boots.
 *
 * Orders come by standard input, one a line, each answered by "ok" or "error":
 *	down PORT | up PORT		pull the cable, plug it in
 *	loss PORT PERMILLE		lose frames on their way to PORT
 *	block PORT PORT | pass PORT PORT	no frames between the two, either way
 *	stats				a line "PORT received sent dropped" each
 * where PORT is LAN.PORT. End of input ends the program.
 *
 * Unlike a hub it learns where an address lives, so a moved virtual MAC is
 * found only after its new owner has announced it, as on real switches.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PORTS_MAX	64
#define FRAME_MAX	65600
#define QUEUE		(2u << 20)
#define MACS		1024	/* a power of two */
#define MAC_LEN		6

struct port {
	char name[64];
	size_t lan_len;		/* length of the LAN's part of the name */
	int listener;
	int fd;
	int down;
	unsigned int loss;	/* of 1000 */
	uint64_t blocked;	/* bit mask of ports */
	unsigned long received, sent, dropped;
	unsigned char in[4 + FRAME_MAX];
	size_t in_len;
	unsigned char *out;	/* out_len bytes wait from out_at on */
	size_t out_at, out_len;
};

struct mac {
	unsigned char addr[MAC_LEN];
	int port;		/* index + 1, 0 when unused */
};

static struct port ports[PORTS_MAX];
static struct mac macs[MACS];
static int nports;
static uint32_t seed = 1;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int same_lan(const struct port *a, const struct port *b)
{
	return a->lan_len == b->lan_len && !memcmp(a->name, b->name, a->lan_len);
}

/* The same losses in every run: a generator of our own. */
static unsigned int permille(void)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % 1000;
}

static unsigned int mac_hash(const unsigned char *addr)
{
	unsigned int h = 0;

	for (int i = 0; i < MAC_LEN; i++)
		h = h * 31 + addr[i];
	return h & (MACS - 1);
}

/* The entry of an address as seen from a LAN, or a free one for it. */
static struct mac *mac_find(const unsigned char *addr, const struct port *from)
{
	unsigned int h = mac_hash(addr);

	for (unsigned int i = 0; i < MACS; i++) {
		struct mac *mac = &macs[(h + i) & (MACS - 1)];

		if (!mac->port)
			return mac;
		if (!memcmp(mac->addr, addr, MAC_LEN) && same_lan(&ports[mac->port - 1], from))
			return mac;
	}
	return NULL;
}

static void macs_forget(int index)
{
	struct mac kept[MACS];
	int n = 0;

	for (int i = 0; i < MACS; i++)
		if (macs[i].port && macs[i].port != index + 1)
			kept[n++] = macs[i];
	memset(macs, 0, sizeof(macs));
	while (n--) {
		struct mac *mac = mac_find(kept[n].addr, &ports[kept[n].port - 1]);

		*mac = kept[n];
	}
}

static void port_close(struct port *port)
{
	if (port->fd >= 0)
		close(port->fd);
	port->fd = -1;
	port->in_len = 0;
	port->out_at = 0;
	port->out_len = 0;
	macs_forget(port - ports);
}

static void port_flush(struct port *port)
{
	while (port->out_len) {
		ssize_t n = send(port->fd, port->out + port->out_at, port->out_len,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0) {
			if (errno != EAGAIN && errno != EINTR)
				port_close(port);
			return;
		}
		port->out_at += n;
		port->out_len -= n;
	}
	port->out_at = 0;
}

static void port_send(struct port *port, const unsigned char *data, size_t len)
{
	if (port->fd < 0 || port->down)
		return;
	if (port->loss && permille() < port->loss) {
		port->dropped++;
		return;
	}
	if (port->out_len + len > QUEUE) {
		port->dropped++;
		return;
	}
	if (port->out_at + port->out_len + len > QUEUE) {
		memmove(port->out, port->out + port->out_at, port->out_len);
		port->out_at = 0;
	}
	memcpy(port->out + port->out_at + port->out_len, data, len);
	port->out_len += len;
	port->sent++;
	if (port->out_len == len)
		port_flush(port);
}

/* data: the length word and the frame */
static void forward(struct port *from, const unsigned char *data, size_t len)
{
	const unsigned char *dst = data + 4, *src = data + 4 + MAC_LEN;
	struct mac *mac;

	from->received++;
	if (from->down || len < 4 + 14)
		return;
	if (!(src[0] & 1)) {
		mac = mac_find(src, from);
		if (mac) {
			memcpy(mac->addr, src, MAC_LEN);
			mac->port = from - ports + 1;
		}
	}
	mac = dst[0] & 1 ? NULL : mac_find(dst, from);
	for (int i = 0; i < nports; i++) {
		if (&ports[i] == from || !same_lan(&ports[i], from))
			continue;
		if (mac && mac->port && mac->port != i + 1)
			continue;
		if (from->blocked & (1ull << i))
			continue;
		port_send(&ports[i], data, len);
	}
}

static void port_receive(struct port *port)
{
	unsigned char *at = port->in;
	ssize_t n;

	n = recv(port->fd, port->in + port->in_len, sizeof(port->in) - port->in_len, MSG_DONTWAIT);
	if (n <= 0) {
		if (!n || (errno != EAGAIN && errno != EINTR))
			port_close(port);
		return;
	}
	port->in_len += n;
	while (port->in_len >= 4) {
		uint32_t len;

		memcpy(&len, at, 4);
		len = ntohl(len);
		if (len > FRAME_MAX) {
			fprintf(stderr, "lanswitch: %s: frame of %u bytes\n", port->name, len);
			port_close(port);
			return;
		}
		if (port->in_len < 4 + len)
			break;
		forward(port, at, 4 + len);
		at += 4 + len;
		port->in_len -= 4 + len;
	}
	memmove(port->in, at, port->in_len);
}

static void port_accept(struct port *port)
{
	int fd = accept4(port->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int size = QUEUE;

	if (fd < 0)
		return;
	port_close(port);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	port->fd = fd;
}

static void port_add(char *arg)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct port *port = &ports[nports];
	char *path = strchr(arg, '=');
	char *dot = strchr(arg, '.');

	if (!path || !dot || dot > path || nports == PORTS_MAX ||
	    (size_t)(path - arg) >= sizeof(port->name) ||
	    strlen(path + 1) >= sizeof(sun.sun_path)) {
		fprintf(stderr, "lanswitch: bad port '%s', wanted LAN.PORT=PATH\n", arg);
		exit(2);
	}
	*path++ = '\0';
	strcpy(port->name, arg);
	port->lan_len = dot - arg;
	strcpy(sun.sun_path, path);
	port->fd = -1;
	port->out = malloc(QUEUE);
	port->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (!port->out || port->listener < 0)
		die("lanswitch");
	unlink(path);
	if (bind(port->listener, (struct sockaddr *)&sun, sizeof(sun)) ||
	    listen(port->listener, 4))
		die(path);
	nports++;
}

static struct port *port_find(const char *name)
{
	for (int i = 0; name && i < nports; i++)
		if (!strcmp(ports[i].name, name))
			return &ports[i];
	return NULL;
}

static int order(char *line)
{
	char *verb = strtok(line, " "), *one = strtok(NULL, " "), *two = strtok(NULL, " ");
	struct port *a = port_find(one), *b = port_find(two);

	if (!verb)
		return 0;
	if (!strcmp(verb, "stats")) {
		for (int i = 0; i < nports; i++)
			printf("%s %lu %lu %lu\n", ports[i].name, ports[i].received,
			       ports[i].sent, ports[i].dropped);
		return 1;
	}
	if (!a)
		return 0;
	if (!strcmp(verb, "down") || !strcmp(verb, "up")) {
		a->down = verb[0] == 'd';
		macs_forget(a - ports);
	} else if (!strcmp(verb, "loss") && two) {
		a->loss = strtoul(two, NULL, 10);
	} else if (!strcmp(verb, "block") && b) {
		a->blocked |= 1ull << (b - ports);
		b->blocked |= 1ull << (a - ports);
	} else if (!strcmp(verb, "pass") && b) {
		a->blocked &= ~(1ull << (b - ports));
		b->blocked &= ~(1ull << (a - ports));
	} else {
		return 0;
	}
	return 1;
}

static void orders_read(void)
{
	static char buf[4096];
	static size_t have;
	ssize_t n = read(0, buf + have, sizeof(buf) - 1 - have);
	char *end;

	if (n <= 0)
		exit(0);
	have += n;
	buf[have] = '\0';
	while ((end = strchr(buf, '\n'))) {
		size_t len = end + 1 - buf;

		*end = '\0';
		puts(order(buf) ? "ok" : "error");
		fflush(stdout);
		have -= len;
		memmove(buf, buf + len, have + 1);
	}
	if (have == sizeof(buf) - 1)
		exit(2);
}

int main(int argc, char **argv)
{
	struct pollfd pfd[1 + 2 * PORTS_MAX];

	for (int i = 1; i < argc; i++)
		port_add(argv[i]);
	puts("ok");
	fflush(stdout);
	for (;;) {
		pfd[0] = (struct pollfd) { .fd = 0, .events = POLLIN };
		for (int i = 0; i < nports; i++) {
			pfd[1 + 2 * i] = (struct pollfd) {
				.fd = ports[i].listener, .events = POLLIN
			};
			pfd[2 + 2 * i] = (struct pollfd) {
				.fd = ports[i].fd,
				.events = POLLIN | (ports[i].out_len ? POLLOUT : 0),
			};
		}
		if (poll(pfd, 1 + 2 * nports, -1) < 0) {
			if (errno == EINTR)
				continue;
			die("poll");
		}
		for (int i = 0; i < nports; i++) {
			short events = pfd[2 + 2 * i].revents;

			if (events & POLLOUT)
				port_flush(&ports[i]);
			if (ports[i].fd >= 0 && events & (POLLIN | POLLHUP | POLLERR))
				port_receive(&ports[i]);
			if (pfd[1 + 2 * i].revents)
				port_accept(&ports[i]);
		}
		if (pfd[0].revents)
			orders_read();
	}
}
