/* SPDX-License-Identifier: GPL-2.0 */
/* Key files: 32 bytes in base64 or hex, for nobody's eyes but the owner's. */
#ifndef GWSYNC_AGENT_KEYFILE_H
#define GWSYNC_AGENT_KEYFILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define KEYFILE_BYTES 32

/**
 * keyfile_load() - read a key
 * @path: absolute; a regular file that belongs to root, to the caller or to
 *	@owner and that neither group nor others may read, write or run
 * @owner: who may own it too; 0: nobody else
 * @key: filled on success, else zero
 * @why: on failure: what is wrong and the remedy; names the path
 * @why_len: bytes at @why
 *
 * Return: 0 or -errno.
 */
int keyfile_load(const char *path, uid_t owner, uint8_t key[KEYFILE_BYTES],
		 char *why, size_t why_len);

/* A new random key in base64, with its NUL. */
#define KEYFILE_TEXT 45
void keyfile_generate(char text[KEYFILE_TEXT]);

#endif
