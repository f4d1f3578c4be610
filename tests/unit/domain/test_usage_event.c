// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/domain/usage_event.h"

static void a_result_becomes_an_event_that_reads_back(void **state)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(4096);
	const struct sl_exec_result result = { .assignment_id = "a",
					       .request_id = "r",
					       .status = SL_WORKER_TIMEOUT,
					       .provider_id = "p",
					       .job_type = "chat",
					       .latency_ms = 12.5,
					       .cost = 0.1,
					       .timestamp_ms = 1795219200000,
					       .trace_id = "x",
					       .tenant_id = "t",
					       .run_id = "u" };
	struct sl_usage_event event, again;
	char id[SL_EXEC_MSG_ID_BYTES];
	struct sl_span text;

	sl_usage_event_of(&event, &result);
	sl_usage_event_write(&out, &event);
	assert_int_equal(sl_json_done(&text, &out), 0);
	assert_true(sl_span_is(
		text, "{\"version\":\"1\",\"tenant_id\":\"t\",\"provider_id\":\"p\","
		      "\"event_type\":\"chat\",\"latency_ms\":12.5,\"cost\":0.1,\"status\":"
		      "\"timeout\",\"trace_id\":\"x\",\"timestamp\":1795219200000,"
		      "\"assignment_id\":\"a\",\"request_id\":\"r\",\"run_id\":\"u\"}"));
	assert_int_equal(sl_usage_event_read(&again, text, NULL), 0);
	(void)memcpy(event.version, again.version, sizeof(event.version));
	assert_memory_equal(&again.tenant_id, &event.tenant_id, sizeof(event.tenant_id));
	assert_true(again.cost == 0.1 && again.latency_ms == 12.5);
	assert_int_equal(again.status, SL_WORKER_TIMEOUT);
	assert_string_equal(sl_usage_event_id(id, &again), "usage-a");
	assert_string_equal(sl_usage_event_run(&again), "u");
}

static void an_event_without_run_belongs_to_its_request(void **state)
{
	struct sl_usage_event event = { .request_id = "r", .assignment_id = "a" };
	char id[SL_EXEC_MSG_ID_BYTES];

	assert_string_equal(sl_usage_event_run(&event), "r");
	event.request_id[0] = '\0';
	assert_string_equal(sl_usage_event_run(&event), "a");
	event.assignment_id[0] = '\0';
	event.request_id[0] = 'q';
	assert_string_equal(sl_usage_event_id(id, &event), "usage-q");
}

static void an_event_needs_tenant_provider_and_figures(void **state)
{
#define GOOD                                                                                       \
	"\"tenant_id\":\"t\",\"provider_id\":\"p\",\"event_type\":\"chat\",\"latency_ms\":1,"      \
	"\"cost\":0,\"status\":\"success\",\"timestamp\":5"
	static const char *const bad[] = {
		"{" GOOD "}", /* no id */
		"{\"request_id\":\"r\"}",
		"{\"request_id\":\"r\",\"tenant_id\":\"t\",\"provider_id\":\"p\"}",
		"{\"request_id\":\"r\"," GOOD ",\"version\":\"9\"}",
		"null",
	};
	struct sl_usage_event event;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(sl_usage_event_read(&event, sl_span_of(bad[i]), NULL), -EINVAL);
	assert_int_equal(
		sl_usage_event_read(&event, SL_SPAN("{\"request_id\":\"r\"," GOOD "}"), NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_result_becomes_an_event_that_reads_back),
		cmocka_unit_test(an_event_without_run_belongs_to_its_request),
		cmocka_unit_test(an_event_needs_tenant_provider_and_figures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
