// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/router/router_fixture.h"

#include <errno.h>
#include <stdio.h>

#define V "version: 1\n"

static const struct {
	const char *text, *message;
} refusals[] = {
	{ V "providers: [{id: a}]\npolicies: [{id: p, providers: [{id: a}, {id: b}]}]\n",
	  "t.yaml:3:46: policies[0].providers[1].id: no provider is called \"b\"" },
	{ V "providers: [{id: a}]\npolicies: [{id: p, fallback: [{id: b}]}]\n",
	  "t.yaml:3:36: policies[0].fallback[0].id: no provider is called \"b\"" },
	{ V "providers: [{id: a}, {id: a}]\n",
	  "t.yaml:2:27: providers[1].id: the same id is at line 2" },
	{ V "default_policy: lost\n", "t.yaml:2:17: default_policy: no policy is called \"lost\"" },
	{ V "policies: [{id: p, strategy: random}]\n",
	  "t.yaml:2:30: policies[0].strategy: \"random\" is not allowed; allowed: weighted, best or ordered" },
	{ V "breaker: {error_rate: 1.5}\n",
	  "t.yaml:2:23: breaker.error_rate: \"1.5\" is out of range; allowed: 0 to 1" },
	{ V "tenants: [a, b, a]\n", "t.yaml:2:17: tenants[2]: the same value is at line 2" },
	{ "version: 2\n", "t.yaml:1:10: version: this router reads version 1" },
};

static void what_does_not_fit_is_refused(void **state)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct sl_router_settings settings;
		struct sl_conf_error error = { "" };

		assert_int_equal(sl_conf_read_text(&settings, &sl_router_schema, "t.yaml",
						   refusals[i].text, strlen(refusals[i].text), NULL,
						   &error),
				 -EINVAL);
		assert_string_equal(error.message, refusals[i].message);
	}
}

static void without_a_file_there_is_a_provider_and_a_policy(void **state)
{
	char url[] = "NATS_URL=nats://n:1", usage[] = "ENABLE_USAGE_PUBLISH=false";
	char ttl[] = "IDEMPOTENCY_TTL_MS=90000";
	char backoff[] = "NATS_BACKOFF_MS=700";
	char *environment[] = { url, usage, ttl, backoff, NULL };
	struct sl_router_settings settings;
	struct sl_conf_error error = { "" };

	assert_int_equal(sl_router_settings_read(&settings, NULL, environment, &error), 0);
	assert_int_equal(settings.backoff.count, 1);
	assert_int_equal(settings.backoff.delay_ms[0], 700);
	assert_string_equal(settings.nats.servers, "nats://n:1");
	assert_int_equal(settings.nats.replicas, 0);
	assert_false(settings.usage);
	assert_int_equal(settings.decisions_ttl_ns, 90 * S_NS);
	assert_int_equal(settings.policies.provider_count, 1);
	assert_int_equal(settings.policies.policies[0].candidate_count, 1);
	assert_string_equal(settings.policies.policies[0].id, "default");
	assert_int_equal(settings.breaker.failures, sl_breaker_limits_default.failures);
	assert_int_equal(settings.breaker.successes, sl_breaker_limits_default.successes);
	assert_int_equal(settings.breaker.open_ns, sl_breaker_limits_default.open_ns);
	assert_int_equal(settings.breaker.half_open_calls,
			 sl_breaker_limits_default.half_open_calls);
	assert_true(settings.breaker.error_rate == 0.5);
	assert_int_equal(settings.breaker.window_ns, sl_breaker_limits_default.window_ns);
	assert_int_equal(settings.breaker.latency_ns, sl_breaker_limits_default.latency_ns);
	assert_true(sl_router_allows(&settings, SL_SPAN("anybody")));
	assert_string_equal(sl_router_assignment_subject(&settings, (struct sl_span){ NULL, 0 }),
			    SL_SUBJECT_ASSIGN);
	assert_null(sl_router_assignment_subject(&settings, SL_SPAN("other")));
	sl_router_settings_clear(&settings);
}

static void names_are_resolved(void **state)
{
	struct sl_router_settings settings;
	struct sl_core *core = fixture_core(&settings, fixture_yaml);

	assert_int_equal(settings.policies.policies[0].fallback[0].provider, 2);
	assert_int_equal(settings.policies.policies[1].candidates[0].provider, 1);
	assert_int_equal(settings.policies.default_policy, 0);
	assert_true(sl_router_allows(&settings, SL_SPAN("noisy")));
	assert_true(sl_router_allows(&settings, SL_SPAN("steady")));
	assert_false(sl_router_allows(&settings, SL_SPAN("stead")));
	sl_core_free(core);
	sl_router_settings_clear(&settings);
}

static char *read_whole(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 1u << 18);

	assert_non_null(file);
	assert_non_null(text);
	assert_true(fread(text, 1, (1u << 18) - 1, file) > 0);
	fclose(file);
	return text;
}

/* To renew it: sluice-router --config-help >docs/ops/router.md */
static void the_manual_is_what_the_tables_say(void **state)
{
	char *manual = read_whole("docs/ops/router.md");
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(sl_conf_describe_schema(out, &sl_router_schema), 0);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, manual);
	free(text);
	free(manual);
}

static void the_example_is_good(void **state)
{
	struct sl_router_settings settings;
	struct sl_conf_error error = { "" };

	if (sl_router_settings_read(&settings, "docs/examples/router.yaml", NULL, &error))
		fail_msg("%s", error.message);
	assert_int_equal(settings.nats.replicas, 1);
	assert_int_equal(settings.policies.provider_count, 4);
	assert_int_equal(settings.policies.policy_count, 3);
	sl_router_settings_clear(&settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(without_a_file_there_is_a_provider_and_a_policy),
		cmocka_unit_test(names_are_resolved),
		cmocka_unit_test(the_manual_is_what_the_tables_say),
		cmocka_unit_test(the_example_is_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
