// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

struct table_cell {
	char		*text;
	enum table_tone	tone;
};

struct table {
	unsigned int		columns, rows, at;
	bool			right[TABLE_COLUMNS];
	size_t			width[TABLE_COLUMNS];
	struct table_cell	(*row)[TABLE_COLUMNS];
};

static void *table_check(void *memory)
{
	if (memory)
		return memory;
	fputs("gwsync: out of memory\n", stderr);
	exit(1);
}

struct table *table_alloc(const char *const *head)
{
	struct table *table = table_check(calloc(1, sizeof(*table)));

	for (; head[table->columns] && table->columns < TABLE_COLUMNS; table->columns++)
		table->right[table->columns] = head[table->columns][0] == '>';
	table->row = table_check(calloc(1, sizeof(*table->row)));
	while (table->at < table->columns) {
		unsigned int i = table->at;

		table_cell(table, TABLE_HEAD, "%s", head[i] + table->right[i]);
	}
	table_end(table);
	return table;
}

void table_cell(struct table *table, enum table_tone tone, const char *fmt, ...)
{
	struct table_cell *cell;
	char text[512];
	va_list ap;

	if (table->at == table->columns)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cell = &table->row[table->rows][table->at];
	cell->text = table_check(strdup(text));
	cell->tone = tone;
	if (strlen(text) > table->width[table->at])
		table->width[table->at] = strlen(text);
	table->at++;
}

void table_end(struct table *table)
{
	table->rows++;
	table->at = 0;
	table->row = table_check(realloc(table->row, (table->rows + 1) * sizeof(*table->row)));
	memset(table->row[table->rows], 0, sizeof(*table->row));
}

void table_text(FILE *out, bool colour, enum table_tone tone, const char *text)
{
	static const char *const escape[] = {
		[TABLE_PLAIN] = "", [TABLE_GOOD] = "\033[32m", [TABLE_WARN] = "\033[33m",
		[TABLE_BAD] = "\033[31m", [TABLE_HEAD] = "\033[1m",
	};

	colour &= tone != TABLE_PLAIN;
	if (colour)
		fputs(escape[tone], out);
	/* Names come from peers: no escape sequence of theirs to the terminal. */
	for (; *text; text++)
		fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
	if (colour)
		fputs("\033[0m", out);
}

void table_print(const struct table *table, FILE *out, bool colour, const char *indent)
{
	unsigned int row, i;

	for (row = 0; row < table->rows; row++) {
		fputs(indent, out);
		for (i = 0; i < table->columns; i++) {
			const struct table_cell *cell = &table->row[row][i];
			const char *text = cell->text ? cell->text : "";
			int pad = (int)(table->width[i] - strlen(text));

			if (i)
				fputs("  ", out);
			if (table->right[i])
				fprintf(out, "%*s", pad, "");
			table_text(out, colour, cell->tone, text);
			if (!table->right[i] && i + 1 < table->columns)
				fprintf(out, "%*s", pad, "");
		}
		fputc('\n', out);
	}
}

void table_free(struct table *table)
{
	unsigned int row, i;

	if (!table)
		return;
	for (row = 0; row < table->rows; row++)
		for (i = 0; i < table->columns; i++)
			free(table->row[row][i].text);
	free(table->row);
	free(table);
}
