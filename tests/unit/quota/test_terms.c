// SPDX-License-Identifier: Apache-2.0
#include "userspace/quota/terms.h"

#include <errno.h>

#include "tests/harness/test.h"
#include "userspace/quota/renewal.h"

static void defaults_are_good(void **state)
{
	struct sl_terms terms = sl_terms_of(1, SL_QUOTA_RATE_MAX, SL_QUOTA_BURST_MAX);

	assert_int_equal(sl_terms_check(&terms, NULL), 0);
	terms = sl_terms_of(1, 1, 1);
	assert_int_equal(sl_terms_check(&terms, NULL), 0);
}

static void each_bound_is_named(void **state)
{
	struct sl_terms terms = sl_terms_of(1, 1000, 1000);
	const char *field = NULL;

#define BAD(member, value, name)                                                                   \
	do {                                                                                       \
		struct sl_terms bad = terms;                                                       \
		bad.member = value;                                                                \
		assert_int_equal(sl_terms_check(&bad, &field), -EINVAL);                           \
		assert_string_equal(field, name);                                                  \
	} while (0)

	BAD(gen, 0, "gen");
	BAD(gen, 1ull << 53, "gen");
	BAD(rate_mu_per_s, 0, "rate");
	BAD(rate_mu_per_s, SL_QUOTA_RATE_MAX + 1, "rate");
	BAD(burst_mu, 0, "burst");
	BAD(cost_max_mu, 1001, "cost_max");
	BAD(guarantee_mu_per_s, 1001, "guarantee");
	BAD(ceiling_mu_per_s, 999, "ceiling");
	BAD(node_ceiling_mu_per_s, -1, "node_ceiling");
	BAD(weight, 0, "weight");
	BAD(overbook_max_ppm, 999999, "overbook_max");
	BAD(safe_ppm, 1000001, "safe");
	BAD(ttl_ms, 199, "ttl");
	BAD(period_ms, 2501, "period");
	BAD(class, SL_QUOTA_CLASSES, "class");
	BAD(on_expiry, (enum sl_on_expiry)5, "on_lease_expiry");
#undef BAD
}

static void shares_of_all_nodes_are_the_whole(void **state)
{
	struct sl_terms terms = sl_terms_of(1, 1000000, 500000);

	assert_int_equal(sl_terms_safe_rate(&terms, 4), 250000);
	assert_int_equal(sl_terms_safe_rate(&terms, 0), 1000000);
	assert_int_equal(sl_terms_cold_rate(&terms, 4), 2500);
	terms.safe_ppm = 500000;
	assert_int_equal(sl_terms_safe_rate(&terms, 4), 125000);
	assert_int_equal(sl_terms_cap(&terms, 250000), 125000);
	assert_int_equal(sl_terms_cap(&terms, 1), terms.cost_max_mu);
	assert_int_equal(sl_terms_cap(&terms, 1000000), 500000);
}

static void twenty_units_a_second_for_each_node_are_small(void **state)
{
	assert_true(sl_terms_are_small(1000000, 50));
	assert_false(sl_terms_are_small(1000001, 50));
}

static void every_value_has_a_name(void **state)
{
	assert_string_equal(sl_quota_kind_name(SL_QUOTA_COST), "cost");
	assert_null(sl_quota_kind_name(SL_QUOTA_KINDS));
	assert_string_equal(sl_on_expiry_name(SL_EXPIRY_OPEN), "open");
	assert_null(sl_on_expiry_name((enum sl_on_expiry)5));
	assert_string_equal(sl_quota_class_name(SL_QUOTA_SHEDDABLE), "sheddable");
	assert_null(sl_quota_class_name(SL_QUOTA_CLASSES));
	assert_string_equal(sl_quota_status_name(SL_QUOTA_CONFLICT), "conflict");
	assert_null(sl_quota_status_name((enum sl_quota_status)8));
	assert_string_equal(sl_quota_mode_name(SL_QUOTA_MODE_FENCED), "fenced");
	assert_null(sl_quota_mode_name((enum sl_quota_mode)8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_good),
		cmocka_unit_test(each_bound_is_named),
		cmocka_unit_test(shares_of_all_nodes_are_the_whole),
		cmocka_unit_test(twenty_units_a_second_for_each_node_are_small),
		cmocka_unit_test(every_value_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
