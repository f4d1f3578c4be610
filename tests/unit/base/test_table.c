// SPDX-License-Identifier: Apache-2.0
#include "userspace/base/table.h"

#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>

#define TTL 100u

struct thing {
	uint32_t number;
	uint32_t *dropped;
};

static void count_drop(void *value)
{
	struct thing *thing = value;

	if (thing->dropped)
		*thing->dropped += thing->number;
}

static struct sl_table *make(uint32_t entries, uint64_t ttl_ns)
{
	const struct sl_table_options options = {
		.entries_max = entries,
		.value_size = sizeof(struct thing),
		.ttl_ns = ttl_ns,
		.secret = { 1, 2 },
		.drop = count_drop,
	};
	struct sl_table *table = NULL;

	assert_int_equal(sl_table_new(&table, &options), 0);
	return table;
}

static struct sl_table_key key(const struct sl_table *table, const char *text)
{
	const struct sl_span part = sl_span_of(text);

	return sl_table_key(table, &part, 1);
}

static void put(struct sl_table *table, const char *text, uint32_t number, uint64_t now)
{
	((struct thing *)sl_table_put(table, key(table, text), now))->number = number;
}

static uint32_t get(struct sl_table *table, const char *text, uint64_t now)
{
	const struct thing *thing = sl_table_get(table, key(table, text), now);

	return thing ? thing->number : 0;
}

static void what_is_put_is_found_until_it_is_too_old(void **state)
{
	struct sl_table *table = make(4, TTL);

	put(table, "a", 7, 1000);
	assert_int_equal(get(table, "a", 1000 + TTL - 1), 7);
	assert_int_equal(get(table, "b", 1000), 0);
	assert_int_equal(get(table, "a", 1000 + TTL), 0);
	assert_int_equal(sl_table_stats(table).expirations, 1);
	assert_int_equal(sl_table_stats(table).entries, 0);
	sl_table_free(table);
}

static void the_least_recently_used_gives_way(void **state)
{
	struct sl_table *table = make(3, 0);
	uint32_t dropped = 0;

	put(table, "a", 1, 0);
	put(table, "b", 2, 0);
	put(table, "c", 3, 0);
	((struct thing *)sl_table_peek(table, key(table, "b"), 0))->dropped = &dropped;
	assert_int_equal(get(table, "a", 0), 1);
	put(table, "d", 4, 0);
	assert_int_equal(dropped, 2);
	assert_int_equal(get(table, "b", 0), 0);
	assert_int_equal(get(table, "a", 0), 1);
	assert_int_equal(get(table, "c", 0), 3);
	assert_int_equal(get(table, "d", 0), 4);
	assert_int_equal(sl_table_stats(table).evictions, 1);
	sl_table_free(table);
}

static void a_second_put_begins_its_time_anew_and_keeps_it(void **state)
{
	struct sl_table *table = make(2, TTL);

	put(table, "a", 5, 0);
	assert_int_equal(((struct thing *)sl_table_put(table, key(table, "a"), 90))->number, 5);
	assert_int_equal(get(table, "a", 90 + TTL - 1), 5);
	assert_int_equal(sl_table_stats(table).entries, 1);
	sl_table_free(table);
}

static void removed_room_is_used_again(void **state)
{
	struct sl_table *table = make(8, 0);
	char name[16];

	for (uint32_t round = 0; round < 1000; round++) {
		(void)snprintf(name, sizeof(name), "k%u", round);
		put(table, name, round + 1, 0);
		if (round % 3 == 0)
			sl_table_remove(table, key(table, name));
		assert_true(sl_table_stats(table).entries <= 8);
	}
	assert_int_equal(get(table, "k998", 0), 999);
	assert_int_equal(get(table, "k999", 0), 0);
	sl_table_free(table);
}

static void parts_of_keys_do_not_run_together(void **state)
{
	struct sl_table *table = make(1, 0);
	static char large[5000];
	const struct sl_span one[] = { SL_SPAN("ab"), SL_SPAN("c") };
	const struct sl_span two[] = { SL_SPAN("a"), SL_SPAN("bc") };
	struct sl_span long_parts[] = { { large, 1000 }, { large, 1010 }, { large, 5000 } };
	struct sl_table_key a = sl_table_key(table, one, 2), b = sl_table_key(table, two, 2);

	assert_memory_not_equal(&a, &b, sizeof(a));
	a = sl_table_key(table, long_parts, 3);
	large[4999] = 1;
	b = sl_table_key(table, long_parts, 3);
	assert_memory_not_equal(&a, &b, sizeof(a));
	long_parts[0].length++;
	long_parts[1].length--;
	a = sl_table_key(table, long_parts, 3);
	assert_memory_not_equal(&a, &b, sizeof(a));
	sl_table_free(table);
}

static void a_walk_begins_with_the_newest_and_skips_the_old(void **state)
{
	struct sl_table *table = make(4, TTL);
	const struct thing *thing;
	uint32_t at = 0, sum = 0;

	put(table, "old", 100, 0);
	put(table, "a", 1, 60);
	put(table, "b", 2, 70);
	thing = sl_table_next(table, &at, 120);
	assert_int_equal(thing->number, 2);
	for (; thing; thing = sl_table_next(table, &at, 120))
		sum += thing->number;
	assert_int_equal(sum, 3);
	sl_table_free(table);
}

static void every_value_is_dropped_once(void **state)
{
	struct sl_table *table = make(4, 0);
	uint32_t dropped = 0;

	for (uint32_t i = 1; i <= 10; i++) {
		char name[8];
		struct thing *thing;

		(void)snprintf(name, sizeof(name), "%u", i);
		thing = sl_table_put(table, key(table, name), 0);
		*thing = (struct thing){ i, &dropped };
	}
	sl_table_free(table);
	assert_int_equal(dropped, 55);
}

static void a_table_without_room_is_refused(void **state)
{
	struct sl_table *table = NULL;

	assert_int_equal(sl_table_new(&table, &(struct sl_table_options){ .value_size = 1 }),
			 -EINVAL);
	assert_null(table);
	sl_table_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_is_found_until_it_is_too_old),
		cmocka_unit_test(the_least_recently_used_gives_way),
		cmocka_unit_test(a_second_put_begins_its_time_anew_and_keeps_it),
		cmocka_unit_test(removed_room_is_used_again),
		cmocka_unit_test(parts_of_keys_do_not_run_together),
		cmocka_unit_test(a_walk_begins_with_the_newest_and_skips_the_old),
		cmocka_unit_test(every_value_is_dropped_once),
		cmocka_unit_test(a_table_without_room_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
