// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "hosts.h"
#include "loop.h"
#include "socket.h"

#define PORT_HOSTS	7009
#define HOSTS_MAX	16000
#define EVERY_MAX_MS	60000
#define WINDOW		64	/* questions of a host that may be under way */
#define LATE_US		500000	/* so late is lost */

struct question {
	uint64_t	seq;	/* of the one who asks */
};

struct host {
	struct watch	watch;
	union endpoint	peer;
	uint64_t	next;
	uint64_t	begin;		/* the first one that counts */
	int64_t		last;		/* answer */
	int64_t		asked_at[WINDOW];
	bool		answered;
};

static struct {
	struct host	*host;
	unsigned int	count, turn, answered;
	bool		talking;
	uint64_t	asked, heard;	/* that count; answers to them, in time */
	int64_t		late, silent;	/* the longest, us */
} hosts;

/* The @n-th from @first on. */
static union endpoint nth(const union endpoint *first, unsigned int n)
{
	union endpoint at = *first;
	uint32_t low;

	if (at.sa.sa_family == AF_INET) {
		at.in.sin_addr.s_addr = htobe32(be32toh(at.in.sin_addr.s_addr) + n);
		return at;
	}
	memcpy(&low, &at.in6.sin6_addr.s6_addr[12], sizeof(low));
	low = htobe32(be32toh(low) + n);
	memcpy(&at.in6.sin6_addr.s6_addr[12], &low, sizeof(low));
	return at;
}

static struct host *host_of(struct watch *watch)
{
	return (struct host *)((char *)watch - offsetof(struct host, watch));
}

static void answer(struct host *host)
{
	union endpoint from;
	socklen_t len = sizeof(from);
	struct question question;

	while (recvfrom(host->watch.fd, &question, sizeof(question), 0, &from.sa, &len) ==
	       sizeof(question)) {
		hosts.heard++;
		sendto(host->watch.fd, &question, sizeof(question), MSG_NOSIGNAL, &from.sa, len);
		len = sizeof(from);
	}
}

/* All have been answered: from here on it counts, with the next question of each. */
static void talking(void)
{
	unsigned int i;

	hosts.talking = true;
	for (i = 0; i < hosts.count; i++)
		hosts.host[i].begin = hosts.host[i].next;
	puts("talking");
	fflush(stdout);
}

static void answered(struct host *host, uint64_t seq, int64_t now)
{
	int64_t took;

	if (seq >= host->next || host->next - seq > WINDOW)
		return;
	took = now - host->asked_at[seq % WINDOW];
	if (!host->asked_at[seq % WINDOW] || took > LATE_US)
		return;
	host->asked_at[seq % WINDOW] = 0;
	if (hosts.talking && seq >= host->begin) {
		hosts.heard++;
		if (took > hosts.late)
			hosts.late = took;
		if (host->last && now - host->last > hosts.silent)
			hosts.silent = now - host->last;
		host->last = now;
	}
	if (!host->answered) {
		host->answered = true;
		if (++hosts.answered == hosts.count)
			talking();
	}
}

static void hear(struct host *host)
{
	struct question question;

	while (read(host->watch.fd, &question, sizeof(question)) == sizeof(question))
		answered(host, be64toh(question.seq), clock_us());
}

static void answer_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	answer(host_of(watch));
}

static void hear_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	hear(host_of(watch));
	/* an ICMP error is no answer, and the next question is asked all the same */
	socket_error(watch->fd);
}

static void ask(struct host *host, int64_t now)
{
	struct question question = { .seq = htobe64(host->next) };

	host->asked_at[host->next % WINDOW] = now;
	if (hosts.talking && host->next >= host->begin)
		hosts.asked++;
	host->next++;
	if (send(host->watch.fd, &question, sizeof(question), MSG_NOSIGNAL) < 0)
		socket_error(host->watch.fd);	/* counted as lost */
}

/* One after the other, at equal distances. */
static void turn_ready(struct watch *watch, uint32_t events)
{
	uint64_t expired;

	(void)events;
	if (read(watch->fd, &expired, sizeof(expired)) != sizeof(expired))
		return;
	for (; expired; expired--) {
		ask(&hosts.host[hosts.turn], clock_us());
		hosts.turn = (hosts.turn + 1) % hosts.count;
	}
}

static int turns_start(struct watch *watch, unsigned int every_ms)
{
	long ns = every_ms * 1000000L / hosts.count;
	struct itimerspec each = {
		.it_interval = { ns / 1000000000, ns % 1000000000 },
		.it_value = { ns / 1000000000, ns % 1000000000 },
	};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	timerfd_settime(fd, 0, &each, NULL);
	return loop_add(watch, fd, EPOLLIN);
}

static int host_add(const union endpoint *at, const union endpoint *peer)
{
	struct host *host = &hosts.host[hosts.count];
	int fd = udp_bind(at);

	if (fd < 0)
		return fd;
	if (peer) {
		host->peer = *peer;
		if (connect(fd, &peer->sa, endpoint_len(peer)))
			return -errno;
	}
	host->watch.ready = peer ? hear_ready : answer_ready;
	hosts.count++;
	return loop_add(&host->watch, fd, EPOLLIN);
}

/* "ADDRESS/COUNT" or "ADDRESS/COUNT=PEER": adds these. */
static int hosts_add(char *text, bool asks)
{
	union endpoint first, peer, at, of_peer;
	char *count = strchr(text, '/'), *to, *end;
	unsigned long many, i;
	int err;

	if (!count)
		return -EINVAL;
	*count++ = 0;
	to = strchr(count, '=');
	if (!to != !asks)
		return -EINVAL;
	if (to)
		*to++ = 0;
	many = strtoul(count, &end, 10);
	if (*end || !many || many > HOSTS_MAX - hosts.count ||
	    endpoint_parse(&first, text, asks ? 0 : PORT_HOSTS) ||
	    (asks && endpoint_parse(&peer, to, PORT_HOSTS)))
		return -EINVAL;
	for (i = 0; i < many; i++) {
		at = nth(&first, i);
		if (asks)
			of_peer = nth(&peer, i);
		err = host_add(&at, asks ? &of_peer : NULL);
		if (err) {
			fprintf(stderr, "gwsync-traffic: %s, host %lu: %s\n", text, i,
				strerror(-err));
			return err;
		}
	}
	return 0;
}

static void report(unsigned int every_ms)
{
	int64_t silent = hosts.silent - every_ms * 1000LL;
	unsigned int i;

	/* What is still under way gets the time that it has. */
	usleep(LATE_US);
	for (i = 0; i < hosts.count; i++)
		hear(&hosts.host[i]);
	printf("{\"hosts\":%u,\"talking\":%s,\"asked\":%llu,\"lost\":%llu,\"late_ms\":%.3f,\"silent_ms\":%.3f}\n",
	       hosts.count, hosts.talking ? "true" : "false",
	       (unsigned long long)hosts.asked,
	       (unsigned long long)(hosts.asked - hosts.heard), hosts.late / 1000.0,
	       silent > 0 ? silent / 1000.0 : 0);
}

int hosts_run(int argc, char **argv)
{
	struct watch turns = { .fd = -1, .ready = turn_ready };
	bool asks = argc > 2 && !strcmp(argv[0], "ask");
	unsigned long every_ms = 0;
	int err = 0, i = 1;
	char *end;

	if (!asks && (argc < 2 || strcmp(argv[0], "answer")))
		return 2;
	if (asks) {
		every_ms = strtoul(argv[i++], &end, 10);
		if (*end || !every_ms || every_ms > EVERY_MAX_MS)
			return 2;
	}
	hosts.host = calloc(HOSTS_MAX, sizeof(*hosts.host));
	if (!hosts.host)
		return 1;
	for (; i < argc && !err; i++)
		err = hosts_add(argv[i], asks);
	if (!err && asks)
		err = turns_start(&turns, every_ms);
	if (!err)
		err = loop_run(NULL);
	if (!err && asks)
		report(every_ms);
	else if (!err)
		printf("{\"hosts\":%u,\"heard\":%llu}\n", hosts.count,
		       (unsigned long long)hosts.heard);
	free(hosts.host);
	if (err == -EINVAL)
		return 2;
	return err ? 1 : 0;
}
