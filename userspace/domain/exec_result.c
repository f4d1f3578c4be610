// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/exec_result.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define KIND "exec_result"

struct draft {
	struct sl_exec_result result;
	char status[16];
	char kind[32];
	struct sl_span data; /* of the wrapped form */
};

#define AT(member) SL_FIELD_AT(struct draft, member)

/* What must be there is checked after both forms were looked for. */
static const struct sl_field wrapper[] = {
	{ "version", SL_FIELD_IDENTIFIER, AT(result.version), 0 },
	{ "kind", SL_FIELD_PROSE, AT(kind), 0 },
	{ "data", SL_FIELD_RAW, AT(data), 0 },
};

static const struct sl_field fields[] = {
	{ "version", SL_FIELD_IDENTIFIER, AT(result.version), 0 },
	{ "assignment_id", SL_FIELD_IDENTIFIER, AT(result.assignment_id), 0 },
	{ "request_id", SL_FIELD_TEXT, AT(result.request_id), 0 },
	{ "status", SL_FIELD_IDENTIFIER, AT(status), SL_FIELD_REQUIRED },
	{ "provider_id", SL_FIELD_TEXT, AT(result.provider_id), SL_FIELD_REQUIRED },
	/* The later wins, where a sender gives both. */
	{ "job_type", SL_FIELD_TEXT, AT(result.job_type), 0 },
	{ "job.type", SL_FIELD_TEXT, AT(result.job_type), 0 },
	{ "latency_ms", SL_FIELD_AMOUNT, AT(result.latency_ms), SL_FIELD_REQUIRED },
	{ "cost", SL_FIELD_AMOUNT, AT(result.cost), SL_FIELD_REQUIRED },
	{ "timestamp", SL_FIELD_WHOLE, AT(result.timestamp_ms), 0 },
	{ "correlation.trace_id", SL_FIELD_IDENTIFIER, AT(result.trace_id), 0 },
	{ "trace_id", SL_FIELD_IDENTIFIER, AT(result.trace_id), 0 },
	{ "tenant_id", SL_FIELD_IDENTIFIER, AT(result.tenant_id), 0 },
	{ "run_id", SL_FIELD_IDENTIFIER, AT(result.run_id), 0 },
	{ "error_code", SL_FIELD_PROSE, AT(result.error_code), 0 },
	{ "error_message", SL_FIELD_PROSE, AT(result.error_message), 0 },
	{ "result.payload", SL_FIELD_RAW, AT(result.payload), 0 },
	{ "result.metrics", SL_FIELD_RAW, AT(result.metrics), 0 },
};

static int check(struct draft *draft, struct sl_fields_error *error)
{
	if (!draft->result.assignment_id[0] && !draft->result.request_id[0])
		return sl_fields_refuse(error, "assignment_id or request_id is missing");
	if (!draft->result.job_type[0])
		return sl_fields_refuse(error, "job.type is missing");
	if (sl_exec_status_of(&draft->result.status, draft->status) != 0)
		return sl_fields_refuse(error,
					"status must be success, error, timeout or cancelled");
	return sl_fields_version(draft->result.version, error);
}

static int unwrap(struct sl_span *text, struct sl_fields_error *error)
{
	struct draft outer = { .kind = "" };
	int err = sl_fields_read(&outer, wrapper, COUNT(wrapper), *text, error);

	if (err || !outer.data.length || strcmp(outer.kind, KIND) != 0)
		return err;
	*text = outer.data;
	return sl_fields_version(outer.result.version, error);
}

int sl_exec_result_read(struct sl_exec_result *ret, struct sl_span text,
			struct sl_fields_error *error)
{
	struct draft draft = { .status = "" };
	int err;

	if (text.length > SL_EXEC_BYTES_MAX)
		return sl_fields_refuse(error, "longer than %u bytes", SL_EXEC_BYTES_MAX);
	err = unwrap(&text, error);
	if (!err)
		err = sl_fields_read(&draft, fields, COUNT(fields), text, error);
	if (!err)
		err = check(&draft, error);
	if (!err)
		*ret = draft.result;
	return err;
}

/* ---- writing ---------------------------------------------------------------------- */

static void put_output(struct sl_json_out *out, const struct sl_exec_result *result)
{
	if (!result->payload.length && !result->metrics.length)
		return;
	sl_json_key(out, "result");
	sl_json_open(out, '{');
	sl_fields_put_raw(out, "payload", result->payload);
	sl_fields_put_raw(out, "metrics", result->metrics);
	sl_json_close(out, '}');
}

void sl_exec_result_write(struct sl_json_out *out, const struct sl_exec_result *result)
{
	sl_json_open(out, '{');
	sl_fields_put_text(out, "version", SL_MESSAGE_VERSION);
	sl_fields_put_text(out, "assignment_id", result->assignment_id);
	sl_fields_put_text(out, "request_id", result->request_id);
	sl_fields_put_text(out, "status", sl_exec_status_name(result->status));
	sl_fields_put_text(out, "provider_id", result->provider_id);
	sl_json_key(out, "job");
	sl_json_open(out, '{');
	sl_fields_put_text(out, "type", result->job_type);
	sl_json_close(out, '}');
	sl_json_key(out, "latency_ms");
	sl_json_put_real(out, result->latency_ms);
	sl_json_key(out, "cost");
	sl_json_put_real(out, result->cost);
	sl_json_key(out, "timestamp");
	sl_json_put_integer(out, (int64_t)result->timestamp_ms);
	sl_fields_put_text(out, "trace_id", result->trace_id);
	sl_fields_put_text(out, "tenant_id", result->tenant_id);
	sl_fields_put_text(out, "run_id", result->run_id);
	sl_fields_put_text(out, "error_code", result->error_code);
	sl_fields_put_text(out, "error_message", result->error_message);
	put_output(out, result);
	sl_json_close(out, '}');
}

const char *sl_exec_msg_id(char ret[SL_EXEC_MSG_ID_BYTES], const char *prefix,
			   const char *assignment_id, const char *request_id)
{
	(void)snprintf(ret, SL_EXEC_MSG_ID_BYTES, "%s%s", prefix,
		       assignment_id[0] ? assignment_id : request_id);
	return ret;
}
