// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include "userspace/worker/http_outcome.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void each_trouble_has_its_code_and_repetition(void **state)
{
	static const struct {
		enum sl_http_trouble trouble;
		long status;
		enum sl_worker_code code;
		enum sl_http_again again;
	} cases[] = {
		{ SL_HTTP_ANSWERED, 200, SL_WORKER_NO_CODE, SL_HTTP_NEVER },
		{ SL_HTTP_ANSWERED, 204, SL_WORKER_NO_CODE, SL_HTTP_NEVER },
		{ SL_HTTP_ANSWERED, 302, SL_WORKER_HTTP_ERROR, SL_HTTP_NEVER },
		{ SL_HTTP_ANSWERED, 400, SL_WORKER_INVALID_INPUT, SL_HTTP_NEVER },
		{ SL_HTTP_ANSWERED, 401, SL_WORKER_PERMISSION_DENIED, SL_HTTP_NEVER },
		{ SL_HTTP_ANSWERED, 402, SL_WORKER_QUOTA_EXCEEDED, SL_HTTP_NEVER },
		{ SL_HTTP_ANSWERED, 404, SL_WORKER_HTTP_ERROR, SL_HTTP_NEVER },
		{ SL_HTTP_ANSWERED, 408, SL_WORKER_CONNECTION_TIMEOUT, SL_HTTP_IF_IDEMPOTENT },
		{ SL_HTTP_ANSWERED, 422, SL_WORKER_INVALID_INPUT, SL_HTTP_NEVER },
		{ SL_HTTP_ANSWERED, 429, SL_WORKER_QUOTA_EXCEEDED, SL_HTTP_SAFE },
		{ SL_HTTP_ANSWERED, 500, SL_WORKER_HTTP_ERROR, SL_HTTP_IF_IDEMPOTENT },
		{ SL_HTTP_ANSWERED, 503, SL_WORKER_RESOURCE_UNAVAILABLE, SL_HTTP_SAFE },
		{ SL_HTTP_ANSWERED, 504, SL_WORKER_CONNECTION_TIMEOUT, SL_HTTP_IF_IDEMPOTENT },
		{ SL_HTTP_NOT_SENT, 0, SL_WORKER_NETWORK_ERROR, SL_HTTP_SAFE },
		{ SL_HTTP_TOO_SLOW, 0, SL_WORKER_CONNECTION_TIMEOUT, SL_HTTP_IF_IDEMPOTENT },
		{ SL_HTTP_BROKEN, 0, SL_WORKER_NETWORK_ERROR, SL_HTTP_IF_IDEMPOTENT },
		{ SL_HTTP_TOO_LARGE, 200, SL_WORKER_HTTP_ERROR, SL_HTTP_NEVER },
		{ SL_HTTP_MISCONFIGURED, 0, SL_WORKER_INTERNAL_ERROR, SL_HTTP_NEVER },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sl_http_outcome outcome =
			sl_http_outcome_of(cases[i].trouble, cases[i].status);

		assert_int_equal(outcome.code, cases[i].code);
		assert_int_equal(outcome.again, cases[i].again);
	}
}

static void the_backoff_doubles_up_to_a_minute(void **state)
{
	assert_int_equal(sl_http_backoff_ms(200, 1, 0), 200);
	assert_int_equal(sl_http_backoff_ms(200, 2, 0), 400);
	assert_int_equal(sl_http_backoff_ms(200, 4, 0), 1600);
	assert_int_equal(sl_http_backoff_ms(200, 1, 999), 239);
	assert_int_equal(sl_http_backoff_ms(60000, 9, 0), 60000);
	assert_int_equal(sl_http_backoff_ms(0, 3, 77), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_trouble_has_its_code_and_repetition),
		cmocka_unit_test(the_backoff_doubles_up_to_a_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
