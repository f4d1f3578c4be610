// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include "userspace/gateway/limits.h"

#define S_NS   1000000000ull
#define MINUTE (60 * S_NS)
#define NOW    (1000 * S_NS)

struct world {
	struct sl_settings settings;
	struct sl_plan plan;
	struct sl_caller_bucket bucket;
	struct sl_request_words words;
	struct sl_kernel_limits agent;
	struct sl_tenant_limits tenant;
	struct sl_standing standing;
};

/* A plan of 50 in a minute; the agent says 5 in ten seconds, of routes_decide only. */
static void begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->settings.limits.window_ns = MINUTE;
	w->plan.requests[SL_CLASS_ROUTES_DECIDE] = 50;
	w->plan.requests[SL_CLASS_MESSAGES] = 70;
	w->agent.words = &w->words;
	w->agent.limits.set = 1u << SL_REQUEST_ROUTES_DECIDE;
	w->agent.limits.rule[SL_REQUEST_ROUTES_DECIDE] =
		(struct sl_request_rule){ .limit = sl_gcra_limit(5, 10 * S_NS),
					  .window_ns = 10 * S_NS };
	w->tenant = (struct sl_tenant_limits){ &w->settings, &w->plan, &w->bucket, &w->agent };
}

static uint64_t size(struct world *w, enum sl_rate_class rate_class)
{
	sl_limits_standing(&w->standing, &w->tenant, rate_class, NOW);
	return sl_gcra_size(&w->standing.level.limit);
}

static void without_the_agent_the_plan_decides(void **state)
{
	struct world w;

	begin(&w);
	w.tenant.agent = NULL;
	assert_int_equal(size(&w, SL_CLASS_ROUTES_DECIDE), 50);
	assert_int_equal(w.standing.source, SL_LIMIT_PLAN);
	assert_int_equal(w.standing.window_ns, MINUTE);
	assert_ptr_equal(w.standing.level.word, &w.bucket.words[SL_CLASS_ROUTES_DECIDE]);
	assert_null(w.standing.slot);
	assert_true(size(&w, SL_CLASS_GLOBAL) == UINT64_MAX);
	w.bucket.limits[SL_CLASS_ROUTES_DECIDE] = 1 + 3;
	assert_int_equal(size(&w, SL_CLASS_ROUTES_DECIDE), 3);
	assert_int_equal(w.standing.source, SL_LIMIT_OVERRIDE);
	w.bucket.limits[SL_CLASS_ROUTES_DECIDE] = SL_BUCKET_UNLIMITED;
	assert_true(size(&w, SL_CLASS_ROUTES_DECIDE) == UINT64_MAX);
}

static void what_the_agent_says_wins(void **state)
{
	struct world w;

	begin(&w);
	w.bucket.limits[SL_CLASS_ROUTES_DECIDE] = SL_BUCKET_UNLIMITED;
	assert_int_equal(size(&w, SL_CLASS_ROUTES_DECIDE), 5);
	assert_int_equal(w.standing.source, SL_LIMIT_AGENT);
	assert_int_equal(w.standing.window_ns, 10 * S_NS);
	assert_ptr_equal(w.standing.level.word, &w.words.slot[SL_REQUEST_ROUTES_DECIDE].word);
}

/* Of a class that it does not limit the word is still the one that gateways share. */
static void the_word_is_shared_whoever_limits(void **state)
{
	struct world w;

	begin(&w);
	assert_int_equal(size(&w, SL_CLASS_MESSAGES), 70);
	assert_int_equal(w.standing.source, SL_LIMIT_PLAN);
	assert_ptr_equal(w.standing.level.word, &w.words.slot[SL_REQUEST_MESSAGES].word);
	(void)size(&w, SL_CLASS_GLOBAL);
	assert_ptr_equal(w.standing.slot, &w.words.slot[SL_REQUEST_GLOBAL]);
	(void)size(&w, SL_CLASS_REGISTRY_BLOCKS);
	assert_ptr_equal(w.standing.slot, &w.words.slot[SL_REQUEST_REGISTRY_BLOCKS]);
}

static void the_mode_is_of_who_limits(void **state)
{
	struct world w;

	begin(&w);
	w.agent.limits.flags = SL_MODE_SHADOW;
	(void)size(&w, SL_CLASS_ROUTES_DECIDE);
	assert_true(w.standing.shadow);
	(void)size(&w, SL_CLASS_MESSAGES);
	assert_false(w.standing.shadow);
	w.agent.node = SL_MODE_OFF;
	assert_true(size(&w, SL_CLASS_ROUTES_DECIDE) == UINT64_MAX);
	assert_int_equal(size(&w, SL_CLASS_MESSAGES), 70);
	w.settings.limits.shadow = true;
	(void)size(&w, SL_CLASS_MESSAGES);
	assert_true(w.standing.shadow);
}

static void a_lease_that_ended_is_noticed_without_the_agent(void **state)
{
	struct world w;

	begin(&w);
	w.agent.limits.flags = (uint32_t)SL_FALLBACK_CLOSED << SL_REQUESTS_FALLBACK_SHIFT;
	w.agent.limits.rule[SL_REQUEST_ROUTES_DECIDE].lease_until_ns = NOW + 1;
	assert_int_equal(size(&w, SL_CLASS_ROUTES_DECIDE), 5);
	w.agent.limits.rule[SL_REQUEST_ROUTES_DECIDE].lease_until_ns = NOW;
	assert_int_equal(size(&w, SL_CLASS_ROUTES_DECIDE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_the_agent_the_plan_decides),
		cmocka_unit_test(what_the_agent_says_wins),
		cmocka_unit_test(the_word_is_shared_whoever_limits),
		cmocka_unit_test(the_mode_is_of_who_limits),
		cmocka_unit_test(a_lease_that_ended_is_noticed_without_the_agent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
