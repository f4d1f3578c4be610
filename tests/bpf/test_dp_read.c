// SPDX-License-Identifier: Apache-2.0
/* Flows, explanations, events, counters and the list of what is in the kernel. */
#include "tests/harness/dataplane.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "userspace/dataplane/counters_read.h"
#include "userspace/dataplane/events.h"
#include "userspace/dataplane/explain.h"
#include "userspace/dataplane/flows.h"
#include "userspace/dataplane/inspect.h"
#include "userspace/domain/counters.h"

#define TCP 6u

static struct sl_bed *bed_of(void **state)
{
	return *state;
}

static void run(const struct sl_bed *bed, const char *from, unsigned host, unsigned repeat)
{
	struct sl_frame64 frame = sl_bed_frame(from, host, 80);

	(void)sl_bed_run(bed, "sl_xdp_ingress", &frame, repeat);
}

/* ---- flows ---- */

/* The flow of sl_bed_frame("192.0.2.@host", 50, 80). */
static struct sl_flow_spec flow_from(uint8_t host, uint32_t tenant)
{
	return (struct sl_flow_spec){ .remote = { .family = 4, .bytes = { 192, 0, 2, host } },
				      .local = { .family = 4, .bytes = { 10, 0, 0, 50 } },
				      .remote_port = 40000,
				      .local_port = 80,
				      .protocol = TCP,
				      .tenant = tenant };
}

static void a_bound_flow_is_its_tenants(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_maps *maps = sl_bed_maps(bed);
	struct sl_flow_spec flow = flow_from(7, 2);
	uint64_t before = sl_bed_passed(bed, 2);

	run(bed, "192.0.2.7", 50, 1);
	assert_int_equal(sl_bed_passed(bed, 2), before);
	assert_int_equal(sl_flow_bind(maps, &flow, &bed->error), 0);
	run(bed, "192.0.2.7", 50, 1);
	assert_int_equal(sl_bed_passed(bed, 2), before + 1);
	assert_int_equal(sl_flow_unbind(maps, &flow, &bed->error), 0);
	assert_int_equal(sl_flow_unbind(maps, &flow, &bed->error), -ENOENT);
	run(bed, "192.0.2.7", 50, 1);
	assert_int_equal(sl_bed_passed(bed, 2), before + 1);
}

static void what_is_no_flow_is_refused(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_flow_spec flow = flow_from(1, bed->sizes.tenants);

	assert_int_equal(sl_flow_bind(sl_bed_maps(bed), &flow, &bed->error), -ERANGE);
	flow.tenant = 1;
	flow.remote.family = 6;
	assert_int_equal(sl_flow_bind(sl_bed_maps(bed), &flow, &bed->error), -EINVAL);
}

static void a_full_table_says_so_and_lists_all(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_maps *maps = sl_bed_maps(bed);
	struct sl_flow_spec *flows = NULL;
	struct sl_occupancy found;
	size_t count, total, bound = 0;
	char message[80];
	int r;
	struct sl_flow_spec six = { .remote = { .family = 6, .bytes = { 0x20, 1 } },
				    .local = { .family = 6, .bytes = { 0xfd } },
				    .remote_port = 5,
				    .local_port = 80,
				    .protocol = TCP,
				    .tenant = 1 };

	for (r = 0; !r; bound += !r) {
		struct sl_flow_spec flow = flow_from((uint8_t)bound, 1);

		flow.remote_port = (uint16_t)(1000 + bound);
		r = sl_flow_bind(maps, &flow, &bed->error);
	}
	assert_int_equal(r, -ENOSPC);
	assert_true(bound >= bed->sizes.flows);
	(void)snprintf(message, sizeof(message),
		       "no room in the map sl_flows4: %zu of its 256 slots", bound);
	assert_non_null(strstr(bed->error.message, message));
	assert_int_equal(sl_flow_bind(maps, &six, &bed->error), 0);
	assert_int_equal(sl_occupancy_read(&found, maps, SL_MAP_FLOWS4, NULL), 0);
	assert_int_equal(found.used, bound);
	assert_int_equal(found.max, bed->sizes.flows);
	assert_int_equal(sl_occupancy_read(&found, maps, SL_MAP_SOCKETS, NULL), -ENOTSUP);

	assert_int_equal(sl_flow_list(&flows, &count, &total, maps, 10, NULL), 0);
	assert_int_equal(count, 10);
	assert_int_equal(total, bound + 1);
	free(flows);
	assert_int_equal(sl_flow_list(&flows, &count, &total, maps, 1000, NULL), 0);
	assert_int_equal(count, total);
	assert_memory_equal(&flows[count - 1], &six, sizeof(six));
	for (size_t i = 0; i < count; i++)
		assert_int_equal(sl_flow_unbind(maps, &flows[i], NULL), 0);
	free(flows);
	assert_int_equal(sl_occupancy_read(&found, maps, SL_MAP_FLOWS4, NULL), 0);
	assert_int_equal(found.used, 0);
}

/* ---- explain ---- */

static void explain_tells_and_charges_nothing(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_frame64 frame = sl_bed_frame("192.0.2.1", 2, 80);
	struct sl_maps *reader = NULL;
	struct sl_explanation told;
	uint64_t passed, dropped;

	run(bed, "192.0.2.1", 2, 200);
	passed = sl_bed_passed(bed, 2);
	dropped = sl_bed_dropped(bed, 2);
	assert_true(dropped > 0);
	assert_int_equal(sl_maps_open(&reader, bed->pin_dir, SL_MAPS_READ, &bed->error), 0);
	for (enum sl_explain_hook hook = SL_EXPLAIN_XDP; hook <= SL_EXPLAIN_TC_INGRESS; hook++) {
		assert_int_equal(sl_explain_packet(&told, reader, hook, frame.bytes,
						   sizeof(frame.bytes), 0, &bed->error),
				 0);
		assert_int_equal(told.tenant, 2);
		assert_int_equal(told.found_by, SL_FOUND_SERVICE);
		assert_int_equal(told.reason, SL_REASON_RATE_PACKETS);
		assert_true(told.packets_wait_cu > 0);
	}
	assert_int_equal(sl_bed_passed(bed, 2), passed);
	assert_int_equal(sl_bed_dropped(bed, 2), dropped);
	assert_int_equal(
		sl_explain_packet(&told, reader, SL_EXPLAIN_XDP, frame.bytes, 13, 0, &bed->error),
		-EINVAL);
	assert_int_equal(
		sl_explain_packet(&told, reader, SL_EXPLAIN_XDP, frame.bytes, 9001, 0, &bed->error),
		-EINVAL);
	sl_maps_close(reader);
}

/* ---- events ---- */

struct heard {
	size_t count;
	uint32_t tenant;
	uint16_t reason;
};

static void hear(const struct sl_event *event, void *context)
{
	struct heard *heard = context;

	heard->count++;
	heard->tenant = event->tenant;
	heard->reason = event->reason;
}

static void drops_are_told_in_bounded_portions(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_events *events = NULL;
	struct heard heard = { 0 };
	struct sl_node before, after;
	size_t count, rest;

	assert_int_equal(sl_events_open(&events, sl_bed_maps(bed), hear, &heard, &bed->error), 0);
	assert_int_equal(sl_events_poll(&count, events, SIZE_MAX, &bed->error), 0);
	assert_int_equal(sl_node_read(&before, sl_bed_maps(bed), NULL), 0);
	heard.count = 0;
	run(bed, "192.0.2.1", 3, 20);
	assert_int_equal(sl_node_read(&after, sl_bed_maps(bed), NULL), 0);
	assert_int_equal(sl_events_poll(&count, events, 5, &bed->error), 0);
	assert_int_equal(count, 5);
	assert_int_equal(heard.count, 5);
	assert_int_equal(heard.tenant, 3);
	assert_int_equal(heard.reason, SL_REASON_BLOCKED_TENANT);
	assert_int_equal(sl_events_poll(&rest, events, 1000, &bed->error), 0);
	assert_int_equal(count + rest, after.events_sent - before.events_sent);
	assert_int_equal(sl_events_poll(&rest, events, 1000, &bed->error), 0);
	assert_int_equal(rest, 0);
	assert_int_equal(sl_events_poll(&rest, events, 0, &bed->error), 0);
	sl_events_close(events);
}

/* ---- counters ---- */

static void all_counters_are_those_of_each(void **state)
{
	struct sl_bed *bed = bed_of(state);
	uint32_t tenants = bed->sizes.tenants;
	struct sl_counters *all = calloc(tenants, sizeof(*all));
	struct sl_counters *shadow = calloc(tenants, sizeof(*shadow));
	struct sl_counters one, one_shadow;

	assert_non_null(all);
	assert_non_null(shadow);
	run(bed, "192.0.2.1", 1, 7);
	run(bed, "192.0.2.1", 3, 3);
	assert_int_equal(sl_counters_read_all(all, shadow, tenants, sl_bed_maps(bed), NULL), 0);
	for (uint32_t id = 0; id < tenants; id++) {
		assert_int_equal(
			sl_counters_read_one(&one, &one_shadow, sl_bed_maps(bed), id, NULL), 0);
		assert_memory_equal(&all[id], &one, sizeof(one));
		assert_memory_equal(&shadow[id], &one_shadow, sizeof(one));
	}
	assert_true(all[1].ingress.pass.packets >= 7);
	assert_true(all[3].ingress.blocked_tenant.packets >= 3);

	memset(&all[1], 0, sizeof(all[1]));
	assert_int_equal(sl_counters_read_all(all, NULL, 1, sl_bed_maps(bed), NULL), 0);
	assert_int_equal(all[1].ingress.pass.packets, 0);
	assert_int_equal(sl_counters_read_all(all, NULL, tenants + 1, sl_bed_maps(bed), NULL),
			 -ERANGE);
	assert_int_equal(sl_counters_read_one(&one, NULL, sl_bed_maps(bed), tenants, NULL),
			 -ERANGE);
	free(all);
	free(shadow);
}

/* ---- inspect ---- */

static const struct sl_map_info *map_called(const struct sl_map_info *maps, size_t count,
					    const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(maps[i].name, name))
			return &maps[i];
	}
	fail_msg("no map is called %s", name);
	return maps;
}

static void maps_and_programs_are_listed(void **state)
{
	struct sl_bed *bed = bed_of(state);
	struct sl_map_info *maps = NULL;
	struct sl_prog_info *progs = NULL;
	const struct sl_map_info *limits;
	size_t count;

	assert_int_equal(sl_inspect_maps(&maps, &count, bed->pin_dir, &bed->error), 0);
	assert_int_equal(count, SL_MAP_COUNT);
	limits = map_called(maps, count, "sl_limits");
	assert_string_equal(limits->type, "array");
	assert_int_equal(limits->max_entries, 2 * bed->sizes.tenants);
	assert_int_equal(limits->value_bytes, sizeof(struct sl_limit));
	assert_true(limits->memory_bytes >= (uint64_t)limits->max_entries * limits->value_bytes);
	assert_true(limits->mmapable && limits->id);
	assert_int_equal(access(limits->pin.text, F_OK), 0);
	free(maps);

	assert_int_equal(sl_inspect_progs(&progs, &count, bed->pin_dir, &bed->error), 0);
	assert_int_equal(count, 7);
	assert_string_equal(progs[count - 1].name, "sl_xdp_ingress");
	assert_string_equal(progs[count - 1].type, "xdp");
	assert_true(progs[count - 1].jited_bytes > 0);
	free(progs);
}

static void links_are_listed(void **state)
{
	struct sl_bed *bed = bed_of(state);
	const struct sl_interface_spec wish = { .name = "in", .egress = true };
	struct sl_attach_report report;
	struct sl_link_info *links = NULL;
	size_t count;

	sl_bed_add_veth("in");
	assert_int_equal(sl_inspect_links(&links, &count, bed->pin_dir, &bed->error), 0);
	assert_int_equal(count, 0);
	free(links);
	assert_int_equal(sl_attach_interface(bed->dp, &wish, NULL, &report, &bed->error), 0);
	assert_int_equal(sl_inspect_links(&links, &count, bed->pin_dir, &bed->error), 0);
	assert_int_equal(count, 2);
	assert_int_equal(links[0].hook, SL_PIN_XDP);
	assert_string_equal(links[0].ifname, "in");
	assert_int_equal(links[0].attachment.how, SL_ATTACHED_NATIVE);
	assert_int_equal(links[0].attachment.link_id, report.xdp.link_id);
	assert_int_equal(links[1].hook, SL_PIN_TC_EGRESS);
	assert_int_equal(links[1].attachment.prog_id, report.tc_egress.prog_id);
	free(links);

	assert_int_equal(sl_inspect_links(&links, &count, "/sys/fs/bpf/no-such", &bed->error),
			 -ENOENT);
	assert_int_equal(sl_inspect_progs(NULL, &count, "/sys/fs/bpf/no-such", &bed->error),
			 -ENOENT);
	assert_int_equal(sl_inspect_maps(NULL, &count, "/sys/fs/bpf/no-such", &bed->error),
			 -ENOENT);
	assert_non_null(strstr(bed->error.message, "is sluiced running?"));
}

static void names_of_pins_are_read_back(void **state)
{
	enum sl_pin_hook hook;
	int ifindex;

	for (enum sl_pin_hook want = 0; want <= SL_PIN_SOCK_OPS; want++) {
		struct sl_pin_path path;
		const char *text = sl_pin_link(&path, "/sys/fs/bpf/sluice", want, 12);

		assert_int_equal(sl_pin_parse_link(&hook, &ifindex, strrchr(text, '/') + 1), 0);
		assert_int_equal(hook, want);
		assert_int_equal(ifindex, want == SL_PIN_SOCK_OPS ? 0 : 12);
	}
	assert_int_equal(sl_pin_parse_link(&hook, &ifindex, "xdp_"), -EINVAL);
	assert_int_equal(sl_pin_parse_link(&hook, &ifindex, "xdp_0"), -EINVAL);
	assert_int_equal(sl_pin_parse_link(&hook, &ifindex, "xdp_12x"), -EINVAL);
	assert_int_equal(sl_pin_parse_link(&hook, &ifindex, "xdp_99999999999"), -EINVAL);
	assert_int_equal(sl_pin_parse_link(&hook, &ifindex, "other"), -EINVAL);
}

static int open_bed(void **state)
{
	struct sl_config *config;

	if (sl_bed_setup(state, "read"))
		return -ENOMEM;
	sl_bed_open(*state, false);
	config = sl_bed_config(*state, 3, 0);
	config->tenants[1].ingress_packets = (struct sl_rate_spec){ .per_s = 10, .burst = 100 };
	config->tenants[2].blocked = true;
	sl_bed_add_open_service(config, 50, 80, true);
	sl_plan_free(sl_bed_apply(*state, config));
	sl_config_free(config);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bound_flow_is_its_tenants),
		cmocka_unit_test(what_is_no_flow_is_refused),
		cmocka_unit_test(a_full_table_says_so_and_lists_all),
		cmocka_unit_test(explain_tells_and_charges_nothing),
		cmocka_unit_test(drops_are_told_in_bounded_portions),
		cmocka_unit_test(all_counters_are_those_of_each),
		cmocka_unit_test(maps_and_programs_are_listed),
		cmocka_unit_test(links_are_listed),
		cmocka_unit_test(names_of_pins_are_read_back),
	};

	sl_bed_enter_namespace();
	return cmocka_run_group_tests(tests, open_bed, sl_bed_teardown);
}
