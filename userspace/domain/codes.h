/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Error codes of the contract, their HTTP status and their bodies, for gateway and
 * router alike. Append only: the words are the contract's.
 *
 * Thread: pure functions.
 */
#pragma once

#include "userspace/base/span.h"
#include "userspace/domain/json.h"

enum sl_code {
	SL_CODE_INVALID_REQUEST = 0,
	SL_CODE_UNAUTHORIZED,
	SL_CODE_DENIED,
	SL_CODE_VALIDATOR_BLOCKED,
	SL_CODE_POLICY_NOT_FOUND,
	SL_CODE_EXTENSION_NOT_FOUND,
	SL_CODE_EXTENSION_TIMEOUT,
	SL_CODE_EXTENSION_UNAVAILABLE,
	SL_CODE_UNAVAILABLE,
	SL_CODE_SERVICE_OVERLOADED,
	SL_CODE_POST_PROCESSOR_FAILED,
	SL_CODE_EXTENSION_ERROR,
	SL_CODE_DECISION_FAILED,
	SL_CODE_INTERNAL,
	SL_CODE_RATE_LIMIT_EXCEEDED,
	SL_CODE_CONFLICT,
	SL_CODE_NOT_FOUND,
	SL_CODE_INVALID_SCHEMA,
	SL_CODES,
};

enum sl_intake {
	SL_INTAKE_NONE = 0,
	SL_INTAKE_SCHEMA_VALIDATION_FAILED,
	SL_INTAKE_VERSION_UNSUPPORTED,
	SL_INTAKE_CORRELATION_FIELDS_INVALID,
	SL_INTAKE_IDEMPOTENCY_VIOLATION,
	SL_INTAKE_PAYLOAD_TOO_SMALL,
	SL_INTAKE_TENANT_FORBIDDEN,
	SL_INTAKE_INTERNAL_VALIDATION_ERROR,
	SL_INTAKES,
};

const char *sl_code_name(enum sl_code code);	  /* "invalid_request" */
const char *sl_intake_name(enum sl_intake code);  /* "SCHEMA_VALIDATION_FAILED"; NONE: NULL */
enum sl_code sl_intake_code(enum sl_intake code); /* what it is answered as */

enum sl_code sl_code_of(struct sl_span name);	  /* SL_CODES: none of that name */
enum sl_intake sl_intake_of(struct sl_span name); /* SL_INTAKE_NONE: none of that name */

int sl_code_status(enum sl_code code); /* HTTP; 502 for SL_CODES */
/* A router's answer: its code's status, 502 for a word that is not known. */
int sl_code_http_status(struct sl_span code);

/* The matrix's number for logs: 1 rate limit .. 6 gateway. @from_router: a router said so. */
int sl_code_priority(enum sl_code code, bool from_router);

struct sl_error_body {
	enum sl_code code;
	enum sl_intake intake;
	const char *message;
	struct sl_span details; /* a JSON object, or empty for {} */
	struct sl_span request_id, trace_id, tenant_id;
};

/* {ok:false, error:{...}, context:{...}}, the same from every program. */
void sl_error_write(struct sl_json_out *out, const struct sl_error_body *error);
