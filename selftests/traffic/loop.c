// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "loop.h"

#define EVENTS_MAX	64

static int epoll_fd = -1;
static bool stopped;
static void (*tick_handler)(int64_t now);

int64_t clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int loop_init(void)
{
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return epoll_fd < 0 ? -errno : 0;
}

int loop_add(struct watch *watch, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event))
		return -errno;
	watch->fd = fd;
	return 0;
}

void loop_change(struct watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	if (watch->fd >= 0)
		epoll_ctl(epoll_fd, EPOLL_CTL_MOD, watch->fd, &event);
}

void loop_remove(struct watch *watch)
{
	if (watch->fd < 0)
		return;
	epoll_ctl(epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	close(watch->fd);
	watch->fd = -1;
}

void loop_stop(void)
{
	stopped = true;
}

static void tick_ready(struct watch *watch, uint32_t events)
{
	uint64_t expired;

	(void)events;
	if (read(watch->fd, &expired, sizeof(expired)) == sizeof(expired) &&
	    tick_handler)
		tick_handler(clock_us());
}

static void signal_ready(struct watch *watch, uint32_t events)
{
	(void)watch;
	(void)events;
	loop_stop();
}

static int tick_start(struct watch *watch)
{
	struct itimerspec every = {
		.it_interval.tv_nsec = TICK_MS * 1000000L,
		.it_value.tv_nsec = TICK_MS * 1000000L,
	};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	timerfd_settime(fd, 0, &every, NULL);
	return loop_add(watch, fd, EPOLLIN);
}

static int signal_start(struct watch *watch)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	return loop_add(watch, fd, EPOLLIN);
}

int loop_run(void (*tick)(int64_t now))
{
	static struct watch timer = { .fd = -1, .ready = tick_ready };
	static struct watch signals = { .fd = -1, .ready = signal_ready };
	struct epoll_event events[EVENTS_MAX];
	int err, n, i;

	tick_handler = tick;
	err = tick_start(&timer);
	if (!err)
		err = signal_start(&signals);
	while (!err && !stopped) {
		n = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);
		if (n < 0 && errno != EINTR)
			err = -errno;
		for (i = 0; i < n; i++) {
			struct watch *watch = events[i].data.ptr;

			if (watch->fd >= 0)
				watch->ready(watch, events[i].events);
		}
	}
	loop_remove(&timer);
	loop_remove(&signals);
	return err;
}
