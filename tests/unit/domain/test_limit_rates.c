// SPDX-License-Identifier: Apache-2.0
/* The rates of limit.h, by the bucket that the packet path runs. */
#include "tests/unit/domain/limits.h"

#include "bpf/lib/bucket.h"

static void costs_are_in_the_fixed_point_of_the_abi(void **state)
{
	assert_int_equal(count_rate(1, 1).cost, S_NS << 10);
	assert_int_equal(count_rate(1000, 10).cost, 1024000000);
	assert_int_equal(count_rate(1000, 10).burst_cu, 10240000000);
	assert_int_equal(count_rate(SL_RATE_PER_S_MAX, 1).cost, 10240);
	assert_int_equal(count_rate(3, 1).cost, 341333333333); /* rounded down */
	assert_int_equal(count_rate(30000001, 1).cost, 34133); /* 34133.33 */
	assert_int_equal(count_rate(30000500, 1).cost, 34133); /* 34132.76: up */
	assert_int_equal(byte_rate(SL_BYTES_PER_S_MIN, 2048).cost, 16777216000000);
	assert_int_equal(byte_rate(SL_BYTES_PER_S_MAX, 2048).cost, 335544);
	assert_int_equal(byte_rate(1000000, 2048).burst_cu, 2048ull * 1024000);
}

static void unlimited_and_zero_cost_nothing(void **state)
{
	const struct sl_rate_spec unlimited = UNLIMITED, zero = { 0 };
	const struct sl_rate none = { 0 };
	struct sl_rate rate = sl_rate_cost(&unlimited, SL_UNIT_BYTES);

	assert_memory_equal(&rate, &none, sizeof(rate));
	rate = sl_rate_cost(&zero, SL_UNIT_COUNT);
	assert_memory_equal(&rate, &none, sizeof(rate));
}

static void rates_out_of_bounds_are_as_if_at_the_bound(void **state)
{
	assert_int_equal(count_rate(UINT64_MAX, 1).cost, 10240);
	assert_int_equal(byte_rate(UINT64_MAX, 1).cost, 335544);
	assert_int_equal(byte_rate(1, 1).cost, 16777216000000);
	assert_int_equal(byte_rate(1, UINT64_MAX).burst_cu, SL_BURST_NS_MAX << 10);
	assert_int_equal(count_rate(1, UINT64_MAX).burst_cu, SL_BURST_NS_MAX << 10);
}

/* Nothing that the packet path computes of a rate may wrap. */
static void the_longest_burst_and_debt_stay_in_a_word(void **state)
{
	const struct sl_rate slow = count_rate(1, 86400);
	const struct sl_rate trickle = byte_rate(SL_BYTES_PER_S_MIN, 86400 * SL_BYTES_PER_S_MIN);

	assert_int_equal(slow.burst_cu, SL_BURST_NS_MAX << 10);
	assert_int_equal(trickle.burst_cu, SL_BURST_NS_MAX << 10);
	assert_true(slow.burst_cu + sl_packets_debt(&slow) < INT64_MAX);
	assert_true(trickle.burst_cu + sl_bytes_debt(&trickle) < INT64_MAX);
	assert_int_equal(sl_bytes_cost(&trickle, SL_PACKET_BYTES_MAX),
			 (unsigned __int128)trickle.cost * SL_PACKET_BYTES_MAX >> 14);
}

static void the_way_back_is_exact_but_for_rounding(void **state)
{
	static const uint64_t counts[] = { 1, 3, 999, 10000, 1234567, 20000000 };
	static const uint64_t bytes[] = { 1000, 1500, 125000000, 1250000000, 12345678901 };

	for (size_t i = 0; i < COUNT(counts); i++) {
		const struct sl_rate rate = count_rate(counts[i], 7);
		const struct sl_rate_spec back = sl_rate_of_cost(&rate, SL_UNIT_COUNT);

		assert_false(back.unlimited);
		assert_int_equal(back.burst, 7);
		assert_in_range(back.per_s, counts[i] - counts[i] / 40000,
				counts[i] + counts[i] / 40000);
	}
	for (size_t i = 0; i < COUNT(bytes); i++) {
		const struct sl_rate rate = byte_rate(bytes[i], 65536);
		const struct sl_rate_spec back = sl_rate_of_cost(&rate, SL_UNIT_BYTES);

		assert_in_range(back.burst, 65535, 65536);
		assert_in_range(back.per_s, bytes[i] - bytes[i] / 500000,
				bytes[i] + bytes[i] / 500000);
	}
	assert_true(sl_rate_of_cost(&(struct sl_rate){ 0 }, SL_UNIT_COUNT).unlimited);
}

/* ---- the bucket of the packet path ------------------------------------------------------- */

/* How many units of @cost_cu a full bucket admits at once, at most @most. */
static uint64_t at_once(const struct sl_rate *rate, uint64_t cost_cu, uint64_t most)
{
	const uint64_t now_cu = 1000 * S_NS << 10;
	struct sl_bucket_events events = { 0 };
	__u64 tat_cu = now_cu;
	uint64_t admitted = 0;

	while (admitted < most && sl_bucket_take(&tat_cu, cost_cu, rate->burst_cu,
						 sl_packets_debt(rate), now_cu, &events))
		admitted++;
	return admitted;
}

static void a_full_bucket_admits_exactly_its_burst(void **state)
{
	static const struct {
		uint64_t per_s, burst;
	} packets[] = { { 1, 1 },	  { 1, 5 },	 { 3, 2 },	  { 7, 1000 },
			{ 1000, 100 },	  { 333333, 1 }, { 9999999, 77 }, { 99999999, 100000 },
			{ 100000000, 64 } };
	static const struct {
		uint64_t per_s, packets, bytes;
	} bytes[] = { { 1000, 2, 1500 },	{ 1500, 3, 64 },
		      { 999999, 100, 1500 },	{ 125000000, 1000, 1500 },
		      { 1250000000, 500, 64 },	{ 50000000000, 100, 9000 },
		      { 50000000000, 1, 65536 } };

	for (size_t i = 0; i < COUNT(packets); i++) {
		const struct sl_rate rate = count_rate(packets[i].per_s, packets[i].burst);

		assert_int_equal(at_once(&rate, rate.cost, 1000000), packets[i].burst);
	}
	for (size_t i = 0; i < COUNT(bytes); i++) {
		const struct sl_rate rate =
			byte_rate(bytes[i].per_s, bytes[i].packets * bytes[i].bytes);
		const uint64_t cost_cu = sl_bytes_cost(&rate, (uint32_t)bytes[i].bytes);

		assert_int_equal(at_once(&rate, cost_cu, 1000000), bytes[i].packets);
	}
}

/*
 * Offered far more than the rate for a long time from a full bucket: what was
 * admitted beside rate * T + burst. Time goes in steps of a tick or finer.
 */
static void assert_long_run(const struct sl_rate *rate, uint64_t cost_cu, double expected_per_step,
			    double burst, uint64_t step_ns, uint64_t steps)
{
	struct sl_bucket_events events = { 0 };
	uint64_t now_ns = 5 * S_NS, admitted = 0;
	__u64 tat_cu = now_ns << 10;
	double expected;

	for (uint64_t i = 0; i < steps; i++, now_ns += step_ns)
		while (sl_bucket_take(&tat_cu, cost_cu, rate->burst_cu, sl_packets_debt(rate),
				      now_ns << 10, &events))
			admitted++;
	expected = expected_per_step * (double)(steps - 1) + burst;
	assert_true(expected > 10000);
	assert_true((double)admitted <= expected * 1.0001 + 1);
	assert_true((double)admitted >= expected * 0.9999 - 1);
	assert_int_equal(events.pullbacks, 0);
}

static void packets_of_a_long_run_are_rate_times_time_and_burst(void **state)
{
	static const struct {
		uint64_t per_s, burst, step_ns, steps;
	} runs[] = {
		{ 1, 1, 250000000, 80000 },	    { 1, 86400, 250000000, 8000 },
		{ 3, 2, 100000000, 100000 },	    { 100, 50, TICK_NS, 100000 },
		{ 1000, 100, TICK_NS, 100000 },	    { 123457, 12345, TICK_NS, 1000 },
		{ 20000000, 2000000, TICK_NS, 50 }, { 100000000, 10000000, TICK_NS, 20 },
		{ 99999999, 64, 100, 100000 },	    { 77777777, 2, 7, 1000000 },
	};

	for (size_t i = 0; i < COUNT(runs); i++) {
		const struct sl_rate rate = count_rate(runs[i].per_s, runs[i].burst);

		assert_long_run(&rate, rate.cost,
				(double)runs[i].per_s * (double)runs[i].step_ns / 1e9,
				(double)runs[i].burst, runs[i].step_ns, runs[i].steps);
	}
}

static void bytes_of_a_long_run_are_rate_times_time_and_burst(void **state)
{
	static const struct {
		uint64_t per_s, burst, bytes, step_ns, steps;
	} runs[] = {
		{ 1000, 3000, 1500, 250000000, 120000 },
		{ 1500, 2048, 64, 10000000, 100000 },
		{ 12345678, 1234567, 1500, TICK_NS, 2000 },
		{ 125000000, 12500000, 64, TICK_NS, 10 },
		{ 12500000000, 1250000000, 1500, TICK_NS, 10 },
		{ 50000000000, 5000000000, 1500, TICK_NS, 10 },
		{ 50000000000, 100000, 9000, 100, 100000 },
	};

	for (size_t i = 0; i < COUNT(runs); i++) {
		const struct sl_rate rate = byte_rate(runs[i].per_s, runs[i].burst);
		const double bytes = (double)runs[i].bytes;

		assert_long_run(&rate, sl_bytes_cost(&rate, (uint32_t)runs[i].bytes),
				(double)runs[i].per_s * (double)runs[i].step_ns / 1e9 / bytes,
				(double)runs[i].burst / bytes, runs[i].step_ns, runs[i].steps);
	}
}

static void every_rate_is_within_its_rounding(void **state)
{
	for (uint64_t per_s = 1; per_s <= SL_RATE_PER_S_MAX; per_s += 1 + per_s / 97) {
		const double exact = 1024e9 / (double)per_s;
		const double off = (double)count_rate(per_s, 1).cost / exact - 1;

		assert_true(off < (per_s <= 20000000 ? 1e-5 : 5e-5));
		assert_true(off > -(per_s <= 20000000 ? 1e-5 : 5e-5));
	}
	for (uint64_t per_s = SL_BYTES_PER_S_MIN; per_s <= SL_BYTES_PER_S_MAX;
	     per_s += 1 + per_s / 97) {
		const double exact = 1024e9 * 16384 / (double)per_s;
		const double off = (double)byte_rate(per_s, 1).cost / exact - 1;

		assert_true(off < 2e-6 && off > -2e-6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(costs_are_in_the_fixed_point_of_the_abi),
		cmocka_unit_test(unlimited_and_zero_cost_nothing),
		cmocka_unit_test(rates_out_of_bounds_are_as_if_at_the_bound),
		cmocka_unit_test(the_longest_burst_and_debt_stay_in_a_word),
		cmocka_unit_test(the_way_back_is_exact_but_for_rounding),
		cmocka_unit_test(a_full_bucket_admits_exactly_its_burst),
		cmocka_unit_test(packets_of_a_long_run_are_rate_times_time_and_burst),
		cmocka_unit_test(bytes_of_a_long_run_are_rate_times_time_and_burst),
		cmocka_unit_test(every_rate_is_within_its_rounding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
