// SPDX-License-Identifier: GPL-2.0
/* transmit.c and receive.c joined by a simulated network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pattern.h"
#include "stream/receive.h"
#include "stream/transmit.h"

#define RECEIVERS	3		/* members 2, 3, 4 */
#define RING		256
#define REORDER		64
#define TICK		(MS / 4)
#define PACKETS		16384

/* ASan's count of the heap: nothing may grow while a stream runs. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static uint64_t rand_state;

static uint32_t rnd(uint32_t range)
{
	rand_state = rand_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(rand_state >> 33) % range;
}

struct packet {
	uint64_t	at;
	uint64_t	serial;
	uint8_t		from, to;
	enum frame_type	type;
	size_t		len;
	uint8_t		body[1024];
};

struct node {
	struct receive	*receive;
	uint64_t	expected;	/* next frame, counted by the test itself */
	uint64_t	lost;
	uint32_t	most_held;
	bool		down;		/* hears and says nothing */
};

static struct sim {
	uint64_t	now;
	uint64_t	serial;
	uint32_t	loss, duplicate;	/* percent */
	uint32_t	delay_us;		/* each packet 50 us .. this */
	bool		drop_data;		/* of the sender, all of it */
	struct transmit	*transmit;
	struct node	node[RECEIVERS];
	struct packet	packet[PACKETS];
	unsigned int	heap[PACKETS], heaped;
	unsigned int	pool[PACKETS], pooled;
	uint64_t	produce;		/* frames still to push */
	uint32_t	burst;			/* frames a tick */
	bool		paused;
	uint64_t	behind;
	uint64_t	data_sent;
} sim;

static bool before(unsigned int x, unsigned int y)
{
	const struct packet *p = &sim.packet[x], *q = &sim.packet[y];

	return p->at != q->at ? p->at < q->at : p->serial < q->serial;
}

static void heap_put(unsigned int packet)
{
	unsigned int i = sim.heaped++;

	for (; i && before(packet, sim.heap[(i - 1) / 2]); i = (i - 1) / 2)
		sim.heap[i] = sim.heap[(i - 1) / 2];
	sim.heap[i] = packet;
}

static unsigned int heap_take(void)
{
	unsigned int top = sim.heap[0], last = sim.heap[--sim.heaped], i = 0, child;

	while ((child = 2 * i + 1) < sim.heaped) {
		if (child + 1 < sim.heaped && before(sim.heap[child + 1], sim.heap[child]))
			child++;
		if (!before(sim.heap[child], last))
			break;
		sim.heap[i] = sim.heap[child];
		i = child;
	}
	sim.heap[i] = last;
	return top;
}

static void send_one(uint8_t from, uint8_t to, const struct frame *f)
{
	uint8_t far = from == SENDER ? to : from;
	struct packet *p;

	if (sim.node[far - 2].down || rnd(100) < sim.loss ||
	    (sim.drop_data && f->head.type == FRAME_DATA))
		return;
	assert_true(sim.pooled > 0);
	p = &sim.packet[sim.pool[--sim.pooled]];
	p->at = sim.now + 50000 + rnd(sim.delay_us) * 1000ULL;
	p->serial = sim.serial++;
	p->from = from;
	p->to = to;
	p->type = f->head.type;
	p->len = frame_encode_body(f, p->body, sizeof(p->body));
	assert_true(p->len > 0);
	heap_put((unsigned int)(p - sim.packet));
	if (rnd(100) < sim.duplicate)
		send_one(from, to, f);
}

static void multicast(const struct frame *f)
{
	for (uint8_t to = 2; to < 2 + RECEIVERS; to++)
		send_one(SENDER, to, f);
}

static void on_deliver(void *arg, const struct frame_data *data)
{
	struct node *node = arg;
	uint8_t want[RECORDS_MAX];

	/* The claim of all this: each once, in order, whole. */
	assert_int_equal(data->seq, node->expected);
	assert_int_equal(data->len, content(data->seq, want));
	assert_memory_equal(data->records, want, data->len);
	node->expected++;
}

static void on_lost(void *arg, uint64_t first, uint64_t next)
{
	struct node *node = arg;

	assert_int_equal(first, node->expected);
	assert_true(next > first);
	node->lost += next - first;
	node->expected = next;
}

static void sender_takes(const struct packet *p, const struct frame *f)
{
	switch (f->head.type) {
	case FRAME_ACK:
		transmit_ack(sim.transmit, sim.now, p->from, f->ack.ack);
		break;
	case FRAME_NACK:
		assert_int_equal(f->nack.stream.member, SENDER);
		transmit_nack(sim.transmit, sim.now, p->from, &f->nack);
		break;
	case FRAME_HEARTBEAT:
		transmit_ack(sim.transmit, sim.now, p->from, f->heartbeat.peer[0].ack);
		break;
	default:
		fail();
	}
}

static void receiver_takes(struct node *node, const struct frame *f)
{
	switch (f->head.type) {
	case FRAME_DATA:
		receive_data(node->receive, sim.now, &f->data);
		break;
	case FRAME_GONE:
		receive_gone(node->receive, sim.now, f->gone.next);
		break;
	case FRAME_HEARTBEAT:
		receive_heartbeat(node->receive, sim.now, f->heartbeat.last_seq);
		break;
	default:
		fail();
	}
	if (receive_held(node->receive) > node->most_held)
		node->most_held = receive_held(node->receive);
	assert_true(node->most_held < REORDER);
}

static void heartbeats(void)
{
	struct frame f = { .head = { .version = FRAME_VERSION, .type = FRAME_HEARTBEAT } };

	f.heartbeat = (struct frame_heartbeat) {
		.interval_ms = 100, .last_seq = transmit_last(sim.transmit),
		.oldest_seq = transmit_oldest(sim.transmit),
	};
	multicast(&f);
	for (uint8_t i = 0; i < RECEIVERS; i++) {
		f.heartbeat = (struct frame_heartbeat) { .interval_ms = 100, .oldest_seq = 1,
							 .peers = 1 };
		f.heartbeat.peer[0] = (struct frame_peer) {
			.member = SENDER, .boot_id = 1, .counter = 1,
			.ack = receive_ack(sim.node[i].receive),
		};
		send_one(i + 2, SENDER, &f);
	}
}

static void tick(void)
{
	struct frame f;

	sim.now += TICK;
	while (sim.heaped && sim.packet[sim.heap[0]].at <= sim.now) {
		unsigned int at = heap_take();
		const struct packet *p = &sim.packet[at];

		f.head.version = FRAME_VERSION;
		f.head.type = p->type;
		assert_int_equal(frame_decode_body(p->body, p->len, &f), FRAME_OK);
		if (p->to == SENDER)
			sender_takes(p, &f);
		else
			receiver_takes(&sim.node[p->to - 2], &f);
		sim.pool[sim.pooled++] = at;
	}

	if (transmit_resume(sim.transmit))
		sim.paused = false;
	for (uint32_t i = 0; i < sim.burst && sim.produce && !sim.paused; i++) {
		assert_int_equal(push(sim.transmit, NULL), 0);
		sim.produce--;
		sim.paused = transmit_full(sim.transmit);
	}
	for (int i = 0; i < 64 && transmit_next(sim.transmit, sim.now, &f); i++) {
		sim.data_sent += f.head.type == FRAME_DATA;
		multicast(&f);
		transmit_sent(sim.transmit, sim.now, &f);
	}
	for (uint8_t i = 0; i < RECEIVERS; i++) {
		receive_rest(sim.node[i].receive, sim.now);
		while (receive_poll(sim.node[i].receive, sim.now, &f))
			send_one(i + 2, SENDER, &f);
	}
	if (sim.now % (100 * MS) == 0)
		heartbeats();
	if (sim.now % (250 * MS) == 0)
		sim.behind |= transmit_behind(sim.transmit, sim.now, 100 * MS);
}

static void run(uint64_t ms)
{
	size_t heap = 0;

	if (__sanitizer_get_current_allocated_bytes)
		heap = __sanitizer_get_current_allocated_bytes();
	for (uint64_t end = sim.now + ms * MS; sim.now < end;)
		tick();
	if (__sanitizer_get_current_allocated_bytes)
		assert_int_equal(__sanitizer_get_current_allocated_bytes(), heap);
}

/* Until all frames are with all receivers that are up; fails after @limit_ms. */
static uint64_t run_until_done(uint64_t limit_ms)
{
	uint64_t start = sim.now;
	bool done;

	do {
		run(10);
		done = !sim.produce;
		for (int i = 0; i < RECEIVERS; i++)
			if (!sim.node[i].down &&
			    sim.node[i].expected != transmit_pushed(sim.transmit) + 1)
				done = false;
		if (sim.now - start > limit_ms * MS)
			fail_msg("not done after %llu ms: %llu %llu %llu of %llu",
				 (unsigned long long)limit_ms,
				 (unsigned long long)sim.node[0].expected,
				 (unsigned long long)sim.node[1].expected,
				 (unsigned long long)sim.node[2].expected,
				 (unsigned long long)transmit_pushed(sim.transmit));
	} while (!done);
	return (sim.now - start) / MS;
}

static int setup(void **state)
{
	const struct frame_stream stream = { .member = SENDER, .boot_id = 1 };

	(void)state;
	memset(&sim, 0, sizeof(sim));
	rand_state = 8116;
	sim.now = 1000 * MS;
	sim.delay_us = 200;
	sim.burst = 4;
	for (sim.pooled = 0; sim.pooled < PACKETS; sim.pooled++)
		sim.pool[sim.pooled] = sim.pooled;
	sim.transmit = transmit_alloc(RING, RECORDS_MAX);
	assert_non_null(sim.transmit);
	for (uint8_t i = 0; i < RECEIVERS; i++) {
		const struct receive_callbacks cb = { on_deliver, on_lost, &sim.node[i] };

		sim.node[i].expected = 1;
		sim.node[i].receive = receive_alloc(REORDER, RECORDS_MAX, i, &cb);
		assert_non_null(sim.node[i].receive);
		receive_start(sim.node[i].receive, &stream, 0);
		transmit_join(sim.transmit, i + 2);
		transmit_wait(sim.transmit, sim.now, i + 2, true);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < RECEIVERS; i++)
		receive_free(sim.node[i].receive);
	transmit_free(sim.transmit);
	return 0;
}

static void assert_nothing_lost(void)
{
	for (int i = 0; i < RECEIVERS; i++)
		assert_int_equal(sim.node[i].lost, 0);
	assert_int_equal(sim.behind, 0);
	assert_int_equal(transmit_stats(sim.transmit)->gone, 0);
}

static void test_clean_network(void **state)
{
	(void)state;
	sim.delay_us = 1;
	sim.produce = 20000;
	run_until_done(5000);
	assert_nothing_lost();
	assert_int_equal(transmit_stats(sim.transmit)->again, 0);
	assert_int_equal(transmit_stats(sim.transmit)->nacks, 0);
	assert_int_equal(sim.data_sent, 20000);
}

/* Reordering within the NACK delay costs nothing but memory. */
static void test_reordering(void **state)
{
	(void)state;
	sim.delay_us = 1500;
	sim.duplicate = 20;
	sim.produce = 20000;
	run_until_done(5000);
	assert_nothing_lost();
	assert_true(receive_stats(sim.node[0].receive)->reordered > 1000);
	assert_true(receive_stats(sim.node[0].receive)->duplicates > 1000);
	assert_true(transmit_stats(sim.transmit)->again < 20);
}

static void test_bad_network(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++) {
		setup(NULL);
		rand_state = seed;
		sim.loss = 30;
		sim.duplicate = 10;
		sim.delay_us = 3000;
		sim.produce = 5000;
		run_until_done(60000);
		assert_nothing_lost();
		assert_true(transmit_stats(sim.transmit)->again > 1000);
		/* Two of three frames miss somebody, of the repetitions likewise. */
		assert_true(sim.data_sent < 5 * 5000);
		if (seed < 8)
			teardown(NULL);
	}
}

static void test_tail_loss(void **state)
{
	(void)state;
	sim.produce = 100;
	run_until_done(1000);
	sim.drop_data = true;
	sim.produce = 10;
	run(20);
	sim.drop_data = false;
	assert_int_equal(sim.node[0].expected, 101);
	assert_int_equal(receive_missing_since(sim.node[0].receive), 0);
	/* The next heartbeat tells. */
	assert_true(run_until_done(1000) <= 120);
	assert_nothing_lost();
}

/* A member that is waited for hears nothing: the kernel waits, nothing is lost. */
static void test_back_pressure(void **state)
{
	(void)state;
	sim.produce = 10000;
	run(20);
	sim.node[1].down = true;
	run(1000);
	assert_true(sim.paused);
	assert_true(transmit_room(sim.transmit) < TRANSMIT_RESERVE);
	assert_true(sim.produce > 5000);
	sim.node[1].down = false;
	run_until_done(5000);
	assert_nothing_lost();
	assert_int_equal(receive_stats(sim.node[1].receive)->lost, 0);
}

/* The same for too long: the others go on, and it learns what it has missed. */
static void test_behind_then_gone(void **state)
{
	uint64_t missed;

	(void)state;
	sim.produce = 10000;
	run(20);
	sim.node[1].down = true;
	run(1900);
	assert_int_equal(sim.behind, 0);
	missed = sim.node[1].expected;
	run(600);
	assert_int_equal(sim.behind, 1 << 3);
	assert_int_equal(transmit_waited(sim.transmit), 1 << 2 | 1 << 4);
	run_until_done(5000);
	assert_int_equal(sim.node[0].expected, 10001);
	sim.node[1].down = false;
	run_until_done(5000);
	assert_true(transmit_stats(sim.transmit)->gone >= 1);
	assert_int_equal(sim.node[0].lost, 0);
	assert_int_equal(sim.node[2].lost, 0);
	assert_int_equal(sim.node[1].lost, 10000 - RING - missed + 1);
	assert_int_equal(receive_ack(sim.node[1].receive), 10000);
}

/* Time without frames is no silence of the member: it counts from the next one. */
static void test_idle_is_not_behind(void **state)
{
	(void)state;
	sim.produce = 10;
	run_until_done(1000);
	run(5000);
	for (int i = 0; i < RECEIVERS; i++)
		sim.node[i].down = true;
	sim.produce = 10;
	run(1500);
	assert_int_equal(sim.behind, 0);
	for (int i = 0; i < RECEIVERS; i++)
		sim.node[i].down = false;
	run_until_done(1000);
	assert_int_equal(sim.behind, 0);
	assert_int_equal(transmit_waited(sim.transmit), 0x1c);
}

int main(void)
{
#define STREAM(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		STREAM(test_clean_network),
		STREAM(test_reordering),
		cmocka_unit_test_teardown(test_bad_network, teardown),
		STREAM(test_tail_loss),
		STREAM(test_back_pressure),
		STREAM(test_behind_then_gone),
		STREAM(test_idle_is_not_behind),
	};

	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
