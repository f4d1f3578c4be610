// SPDX-License-Identifier: Apache-2.0
#include "userspace/quota/lease.h"

#include "tests/harness/test.h"

#define R     1000000 /* mu/s */
#define MS_NS 1000000ull
#define START (1000000 * MS_NS)
#define SEED  7

/* A lease, the store's last word, and the time. */
struct world {
	struct sl_lease lease;
	struct sl_renew asked;
	struct sl_renewed answer;
	uint64_t id, now;
};

static int begin(void **state)
{
	static struct world world;
	struct sl_terms terms = sl_terms_of(1, R, R / 2);

	world = (struct world){ .now = START,
				.answer = { .status = SL_QUOTA_OK,
					    .lambda_ppm = SL_QUOTA_PPM,
					    .rate_mu_per_s = R,
					    .gen = 1,
					    .live = 4 } };
	sl_lease_begin(&world.lease, &terms, 4, SEED, world.now);
	*state = &world;
	return 0;
}

static void arrive(struct world *world, int64_t rate, int64_t admitted)
{
	world->now += 100 * MS_NS;
	sl_lease_observe(&world->lease, rate / 10, admitted / 10, world->now);
}

static bool ask(struct world *world)
{
	return sl_lease_ask(&world->lease, &world->asked, &world->id, world->now);
}

static bool answer(struct world *world, int64_t grant)
{
	world->answer.grant_mu_per_s = grant;
	world->answer.burst_mu = grant / 2;
	world->answer.seq++;
	return sl_lease_answer(&world->lease, world->id, &world->answer, world->now);
}

static struct sl_quota_state state_of(const struct world *world)
{
	struct sl_quota_state state;

	sl_lease_state(&world->lease, &state, world->now);
	return state;
}

/* Holds @grant, asked for by as much demand. */
static void hold(struct world *world, int64_t grant)
{
	arrive(world, grant, grant);
	(void)ask(world);
	assert_true(answer(world, grant));
	assert_int_equal(state_of(world).rate_mu_per_s, grant);
}

static bool is_due(const struct world *world)
{
	return sl_lease_due_ns(&world->lease, world->now) <= world->now;
}

/* What the next agent makes of what this one left, @later_ms from now. */
static void adopt(struct world *world, uint64_t later_ms)
{
	const struct sl_quota_state left = state_of(world);
	const struct sl_terms terms = world->lease.terms;

	world->now += later_ms * MS_NS;
	sl_lease_adopt(&world->lease, &terms, &left, 4, SEED, world->now);
}

static void an_adopted_lease_goes_on(void **state)
{
	struct world *world = *state;
	const uint64_t expiry = (hold(world, R / 2), state_of(world).expiry_ns);

	adopt(world, 2000);
	assert_int_equal(state_of(world).mode, SL_QUOTA_MODE_HELD);
	assert_int_equal(state_of(world).rate_mu_per_s, R / 2);
	assert_int_equal(state_of(world).expiry_ns, expiry);
	assert_true(is_due(world));
	assert_false(ask(world));
	assert_int_equal(world->asked.has_mu_per_s, R / 2);
	assert_int_equal(world->asked.ack, 0);
	assert_true(world->asked.want_mu_per_s >= R / 2);
	world->answer.seq = 7;
	assert_true(answer(world, R / 4));
	assert_int_equal(state_of(world).rate_mu_per_s, R / 4);
}

static void one_that_ended_meanwhile_is_on_its_way(void **state)
{
	struct world *world = *state;

	hold(world, R);
	adopt(world, 20000); /* it ended 15 s ago, and the safe share is a quarter */
	assert_int_equal(state_of(world).mode, SL_QUOTA_MODE_BLEND);
	assert_in_range(state_of(world).rate_mu_per_s, R / 8 * 5 - R / 1000, R / 8 * 5 + R / 1000);
	adopt(world, 1);
	assert_int_equal(state_of(world).mode, SL_QUOTA_MODE_SAFE);
	assert_int_equal(state_of(world).rate_mu_per_s, R / 4);
	adopt(world, 1);
	assert_int_equal(state_of(world).mode, SL_QUOTA_MODE_SAFE);
}

static void one_on_its_way_up_begins_it_anew(void **state)
{
	struct world *world = *state;
	int64_t rate;

	hold(world, R / 10);
	world->now = state_of(world).expiry_ns + 10000 * MS_NS;
	rate = state_of(world).rate_mu_per_s;
	assert_true(rate > R / 10 && rate < R / 4);
	adopt(world, 5000);
	assert_int_equal(state_of(world).mode, SL_QUOTA_MODE_BLEND);
	assert_int_equal(state_of(world).rate_mu_per_s, rate);
}

static void what_was_cold_or_fenced_is_adopted_as_cold(void **state)
{
	struct world *world = *state;

	adopt(world, 1);
	assert_int_equal(state_of(world).mode, SL_QUOTA_MODE_COLD);
	hold(world, R / 2);
	arrive(world, R, R);
	(void)ask(world);
	world->answer.status = SL_QUOTA_FENCED;
	assert_true(answer(world, R));
	adopt(world, 1);
	assert_int_equal(state_of(world).mode, SL_QUOTA_MODE_COLD);
}

static void nobody_adopts_more_than_the_limit(void **state)
{
	struct world *world = *state;

	hold(world, R);
	world->lease.terms.rate_mu_per_s = R / 2;
	adopt(world, 1);
	assert_int_equal(state_of(world).rate_mu_per_s, R / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_adopted_lease_goes_on, begin),
		cmocka_unit_test_setup(one_that_ended_meanwhile_is_on_its_way, begin),
		cmocka_unit_test_setup(one_on_its_way_up_begins_it_anew, begin),
		cmocka_unit_test_setup(what_was_cold_or_fenced_is_adopted_as_cold, begin),
		cmocka_unit_test_setup(nobody_adopts_more_than_the_limit, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
