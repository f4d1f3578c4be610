// SPDX-License-Identifier: Apache-2.0
/* Reservations of cost on maps of the test's own, with a clock that stands still. How usage
 * events settle them: tests/integration/test_request_limits.sh. */
#include "tests/unit/gateway/gateway_parts.h"
#include "tests/unit/gateway/kernel_world.h"
#include "tests/unit/gateway/still_loop.h"

#include "tests/harness/bus_loop.h"
#include "userspace/domain/gcra.h"

#define S_NS 1000000000ull
#define NOW  (1000 * S_NS)
#define DAY  (86400 * S_NS)

#define BODY(members)                                                                              \
	"{\"version\":\"1\",\"tenant_id\":\"acme\",\"request_id\":\"r1\"," members                 \
	"\"task\":{\"type\":\"chat\",\"payload\":{\"text\":\"long enough\"}}}"
#define PUSH "\"push_assignment\":true,"

struct world {
	struct sl_loop loop;
	uint64_t now_ns;
	struct sl_settings settings;
	struct sl_worker_counters counters;
	struct sl_kernel_maps *maps;
	struct sl_bus_loop bus_loop;
	struct sl_gateway gateway;
	struct sl_exchange exchange;
	int status; /* of the answer; 0: none */
	uint32_t retry_after_s;
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
}

static const struct sl_exchange_calls calls = { .answered = answered };

/* Ten units a day for acme; what says nothing is estimated at 1.5. */
static int begin(void **state)
{
	struct world *w = parts_zeroed(sizeof(*w));
	struct sl_requests *limits;

	w->now_ns = NOW;
	w->loop = (struct sl_loop){
		.context = w, .now_ns = now_of, .timer_set = no_timer, .timer_clear = no_clear
	};
	parts_gateway(&w->gateway, &w->loop, &w->settings, &w->counters, NULL);
	w->maps = world_maps(1);
	limits = world_requests(w->maps, 0, 1);
	limits->set = 1u << SL_REQUEST_COST;
	limits->cost_estimate_milli = 1500;
	limits->rule[SL_REQUEST_COST].limit = sl_gcra_limit(10, DAY);
	sl_kernel_use(w->gateway.kernel, w->maps);
	sl_bus_loop_open(&w->bus_loop);
	/* Nobody answers there: what is subscribed waits. */
	w->gateway.bus = sl_bus_loop_bus(
		&w->bus_loop, &(struct sl_bus_options){ .servers = "nats://127.0.0.1:1" });
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	sl_cost_free(w->gateway.cost);
	sl_kernel_free(w->gateway.kernel);
	sl_bus_free(w->gateway.bus);
	sl_bus_loop_close(&w->bus_loop);
	sl_json_out_free(&w->gateway.out);
	free(w);
	return 0;
}

static bool ask(struct world *w, const char *body)
{
	struct sl_decide_fault fault;

	w->exchange = (struct sl_exchange){ .gateway = &w->gateway, .calls = &calls, .context = w };
	w->status = 0;
	memcpy(w->exchange.who.tenant, "acme", 5);
	sl_route_find(&w->exchange.match, SL_METHOD_POST, SL_SPAN("/api/v1/routes/decide"));
	assert_int_equal(sl_decide_read(&w->exchange.decide, sl_span_of(body), &fault), 0);
	return sl_cost_admit(&w->exchange);
}

static struct sl_request_slot *slot_of(const struct world *w)
{
	return &w->maps->request_words[1].slot[SL_REQUEST_COST];
}

/* In thousandths of a unit. */
static uint64_t used(const struct world *w)
{
	uint64_t tat_ns = slot_of(w)->word.tat_ns;

	return tat_ns ? (tat_ns - NOW) * 1000 / (DAY / 10) : 0;
}

static void what_is_reserved_is_what_is_stated(void **state)
{
	static const struct {
		const char *body;
		uint64_t milli;
	} cases[] = {
		{ BODY(), 0 }, /* no work, no cost */
		{ BODY(PUSH), 1500 },
		{ BODY(PUSH "\"constraints\":{\"max_cost\":2},"), 2000 },
		{ BODY(PUSH "\"options\":{\"max_cost\":0.25},"), 250 },
		{ BODY(PUSH "\"constraints\":{\"max_cost\":2},\"options\":{\"max_cost\":1},"),
		  1000 },
		{ BODY(PUSH "\"options\":{\"max_cost\":\"much\"},"), 1500 },
		{ BODY(PUSH "\"options\":{\"max_cost\":-4},"), 1500 },
		{ BODY(PUSH "\"options\":{\"max_cost\":1e300},"), 5000 }, /* half a bucket */
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		slot_of(w)->word.tat_ns = 0;
		assert_true(ask(w, cases[i].body));
		assert_int_equal(used(w), cases[i].milli);
	}
}

static void over_the_limit_is_429_and_counted(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 6; i++)
		assert_true(ask(w, BODY(PUSH)));
	assert_false(ask(w, BODY(PUSH)));
	assert_int_equal(w->status, 429);
	assert_int_equal(w->retry_after_s, 8640 / 2); /* half a unit is missing */
	assert_int_equal(used(w), 9000);
	assert_int_equal(slot_of(w)->refused, 1500);
	assert_int_equal(w->counters.counts[SL_COUNT_COST_REFUSED], 1);
	assert_int_equal(w->counters.counts[SL_COUNT_COST_RESERVED], 6);
	/* Shadow only counts, off does not even that. */
	world_requests(w->maps, 0, 1)->flags = SL_MODE_SHADOW;
	w->now_ns += S_NS;
	assert_true(ask(w, BODY(PUSH)));
	assert_int_equal(w->counters.counts[SL_COUNT_SHADOW_REFUSED], 1);
	world_requests(w->maps, 0, 1)->flags = SL_MODE_OFF;
	w->now_ns += S_NS;
	assert_true(ask(w, BODY(PUSH)));
	assert_int_equal(w->counters.counts[SL_COUNT_COST_REFUSED], 2);
}

static void what_came_to_nothing_is_given_back_once(void **state)
{
	struct world *w = *state;

	assert_true(ask(w, BODY(PUSH)));
	sl_cost_return(&w->exchange);
	assert_int_equal(used(w), 0);
	sl_cost_return(&w->exchange);
	assert_int_equal(used(w), 0);
	assert_int_equal(w->counters.counts[SL_COUNT_COST_RETURNED], 1);
	assert_int_equal(slot_of(w)->admitted, 0);
	assert_true(ask(w, BODY()));
	sl_cost_return(&w->exchange);
	assert_int_equal(w->counters.counts[SL_COUNT_COST_RETURNED], 1);
}

static void what_nothing_is_heard_of_stays_at_its_estimate(void **state)
{
	struct world *w = *state;

	assert_true(ask(w, BODY(PUSH)));
	w->now_ns += 300 * S_NS;
	sl_cost_tick(&w->gateway, w->now_ns);
	assert_int_equal(w->counters.counts[SL_COUNT_COST_EXPIRED], 0);
	w->now_ns++;
	sl_cost_tick(&w->gateway, w->now_ns);
	assert_int_equal(w->counters.counts[SL_COUNT_COST_EXPIRED], 1);
	assert_int_equal(used(w), 1500);
	assert_int_equal(slot_of(w)->admitted, 1500);
	sl_cost_return(&w->exchange); /* too late */
	assert_int_equal(used(w), 1500);
}

static void of_another_owner_nothing_is_settled(void **state)
{
	struct world *w = *state;

	assert_true(ask(w, BODY(PUSH)));
	world_name(w->maps, 1, "acme"); /* gone, and come again */
	w->now_ns += S_NS;
	sl_cost_return(&w->exchange);
	assert_int_equal(slot_of(w)->word.tat_ns, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_reserved_is_what_is_stated),
		TEST(over_the_limit_is_429_and_counted),
		TEST(what_came_to_nothing_is_given_back_once),
		TEST(what_nothing_is_heard_of_stays_at_its_estimate),
		TEST(of_another_owner_nothing_is_settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
