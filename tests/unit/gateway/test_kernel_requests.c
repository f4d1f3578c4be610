// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/gateway/kernel_world.h"

#include "userspace/gateway/kernel_requests.h"

#define S_NS 1000000000ull
#define ACME 1u

struct world {
	struct sl_kernel_maps *maps;
	struct sl_kernel_requests requests;
	struct sl_kernel_limits got;
	uint64_t now_ns;
};

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->maps = world_maps(1);
	w->now_ns = 1000 * S_NS;
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	sl_kernel_requests_clear(&w->requests);
	sl_kernel_maps_free(w->maps);
	free(w);
	return 0;
}

static int get(struct world *w, uint32_t tenant, uint32_t gen)
{
	return sl_kernel_requests_get(&w->got, &w->requests, w->maps, tenant, gen, w->now_ns);
}

static void the_live_half_is_read(void **state)
{
	struct world *w = *state;

	world_requests(w->maps, 0, ACME)->cost_estimate_milli = 10;
	world_requests(w->maps, 1, ACME)->cost_estimate_milli = 11;
	world_requests(w->maps, 1, ACME)->gen = 1;
	assert_int_equal(get(w, ACME, 1), 0);
	assert_int_equal(w->got.limits.cost_estimate_milli, 10);
	assert_ptr_equal(w->got.words, &w->maps->request_words[ACME]);
	assert_int_equal(w->got.words->gen, 1);
	world_ctl(w->maps)->epoch++;
	world_ctl(w->maps)->mode = SL_MODE_SHADOW;
	w->now_ns += SL_KERNEL_REQUESTS_NS;
	assert_int_equal(get(w, ACME, 1), 0);
	assert_int_equal(w->got.limits.cost_estimate_milli, 11);
	assert_int_equal(w->got.node, SL_MODE_SHADOW);
}

static void what_was_read_serves_for_a_moment(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, ACME, 1), 0);
	world_requests(w->maps, 0, ACME)->cost_estimate_milli = 10;
	w->now_ns += SL_KERNEL_REQUESTS_NS - 1;
	assert_int_equal(get(w, ACME, 1), 0);
	assert_int_equal(w->got.limits.cost_estimate_milli, 0);
	w->now_ns++;
	assert_int_equal(get(w, ACME, 1), 0);
	assert_int_equal(w->got.limits.cost_estimate_milli, 10);
}

static void an_id_that_is_anothers_by_now_is_refused(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, ACME, 1), 0);
	world_requests(w->maps, 0, ACME)->gen = 2;
	w->now_ns += SL_KERNEL_REQUESTS_NS;
	assert_int_equal(get(w, ACME, 1), -ESTALE);
	assert_int_equal(get(w, ACME, 2), 0);
	/* Another gateway has seen a later owner. */
	w->maps->request_words[ACME].gen = 3;
	assert_int_equal(get(w, ACME, 2), -ESTALE);
}

static void an_agent_without_such_maps_has_no_limits(void **state)
{
	struct world *w = *state;

	w->maps->request_words = NULL;
	assert_int_equal(get(w, ACME, 1), -ENOENT);
	assert_int_equal(get(w, TENANTS, 1), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_live_half_is_read, begin, end),
		cmocka_unit_test_setup_teardown(what_was_read_serves_for_a_moment, begin, end),
		cmocka_unit_test_setup_teardown(an_id_that_is_anothers_by_now_is_refused, begin,
						end),
		cmocka_unit_test_setup_teardown(an_agent_without_such_maps_has_no_limits, begin,
						end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
