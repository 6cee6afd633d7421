/* SPDX-License-Identifier: GPL-2.0 */
/* This member of the group: where everything meets, and the one struct that knows
 * everybody.  It is known to this room alone.
 *
 * gateway.c	what comes from below to whom it concerns; actions of the election
 * switchover.c	planned change of the owner
 * lease.c	an owner that was away does not own
 * lan.c	interfaces that tables are about: of virtual routers, and named ones
 * neighbours.c	the table of neighbours on these
 * rib.c	what the routing daemon knows
 * routes.c	the table of routes, of main and the VRFs that are named
 * sourceless.c	flows whose source nobody has any more
 * problem.c	what is wrong, said once
 * status.c	all of it as JSON
 */
#ifndef GWSYNC_AGENT_GATEWAY_H
#define GWSYNC_AGENT_GATEWAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "config/config.h"
#include "daemon/lease.h"
#include "daemon/neighbours.h"
#include "daemon/problem.h"
#include "daemon/refusal.h"
#include "daemon/rib.h"
#include "daemon/routes.h"
#include "daemon/sourceless.h"
#include "daemon/switchover.h"
#include "flow/attach.h"
#include "flow/kernel.h"
#include "host/iface.h"
#include "member/epochfile.h"
#include "member/health.h"
#include "member/heartbeat.h"
#include "member/member.h"
#include "member/peer.h"
#include "member/probe.h"
#include "member/reach.h"
#include "stream/receive.h"
#include "stream/stream.h"
#include "stream/transmit.h"
#include "table/table.h"
#include "table/tables.h"
#include "vrouter/vrouter.h"
#include "wire/frame.h"
#include "wire/path.h"
#include "wire/session.h"
#include "wire/speaker.h"

struct gateway {
	struct loop		*loop;
	const struct config	*config;
	struct epochfile	epochfile;
	struct heartbeat	heartbeat;
	struct health		health;
	struct probes		probes;
	struct speaker		speaker;
	struct member		member;
	struct ifaces		*ifaces;
	struct iface_watcher	watcher;
	struct vrouters		*vrouters;
	struct stream		stream;
	struct attach		attach;
	struct tables		tables;
	struct publish		*publish;	/* of flows */
	struct replicate	*replicate;
	struct neighbours	neighbours;
	struct ribs		ribs;
	struct routes		routes;
	struct sourceless	sourceless;
	struct switchover	switchover;
	struct lease		lease;

	struct peers		peers;

	bool			started;
	enum member_wait	waits;		/* as it was last logged */
	unsigned int		renewals;	/* new boot ids, for recordings of newer ones */

	bool			redundant;	/* as owner: a backup is in sync */
	uint64_t		redundant_ns;	/* since when it is so */

	uint64_t		assert_ns;	/* that it asserts, when that was logged last */
	bool			end_waits;	/* for a backup that will be in sync */

	struct loop_timer	heartbeat_timer;
	struct loop_timer	member_timer;
	struct loop_timer	end_timer;
	struct refusals		refusals;
	struct problems		problems;
	uint64_t		overflow_ns;	/* last complaint that datagrams are lost */
};

/**
 * gateway_alloc() - open links, virtual routers and the kernel half
 * @config: outlives it
 * @err: -errno when NULL is returned; the reason was logged
 */
struct gateway *gateway_alloc(struct loop *loop, const struct config *config, int *err);
void gateway_free(struct gateway *gateway);

/* Begin to listen. */
void gateway_start(struct gateway *gateway);

/* End in order: an owner hands over first. Stops the loop when done. */
void gateway_end(struct gateway *gateway);

/* Reread keys after their files changed; 0 or -errno. */
int gateway_rekey(struct gateway *gateway, const struct config *config);

#endif
