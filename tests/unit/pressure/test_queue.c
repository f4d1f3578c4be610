// SPDX-License-Identifier: Apache-2.0
#include "userspace/pressure/queue.h"

#include "tests/harness/test.h"

#define MS_NS  1000000ull
#define START  (1000000 * MS_NS)
#define TARGET (100 * MS_NS)

static struct sl_queue begun(void)
{
	struct sl_queue queue;

	sl_queue_init(&queue, TARGET, START);
	return queue;
}

static struct sl_queue_item waiting(uint64_t since_ns, enum sl_criticality criticality)
{
	return (struct sl_queue_item){ .queued_ns = since_ns,
				       .deadline_ns = START + 5000 * MS_NS,
				       .criticality = criticality };
}

static void over_its_deadline_nothing_runs(void **state)
{
	const struct sl_queue queue = begun();
	struct sl_queue_item item = waiting(START, SL_CRITICAL_PLUS);

	item.deadline_ns = START + 50 * MS_NS;
	assert_int_equal(sl_queue_judge(&queue, &item, START + 50 * MS_NS - 1), SL_QUEUE_RUN);
	assert_int_equal(sl_queue_judge(&queue, &item, START + 50 * MS_NS), SL_QUEUE_EXPIRED);
}

static void a_burst_may_wait_longer_than_a_standing_queue(void **state)
{
	struct sl_queue queue = begun();
	const struct sl_queue_item item = waiting(START, SL_SHEDDABLE_PLUS);

	assert_int_equal(sl_queue_judge(&queue, &item, START + 225 * MS_NS), SL_QUEUE_RUN);
	assert_int_equal(sl_queue_judge(&queue, &item, START + 225 * MS_NS + 1), SL_QUEUE_LATE);
	assert_int_equal(sl_queue_timeout_ns(&queue, START + 499 * MS_NS), 225 * MS_NS);
	assert_int_equal(sl_queue_timeout_ns(&queue, START + 500 * MS_NS), TARGET);
	sl_queue_note(&queue, false, START + 500 * MS_NS);
	assert_int_equal(sl_queue_timeout_ns(&queue, START + 501 * MS_NS), TARGET);
	sl_queue_note(&queue, true, START + 500 * MS_NS);
	assert_int_equal(sl_queue_timeout_ns(&queue, START + 501 * MS_NS), 225 * MS_NS);
}

static void critical_jobs_wait_to_their_deadline(void **state)
{
	const struct sl_queue queue = begun();
	const struct sl_queue_item item = waiting(START, SL_CRITICAL);

	assert_int_equal(sl_queue_judge(&queue, &item, START + 4999 * MS_NS), SL_QUEUE_RUN);
}

static void the_oldest_first_but_while_shedding(void **state)
{
	const struct sl_queue_item old_low = waiting(START, SL_SHEDDABLE);
	const struct sl_queue_item new_low = waiting(START + 1, SL_SHEDDABLE);
	const struct sl_queue_item old_high = waiting(START, SL_CRITICAL);

	assert_true(sl_queue_before(&old_low, &new_low, SL_PRESSURE_OK));
	assert_true(sl_queue_before(&old_low, &new_low, SL_PRESSURE_WARN));
	assert_false(sl_queue_before(&new_low, &old_low, SL_PRESSURE_STALE));
	assert_true(sl_queue_before(&new_low, &old_low, SL_PRESSURE_SHED));
	assert_true(sl_queue_before(&old_high, &new_low, SL_PRESSURE_SHED));
	assert_false(sl_queue_before(&new_low, &old_high, SL_PRESSURE_STOP));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(over_its_deadline_nothing_runs),
		cmocka_unit_test(a_burst_may_wait_longer_than_a_standing_queue),
		cmocka_unit_test(critical_jobs_wait_to_their_deadline),
		cmocka_unit_test(the_oldest_first_but_while_shedding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
