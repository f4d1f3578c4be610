/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message of the pipeline into a struct, by a table: which members, of what
 * form, which must be there. One pass over the text (json.h).
 *
 * null counts as not there. Text is unescaped into arrays with a final NUL; raw
 * values are spans of the caller's text and live as long as it does.
 *
 * Thread: pure functions.
 */
#pragma once

#include "userspace/domain/json.h"

enum sl_field_kind {
	SL_FIELD_IDENTIFIER, /* char[]: 1..size-1 printable ASCII characters, no space */
	SL_FIELD_TEXT,	     /* char[]: 1..size-1 bytes of UTF-8, no control characters */
	SL_FIELD_PROSE,	     /* char[]: any text; what does not fit is not kept ("") */
	SL_FIELD_AMOUNT,     /* double: finite, 0..SL_FIELD_AMOUNT_MAX */
	SL_FIELD_WHOLE,	     /* uint64_t: 0..2^53 */
	SL_FIELD_INTEGER,    /* int64_t: +-2^53 */
	SL_FIELD_RAW,	     /* struct sl_span: any value as written */
	SL_FIELD_OBJECT,     /* struct sl_span: an object as written */
};

#define SL_FIELD_AMOUNT_MAX 1e15
#define SL_FIELDS_MAX	    32
#define SL_FIELD_REQUIRED   0x1u

struct sl_field {
	const char *name; /* as sl_json_pick() wants it: "a" or "a.b" */
	enum sl_field_kind kind;
	size_t offset;
	size_t size;
	unsigned int flags;
};

#define SL_FIELD_AT(type, member) offsetof(type, member), sizeof(((type *)0)->member)

struct sl_fields_error {
	bool missing;	   /* something that is required is not there */
	char message[192]; /* names the member and the rule; never quotes a value */
};

/*
 * Fills the members that are there and leaves the rest alone: the caller zeroed @at.
 * -EINVAL with @error (may be NULL); what @at then holds is not to be used.
 */
int sl_fields_read(void *at, const struct sl_field *fields, size_t count, struct sl_span text,
		   struct sl_fields_error *error);

/* Writes the message and returns -EINVAL. */
int sl_fields_refuse(struct sl_fields_error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* "1" and "v1" are the versions there are; "" (not given) passes. -EINVAL. */
int sl_fields_version(const char *version, struct sl_fields_error *error);

/* "name": "text", left out when @text is empty. */
void sl_fields_put_text(struct sl_json_out *out, const char *name, const char *text);
/* "name": value, left out when @json is empty. */
void sl_fields_put_raw(struct sl_json_out *out, const char *name, struct sl_span json);
