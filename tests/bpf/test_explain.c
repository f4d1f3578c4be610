// SPDX-License-Identifier: Apache-2.0
/*
 * What would happen to this packet: the explain programs say it and do nothing. (That
 * they foretell the verdict is checked by sl_expect() in every suite.)
 */
#include "tests/harness/test.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <netinet/tcp.h>
#include <string.h>

#include "tests/harness/samples.h"
#include "tests/harness/suite.h"
#include "userspace/base/cleanup.h"

#define BURST 4u

/* ---- no byte of any map ------------------------------------------------------------------------
 */

#define FNV_BASIS 0xcbf29ce484222325ull
#define FNV_PRIME 0x100000001b3ull

static void digest(uint64_t *hash, const void *bytes, size_t length)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < length; i++)
		*hash = (*hash ^ b[i]) * FNV_PRIME;
}

static bool is_percpu(const struct bpf_map *map)
{
	return bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_ARRAY;
}

/* All that can be read of a map by key. */
static void digest_map(uint64_t *hash, const struct sl_shield *s, const struct bpf_map *map)
{
	const size_t value_bytes =
		(bpf_map__value_size(map) + 7u) / 8 * 8 * (is_percpu(map) ? s->cpus : 1);
	sl_autofree uint8_t *value = calloc(1, value_bytes);
	uint8_t key[64], next[64];
	const void *from = NULL;

	assert_non_null(value);
	while (bpf_map_get_next_key(bpf_map__fd(map), from, next) == 0) {
		memcpy(key, next, sizeof(key));
		from = key;
		assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(map), key, value), 0);
		digest(hash, key, bpf_map__key_size(map));
		digest(hash, value, value_bytes);
	}
}

/* Of every map but the answer itself, the ring and the storage of sockets. */
static uint64_t digest_all(const struct sl_shield *s)
{
	uint64_t hash = FNV_BASIS;
	const struct bpf_map *map;

	bpf_object__for_each_map (map, s->skel->obj) {
		if (map == s->skel->maps.sl_explanations || map == s->skel->maps.sl_trials ||
		    map == s->skel->maps.sl_events || map == s->skel->maps.sl_sockets ||
		    map == s->skel->maps.sl_cells || map == s->skel->maps.sl_proven)
			continue;
		digest_map(&hash, s, map);
	}
	digest(&hash, s->cells, 2 * SL_SHIELD_CELLS * sizeof(*s->cells));
	return hash;
}

/* Limits that each of the samples meets, one or the other way. */
static void set_limits(struct sl_shield *s)
{
	struct sl_limit *l = sl_shield_limit(s, SL_TENANT);

	l->ingress.flags = SL_SIDE_NEW_CONNS | SL_SIDE_FRAGMENTS | SL_SIDE_RESET;
	l->ingress.gen = 2;
	l->ingress.packets = sl_shield_rate(0, BURST);
	l->ingress.bytes = sl_shield_bytes_rate(0, 100000);
	l->new_conns = sl_shield_rate(0, 1);
	l->fragments = sl_shield_rate(0, 1);
	sl_shield_live(s)->source_share = sl_shield_rate(0, 1);
	sl_shield_live(s)->features |= SL_FEATURE_PROVEN;
	s->ctl->reset_cost_cu = s->ctl->event_cost_cu = SL_CU_S;
	s->ctl->reset_burst_cu = s->ctl->event_burst_cu = 1000 * SL_CU_S;
}

static void explain_all(const struct sl_shield *s)
{
	for (unsigned i = 0; i < sl_sample_count; i++) {
		struct sl_pkt p = sl_pkt_build(&sl_samples[i].packet);

		(void)sl_explain(s, SL_AT_XDP, &p);
		p.length--;
		(void)sl_explain(s, SL_AT_XDP, &p);
	}
}

static void explaining_changes_no_byte(void **state)
{
	struct sl_shield *s = *state;
	uint64_t before;

	for (unsigned mode = SL_MODE_ENFORCE; mode <= SL_MODE_OFF; mode++) {
		set_limits(s);
		s->ctl->mode = mode;
		before = digest_all(s);
		explain_all(s);
		assert_true(digest_all(s) == before);
	}
	/* So are buckets that are in use, up to refusing, and far too far ahead. */
	s->ctl->mode = SL_MODE_ENFORCE;
	for (unsigned i = 0; i < sl_sample_count; i++) {
		const struct sl_pkt p = sl_pkt_build(&sl_samples[i].packet);

		(void)sl_run(s, SL_AT_XDP, &p, 1, NULL);
	}
	before = digest_all(s);
	explain_all(s);
	assert_true(digest_all(s) == before);
	s->buckets[SL_TENANT].ingress.packets_tat_cu += 1ull << 62;
	before = digest_all(s);
	explain_all(s);
	assert_true(digest_all(s) == before);
}

/* The digest sees what a live run does, so the test above can fail. */
static void a_live_run_is_seen_by_the_digest(void **state)
{
	const struct sl_pkt p = SL_PKT(.to = SL_LOCAL4);
	struct sl_shield *s = *state;
	const uint64_t before = digest_all(s);

	(void)sl_run(s, SL_AT_XDP, &p, 1, NULL);
	assert_true(digest_all(s) != before);
}

static void the_packet_is_as_it_was(void **state)
{
	const struct sl_pkt syn = SL_PKT(.to = SL_LOCAL4, .protocol = IPPROTO_TCP, .flags = TH_SYN);
	struct sl_shield *s = *state;
	struct sl_pkt out = syn;
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = syn.bytes, .data_size_in = syn.length,
		    .data_out = out.bytes, .data_size_out = sizeof(out.bytes));

	set_limits(s);
	sl_shield_limit(s, SL_TENANT)->new_conns.cost = SL_COST_NEVER;
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(s->skel->progs.sl_explain_xdp), &o),
			 0);
	assert_int_equal(o.retval, XDP_PASS);
	assert_int_equal(o.data_size_out, syn.length);
	assert_memory_equal(out.bytes, syn.bytes, syn.length);
}

/* ---- what it says -------------------------------------------------------------------------------
 */

static void it_says_what_is_charged_and_for_whom(void **state)
{
	const struct sl_pkt p = SL_PKT(.to = SL_LOCAL4, .payload_bytes = 58);
	struct sl_shield *s = *state;
	struct sl_explanation e;

	s->ctl->half[0].overhead_ingress_bytes = 24;
	sl_shield_limit(s, SL_TENANT)->ingress.flags = SL_MODE_SHADOW;
	e = sl_explain(s, SL_AT_XDP, &p);
	assert_int_equal(e.tenant, SL_TENANT);
	assert_int_equal(e.reason, SL_REASON_PASS);
	assert_int_equal(e.found_by, SL_FOUND_SERVICE);
	assert_int_equal(e.mode, SL_MODE_SHADOW);
	assert_int_equal(e.packets, 1);
	assert_int_equal(e.bytes, 124);
	assert_int_equal(e.packets_wait_cu, 0);
	assert_int_equal(e.bytes_wait_cu, 0);
}

/* An empty bucket: the wait is until one such packet fits. */
static void it_says_how_long_to_wait(void **state)
{
	const struct sl_pkt p = SL_PKT(.to = SL_LOCAL4, .payload_bytes = 58);
	struct sl_shield *s = *state;
	struct sl_side *side = &sl_shield_limit(s, SL_TENANT)->ingress;
	struct sl_explanation e;

	side->packets = sl_shield_rate(0, BURST);
	side->bytes = sl_shield_bytes_rate(0, (BURST - 1) * 100);
	for (unsigned i = 0; i < BURST - 1; i++) {
		sl_expect(s, &p, SL_TENANT, SL_REASON_PASS);
		assert_int_equal(sl_explain(s, SL_AT_XDP, &p).packets_wait_cu, 0);
	}
	e = sl_explain(s, SL_AT_XDP, &p);
	assert_int_equal(e.reason, SL_REASON_RATE_BYTES);
	assert_int_equal(e.packets_wait_cu, 0);
	assert_in_range(e.bytes_wait_cu, 24 * SL_CU_S, 25 * SL_CU_S); /* 100 bytes at 4 a second */
	side->bytes.cost = 0;
	sl_expect(s, &p, SL_TENANT, SL_REASON_PASS);
	e = sl_explain(s, SL_AT_XDP, &p);
	assert_int_equal(e.reason, SL_REASON_RATE_PACKETS);
	assert_in_range(e.packets_wait_cu, SL_CU_S * (SL_HOUR_S - 5), SL_CU_S * SL_HOUR_S);
	assert_int_equal(e.bytes_wait_cu, 0);
}

static void it_says_when_a_packet_is_none_of_ours(void **state)
{
	const struct sl_pkt other = SL_PKT(.to = SL_OTHER4);
	const struct sl_pkt arp = SL_PKT(.ether_type = 0x0806, .payload_bytes = 46);
	struct sl_pkt broken = SL_PKT(.to = SL_LOCAL4);
	struct sl_explanation e = sl_explain(*state, SL_AT_XDP, &other);

	assert_int_equal(e.tenant, SL_TENANT_NONE);
	assert_int_equal(e.found_by, SL_FOUND_UNPROTECTED);
	e = sl_explain(*state, SL_AT_XDP, &arp);
	assert_int_equal(e.found_by, SL_FOUND_NOT_IP);
	broken.length--;
	e = sl_explain(*state, SL_AT_XDP, &broken);
	assert_int_equal(e.found_by, SL_FOUND_MALFORMED);
	assert_int_equal(e.tenant, SL_TENANT_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(explaining_changes_no_byte, sl_setup_world),
		cmocka_unit_test_setup(a_live_run_is_seen_by_the_digest, sl_setup_world),
		cmocka_unit_test_setup(the_packet_is_as_it_was, sl_setup_world),
		cmocka_unit_test_setup(it_says_what_is_charged_and_for_whom, sl_setup_world),
		cmocka_unit_test_setup(it_says_how_long_to_wait, sl_setup_world),
		cmocka_unit_test_setup(it_says_when_a_packet_is_none_of_ours, sl_setup_world),
	};

	return cmocka_run_group_tests(tests, sl_setup_xdp, sl_teardown);
}
