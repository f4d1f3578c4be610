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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_late_question_to_an_earlier_row_frees_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
