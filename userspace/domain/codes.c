// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/codes.h"

#include "userspace/domain/json_scan.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define STATUS_UNKNOWN 502

static const struct {
	const char *name;
	int status;
} codes[SL_CODES] = {
	[SL_CODE_INVALID_REQUEST] = { "invalid_request", 400 },
	[SL_CODE_UNAUTHORIZED] = { "unauthorized", 401 },
	[SL_CODE_DENIED] = { "denied", 403 },
	[SL_CODE_VALIDATOR_BLOCKED] = { "validator_blocked", 403 },
	[SL_CODE_POLICY_NOT_FOUND] = { "policy_not_found", 404 },
	[SL_CODE_EXTENSION_NOT_FOUND] = { "extension_not_found", 404 },
	[SL_CODE_EXTENSION_TIMEOUT] = { "extension_timeout", 504 },
	[SL_CODE_EXTENSION_UNAVAILABLE] = { "extension_unavailable", 503 },
	[SL_CODE_UNAVAILABLE] = { "unavailable", 503 },
	[SL_CODE_SERVICE_OVERLOADED] = { "service_overloaded", 503 },
	[SL_CODE_POST_PROCESSOR_FAILED] = { "post_processor_failed", 500 },
	[SL_CODE_EXTENSION_ERROR] = { "extension_error", 500 },
	[SL_CODE_DECISION_FAILED] = { "decision_failed", 500 },
	[SL_CODE_INTERNAL] = { "internal", 500 },
	[SL_CODE_RATE_LIMIT_EXCEEDED] = { "rate_limit_exceeded", 429 },
	[SL_CODE_CONFLICT] = { "conflict", 409 },
	[SL_CODE_NOT_FOUND] = { "not_found", 404 },
	[SL_CODE_INVALID_SCHEMA] = { "invalid_schema", 400 },
};

static const struct {
	const char *name;
	enum sl_code code;
} intakes[SL_INTAKES] = {
	[SL_INTAKE_NONE] = { NULL, SL_CODE_INVALID_REQUEST },
	[SL_INTAKE_SCHEMA_VALIDATION_FAILED] = { "SCHEMA_VALIDATION_FAILED",
						 SL_CODE_INVALID_REQUEST },
	[SL_INTAKE_VERSION_UNSUPPORTED] = { "VERSION_UNSUPPORTED", SL_CODE_INVALID_REQUEST },
	[SL_INTAKE_CORRELATION_FIELDS_INVALID] = { "CORRELATION_FIELDS_INVALID",
						   SL_CODE_INVALID_REQUEST },
	[SL_INTAKE_IDEMPOTENCY_VIOLATION] = { "IDEMPOTENCY_VIOLATION", SL_CODE_INVALID_REQUEST },
	[SL_INTAKE_PAYLOAD_TOO_SMALL] = { "PAYLOAD_TOO_SMALL", SL_CODE_INVALID_REQUEST },
	[SL_INTAKE_TENANT_FORBIDDEN] = { "TENANT_FORBIDDEN", SL_CODE_UNAUTHORIZED },
	[SL_INTAKE_INTERNAL_VALIDATION_ERROR] = { "INTERNAL_VALIDATION_ERROR", SL_CODE_INTERNAL },
};

/* The numbers of the contract's matrix. */
enum priority {
	PRIORITY_RATE_LIMIT = 1,
	PRIORITY_AUTHENTICATION,
	PRIORITY_REQUEST,
	PRIORITY_ROUTER_INTAKE,
	PRIORITY_ROUTER_RUNTIME,
	PRIORITY_GATEWAY,
};

const char *sl_code_name(enum sl_code code)
{
	return (size_t)code < COUNT(codes) ? codes[code].name : codes[SL_CODE_INTERNAL].name;
}

const char *sl_intake_name(enum sl_intake code)
{
	return (size_t)code < COUNT(intakes) ? intakes[code].name : NULL;
}

enum sl_code sl_intake_code(enum sl_intake code)
{
	return (size_t)code < COUNT(intakes) ? intakes[code].code : SL_CODE_INTERNAL;
}

enum sl_code sl_code_of(struct sl_span name)
{
	size_t i = 0;

	while (i < COUNT(codes) && !sl_span_is(name, codes[i].name))
		i++;
	return (enum sl_code)i;
}

enum sl_intake sl_intake_of(struct sl_span name)
{
	for (size_t i = 1; i < COUNT(intakes); i++)
		if (sl_span_is(name, intakes[i].name))
			return (enum sl_intake)i;
	return SL_INTAKE_NONE;
}

int sl_code_status(enum sl_code code)
{
	return (size_t)code < COUNT(codes) ? codes[code].status : STATUS_UNKNOWN;
}

int sl_code_http_status(struct sl_span code)
{
	return sl_code_status(sl_code_of(code));
}

/* What a router says of a request is its intake; all else is how it runs. */
static enum priority router_priority(enum sl_code code)
{
	switch ((int)code) {
	case SL_CODE_RATE_LIMIT_EXCEEDED:
		return PRIORITY_RATE_LIMIT;
	case SL_CODE_INVALID_REQUEST:
	case SL_CODE_UNAUTHORIZED:
	case SL_CODE_INVALID_SCHEMA:
	case SL_CODE_CONFLICT:
		return PRIORITY_ROUTER_INTAKE;
	default:
		return PRIORITY_ROUTER_RUNTIME;
	}
}

static enum priority gateway_priority(enum sl_code code)
{
	switch ((int)code) {
	case SL_CODE_RATE_LIMIT_EXCEEDED:
		return PRIORITY_RATE_LIMIT;
	case SL_CODE_UNAUTHORIZED:
	case SL_CODE_DENIED:
		return PRIORITY_AUTHENTICATION;
	case SL_CODE_INVALID_REQUEST:
	case SL_CODE_INVALID_SCHEMA:
	case SL_CODE_CONFLICT:
	case SL_CODE_NOT_FOUND:
		return PRIORITY_REQUEST;
	case SL_CODE_INTERNAL:
		return PRIORITY_GATEWAY;
	default:
		return PRIORITY_ROUTER_RUNTIME;
	}
}

int sl_code_priority(enum sl_code code, bool from_router)
{
	return (int)(from_router ? router_priority(code) : gateway_priority(code));
}

/* Names and brackets as they stand there, before a value. */
static inline void words(struct sl_json_out *out, struct sl_span text)
{
	out->comma = false;
	sl_json_append(out, text.at, text.length);
}

void sl_error_write(struct sl_json_out *out, const struct sl_error_body *error)
{
	const char *intake = sl_intake_name(error->intake);

	sl_json_open(out, '{');
	words(out, SL_SPAN("\"ok\":false,\"error\":{\"code\":"));
	sl_json_put_text(out, sl_span_of(sl_code_name(error->code)));
	words(out, SL_SPAN(",\"message\":"));
	sl_json_put_text(out, sl_span_of(error->message));
	words(out, SL_SPAN(",\"intake_error_code\":"));
	if (intake)
		sl_json_put_text(out, sl_span_of(intake));
	else
		sl_json_put_null(out);
	words(out, SL_SPAN(",\"details\":"));
	sl_json_put_raw(out, error->details.length ? error->details : SL_SPAN("{}"));
	words(out, SL_SPAN("},\"context\":{\"request_id\":"));
	sl_json_put_text(out, error->request_id);
	words(out, SL_SPAN(",\"trace_id\":"));
	sl_json_put_text(out, error->trace_id);
	words(out, SL_SPAN(",\"tenant_id\":"));
	sl_json_put_text(out, error->tenant_id);
	words(out, SL_SPAN("}"));
	sl_json_close(out, '}');
}
