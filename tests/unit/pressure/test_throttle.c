// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <string.h>

#include "userspace/pressure/throttle.h"

#define S_NS	1000000000ull
#define BEGIN_S 1000ull
#define RATIO	2.0

static uint64_t next_random(uint64_t *seed)
{
	/* xorshift64* (Marsaglia, Vigna). */
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * 2685821657736338717ull;
}

static void report(struct sl_throttle *throttle, unsigned int accepted, unsigned int not,
		   uint64_t now_ns)
{
	while (accepted--)
		sl_throttle_report(throttle, true, now_ns);
	while (not --)
		sl_throttle_report(throttle, false, now_ns);
}

static void the_share_is_the_formula(void **state)
{
	static const struct {
		unsigned int accepted, not ;
		double share;
	} rows[] = {
		{ 0, 0, 0 },   { 0, 19, 0 },	       { 0, 20, 0.9 },	       { 100, 0, 0 },
		{ 50, 50, 0 }, { 40, 60, 20.0 / 101 }, { 10, 90, 80.0 / 101 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sl_throttle throttle = { 0 };

		report(&throttle, rows[i].accepted, rows[i].not, BEGIN_S * S_NS);
		assert_float_equal(sl_throttle_refuses(&throttle, RATIO, BEGIN_S * S_NS),
				   rows[i].share, 1e-12);
	}
}

static void two_minutes_are_remembered_and_no_more(void **state)
{
	struct sl_throttle throttle = { 0 };

	report(&throttle, 0, 100, BEGIN_S * S_NS);
	assert_true(sl_throttle_refuses(&throttle, RATIO, (BEGIN_S + 114) * S_NS) > 0.5);
	assert_float_equal(sl_throttle_refuses(&throttle, RATIO, (BEGIN_S + 120) * S_NS), 0, 0);
}

/* Each slice of the ring is emptied before it is used again, also after a long silence. */
static void old_slices_are_emptied(void **state)
{
	struct sl_throttle throttle = { 0 };

	for (uint64_t s = 0; s < 600; s += 5)
		report(&throttle, 0, 1, (BEGIN_S + s) * S_NS);
	/* The window holds 24 of them, whatever came before. */
	report(&throttle, 12, 0, (BEGIN_S + 595) * S_NS);
	assert_float_equal(sl_throttle_refuses(&throttle, RATIO, (BEGIN_S + 595) * S_NS),
			   (36.0 - 24) / 37, 1e-12);
	assert_float_equal(sl_throttle_refuses(&throttle, RATIO, 1000000 * S_NS), 0, 0);
	report(&throttle, 0, 30, 1000000 * S_NS);
	assert_true(sl_throttle_refuses(&throttle, RATIO, 1000000 * S_NS) > 0.5);
}

static void time_that_goes_back_loses_nothing(void **state)
{
	struct sl_throttle throttle = { 0 };

	report(&throttle, 0, 50, BEGIN_S * S_NS);
	assert_true(sl_throttle_refuses(&throttle, RATIO, (BEGIN_S - 500) * S_NS) > 0.5);
}

static void the_share_of_refusals_is_met(void **state)
{
	struct sl_throttle throttle = { 0 };
	uint64_t seed = 88172645463325252ull;
	unsigned int refused = 0;

	for (unsigned int i = 0; i < 10000; i++) {
		struct sl_throttle fixed = { 0 };

		report(&fixed, 40, 60, BEGIN_S * S_NS);
		refused += !sl_throttle_admits(&fixed, RATIO, BEGIN_S * S_NS, next_random(&seed));
	}
	/* 0.198 of 10,000, give or take five standard deviations. */
	assert_in_range(refused, 1780, 2180);
	/* A random number of 0 is refused, the largest is admitted. */
	report(&throttle, 0, 100, BEGIN_S * S_NS);
	assert_false(sl_throttle_admits(&throttle, RATIO, BEGIN_S * S_NS, 0));
	assert_true(sl_throttle_admits(&throttle, RATIO, BEGIN_S * S_NS, UINT64_MAX));
}

/* What a server sees that accepts 100 a second, of @offered a second. */
static double accepted_per_s(struct sl_throttle *throttle, unsigned int offered, uint64_t from_s,
			     uint64_t seconds, unsigned int capacity, double *ret_sent)
{
	uint64_t seed = 4711, accepted = 0, sent = 0;

	for (uint64_t s = from_s; s < from_s + seconds; s++) {
		unsigned int here = 0;

		for (unsigned int i = 0; i < offered; i++) {
			uint64_t now_ns = s * S_NS + i * (S_NS / offered);

			if (!sl_throttle_admits(throttle, RATIO, now_ns, next_random(&seed)))
				continue;
			sent++;
			sl_throttle_report(throttle, here < capacity, now_ns);
			accepted += here++ < capacity;
		}
	}
	*ret_sent = (double)sent / (double)seconds;
	return (double)accepted / (double)seconds;
}

static void an_overloaded_server_is_asked_twice_its_capacity(void **state)
{
	struct sl_throttle throttle = { 0 };
	double sent, accepted;

	(void)accepted_per_s(&throttle, 1000, BEGIN_S, 180, 100, &sent);
	accepted = accepted_per_s(&throttle, 1000, BEGIN_S + 180, 120, 100, &sent);
	assert_true(sent > 150 && sent < 250); /* K x accepts */
	assert_true(accepted > 95);
	/* It is well again: all goes there, without waiting for the window's end. */
	sl_throttle_forget(&throttle);
	accepted = accepted_per_s(&throttle, 1000, BEGIN_S + 300, 10, 1000, &sent);
	assert_float_equal(accepted, 1000, 0);
}

static void a_dead_server_is_still_tried_and_found_again(void **state)
{
	struct sl_throttle throttle = { 0 };
	double sent, accepted;

	(void)accepted_per_s(&throttle, 100, BEGIN_S, 200, 0, &sent);
	assert_true(sent > 5 && sent < 15);
	/*
	 * Five seconds in which what was sent was accepted are enough, without a word from the
	 * server: two minutes of memory were most of a recovery (`sim --pressure --seed 44`).
	 */
	(void)accepted_per_s(&throttle, 100, BEGIN_S + 200, 10, 1000, &sent);
	accepted = accepted_per_s(&throttle, 100, BEGIN_S + 210, 30, 1000, &sent);
	assert_float_equal(accepted, 100, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_share_is_the_formula),
		cmocka_unit_test(two_minutes_are_remembered_and_no_more),
		cmocka_unit_test(old_slices_are_emptied),
		cmocka_unit_test(time_that_goes_back_loses_nothing),
		cmocka_unit_test(the_share_of_refusals_is_met),
		cmocka_unit_test(an_overloaded_server_is_asked_twice_its_capacity),
		cmocka_unit_test(a_dead_server_is_still_tried_and_found_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
