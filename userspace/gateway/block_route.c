/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of blocks: <tenant>.<type>.<version> in the store, each part hashed. */
#include "userspace/base/clock.h"
#include "userspace/gateway/store.h"

#include <errno.h>
#include <stdio.h>

#define LIST_MAX 1000

enum {
	TYPE,
	VERSION,
	SCHEMA,
	INPUT,
	OUTPUT,
	CAPABILITIES,
	METADATA,
	WANTED
};
static const char *const wanted[WANTED] = { "type",	    "version",	     "schema",
					    "schema.input", "schema.output", "capabilities",
					    "metadata" };

static void refuse(struct sl_exchange *exchange, enum sl_code code, int status, const char *message)
{
	sl_answer_error(exchange, code, status, SL_INTAKE_NONE, message);
}

static void key_of(char key[SL_STORE_KEY_MAX], const struct sl_exchange *exchange)
{
	const struct sl_span *parts = exchange->match.parameters;
	char tenant[SL_KEY_MAX], type[SL_KEY_MAX], version[SL_KEY_MAX];

	sl_token(tenant, sl_span_of(exchange->who.tenant));
	sl_token(type, parts[0]);
	sl_token(version, parts[1]);
	if (!parts[0].length)
		snprintf(key, SL_STORE_KEY_MAX, "%s.>", tenant);
	else if (!parts[1].length)
		snprintf(key, SL_STORE_KEY_MAX, "%s.%s.*", tenant, type);
	else
		snprintf(key, SL_STORE_KEY_MAX, "%s.%s.%s", tenant, type, version);
}

/* ---- the body ------------------------------------------------------------------------------- */

static bool says(struct sl_json_value value, struct sl_span text)
{
	char said[SL_TEXT_MAX];
	size_t length;

	return !sl_json_text(said, sizeof(said), &length, value) &&
	       sl_span_equal((struct sl_span){ said, length }, text);
}

static bool is_absent_or(struct sl_json_value value, enum sl_json_type type)
{
	return value.type == SL_JSON_ABSENT || value.type == type;
}

static bool are_strings(struct sl_json_value list)
{
	struct sl_json_value item;
	size_t state = 0;

	while (list.type == SL_JSON_ARRAY && sl_json_next(NULL, &item, &state, list) > 0)
		if (item.type != SL_JSON_STRING)
			return false;
	return true;
}

static bool is_one_of(struct sl_span word, const char *const *words)
{
	for (; *words; words++)
		if (sl_span_is(word, *words))
			return true;
	return false;
}

/* A name of a type in draft-07, or a list of them. */
static bool is_type(struct sl_json_value value)
{
	static const char *const types[] = { "null",   "boolean", "object",  "array",
					     "number", "string",  "integer", NULL };
	struct sl_json_value item;
	struct sl_span word;
	size_t state = 0;

	if (value.type != SL_JSON_ARRAY)
		return !sl_json_plain(&word, value) && is_one_of(word, types);
	while (sl_json_next(NULL, &item, &state, value) > 0)
		if (sl_json_plain(&word, item) || !is_one_of(word, types))
			return false;
	return true;
}

/* As far as draft-07 fixes what a keyword may hold. NULL: a schema; else what is wrong. */
static const char *schema_fault(struct sl_json_value schema)
{
	enum {
		DIALECT,
		KIND,
		PROPERTIES,
		REQUIRED,
		KEYWORDS
	};
	static const char *const names[KEYWORDS] = { "$schema", "type", "properties", "required" };
	struct sl_json_value found[KEYWORDS];
	struct sl_span text;

	if (schema.type != SL_JSON_OBJECT)
		return "schema.input and schema.output are objects";
	if (sl_json_pick(found, names, KEYWORDS, schema.raw, NULL))
		return "a keyword is there twice";
	if (found[DIALECT].type != SL_JSON_ABSENT &&
	    (sl_json_plain(&text, found[DIALECT]) || !memmem(text.at, text.length, "draft-07", 8)))
		return "$schema: draft-07 is wanted";
	if (found[KIND].type != SL_JSON_ABSENT && !is_type(found[KIND]))
		return "type: not a type of draft-07";
	if (!is_absent_or(found[PROPERTIES], SL_JSON_OBJECT))
		return "properties: an object is wanted";
	if (!is_absent_or(found[REQUIRED], SL_JSON_ARRAY) || !are_strings(found[REQUIRED]))
		return "required: a list of names is wanted";
	return NULL;
}

static bool judge(struct sl_exchange *exchange)
{
	const struct sl_span *parts = exchange->match.parameters;
	struct sl_json_value found[WANTED];
	const char *fault;

	if (sl_json_pick(found, wanted, WANTED, exchange->body, NULL)) {
		sl_count_up(&exchange->gateway->counters->counts[SL_COUNT_JSON_FAILED], 1);
		refuse(exchange, SL_CODE_INVALID_REQUEST, 400, "the body is not a JSON object");
		return false;
	}
	if (found[TYPE].type != SL_JSON_STRING || found[VERSION].type != SL_JSON_STRING) {
		refuse(exchange, SL_CODE_INVALID_REQUEST, 400, "type and version are wanted");
		return false;
	}
	if (!says(found[TYPE], parts[0]) || !says(found[VERSION], parts[1])) {
		refuse(exchange, SL_CODE_CONFLICT, 409, "type or version is not the path's");
		return false;
	}
	fault = schema_fault(found[INPUT]);
	if (!fault)
		fault = schema_fault(found[OUTPUT]);
	if (fault) {
		refuse(exchange, SL_CODE_INVALID_SCHEMA, 400, fault);
		return false;
	}
	if (!is_absent_or(found[CAPABILITIES], SL_JSON_ARRAY) ||
	    !are_strings(found[CAPABILITIES]) || !is_absent_or(found[METADATA], SL_JSON_OBJECT)) {
		refuse(exchange, SL_CODE_INVALID_REQUEST, 400,
		       "capabilities: a list of strings; metadata: an object");
		return false;
	}
	return true;
}

/* ---- the answers ------------------------------------------------------------------------------
 */

static void answer_status(struct sl_exchange *exchange, int status, const char *word)
{
	struct sl_json_out *out = &exchange->gateway->out;
	const struct sl_span *parts = exchange->match.parameters;
	char ts[32];

	sl_json_out_reset(out);
	sl_json_open(out, '{');
	sl_json_key(out, "type");
	sl_json_put_text(out, parts[0]);
	sl_json_key(out, "version");
	sl_json_put_text(out, parts[1]);
	sl_json_key(out, "status");
	sl_json_put_text(out, sl_span_of(word));
	sl_json_key(out, "ts");
	sl_json_put_text(out, sl_timestamp(ts, sl_unix_ms()));
	sl_json_close(out, '}');
	sl_answer_out(exchange, status);
}

static void created(struct sl_exchange *exchange, int status, struct sl_span value,
		    uint64_t revision)
{
	(void)value;
	(void)revision;
	if (status == -EEXIST)
		refuse(exchange, SL_CODE_CONFLICT, 409, "the block is being registered");
	else if (status)
		sl_store_answer_lost(exchange, status);
	else
		answer_status(exchange, 201, "created");
}

static bool deletes(const struct sl_exchange *exchange)
{
	return exchange->match.route->action == SL_ACTION_BLOCK_DELETE;
}

static void changed(struct sl_exchange *exchange, int status, struct sl_span value,
		    uint64_t revision)
{
	(void)value;
	(void)revision;
	if (status)
		sl_store_answer_lost(exchange, status);
	else
		answer_status(exchange, 200, deletes(exchange) ? "unregistered" : "updated");
}

static void answer_not_found(struct sl_exchange *exchange, int status)
{
	if (status == -ENOENT)
		refuse(exchange, SL_CODE_NOT_FOUND, 404, "no such block");
	else
		sl_store_answer_lost(exchange, status);
}

/* What is there is deleted or, by POST and PUT alike, replaced; these make what is not. */
static void looked_for(struct sl_exchange *exchange, int status, struct sl_span value,
		       uint64_t revision)
{
	char key[SL_STORE_KEY_MAX];

	(void)value;
	(void)revision;
	key_of(key, exchange);
	if (!status && deletes(exchange))
		sl_store_delete(exchange, SL_BUCKET_REGISTRY, key, changed);
	else if (!status)
		sl_store_put(exchange, SL_BUCKET_REGISTRY, key, exchange->body, changed);
	else if (status == -ENOENT && !deletes(exchange))
		sl_store_update(exchange, SL_BUCKET_REGISTRY, key, exchange->body, 0, created);
	else
		answer_not_found(exchange, status);
}

static void got(struct sl_exchange *exchange, int status, struct sl_span value, uint64_t revision)
{
	(void)revision;
	if (!status)
		sl_answer_json(exchange, 200, value);
	else
		answer_not_found(exchange, status);
}

static bool parts_are_good(const struct sl_exchange *exchange)
{
	for (size_t i = 0; i < SL_ROUTE_PARAMETERS_MAX; i++) {
		struct sl_span part = exchange->match.parameters[i];

		if (part.length && !sl_is_identifier(part, SL_IDENTIFIER_MAX))
			return false;
	}
	return true;
}

void sl_do_block(struct sl_exchange *exchange)
{
	enum sl_action action = exchange->match.route->action;
	char key[SL_STORE_KEY_MAX];

	if (!exchange->who.tenant[0]) {
		refuse(exchange, SL_CODE_INVALID_REQUEST, 400, "X-Tenant-ID is wanted");
		return;
	}
	if (!parts_are_good(exchange)) {
		refuse(exchange, SL_CODE_INVALID_REQUEST, 400,
		       "type and version are 1 to 128 printable characters");
		return;
	}
	key_of(key, exchange);
	if (action == SL_ACTION_BLOCK_LIST)
		sl_store_list(exchange, SL_BUCKET_REGISTRY, key, "blocks", LIST_MAX);
	else if (action == SL_ACTION_BLOCK_GET)
		sl_store_get(exchange, SL_BUCKET_REGISTRY, key, got);
	else if (deletes(exchange) || judge(exchange))
		sl_store_get(exchange, SL_BUCKET_REGISTRY, key, looked_for);
}
