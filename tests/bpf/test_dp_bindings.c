// SPDX-License-Identifier: Apache-2.0
/* Blocks, cgroups and marks: sets without halves, with a plan and without. */
#include "tests/harness/dataplane.h"

#include <errno.h>
#include <string.h>

#include "userspace/dataplane/counters_read.h"
#include "userspace/dataplane/sync.h"
#include "userspace/domain/text.h"

#define XDP_DROPS  1u
#define XDP_PASSES 2u
#define FAR_NS	   (3600ull * 1000000000u)

static struct sl_bed *bed_of(void **state)
{
	return *state;
}

/* Applies and frees. */
static void apply(const struct sl_bed *bed, struct sl_config *config)
{
	sl_plan_free(sl_bed_apply(bed, config));
	sl_config_free(config);
}

static uint32_t run(const struct sl_bed *bed, const char *from, unsigned host)
{
	struct sl_frame64 frame = sl_bed_frame(from, host, 80);

	return sl_bed_run(bed, "sl_xdp_ingress", &frame, 1);
}

/* ---- blocks ---- */

static struct sl_prefix_spec prefix_of(const char *text)
{
	struct sl_prefix_spec prefix;

	assert_int_equal(sl_parse_prefix(&prefix, text, NULL), 0);
	return prefix;
}

static void add_block(const struct sl_bed *bed, const char *text, uint64_t until_ns)
{
	const struct sl_prefix_spec prefix = prefix_of(text);

	assert_int_equal(sl_sync_block_add(sl_bed_maps(bed), &prefix, until_ns, NULL), 0);
}

static uint64_t until_of(const struct sl_bed *bed, const char *text)
{
	const struct sl_prefix_spec wanted = prefix_of(text);
	struct sl_block_listed *blocks = NULL;
	uint64_t until_ns = UINT64_MAX;
	size_t count;

	assert_int_equal(sl_sync_block_list(&blocks, &count, sl_bed_maps(bed), NULL), 0);
	for (size_t i = 0; i < count; i++) {
		if (!memcmp(&blocks[i].prefix, &wanted, sizeof(wanted)))
			until_ns = blocks[i].until_ns;
	}
	free(blocks);
	return until_ns;
}

static void blocks_work_without_a_plan(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_maps *maps = sl_bed_maps(bed);
	const struct sl_ctl *ctl = sl_maps_view(maps)->ctl;
	const struct sl_prefix_spec wide = prefix_of("198.51.0.0/16");
	uint64_t far_ns = sl_bed_now_ns() + FAR_NS;

	apply(bed, sl_bed_config(bed, 1, 0));
	add_block(bed, "198.51.100.0/24", far_ns);
	add_block(bed, "2001:db8::/32", 0);
	assert_int_equal(ctl->block_count4, 1);
	assert_int_equal(ctl->block_count6, 1);
	assert_int_equal(run(bed, "198.51.100.1", 1), XDP_DROPS);
	assert_int_equal(run(bed, "198.51.101.1", 1), XDP_PASSES);

	/* A wider and longer block: the narrow one may not end before it, nor one inside. */
	add_block(bed, "198.51.0.0/16", far_ns + 5);
	assert_int_equal(until_of(bed, "198.51.100.0/24"), far_ns + 5);
	add_block(bed, "198.51.7.0/24", 1);
	assert_int_equal(until_of(bed, "198.51.7.0/24"), far_ns + 5);
	assert_int_equal(run(bed, "198.51.101.1", 1), XDP_DROPS);

	assert_int_equal(sl_sync_block_del(maps, &wide, NULL), 0);
	assert_int_equal(sl_sync_block_del(maps, &wide, NULL), -ENOENT);
	assert_int_equal(ctl->block_count4, 2);
	assert_int_equal(run(bed, "198.51.101.1", 1), XDP_PASSES);
	assert_int_equal(run(bed, "198.51.100.1", 1), XDP_DROPS);

	assert_int_equal(sl_sync_block_expire(maps, far_ns + 6), 2);
	assert_int_equal(ctl->block_count4, 0);
	assert_int_equal(ctl->block_count6, 1);
	assert_int_equal(run(bed, "198.51.100.1", 1), XDP_PASSES);
}

static void a_plan_brings_its_own_blocks(void **state)
{
	struct sl_bed *bed = bed_of(state);
	const struct sl_ctl *ctl = sl_maps_view(sl_bed_maps(bed))->ctl;
	struct sl_config *config = sl_bed_config(bed, 1, 0);

	add_block(bed, "198.51.100.0/24", 0);
	config->blocks = calloc(1, sizeof(*config->blocks));
	assert_non_null(config->blocks);
	config->block_count = 1;
	config->blocks[0].prefix = prefix_of("203.0.113.0/24");
	apply(bed, config);
	assert_int_equal(ctl->block_count4, 1);
	assert_int_equal(ctl->block_count6, 0);
	assert_int_equal(run(bed, "203.0.113.9", 1), XDP_DROPS);
	assert_int_equal(run(bed, "198.51.100.1", 1), XDP_PASSES);
	apply(bed, sl_bed_config(bed, 1, 0));
	assert_int_equal(ctl->block_count4, 0);
	assert_int_equal(run(bed, "203.0.113.9", 1), XDP_PASSES);
}

/* ---- cgroups and marks ---- */

static uint64_t used(const struct sl_bed *bed, enum sl_map_id id)
{
	struct sl_occupancy found;

	assert_int_equal(sl_occupancy_read(&found, sl_bed_maps(bed), id, NULL), 0);
	return found.used;
}

static void cgroups_and_marks_are_bound(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_config *config = sl_bed_config(bed, 1, 0);
	struct sl_plan *plan = sl_bed_apply(bed, config);
	struct sl_sync_result result;
	struct sl_dp_error error;

	plan->cgroups = calloc(2, sizeof(*plan->cgroups));
	plan->marks = calloc(1, sizeof(*plan->marks));
	assert_non_null(plan->cgroups);
	assert_non_null(plan->marks);
	plan->cgroup_count = 2;
	plan->cgroups[0] = (struct sl_cgroup_entry){ .path = strdup("."), .tenant = 1 };
	plan->cgroups[1] = (struct sl_cgroup_entry){ .path = strdup("no/such"), .tenant = 1 };
	plan->mark_count = 1;
	plan->marks[0] = (struct sl_mark_entry){ .mark = 0x77, .tenant = 1 };
	if (sl_sync_apply(&result, sl_bed_maps(bed), plan, "", &error))
		fail_msg("%s", error.message);
	assert_int_equal(result.cgroups_missing, 1);
	assert_string_equal(result.missing, "no/such");
	assert_int_equal(used(bed, SL_MAP_CGROUPS), 1);
	assert_int_equal(used(bed, SL_MAP_MARKS), 1);
	sl_plan_free(plan);

	sl_plan_free(sl_bed_apply(bed, config));
	assert_int_equal(used(bed, SL_MAP_CGROUPS), 0);
	assert_int_equal(used(bed, SL_MAP_MARKS), 0);
	sl_config_free(config);
}

static int open_bed(void **state)
{
	if (sl_bed_setup(state, "bindings"))
		return -ENOMEM;
	sl_bed_open(*state, false);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_work_without_a_plan),
		cmocka_unit_test(a_plan_brings_its_own_blocks),
		cmocka_unit_test(cgroups_and_marks_are_bound),
	};

	sl_bed_enter_namespace();
	return cmocka_run_group_tests(tests, open_bed, sl_bed_teardown);
}
