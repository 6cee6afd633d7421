// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "base/big_endian.h"
#include "table/entry.h"

/* What follows the head, without key and value. */
static size_t entry_body(enum entry_kind kind)
{
	switch (kind) {
	case ENTRY_SWEEP:
	case ENTRY_SWEPT:
		return 8;
	case ENTRY_SUMS:
		return 4 * ENTRY_CLASSES;
	default:
		return 0;
	}
}

static void entry_head(uint8_t *at, enum entry_kind kind, uint8_t table, uint64_t number,
		       size_t len)
{
	memset(at, 0, ENTRY_HEAD);
	at[0] = (uint8_t)kind;
	at[1] = ENTRY_VERSION;
	put_be(at + 2, len, 2);
	at[4] = table;
	put_be(at + 8, number, 8);
}

size_t entry_write(const struct entry *entry, void *buf, size_t room)
{
	size_t len = ENTRY_HEAD + entry_body(entry->kind);
	uint8_t key_len = 0, value_len = 0, *at = buf;

	if (entry->kind == ENTRY_PUT || entry->kind == ENTRY_DEL)
		key_len = entry->key_len;
	if (entry->kind == ENTRY_PUT)
		value_len = entry->value_len;
	len += key_len + value_len;
	if (len > room)
		return 0;
	entry_head(at, entry->kind, entry->table, entry->number, len);
	at[6] = key_len;
	at[7] = value_len;
	if (key_len)
		memcpy(at + ENTRY_HEAD, entry->key, key_len);
	if (value_len)
		memcpy(at + ENTRY_HEAD + key_len, entry->value, value_len);
	if (entry->kind == ENTRY_SWEEP || entry->kind == ENTRY_SWEPT)
		put_be(at + ENTRY_HEAD, entry->classes, 8);
	return len;
}

size_t entry_write_sums(uint8_t table, uint64_t bucket, const uint32_t sums[ENTRY_CLASSES],
			void *buf, size_t room)
{
	size_t len = ENTRY_HEAD + entry_body(ENTRY_SUMS);
	uint8_t *at = buf;
	unsigned int i;

	if (len > room)
		return 0;
	entry_head(at, ENTRY_SUMS, table, bucket, len);
	for (i = 0; i < ENTRY_CLASSES; i++)
		put_be(at + ENTRY_HEAD + 4 * i, sums[i], 4);
	return len;
}

static bool entry_is_whole(const uint8_t *head, size_t len)
{
	size_t body = len - ENTRY_HEAD;

	if (head[5])
		return false;
	switch (head[0]) {
	case ENTRY_PUT:
		return head[6] && head[6] <= ENTRY_KEY_MAX && head[7] <= ENTRY_VALUE_MAX &&
		       body == (size_t)head[6] + head[7];
	case ENTRY_DEL:
		return head[6] && head[6] <= ENTRY_KEY_MAX && !head[7] && body == head[6];
	default:
		return !head[6] && !head[7] && body == entry_body(head[0]);
	}
}

enum entry_read entry_read(const uint8_t **at, size_t *len, struct entry *entry)
{
	const uint8_t *head = *at;
	size_t whole;

	if (!*len)
		return ENTRY_READ_END;
	if (*len < ENTRY_HEAD)
		return ENTRY_READ_BROKEN;
	whole = get_be(head + 2, 2);
	if (whole < ENTRY_HEAD || whole > *len)
		return ENTRY_READ_BROKEN;
	/* Later versions keep the kind, the version and the length where they are. */
	if (head[1] == ENTRY_VERSION && head[0] && head[0] < __ENTRY_MAX &&
	    !entry_is_whole(head, whole))
		return ENTRY_READ_BROKEN;
	*at += whole;
	*len -= whole;
	if (head[1] != ENTRY_VERSION || !head[0] || head[0] >= __ENTRY_MAX)
		return ENTRY_READ_UNKNOWN;
	memset(entry, 0, sizeof(*entry));
	entry->kind = head[0];
	entry->table = head[4];
	entry->number = get_be(head + 8, 8);
	entry->key_len = head[6];
	entry->value_len = head[7];
	entry->key = head + ENTRY_HEAD;
	entry->value = head + ENTRY_HEAD + head[6];
	if (entry->kind == ENTRY_SWEEP || entry->kind == ENTRY_SWEPT)
		entry->classes = get_be(head + ENTRY_HEAD, 8);
	return ENTRY_READ_OK;
}

uint32_t entry_sum(const struct entry *sums, unsigned int class)
{
	return (uint32_t)get_be(sums->value + 4 * class, 4);
}
