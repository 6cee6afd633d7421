// SPDX-License-Identifier: GPL-2.0
/*
 * ctchurn: flows that begin, change and end through ctnetlink at a rate.
 *
 * ctchurn NETNS [NAME=VALUE...]
 *	rate	changes a second (2000)
 *	seconds	how long, 0: until SIGTERM (0)
 *	live	most flows at a time (4000)
 *	new	of a hundred changes so many are new flows (40)
 *	end	and so many ends of flows, the rest are new marks (20)
 *	seed	of what is drawn (1)
 *	dport	of all flows (5000)
 *	ports	from there on (1)
 *	hosts	so many clients, and as many servers (1)
 *	tcp	of a hundred flows so many are TCP, established; the others UDP (25)
 *
 * The flows of an earlier run with the same dport, ports, hosts, tcp and live are
 * gone on with.  It says "ready", at SIGUSR1 "at" and the changes so far, and at its
 * end what it did and the rate that it reached.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nf_conntrack_tcp.h>

#include "client.h"

#define LIVE_MAX	60000
#define SPORT_FIRST	1024
#define TICK_NS		5000000		/* changes come in bursts of this time */
#define BEHIND_US	200000		/* what is further behind is given up */
#define HOSTS_MAX	200
#define SRC		0x0a010009	/* 10.1.0.9 */
#define DST		0x0a020009

static struct {
	unsigned int	rate, seconds, live, new, end, seed, dport, ports, hosts, tcp;
} opt = { .rate = 2000, .live = 4000, .new = 40, .end = 20, .seed = 1, .dport = 5000,
	  .ports = 1, .hosts = 1, .tcp = 25 };

static const struct {
	const char	*name;
	unsigned int	*value;
} names[] = {
	{ "rate", &opt.rate }, { "seconds", &opt.seconds }, { "live", &opt.live },
	{ "new", &opt.new }, { "end", &opt.end }, { "seed", &opt.seed }, { "dport", &opt.dport },
	{ "ports", &opt.ports }, { "hosts", &opt.hosts }, { "tcp", &opt.tcp },
};

struct churn {
	struct nfct_handle	*h;
	uint64_t		random;
	uint16_t		*order;		/* slots: first those alive, then the others */
	unsigned int		alive;
	unsigned int		made, marked, ended;
	unsigned int		failed;		/* the table was full, most likely */
	unsigned int		vanished;	/* somebody else has ended the flow */
};

static volatile sig_atomic_t stop, tell;

static void on_signal(int signal)
{
	if (signal == SIGUSR1)
		tell = 1;
	else
		stop = 1;
}

static unsigned int draw(struct churn *c, unsigned int range)
{
	c->random ^= c->random << 13;
	c->random ^= c->random >> 7;
	c->random ^= c->random << 17;
	return (c->random >> 11) % range;
}

/* 37 and 100 have no divisor in common: of any hundred slots as many as wanted. */
static bool is_tcp(uint16_t slot)
{
	return slot * 37u % 100 < opt.tcp;
}

static uint32_t client_of(uint16_t slot)
{
	return htonl(SRC + slot % opt.hosts);
}

static uint32_t server_of(uint16_t slot)
{
	return htonl(DST + slot / opt.hosts % opt.hosts);
}

static uint16_t port_of(uint16_t slot)
{
	return htons(opt.dport + slot % opt.ports);
}

static struct nf_conntrack *tuple(uint16_t slot)
{
	struct nf_conntrack *ct = nfct_new();

	if (!ct)
		abort();
	nfct_set_attr_u8(ct, ATTR_ORIG_L3PROTO, AF_INET);
	nfct_set_attr_u8(ct, ATTR_ORIG_L4PROTO, is_tcp(slot) ? IPPROTO_TCP : IPPROTO_UDP);
	nfct_set_attr_u32(ct, ATTR_ORIG_IPV4_SRC, client_of(slot));
	nfct_set_attr_u32(ct, ATTR_ORIG_IPV4_DST, server_of(slot));
	nfct_set_attr_u16(ct, ATTR_ORIG_PORT_SRC, htons(SPORT_FIRST + slot));
	nfct_set_attr_u16(ct, ATTR_ORIG_PORT_DST, port_of(slot));
	return ct;
}

static int make(struct churn *c, uint16_t slot)
{
	struct nf_conntrack *ct = tuple(slot);
	int ret;

	nfct_set_attr_u8(ct, ATTR_REPL_L3PROTO, AF_INET);
	nfct_set_attr_u8(ct, ATTR_REPL_L4PROTO, nfct_get_attr_u8(ct, ATTR_ORIG_L4PROTO));
	nfct_set_attr_u32(ct, ATTR_REPL_IPV4_SRC, server_of(slot));
	nfct_set_attr_u32(ct, ATTR_REPL_IPV4_DST, client_of(slot));
	nfct_set_attr_u16(ct, ATTR_REPL_PORT_SRC, port_of(slot));
	nfct_set_attr_u16(ct, ATTR_REPL_PORT_DST, htons(SPORT_FIRST + slot));
	/* Assured: a full table drops none of them for another. */
	nfct_set_attr_u32(ct, ATTR_STATUS, IPS_SEEN_REPLY | IPS_ASSURED | IPS_CONFIRMED);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, 3600);
	nfct_set_attr_u32(ct, ATTR_MARK, draw(c, UINT32_MAX));
	if (is_tcp(slot))
		nfct_set_attr_u8(ct, ATTR_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	ret = nfct_query(c->h, NFCT_Q_CREATE, ct) < 0 ? -errno : 0;
	nfct_destroy(ct);
	return ret;
}

static int mark(struct churn *c, uint16_t slot)
{
	struct nf_conntrack *ct = tuple(slot);
	int ret;

	nfct_set_attr_u32(ct, ATTR_MARK, draw(c, UINT32_MAX));
	ret = nfct_query(c->h, NFCT_Q_UPDATE, ct) < 0 ? -errno : 0;
	nfct_destroy(ct);
	return ret;
}

static int end(struct churn *c, uint16_t slot)
{
	struct nf_conntrack *ct = tuple(slot);
	int ret = nfct_query(c->h, NFCT_Q_DESTROY, ct) < 0 ? -errno : 0;

	nfct_destroy(ct);
	return ret;
}

static void swap(struct churn *c, unsigned int i, unsigned int j)
{
	uint16_t slot = c->order[i];

	c->order[i] = c->order[j];
	c->order[j] = slot;
}

static void change_new(struct churn *c)
{
	unsigned int i = c->alive + draw(c, opt.live - c->alive);
	int err = make(c, c->order[i]);

	if (err && err != -EEXIST) {
		c->failed++;
		return;
	}
	c->made += !err;
	swap(c, i, c->alive++);
}

static void change(struct churn *c)
{
	unsigned int what = draw(c, 100), i;
	int err;

	if (!c->alive || (what < opt.new && c->alive < opt.live)) {
		change_new(c);
		return;
	}
	i = draw(c, c->alive);
	if (what >= opt.new && what < opt.new + opt.end) {
		err = end(c, c->order[i]);
		c->ended += !err;
		if (!err)
			swap(c, i, --c->alive);
	} else {
		err = mark(c, c->order[i]);
		c->marked += !err;
	}
	if (err == -ENOENT) {
		c->vanished++;
		swap(c, i, --c->alive);
	} else if (err) {
		c->failed++;
	}
}

static int run(struct churn *c)
{
	struct timespec tick = { .tv_nsec = TICK_NS };
	uint64_t began = client_now_us(), from = began, now, due;
	uint64_t done = 0, all = 0;

	while (!stop) {
		now = client_now_us();
		if (opt.seconds && now - began >= opt.seconds * 1000000ull)
			break;
		due = (now - from) * opt.rate / 1000000;
		for (; done < due && !stop; done++, all++)
			change(c);
		now = client_now_us();
		if (now - from > BEHIND_US + done * 1000000 / opt.rate) {
			from = now;
			done = 0;
		}
		if (tell) {
			tell = 0;
			printf("at %llu\n", (unsigned long long)all);
			fflush(stdout);
		}
		nanosleep(&tick, NULL);
	}
	now = client_now_us() - began;
	printf("changes %llu new %u marks %u ends %u failed %u vanished %u alive %u ms %llu rate %llu\n",
	       (unsigned long long)all, c->made, c->marked, c->ended, c->failed, c->vanished,
	       c->alive, (unsigned long long)now / 1000,
	       (unsigned long long)(now ? all * 1000000 / now : 0));
	return 0;
}

static int parse(char **argv)
{
	unsigned int i, n = sizeof(names) / sizeof(names[0]);

	for (; *argv; argv++) {
		char *value = strchr(*argv, '=');

		if (!value)
			return -1;
		*value++ = 0;
		for (i = 0; i < n && strcmp(names[i].name, *argv); i++)
			;
		if (i == n)
			return -1;
		*names[i].value = strtoul(value, NULL, 0);
	}
	return opt.rate && opt.live && opt.live <= LIVE_MAX && opt.new + opt.end <= 100 &&
	       opt.ports && opt.hosts && opt.hosts <= HOSTS_MAX ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct churn c = {};
	unsigned int i;
	int ret;

	if (argc < 2 || parse(argv + 2)) {
		fputs("usage: ctchurn NETNS [NAME=VALUE...], see ctchurn.c\n", stderr);
		return 2;
	}
	if (client_netns(argv[1])) {
		fprintf(stderr, "ctchurn: no netns %s\n", argv[1]);
		return 2;
	}
	c.h = nfct_open(CONNTRACK, 0);
	if (!c.h) {
		perror("ctchurn: nfct_open");
		return 2;
	}
	c.order = calloc(opt.live, sizeof(*c.order));
	if (!c.order)
		abort();
	for (i = 0; i < opt.live; i++)
		c.order[i] = i;
	c.random = opt.seed * 0x9e3779b97f4a7c15ull | 1;
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	signal(SIGUSR1, on_signal);
	puts("ready");
	fflush(stdout);
	ret = run(&c);
	free(c.order);
	return ret;
}
