// SPDX-License-Identifier: Apache-2.0
/* Requests whose limits Redis should count, when it cannot be asked: this node's count, or
 * 503; and what is charged then. */
#include "tests/harness/test.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/gateway/gateway_parts.h"
#include "tests/unit/gateway/still_loop.h"

#define S_NS 1000000000ull
#define NOW  (1000 * S_NS)

struct world {
	struct sl_loop loop;
	uint64_t now_ns;
	struct sl_settings settings;
	struct sl_shared *shared;
	struct sl_worker_counters counters;
	struct sl_gateway gateway;
	struct sl_exchange exchange;
	int status; /* of the answer; 0: none */
	uint32_t retry_after_s;
	char body[512];
};

static uint64_t now_of(struct sl_loop *loop)
{
	return ((struct world *)loop->context)->now_ns;
}

static void answered(struct sl_exchange *exchange, const struct sl_answer *answer)
{
	struct world *w = exchange->context;

	w->status = answer->status;
	w->retry_after_s = answer->retry_after_s;
	assert_true(answer->body.length < sizeof(w->body));
	memcpy(w->body, answer->body.at, answer->body.length);
	w->body[answer->body.length] = '\0';
}

static const struct sl_exchange_calls calls = { .answered = answered };

static int begin(void **state)
{
	struct world *w = parts_zeroed(sizeof(*w));

	w->now_ns = NOW;
	w->settings.limits.plan.requests[SL_CLASS_ROUTES_DECIDE] = 3;
	w->settings.limits.plan.requests[SL_CLASS_GLOBAL] = 4;
	w->settings.distributed.redis.tls = true; /* the client refuses it: nobody is asked */
	w->settings.distributed.fallback_to_local = true;
	w->loop = (struct sl_loop){
		.context = w, .now_ns = now_of, .timer_set = no_timer, .timer_clear = no_clear
	};
	w->shared = parts_shared(&w->settings, 60 * S_NS);
	parts_gateway(&w->gateway, &w->loop, &w->settings, &w->counters, w->shared);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	sl_window_free(w->gateway.window);
	sl_kernel_free(w->gateway.kernel);
	sl_json_out_free(&w->gateway.out);
	free(w->shared);
	free(w);
	return 0;
}

static void count_in(struct world *w, enum sl_window_mode mode)
{
	sl_window_free(w->gateway.window);
	w->settings.distributed.in_force = mode;
	assert_int_equal(sl_window_new(&w->gateway.window,
				       &(struct sl_window_options){ .loop = &w->loop,
								    .settings = &w->settings,
								    .counters = &w->counters }),
			 0);
}

/* The status a request comes to, 200 when it would go on. */
static int ask(struct world *w, const char *path)
{
	w->exchange = (struct sl_exchange){ .gateway = &w->gateway, .calls = &calls, .context = w };
	w->exchange.who.plan = &w->settings.limits.plan;
	w->exchange.started_ns = w->now_ns;
	w->status = 0;
	memcpy(w->exchange.who.tenant, "acme", sizeof("acme"));
	sl_route_find(&w->exchange.match, SL_METHOD_GET, sl_span_of(path));
	return sl_admit(&w->exchange) == SL_ADMITTED ? 200 : w->status;
}

#define DECIDE	 "/api/v1/routes/decide/1"
#define MESSAGES "/api/v1/messages"

static uint64_t count(const struct world *w, int which)
{
	return w->counters.counts[which];
}

static void many(struct world *w, int times, int status)
{
	for (int i = 0; i < times; i++)
		assert_int_equal(ask(w, DECIDE), status);
}

static void without_redis_nothing_is_asked(void **state)
{
	struct world *w = *state;

	count_in(w, SL_WINDOW_LOCAL);
	assert_null(w->gateway.window);
	many(w, 3, 200);
	many(w, 2, 429);
	assert_int_equal(w->exchange.window.count, 0);
	for (int i = 0; i < SL_WINDOW_OUTCOMES; i++)
		assert_int_equal(count(w, SL_COUNT_WINDOW + i), 0);
}

static void this_node_counts_instead(void **state)
{
	struct world *w = *state;

	count_in(w, SL_WINDOW_REDIS);
	many(w, 3, 200);
	assert_int_equal(w->exchange.quota.limit, 3);
	assert_int_equal(w->exchange.quota.remaining, 0);
	many(w, 2, 429);
	assert_non_null(strstr(w->body, "\"limit\":3,"));
	/* Each was charged once: the limit of all classes has one left. */
	assert_int_equal(ask(w, MESSAGES), 200);
	assert_int_equal(ask(w, MESSAGES), 429);
	assert_int_equal(count(w, SL_COUNT_WINDOW + SL_WINDOW_ERROR), 7);
	assert_int_equal(count(w, SL_COUNT_WINDOW_HERE), 7);
	assert_int_equal(count(w, SL_COUNT_ALLOWED), 4);
	assert_int_equal(count(w, SL_COUNT_LEVEL + SL_LEVEL_ENDPOINT), 2);
	assert_int_equal(count(w, SL_COUNT_LEVEL + SL_LEVEL_TENANT), 1);
}

static void or_nobody_passes_and_nothing_is_charged(void **state)
{
	static const enum sl_window_mode modes[] = { SL_WINDOW_REDIS, SL_WINDOW_HYBRID };
	struct world *w = *state;

	w->settings.distributed.fallback_to_local = false;
	for (size_t i = 0; i < 2; i++) {
		count_in(w, modes[i]);
		many(w, 9, 503);
		assert_non_null(strstr(w->body, "\"code\":\"unavailable\""));
		assert_int_equal(w->retry_after_s, 1);
	}
	assert_int_equal(count(w, SL_COUNT_WINDOW_UNAVAILABLE), 18);
	assert_int_equal(count(w, SL_COUNT_ALLOWED), 0);
	count_in(w, SL_WINDOW_LOCAL);
	many(w, 3, 200);
}

static void hybrid_refuses_here_before_it_asks(void **state)
{
	struct world *w = *state;

	count_in(w, SL_WINDOW_HYBRID);
	many(w, 3, 200);
	assert_int_equal(count(w, SL_COUNT_WINDOW + SL_WINDOW_ERROR), 3);
	many(w, 5, 429);
	assert_int_equal(count(w, SL_COUNT_WINDOW + SL_WINDOW_ERROR), 3);
	assert_int_equal(count(w, SL_COUNT_WINDOW_HERE), 3);
	assert_int_equal(ask(w, MESSAGES), 200);
	assert_int_equal(ask(w, MESSAGES), 429);
	assert_int_equal(count(w, SL_COUNT_ALLOWED), 4);
}

static void shadow_passes_and_says_so(void **state)
{
	struct world *w = *state;

	w->settings.limits.shadow = true;
	w->settings.distributed.fallback_to_local = false;
	count_in(w, SL_WINDOW_REDIS);
	many(w, 5, 200);
	assert_int_equal(count(w, SL_COUNT_SHADOW_REFUSED), 5);
	assert_int_equal(count(w, SL_COUNT_ALLOWED), 0);
}

static void unlimited_classes_are_not_asked_for(void **state)
{
	struct world *w = *state;

	w->settings.limits.plan.requests[SL_CLASS_ROUTES_DECIDE] = 0;
	count_in(w, SL_WINDOW_REDIS);
	assert_int_equal(ask(w, DECIDE), 200);
	assert_int_equal(w->exchange.window.count, 1);
	assert_int_equal(w->exchange.window.levels[0].rate_class, SL_CLASS_GLOBAL);
	assert_int_equal(w->exchange.window.levels[0].limit, 4);
	w->settings.limits.plan.requests[SL_CLASS_GLOBAL] = 0;
	assert_int_equal(ask(w, DECIDE), 200);
	assert_int_equal(w->exchange.window.count, 0);
	assert_int_equal(count(w, SL_COUNT_WINDOW + SL_WINDOW_ERROR), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(without_redis_nothing_is_asked, begin, end),
		cmocka_unit_test_setup_teardown(this_node_counts_instead, begin, end),
		cmocka_unit_test_setup_teardown(or_nobody_passes_and_nothing_is_charged, begin,
						end),
		cmocka_unit_test_setup_teardown(hybrid_refuses_here_before_it_asks, begin, end),
		cmocka_unit_test_setup_teardown(shadow_passes_and_says_so, begin, end),
		cmocka_unit_test_setup_teardown(unlimited_classes_are_not_asked_for, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
