// SPDX-License-Identifier: Apache-2.0
/* Programs on interfaces and cgroups: each way in, in place updates, and out again. */
#include "tests/harness/dataplane.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include "dp_other_xdp.skel.h"
#include "userspace/dataplane/cgroup.h"
#include "userspace/dataplane/counters_read.h"
#include "userspace/dataplane/pins.h"
#include "userspace/dataplane/uninstall.h"

#define FRAMES 20u

static struct sl_bed *bed_of(void **state)
{
	return *state;
}

static struct sl_interface_spec wish_for(const char *name, enum sl_attach_mode mode)
{
	struct sl_interface_spec wish = { .attach = mode, .egress = true };

	(void)snprintf(wish.name, sizeof(wish.name), "%s", name);
	return wish;
}

static struct sl_attach_report attach(struct sl_bed *bed, const struct sl_interface_spec *wish,
				      bool clsact)
{
	const struct sl_attach_options options = { .clsact = clsact };
	struct sl_attach_report report;

	if (sl_attach_interface(bed->dp, wish, &options, &report, &bed->error))
		fail_msg("%s", bed->error.message);
	return report;
}

static void detach(struct sl_bed *bed, const char *name)
{
	if (sl_detach_interface(bed->pin_dir, (int)if_nametoindex(name), &bed->error))
		fail_msg("%s", bed->error.message);
}

/* Frames to 10.0.0.1:80 out of the other end of the pair. */
static void send_to(const char *name)
{
	struct sl_frame64 frame = sl_bed_frame("192.0.2.1", 1, 80);
	char peer[16];
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_halen = ETH_ALEN };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)snprintf(peer, sizeof(peer), "%sx", name);
	to.sll_ifindex = (int)if_nametoindex(peer);
	memset(frame.bytes, 0xff, ETH_ALEN);
	for (unsigned i = 0; i < FRAMES; i++)
		assert_int_equal(sendto(fd, frame.bytes, sizeof(frame.bytes), 0,
					(struct sockaddr *)&to, sizeof(to)),
				 sizeof(frame.bytes));
	close(fd);
}

/* Waits a second at most until @now has grown by a burst; the growth. */
static uint64_t growth(uint64_t (*now)(void *context), void *context, uint64_t before)
{
	for (int i = 0; i < 100 && now(context) - before < FRAMES; i++)
		(void)usleep(10000);
	return now(context) - before;
}

static uint64_t judged(void *context)
{
	return sl_bed_passed(context, 1);
}

static void assert_judges(struct sl_bed *bed, const char *name)
{
	uint64_t before = judged(bed);

	send_to(name);
	assert_int_equal(growth(judged, bed, before), FRAMES);
}

static bool is_pinned(const struct sl_bed *bed, enum sl_pin_hook hook, int ifindex)
{
	struct sl_pin_path path;

	return !access(sl_pin_link(&path, bed->pin_dir, hook, ifindex), F_OK);
}

/* ---- the ways in ---- */

static void native_and_tcx_by_default(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_interface_spec wish = wish_for("na", SL_ATTACH_NATIVE);
	struct sl_attach_report *list = NULL;
	struct sl_attach_report report;
	size_t count;

	sl_bed_add_veth("na");
	report = attach(bed, &wish, false);
	assert_int_equal(report.xdp.how, SL_ATTACHED_NATIVE);
	assert_int_equal(report.tc_egress.how, SL_ATTACHED_TCX);
	assert_int_equal(report.tc_ingress.how, SL_ATTACHED_NOT);
	assert_true(report.xdp.link_id && report.xdp.prog_id && report.tc_egress.link_id);
	assert_judges(bed, "na");

	assert_int_equal(sl_attach_list(&list, &count, NULL, bed->pin_dir, NULL), 0);
	assert_int_equal(count, 1);
	assert_memory_equal(&list[0], &report, sizeof(report));
	free(list);
	detach(bed, "na");
	assert_false(is_pinned(bed, SL_PIN_XDP, report.ifindex));
	assert_false(is_pinned(bed, SL_PIN_TC_EGRESS, report.ifindex));
}

static void a_restart_updates_the_links(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_interface_spec wish = wish_for("re", SL_ATTACH_NATIVE);
	struct sl_attach_report before, after;

	sl_bed_add_veth("re");
	before = attach(bed, &wish, false);
	sl_bed_close(bed);
	sl_bed_open(bed, false);
	/* The old programs judge on while nobody is there, and until the update. */
	assert_judges(bed, "re");
	after = attach(bed, &wish, false);
	assert_int_equal(after.xdp.link_id, before.xdp.link_id);
	assert_int_equal(after.tc_egress.link_id, before.tc_egress.link_id);
	assert_int_not_equal(after.xdp.prog_id, before.xdp.prog_id);
	assert_judges(bed, "re");
	detach(bed, "re");
}

static void tc_only_judges_ingress_on_tc(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_interface_spec wish = wish_for("tc", SL_ATTACH_NATIVE);
	struct sl_attach_report report;

	sl_bed_add_veth("tc");
	(void)attach(bed, &wish, false);
	wish.attach = SL_ATTACH_TC_ONLY;
	wish.egress = false;
	report = attach(bed, &wish, false);
	assert_int_equal(report.xdp.how, SL_ATTACHED_NOT);
	assert_int_equal(report.tc_ingress.how, SL_ATTACHED_TCX);
	assert_int_equal(report.tc_egress.how, SL_ATTACHED_NOT);
	assert_false(is_pinned(bed, SL_PIN_XDP, report.ifindex));
	assert_false(is_pinned(bed, SL_PIN_TC_EGRESS, report.ifindex));
	assert_judges(bed, "tc");
	detach(bed, "tc");
}

static void clsact_where_there_is_no_tcx(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_interface_spec wish = wish_for("cl", SL_ATTACH_TC_ONLY);
	struct sl_attach_report report, again;

	sl_bed_add_veth("cl");
	report = attach(bed, &wish, true);
	assert_int_equal(report.tc_ingress.how, SL_ATTACHED_CLSACT);
	assert_int_equal(report.tc_egress.how, SL_ATTACHED_CLSACT);
	assert_judges(bed, "cl");
	again = attach(bed, &wish, true);
	assert_int_equal(again.tc_ingress.prog_id, report.tc_ingress.prog_id);
	assert_judges(bed, "cl");

	/* A newer kernel: TCX takes over, the filter goes, nothing is judged twice. */
	report = attach(bed, &wish, false);
	assert_int_equal(report.tc_ingress.how, SL_ATTACHED_TCX);
	assert_false(is_pinned(bed, SL_PIN_CLSACT_INGRESS, report.ifindex));
	assert_judges(bed, "cl");
	assert_int_not_equal(sl_bed_shell("tc filter show dev cl ingress | grep -q sl_tc"), 0);
	detach(bed, "cl");
}

static void generic_only_when_asked(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_interface_spec wish = wish_for("ge", SL_ATTACH_GENERIC);

	sl_bed_add_veth("ge");
	assert_int_equal(attach(bed, &wish, false).xdp.how, SL_ATTACHED_GENERIC);
	assert_judges(bed, "ge");
	wish.attach = SL_ATTACH_NATIVE;
	assert_int_equal(attach(bed, &wish, false).xdp.how, SL_ATTACHED_NATIVE);
	assert_judges(bed, "ge");
	detach(bed, "ge");
}

/* ---- refused ---- */

static void a_refusal_says_what_may_be_why(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_interface_spec wish = wish_for("no-xdp", SL_ATTACH_NATIVE);
	struct sl_attach_report report;

	assert_int_equal(sl_attach_interface(bed->dp, &wish, NULL, &report, &bed->error), -ENODEV);
	assert_string_equal(bed->error.message, "no-xdp: there is no such interface");

	/* Loopback has no XDP in its driver, and an MTU that few drivers would take. */
	wish = wish_for("lo", SL_ATTACH_NATIVE);
	assert_int_equal(sl_attach_interface(bed->dp, &wish, NULL, &report, &bed->error),
			 -EOPNOTSUPP);
	assert_non_null(strstr(bed->error.message, "lo: the driver refused native XDP"));
	assert_non_null(strstr(bed->error.message, "MTU is 65536"));
	assert_non_null(strstr(bed->error.message, "attach: generic"));
	assert_false(is_pinned(bed, SL_PIN_XDP, (int)if_nametoindex("lo")));
}

/* veth wants as many queues at the other end, and says so in words only netlink carries. */
static void the_drivers_own_words_are_passed_on(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_interface_spec wish = wish_for("qa", SL_ATTACH_NATIVE);
	struct sl_attach_report report;

	assert_int_equal(sl_bed_shell("ip link add qa numrxqueues 1 numtxqueues 1 type veth "
				      "peer name qax numrxqueues 2 numtxqueues 2"),
			 0);
	assert_int_not_equal(sl_attach_interface(bed->dp, &wish, NULL, &report, &bed->error), 0);
	assert_non_null(strstr(bed->error.message, "veth"));
	assert_non_null(strstr(bed->error.message, "queues"));
}

/* ---- interfaces that go ---- */

static void an_interface_that_comes_back_is_attached_anew(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_interface_spec wish = wish_for("go", SL_ATTACH_NATIVE);
	struct sl_attach_report before, after;

	sl_bed_add_veth("go");
	before = attach(bed, &wish, false);
	assert_int_equal(sl_bed_shell("ip link del go"), 0);
	assert_int_equal(sl_bed_shell("ip link add go index %d type veth peer name gox && "
				      "ip link set go up && ip link set gox up",
				      before.ifindex),
			 0);
	after = attach(bed, &wish, false);
	assert_int_equal(after.ifindex, before.ifindex);
	assert_int_not_equal(after.xdp.link_id, before.xdp.link_id);
	assert_judges(bed, "go");

	assert_int_equal(sl_bed_shell("ip link del go"), 0);
	assert_int_equal(sl_detach_interface(bed->pin_dir, after.ifindex, &bed->error), 0);
	assert_false(is_pinned(bed, SL_PIN_XDP, after.ifindex));
}

/* ---- beside others ---- */

static uint64_t seen_by_other(void *context)
{
	const struct dp_other_xdp_bpf *other = context;

	const uint32_t zero = 0;
	uint64_t seen = 0;

	/* Not by the skeleton's pointer: libxdp loads the object, not the skeleton. */
	if (other)
		assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(other->maps.bss), &zero, &seen),
				 0);
	return seen;
}

static void a_program_that_does_not_share_stays(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_interface_spec wish = wish_for("le", SL_ATTACH_NATIVE);
	struct dp_other_xdp_bpf *other = dp_other_xdp_bpf__open_and_load();
	struct sl_attach_report report;
	int ifindex, fd = -1;

	if (!other)
		fail_msg("the other program does not load");
	else
		fd = bpf_program__fd(other->progs.other_xdp);
	sl_bed_add_veth("le");
	ifindex = (int)if_nametoindex("le");
	assert_int_equal(bpf_xdp_attach(ifindex, fd, XDP_FLAGS_DRV_MODE, NULL), 0);
	assert_int_equal(sl_attach_interface(bed->dp, &wish, NULL, &report, &bed->error), -EBUSY);
	assert_non_null(strstr(bed->error.message, "other_xdp"));
	assert_non_null(strstr(bed->error.message, "attach: tc-only"));
	send_to("le");
	assert_int_equal(growth(seen_by_other, other, 0), FRAMES);
	dp_other_xdp_bpf__destroy(other);
}

static void assert_both_see(struct sl_bed *bed, struct dp_other_xdp_bpf *other, const char *name)
{
	uint64_t seen = seen_by_other(other);

	assert_judges(bed, name);
	assert_int_equal(growth(seen_by_other, other, seen), FRAMES);
}

/*
 * Some hardened kernels have no extension programs; libxdp attaches the other program
 * alone there, and the same wish must be refused with that reason.
 */
static bool refuses_without_extensions(struct sl_bed *bed, const struct sl_interface_spec *wish)
{
	struct sl_attach_report report;

	if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_EXT, NULL) == 1)
		return false;
	assert_int_equal(sl_attach_interface(bed->dp, wish, NULL, &report, &bed->error), -EBUSY);
	assert_non_null(strstr(bed->error.message, "this kernel refuses extension programs"));
	return true;
}

static void join_and_leave(struct sl_bed *bed, const struct sl_interface_spec *wish,
			   struct dp_other_xdp_bpf *other, int ifindex)
{
	struct sl_attach_report first, second, third;

	first = attach(bed, wish, false);
	assert_int_equal(first.xdp.how, SL_ATTACHED_DISPATCHER);
	assert_both_see(bed, other, "di");

	/* The same program around the same maps: nothing to do. */
	second = attach(bed, wish, false);
	assert_int_equal(second.xdp.prog_id, first.xdp.prog_id);

	/* Another agent's programs, with other read-only data: exchanged, and judged once. */
	sl_bed_close(bed);
	bed->sizes.sockets++;
	sl_bed_open(bed, false);
	third = attach(bed, wish, false);
	assert_int_equal(third.xdp.how, SL_ATTACHED_DISPATCHER);
	assert_int_not_equal(third.xdp.prog_id, first.xdp.prog_id);
	assert_both_see(bed, other, "di");

	detach(bed, "di");
	assert_false(is_pinned(bed, SL_PIN_DISPATCHER, ifindex));
}

static void a_dispatcher_is_joined(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_interface_spec wish = wish_for("di", SL_ATTACH_NATIVE);
	struct dp_other_xdp_bpf *other = dp_other_xdp_bpf__open();
	DECLARE_LIBXDP_OPTS(xdp_program_opts, options, .prog_name = "other_xdp");
	struct xdp_program *program;
	uint64_t seen;
	int ifindex;

	if (!other)
		fail_msg("the other program does not open");
	else
		options.obj = other->obj;
	sl_bed_add_veth("di");
	ifindex = (int)if_nametoindex("di");
	program = xdp_program__create(&options);
	assert_int_equal(libxdp_get_error(program), 0);
	assert_int_equal(xdp_program__attach(program, ifindex, XDP_MODE_NATIVE, 0), 0);

	if (!refuses_without_extensions(bed, &wish))
		join_and_leave(bed, &wish, other, ifindex);
	/* Either way the other one goes on. */
	seen = seen_by_other(other);
	send_to("di");
	assert_int_equal(growth(seen_by_other, other, seen), FRAMES);
	assert_int_equal(xdp_program__detach(program, ifindex, XDP_MODE_NATIVE, 0), 0);
	xdp_program__close(program);
	dp_other_xdp_bpf__destroy(other);
	(void)rmdir("/sys/fs/bpf/xdp"); /* libxdp's, when nobody else has a dispatcher there */
}

/* ---- sockets ---- */

static void sockets_are_attached_and_moved(void **state)
{
	struct sl_bed *bed = bed_of(state);
	char mount[256], one[300], two[300];
	struct sl_attachment first, again, moved, listed;
	struct sl_attach_report *list = NULL;
	size_t count;

	assert_int_equal(sl_cgroup_mount(mount, sizeof(mount), "", NULL), 0);
	assert_int_equal(sl_cgroup_mount(one, sizeof(one), "/tmp", &bed->error), -ENOTSUP);
	(void)snprintf(one, sizeof(one), "%s/sluice-test-%d-1", mount, (int)getpid());
	(void)snprintf(two, sizeof(two), "%s/sluice-test-%d-2", mount, (int)getpid());
	assert_int_equal(mkdir(one, 0755), 0);
	assert_int_equal(mkdir(two, 0755), 0);
	assert_int_equal(sl_attach_sockets(bed->dp, one, &first, &bed->error), 0);
	assert_int_equal(sl_attach_sockets(bed->dp, one, &again, &bed->error), 0);
	assert_int_equal(sl_attach_sockets(bed->dp, two, &moved, &bed->error), 0);
	(void)rmdir(one);
	(void)rmdir(two);
	assert_int_equal(first.how, SL_ATTACHED_CGROUP);
	assert_int_equal(again.link_id, first.link_id);
	assert_int_not_equal(moved.link_id, first.link_id);
	assert_int_equal(sl_attach_list(&list, &count, &listed, bed->pin_dir, NULL), 0);
	assert_int_equal(listed.how, SL_ATTACHED_CGROUP);
	assert_int_equal(listed.link_id, moved.link_id);
	free(list);
	assert_int_equal(sl_detach_sockets(bed->pin_dir, NULL), 0);
	assert_false(is_pinned(bed, SL_PIN_SOCK_OPS, 0));
}

/* ---- out ---- */

static void uninstall_leaves_nothing(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_interface_spec native = wish_for("ua", SL_ATTACH_NATIVE);
	struct sl_interface_spec clsact = wish_for("ub", SL_ATTACH_TC_ONLY);
	size_t detached = 0;

	sl_bed_add_veth("ua");
	sl_bed_add_veth("ub");
	(void)attach(bed, &native, false);
	(void)attach(bed, &clsact, true);
	sl_bed_close(bed);
	assert_int_equal(sl_uninstall(&detached, bed->pin_dir, &bed->error), 0);
	/* At least ours: interfaces of earlier tests whose ingress was refused keep egress. */
	assert_true(detached >= 4);
	assert_int_equal(access(bed->pin_dir, F_OK), -1);
	assert_int_not_equal(sl_bed_shell("ip link show ua | grep -q xdp"), 0);
	assert_int_not_equal(sl_bed_shell("tc filter show dev ub ingress | grep -q sl_tc"), 0);
	assert_int_equal(sl_uninstall(&detached, bed->pin_dir, &bed->error), 0);
	assert_int_equal(detached, 0);
}

static int open_bed(void **state)
{
	struct sl_config *config;

	if (sl_bed_setup(state, "attach"))
		return -ENOMEM;
	sl_bed_open(*state, false);
	config = sl_bed_config(*state, 1, 0);
	sl_plan_free(sl_bed_apply(*state, config));
	sl_config_free(config);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(native_and_tcx_by_default),
		cmocka_unit_test(a_restart_updates_the_links),
		cmocka_unit_test(tc_only_judges_ingress_on_tc),
		cmocka_unit_test(clsact_where_there_is_no_tcx),
		cmocka_unit_test(generic_only_when_asked),
		cmocka_unit_test(a_refusal_says_what_may_be_why),
		cmocka_unit_test(the_drivers_own_words_are_passed_on),
		cmocka_unit_test(an_interface_that_comes_back_is_attached_anew),
		cmocka_unit_test(a_program_that_does_not_share_stays),
		cmocka_unit_test(a_dispatcher_is_joined),
		cmocka_unit_test(sockets_are_attached_and_moved),
		cmocka_unit_test(uninstall_leaves_nothing), /* the last: it takes the bed */
	};

	sl_bed_enter_namespace();
	return cmocka_run_group_tests(tests, open_bed, sl_bed_teardown);
}
