/* SPDX-License-Identifier: GPL-2.0 */
/* Files that must outlive a loss of power. */
#ifndef GWSYNC_AGENT_FILE_H
#define GWSYNC_AGENT_FILE_H

#include <stddef.h>

/**
 * file_replace() - write a file anew
 * @path: of it; a file of that name with ".new" behind it is made beside it
 * @text: what it holds from now on
 * @len: bytes of it
 *
 * Context: may wait for the disk.
 * Return: 0 or -errno; the file is the old one or the new one, whenever power fails.
 */
int file_replace(const char *path, const void *text, size_t len);

#endif
