// SPDX-License-Identifier: Apache-2.0
#include "userspace/quota/store.h"

#include "tests/harness/test.h"

#define R     1000000 /* mu/s */
#define START 1700000000000
#define TTL   5000
#define LEARN (2 * TTL)

struct world {
	struct sl_store *store;
	int64_t now;
};

/* A node as the store sees it: applies what it is told, and acks it. */
struct node {
	uint64_t id;
	int64_t incarnation, has, seq, safe;
};

static struct sl_terms terms(void)
{
	return sl_terms_of(1, R, R / 2);
}

static int begin(void **state)
{
	static struct world world;
	struct sl_terms plain = terms();

	world = (struct world){ .now = START };
	assert_int_equal(sl_store_new(&world.store), 0);
	assert_int_equal(sl_store_set_terms(world.store, &plain, START), SL_QUOTA_OK);
	*state = &world;
	return 0;
}

static int end(void **state)
{
	struct world *world = *state;

	sl_store_free(world->store);
	return 0;
}

static struct sl_renewed call(struct world *world, const struct node *node, int64_t want)
{
	struct sl_renew renew = { want, node->has, node->seq, want < node->has ? want : node->has,
				  TTL,	node->safe };
	struct sl_renewed renewed;

	assert_int_equal(sl_store_renew(world->store, node->id, node->incarnation, &renew,
					world->now, &renewed),
			 0);
	return renewed;
}

static struct sl_renewed renew(struct world *world, struct node *node, int64_t want)
{
	struct sl_renewed renewed = call(world, node, want);

	if (renewed.status == SL_QUOTA_OK) {
		node->has = renewed.grant_mu_per_s;
		node->safe = renewed.safe_mu_per_s;
		node->seq = renewed.seq;
	}
	return renewed;
}

static struct sl_store_sums sums(const struct world *world)
{
	struct sl_store_sums now;

	sl_store_sums(world->store, &now);
	return now;
}

/* All nodes renew once a second; of a new key, so often when it has learned. */
static void run(struct world *world, struct node *nodes, const int64_t *wants, size_t count,
		int rounds)
{
	if (!sums(world).last_ms)
		rounds += LEARN / 1000;
	while (rounds--) {
		world->now += 1000;
		for (size_t i = 0; i < count; i++) {
			(void)renew(world, &nodes[i], wants[i]);
			assert_true(sums(world).held <= R);
		}
	}
}

static void without_terms_nothing_is_known(void **state)
{
	struct world *world = *state;
	struct node node = { 1, 1, 0, 0, 0 };

	sl_store_wipe(world->store);
	assert_int_equal(renew(world, &node, R).status, SL_QUOTA_UNKNOWN);
}

static void a_new_key_learns_for_two_ttl(void **state)
{
	struct world *world = *state;
	struct node node = { 1, 1, 0, 0, 0 };
	struct sl_renewed first = renew(world, &node, R / 2);

	assert_int_equal(first.grant_mu_per_s, 0);
	assert_true(first.flags & SL_RENEWED_LEARNING);
	for (int round = 0; round < 3; round++) {
		world->now += LEARN / 3 - 1;
		assert_int_equal(renew(world, &node, R / 2).grant_mu_per_s, 0);
	}
	world->now += LEARN - 3 * (LEARN / 3 - 1) - 1;
	assert_int_equal(renew(world, &node, R / 2).grant_mu_per_s, 0);
	world->now += 1;
	assert_true(renew(world, &node, R / 2).grant_mu_per_s >= R / 2);
}

static void alone_a_node_has_headroom_and_a_tenth_stays_free(void **state)
{
	struct world *world = *state;
	struct node node = { 1, 1, 0, 0, 0 };
	const int64_t want = R / 2;

	run(world, &node, &want, 1, 8);
	assert_int_equal(node.has, R / 10 * 9);
}

static void contended_shares_follow_demand(void **state)
{
	struct world *world = *state;
	struct node nodes[] = { { 1, 1, 0, 0, 0 }, { 2, 1, 0, 0, 0 }, { 3, 1, 0, 0, 0 } };
	const int64_t wants[] = { R, R / 2, R / 2 };

	run(world, nodes, wants, 3, 12);
	assert_in_range(nodes[0].has, R / 2 - R / 25, R / 2 + R / 25);
	assert_in_range(nodes[1].has, R / 4 - R / 50, R / 4 + R / 50);
	assert_in_range(nodes[0].has + nodes[1].has + nodes[2].has, R / 100 * 97, R);
}

static void what_shrinks_is_freed_by_the_ack_only(void **state)
{
	struct world *world = *state;
	struct node a = { 1, 1, 0, 0, 0 }, b = { 2, 1, 0, 0, 0 };
	const int64_t want = R;
	struct sl_renewed told;

	run(world, &a, &want, 1, 8);
	assert_int_equal(a.has, R);
	(void)renew(world, &b, R);
	told = call(world, &a, R); /* its answer is lost */
	assert_int_equal(told.grant_mu_per_s, R / 2);
	assert_int_equal(sums(world).held, R);
	assert_int_equal(renew(world, &b, R).grant_mu_per_s, 0);
	(void)renew(world, &a, R); /* acks the one before: held stays */
	assert_int_equal(sums(world).held, R);
	(void)renew(world, &a, R);
	assert_int_equal(sums(world).held, R / 2);
	assert_int_equal(renew(world, &b, R).grant_mu_per_s, R / 2);
}

static void what_was_released_before_the_report_is_free(void **state)
{
	struct world *world = *state;
	struct node a = { 1, 1, 0, 0, 0 }, b = { 2, 1, 0, 0, 0 };
	const int64_t want = R;

	run(world, &a, &want, 1, 8);
	a.has = R / 4;
	(void)renew(world, &a, R / 4);
	assert_true(renew(world, &b, R).grant_mu_per_s >= R / 2);
	assert_true(sums(world).held <= R);
}

static void an_old_question_frees_nothing(void **state)
{
	struct world *world = *state;
	struct node a = { 1, 1, 0, 0, 0 }, old;
	const int64_t want = R;

	run(world, &a, &want, 1, 8);
	old = a;
	(void)renew(world, &a, R);
	old.has = 1; /* sent before the last answer */
	(void)call(world, &old, 1);
	assert_int_equal(sums(world).held, R);
}

/* A node is back from its fallback; its question of before comes once more, and late. */
static void an_old_question_of_the_fallback_grants_nothing(void **state)
{
	struct world *world = *state;
	struct node a = { 1, 1, 0, 0, 0 }, b = { 2, 1, R / 2, 0, 0 }, old = b;
	const int64_t want = R / 10 * 6;

	run(world, &a, &want, 1, 8);
	assert_int_equal(renew(world, &b, R).grant_mu_per_s, R - a.has);
	(void)call(world, &old, R);
	assert_int_equal(renew(world, &b, R).grant_mu_per_s, R - a.has);
}

static void a_dead_node_is_gone_after_its_ttl(void **state)
{
	struct world *world = *state;
	struct node a = { 1, 1, 0, 0, 0 }, b = { 2, 1, 0, 0, 0 };
	const int64_t want = R;

	run(world, &a, &want, 1, 8);
	for (int64_t t = 0; t < TTL - 1000; t += 1000) {
		world->now += 1000;
		assert_int_equal(renew(world, &b, R).grant_mu_per_s, 0);
	}
	world->now += 1000;
	assert_int_equal(renew(world, &b, R).grant_mu_per_s, R);
}

static void lost_writes_are_believed_and_learned(void **state)
{
	struct world *world = *state;
	struct node nodes[] = { { 1, 1, 0, 0, 0 }, { 2, 1, 0, 0, 0 } }, late = { 3, 1, 0, 0, 0 };
	const int64_t wants[] = { R, R };
	struct sl_store *replica;

	run(world, nodes, wants, 2, 8);
	assert_int_equal(sl_store_clone(&replica, world->store), 0);
	run(world, nodes, wants, 2, 2);
	sl_store_free(world->store);
	world->store = replica;
	assert_true(renew(world, &nodes[0], R).flags & SL_RENEWED_LEARNING);
	assert_int_equal(renew(world, &late, R).grant_mu_per_s, 0);
	world->now += TTL - 1;
	assert_true(renew(world, &nodes[0], R).flags & SL_RENEWED_LEARNING);
	world->now += 1;
	assert_false(renew(world, &nodes[0], R).flags & SL_RENEWED_LEARNING);
	assert_true(sums(world).held <= R);
}

static void a_wiped_key_grants_newcomers_nothing(void **state)
{
	struct world *world = *state;
	struct node a = { 1, 1, 0, 0, 0 }, late = { 2, 1, 0, 0, 0 };
	struct sl_terms plain = terms();
	const int64_t want = R;

	run(world, &a, &want, 1, 8);
	sl_store_wipe(world->store);
	(void)sl_store_set_terms(world->store, &plain, world->now);
	assert_int_equal(renew(world, &late, R).grant_mu_per_s, 0);
	/* It keeps what it has, but for its part now that there are two. */
	assert_int_equal(renew(world, &a, R).grant_mu_per_s, R / 2);
	assert_int_equal(sums(world).held, R);
}

/* What three nodes fall back to adds up to R, also while one of them has not heard yet that
 * there are three; and a newcomer in a full house gets what is left. */
static void safe_shares_add_up(void **state)
{
	struct world *world = *state;
	struct node nodes[] = { { 1, 1, 0, 0, 0 }, { 2, 1, 0, 0, 0 }, { 3, 1, 0, 0, 0 } };
	const int64_t wants[] = { R, R, R };

	run(world, nodes, wants, 2, 8);
	assert_int_equal(nodes[0].safe, R / 2);
	assert_int_equal(nodes[1].safe, R / 2);
	(void)renew(world, &nodes[2], R);
	assert_int_equal(nodes[2].safe, 0);
	(void)renew(world, &nodes[0], R);
	assert_int_equal(nodes[0].safe, R / 3);
	(void)renew(world, &nodes[2], R);
	assert_int_equal(nodes[2].safe, 0); /* not acked yet */
	(void)renew(world, &nodes[0], R);
	(void)renew(world, &nodes[2], R);
	assert_int_equal(nodes[2].safe, R / 2 - R / 3);
	assert_int_equal(sums(world).safe, R);
	run(world, nodes, wants, 3, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(nodes[i].safe, R / 3);

	/* One leaves, and its share stays until the row ends; who had more and is back from its
	 * fallback takes what others left. */
	run(world, nodes, wants, 2, 7);
	assert_int_equal(nodes[0].safe, R / 2);
	nodes[2].seq = 0;
	(void)renew(world, &nodes[2], R);
	assert_int_equal(nodes[2].safe, 0);
}

static void a_former_incarnation_is_fenced_and_holds_until_its_end(void **state)
{
	struct world *world = *state;
	struct node old = { 1, 1, 0, 0, 0 }, new = { 1, 2, 0, 0, 0 };
	const int64_t want = R;

	run(world, &old, &want, 1, 8);
	assert_int_equal(renew(world, &new, R).grant_mu_per_s, 0);
	assert_int_equal(sums(world).held, R);
	assert_int_equal(call(world, &old, R).status, SL_QUOTA_FENCED);
	for (int i = 0; i < 4; i++) {
		world->now += 1000;
		assert_int_equal(renew(world, &new, R).grant_mu_per_s, 0);
	}
	world->now += 1000;
	assert_int_equal(renew(world, &new, R).grant_mu_per_s, R);
}

static void a_clock_that_goes_back_is_learned_through(void **state)
{
	struct world *world = *state;
	struct node a = { 1, 1, 0, 0, 0 }, late = { 2, 1, 0, 0, 0 };
	const int64_t want = R / 4;
	int64_t epoch;

	run(world, &a, &want, 1, 8);
	epoch = sums(world).epoch;
	world->now -= 900;
	assert_true(renew(world, &late, R / 8).grant_mu_per_s > 0);
	world->now -= 100000;
	assert_true(renew(world, &a, R).flags & SL_RENEWED_LEARNING);
	assert_int_equal(sums(world).epoch, epoch + 1);
	/* Nobody is held for the time that it went back. */
	world->now += 2 * TTL + 1000;
	(void)renew(world, &late, R / 8);
	assert_int_equal(sums(world).live, 1);
}

static void a_clock_that_jumps_over_all_leases_is_learned_through(void **state)
{
	struct world *world = *state;
	struct node nodes[] = { { 1, 1, 0, 0, 0 }, { 2, 1, 0, 0, 0 } }, late = { 3, 1, 0, 0, 0 };
	const int64_t wants[] = { R, R };

	run(world, nodes, wants, 2, 10);
	world->now += 10 * TTL;
	assert_int_equal(renew(world, &late, R).grant_mu_per_s, 0);
	(void)renew(world, &nodes[0], R);
	(void)renew(world, &nodes[1], R);
	assert_true(sums(world).held <= R);
}

static void a_lower_limit_is_reached_by_acks(void **state)
{
	struct world *world = *state;
	struct node nodes[] = { { 1, 1, 0, 0, 0 }, { 2, 1, 0, 0, 0 } };
	struct sl_terms lower = sl_terms_of(2, R / 100 * 99, R / 2);
	const int64_t wants[] = { R, R };

	run(world, nodes, wants, 2, 10);
	assert_int_equal(sums(world).held, R);
	assert_int_equal(sl_store_set_terms(world->store, &lower, world->now), SL_QUOTA_OK);
	/* Within the dead band, and still taken: more is held than there is. */
	run(world, nodes, wants, 2, 2);
	assert_true(sums(world).held <= lower.rate_mu_per_s);
}

static void older_or_other_terms_are_not_taken(void **state)
{
	struct world *world = *state;
	struct sl_terms now = sl_terms_of(5, R, R), other = sl_terms_of(5, R + 1, R), old = terms();

	assert_int_equal(sl_store_set_terms(world->store, &now, START), SL_QUOTA_OK);
	assert_int_equal(sl_store_set_terms(world->store, &now, START), SL_QUOTA_OK);
	assert_int_equal(sl_store_set_terms(world->store, &other, START), SL_QUOTA_CONFLICT);
	assert_int_equal(sl_store_set_terms(world->store, &old, START), SL_QUOTA_STALE);
}

static void a_small_node_beside_floods_keeps_its_floor(void **state)
{
	struct world *world = *state;
	struct node nodes[10];
	int64_t wants[10], sum = 0;

	for (int i = 0; i < 10; i++) {
		nodes[i] = (struct node){ (uint64_t)i, 1, 0, 0, 0 };
		wants[i] = i ? R : R / 50;
	}
	run(world, nodes, wants, 10, 15);
	/* In proportion it would have R / 451; its floor is R / 40, of which it wants R / 50. */
	assert_true(nodes[0].has >= R / 52);
	for (int i = 0; i < 10; i++)
		sum += nodes[i].has;
	assert_in_range(sum, R / 100 * 97, R);
}

static void overbooking_follows_what_is_used(void **state)
{
	struct world *world = *state;
	struct node nodes[] = { { 1, 1, 0, 0, 0 }, { 2, 1, 0, 0, 0 } };
	struct sl_terms over = sl_terms_of(2, R, R / 2);
	struct sl_renewed renewed;
	int64_t before;

	over.overbook_max_ppm = 1250000;
	(void)sl_store_set_terms(world->store, &over, START);
	for (int round = 0; round < 40; round++) {
		world->now += 1000;
		for (int i = 0; i < 2; i++) {
			struct sl_renew half = {
				R, nodes[i].has, nodes[i].seq, nodes[i].has / 2, TTL, 0
			};

			assert_int_equal(sl_store_renew(world->store, nodes[i].id, 1, &half,
							world->now, &renewed),
					 0);
			nodes[i].has = renewed.grant_mu_per_s;
			nodes[i].seq = renewed.seq;
		}
		assert_true(sums(world).held <= R / 4 * 5);
	}
	before = sums(world).overbook_ppm;
	assert_int_equal(before, 1250000);
	for (int i = 0; i < 2; i++) {
		struct sl_renew all = { R, nodes[i].has, nodes[i].seq, R, TTL, 0 };

		world->now += 1000;
		(void)sl_store_renew(world->store, nodes[i].id, 1, &all, world->now, &renewed);
	}
	assert_true(sums(world).overbook_ppm < before);
}

static void an_effective_rate_needs_the_newest_token_and_decays(void **state)
{
	struct world *world = *state;
	struct node a = { 1, 1, 0, 0, 0 };
	const int64_t want = R;

	run(world, &a, &want, 1, 8);
	assert_int_equal(sl_store_set_rate(world->store, R / 2, 7, world->now), SL_QUOTA_OK);
	assert_int_equal(sl_store_set_rate(world->store, R, 6, world->now), SL_QUOTA_STALE);
	assert_int_equal(renew(world, &a, R).grant_mu_per_s, R / 2);
	world->now += SL_STORE_DECAY_MS;
	assert_int_equal(renew(world, &a, R).rate_mu_per_s, R / 2);
	world->now += SL_STORE_DECAY_MS / 2;
	assert_int_equal(renew(world, &a, R).rate_mu_per_s, R / 4 * 3);
	world->now += SL_STORE_DECAY_MS / 2;
	assert_int_equal(renew(world, &a, R).rate_mu_per_s, R);
}

static void a_released_node_frees_all_at_once(void **state)
{
	struct world *world = *state;
	struct node a = { 1, 1, 0, 0, 0 }, b = { 2, 1, 0, 0, 0 };
	const int64_t want = R;

	run(world, &a, &want, 1, 8);
	assert_int_equal(sl_store_release(world->store, 1, world->now), R);
	assert_int_equal(renew(world, &b, R).grant_mu_per_s, R);
}

static void one_leads_and_the_next_has_a_higher_token(void **state)
{
	struct sl_store_lead lead = { 0 };
	const int64_t first = sl_store_lead(&lead, 1, START);

	assert_true(first > 0);
	assert_int_equal(sl_store_lead(&lead, 2, START + 4999), 0);
	assert_int_equal(sl_store_lead(&lead, 1, START + 4999), first);
	assert_int_equal(sl_store_lead(&lead, 2, START + 9998), 0);
	assert_true(sl_store_lead(&lead, 2, START + 9999) > first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(without_terms_nothing_is_known, begin, end),
		cmocka_unit_test_setup_teardown(a_new_key_learns_for_two_ttl, begin, end),
		cmocka_unit_test_setup_teardown(alone_a_node_has_headroom_and_a_tenth_stays_free,
						begin, end),
		cmocka_unit_test_setup_teardown(contended_shares_follow_demand, begin, end),
		cmocka_unit_test_setup_teardown(what_shrinks_is_freed_by_the_ack_only, begin, end),
		cmocka_unit_test_setup_teardown(what_was_released_before_the_report_is_free, begin,
						end),
		cmocka_unit_test_setup_teardown(an_old_question_frees_nothing, begin, end),
		cmocka_unit_test_setup_teardown(an_old_question_of_the_fallback_grants_nothing,
						begin, end),
		cmocka_unit_test_setup_teardown(a_dead_node_is_gone_after_its_ttl, begin, end),
		cmocka_unit_test_setup_teardown(lost_writes_are_believed_and_learned, begin, end),
		cmocka_unit_test_setup_teardown(a_wiped_key_grants_newcomers_nothing, begin, end),
		cmocka_unit_test_setup_teardown(
			a_former_incarnation_is_fenced_and_holds_until_its_end, begin, end),
		cmocka_unit_test_setup_teardown(a_clock_that_goes_back_is_learned_through, begin,
						end),
		cmocka_unit_test_setup_teardown(
			a_clock_that_jumps_over_all_leases_is_learned_through, begin, end),
		cmocka_unit_test_setup_teardown(safe_shares_add_up, begin, end),
		cmocka_unit_test_setup_teardown(a_lower_limit_is_reached_by_acks, begin, end),
		cmocka_unit_test_setup_teardown(older_or_other_terms_are_not_taken, begin, end),
		cmocka_unit_test_setup_teardown(a_small_node_beside_floods_keeps_its_floor, begin,
						end),
		cmocka_unit_test_setup_teardown(overbooking_follows_what_is_used, begin, end),
		cmocka_unit_test_setup_teardown(an_effective_rate_needs_the_newest_token_and_decays,
						begin, end),
		cmocka_unit_test_setup_teardown(a_released_node_frees_all_at_once, begin, end),
		cmocka_unit_test(one_leads_and_the_next_has_a_higher_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
