// SPDX-License-Identifier: GPL-2.0
/* A TCP session: a message every tick, each must come back as it was sent. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "content.h"
#include "flow.h"
#include "loop.h"
#include "server.h"

#define MESSAGE		16
#define UNANSWERED_MAX	2048	/* messages; past it none is sent */

struct echo {
	struct flow	flow;
	struct watch	watch;
	bool		connected;
	uint64_t	seed;
	uint64_t	next;		/* message to send */
	uint64_t	received;	/* bytes */
	uint64_t	probe;		/* the first message after the probe */
	uint64_t	late;		/* the first not settled yet */
	int64_t		late_at;
};

static struct echo *echo_of(const struct flow *flow)
{
	return (struct echo *)flow;
}

static void echo_read(struct echo *echo)
{
	uint8_t buf[4096];
	ssize_t n;

	n = read(echo->watch.fd, buf, sizeof(buf));
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			flow_fail(&echo->flow, "%s", strerror(errno));
		return;
	}
	if (!n) {
		flow_fail(&echo->flow, "closed by the other end");
		return;
	}
	if (!content_same(echo->seed, echo->received, buf, n)) {
		flow_fail(&echo->flow, "wrong data at byte %llu",
			  (unsigned long long)echo->received);
		return;
	}
	echo->received += n;
	flow_progress(&echo->flow);
	flow_set_ready(&echo->flow);
	if (echo->flow.probed && echo->received >= (echo->probe + 1) * MESSAGE)
		flow_answer(&echo->flow);
}

static void echo_ready(struct watch *watch, uint32_t events)
{
	struct echo *echo = (struct echo *)((char *)watch - offsetof(struct echo, watch));
	int err;

	if (!echo->connected && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
		err = socket_error(watch->fd);
		if (err) {
			flow_fail(&echo->flow, "%s", strerror(err));
			return;
		}
		echo->connected = true;
		loop_change(watch, EPOLLIN);
	}
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		echo_read(echo);
}

static struct flow *echo_alloc(void)
{
	struct echo *echo = calloc(1, sizeof(*echo));

	if (!echo)
		return NULL;
	echo->watch.fd = -1;
	echo->watch.ready = echo_ready;
	return &echo->flow;
}

static void echo_close(struct flow *flow)
{
	loop_remove(&echo_of(flow)->watch);
}

static void echo_open(struct flow *flow)
{
	struct echo *echo = echo_of(flow);
	int fd = tcp_connect(&flow->to);

	echo->connected = false;
	echo->seed = content_seed();
	echo->next = 0;
	echo->received = 0;
	echo->late = 0;
	if (fd < 0)
		flow_fail(flow, "connect: %s", strerror(-fd));
	else
		loop_add(&echo->watch, fd, EPOLLOUT);
}

static void echo_tick(struct flow *flow, int64_t now)
{
	struct echo *echo = echo_of(flow);
	uint8_t buf[MESSAGE];
	ssize_t n;

	if (now - echo->late_at > FLOW_SETTLE_US) {
		echo->late = echo->next;
		echo->late_at = now;
	}
	if (!echo->connected ||
	    echo->next * MESSAGE - echo->received >= UNANSWERED_MAX * MESSAGE)
		return;
	content_fill(echo->seed, echo->next * MESSAGE, buf, MESSAGE);
	n = send(echo->watch.fd, buf, MESSAGE, MSG_NOSIGNAL);
	if (n == MESSAGE)
		echo->next++;
	else if (n >= 0)
		flow_fail(flow, "short send");	/* 16 bytes: never when healthy */
	else if (errno != EAGAIN && errno != EINTR)
		flow_fail(flow, "%s", strerror(errno));
}

static void echo_probe(struct flow *flow)
{
	echo_of(flow)->probe = echo_of(flow)->next;
}

/* Nothing of a TCP stream is lost while the stream lives. */
static unsigned int echo_lost(const struct flow *flow, int64_t now)
{
	struct echo *echo = echo_of(flow);
	uint64_t answered = echo->received / MESSAGE;

	(void)now;
	if (flow_alive(flow))
		return 0;
	return echo->late > answered ? echo->late - answered : 0;
}

const struct flow_ops echo_ops = {
	.kind		= "echo",
	.port		= PORT_ECHO,
	.interval	= TICK_MS * 1000,
	.alloc		= echo_alloc,
	.open		= echo_open,
	.close		= echo_close,
	.tick		= echo_tick,
	.probe		= echo_probe,
	.lost		= echo_lost,
};
