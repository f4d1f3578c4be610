// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/dataplane.h"

#include <errno.h>
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "userspace/dataplane/counters_read.h"
#include "userspace/dataplane/sync.h"
#include "userspace/dataplane/uninstall.h"
#include "userspace/domain/counters.h"
#include "userspace/domain/rate.h"
#include "userspace/domain/text.h"

#define TEST_TENANTS 64

int sl_bed_shell(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	assert_true(vsnprintf(command, sizeof(command), format, args) < (int)sizeof(command));
	va_end(args);
	return system(command);
}

void sl_bed_enter_namespace(void)
{
	if (unshare(CLONE_NEWNET))
		fail_msg("no network namespace: run as root");
	/* No neighbour discovery: every frame seen is one that was sent. */
	(void)sl_bed_shell("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6");
	assert_int_equal(sl_bed_shell("ip link set lo up"), 0);
}

uint64_t sl_bed_now_ns(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

struct sl_bed sl_bed_make(const char *name)
{
	struct sl_bed bed = {
		.sizes = { .tenants = TEST_TENANTS,
			   .flows = 128,
			   .services = 256,
			   .prefixes = 64,
			   .blocks = 64,
			   .cells = 1024,
			   .sockets = 1024,
			   .events_bytes = 65536 },
	};

	(void)snprintf(bed.pin_dir, sizeof(bed.pin_dir), "/sys/fs/bpf/sluice-test-%d-%s",
		       (int)getpid(), name);
	return bed;
}

void sl_bed_open(struct sl_bed *bed, bool migrate)
{
	const struct sl_dataplane_options options = {
		.pin_dir = bed->pin_dir,
		.sizes = bed->sizes,
		.now_ns = sl_bed_now_ns(),
		.migrate = migrate,
	};

	if (sl_dataplane_open(&bed->dp, &options, &bed->error))
		fail_msg("%s", bed->error.message);
}

void sl_bed_close(struct sl_bed *bed)
{
	sl_dataplane_close(bed->dp);
	bed->dp = NULL;
}

void sl_bed_remove(struct sl_bed *bed)
{
	sl_bed_close(bed);
	if (sl_uninstall(NULL, bed->pin_dir, &bed->error))
		print_error("not removed: %s\n", bed->error.message);
}

struct sl_maps *sl_bed_maps(const struct sl_bed *bed)
{
	return sl_dataplane_maps(bed->dp);
}

/* ---- configurations ---------------------------------------------------------------- */

static struct sl_rate_spec rate_of(uint64_t per_s)
{
	struct sl_rate_spec rate = { .unlimited = !per_s, .per_s = per_s };

	assert_int_equal(sl_rate_set_burst(&rate, 0, SL_UNIT_COUNT, NULL), 0);
	return rate;
}

static void fill_tenant(struct sl_tenant_spec *tenant, size_t number, uint64_t packets_per_s)
{
	const struct sl_rate_spec unlimited = { .unlimited = true };

	(void)snprintf(tenant->name, sizeof(tenant->name), "t%zu", number);
	tenant->ingress_packets = rate_of(packets_per_s);
	tenant->egress_packets = rate_of(packets_per_s);
	tenant->ingress_bytes = unlimited;
	tenant->egress_bytes = unlimited;
	tenant->new_connections = unlimited;
	tenant->fragments = unlimited;
	tenant->safe_packets = unlimited;
	tenant->safe_bytes = unlimited;
}

static void fill_unknown(struct sl_unknown_spec *unknown)
{
	const struct sl_rate_spec unlimited = { .unlimited = true };

	*unknown = (struct sl_unknown_spec){
		.packets = unlimited,
		.bytes = unlimited,
		.egress_packets = unlimited,
		.egress_bytes = unlimited,
		.new_connections = unlimited,
		.fragments = unlimited,
		.source_packets = unlimited,
		.proven_packets = unlimited,
		.proven_ns = 1000000000u,
	};
}

static struct sl_service_spec service_at(unsigned host, uint16_t port, int tenant)
{
	const uint32_t address = htonl(0x0a000000u + host);
	struct sl_service_spec service = { .address = { .family = 4 },
					   .port = port,
					   .protocol = IPPROTO_TCP,
					   .vlan = SL_VLAN_ANY,
					   .tenant = tenant };

	memcpy(service.address.bytes, &address, sizeof(address));
	return service;
}

struct sl_config *sl_bed_config(const struct sl_bed *bed, size_t count, uint64_t packets_per_s)
{
	struct sl_config *config = calloc(1, sizeof(*config));

	assert_non_null(config);
	config->sizes = bed->sizes;
	config->event_sample = 1;
	config->events_per_s = 1000;
	config->tenants = calloc(count, sizeof(*config->tenants));
	config->services = calloc(count, sizeof(*config->services));
	assert_non_null(config->tenants);
	assert_non_null(config->services);
	config->tenant_count = count;
	config->service_count = count;
	fill_unknown(&config->unknown);
	for (size_t i = 0; i < count; i++) {
		fill_tenant(&config->tenants[i], i + 1, packets_per_s);
		config->services[i] = service_at((unsigned)i + 1, 80, (int)i);
	}
	return config;
}

void sl_bed_add_source(struct sl_config *config, size_t tenant, const char *prefix)
{
	struct sl_tenant_spec *to = &config->tenants[tenant];

	to->sources = reallocarray(to->sources, to->source_count + 1, sizeof(*to->sources));
	assert_non_null(to->sources);
	assert_int_equal(sl_parse_prefix(&to->sources[to->source_count++], prefix, NULL), 0);
}

void sl_bed_add_open_service(struct sl_config *config, unsigned host, uint16_t port, bool bind)
{
	config->services = reallocarray(config->services, config->service_count + 1,
					sizeof(*config->services));
	assert_non_null(config->services);
	config->services[config->service_count] = service_at(host, port, -1);
	config->services[config->service_count++].bind = bind;
}

struct sl_plan *sl_bed_apply(const struct sl_bed *bed, const struct sl_config *config)
{
	const struct sl_maps_view *view = sl_maps_view(sl_bed_maps(bed));
	const struct sl_plan_input input = {
		.names = view->names,
		.tenants = view->tenants,
		.services4_lines = view->services4_lines,
		.services6_lines = view->services6_lines,
		.now_ns = sl_bed_now_ns(),
		.tick_ns = sl_dataplane_tick_ns(bed->dp),
		.seed = 7,
	};
	struct sl_text_error why = { { 0 } };
	struct sl_dp_error error = { { 0 } };
	struct sl_plan *plan = NULL;

	if (sl_plan_make(&plan, config, &input, &why))
		fail_msg("%s", why.message);
	if (sl_sync_apply(NULL, sl_bed_maps(bed), plan, "", &error))
		fail_msg("%s", error.message);
	return plan;
}

/* ---- packets ------------------------------------------------------------------------ */

static void put16(unsigned char *at, unsigned value)
{
	at[0] = (unsigned char)(value >> 8);
	at[1] = (unsigned char)value;
}

struct sl_frame64 sl_bed_frame(const char *from, unsigned host, uint16_t port)
{
	struct sl_frame64 frame = { { 0 } };
	unsigned char *ip = frame.bytes + 14, *tcp = ip + 20;

	put16(frame.bytes + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, 50);
	ip[8] = 64;
	ip[9] = IPPROTO_TCP;
	assert_int_equal(inet_pton(AF_INET, from, ip + 12), 1);
	put16(ip + 16, 0x0a00);
	put16(ip + 18, host);
	put16(tcp, 40000);
	put16(tcp + 2, port);
	tcp[12] = 5 << 4;
	tcp[13] = 0x10;
	return frame;
}

uint32_t sl_bed_run(const struct sl_bed *bed, const char *program, const struct sl_frame64 *frame,
		    unsigned repeat)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes,
		    .data_size_in = sizeof(frame->bytes), .repeat = (int)repeat);

	assert_int_equal(bpf_prog_test_run_opts(sl_dataplane_prog_fd(bed->dp, program), &options),
			 0);
	return options.retval;
}

static struct sl_counters read_counters(const struct sl_bed *bed, uint32_t tenant)
{
	struct sl_counters counters;

	assert_int_equal(sl_counters_read_one(&counters, NULL, sl_bed_maps(bed), tenant, NULL), 0);
	return counters;
}

uint64_t sl_bed_passed(const struct sl_bed *bed, uint32_t tenant)
{
	return read_counters(bed, tenant).ingress.pass.packets;
}

uint64_t sl_bed_dropped(const struct sl_bed *bed, uint32_t tenant)
{
	const struct sl_counters counters = read_counters(bed, tenant);

	return sl_reasons_dropped(&counters.ingress).packets;
}

void sl_bed_add_veth(const char *name)
{
	assert_int_equal(sl_bed_shell("ip link add %s type veth peer name %sx", name, name), 0);
	assert_int_equal(sl_bed_shell("ip link set %s up && ip link set %sx up", name, name), 0);
}

int sl_bed_setup(void **state, const char *name)
{
	struct sl_bed *bed = malloc(sizeof(*bed));

	if (!bed)
		return -ENOMEM;
	*bed = sl_bed_make(name);
	*state = bed;
	return 0;
}

int sl_bed_teardown(void **state)
{
	sl_bed_remove(*state);
	free(*state);
	return 0;
}
