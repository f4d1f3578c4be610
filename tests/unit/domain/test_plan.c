// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "userspace/domain/limit.h"
#include "userspace/domain/plan.h"

#define TENANTS 6
#define UNLIMITED                                                                                  \
	{                                                                                          \
		.unlimited = true                                                                  \
	}

static const struct sl_plan_input input = {
	.tenants = TENANTS,
	.services4_lines = 4,
	.services6_lines = 8,
	.now_ns = 1000,
	.tick_ns = 4000000,
	.seed = 99,
};

static struct sl_prefix_spec prefix(const char *text)
{
	struct sl_prefix_spec parsed;

	assert_int_equal(sl_parse_prefix(&parsed, text, NULL), 0);
	return parsed;
}

static union sl_prefix_key key(const char *text)
{
	const struct sl_prefix_spec parsed = prefix(text);

	return sl_prefix_key_of(&parsed);
}

/* What a test changes of the configuration; the arrays are the fixture's. */
struct fixture {
	struct sl_config config;
	struct sl_tenant_spec tenants[TENANTS];
	struct sl_service_spec services[4];
	struct sl_block_spec blocks[6];
	struct sl_prefix_spec sources[4];
	char *cgroups[2];
};

static void add_tenant(struct fixture *f, const char *name)
{
	struct sl_tenant_spec *tenant = &f->tenants[f->config.tenant_count++];

	*tenant = (struct sl_tenant_spec){
		.ingress_packets = { .per_s = 1000 * f->config.tenant_count, .burst = 1000 },
		.ingress_bytes = UNLIMITED,
		.egress_packets = UNLIMITED,
		.egress_bytes = UNLIMITED,
		.new_connections = UNLIMITED,
		.fragments = UNLIMITED,
		.safe_packets = UNLIMITED,
		.safe_bytes = UNLIMITED,
		.lease_ns = 50,
	};
	(void)snprintf(tenant->name, sizeof(tenant->name), "%s", name);
}

static void add_block(struct fixture *f, const char *text, uint64_t for_ns)
{
	f->blocks[f->config.block_count++] =
		(struct sl_block_spec){ .prefix = prefix(text), .for_ns = for_ns };
}

static void init(struct fixture *f)
{
	*f = (struct fixture){
		.config = { .tenants = f->tenants, .services = f->services, .blocks = f->blocks }
	};
	f->config.unknown = (struct sl_unknown_spec){
		.packets = { .per_s = 777, .burst = 77 },
		.bytes = UNLIMITED,
		.egress_packets = UNLIMITED,
		.egress_bytes = UNLIMITED,
		.new_connections = UNLIMITED,
		.fragments = UNLIMITED,
		.source_packets = { .per_s = 100, .burst = 50 },
		.proven_packets = { .per_s = 500, .burst = 50 },
		.proven_ns = 60000000000,
	};
	add_tenant(f, "acme");
	add_tenant(f, "beta");
}

static struct sl_plan *make(const struct fixture *f, const struct sl_plan_input *in)
{
	struct sl_text_error error = { "" };
	struct sl_plan *plan = NULL;

	if (sl_plan_make(&plan, &f->config, in, &error))
		fail_msg("%s", error.message);
	return plan;
}

static void a_limit_stands_at_its_tenants_id(void **state)
{
	struct sl_name names[TENANTS] = {
		[1] = { .name = "beta", .gen = 4 }, [3] = { .name = "gone", .gen = 9 }
	};
	struct sl_plan_input in = input;
	struct sl_limit expected;
	struct sl_plan *plan;
	struct fixture f;

	init(&f);
	in.names = names;
	plan = make(&f, &in);
	assert_int_equal(plan->tenants, TENANTS);
	assert_int_equal(plan->id_count, 2);
	assert_int_equal(plan->ids[0], 2);
	assert_int_equal(plan->ids[1], 1);
	assert_string_equal(plan->names[0].name, SL_NAME_UNKNOWN);
	assert_string_equal(plan->names[2].name, "acme");
	assert_int_equal(plan->names[3].retired, 1);
	assert_int_equal(names[3].retired, 0); /* the map's are only read */

	sl_limit_make(&expected, &f.tenants[0], &(struct sl_limit_input){ 1, 1000, 4000000 });
	assert_memory_equal(&plan->limits[2], &expected, sizeof(expected));
	assert_int_equal(expected.ingress.lease_until_ns, 1050);
	sl_limit_make(&expected, &f.tenants[1], &(struct sl_limit_input){ 4, 1000, 4000000 });
	assert_memory_equal(&plan->limits[1], &expected, sizeof(expected));
	sl_limit_make_unknown(&expected, &f.config.unknown,
			      &(struct sl_limit_input){ 1, 1000, 4000000 });
	assert_memory_equal(&plan->limits[0], &expected, sizeof(expected));
	assert_int_equal(plan->requests[2].gen, 1);
	assert_int_equal(plan->requests[1].gen, 4);
	assert_int_equal(plan->requests[2].rule[SL_REQUEST_COST].lease_until_ns, 1050);
	assert_int_equal(plan->requests[3].gen, 9);
	assert_int_equal(plan->requests[3].set, 0);
	sl_limit_make_unused(&expected, 9);
	assert_memory_equal(&plan->limits[3], &expected, sizeof(expected));
	sl_limit_make_unused(&expected, 0);
	assert_memory_equal(&plan->limits[4], &expected, sizeof(expected));
	assert_memory_equal(&plan->limits[5], &expected, sizeof(expected));
	sl_plan_free(plan);
}

static void the_control_word_says_what_is_configured(void **state)
{
	struct sl_plan *plan;
	struct fixture f;

	init(&f);
	f.config.mode = SL_MODE_SHADOW;
	f.config.events_per_s = 1000;
	f.config.event_sample = 64;
	f.config.resets_per_s = 5;
	f.config.overhead_ingress_bytes = 24;
	f.config.overhead_egress_bytes = 20;
	plan = make(&f, &input);
	assert_int_equal(plan->ctl.mode, SL_MODE_SHADOW);
	assert_int_equal(plan->ctl.event_mask, 63);
	assert_int_equal(plan->ctl.event_cost_cu, 1024000000);
	assert_int_equal(plan->ctl.event_burst_cu, 102400000000);
	assert_int_equal(plan->ctl.reset_cost_cu, 204800000000);
	assert_int_equal(plan->ctl.reset_burst_cu, 204800000000);
	assert_int_equal(plan->half.overhead_ingress_bytes, 24);
	assert_int_equal(plan->half.overhead_egress_bytes, 20);
	assert_int_equal(plan->half.on_miss, SL_ON_MISS_LIMIT);
	assert_int_equal(plan->half.source_share.cost, 10240000000);
	assert_int_equal(plan->half.proven_packets.cost, 2048000000);
	assert_int_equal(plan->half.proven_s, 60);
	sl_plan_free(plan);

	init(&f);
	plan = make(&f, &input);
	assert_int_equal(plan->ctl.event_mask, 0);
	assert_int_equal(plan->ctl.event_cost_cu, 0);
	assert_int_equal(plan->ctl.reset_cost_cu, 0);
	sl_plan_free(plan);
}

static void assert_features(const struct fixture *f, uint32_t features)
{
	struct sl_plan *plan = make(f, &input);

	assert_int_equal(plan->half.features, features);
	sl_plan_free(plan);
}

static void only_what_is_used_is_looked_at(void **state)
{
	struct fixture f;

	init(&f);
	f.config.unknown.proven_ns = 0;
	assert_features(&f, 0);
	f.services[f.config.service_count++] = (struct sl_service_spec){
		.protocol = IPPROTO_TCP, .port = 80, .tenant = -1, .bind = true
	};
	assert_features(&f, 0); /* no flow can be bound */
	f.config.sizes.flows = 1000;
	assert_features(&f, SL_FEATURE_FLOWS);
	f.services[0].bind = false;
	assert_features(&f, 0);
	f.config.sizes.sockets = 5;
	assert_features(&f, SL_FEATURE_SOCKETS);
	f.config.sizes.sockets = 0;

	f.tenants[0].sources = f.sources;
	f.tenants[0].source_count = 1;
	f.sources[0] = prefix("10.0.0.0/8");
	assert_features(&f, SL_FEATURE_SOURCES4);
	f.sources[0] = prefix("2001:db8::/32");
	assert_features(&f, SL_FEATURE_SOURCES6);
	f.tenants[0].source_count = 0;

	f.tenants[1].mark = 7;
	assert_features(&f, SL_FEATURE_MARKS);
	f.tenants[1].mark = 0;
	f.cgroups[0] = (char[]){ "a" };
	f.tenants[1].cgroups = f.cgroups;
	f.tenants[1].cgroup_count = 1;
	assert_features(&f, SL_FEATURE_CGROUPS);
	f.tenants[1].cgroup_count = 0;
	f.config.unknown.proven_ns = 1;
	assert_features(&f, SL_FEATURE_PROVEN);
}

static void bindings_name_ids(void **state)
{
	struct sl_name names[TENANTS] = { [4] = { .name = "beta", .gen = 1 } };
	const union sl_prefix_key first = key("9.0.0.0/8");
	struct sl_plan_input in = input;
	struct sl_plan *plan;
	struct fixture f;

	init(&f);
	in.names = names;
	f.sources[0] = prefix("10.0.0.0/8");
	f.sources[1] = prefix("2001:db8::/32");
	f.sources[2] = prefix("10.0.0.0/16");
	f.sources[3] = prefix("9.0.0.0/8");
	f.tenants[0].sources = f.sources;
	f.tenants[0].source_count = 2;
	f.tenants[1].sources = f.sources + 2;
	f.tenants[1].source_count = 2;
	f.cgroups[0] = (char[]){ "jobs/beta" };
	f.tenants[1].cgroups = f.cgroups;
	f.tenants[1].cgroup_count = 1;
	f.tenants[0].mark = 0xabc;
	f.tenants[1].mark = UINT32_MAX;
	plan = make(&f, &in);

	assert_int_equal(plan->sources4_count, 3);
	assert_memory_equal(&plan->sources4[0].key, &first, sizeof(first));
	assert_int_equal(plan->sources4[0].tenant, 4);
	assert_int_equal(plan->sources4[1].key.v4.prefix_bits, 8);
	assert_int_equal(plan->sources4[1].tenant, 1);
	assert_int_equal(plan->sources4[2].key.v4.prefix_bits, 16);
	assert_int_equal(plan->sources4[2].tenant, 4);
	assert_int_equal(plan->sources6_count, 1);
	assert_int_equal(plan->sources6[0].key.v6.prefix_bits, 32);
	assert_int_equal(plan->sources6[0].tenant, 1);
	assert_int_equal(plan->cgroup_count, 1);
	assert_string_equal(plan->cgroups[0].path, "jobs/beta");
	assert_int_equal(plan->cgroups[0].tenant, 4);
	assert_int_equal(plan->mark_count, 2);
	assert_int_equal(plan->marks[0].mark, 0xabc);
	assert_int_equal(plan->marks[0].tenant, 1);
	assert_int_equal(plan->marks[1].mark, UINT32_MAX);
	assert_int_equal(plan->marks[1].tenant, 4);
	sl_plan_free(plan);
}

static void services_of_both_families_are_laid_out(void **state)
{
	struct sl_plan *plan;
	struct fixture f;
	uint32_t tcp4 = 0, tcp6 = 0;

	init(&f);
	f.services[0] = (struct sl_service_spec){
		.address = { 4, { 192, 0, 2, 1 } }, .protocol = IPPROTO_TCP, .port = 80, .tenant = 1
	};
	f.services[1] = (struct sl_service_spec){
		.protocol = IPPROTO_TCP, .port = 81, .vlan = SL_VLAN_ANY, .tenant = -1
	};
	f.config.service_count = 2;
	plan = make(&f, &input);
	assert_int_equal(plan->services4_lines, 4);
	assert_int_equal(plan->services6_lines, 8);
	assert_int_equal(plan->services4_used, 4);
	assert_int_equal(plan->services6_used, 2);
	assert_int_equal(plan->half.shapes4, 0x50);
	assert_int_equal(plan->half.shapes4_count, 2);
	assert_int_equal(plan->half.shapes6, 0x5);
	assert_int_equal(plan->half.shapes6_count, 1);
	for (size_t i = 0; i < 4 * SL_SERVICE4_SLOTS; i++) {
		const struct sl_service4 *s =
			&plan->services4[i / SL_SERVICE4_SLOTS].slot[i % SL_SERVICE4_SLOTS];

		tcp4 += s->protocol == IPPROTO_TCP;
		if (s->port == htons(80))
			assert_int_equal(s->tenant, plan->ids[1]);
	}
	for (size_t i = 0; i < 8 * SL_SERVICE6_SLOTS; i++)
		tcp6 += plan->services6[i / SL_SERVICE6_SLOTS]
				.slot[i % SL_SERVICE6_SLOTS]
				.protocol == IPPROTO_TCP;
	assert_int_equal(tcp4, 2);
	assert_int_equal(tcp6, 1);
	assert_true(plan->half.services4_seed != plan->half.services6_seed);
	sl_plan_free(plan);
}

static void assert_block(const struct sl_block_entry *blocks, size_t count, const char *text,
			 uint64_t until_ns)
{
	const union sl_prefix_key wanted = key(text);
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		if (sl_prefix_compare(&blocks[i].key, &wanted) != 0)
			continue;
		found++;
		assert_int_equal(blocks[i].until_ns, until_ns);
	}
	assert_int_equal(found, 1);
}

/* A trie answers with the longest prefix: its end must not open what a wider one closes. */
static void a_block_lasts_as_long_as_those_around_it(void **state)
{
	struct sl_plan *plan;
	struct fixture f;

	init(&f);
	add_block(&f, "10.1.0.0/16", 20);
	add_block(&f, "10.1.1.0/24", 900);
	add_block(&f, "10.0.0.0/8", 300);
	add_block(&f, "10.1.1.1/32", 0);
	add_block(&f, "11.0.0.0/8", 20);
	add_block(&f, "2001:db8::/32", 5);
	plan = make(&f, &input);
	assert_int_equal(plan->blocks4_count, 5);
	assert_block(plan->blocks4, 5, "10.0.0.0/8", 1300);
	assert_block(plan->blocks4, 5, "10.1.0.0/16", 1300);
	assert_block(plan->blocks4, 5, "10.1.1.0/24", 1900);
	assert_block(plan->blocks4, 5, "10.1.1.1/32", 0);
	assert_block(plan->blocks4, 5, "11.0.0.0/8", 1020);
	assert_int_equal(plan->blocks6_count, 1);
	assert_block(plan->blocks6, 1, "2001:db8::/32", 1005);
	sl_plan_free(plan);
}

static void a_block_for_good_closes_all_within(void **state)
{
	struct sl_plan *plan;
	struct fixture f;

	init(&f);
	add_block(&f, "0.0.0.0/0", 0);
	add_block(&f, "10.1.0.0/16", 20);
	add_block(&f, "10.1.1.0/24", 20);
	add_block(&f, "10.1.0.0/16", 90); /* twice: one of them stands */
	plan = make(&f, &input);
	assert_int_equal(plan->blocks4_count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(plan->blocks4[i].until_ns, 0);
	sl_plan_free(plan);
}

static void of_a_block_given_twice_the_longer_stands(void **state)
{
	static const uint64_t for_ns[][2] = { { 20, 90 }, { 90, 20 } };

	for (size_t i = 0; i < 2; i++) {
		struct sl_plan *plan;
		struct fixture f;

		init(&f);
		add_block(&f, "10.1.0.0/16", for_ns[i][0]);
		add_block(&f, "10.1.0.0/16", for_ns[i][1]);
		plan = make(&f, &input);
		assert_int_equal(plan->blocks4_count, 1);
		assert_block(plan->blocks4, 1, "10.1.0.0/16", 1090);
		sl_plan_free(plan);
	}
}

static void assert_refused(const struct fixture *f, const struct sl_plan_input *in, int err,
			   const char *message)
{
	struct sl_plan other, *plan = &other;
	struct sl_text_error error = { "" };

	assert_int_equal(sl_plan_make(&plan, &f->config, in, &error), err);
	assert_ptr_equal(plan, &other);
	assert_string_equal(error.message, message);
	assert_int_equal(sl_plan_make(&plan, &f->config, in, NULL), err);
}

static void what_cannot_be_planned_is_refused(void **state)
{
	struct sl_plan_input in = input;
	struct fixture f;

	init(&f);
	in.tenants = 0;
	assert_refused(&f, &in, -EINVAL, "maps of 0 tenants; allowed: 1 to 65536");
	in.tenants = SL_TENANTS_MAX + 1;
	assert_refused(&f, &in, -EINVAL, "maps of 65537 tenants; allowed: 1 to 65536");
	in.tenants = 2;
	assert_refused(&f, &in, -ENOSPC,
		       "2 tenants, but the maps have room for 1: raise sizes.tenants and create "
		       "the maps anew");
	in = input;
	in.services6_lines = 0;
	assert_refused(&f, &in, -EINVAL, "0 lines of services: not a power of two");
	add_tenant(&f, "acme");
	assert_refused(&f, &input, -EEXIST, "the name \"acme\" is given twice");
	init(&f);
	for (unsigned i = 0; i < 2; i++)
		f.services[i] = (struct sl_service_spec){ .protocol = IPPROTO_UDP,
							  .tenant = -1,
							  .line = 10 + i };
	f.config.service_count = 2;
	assert_refused(&f, &input, -EEXIST, "the services of lines 10 and 11 are the same");
}

static void the_least_there_can_be_is_planned(void **state)
{
	struct sl_plan_input in = input;
	struct sl_plan *plan;
	struct fixture f;

	init(&f);
	f.config.tenant_count = 0;
	in.tenants = 1;
	in.services4_lines = 1;
	in.services6_lines = 1;
	plan = make(&f, &in);
	assert_int_equal(plan->id_count, 0);
	assert_int_equal(plan->half.shapes4_count, 0);
	sl_plan_free(plan);
	sl_plan_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_limit_stands_at_its_tenants_id),
		cmocka_unit_test(the_control_word_says_what_is_configured),
		cmocka_unit_test(only_what_is_used_is_looked_at),
		cmocka_unit_test(bindings_name_ids),
		cmocka_unit_test(services_of_both_families_are_laid_out),
		cmocka_unit_test(a_block_lasts_as_long_as_those_around_it),
		cmocka_unit_test(a_block_for_good_closes_all_within),
		cmocka_unit_test(of_a_block_given_twice_the_longer_stands),
		cmocka_unit_test(what_cannot_be_planned_is_refused),
		cmocka_unit_test(the_least_there_can_be_is_planned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
