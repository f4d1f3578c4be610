// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/gateway/kernel_world.h"

#include "userspace/gateway/kernel_names.h"

static int find(const struct sl_kernel_names *names, const char *name)
{
	uint32_t id, gen;
	int r = sl_kernel_names_find(&id, &gen, names, sl_span_of(name));

	return r ? r : (int)id;
}

static void names_are_found_as_the_agent_wrote_them(void **state)
{
	struct sl_kernel_maps *maps = world_maps(1);
	struct sl_kernel_names names = { 0 };

	assert_int_equal(find(&names, "acme"), -ENOENT);
	world_name(maps, 0, "unknown");
	assert_int_equal(sl_kernel_names_read(&names, maps), 1);
	assert_int_equal(find(&names, "acme"), 1);
	assert_int_equal(find(&names, "beta"), 2);
	assert_int_equal(find(&names, "acm"), -ENOENT);
	assert_int_equal(find(&names, "acmee"), -ENOENT);
	assert_int_equal(find(&names, ""), -ENOENT);
	assert_int_equal(find(&names, "unknown"), -ENOENT); /* nobody's */
	sl_kernel_names_clear(&names);
	sl_kernel_maps_free(maps);
}

static void they_are_read_again_with_another_configuration_only(void **state)
{
	struct sl_kernel_maps *maps = world_maps(1);
	struct sl_kernel_names names = { 0 };

	assert_int_equal(sl_kernel_names_read(&names, maps), 1);
	assert_int_equal(sl_kernel_names_read(&names, maps), 0);
	world_name(maps, 7, "gamma");
	assert_int_equal(find(&names, "gamma"), -ENOENT);
	assert_int_equal(sl_kernel_names_read(&names, maps), 1);
	assert_int_equal(find(&names, "gamma"), 7);
	sl_kernel_names_clear(&names);
	sl_kernel_maps_free(maps);
}

static void an_id_that_changed_hands_is_told(void **state)
{
	struct sl_kernel_maps *maps = world_maps(1);
	struct sl_kernel_names names = { 0 };

	(void)sl_kernel_names_read(&names, maps);
	assert_true(sl_kernel_names_has(&names, 1, 1));
	assert_false(sl_kernel_names_has(&names, 1, 2));
	assert_false(sl_kernel_names_has(&names, 3, 0)); /* a free id */
	assert_false(sl_kernel_names_has(&names, TENANTS, 0));
	world_names(maps)[1].retired = 1;
	world_name(maps, 2, "other");
	(void)sl_kernel_names_read(&names, maps);
	assert_false(sl_kernel_names_has(&names, 1, 1));
	assert_int_equal(find(&names, "acme"), -ENOENT);
	assert_int_equal(find(&names, "other"), 2);
	assert_false(sl_kernel_names_has(&names, 2, 1));
	assert_true(sl_kernel_names_has(&names, 2, 2));
	sl_kernel_names_clear(&names);
	sl_kernel_maps_free(maps);
}

static void a_full_table_and_a_name_without_an_end(void **state)
{
	struct sl_kernel_maps *maps = world_maps(1);
	struct sl_kernel_names names = { 0 };
	char name[SL_TENANT_NAME_BYTES + 1] = "";

	for (uint32_t i = 1; i < TENANTS; i++) {
		snprintf(name, sizeof(name), "tenant-%u", i);
		world_name(maps, i, name);
	}
	memset(name, 'x', SL_TENANT_NAME_BYTES);
	memset(world_names(maps)[7].name, 'x', SL_TENANT_NAME_BYTES);
	assert_int_equal(sl_kernel_names_read(&names, maps), 1);
	assert_int_equal(find(&names, "tenant-1"), 1);
	assert_int_equal(find(&names, "tenant-6"), 6);
	assert_int_equal(find(&names, "tenant-7"), -ENOENT);
	assert_int_equal(find(&names, name), 7);
	sl_kernel_names_clear(&names);
	sl_kernel_maps_free(maps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_found_as_the_agent_wrote_them),
		cmocka_unit_test(they_are_read_again_with_another_configuration_only),
		cmocka_unit_test(an_id_that_changed_hands_is_told),
		cmocka_unit_test(a_full_table_and_a_name_without_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
