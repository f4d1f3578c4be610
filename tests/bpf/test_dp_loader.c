// SPDX-License-Identifier: Apache-2.0
/* Create, adopt, refuse and migrate the pinned maps. */
#include "tests/harness/dataplane.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "userspace/dataplane/flows.h"
#include "userspace/dataplane/sync.h"

#define XDP_PASSES 2u

static struct sl_bed *bed_of(void **state)
{
	return *state;
}

static int make_bed(void **state)
{
	return sl_bed_setup(state, "loader");
}

/* Opens with whatever options; the result, the message in bed->error. */
static int try_open(struct sl_bed *bed, bool migrate)
{
	const struct sl_dataplane_options options = { .pin_dir = bed->pin_dir,
						      .sizes = bed->sizes,
						      .now_ns = sl_bed_now_ns(),
						      .migrate = migrate };

	return sl_dataplane_open(&bed->dp, &options, &bed->error);
}

/* A tenant with 10 packets per second that has used its burst and one drop. */
static uint32_t use_up(struct sl_bed *bed)
{
	struct sl_config *config = sl_bed_config(bed, 2, 10);
	struct sl_plan *plan = sl_bed_apply(bed, config);
	struct sl_frame64 frame = sl_bed_frame("192.0.2.1", 1, 80);
	uint32_t id = plan->ids[0];

	sl_bed_run(bed, "sl_xdp_ingress", &frame, 20);
	assert_true(sl_bed_passed(bed, id) >= 1);
	assert_true(sl_bed_dropped(bed, id) >= 18);
	sl_plan_free(plan);
	sl_config_free(config);
	return id;
}

static void a_restart_keeps_state(void **state)
{
	struct sl_bed *bed = bed_of(state);
	uint64_t passed, dropped, tat_cu, seed;
	const struct sl_maps_view *view;
	uint32_t id;

	sl_bed_open(bed, false);
	assert_int_equal(sl_dataplane_origin(bed->dp), SL_DATAPLANE_CREATED);
	id = use_up(bed);
	passed = sl_bed_passed(bed, id);
	dropped = sl_bed_dropped(bed, id);
	view = sl_maps_view(sl_bed_maps(bed));
	tat_cu = view->buckets[id].ingress.packets_tat_cu;
	seed = view->ctl->hash_seed;
	assert_true(tat_cu != 0);
	assert_true(seed != 0);
	sl_bed_close(bed);

	sl_bed_open(bed, false);
	assert_int_equal(sl_dataplane_origin(bed->dp), SL_DATAPLANE_ADOPTED);
	view = sl_maps_view(sl_bed_maps(bed));
	assert_int_equal(sl_bed_passed(bed, id), passed);
	assert_int_equal(sl_bed_dropped(bed, id), dropped);
	assert_int_equal(view->buckets[id].ingress.packets_tat_cu, tat_cu);
	assert_int_equal(view->ctl->hash_seed, seed);
	assert_string_equal(view->names[id].name, "t1");
}

static void readers_need_no_agent(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_maps *maps = NULL;
	struct sl_dp_error error;
	enum sl_map_id id;

	assert_int_equal(sl_maps_open(&maps, bed->pin_dir, SL_MAPS_READ, &error), -ENOENT);
	assert_non_null(strstr(error.message, "is sluiced running?"));
	sl_bed_open(bed, false);
	sl_bed_close(bed);
	assert_int_equal(sl_maps_open(&maps, bed->pin_dir, SL_MAPS_READ, &error), 0);
	assert_int_equal(sl_maps_view(maps)->tenants, bed->sizes.tenants);
	assert_int_equal(sl_maps_view(maps)->ctl->abi_version, SL_ABI_VERSION);
	assert_int_equal(sl_map_by_name(&id, "sl_limits"), 0);
	assert_int_equal(sl_maps_fd_by_name(maps, "sl_limits"), sl_maps_fd(maps, id));
	assert_int_equal(sl_maps_fd_by_name(maps, "sl_nothing"), -ENOENT);
	sl_maps_close(maps);
}

static void another_abi_is_refused(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_maps *maps = NULL;

	sl_bed_open(bed, false);
	sl_maps_view(sl_bed_maps(bed))->ctl->abi_version = 99;
	sl_bed_close(bed);

	assert_int_equal(sl_maps_open(&maps, bed->pin_dir, SL_MAPS_READ, &bed->error), -EPROTO);
	assert_non_null(strstr(bed->error.message, "ABI version 99; this program knows 1"));
	assert_int_equal(try_open(bed, false), -EPROTO);
	assert_non_null(strstr(bed->error.message, "99"));
	assert_non_null(strstr(bed->error.message, "--migrate"));
}

static void another_abi_migrates_when_told(void **state)
{
	struct sl_bed *bed = bed_of(state);
	uint64_t dropped;
	uint32_t id;

	sl_bed_open(bed, false);
	id = use_up(bed);
	dropped = sl_bed_dropped(bed, id);
	sl_maps_view(sl_bed_maps(bed))->ctl->abi_version = 99;
	sl_bed_close(bed);

	assert_int_equal(try_open(bed, true), 0);
	assert_int_equal(sl_dataplane_origin(bed->dp), SL_DATAPLANE_MIGRATED);
	assert_int_equal(sl_maps_view(sl_bed_maps(bed))->ctl->abi_version, SL_ABI_VERSION);
	assert_int_equal(sl_bed_dropped(bed, id), dropped);
}

static void a_map_of_another_shape_is_named(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_maps *maps = NULL;
	char path[128];
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sl_conns", 4, 24, 64, NULL);

	assert_true(fd >= 0);
	sl_bed_open(bed, false);
	sl_bed_close(bed);
	(void)snprintf(path, sizeof(path), "%s/v1/sl_conns", bed->pin_dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	close(fd);
	assert_int_equal(sl_maps_open(&maps, bed->pin_dir, SL_MAPS_READ, &bed->error), -EPROTO);
	assert_string_equal(bed->error.message,
			    "the map sl_conns has values of 24 bytes; this program knows 16");
}

/* As the agent pinned it that did not have the map. */
static void forget(const struct sl_bed *bed, enum sl_map_id id)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/v1/%s", bed->pin_dir, sl_map_name(id));
	assert_int_equal(unlink(path), 0);
}

static void maps_without_what_was_added_are_adopted(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_maps *maps = NULL;
	uint64_t dropped;
	uint32_t id;

	sl_bed_open(bed, false);
	id = use_up(bed);
	dropped = sl_bed_dropped(bed, id);
	sl_bed_close(bed);
	forget(bed, SL_MAP_REQUEST_LIMITS);
	forget(bed, SL_MAP_REQUEST_WORDS);
	assert_int_equal(sl_maps_open(&maps, bed->pin_dir, SL_MAPS_READ, &bed->error), 0);
	assert_null(sl_maps_view(maps)->requests);
	sl_maps_close(maps);

	sl_bed_open(bed, false);
	assert_int_equal(sl_dataplane_origin(bed->dp), SL_DATAPLANE_ADOPTED);
	assert_int_equal(sl_bed_dropped(bed, id), dropped);
	assert_non_null(sl_maps_view(sl_bed_maps(bed))->requests);
	sl_maps_view(sl_bed_maps(bed))->request_words[id].slot[0].admitted = 4711;
	sl_bed_close(bed);
	assert_int_equal(sl_maps_open(&maps, bed->pin_dir, SL_MAPS_READ, &bed->error), 0);
	assert_int_equal(sl_maps_view(maps)->request_words[id].slot[0].admitted, 4711);
	sl_maps_close(maps);

	/* Both, or none: one alone is nobody's doing. */
	forget(bed, SL_MAP_REQUEST_WORDS);
	assert_int_equal(try_open(bed, false), -EPROTO);
	assert_non_null(strstr(bed->error.message, "sl_req_words 0"));
}

static void other_sizes_are_refused(void **state)
{
	struct sl_bed *bed = bed_of(state);

	sl_bed_open(bed, false);
	sl_bed_close(bed);
	bed->sizes.flows = 256;
	assert_int_equal(try_open(bed, false), -ESTALE);
	assert_non_null(strstr(bed->error.message, "sl_flows4 has 64 entries"));
	assert_non_null(strstr(bed->error.message, "want 128"));
	assert_non_null(strstr(bed->error.message, "--migrate"));
}

static void bind_one(const struct sl_bed *bed, uint32_t tenant)
{
	const struct sl_flow_spec flow = { .remote = { .family = 4, .bytes = { 192, 0, 2, 9 } },
					   .local = { .family = 4, .bytes = { 10, 0, 0, 1 } },
					   .remote_port = 1234,
					   .local_port = 80,
					   .protocol = 6,
					   .tenant = tenant };

	assert_int_equal(sl_flow_bind(sl_bed_maps(bed), &flow, NULL), 0);
}

static void assert_one_flow(const struct sl_bed *bed, uint32_t tenant)
{
	struct sl_flow_spec *flows = NULL;
	size_t count, total;

	assert_int_equal(sl_flow_list(&flows, &count, &total, sl_bed_maps(bed), 10, NULL), 0);
	assert_int_equal(count, 1);
	assert_int_equal(flows[0].tenant, tenant);
	assert_int_equal(flows[0].remote_port, 1234);
	free(flows);
}

static void assert_no_leftovers(const struct sl_bed *bed)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/v1_new", bed->pin_dir);
	assert_int_equal(access(path, F_OK), -1);
}

static void other_sizes_migrate_when_told(void **state)
{
	struct sl_bed *bed = bed_of(state);
	const struct sl_maps_view *view;
	uint64_t passed, dropped, tat_cu, seed;
	uint32_t id;

	sl_bed_open(bed, false);
	id = use_up(bed);
	bind_one(bed, id);
	view = sl_maps_view(sl_bed_maps(bed));
	passed = sl_bed_passed(bed, id);
	dropped = sl_bed_dropped(bed, id);
	tat_cu = view->buckets[id].ingress.packets_tat_cu;
	seed = view->ctl->hash_seed;
	view->cells[5].tat_cu = 55;
	view->request_words[id].slot[SL_REQUEST_COST] =
		(struct sl_request_slot){ { 4711 }, 12, 13 };
	sl_bed_close(bed);

	bed->sizes.tenants *= 2;
	bed->sizes.flows *= 2;
	bed->sizes.cells *= 2;
	sl_bed_open(bed, true);
	view = sl_maps_view(sl_bed_maps(bed));
	assert_int_equal(sl_dataplane_origin(bed->dp), SL_DATAPLANE_MIGRATED);
	assert_int_equal(view->tenants, bed->sizes.tenants);
	assert_int_equal(sl_bed_passed(bed, id), passed);
	assert_int_equal(sl_bed_dropped(bed, id), dropped);
	assert_int_equal(view->buckets[id].ingress.packets_tat_cu, tat_cu);
	assert_int_equal(view->ctl->hash_seed, seed);
	assert_string_equal(view->names[id].name, "t1");
	assert_int_equal(view->request_words[id].slot[SL_REQUEST_COST].word.tat_ns, 4711);
	assert_int_equal(view->request_words[id].slot[SL_REQUEST_COST].refused, 13);
	assert_int_equal(view->cells[5].tat_cu, 55);
	assert_int_equal(view->cells[5 + bed->sizes.cells / 2].tat_cu, 55);
	assert_one_flow(bed, id);
	assert_int_equal(view->ctl->flows_in_use, 1);
	assert_no_leftovers(bed);
	sl_bed_close(bed);

	/* From now on these are simply the maps. */
	sl_bed_open(bed, false);
	assert_int_equal(sl_dataplane_origin(bed->dp), SL_DATAPLANE_ADOPTED);
	assert_int_equal(sl_bed_dropped(bed, id), dropped);
}

static void what_the_old_programs_did_meanwhile_is_carried(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_bed old;
	struct sl_frame64 frame = sl_bed_frame("192.0.2.1", 1, 80);
	uint64_t dropped;
	uint32_t id;

	sl_bed_open(bed, false);
	id = use_up(bed);
	old = *bed;
	bed->dp = NULL;
	bed->sizes.tenants *= 2;
	sl_bed_open(bed, true);
	sl_bed_run(&old, "sl_xdp_ingress", &frame, 5);
	/* A gateway that has not heard of the new maps yet. */
	sl_maps_view(sl_bed_maps(&old))->request_words[id].slot[0].admitted = 77;
	dropped = sl_bed_dropped(&old, id);
	assert_true(sl_bed_dropped(bed, id) < dropped);
	assert_int_equal(sl_dataplane_carry(bed->dp, &bed->error), 0);
	assert_int_equal(sl_bed_dropped(bed, id), dropped);
	assert_int_equal(sl_maps_view(sl_bed_maps(bed))->request_words[id].slot[0].admitted, 77);
	sl_bed_close(&old);
}

/* As after a crash between the exchange of the folders and the move of the links. */
static void an_interrupted_migration_is_finished(void **state)
{
	struct sl_bed *bed = bed_of(state);
	char from[128], to[128];

	sl_bed_open(bed, false);
	(void)snprintf(from, sizeof(from), "%s/v1_new", bed->pin_dir);
	assert_int_equal(sl_bed_shell("mkdir -p %s/links", from), 0);
	(void)snprintf(from, sizeof(from), "%s/v1_new/links/xdp_9999", bed->pin_dir);
	(void)snprintf(to, sizeof(to), "%s/v1/links/xdp_9999", bed->pin_dir);
	assert_int_equal(bpf_obj_pin(sl_dataplane_prog_fd(bed->dp, "sl_xdp_ingress"), from), 0);
	sl_bed_close(bed);

	sl_bed_open(bed, false);
	assert_no_leftovers(bed);
	assert_int_equal(access(to, F_OK), 0);
	assert_int_equal(unlink(to), 0);
}

/* The explain program tells the judge's clock: a coarse one, as no limit here needs more. */
static void the_programs_read_it_so(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_frame64 frame = sl_bed_frame("192.0.2.1", 1, 80);
	struct sl_config *config;
	const uint32_t zero = 0;
	int fd;

	sl_bed_open(bed, false);
	config = sl_bed_config(bed, 1, 1000);
	sl_plan_free(sl_bed_apply(bed, config));
	sl_config_free(config);
	fd = sl_maps_fd(sl_bed_maps(bed), SL_MAP_EXPLANATIONS);
	for (int i = 0; i < 200; i++) {
		struct sl_explanation told;
		uint64_t before_ns = sl_bed_now_ns();

		sl_bed_run(bed, "sl_explain_xdp", &frame, 1);
		assert_int_equal(bpf_map_lookup_elem(fd, &zero, &told), 0);
		assert_true(told.now_ns <= sl_bed_now_ns());
		/* A tick, and what a busy machine is late with a tick. */
		assert_true(told.now_ns + 5 * sl_dataplane_tick_ns(bed->dp) > before_ns);
	}
}

/* ---- with few capabilities ----------------------------------------------------------- */

static void keep_only(uint32_t low, uint32_t high)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = low, .permitted = low },
		{ .effective = high, .permitted = high },
	};

	if (syscall(SYS_capset, &header, data))
		_exit(70);
}

/* Runs @steps in a child; it ends with 0, or the message is printed. */
static void in_child(struct sl_bed *bed, int (*steps)(struct sl_bed *bed))
{
	pid_t child = fork();
	int status;

	if (!child) {
		const struct rlimit none = { 0, 0 };

		(void)setrlimit(RLIMIT_MEMLOCK, &none);
		if (!steps(bed))
			_exit(0);
		(void)dprintf(STDERR_FILENO, "%s\n", bed->error.message);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int load_with_three_run_with_two(struct sl_bed *bed)
{
	const struct sl_interface_spec wish = { .name = "capv", .egress = true };
	struct sl_attach_report report;
	struct sl_config *config;
	int r;

	keep_only(1u << CAP_NET_ADMIN, 1u << (CAP_BPF - 32) | 1u << (CAP_PERFMON - 32));
	r = try_open(bed, false);
	if (r)
		return r;
	keep_only(1u << CAP_NET_ADMIN, 1u << (CAP_BPF - 32));
	config = sl_bed_config(bed, 2, 10);
	sl_plan_free(sl_bed_apply(bed, config));
	r = sl_attach_interface(bed->dp, &wish, NULL, &report, &bed->error);
	return r ? r : sl_attach_sockets(bed->dp, "", NULL, &bed->error);
}

static void few_capabilities_are_enough(void **state)
{
	sl_bed_add_veth("capv");
	in_child(bed_of(state), load_with_three_run_with_two);
}

static int load_with_two(struct sl_bed *bed)
{
	keep_only(1u << CAP_NET_ADMIN, 1u << (CAP_BPF - 32));
	return try_open(bed, false) == -EPERM && strstr(bed->error.message, "CAP_PERFMON") ? 0 : 1;
}

static int load_with_none(struct sl_bed *bed)
{
	keep_only(0, 0);
	return try_open(bed, false) == -EPERM && strstr(bed->error.message, "CAP_BPF") ? 0 : 1;
}

static void without_them_the_error_says_so(void **state)
{
	in_child(bed_of(state), load_with_two);
	in_child(bed_of(state), load_with_none);
}

static void a_pin_folder_elsewhere_is_refused(void **state)
{
	struct sl_bed *bed = bed_of(state);

	(void)snprintf(bed->pin_dir, sizeof(bed->pin_dir), "/tmp/sluice-test-%d", (int)getpid());
	assert_int_equal(try_open(bed, false), -ENOTSUP);
	assert_non_null(strstr(bed->error.message, "mount -t bpf"));
	assert_int_equal(access(bed->pin_dir, F_OK), -1);
}

#define WITH_BED(test) cmocka_unit_test_setup_teardown(test, make_bed, sl_bed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_BED(a_restart_keeps_state),
		WITH_BED(readers_need_no_agent),
		WITH_BED(another_abi_is_refused),
		WITH_BED(another_abi_migrates_when_told),
		WITH_BED(a_map_of_another_shape_is_named),
		WITH_BED(maps_without_what_was_added_are_adopted),
		WITH_BED(other_sizes_are_refused),
		WITH_BED(other_sizes_migrate_when_told),
		WITH_BED(what_the_old_programs_did_meanwhile_is_carried),
		WITH_BED(an_interrupted_migration_is_finished),
		WITH_BED(the_programs_read_it_so),
		WITH_BED(few_capabilities_are_enough),
		WITH_BED(without_them_the_error_says_so),
		WITH_BED(a_pin_folder_elsewhere_is_refused),
	};

	sl_bed_enter_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
