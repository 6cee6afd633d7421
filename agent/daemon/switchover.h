/* SPDX-License-Identifier: GPL-2.0 */
/* A planned change of the owner.
 *
 * PREPARE until the heir says READY: it has applied all there was when asked.
 * Then nothing is received for the addresses any more, the kernel half gives its last
 * changes, the addresses go, and RESIGN names the last frame: the heir is owner once it
 * has it.
 */
#ifndef GWSYNC_AGENT_SWITCHOVER_H
#define GWSYNC_AGENT_SWITCHOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "wire/frame.h"

struct gateway;
struct peer;

enum switchover_phase {
	SWITCHOVER_IDLE,
	SWITCHOVER_PREPARE,	/* asking the heir whether it is ready */
	SWITCHOVER_DRAIN,	/* addresses released; the last changes go out */
	SWITCHOVER_RESIGN,	/* telling the heir to go on */
};

struct switchover {
	enum switchover_phase	phase;
	uint8_t			to;
	bool			force;
	bool			leaving;	/* the daemon ends after it */
	bool			asked;		/* by somebody, not for health or priority */
	uint32_t		epoch;		/* the new one */
	uint64_t		seq;		/* last frame of the old owner */
	uint64_t		deadline_ns;
	unsigned int		soon;		/* RESIGNs that are repeated at once */
	/* The way of it, for the log */
	uint64_t		began_ns, released_ns, silent_ns, passive_ns, bare_ns, resigned_ns;
	struct loop_timer	timer;
	char			result[96];

	/* as heir: a resignation that waits for frames */
	uint8_t			from;
	uint32_t		from_epoch;
	uint64_t		from_seq;
};

void switchover_init(struct gateway *gateway);
/* 0 or -errno with a text in *why: begin to hand over to @to, 0: the best. */
int switchover_begin(struct gateway *gateway, uint8_t to, bool force, const char **why);
void switchover_abort(struct gateway *gateway, const char *why);
void switchover_take(struct gateway *gateway, const struct peer *peer, enum frame_type type,
		     const struct frame_switch *message);
/* As heir: frames came in; is the last one of the old owner among them? */
void switchover_progress(struct gateway *gateway);
/* The member @owner became owner. */
void switchover_owner_heard(struct gateway *gateway, uint8_t owner);
const char *switchover_phase_name(enum switchover_phase phase);

#endif
