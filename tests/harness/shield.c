// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include "tests/harness/shield.h"

#include <bpf/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/dataplane/clock.h"

#define HASH_SEED	 0x5eed5eed5eed5eedull
#define SERVICES_SEED	 42ull
#define PREFIXES	 1024u
#define EVENTS_BYTES	 4096u
#define SLOW_BYTES_PER_S 4 /* the slowest whose cost of a whole packet fits 64 bits */

uint64_t sl_shield_now_ns(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (uint64_t)now.tv_sec * SL_NS_S + (uint64_t)now.tv_nsec;
}

/* ---- loading ----------------------------------------------------------------------- */

static void set_size(struct bpf_map *map, uint32_t entries)
{
	assert_int_equal(bpf_map__set_max_entries(map, entries), 0);
}

static void set_sizes(struct sluice_bpf *skel)
{
	set_size(skel->maps.sl_limits, 2 * SL_SHIELD_TENANTS);
	set_size(skel->maps.sl_names, SL_SHIELD_TENANTS);
	set_size(skel->maps.sl_buckets, SL_SHIELD_TENANTS);
	set_size(skel->maps.sl_counters, SL_SHIELD_TENANTS);
	set_size(skel->maps.sl_shadow, SL_SHIELD_TENANTS);
	set_size(skel->maps.sl_conns, SL_SHIELD_TENANTS);
	set_size(skel->maps.sl_services4, 2 * SL_SHIELD_LINES);
	set_size(skel->maps.sl_services6, 2 * SL_SHIELD_LINES);
	set_size(skel->maps.sl_cells, 2 * SL_SHIELD_CELLS);
	set_size(skel->maps.sl_proven, SL_SHIELD_CELLS);
	set_size(skel->maps.sl_flows4, SL_SHIELD_FLOW_LINES);
	set_size(skel->maps.sl_flows6, SL_SHIELD_FLOW_LINES);
	set_size(skel->maps.sl_refusals, SL_REFUSALS);
	set_size(skel->maps.sl_sources4, PREFIXES);
	set_size(skel->maps.sl_sources6, PREFIXES);
	set_size(skel->maps.sl_blocks4, PREFIXES);
	set_size(skel->maps.sl_blocks6, PREFIXES);
	set_size(skel->maps.sl_marks, PREFIXES);
	set_size(skel->maps.sl_cgroups, PREFIXES);
	set_size(skel->maps.sl_events, EVENTS_BYTES);
}

static void set_constants(struct sl_shield *s)
{
	struct sl_clock clock = { 0 };

	assert_int_equal(sl_clock_measure(&clock, NULL), 0);
	s->tick_ns = clock.tick_ns;
	s->skel->rodata->sl_load.tick_ns = clock.tick_ns;
	s->skel->rodata->sl_load.clock_offset_ns = clock.offset_ns;
	s->skel->rodata->sl_load.tenants = SL_SHIELD_TENANTS;
	s->skel->rodata->sl_load.services4_mask = SL_SHIELD_LINES - 1;
	s->skel->rodata->sl_load.services6_mask = SL_SHIELD_LINES - 1;
	s->skel->rodata->sl_load.cells_mask = SL_SHIELD_CELLS - 1;
	s->skel->rodata->sl_load.sockets_max = SL_SHIELD_SOCKETS_MAX;
	s->skel->rodata->sl_load.flows4_lines = SL_SHIELD_FLOW_LINES;
	s->skel->rodata->sl_load.flows6_lines = SL_SHIELD_FLOW_LINES;
}

static size_t map_bytes(const struct bpf_map *map)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t bytes = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);

	return (bytes + page - 1) / page * page;
}

static void *map_memory(const struct bpf_map *map)
{
	void *at =
		mmap(NULL, map_bytes(map), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

static void map_all(struct sl_shield *s)
{
	s->ctl = map_memory(s->skel->maps.sl_ctl);
	s->limits = map_memory(s->skel->maps.sl_limits);
	s->buckets = map_memory(s->skel->maps.sl_buckets);
	s->cells = map_memory(s->skel->maps.sl_cells);
	s->conns = map_memory(s->skel->maps.sl_conns);
	s->refusals = map_memory(s->skel->maps.sl_refusals);
	s->services4 = map_memory(s->skel->maps.sl_services4);
	s->services6 = map_memory(s->skel->maps.sl_services6);
	s->flows4 = map_memory(s->skel->maps.sl_flows4);
	s->flows6 = map_memory(s->skel->maps.sl_flows6);
}

static void attach_xdp(const char *interface, const struct bpf_program *program)
{
	const unsigned index = if_nametoindex(interface);

	assert_int_not_equal(index, 0);
	assert_int_equal(bpf_xdp_attach((int)index, bpf_program__fd(program), 0, NULL), 0);
}

static void choose(struct bpf_program *program, bool wanted)
{
	assert_int_equal(bpf_program__set_autoload(program, wanted), 0);
}

static void choose_programs(struct sluice_bpf *skel, unsigned programs)
{
	choose(skel->progs.sl_xdp_ingress, programs & SL_SHIELD_XDP);
	choose(skel->progs.sl_explain_xdp, programs & SL_SHIELD_XDP);
	choose(skel->progs.sl_tc_ingress, programs & SL_SHIELD_TC);
	choose(skel->progs.sl_tc_egress, programs & SL_SHIELD_TC);
	choose(skel->progs.sl_explain_tc_ingress, programs & SL_SHIELD_TC);
	choose(skel->progs.sl_explain_tc_egress, programs & SL_SHIELD_TC);
	choose(skel->progs.sl_sock_ops, programs & SL_SHIELD_CONNS);
}

struct sl_shield *sl_shield_open(unsigned programs)
{
	struct sl_shield *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(system("ip link set lo up && ip link add sl0 type veth peer name sl1"), 0);
	s->skel = sluice_bpf__open();
	assert_non_null(s->skel);
	set_sizes(s->skel);
	set_constants(s);
	choose_programs(s->skel, programs);
	assert_int_equal(sluice_bpf__load(s->skel), 0);
	s->cpus = (unsigned)libbpf_num_possible_cpus();
	map_all(s);
	if (programs & SL_SHIELD_XDP) {
		attach_xdp("sl0", s->skel->progs.sl_xdp_ingress);
		attach_xdp("sl1", s->skel->progs.sl_explain_xdp);
	}
	sl_shield_reset(s);
	return s;
}

void sl_shield_close(struct sl_shield *s)
{
	(void)munmap(s->ctl, map_bytes(s->skel->maps.sl_ctl));
	(void)munmap(s->limits, map_bytes(s->skel->maps.sl_limits));
	(void)munmap(s->buckets, map_bytes(s->skel->maps.sl_buckets));
	(void)munmap(s->cells, map_bytes(s->skel->maps.sl_cells));
	(void)munmap(s->conns, map_bytes(s->skel->maps.sl_conns));
	(void)munmap(s->refusals, map_bytes(s->skel->maps.sl_refusals));
	(void)munmap(s->services4, map_bytes(s->skel->maps.sl_services4));
	(void)munmap(s->services6, map_bytes(s->skel->maps.sl_services6));
	(void)munmap(s->flows4, map_bytes(s->skel->maps.sl_flows4));
	(void)munmap(s->flows6, map_bytes(s->skel->maps.sl_flows6));
	sluice_bpf__destroy(s->skel);
	free(s);
}

/* ---- as new ------------------------------------------------------------------------ */

static void delete_all(const struct bpf_map *map)
{
	uint8_t key[64];

	while (bpf_map_get_next_key(bpf_map__fd(map), NULL, key) == 0)
		assert_int_equal(bpf_map_delete_elem(bpf_map__fd(map), key), 0);
}

/* @stride: of one value as a syscall has it: per-CPU values are one for each CPU. */
static void zero_all(const struct bpf_map *map, size_t stride)
{
	sl_autofree void *zeros = calloc(1, stride);

	assert_non_null(zeros);
	for (uint32_t i = 0; i < bpf_map__max_entries(map); i++)
		assert_int_equal(bpf_map_update_elem(bpf_map__fd(map), &i, zeros, 0), 0);
}

static void zero_memory(const struct sl_shield *s)
{
	memset(s->limits, 0, map_bytes(s->skel->maps.sl_limits));
	memset(s->buckets, 0, map_bytes(s->skel->maps.sl_buckets));
	memset(s->cells, 0, map_bytes(s->skel->maps.sl_cells));
	memset(s->conns, 0, map_bytes(s->skel->maps.sl_conns));
	memset(s->refusals, 0, map_bytes(s->skel->maps.sl_refusals));
	memset(s->services4, 0, map_bytes(s->skel->maps.sl_services4));
	memset(s->services6, 0, map_bytes(s->skel->maps.sl_services6));
	memset(s->flows4, 0, map_bytes(s->skel->maps.sl_flows4));
	memset(s->flows6, 0, map_bytes(s->skel->maps.sl_flows6));
	memset(s->ctl, 0, map_bytes(s->skel->maps.sl_ctl));
}

void sl_shield_reset(struct sl_shield *s)
{
	const struct bpf_map *const keyed[] = {
		s->skel->maps.sl_sources4, s->skel->maps.sl_sources6, s->skel->maps.sl_blocks4,
		s->skel->maps.sl_blocks6,  s->skel->maps.sl_marks,    s->skel->maps.sl_cgroups,
	};
	const bool proved =
		(s->ctl->half[0].features | s->ctl->half[1].features) & SL_FEATURE_PROVEN;

	for (size_t i = 0; i < sizeof(keyed) / sizeof(*keyed); i++)
		delete_all(keyed[i]);
	zero_memory(s);
	if (proved)
		zero_all(s->skel->maps.sl_proven, sizeof(struct sl_proven));
	zero_all(s->skel->maps.sl_counters, s->cpus * sizeof(struct sl_counters));
	zero_all(s->skel->maps.sl_shadow, s->cpus * sizeof(struct sl_counters));
	zero_all(s->skel->maps.sl_node, s->cpus * sizeof(struct sl_node));

	s->ctl->abi_version = SL_ABI_VERSION;
	s->ctl->hash_seed = HASH_SEED;
	for (unsigned i = 0; i < 2; i++) {
		s->ctl->half[i].services4_seed = SERVICES_SEED + i;
		s->ctl->half[i].services6_seed = ~SERVICES_SEED + i;
	}
	for (unsigned i = 0; i < 2 * SL_SHIELD_TENANTS; i++)
		s->limits[i].ingress.gen = s->limits[i].egress.gen = 1;
}

/* ---- limits -------------------------------------------------------------------------- */

unsigned sl_shield_half(const struct sl_shield *s)
{
	return s->ctl->epoch & 1;
}

struct sl_ctl_half *sl_shield_live(struct sl_shield *s)
{
	return &s->ctl->half[sl_shield_half(s)];
}

struct sl_limit *sl_shield_limit(struct sl_shield *s, uint32_t tenant)
{
	return &s->limits[sl_shield_half(s) * SL_SHIELD_TENANTS + tenant];
}

struct sl_rate sl_shield_rate(uint64_t per_s, uint64_t burst)
{
	const uint64_t cost = per_s ? (SL_CU_S + per_s / 2) / per_s : SL_CU_S * SL_HOUR_S;

	return (struct sl_rate){ .cost = cost, .burst_cu = cost * burst };
}

struct sl_rate sl_shield_bytes_rate(uint64_t per_s, uint64_t burst_bytes)
{
	const uint64_t rate = per_s ? per_s : SLOW_BYTES_PER_S;
	const uint64_t cost = ((SL_CU_S << SL_BYTE_COST_SHIFT) + rate / 2) / rate;
	const unsigned __int128 burst = (unsigned __int128)cost * burst_bytes;

	return (struct sl_rate){ .cost = cost,
				 .burst_cu = (uint64_t)(burst >> SL_BYTE_COST_SHIFT) };
}
