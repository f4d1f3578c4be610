// SPDX-License-Identifier: Apache-2.0
#include "userspace/obs/log_private.h"

#include <string.h>

#include "userspace/domain/mask.h"

#define ROOM_TO_END 24u /* for the name of the context, the braces and the end of the line */

static const char *level_name(enum sl_log_level level)
{
	static const char *const names[] = {
		[SL_LOG_ERROR] = "ERROR",
		[SL_LOG_WARN] = "WARN",
		[SL_LOG_INFO] = "INFO",
		[SL_LOG_DEBUG] = "DEBUG",
	};

	return names[level];
}

/* The members that the contract wants beside the message; all others are context. */
static bool is_top(const char *key)
{
	static const char *const tops[] = {
		"tenant_id",	     "run_id",
		"flow_id",	     "step_id",
		"trace_id",	     "request_id",
		"error_code",	     "latency_ms",
		"http_status",	     "gateway_error_code",
		"intake_error_code", "conflict_priority_level",
	};

	for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++)
		if (strcmp(key, tops[i]) == 0)
			return true;
	return false;
}

static void add_part(void *out, struct sl_span part)
{
	sl_json_add_text(out, part);
}

static void put_text(struct sl_json_out *out, const char *text)
{
	sl_json_begin_text(out);
	sl_log_mask(text, add_part, out);
	sl_json_end_text(out);
}

static void put_value(struct sl_json_out *out, const struct sl_log_field *field)
{
	if (sl_mask_is_secret(sl_span_of(field->key)))
		sl_json_put_text(out, SL_SPAN(SL_MASKED));
	else if (field->is_text && field->text)
		put_text(out, field->text);
	else if (field->is_text)
		sl_json_put_null(out);
	else if (field->is_real)
		sl_json_put_real(out, field->real);
	else
		sl_json_put_integer(out, field->number);
}

/* A member that would make the line too long is left out: the rest stays well formed. */
static void put_field(struct sl_json_out *out, const struct sl_log_field *field)
{
	size_t length = out->length;
	bool comma = out->comma;

	sl_json_key(out, field->key);
	put_value(out, field);
	if (!out->error && out->length + ROOM_TO_END <= SL_LOG_LINE_BYTES)
		return;
	out->error = 0;
	out->length = length;
	out->comma = comma;
}

static void put_head(struct sl_json_out *out, const struct sl_log_record *record)
{
	put_field(out, &SL_STR("timestamp", record->timestamp));
	put_field(out, &SL_STR("level", level_name(record->level)));
	put_field(out, &SL_STR("component", record->component));
	put_field(out, &SL_STR("message", record->message));
}

static void put_context(struct sl_json_out *out, const struct sl_log_record *record)
{
	sl_json_key(out, "context");
	sl_json_open(out, '{');
	if (record->suppressed)
		put_field(out, &SL_NUM("suppressed", record->suppressed));
	for (size_t i = 0; i < record->count; i++)
		if (!is_top(record->fields[i].key))
			put_field(out, &record->fields[i]);
	sl_json_close(out, '}');
}

void sl_log_write_json(struct sl_json_out *out, const struct sl_log_record *record)
{
	sl_json_open(out, '{');
	put_head(out, record);
	for (size_t i = 0; i < record->count; i++)
		if (is_top(record->fields[i].key))
			put_field(out, &record->fields[i]);
	put_context(out, record);
	sl_json_close(out, '}');
	out->comma = false;
	sl_json_put_raw(out, SL_SPAN("\n"));
}
