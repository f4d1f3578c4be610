// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <stdio.h>

#include "userspace/gateway/buckets.h"

#define PLACES 64
#define NOW_NS 5000000000ull

static struct sl_buckets *make(size_t count)
{
	static const uint64_t secret[2] = { 11, 22 };
	struct sl_buckets *buckets = calloc(1, sl_buckets_bytes(count));

	assert_non_null(buckets);
	sl_buckets_init(buckets, count, secret);
	return buckets;
}

static struct sl_caller_bucket *get(struct sl_buckets *buckets, unsigned int number, uint64_t now)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "tenant-%u", number);
	return sl_buckets_get(buckets, sl_span_of(name), now);
}

static void a_name_keeps_its_place(void **state)
{
	struct sl_buckets *buckets = make(PLACES);
	struct sl_caller_bucket *first = get(buckets, 1, NOW_NS);

	assert_null(sl_buckets_find(buckets, SL_SPAN("tenant-2")));
	assert_ptr_not_equal(first, get(buckets, 2, NOW_NS));
	assert_ptr_equal(first, get(buckets, 1, NOW_NS + 1));
	assert_ptr_equal(first, sl_buckets_find(buckets, SL_SPAN("tenant-1")));
	free(buckets);
}

static void who_is_busy_is_never_turned_out(void **state)
{
	struct sl_buckets *buckets = make(PLACES);
	struct sl_caller_bucket *held[1000];
	unsigned int own = 0;

	for (unsigned int i = 0; i < 1000; i++) {
		held[i] = get(buckets, i, NOW_NS);
		held[i]->words[SL_CLASS_MESSAGES].tat_ns = NOW_NS + 100;
		own += held[i] != &buckets->common;
	}
	assert_int_equal(own, PLACES); /* all places are used, and no more */
	assert_int_equal(buckets->shared_total, 1000 - PLACES);
	for (unsigned int i = 0; i < 1000; i++)
		assert_ptr_equal(get(buckets, i, NOW_NS + 50), held[i]);
	/* When their buckets are full again, others may have the places. */
	for (unsigned int i = 2000; i < 2010; i++)
		assert_ptr_not_equal(get(buckets, i, NOW_NS + 100), &buckets->common);
	free(buckets);
}

static void what_an_operator_set_stays(void **state)
{
	struct sl_buckets *buckets = make(8);
	struct sl_caller_bucket *kept = get(buckets, 0, NOW_NS);

	kept->limits[SL_CLASS_MESSAGES] = 6;
	for (unsigned int i = 1; i < 100; i++)
		(void)get(buckets, i, NOW_NS);
	assert_ptr_equal(get(buckets, 0, NOW_NS), kept);
	assert_int_equal(kept->limits[SL_CLASS_MESSAGES], 6);
	free(buckets);
}

static void a_new_place_begins_full(void **state)
{
	struct sl_buckets *buckets = make(8);
	struct sl_caller_bucket *bucket;

	for (unsigned int i = 0; i < 8; i++) {
		bucket = get(buckets, i, NOW_NS);
		bucket->words[1].tat_ns = NOW_NS + 10;
		bucket->exceeded_total = 3;
	}
	bucket = get(buckets, 99, NOW_NS + 10);
	assert_ptr_not_equal(bucket, &buckets->common);
	assert_true((int64_t)(bucket->words[1].tat_ns - (NOW_NS + 10)) <= 0);
	assert_int_equal(bucket->exceeded_total, 0);
	free(buckets);
}

static void a_lock_that_its_holder_left_is_taken(void **state)
{
	struct sl_buckets *buckets = make(PLACES);

	buckets->lock_ns = NOW_NS;
	assert_ptr_equal(get(buckets, 1, NOW_NS + 1000), &buckets->common);
	assert_ptr_not_equal(get(buckets, 1, NOW_NS + 2000000000), &buckets->common);
	assert_int_equal(buckets->lock_ns, 0);
	free(buckets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_keeps_its_place),
		cmocka_unit_test(who_is_busy_is_never_turned_out),
		cmocka_unit_test(what_an_operator_set_stays),
		cmocka_unit_test(a_new_place_begins_full),
		cmocka_unit_test(a_lock_that_its_holder_left_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
