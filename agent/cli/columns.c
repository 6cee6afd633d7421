// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/columns.h"

struct columns_cell {
	char		*text;
	enum columns_tone	tone;
};

struct columns {
	unsigned int		columns, rows, at;
	bool			right[COLUMNS_MAX];
	size_t			width[COLUMNS_MAX];
	struct columns_cell	(*row)[COLUMNS_MAX];
};

static void *columns_check(void *memory)
{
	if (memory)
		return memory;
	fputs("gwsync: out of memory\n", stderr);
	exit(1);
}

struct columns *columns_alloc(const char *const *head)
{
	struct columns *columns = columns_check(calloc(1, sizeof(*columns)));

	for (; head[columns->columns] && columns->columns < COLUMNS_MAX; columns->columns++)
		columns->right[columns->columns] = head[columns->columns][0] == '>';
	columns->row = columns_check(calloc(1, sizeof(*columns->row)));
	while (columns->at < columns->columns) {
		unsigned int i = columns->at;

		columns_cell(columns, COLUMNS_HEAD, "%s", head[i] + columns->right[i]);
	}
	columns_end(columns);
	return columns;
}

void columns_cell(struct columns *columns, enum columns_tone tone, const char *fmt, ...)
{
	struct columns_cell *cell;
	char text[512];
	va_list ap;

	if (columns->at == columns->columns)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cell = &columns->row[columns->rows][columns->at];
	cell->text = columns_check(strdup(text));
	cell->tone = tone;
	if (strlen(text) > columns->width[columns->at])
		columns->width[columns->at] = strlen(text);
	columns->at++;
}

void columns_end(struct columns *columns)
{
	columns->rows++;
	columns->at = 0;
	columns->row = columns_check(realloc(columns->row,
					     (columns->rows + 1) * sizeof(*columns->row)));
	memset(columns->row[columns->rows], 0, sizeof(*columns->row));
}

void columns_text(FILE *out, bool colour, enum columns_tone tone, const char *text)
{
	static const char *const escape[] = {
		[COLUMNS_PLAIN] = "", [COLUMNS_GOOD] = "\033[32m", [COLUMNS_WARN] = "\033[33m",
		[COLUMNS_BAD] = "\033[31m", [COLUMNS_HEAD] = "\033[1m",
	};

	colour &= tone != COLUMNS_PLAIN;
	if (colour)
		fputs(escape[tone], out);
	/* Names come from peers: no escape sequence of theirs to the terminal. */
	for (; *text; text++)
		fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
	if (colour)
		fputs("\033[0m", out);
}

void columns_print(const struct columns *columns, FILE *out, bool colour, const char *indent)
{
	unsigned int row, i;

	for (row = 0; row < columns->rows; row++) {
		fputs(indent, out);
		for (i = 0; i < columns->columns; i++) {
			const struct columns_cell *cell = &columns->row[row][i];
			const char *text = cell->text ? cell->text : "";
			int pad = (int)(columns->width[i] - strlen(text));

			if (i)
				fputs("  ", out);
			if (columns->right[i])
				fprintf(out, "%*s", pad, "");
			columns_text(out, colour, cell->tone, text);
			if (!columns->right[i] && i + 1 < columns->columns)
				fprintf(out, "%*s", pad, "");
		}
		fputc('\n', out);
	}
}

void columns_free(struct columns *columns)
{
	unsigned int row, i;

	if (!columns)
		return;
	for (row = 0; row < columns->rows; row++)
		for (i = 0; i < columns->columns; i++)
			free(columns->row[row][i].text);
	free(columns->row);
	free(columns);
}
