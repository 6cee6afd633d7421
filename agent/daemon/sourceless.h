/* SPDX-License-Identifier: GPL-2.0 */
/* Flows whose source has gone: which addresses nobody here has any more, and what became
 * of the flows that were translated to them.
 *
 * The owner alone looks for them, and ends them where sync.end_sourceless says so; its
 * backups hear of the ends as of all others.
 */
#ifndef GWSYNC_AGENT_SOURCELESS_H
#define GWSYNC_AGENT_SOURCELESS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/loop.h"
#include "host/iface.h"
#include "vrouter/former.h"

struct gateway;

struct sourceless {
	struct formers		*formers;	/* NULL: nobody looks */
	char			path[192];
	struct loop_timer	timer;
	struct iface_watcher	watcher;
	uint64_t		fired_ns;	/* the last time */
	bool			changed;	/* addresses of the host, since the last look */
	bool			asked;		/* the kernel half looks for flows of */
	struct former_address	address;
	uint64_t		since_ns;	/* for an owner since then */
	uint64_t		pause_ns;	/* it is asked again then, not before */
	bool			unable;		/* it is an older one */
	uint64_t		ended;		/* flows, by this daemon */
};

/**
 * sourceless_init() - look at the addresses of the host from now on
 * @gateway: its directory for state is there; sourceless_exit() it, also after an error
 *
 * Context: at the start; may wait for the disk.
 * Return: 0 or -errno.
 */
int sourceless_init(struct gateway *gateway);
void sourceless_exit(struct gateway *gateway);

/* The kernel half has looked for flows, and found @count; it has gone. */
void sourceless_counted(struct gateway *gateway, uint32_t count);
void sourceless_gone(struct gateway *gateway);

json_t *sourceless_json(const struct gateway *gateway);

#endif
