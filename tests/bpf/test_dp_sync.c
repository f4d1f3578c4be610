// SPDX-License-Identifier: Apache-2.0
/* A plan in the maps is what the programs judge by, at once and whole. */
#include "tests/harness/dataplane.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "userspace/dataplane/counters_read.h"
#include "userspace/dataplane/sync.h"

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

/* Ids are given in the order of the names and begin with 1. */
static uint32_t id_of(const struct sl_bed *bed, const char *name)
{
	const struct sl_maps_view *view = sl_maps_view(sl_bed_maps(bed));

	for (uint32_t id = 1; id < view->tenants; id++) {
		if (!strcmp(view->names[id].name, name))
			return id;
	}
	fail_msg("no tenant is called %s", name);
	return 0;
}

static void a_plan_is_what_is_judged_by(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_config *config = sl_bed_config(bed, 3, 10);
	uint64_t passed;
	uint32_t id;

	config->tenants[2].blocked = true;
	apply(bed, config);
	id = id_of(bed, "t2");
	passed = sl_bed_passed(bed, id);
	assert_int_equal(run(bed, "192.0.2.1", 2), XDP_PASSES);
	assert_int_equal(sl_bed_passed(bed, id), passed + 1);
	assert_int_equal(run(bed, "192.0.2.1", 2), XDP_DROPS);
	assert_int_equal(run(bed, "192.0.2.1", 3), XDP_DROPS);
	assert_true(sl_bed_dropped(bed, id_of(bed, "t3")) >= 1);

	apply(bed, sl_bed_config(bed, 3, 0));
	for (int i = 0; i < 100; i++)
		assert_int_equal(run(bed, "192.0.2.1", 2), XDP_PASSES);
	assert_int_equal(run(bed, "192.0.2.1", 3), XDP_PASSES);
}

static void a_plan_for_other_maps_is_refused(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_config *config = sl_bed_config(bed, 1, 0);
	struct sl_plan *plan = sl_bed_apply(bed, config);
	uint32_t epoch = sl_maps_view(sl_bed_maps(bed))->ctl->epoch;
	struct sl_dp_error error;

	plan->tenants--;
	assert_int_equal(sl_sync_apply(NULL, sl_bed_maps(bed), plan, "", &error), -E2BIG);
	assert_non_null(strstr(error.message, "63 tenants"));
	assert_int_equal(sl_maps_view(sl_bed_maps(bed))->ctl->epoch, epoch);
	sl_plan_free(plan);
	sl_config_free(config);
}

/* ---- sources ---- */

static struct sl_config *config_with_sources(const struct sl_bed *bed)
{
	struct sl_config *config = sl_bed_config(bed, 3, 0);

	sl_bed_add_open_service(config, 50, 80, false);
	return config;
}

static void assert_source_is(const struct sl_bed *bed, const char *from, uint32_t tenant)
{
	uint64_t before = sl_bed_passed(bed, tenant);

	assert_int_equal(run(bed, from, 50), XDP_PASSES);
	assert_int_equal(sl_bed_passed(bed, tenant), before + 1);
}

static uint64_t sources_in_map(const struct sl_bed *bed)
{
	struct sl_occupancy found;

	assert_int_equal(sl_occupancy_read(&found, sl_bed_maps(bed), SL_MAP_SOURCES4, NULL), 0);
	return found.used;
}

static void sources_come_move_and_go(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_config *config = config_with_sources(bed);

	sl_bed_add_source(config, 0, "198.51.100.0/24");
	sl_bed_add_source(config, 1, "198.51.100.128/25");
	sl_bed_add_source(config, 0, "2001:db8::/32");
	apply(bed, config);
	assert_int_equal(sources_in_map(bed), 2);
	assert_source_is(bed, "198.51.100.1", id_of(bed, "t1"));
	assert_source_is(bed, "198.51.100.200", id_of(bed, "t2"));
	assert_source_is(bed, "203.0.113.1", SL_TENANT_UNKNOWN);

	/* The inner prefix goes: its addresses are the outer one's again. */
	config = config_with_sources(bed);
	sl_bed_add_source(config, 2, "198.51.100.0/24");
	apply(bed, config);
	assert_int_equal(sources_in_map(bed), 1);
	assert_source_is(bed, "198.51.100.1", id_of(bed, "t3"));
	assert_source_is(bed, "198.51.100.200", id_of(bed, "t3"));

	apply(bed, config_with_sources(bed));
	assert_int_equal(sources_in_map(bed), 0);
	assert_source_is(bed, "198.51.100.1", SL_TENANT_UNKNOWN);
}

/* An agent that died in the middle leaves halves that differ; the next one mends them. */
static void halves_that_differ_are_mended(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_config *config = config_with_sources(bed);
	const struct sl_prefix4 stray = { .prefix_bits = 16, .address = { 203, 0 } };
	uint32_t live = sl_maps_view(sl_bed_maps(bed))->ctl->epoch & 1;
	struct sl_source value;
	int fd = sl_maps_fd(sl_bed_maps(bed), SL_MAP_SOURCES4);

	value.tenant[live] = SL_TENANT_NONE;
	value.tenant[!live] = 2;
	assert_int_equal(bpf_map_update_elem(fd, &stray, &value, BPF_ANY), 0);
	sl_bed_add_source(config, 0, "203.0.113.0/24");
	sl_bed_close(bed);
	sl_bed_open(bed, false);
	apply(bed, config);
	assert_int_equal(sources_in_map(bed), 1);
	assert_source_is(bed, "203.0.113.1", id_of(bed, "t1"));
	assert_source_is(bed, "203.0.1.1", SL_TENANT_UNKNOWN);
	apply(bed, config_with_sources(bed));
}

static void too_many_sources_change_nothing(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_config *config = config_with_sources(bed);
	struct sl_plan *plan;
	struct sl_source_entry *more = calloc(1000, sizeof(*more));
	struct sl_dp_error error;
	uint32_t epoch;

	assert_non_null(more);
	sl_bed_add_source(config, 0, "198.51.100.0/24");
	plan = sl_bed_apply(bed, config);
	epoch = sl_maps_view(sl_bed_maps(bed))->ctl->epoch;
	for (unsigned i = 0; i < 1000; i++) {
		more[i].key.v4.prefix_bits = 32;
		more[i].key.v4.address[0] = 11;
		more[i].key.v4.address[2] = (uint8_t)(i >> 8);
		more[i].key.v4.address[3] = (uint8_t)i;
		more[i].tenant = 2;
	}
	free(plan->sources4);
	plan->sources4 = more;
	plan->sources4_count = 1000;
	assert_int_equal(sl_sync_apply(NULL, sl_bed_maps(bed), plan, "", &error), -ENOSPC);
	assert_non_null(strstr(error.message, "sizes.prefixes"));
	assert_int_equal(sl_maps_view(sl_bed_maps(bed))->ctl->epoch, epoch);
	assert_source_is(bed, "198.51.100.1", id_of(bed, "t1"));
	assert_source_is(bed, "11.0.0.1", SL_TENANT_UNKNOWN);
	sl_plan_free(plan);
	sl_config_free(config);
	apply(bed, config_with_sources(bed));
	assert_int_equal(sources_in_map(bed), 0);
}

/* ---- a batch is whole ---- */

/*
 * Two plans in turn: in one t1 alone is blocked, in the other t2 alone, by limit, and
 * the source prefix moves between them. A packet to the open service from the prefix
 * is t1's or t2's, and by either plan its owner is not blocked: a drop is a mixture.
 */
struct batch {
	const struct sl_bed *bed;
	atomic_bool stop;
	atomic_ulong runs;
	atomic_ulong drops;
};

static void *judge_on(void *argument)
{
	struct batch *batch = argument;
	struct sl_frame64 frame = sl_bed_frame("198.51.100.7", 50, 80);
	int fd = sl_dataplane_prog_fd(batch->bed->dp, "sl_tc_ingress");

	while (!atomic_load(&batch->stop)) {
		LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.bytes,
			    .data_size_in = sizeof(frame.bytes));

		if (bpf_prog_test_run_opts(fd, &options))
			break;
		atomic_fetch_add(&batch->runs, 1);
		if (options.retval == 2) /* TC_ACT_SHOT */
			atomic_fetch_add(&batch->drops, 1);
	}
	return NULL;
}

static struct sl_config *one_of_two(const struct sl_bed *bed, int owner)
{
	struct sl_config *config = config_with_sources(bed);

	sl_bed_add_source(config, (size_t)owner, "198.51.100.0/24");
	config->tenants[!owner].blocked = true;
	return config;
}

static void a_batch_is_never_seen_in_part(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct batch batch = { .bed = bed };
	pthread_t thread;

	apply(bed, one_of_two(bed, 0));
	assert_int_equal(pthread_create(&thread, NULL, judge_on, &batch), 0);
	for (int i = 1; i <= 200 || (atomic_load(&batch.runs) < 20000 && i < 2000); i++)
		apply(bed, one_of_two(bed, i & 1));
	atomic_store(&batch.stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(atomic_load(&batch.runs) >= 1000);
	assert_int_equal(atomic_load(&batch.drops), 0);
	apply(bed, sl_bed_config(bed, 3, 0));
}

/* ---- ids that change hands ---- */

static void a_new_owner_of_an_id_begins_at_zero(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_config *config = sl_bed_config(bed, 1, 0);
	struct sl_plan *plan = sl_bed_apply(bed, config);
	const struct sl_maps_view *view = sl_maps_view(sl_bed_maps(bed));
	struct sl_sync_result result;
	uint32_t id = plan->ids[0];
	uint32_t other = id == 5 ? 6 : 5;

	run(bed, "192.0.2.1", 1);
	assert_true(sl_bed_passed(bed, id) >= 1);
	view->conns[id].open = 3;
	view->conns[other].open = 4;
	plan->names[id].gen++;
	plan->limits[id].ingress.gen++;
	assert_int_equal(sl_sync_apply(&result, sl_bed_maps(bed), plan, "", NULL), 0);
	assert_int_equal(result.ids_changed, 1);
	assert_int_equal(sl_bed_passed(bed, id), 0);
	assert_int_equal(view->conns[id].open, 0);
	assert_int_equal(view->conns[other].open, 4);
	view->conns[other].open = 0;

	assert_int_equal(sl_sync_apply(&result, sl_bed_maps(bed), plan, "", NULL), 0);
	assert_int_equal(result.ids_changed, 0);
	sl_plan_free(plan);
	sl_config_free(config);
}

/* ---- single stores ---- */

static struct sl_requests *requests_of(const struct sl_maps *maps, size_t half, uint32_t tenant)
{
	return &sl_maps_view(maps)->requests[half * sl_maps_view(maps)->tenants + tenant];
}

static void limits_of_requests_become_live_with_the_epoch(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_config *config = sl_bed_config(bed, 2, 0);
	struct sl_maps *maps = sl_bed_maps(bed);
	size_t live;
	uint32_t id;

	config->tenants[1].requests.set = 1u << SL_REQUEST_MESSAGES;
	config->tenants[1].requests.window_ns = 1000;
	config->tenants[1].requests.per_window[SL_REQUEST_MESSAGES] = 10;
	apply(bed, config);
	live = sl_maps_view(maps)->ctl->epoch & 1;
	id = id_of(bed, "t2");
	assert_int_equal(requests_of(maps, live, id)->set, 1u << SL_REQUEST_MESSAGES);
	assert_int_equal(requests_of(maps, live, id)->rule[SL_REQUEST_MESSAGES].limit.period_ns,
			 100);
	assert_int_equal(requests_of(maps, live, id)->gen, sl_maps_view(maps)->names[id].gen);
	assert_int_equal(requests_of(maps, !live, id)->set, 0);
}

static void a_lease_ends_and_is_renewed(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_config *config = sl_bed_config(bed, 2, 0);
	struct sl_maps *maps = sl_bed_maps(bed);
	uint32_t id, forever;

	config->tenants[0].lease_ns = FAR_NS;
	config->tenants[0].on_lease_expiry = SL_FALLBACK_CLOSED;
	apply(bed, config);
	id = id_of(bed, "t1");
	forever = id_of(bed, "t2");
	assert_int_equal(run(bed, "192.0.2.1", 1), XDP_PASSES);
	assert_int_equal(sl_sync_renew_lease(maps, id, 1), 0);
	for (size_t half = 0; half < 2; half++)
		assert_int_equal(requests_of(maps, half, id)->rule[0].lease_until_ns, 1);
	assert_int_equal(run(bed, "192.0.2.1", 1), XDP_DROPS);
	sl_sync_renew_leases(maps, sl_bed_now_ns() + FAR_NS);
	assert_int_equal(run(bed, "192.0.2.1", 1), XDP_PASSES);
	assert_int_equal(sl_maps_view(maps)->limits[forever].ingress.lease_until_ns, 0);
	assert_true(requests_of(maps, 0, id)->rule[SL_REQUEST_COST].lease_until_ns > FAR_NS);
	assert_int_equal(requests_of(maps, 0, forever)->rule[0].lease_until_ns, 0);
	assert_int_equal(sl_sync_renew_lease(maps, bed->sizes.tenants, 1), -ERANGE);
	apply(bed, sl_bed_config(bed, 3, 0));
}

static void mode_shed_and_heartbeat_are_seen(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_maps *maps = sl_bed_maps(bed);
	struct sl_config *config = sl_bed_config(bed, 1, 0);
	uint32_t id;

	config->tenants[0].blocked = true;
	apply(bed, config);
	assert_int_equal(run(bed, "192.0.2.1", 1), XDP_DROPS);
	sl_sync_mode(maps, SL_MODE_SHADOW);
	assert_int_equal(run(bed, "192.0.2.1", 1), XDP_PASSES);
	sl_sync_mode(maps, SL_MODE_ENFORCE);
	assert_int_equal(run(bed, "192.0.2.1", 1), XDP_DROPS);

	apply(bed, sl_bed_config(bed, 1, 0));
	id = id_of(bed, "t1");
	assert_int_equal(sl_sync_shed(maps, id, 1001, 0), -ERANGE);
	assert_int_equal(sl_sync_shed(maps, id, 1000, sl_bed_now_ns() + FAR_NS), 0);
	assert_int_equal(run(bed, "192.0.2.1", 1), XDP_DROPS);
	assert_int_equal(sl_sync_shed(maps, id, 0, 0), 0);
	assert_int_equal(run(bed, "192.0.2.1", 1), XDP_PASSES);
	sl_sync_heartbeat(maps, 42);
	assert_int_equal(sl_maps_view(maps)->ctl->heartbeat_ns, 42);
}

/* ---- who writes ---- */

static void there_is_one_writer(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_dp_error error;
	int first = -1, second = -1;

	assert_int_equal(sl_sync_lock(&first, bed->pin_dir, &error), 0);
	assert_int_equal(sl_sync_lock(&second, bed->pin_dir, &error), -EBUSY);
	close(first);
	assert_int_equal(sl_sync_lock(&second, bed->pin_dir, &error), 0);
	close(second);
}

static int open_bed(void **state)
{
	if (sl_bed_setup(state, "sync"))
		return -ENOMEM;
	sl_bed_open(*state, false);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_is_what_is_judged_by),
		cmocka_unit_test(a_plan_for_other_maps_is_refused),
		cmocka_unit_test(sources_come_move_and_go),
		cmocka_unit_test(halves_that_differ_are_mended),
		cmocka_unit_test(too_many_sources_change_nothing),
		cmocka_unit_test(a_batch_is_never_seen_in_part),
		cmocka_unit_test(a_new_owner_of_an_id_begins_at_zero),
		cmocka_unit_test(limits_of_requests_become_live_with_the_epoch),
		cmocka_unit_test(a_lease_ends_and_is_renewed),
		cmocka_unit_test(mode_shed_and_heartbeat_are_seen),
		cmocka_unit_test(there_is_one_writer),
	};

	sl_bed_enter_namespace();
	return cmocka_run_group_tests(tests, open_bed, sl_bed_teardown);
}
