// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/conf/accepted.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "userspace/conf/conf.h"
#include "userspace/domain/text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define S_NS	     1000000000ull

/* ---- what is read --------------------------------------------------------------- */

static void what_is_left_out_has_its_default(void **state)
{
	struct sl_config *config = parse("version: 1\n");
	const struct sl_unknown_spec *unknown = &config->unknown;

	assert_int_equal(config->mode, SL_MODE_ENFORCE);
	assert_int_equal(config->sizes.tenants, 1024);
	assert_int_equal(config->sizes.flows, 65536);
	assert_int_equal(config->sizes.services, 1024);
	assert_int_equal(config->sizes.prefixes, 1024);
	assert_int_equal(config->sizes.blocks, 4096);
	assert_int_equal(config->sizes.cells, 65536);
	assert_int_equal(config->sizes.sockets, 65536);
	assert_int_equal(config->sizes.events_bytes, 1048576);
	assert_string_equal(config->pin_dir, "/sys/fs/bpf/sluice");
	assert_string_equal(config->socket_path, "/run/sluice/sluiced.sock");
	assert_string_equal(config->state_dir, "/var/lib/sluice");
	assert_string_equal(config->cgroup_dir, "");
	assert_string_equal(config->metrics_address, "127.0.0.1");
	assert_int_equal(config->metrics_port, 9477);
	assert_int_equal(config->metrics_tenants_max, 1000);
	assert_int_equal(config->events_per_s, 1000);
	assert_int_equal(config->event_sample, 64);
	assert_int_equal(config->resets_per_s, 10000);
	assert_int_equal(config->overhead_ingress_bytes, 0);
	assert_int_equal(config->overhead_egress_bytes, 0);
	assert_int_equal(config->hash_seed, 0);
	assert_int_equal(config->interface_count, 0);
	assert_int_equal(config->tenant_count, 0);
	assert_int_equal(config->service_count, 0);
	assert_int_equal(config->block_count, 0);

	assert_int_equal(unknown->on_miss, SL_ON_MISS_LIMIT);
	assert_int_equal(unknown->mode, SL_MODE_ENFORCE);
	assert_rate(unknown->packets, 10000, 1000);
	assert_unlimited(unknown->bytes);
	assert_unlimited(unknown->egress_packets);
	assert_unlimited(unknown->egress_bytes);
	assert_rate(unknown->new_connections, 1000, 100);
	assert_rate(unknown->fragments, 100, 100);
	assert_rate(unknown->source_packets, 100, 50);
	assert_rate(unknown->proven_packets, 10000, 1000);
	assert_int_equal(unknown->proven_ns, 600 * S_NS);
	sl_config_free(config);
}

static void a_tenant_without_keys_is_unlimited(void **state)
{
	struct sl_config *config = parse("version: 1\ntenants: [{name: a}]\n");
	const struct sl_tenant_spec *tenant = &config->tenants[0];

	assert_int_equal(config->tenant_count, 1);
	assert_string_equal(tenant->name, "a");
	assert_int_equal(tenant->line, 2);
	assert_int_equal(tenant->mode, SL_MODE_ENFORCE);
	assert_false(tenant->blocked);
	assert_unlimited(tenant->ingress_packets);
	assert_unlimited(tenant->ingress_bytes);
	assert_unlimited(tenant->egress_packets);
	assert_unlimited(tenant->egress_bytes);
	assert_unlimited(tenant->new_connections);
	assert_rate(tenant->fragments, 100, 100);
	assert_int_equal(tenant->connections_max, 0);
	assert_false(tenant->reset);
	assert_int_equal(tenant->on_lease_expiry, SL_FALLBACK_LAST);
	assert_int_equal(tenant->lease_ns, 0);
	assert_unlimited(tenant->safe_packets);
	assert_unlimited(tenant->safe_bytes);
	assert_int_equal(tenant->source_count, 0);
	assert_int_equal(tenant->cgroup_count, 0);
	assert_int_equal(tenant->mark, 0);
	sl_config_free(config);
}

static void the_full_example_sets_the_node(void **state)
{
	struct sl_config *config = load("docs/examples/full.yaml");

	assert_int_equal(config->interface_count, 3);
	assert_string_equal(config->interfaces[0].name, "eth0");
	assert_int_equal(config->interfaces[0].attach, SL_ATTACH_NATIVE);
	assert_true(config->interfaces[0].egress);
	assert_false(config->interfaces[0].tc_ingress);
	assert_int_equal(config->interfaces[0].line, 9);
	assert_int_equal(config->interfaces[1].attach, SL_ATTACH_TC_ONLY);
	assert_false(config->interfaces[1].egress);
	assert_true(config->interfaces[1].tc_ingress);
	assert_int_equal(config->interfaces[2].attach, SL_ATTACH_GENERIC);
	assert_true(config->interfaces[2].egress);

	assert_string_equal(config->cgroup_dir, "/sys/fs/cgroup");
	assert_int_equal(config->overhead_ingress_bytes, 24);
	assert_int_equal(config->overhead_egress_bytes, 20);
	assert_int_equal(config->block_count, 2);
	assert_prefix(&config->blocks[0].prefix, "203.0.113.0/24");
	assert_int_equal(config->blocks[0].for_ns, 3600 * S_NS);
	assert_prefix(&config->blocks[1].prefix, "2001:db8:bad::/48");
	assert_int_equal(config->blocks[1].for_ns, 0);

	assert_rate(config->unknown.bytes, 50000000, 5000000);
	assert_unlimited(config->unknown.egress_packets);
	assert_rate(config->unknown.egress_bytes, 100000000, 10000000);
	assert_rate(config->unknown.new_connections, 1000, 200);
	sl_config_free(config);
}

static void requests_are_limited_where_it_is_said(void **state)
{
	struct sl_config *config = load("docs/examples/full.yaml");
	const struct sl_requests_spec *requests = &config->tenants[1].requests;

	assert_int_equal(config->tenants[0].requests.set, 0);
	assert_int_equal(requests->set, (1u << SL_REQUEST_CLASSES) - 1);
	assert_int_equal(requests->window_ns, 10 * S_NS);
	assert_int_equal(requests->per_window[SL_REQUEST_GLOBAL], 2000);
	assert_int_equal(requests->per_window[SL_REQUEST_ROUTES_DECIDE], 20);
	assert_true(requests->per_window[SL_REQUEST_MESSAGES] == SL_REQUESTS_UNLIMITED);
	assert_int_equal(requests->per_window[SL_REQUEST_REGISTRY_BLOCKS], 0);
	assert_int_equal(requests->per_window[SL_REQUEST_COST], 500);
	assert_int_equal(requests->cost_window_ns, 3600 * S_NS);
	assert_int_equal(requests->cost_estimate_milli, 250);
	sl_config_free(config);
}

/* Under pressure, and who tells of it. */
static void classes_and_nats_are_read(void **state)
{
	static const char text[] = "version: 1\n"
				   "defaults: {class: sheddable_plus}\n"
				   "tenants: [{name: a}, {name: b, class: critical_plus}]\n";
	static const char none[] = "version: 1\ntenants: [{name: a}]\n";
	struct sl_config *config = load("docs/examples/full.yaml");
	struct sl_conf_error error;

	assert_int_equal(config->tenants[0].class, SL_TENANT_CRITICAL);
	assert_int_equal(config->tenants[1].class, SL_TENANT_SHEDDABLE);
	assert_true(config->has_nats);
	assert_string_equal(config->nats.user, "sluiced");
	sl_config_free(config);
	assert_int_equal(sl_conf_parse(&config, "text", text, sizeof(text) - 1, &error), 0);
	assert_int_equal(config->tenants[0].class, SL_TENANT_SHEDDABLE_PLUS);
	assert_int_equal(config->tenants[1].class, SL_TENANT_CRITICAL_PLUS);
	assert_false(config->has_nats);
	sl_config_free(config);
	assert_int_equal(sl_conf_parse(&config, "text", none, sizeof(none) - 1, &error), 0);
	assert_int_equal(config->tenants[0].class, SL_TENANT_CRITICAL);
	sl_config_free(config);
}

static void what_defaults_say_of_requests_holds_for_all(void **state)
{
	static const char text[] = "version: 1\n"
				   "defaults: {requests: {messages: 7}}\n"
				   "tenants: [{name: a}, {name: b, requests: {global: 3}}]\n";
	struct sl_config *config = NULL;
	struct sl_conf_error error;

	if (sl_conf_parse(&config, "text", text, sizeof(text) - 1, &error))
		fail_msg("%s", error.message);
	for (size_t i = 0; i < 2; i++) {
		const struct sl_requests_spec *requests = &config->tenants[i].requests;

		assert_int_equal(requests->set, (1u << SL_REQUEST_CLASSES) - 1);
		assert_int_equal(requests->per_window[SL_REQUEST_MESSAGES], 7);
		/* The contract's, 1.8. */
		assert_int_equal(requests->per_window[SL_REQUEST_ROUTES_DECIDE], 50);
		assert_int_equal(requests->per_window[SL_REQUEST_GLOBAL], i ? 3 : 1000);
		assert_int_equal(requests->window_ns, 60 * S_NS);
	}
	sl_config_free(config);
}

static void the_full_example_sets_the_tenants(void **state)
{
	struct sl_config *config = load("docs/examples/full.yaml");
	const struct sl_tenant_spec *steady = &config->tenants[0];
	const struct sl_tenant_spec *noisy = &config->tenants[1];

	assert_int_equal(config->tenant_count, 8);
	assert_string_equal(steady->name, "steady");
	assert_rate(steady->ingress_packets, 20000, 2000);
	assert_rate(steady->ingress_bytes, 20000000, 2000000);
	assert_unlimited(steady->egress_packets);
	assert_rate(steady->egress_bytes, 50000000, 1000000);
	assert_rate(steady->new_connections, 200, 100);
	assert_int_equal(steady->connections_max, 10000);
	assert_int_equal(steady->lease_ns, 60 * S_NS);
	assert_rate(steady->safe_packets, 1000, 100);
	assert_int_equal(steady->source_count, 2);
	assert_prefix(&steady->sources[0], "10.0.1.0/24");
	assert_prefix(&steady->sources[1], "2001:db8::/64");
	assert_int_equal(steady->cgroup_count, 1);
	assert_string_equal(steady->cgroups[0], "tenants/steady");
	assert_int_equal(steady->mark, 7);

	assert_int_equal(noisy->mode, SL_MODE_SHADOW);
	assert_rate(noisy->ingress_packets, 10000, 1000);
	assert_rate(noisy->egress_packets, 5000, 500);
	assert_unlimited(noisy->egress_bytes);
	assert_rate(noisy->new_connections, 100, 50);
	assert_true(noisy->reset);
	assert_int_equal(noisy->connections_max, 0);
	assert_rate(noisy->fragments, 0, 0);
	assert_int_equal(noisy->lease_ns, 30 * S_NS);
	assert_int_equal(noisy->on_lease_expiry, SL_FALLBACK_SAFE);
	assert_rate(noisy->safe_packets, 500, 100);
	assert_rate(noisy->safe_bytes, 1000000, 100000);
	assert_prefix(&noisy->sources[1], "10.0.3.7/32");
	assert_string_equal(noisy->cgroups[1], "system.slice/noisy.service");

	assert_true(config->tenants[2].blocked);
	assert_int_equal(config->tenants[2].lease_ns, 0);
	sl_config_free(config);
}

static void the_full_example_sets_the_services(void **state)
{
	static const struct {
		uint8_t family;
		uint16_t port;
		uint8_t protocol;
		uint16_t vlan;
		int tenant;
		bool bind;
	} want[] = {
		{ 4, 443, IPPROTO_TCP, SL_VLAN_ANY, 0, false },
		{ 4, 443, IPPROTO_UDP, SL_VLAN_NONE, -1, true },
		{ 6, 0, IPPROTO_TCP, 42, -1, true },
		{ 0, 53, IPPROTO_UDP, SL_VLAN_ANY, 1, true },
		{ 4, 0, IPPROTO_ICMP, SL_VLAN_ANY, -1, true },
		{ 6, 0, IPPROTO_ICMPV6, SL_VLAN_ANY, -1, true },
	};
	struct sl_config *config = load("docs/examples/full.yaml");

	assert_int_equal(config->service_count, COUNT(want));
	for (size_t i = 0; i < COUNT(want); i++) {
		const struct sl_service_spec *service = &config->services[i];

		assert_int_equal(service->address.family, want[i].family);
		assert_int_equal(service->port, want[i].port);
		assert_int_equal(service->protocol, want[i].protocol);
		assert_int_equal(service->vlan, want[i].vlan);
		assert_int_equal(service->tenant, want[i].tenant);
		assert_int_equal(service->bind, want[i].bind);
	}
	assert_memory_equal(config->services[0].address.bytes, ((uint8_t[16]){ 192, 0, 2, 1 }), 16);
	sl_config_free(config);
}

static void the_small_example_is_good(void **state)
{
	struct sl_config *config = load("docs/examples/protect-one-interface.yaml");

	assert_int_equal(config->interface_count, 1);
	assert_int_equal(config->tenant_count, 2);
	assert_int_equal(config->services[2].tenant, 1);
	sl_config_free(config);
}

static void empty_lists_and_a_byte_order_mark_are_fine(void **state)
{
	struct sl_config *config = parse("\xef\xbb\xbfversion: 1\ntenants: []\nblocks: []\n");

	assert_int_equal(config->tenant_count, 0);
	assert_null(config->tenants);
	sl_config_free(config);
}

static void files_that_cannot_be_read_say_why(void **state)
{
	struct sl_conf_error error;
	struct sl_config *config = NULL;

	assert_int_equal(sl_conf_load(&config, "/nowhere/x.yaml", &error), -ENOENT);
	assert_string_equal(error.message,
			    "/nowhere/x.yaml: cannot be read: No such file or directory");
	assert_int_equal(sl_conf_load(&config, "/dev", &error), -EINVAL);
	assert_string_equal(error.message, "/dev: cannot be read: it is not a regular file");
	assert_int_equal(sl_conf_load(&config, "/dev/zero", &error), -EINVAL);
	assert_null(config);
}

/* @count tenants of six keys each. */
static char *many_tenants(size_t count)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	fprintf(out, "version: 1\nsizes: {tenants: 65536, prefixes: 100k}\ntenants:\n");
	for (size_t i = 0; i < count; i++)
		fprintf(out,
			"- name: tenant-%zu\n  sources: [10.%zu.%zu.0/24]\n"
			"  ingress: {packets_per_s: 10k, bytes_per_s: 10MB}\n"
			"  new_connections_per_s: 100\n  lease: 30s\n  mark: %zu\n",
			i, i >> 8, i & 255, i + 1);
	assert_int_equal(fclose(out), 0);
	return text;
}

static double parse_ms(size_t tenants)
{
	char *text = many_tenants(tenants);
	struct timespec from, to;
	struct sl_config *config;

	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from), 0);
	config = parse(text);
	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to), 0);
	assert_int_equal(config->tenant_count, tenants);
	sl_config_free(config);
	free(text);
	return (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
}

/* A ratio, since sanitizers and slow machines stretch both times alike. */
static void time_grows_with_the_tenants_and_not_with_their_square(void **state)
{
	double few = parse_ms(4000), many = parse_ms(64000);

	if (many > few * 16 * 4)
		fail_msg("4,000 tenants: %.1f ms, 64,000: %.1f ms", few, many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left_out_has_its_default),
		cmocka_unit_test(a_tenant_without_keys_is_unlimited),
		cmocka_unit_test(the_full_example_sets_the_node),
		cmocka_unit_test(requests_are_limited_where_it_is_said),
		cmocka_unit_test(classes_and_nats_are_read),
		cmocka_unit_test(what_defaults_say_of_requests_holds_for_all),
		cmocka_unit_test(the_full_example_sets_the_tenants),
		cmocka_unit_test(the_full_example_sets_the_services),
		cmocka_unit_test(the_small_example_is_good),
		cmocka_unit_test(empty_lists_and_a_byte_order_mark_are_fine),
		cmocka_unit_test(files_that_cannot_be_read_say_why),
		cmocka_unit_test(time_grows_with_the_tenants_and_not_with_their_square),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
