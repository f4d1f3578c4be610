// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/quota/lease_world.h"

/* What the next agent makes of what this one left, @later_ms from now. */
static void adopt(struct world *world, uint64_t later_ms)
{
	const struct sl_quota_state left = state_of(world);
	const struct sl_terms terms = world->lease.terms;

	world->now += later_ms * MS_NS;
	sl_lease_begin(&world->lease, &terms, 4, SEED, world->now);
	sl_lease_adopt(&world->lease, &left, 4, world->now);
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
	assert_int_equal(world->asked.safe_mu_per_s, R / 4);
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
	/* a step ahead: it is 16 s of 30 */
	assert_in_range(state_of(world).rate_mu_per_s, R / 5 * 3 - R / 1000, R / 5 * 3 + R / 1000);
	adopt(world, 1);
	assert_int_equal(state_of(world).mode, SL_QUOTA_MODE_SAFE);
	assert_int_equal(state_of(world).rate_mu_per_s, R / 4);
	adopt(world, 1);
	assert_int_equal(state_of(world).mode, SL_QUOTA_MODE_SAFE);
}

static void one_on_its_way_up_stays_where_it_is(void **state)
{
	struct world *world = *state;
	int64_t rate;

	hold(world, R / 10);
	world->now = state_of(world).expiry_ns + 20000 * MS_NS;
	rate = state_of(world).rate_mu_per_s;
	assert_true(rate > R / 10 && rate < R / 4);
	adopt(world, 5000);
	assert_int_equal(state_of(world).rate_mu_per_s, rate);
	world->now += 60000 * MS_NS;
	assert_int_equal(state_of(world).rate_mu_per_s, rate);
}

static void one_on_its_way_down_is_there(void **state)
{
	struct world *world = *state;

	hold(world, R);
	world->now = state_of(world).expiry_ns + 10000 * MS_NS;
	assert_int_equal(state_of(world).mode, SL_QUOTA_MODE_BLEND);
	adopt(world, 1);
	assert_int_equal(state_of(world).mode, SL_QUOTA_MODE_SAFE);
	assert_int_equal(state_of(world).rate_mu_per_s, R / 4);
}

/* As of connections, whose safe rate the maps do not hold. */
static void an_unknown_safe_share_is_the_cold_rate_until_it_is_issued(void **state)
{
	struct world *world = *state;
	struct sl_quota_state left;
	const struct sl_terms terms = world->lease.terms;

	hold(world, R / 2);
	left = state_of(world);
	left.safe_rate_mu_per_s = 0;
	sl_lease_begin(&world->lease, &terms, 4, SEED, world->now);
	sl_lease_adopt(&world->lease, &left, 4, world->now);
	assert_int_equal(state_of(world).rate_mu_per_s, R / 2);
	assert_int_equal(state_of(world).safe_rate_mu_per_s, R / 100 / 4);
	assert_false(ask(world));
	assert_int_equal(world->asked.safe_mu_per_s, 0);
	(void)answer(world, R / 2);
	assert_int_equal(state_of(world).safe_rate_mu_per_s, R / 4);
}

static void a_safe_share_over_what_is_left_is_not_adopted(void **state)
{
	struct world *world = *state;
	struct sl_quota_state left;

	hold(world, R / 10);
	left = state_of(world);
	left.safe_rate_mu_per_s = R;
	sl_lease_adopt(&world->lease, &left, 4, world->now);
	assert_int_equal(world->lease.safe_mu_per_s, R / 10);
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
		cmocka_unit_test_setup(one_on_its_way_up_stays_where_it_is, begin),
		cmocka_unit_test_setup(one_on_its_way_down_is_there, begin),
		cmocka_unit_test_setup(an_unknown_safe_share_is_the_cold_rate_until_it_is_issued,
				       begin),
		cmocka_unit_test_setup(a_safe_share_over_what_is_left_is_not_adopted, begin),
		cmocka_unit_test_setup(what_was_cold_or_fenced_is_adopted_as_cold, begin),
		cmocka_unit_test_setup(nobody_adopts_more_than_the_limit, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
