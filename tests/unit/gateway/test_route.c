// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include "userspace/gateway/route.h"
#include "userspace/gateway/shared.h"

struct row {
	enum sl_method method;
	const char *path;
	enum sl_action action;
	const char *first, *second;
};

#define GET  SL_METHOD_GET
#define POST SL_METHOD_POST
#define PUT  SL_METHOD_PUT
#define DEL  SL_METHOD_DELETE

static const struct row rows[] = {
	{ POST, "/api/v1/routes/decide", SL_ACTION_DECIDE, "", "" },
	{ GET, "/api/v1/routes/decide/m-1", SL_ACTION_GET_DECISION, "m-1", "" },
	{ POST, "/api/v1/messages", SL_ACTION_MESSAGE_CREATE, "", "" },
	{ GET, "/api/v1/messages", SL_ACTION_MESSAGE_LIST, "", "" },
	{ GET, "/api/v1/messages/stream", SL_ACTION_MESSAGE_STREAM, "", "" },
	{ PUT, "/api/v1/messages/stream", SL_ACTION_MESSAGE_PUT, "stream", "" },
	{ GET, "/api/v1/messages/x", SL_ACTION_MESSAGE_GET, "x", "" },
	{ DEL, "/api/v1/messages/x", SL_ACTION_MESSAGE_DELETE, "x", "" },
	{ GET, "/api/v1/results/stream", SL_ACTION_RESULT_STREAM, "", "" },
	{ POST, "/api/v1/registry/blocks/http/1.0", SL_ACTION_BLOCK_CREATE, "http", "1.0" },
	{ PUT, "/api/v1/registry/blocks/http/1.0", SL_ACTION_BLOCK_UPDATE, "http", "1.0" },
	{ DEL, "/api/v1/registry/blocks/http/1.0", SL_ACTION_BLOCK_DELETE, "http", "1.0" },
	{ GET, "/api/v1/registry/blocks/http/1.0", SL_ACTION_BLOCK_GET, "http", "1.0" },
	{ GET, "/api/v1/registry/blocks/http", SL_ACTION_BLOCK_LIST, "http", "" },
	{ GET, "/api/v1/registry/blocks", SL_ACTION_BLOCK_LIST, "", "" },
	{ GET, "/api/v1/policies/acme/default/complexity", SL_ACTION_COMPLEXITY, "acme",
	  "default" },
	{ POST, "/api/v1/policies/dry-run", SL_ACTION_DRY_RUN, "", "" },
	{ GET, "/health", SL_ACTION_HEALTH, "", "" },
	{ GET, "/health/ready", SL_ACTION_READY, "", "" },
	{ GET, "/_metrics", SL_ACTION_METRICS_JSON, "", "" },
	/* and what is none */
	{ GET, "/api/v1/routes/decide", SL_ACTION_NONE, "", "" },
	{ PUT, "/api/v1/routes/decide", SL_ACTION_NONE, "", "" },
	{ GET, "/api/v1/routes/decide/", SL_ACTION_NONE, "", "" },
	{ GET, "/api/v1/routes/decide/a/b", SL_ACTION_NONE, "", "" },
	{ POST, "/api/v1/routes/decid", SL_ACTION_NONE, "", "" },
	{ POST, "/api/v1/routes/decidee", SL_ACTION_NONE, "", "" },
	{ GET, "/api/v1/registry/blocks//1.0", SL_ACTION_NONE, "", "" },
	{ GET, "/api/v1/registry/blocks/a/b/c", SL_ACTION_NONE, "", "" },
	{ GET, "", SL_ACTION_NONE, "", "" },
	{ SL_METHOD_OTHER, "/health", SL_ACTION_NONE, "", "" },
	{ SL_METHOD_OTHER, "", SL_ACTION_NONE, "", "" },
};

static void each_path_has_its_route(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sl_route_match match;

		sl_route_find(&match, rows[i].method, sl_span_of(rows[i].path));
		if (match.route->action != rows[i].action)
			fail_msg("%s: %d", rows[i].path, (int)match.route->action);
		assert_ptr_equal(match.route, sl_route_at(match.index));
		if (rows[i].action == SL_ACTION_NONE)
			continue;
		assert_true(sl_span_is(match.parameters[0], rows[i].first));
		assert_true(sl_span_is(match.parameters[1], rows[i].second));
	}
}

static void the_table_is_whole(void **state)
{
	bool seen[SL_ACTIONS] = { false };

	assert_true(sl_route_count() <= SL_ROUTES_MAX);
	for (size_t i = 0; i < sl_route_count(); i++) {
		const struct sl_route *route = sl_route_at(i);

		seen[route->action] = true;
		/* What is limited knows whom to charge. */
		if (route->rate_class != SL_CLASS_NONE)
			assert_int_equal(route->access, SL_ACCESS_TENANT);
	}
	for (size_t i = 0; i < SL_ACTIONS; i++)
		assert_true(seen[i]);
}

static void methods_and_classes_have_names(void **state)
{
	assert_int_equal(sl_method_of(SL_SPAN("HEAD")), SL_METHOD_GET);
	assert_int_equal(sl_method_of(SL_SPAN("get")), SL_METHOD_OTHER);
	assert_int_equal(sl_method_of(SL_SPAN("PATCH")), SL_METHOD_OTHER);
	assert_string_equal(sl_method_name(SL_METHOD_DELETE), "DELETE");
	assert_int_equal(sl_rate_class_of(SL_SPAN("messages")), SL_CLASS_MESSAGES);
	assert_int_equal(sl_rate_class_of(SL_SPAN("")), SL_CLASSES);
	assert_int_equal(sl_rate_class_of(SL_SPAN("other")), SL_CLASSES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_path_has_its_route),
		cmocka_unit_test(the_table_is_whole),
		cmocka_unit_test(methods_and_classes_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
