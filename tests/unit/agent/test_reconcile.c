// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/agent/reconcile.h"
#include "userspace/conf/conf.h"

#define S   1000000000ull
#define NOW (1000 * S)

static const char text[] = "version: 1\n"
			   "sizes: {tenants: 16, services: 16}\n"
			   "services: [{address: any, port: 80}]\n"
			   "tenants:\n"
			   "  - {name: a, ingress: {packets_per_s: 100}}\n"
			   "  - {name: b, ingress: {packets_per_s: 200}}\n"
			   "blocks: [{prefix: 192.0.2.0/24, for: 10s}]\n";

struct fixture {
	struct sl_config *config;
	struct sl_overrides overrides;
	struct sl_sheds sheds;
	struct sl_snapshot snapshot;
	struct sl_plan *plan;
	struct sl_config *effective;
};

static int begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sl_conf_error error;

	if (!f || sl_conf_parse(&f->config, "t.yaml", text, sizeof(text) - 1, &error) != 0)
		return -1;
	f->snapshot = (struct sl_snapshot){
		.config = f->config,
		.overrides = &f->overrides,
		.sheds = &f->sheds,
		.now_unix_ns = 1790000000 * S,
		.in = { .tenants = 16,
			.services4_lines = 8,
			.services6_lines = 16,
			.now_ns = NOW,
			.tick_ns = 4000000,
			.seed = 42 },
	};
	*state = f;
	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

	sl_plan_free(f->plan);
	sl_config_free(f->effective);
	sl_overrides_release(&f->overrides);
	sl_config_free(f->config);
	free(f);
	return 0;
}

static void reconcile(struct fixture *f)
{
	struct sl_text_error error = { .message = "" };

	sl_plan_free(f->plan);
	sl_config_free(f->effective);
	f->plan = NULL;
	f->effective = NULL;
	if (sl_reconcile(&f->plan, &f->effective, &f->snapshot, &error) != 0)
		fail_msg("%s", error.message);
}

/* The live side of the tenant at @at in the configuration. */
static const struct sl_side *ingress(const struct fixture *f, size_t at)
{
	return &f->plan->limits[f->plan->ids[at]].ingress;
}

static void set(struct fixture *f, const struct sl_override *item)
{
	assert_int_equal(sl_overrides_set(&f->overrides, item, NULL), 0);
}

static void the_configuration_alone_is_planned(void **state)
{
	struct fixture *f = *state;

	reconcile(f);
	assert_int_equal(f->plan->id_count, 2);
	assert_int_not_equal(f->plan->ids[0], f->plan->ids[1]);
	assert_true(ingress(f, 0)->packets.cost > ingress(f, 1)->packets.cost);
	assert_int_equal(f->plan->blocks4_count, 1);
	assert_int_equal(f->effective->tenants[0].ingress_packets.per_s, 100);
}

static void overrides_change_a_copy(void **state)
{
	const struct sl_override slower = { .field = SL_OVERRIDE_INGRESS_PACKETS,
					    .tenant = "b",
					    .rate = { .per_s = 50, .burst = 5 } };
	struct fixture *f = *state;

	set(f, &slower);
	reconcile(f);
	assert_true(ingress(f, 1)->packets.cost > ingress(f, 0)->packets.cost);
	assert_int_equal(f->effective->tenants[1].ingress_packets.per_s, 50);
	assert_int_equal(f->config->tenants[1].ingress_packets.per_s, 200);
}

static void overrides_end(void **state)
{
	struct sl_override blocked = { .field = SL_OVERRIDE_BLOCKED, .tenant = "a", .value = 1 };
	struct fixture *f = *state;

	blocked.until_unix_ns = f->snapshot.now_unix_ns + 1;
	set(f, &blocked);
	reconcile(f);
	assert_true(ingress(f, 0)->flags & SL_SIDE_BLOCKED);
	f->snapshot.now_unix_ns++;
	reconcile(f);
	assert_false(ingress(f, 0)->flags & SL_SIDE_BLOCKED);
}

/* A block of the file lasts from the time the file was read, not from each plan. */
static void blocks_of_the_file_grow_old(void **state)
{
	struct fixture *f = *state;

	f->snapshot.config_age_ns = 4 * S;
	reconcile(f);
	assert_int_equal(f->plan->blocks4_count, 1);
	assert_true(f->plan->blocks4[0].until_ns == NOW + 6 * S);
	f->snapshot.config_age_ns = 10 * S;
	reconcile(f);
	assert_int_equal(f->plan->blocks4_count, 0);
}

static void shed_levels_survive_a_plan(void **state)
{
	struct sl_shed shed = { .tenant = "b", .permille = 300, .until_ns = NOW + 5 * S };
	struct fixture *f = *state;

	assert_int_equal(sl_sheds_set(&f->sheds, &shed), 0);
	memcpy(shed.tenant, "gone", 5);
	assert_int_equal(sl_sheds_set(&f->sheds, &shed), 0);
	reconcile(f);
	assert_int_equal(ingress(f, 0)->shed_permille, 0);
	assert_int_equal(ingress(f, 1)->shed_permille, 300);
	assert_true(ingress(f, 1)->shed_until_ns == NOW + 5 * S);
	assert_int_equal(f->plan->limits[f->plan->ids[1]].egress.shed_permille, 300);

	f->snapshot.in.now_ns = NOW + 5 * S;
	reconcile(f);
	assert_int_equal(ingress(f, 1)->shed_permille, 0);
	sl_sheds_expire(&f->sheds, NOW + 5 * S);
	assert_int_equal(f->sheds.count, 0);
}

static void what_operators_shed_outlives_what_pressure_sheds(void **state)
{
	struct sl_shed shed = { .tenant = "a", .permille = 1, .until_ns = NOW + S };
	struct fixture *f = *state;

	assert_int_equal(sl_sheds_set(&f->sheds, &shed), 0);
	shed.by_pressure = true;
	memcpy(shed.tenant, "b", 2);
	assert_int_equal(sl_sheds_add(&f->sheds, &shed), 0);
	memcpy(shed.tenant, "c", 2);
	assert_int_equal(sl_sheds_add(&f->sheds, &shed), 0);
	shed.by_pressure = false; /* an operator takes it over */
	assert_int_equal(sl_sheds_set(&f->sheds, &shed), 0);
	assert_int_equal(f->sheds.count, 3);
	sl_sheds_drop_pressure(&f->sheds);
	assert_int_equal(f->sheds.count, 2);
	assert_string_equal(f->sheds.at[0].tenant, "a");
	assert_string_equal(f->sheds.at[1].tenant, "c");
	while (sl_sheds_add(&f->sheds, &shed) == 0)
		assert_in_range(f->sheds.count, 3, SL_SHEDS_MAX);
	assert_int_equal(f->sheds.count, SL_SHEDS_MAX);
}

static void shed_levels_are_replaced_and_bounded(void **state)
{
	struct sl_shed shed = { .permille = 1, .until_ns = NOW + S };
	struct fixture *f = *state;

	for (unsigned int i = 0; i < SL_SHEDS_MAX; i++) {
		(void)snprintf(shed.tenant, sizeof(shed.tenant), "t%u", i);
		assert_int_equal(sl_sheds_set(&f->sheds, &shed), 0);
	}
	assert_int_equal(sl_sheds_set(&f->sheds, &shed), 0);
	assert_int_equal(f->sheds.count, SL_SHEDS_MAX);
	memcpy(shed.tenant, "more", 5);
	assert_int_equal(sl_sheds_set(&f->sheds, &shed), -ENOSPC);
	memcpy(shed.tenant, "t7", 3);
	shed.permille = 0;
	assert_int_equal(sl_sheds_set(&f->sheds, &shed), 0);
	assert_int_equal(f->sheds.count, SL_SHEDS_MAX - 1);
	assert_int_equal(sl_sheds_set(&f->sheds, &shed), 0);
	assert_int_equal(f->sheds.count, SL_SHEDS_MAX - 1);
}

static void what_does_not_fit_is_refused(void **state)
{
	struct sl_text_error error = { .message = "" };
	struct fixture *f = *state;

	f->snapshot.in.tenants = 2;
	assert_int_equal(sl_reconcile(&f->plan, &f->effective, &f->snapshot, &error), -ENOSPC);
	assert_true(error.message[0]);
	assert_null(f->plan);
	assert_null(f->effective);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_configuration_alone_is_planned, begin, end),
		cmocka_unit_test_setup_teardown(overrides_change_a_copy, begin, end),
		cmocka_unit_test_setup_teardown(overrides_end, begin, end),
		cmocka_unit_test_setup_teardown(blocks_of_the_file_grow_old, begin, end),
		cmocka_unit_test_setup_teardown(shed_levels_survive_a_plan, begin, end),
		cmocka_unit_test_setup_teardown(what_operators_shed_outlives_what_pressure_sheds,
						begin, end),
		cmocka_unit_test_setup_teardown(shed_levels_are_replaced_and_bounded, begin, end),
		cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
