/* SPDX-License-Identifier: GPL-2.0 */
/* Records of a table of the agent on the wire: a head of fixed size, a key, a value.
 *
 *	0  u8   kind		8  u64  number, see store.h
 *	1  u8   version
 *	2  u16  length, of all
 *	4  u8   table
 *	5  u8   0
 *	6  u8   length of the key
 *	7  u8   length of the value
 *
 * All are big endian.  What follows the head of each kind:
 *	PUT		key, value
 *	DEL		key
 *	SWEEP, SWEPT	u64 classes of the bucket that "number" names: what comes between
 *			the two is all there is of them
 *	SUMS		u32 sum of each of the 64 classes of the bucket that "number" names
 *	ROUND		nothing: the sums of all buckets have come since the last one
 *
 * They come from other machines and are hostile until entry_read() took them.
 */
#ifndef GWSYNC_AGENT_TABLE_ENTRY_H
#define GWSYNC_AGENT_TABLE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENTRY_VERSION	1
#define ENTRY_HEAD	16
#define ENTRY_KEY_MAX	64
#define ENTRY_VALUE_MAX	192
#define ENTRY_CLASSES	64		/* of a bucket */
#define ENTRY_MAX	(ENTRY_HEAD + 4 * ENTRY_CLASSES)

enum entry_kind {
	ENTRY_PUT = 1,
	ENTRY_DEL,
	ENTRY_SWEEP,
	ENTRY_SWEPT,
	ENTRY_SUMS,
	ENTRY_ROUND,

	__ENTRY_MAX
};

struct entry {
	enum entry_kind	kind;
	uint8_t		table;
	uint64_t	number;		/* or the bucket */
	uint64_t	classes;	/* SWEEP, SWEPT */
	const uint8_t	*key;
	const uint8_t	*value;		/* SUMS: where they begin, see entry_sum() */
	uint8_t		key_len, value_len;
};

enum entry_read {
	ENTRY_READ_OK,
	ENTRY_READ_END,		/* nothing is left */
	ENTRY_READ_UNKNOWN,	/* of a kind or version that comes later: skipped */
	ENTRY_READ_BROKEN,	/* nothing after it can be read */
};

/**
 * entry_write() - put one record into a buffer
 * @entry: its kind says which members count
 * @buf: where to
 * @room: bytes that are free there
 *
 * Return: its length, 0 if it does not fit.
 */
size_t entry_write(const struct entry *entry, void *buf, size_t room);

/* The same for the sums of a bucket. */
size_t entry_write_sums(uint8_t table, uint64_t bucket, const uint32_t sums[ENTRY_CLASSES],
			void *buf, size_t room);

/**
 * entry_read() - take the next record out of a buffer
 * @at: where it begins; moved behind it unless it is broken
 * @len: bytes that are left; likewise
 * @entry: filled with OK; points into the buffer
 *
 * Reads nothing past @len.
 */
enum entry_read entry_read(const uint8_t **at, size_t *len, struct entry *entry);

uint32_t entry_sum(const struct entry *sums, unsigned int class);

#endif
