// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/decide.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sluice/envelope.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define AT(member)   offsetof(struct sl_decide, member)

static const char *const names[] = {
	"version",
	"tenant_id",
	"request_id",
	"trace_id",
	"run_id",
	"flow_id",
	"step_id",
	"idempotency_key",
	"policy_id",
	"task",
	"task.type",
	"task.payload",
	"task.payload_ref",
	"constraints",
	"metadata",
	"context",
	"options",
	"push_assignment",
	"assignment_subject",
	"message",
	"message.message_id",
};

/* Where what names[i] names goes. */
static const size_t places[] = {
	AT(version),
	AT(tenant_id),
	AT(request_id),
	AT(trace_id),
	AT(run_id),
	AT(flow_id),
	AT(step_id),
	AT(idempotency_key),
	AT(policy_id),
	AT(task),
	AT(task_type),
	AT(task_payload),
	AT(task_payload_ref),
	AT(constraints),
	AT(metadata),
	AT(context),
	AT(options),
	AT(push_assignment),
	AT(assignment_subject),
	AT(message),
	AT(message_id),
};

_Static_assert(COUNT(names) == COUNT(places), "a place for each name");

static int refuse(struct sl_decide_fault *fault, const char *message)
{
	fault->code = SL_CODE_INVALID_REQUEST;
	fault->intake = SL_INTAKE_SCHEMA_VALIDATION_FAILED;
	(void)snprintf(fault->message, sizeof(fault->message), "%s", message);
	return -EINVAL;
}

static struct sl_span trim(struct sl_span body)
{
	while (body.length && sl_byte_in(body.at[0], " \t\r\n")) {
		body.at++;
		body.length--;
	}
	while (body.length && sl_byte_in(body.at[body.length - 1], " \t\r\n"))
		body.length--;
	return body;
}

int sl_decide_read(struct sl_decide *ret, struct sl_span body, struct sl_decide_fault *fault)
{
	struct sl_json_value values[COUNT(names)];
	struct sl_json_error error = { .message = "" };
	int err;

	if (body.length > SL_REQUEST_BYTES_MAX)
		return refuse(fault, "the request has more than 1048576 bytes");
	err = sl_json_pick(values, names, COUNT(names), body, &error);
	if (err == -EPROTO)
		return refuse(fault, "the request is not a JSON object");
	if (err) {
		(void)refuse(fault, "");
		(void)snprintf(fault->message, sizeof(fault->message),
			       "the request is not valid JSON: byte %zu: %s", error.offset,
			       error.message);
		return -EINVAL;
	}
	ret->body = trim(body);
	for (size_t i = 0; i < COUNT(names); i++)
		memcpy((char *)ret + places[i], &values[i], sizeof(values[i]));
	return 0;
}

static bool is_text(struct sl_json_value value, const char *want)
{
	char text[8];
	size_t length = 0;

	return sl_json_text(text, sizeof(text), &length, value) == 0 &&
	       sl_span_is((struct sl_span){ text, length }, want);
}

bool sl_decide_pushes(const struct sl_decide *decide)
{
	struct sl_json_value value = decide->push_assignment;
	int64_t number = 0;
	bool yes = false;

	if (value.type == SL_JSON_BOOL)
		return sl_json_bool(&yes, value) == 0 && yes;
	if (value.type == SL_JSON_NUMBER)
		return sl_json_integer(&number, value) == 0 && number == 1;
	return is_text(value, "true");
}
