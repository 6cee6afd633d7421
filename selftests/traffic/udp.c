// SPDX-License-Identifier: GPL-2.0
/* A UDP session: a numbered request every tick. The server answers a session
 * only at the address and port that began it, so a gateway that forgot the
 * translation has lost the flow.
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

#define WINDOW	32768	/* requests remembered: 5 minutes */

struct udp {
	struct flow	flow;
	struct watch	watch;
	uint64_t	id;		/* of the session */
	uint64_t	next;
	uint64_t	base;		/* the first request after the mark */
	uint64_t	probe;
	uint64_t	last_answer;
	struct {
		int64_t	at;
		bool	answered;
	}		sent[WINDOW];
};

static struct udp *udp_of(const struct flow *flow)
{
	return (struct udp *)flow;
}

static void udp_answer(struct udp *udp, const struct udp_message *message)
{
	uint64_t seq = be64toh(message->seq);

	if (be64toh(message->id) != udp->id || seq >= udp->next ||
	    udp->next - seq > WINDOW)
		return;		/* of an older session */
	udp->sent[seq % WINDOW].answered = true;
	flow_progress(&udp->flow);
	flow_set_ready(&udp->flow);
	if (udp->flow.probed && seq >= udp->probe)
		flow_answer(&udp->flow);
}

static void udp_ready(struct watch *watch, uint32_t events)
{
	struct udp *udp = (struct udp *)((char *)watch - offsetof(struct udp, watch));
	struct udp_message message;
	ssize_t n;

	(void)events;
	n = read(watch->fd, &message, sizeof(message));
	if (n == sizeof(message))
		udp_answer(udp, &message);
	/* an ICMP error is not the end of a UDP session: silence is */
}

static struct flow *udp_alloc(void)
{
	struct udp *udp = calloc(1, sizeof(*udp));

	if (!udp)
		return NULL;
	udp->watch.fd = -1;
	udp->watch.ready = udp_ready;
	return &udp->flow;
}

static void udp_close(struct flow *flow)
{
	loop_remove(&udp_of(flow)->watch);
}

static void udp_open(struct flow *flow)
{
	struct udp *udp = udp_of(flow);
	int fd = udp_connect(&flow->to);

	udp->id = content_seed();
	udp->next = 0;
	udp->base = 0;
	if (fd < 0)
		flow_fail(flow, "connect: %s", strerror(-fd));
	else
		loop_add(&udp->watch, fd, EPOLLIN);
}

static void udp_tick(struct flow *flow, int64_t now)
{
	struct udp *udp = udp_of(flow);
	struct udp_message message = {
		.id = htobe64(udp->id),
		.seq = htobe64(flow->ready || udp->next ? udp->next : 0),
	};

	/* the session begins with request 0, again until it is answered */
	if (!flow->ready && udp->next)
		message.seq = 0;
	else
		udp->next++;
	udp->sent[be64toh(message.seq) % WINDOW].at = now;
	udp->sent[be64toh(message.seq) % WINDOW].answered = false;
	if (send(udp->watch.fd, &message, sizeof(message), MSG_NOSIGNAL) < 0)
		socket_error(udp->watch.fd);	/* counted as lost */
}

static void udp_mark(struct flow *flow)
{
	udp_of(flow)->base = udp_of(flow)->next;
}

static void udp_probe(struct flow *flow)
{
	udp_of(flow)->probe = udp_of(flow)->next;
}

static unsigned int udp_lost(const struct flow *flow, int64_t now)
{
	struct udp *udp = udp_of(flow);
	unsigned int lost = 0;
	uint64_t seq = udp->base;

	if (udp->next - seq > WINDOW)
		seq = udp->next - WINDOW;
	for (; seq < udp->next; seq++)
		if (!udp->sent[seq % WINDOW].answered &&
		    now - udp->sent[seq % WINDOW].at > FLOW_SETTLE_US)
			lost++;
	return lost;
}

const struct flow_ops udp_ops = {
	.kind		= "udp",
	.port		= PORT_UDP,
	.interval	= TICK_MS * 1000,
	.alloc		= udp_alloc,
	.open		= udp_open,
	.close		= udp_close,
	.tick		= udp_tick,
	.mark		= udp_mark,
	.probe		= udp_probe,
	.lost		= udp_lost,
};
