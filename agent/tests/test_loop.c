// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/container.h"
#include "base/loop.h"

#define TIMERS	255

struct alarm {
	struct loop_timer	timer;
	struct loop		*loop;
	unsigned int		*order;
	unsigned int		fired, left;
	uint64_t		due_ns, fired_ns;
	struct alarm		*victim;
};

static void alarm_fire(struct loop_timer *timer)
{
	struct alarm *a = container_of(timer, struct alarm, timer);

	assert_true(timer->due_ns == 0);
	a->fired = ++*a->order;
	a->fired_ns = loop_now(a->loop);
	if (a->victim)
		loop_timer_del(a->loop, &a->victim->timer);
	if (a->left && --a->left)
		loop_timer_at(a->loop, timer, 1);
	else if (!a->victim && a->left == 0 && *a->order >= 10000)
		loop_stop(a->loop);
}

static void stop_fire(struct loop_timer *timer)
{
	loop_stop(container_of(timer, struct alarm, timer)->loop);
}

static void test_timer_order(void **state)
{
	struct loop *loop = loop_alloc();
	struct alarm a[TIMERS] = { 0 };
	struct alarm stop = { .timer.fire = stop_fire, .loop = loop };
	unsigned int i, order = 0, fired = 0;
	uint64_t base = loop_clock() + NSEC_PER_MSEC;
	uint64_t due[TIMERS];

	(void)state;
	srand(42);
	for (i = 0; i < TIMERS; i++) {
		a[i].timer.fire = alarm_fire;
		a[i].loop = loop;
		a[i].order = &order;
		loop_timer_at(loop, &a[i].timer, base + 1);
	}
	/* Moved, each to its own time; every third taken away. */
	for (i = 0; i < TIMERS; i++) {
		due[i] = base + (uint64_t)(rand() % 20000) * 1000;
		loop_timer_at(loop, &a[i].timer, due[i]);
	}
	for (i = 0; i < TIMERS; i += 3) {
		loop_timer_del(loop, &a[i].timer);
		loop_timer_del(loop, &a[i].timer);	/* not armed: no harm */
	}
	loop_timer_at(loop, &stop.timer, base + 30 * NSEC_PER_MSEC);
	assert_int_equal(loop_run(loop), 0);

	for (i = 0; i < TIMERS; i++) {
		unsigned int j;

		assert_int_equal(!a[i].fired, i % 3 == 0);
		fired += !!a[i].fired;
		if (!a[i].fired)
			continue;
		assert_true(a[i].fired_ns >= due[i]);
		for (j = 0; j < i; j++)
			if (a[j].fired && due[j] != due[i])
				assert_int_equal(due[j] < due[i], a[j].fired < a[i].fired);
	}
	assert_int_equal(fired, order);
	loop_free(loop);
}

static void turn_fire(struct loop_timer *timer)
{
	struct alarm *a = container_of(timer, struct alarm, timer);

	a->fired = ++*a->order;
}

/* Armed, moved and taken away at random, it is always the one that is due first. */
static void test_timer_many(void **state)
{
	static struct alarm a[20000];
	static uint64_t by_turn[20000];
	struct loop *loop = loop_alloc();
	struct alarm stop = { .timer.fire = stop_fire, .loop = loop };
	unsigned int i, order = 0, armed = 0;

	(void)state;
	srand(43);
	for (i = 0; i < 20000; i++) {
		a[i].timer.fire = turn_fire;
		a[i].order = &order;
	}
	for (i = 0; i < 200000; i++) {
		struct alarm *of = &a[rand() % 20000];

		if (rand() % 3)
			loop_timer_at(loop, &of->timer, 1 + (uint64_t)(rand() % 1000000));
		else
			loop_timer_del(loop, &of->timer);
	}
	/* Due long ago: they fire in their order, though not all in one round. */
	for (i = 0; i < 20000; i++) {
		a[i].due_ns = a[i].timer.due_ns;
		armed += !!a[i].due_ns;
	}
	assert_in_range(armed, 10000, 16000);
	loop_timer_at(loop, &stop.timer, loop_clock());
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(order, armed);
	for (i = 0; i < 20000; i++) {
		assert_int_equal(!a[i].fired, !a[i].due_ns);
		if (a[i].fired)
			by_turn[a[i].fired - 1] = a[i].due_ns;
	}
	for (i = 1; i < armed; i++)
		assert_true(by_turn[i - 1] <= by_turn[i]);
	loop_free(loop);
}

/* One due timer removes another that is due in the same round. */
static void test_timer_deleted_in_round(void **state)
{
	struct loop *loop = loop_alloc();
	unsigned int order = 0;
	struct alarm a = { .timer.fire = alarm_fire, .loop = loop, .order = &order };
	struct alarm b = a, stop = { .timer.fire = stop_fire, .loop = loop };

	(void)state;
	a.victim = &b;
	loop_timer_at(loop, &a.timer, 1);
	loop_timer_at(loop, &b.timer, 2);
	loop_timer_in(loop, &stop.timer, 5 * NSEC_PER_MSEC);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(a.fired, 1);
	assert_int_equal(b.fired, 0);
	loop_free(loop);
}

struct pipe_end {
	struct loop_fd	fd;
	struct loop	*loop;
	unsigned int	seen;
	struct pipe_end	*victim;
};

static void pipe_ready(struct loop_fd *fd, uint32_t events)
{
	struct pipe_end *p = container_of(fd, struct pipe_end, fd);

	assert_true(events & EPOLLIN);
	p->seen++;
	if (p->victim && p->victim->fd.fd >= 0) {
		loop_fd_del(p->loop, &p->victim->fd);
		p->victim->fd.fd = -1;
	}
}

/* A timer that re-arms itself for the past starves no descriptor. */
static void test_no_starving(void **state)
{
	struct loop *loop = loop_alloc();
	unsigned int order = 0;
	struct alarm a = { .timer.fire = alarm_fire, .loop = loop, .order = &order,
			   .left = 10000 };
	struct pipe_end p = { .fd.events = EPOLLIN, .fd.ready = pipe_ready, .loop = loop };
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	p.fd.fd = fds[0];
	assert_int_equal(loop_fd_add(loop, &p.fd), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	loop_timer_at(loop, &a.timer, 1);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(order, 10000);
	assert_true(p.seen >= 10000 / LOOP_FIRES);	/* level triggered, each round */
	loop_fd_del(loop, &p.fd);
	close(fds[0]);
	close(fds[1]);
	loop_free(loop);
}

/* Of two ready descriptors the first served removes the other: no call after. */
static void test_fd_deleted_in_round(void **state)
{
	struct loop *loop = loop_alloc();
	struct alarm stop = { .timer.fire = stop_fire, .loop = loop };
	struct pipe_end p[2];
	int fds[2][2], i;

	(void)state;
	for (i = 0; i < 2; i++) {
		assert_int_equal(pipe(fds[i]), 0);
		p[i] = (struct pipe_end) {
			.fd = { .fd = fds[i][0], .events = EPOLLIN, .ready = pipe_ready },
			.loop = loop, .victim = &p[!i],
		};
		assert_int_equal(loop_fd_add(loop, &p[i].fd), 0);
		assert_int_equal(write(fds[i][1], "x", 1), 1);
	}
	loop_timer_at(loop, &stop.timer, 1);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(p[0].seen + p[1].seen, 1);
	for (i = 0; i < 2; i++) {
		close(fds[i][0]);
		close(fds[i][1]);
	}
	loop_free(loop);
}

static void test_fd_set(void **state)
{
	struct loop *loop = loop_alloc();
	struct alarm stop = { .timer.fire = stop_fire, .loop = loop };
	struct pipe_end p = { .fd.events = EPOLLIN, .fd.ready = pipe_ready, .loop = loop };
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	p.fd.fd = fds[0];
	assert_int_equal(loop_fd_add(loop, &p.fd), 0);
	assert_int_equal(loop_fd_add(loop, &p.fd), -EEXIST);
	assert_int_equal(loop_fd_set(loop, &p.fd, 0), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	loop_timer_in(loop, &stop.timer, 2 * NSEC_PER_MSEC);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(p.seen, 0);
	assert_int_equal(loop_fd_set(loop, &p.fd, EPOLLIN), 0);
	loop_timer_in(loop, &stop.timer, 2 * NSEC_PER_MSEC);
	assert_int_equal(loop_run(loop), 0);
	assert_true(p.seen > 0);
	loop_fd_del(loop, &p.fd);
	close(fds[0]);
	close(fds[1]);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timer_order),
		cmocka_unit_test(test_timer_many),
		cmocka_unit_test(test_timer_deleted_in_round),
		cmocka_unit_test(test_no_starving),
		cmocka_unit_test(test_fd_deleted_in_round),
		cmocka_unit_test(test_fd_set),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
