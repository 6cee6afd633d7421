// SPDX-License-Identifier: GPL-2.0
/* A bulk download: every byte is compared as it comes, and at the end the
 * checksum with the one that the server made of what it sent.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "content.h"
#include "flow.h"
#include "loop.h"
#include "server.h"

#define ROUND_MAX	(64 * 1024)	/* bytes read in one go */
#define PROBE_BYTES	4096

struct bulk {
	struct flow	flow;
	struct watch	watch;
	bool		connected;
	bool		ending;
	uint64_t	seed;
	uint64_t	received;	/* content that was compared */
	uint64_t	sum;
	uint64_t	probe;		/* bytes at the probe */
	uint8_t		buf[BULK_TRAILER + ROUND_MAX];	/* held back, then new */
	size_t		held;
};

static struct bulk *bulk_of(const struct flow *flow)
{
	return (struct bulk *)flow;
}

static void bulk_end(struct bulk *bulk)
{
	uint64_t trailer[2];

	if (!bulk->ending || bulk->held != BULK_TRAILER) {
		flow_fail(&bulk->flow, "closed by the other end");
		return;
	}
	memcpy(trailer, bulk->buf, sizeof(trailer));
	if (be64toh(trailer[0]) != bulk->received) {
		flow_fail(&bulk->flow, "the server sent %llu bytes, %llu came",
			  (unsigned long long)be64toh(trailer[0]),
			  (unsigned long long)bulk->received);
		return;
	}
	if (be64toh(trailer[1]) != bulk->sum) {
		flow_fail(&bulk->flow, "checksum differs");
		return;
	}
	bulk->flow.finished = true;
	loop_remove(&bulk->watch);
}

/* The last bytes are held back: should the stream end, they are the trailer. */
static void bulk_read(struct bulk *bulk)
{
	size_t ready;
	ssize_t n;

	n = read(bulk->watch.fd, bulk->buf + bulk->held, ROUND_MAX);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			flow_fail(&bulk->flow, "%s", strerror(errno));
		return;
	}
	if (!n) {
		bulk_end(bulk);
		return;
	}
	bulk->held += n;
	flow_progress(&bulk->flow);
	flow_set_ready(&bulk->flow);
	if (bulk->held <= BULK_TRAILER)
		return;
	ready = bulk->held - BULK_TRAILER;
	if (!content_same(bulk->seed, bulk->received, bulk->buf, ready)) {
		flow_fail(&bulk->flow, "wrong data near byte %llu",
			  (unsigned long long)bulk->received);
		return;
	}
	bulk->sum = content_sum(bulk->sum, bulk->buf, ready);
	bulk->received += ready;
	memmove(bulk->buf, bulk->buf + ready, BULK_TRAILER);
	bulk->held = BULK_TRAILER;
	if (bulk->flow.probed && bulk->received >= bulk->probe + PROBE_BYTES)
		flow_answer(&bulk->flow);
}

static void bulk_connected(struct bulk *bulk)
{
	uint64_t seed = htobe64(bulk->seed);
	int err = socket_error(bulk->watch.fd);

	if (!err && send(bulk->watch.fd, &seed, sizeof(seed), MSG_NOSIGNAL) != sizeof(seed))
		err = errno;
	if (err) {
		flow_fail(&bulk->flow, "%s", strerror(err));
		return;
	}
	bulk->connected = true;
	loop_change(&bulk->watch, EPOLLIN);
}

static void bulk_ready(struct watch *watch, uint32_t events)
{
	struct bulk *bulk = (struct bulk *)((char *)watch - offsetof(struct bulk, watch));

	if (!bulk->connected)
		bulk_connected(bulk);
	else if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		bulk_read(bulk);
}

static struct flow *bulk_alloc(void)
{
	struct bulk *bulk = calloc(1, sizeof(*bulk));

	if (!bulk)
		return NULL;
	bulk->watch.fd = -1;
	bulk->watch.ready = bulk_ready;
	return &bulk->flow;
}

static void bulk_close(struct flow *flow)
{
	loop_remove(&bulk_of(flow)->watch);
}

static void bulk_open(struct flow *flow)
{
	struct bulk *bulk = bulk_of(flow);
	int fd = tcp_connect(&flow->to);

	bulk->connected = false;
	bulk->ending = false;
	bulk->seed = content_seed();
	bulk->received = 0;
	bulk->sum = CONTENT_SUM_INIT;
	bulk->held = 0;
	if (fd < 0)
		flow_fail(flow, "connect: %s", strerror(-fd));
	else
		loop_add(&bulk->watch, fd, EPOLLOUT);
}

static void bulk_tick(struct flow *flow, int64_t now)
{
	(void)flow;
	(void)now;
}

static void bulk_probe(struct flow *flow)
{
	bulk_of(flow)->probe = bulk_of(flow)->received;
}

static void bulk_finish(struct flow *flow)
{
	struct bulk *bulk = bulk_of(flow);

	if (!bulk->connected || bulk->ending || bulk->watch.fd < 0)
		return;
	bulk->ending = true;
	if (shutdown(bulk->watch.fd, SHUT_WR))
		flow_fail(flow, "%s", strerror(errno));
}

static unsigned int bulk_lost(const struct flow *flow, int64_t now)
{
	(void)now;
	return flow_alive(flow) ? 0 : 1;	/* the stream */
}

static void bulk_extra(const struct flow *flow, FILE *out)
{
	fprintf(out, ",\"bytes\":%llu,\"checksum\":\"%016llx\"",
		(unsigned long long)bulk_of(flow)->received,
		(unsigned long long)bulk_of(flow)->sum);
}

const struct flow_ops bulk_ops = {
	.kind		= "bulk",
	.port		= PORT_BULK,
	.alloc		= bulk_alloc,
	.open		= bulk_open,
	.close		= bulk_close,
	.tick		= bulk_tick,
	.probe		= bulk_probe,
	.finish		= bulk_finish,
	.lost		= bulk_lost,
	.extra		= bulk_extra,
};
