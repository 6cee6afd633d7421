/* SPDX-License-Identifier: GPL-2.0 */
/* The lease: an owner that was away does not own.
 *
 * Who hangs is dead to the others, and soon one of them owns.  So an owner has its
 * addresses for less than their patience after each of its heartbeats: that is the
 * lease.  The kernel half keeps the time as well, and takes the addresses away from an
 * agent that does not come back; an agent that does come back late lets go of them
 * before it reads a socket.
 *
 * Of a machine that stood still its own clock knows nothing.  Those of the others went
 * on: each heartbeat says what time it is at its sender.
 */
#ifndef GWSYNC_AGENT_LEASE_H
#define GWSYNC_AGENT_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "config/config.h"

struct gateway;
struct peer;
struct kernel_event;

/* How far a peer's clock is behind the own one, at the least: what is more is the time
 * that its heartbeats took.
 */
struct lease_clock {
	int64_t		least_ms;	/* since since_ns */
	int64_t		known_ms;	/* in the time before */
	bool		known;
	uint64_t	since_ns;	/* 0: nothing was heard */
};

struct lease {
	uint64_t		end_ns;		/* 0: none is held */
	uint64_t		from_ns;	/* the heartbeat that it is counted from */
	bool			taken;		/* by the kernel half, with these: */
	uint32_t		ifindex[CONFIG_VROUTERS_MAX];
	unsigned int		count;
	uint64_t		again_ns;	/* it refused: not before */
	uint64_t		wait_ns;
	uint64_t		asleep_ns;	/* of this machine, since it was started */
	struct loop_timer	timer;		/* a round of the loop is due */
	uint64_t		lapsed, resumed;	/* how often */
	struct lease_clock	clock[GWSYNC_MEMBER_MAX + 1];	/* of other members */
};

void lease_init(struct gateway *gateway);
void lease_exit(struct gateway *gateway);

/* Before the addresses are up. */
void lease_take(struct gateway *gateway);
/* A heartbeat has left at @sent_ns, not earlier. */
void lease_renew(struct gateway *gateway, uint64_t sent_ns);
/* This owner hands over.  Return: true if the kernel half has ended the lease: nothing
 * passes the interfaces of the addresses, until it is given back.
 */
bool lease_has_ended(struct gateway *gateway);
/* The addresses are down, or set down here: they were quiet on a lease that has ended. */
void lease_give_back(struct gateway *gateway);

/* Of the kernel half.  Return: false if the event is about something else. */
bool lease_event(struct gateway *gateway, const struct kernel_event *event);
/* A heartbeat of @peer said that it was @clock_ms there, 0: nothing.  Return: true if
 * this machine stood still: its sessions are over, and with them the heartbeat.
 */
bool lease_heard(struct gateway *gateway, const struct peer *peer, uint64_t now_ns,
		 uint64_t clock_ms);

#endif
