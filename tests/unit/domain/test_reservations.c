// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <string.h>

#include "userspace/domain/reservations.h"

#define ROOM 4u

static struct sl_reservations *made(size_t count)
{
	struct sl_reservations *r = NULL;

	assert_int_equal(sl_reservations_new(&r, count), 0);
	return r;
}

/* Adds one that is not to push another out. */
static uint64_t add(struct sl_reservations *r, uint64_t key, uint64_t amount)
{
	struct sl_reservation gone;
	bool full;
	uint64_t handle = sl_reservations_add(
		r, &(struct sl_reservation){ .key = key, .reserved_ns = amount, .made_ns = amount },
		&gone, &full);

	assert_false(full);
	assert_true(handle != 0);
	return handle;
}

static void one_is_found_once(void **state)
{
	struct sl_reservations *r = made(ROOM);
	struct sl_reservation got;

	assert_false(sl_reservations_take(&got, r, 7));
	add(r, 7, 1);
	add(r, 7 + ROOM, 2); /* in the same chain */
	assert_int_equal(sl_reservations_count(r), 2);
	assert_true(sl_reservations_take(&got, r, 7 + ROOM));
	assert_int_equal(got.reserved_ns, 2);
	assert_false(sl_reservations_take(&got, r, 7 + ROOM));
	assert_true(sl_reservations_take(&got, r, 7));
	assert_int_equal(got.reserved_ns, 1);
	assert_int_equal(sl_reservations_count(r), 0);
	sl_reservations_free(r);
}

static void of_the_same_key_the_oldest_comes_first(void **state)
{
	struct sl_reservations *r = made(ROOM);
	struct sl_reservation got;

	for (uint64_t i = 1; i <= 3; i++)
		add(r, 7, i);
	for (uint64_t i = 1; i <= 3; i++) {
		assert_true(sl_reservations_take(&got, r, 7));
		assert_int_equal(got.reserved_ns, i);
	}
	sl_reservations_free(r);
}

static void a_handle_is_good_for_its_own_only(void **state)
{
	struct sl_reservations *r = made(ROOM);
	struct sl_reservation got;
	uint64_t first = add(r, 7, 1), second = add(r, 7, 2);

	assert_false(sl_reservations_take_one(&got, r, 0));
	assert_true(sl_reservations_take_one(&got, r, second));
	assert_int_equal(got.reserved_ns, 2);
	assert_false(sl_reservations_take_one(&got, r, second));
	assert_true(sl_reservations_take(&got, r, 7));
	assert_int_equal(got.reserved_ns, 1);
	/* Its place is another's by now. */
	for (uint64_t i = 0; i < ROOM; i++)
		add(r, i, 10 + i);
	assert_false(sl_reservations_take_one(&got, r, first));
	sl_reservations_free(r);
}

static void the_oldest_makes_room(void **state)
{
	struct sl_reservations *r = made(ROOM);
	struct sl_reservation got, gone;
	bool full;

	for (uint64_t i = 1; i <= ROOM; i++)
		add(r, i, i);
	(void)sl_reservations_add(r, &(struct sl_reservation){ .key = 99 }, &gone, &full);
	assert_true(full);
	assert_int_equal(gone.reserved_ns, 1);
	assert_false(sl_reservations_take(&got, r, 1));
	assert_true(sl_reservations_take(&got, r, 2));
	assert_true(sl_reservations_take(&got, r, 99));
	assert_int_equal(sl_reservations_count(r), ROOM - 2);
	sl_reservations_free(r);
}

static void the_old_expire_in_their_order(void **state)
{
	struct sl_reservations *r = made(ROOM);
	struct sl_reservation got;

	for (uint64_t i = 1; i <= 3; i++)
		add(r, i, i);
	assert_true(sl_reservations_take(&got, r, 2));
	assert_false(sl_reservations_expire(&got, r, 1));
	assert_true(sl_reservations_expire(&got, r, 2));
	assert_int_equal(got.key, 1);
	assert_false(sl_reservations_expire(&got, r, 3));
	assert_true(sl_reservations_expire(&got, r, 4));
	assert_int_equal(got.key, 3);
	assert_false(sl_reservations_expire(&got, r, UINT64_MAX >> 1));
	sl_reservations_free(r);
}

/* Beside a plain list that is searched from its head. */
static void random_turns_end_as_a_list_says(void **state)
{
	struct sl_reservations *r = made(64);
	uint64_t list[64], seed = 12345;
	size_t count = 0;

	for (int turn = 0; turn < 20000; turn++) {
		struct sl_reservation got;
		uint64_t key;
		size_t at = 0;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		key = seed >> 40 & 31;
		if (seed >> 62) {
			while (at < count && list[at] != key)
				at++;
			assert_int_equal(sl_reservations_take(&got, r, key), at < count);
		} else {
			bool full;

			(void)sl_reservations_add(r, &(struct sl_reservation){ .key = key }, &got,
						  &full);
			list[count] = key;
			count += !full;
			if (full) {
				memmove(list, list + 1, (count - 1) * sizeof(list[0]));
				list[count - 1] = key;
			}
			continue;
		}
		if (at < count) {
			memmove(list + at, list + at + 1, (count - at - 1) * sizeof(list[0]));
			count--;
		}
		assert_int_equal(sl_reservations_count(r), count);
	}
	sl_reservations_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_is_found_once),
		cmocka_unit_test(of_the_same_key_the_oldest_comes_first),
		cmocka_unit_test(a_handle_is_good_for_its_own_only),
		cmocka_unit_test(the_oldest_makes_room),
		cmocka_unit_test(the_old_expire_in_their_order),
		cmocka_unit_test(random_turns_end_as_a_list_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
