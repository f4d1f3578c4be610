/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON as strangers send it: one strict, bounded pass that checks the whole text
 * (RFC 8259, UTF-8 included) and finds the wanted members on the way. Values are
 * spans of the text, so what is forwarded is the sender's own bytes.
 *
 * Refused: anything RFC 8259 refuses, invalid UTF-8 (also by \u escapes: a lone
 * surrogate), a second member of a wanted name, a NUL in a name, nesting deeper than
 * SL_JSON_DEPTH_MAX, a number of more than SL_JSON_NUMBER_BYTES or out of a
 * double's range, anything after the value but white space.
 *
 * Owner:  spans point into the caller's text. Nothing is allocated.
 * Thread: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/base/span.h"

#define SL_JSON_DEPTH_MAX    32
#define SL_JSON_NUMBER_BYTES 64
#define SL_JSON_WANTED_MAX   64
#define SL_JSON_NAME_BYTES   128 /* of a wanted name, with a final NUL */

enum sl_json_type {
	SL_JSON_ABSENT = 0,
	SL_JSON_NULL,
	SL_JSON_BOOL,
	SL_JSON_NUMBER,
	SL_JSON_STRING,
	SL_JSON_ARRAY,
	SL_JSON_OBJECT,
};

struct sl_json_value {
	enum sl_json_type type;
	struct sl_span raw; /* as written: a string with its quotes and escapes */
};

struct sl_json_error {
	size_t offset;	     /* of the byte at fault */
	const char *message; /* a literal: "a member is there twice", ... */
};

/*
 * The members wanted of the top object, in any order: "task", or one deeper,
 * "task.type" (the outer one must then be an object for the inner to be found).
 * Names are literals without escapes; a member written with escapes is unescaped
 * before it is compared.
 *
 * ret[i] is what wanted[i] names; SL_JSON_ABSENT when it is not there.
 * -EINVAL: not JSON by the rules above; -EMSGSIZE: too deep or a number too long;
 * -EPROTO: valid, but the top value is not an object. @error may be NULL.
 */
int sl_json_pick(struct sl_json_value *ret, const char *const *wanted, size_t count,
		 struct sl_span text, struct sl_json_error *error);

/* The whole text by the same rules, whatever its top value is. */
int sl_json_check(enum sl_json_type *ret, struct sl_span text, struct sl_json_error *error);

/*
 * A string's text, unescaped, into @buffer with a final NUL; *ret_length without it.
 * -EINVAL: not a string; -ENOBUFS: longer than @size - 1; -EILSEQ: it holds a NUL.
 */
int sl_json_text(char *buffer, size_t size, size_t *ret_length, struct sl_json_value value);

/* A string that has no escapes needs no copy: its span without quotes; else -EINVAL. */
int sl_json_plain(struct sl_span *ret, struct sl_json_value value);

/* -EINVAL: not a number or not whole (5.0 and 1e3 are); -ERANGE: does not fit. */
int sl_json_integer(int64_t *ret, struct sl_json_value value);
int sl_json_real(double *ret, struct sl_json_value value);
/* true and false only. */
int sl_json_bool(bool *ret, struct sl_json_value value);

/*
 * The members of an object or the items of an array, one after the other; the text
 * was checked before. *state starts as 0. Returns 1 and fills, 0 at the end, -EINVAL.
 * @ret_key may be NULL; it is the raw key with its quotes.
 */
int sl_json_next(struct sl_json_value *ret_key, struct sl_json_value *ret, size_t *state,
		 struct sl_json_value container);

/* ---- writing --------------------------------------------------------------------- */

/*
 * Text into one buffer that grows up to @bytes_max. Commas, quotes and escapes are
 * the writer's business, the nesting is the caller's. Errors stick: the end says
 * -ENOMEM or -EFBIG. Invalid UTF-8 in a text is written as U+FFFD.
 */
struct sl_json_out {
	char *at;
	size_t length;
	size_t size;
	size_t bytes_max;
	int error;
	bool comma;
};

#define SL_JSON_OUT(max) ((struct sl_json_out){ .bytes_max = (max) })

void sl_json_out_free(struct sl_json_out *out);	 /* also by sl_cleanup() */
void sl_json_out_reset(struct sl_json_out *out); /* empty again, keeps the memory */

void sl_json_open(struct sl_json_out *out, char bracket);  /* '{' or '[' */
void sl_json_close(struct sl_json_out *out, char bracket); /* '}' or ']' */
void sl_json_key(struct sl_json_out *out, const char *name);
void sl_json_put_text(struct sl_json_out *out, struct sl_span text);
/* A string in parts; a character is in one of them. */
void sl_json_begin_text(struct sl_json_out *out);
void sl_json_add_text(struct sl_json_out *out, struct sl_span text);
void sl_json_end_text(struct sl_json_out *out);
void sl_json_put_raw(struct sl_json_out *out, struct sl_span json); /* valid JSON */
void sl_json_put_integer(struct sl_json_out *out, int64_t value);
/* The shortest form that reads back; null for what is not finite. */
void sl_json_put_real(struct sl_json_out *out, double value);
void sl_json_put_bool(struct sl_json_out *out, bool value);
void sl_json_put_null(struct sl_json_out *out);

/* The text so far: 0, or the first error. *ret is valid until the next change. */
int sl_json_done(struct sl_span *ret, const struct sl_json_out *out);
