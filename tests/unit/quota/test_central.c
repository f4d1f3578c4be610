// SPDX-License-Identifier: Apache-2.0
/* The node's side alone, and then nodes with a bucket in the model of the store. */
#include "tests/unit/quota/central_world.h"

/* Asked once, and answered with this. */
static struct sl_central answered(int64_t paid, int64_t wait_ms, uint64_t now)
{
	const struct sl_terms small = terms();
	const struct sl_charged charged = {
		.paid_mu = paid, .wait_ms = wait_ms, .rate_mu_per_s = R, .gen = 1, .live = 4
	};
	struct sl_central central;
	struct sl_charge charge;
	uint64_t id;

	sl_central_begin(&central, &small, 4, 7, now);
	sl_central_observe(&central, 100 * ONE, ONE, now);
	sl_central_ask(&central, &charge, &id, now);
	assert_int_equal(charge.passed_mu, ONE);
	assert_true(charge.want_mu >= ONE);
	assert_true(sl_central_answer(&central, id, &charged, now));
	return central;
}

static void cold_is_one_cost_and_a_hundredth(void **state)
{
	const struct sl_terms small = terms();
	struct sl_central central;

	sl_central_begin(&central, &small, 4, 7, START);
	assert_int_equal(state_of(&central, START).mode, SL_QUOTA_MODE_COLD);
	assert_int_equal(state_of(&central, START).rate_mu_per_s, R / 400);
	assert_int_equal(state_of(&central, START).cap_mu, ONE);
	assert_int_equal(sl_central_due_ns(&central, START), UINT64_MAX);
	sl_central_observe(&central, ONE, ONE, START);
	assert_true(sl_central_due_ns(&central, START) <= START);
}

static void a_refusal_blocks_and_then_asks(void **state)
{
	struct sl_central central = answered(0, 300, START);

	assert_true(state_of(&central, START).block_until_ns >= START + 300 * MS_NS);
	sl_central_observe(&central, 100 * ONE, 0, START + 10 * MS_NS);
	assert_int_equal(sl_central_due_ns(&central, START + 10 * MS_NS), START + 300 * MS_NS);
	assert_int_equal(central.counts.refused, 1);
}

static void a_promise_is_there_when_the_wait_is_over(void **state)
{
	struct sl_central central = answered(2 * ONE, 200, START);
	struct sl_quota_state now = state_of(&central, START);

	assert_int_equal(now.block_until_ns, START + 200 * MS_NS);
	assert_int_equal(now.cap_mu, 2 * ONE);
	assert_int_equal(now.rate_mu_per_s, 2 * ONE * 1000 / 200);
}

static void questions_are_a_tenth_of_a_second_apart(void **state)
{
	struct sl_central central = answered(ONE, 0, START);

	sl_central_observe(&central, 100 * ONE, ONE, START + 10 * MS_NS);
	assert_int_equal(sl_central_due_ns(&central, START + 10 * MS_NS),
			 START + SL_CENTRAL_GAP_MS * MS_NS);
}

/* By the store's clock: not before the answer would be too late, whatever the way there took. */
static void a_question_says_when_it_is_void(void **state)
{
	const struct sl_terms small = terms();
	struct sl_charged charged = { .rate_mu_per_s = R, .live = 4, .store_us = WALL };
	uint64_t id, now = START;
	struct sl_central central;
	struct sl_charge charge;

	sl_central_begin(&central, &small, 4, 7, now);
	sl_central_ask(&central, &charge, &id, now);
	assert_int_equal(charge.void_us, 0);
	/* 40 ms there and back. */
	assert_true(sl_central_answer(&central, id, &charged, now + 40 * MS_NS));
	sl_central_ask(&central, &charge, &id, now + 1040 * MS_NS);
	assert_in_range(charge.void_us, WALL + 1040000 + 250000, WALL + 1040000 + 251000);
	/* One that comes too late says what time it is, too; one to another question says nothing.
	 */
	charged.store_us = WALL + 9000000;
	assert_false(sl_central_answer(&central, id, &charged, now + 1300 * MS_NS));
	charged.store_us = 1;
	assert_false(sl_central_answer(&central, id, &charged, now + 1301 * MS_NS));
	sl_central_ask(&central, &charge, &id, now + 1540 * MS_NS);
	assert_in_range(charge.void_us, WALL + 9750000, WALL + 9751000);
	/* No number that the store does not take. */
	charged.store_us = SL_QUOTA_NUMBER_MAX;
	assert_true(sl_central_answer(&central, id, &charged, now + 1560 * MS_NS));
	sl_central_ask(&central, &charge, &id, now + 1700 * MS_NS);
	assert_int_equal(charge.void_us, 0);
}

static void what_passed_unpaid_is_charged_once(void **state)
{
	struct sl_central central = answered(ONE, 0, START);
	const struct sl_charged charged = { .rate_mu_per_s = R, .live = 4 };
	struct sl_charge charge;
	uint64_t id;

	sl_central_observe(&central, 4 * ONE, 4 * ONE, START);
	sl_central_ask(&central, &charge, &id, START + 100 * MS_NS);
	assert_int_equal(charge.passed_mu, 3 * ONE);
	sl_central_failed(&central, id, START + 350 * MS_NS);
	sl_central_ask(&central, &charge, &id, START + 400 * MS_NS);
	assert_int_equal(charge.passed_mu, 3 * ONE); /* unheard: again */
	assert_true(sl_central_answer(&central, id, &charged, START + 400 * MS_NS));
	assert_false(sl_central_answer(&central, id, &charged, START + 400 * MS_NS));
	sl_central_ask(&central, &charge, &id, START + 500 * MS_NS);
	assert_int_equal(charge.passed_mu, 0);
}

static void an_outage_leaves_the_safe_share_and_no_debt(void **state)
{
	struct sl_central central = answered(ONE, 0, START);
	uint64_t now = START + 100 * MS_NS, id;
	struct sl_charge charge;

	sl_central_observe(&central, ONE, ONE, now);
	sl_central_ask(&central, &charge, &id, now);
	sl_central_failed(&central, id, now);
	now += 5000 * MS_NS;
	assert_int_equal(state_of(&central, now).mode, SL_QUOTA_MODE_SAFE);
	assert_int_equal(state_of(&central, now).rate_mu_per_s, R / 4);
	assert_true(sl_central_due_ns(&central, now) <= now);
	sl_central_observe(&central, 100 * ONE, 50 * ONE, now);
	sl_central_ask(&central, &charge, &id, now);
	assert_int_equal(charge.passed_mu, 0);
	central.terms.on_expiry = SL_EXPIRY_CLOSED;
	assert_int_equal(state_of(&central, now).rate_mu_per_s, 0);
}

/* Nobody of the nodes may have all of R for the ttl that Redis is away. */
static void a_question_that_failed_leaves_the_safe_share_at_once(void **state)
{
	struct sl_central central = answered(ONE, 0, START);
	uint64_t now = START + 100 * MS_NS, id;
	struct sl_charge charge;

	assert_true(state_of(&central, now).rate_mu_per_s > R / 4);
	sl_central_observe(&central, 100 * ONE, ONE, now);
	sl_central_ask(&central, &charge, &id, now);
	assert_true(state_of(&central, now).rate_mu_per_s > R / 4);
	sl_central_failed(&central, id, now);
	assert_int_equal(state_of(&central, now).mode, SL_QUOTA_MODE_HELD);
	assert_int_equal(state_of(&central, now).rate_mu_per_s, R / 4);
}

static void an_idle_node_is_cold(void **state)
{
	struct sl_central central = answered(ONE, 0, START);

	assert_int_equal(state_of(&central, START + 2999 * MS_NS).mode, SL_QUOTA_MODE_HELD);
	assert_int_equal(state_of(&central, START + 3000 * MS_NS).mode, SL_QUOTA_MODE_COLD);
	assert_int_equal(state_of(&central, START + 3000 * MS_NS).expiry_ns, 0);
}

/* ---- with the store ------------------------------------------------------------------ */

static void a_flood_on_all_nodes_gets_the_limit_and_no_more(void **state)
{
	static const double flood[NODES] = { 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000 };
	struct cluster cluster;
	double got;

	open_cluster(&cluster);
	got = run(&cluster, flood, 5000);
	assert_true(got <= 5 * R + B + NODES * ONE);
	cluster.asked = 0;
	got = run(&cluster, flood, 60000);
	assert_true(got <= 60 * R + NODES * ONE);
	assert_true(got >= 60 * R * 0.98);
	/* At most ten questions a second of each node. */
	assert_true(cluster.asked <= NODES * 10 * 60);
	sl_store_free(cluster.store);
}

static void one_hot_node_gets_all_of_it(void **state)
{
	static const double hot[NODES] = { 1000 };
	struct cluster cluster;
	double got;

	open_cluster(&cluster);
	(void)run(&cluster, hot, 5000);
	got = run(&cluster, hot, 60000);
	assert_true(got <= 60 * R + ONE);
	assert_true(got >= 60 * R * 0.98);
	sl_store_free(cluster.store);
}

/* Closed passes nothing once the answer has aged: it asks before that, with credit left too. */
static void an_answer_that_ages_is_asked_for_anew(void **state)
{
	struct sl_central central = answered(2 * ONE, 0, START);
	uint64_t late = START + 5000 * MS_NS / 4 * 3;

	sl_central_observe(&central, ONE / 10, ONE / 10, START + 500 * MS_NS);
	assert_true(sl_central_due_ns(&central, START + 500 * MS_NS) > START + 500 * MS_NS);
	assert_true(sl_central_due_ns(&central, late) <= late);
}

/* A store that stood still answers all that was asked meanwhile, and charges it once. */
static void what_is_asked_again_is_charged_once(void **state)
{
	const struct sl_terms small = terms();
	struct sl_charge charge = { 2 * ONE, 0, 0, 102 * ONE, 0, 0 };
	struct sl_charged charged;
	struct sl_store_sums sums;
	struct sl_store *store;
	int64_t full;

	assert_int_equal(sl_store_new(&store), 0);
	(void)sl_store_set_terms(store, &small, WALL / 1000);
	assert_int_equal(sl_store_charge(store, 1, 1, &charge, WALL, &charged), 0);
	sl_store_sums(store, &sums);
	full = sums.full_at_us;
	assert_int_equal(full, WALL + 2 * ONE * 1000000ll / R);
	assert_int_equal(sl_store_charge(store, 1, 1, &charge, WALL, &charged), 0);
	sl_store_sums(store, &sums);
	assert_int_equal(sums.full_at_us, full);
	charge.passed_mu += ONE;
	charge.total_mu += ONE;
	assert_int_equal(sl_store_charge(store, 1, 1, &charge, WALL, &charged), 0);
	sl_store_sums(store, &sums);
	assert_int_equal(sums.full_at_us, full + ONE * 1000000ll / R);
	/* A clock that goes back brings no debt with it. */
	assert_int_equal(sl_store_charge(store, 1, 1, &charge, WALL - 20000000, &charged), 0);
	sl_store_sums(store, &sums);
	assert_int_equal(sums.full_at_us, full + ONE * 1000000ll / R - 20000000);
	sl_store_free(store);
}

/* What one question may pay for ahead: so much is lost to all when its answer is. */
#define PAID_MOST (R / 4)

/* An answer that is lost paid for what nobody spends; the question after it pays anew. That
 * admits less, at most PAID_MOST for each, and never more. */
static void lost_answers_and_doubled_questions_only_admit_less(void **state)
{
	static const struct {
		uint64_t lose_each, double_each;
	} rows[] = { { 10, 0 }, { 3, 0 }, { 2, 0 }, { 0, 10 }, { 0, 3 }, { 5, 7 } };
	static const double demands[][NODES] = {
		{ 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000 },
		{ 1000 },
		{ 300, 200, 100 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t j = 0; j < sizeof(demands) / sizeof(demands[0]); j++) {
			struct cluster cluster;
			double got;

			open_cluster(&cluster);
			cluster.lose_each = rows[i].lose_each;
			cluster.double_each = rows[i].double_each;
			got = run(&cluster, demands[j], 60000);
			assert_true(got <= 60 * R + B + NODES * ONE);
			assert_true(cluster.lost + cluster.doubled > 0);
			assert_true(got >=
				    60 * R * 0.95 - (double)PAID_MOST * (double)(cluster.lost +
										 cluster.doubled));
			sl_store_free(cluster.store);
		}
}

/* Nothing is promised for later than a second: so long do all wait after the worst of it. */
static void a_time_of_lost_answers_costs_a_second_at_most(void **state)
{
	static const double flood[NODES] = { 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000 };
	struct cluster cluster;
	struct sl_store_sums sums;
	double got;

	open_cluster(&cluster);
	(void)run(&cluster, flood, 5000);
	cluster.lose_each = 1;
	(void)run(&cluster, flood, 4000);
	sl_store_sums(cluster.store, &sums);
	assert_true(sums.full_at_us - (WALL + (int64_t)cluster.ms * 1000) <=
		    1000000ll + (B + NODES * ONE) * 1000000ll / R);
	cluster.lose_each = 0;
	got = run(&cluster, flood, 10000);
	assert_true(got <= 10 * R + B + NODES * ONE);
	assert_true(got >= 10 * R - R - PAID_MOST - NODES * ONE);
	sl_store_free(cluster.store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cold_is_one_cost_and_a_hundredth),
		cmocka_unit_test(a_refusal_blocks_and_then_asks),
		cmocka_unit_test(a_promise_is_there_when_the_wait_is_over),
		cmocka_unit_test(questions_are_a_tenth_of_a_second_apart),
		cmocka_unit_test(a_question_says_when_it_is_void),
		cmocka_unit_test(what_passed_unpaid_is_charged_once),
		cmocka_unit_test(an_outage_leaves_the_safe_share_and_no_debt),
		cmocka_unit_test(a_question_that_failed_leaves_the_safe_share_at_once),
		cmocka_unit_test(an_idle_node_is_cold),
		cmocka_unit_test(a_flood_on_all_nodes_gets_the_limit_and_no_more),
		cmocka_unit_test(one_hot_node_gets_all_of_it),
		cmocka_unit_test(an_answer_that_ages_is_asked_for_anew),
		cmocka_unit_test(what_is_asked_again_is_charged_once),
		cmocka_unit_test(lost_answers_and_doubled_questions_only_admit_less),
		cmocka_unit_test(a_time_of_lost_answers_costs_a_second_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
