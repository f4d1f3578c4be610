// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "userspace/agent/admin_request.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FLOW(protocol, remote, local)                                                              \
	"\"protocol\":\"" protocol "\",\"remote\":\"" remote "\",\"remote_port\":40000,"           \
	"\"local\":\"" local "\",\"local_port\":443"

static struct sl_admin_request parsed(const char *line)
{
	struct sl_admin_request request;
	struct sl_text_error error = { .message = "" };

	if (sl_admin_parse(&request, line, strlen(line), &error) != 0)
		fail_msg("%s: %s", line, error.message);
	return request;
}

static void every_command_is_known(void **state)
{
	static const char *const lines[] = {
		"{\"cmd\":\"ping\"}",
		"{\"cmd\":\"status\"}",
		"{\"cmd\":\"reload\"}",
		"{\"cmd\":\"limit.set\",\"tenant\":\"a\",\"set\":{\"blocked\":true}}",
		"{\"cmd\":\"limit.clear\",\"tenant\":\"a\"}",
		"{\"cmd\":\"limit.list\"}",
		"{\"cmd\":\"block.add\",\"prefix\":\"10.0.0.0/8\"}",
		"{\"cmd\":\"block.del\",\"prefix\":\"10.0.0.0/8\"}",
		"{\"cmd\":\"mode.set\",\"mode\":\"shadow\"}",
		"{\"cmd\":\"mode.clear\"}",
		"{\"cmd\":\"shed.set\",\"tenant\":\"a\",\"permille\":500,\"for\":\"30s\"}",
		"{\"cmd\":\"pressure\"}",
		"{\"cmd\":\"quota\"}",
		"{\"cmd\":\"quota.show\"}",
		"{\"cmd\":\"quota.explain\",\"tenant\":\"a\"}",
		"{\"cmd\":\"quota.set\",\"tenant\":\"a\",\"limit\":\"packets\",\"rate\":\"10k\"}",
		"{\"cmd\":\"quota.raise\",\"tenant\":\"a\",\"limit\":\"bytes\",\"by\":\"8Mbit\"}",
		"{\"cmd\":\"quota.lower\",\"tenant\":\"a\",\"limit\":\"cost\",\"by\":\"20%\"}",
		"{\"cmd\":\"quota.clear\",\"tenant\":\"a\",\"limit\":\"requests\"}",
		"{\"cmd\":\"quota.drain\",\"for\":\"10m\"}",
		"{\"cmd\":\"quota.undrain\",\"node\":\"n-1.example\"}",
		"{\"cmd\":\"flow.bind\",\"tenant\":\"a\"," FLOW("tcp", "10.0.0.1", "10.0.0.2") "}",
		"{\"cmd\":\"flow.unbind\"," FLOW("udp", "::1", "::2") "}",
		"{\"cmd\":\"maps.fds\"}",
		"{\"cmd\":\"events.follow\"}",
	};

	assert_int_equal(COUNT(lines), SL_ADMIN_COMMANDS);
	for (size_t i = 0; i < COUNT(lines); i++) {
		assert_int_equal(parsed(lines[i]).command, i);
		assert_non_null(strstr(lines[i], sl_admin_command_name((enum sl_admin_command)i)));
	}
	assert_null(sl_admin_command_name(SL_ADMIN_COMMANDS));
}

static void amounts_of_a_quota_are_in_the_unit_of_its_limit(void **state)
{
	static const struct {
		const char *line;
		int64_t mu_per_s;
		uint32_t percent;
	} rows[] = {
		/* The order of keys says nothing. */
		{ "{\"rate\":\"10k\",\"limit\":\"packets\",\"tenant\":\"a\",\"cmd\":\"quota.set\"}",
		  10000000, 0 },
		{ "{\"cmd\":\"quota.set\",\"tenant\":\"a\",\"limit\":\"bytes\",\"rate\":\"8Mbit\"}",
		  1000000, 0 },
		{ "{\"cmd\":\"quota.set\",\"tenant\":\"a\",\"limit\":\"requests\",\"rate\":7}",
		  7000, 0 },
		{ "{\"cmd\":\"quota.raise\",\"tenant\":\"a\",\"limit\":\"cost\",\"by\":\"1000%\"}",
		  0, 1000 },
		{ "{\"cmd\":\"quota.lower\",\"tenant\":\"a\",\"limit\":\"cost\",\"by\":\"100%\"}",
		  0, 100 },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct sl_admin_request r = parsed(rows[i].line);

		assert_true(r.amount_mu_per_s == rows[i].mu_per_s);
		assert_int_equal(r.amount_percent, rows[i].percent);
	}
}

static void limits_are_read_like_the_configuration(void **state)
{
	struct sl_admin_request r =
		parsed("{\"cmd\":\"limit.set\",\"tenant\":\"noisy\",\"for\":\"10m\",\"set\":{"
		       "\"ingress.packets_per_s\":\"10k\",\"ingress.packets_burst\":500,"
		       "\"egress.bytes_per_s\":\"8Mbit\",\"fragments_per_s\":0,"
		       "\"new_connections_per_s\":\"unlimited\",\"connections\":\"2k\",\"blocked\":"
		       "\"false\"}}");

	assert_string_equal(r.tenant, "noisy");
	assert_true(r.for_ns == 600000000000ull);
	assert_int_equal(r.set_count, 6);
	assert_int_equal(r.set[0].field, SL_OVERRIDE_INGRESS_PACKETS);
	assert_int_equal(r.set[0].rate.per_s, 10000);
	assert_int_equal(r.set[0].rate.burst, 500);
	assert_int_equal(r.set[1].field, SL_OVERRIDE_EGRESS_BYTES);
	assert_int_equal(r.set[1].rate.per_s, 1000000);
	assert_true(r.set[1].rate.burst > 0);
	assert_int_equal(r.set[2].field, SL_OVERRIDE_NEW_CONNECTIONS);
	assert_true(r.set[2].rate.unlimited);
	assert_int_equal(r.set[3].field, SL_OVERRIDE_FRAGMENTS);
	assert_int_equal(r.set[3].rate.per_s, 0);
	assert_int_equal(r.set[4].field, SL_OVERRIDE_CONNECTIONS);
	assert_int_equal(r.set[4].value, 2000);
	assert_int_equal(r.set[5].field, SL_OVERRIDE_BLOCKED);
	assert_int_equal(r.set[5].value, 0);
}

static void limits_of_requests_are_amounts_in_a_window(void **state)
{
	struct sl_admin_request r =
		parsed("{\"cmd\":\"limit.set\",\"tenant\":\"noisy\",\"set\":{"
		       "\"requests.routes_decide\":0,\"requests.global\":\"2k\","
		       "\"requests.cost\":\"unlimited\"}}");

	assert_int_equal(r.set_count, 3);
	assert_int_equal(r.set[0].field, SL_OVERRIDE_REQUESTS_GLOBAL);
	assert_int_equal(r.set[0].value, 2000);
	assert_int_equal(r.set[1].field, SL_OVERRIDE_REQUESTS_ROUTES_DECIDE);
	assert_int_equal(r.set[1].value, 0);
	assert_int_equal(r.set[2].field, SL_OVERRIDE_REQUESTS_COST);
	assert_int_equal(r.set[2].value, SL_REQUESTS_UNLIMITED);
}

static void values_arrive(void **state)
{
	struct sl_admin_request r = parsed("{\"cmd\":\"flow.bind\",\"tenant\":\"unknown\"," FLOW(
		"tcp", "10.0.0.1", "10.0.0.2") "}");

	assert_string_equal(r.tenant, "unknown");
	assert_int_equal(r.protocol, IPPROTO_TCP);
	assert_int_equal(r.remote.bytes[3], 1);
	assert_int_equal(r.local.bytes[3], 2);
	assert_int_equal(r.remote_port, 40000);
	assert_int_equal(r.local_port, 443);

	r = parsed("{\"cmd\":\"block.add\",\"prefix\":\"2001:db8::/32\",\"for\":\"1h\"}");
	assert_int_equal(r.prefix.address.family, 6);
	assert_int_equal(r.prefix.bits, 32);
	assert_true(r.for_ns == 3600000000000ull);
	r = parsed("{\"cmd\":\"mode.set\",\"mode\":\"off\",\"tenant\":\"a\",\"for\":\"never\"}");
	assert_int_equal(r.mode, SL_MODE_OFF);
	assert_true(r.for_ns == 0);
}

static const struct {
	const char *line;
	int err;
	const char *message;
} bad[] = {
	{ "", -EINVAL, "not JSON: " },
	{ "{", -EINVAL, "not JSON: " },
	{ "{\"cmd\":\"ping\"} {}", -EINVAL, "not JSON: " },
	{ "{\"cmd\":\"ping\",\"cmd\":\"ping\"}", -EINVAL, "not JSON: duplicate object key" },
	{ "[]", -EINVAL, "a request is a JSON object" },
	{ "{}", -EINVAL, "needs a \"cmd\", such as \"status\"" },
	{ "{\"cmd\":7}", -EINVAL, "needs a \"cmd\", such as \"status\"" },
	{ "{\"cmd\":\"drop\\nall\"}", -EINVAL, "\"drop\\x0aall\" is not a command" },
	{ "{\"cmd\":\"ping\",\"x\":1}", -EINVAL, "\"x\": unknown key of \"ping\"" },
	{ "{\"cmd\":\"ping\",\"tenant\":\"a\"}", -EINVAL, "\"tenant\": unknown key of \"ping\"" },
	{ "{\"cmd\":\"limit.set\",\"tenant\":\"a\"}", -EINVAL, "\"limit.set\" needs \"set\"" },
	{ "{\"cmd\":\"limit.clear\"}", -EINVAL, "\"limit.clear\" needs \"tenant\"" },
	{ "{\"cmd\":\"limit.clear\",\"tenant\":null}", -EINVAL, "tenant: must be a text" },
	{ "{\"cmd\":\"limit.clear\",\"tenant\":\"a b\"}", -EINVAL,
	  "tenant: \"a b\" is not a name" },
	{ "{\"cmd\":\"limit.set\",\"tenant\":\"a\",\"set\":{}}", -EINVAL,
	  "set: must be an object" },
	{ "{\"cmd\":\"limit.set\",\"tenant\":\"a\",\"set\":[]}", -EINVAL,
	  "set: must be an object" },
	{ "{\"cmd\":\"limit.set\",\"tenant\":\"a\",\"set\":{\"ingress\":1}}", -EINVAL,
	  "set: \"ingress\" is not a limit" },
	{ "{\"cmd\":\"limit.set\",\"tenant\":\"a\",\"set\":{\"ingress.packets_burst\":1}}", -EINVAL,
	  "ingress.packets_burst: needs ingress.packets_per_s beside it" },
	{ "{\"cmd\":\"limit.set\",\"tenant\":\"a\",\"set\":{\"ingress.bytes_per_s\":\"10M\"}}",
	  -EINVAL, "ingress.bytes_per_s: \"10M\": bytes or bits?" },
	{ "{\"cmd\":\"limit.set\",\"tenant\":\"a\",\"set\":{\"ingress.packets_per_s\":-1}}",
	  -EINVAL, "ingress.packets_per_s: must be a text" },
	{ "{\"cmd\":\"limit.set\",\"tenant\":\"a\",\"set\":{\"ingress.packets_per_s\":\"1k\","
	  "\"ingress.packets_burst\":0}}",
	  -ERANGE, "ingress.packets_burst: a burst of 0 admits nothing" },
	{ "{\"cmd\":\"limit.set\",\"tenant\":\"a\",\"set\":{\"requests.cost\":\"2G\"}}", -ERANGE,
	  "requests.cost: out of range" },
	{ "{\"cmd\":\"limit.set\",\"tenant\":\"a\",\"set\":{\"requests.all\":1}}", -EINVAL,
	  "set: \"requests.all\" is not a limit" },
	{ "{\"cmd\":\"limit.set\",\"tenant\":\"a\",\"set\":{\"connections\":0}}", -ERANGE,
	  "connections: out of range" },
	{ "{\"cmd\":\"limit.set\",\"tenant\":\"a\",\"set\":{\"blocked\":\"yes\"}}", -EINVAL,
	  "blocked: \"yes\" is neither true nor false" },
	{ "{\"cmd\":\"block.add\",\"prefix\":\"10.0.0.1/8\"}", -ERANGE, "prefix: \"10.0.0.1/8\"" },
	{ "{\"cmd\":\"block.add\",\"prefix\":\"10.0.0.0/8\",\"for\":\"0s\"}", -ERANGE,
	  "for: \"0s\"" },
	{ "{\"cmd\":\"quota.set\",\"tenant\":\"a\",\"limit\":\"packets\"}", -EINVAL,
	  "\"quota.set\" needs \"rate\"" },
	{ "{\"cmd\":\"quota.set\",\"tenant\":\"a\",\"limit\":\"pace\",\"rate\":1}", -EINVAL,
	  "limit: \"pace\" is not one of: packets" },
	{ "{\"cmd\":\"quota.set\",\"tenant\":\"a\",\"limit\":\"packets\",\"rate\":0}", -ERANGE,
	  "rate: out of range; allowed: 1 to 1000000000 a second" },
	{ "{\"cmd\":\"quota.set\",\"tenant\":\"a\",\"limit\":\"packets\",\"rate\":\"2G\"}", -ERANGE,
	  "rate: out of range; allowed: 1 to 1000000000 a second" },
	{ "{\"cmd\":\"quota.set\",\"tenant\":\"a\",\"limit\":\"packets\",\"rate\":\"20%\"}",
	  -EINVAL, "" },
	{ "{\"cmd\":\"quota.set\",\"tenant\":\"a\",\"limit\":\"packets\",\"rate\":\"unlimited\"}",
	  -EINVAL, "" },
	{ "{\"cmd\":\"quota.raise\",\"tenant\":\"a\",\"limit\":\"packets\",\"by\":\"0%\"}", -ERANGE,
	  "by: out of range; allowed: 1% to 1000%" },
	{ "{\"cmd\":\"quota.raise\",\"tenant\":\"a\",\"limit\":\"packets\",\"by\":\"%\"}", -EINVAL,
	  "" },
	{ "{\"cmd\":\"quota.raise\",\"tenant\":\"a\",\"limit\":\"packets\",\"by\":\"-1\"}", -EINVAL,
	  "" },
	{ "{\"cmd\":\"quota.drain\",\"node\":\"a b\"}", -EINVAL, "node: \"a b\" is not a node" },
	{ "{\"cmd\":\"quota.drain\",\"node\":\"\"}", -EINVAL, "node: \"\" is not a node" },
	{ "{\"cmd\":\"quota.undrain\",\"for\":\"1m\"}", -EINVAL,
	  "\"for\": unknown key of \"quota.undrain\"" },
	{ "{\"cmd\":\"mode.set\",\"mode\":\"on\"}", -EINVAL, "mode: \"on\" is not allowed" },
	{ "{\"cmd\":\"shed.set\",\"tenant\":\"a\",\"permille\":1001,\"for\":\"1s\"}", -ERANGE,
	  "permille: 1001 is out of range; allowed: 0 to 1000" },
	{ "{\"cmd\":\"shed.set\",\"tenant\":\"a\",\"permille\":1,\"for\":\"never\"}", -ERANGE,
	  "for: a shed level must end" },
	{ "{\"cmd\":\"flow.unbind\"," FLOW("icmp", "::1", "::2") "}", -ERANGE,
	  "protocol: \"icmp\" has no ports" },
	{ "{\"cmd\":\"flow.unbind\"," FLOW("tcp", "::1", "10.0.0.1") "}", -EINVAL,
	  "remote and local are of different families" },
	{ "[[[[[[[[[", -E2BIG, "nested too deeply" },
	{ "{\"a\":[[[[[[[[\"]\"]]]]]]]]}", -E2BIG, "nested too deeply" },
};

static void what_is_wrong_is_named(void **state)
{
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct sl_admin_request request = { .permille = 42 };
		struct sl_text_error error = { .message = "" };
		int err = sl_admin_parse(&request, bad[i].line, strlen(bad[i].line), &error);

		if (err != bad[i].err ||
		    strncmp(error.message, bad[i].message, strlen(bad[i].message)) != 0)
			fail_msg("%s: %d %s", bad[i].line, err, error.message);
		assert_int_equal(request.permille, 42);
		assert_int_equal(sl_admin_parse(&request, bad[i].line, strlen(bad[i].line), NULL),
				 bad[i].err);
	}
}

static void a_line_has_a_limit(void **state)
{
	static char line[SL_ADMIN_LINE_BYTES_MAX + 1];
	struct sl_admin_request request;
	struct sl_text_error error;

	memset(line, ' ', sizeof(line));
	memcpy(line, "{\"cmd\":\"ping\"}", 14);
	assert_int_equal(sl_admin_parse(&request, line, sizeof(line) - 1, &error), 0);
	assert_int_equal(sl_admin_parse(&request, line, sizeof(line), &error), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_is_known),
		cmocka_unit_test(limits_are_read_like_the_configuration),
		cmocka_unit_test(amounts_of_a_quota_are_in_the_unit_of_its_limit),
		cmocka_unit_test(limits_of_requests_are_amounts_in_a_window),
		cmocka_unit_test(values_arrive),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(a_line_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
