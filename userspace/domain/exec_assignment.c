// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/exec_assignment.h"

#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define UNKNOWN		 "unknown"
#define CHANNEL_DEFAULT	 "nats"
#define ATTEMPTS_DEFAULT 2u
#define BACKOFF_DEFAULT	 200u

#define AT(member) SL_FIELD_AT(struct sl_exec_assignment, member)

static const struct sl_field fields[] = {
	{ "version", SL_FIELD_IDENTIFIER, AT(version), 0 },
	{ "assignment_id", SL_FIELD_IDENTIFIER, AT(assignment_id), SL_FIELD_REQUIRED },
	{ "request_id", SL_FIELD_TEXT, AT(request_id), SL_FIELD_REQUIRED },
	{ "tenant_id", SL_FIELD_IDENTIFIER, AT(tenant_id), SL_FIELD_REQUIRED },
	/* The later wins: the top-level trace_id over the one of correlation. */
	{ "correlation.trace_id", SL_FIELD_IDENTIFIER, AT(trace_id), 0 },
	{ "trace_id", SL_FIELD_IDENTIFIER, AT(trace_id), 0 },
	{ "run_id", SL_FIELD_IDENTIFIER, AT(run_id), 0 },
	{ "flow_id", SL_FIELD_IDENTIFIER, AT(flow_id), 0 },
	{ "step_id", SL_FIELD_IDENTIFIER, AT(step_id), 0 },
	{ "executor.provider_id", SL_FIELD_TEXT, AT(provider_id), SL_FIELD_REQUIRED },
	{ "executor.channel", SL_FIELD_IDENTIFIER, AT(channel), 0 },
	{ "executor.endpoint", SL_FIELD_TEXT, AT(endpoint), 0 },
	{ "job", SL_FIELD_OBJECT, AT(job), SL_FIELD_REQUIRED },
	{ "job.type", SL_FIELD_TEXT, AT(job_type), SL_FIELD_REQUIRED },
	{ "job.payload", SL_FIELD_RAW, AT(payload), 0 },
	{ "job.payload_ref", SL_FIELD_TEXT, AT(payload_ref), 0 },
	{ "options", SL_FIELD_OBJECT, AT(options), 0 },
	{ "options.priority", SL_FIELD_INTEGER, AT(priority), 0 },
	{ "options.deadline_ms", SL_FIELD_WHOLE, AT(deadline_ms), 0 },
	{ "decision", SL_FIELD_OBJECT, AT(decision), 0 },
	{ "metadata", SL_FIELD_OBJECT, AT(metadata), 0 },
};

static const struct sl_field retry_fields[] = {
	{ "retry.max_attempts", SL_FIELD_WHOLE, AT(retry_max_attempts), 0 },
	{ "retry.backoff_ms", SL_FIELD_WHOLE, AT(retry_backoff_ms), 0 },
};

static int check(const struct sl_exec_assignment *assignment, struct sl_fields_error *error)
{
	if (!assignment->payload.length && !assignment->payload_ref[0])
		return sl_fields_refuse(error, "job needs a payload or a payload_ref");
	if (strcmp(assignment->channel, "nats") != 0 && strcmp(assignment->channel, "grpc") != 0)
		return sl_fields_refuse(error, "executor.channel must be nats or grpc");
	if (!assignment->deadline_ms || assignment->deadline_ms > SL_EXEC_DEADLINE_MS_MAX)
		return sl_fields_refuse(error, "options.deadline_ms must be 1 to %u",
					SL_EXEC_DEADLINE_MS_MAX);
	if (assignment->retry_max_attempts > SL_EXEC_RETRY_ATTEMPTS_MAX)
		return sl_fields_refuse(error, "options.retry.max_attempts is at most %u",
					SL_EXEC_RETRY_ATTEMPTS_MAX);
	if (assignment->retry_backoff_ms > SL_EXEC_RETRY_BACKOFF_MAX)
		return sl_fields_refuse(error, "options.retry.backoff_ms is at most %u",
					SL_EXEC_RETRY_BACKOFF_MAX);
	return sl_fields_version(assignment->version, error);
}

int sl_exec_assignment_read(struct sl_exec_assignment *ret, struct sl_span text,
			    struct sl_fields_error *error)
{
	struct sl_exec_assignment read = { .channel = CHANNEL_DEFAULT,
					   .deadline_ms = SL_EXEC_DEADLINE_MS_DEFAULT,
					   .retry_max_attempts = ATTEMPTS_DEFAULT,
					   .retry_backoff_ms = BACKOFF_DEFAULT };
	int err;

	if (text.length > SL_EXEC_BYTES_MAX)
		return sl_fields_refuse(error, "longer than %u bytes", SL_EXEC_BYTES_MAX);
	err = sl_fields_read(&read, fields, COUNT(fields), text, error);
	if (!err && read.options.length)
		err = sl_fields_read(&read, retry_fields, COUNT(retry_fields), read.options, error);
	if (!err)
		err = check(&read, error);
	if (!err)
		*ret = read;
	return err;
}

int sl_exec_assignment_identify(struct sl_exec_assignment *ret, struct sl_span text)
{
	static const struct sl_field identity[] = {
		{ "assignment_id", SL_FIELD_IDENTIFIER, AT(assignment_id), SL_FIELD_REQUIRED },
		{ "request_id", SL_FIELD_TEXT, AT(request_id), 0 },
		{ "tenant_id", SL_FIELD_IDENTIFIER, AT(tenant_id), 0 },
		{ "trace_id", SL_FIELD_IDENTIFIER, AT(trace_id), 0 },
		{ "run_id", SL_FIELD_IDENTIFIER, AT(run_id), 0 },
		{ "executor.provider_id", SL_FIELD_TEXT, AT(provider_id), 0 },
		{ "job.type", SL_FIELD_TEXT, AT(job_type), 0 },
	};
	struct sl_exec_assignment read = { .deadline_ms = SL_EXEC_DEADLINE_MS_DEFAULT,
					   .provider_id = UNKNOWN,
					   .job_type = UNKNOWN };

	if (text.length > SL_EXEC_BYTES_MAX || sl_fields_read(&read, identity, 1, text, NULL) != 0)
		return -EINVAL;
	/* One at a time: what is wrong with one says nothing about the others. */
	for (size_t i = 1; i < COUNT(identity); i++) {
		struct sl_exec_assignment one = read;

		if (sl_fields_read(&one, &identity[i], 1, text, NULL) == 0)
			read = one;
	}
	*ret = read;
	return 0;
}

/* ---- writing ---------------------------------------------------------------------- */

static bool is_ours(const char *name)
{
	static const char *const ours[] = { "priority", "deadline_ms", "retry" };

	for (size_t i = 0; i < COUNT(ours); i++)
		if (strcmp(name, ours[i]) == 0)
			return true;
	return false;
}

/* A key may come with escapes, so that it is compared and written as its text. */
static void put_other_options(struct sl_json_out *out, struct sl_span options)
{
	const struct sl_json_value object = { SL_JSON_OBJECT, options };
	struct sl_json_value key, value;
	char name[SL_IDENTIFIER_MAX + 1];
	size_t state = 0, length;

	while (options.length && sl_json_next(&key, &value, &state, object) == 1) {
		if (sl_json_text(name, sizeof(name), &length, key) != 0 || is_ours(name))
			continue;
		sl_json_key(out, name);
		sl_json_put_raw(out, value.raw);
	}
}

static void put_options(struct sl_json_out *out, const struct sl_exec_assignment *assignment)
{
	sl_json_key(out, "options");
	sl_json_open(out, '{');
	sl_json_key(out, "priority");
	sl_json_put_integer(out, assignment->priority);
	sl_json_key(out, "deadline_ms");
	sl_json_put_integer(out, (int64_t)assignment->deadline_ms);
	sl_json_key(out, "retry");
	sl_json_open(out, '{');
	sl_json_key(out, "max_attempts");
	sl_json_put_integer(out, (int64_t)assignment->retry_max_attempts);
	sl_json_key(out, "backoff_ms");
	sl_json_put_integer(out, (int64_t)assignment->retry_backoff_ms);
	sl_json_close(out, '}');
	put_other_options(out, assignment->options);
	sl_json_close(out, '}');
}

static void put_correlation(struct sl_json_out *out, const char *trace_id)
{
	sl_json_key(out, "correlation");
	sl_json_open(out, '{');
	sl_fields_put_text(out, "trace_id", trace_id);
	sl_json_close(out, '}');
}

static void put_executor(struct sl_json_out *out, const struct sl_exec_assignment *assignment)
{
	sl_json_key(out, "executor");
	sl_json_open(out, '{');
	sl_fields_put_text(out, "provider_id", assignment->provider_id);
	sl_fields_put_text(out, "channel",
			   assignment->channel[0] ? assignment->channel : CHANNEL_DEFAULT);
	sl_fields_put_text(out, "endpoint", assignment->endpoint);
	sl_json_close(out, '}');
}

void sl_exec_assignment_write(struct sl_json_out *out, const struct sl_exec_assignment *assignment)
{
	static const struct sl_span none = { "{}", 2 };

	sl_json_open(out, '{');
	sl_fields_put_text(out, "version", SL_MESSAGE_VERSION);
	sl_fields_put_text(out, "assignment_id", assignment->assignment_id);
	sl_fields_put_text(out, "request_id", assignment->request_id);
	sl_fields_put_text(out, "tenant_id", assignment->tenant_id);
	put_executor(out, assignment);
	sl_fields_put_raw(out, "job", assignment->job);
	put_options(out, assignment);
	put_correlation(out, assignment->trace_id);
	sl_fields_put_text(out, "trace_id", assignment->trace_id);
	sl_fields_put_raw(out, "decision", assignment->decision);
	sl_fields_put_raw(out, "metadata",
			  assignment->metadata.length ? assignment->metadata : none);
	sl_fields_put_text(out, "run_id", assignment->run_id);
	sl_fields_put_text(out, "flow_id", assignment->flow_id);
	sl_fields_put_text(out, "step_id", assignment->step_id);
	sl_json_close(out, '}');
}
