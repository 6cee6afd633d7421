/* SPDX-License-Identifier: GPL-2.0 */
/* What must not go back in time with a daemon or its machine: the newest epoch that
 * this host knows, and the number of the daemon's start.  A file of two lines, one
 * for each group and member.
 *
 * To write to a disk may take seconds, and the loop must not wait: a process of its
 * own does it, which has no privilege but that of the file's owner.
 */
#ifndef GWSYNC_AGENT_EPOCHFILE_H
#define GWSYNC_AGENT_EPOCHFILE_H

#include <stdbool.h>
#include <stdint.h>

struct config;

struct epochfile {
	char		path[192];
	uint32_t	epoch;		/* newest that was noted */
	uint32_t	start;		/* of this daemon */
	bool		kept;		/* it could be read and written at the start */
	int		pipe;		/* to the writer, -1: none */
};

/**
 * epochfile_load() - read the file, and count a start
 * @file: filled, also when nothing can be read: then the clock alone gives @start
 * @config: names the directory, which is made, the group and the member
 *
 * The new start is on disk when it returns.  What is wrong is logged: the daemon can
 * do without the file, but its epoch is then the kernel half's alone.
 *
 * Context: at the start; may wait for the disk.
 */
void epochfile_load(struct epochfile *file, const struct config *config);

/**
 * epochfile_run() - start the process that writes
 * @file: loaded
 *
 * Context: with the privileges that the daemon keeps, before the loop runs.
 */
void epochfile_run(struct epochfile *file);

/* An epoch is known; never waits.  An older one than before is passed over. */
void epochfile_note(struct epochfile *file, uint32_t epoch);

/* This daemon counts as started anew; never waits. */
void epochfile_note_start(struct epochfile *file, uint32_t start);

/* Lets the process write what it has, and go. */
void epochfile_close(struct epochfile *file);

#endif
