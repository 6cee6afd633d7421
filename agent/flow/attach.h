/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel half comes and goes: attach, configure, wait for its return.  While it is
 * there it is the table of flows.
 */
#ifndef GWSYNC_AGENT_ATTACH_H
#define GWSYNC_AGENT_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "config/config.h"
#include "flow/kernel.h"
#include "table/table.h"

/* What it tells, and asks, whoever is above.  It decides nothing. */
struct attach_ops {
	/* See kernel.h. */
	bool (*delta)(void *arg, uint64_t set, uint32_t walk_id,
		      const void *records, size_t len);
	void (*event)(void *arg, const struct kernel_event *event);
	/* The newest epoch that is known so far. */
	uint32_t (*epoch)(void *arg);
	/* It is there, with @epoch, which may be a newer one. */
	void (*here)(void *arg, uint32_t epoch);
	void (*gone)(void *arg);
	/* Addresses of this host, to be left out; returns how many. */
	unsigned int (*own_addresses)(void *arg, struct gwsync_filter_prefix *prefix,
				      unsigned int max);
	void *arg;
};

struct attach {
	struct loop		*loop;
	const struct config	*config;
	struct attach_ops	ops;
	struct kernel		*kernel;	/* NULL: not attached */
	struct table		table;		/* the same, for who does not know it */
	struct config		*filled;	/* copy with the host's addresses */
	uint64_t		boot_id;	/* of the kernel half */
	size_t			batch_most;	/* that a slot of the ring holds */
	size_t			batch_bytes;	/* that fits a packet now */
	struct loop_timer	timer;
	struct loop_timer	filter_timer;	/* the host's addresses have changed */
	bool			asked;		/* for the module, which loads it: once */
	bool			complained;	/* about the kernel half being absent */
	bool			owned;		/* at attach: the last agent ended as owner */
};

/**
 * attach_init() - get ready; attach_start() looks for the kernel half
 * @attach: zeroed
 * @config: outlives it
 * @batch_bytes: the most that a batch of records may have
 * @ops: called from attach_start() on
 */
void attach_init(struct attach *attach, struct loop *loop, const struct config *config,
		 size_t batch_bytes, const struct attach_ops *ops);
/* 0, or -errno: only without memory; a missing kernel half is waited for. */
int attach_start(struct attach *attach);
void attach_exit(struct attach *attach);

/* What fits a packet has changed; addresses of the host have. */
void attach_set_batch(struct attach *attach, size_t bytes);
void attach_addresses_changed(struct attach *attach);

#endif
