// SPDX-License-Identifier: Apache-2.0
#include "userspace/router/request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/domain/exec_assignment.h"

#define MS_NS	       1000000.0
#define LATENCY_MS_MAX 86400000.0
#define PRIORITY_MAX   1000000u
#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))
#define TEXT(field)    request->field, sizeof(request->field)

static int refuse(struct sl_decide_fault *fault, enum sl_intake intake, const char *message)
{
	fault->code = sl_intake_code(intake);
	fault->intake = intake;
	(void)snprintf(fault->message, sizeof(fault->message), "%s", message);
	return -EINVAL;
}

/* "" when it is not a text that fits. */
static void take_text(char *buffer, size_t size, struct sl_json_value value)
{
	size_t length;

	if (value.type != SL_JSON_STRING || sl_json_text(buffer, size, &length, value) != 0)
		buffer[0] = '\0';
}

static void take_texts(struct sl_request *request)
{
	const struct sl_decide *decide = &request->decide;

	take_text(TEXT(tenant_id), decide->tenant_id);
	take_text(TEXT(request_id), decide->request_id);
	take_text(TEXT(policy_id), decide->policy_id);
	take_text(TEXT(idempotency_key), decide->idempotency_key);
	take_text(TEXT(message_id), decide->message_id);
	take_text(TEXT(assignment_subject), decide->assignment_subject);
	request->pushes = sl_decide_pushes(decide);
}

static void start_trace(struct sl_request *request, const struct sl_request_headers *headers,
			const uint8_t random[24])
{
	char text[SL_IDENTIFIER_MAX + 1] = "";
	struct sl_span trace_id = headers->trace_id;

	if (!trace_id.length && !headers->traceparent.length) {
		take_text(text, sizeof(text), request->decide.trace_id);
		trace_id = sl_span_of(text);
	}
	sl_trace_start(&request->trace, headers->traceparent, headers->tracestate, trace_id,
		       random);
}

/* The header says who it is: the gateway has authenticated it. */
static int take_tenant(struct sl_request *request, struct sl_span header,
		       struct sl_decide_fault *fault)
{
	if (!header.length)
		return 0;
	if (header.length >= sizeof(request->tenant_id))
		return refuse(fault, SL_INTAKE_SCHEMA_VALIDATION_FAILED,
			      "the header tenant_id is too long");
	memcpy(request->tenant_id, header.at, header.length);
	request->tenant_id[header.length] = '\0';
	return 0;
}

/* The header wins; but a payload that calls itself another version is none of ours. */
static struct sl_span version_of(const struct sl_request *request,
				 const struct sl_request_headers *headers)
{
	const struct sl_span none = { NULL, 0 };
	const enum sl_json_type type = request->decide.version.type;
	const bool silent = type == SL_JSON_ABSENT || type == SL_JSON_NULL;

	return sl_span_is(headers->version, SL_MESSAGE_VERSION) && !silent ? none
									   : headers->version;
}

int sl_request_read(struct sl_request *ret, const struct sl_request_headers *headers,
		    struct sl_span payload, const uint8_t random[24], struct sl_decide_fault *fault)
{
	int err;

	ret->tenant_id[0] = ret->request_id[0] = ret->policy_id[0] = '\0';
	ret->idempotency_key[0] = ret->message_id[0] = ret->assignment_subject[0] = '\0';
	ret->pushes = false;
	ret->criticality = SL_CRITICAL;
	(void)sl_criticality_of(&ret->criticality, headers->criticality);
	ret->decide.trace_id = (struct sl_json_value){ .type = SL_JSON_ABSENT };
	err = sl_decide_read(&ret->decide, payload, fault);
	if (!err)
		take_texts(ret);
	start_trace(ret, headers, random);
	if (!err)
		err = sl_decide_check(&ret->decide, version_of(ret, headers), fault);
	if (!err)
		err = take_tenant(ret, headers->tenant_id, fault);
	else
		(void)take_tenant(ret, headers->tenant_id, &(struct sl_decide_fault){ 0 });
	return err;
}

/* ---- constraints ------------------------------------------------------------------------ */

enum {
	MAX_COST,
	MAX_LATENCY_MS,
	CAPABILITY,
	CAPABILITIES,
	WANTED,
};

static int take_amount(double *ret, struct sl_json_value value, double max, const char *message,
		       struct sl_decide_fault *fault)
{
	double number;

	if (value.type == SL_JSON_ABSENT || value.type == SL_JSON_NULL)
		return 0;
	if (sl_json_real(&number, value) != 0 || number < 0 || number > max)
		return refuse(fault, SL_INTAKE_SCHEMA_VALIDATION_FAILED, message);
	*ret = number;
	return 0;
}

static int take_capability(struct sl_route_request *ret, struct sl_json_value value,
			   struct sl_decide_fault *fault)
{
	if (ret->require_count == SL_ROUTE_REQUIRE_MAX ||
	    sl_json_plain(&ret->require[ret->require_count], value) != 0)
		return refuse(fault, SL_INTAKE_SCHEMA_VALIDATION_FAILED,
			      "constraints: capabilities must be at most 16 words");
	ret->require_count++;
	return 0;
}

static int take_capabilities(struct sl_route_request *ret, struct sl_json_value list,
			     struct sl_decide_fault *fault)
{
	struct sl_json_value item;
	size_t state = 0;
	int err = 0;

	if (list.type == SL_JSON_ABSENT || list.type == SL_JSON_NULL)
		return 0;
	if (list.type != SL_JSON_ARRAY)
		return take_capability(ret, list, fault);
	while (!err && sl_json_next(NULL, &item, &state, list) == 1)
		err = take_capability(ret, item, fault);
	return err;
}

int sl_request_constraints(struct sl_route_request *ret, const struct sl_request *request,
			   struct sl_decide_fault *fault)
{
	static const char *const wanted[WANTED] = {
		[MAX_COST] = "max_cost",
		[MAX_LATENCY_MS] = "max_latency_ms",
		[CAPABILITY] = "required_capability",
		[CAPABILITIES] = "required_capabilities",
	};
	struct sl_json_value found[WANTED];
	double latency_ms = 0;
	int err;

	ret->max_cost = 0;
	ret->max_latency_ns = 0;
	ret->require_count = 0;
	if (request->decide.constraints.type != SL_JSON_OBJECT ||
	    request->decide.constraints.raw.length == 2)
		return 0;
	if (sl_json_pick(found, wanted, COUNT(found), request->decide.constraints.raw, NULL) != 0)
		return refuse(fault, SL_INTAKE_SCHEMA_VALIDATION_FAILED,
			      "constraints: a member is there twice");
	err = take_amount(&ret->max_cost, found[MAX_COST], 1e15,
			  "constraints.max_cost must be a number of 0 or more", fault);
	if (!err)
		err = take_amount(&latency_ms, found[MAX_LATENCY_MS], LATENCY_MS_MAX,
				  "constraints.max_latency_ms must be a number of 0 to 86400000",
				  fault);
	if (!err)
		err = take_capabilities(ret, found[CAPABILITY], fault);
	if (!err)
		err = take_capabilities(ret, found[CAPABILITIES], fault);
	ret->max_latency_ns = (uint64_t)(latency_ms * MS_NS);
	return err;
}

/* ---- options ------------------------------------------------------------------------------ */

static int take_whole(uint64_t *ret, struct sl_json_value value, uint64_t min, uint64_t max,
		      const char *message, struct sl_decide_fault *fault)
{
	int64_t number;

	if (value.type == SL_JSON_ABSENT || value.type == SL_JSON_NULL)
		return 0;
	if (sl_json_integer(&number, value) != 0 || number < (int64_t)min || number > (int64_t)max)
		return refuse(fault, SL_INTAKE_SCHEMA_VALIDATION_FAILED, message);
	*ret = (uint64_t)number;
	return 0;
}

int sl_request_options(struct sl_request_options *ret, const struct sl_request *request,
		       struct sl_decide_fault *fault)
{
	static const char *const wanted[] = { "priority", "deadline_ms", "retry.max_attempts",
					      "retry.backoff_ms" };
	struct sl_json_value found[COUNT(wanted)];
	struct sl_request_options options = *ret;
	uint64_t priority = (uint64_t)ret->priority;
	int err;

	if (request->decide.options.type != SL_JSON_OBJECT)
		return 0;
	if (sl_json_pick(found, wanted, COUNT(wanted), request->decide.options.raw, NULL) != 0)
		return refuse(fault, SL_INTAKE_SCHEMA_VALIDATION_FAILED,
			      "options: a member is there twice");
	err = take_whole(&priority, found[0], 0, PRIORITY_MAX,
			 "options.priority must be a whole number of 0 to 1000000", fault);
	if (!err)
		err = take_whole(&options.deadline_ms, found[1], 1, SL_EXEC_DEADLINE_MS_MAX,
				 "options.deadline_ms must be 1 to 86400000", fault);
	if (!err)
		err = take_whole(&options.max_attempts, found[2], 1, SL_EXEC_RETRY_ATTEMPTS_MAX,
				 "options.retry.max_attempts must be 1 to 10", fault);
	if (!err)
		err = take_whole(&options.backoff_ms, found[3], 0, SL_EXEC_RETRY_BACKOFF_MAX,
				 "options.retry.backoff_ms must be 0 to 60000", fault);
	if (err)
		return err;
	options.priority = (int64_t)priority;
	*ret = options;
	return 0;
}

void sl_request_session(char *buffer, size_t size, const struct sl_request *request,
			const char *name)
{
	struct sl_json_value value;

	buffer[0] = '\0';
	if (request->decide.context.type != SL_JSON_OBJECT ||
	    sl_json_pick(&value, &name, 1, request->decide.context.raw, NULL) != 0)
		return;
	if (value.type != SL_JSON_NUMBER) {
		take_text(buffer, size, value);
	} else if (value.raw.length < size) {
		memcpy(buffer, value.raw.at, value.raw.length);
		buffer[value.raw.length] = '\0';
	}
}

struct sl_digest sl_request_digest(const struct sl_request *request)
{
	const struct sl_decide *decide = &request->decide;
	const struct sl_span parts[] = {
		decide->task.raw,
		decide->policy_id.raw,
		decide->constraints.raw,
		decide->metadata.raw,
		decide->context.raw,
		decide->options.raw,
		decide->message.raw,
		decide->assignment_subject.raw,
		decide->push_assignment.raw,
	};

	return sl_digest(parts, COUNT(parts));
}
