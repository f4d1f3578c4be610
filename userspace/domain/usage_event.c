// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/usage_event.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct draft {
	struct sl_usage_event event;
	char status[16];
};

#define AT(member) SL_FIELD_AT(struct draft, member)

static const struct sl_field fields[] = {
	{ "version", SL_FIELD_IDENTIFIER, AT(event.version), 0 },
	{ "tenant_id", SL_FIELD_IDENTIFIER, AT(event.tenant_id), SL_FIELD_REQUIRED },
	{ "provider_id", SL_FIELD_TEXT, AT(event.provider_id), SL_FIELD_REQUIRED },
	{ "event_type", SL_FIELD_TEXT, AT(event.event_type), SL_FIELD_REQUIRED },
	{ "latency_ms", SL_FIELD_AMOUNT, AT(event.latency_ms), SL_FIELD_REQUIRED },
	{ "cost", SL_FIELD_AMOUNT, AT(event.cost), SL_FIELD_REQUIRED },
	{ "status", SL_FIELD_IDENTIFIER, AT(status), SL_FIELD_REQUIRED },
	{ "trace_id", SL_FIELD_IDENTIFIER, AT(event.trace_id), 0 },
	{ "timestamp", SL_FIELD_WHOLE, AT(event.timestamp_ms), SL_FIELD_REQUIRED },
	{ "assignment_id", SL_FIELD_IDENTIFIER, AT(event.assignment_id), 0 },
	{ "request_id", SL_FIELD_TEXT, AT(event.request_id), 0 },
	{ "run_id", SL_FIELD_IDENTIFIER, AT(event.run_id), 0 },
};

int sl_usage_event_read(struct sl_usage_event *ret, struct sl_span text,
			struct sl_fields_error *error)
{
	struct draft draft = { .status = "" };
	int err;

	if (text.length > SL_EXEC_BYTES_MAX)
		return sl_fields_refuse(error, "longer than %u bytes", SL_EXEC_BYTES_MAX);
	err = sl_fields_read(&draft, fields, COUNT(fields), text, error);
	if (!err)
		err = sl_fields_version(draft.event.version, error);
	if (err)
		return err;
	if (!draft.event.assignment_id[0] && !draft.event.request_id[0])
		return sl_fields_refuse(error, "assignment_id or request_id is missing");
	if (sl_exec_status_of(&draft.event.status, draft.status) != 0)
		return sl_fields_refuse(error,
					"status must be success, error, timeout or cancelled");
	*ret = draft.event;
	return 0;
}

void sl_usage_event_write(struct sl_json_out *out, const struct sl_usage_event *event)
{
	sl_json_open(out, '{');
	sl_fields_put_text(out, "version", SL_MESSAGE_VERSION);
	sl_fields_put_text(out, "tenant_id", event->tenant_id);
	sl_fields_put_text(out, "provider_id", event->provider_id);
	sl_fields_put_text(out, "event_type", event->event_type);
	sl_json_key(out, "latency_ms");
	sl_json_put_real(out, event->latency_ms);
	sl_json_key(out, "cost");
	sl_json_put_real(out, event->cost);
	sl_fields_put_text(out, "status", sl_exec_status_name(event->status));
	sl_fields_put_text(out, "trace_id", event->trace_id);
	sl_json_key(out, "timestamp");
	sl_json_put_integer(out, (int64_t)event->timestamp_ms);
	sl_fields_put_text(out, "assignment_id", event->assignment_id);
	sl_fields_put_text(out, "request_id", event->request_id);
	sl_fields_put_text(out, "run_id", event->run_id);
	sl_json_close(out, '}');
}

void sl_usage_event_of(struct sl_usage_event *ret, const struct sl_exec_result *result)
{
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->tenant_id, result->tenant_id, sizeof(ret->tenant_id));
	memcpy(ret->provider_id, result->provider_id, sizeof(ret->provider_id));
	memcpy(ret->event_type, result->job_type, sizeof(ret->event_type));
	memcpy(ret->trace_id, result->trace_id, sizeof(ret->trace_id));
	memcpy(ret->assignment_id, result->assignment_id, sizeof(ret->assignment_id));
	memcpy(ret->request_id, result->request_id, sizeof(ret->request_id));
	memcpy(ret->run_id, result->run_id, sizeof(ret->run_id));
	ret->latency_ms = result->latency_ms;
	ret->cost = result->cost;
	ret->status = result->status;
	ret->timestamp_ms = result->timestamp_ms;
}

const char *sl_usage_event_id(char ret[SL_EXEC_MSG_ID_BYTES], const struct sl_usage_event *event)
{
	return sl_exec_msg_id(ret, SL_MSG_ID_USAGE, event->assignment_id, event->request_id);
}

const char *sl_usage_event_run(const struct sl_usage_event *event)
{
	if (event->run_id[0])
		return event->run_id;
	return event->request_id[0] ? event->request_id : event->assignment_id;
}
