// SPDX-License-Identifier: Apache-2.0
/* What small tenants pass while the store is away, and what of it they owe then. */
#include "tests/unit/quota/central_world.h"

static const double flooded[NODES] = { 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000 };

/* What the safe shares let pass was there: nobody else was paid meanwhile. In any time the sum
 * is within the bound, with the safe shares in it; ten seconds after that it is without them. */
static void after_an_outage_all_are_served_within_a_second(void **state)
{
	static const uint64_t lasts_ms[] = { 1000, 2000, 4000, 8000, 30000 };

	(void)state;
	for (size_t i = 0; i < sizeof(lasts_ms) / sizeof(*lasts_ms); i++) {
		const double outage = R * (double)lasts_ms[i] / 1000, slack = B + NODES * ONE;
		struct cluster cluster;
		double away, healed = 0;

		open_cluster(&cluster);
		(void)run(&cluster, flooded, 10000);
		cluster.away = UINT64_MAX;
		away = run(&cluster, flooded, lasts_ms[i]);
		assert_true(away <= 2 * outage + slack);
		cluster.away = 0;
		for (int s = 1; s <= 10; s++) {
			healed += run(&cluster, flooded, 1000);
			assert_true(away + healed <= 2 * outage + R * s + slack);
			/* Until a second is over some have their safe share. */
			assert_true(healed <= R * (s + 1) + slack);
			assert_true(s < 3 || healed >= R * (s - 1));
		}
		assert_true(away + healed <= outage + R * 10 + slack);
		sl_store_free(cluster.store);
	}
}

static void stand_still(uint64_t ms, size_t keeps)
{
	const double outage = R * (double)ms / 1000, slack = B + NODES * ONE;
	struct cluster cluster;
	double away, healed = 0;

	open_cluster(&cluster);
	(void)run(&cluster, flooded, 10000);
	cluster.away = UINT64_MAX;
	cluster.keeps = keeps;
	away = run(&cluster, flooded, ms);
	assert_true(cluster.kept_count >= NODES);
	thaw(&cluster);
	for (int s = 1; s <= 10; s++) {
		healed += run(&cluster, flooded, 1000);
		assert_true(healed <= R * (s + 2) + slack);
		assert_true(healed >= R * (s - 1.5));
	}
	assert_true(away + healed <= outage + R * 10 + slack);
	sl_store_free(cluster.store);
}

/* What it reads late asks for nodes that no longer wait: they are charged for what passed when it
 * passed, and nobody is paid. A connection has one question of each node, a network all. */
static void what_a_store_that_stood_still_reads_late_pays_for_nobody(void **state)
{
	(void)state;
	for (uint64_t ms = 1000; ms <= 16000; ms *= 2) {
		stand_still(ms, NODES);
		stand_still(ms, KEPT);
	}
}

/* Others had all of it meanwhile: what it passed is a debt as ever. */
static void who_is_cut_off_alone_is_charged_in_full(void **state)
{
	struct cluster cluster;
	double got;

	(void)state;
	open_cluster(&cluster);
	(void)run(&cluster, flooded, 10000);
	cluster.away = 1;
	got = run(&cluster, flooded, 4000);
	cluster.away = 0;
	got += run(&cluster, flooded, 16000);
	assert_true(got <= 20 * R + NODES * ONE);
	assert_true(got >= 20 * R * 0.95);
	sl_store_free(cluster.store);
}

static int64_t debt_us(struct sl_store *store, uint64_t node, struct sl_charge charge,
		       int64_t now_us)
{
	struct sl_charged charged;
	struct sl_store_sums sums;

	assert_int_equal(sl_store_charge(store, node, 1, &charge, now_us, &charged), 0);
	assert_int_equal(charged.status, SL_QUOTA_OK);
	sl_store_sums(store, &sums);
	return sums.full_at_us - now_us;
}

static void a_question_that_is_read_late_is_charged_and_pays_for_nothing(void **state)
{
	const int64_t one_us = ONE * 1000000ll / R, stood_us = 10000000,
		      now_us = WALL + 60 * stood_us;
	const struct sl_terms small = terms();
	struct sl_charge late = { ONE, 2 * ONE, 7 * ONE, ONE, 0, now_us };
	struct sl_charged charged;
	struct sl_store_sums sums;
	struct sl_store *store;

	(void)state;
	assert_int_equal(sl_store_new(&store), 0);
	(void)sl_store_set_terms(store, &small, WALL / 1000);
	/* At its end it is in time. */
	(void)debt_us(store, 1, late, now_us);
	assert_int_equal(sl_store_charge(store, 2, 1, &late, now_us, &charged), 0);
	assert_int_equal(charged.paid_mu, 2 * ONE);
	assert_int_equal(debt_us(store, 3, (struct sl_charge){ 0 }, now_us), 6 * one_us);
	/* Ten seconds later nobody was paid since a little after it was asked: it passed then. */
	assert_int_equal(sl_store_charge(store, 4, 1, &late, now_us + stood_us, &charged), 0);
	assert_int_equal(charged.status, SL_QUOTA_OK);
	assert_int_equal(charged.paid_mu, 0);
	assert_int_equal(charged.wait_ms, 0);
	assert_int_equal(charged.store_us, now_us + stood_us);
	sl_store_sums(store, &sums);
	assert_int_equal(sums.full_at_us, now_us + stood_us);
	assert_int_equal(sums.idle_us, stood_us - 7 * one_us);
	/* Once. */
	late.void_us -= 1;
	assert_int_equal(debt_us(store, 4, late, now_us + stood_us), 0);
	/* It has a row and says what it wants, as each does. */
	assert_int_equal(sums.want, 7 * ONE);
	assert_int_equal(sums.live, 1);
	sl_store_free(store);
}

/* Of the idle time only: once, back to since, and not what may have passed after it. */
static void a_late_charge_takes_what_nobody_was_paid(void **state)
{
	const int64_t one_us = ONE * 1000000ll / R, second_us = 1000000, cost = 50 * one_us;
	const struct sl_charge late = { 50 * ONE, 0, 0, 50 * ONE, 5000, 0 };
	const struct sl_terms small = terms();
	int64_t now_us = WALL + 60 * second_us, third;
	struct sl_store *store;

	(void)state;
	assert_int_equal(sl_store_new(&store), 0);
	(void)sl_store_set_terms(store, &small, WALL / 1000);
	(void)debt_us(store, 9, (struct sl_charge){ ONE, 0, 0, ONE, 0, 0 }, WALL);
	/* Two seconds of R in five: all but one cost was there, and the idle time is long enough.
	 */
	assert_int_equal(debt_us(store, 1, late, now_us), one_us);
	/* Half a second on, the second of two nodes: a part of that may be of its share. */
	now_us += second_us / 2;
	assert_int_equal(debt_us(store, 2, late, now_us), one_us + second_us / 2 / 2);
	/* One more has used up five seconds: the rest is a debt, and what comes then as well. */
	third = debt_us(store, 3, late, now_us);
	assert_true(third >= 3 * cost - 11 * second_us / 2 && third <= second_us);
	assert_int_equal(debt_us(store, 4, late, now_us), third + cost);
	/* It passed after the idle time: in full. */
	assert_int_equal(debt_us(store, 5, (struct sl_charge){ ONE, 0, 0, ONE, 100, 0 }, now_us),
			 third + cost + one_us);
	sl_store_free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_an_outage_all_are_served_within_a_second),
		cmocka_unit_test(what_a_store_that_stood_still_reads_late_pays_for_nobody),
		cmocka_unit_test(who_is_cut_off_alone_is_charged_in_full),
		cmocka_unit_test(a_question_that_is_read_late_is_charged_and_pays_for_nothing),
		cmocka_unit_test(a_late_charge_takes_what_nobody_was_paid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
