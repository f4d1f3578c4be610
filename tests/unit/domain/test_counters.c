// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <string.h>

#include "userspace/domain/counters.h"

/* Every word another value, so that a word left out or taken twice shows. */
static void fill(void *counters, size_t size, uint64_t factor)
{
	for (size_t i = 0; i < size / 8; i++) {
		uint64_t word = factor * (i + 1);

		memcpy((char *)counters + 8 * i, &word, sizeof(word));
	}
}

static void assert_filled(const void *counters, size_t size, uint64_t factor)
{
	for (size_t i = 0; i < size / 8; i++) {
		uint64_t word;

		memcpy(&word, (const char *)counters + 8 * i, sizeof(word));
		assert_int_equal(word, factor * (i + 1));
	}
}

static void sums_over_cpus_have_every_word(void **state)
{
	struct sl_counters total = { 0 }, one;
	struct sl_node node = { 0 }, one_node;

	for (uint64_t factor = 1; factor <= 4; factor *= 2) {
		fill(&one, sizeof(one), factor);
		sl_counters_add(&total, &one);
		fill(&one_node, sizeof(one_node), factor);
		sl_node_add(&node, &one_node);
	}
	assert_filled(&total, sizeof(total), 7);
	assert_filled(&node, sizeof(node), 7);
}

static void what_came_since_is_the_difference(void **state)
{
	struct sl_counters now, before;
	struct sl_node node_now, node_before;

	fill(&now, sizeof(now), 7);
	fill(&before, sizeof(before), 2);
	sl_counters_since(&now, &now, &before);
	assert_filled(&now, sizeof(now), 5);
	fill(&node_now, sizeof(node_now), 7);
	fill(&node_before, sizeof(node_before), 2);
	sl_node_since(&node_before, &node_now, &node_before);
	assert_filled(&node_before, sizeof(node_before), 5);
}

static void counters_that_began_anew_count_from_zero(void **state)
{
	struct sl_counters now, before, since;
	struct sl_node node_now, node_before, node_since;

	fill(&now, sizeof(now), 7);
	fill(&before, sizeof(before), 2);
	before.egress.internal.bytes = now.egress.internal.bytes + 1;
	sl_counters_since(&since, &now, &before);
	assert_filled(&since, sizeof(since), 7);
	fill(&node_now, sizeof(node_now), 7);
	fill(&node_before, sizeof(node_before), 2);
	node_before.ingress.off.packets = node_now.ingress.off.packets + 1;
	sl_node_since(&node_since, &node_now, &node_before);
	assert_filled(&node_since, sizeof(node_since), 7);
}

static void each_reason_has_its_counter(void **state)
{
	struct sl_reason_counts c = { 0 };

	fill(&c, sizeof(c), 1);
#define CHECK(number, NAME, field, says)                                                           \
	assert_ptr_equal(sl_reason_count(&c, SL_REASON_##NAME), &c.field);                         \
	assert_string_equal(sl_reason_info(number)->name, #field);                                 \
	assert_string_equal(sl_reason_info(number)->text, says);                                   \
	assert_int_equal(sl_reason_info(number)->reason, number);                                  \
	assert_int_equal(sl_reason_by_name(#field), number);
	SL_REASONS(CHECK)
#undef CHECK
	assert_null(sl_reason_info(SL_REASON_COUNT_));
	assert_null(sl_reason_info(UINT32_MAX));
	assert_int_equal(sl_reason_by_name("nonsense"), -1);
}

static void offered_is_passed_and_dropped(void **state)
{
	struct sl_reason_counts c = {
		.pass = { 10, 1000 },
		.rate_packets = { 3, 300 },
		.new_conns_reset = { 2, 80 },
		.internal = { 1, 7 },
		.reserved = { { 99, 99 } },
	};

	assert_int_equal(sl_reasons_dropped(&c).packets, 6);
	assert_int_equal(sl_reasons_dropped(&c).bytes, 387);
	assert_int_equal(sl_reasons_total(&c).packets, 16);
	assert_int_equal(sl_reasons_total(&c).bytes, 1387);
}

static void per_second_rounds_and_never_wraps(void **state)
{
	assert_int_equal(sl_per_second(100, 1000000000), 100);
	assert_int_equal(sl_per_second(1, 2000000001), 0);
	assert_int_equal(sl_per_second(1, 2000000000), 1);
	assert_int_equal(sl_per_second(3, 250000000), 12);
	assert_int_equal(sl_per_second(5, 0), 0);
	assert_int_equal(sl_per_second(UINT64_MAX / 2, 1000000000), UINT64_MAX / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_over_cpus_have_every_word),
		cmocka_unit_test(what_came_since_is_the_difference),
		cmocka_unit_test(counters_that_began_anew_count_from_zero),
		cmocka_unit_test(each_reason_has_its_counter),
		cmocka_unit_test(offered_is_passed_and_dropped),
		cmocka_unit_test(per_second_rounds_and_never_wraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
