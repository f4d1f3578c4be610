/* SPDX-License-Identifier: Apache-2.0 */
/* How a line is written, in either format. Private to obs/log*.c. */
#pragma once

#include "userspace/domain/json.h"
#include "userspace/obs/log.h"

#define SL_LOG_LINE_BYTES 4096u
#define SL_LOG_TEXT_BYTES 1024u /* of one value as it goes out, before it is escaped */
#define SL_LOG_SCAN_BYTES 8192u /* of one value that is looked at */

struct sl_log_record {
	enum sl_log_level level;
	const char *timestamp;
	const char *component;
	const char *message;
	const struct sl_log_field *fields;
	size_t count;
	uint64_t suppressed;
};

/* Both end the line and mask what is in it. The text one returns its length. */
size_t sl_log_write_text(char bytes[SL_LOG_LINE_BYTES], const struct sl_log_record *record);
/* @out is empty and takes a line without growing: one that does not fit loses fields. */
void sl_log_write_json(struct sl_json_out *out, const struct sl_log_record *record);

/*
 * A value in parts, masked: @put gets one after the other, SL_LOG_TEXT_BYTES at most.
 * Masked first and cut then: half an address would look like none.
 */
void sl_log_mask(const char *text, void (*put)(void *context, struct sl_span part), void *context);
