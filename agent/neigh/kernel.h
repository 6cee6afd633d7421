/* SPDX-License-Identifier: GPL-2.0 */
/* Neighbours of the kernel, by rtnetlink: what it tells, and requests in batches of one
 * sendmsg() that ask for no answer but a refusal.
 *
 * What net/core/neighbour.c does with a replica; 6.1.192 and 6.12.117 have the same:
 * - neigh_add() makes one on an interface that is down as well, and with NTF_EXT_LEARNED
 *   it does not count for gc_thresh3 (neigh_alloc(), exempt_from_gc) and is not collected
 *   (neigh_forced_gc() goes by the gc_list, neigh_periodic_work() by the flag).
 * - neigh_timer_handler() does not look at the flag: such an entry goes from DELAY to
 *   PROBE and FAILED as any other one, and then stays FAILED for ever.
 * - What the host itself says changes its MAC and leaves the flag: only neigh_update_flags()
 *   does that, and only for requests of ours (NEIGH_UPDATE_F_ADMIN).
 * - NTF_USE changes the flag and neither state nor MAC (__neigh_update()); a request
 *   without a MAC keeps that one.
 * - neigh_ifdown() (arp_ifdown(), ndisc_netdev_event()) and neigh_changeaddr() remove all
 *   of an interface, neigh_carrier_down() all but PERMANENT ones.  An interface that is
 *   down hears nothing of its carrier (linkwatch_do_dev()), so replicas stay.
 * - __neigh_event_send() lets the first packet for a STALE one go, and probes after
 *   delay_first_probe_time: 5 s, then 3 probes to the MAC that it has, a second apart,
 *   then FAILED: a host that changed its card in silence is found after 8 s.  And a reply
 *   from another MAC is not believed for locktime, a second after the last change
 *   (arp_process()); to be probed is one.  See neigh_kernel_tune().
 */
#ifndef GWSYNC_AGENT_NEIGH_KERNEL_H
#define GWSYNC_AGENT_NEIGH_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/netlink.h"

#define NEIGH_PROTOCOL		116	/* NDA_PROTOCOL of what is ours; port 8116 */
#define NEIGH_BATCH		16384	/* bytes of requests that go at once */
/* Each request waits for rtnl, which others may hold: after so many whoever has little time
 * sees whether there is still some.
 */
#define NEIGH_KERNEL_ONCE	32
#define NEIGH_MESSAGE_MAX	128

/* An entry of the kernel, as it tells of it. */
struct neigh_seen {
	int		ifindex;
	uint8_t		family;
	uint8_t		addr[16];
	bool		has_mac;
	uint8_t		mac[6];
	uint16_t	state;		/* NUD_* */
	bool		gone;		/* RTM_DELNEIGH */
	bool		router, proxy;
	bool		external;	/* NTF_EXT_LEARNED */
	bool		ours;		/* and of our making */
};

struct neigh_watcher {
	void (*seen)(void *arg, const struct neigh_seen *seen);
	/* All that there was when it was asked has been seen; or not all of it. */
	void (*dumped)(void *arg, bool whole);
	/* Some were not seen. */
	void (*lost)(void *arg);
	/* The kernel did not take the entry of this id; -EEXIST: it has one, see @yields. */
	void (*refused)(void *arg, uint32_t id, int err);
	void *arg;
};

struct neigh_kernel {
	struct neigh_watcher	watcher;
	int			events;		/* and dumps, so that they come in order */
	int			requests;
	/* Events were lost: the kernel gives no other one, and does not say so, until all
	 * that wait are read.  What a dump says would be old when it ends.
	 */
	bool			congested;
	bool			dumping, dump_cut;
	uint32_t		dump_seq;
	uint64_t		refused;
	int			error;		/* the last of them */
	char			why[NETLINK_EXTACK];
	size_t			used;
	uint8_t			batch[NEIGH_BATCH] __attribute__((aligned(8)));
};

/* What a request is about. */
struct neigh_target {
	uint32_t	id;		/* for refusals; below 1 << 24 */
	int		ifindex;
	uint8_t		family;
	uint8_t		addr[16];
	uint8_t		mac[6];
	bool		router;
};

int neigh_kernel_open(struct neigh_kernel *kernel, const struct neigh_watcher *watcher);
void neigh_kernel_close(struct neigh_kernel *kernel);

/* Takes in what waits, so many messages at most.  Return: false if there may be more. */
bool neigh_kernel_read(struct neigh_kernel *kernel, unsigned int most);

/* What one message says; false: nothing of a neighbour. */
bool neigh_kernel_parse(const struct nlmsghdr *nlh, struct neigh_seen *seen);

/* Asks for all entries, which come by neigh_kernel_read(); 0 or -errno. */
int neigh_kernel_dump(struct neigh_kernel *kernel);

/* Requests; they wait for neigh_kernel_flush(), or until there are many. */

/* A replica: STALE, external.  @yields: what the kernel has by itself is better. */
void neigh_kernel_install(struct neigh_kernel *kernel, const struct neigh_target *target,
			  bool yields);
void neigh_kernel_remove(struct neigh_kernel *kernel, const struct neigh_target *target);
/* One that was confirmed is the kernel's own from now on. */
void neigh_kernel_confirm(struct neigh_kernel *kernel, const struct neigh_target *target);
/* So is one that was not, which may be forgotten if nobody needs it. */
void neigh_kernel_age(struct neigh_kernel *kernel, const struct neigh_target *target);

/**
 * neigh_kernel_tune() - on this interface hosts that changed are found within a second
 * @kernel: where to
 * @ifindex: of an interface whose settings may be changed
 *
 * A STALE entry that is used is probed after 0.3 s: once its MAC, then, 0.3 s later,
 * everybody; whoever answers is believed at once.
 *
 * Nothing puts that back: only the macvlans of virtual routers may be changed, and they are
 * made and removed by this daemon, settings and all (vrouters_free(), leftovers_clear()).
 */
void neigh_kernel_tune(struct neigh_kernel *kernel, int ifindex);

/* Sends them, and tells of refusals. */
void neigh_kernel_flush(struct neigh_kernel *kernel);

/* gc_thresh3 of a family; 0: it cannot be known. */
uint32_t neigh_kernel_limit(uint8_t family);

#endif
