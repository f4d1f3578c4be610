// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include "userspace/domain/gcra.h"
#include "userspace/gateway/pressure_board.h"

#define S_NS   1000000000ull
#define NOW_NS (1000 * S_NS)

static void one_asks_for_all(void **state)
{
	struct sl_pressure_board board = { 0 };
	unsigned int asked = 0;

	/* Eight workers whose timers fire once a second, each at another time. */
	for (unsigned int i = 0; i < 8 * 100; i++)
		asked += sl_pressure_claim(&board, S_NS, NOW_NS + i * S_NS / 8);
	assert_in_range(asked, 100, 115);
	/* A lone worker whose timer is a little early does not skip a turn. */
	assert_true(sl_pressure_claim(&board, S_NS, NOW_NS + 200 * S_NS));
	assert_true(sl_pressure_claim(&board, S_NS, NOW_NS + 201 * S_NS - 1000));
	assert_false(sl_pressure_claim(&board, S_NS, NOW_NS + 201 * S_NS));
}

static void what_was_said_is_read_back_until_it_is_stale(void **state)
{
	static const enum sl_pressure_level levels[] = { SL_PRESSURE_UNKNOWN, SL_PRESSURE_INACTIVE,
							 SL_PRESSURE_WARNING, SL_PRESSURE_ACTIVE };
	struct sl_pressure_view view;

	for (size_t i = 0; i < 4; i++) {
		struct sl_pressure_board board = { 0 };
		const struct sl_pressure_status status = { .level = levels[i],
							   .retry_after_s = 3600 };

		assert_true(sl_pressure_look(&board, 5 * S_NS, NOW_NS).stale);
		sl_pressure_note(&board, &status, NOW_NS);
		view = sl_pressure_look(&board, 5 * S_NS, NOW_NS + 5 * S_NS);
		assert_false(view.stale);
		assert_int_equal(view.level, levels[i]);
		assert_int_equal(view.retry_after_s, 3600);
		view = sl_pressure_look(&board, 5 * S_NS, NOW_NS + 5 * S_NS + 1000000);
		assert_true(view.stale);
		assert_int_equal(view.level, SL_PRESSURE_UNKNOWN);
		assert_int_equal(view.retry_after_s, 0);
	}
}

static void an_overtaken_answer_is_dropped(void **state)
{
	const struct sl_pressure_status active = { .level = SL_PRESSURE_ACTIVE };
	const struct sl_pressure_status inactive = { .level = SL_PRESSURE_INACTIVE };
	struct sl_pressure_board board = { 0 };

	sl_pressure_note(&board, &inactive, NOW_NS + S_NS);
	sl_pressure_note(&board, &active, NOW_NS);
	assert_int_equal(sl_pressure_look(&board, 5 * S_NS, NOW_NS + S_NS).level,
			 SL_PRESSURE_INACTIVE);
	sl_pressure_note(&board, &active, NOW_NS + 2 * S_NS);
	assert_int_equal(sl_pressure_look(&board, 5 * S_NS, NOW_NS + 2 * S_NS).level,
			 SL_PRESSURE_ACTIVE);
}

static void limits_are_halved_but_not_below_the_floor(void **state)
{
	static const struct {
		uint64_t requests, floor;
		double factor;
		uint64_t tight;
	} rows[] = {
		{ 50, 10, 0.5, 25 }, { 50, 10, 0.1, 10 },	  { 8, 10, 0.5, 8 },
		{ 1, 0, 0.5, 1 },    { 1000000, 1, 0.5, 500000 }, { 50, 1, 1, 50 },
		{ 51, 1, 0.5, 25 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct sl_request_limit limit = sl_gcra_limit(rows[i].requests, 60 * S_NS);
		const struct sl_request_limit tight =
			sl_pressure_tighten(limit, rows[i].factor, rows[i].floor);

		assert_int_equal(sl_gcra_size(&tight), rows[i].tight);
		/* So many in the same time as before. */
		assert_in_range(tight.burst_ns, limit.burst_ns * 99 / 100, limit.burst_ns);
	}
}

static void unlimited_and_blocked_stay(void **state)
{
	const struct sl_request_limit unlimited = { 0 }, blocked = sl_gcra_limit(0, 60 * S_NS);
	struct sl_request_limit tight = sl_pressure_tighten(unlimited, 0.5, 10);

	assert_int_equal(tight.period_ns, 0);
	tight = sl_pressure_tighten(blocked, 0.5, 10);
	assert_int_not_equal(tight.period_ns, 0);
	assert_int_equal(tight.burst_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_asks_for_all),
		cmocka_unit_test(what_was_said_is_read_back_until_it_is_stale),
		cmocka_unit_test(an_overtaken_answer_is_dropped),
		cmocka_unit_test(limits_are_halved_but_not_below_the_floor),
		cmocka_unit_test(unlimited_and_blocked_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
