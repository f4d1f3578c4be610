// SPDX-License-Identifier: Apache-2.0
/* Reading a request, its rules in their order, and forwarding it. */
#include "tests/harness/test.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "sluice/envelope.h"
#include "userspace/base/cleanup.h"
#include "userspace/domain/decide.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define UUID4 "\"0f8fad5b-d9cb-469f-a165-70867728950e\""
#define ULID  "\"01ARZ3NDEKTSV4RRFFQ69G5FAV\""
#define TASK  "\"task\":{\"type\":\"chat\",\"payload\":{\"text\":\"hello\"}}"
#define HEAD  "\"version\":\"1\",\"tenant_id\":\"acme\",\"request_id\":\"r-1\""
#define X64   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X128  X64 X64
#define X256  X128 X128

static int read_body(struct sl_decide *ret, const char *body, struct sl_decide_fault *fault)
{
	memset(fault, 0, sizeof(*fault));
	return sl_decide_read(ret, sl_span_of(body), fault);
}

/* What is wrong with the body: its intake code, SL_INTAKE_NONE when nothing is. */
static enum sl_intake judge(const char *body, const char *header)
{
	struct sl_decide_fault fault;
	struct sl_decide decide;
	int err = read_body(&decide, body, &fault);

	if (!err)
		err = sl_decide_check(&decide, sl_span_of(header), &fault);
	if (!err)
		return SL_INTAKE_NONE;
	assert_int_equal(err, -EINVAL);
	assert_int_equal(fault.code, sl_intake_code(fault.intake));
	assert_true(fault.message[0]);
	assert_int_not_equal(fault.intake, SL_INTAKE_NONE);
	return fault.intake;
}

static void judge_all(const char *const *bodies, size_t count, enum sl_intake want)
{
	for (size_t i = 0; i < count; i++) {
		enum sl_intake got = judge(bodies[i], "");

		if (got != want)
			fail_msg("%s: %s", bodies[i], got ? sl_intake_name(got) : "accepted");
	}
}

static void accepts_what_the_contract_allows(void **state)
{
	static const char *const valid[] = {
		"{" HEAD "," TASK "}",
		" \r\n{" HEAD "," TASK "} ",
		"{" HEAD ",\"task\":{\"type\":\"" X64 "\",\"payload\":{\"a\":\"bc\"}}}",
		"{" HEAD ",\"task\":{\"type\":\"t\",\"payload_ref\":\"s3://b/k\"}}",
		"{" HEAD ",\"task\":{\"type\":\"t\",\"payload\":{},\"payload_ref\":\"x\"}}",
		"{" HEAD ",\"task\":{\"type\":\"t\",\"payload\":{\"\\\"\":\"  \"}}}",
		"{" HEAD "," TASK ",\"run_id\":" UUID4 ",\"flow_id\":" ULID ",\"step_id\":" UUID4
		"}",
		"{" HEAD "," TASK ",\"run_id\":null,\"flow_id\":null,\"step_id\":null}",
		"{" HEAD "," TASK ",\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\"}",
		"{" HEAD "," TASK ",\"trace_id\":\"of another form\"}",
		"{" HEAD "," TASK ",\"idempotency_key\":\"" X256 "\",\"policy_id\":\"p\"}",
		"{" HEAD "," TASK
		",\"constraints\":{},\"metadata\":{},\"context\":{},\"options\":{}}",
		"{" HEAD "," TASK ",\"constraints\":null,\"metadata\":null,\"policy_id\":null}",
		"{" HEAD "," TASK ",\"message\":{\"message_id\":\"m\"},\"more\":[1]}",
		"{" HEAD "," TASK ",\"push_assignment\":\"what\",\"assignment_subject\":\"a.b\"}",
		"{\"version\":\"\\u0031\",\"tenant_id\":\"ac\\u006de\",\"request_id\":\"" X128
		"\"," TASK "}",
	};

	judge_all(valid, COUNT(valid), SL_INTAKE_NONE);
}

static void refuses_a_wrong_version(void **state)
{
	static const char *const bodies[] = {
		"{}",
		"{\"version\":\"2\"}",
		"{\"version\":\"01\"}",
		"{\"version\":\"\"}",
		"{\"version\":1}",
		"{\"version\":null}",
		"{\"version\":\"1 \"}",
		"{\"version\":\"1\\u0000\"}",
		"{\"version\":\"v1\"}",
		"{\"version\":[\"1\"]}",
	};

	judge_all(bodies, COUNT(bodies), SL_INTAKE_VERSION_UNSUPPORTED);
}

static void the_version_of_the_header_wins(void **state)
{
	assert_int_equal(
		judge("{\"version\":\"2\",\"tenant_id\":\"a\",\"request_id\":\"r\"," TASK "}", "1"),
		SL_INTAKE_NONE);
	assert_int_equal(judge("{" HEAD "," TASK "}", "2"), SL_INTAKE_VERSION_UNSUPPORTED);
	assert_int_equal(judge("{\"tenant_id\":\"a\",\"request_id\":\"r\"," TASK "}", "1"),
			 SL_INTAKE_NONE);
}

static void refuses_what_breaks_the_schema(void **state)
{
	static const char *const bodies[] = {
		"{\"version\":\"1\",\"request_id\":\"r\"," TASK "}",
		"{\"version\":\"1\",\"tenant_id\":\"\",\"request_id\":\"r\"," TASK "}",
		"{\"version\":\"1\",\"tenant_id\":7,\"request_id\":\"r\"," TASK "}",
		"{\"version\":\"1\",\"tenant_id\":\"a b\",\"request_id\":\"r\"," TASK "}",
		"{\"version\":\"1\",\"tenant_id\":\"" X128 "x\",\"request_id\":\"r\"," TASK "}",
		"{\"version\":\"1\",\"tenant_id\":\"a\"," TASK "}",
		"{\"version\":\"1\",\"tenant_id\":\"a\",\"request_id\":\"\"," TASK "}",
		"{\"version\":\"1\",\"tenant_id\":\"a\",\"request_id\":7," TASK "}",
		"{\"version\":\"1\",\"tenant_id\":\"a\",\"request_id\":null," TASK "}",
		"{\"version\":\"1\",\"tenant_id\":\"a\",\"request_id\":\"" X128 "x\"," TASK "}",
		"{\"version\":\"1\",\"tenant_id\":\"a\",\"request_id\":\"a\\r\\nb\"," TASK "}",
		"{\"version\":\"1\",\"tenant_id\":\"a\",\"request_id\":\"a\\u0000\"," TASK "}",
		"{" HEAD "}",
		"{" HEAD ",\"task\":null}",
		"{" HEAD ",\"task\":\"chat\"}",
		"{" HEAD ",\"task\":[]}",
		"{" HEAD ",\"task\":{\"payload\":{\"text\":\"hello\"}}}",
		"{" HEAD ",\"task\":{\"type\":\"\",\"payload\":{\"text\":\"hello\"}}}",
		"{" HEAD ",\"task\":{\"type\":1,\"payload\":{\"text\":\"hello\"}}}",
		"{" HEAD ",\"task\":{\"type\":\"" X64 "x\",\"payload\":{\"text\":\"hello\"}}}",
		"{" HEAD ",\"task\":{\"type\":\"a\\nb\",\"payload\":{\"text\":\"hello\"}}}",
		"{" HEAD ",\"task\":{\"type\":\"chat\"}}",
		"{" HEAD ",\"task\":{\"type\":\"chat\",\"payload\":null}}",
		"{" HEAD ",\"task\":{\"type\":\"chat\",\"payload\":\"a string, long enough\"}}",
		"{" HEAD ",\"task\":{\"type\":\"chat\",\"payload\":[\"an array, long enough\"]}}",
		"{" HEAD ",\"task\":{\"type\":\"chat\",\"payload\":[1],\"payload_ref\":\"x\"}}",
		"{" HEAD ",\"task\":{\"type\":\"chat\",\"payload_ref\":5}}",
		"{" HEAD ",\"task\":{\"type\":\"chat\",\"payload_ref\":\"\"}}",
		"{" HEAD "," TASK ",\"idempotency_key\":\"\"}",
		"{" HEAD "," TASK ",\"idempotency_key\":5}",
		"{" HEAD "," TASK ",\"idempotency_key\":\"" X256 "x\"}",
		"{" HEAD "," TASK ",\"policy_id\":5}",
		"{" HEAD "," TASK ",\"policy_id\":\"" X128 "x\"}",
		"{" HEAD "," TASK ",\"assignment_subject\":{}}",
		"{" HEAD "," TASK ",\"constraints\":[]}",
		"{" HEAD "," TASK ",\"metadata\":\"m\"}",
		"{" HEAD "," TASK ",\"context\":1}",
		"{" HEAD "," TASK ",\"options\":false}",
		"{" HEAD "," TASK ",\"message\":\"m\"}",
		/* no JSON object at all */
		"",
		"[]",
		"null",
		"\"decide\"",
		"{" HEAD "," TASK "} x",
		"{" HEAD "," TASK ",\"tenant_id\":\"acme\"}",
		"{" HEAD "," TASK ",\"tenant\\u005fid\":\"acme\"}",
	};

	judge_all(bodies, COUNT(bodies), SL_INTAKE_SCHEMA_VALIDATION_FAILED);
}

static void refuses_a_broken_correlation(void **state)
{
	static const char *const bodies[] = {
		"{" HEAD "," TASK ",\"run_id\":" UUID4 "}",
		"{" HEAD "," TASK ",\"flow_id\":" UUID4 "}",
		"{" HEAD "," TASK ",\"step_id\":" UUID4 "}",
		"{" HEAD "," TASK ",\"run_id\":" UUID4 ",\"flow_id\":" UUID4 "}",
		"{" HEAD "," TASK ",\"run_id\":" UUID4 ",\"flow_id\":" UUID4 ",\"step_id\":null}",
		"{" HEAD "," TASK ",\"run_id\":\"run\",\"flow_id\":" UUID4 ",\"step_id\":" UUID4
		"}",
		"{" HEAD "," TASK ",\"run_id\":" UUID4 ",\"flow_id\":5,\"step_id\":" UUID4 "}",
		"{" HEAD "," TASK ",\"run_id\":" UUID4 ",\"flow_id\":" ULID ",\"step_id\":\"\"}",
		"{" HEAD "," TASK ",\"trace_id\":5}",
	};

	judge_all(bodies, COUNT(bodies), SL_INTAKE_CORRELATION_FIELDS_INVALID);
}

/* Counted as encoded: space between the parts adds nothing. */
static void refuses_a_payload_under_10_bytes(void **state)
{
	static const char *const bodies[] = {
		"{" HEAD ",\"task\":{\"type\":\"chat\",\"payload\":{}}}",
		"{" HEAD ",\"task\":{\"type\":\"chat\",\"payload\":{\"a\":\"b\"}}}", /* 9 */
		"{" HEAD ",\"task\":{\"type\":\"chat\",\"payload\":{ \"a\" : 1 }}}",
		"{" HEAD ",\"task\":{\"type\":\"chat\",\"payload\":{\r\n\t                }}}",
		"{" HEAD
		",\"task\":{\"type\":\"chat\",\"payload\":{\"a\":{}},\"payload_ref\":null}}",
	};

	judge_all(bodies, COUNT(bodies), SL_INTAKE_PAYLOAD_TOO_SMALL);
}

/* Each row breaks one rule more; the rules are repaired from the first on. */
static void the_first_broken_rule_is_told(void **state)
{
	static const struct {
		const char *body;
		enum sl_intake intake;
		const char *names;
	} rows[] = {
		{ "{\"version\":\"2\",\"run_id\":1,\"trace_id\":1,\"options\":1,\"task\":1",
		  SL_INTAKE_SCHEMA_VALIDATION_FAILED, "JSON" },
		{ "{\"version\":\"2\",\"run_id\":1,\"trace_id\":1,\"options\":1,\"task\":1}",
		  SL_INTAKE_VERSION_UNSUPPORTED, "version" },
		{ "{\"version\":\"1\",\"run_id\":1,\"trace_id\":1,\"options\":1,\"task\":1}",
		  SL_INTAKE_SCHEMA_VALIDATION_FAILED, "tenant_id" },
		{ "{\"version\":\"1\",\"tenant_id\":\"a\",\"run_id\":1,\"trace_id\":1,"
		  "\"options\":1,\"task\":1}",
		  SL_INTAKE_CORRELATION_FIELDS_INVALID, "together" },
		{ "{\"version\":\"1\",\"tenant_id\":\"a\",\"run_id\":1,\"flow_id\":1,\"step_id\":1,"
		  "\"trace_id\":1,\"options\":1,\"task\":1}",
		  SL_INTAKE_CORRELATION_FIELDS_INVALID, "run_id must" },
		{ "{\"version\":\"1\",\"tenant_id\":\"a\",\"trace_id\":1,\"options\":1,\"task\":1}",
		  SL_INTAKE_CORRELATION_FIELDS_INVALID, "trace_id" },
		{ "{\"version\":\"1\",\"tenant_id\":\"a\",\"options\":1,\"task\":1}",
		  SL_INTAKE_SCHEMA_VALIDATION_FAILED, "options" },
		{ "{\"version\":\"1\",\"tenant_id\":\"a\",\"task\":1}",
		  SL_INTAKE_SCHEMA_VALIDATION_FAILED, "request_id" },
		{ "{\"version\":\"1\",\"tenant_id\":\"a\",\"request_id\":\"r\",\"task\":1}",
		  SL_INTAKE_SCHEMA_VALIDATION_FAILED, "task must" },
		{ "{\"version\":\"1\",\"tenant_id\":\"a\",\"request_id\":\"r\",\"task\":{\"type\":1}}",
		  SL_INTAKE_SCHEMA_VALIDATION_FAILED, "task.type" },
		{ "{\"version\":\"1\",\"tenant_id\":\"a\",\"request_id\":\"r\","
		  "\"task\":{\"type\":\"t\"}}",
		  SL_INTAKE_SCHEMA_VALIDATION_FAILED, "payload_ref" },
		{ "{\"version\":\"1\",\"tenant_id\":\"a\",\"request_id\":\"r\","
		  "\"task\":{\"type\":\"t\",\"payload\":{}}}",
		  SL_INTAKE_PAYLOAD_TOO_SMALL, "fewer than 10" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sl_decide_fault fault;
		struct sl_decide decide;

		if (read_body(&decide, rows[i].body, &fault) == 0)
			assert_int_equal(sl_decide_check(&decide, SL_SPAN(""), &fault), -EINVAL);
		assert_int_equal(fault.intake, rows[i].intake);
		if (!strstr(fault.message, rows[i].names))
			fail_msg("row %zu: %s", i, fault.message);
	}
}

static void bounds_the_size_before_anything_else(void **state)
{
	size_t size = SL_REQUEST_BYTES_MAX + 1;
	struct sl_decide_fault fault = { 0 };
	struct sl_decide decide;
	sl_autofree char *body = malloc(size);

	assert_non_null(body);
	memset(body, ' ', size);
	memcpy(body, "{}", 2);
	assert_int_equal(sl_decide_read(&decide, (struct sl_span){ body, size - 1 }, &fault), 0);
	assert_int_equal(decide.body.length, 2);
	body[0] = 'x';
	assert_int_equal(sl_decide_read(&decide, (struct sl_span){ body, size }, &fault), -EINVAL);
	assert_int_equal(fault.intake, SL_INTAKE_SCHEMA_VALIDATION_FAILED);
	assert_non_null(strstr(fault.message, "1048576"));
}

static void no_message_quotes_a_value(void **state)
{
	static const char *const bodies[] = {
		"{\"version\":\"hunter2\"}",
		"{\"version\":\"1\",\"tenant_id\":\"hunter2 \"}",
		"{" HEAD "," TASK ",\"run_id\":\"hunter2\",\"flow_id\":\"x\",\"step_id\":\"y\"}",
		"{\"hunter2\":hunter2}",
	};

	for (size_t i = 0; i < COUNT(bodies); i++) {
		struct sl_decide_fault fault;
		struct sl_decide decide;

		if (read_body(&decide, bodies[i], &fault) == 0)
			assert_int_equal(sl_decide_check(&decide, SL_SPAN(""), &fault), -EINVAL);
		assert_null(strstr(fault.message, "hunter2"));
	}
}

static void knows_who_asks_for_a_push(void **state)
{
	static const struct {
		const char *body;
		bool pushes;
	} rows[] = {
		{ "{\"push_assignment\":true}", true },
		{ "{\"push_assignment\":\"true\"}", true },
		{ "{\"push_assignment\":1}", true },
		{ "{\"push_assignment\":\"tr\\u0075e\"}", true },
		{ "{\"push_assignment\":false}", false },
		{ "{\"push_assignment\":\"false\"}", false },
		{ "{\"push_assignment\":\"1\"}", false },
		{ "{\"push_assignment\":\"True\"}", false },
		{ "{\"push_assignment\":\"true and more\"}", false },
		{ "{\"push_assignment\":0}", false },
		{ "{\"push_assignment\":2}", false },
		{ "{\"push_assignment\":null}", false },
		{ "{\"push_assignment\":[true]}", false },
		{ "{}", false },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sl_decide_fault fault;
		struct sl_decide decide;

		assert_int_equal(read_body(&decide, rows[i].body, &fault), 0);
		assert_int_equal(sl_decide_pushes(&decide), rows[i].pushes);
	}
}

static void assert_forward(const char *body, const struct sl_decide_set *set, const char *want)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(1 << 20);
	struct sl_decide_fault fault;
	struct sl_decide decide;
	struct sl_span text;

	assert_int_equal(read_body(&decide, body, &fault), 0);
	assert_int_equal(sl_decide_forward(&out, &decide, set), 0);
	assert_int_equal(sl_json_done(&text, &out), 0);
	if (text.length != strlen(want) || memcmp(text.at, want, text.length) != 0)
		fail_msg("%.*s instead of %s", (int)text.length, text.at, want);
}

static void forwards_the_bytes_of_the_sender(void **state)
{
	const struct sl_decide_set nothing = { .tenant_id = { NULL, 0 } };
	const struct sl_decide_set all = {
		.tenant_id = SL_SPAN("T"),
		.trace_id = SL_SPAN("R"),
		.request_id = SL_SPAN("Q"),
		.idempotency_key = SL_SPAN("a \"key\""),
	};
	const struct sl_decide_set some = { .trace_id = SL_SPAN("R"), .tenant_id = SL_SPAN("T") };

	assert_forward("{ }", &nothing, "{ }");
	assert_forward(" { \"x\" : 1.50 , \"tenant_id\":\"\\u0061\" } ", &nothing,
		       "{ \"x\" : 1.50 , \"tenant_id\":\"\\u0061\" }");
	assert_forward("{}", &some, "{\"tenant_id\":\"T\",\"trace_id\":\"R\"}");
	assert_forward("{ }", &some, "{\"tenant_id\":\"T\",\"trace_id\":\"R\" }");
	assert_forward("{ \"x\":1}", &some, "{\"tenant_id\":\"T\",\"trace_id\":\"R\", \"x\":1}");
	assert_forward("{\"trace_id\": null ,\"x\":[1, 2],\"tenant_id\":{\"a\":1}}", &some,
		       "{\"trace_id\": \"R\" ,\"x\":[1, 2],\"tenant_id\":\"T\"}");
	assert_forward("{\"x\":1,\"trace\\u005fid\":\"old\"}", &some,
		       "{\"tenant_id\":\"T\",\"x\":1,\"trace\\u005fid\":\"R\"}");
	assert_forward("{\"idempotency_key\":\"i\",\"request_id\":\"q\",\"trace_id\":\"r\","
		       "\"tenant_id\":\"t\"}",
		       &all,
		       "{\"idempotency_key\":\"a \\\"key\\\"\",\"request_id\":\"Q\","
		       "\"trace_id\":\"R\",\"tenant_id\":\"T\"}");
	/* Of the same name, but deeper: not ours. */
	assert_forward("{\"context\":{\"tenant_id\":\"t\"},\"tenant_id\":\"t\"}",
		       &(struct sl_decide_set){ .tenant_id = SL_SPAN("T") },
		       "{\"context\":{\"tenant_id\":\"t\"},\"tenant_id\":\"T\"}");
}

/* Every field of the contract's table, and one that no contract knows. */
static void every_field_arrives(void **state)
{
	static const char body[] =
		"{" HEAD ",\"task\":{\"type\":\"chat\",\"payload\":{\"text\":\"h\xc3\xa9llo\"},"
		"\"payload_ref\":\"s3://b\",\"other\":[1]},\"trace_id\":\"t\",\"run_id\":" UUID4
		",\"flow_id\":" UUID4 ",\"step_id\":" UUID4 ",\"idempotency_key\":\"k\","
		"\"policy_id\":\"p\",\"constraints\":{\"max_cost\":0.10},\"metadata\":{\"a\":null},"
		"\"context\":{\"b\":[]},\"options\":{\"priority\":5},\"push_assignment\":\"true\","
		"\"assignment_subject\":\"caf.exec.assign.v1\",\"message\":{\"message_id\":\"m\","
		"\"message_type\":\"chat\",\"payload\":{},\"metadata\":{}},\"unknown\":{\"z\":1e2}}";
	const struct sl_decide_set set = {
		.tenant_id = SL_SPAN("other"),
		.trace_id = SL_SPAN("4bf92f3577b34da6a3ce929d0e0e4736"),
	};
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(1 << 20);
	json_t *sent = json_loads(body, JSON_REJECT_DUPLICATES, NULL), *got, *value;
	struct sl_decide_fault fault;
	struct sl_decide decide;
	struct sl_span text;
	const char *key;

	assert_int_equal(read_body(&decide, body, &fault), 0);
	assert_int_equal(sl_decide_forward(&out, &decide, &set), 0);
	assert_int_equal(sl_json_done(&text, &out), 0);
	got = json_loadb(text.at, text.length, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(sent);
	assert_non_null(got);
	assert_int_equal(json_object_size(sent), 18);
	assert_int_equal(json_object_size(got), json_object_size(sent));
	json_object_set_new(sent, "tenant_id", json_string("other"));
	json_object_set_new(sent, "trace_id", json_string("4bf92f3577b34da6a3ce929d0e0e4736"));
	json_object_foreach(sent, key, value) if (!json_equal(value, json_object_get(got, key)))
		fail_msg("%s did not arrive", key);
	json_decref(sent);
	json_decref(got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_what_the_contract_allows),
		cmocka_unit_test(refuses_a_wrong_version),
		cmocka_unit_test(the_version_of_the_header_wins),
		cmocka_unit_test(refuses_what_breaks_the_schema),
		cmocka_unit_test(refuses_a_broken_correlation),
		cmocka_unit_test(refuses_a_payload_under_10_bytes),
		cmocka_unit_test(the_first_broken_rule_is_told),
		cmocka_unit_test(bounds_the_size_before_anything_else),
		cmocka_unit_test(no_message_quotes_a_value),
		cmocka_unit_test(knows_who_asks_for_a_push),
		cmocka_unit_test(forwards_the_bytes_of_the_sender),
		cmocka_unit_test(every_field_arrives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
