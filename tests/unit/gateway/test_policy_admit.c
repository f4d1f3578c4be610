// SPDX-License-Identifier: Apache-2.0
/* The levels of a request on maps of the test's own, with a clock that stands still. */
#include "tests/unit/gateway/gateway_parts.h"
#include "tests/unit/gateway/kernel_world.h"
#include "tests/unit/gateway/still_loop.h"

#include "userspace/domain/gcra.h"

#define S_NS 1000000000ull
#define NOW  (1000 * S_NS)
#define DAY  (86400 * S_NS)

enum {
	ACME = 1,
	BETA,
	ACME_PREMIUM,
	ALL_PREMIUM,
	NODE,
	ACME_DEFAULT,
};

struct world {
	struct sl_loop loop;
	uint64_t now_ns;
	struct sl_settings settings;
	struct sl_plan plan;
	struct sl_shared *shared;
	struct sl_worker_counters counters;
	struct sl_kernel_maps *maps;
	struct sl_gateway gateway;
	struct sl_exchange exchange;
	int status; /* of the answer; 0: none */
	char body[512];
	char policy_field[128];
};

static uint64_t now_of(struct sl_loop *loop)
{
	return ((struct world *)loop->context)->now_ns;
}

static void copy(char *ret, size_t size, struct sl_span text)
{
	assert_true(text.length < size);
	memcpy(ret, text.at, text.length);
	ret[text.length] = '\0';
}

static void take_field(void *context, struct sl_span name, struct sl_span value)
{
	struct world *w = context;

	if (sl_span_is(name, "RateLimit-Policy"))
		copy(w->policy_field, sizeof(w->policy_field), value);
}

static void answered(struct sl_exchange *exchange, const struct sl_answer *answer)
{
	struct world *w = exchange->context;

	w->status = answer->status;
	copy(w->body, sizeof(w->body), answer->body);
	sl_exchange_fields(exchange, answer, take_field, w);
}

static const struct sl_exchange_calls calls = { .answered = answered };

static void limit(struct world *w, uint32_t id, enum sl_request_class which, uint64_t requests)
{
	struct sl_requests *at = world_requests(w->maps, 0, id);

	at->set |= 1u << which;
	at->rule[which].limit = sl_gcra_limit(requests, DAY);
	at->rule[which].window_ns = DAY;
	w->now_ns += S_NS; /* what a worker keeps is old by now */
}

static uint64_t used(const struct world *w, uint32_t id, enum sl_request_class which)
{
	const struct sl_request_limit *of = &world_requests(w->maps, 0, id)->rule[which].limit;
	uint64_t tat_ns = w->maps->request_words[id].slot[which].word.tat_ns;

	return tat_ns > w->now_ns && of->period_ns
		       ? (tat_ns - w->now_ns + of->period_ns - 1) / of->period_ns
		       : 0;
}

static int begin(void **state)
{
	struct world *w = parts_zeroed(sizeof(*w));

	w->now_ns = NOW;
	w->loop = (struct sl_loop){
		.context = w, .now_ns = now_of, .timer_set = no_timer, .timer_clear = no_clear
	};
	w->shared = parts_shared(&w->settings, DAY);
	parts_gateway(&w->gateway, &w->loop, &w->settings, &w->counters, w->shared);
	w->maps = world_maps(1);
	sl_kernel_use(w->gateway.kernel, w->maps);
	limit(w, ACME, SL_REQUEST_GLOBAL, 100);
	limit(w, ACME, SL_REQUEST_ROUTES_DECIDE, 50);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	sl_kernel_free(w->gateway.kernel);
	sl_json_out_free(&w->gateway.out);
	free(w->shared);
	free(w);
	return 0;
}

static void row(struct world *w, uint32_t id, const char *name)
{
	world_name(w->maps, id, name);
	w->now_ns += S_NS;
	sl_kernel_tick(w->gateway.kernel);
}

/* A decide of @tenant with the member @policy; the status it comes to, 200 when it would go on. */
static int ask(struct world *w, const char *tenant, const char *policy)
{
	struct sl_decide_fault fault;
	char body[256];

	(void)snprintf(body, sizeof(body),
		       "{\"version\":\"1\",\"tenant_id\":\"%s\",\"request_id\":\"r1\",%s"
		       "\"task\":{\"type\":\"chat\",\"payload\":{\"text\":\"long enough\"}}}",
		       tenant, policy);
	w->exchange = (struct sl_exchange){ .gateway = &w->gateway, .calls = &calls, .context = w };
	w->exchange.who.plan = &w->plan;
	w->exchange.started_ns = w->now_ns;
	w->status = 0;
	w->body[0] = w->policy_field[0] = '\0';
	(void)snprintf(w->exchange.who.tenant, sizeof(w->exchange.who.tenant), "%s", tenant);
	sl_route_find(&w->exchange.match, SL_METHOD_POST, SL_SPAN("/api/v1/routes/decide"));
	assert_int_equal(sl_decide_read(&w->exchange.decide, sl_span_of(body), &fault), 0);
	if (sl_admit(&w->exchange) == SL_ADMITTED && sl_policy_admit(&w->exchange))
		return 200;
	return w->status;
}

static uint64_t refused(const struct world *w, enum sl_limit_level level)
{
	return w->counters.counts[SL_COUNT_LEVEL + level];
}

#define PREMIUM "\"policy_id\":\"premium\","

static void a_request_passes_every_level_or_is_charged_to_none(void **state)
{
	struct world *w = *state;

	row(w, ACME_PREMIUM, "acme/premium");
	row(w, ALL_PREMIUM, "*/premium");
	row(w, NODE, "*");
	limit(w, ACME_PREMIUM, SL_REQUEST_GLOBAL, 3);
	limit(w, ALL_PREMIUM, SL_REQUEST_ROUTES_DECIDE, 5);
	limit(w, NODE, SL_REQUEST_GLOBAL, 9);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ask(w, "acme", PREMIUM), 200);
	for (int i = 0; i < 4; i++)
		assert_int_equal(ask(w, "acme", PREMIUM), 429);
	assert_int_equal(refused(w, SL_LEVEL_POLICY), 4);
	assert_non_null(strstr(w->body, "\"limit\":3,"));
	assert_non_null(strstr(w->body, "\"policy\":\"premium\""));
	assert_string_equal(w->policy_field, "\"policy/premium\";q=3;w=86400");
	assert_int_equal(used(w, ACME, SL_REQUEST_GLOBAL), 3);
	assert_int_equal(used(w, ACME, SL_REQUEST_ROUTES_DECIDE), 3);
	assert_int_equal(used(w, ALL_PREMIUM, SL_REQUEST_ROUTES_DECIDE), 3);
	assert_int_equal(used(w, NODE, SL_REQUEST_GLOBAL), 3);
	/* What is left of the policy is for others. */
	for (int i = 0; i < 2; i++)
		assert_int_equal(ask(w, "beta", PREMIUM), 200);
	assert_int_equal(ask(w, "beta", PREMIUM), 429);
	assert_int_equal(refused(w, SL_LEVEL_POLICY_ENDPOINT), 1);
	assert_string_equal(w->policy_field, "\"policy/premium/routes_decide\";q=5;w=86400");
	/* Other policies are not bounded by it, but by the node. */
	for (int i = 0; i < 4; i++)
		assert_int_equal(ask(w, "acme", "\"policy_id\":\"cheap\","), 200);
	assert_int_equal(ask(w, "acme", "\"policy_id\":\"cheap\","), 429);
	assert_int_equal(refused(w, SL_LEVEL_NODE), 1);
	assert_string_equal(w->policy_field, "\"node\";q=9;w=86400");
	assert_null(strstr(w->body, "policy\":"));
	assert_int_equal(used(w, ACME, SL_REQUEST_GLOBAL), 7);
}

static void no_spelling_goes_round_it(void **state)
{
	struct world *w = *state;

	row(w, ACME_PREMIUM, "acme/premium");
	row(w, ACME_DEFAULT, "acme/default");
	limit(w, ACME_PREMIUM, SL_REQUEST_GLOBAL, 0);
	limit(w, ACME_DEFAULT, SL_REQUEST_ROUTES_DECIDE, 0);
	assert_int_equal(ask(w, "acme", "\"policy_id\":\"pr\\u0065mium\","), 429);
	assert_int_equal(ask(w, "acme", ""), 429);
	assert_int_equal(ask(w, "acme", "\"policy_id\":\"cheap\","), 200);
	assert_int_equal(ask(w, "acme", "\"policy_id\":\"premium/\","), 200);
	assert_int_equal(
		ask(w, "acme",
		    "\"policy_id\":\"much-longer-than-the-name-of-any-policy-can-be-0123456789\","),
		200);
	/* Who is called like a row is not the row. */
	limit(w, ACME_PREMIUM, SL_REQUEST_ROUTES_DECIDE, 0);
	assert_int_equal(ask(w, "acme/premium", "\"policy_id\":\"cheap\","), 200);
	assert_int_equal(used(w, ACME_PREMIUM, SL_REQUEST_ROUTES_DECIDE), 0);
}

static void shadow_counts_and_lets_the_others_judge(void **state)
{
	struct world *w = *state;

	row(w, ACME_PREMIUM, "acme/premium");
	row(w, ALL_PREMIUM, "*/premium");
	limit(w, ACME_PREMIUM, SL_REQUEST_GLOBAL, 1);
	limit(w, ALL_PREMIUM, SL_REQUEST_GLOBAL, 3);
	world_requests(w->maps, 0, ACME_PREMIUM)->flags = SL_MODE_SHADOW;
	for (int i = 0; i < 3; i++)
		assert_int_equal(ask(w, "acme", PREMIUM), 200);
	assert_int_equal(w->counters.counts[SL_COUNT_SHADOW_REFUSED], 2);
	assert_int_equal(w->maps->request_words[ACME_PREMIUM].slot[SL_REQUEST_GLOBAL].refused, 2);
	assert_int_equal(ask(w, "acme", PREMIUM), 429);
	assert_int_equal(used(w, ALL_PREMIUM, SL_REQUEST_GLOBAL), 3);
	world_requests(w->maps, 0, ALL_PREMIUM)->flags = SL_MODE_OFF;
	w->now_ns += S_NS;
	assert_int_equal(ask(w, "acme", PREMIUM), 200);
}

static void the_answer_tells_the_tightest(void **state)
{
	struct sl_answer answer = { .status = 200 };
	struct world *w = *state;

	row(w, ACME_PREMIUM, "acme/premium");
	limit(w, ACME_PREMIUM, SL_REQUEST_GLOBAL, 3);
	assert_int_equal(ask(w, "acme", PREMIUM), 200);
	sl_exchange_fields(&w->exchange, &answer, take_field, w);
	assert_string_equal(w->policy_field, "\"policy/premium\";q=3;w=86400");
	assert_int_equal(w->exchange.quota.remaining, 2);
	limit(w, ACME_PREMIUM, SL_REQUEST_GLOBAL, 1000);
	assert_int_equal(ask(w, "acme", PREMIUM), 200);
	sl_exchange_fields(&w->exchange, &answer, take_field, w);
	assert_string_equal(w->policy_field, "\"routes_decide\";q=50;w=86400");
}

static void without_rows_nothing_is_looked_up(void **state)
{
	struct world *w = *state;

	assert_int_equal(ask(w, "acme", PREMIUM), 200);
	assert_false(sl_kernel_has_rows(w->gateway.kernel));
	assert_string_equal(w->exchange.policy, "");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_passes_every_level_or_is_charged_to_none),
		TEST(no_spelling_goes_round_it),
		TEST(shadow_counts_and_lets_the_others_judge),
		TEST(the_answer_tells_the_tightest),
		TEST(without_rows_nothing_is_looked_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
