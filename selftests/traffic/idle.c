// SPDX-License-Identifier: GPL-2.0
/* Many TCP connections that say nothing, until they are asked. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "content.h"
#include "flow.h"
#include "loop.h"
#include "server.h"

#define CONNS_MAX	10000
#define CONNS_DEFAULT	1000
#define OPENING_MAX	64	/* at a time */
#define ASKING_TICK	100	/* asked in one tick */
#define MESSAGE		8
/* A SYN may meet a connection that the server still has from before; only
 * another port helps then.
 */
#define PATIENCE_US	2500000

enum idle_state {
	IDLE_CLOSED,		/* to be opened */
	IDLE_CONNECTING,
	IDLE_ASKED,		/* waits for the answer that makes it usable */
	IDLE_SILENT,
	IDLE_PROBED,
	IDLE_ANSWERED,
	IDLE_DEAD,
};

struct idle;

struct idle_conn {
	struct watch	watch;
	struct idle	*idle;
	enum idle_state	state;
	uint64_t	seed;
	uint64_t	received;	/* bytes */
	uint64_t	sent;
	int64_t		opened;		/* us */
};

struct idle {
	struct flow		flow;
	unsigned int		total;
	unsigned int		state[IDLE_DEAD + 1];	/* how many are in each */
	unsigned int		next;			/* to open or ask */
	bool			asking;
	struct idle_conn	conn[CONNS_MAX];
};

static struct idle *idle_of(const struct flow *flow)
{
	return (struct idle *)flow;
}

static void idle_state(struct idle_conn *conn, enum idle_state state)
{
	conn->idle->state[conn->state]--;
	conn->state = state;
	conn->idle->state[state]++;
}

static void idle_failed(struct idle_conn *conn)
{
	loop_remove(&conn->watch);
	idle_state(conn, conn->idle->flow.ready ? IDLE_DEAD : IDLE_CLOSED);
}

static void idle_ask(struct idle_conn *conn, enum idle_state state)
{
	uint8_t buf[MESSAGE];

	content_fill(conn->seed, conn->sent, buf, MESSAGE);
	if (send(conn->watch.fd, buf, MESSAGE, MSG_NOSIGNAL) != MESSAGE) {
		idle_failed(conn);
		return;
	}
	conn->sent += MESSAGE;
	idle_state(conn, state);
}

static void idle_settled(struct idle *idle)
{
	if (!idle->flow.ready && idle->state[IDLE_SILENT] == idle->total)
		flow_set_ready(&idle->flow);
	if (idle->flow.probed && idle->state[IDLE_ANSWERED] == idle->total)
		flow_answer(&idle->flow);
}

static void idle_read(struct idle_conn *conn)
{
	uint8_t buf[64];
	ssize_t n;

	n = read(conn->watch.fd, buf, sizeof(buf));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || !content_same(conn->seed, conn->received, buf, n)) {
		idle_failed(conn);
		return;
	}
	conn->received += n;
	flow_progress(&conn->idle->flow);
	if (conn->received != conn->sent)
		return;
	idle_state(conn, conn->state == IDLE_PROBED ? IDLE_ANSWERED : IDLE_SILENT);
	idle_settled(conn->idle);
}

static void idle_ready(struct watch *watch, uint32_t events)
{
	struct idle_conn *conn = (struct idle_conn *)watch;

	if (conn->state == IDLE_CONNECTING) {
		if (socket_error(watch->fd)) {
			idle_failed(conn);
			return;
		}
		loop_change(watch, EPOLLIN);
		idle_ask(conn, IDLE_ASKED);
	} else if (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) {
		idle_read(conn);
	}
}

static struct flow *idle_alloc(void)
{
	struct idle *idle = calloc(1, sizeof(*idle));
	unsigned int i;

	if (!idle)
		return NULL;
	for (i = 0; i < CONNS_MAX; i++) {
		idle->conn[i].idle = idle;
		idle->conn[i].watch.fd = -1;
		idle->conn[i].watch.ready = idle_ready;
	}
	idle_set_count(&idle->flow, CONNS_DEFAULT);
	return &idle->flow;
}

void idle_set_count(struct flow *flow, unsigned int count)
{
	struct idle *idle = idle_of(flow);

	idle->total = count < CONNS_MAX ? count : CONNS_MAX;
	idle->state[IDLE_CLOSED] = idle->total;
}

void idle_totals(const struct flow *flow, unsigned int *total, unsigned int *alive)
{
	struct idle *idle = idle_of(flow);

	*total = idle->total;
	*alive = idle->state[flow->probed ? IDLE_ANSWERED : IDLE_SILENT];
}

static void idle_close(struct flow *flow)
{
	struct idle *idle = idle_of(flow);
	unsigned int i;

	for (i = 0; i < idle->total; i++) {
		loop_remove(&idle->conn[i].watch);
		idle_state(&idle->conn[i], IDLE_CLOSED);
	}
}

static void idle_open(struct flow *flow)
{
	idle_of(flow)->next = 0;
	idle_of(flow)->asking = false;
}

/* Only when all lived; else all are closed and opened anew. */
static void idle_prepare(struct flow *flow)
{
	struct idle *idle = idle_of(flow);
	unsigned int i;

	idle->asking = false;
	for (i = 0; i < idle->total; i++)
		if (idle->conn[i].state == IDLE_ANSWERED)
			idle_state(&idle->conn[i], IDLE_SILENT);
	idle_settled(idle);
}

static void idle_connect(struct idle_conn *conn)
{
	int fd = tcp_connect(&conn->idle->flow.to);

	if (fd < 0)
		return;
	conn->opened = clock_us();
	conn->seed = content_seed();
	conn->received = 0;
	conn->sent = 0;
	if (loop_add(&conn->watch, fd, EPOLLOUT)) {
		close(fd);
		return;
	}
	idle_state(conn, IDLE_CONNECTING);
}

/* Opens what is closed, gives up what takes too long. */
static void idle_set_up(struct idle *idle, int64_t now)
{
	unsigned int opening = idle->state[IDLE_CONNECTING] + idle->state[IDLE_ASKED];
	unsigned int i;

	for (i = 0; i < idle->total; i++) {
		struct idle_conn *conn = &idle->conn[i];

		if (conn->state == IDLE_CLOSED && opening < OPENING_MAX) {
			idle_connect(conn);
			opening++;
		} else if ((conn->state == IDLE_CONNECTING || conn->state == IDLE_ASKED) &&
			   now - conn->opened > PATIENCE_US) {
			idle_failed(conn);
		}
	}
}

static void idle_tick(struct flow *flow, int64_t now)
{
	struct idle *idle = idle_of(flow);
	unsigned int asked = 0;

	if (!flow->ready && idle->state[IDLE_SILENT] < idle->total)
		idle_set_up(idle, now);
	for (; idle->asking && idle->next < idle->total && asked < ASKING_TICK;
	     idle->next++)
		if (idle->conn[idle->next].state == IDLE_SILENT) {
			idle_ask(&idle->conn[idle->next], IDLE_PROBED);
			asked++;
		}
}

static void idle_probe(struct flow *flow)
{
	struct idle *idle = idle_of(flow);

	flow->measure.last = clock_us();	/* silence until now was wanted */
	idle->next = 0;
	idle->asking = true;
}

static unsigned int idle_lost(const struct flow *flow, int64_t now)
{
	unsigned int total, alive;

	(void)now;
	idle_totals(flow, &total, &alive);
	return total - alive;
}

const struct flow_ops idle_ops = {
	.kind		= "idle",
	.port		= PORT_ECHO,
	.own_patience	= true,
	.alloc		= idle_alloc,
	.open		= idle_open,
	.close		= idle_close,
	.prepare	= idle_prepare,
	.tick		= idle_tick,
	.probe		= idle_probe,
	.lost		= idle_lost,
};
