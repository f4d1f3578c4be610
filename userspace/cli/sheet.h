/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command prints: a document of sheets, each a table or one record. A
 * command fills it once; it comes out as aligned text, as JSON or as CSV.
 *
 *   text  numbers for people, "-" for what is not known, titles between sheets
 *   JSON  {"KEY": [{column: value, ...}, ...], ...}, a record without the
 *         brackets; numbers as they are, in the unit the column's key names
 *   CSV   the first sheet that is a table, the keys as its header, quoted as RFC 4180
 *         says, lines ended by \n alone
 *
 * Owner:  sl_doc_free() frees all of it. Columns must outlive the document.
 * Errors: the fillers return nothing: out of memory, too many or too few cells
 *         in a row are remembered and come back from sl_doc_print().
 * Thread: one at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "userspace/cli/cli.h"

enum sl_kind {
	SL_KIND_COLUMN = 0, /* of a cell: as its column says */
	SL_KIND_TEXT,
	SL_KIND_COUNT,	   /* 1.23M */
	SL_KIND_EXACT,	   /* 1,234,567 */
	SL_KIND_PLAIN,	   /* 1234567: ids, ports */
	SL_KIND_BYTES,	   /* 1.23 MB */
	SL_KIND_MEMORY,	   /* 1.18 MiB */
	SL_KIND_RATE,	   /* 1.23M/s */
	SL_KIND_BYTE_RATE, /* 1.23 MB/s */
	SL_KIND_DURATION,  /* nanoseconds; 4m10s */
	SL_KIND_PART,	   /* 0..1; 12.3% */
	SL_KIND_BOOL,	   /* yes, no */
	SL_KIND_REAL,	   /* 0.0125 */
};

enum sl_shade {
	SL_SHADE_NONE,
	SL_SHADE_GOOD,
	SL_SHADE_WARN,
	SL_SHADE_BAD,
	SL_SHADE_DIM,
	SL_SHADE_BOLD,
};

struct sl_column {
	const char *key;   /* in JSON and CSV, with its unit */
	const char *title; /* in text; NULL: not shown there */
	enum sl_kind kind;
	unsigned width; /* at least so wide in text; for sheets printed row by row */
};

struct sl_doc;
struct sl_sheet;

int sl_doc_new(struct sl_doc **ret);
void sl_doc_free(struct sl_doc *doc);
void sl_doc_freep(struct sl_doc **doc);

/* @title stands above it in text; NULL: none. Lives as long as @doc; never NULL. */
struct sl_sheet *sl_doc_table(struct sl_doc *doc, const char *key, const char *title,
			      const struct sl_column *columns, size_t count);
struct sl_sheet *sl_doc_record(struct sl_doc *doc, const char *key, const char *title,
			       const struct sl_column *columns, size_t count);

/* What a table says in text when it has no rows. A string constant. */
void sl_sheet_when_empty(struct sl_sheet *sheet, const char *text);

/* Cells are filled from left to right; a full row begins the next. */
void sl_put_text(struct sl_sheet *sheet, const char *text);
void sl_put_textf(struct sl_sheet *sheet, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void sl_put_number(struct sl_sheet *sheet, uint64_t value);
void sl_put_real(struct sl_sheet *sheet, double value);
void sl_put_bool(struct sl_sheet *sheet, bool value);
void sl_put_none(struct sl_sheet *sheet);
/* In a column of numbers, the word instead of one: "unlimited". A string constant. */
void sl_put_word(struct sl_sheet *sheet, const char *word);
/* Shows the cell put last in this unit, where a column mixes them. */
void sl_show_as(struct sl_sheet *sheet, enum sl_kind kind);
/* Colours the cell put last. */
void sl_shade(struct sl_sheet *sheet, enum sl_shade shade);

size_t sl_sheet_rows(const struct sl_sheet *sheet);

/* 0, or -ENOMEM, -EINVAL (a row was not filled), -EIO (@cli->out failed). */
int sl_doc_print(const struct sl_doc *doc, const struct sl_cli *cli);

/*
 * The rows of one sheet so far, then forgets them: for what goes on for ever.
 * JSON comes as one object a line. @header: with a line of titles (text, CSV).
 */
int sl_sheet_flush(struct sl_sheet *sheet, const struct sl_cli *cli, bool header);

/* Prints @doc and frees it: what most commands end with. Returns an exit code. */
int sl_doc_finish(struct sl_doc *doc, const struct sl_cli *cli);
