// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include "tests/harness/verdict.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <string.h>

#include "userspace/base/cleanup.h"

/* ---- counters ---------------------------------------------------------------------- */

/* Sums entry @key of a per-CPU map of counters, all of which are 64-bit words. */
static void sum_cpus(void *ret, const struct sl_shield *s, const struct bpf_map *map, uint32_t key,
		     size_t bytes)
{
	const size_t words = bytes / sizeof(uint64_t);
	sl_autofree uint64_t *values = calloc(s->cpus, bytes);
	uint64_t *sums = ret;

	assert_non_null(values);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(map), &key, values), 0);
	memset(ret, 0, bytes);
	for (size_t i = 0; i < words * s->cpus; i++)
		sums[i % words] += values[i];
}

void sl_tally_read(struct sl_tally *ret, const struct sl_shield *s)
{
	for (uint32_t i = 0; i < SL_SHIELD_TENANTS; i++) {
		sum_cpus(&ret->counters[i], s, s->skel->maps.sl_counters, i,
			 sizeof(ret->counters[i]));
		sum_cpus(&ret->shadow[i], s, s->skel->maps.sl_shadow, i, sizeof(ret->shadow[i]));
	}
	sum_cpus(&ret->node, s, s->skel->maps.sl_node, 0, sizeof(ret->node));
}

static struct sl_count *slot_of(struct sl_counters *c, int way, enum sl_reason reason)
{
	struct sl_reason_counts *counts = way == SL_INGRESS ? &c->ingress : &c->egress;

	return &counts->pass + reason;
}

const struct sl_count *sl_tally_of(const struct sl_tally *t, uint32_t tenant, int way,
				   enum sl_reason reason)
{
	const struct sl_counters *c = &t->counters[tenant];

	return (way == SL_INGRESS ? &c->ingress.pass : &c->egress.pass) + reason;
}

static void add(struct sl_count *sum, const struct sl_count *count)
{
	sum->packets += count->packets;
	sum->bytes += count->bytes;
}

struct sl_count sl_tally_sum(const struct sl_tally *t, int way)
{
	const struct sl_bypass *bypass = way == SL_INGRESS ? &t->node.ingress : &t->node.egress;
	struct sl_count sum = { 0 };

	for (uint32_t i = 0; i < SL_SHIELD_TENANTS; i++)
		for (unsigned r = 0; r < SL_REASON_SLOTS; r++)
			add(&sum, sl_tally_of(t, i, way, (enum sl_reason)r));
	add(&sum, &bypass->not_ip);
	add(&sum, &bypass->unprotected);
	add(&sum, &bypass->off);
	return sum;
}

static struct sl_count counted(const struct sl_shield *s, uint32_t tenant, int way,
			       enum sl_reason reason)
{
	struct sl_counters c;

	sum_cpus(&c, s, s->skel->maps.sl_counters, tenant, sizeof(c));
	return *slot_of(&c, way, reason);
}

struct sl_count sl_counted(const struct sl_shield *s, uint32_t tenant, enum sl_reason reason)
{
	return counted(s, tenant, SL_INGRESS, reason);
}

struct sl_count sl_counted_egress(const struct sl_shield *s, uint32_t tenant, enum sl_reason reason)
{
	return counted(s, tenant, SL_EGRESS, reason);
}

/* ---- runs ----------------------------------------------------------------------------- */

static int program_of(const struct sl_shield *s, enum sl_hook hook, bool explain)
{
	const struct bpf_program *const live[] = { s->skel->progs.sl_xdp_ingress,
						   s->skel->progs.sl_tc_ingress,
						   s->skel->progs.sl_tc_egress };
	const struct bpf_program *const dry[] = { s->skel->progs.sl_explain_xdp,
						  s->skel->progs.sl_explain_tc_ingress,
						  s->skel->progs.sl_explain_tc_egress };

	return bpf_program__fd(explain ? dry[hook] : live[hook]);
}

static uint32_t run(int program, const struct sl_arrival *arrival, const struct sl_pkt *packet,
		    unsigned repeat, struct sl_pkt *ret_out)
{
	struct __sk_buff skb = { .mark = arrival->mark,
				 .gso_segs = arrival->segments,
				 .gso_size = arrival->segments ? 1448 : 0,
				 .wire_len = arrival->wire_len };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = packet->bytes, .data_size_in = packet->length,
		    .repeat = (int)repeat);

	if (arrival->hook != SL_HOOK_XDP) {
		o.ctx_in = &skb;
		o.ctx_size_in = sizeof(skb);
	}
	if (ret_out) {
		*ret_out = *packet;
		o.data_out = ret_out->bytes;
		o.data_size_out = sizeof(ret_out->bytes);
	}
	assert_int_equal(bpf_prog_test_run_opts(program, &o), 0);
	if (ret_out)
		ret_out->length = o.data_size_out;
	return o.retval;
}

uint32_t sl_run(const struct sl_shield *s, const struct sl_arrival *arrival,
		const struct sl_pkt *packet, unsigned repeat, struct sl_pkt *ret_out)
{
	return run(program_of(s, arrival->hook, false), arrival, packet, repeat, ret_out);
}

struct sl_explanation sl_explain(const struct sl_shield *s, const struct sl_arrival *arrival,
				 const struct sl_pkt *packet)
{
	const uint32_t zero = 0;
	struct sl_explanation e;

	(void)run(program_of(s, arrival->hook, true), arrival, packet, 1, NULL);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(s->skel->maps.sl_explanations), &zero, &e),
			 0);
	return e;
}

/* ---- expectations ------------------------------------------------------------------------ */

static const char *const reason_names[] = {
#define NAME(number, NAME, field, text) [number] = #NAME,
	SL_REASONS(NAME)
#undef NAME
};

static int way_of(const struct sl_arrival *arrival)
{
	return arrival->hook == SL_HOOK_TC_EGRESS ? SL_EGRESS : SL_INGRESS;
}

static void say_row(const char *what, uint32_t tenant, const struct sl_counters *before,
		    const struct sl_counters *after)
{
	const struct sl_count *b = (const struct sl_count *)before;
	const struct sl_count *a = (const struct sl_count *)after;

	for (unsigned i = 0; i < 2 * SL_REASON_SLOTS; i++) {
		const unsigned reason = i % SL_REASON_SLOTS;

		if (memcmp(&a[i], &b[i], sizeof(*a)) == 0)
			continue;
		print_error("  counted: %s %s of tenant %u: %s +%llu packets, +%llu bytes\n", what,
			    i < SL_REASON_SLOTS ? "ingress" : "egress", tenant,
			    reason < SL_REASON_COUNT_ ? reason_names[reason] : "?",
			    a[i].packets - b[i].packets, a[i].bytes - b[i].bytes);
	}
}

/* What was counted, for whoever reads why a test failed. */
static void say(const struct sl_tally *before, const struct sl_tally *after)
{
	const struct sl_count *b = &before->node.ingress.not_ip;
	const struct sl_count *a = &after->node.ingress.not_ip;
	static const char *const names[] = { "not_ip", "unprotected", "off" };

	for (uint32_t i = 0; i < SL_SHIELD_TENANTS; i++) {
		say_row("counter", i, &before->counters[i], &after->counters[i]);
		say_row("shadow", i, &before->shadow[i], &after->shadow[i]);
	}
	for (unsigned i = 0; i < 6; i++)
		if (memcmp(&a[i], &b[i], sizeof(*a)))
			print_error("  counted: %s %s +%llu packets, +%llu bytes\n",
				    i < 3 ? "ingress" : "egress", names[i % 3],
				    a[i].packets - b[i].packets, a[i].bytes - b[i].bytes);
}

static void refuse(struct sl_place place, const char *what, uint64_t is, uint64_t want)
{
	print_error("%s:%d: %s: %s is %llu, expected %llu\n", place.file, place.line, place.name,
		    what, (unsigned long long)is, (unsigned long long)want);
}

static void charge(struct sl_count *count, const struct sl_arrival *arrival,
		   const struct sl_pkt *packet)
{
	count->packets += arrival->charged_packets ? arrival->charged_packets : 1;
	count->bytes += arrival->charged_bytes ? arrival->charged_bytes : packet->length;
}

/* What the counters must be after this packet. */
static void apply(struct sl_tally *t, const struct sl_arrival *arrival, const struct sl_pkt *packet,
		  struct sl_expected expected)
{
	const int way = way_of(arrival);
	struct sl_bypass *bypass = way == SL_INGRESS ? &t->node.ingress : &t->node.egress;

	if (expected.tenant != SL_TENANT_NONE) {
		if (expected.shadow)
			charge(slot_of(&t->shadow[expected.tenant], way, expected.reason), arrival,
			       packet);
		charge(slot_of(&t->counters[expected.tenant], way,
			       expected.shadow ? SL_REASON_PASS : expected.reason),
		       arrival, packet);
	} else if (expected.bypass == SL_FOUND_NOT_IP) {
		charge(&bypass->not_ip, arrival, packet);
	} else if (expected.bypass == SL_FOUND_OFF) {
		charge(&bypass->off, arrival, packet);
	} else {
		charge(&bypass->unprotected, arrival, packet);
	}
}

static uint32_t verdict_of(enum sl_hook hook, struct sl_expected expected)
{
	const bool passes = expected.tenant == SL_TENANT_NONE || expected.shadow ||
			    expected.reason == SL_REASON_PASS;

	if (hook != SL_HOOK_XDP)
		return passes ? (uint32_t)TC_ACT_UNSPEC : TC_ACT_SHOT;
	if (passes)
		return XDP_PASS;
	return expected.reason == SL_REASON_NEW_CONNS_RESET ? XDP_TX : XDP_DROP;
}

/* Explaining may neither count nor charge, and must foretell the verdict. */
static bool is_foretold(struct sl_place place, const struct sl_shield *s,
			const struct sl_arrival *arrival, const struct sl_pkt *packet,
			struct sl_expected expected)
{
	const size_t buckets_bytes = SL_SHIELD_TENANTS * sizeof(*s->buckets);
	sl_autofree void *buckets = malloc(buckets_bytes);
	const struct sl_ctl ctl = *s->ctl;
	struct sl_explanation e;
	bool good = true;

	assert_non_null(buckets);
	memcpy(buckets, s->buckets, buckets_bytes);
	e = sl_explain(s, arrival, packet);
	if (e.tenant != expected.tenant)
		good = (refuse(place, "explained tenant", e.tenant, expected.tenant), false);
	if (e.tenant != SL_TENANT_NONE && e.reason != expected.reason)
		good = (refuse(place, "explained reason", e.reason, expected.reason), false);
	if (e.tenant == SL_TENANT_NONE && e.found_by != expected.bypass)
		good = (refuse(place, "explained bypass", e.found_by, expected.bypass), false);
	if (memcmp(buckets, s->buckets, buckets_bytes))
		good = (refuse(place, "bytes of buckets changed by explain", 1, 0), false);
	if (memcmp(&ctl, s->ctl, sizeof(ctl)))
		good = (refuse(place, "bytes of ctl changed by explain", 1, 0), false);
	return good;
}

void sl_expect_at(struct sl_place place, const struct sl_shield *s,
		  const struct sl_arrival *arrival, const struct sl_pkt *packet,
		  struct sl_expected expected)
{
	const uint32_t want = verdict_of(arrival->hook, expected);
	const size_t exact = offsetof(struct sl_node, events_sent);
	struct sl_tally before, after, wanted;
	uint32_t verdict;
	bool good = true;

	sl_tally_read(&before, s);
	if (!arrival->not_explained)
		good = is_foretold(place, s, arrival, packet, expected);
	verdict = sl_run(s, arrival, packet, 1, NULL);
	sl_tally_read(&after, s);
	wanted = before;
	apply(&wanted, arrival, packet, expected);

	if (verdict != want)
		good = (refuse(place, "verdict", verdict, want), false);
	if (memcmp(wanted.counters, after.counters, sizeof(wanted.counters)) ||
	    memcmp(wanted.shadow, after.shadow, sizeof(wanted.shadow)) ||
	    memcmp(&wanted.node, &after.node, exact)) {
		print_error("%s:%d: %s: expected tenant %d, %s%s\n", place.file, place.line,
			    place.name, (int)expected.tenant, expected.shadow ? "shadow " : "",
			    expected.tenant == SL_TENANT_NONE ? "bypass"
							      : reason_names[expected.reason]);
		good = false;
	}
	if (!good) {
		say(&before, &after);
		_fail(place.file, place.line);
	}
}
