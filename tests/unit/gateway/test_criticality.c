// SPDX-License-Identifier: Apache-2.0
/* How important a request is: the least that tenant, credential and route say. */
#include "tests/unit/gateway/kernel_world.h"
#include "tests/unit/gateway/still_loop.h"

#include "userspace/domain/requests.h"
#include "userspace/gateway/gateway_private.h"
#include "userspace/gateway/shared.h"

static uint64_t now_of(struct sl_loop *loop)
{
	(void)loop;
	return 1000000000000ull;
}

#define DECIDE	 SL_METHOD_POST, "/api/v1/routes/decide"
#define MESSAGES SL_METHOD_POST, "/api/v1/messages"
#define ADMIN	 SL_METHOD_GET, "/api/v1/extensions/health"

static void the_least_of_all_counts(void **state)
{
	static const struct {
		const char *tenant;
		int class; /* of acme in the agent; -1: not said */
		int plan, decide, messages;
		enum sl_method method;
		const char *path;
		enum sl_criticality want;
	} cases[] = {
		{ "acme", SL_TENANT_CRITICAL_PLUS, 3, 3, 3, DECIDE, SL_CRITICAL_PLUS },
		{ "acme", SL_TENANT_CRITICAL, 3, 3, 3, DECIDE, SL_CRITICAL },
		{ "acme", SL_TENANT_SHEDDABLE, 3, 3, 3, DECIDE, SL_SHEDDABLE },
		{ "acme", -1, 3, 3, 3, DECIDE, SL_CRITICAL },
		{ "nobody", SL_TENANT_SHEDDABLE, 3, 3, 3, DECIDE, SL_CRITICAL },
		{ "acme", SL_TENANT_CRITICAL_PLUS, 1, 3, 3, DECIDE, SL_SHEDDABLE_PLUS },
		{ "acme", SL_TENANT_CRITICAL_PLUS, 3, 0, 3, DECIDE, SL_SHEDDABLE },
		{ "acme", SL_TENANT_CRITICAL_PLUS, 3, 0, 2, MESSAGES, SL_CRITICAL },
		{ "acme", SL_TENANT_SHEDDABLE, 1, 2, 2, MESSAGES, SL_SHEDDABLE },
		{ "acme", SL_TENANT_SHEDDABLE, 0, 0, 0, ADMIN, SL_CRITICAL_PLUS },
	};
	static struct sl_settings settings;
	static struct sl_worker_counters counters;
	struct sl_loop loop = { .now_ns = now_of, .timer_set = no_timer, .timer_clear = no_clear };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sl_gateway gateway = { .loop = &loop, .settings = &settings };
		struct sl_plan plan = { .criticality = cases[i].plan };
		struct sl_exchange exchange = { .gateway = &gateway, .who = { .plan = &plan } };
		struct sl_kernel_maps *maps = world_maps((uint32_t)(1 + i * 10));

		assert_int_equal(
			sl_kernel_new(&gateway.kernel,
				      &(struct sl_kernel_options){ .loop = &loop,
								   .settings = &settings,
								   .counters = &counters }),
			0);
		world_requests(maps, 0, 1)->flags = (uint32_t)(cases[i].class + 1)
						    << SL_REQUESTS_CLASS_SHIFT;
		sl_kernel_use(gateway.kernel, maps);
		settings.criticality.routes_decide = cases[i].decide;
		settings.criticality.messages = cases[i].messages;
		(void)snprintf(exchange.who.tenant, sizeof(exchange.who.tenant), "%s",
			       cases[i].tenant);
		sl_route_find(&exchange.match, cases[i].method, sl_span_of(cases[i].path));
		assert_int_equal(sl_exchange_criticality(&exchange), cases[i].want);
		sl_kernel_free(gateway.kernel);
	}
}

/* A class goes into the map and comes out of it; what no agent writes is the usual one. */
static void a_class_goes_by_the_map(void **state)
{
	for (int class = SL_TENANT_SHEDDABLE; class <= SL_TENANT_CRITICAL_PLUS; class ++) {
		struct sl_tenant_spec tenant = { .name = "acme",
						 .mode = SL_MODE_SHADOW,
						 .class = (enum sl_tenant_class) class,
						 .on_lease_expiry = SL_FALLBACK_OPEN };
		struct sl_requests requests;

		sl_requests_make(&requests, &tenant, 1, 0);
		assert_int_equal(sl_requests_class(&requests), class);
		assert_int_equal(sl_requests_mode(&requests, SL_MODE_ENFORCE), SL_MODE_SHADOW);
	}
	for (uint32_t bits = 5; bits < 8; bits++)
		assert_int_equal(sl_requests_class(&(struct sl_requests){
					 .flags = bits << SL_REQUESTS_CLASS_SHIFT }),
				 SL_TENANT_CRITICAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_of_all_counts),
		cmocka_unit_test(a_class_goes_by_the_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
