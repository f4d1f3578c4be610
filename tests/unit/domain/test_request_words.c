// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <pthread.h>

#include "userspace/domain/request_words.h"

#define THREADS 4
#define TURNS	2000u

static struct sl_request_words used(uint32_t gen)
{
	struct sl_request_words words = { .gen = gen };

	for (size_t i = 0; i < SL_REQUEST_SLOTS; i++)
		words.slot[i] = (struct sl_request_slot){ { 4711 }, 5, 6 };
	return words;
}

static void the_owners_words_stay(void **state)
{
	struct sl_request_words words = used(7);

	assert_true(sl_request_words_own(&words, 7));
	assert_int_equal(words.slot[SL_REQUEST_COST].word.tat_ns, 4711);
	assert_int_equal(words.slot[0].admitted, 5);
}

static void another_owner_starts_full(void **state)
{
	struct sl_request_words words = used(7);

	assert_true(sl_request_words_own(&words, 8));
	assert_int_equal(words.gen, 8);
	for (size_t i = 0; i < SL_REQUEST_SLOTS; i++) {
		assert_int_equal(words.slot[i].word.tat_ns, 0);
		assert_int_equal(words.slot[i].admitted, 0);
		assert_int_equal(words.slot[i].refused, 0);
	}
	/* Also where the number wraps. */
	words = used(UINT32_MAX);
	assert_true(sl_request_words_own(&words, 0));
	assert_int_equal(words.slot[0].refused, 0);
}

/* A worker whose names are a moment old must not make the bucket full again and again. */
static void who_is_late_changes_nothing(void **state)
{
	struct sl_request_words words = used(8);

	assert_false(sl_request_words_own(&words, 7));
	assert_int_equal(words.gen, 8);
	assert_int_equal(words.slot[0].word.tat_ns, 4711);
}

static void *take_turns(void *arg)
{
	struct sl_request_words *words = arg;

	for (uint32_t gen = 1; gen <= TURNS; gen++)
		(void)sl_request_words_own(words, gen);
	return NULL;
}

static void of_many_the_latest_wins(void **state)
{
	struct sl_request_words words = used(0);
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_turns, &words), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(words.gen, TURNS);
	assert_int_equal(words.slot[0].word.tat_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_owners_words_stay),
		cmocka_unit_test(another_owner_starts_full),
		cmocka_unit_test(who_is_late_changes_nothing),
		cmocka_unit_test(of_many_the_latest_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
