// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <string.h>

#include "userspace/domain/config.h"

static struct sl_config *make_config(void)
{
	struct sl_config *config = calloc(1, sizeof(*config));

	assert_non_null(config);
	config->mode = SL_MODE_SHADOW;
	config->unknown.proven_ns = 9;
	config->interfaces = calloc(1, sizeof(*config->interfaces));
	config->services = calloc(2, sizeof(*config->services));
	config->blocks = calloc(3, sizeof(*config->blocks));
	config->tenants = calloc(2, sizeof(*config->tenants));
	assert_true(config->interfaces && config->services && config->blocks && config->tenants);
	config->interface_count = 1;
	config->service_count = 2;
	config->block_count = 3;
	config->tenant_count = 2;
	memcpy(config->interfaces[0].name, "eth0", 5);
	config->services[1].port = 443;
	config->blocks[2].for_ns = 7;
	memcpy(config->tenants[0].name, "acme", 5);
	config->tenants[1].mark = 5;
	config->tenants[1].sources = calloc(2, sizeof(*config->tenants[1].sources));
	config->tenants[1].cgroups = calloc(2, sizeof(*config->tenants[1].cgroups));
	assert_true(config->tenants[1].sources && config->tenants[1].cgroups);
	config->tenants[1].source_count = 2;
	config->tenants[1].sources[1].bits = 24;
	config->tenants[1].cgroups[0] = strdup("a/b");
	config->tenants[1].cgroups[1] = strdup("c");
	config->tenants[1].cgroup_count = 2;
	return config;
}

/* Under ASan: nothing is shared, and nothing is lost. */
static void a_copy_stands_alone(void **state)
{
	struct sl_config *config = make_config(), *copy = NULL;

	assert_int_equal(sl_config_copy(&copy, config), 0);
	sl_config_free(config);

	assert_int_equal(copy->mode, SL_MODE_SHADOW);
	assert_int_equal(copy->unknown.proven_ns, 9);
	assert_int_equal(copy->interface_count, 1);
	assert_string_equal(copy->interfaces[0].name, "eth0");
	assert_int_equal(copy->service_count, 2);
	assert_int_equal(copy->services[1].port, 443);
	assert_int_equal(copy->block_count, 3);
	assert_int_equal(copy->blocks[2].for_ns, 7);
	assert_int_equal(copy->tenant_count, 2);
	assert_string_equal(copy->tenants[0].name, "acme");
	assert_int_equal(copy->tenants[1].mark, 5);
	assert_int_equal(copy->tenants[1].source_count, 2);
	assert_int_equal(copy->tenants[1].sources[1].bits, 24);
	assert_int_equal(copy->tenants[1].cgroup_count, 2);
	assert_string_equal(copy->tenants[1].cgroups[0], "a/b");
	assert_string_equal(copy->tenants[1].cgroups[1], "c");
	sl_config_free(copy);
}

static void an_empty_one_can_be_copied_and_freed(void **state)
{
	struct sl_config config = { 0 }, *copy = NULL;

	assert_int_equal(sl_config_copy(&copy, &config), 0);
	assert_int_equal(copy->tenant_count, 0);
	sl_config_free(copy);
	sl_config_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_stands_alone),
		cmocka_unit_test(an_empty_one_can_be_copied_and_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
