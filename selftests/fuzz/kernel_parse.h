/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GWSYNC_SELFTESTS_FUZZ_KERNEL_PARSE_H
#define GWSYNC_SELFTESTS_FUZZ_KERNEL_PARSE_H

#include <stddef.h>
#include <stdint.h>

/**
 * kernel_parse() - a record through kmod/parse.c, and a look at what came out
 * @data: the record
 * @len: its own length field, as apply.c has checked it
 *
 * Return: as gwsync_parse_record().
 */
int kernel_parse(const uint8_t *data, size_t len);

#endif
