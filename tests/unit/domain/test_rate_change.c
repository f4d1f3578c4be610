// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include "bpf/lib/bucket.h"
#include "userspace/domain/limit.h"
#include "userspace/domain/rate_change.h"

#define NOW_CU (77ull << 40)

/* Whole units that a bucket at @tat_cu admits at once. */
static unsigned int units_in(__u64 tat_cu, const struct sl_rate *rate)
{
	unsigned int units = 0;

	while (units < 10000 && sl_bucket_has(&tat_cu, rate->cost, rate->burst_cu, NOW_CU)) {
		tat_cu = ((int64_t)(tat_cu - NOW_CU) > 0 ? tat_cu : NOW_CU) + rate->cost;
		units++;
	}
	return units;
}

static struct sl_rate count_rate(uint64_t per_s, uint64_t burst)
{
	return sl_rate_of_mu(per_s * 1000, burst * 1000, SL_UNIT_COUNT);
}

/* The word of a bucket of @rate that holds @units. */
static uint64_t holding(const struct sl_rate *rate, unsigned int units)
{
	return NOW_CU + rate->burst_cu - units * rate->cost;
}

static void a_rate_of_milli_units_is_the_rate_of_units(void **state)
{
	static const uint64_t rates[] = { 1, 7, 1000, 123456, 100000000 };

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		const struct sl_rate_spec spec = { .per_s = rates[i], .burst = 9 };
		const struct sl_rate_spec bytes = { .per_s = rates[i] * 1000, .burst = 9000 };
		struct sl_rate want = sl_rate_cost(&spec, SL_UNIT_COUNT);
		struct sl_rate got = count_rate(rates[i], 9);

		assert_int_equal(got.cost, want.cost);
		assert_int_equal(got.burst_cu, want.burst_cu);
		if (bytes.per_s > SL_BYTES_PER_S_MAX)
			continue;
		want = sl_rate_cost(&bytes, SL_UNIT_BYTES);
		got = sl_rate_of_mu(bytes.per_s, bytes.burst, SL_UNIT_BYTES);
		assert_int_equal(got.cost, want.cost);
		assert_int_equal(got.burst_cu, want.burst_cu);
	}
}

static void the_way_back_is_about_the_same_and_never_more(void **state)
{
	static const uint64_t rates[] = { 1, 999, 1001, 33333, 1234567, 77777777777 };

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++)
		for (int unit = SL_UNIT_COUNT; unit <= SL_UNIT_BYTES; unit++) {
			const struct sl_rate rate =
				sl_rate_of_mu(rates[i], 1000, (enum sl_unit)unit);
			const uint64_t back = sl_rate_to_mu(&rate, (enum sl_unit)unit);

			if (unit == SL_UNIT_BYTES && rates[i] < SL_BYTES_PER_S_MIN)
				continue;
			assert_true(back <= rates[i]);
			assert_true(rates[i] - back <= rates[i] / 100 + 1);
		}
}

static void nothing_and_no_limit_have_no_way_back(void **state)
{
	const struct sl_rate nothing = sl_rate_of_mu(0, 1000, SL_UNIT_COUNT);
	const struct sl_rate unlimited = { 0 };

	(void)state;
	assert_int_equal(sl_rate_to_mu(&nothing, SL_UNIT_COUNT), 0);
	assert_int_equal(sl_rate_to_mu(&nothing, SL_UNIT_BYTES), 0);
	assert_int_equal(sl_rate_to_mu(&unlimited, SL_UNIT_COUNT), 0);
}

static void no_rate_is_unlimited(void **state)
{
	(void)state;
	for (int unit = SL_UNIT_COUNT; unit <= SL_UNIT_BYTES; unit++) {
		struct sl_rate none = sl_rate_of_mu(0, 1000000, (enum sl_unit)unit);
		struct sl_rate least = sl_rate_of_mu(1, 1000, (enum sl_unit)unit);
		struct sl_rate most = sl_rate_of_mu(UINT64_MAX, 1000, (enum sl_unit)unit);

		assert_true(none.cost > least.cost);
		assert_true(least.cost > most.cost);
		assert_true(most.cost > 0);
		/* The charge of the largest packet fits. */
		assert_true(none.cost <= UINT64_MAX / 1024);
	}
}

static void what_a_bucket_holds_is_kept(void **state)
{
	static const struct {
		const char *name;
		uint64_t rate, burst, new_rate, new_burst;
		unsigned int held, kept;
	} rows[] = {
		{ "the same", 100, 10, 100, 10, 7, 7 },
		{ "a rate grows", 100, 10, 1000, 10, 7, 7 },
		{ "a rate and its burst grow", 100, 10, 1000, 100, 7, 7 },
		{ "full, both grow: nothing minted", 100, 10, 1000, 100, 10, 10 },
		{ "empty stays empty", 100, 10, 1000, 100, 0, 0 },
		{ "a rate shrinks", 1000, 10, 100, 10, 7, 7 },
		{ "a burst shrinks below what is held", 1000, 100, 100, 10, 70, 10 },
		{ "a burst shrinks to what is held", 1000, 100, 100, 10, 10, 10 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sl_rate old = count_rate(rows[i].rate, rows[i].burst);
		struct sl_rate new = count_rate(rows[i].new_rate, rows[i].new_burst);
		uint64_t tat_cu = holding(&old, rows[i].held);

		assert_int_equal(units_in(tat_cu, &old), rows[i].held);
		tat_cu = sl_rate_change_tat(tat_cu, NOW_CU, &old, &new);
		if (units_in(tat_cu, &new) != rows[i].kept)
			fail_msg("%s: %u", rows[i].name, units_in(tat_cu, &new));
	}
}

static void a_rate_of_nothing_empties_the_bucket(void **state)
{
	struct sl_rate old = count_rate(100, 10), none = sl_rate_of_mu(0, 10000, SL_UNIT_COUNT);
	uint64_t tat_cu = sl_rate_change_tat(NOW_CU, NOW_CU, &old, &none);

	(void)state;
	assert_int_equal(units_in(tat_cu, &none), 0);
	assert_int_equal(units_in(sl_rate_change_tat(tat_cu, NOW_CU, &none, &old), &old), 0);
}

static void debt_stays_debt(void **state)
{
	struct sl_rate old = count_rate(100, 10), new = count_rate(1000, 100);
	uint64_t tat_cu = NOW_CU + old.burst_cu + 5 * old.cost;

	(void)state;
	tat_cu = sl_rate_change_tat(tat_cu, NOW_CU, &old, &new);
	assert_int_equal(tat_cu, NOW_CU + new.burst_cu + 5 * new.cost);
	/* However large: the sum is never a time that is long over. */
	tat_cu = sl_rate_change_tat(NOW_CU + INT64_MAX, NOW_CU, &new, &old);
	assert_true((int64_t)(tat_cu - NOW_CU) > 0);
}

static void a_long_idle_bucket_is_full_and_no_more(void **state)
{
	struct sl_rate old = count_rate(100, 10), new = count_rate(200, 20);

	(void)state;
	assert_int_equal(units_in(sl_rate_change_tat(0, NOW_CU, &old, &new), &new), 10);
	assert_int_equal(sl_rate_change_tat(5, NOW_CU, &(struct sl_rate){ 0, 0 }, &new), NOW_CU);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rate_of_milli_units_is_the_rate_of_units),
		cmocka_unit_test(the_way_back_is_about_the_same_and_never_more),
		cmocka_unit_test(nothing_and_no_limit_have_no_way_back),
		cmocka_unit_test(no_rate_is_unlimited),
		cmocka_unit_test(what_a_bucket_holds_is_kept),
		cmocka_unit_test(a_rate_of_nothing_empties_the_bucket),
		cmocka_unit_test(debt_stays_debt),
		cmocka_unit_test(a_long_idle_bucket_is_full_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
