/* SPDX-License-Identifier: GPL-2.0 */
/* Tables for people: columns as wide as their widest cell. */
#ifndef GWSYNC_AGENT_COLUMNS_H
#define GWSYNC_AGENT_COLUMNS_H

#include <stdbool.h>
#include <stdio.h>

#define COLUMNS_MAX	16

enum columns_tone { COLUMNS_PLAIN, COLUMNS_GOOD, COLUMNS_WARN, COLUMNS_BAD, COLUMNS_HEAD };

struct columns;

/* @head: COLUMNS_MAX titles at most, NULL ends; a title that begins with '>'
 * makes a column of numbers, flush right.
 */
struct columns *columns_alloc(const char *const *head);

/* Cells of a row from left to right; the row ends with columns_end(). */
void columns_cell(struct columns *columns, enum columns_tone tone, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void columns_end(struct columns *columns);

void columns_print(const struct columns *columns, FILE *out, bool colour, const char *indent);
void columns_free(struct columns *columns);

/* @text in @tone; what is not printable comes out as '?'. */
void columns_text(FILE *out, bool colour, enum columns_tone tone, const char *text);

#endif
