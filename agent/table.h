/* SPDX-License-Identifier: GPL-2.0 */
/* Tables for people: columns as wide as their widest cell. */
#ifndef GWSYNC_AGENT_TABLE_H
#define GWSYNC_AGENT_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#define TABLE_COLUMNS	16

enum table_tone { TABLE_PLAIN, TABLE_GOOD, TABLE_WARN, TABLE_BAD, TABLE_HEAD };

struct table;

/* @head: TABLE_COLUMNS titles at most, NULL ends; a title that begins with '>'
 * makes a column of numbers, flush right.
 */
struct table *table_alloc(const char *const *head);

/* Cells of a row from left to right; the row ends with table_end(). */
void table_cell(struct table *table, enum table_tone tone, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void table_end(struct table *table);

void table_print(const struct table *table, FILE *out, bool colour, const char *indent);
void table_free(struct table *table);

/* @text in @tone; what is not printable comes out as '?'. */
void table_text(FILE *out, bool colour, enum table_tone tone, const char *text);

#endif
