/* SPDX-License-Identifier: GPL-2.0 */
/* The tests' own reader of records. */
#ifndef _KSELFTEST_RECORD_H
#define _KSELFTEST_RECORD_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/**
 * record_next() - the next record of a buffer
 * @data: moved behind the record
 * @len: bytes left, lowered
 *
 * Return: the record, or NULL at the end or when what is left is no record.
 */
const uint8_t *record_next(const uint8_t **data, uint32_t *len);

/**
 * record_print() - one line of key=value for a record
 * @f: where to
 * @rec: from record_next()
 *
 * Return: 0, or -1 when a part is not what uapi says.
 */
int record_print(FILE *f, const uint8_t *rec);

unsigned int record_len(const uint8_t *rec);

#endif /* _KSELFTEST_RECORD_H */
