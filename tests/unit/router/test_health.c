// SPDX-License-Identifier: Apache-2.0
#include "userspace/router/health.h"

#include "tests/harness/test.h"

#include <errno.h>

#define TTL 100u

static const uint64_t secret[2] = { 1, 2 };

static void heard(struct sl_health *health, const char *text, uint64_t now)
{
	struct sl_heartbeat beat;
	struct sl_fields_error error = { .message = "" };

	if (sl_heartbeat_read(&beat, sl_span_of(text), &error))
		fail_msg("%s", error.message);
	sl_health_heard(health, &beat, now);
}

static enum sl_provider_state state_of(struct sl_health *health, const char *id, uint64_t now)
{
	const struct sl_provider_health found = sl_health_of(health, id, TTL, now);

	return sl_health_state(&found);
}

static void a_provider_is_what_its_workers_are(void **state)
{
	struct sl_health *health = NULL;
	uint32_t at = 0;

	assert_int_equal(sl_health_new(&health, secret), 0);
	assert_int_equal(state_of(health, "p", 0), SL_PROVIDER_READY);
	heard(health,
	      "{\"worker_id\":\"w1\",\"status\":\"degraded\","
	      "\"metadata\":{\"provider_id\":\"p\"},\"resources\":{\"jobs_in_flight\":2}}",
	      10);
	assert_int_equal(state_of(health, "p", 10), SL_PROVIDER_DEGRADED);
	assert_int_equal(state_of(health, "q", 10), SL_PROVIDER_READY);
	/* One that names no provider serves all. */
	heard(health,
	      "{\"version\":\"v1\",\"kind\":\"heartbeat\",\"data\":{\"worker_id\":\"w2\","
	      "\"status\":\"busy\",\"load\":0.5}}",
	      20);
	assert_int_equal(state_of(health, "p", 20), SL_PROVIDER_READY);
	assert_int_equal(sl_health_of(health, "p", TTL, 20).jobs_in_flight, 2);
	assert_int_equal(state_of(health, "p", 119), SL_PROVIDER_READY);
	assert_int_equal(state_of(health, "p", 120), SL_PROVIDER_DOWN);
	assert_int_equal(sl_health_of(health, "p", TTL, 120).silent, 2);
	assert_string_equal(sl_health_next(health, &at)->last.worker_id, "w2");
	assert_string_equal(sl_health_next(health, &at)->last.worker_id, "w1");
	assert_null(sl_health_next(health, &at));
	sl_health_free(health);
}

static void what_is_no_heartbeat_is_refused(void **state)
{
	static const char *const cases[] = { "",
					     "[]",
					     "{}",
					     "{\"worker_id\":\"w\"}",
					     "{\"worker_id\":\"w\",\"status\":7}",
					     "{\"worker_id\":\"a b\",\"status\":\"ready\"}" };
	struct sl_heartbeat beat;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(sl_heartbeat_read(&beat, sl_span_of(cases[i]), NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_provider_is_what_its_workers_are),
		cmocka_unit_test(what_is_no_heartbeat_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
