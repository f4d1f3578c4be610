// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/sheet_cells.h"

#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/cli/human.h"
#include "userspace/cli/safe.h"

#define GAP 2u /* between columns */

static double as_real(const struct sl_cell *cell)
{
	return cell->held == SL_HELD_REAL ? cell->real : (double)cell->number;
}

static uint64_t as_number(const struct sl_cell *cell)
{
	return cell->held == SL_HELD_REAL ? (uint64_t)cell->real : cell->number;
}

/* Up to six decimals, as many as it takes; a double has at most 309 digits before them. */
static void real_text(char *buffer, double value)
{
	char text[336];
	size_t length;

	(void)snprintf(text, sizeof(text), "%.6f", value);
	length = strlen(text);
	while (length > 1 && text[length - 1] == '0')
		length--;
	if (text[length - 1] == '.')
		length--;
	if (length >= SL_HUMAN_BYTES)
		length = SL_HUMAN_BYTES - 1;
	memcpy(buffer, text, length);
	buffer[length] = '\0';
}

static void number_text(char *buffer, enum sl_kind kind, const struct sl_cell *cell)
{
	switch (kind) {
	case SL_KIND_EXACT:
		(void)sl_human_exact(buffer, as_number(cell));
		return;
	case SL_KIND_COLUMN:
	case SL_KIND_TEXT:
	case SL_KIND_BOOL:
	case SL_KIND_PLAIN:
		(void)snprintf(buffer, SL_HUMAN_BYTES, "%llu", (unsigned long long)as_number(cell));
		return;
	case SL_KIND_COUNT:
	case SL_KIND_RATE:
		(void)sl_human_count(buffer, as_real(cell));
		break;
	case SL_KIND_BYTES:
	case SL_KIND_BYTE_RATE:
		(void)sl_human_bytes(buffer, as_real(cell));
		break;
	case SL_KIND_MEMORY:
		(void)sl_human_memory(buffer, as_number(cell));
		return;
	case SL_KIND_REAL:
		real_text(buffer, as_real(cell));
		return;
	case SL_KIND_DURATION:
		(void)sl_human_duration(buffer, as_number(cell));
		return;
	case SL_KIND_PART:
		(void)sl_human_percent(buffer, as_real(cell));
		return;
	}
	if (kind == SL_KIND_RATE || kind == SL_KIND_BYTE_RATE)
		(void)strncat(buffer, "/s", SL_HUMAN_BYTES - strlen(buffer) - 1);
}

size_t sl_cell_text(char *buffer, const struct sl_column *column, const struct sl_cell *cell)
{
	const char *word = "-";

	switch (cell->held) {
	case SL_HELD_NONE:
		break;
	case SL_HELD_TEXT:
		word = cell->text;
		break;
	case SL_HELD_WORD:
		word = cell->word;
		break;
	case SL_HELD_BOOL:
		word = cell->truth ? "yes" : "no";
		break;
	case SL_HELD_NUMBER:
	case SL_HELD_REAL:
		number_text(buffer, cell->kind ? cell->kind : column->kind, cell);
		return strlen(buffer);
	}
	return strlen(sl_safe_text(buffer, SL_CELL_BYTES_MAX, word, SL_CELL_BYTES_MAX));
}

static bool is_right(const struct sl_column *column)
{
	return column->kind != SL_KIND_TEXT && column->kind != SL_KIND_BOOL;
}

static const char *shade_code(enum sl_shade shade)
{
	switch (shade) {
	case SL_SHADE_NONE:
		break;
	case SL_SHADE_GOOD:
		return "\033[32m";
	case SL_SHADE_WARN:
		return "\033[33m";
	case SL_SHADE_BAD:
		return "\033[31m";
	case SL_SHADE_DIM:
		return "\033[2m";
	case SL_SHADE_BOLD:
		return "\033[1m";
	}
	return NULL;
}

/* A line on its way out: spaces are kept back until something follows them. */
struct line {
	const struct sl_cli *cli;
	size_t spaces;
	bool begun;
};

static void put_cell(struct line *line, const char *text, size_t width, bool right,
		     enum sl_shade shade)
{
	const char *code = line->cli->colour ? shade_code(shade) : NULL;
	size_t length = strlen(text), pad = width > length ? width - length : 0;

	line->spaces += (line->begun ? GAP : 0) + (right ? pad : 0);
	line->begun = true;
	if (length) {
		(void)fprintf(line->cli->out, "%*s%s%s%s", (int)line->spaces, "", code ? code : "",
			      text, code ? "\033[0m" : "");
		line->spaces = 0;
	}
	line->spaces += right ? 0 : pad;
}

static void end_line(struct line *line)
{
	(void)fputc('\n', line->cli->out);
	line->spaces = 0;
	line->begun = false;
}

static const struct sl_cell *cell_at(const struct sl_sheet *sheet, size_t row, size_t column)
{
	return &sheet->cells[row * sheet->column_count + column];
}

static size_t column_width(const struct sl_sheet *sheet, size_t i, bool header)
{
	char buffer[SL_CELL_BYTES_MAX];
	size_t width = sheet->columns[i].width, length;

	if (header && strlen(sheet->columns[i].title) > width)
		width = strlen(sheet->columns[i].title);
	for (size_t row = 0; row < sl_sheet_rows(sheet); row++) {
		length = sl_cell_text(buffer, &sheet->columns[i], cell_at(sheet, row, i));
		if (length > width)
			width = length;
	}
	return width;
}

static void print_header(const struct sl_sheet *sheet, struct line *line, const size_t *widths)
{
	for (size_t i = 0; i < sheet->column_count; i++)
		if (sheet->columns[i].title)
			put_cell(line, sheet->columns[i].title, widths[i],
				 is_right(&sheet->columns[i]), SL_SHADE_DIM);
	end_line(line);
}

static void print_row(const struct sl_sheet *sheet, struct line *line, const size_t *widths,
		      size_t row)
{
	char buffer[SL_CELL_BYTES_MAX];

	for (size_t i = 0; i < sheet->column_count; i++) {
		const struct sl_column *column = &sheet->columns[i];
		const struct sl_cell *cell = cell_at(sheet, row, i);

		if (!column->title)
			continue;
		(void)sl_cell_text(buffer, column, cell);
		put_cell(line, buffer, widths[i], is_right(column), cell->shade);
	}
	end_line(line);
}

static void print_table(const struct sl_sheet *sheet, const struct sl_cli *cli, bool header)
{
	sl_autofree size_t *widths = calloc(sheet->column_count, sizeof(*widths));
	struct line line = { .cli = cli };

	if (!widths)
		return;
	for (size_t i = 0; i < sheet->column_count; i++)
		if (sheet->columns[i].title)
			widths[i] = column_width(sheet, i, header);
	if (header)
		print_header(sheet, &line, widths);
	for (size_t row = 0; row < sl_sheet_rows(sheet); row++)
		print_row(sheet, &line, widths, row);
}

static void print_record(const struct sl_sheet *sheet, const struct sl_cli *cli)
{
	struct line line = { .cli = cli };
	char buffer[SL_CELL_BYTES_MAX];
	size_t width = 0;

	for (size_t i = 0; i < sheet->column_count; i++)
		if (sheet->columns[i].title && strlen(sheet->columns[i].title) > width)
			width = strlen(sheet->columns[i].title);
	for (size_t i = 0; i < sheet->column_count; i++) {
		const struct sl_column *column = &sheet->columns[i];

		if (!column->title)
			continue;
		(void)sl_cell_text(buffer, column, &sheet->cells[i]);
		put_cell(&line, column->title, width, false, SL_SHADE_DIM);
		put_cell(&line, buffer, 0, false, sheet->cells[i].shade);
		end_line(&line);
	}
}

void sl_sheet_print_text(const struct sl_sheet *sheet, const struct sl_cli *cli, bool header)
{
	if (sheet->is_record)
		print_record(sheet, cli);
	else if (!sheet->cell_count && sheet->when_empty)
		(void)fprintf(cli->out, "%s\n", sheet->when_empty);
	else
		print_table(sheet, cli, header);
}
