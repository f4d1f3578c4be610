// SPDX-License-Identifier: Apache-2.0
#include "userspace/quota/turns.h"

#include "tests/harness/test.h"
#include "userspace/quota/store.h"

#define MS_NS 1000000ull
#define AT_NS (5000 * MS_NS)

static void once_a_second_give_or_take_a_tenth(void **state)
{
	struct sl_turns turns = { .random = 7 };
	uint64_t least_ns = UINT64_MAX, most_ns = 0;

	assert_int_equal(turns.next_ns, 0);
	for (int i = 0; i < 1000; i++) {
		sl_turns_begin(&turns, AT_NS);
		sl_turns_end(&turns, SL_TURN_DONE, AT_NS + 20 * MS_NS);
		assert_in_range(turns.next_ns - AT_NS, 900 * MS_NS, 1100 * MS_NS);
		least_ns = turns.next_ns < least_ns ? turns.next_ns : least_ns;
		most_ns = turns.next_ns > most_ns ? turns.next_ns : most_ns;
	}
	assert_true(least_ns < AT_NS + 920 * MS_NS && most_ns > AT_NS + 1080 * MS_NS);
}

/* Not a period after it began, and never more often than that for long. */
static void what_was_lost_is_asked_for_again_soon(void **state)
{
	static const uint64_t waits_ms[] = { 200, 400, 800, 1000, 1000, 1000 };
	struct sl_turns turns = { .random = 1 };
	uint64_t now_ns = AT_NS;

	for (size_t i = 0; i < sizeof(waits_ms) / sizeof(waits_ms[0]); i++) {
		sl_turns_begin(&turns, now_ns);
		now_ns += 250 * MS_NS;
		sl_turns_end(&turns, SL_TURN_FAILED, now_ns);
		assert_in_range(turns.next_ns - now_ns, waits_ms[i] * MS_NS / 2,
				waits_ms[i] * MS_NS);
		now_ns = turns.next_ns;
	}
	turns.failures = UINT32_MAX - 1;
	sl_turns_end(&turns, SL_TURN_FAILED, now_ns);
	assert_in_range(turns.next_ns - now_ns, 500 * MS_NS, 1000 * MS_NS);
	sl_turns_end(&turns, SL_TURN_DONE, now_ns);
	sl_turns_end(&turns, SL_TURN_FAILED, now_ns);
	assert_in_range(turns.next_ns - now_ns, 100 * MS_NS, 200 * MS_NS);
}

/* What makes three seconds out of "once a second": docs/simulator.md, rule fresh. */
static void two_lost_rounds_are_made_up_for_within_three_seconds(void **state)
{
	for (uint64_t seed = 0; seed < 1000; seed++) {
		struct sl_turns turns = { .random = seed };
		uint64_t now_ns = AT_NS;

		sl_turns_begin(&turns, now_ns);
		sl_turns_end(&turns, SL_TURN_DONE, now_ns + 20 * MS_NS);
		for (int lost = 0; lost < 2; lost++) {
			now_ns = turns.next_ns;
			sl_turns_begin(&turns, now_ns);
			sl_turns_end(&turns, SL_TURN_FAILED, now_ns + 250 * MS_NS);
		}
		assert_in_range(turns.next_ns - AT_NS, 0, 2200 * MS_NS);
	}
}

static void who_is_refused_lets_its_lock_end(void **state)
{
	struct sl_turns turns = { .random = 1 };

	sl_turns_begin(&turns, AT_NS);
	sl_turns_end(&turns, SL_TURN_REFUSED, AT_NS + 40 * MS_NS);
	assert_true(turns.next_ns >= AT_NS + 40 * MS_NS + SL_STORE_LEAD_MS * MS_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(once_a_second_give_or_take_a_tenth),
		cmocka_unit_test(what_was_lost_is_asked_for_again_soon),
		cmocka_unit_test(two_lost_rounds_are_made_up_for_within_three_seconds),
		cmocka_unit_test(who_is_refused_lets_its_lock_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
