// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/container.h"
#include "base/log.h"
#include "control/notify.h"

#define NOTIFY_STATUS_NS	NSEC_PER_SEC
#define NOTIFY_PART		4	/* of the watchdog's time */

/* Return: a socket, -1: there is nobody to tell. */
static int notify_open(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (len < 2 || len >= sizeof(addr.sun_path) || (*path != '/' && *path != '@'))
		return -1;
	memcpy(addr.sun_path, path, len);
	if (*path == '@')		/* abstract */
		addr.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr,
			       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len))) {
		log_warning("NOTIFY_SOCKET: %s", strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

/* One that finds no room is followed by another. */
static void notify_send(const struct notify *notify, const char *text)
{
	if (notify->fd >= 0 &&
	    send(notify->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("NOTIFY_SOCKET: %s", strerror(errno));
}

static void notify_say(const struct notify *notify, const char *first)
{
	char text[256], status[192];

	notify->status(notify->arg, status, sizeof(status));
	snprintf(text, sizeof(text), "%sSTATUS=%s", first, status);
	notify_send(notify, text);
}

static void notify_fire(struct loop_timer *timer)
{
	struct notify *notify = container_of(timer, struct notify, timer);

	notify_say(notify, "WATCHDOG=1\n");
	loop_timer_in(notify->loop, timer, notify->period_ns);
}

/* Some signs of life in the time that the service manager waits for one. */
static uint64_t notify_period_ns(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t period_ns = usec ? strtoull(usec, NULL, 10) * 1000 / NOTIFY_PART : 0;

	if (pid && strtoul(pid, NULL, 10) != (unsigned long)getpid())
		period_ns = 0;
	return period_ns && period_ns < NOTIFY_STATUS_NS ? period_ns : NOTIFY_STATUS_NS;
}

void notify_start(struct notify *notify, struct loop *loop,
		  void (*status)(void *arg, char *text, size_t size), void *arg)
{
	notify->fd = notify_open();
	notify->loop = loop;
	notify->status = status;
	notify->arg = arg;
	notify->timer.fire = notify_fire;
	notify->period_ns = notify_period_ns();
	if (notify->fd < 0)
		return;
	notify_say(notify, "READY=1\n");
	loop_timer_in(loop, &notify->timer, notify->period_ns);
}

void notify_stopping(struct notify *notify)
{
	if (notify->loop)
		notify_send(notify, "STOPPING=1");
}

void notify_stop(struct notify *notify)
{
	loop_timer_del(notify->loop, &notify->timer);
	if (notify->fd >= 0)
		close(notify->fd);
	notify->fd = -1;
}
