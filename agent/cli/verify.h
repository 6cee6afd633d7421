/* SPDX-License-Identifier: GPL-2.0 */
/* What is compared with another member: flows, and neighbours. */
#ifndef GWSYNC_AGENT_VERIFY_H
#define GWSYNC_AGENT_VERIFY_H

#include "cli/cli.h"

/* One look at both tables: by what names an entry, and how they differ. */
struct verify {
	json_t		*here, *there;	/* objects: entries by name */
	json_t		*differences;	/* object: name to text */
	unsigned long	compared, unsynced;
};

/* Adds to what differs of @name. */
void verify_differ(struct verify *v, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void verify_differ_value(struct verify *v, const char *name, const char *key,
			 const json_t *here, const json_t *there);

/**
 * verify_peer() - ask the other member's gwsync
 * @command: what runs it, and the words of a command of its own
 * @status: its exit status, as waitpid() has it
 * @error: why there is no answer
 *
 * Return: what it prints, or NULL.
 */
json_t *verify_peer(char *const *command, int *status, json_error_t *error);

/**
 * verify_neighbours() - one look at the neighbours of both
 * @cli: of this member
 * @command: prints those of the other
 * @v: what was seen
 *
 * Return: false after a message, if one of them has no such table.
 */
bool verify_neighbours(const struct cli *cli, char *const *command, struct verify *v);

#endif
