// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/route.h"

#include "tests/harness/test.h"

#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MS	     1000000ull

static char chat[][SL_CAPABILITY_BYTES] = { "chat" };
static char both[][SL_CAPABILITY_BYTES] = { "chat", "embedding" };

static struct sl_provider providers[] = {
	{ .id = "cheap",
	  .cost = 0.1,
	  .latency_ns = 800 * MS,
	  .capabilities = chat,
	  .capability_count = 1 },
	{ .id = "fast",
	  .cost = 0.4,
	  .latency_ns = 100 * MS,
	  .capabilities = both,
	  .capability_count = 2 },
	{ .id = "spare",
	  .cost = 0.2,
	  .latency_ns = 400 * MS,
	  .capabilities = both,
	  .capability_count = 2 },
};
static struct sl_candidate candidates[] = { { "cheap", 1, 0 }, { "fast", 3, 1 } };
static struct sl_candidate fallback[] = { { "spare", 1, 2 } };
static char steady[][SL_IDENTIFIER_MAX + 1] = { "steady" };

static struct sl_policy made[] = {
	{ .id = "default",
	  .candidates = candidates,
	  .candidate_count = 2,
	  .fallback = fallback,
	  .fallback_count = 1 },
	{ .id = "best",
	  .strategy = SL_STRATEGY_BEST,
	  .cost_factor = 10,
	  .latency_factor = 0,
	  .candidates = candidates,
	  .candidate_count = 2 },
	{ .id = "ordered",
	  .strategy = SL_STRATEGY_ORDERED,
	  .candidates = candidates,
	  .candidate_count = 2,
	  .fallback = fallback,
	  .fallback_count = 1 },
	{ .id = "own",
	  .tenants = steady,
	  .tenant_count = 1,
	  .candidates = candidates,
	  .candidate_count = 1 },
};
static const struct sl_policies policies = { providers, COUNT(providers), made, COUNT(made), 0 };

static enum sl_provider_state states[COUNT(providers)];

static int route(struct sl_route_choice *ret, const char *policy,
		 const struct sl_route_request *request)
{
	return sl_route(ret, &policies,
			sl_policy_find(&policies, sl_span_of(policy), SL_SPAN("anybody")), states,
			request);
}

static uint64_t at(double fraction)
{
	return (uint64_t)(fraction * 0x1p53) << 11;
}

static void a_weighted_choice_follows_the_weights(void **state)
{
	struct sl_route_request request = { 0 };
	struct sl_route_choice choice;
	unsigned int fast = 0;

	for (int i = 0; i < 1000; i++) {
		request.random = at(i / 1000.0);
		assert_int_equal(route(&choice, "default", &request), 0);
		fast += choice.provider == 1;
		assert_int_equal(choice.how, SL_ROUTE_SCORED);
	}
	assert_int_equal(fast, 750);
	assert_string_equal(choice.reason, "weighted, 75 % of the score over 2 candidates");
}

static void weights_of_nothing_are_even(void **state)
{
	struct sl_route_request request = { 0 };
	struct sl_route_choice choice;
	unsigned int fast = 0;

	candidates[0].weight = candidates[1].weight = 0;
	for (int i = 0; i < 100; i++) {
		request.random = at(i / 100.0);
		assert_int_equal(route(&choice, "default", &request), 0);
		fast += choice.provider == 1;
	}
	assert_int_equal(fast, 50);
	assert_string_equal(choice.reason, "weighted, 50 % of the score over 2 candidates");
	candidates[0].weight = 1;
	candidates[1].weight = 3;
}

static void the_best_score_counts_the_cost(void **state)
{
	struct sl_route_request request = { .random = at(0.99) };
	struct sl_route_choice choice;

	/* cheap: 1 / (1 + 10 * 0.25) = 0.286; fast: 3 / 11 = 0.273. */
	assert_int_equal(route(&choice, "best", &request), 0);
	assert_int_equal(choice.provider, 0);
	assert_true(choice.score > 0.285 && choice.score < 0.286);
	states[0] = SL_PROVIDER_DEGRADED;
	assert_int_equal(route(&choice, "best", &request), 0);
	assert_int_equal(choice.provider, 1);
	states[0] = SL_PROVIDER_READY;
}

static void in_order_the_first_that_can_is_taken(void **state)
{
	struct sl_route_request request = { .random = at(0.99) };
	struct sl_route_choice choice;

	assert_int_equal(route(&choice, "ordered", &request), 0);
	assert_int_equal(choice.provider, 0);
	states[0] = SL_PROVIDER_OPEN;
	assert_int_equal(route(&choice, "ordered", &request), 0);
	assert_int_equal(choice.provider, 1);
	assert_string_equal(choice.reason, "only candidate of 2");
	states[1] = SL_PROVIDER_DOWN;
	assert_int_equal(route(&choice, "ordered", &request), 0);
	assert_int_equal(choice.provider, 2);
	assert_int_equal(choice.how, SL_ROUTE_FALLBACK);
	assert_string_equal(choice.reason, "fallback 1: 2 candidates cannot work, 0 are excluded");
	states[2] = SL_PROVIDER_OPEN;
	assert_int_equal(route(&choice, "ordered", &request), -EHOSTUNREACH);
	assert_string_equal(choice.reason, "no provider can work now: 3 cannot, 0 are excluded");
	memset(states, 0, sizeof(states));
}

static void constraints_exclude(void **state)
{
	struct sl_route_request cost = { .max_cost = 0.3 };
	struct sl_route_request latency = { .max_latency_ns = 100 * MS };
	struct sl_route_request able = { .require = { SL_SPAN("embedding") }, .require_count = 1 };
	struct sl_route_request none = { .require = { SL_SPAN("video") }, .require_count = 1 };
	struct sl_route_choice choice;

	assert_int_equal(route(&choice, "default", &cost), 0);
	assert_int_equal(choice.provider, 0);
	assert_int_equal(choice.excluded, 1);
	assert_int_equal(route(&choice, "default", &latency), 0);
	assert_int_equal(choice.provider, 1);
	assert_int_equal(route(&choice, "default", &able), 0);
	assert_int_equal(choice.provider, 1);
	assert_int_equal(route(&choice, "default", &none), -ENOENT);
	assert_string_equal(choice.reason, "the constraints exclude all 3 providers");
}

static void the_policy_excludes_as_well(void **state)
{
	struct sl_route_request request = { 0 };
	struct sl_route_choice choice;

	made[2].max_cost = 0.3;
	made[2].require = both + 1;
	made[2].require_count = 1;
	assert_int_equal(route(&choice, "ordered", &request), 0);
	assert_int_equal(choice.provider, 2);
	made[2].max_cost = 0;
	made[2].require_count = 0;
}

static void a_session_stays_while_it_can(void **state)
{
	struct sl_route_request request = { .sticky = SL_SPAN("cheap"), .random = at(0.9) };
	struct sl_route_choice choice;

	assert_int_equal(route(&choice, "default", &request), 0);
	assert_int_equal(choice.how, SL_ROUTE_STICKY);
	assert_int_equal(choice.provider, 0);
	states[0] = SL_PROVIDER_OPEN;
	assert_int_equal(route(&choice, "default", &request), 0);
	assert_int_equal(choice.provider, 1);
	states[0] = SL_PROVIDER_READY;
}

static void one_seed_one_choice(void **state)
{
	struct sl_route_request request = { .random = 0x123456789abcdef0ull };
	struct sl_route_choice a, b;

	assert_int_equal(route(&a, "default", &request), 0);
	assert_int_equal(route(&b, "default", &request), 0);
	assert_int_equal(a.provider, b.provider);
}

static void a_policy_is_found_by_those_it_is_for(void **state)
{
	const struct sl_span none = { NULL, 0 };

	assert_ptr_equal(sl_policy_find(&policies, none, SL_SPAN("x")), &made[0]);
	assert_ptr_equal(sl_policy_find(&policies, none, SL_SPAN("steady")), &made[3]);
	assert_ptr_equal(sl_policy_find(&policies, SL_SPAN("own"), SL_SPAN("steady")), &made[3]);
	assert_null(sl_policy_find(&policies, SL_SPAN("own"), SL_SPAN("x")));
	assert_null(sl_policy_find(&policies, SL_SPAN("other"), SL_SPAN("x")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_weighted_choice_follows_the_weights),
		cmocka_unit_test(weights_of_nothing_are_even),
		cmocka_unit_test(the_best_score_counts_the_cost),
		cmocka_unit_test(in_order_the_first_that_can_is_taken),
		cmocka_unit_test(constraints_exclude),
		cmocka_unit_test(the_policy_excludes_as_well),
		cmocka_unit_test(a_session_stays_while_it_can),
		cmocka_unit_test(one_seed_one_choice),
		cmocka_unit_test(a_policy_is_found_by_those_it_is_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
