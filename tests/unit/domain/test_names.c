// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/domain/names.h"

#define TENANTS 6

/* The map's names, the tenants configured, and the ids they get. */
struct world {
	struct sl_name names[TENANTS];
	struct sl_tenant_spec specs[TENANTS + 1];
	uint32_t ids[TENANTS + 1];
	struct sl_text_error error;
};

/* @given: names apart by spaces, as configured. */
static int assign(struct world *w, const char *given)
{
	size_t count = 0;
	int length;

	memset(w->specs, 0x5a, sizeof(w->specs)); /* what stands after a name must not matter */
	while (sscanf(given, "%55s%n", w->specs[count].name, &length) == 1) {
		given += length;
		count++;
	}
	return sl_names_assign(w->names, TENANTS, w->ids, w->specs, count, &w->error);
}

static void assert_slot(const struct world *w, uint32_t id, const char *name, uint32_t gen,
			uint32_t retired)
{
	assert_string_equal(w->names[id].name, name);
	assert_int_equal(w->names[id].gen, gen);
	assert_int_equal(w->names[id].retired, retired);
}

static void new_names_take_the_lowest_ids(void **state)
{
	struct world w = { 0 };

	assert_int_equal(assign(&w, "b a"), 0);
	assert_int_equal(w.ids[0], 1);
	assert_int_equal(w.ids[1], 2);
	assert_slot(&w, 0, "unknown", 1, 0);
	assert_slot(&w, 1, "b", 1, 0);
	assert_slot(&w, 2, "a", 1, 0);
	assert_slot(&w, 3, "", 0, 0);
}

static void a_known_name_keeps_its_id(void **state)
{
	struct world w = { 0 };

	assert_int_equal(assign(&w, "a b c"), 0);
	assert_int_equal(assign(&w, "c x a"), 0);
	assert_int_equal(w.ids[0], 3);
	assert_int_equal(w.ids[1], 4);
	assert_int_equal(w.ids[2], 1);
	assert_slot(&w, 0, "unknown", 1, 0);
	assert_slot(&w, 1, "a", 1, 0);
	assert_slot(&w, 2, "b", 1, 1);
	assert_slot(&w, 3, "c", 1, 0);
	assert_slot(&w, 4, "x", 1, 0);
}

static void a_name_that_comes_back_is_the_same_tenant(void **state)
{
	struct world w = { 0 };

	assert_int_equal(assign(&w, "a b"), 0);
	assert_int_equal(assign(&w, "b"), 0);
	assert_slot(&w, 1, "a", 1, 1);
	assert_int_equal(assign(&w, "b a"), 0);
	assert_int_equal(w.ids[1], 1);
	assert_slot(&w, 1, "a", 1, 0);
}

static void a_retired_id_is_reused_last_and_with_a_new_gen(void **state)
{
	struct world w = { 0 };

	assert_int_equal(assign(&w, "a b c d"), 0);
	assert_int_equal(assign(&w, "c"), 0);
	assert_int_equal(assign(&w, "x y c z"), 0);
	assert_int_equal(w.ids[0], 5);
	assert_int_equal(w.ids[1], 1);
	assert_int_equal(w.ids[2], 3);
	assert_int_equal(w.ids[3], 2);
	assert_slot(&w, 5, "x", 1, 0);
	assert_slot(&w, 1, "y", 2, 0);
	assert_slot(&w, 2, "z", 2, 0);
	assert_slot(&w, 4, "d", 1, 1);
}

/* A name that comes back in the batch that fills the last ids is not robbed of its own. */
static void a_name_that_comes_back_goes_before_new_ones(void **state)
{
	struct world w = { 0 };

	assert_int_equal(assign(&w, "a b c d e"), 0);
	assert_int_equal(assign(&w, "c"), 0);
	assert_int_equal(assign(&w, "x a c"), 0);
	assert_int_equal(w.ids[0], 2);
	assert_int_equal(w.ids[1], 1);
	assert_slot(&w, 1, "a", 1, 0);
	assert_slot(&w, 2, "x", 2, 0);
}

static void a_gen_is_never_zero(void **state)
{
	struct world w = {
		.names = { [1] = { .name = "old", .gen = UINT32_MAX }, [2] = { .name = "kept" } }
	};

	assert_int_equal(assign(&w, "kept v w x y"), 0);
	assert_slot(&w, 2, "kept", 1, 0);
	assert_slot(&w, 1, "y", 1, 0);
}

static void id_0_is_the_unknown_tenant_whatever_the_map_says(void **state)
{
	struct world w = { .names = { { .name = "mallory", .gen = 4, .retired = 1 } } };

	assert_int_equal(assign(&w, "mallory"), 0);
	assert_slot(&w, 0, "unknown", 5, 0);
	assert_int_equal(w.ids[0], 1);
	assert_int_equal(assign(&w, "mallory"), 0);
	assert_slot(&w, 0, "unknown", 5, 0);
}

static void a_map_with_a_name_twice_or_without_an_end_does_no_harm(void **state)
{
	struct world w = {
		.names = { [1] = { .name = "a", .gen = 1 }, [2] = { .name = "a", .gen = 1 } }
	};

	memset(w.names[3].name, 'x', sizeof(w.names[3].name));
	assert_int_equal(assign(&w, "a b"), 0);
	assert_int_equal(w.ids[0], 1);
	assert_int_equal(w.ids[1], 4);
	assert_slot(&w, 2, "a", 1, 1);
	assert_int_equal(w.names[3].retired, 1);
}

static void what_cannot_be_is_refused(void **state)
{
	struct world w = { 0 };

	assert_int_equal(assign(&w, "a b c d e f"), -ENOSPC);
	assert_string_equal(w.error.message, "6 tenants, but the maps have room for 5: raise "
					     "sizes.tenants and create the maps anew");
	assert_int_equal(assign(&w, "a b a"), -EEXIST);
	assert_string_equal(w.error.message, "the name \"a\" is given twice");
	w = (struct world){ 0 };
	assert_int_equal(assign(&w, "a"), 0);
	assert_int_equal(assign(&w, "b a a"), -EEXIST);
	assert_int_equal(assign(&w, "unknown"), -EEXIST);
}

static void the_index_finds_every_name_and_no_other(void **state)
{
	static struct sl_tenant_spec specs[2000];
	struct sl_name_index index;
	char name[SL_TENANT_NAME_BYTES];

	for (size_t i = 0; i < 2000; i++)
		(void)snprintf(specs[i].name, sizeof(specs[i].name), "tenant-%zu", i);
	specs[1500].name[0] = '\0';
	assert_int_equal(sl_name_index_make(&index, specs, sizeof(specs[0]), 2000), 0);
	for (int i = 0; i < 3000; i++) {
		(void)snprintf(name, sizeof(name), "tenant-%d", i);
		assert_int_equal(sl_name_index_find(&index, name), i < 2000 && i != 1500 ? i : -1);
	}
	assert_int_equal(sl_name_index_find(&index, ""), -1);
	sl_name_index_release(&index);
	assert_int_equal(sl_name_index_make(&index, NULL, 1, 0), 0);
	assert_int_equal(sl_name_index_find(&index, "a"), -1);
	sl_name_index_release(&index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_names_take_the_lowest_ids),
		cmocka_unit_test(a_known_name_keeps_its_id),
		cmocka_unit_test(a_name_that_comes_back_is_the_same_tenant),
		cmocka_unit_test(a_retired_id_is_reused_last_and_with_a_new_gen),
		cmocka_unit_test(a_name_that_comes_back_goes_before_new_ones),
		cmocka_unit_test(a_gen_is_never_zero),
		cmocka_unit_test(id_0_is_the_unknown_tenant_whatever_the_map_says),
		cmocka_unit_test(a_map_with_a_name_twice_or_without_an_end_does_no_harm),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(the_index_finds_every_name_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
