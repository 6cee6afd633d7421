/* SPDX-License-Identifier: GPL-2.0 */
/* A flow of the client: what all kinds share, and what is measured of each.
 *
 * In a phase: everything is set up (ready), the measures start at a mark, the
 * gateway changes, and after a probe each flow has to show that the very same
 * sockets still carry data.
 */
#ifndef GWSYNC_TRAFFIC_FLOW_H
#define GWSYNC_TRAFFIC_FLOW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "socket.h"

#define FLOWS_MAX	32
#define FLOW_NAME_MAX	32
#define FLOW_WHY_MAX	80
#define FLOW_SETTLE_US	500000	/* not yet missed before this age */

/* Gaps between signs of life; all times in us. */
struct measure {
	int64_t	last;
	int64_t	longest;
	int64_t	interval;	/* the gap when nothing is wrong */
	int64_t	before;		/* the longest gap before the mark */
};

struct flow;

struct flow_ops {
	const char *kind;
	uint16_t port;		/* of the server, when none is given */
	int64_t interval;	/* us */
	bool own_patience;	/* does its own giving up while it is set up */
	struct flow *(*alloc)(void);
	void (*open)(struct flow *flow);	/* anew, from closed */
	void (*close)(struct flow *flow);
	void (*prepare)(struct flow *flow);	/* optional: a phase starts */
	void (*mark)(struct flow *flow);	/* optional: measures start */
	void (*tick)(struct flow *flow, int64_t now);
	void (*probe)(struct flow *flow);	/* optional: answer now */
	void (*finish)(struct flow *flow);	/* optional: come to an end */
	unsigned int (*lost)(const struct flow *flow, int64_t now);
	/* optional: members of the report's JSON object, each led by a comma */
	void (*extra)(const struct flow *flow, FILE *out);
};

struct flow {
	char			name[FLOW_NAME_MAX];
	const struct flow_ops	*ops;
	union endpoint		to;
	struct measure		measure;
	int64_t			opened;		/* us */
	bool			open;
	bool			ready;
	bool			dead;
	bool			probed;
	bool			answered;	/* after the probe */
	bool			finished;	/* came to a right end */
	char			why[FLOW_WHY_MAX];
};

extern const struct flow_ops echo_ops, bulk_ops, udp_ops, idle_ops;
extern const struct flow_ops ftp_ops, ftp_passive_ops, ftp_active_ops;

/**
 * flow_add() - add a flow described by NAME=KIND/ADDRESS[/PORT[/COUNT]]
 *
 * Return: 0, or -EINVAL after a message to stderr.
 */
int flow_add(const char *text);
void flows_free(void);
unsigned int flows_count(void);
struct flow *flow_get(unsigned int index);

/* The connections of the idle flow; set by COUNT before it opens. */
void idle_set_count(struct flow *flow, unsigned int count);
void idle_totals(const struct flow *flow, unsigned int *total, unsigned int *alive);

void flows_tick(int64_t now);
void flows_phase(void);
void flows_mark(void);
void flows_probe(void);
void flows_finish(void);

bool flow_alive(const struct flow *flow);

/* For the kinds. */
void flow_progress(struct flow *flow);
void flow_answer(struct flow *flow);
void flow_set_ready(struct flow *flow);
void flow_fail(struct flow *flow, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
