/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dead letters (contract, 2.9): what could not be worked on, and why. Written by who
 * gives a message up, read to be shown and replayed.
 *
 * Owner:  spans point into the text that was read, or to where the writer says.
 * Thread: pure functions.
 */
#pragma once

#include "userspace/domain/fields.h"

#define SL_DEAD_SUBJECT_BYTES 257
#define SL_DEAD_ID_BYTES      257

#define SL_DEAD_MAXDELIVER "maxdeliver_exhausted"
#define SL_DEAD_VALIDATION "validation_failed"
#define SL_DEAD_PROCESSING "processing_error"

struct sl_dead_letter {
	char original_subject[SL_DEAD_SUBJECT_BYTES];
	char msg_id[SL_DEAD_ID_BYTES]; /* "" when it had none, like the next */
	char reason[65];
	char error_code[65];
	uint64_t timestamp_ms; /* CLOCK_REALTIME */
	char trace_id[SL_DEAD_ID_BYTES];
	char tenant_id[SL_DEAD_ID_BYTES];
	struct sl_span message; /* read: a JSON value, a string when the message was no
				   JSON object; empty: not kept */
};

/* Bare, or wrapped in {version, kind, data}. -EINVAL with @error. */
int sl_dead_letter_read(struct sl_dead_letter *ret, struct sl_span text,
			struct sl_fields_error *error);

enum sl_dead_body {
	SL_DEAD_BODY_NONE = 0, /* as the contract wants: it may hold personal data */
	SL_DEAD_BODY_MASKED,
	SL_DEAD_BODY_WHOLE,
};

/* @letter->message: the message as it came, whatever it is. */
void sl_dead_letter_write(struct sl_json_out *out, const struct sl_dead_letter *letter,
			  enum sl_dead_body body);

/*
 * The message of a letter that was read, as it was sent: @buffer is used when it was
 * no JSON. -ENODATA: it was not kept; -ENOBUFS, -EILSEQ: as sl_json_text().
 */
int sl_dead_letter_message(struct sl_span *ret, char *buffer, size_t size,
			   const struct sl_dead_letter *letter);
