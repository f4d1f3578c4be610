// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/sheet_cells.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int sl_doc_new(struct sl_doc **ret)
{
	struct sl_doc *doc = calloc(1, sizeof(*doc));

	if (!doc)
		return -ENOMEM;
	doc->last = &doc->first;
	*ret = doc;
	return 0;
}

static void forget_cells(struct sl_sheet *sheet)
{
	for (size_t i = 0; i < sheet->cell_count; i++)
		if (sheet->cells[i].held == SL_HELD_TEXT)
			free(sheet->cells[i].text);
	sheet->cell_count = 0;
}

void sl_doc_free(struct sl_doc *doc)
{
	struct sl_sheet *next;

	if (!doc)
		return;
	for (struct sl_sheet *sheet = doc->first; sheet; sheet = next) {
		next = sheet->next;
		forget_cells(sheet);
		free(sheet->cells);
		free(sheet);
	}
	forget_cells(&doc->broken);
	free(doc->broken.cells);
	free(doc);
}

void sl_doc_freep(struct sl_doc **doc)
{
	sl_doc_free(*doc);
}

static struct sl_sheet *add(struct sl_doc *doc, bool is_record, const char *key, const char *title,
			    const struct sl_column *columns, size_t count)
{
	struct sl_sheet *sheet = calloc(1, sizeof(*sheet));

	if (!sheet) {
		doc->broken.err = -ENOMEM;
		return &doc->broken;
	}
	*sheet = (struct sl_sheet){ .key = key,
				    .title = title,
				    .columns = columns,
				    .column_count = count,
				    .is_record = is_record };
	*doc->last = sheet;
	doc->last = &sheet->next;
	return sheet;
}

struct sl_sheet *sl_doc_table(struct sl_doc *doc, const char *key, const char *title,
			      const struct sl_column *columns, size_t count)
{
	return add(doc, false, key, title, columns, count);
}

struct sl_sheet *sl_doc_record(struct sl_doc *doc, const char *key, const char *title,
			       const struct sl_column *columns, size_t count)
{
	return add(doc, true, key, title, columns, count);
}

void sl_sheet_when_empty(struct sl_sheet *sheet, const char *text)
{
	sheet->when_empty = text;
}

/* The next cell, or NULL after remembering that there is none. */
static struct sl_cell *next_cell(struct sl_sheet *sheet, enum sl_held held)
{
	struct sl_cell *cells;
	size_t room;

	if (sheet->err)
		return NULL;
	if (sheet->cell_count == sheet->cell_room) {
		room = sheet->cell_room ? sheet->cell_room * 2 : 64;
		cells = reallocarray(sheet->cells, room, sizeof(*cells));
		if (!cells) {
			sheet->err = -ENOMEM;
			return NULL;
		}
		sheet->cells = cells;
		sheet->cell_room = room;
	}
	sheet->cells[sheet->cell_count] = (struct sl_cell){ .held = held };
	return &sheet->cells[sheet->cell_count++];
}

static void take_text(struct sl_sheet *sheet, char *text)
{
	struct sl_cell *cell = text ? next_cell(sheet, SL_HELD_TEXT) : NULL;

	if (cell) {
		cell->text = text;
		return;
	}
	free(text);
	if (!sheet->err)
		sheet->err = -ENOMEM;
}

void sl_put_text(struct sl_sheet *sheet, const char *text)
{
	take_text(sheet, strndup(text, SL_CELL_BYTES_MAX / 4 - 1));
}

void sl_put_textf(struct sl_sheet *sheet, const char *format, ...)
{
	char text[SL_CELL_BYTES_MAX / 4];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	take_text(sheet, strdup(text));
}

void sl_put_number(struct sl_sheet *sheet, uint64_t value)
{
	struct sl_cell *cell = next_cell(sheet, SL_HELD_NUMBER);

	if (cell)
		cell->number = value;
}

void sl_put_real(struct sl_sheet *sheet, double value)
{
	struct sl_cell *cell = next_cell(sheet, SL_HELD_REAL);

	if (cell)
		cell->real = value;
}

void sl_put_bool(struct sl_sheet *sheet, bool value)
{
	struct sl_cell *cell = next_cell(sheet, SL_HELD_BOOL);

	if (cell)
		cell->truth = value;
}

void sl_put_none(struct sl_sheet *sheet)
{
	(void)next_cell(sheet, SL_HELD_NONE);
}

void sl_put_word(struct sl_sheet *sheet, const char *word)
{
	struct sl_cell *cell = next_cell(sheet, SL_HELD_WORD);

	if (cell)
		cell->word = word;
}

void sl_shade(struct sl_sheet *sheet, enum sl_shade shade)
{
	if (sheet->cell_count)
		sheet->cells[sheet->cell_count - 1].shade = shade;
}

void sl_show_as(struct sl_sheet *sheet, enum sl_kind kind)
{
	if (sheet->cell_count)
		sheet->cells[sheet->cell_count - 1].kind = kind;
}

size_t sl_sheet_rows(const struct sl_sheet *sheet)
{
	return sheet->column_count ? sheet->cell_count / sheet->column_count : 0;
}

static int check(const struct sl_sheet *sheet)
{
	if (sheet->err)
		return sheet->err;
	if (!sheet->column_count || sheet->cell_count % sheet->column_count)
		return -EINVAL;
	return sheet->is_record && sl_sheet_rows(sheet) != 1 ? -EINVAL : 0;
}

static void print_text(const struct sl_doc *doc, const struct sl_cli *cli)
{
	for (const struct sl_sheet *sheet = doc->first; sheet; sheet = sheet->next) {
		if (sheet != doc->first)
			(void)fputc('\n', cli->out);
		if (sheet->title)
			(void)fprintf(cli->out, "%s%s%s\n", cli->colour ? "\033[1m" : "",
				      sheet->title, cli->colour ? "\033[0m" : "");
		sl_sheet_print_text(sheet, cli, true);
	}
}

static void print_csv(const struct sl_doc *doc, FILE *out)
{
	const struct sl_sheet *sheet = doc->first;

	while (sheet && sheet->is_record && sheet->next)
		sheet = sheet->next;
	if (sheet)
		sl_sheet_print_csv(sheet, out, true);
}

int sl_doc_print(const struct sl_doc *doc, const struct sl_cli *cli)
{
	int err = doc->broken.err;

	for (const struct sl_sheet *sheet = doc->first; sheet && !err; sheet = sheet->next)
		err = check(sheet);
	if (err)
		return err;
	switch (cli->format) {
	case SL_FORMAT_TEXT:
		print_text(doc, cli);
		break;
	case SL_FORMAT_CSV:
		print_csv(doc, cli->out);
		break;
	case SL_FORMAT_JSON:
		err = sl_doc_print_json(doc, cli->out);
		break;
	}
	if (!err && (fflush(cli->out) || ferror(cli->out)))
		err = -EIO;
	return err;
}

int sl_sheet_flush(struct sl_sheet *sheet, const struct sl_cli *cli, bool header)
{
	int err = check(sheet);

	if (err)
		return err;
	switch (cli->format) {
	case SL_FORMAT_TEXT:
		sl_sheet_print_text(sheet, cli, header);
		break;
	case SL_FORMAT_CSV:
		sl_sheet_print_csv(sheet, cli->out, header);
		break;
	case SL_FORMAT_JSON:
		err = sl_sheet_print_json_lines(sheet, cli->out);
		break;
	}
	forget_cells(sheet);
	if (!err && (fflush(cli->out) || ferror(cli->out)))
		err = -EIO;
	return err;
}

int sl_doc_finish(struct sl_doc *doc, const struct sl_cli *cli)
{
	int err = sl_doc_print(doc, cli);

	sl_doc_free(doc);
	if (err)
		return sl_cli_fail(cli, SL_EXIT_FAILED, "cannot print: %s", strerror(-err));
	return SL_EXIT_OK;
}
