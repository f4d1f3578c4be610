/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of sheet.h: how a sheet holds its cells. */
#pragma once

#include "userspace/cli/sheet.h"

#define SL_CELL_BYTES_MAX 4096u /* of text in a cell */

enum sl_held {
	SL_HELD_NONE,
	SL_HELD_TEXT, /* owned */
	SL_HELD_WORD, /* a constant */
	SL_HELD_NUMBER,
	SL_HELD_REAL,
	SL_HELD_BOOL,
};

struct sl_cell {
	enum sl_held held;
	enum sl_shade shade;
	enum sl_kind kind;
	union {
		char *text;
		const char *word;
		uint64_t number;
		double real;
		bool truth;
	};
};

struct sl_sheet {
	struct sl_sheet *next;
	const char *key;
	const char *title;
	const char *when_empty;
	const struct sl_column *columns;
	size_t column_count;
	bool is_record;
	struct sl_cell *cells;
	size_t cell_count;
	size_t cell_room;
	int err; /* the first thing that went wrong */
};

struct sl_doc {
	struct sl_sheet *first;
	struct sl_sheet **last;
	struct sl_sheet broken; /* takes the cells when there was no memory for a sheet */
};

/* A cell as text for people, clean, in @buffer of SL_CELL_BYTES_MAX. Returns its length. */
size_t sl_cell_text(char *buffer, const struct sl_column *column, const struct sl_cell *cell);

void sl_sheet_print_text(const struct sl_sheet *sheet, const struct sl_cli *cli, bool header);
void sl_sheet_print_csv(const struct sl_sheet *sheet, FILE *out, bool header);
/* -ENOMEM, -EIO */
int sl_sheet_print_json_lines(const struct sl_sheet *sheet, FILE *out);
int sl_doc_print_json(const struct sl_doc *doc, FILE *out);
