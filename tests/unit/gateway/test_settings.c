// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/gateway/identities.h"
#include "userspace/gateway/settings.h"

static void defaults_are_the_contracts(void **state)
{
	struct sl_settings *settings = NULL;
	struct sl_settings_error error = { "" };

	assert_int_equal(sl_settings_load(&settings, NULL, NULL, &error), 0);
	assert_int_equal(settings->router.timeout_ns, 5000000000);
	assert_int_equal(settings->store.idempotency_ttl_ns, 300000000000);
	assert_int_equal(settings->limits.window_ns, 60000000000);
	assert_int_equal(settings->limits.plan.requests[SL_CLASS_ROUTES_DECIDE], 50);
	assert_int_equal(settings->limits.plan.requests[SL_CLASS_MESSAGES], 100);
	assert_int_equal(settings->limits.plan.requests[SL_CLASS_REGISTRY_BLOCKS], 200);
	assert_int_equal(settings->limits.plan.requests[SL_CLASS_GLOBAL], 1000);
	assert_true(settings->auth.required);
	assert_int_equal(settings->router.subject_count, 1);
	assert_string_equal(settings->router.subjects[0].text, SL_SUBJECT_ASSIGN);
	assert_true(settings->backpressure.enabled);
	assert_int_equal(settings->backpressure.retry_after_ns, 30000000000);
	assert_float_equal(settings->backpressure.warning_factor, 0.5, 0);
	for (int i = 0; i < SL_ABUSE_PATTERNS; i++)
		assert_int_equal(settings->abuse.rules.action[i], SL_ABUSE_LOG);
	assert_int_equal(settings->abuse.rules.requests, 500);
	assert_int_equal(settings->abuse.rules.requests_critical, 1000);
	assert_int_equal(settings->abuse.rules.keys, 10);
	assert_int_equal(settings->abuse.rules.addresses, 10);
	assert_int_equal(settings->abuse.rules.heavy_bytes, 524288);
	assert_int_equal(settings->abuse.rules.heavy_requests, 10);
	assert_float_equal(settings->abuse.rules.heavy_share, 0.8, 1e-12);
	assert_int_equal(settings->abuse.rules.flood_tenants, 20);
	assert_int_equal(settings->abuse.rules.flood_requests, 10);
	assert_int_equal(settings->abuse.rules.punish_ns, 300000000000);
	sl_settings_free(settings);
}

static void the_environment_names_backpressure_and_abuse(void **state)
{
	char interval[] = "GATEWAY_BACKPRESSURE_INTERVAL_MS=250";
	char factor[] = "GATEWAY_BACKPRESSURE_WARNING_FACTOR=0.25";
	char retry[] = "GATEWAY_BACKPRESSURE_RETRY_AFTER_SECONDS=12";
	char action[] = "GATEWAY_ABUSE_TARGETED_TENANT=block",
	     seconds[] = "GATEWAY_ABUSE_BLOCK_SECONDS=9";
	char share[] = "GATEWAY_ABUSE_HEAVY_SHARE=0.5";
	char *const environment[] = { interval, factor, retry, action, seconds, share, NULL };
	struct sl_settings *settings = NULL;
	struct sl_settings_error error = { "" };

	assert_int_equal(sl_settings_load(&settings, NULL, environment, &error), 0);
	assert_int_equal(settings->backpressure.interval_ns, 250000000);
	assert_float_equal(settings->backpressure.warning_factor, 0.25, 0);
	assert_int_equal(settings->backpressure.retry_after_ns, 12000000000);
	assert_int_equal(settings->abuse.rules.action[SL_ABUSE_TARGETED_TENANT], SL_ABUSE_BLOCK);
	assert_int_equal(settings->abuse.rules.action[SL_ABUSE_EMPTY_PAYLOAD], SL_ABUSE_LOG);
	assert_int_equal(settings->abuse.rules.punish_ns, 9000000000);
	assert_float_equal(settings->abuse.rules.heavy_share, 0.5, 0);
	sl_settings_free(settings);
}

static void the_environment_wins_over_the_file(void **state)
{
	static const char text[] = "version: 1\n"
				   "router: {timeout: 1s}\n"
				   "limits:\n  messages: 7\n  plans:\n"
				   "    - {name: gold, routes_decide: unlimited}\n";
	char timeout[] = "ROUTER_REQUEST_TIMEOUT_MS=250", off[] = "GATEWAY_AUTH_REQUIRED=false";
	char limit[] = "GATEWAY_RATE_LIMIT_ROUTES_DECIDE_LIMIT=9";
	char window[] = "GATEWAY_RATE_LIMIT_TTL_SECONDS=30";
	char subjects[] = "NATS_SUBJECT_ALLOWLIST=caf.exec.assign.v1, caf.exec.assign.gpu";
	char *const environment[] = { timeout, off, limit, window, subjects, NULL };
	struct sl_settings *settings = NULL;
	struct sl_settings_error error = { "" };
	const struct sl_plan *gold;

	assert_int_equal(
		sl_settings_parse(&settings, "g.yaml", sl_span_of(text), environment, &error), 0);
	assert_int_equal(settings->router.timeout_ns, 250000000);
	assert_false(settings->auth.required);
	assert_int_equal(settings->limits.plan.requests[SL_CLASS_ROUTES_DECIDE], 9);
	assert_int_equal(settings->limits.plan.requests[SL_CLASS_MESSAGES], 7);
	assert_int_equal(settings->limits.window_ns, 30000000000);
	assert_int_equal(settings->router.subject_count, 2);
	assert_string_equal(settings->router.subjects[1].text, "caf.exec.assign.gpu");
	gold = sl_settings_plan(settings, SL_SPAN("gold"));
	assert_non_null(gold);
	assert_int_equal(gold->requests[SL_CLASS_ROUTES_DECIDE], 0);
	assert_ptr_equal(sl_settings_plan(settings, SL_SPAN("")), &settings->limits.plan);
	assert_null(sl_settings_plan(settings, SL_SPAN("tin")));
	sl_settings_free(settings);
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text, *variable, *fault;
	} rows[] = {
		{ "version: 1\nlimits: {windows: 3}\n", "A=b", "limits.windows" },
		{ "version: 1\nrouter: {timeout: 3}\n", "A=b", "router.timeout" },
		{ "version: 1\nrequests: {body_bytes_max: 2MiB}\n", "A=b", "body_bytes_max" },
		{ "version: 1\nnats: {tls_cert_file: /a}\n", "A=b", "tls_key_file" },
		{ "version: 1\n", "ROUTER_DECIDE_SUBJECT=a.*", "ROUTER_DECIDE_SUBJECT" },
		{ "version: 1\n", "GATEWAY_AUTH_REQUIRED=maybe", "GATEWAY_AUTH_REQUIRED" },
		{ "version: 1\n", "GATEWAY_RATE_LIMIT_GLOBAL=-1", "GATEWAY_RATE_LIMIT_GLOBAL" },
		{ "version: 1\nbackpressure: {warning_factor: 1.5}\n", "A=b", "warning_factor" },
		{ "version: 1\nbackpressure: {interval: 1ms}\n", "A=b", "backpressure.interval" },
		{ "version: 1\nabuse: {empty_payload: kill}\n", "A=b", "abuse.empty_payload" },
		{ "version: 1\nabuse: {keys: 16}\n", "A=b", "abuse.keys" },
		{ "version: 1\nabuse: {requests: 2000}\n", "A=b", "abuse.requests_critical" },
		{ "version: 1\n", "GATEWAY_ABUSE_KEYS=many", "GATEWAY_ABUSE_KEYS" },
		{ "version: 1\n", "GATEWAY_RATE_LIMIT_MODE=both", "local, redis or hybrid" },
		{ "version: 1\n", "GATEWAY_DISTRIBUTED_RATE_LIMIT_ENABLED=yes", "_ENABLED" },
		{ "version: 1\n", "GATEWAY_RATE_LIMIT_REDIS_PORT=65536", "_REDIS_PORT" },
		{ "version: 1\n", "GATEWAY_RATE_LIMIT_REDIS_HOST=a:1:", "distributed.host" },
		{ "version: 1\n", "GATEWAY_RATE_LIMIT_REDIS_TIMEOUT_MS=0", "_REDIS_TIMEOUT_MS" },
		{ "version: 1\n", "GATEWAY_RATE_LIMIT_REDIS_URI=redis://", "_REDIS_URI" },
		{ "version: 1\n", "GATEWAY_RATE_LIMIT_REDIS_URI=redis://:x", "distributed.uri" },
		{ "version: 1\n", "GATEWAY_RATE_LIMIT_REDIS_URI=rediss://h", "no TLS" },
		{ "version: 1\n", "GATEWAY_RATE_LIMIT_FALLBACK_TO_LOCAL=no", "_FALLBACK_TO_LOCAL" },
		{ "version: 1\ndistributed: {mode: local}\n",
		  "GATEWAY_DISTRIBUTED_RATE_LIMIT_ENABLED=1", "g.yaml:2:21: distributed.mode" },
		{ "version: 1\nlimits: {window: 1500ms}\n", "GATEWAY_RATE_LIMIT_MODE=hybrid",
		  "g.yaml:2:18: limits.window" },
		{ "version: 1\ndistributed: {prefix: 'a:b'}\n", "A=b", "distributed.prefix" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char variable[128];
		char *const environment[] = { variable, NULL };
		struct sl_settings *settings = NULL;
		struct sl_settings_error error = { "" };

		(void)snprintf(variable, sizeof(variable), "%s", rows[i].variable);
		assert_int_equal(sl_settings_parse(&settings, "g.yaml", sl_span_of(rows[i].text),
						   environment, &error),
				 -EINVAL);
		if (!strstr(error.message, rows[i].fault))
			fail_msg("%s: %s", rows[i].fault, error.message);
	}
}

/* What three variables come to. */
static struct sl_settings *settings_of(const char *const texts[3])
{
	char variables[3][256];
	char *environment[4] = { NULL };
	struct sl_settings *settings = NULL;
	struct sl_settings_error error = { "" };

	for (size_t i = 0; i < 3 && texts[i]; i++) {
		(void)snprintf(variables[i], sizeof(variables[i]), "%s", texts[i]);
		environment[i] = variables[i];
	}
	if (sl_settings_parse(&settings, "g.yaml", SL_SPAN("version: 1\n"), environment, &error))
		fail_msg("%s", error.message);
	return settings;
}

#define ENABLED "GATEWAY_DISTRIBUTED_RATE_LIMIT_ENABLED="
#define MODE	"GATEWAY_RATE_LIMIT_MODE="
#define REDIS	"GATEWAY_RATE_LIMIT_REDIS_"

static void where_limits_are_counted(void **state)
{
	static const struct {
		const char *texts[3];
		enum sl_window_mode mode;
	} rows[] = {
		{ { NULL }, SL_WINDOW_LOCAL },
		{ { MODE "local" }, SL_WINDOW_LOCAL },
		{ { MODE "redis" }, SL_WINDOW_REDIS },
		{ { MODE "hybrid" }, SL_WINDOW_HYBRID },
		{ { ENABLED "true" }, SL_WINDOW_REDIS },
		{ { ENABLED "1", MODE "hybrid" }, SL_WINDOW_HYBRID },
		{ { ENABLED "false", MODE "redis" }, SL_WINDOW_LOCAL },
		{ { ENABLED "0", MODE "local" }, SL_WINDOW_LOCAL },
		{ { ENABLED "", MODE "" }, SL_WINDOW_LOCAL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sl_settings *settings = settings_of(rows[i].texts);

		assert_int_equal(settings->distributed.in_force, rows[i].mode);
		sl_settings_free(settings);
	}
}

static void where_redis_is(void **state)
{
	static const struct {
		const char *texts[3];
		const char *addresses, *user, *password;
		uint32_t database;
	} rows[] = {
		{ { NULL }, "127.0.0.1:6379", "", "", 0 },
		{ { REDIS "HOST=redis" }, "redis:6379", "", "", 0 },
		{ { REDIS "PORT=7000" }, "127.0.0.1:7000", "", "", 0 },
		{ { REDIS "HOST=::1", REDIS "PORT=7000" }, "[::1]:7000", "", "", 0 },
		{ { REDIS "HOST=[::1]" }, "[::1]:6379", "", "", 0 },
		{ { REDIS "URI=redis://me:p%40s@h:1/2", REDIS "HOST=i", REDIS "PORT=3" },
		  "h:1",
		  "me",
		  "p@s",
		  2 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sl_settings *settings = settings_of(rows[i].texts);

		assert_string_equal(settings->distributed.redis.addresses, rows[i].addresses);
		assert_string_equal(settings->distributed.redis.user, rows[i].user);
		assert_string_equal(settings->distributed.password, rows[i].password);
		assert_int_equal(settings->distributed.redis.database, rows[i].database);
		assert_string_equal(settings->distributed.uri, "");
		sl_settings_free(settings);
	}
}

static void how_long_and_what_then(void **state)
{
	static const char *const nothing[3], *const said[3] = {
		REDIS "TIMEOUT_MS=40", "GATEWAY_RATE_LIMIT_FALLBACK_TO_LOCAL=false",
		"GATEWAY_RATE_LIMIT_TTL_SECONDS=30"
	};
	struct sl_settings *settings = settings_of(nothing);

	assert_int_equal(settings->distributed.redis.command_timeout_ns, 250000000);
	assert_true(settings->distributed.fallback_to_local);
	assert_string_equal(settings->distributed.prefix, "ratelimit");
	sl_settings_free(settings);
	settings = settings_of(said);
	assert_int_equal(settings->distributed.redis.command_timeout_ns, 40000000);
	assert_false(settings->distributed.fallback_to_local);
	sl_settings_free(settings);
}

static char *read_page(const char *path)
{
	char *text = calloc(1, 65536);
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	assert_true(fread(text, 1, 65535, file) > 0);
	assert_int_equal(fclose(file), 0);
	return text;
}

static void pages_are_what_the_tables_say(void **state)
{
	static const struct {
		const char *path;
		int (*describe)(FILE *out);
	} pages[] = {
		{ "docs/ops/gateway-configuration.md", sl_settings_describe },
		{ "docs/ops/gateway-identities.md", sl_identities_describe },
	};

	for (size_t i = 0; i < 2; i++) {
		char *page = read_page(pages[i].path), *text = NULL;
		size_t size = 0;
		FILE *out = open_memstream(&text, &size);

		assert_non_null(out);
		assert_int_equal(pages[i].describe(out), 0);
		assert_int_equal(fclose(out), 0);
		assert_string_equal(text, page);
		free(text);
		free(page);
	}
}

static void the_example_is_good(void **state)
{
	struct sl_settings *settings = NULL;
	struct sl_settings_error error = { "" };

	if (sl_settings_load(&settings, "docs/examples/stack/gateway.yaml", NULL, &error))
		fail_msg("%s", error.message);
	sl_settings_free(settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_the_contracts),
		cmocka_unit_test(the_environment_wins_over_the_file),
		cmocka_unit_test(the_environment_names_backpressure_and_abuse),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(where_limits_are_counted),
		cmocka_unit_test(where_redis_is),
		cmocka_unit_test(how_long_and_what_then),
		cmocka_unit_test(pages_are_what_the_tables_say),
		cmocka_unit_test(the_example_is_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
