// SPDX-License-Identifier: GPL-2.0
/* What the service manager is told, how often, and one that does not read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "control/notify.h"

static char fine[] = "backup, epoch 5 of gw1: fine";
static struct loop *loop;
static struct loop_timer stop;
static int manager;
static struct sockaddr_un addr = { .sun_family = AF_UNIX };

static void status(void *arg, char *text, size_t size)
{
	snprintf(text, size, "%s", (const char *)arg);
}

static void stop_fire(struct loop_timer *timer)
{
	(void)timer;
	loop_stop(loop);
}

static void run_ms(unsigned int ms)
{
	stop.fire = stop_fire;
	loop_timer_in(loop, &stop, ms * NSEC_PER_MSEC);
	assert_int_equal(loop_run(loop), 0);
}

static int setup(void **state)
{
	(void)state;
	log_init(LOG_LEVEL_ERROR);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/tmp/gwsync-notify-%d", getpid());
	manager = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_int_equal(bind(manager, (struct sockaddr *)&addr, sizeof(addr)), 0);
	setenv("NOTIFY_SOCKET", addr.sun_path, 1);
	loop = loop_alloc();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	loop_free(loop);
	close(manager);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return unlink(addr.sun_path);
}

static unsigned int heard(const char *text)
{
	unsigned int count = 0;
	char buf[512];
	ssize_t n;

	while ((n = recv(manager, buf, sizeof(buf) - 1, MSG_DONTWAIT)) > 0) {
		buf[n] = '\0';
		count += !!strstr(buf, text);
	}
	return count;
}

static void test_ready(void **state)
{
	struct notify notify = { .fd = -1 };
	char buf[512];
	ssize_t n;

	(void)state;
	notify_start(&notify, loop, status, fine);
	n = recv(manager, buf, sizeof(buf) - 1, MSG_DONTWAIT);
	assert_true(n > 0);
	buf[n] = '\0';
	assert_string_equal(buf, "READY=1\nSTATUS=backup, epoch 5 of gw1: fine");
	notify_stopping(&notify);
	assert_int_equal(heard("STOPPING=1"), 1);
	notify_stop(&notify);
}

static void test_watchdog(void **state)
{
	struct notify notify = { .fd = -1 };
	char pid[16];

	(void)state;
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("WATCHDOG_USEC", "80000", 1);
	setenv("WATCHDOG_PID", pid, 1);
	notify_start(&notify, loop, status, fine);
	run_ms(200);
	/* At least one in the time that is waited for. */
	assert_true(heard("WATCHDOG=1") >= 200 / 80);
	notify_stop(&notify);
}

/* A manager that does not read: the loop goes on. */
static void test_full(void **state)
{
	struct notify notify = { .fd = -1 };

	(void)state;
	setenv("WATCHDOG_USEC", "4000", 1);
	alarm(20);
	notify_start(&notify, loop, status, fine);
	run_ms(300);
	notify_stop(&notify);
	alarm(0);
	assert_true(heard("WATCHDOG=1") > 0);
}

static void test_nobody(void **state)
{
	struct notify notify = { .fd = -1 };

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	notify_start(&notify, loop, status, fine);
	notify_stopping(&notify);
	notify_stop(&notify);
	assert_int_equal(heard(""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ready, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watchdog, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody, setup, teardown),
	};

	return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
