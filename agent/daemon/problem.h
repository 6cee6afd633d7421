/* SPDX-License-Identifier: GPL-2.0 */
/* What is wrong, in the words of who has to mend it.
 *
 * The list is made anew whenever somebody asks.  Once a second it is compared with
 * that of a second ago: what stays is logged once, and once more when it is over.
 */
#ifndef GWSYNC_AGENT_PROBLEM_H
#define GWSYNC_AGENT_PROBLEM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"

struct gateway;

/* What is wrong is looked for once a second; it is logged when it stays. */
#define PROBLEMS_MAX	64

struct problem {
	char	key[48];	/* the same as long as it is the same problem */
	char	text[208];
};

struct problems {
	struct loop_timer	timer;
	unsigned int		known;		/* at the last look */
	struct problem		problem[PROBLEMS_MAX];
	bool			said[PROBLEMS_MAX];
};

/**
 * problem_list() - what is wrong now
 * @problem: PROBLEMS_MAX of them
 *
 * Return: how many.
 */
unsigned int problem_list(const struct gateway *gateway, struct problem *problem);
/* As owner: note since when there is, or is not, a backup in sync. */
void problem_check_redundancy(struct gateway *gateway, uint64_t now_ns);
void problem_start(struct gateway *gateway);
void problem_stop(struct gateway *gateway);

/* In one word, for an exit status. */
enum verdict {
	VERDICT_FINE,
	VERDICT_NO_REDUNDANCY,	/* if the owner dies connections are lost */
	VERDICT_NO_OWNER,
	VERDICT_TWO_OWNERS,
};

enum verdict problem_verdict(const struct gateway *gateway);
const char *problem_verdict_name(enum verdict verdict);

#endif
