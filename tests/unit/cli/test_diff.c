// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <stdio.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/cli/diff.h"
#include "userspace/conf/conf.h"

#define TENANTS 8u
#define LINES	64u

static const char base[] = "version: 1\n"
			   "services:\n"
			   "  - {address: 192.0.2.1, port: 80}\n"
			   "  - {address: \"2001:db8::1\", port: 443, tenant: b}\n"
			   "tenants:\n"
			   "  - {name: a, sources: [10.0.0.0/8, \"2001:db8:a::/48\"], ingress: "
			   "{packets_per_s: 1k}}\n"
			   "  - {name: b}\n"
			   "blocks: [{prefix: 203.0.113.0/24}]\n";

/* Maps that hold a plan, in the half that @epoch makes live. */
struct maps {
	struct sl_plan *plan;
	struct sl_ctl ctl;
	struct sl_limit limits[2 * TENANTS];
	struct sl_name names[TENANTS];
	struct sl_requests requests[2 * TENANTS];
	struct sl_service4_line services4[2 * LINES];
	struct sl_service6_line services6[2 * LINES];
	struct sl_block_listed blocks[4];
	struct sl_maps_view view;
	struct sl_diff_live live;
};

static struct sl_config *config_of(const char *text)
{
	struct sl_conf_error error = { "" };
	struct sl_config *config = NULL;

	if (sl_conf_parse(&config, "test", text, strlen(text), &error))
		fail_msg("%s", error.message);
	return config;
}

static struct sl_plan *plan_of(const struct sl_config *config, const struct sl_name *names,
			       uint64_t seed)
{
	const struct sl_plan_input in = { .names = names,
					  .tenants = TENANTS,
					  .services4_lines = LINES,
					  .services6_lines = LINES,
					  .now_ns = 1000,
					  .tick_ns = 4000000,
					  .seed = seed };
	struct sl_text_error error = { "" };
	struct sl_plan *plan = NULL;

	if (sl_plan_make(&plan, config, &in, &error))
		fail_msg("%s", error.message);
	return plan;
}

static void fill_with(struct maps *maps, uint32_t epoch, const char *text)
{
	struct sl_config *config = config_of(text);
	const struct sl_plan *plan;
	uint32_t half = epoch & 1;

	memset(maps, 0, sizeof(*maps));
	maps->plan = plan_of(config, NULL, 99);
	sl_config_free(config);
	plan = maps->plan;
	maps->ctl.epoch = epoch;
	maps->ctl.mode = plan->ctl.mode;
	maps->ctl.event_mask = plan->ctl.event_mask;
	maps->ctl.event_cost_cu = plan->ctl.event_cost_cu;
	maps->ctl.reset_cost_cu = plan->ctl.reset_cost_cu;
	maps->ctl.half[half] = plan->half;
	memcpy(maps->names, plan->names, sizeof(maps->names));
	memcpy(maps->limits + half * TENANTS, plan->limits, TENANTS * sizeof(*plan->limits));
	memcpy(maps->requests + half * TENANTS, plan->requests, TENANTS * sizeof(*plan->requests));
	memcpy(maps->services4 + half * LINES, plan->services4, LINES * sizeof(*plan->services4));
	memcpy(maps->services6 + half * LINES, plan->services6, LINES * sizeof(*plan->services6));
	assert_int_equal(sl_parse_prefix(&maps->blocks[0].prefix, "203.0.113.0/24", NULL), 0);
	maps->view = (struct sl_maps_view){ .ctl = &maps->ctl,
					    .limits = maps->limits,
					    .names = maps->names,
					    .requests = maps->requests,
					    .services4 = maps->services4,
					    .services6 = maps->services6,
					    .tenants = TENANTS,
					    .services4_lines = LINES,
					    .services6_lines = LINES };
	maps->live = (struct sl_diff_live){ .view = &maps->view,
					    .sources4 = plan->sources4,
					    .sources6 = plan->sources6,
					    .sources4_count = plan->sources4_count,
					    .sources6_count = plan->sources6_count,
					    .blocks = maps->blocks,
					    .block_count = 1,
					    .now_ns = 5000 };
}

static void fill(struct maps *maps, uint32_t epoch)
{
	fill_with(maps, epoch, base);
}

/* The differences of @maps and the configuration @text, as CSV. */
static char *diff(const struct maps *maps, const char *text)
{
	struct sl_config *config = config_of(text);
	struct sl_plan *plan = plan_of(config, maps->names, 1);
	struct sl_cli cli = { .format = SL_FORMAT_CSV };
	struct sl_doc *doc = NULL;
	struct sl_sheet *sheet;
	char *csv = NULL;
	size_t size = 0;

	cli.out = open_memstream(&csv, &size);
	assert_non_null(cli.out);
	assert_int_equal(sl_doc_new(&doc), 0);
	sheet = sl_doc_table(doc, "differences", NULL, sl_diff_columns, SL_DIFF_COLUMNS);
	assert_int_equal(sl_diff_put(sheet, &maps->live, config, plan), 0);
	assert_int_equal(sl_doc_print(doc, &cli), 0);
	assert_int_equal(fclose(cli.out), 0);
	sl_doc_free(doc);
	sl_plan_free(plan);
	sl_config_free(config);
	return csv;
}

static struct maps maps;

static void expect(const char *text, const char *rows)
{
	sl_autofree char *csv = diff(&maps, text);

	assert_int_equal(strncmp(csv, "subject,field,maps,config\n", 26), 0);
	assert_string_equal(csv + 26, rows);
}

static void the_same_is_no_difference_in_either_half(void **state)
{
	for (uint32_t epoch = 4; epoch <= 5; epoch++) {
		fill(&maps, epoch);
		expect(base, "");
		/* What differs by design: a lease's end, a shed level, the other half. */
		maps.limits[(epoch & 1) * TENANTS + 1].ingress.shed_permille = 7;
		memset(maps.limits + !(epoch & 1) * TENANTS, 0x55, TENANTS * sizeof(*maps.limits));
		expect(base, "");
		sl_plan_free(maps.plan);
	}
}

static void each_kind_of_difference_is_a_row(void **state)
{
	fill(&maps, 4);
	maps.ctl.mode = SL_MODE_SHADOW;
	expect(base, "node,mode,shadow,enforce\n");
	maps.ctl.mode = SL_MODE_ENFORCE;
	maps.limits[2].ingress.flags |= SL_SIDE_BLOCKED;
	expect(base, "tenant b,ingress blocked,yes,no\n");
	maps.limits[2].ingress.flags &= ~(uint32_t)SL_SIDE_BLOCKED;
	maps.limits[1].ingress.packets.cost *= 2;
	expect(base, "tenant a,ingress packets,500/s burst 50,1k/s burst 100\n");
	maps.limits[1].ingress.packets.cost /= 2;
	maps.requests[2].set = 1u << SL_REQUEST_MESSAGES;
	expect(base, "tenant b,requests messages,100 in 1m,the gateway's\n");
	maps.requests[2].set = 0;
	maps.live.block_count = 0;
	expect(base, "block 203.0.113.0/24,state,,blocked\n");
	maps.live.block_count = 1;
	maps.live.sources4_count = 0;
	expect(base, "source 10.0.0.0/8,tenant,,a\n");
	sl_plan_free(maps.plan);
}

static void ended_blocks_do_not_count(void **state)
{
	fill(&maps, 4);
	maps.blocks[0].until_ns = 4000;
	expect(base, "block 203.0.113.0/24,state,,blocked\n");
	maps.blocks[0].until_ns = 6000;
	expect(base, "");
	sl_plan_free(maps.plan);
}

static void another_configuration_differs_in_all_it_says(void **state)
{
	static const char other[] = "version: 1\n"
				    "services:\n"
				    "  - {address: 192.0.2.1, port: 81}\n"
				    "  - {address: \"2001:db8::1\", port: 443, tenant: a}\n"
				    "tenants:\n"
				    "  - {name: a, sources: [10.0.0.0/8]}\n";

	fill(&maps, 4);
	expect(other, "tenant a,ingress packets,1k/s burst 100,unlimited\n"
		      "tenant b,exists,yes,no\n"
		      "service tcp 192.0.2.1:80 vlan any,tenant,\"by source, by flow\",\n"
		      "service tcp 192.0.2.1:81 vlan any,tenant,,\"by source, by flow\"\n"
		      "service tcp [2001:db8::1]:443 vlan any,tenant,b,a\n"
		      "source 2001:db8:a::/48,tenant,a,\n"
		      "block 203.0.113.0/24,state,blocked,\n");
	sl_plan_free(maps.plan);
}

/* What Redis leased to this node is a part of the limit: each node of a fleet differed so. */
static void a_slice_of_a_global_limit_is_no_difference(void **state)
{
	static const char shared[] = "version: 1\n"
				     "quota: {redis: {addresses: \"127.0.0.1:6379\"}}\n"
				     "tenants:\n"
				     "  - name: a\n"
				     "    ingress: {packets_per_s: 1k, bytes_per_s: 1MB}\n"
				     "    requests: {global: 100}\n"
				     "    global: {packets: true, requests: true}\n"
				     "  - {name: b, ingress: {packets_per_s: 1k}}\n"
				     "blocks: [{prefix: 203.0.113.0/24}]\n";

	(void)state;
	fill_with(&maps, 4, shared);
	expect(shared, "");
	for (uint32_t tenant = 1; tenant <= 2; tenant++) {
		struct sl_limit *limit = &maps.limits[tenant];

		limit->ingress.packets.cost *= 2;
		limit->ingress.lease_until_ns = 9000;
		limit->ingress.flags |= sl_side_fallback_flags(SL_FALLBACK_SAFE);
		limit->safe_packets.cost *= 4;
		maps.requests[tenant].rule[SL_REQUEST_GLOBAL].limit.period_ns = 77;
	}
	expect(shared, "tenant b,ingress packets,500/s burst 50,1k/s burst 100\n"
		       "tenant b,lease,ends,never ends\n"
		       "tenant b,on lease expiry,safe,last\n");
	maps.limits[1].ingress.bytes.cost *= 2;
	maps.limits[2] = maps.plan->limits[2];
	expect(shared, "tenant a,ingress bytes,500kB/s burst 125kB,1MB/s burst 250kB\n");
	sl_plan_free(maps.plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_is_no_difference_in_either_half),
		cmocka_unit_test(each_kind_of_difference_is_a_row),
		cmocka_unit_test(ended_blocks_do_not_count),
		cmocka_unit_test(another_configuration_differs_in_all_it_says),
		cmocka_unit_test(a_slice_of_a_global_limit_is_no_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
