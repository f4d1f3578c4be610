// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/quota/lease_world.h"

static void a_cold_node_has_one_cost_and_a_hundredth(void **state)
{
	struct world *world = *state;
	struct sl_quota_state now = state_of(world);

	assert_int_equal(now.mode, SL_QUOTA_MODE_COLD);
	assert_int_equal(now.rate_mu_per_s, R / 100 / 4);
	assert_int_equal(now.cap_mu, world->lease.terms.cost_max_mu);
	assert_false(is_due(world));
	arrive(world, R, 0);
	assert_true(is_due(world));
	(void)ask(world);
	assert_int_equal(world->asked.has_mu_per_s, 0);
	assert_int_equal(world->asked.ack, 0);
	assert_int_equal(world->asked.want_mu_per_s, R / 10 * 11);
	assert_false(is_due(world));
}

static void a_grant_is_applied_with_its_burst_and_end(void **state)
{
	struct world *world = *state;
	struct sl_quota_state now;
	uint64_t sent;

	arrive(world, R / 2, 0);
	(void)ask(world);
	sent = world->now;
	world->now += 40 * MS_NS;
	assert_true(answer(world, R / 2));
	now = state_of(world);
	assert_int_equal(now.mode, SL_QUOTA_MODE_HELD);
	assert_int_equal(now.rate_mu_per_s, R / 2);
	assert_int_equal(now.cap_mu, R / 4);
	assert_int_equal(now.expiry_ns, sent + 5000 * MS_NS - MS_NS);
	assert_int_equal(now.fallback, SL_FALLBACK_SAFE);
	assert_int_equal(now.safe_rate_mu_per_s, R / 4);
}

static void less_is_released_before_it_is_reported(void **state)
{
	struct world *world = *state;

	world->answer.flags = SL_RENEWED_CONTENDED;
	hold(world, R);
	for (int i = 0; i < 10; i++)
		arrive(world, R / 10, R / 10);
	assert_true(ask(world));
	assert_true(world->asked.has_mu_per_s < R / 2);
	assert_int_equal(state_of(world).rate_mu_per_s, world->asked.has_mu_per_s);
	assert_int_equal(world->asked.ack, 1);
	assert_true(state_of(world).cap_mu < R / 4);
}

/* What came since the last look is not counted yet: the time since then is not, either. */
static void between_two_looks_demand_is_what_it_was(void **state)
{
	struct world *world = *state;

	hold(world, R / 2);
	world->now += 90 * MS_NS;
	(void)ask(world);
	assert_int_equal(world->asked.want_mu_per_s, R / 2 / 10 * 11);
	assert_int_equal(world->asked.used_mu_per_s, R / 2);
	(void)answer(world, R / 2);
	world->now += 10 * MS_NS - 100 * MS_NS; /* arrive() is a look 100 ms later */
	arrive(world, R / 2, R / 2);
	world->now += 90 * MS_NS;
	(void)ask(world);
	assert_int_equal(world->asked.want_mu_per_s, R / 2 / 10 * 11);
	assert_int_equal(world->asked.used_mu_per_s, R / 2);
}

static void about_the_same_is_not_released(void **state)
{
	struct world *world = *state;

	hold(world, R / 2);
	for (int i = 0; i < 10; i++)
		arrive(world, R / 2 / 100 * 97, R / 2 / 100 * 97);
	assert_false(ask(world));
	assert_int_equal(world->asked.has_mu_per_s, R / 2);
}

static void only_the_answer_to_the_last_question_counts(void **state)
{
	struct world *world = *state;
	struct sl_renewed late;
	uint64_t first;

	hold(world, R / 10);
	arrive(world, R, R / 10);
	(void)ask(world);
	first = world->id;
	sl_lease_failed(&world->lease, first, world->now);
	arrive(world, R, R / 10);
	(void)ask(world);
	late = world->answer;
	late.grant_mu_per_s = R;
	late.seq = 50;
	assert_false(sl_lease_answer(&world->lease, first, &late, world->now));
	assert_int_equal(state_of(world).rate_mu_per_s, R / 10);
	assert_true(answer(world, R / 5));
	assert_false(answer(world, R)); /* a double of it */
	assert_int_equal(state_of(world).rate_mu_per_s, R / 5);
	assert_int_equal(world->lease.counts.dropped, 2);
}

static void an_answer_after_its_time_is_dropped(void **state)
{
	struct world *world = *state;

	arrive(world, R, 0);
	(void)ask(world);
	world->now += 251 * MS_NS;
	assert_false(answer(world, R));
	assert_int_equal(state_of(world).mode, SL_QUOTA_MODE_COLD);
	assert_int_equal(world->lease.counts.failed, 1);
}

static void an_impossible_answer_is_dropped(void **state)
{
	struct world *world = *state;

	hold(world, R / 2);
	world->answer.seq = 0; /* the next is 1 again: not newer than what is acked */
	arrive(world, R / 2, R / 2);
	(void)ask(world);
	assert_false(answer(world, R));
	arrive(world, R / 2, R / 2);
	(void)ask(world);
	world->answer.seq = 5;
	assert_false(answer(world, -1));
	assert_int_equal(state_of(world).rate_mu_per_s, R / 2);
}

static void it_renews_each_period_give_or_take_a_tenth(void **state)
{
	struct world *world = *state;
	uint64_t due, least = UINT64_MAX, most = 0;

	for (int i = 0; i < 200; i++) {
		world->lease.steady = 0;
		world->answer.flags = SL_RENEWED_CONTENDED;
		hold(world, R / 2);
		due = sl_lease_due_ns(&world->lease, world->now) - world->lease.sent_ns;
		least = due < least ? due : least;
		most = due > most ? due : most;
	}
	assert_in_range(least, 900 * MS_NS, 920 * MS_NS);
	assert_in_range(most, 1080 * MS_NS, 1100 * MS_NS);
}

static void a_steady_tenant_is_renewed_more_rarely_and_holds_longer(void **state)
{
	struct world *world = *state;
	uint64_t due;

	for (int i = 0; i < 8; i++)
		hold(world, R / 2);
	assert_int_equal(world->asked.ttl_ms, 10000);
	due = sl_lease_due_ns(&world->lease, world->now) - world->lease.sent_ns;
	assert_in_range(due, 3000 * MS_NS, 4400 * MS_NS);
	assert_true(state_of(world).expiry_ns - world->now > 9000 * MS_NS);
	world->answer.flags = SL_RENEWED_CONTENDED;
	hold(world, R / 2);
	hold(world, R / 2);
	assert_int_equal(world->asked.ttl_ms, 5000);
}

static void a_real_shrink_is_acked_early(void **state)
{
	struct world *world = *state;

	hold(world, R);
	world->answer.flags = SL_RENEWED_CONTENDED;
	arrive(world, R, R);
	(void)ask(world);
	assert_true(answer(world, R / 2));
	assert_int_equal(sl_lease_due_ns(&world->lease, world->now), world->now + 100 * MS_NS);
}

static void it_asks_early_when_it_starves_but_not_in_the_gap(void **state)
{
	struct world *world = *state;

	hold(world, R / 10);
	arrive(world, R, R / 10);
	assert_int_equal(sl_lease_due_ns(&world->lease, world->now),
			 world->lease.sent_ns + 200 * MS_NS);
	arrive(world, R, R / 10);
	assert_true(is_due(world));
}

static void it_gives_back_early_what_others_want(void **state)
{
	struct world *world = *state;

	world->answer.flags = SL_RENEWED_CONTENDED;
	hold(world, R / 2);
	for (int i = 0; i < 4; i++)
		arrive(world, R / 10, R / 10);
	assert_true(is_due(world));
}

static void an_idle_lease_becomes_cold_and_not_an_ended_one(void **state)
{
	struct world *world = *state;

	hold(world, R / 2);
	world->now += 3100 * MS_NS;
	assert_true(is_due(world));
	assert_true(ask(world));
	assert_int_equal(world->asked.want_mu_per_s, 0);
	assert_int_equal(world->asked.has_mu_per_s, 0);
	assert_true(answer(world, 0));
	world->now += 60000 * MS_NS;
	assert_int_equal(state_of(world).mode, SL_QUOTA_MODE_COLD);
	assert_int_equal(state_of(world).rate_mu_per_s, R / 400);
	assert_int_equal(sl_lease_due_ns(&world->lease, world->now), UINT64_MAX);
}

static void blend_goes_from_the_last_to_the_safe_rate_in_30_s(void **state)
{
	struct world *world = *state;
	struct sl_quota_state now;

	hold(world, R);
	world->now = state_of(world).expiry_ns;
	now = state_of(world);
	assert_int_equal(now.mode, SL_QUOTA_MODE_BLEND);
	/* A step ahead: nobody who has less may grow before. */
	assert_int_equal(now.rate_mu_per_s, R - R / 4 * 3 / 30);
	assert_int_equal(now.fallback, SL_FALLBACK_SAFE);
	assert_in_range(now.expiry_ns, world->now + 1, world->now + 3000 * MS_NS);
	world->now += 14000 * MS_NS;
	assert_int_equal(state_of(world).rate_mu_per_s, R / 8 * 5);
	world->now += 15000 * MS_NS;
	assert_int_equal(state_of(world).mode, SL_QUOTA_MODE_SAFE);
	assert_int_equal(state_of(world).rate_mu_per_s, R / 4);
}

static void who_has_less_waits_until_all_leases_have_ended(void **state)
{
	struct world *world = *state;
	uint64_t ended;

	hold(world, R / 8);
	assert_int_equal(state_of(world).safe_rate_mu_per_s, R / 8); /* nobody is there to wait */
	ended = state_of(world).expiry_ns;
	world->now = ended + 2 * 5000 * MS_NS;
	assert_int_equal(state_of(world).rate_mu_per_s, R / 8);
	world->now = ended + (11000 + 15000) * MS_NS;
	assert_int_equal(state_of(world).rate_mu_per_s, R / 16 * 3);

	world->lease.terms.on_expiry = SL_EXPIRY_SAFE;
	world->now = ended + 10000 * MS_NS;
	assert_int_equal(state_of(world).rate_mu_per_s, R / 8);
	assert_int_equal(state_of(world).change_ns, ended + 11000 * MS_NS);
	world->now = state_of(world).change_ns;
	assert_int_equal(state_of(world).rate_mu_per_s, R / 4);
}

/* The store has not heard that R is lower, and grants by the old one. */
static void a_grant_of_older_terms_is_cut(void **state)
{
	struct world *world = *state;
	struct sl_terms lower = sl_terms_of(2, R / 2, R / 4);

	hold(world, R / 2);
	assert_true(sl_lease_set_terms(&world->lease, &lower, world->now));
	assert_int_equal(state_of(world).rate_mu_per_s, R / 4);
	arrive(world, R, 0);
	(void)ask(world);
	assert_true(answer(world, R / 2));
	assert_int_equal(state_of(world).rate_mu_per_s, R / 4);
	assert_int_equal(world->lease.safe_mu_per_s, R / 8);
}

/* By the time of the answer its part may be others': it does not say that it holds it. */
static void a_lease_about_to_end_is_not_acked(void **state)
{
	struct world *world = *state;

	hold(world, R / 2);
	world->now = state_of(world).expiry_ns - SL_LEASE_ANSWER_MS * MS_NS - 1;
	sl_lease_observe(&world->lease, R, R / 2, world->now);
	(void)ask(world);
	assert_true(world->asked.ack > 0);
	sl_lease_failed(&world->lease, world->id, world->now);
	world->now += 1;
	(void)ask(world);
	assert_int_equal(world->asked.ack, 0);
	assert_true(world->asked.has_mu_per_s > 0);
}

static void who_is_cut_off_alone_is_safe_at_once(void **state)
{
	struct world *world = *state;

	hold(world, R);
	world->now = state_of(world).expiry_ns + MS_NS;
	assert_true(sl_lease_set_peers(&world->lease, SL_LEASE_PEERS_RENEW, world->now));
	assert_int_equal(state_of(world).rate_mu_per_s, R / 4);
	assert_true(sl_lease_set_peers(&world->lease, SL_LEASE_PEERS_SILENT, world->now));
	assert_true(state_of(world).rate_mu_per_s > R / 2);
}

static void the_terms_say_what_an_ended_lease_is(void **state)
{
	static const struct {
		enum sl_on_expiry on_expiry;
		enum sl_quota_mode mode;
		enum sl_fallback fallback;
		int64_t rate;
	} rows[] = {
		{ SL_EXPIRY_LAST, SL_QUOTA_MODE_LAST, SL_FALLBACK_LAST, R / 2 },
		{ SL_EXPIRY_SAFE, SL_QUOTA_MODE_SAFE, SL_FALLBACK_SAFE, R / 4 },
		{ SL_EXPIRY_CLOSED, SL_QUOTA_MODE_CLOSED, SL_FALLBACK_CLOSED, 0 },
		{ SL_EXPIRY_OPEN, SL_QUOTA_MODE_OPEN, SL_FALLBACK_OPEN, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct world *world;

		(void)begin(state);
		world = *state;
		world->lease.terms.on_expiry = rows[i].on_expiry;
		hold(world, R / 2);
		assert_int_equal(state_of(world).fallback, rows[i].fallback);
		world->now = state_of(world).expiry_ns;
		assert_int_equal(state_of(world).mode, rows[i].mode);
		assert_int_equal(state_of(world).rate_mu_per_s, rows[i].rate);
		assert_int_equal(state_of(world).unlimited, rows[i].mode == SL_QUOTA_MODE_OPEN);
	}
}

static void an_ended_lease_asks_on_and_says_what_it_spends(void **state)
{
	struct world *world = *state;

	hold(world, R);
	world->now = state_of(world).expiry_ns + 30000 * MS_NS;
	assert_true(is_due(world));
	assert_false(ask(world));
	assert_int_equal(world->asked.has_mu_per_s, R / 4);
	assert_int_equal(world->asked.ack, 0);
	world->answer.seq = 0; /* the store forgot */
	assert_true(answer(world, R / 8));
	assert_int_equal(state_of(world).rate_mu_per_s, R / 8);
	assert_int_equal(world->lease.counts.expired, 1);
}

static void a_fenced_node_passes_nothing_and_asks_nothing(void **state)
{
	struct world *world = *state;

	hold(world, R);
	arrive(world, R, R);
	(void)ask(world);
	world->answer.status = SL_QUOTA_FENCED;
	assert_true(answer(world, R));
	assert_int_equal(state_of(world).mode, SL_QUOTA_MODE_FENCED);
	assert_int_equal(state_of(world).rate_mu_per_s, 0);
	arrive(world, R, 0);
	assert_int_equal(sl_lease_due_ns(&world->lease, world->now), UINT64_MAX);
}

static void unknown_terms_are_sent_and_then_it_asks_at_once(void **state)
{
	struct world *world = *state;

	arrive(world, R, 0);
	(void)ask(world);
	world->answer.status = SL_QUOTA_UNKNOWN;
	assert_false(answer(world, 0));
	assert_true(world->lease.wants_terms);
	world->now += 1000 * MS_NS;
	assert_false(is_due(world));
	sl_lease_sent_terms(&world->lease, world->now);
	arrive(world, R, 0);
	assert_true(is_due(world));
}

static void failures_are_retried_later_and_later(void **state)
{
	struct world *world = *state;
	uint64_t wait = 0;

	arrive(world, R, 0);
	for (int i = 0; i < 8; i++) {
		(void)ask(world);
		sl_lease_failed(&world->lease, world->id, world->now);
		sl_lease_observe(&world->lease, 1000, 0, world->now);
		wait = sl_lease_due_ns(&world->lease, world->now) - world->now;
		assert_in_range(wait, 100 * MS_NS, 1000 * MS_NS);
		world->now += wait;
	}
	assert_true(wait >= 500 * MS_NS);
}

static void a_lower_limit_cuts_every_part_alike(void **state)
{
	struct world *world = *state;
	struct sl_terms lower = sl_terms_of(2, R / 2, R / 4), old = sl_terms_of(1, R, R);

	hold(world, R / 2);
	assert_true(sl_lease_set_terms(&world->lease, &lower, world->now));
	assert_int_equal(state_of(world).rate_mu_per_s, R / 4);
	assert_false(sl_lease_set_terms(&world->lease, &old, world->now));
	world->now += 200 * MS_NS;
	assert_true(is_due(world));
}

static void a_drained_node_gives_all_back(void **state)
{
	struct world *world = *state;

	hold(world, R / 2);
	sl_lease_drain(&world->lease, world->now);
	assert_int_equal(state_of(world).mode, SL_QUOTA_MODE_COLD);
	arrive(world, R, 0);
	arrive(world, R, 0);
	assert_true(is_due(world));
	(void)ask(world);
	assert_int_equal(world->asked.want_mu_per_s, 0);
	assert_int_equal(world->asked.has_mu_per_s, 0);
	(void)answer(world, 0);
	arrive(world, R, 0);
	assert_int_equal(sl_lease_due_ns(&world->lease, world->now), UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_cold_node_has_one_cost_and_a_hundredth, begin),
		cmocka_unit_test_setup(a_grant_is_applied_with_its_burst_and_end, begin),
		cmocka_unit_test_setup(less_is_released_before_it_is_reported, begin),
		cmocka_unit_test_setup(between_two_looks_demand_is_what_it_was, begin),
		cmocka_unit_test_setup(about_the_same_is_not_released, begin),
		cmocka_unit_test_setup(only_the_answer_to_the_last_question_counts, begin),
		cmocka_unit_test_setup(an_answer_after_its_time_is_dropped, begin),
		cmocka_unit_test_setup(an_impossible_answer_is_dropped, begin),
		cmocka_unit_test_setup(it_renews_each_period_give_or_take_a_tenth, begin),
		cmocka_unit_test_setup(a_steady_tenant_is_renewed_more_rarely_and_holds_longer,
				       begin),
		cmocka_unit_test_setup(a_real_shrink_is_acked_early, begin),
		cmocka_unit_test_setup(it_asks_early_when_it_starves_but_not_in_the_gap, begin),
		cmocka_unit_test_setup(it_gives_back_early_what_others_want, begin),
		cmocka_unit_test_setup(an_idle_lease_becomes_cold_and_not_an_ended_one, begin),
		cmocka_unit_test_setup(blend_goes_from_the_last_to_the_safe_rate_in_30_s, begin),
		cmocka_unit_test_setup(who_has_less_waits_until_all_leases_have_ended, begin),
		cmocka_unit_test_setup(a_grant_of_older_terms_is_cut, begin),
		cmocka_unit_test_setup(a_lease_about_to_end_is_not_acked, begin),
		cmocka_unit_test_setup(who_is_cut_off_alone_is_safe_at_once, begin),
		cmocka_unit_test_setup(the_terms_say_what_an_ended_lease_is, begin),
		cmocka_unit_test_setup(an_ended_lease_asks_on_and_says_what_it_spends, begin),
		cmocka_unit_test_setup(a_fenced_node_passes_nothing_and_asks_nothing, begin),
		cmocka_unit_test_setup(unknown_terms_are_sent_and_then_it_asks_at_once, begin),
		cmocka_unit_test_setup(failures_are_retried_later_and_later, begin),
		cmocka_unit_test_setup(a_lower_limit_cuts_every_part_alike, begin),
		cmocka_unit_test_setup(a_drained_node_gives_all_back, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
