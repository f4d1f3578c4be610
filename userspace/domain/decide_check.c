// SPDX-License-Identifier: Apache-2.0
/* The rules of a request, in the order of the contract: the first that is broken is told. */
#include "userspace/domain/decide.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sluice/envelope.h"
#include "userspace/domain/ident.h"

#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))
#define TEXT_BYTES_MAX SL_IDEMPOTENCY_KEY_MAX
#define REF_BYTES_MAX  2048

_Static_assert(TEXT_BYTES_MAX >= SL_IDENTIFIER_MAX, "the longest text that is looked at");

__attribute__((format(printf, 3, 4))) static int refuse(struct sl_decide_fault *fault,
							enum sl_intake intake, const char *format,
							...)
{
	va_list args;

	fault->code = sl_intake_code(intake);
	fault->intake = intake;
	va_start(args, format);
	(void)vsnprintf(fault->message, sizeof(fault->message), format, args);
	va_end(args);
	return -EINVAL;
}

/* null says that a member is not there. */
static bool is_there(struct sl_json_value value)
{
	return value.type != SL_JSON_ABSENT && value.type != SL_JSON_NULL;
}

static bool has_control(struct sl_span text)
{
	for (size_t i = 0; i < text.length; i++)
		if ((unsigned char)text.at[i] < ' ' || text.at[i] == 0x7f)
			return true;
	return false;
}

static bool is_identifier(struct sl_json_value value)
{
	char text[SL_IDENTIFIER_MAX + 1];
	size_t length = 0;

	return sl_json_text(text, sizeof(text), &length, value) == 0 &&
	       sl_is_identifier((struct sl_span){ text, length }, SL_IDENTIFIER_MAX);
}

/* 1..@max bytes of anything but control characters. */
static bool is_text(struct sl_json_value value, size_t max)
{
	char text[TEXT_BYTES_MAX + 1];
	size_t length = 0;

	return sl_json_text(text, sizeof(text), &length, value) == 0 && length && length <= max &&
	       !has_control((struct sl_span){ text, length });
}

static bool is_correlation(struct sl_json_value value)
{
	char text[SL_UUID_BYTES];
	size_t length = 0;
	struct sl_span id;

	if (sl_json_text(text, sizeof(text), &length, value) != 0)
		return false;
	id = (struct sl_span){ text, length };
	return sl_is_uuid4(id) || sl_is_ulid(id);
}

static int check_version(const struct sl_decide *decide, struct sl_span header,
			 struct sl_decide_fault *fault)
{
	char text[sizeof(SL_MESSAGE_VERSION)];
	size_t length = 0;
	struct sl_span version = header;

	if (!header.length && sl_json_text(text, sizeof(text), &length, decide->version) == 0)
		version = (struct sl_span){ text, length };
	if (sl_span_is(version, SL_MESSAGE_VERSION))
		return 0;
	return refuse(fault, SL_INTAKE_VERSION_UNSUPPORTED, "version must be \"%s\"",
		      SL_MESSAGE_VERSION);
}

static int check_identifier(const char *name, struct sl_json_value value,
			    struct sl_decide_fault *fault)
{
	if (!is_there(value))
		return refuse(fault, SL_INTAKE_SCHEMA_VALIDATION_FAILED, "%s is missing", name);
	if (is_identifier(value))
		return 0;
	return refuse(fault, SL_INTAKE_SCHEMA_VALIDATION_FAILED,
		      "%s must be a string of 1 to %d printable ASCII characters without space",
		      name, SL_IDENTIFIER_MAX);
}

static int check_correlation(const struct sl_decide *decide, struct sl_decide_fault *fault)
{
	const struct {
		const char *name;
		struct sl_json_value value;
	} ids[] = {
		{ "run_id", decide->run_id },
		{ "flow_id", decide->flow_id },
		{ "step_id", decide->step_id },
	};
	size_t there = 0;

	for (size_t i = 0; i < COUNT(ids); i++)
		there += is_there(ids[i].value);
	if (there && there < COUNT(ids))
		return refuse(fault, SL_INTAKE_CORRELATION_FIELDS_INVALID,
			      "run_id, flow_id and step_id must be there together or not at all");
	for (size_t i = 0; i < there; i++)
		if (!is_correlation(ids[i].value))
			return refuse(fault, SL_INTAKE_CORRELATION_FIELDS_INVALID,
				      "%s must be a UUIDv4 or a ULID", ids[i].name);
	return 0;
}

/* A trace id of another form than ours is ignored, as W3C wants it: only its type counts. */
static int check_texts(const struct sl_decide *decide, struct sl_decide_fault *fault)
{
	const struct {
		const char *name;
		struct sl_json_value value;
		size_t max;
	} texts[] = {
		{ "idempotency_key", decide->idempotency_key, SL_IDEMPOTENCY_KEY_MAX },
		{ "policy_id", decide->policy_id, SL_IDENTIFIER_MAX },
		{ "assignment_subject", decide->assignment_subject, SL_IDENTIFIER_MAX },
	};

	if (is_there(decide->trace_id) && decide->trace_id.type != SL_JSON_STRING)
		return refuse(fault, SL_INTAKE_CORRELATION_FIELDS_INVALID,
			      "trace_id must be a string");
	for (size_t i = 0; i < COUNT(texts); i++)
		if (is_there(texts[i].value) && !is_text(texts[i].value, texts[i].max))
			return refuse(fault, SL_INTAKE_SCHEMA_VALIDATION_FAILED,
				      "%s must be a string of 1 to %zu bytes", texts[i].name,
				      texts[i].max);
	return 0;
}

static int check_objects(const struct sl_decide *decide, struct sl_decide_fault *fault)
{
	const struct {
		const char *name;
		struct sl_json_value value;
	} objects[] = {
		{ "constraints", decide->constraints }, { "metadata", decide->metadata },
		{ "context", decide->context },		{ "options", decide->options },
		{ "message", decide->message },
	};

	for (size_t i = 0; i < COUNT(objects); i++)
		if (is_there(objects[i].value) && objects[i].value.type != SL_JSON_OBJECT)
			return refuse(fault, SL_INTAKE_SCHEMA_VALIDATION_FAILED,
				      "%s must be an object", objects[i].name);
	return 0;
}

static int check_task(const struct sl_decide *decide, struct sl_decide_fault *fault)
{
	const char *message = NULL;

	if (!is_there(decide->task))
		message = "task is missing";
	else if (decide->task.type != SL_JSON_OBJECT)
		message = "task must be an object";
	else if (!is_there(decide->task_type))
		message = "task.type is missing";
	if (message)
		return refuse(fault, SL_INTAKE_SCHEMA_VALIDATION_FAILED, "%s", message);
	if (!is_text(decide->task_type, SL_TASK_TYPE_MAX))
		return refuse(fault, SL_INTAKE_SCHEMA_VALIDATION_FAILED,
			      "task.type must be a string of 1 to %d bytes", SL_TASK_TYPE_MAX);
	return 0;
}

/* Bytes of an object as encoded without space between its parts; stops at @enough. */
static size_t encoded_bytes(struct sl_span json, size_t enough)
{
	bool in_text = false;
	size_t bytes = 0;

	for (size_t i = 0; i < json.length && bytes < enough; i++) {
		char byte = json.at[i];

		if (!in_text && sl_byte_in(byte, " \t\r\n"))
			continue;
		bytes++;
		if (byte == '"')
			in_text = !in_text;
		else if (byte == '\\' && in_text) {
			bytes++; /* what follows is no quote that ends the text */
			i++;
		}
	}
	return bytes;
}

/* A reference is preferred to a payload, however small that is. */
static int check_payload(const struct sl_decide *decide, struct sl_decide_fault *fault)
{
	struct sl_json_value payload = decide->task_payload, ref = decide->task_payload_ref;

	if (!is_there(payload) && !is_there(ref))
		return refuse(fault, SL_INTAKE_SCHEMA_VALIDATION_FAILED,
			      "task.payload or task.payload_ref is missing");
	if (is_there(payload) && payload.type != SL_JSON_OBJECT)
		return refuse(fault, SL_INTAKE_SCHEMA_VALIDATION_FAILED,
			      "task.payload must be an object");
	if (is_there(ref)) {
		if (ref.type == SL_JSON_STRING && ref.raw.length > 2 &&
		    ref.raw.length <= REF_BYTES_MAX + 2)
			return 0;
		return refuse(fault, SL_INTAKE_SCHEMA_VALIDATION_FAILED,
			      "task.payload_ref must be a string of 1 to %d bytes", REF_BYTES_MAX);
	}
	if (encoded_bytes(payload.raw, SL_PAYLOAD_BYTES_MIN) < SL_PAYLOAD_BYTES_MIN)
		return refuse(fault, SL_INTAKE_PAYLOAD_TOO_SMALL,
			      "task.payload has fewer than %d bytes", SL_PAYLOAD_BYTES_MIN);
	return 0;
}

int sl_decide_check(const struct sl_decide *decide, struct sl_span header_version,
		    struct sl_decide_fault *fault)
{
	int err = check_version(decide, header_version, fault);

	if (!err)
		err = check_identifier("tenant_id", decide->tenant_id, fault);
	if (!err)
		err = check_correlation(decide, fault);
	if (!err)
		err = check_texts(decide, fault);
	if (!err)
		err = check_objects(decide, fault);
	if (!err)
		err = check_identifier("request_id", decide->request_id, fault);
	if (!err)
		err = check_task(decide, fault);
	if (!err)
		err = check_payload(decide, fault);
	return err;
}
