// SPDX-License-Identifier: Apache-2.0
#include "userspace/quota/store.h"

#include "tests/harness/test.h"
#include "userspace/base/cleanup.h"

#define R      1000000 /* mu/s */
#define START  1000000000000
#define TTL    5000
#define ROUNDS 15 /* seconds: it learns for two ttl */

struct node {
	struct sl_renew says;
	struct sl_renewed hears;
};

static void renew(struct sl_store *store, const struct sl_renew *says, int64_t now_ms,
		  struct sl_renewed *ret)
{
	assert_int_equal(sl_store_renew(store, 1, 1, says, now_ms, ret), 0);
	assert_int_equal(ret->status, SL_QUOTA_OK);
}

/* A node that begins with nothing, and wants all of it once a second. */
static struct node live(struct sl_store *store, int64_t *now_ms)
{
	struct node node = { .says = { .want_mu_per_s = R, .ttl_ms = TTL } };

	for (int i = 0; i < ROUNDS; i++) {
		*now_ms += 1000;
		renew(store, &node.says, *now_ms, &node.hears);
		node.says.has_mu_per_s = node.hears.grant_mu_per_s;
		node.says.ack = node.hears.seq;
	}
	assert_int_equal(node.hears.grant_mu_per_s, R);
	return node;
}

static void a_late_question_to_an_earlier_row_frees_nothing(void **state)
{
	sl_cleanup(sl_store_freep) struct sl_store *store = NULL;
	const struct sl_terms terms = sl_terms_of(1, R, R / 2);
	struct sl_store_sums sums;
	struct sl_renewed ignored;
	struct node late;
	int64_t now_ms = START;

	(void)state;
	assert_int_equal(sl_store_new(&store), 0);
	assert_int_equal(sl_store_set_terms(store, &terms, now_ms), SL_QUOTA_OK);
	late = live(store, &now_ms);
	late.says.has_mu_per_s = R / 10;
	now_ms += 3 * TTL;
	(void)live(store, &now_ms); /* as many questions as before */
	renew(store, &late.says, now_ms, &ignored);
	sl_store_sums(store, &sums);
	assert_int_equal(sums.held, R);
}

static void renew_as(struct sl_store *store, uint64_t node, int64_t want, int64_t now_ms,
		     struct sl_renewed *ret)
{
	const struct sl_renew says = { .want_mu_per_s = want, .ttl_ms = TTL };

	assert_int_equal(sl_store_renew(store, node, 1, &says, now_ms, ret), 0);
	assert_int_equal(ret->status, SL_QUOTA_OK);
}

/* Two that flood and one that wants little, once a second. */
static int64_t flood(struct sl_store *store, int64_t now_ms, int64_t little)
{
	const struct sl_terms terms = sl_terms_of(1, R, R / 2);
	struct sl_renewed renewed;

	assert_int_equal(sl_store_set_terms(store, &terms, now_ms), SL_QUOTA_OK);
	for (int i = 0; i < ROUNDS; i++) {
		now_ms += 1000;
		renew_as(store, 1, R, now_ms, &renewed);
		renew_as(store, 2, R, now_ms, &renewed);
		renew_as(store, 3, little, now_ms, &renewed);
	}
	return now_ms;
}

static void who_comes_to_the_floor_counts_there_from_the_next_period_on(void **state)
{
	sl_cleanup(sl_store_freep) struct sl_store *store = NULL;
	struct sl_store_sums sums;
	struct sl_renewed renewed;
	int64_t now_ms;

	(void)state;
	assert_int_equal(sl_store_new(&store), 0);
	now_ms = flood(store, START, R) + 100;
	sl_store_sums(store, &sums);
	assert_int_equal(sums.floor_want_mu_per_s, 0);
	renew_as(store, 3, R / 50, now_ms, &renewed);
	renew_as(store, 1, R, now_ms + 1000, &renewed);
	sl_store_sums(store, &sums);
	assert_int_equal(sums.floor_want_mu_per_s, R / 50);
	now_ms += 1100;
	renew_as(store, 3, R, now_ms, &renewed); /* and no longer than that */
	renew_as(store, 1, R, now_ms + 1000, &renewed);
	sl_store_sums(store, &sums);
	assert_int_equal(sums.floor_want_mu_per_s, 0);
}

static void what_is_aimed_at_is_not_negative_when_the_rate_falls_under_the_floor(void **state)
{
	sl_cleanup(sl_store_freep) struct sl_store *store = NULL;
	struct sl_renewed renewed;
	int64_t now_ms;

	(void)state;
	assert_int_equal(sl_store_new(&store), 0);
	now_ms = flood(store, START, R / 20);
	assert_int_equal(sl_store_set_rate(store, R / 50, 1, now_ms), SL_QUOTA_OK);
	renew_as(store, 1, R, now_ms + 10, &renewed);
	assert_int_equal(renewed.lambda_ppm, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_late_question_to_an_earlier_row_frees_nothing),
		cmocka_unit_test(who_comes_to_the_floor_counts_there_from_the_next_period_on),
		cmocka_unit_test(
			what_is_aimed_at_is_not_negative_when_the_rate_falls_under_the_floor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
