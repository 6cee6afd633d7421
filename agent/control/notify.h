/* SPDX-License-Identifier: GPL-2.0 */
/* sd_notify(3), by hand: readiness, a line of status, and signs of life for the
 * service manager's watchdog, from the loop: a loop that hangs gives none.
 */
#ifndef GWSYNC_AGENT_NOTIFY_H
#define GWSYNC_AGENT_NOTIFY_H

#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"

struct notify {
	int			fd;
	struct loop		*loop;
	void			(*status)(void *arg, char *text, size_t size);
	void			*arg;
	struct loop_timer	timer;
	uint64_t		period_ns;
};

/**
 * notify_start() - say that the daemon is ready, and go on to say how it is
 * @notify: does nothing, then and later, unless NOTIFY_SOCKET is set; never waits
 * @loop: that has to run for it
 * @status: writes the line of status
 * @arg: its
 */
void notify_start(struct notify *notify, struct loop *loop,
		  void (*status)(void *arg, char *text, size_t size), void *arg);
void notify_stopping(struct notify *notify);
void notify_stop(struct notify *notify);

#endif
