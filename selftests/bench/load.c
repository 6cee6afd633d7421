// SPDX-License-Identifier: GPL-2.0
/*
 * load: traffic through a gateway, both ends of it.
 *
 * load [OPTION...] udp FIRST COUNT		a datagram there, one back
 * load [OPTION...] tcp-short FIRST COUNT	a whole connection, SYN to FIN
 * load [OPTION...] tcp-open FIRST COUNT	stays open, all is acknowledged
 * load [OPTION...] tcp-data FIRST COUNT ROUND ROUNDS
 *	on connections of tcp-open: a segment each way and its acknowledgement,
 *	in rounds ROUND to ROUND + ROUNDS - 1, counted from 0
 * load [--path A|B] probe K ROUND -- COMMAND...
 *	runs COMMAND and tries meanwhile, until COMMAND has ended and a segment
 *	sent later has arrived, to send the client's segment of ROUND on flow K.
 *	Prints the milliseconds from the start of COMMAND to its end, to the
 *	first segment that arrived and to the first that was sent after its end.
 * load ... --ready LINE --order LINE probe K ROUND -- COMMAND...
 *	the same, but COMMAND is one that answers lines by others, the last of
 *	them "ok" or "error ...". It is there already and has answered the first
 *	LINE; the second one begins and its answer ends what is measured.
 *
 * --path A|B	through gwA (default) or gwB
 * --window W	flows that are under way at a time
 * --rate R	start R flows a second, not as many as possible
 * --seconds S	start none later than that
 * --lossy	flows that were not finished are no failure
 *
 * Prints flows that were finished, lost ones, packets sent, nanoseconds. Sends
 * by packet sockets from the namespaces cl and sv, with all checksums.
 */
#define _GNU_SOURCE
#include <err.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

#define WINDOW_MAX	256		/* so that neither a ring nor a backlog overflows */
#define STALL		(NSEC / 2)	/* with no packet for so long, what is missing is lost */
#define STALL_SUM	(10 * NSEC)	/* having waited so long in all, ... */
#define STALL_SHORT	(NSEC / 500)	/* ... wait only so long */

enum kind { UDP, TCP_SHORT, TCP_OPEN, TCP_DATA, PROBE, KINDS };

static struct port client, server;
static enum kind kind;

/* The flows under way. */
static struct {
	uint32_t	first, count;
	uint32_t	done;
	uint32_t	seq;		/* of this round's data, both ways */
	uint8_t		finished[WINDOW_MAX];
} batch;

static uint64_t stalled;

static void tcp(struct port *p, const struct seen *s, uint32_t k, unsigned int flags,
		uint32_t seq, uint32_t ack, unsigned int len)
{
	port_queue(p, flow_tcp(port_frame(p), p->end, k, s ? s->from : 0, flags, seq, ack, len));
}

static void begin(uint32_t k)
{
	if (kind == UDP)
		port_queue(&client, flow_udp(port_frame(&client), CLIENT, k, 0));
	else if (kind == TCP_DATA)
		tcp(&client, NULL, k, TH_PUSH | TH_ACK, batch.seq, batch.seq, FLOW_DATA);
	else
		tcp(&client, NULL, k, TH_SYN, 0, 0, 0);
}

/* Also called for what comes late, of a flow that was given up. */
static void finish(uint32_t k)
{
	uint32_t i = k - batch.first;

	if (i >= batch.count || batch.finished[i])
		return;
	batch.finished[i] = 1;
	batch.done++;
}

static void client_got(const struct seen *s)
{
	uint32_t next = batch.seq + FLOW_DATA;

	if (s->udp) {
		finish(s->k);
	} else if (s->syn) {
		tcp(&client, s, s->k, TH_ACK, 1, 1, 0);
		tcp(&client, s, s->k, TH_PUSH | TH_ACK, 1, 1, FLOW_DATA);
	} else if (s->len && s->seq == batch.seq) {
		tcp(&client, s, s->k, TH_ACK, next, next, 0);
		if (kind == TCP_SHORT)
			tcp(&client, s, s->k, TH_FIN | TH_ACK, next, next, 0);
	} else if (s->fin) {
		tcp(&client, s, s->k, TH_ACK, next + 1, next + 1, 0);
	}
}

static void server_got(const struct seen *s)
{
	uint32_t next = batch.seq + FLOW_DATA;

	if (s->udp) {
		port_queue(&server, flow_udp(port_frame(&server), SERVER, s->k, s->from));
	} else if (s->syn) {
		tcp(&server, s, s->k, TH_SYN | TH_ACK, 0, 1, 0);
	} else if (s->len && s->seq == batch.seq) {
		tcp(&server, s, s->k, TH_ACK, batch.seq, next, 0);
		tcp(&server, s, s->k, TH_PUSH | TH_ACK, batch.seq, next, FLOW_DATA);
	} else if (s->fin) {
		tcp(&server, s, s->k, TH_FIN | TH_ACK, next, next + 1, 0);
	} else {
		uint32_t last = next + (kind == TCP_SHORT);

		if (!s->len && s->seq == last && s->ack == last)
			finish(s->k);
	}
}

static bool receive(struct port *p, void (*got)(const struct seen *))
{
	struct seen s;
	bool any = false;

	while (port_read(p, &s)) {
		got(&s);
		any = true;
	}
	port_flush(p);
	return any;
}

static bool stall(void)
{
	struct pollfd fds[2] = {
		{ .fd = client.fd, .events = POLLIN }, { .fd = server.fd, .events = POLLIN },
	};
	uint64_t limit = stalled < STALL_SUM ? STALL : STALL_SHORT, from = now_ns();
	struct timespec wait = { .tv_nsec = limit };
	int n = ppoll(fds, 2, &wait, NULL);

	stalled += now_ns() - from;
	return n > 0;
}

/* Returns how many of these flows were finished. */
static uint32_t exchange(uint32_t first, uint32_t count)
{
	uint32_t i;
	bool any;

	batch.first = first;
	batch.count = count;
	batch.done = 0;
	memset(batch.finished, 0, count);
	for (i = 0; i < count; i++)
		begin(first + i);
	port_flush(&client);
	do {
		any = receive(&server, server_got);
		any |= receive(&client, client_got);
	} while (batch.done < count && (any || stall()));
	return batch.done;
}

struct pace {
	uint64_t	begin, end;
	double		rate;		/* flows a nanosecond, 0: as many as possible */
};

/* How many flows may start now, STARTED having started; 0 when time is up. */
static uint32_t allowed(const struct pace *pace, uint64_t started, uint32_t most)
{
	uint64_t now, due;

	if (!pace->rate && !pace->end)
		return most;
	for (;;) {
		struct timespec until;

		now = now_ns();
		if (pace->end && now >= pace->end)
			return 0;
		if (!pace->rate)
			return most;
		due = 1 + (now - pace->begin) * pace->rate;
		if (due > started)
			return due - started < most ? due - started : most;
		/* a millisecond's flows at once, or one */
		due = pace->begin + started / pace->rate;
		if (due < now + NSEC / 1000)
			due = now + NSEC / 1000;
		if (pace->end && due > pace->end)
			due = pace->end;
		until.tv_sec = due / NSEC;
		until.tv_nsec = due % NSEC;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	}
}

static void usage(void)
{
	errx(2, "usage: load [--path A|B] [--window W] [--rate R] [--seconds S] [--lossy]\n"
	     "\tudp|tcp-short|tcp-open FIRST COUNT | tcp-data FIRST COUNT ROUND ROUNDS |\n"
	     "\t[--ready LINE --order LINE] probe K ROUND -- COMMAND...");
}

static uint32_t number(const char *s, uint32_t max)
{
	unsigned long n;
	char *end;

	n = s ? strtoul(s, &end, 0) : 0;
	if (!s || end == s || *end || n > max)
		usage();
	return n;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "path", required_argument, NULL, 'p' },
		{ "window", required_argument, NULL, 'w' },
		{ "rate", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 's' },
		{ "lossy", no_argument, NULL, 'l' },
		{ "ready", required_argument, NULL, 'R' },
		{ "order", required_argument, NULL, 'o' },
		{ }
	};
	static const char *const kinds[KINDS] = {
		"udp", "tcp-short", "tcp-open", "tcp-data", "probe",
	};
	uint32_t window = 32, first, count, round = 0, rounds = 1;
	uint64_t done = 0, started = 0, ns;
	struct pace pace = { };
	double seconds = 0;
	const char *ready = NULL, *order = NULL;
	bool lossy = false;
	char path = 'A';
	char device[] = "hA";
	unsigned int overruns;
	int c;

	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (c == 'p' && (!strcmp(optarg, "A") || !strcmp(optarg, "B")))
			path = *optarg;
		else if (c == 'w')
			window = number(optarg, WINDOW_MAX);
		else if (c == 'r')
			pace.rate = number(optarg, 100000000) / 1e9;
		else if (c == 's')
			seconds = atof(optarg);
		else if (c == 'l')
			lossy = true;
		else if (c == 'R')
			ready = optarg;
		else if (c == 'o')
			order = optarg;
		else
			usage();
	}
	argv += optind;
	if (!window || !argv[0] || !ready != !order)
		usage();
	for (kind = 0; kind < KINDS && strcmp(argv[0], kinds[kind]); kind++)
		;
	if (kind == KINDS)
		usage();
	first = number(argv[1], FLOW_MAX - 1);

	flow_init(path);
	device[1] = path;
	port_open(&client, CLIENT, "cl", device);
	port_open(&server, SERVER, "sv", device);
	if (kind == PROBE) {
		round = number(argv[2], 1 << 24);
		if (!argv[3])
			usage();
		return probe(&client, &server, first, round, ready, order,
			     argv + (strcmp(argv[3], "--") ? 3 : 4));
	}

	count = number(argv[2], FLOW_MAX - first);
	if (kind == TCP_DATA) {
		round = number(argv[3], 1 << 24);
		rounds = number(argv[4], 1 << 24);
	}

	pace.begin = now_ns();
	pace.end = seconds > 0 ? pace.begin + (uint64_t)(seconds * NSEC) : 0;
	for (; rounds; rounds--, round++) {
		uint32_t k = 0;

		batch.seq = kind == TCP_DATA ? round_seq(round) : 1;
		while (k < count) {
			uint32_t n = allowed(&pace, started,
					     count - k < window ? count - k : window);

			if (!n)
				goto out;
			done += exchange(first + k, n);
			started += n;
			k += n;
		}
	}
out:
	ns = now_ns() - pace.begin;
	printf("flows=%llu\nlost=%llu\npackets=%lu\nns=%llu\n", (unsigned long long)done,
	       (unsigned long long)(started - done), client.sent + server.sent,
	       (unsigned long long)ns);
	/* or else it was the gateway */
	if (client.refused + server.refused)
		warnx("%lu packets could not be sent", client.refused + server.refused);
	overruns = port_overruns(&client) + port_overruns(&server);
	if (overruns)
		warnx("%u packets found the ring full", overruns);
	return started != done && !lossy;
}
