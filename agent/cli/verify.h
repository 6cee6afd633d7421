/* SPDX-License-Identifier: GPL-2.0 */
/* What is compared with another member: flows, neighbours, routes. */
#ifndef GWSYNC_AGENT_VERIFY_H
#define GWSYNC_AGENT_VERIFY_H

#include "cli/cli.h"

/* One look at both tables: by what names an entry, and how they differ. */
struct verify {
	json_t		*here, *there;	/* objects: entries by name */
	json_t		*differences;	/* object: name to text */
	unsigned long	compared, unsynced;
	char		why[192];	/* there was nothing to compare */
};

/* Entries that daemons tell of, and members have alike. */
struct verify_table {
	const char	*noun;
	const char	*words[4];	/* of the command that prints them */
	const char	*ask;		/* the request for them, to a daemon */
	const char	*array;		/* where they are in both answers */
	void		(*name)(const json_t *one, char *name, size_t size);
	const char *const *keys;	/* that must be the same */
	bool		copies;		/* a replica is to be in the kernel */
};

extern const struct verify_table verify_neighbours, verify_routes;

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
 * verify_table() - one look at a table of both
 * @table: which
 * @cli: of this member
 * @command: prints the other's
 * @v: what was seen, or why not
 *
 * Return: false if one of them has no such table.
 */
bool verify_table(const struct verify_table *table, const struct cli *cli, char *const *command,
		  struct verify *v);

#endif
