// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include "userspace/agent/quota_refusals.h"

#define S_NS 1000000000ull

static const struct sl_refusal_facts held = {
	.mode = SL_QUOTA_MODE_HELD,
	.rate_mu_per_s = 5,
	.limit_mu_per_s = 10,
	.effective_mu_per_s = 10,
};

static struct sl_refusal_facts facts_in(enum sl_quota_mode mode)
{
	struct sl_refusal_facts facts = held;

	facts.mode = mode;
	return facts;
}

static void a_held_lease_says_no_for_one_of_five_reasons(void **state)
{
	struct sl_refusal_facts facts = held;

	assert_int_equal(sl_refusal_cause_of(&facts), SL_REFUSED_BY_BUCKET);
	facts.contended = true;
	assert_int_equal(sl_refusal_cause_of(&facts), SL_REFUSED_BY_SHARE);
	facts.effective_mu_per_s = 0; /* not known */
	assert_int_equal(sl_refusal_cause_of(&facts), SL_REFUSED_BY_SHARE);
	facts.effective_mu_per_s = 9;
	assert_int_equal(sl_refusal_cause_of(&facts), SL_REFUSED_BY_LEADER);
	facts.learning = true;
	assert_int_equal(sl_refusal_cause_of(&facts), SL_REFUSED_LEARNING);
	facts.central = true;
	assert_int_equal(sl_refusal_cause_of(&facts), SL_REFUSED_BY_CENTRAL);
}

static void every_other_mode_has_its_cause(void **state)
{
	static const struct {
		enum sl_quota_mode mode;
		enum sl_refusal_cause cause;
	} rows[] = {
		{ SL_QUOTA_MODE_COLD, SL_REFUSED_COLD },
		{ SL_QUOTA_MODE_BLEND, SL_REFUSED_ENDED },
		{ SL_QUOTA_MODE_LAST, SL_REFUSED_ENDED },
		{ SL_QUOTA_MODE_SAFE, SL_REFUSED_ENDED },
		{ SL_QUOTA_MODE_OPEN, SL_REFUSED_ENDED },
		{ SL_QUOTA_MODE_CLOSED, SL_REFUSED_CLOSED },
		{ SL_QUOTA_MODE_FENCED, SL_REFUSED_FENCED },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct sl_refusal_facts facts = facts_in(rows[i].mode);

		assert_int_equal(sl_refusal_cause_of(&facts), rows[i].cause);
	}
}

static void a_drained_node_says_so(void **state)
{
	struct sl_refusal_facts facts = facts_in(SL_QUOTA_MODE_COLD);

	facts.drained = true;
	assert_int_equal(sl_refusal_cause_of(&facts), SL_REFUSED_DRAINED);
}

static void one_cause_is_one_entry_until_it_pauses(void **state)
{
	struct sl_refusals refusals = { .count = 0 };

	sl_refusals_add(&refusals, &held, 0, S_NS);
	assert_int_equal(refusals.count, 0);
	sl_refusals_add(&refusals, &held, 7, S_NS);
	sl_refusals_add(&refusals, &held, 3, 2 * S_NS);
	assert_int_equal(refusals.count, 1);
	assert_int_equal(refusals.at[0].refused_mu, 10);
	assert_int_equal(refusals.at[0].first_ns, S_NS);
	assert_int_equal(refusals.at[0].last_ns, 2 * S_NS);
	assert_int_equal(refusals.at[0].rate_mu_per_s, 5);
	sl_refusals_add(&refusals, &held, 1, 2 * S_NS + SL_REFUSALS_GAP_NS);
	assert_int_equal(refusals.count, 2);
	assert_int_equal(refusals.at[0].refused_mu, 1);
	assert_int_equal(refusals.at[1].refused_mu, 10);
}

static void the_newest_come_first_and_the_oldest_goes(void **state)
{
	static const enum sl_quota_mode modes[] = { SL_QUOTA_MODE_COLD, SL_QUOTA_MODE_HELD,
						    SL_QUOTA_MODE_BLEND, SL_QUOTA_MODE_CLOSED,
						    SL_QUOTA_MODE_FENCED };
	struct sl_refusals refusals = { .count = 0 };

	for (size_t i = 0; i < 5; i++) {
		const struct sl_refusal_facts facts = facts_in(modes[i]);

		sl_refusals_add(&refusals, &facts, 1, i * S_NS);
	}
	assert_int_equal(refusals.count, SL_REFUSALS_MAX);
	assert_int_equal(refusals.at[0].cause, SL_REFUSED_FENCED);
	assert_int_equal(refusals.at[SL_REFUSALS_MAX - 1].cause, SL_REFUSED_BY_BUCKET);
}

static void the_sum_does_not_overflow(void **state)
{
	struct sl_refusals refusals = { .count = 0 };

	sl_refusals_add(&refusals, &held, INT64_MAX, S_NS);
	sl_refusals_add(&refusals, &held, INT64_MAX, S_NS);
	assert_true(refusals.at[0].refused_mu == INT64_MAX);
}

static void every_cause_has_words(void **state)
{
	for (int cause = 0; cause < SL_REFUSED_CAUSES; cause++) {
		assert_non_null(sl_refusal_name((enum sl_refusal_cause)cause));
		assert_non_null(sl_refusal_text((enum sl_refusal_cause)cause));
	}
	assert_null(sl_refusal_name(SL_REFUSED_CAUSES));
	assert_null(sl_refusal_text(SL_REFUSED_CAUSES));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_held_lease_says_no_for_one_of_five_reasons),
		cmocka_unit_test(every_other_mode_has_its_cause),
		cmocka_unit_test(a_drained_node_says_so),
		cmocka_unit_test(one_cause_is_one_entry_until_it_pauses),
		cmocka_unit_test(the_newest_come_first_and_the_oldest_goes),
		cmocka_unit_test(the_sum_does_not_overflow),
		cmocka_unit_test(every_cause_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
