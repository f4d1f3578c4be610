// SPDX-License-Identifier: Apache-2.0
/* Sheets for programs: JSON and CSV. */
#include "userspace/cli/sheet_cells.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/cli/safe.h"

static void json_freep(json_t **json)
{
	json_decref(*json);
}

/* JSON has integers to 2^63 here; what is larger becomes a real. */
static json_t *json_number(uint64_t value)
{
	return value <= INT64_MAX ? json_integer((json_int_t)value) : json_real((double)value);
}

static json_t *json_text(const char *text)
{
	char clean[SL_CELL_BYTES_MAX];
	json_t *json = json_string(text);

	/* Not UTF-8: a name in a map can be anything. */
	return json ? json
		    : json_string(sl_safe_text(clean, sizeof(clean), text, SL_CELL_BYTES_MAX));
}

static json_t *cell_json(const struct sl_cell *cell)
{
	switch (cell->held) {
	case SL_HELD_NONE:
		break;
	case SL_HELD_TEXT:
		return json_text(cell->text);
	case SL_HELD_WORD:
		return json_text(cell->word);
	case SL_HELD_NUMBER:
		return json_number(cell->number);
	case SL_HELD_REAL:
		return isfinite(cell->real) ? json_real(cell->real) : json_null();
	case SL_HELD_BOOL:
		return json_boolean(cell->truth);
	}
	return json_null();
}

static json_t *row_json(const struct sl_sheet *sheet, size_t row)
{
	sl_cleanup(json_freep) json_t *object = json_object();

	for (size_t i = 0; object && i < sheet->column_count; i++) {
		const struct sl_cell *cell = &sheet->cells[row * sheet->column_count + i];

		if (json_object_set_new(object, sheet->columns[i].key, cell_json(cell)))
			return NULL;
	}
	return SL_TAKE_PTR(object);
}

static json_t *sheet_json(const struct sl_sheet *sheet)
{
	sl_cleanup(json_freep) json_t *array = NULL;

	if (sheet->is_record)
		return row_json(sheet, 0);
	array = json_array();
	for (size_t row = 0; array && row < sl_sheet_rows(sheet); row++)
		if (json_array_append_new(array, row_json(sheet, row)))
			return NULL;
	return SL_TAKE_PTR(array);
}

int sl_doc_print_json(const struct sl_doc *doc, FILE *out)
{
	sl_cleanup(json_freep) json_t *object = json_object();

	for (const struct sl_sheet *sheet = doc->first; sheet; sheet = sheet->next)
		if (!object || json_object_set_new(object, sheet->key, sheet_json(sheet)))
			return -ENOMEM;
	if (!object)
		return -ENOMEM;
	if (json_dumpf(object, out, JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(10)))
		return -EIO;
	return fputc('\n', out) == EOF ? -EIO : 0;
}

int sl_sheet_print_json_lines(const struct sl_sheet *sheet, FILE *out)
{
	for (size_t row = 0; row < sl_sheet_rows(sheet); row++) {
		sl_cleanup(json_freep) json_t *object = row_json(sheet, row);

		if (!object)
			return -ENOMEM;
		if (json_dumpf(object, out,
			       JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(10)) ||
		    fputc('\n', out) == EOF)
			return -EIO;
	}
	return 0;
}

/* RFC 4180; and no cell begins like a formula, which a spreadsheet would run. */
static void csv_text(FILE *out, const char *text)
{
	char clean[SL_CELL_BYTES_MAX];
	bool is_formula = *text && strchr("=+-@", *text);

	(void)sl_safe_text(clean, sizeof(clean), text, SL_CELL_BYTES_MAX);
	if (!is_formula && !strpbrk(clean, ",\"")) {
		(void)fputs(clean, out);
		return;
	}
	(void)fputs(is_formula ? "\"'" : "\"", out);
	for (const char *c = clean; *c; c++)
		(void)fprintf(out, *c == '"' ? "\"%c" : "%c", *c);
	(void)fputc('"', out);
}

static void csv_cell(FILE *out, const struct sl_cell *cell)
{
	switch (cell->held) {
	case SL_HELD_NONE:
		break;
	case SL_HELD_TEXT:
		csv_text(out, cell->text);
		break;
	case SL_HELD_WORD:
		csv_text(out, cell->word);
		break;
	case SL_HELD_NUMBER:
		(void)fprintf(out, "%llu", (unsigned long long)cell->number);
		break;
	case SL_HELD_REAL:
		if (isfinite(cell->real))
			(void)fprintf(out, "%.10g", cell->real);
		break;
	case SL_HELD_BOOL:
		(void)fputs(cell->truth ? "true" : "false", out);
		break;
	}
}

void sl_sheet_print_csv(const struct sl_sheet *sheet, FILE *out, bool header)
{
	for (size_t i = 0; header && i < sheet->column_count; i++)
		(void)fprintf(out, "%s%s", i ? "," : "", sheet->columns[i].key);
	if (header)
		(void)fputs("\n", out);
	for (size_t row = 0; row < sl_sheet_rows(sheet); row++) {
		for (size_t i = 0; i < sheet->column_count; i++) {
			if (i)
				(void)fputc(',', out);
			csv_cell(out, &sheet->cells[row * sheet->column_count + i]);
		}
		(void)fputs("\n", out);
	}
}
