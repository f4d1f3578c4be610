// SPDX-License-Identifier: Apache-2.0
/* Binding, limits and escalation on maps of the test's own. Parsing and the agent's socket:
 * test_kernel_maps.c, test_kernel_link.c. */
#include "tests/unit/gateway/kernel_world.h"
#include "tests/unit/gateway/still_loop.h"

#include "userspace/gateway/kernel.h"
#include "userspace/gateway/kernel_requests.h"
#include "userspace/gateway/settings.h"
#include "userspace/gateway/shared.h"

#define S_NS 1000000000ull

struct world {
	struct sl_loop loop;
	uint64_t now_ns;
	struct sl_settings settings;
	struct sl_worker_counters counters;
	struct sl_kernel *kernel;
	struct sl_kernel_maps *maps;
};

static uint64_t now_of(struct sl_loop *loop)
{
	return ((struct world *)loop->context)->now_ns;
}

static int begin(void **state)
{
	struct world *w = aligned_alloc(64, (sizeof(*w) + 63) / 64 * 64);

	assert_non_null(w);
	memset(w, 0, sizeof(*w));
	w->now_ns = 1000 * S_NS;
	w->loop = (struct sl_loop){
		.context = w, .now_ns = now_of, .timer_set = no_timer, .timer_clear = no_clear
	};
	w->settings.agent.flows_max = 100;
	w->settings.agent.tenant_flows_max = 3;
	w->settings.escalation.after = 2;
	w->settings.escalation.tenant_after = 4;
	w->settings.escalation.within_ns = S_NS;
	w->settings.escalation.longest_ns = 60 * S_NS;
	assert_int_equal(sl_kernel_new(&w->kernel,
				       &(struct sl_kernel_options){
					       .loop = &w->loop,
					       .settings = &w->settings,
					       .counters = &w->counters,
				       }),
			 0);
	w->maps = world_maps(1);
	sl_kernel_use(w->kernel, w->maps);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	sl_kernel_free(w->kernel);
	free(w);
	return 0;
}

static struct sl_kernel_connection connection(uint16_t port, uint8_t family)
{
	struct sl_kernel_connection made = { .flow = { .remote = { .family = family },
						       .local = { .family = family },
						       .remote_port = port,
						       .local_port = 80,
						       .protocol = 6 } };

	made.flow.remote.bytes[0] = 10;
	return made;
}

static void bind_as(const struct world *w, struct sl_kernel_connection *c, const char *tenant)
{
	sl_kernel_bind(w->kernel, c, sl_span_of(tenant));
}

/* The tenant in the kernel's map; -1: not bound. */
static int bound(const struct world *w, const struct sl_kernel_connection *c)
{
	const struct sl_flow_table *table =
		c->flow.local.family == 4 ? &w->maps->flows4 : &w->maps->flows6;
	struct sl_flow_spec flow;
	uint64_t place = 0;

	while (sl_flow_table_next(&flow, table, &place))
		if (flow.remote_port == c->flow.remote_port)
			return (int)flow.tenant;
	return -1;
}

static void a_connection_is_bound_until_it_ends(void **state)
{
	struct world *w = *state;

	for (uint8_t family = 4; family <= 6; family += 2) {
		struct sl_kernel_connection c = connection(1000, family);

		bind_as(w, &c, "acme");
		assert_int_equal(bound(w, &c), 1);
		bind_as(w, &c, "acme");
		sl_kernel_tick(w->kernel);
		assert_int_equal(w->counters.gauges[SL_GAUGE_FLOWS], 1);
		sl_kernel_forget(&c);
		assert_int_equal(bound(w, &c), -1);
		sl_kernel_forget(&c);
	}
	assert_int_equal(w->counters.counts[SL_COUNT_FLOW_BOUND], 2);
}

static void another_tenant_takes_the_connection_over(void **state)
{
	struct world *w = *state;
	struct sl_kernel_connection c = connection(1000, 4);

	bind_as(w, &c, "acme");
	bind_as(w, &c, "beta");
	assert_int_equal(bound(w, &c), 2);
	bind_as(w, &c, "nobody");
	assert_int_equal(bound(w, &c), -1);
	assert_int_equal(w->counters.counts[SL_COUNT_FLOW_NO_TENANT], 1);
	bind_as(w, &c, "nobody"); /* asked again a second later only */
	assert_int_equal(w->counters.counts[SL_COUNT_FLOW_NO_TENANT], 1);
	w->now_ns += 2 * S_NS;
	bind_as(w, &c, "acme");
	assert_int_equal(bound(w, &c), 1);
	sl_kernel_forget(&c);
}

static void what_cannot_be_bound_is_left_alone(void **state)
{
	struct world *w = *state;
	struct sl_kernel_connection c = { 0 }; /* not TCP */

	bind_as(w, &c, "acme");
	sl_kernel_bind(w->kernel, NULL, SL_SPAN("acme"));
	sl_kernel_bind(NULL, &c, SL_SPAN("acme"));
	sl_kernel_forget(&c);
	assert_int_equal(sl_flow_table_used(&w->maps->flows4), 0);
}

static void limits_of_a_tenant_and_of_the_worker(void **state)
{
	struct world *w = *state;
	struct sl_kernel_connection c[5], other = connection(2000, 4);

	for (uint16_t i = 0; i < 5; i++) {
		c[i] = connection((uint16_t)(1000 + i), 4);
		bind_as(w, &c[i], "acme");
	}
	assert_int_equal(bound(w, &c[2]), 1);
	assert_int_equal(bound(w, &c[3]), -1);
	assert_int_equal(w->counters.counts[SL_COUNT_FLOW_LIMIT], 2);
	bind_as(w, &other, "beta");
	assert_int_equal(bound(w, &other), 2);
	sl_kernel_forget(&c[0]);
	w->now_ns += 2 * S_NS;
	bind_as(w, &c[3], "acme");
	assert_int_equal(bound(w, &c[3]), 1);
	w->settings.agent.flows_max = 4;
	bind_as(w, &c[4], "beta");
	assert_int_equal(bound(w, &c[4]), -1);
	assert_int_equal(w->counters.counts[SL_COUNT_FLOW_LIMIT], 3);
	sl_kernel_free(w->kernel); /* all that is bound is unbound */
	w->kernel = NULL;
	sl_kernel_forget(&other);
}

static void an_id_of_another_tenant_drops_the_connections(void **state)
{
	struct world *w = *state;
	struct sl_kernel_connection c = connection(1000, 4), d = connection(1001, 4);

	bind_as(w, &c, "acme");
	bind_as(w, &d, "beta");
	world_name(w->maps, 1, "gamma");
	sl_kernel_tick(w->kernel);
	assert_int_equal(bound(w, &c), -1);
	assert_int_equal(bound(w, &d), 2);
	bind_as(w, &c, "gamma");
	assert_int_equal(bound(w, &c), 1);
	sl_kernel_forget(&c);
	sl_kernel_forget(&d);
}

static void other_maps_get_what_is_bound(void **state)
{
	struct world *w = *state;
	struct sl_kernel_connection c = connection(1000, 4), d = connection(1001, 4);
	struct sl_kernel_maps *maps = world_maps(100);

	bind_as(w, &c, "acme");
	bind_as(w, &d, "beta");
	sl_kernel_use(w->kernel, world_maps(1)); /* the same ones again: nothing changes */
	assert_int_equal(bound(w, &c), 1);
	world_name(maps, 2, "beta2"); /* another generation */
	w->maps = maps;
	sl_kernel_use(w->kernel, maps);
	assert_int_equal(bound(w, &c), 1);
	assert_int_equal(bound(w, &d), -1);
	sl_kernel_forget(&c);
	sl_kernel_forget(&d);
	assert_int_equal(bound(w, &c), -1);
}

/* ---- limits of requests --------------------------------------------------------------------- */

static void limits_are_of_the_tenants_name(void **state)
{
	struct world *w = *state;
	struct sl_kernel_limits limits;

	world_requests(w->maps, 0, 2)->cost_estimate_milli = 22;
	assert_true(sl_kernel_limits(&limits, w->kernel, SL_SPAN("beta")));
	assert_int_equal(limits.limits.cost_estimate_milli, 22);
	assert_ptr_equal(limits.words, &w->maps->request_words[2]);
	assert_false(sl_kernel_limits(&limits, w->kernel, SL_SPAN("nobody")));
	assert_false(sl_kernel_limits(&limits, NULL, SL_SPAN("beta")));
	/* The id becomes another's: its words are not the former owner's. */
	w->maps->request_words[2].slot[0].word.tat_ns = 4711;
	world_name(w->maps, 2, "gamma");
	w->now_ns += S_NS;
	assert_false(sl_kernel_limits(&limits, w->kernel, SL_SPAN("beta")));
	assert_true(sl_kernel_limits(&limits, w->kernel, SL_SPAN("gamma")));
	assert_int_equal(limits.words->slot[0].word.tat_ns, 0);
}

static void other_maps_bring_other_limits(void **state)
{
	struct world *w = *state;
	struct sl_kernel_maps *maps = world_maps(100);
	struct sl_kernel_limits limits;

	assert_true(sl_kernel_limits(&limits, w->kernel, SL_SPAN("acme")));
	world_requests(maps, 0, 1)->cost_estimate_milli = 33;
	sl_kernel_use(w->kernel, maps);
	w->maps = maps;
	assert_true(sl_kernel_limits(&limits, w->kernel, SL_SPAN("acme")));
	assert_int_equal(limits.limits.cost_estimate_milli, 33);
	assert_ptr_equal(limits.words, &maps->request_words[1]);
}

/* ---- escalation --------------------------------------------------------------------------- */

static void refused(const struct world *w, struct sl_kernel_connection *c,
		    struct sl_request_word *word, uint64_t wait_ns, bool shadow)
{
	sl_kernel_refused(w->kernel, c,
			  &(struct sl_kernel_refusal){ .tenant_word = word,
						       .tenant = "acme",
						       .wait_ns = wait_ns,
						       .shadow = shadow });
}

static uint64_t until(const struct world *w)
{
	return w->maps->buckets[1].ingress.refusals_until_ns;
}

static void who_keeps_asking_is_refused_in_the_kernel(void **state)
{
	struct world *w = *state;
	struct sl_kernel_connection c = connection(1000, 4);

	bind_as(w, &c, "acme");
	refused(w, &c, NULL, 5 * S_NS, false);
	refused(w, &c, NULL, 5 * S_NS, false);
	assert_int_equal(until(w), 0);
	refused(w, &c, NULL, 5 * S_NS, false);
	assert_int_equal(until(w), w->now_ns + 5 * S_NS);
	assert_int_equal(w->counters.counts[SL_COUNT_ESCALATED_CONNECTION], 1);
	refused(w, &c, NULL, UINT64_MAX, false);
	assert_int_equal(until(w), w->now_ns + 60 * S_NS);
	sl_kernel_forget(&c);
}

static void who_asks_now_and_then_is_not(void **state)
{
	struct world *w = *state;
	struct sl_kernel_connection c = connection(1000, 4);

	bind_as(w, &c, "acme");
	for (int i = 0; i < 20; i++) {
		refused(w, &c, NULL, 5 * S_NS, false);
		w->now_ns += S_NS / 2;
	}
	assert_int_equal(until(w), 0);
	sl_kernel_forget(&c);
}

static void a_tenant_is_counted_over_its_connections(void **state)
{
	struct world *w = *state;
	struct sl_kernel_connection c[3];
	struct sl_request_word word = { 0 };

	for (uint16_t i = 0; i < 3; i++) {
		c[i] = connection((uint16_t)(1000 + i), 4);
		bind_as(w, &c[i], "acme");
	}
	for (int i = 0; i < 4; i++)
		refused(w, &c[i % 3], &word, 2 * S_NS, false);
	assert_int_equal(until(w), 0);
	refused(w, &c[1], &word, 2 * S_NS, false);
	assert_int_equal(w->counters.counts[SL_COUNT_ESCALATED_TENANT], 1);
	assert_int_equal(w->counters.counts[SL_COUNT_ESCALATED_CONNECTION], 0);
	assert_int_equal(until(w), w->now_ns + 2 * S_NS);
	for (int i = 0; i < 3; i++)
		sl_kernel_forget(&c[i]);
}

static void shadow_and_off_write_nothing(void **state)
{
	struct world *w = *state;
	struct sl_kernel_connection c = connection(1000, 4), unbound = connection(1001, 4);

	bind_as(w, &c, "acme");
	for (int i = 0; i < 5; i++)
		refused(w, &c, NULL, 5 * S_NS, true);
	assert_int_equal(w->counters.counts[SL_COUNT_ESCALATED_SHADOW], 3);
	for (int i = 0; i < 5; i++)
		refused(w, &unbound, NULL, 5 * S_NS, false);
	w->settings.escalation.after = 0;
	for (int i = 0; i < 5; i++)
		refused(w, &c, NULL, 5 * S_NS, false);
	assert_int_equal(until(w), 0);
	assert_int_equal(w->counters.counts[SL_COUNT_ESCALATED_CONNECTION], 0);
	sl_kernel_forget(&c);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_connection_is_bound_until_it_ends),
		TEST(another_tenant_takes_the_connection_over),
		TEST(what_cannot_be_bound_is_left_alone),
		TEST(limits_of_a_tenant_and_of_the_worker),
		TEST(an_id_of_another_tenant_drops_the_connections),
		TEST(other_maps_get_what_is_bound),
		TEST(limits_are_of_the_tenants_name),
		TEST(other_maps_bring_other_limits),
		TEST(who_keeps_asking_is_refused_in_the_kernel),
		TEST(who_asks_now_and_then_is_not),
		TEST(a_tenant_is_counted_over_its_connections),
		TEST(shadow_and_off_write_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
