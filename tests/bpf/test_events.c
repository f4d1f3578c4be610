// SPDX-License-Identifier: Apache-2.0
/* Drops as events: what they say, one in how many, how many at most, and the lost ones. */
#include "tests/harness/test.h"

#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <string.h>

#include "tests/harness/suite.h"

#define EVENTS_MAX  128u
#define IFINDEX_LO  1u	/* where the kernel's test run comes in */
#define RING_EVENTS 56u /* 72 bytes each with their header, in 4,096 */

struct seen {
	unsigned count;
	struct sl_event events[EVENTS_MAX];
};

static int keep(void *context, void *data, size_t length)
{
	struct seen *seen = context;

	assert_int_equal(length, sizeof(struct sl_event));
	assert_true(seen->count < EVENTS_MAX);
	memcpy(&seen->events[seen->count++], data, length);
	return 0;
}

static void drain(struct seen *ret, const struct sl_shield *s)
{
	struct ring_buffer *ring =
		ring_buffer__new(bpf_map__fd(s->skel->maps.sl_events), keep, ret, NULL);

	assert_non_null(ring);
	ret->count = 0;
	assert_true(ring_buffer__consume(ring) >= 0);
	ring_buffer__free(ring);
}

/* Every drop is an event, as many as the ring holds; on one CPU, since each counts its own. */
static int every_drop(void **state)
{
	struct sl_shield *s;
	struct seen old;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	(void)sl_setup_world(state);
	s = *state;
	drain(&old, s);
	s->ctl->event_mask = 0;
	s->ctl->event_cost_cu = SL_CU_S * SL_HOUR_S;
	s->ctl->event_burst_cu = 1000 * s->ctl->event_cost_cu;
	sl_shield_limit(s, SL_TENANT)->ingress.flags = SL_SIDE_BLOCKED;
	return 0;
}

static struct sl_tally tally_of(const struct sl_shield *s)
{
	struct sl_tally tally;

	sl_tally_read(&tally, s);
	return tally;
}

static void drop(const struct sl_shield *s, unsigned times)
{
	const struct sl_pkt p = SL_PKT(.to = SL_LOCAL4);

	for (unsigned i = 0; i < times; i++)
		sl_expect(s, &p, SL_TENANT, SL_REASON_BLOCKED_TENANT);
}

/* ---- content -----------------------------------------------------------------------------------
 */

static void an_event_tells_of_its_packet(void **state)
{
	const struct sl_pkt v4 = SL_PKT(.to = SL_LOCAL4, .protocol = IPPROTO_TCP,
					.flags = TH_SYN | TH_PUSH, .payload_bytes = 40);
	const struct sl_pkt v6 = SL_PKT(.to = SL_LOCAL6, .from_port = 5353);
	struct sl_shield *s = *state;
	const uint64_t before_ns = sl_shield_now_ns() - 2 * s->tick_ns;
	struct seen seen;
	uint8_t address[16] = { 0 };
	const struct sl_event *e;

	sl_expect(s, &v4, SL_TENANT, SL_REASON_BLOCKED_TENANT);
	sl_expect(s, &v6, SL_TENANT, SL_REASON_BLOCKED_TENANT);
	drain(&seen, s);
	assert_int_equal(seen.count, 2);

	e = &seen.events[0];
	assert_in_range(e->time_ns, before_ns, sl_shield_now_ns());
	assert_int_equal(e->tenant, SL_TENANT);
	assert_int_equal(e->ifindex, IFINDEX_LO);
	assert_int_equal(e->length_bytes, v4.length);
	assert_int_equal(e->reason, SL_REASON_BLOCKED_TENANT);
	assert_int_equal(e->direction, SL_INGRESS);
	assert_int_equal(e->shadow, 0);
	assert_int_equal(e->family, 4);
	assert_int_equal(e->protocol, IPPROTO_TCP);
	assert_int_equal(e->tcp_flags, TH_SYN | TH_PUSH);
	assert_int_equal(e->reserved, 0);
	assert_int_equal(e->remote_port, htons(40000));
	assert_int_equal(e->local_port, htons(443));
	assert_int_equal(inet_pton(AF_INET, SL_REMOTE4, address), 1);
	assert_memory_equal(e->remote, address, 16);
	assert_int_equal(inet_pton(AF_INET, SL_LOCAL4, address), 1);
	assert_memory_equal(e->local, address, 16);

	e = &seen.events[1];
	assert_int_equal(e->family, 6);
	assert_int_equal(e->protocol, IPPROTO_UDP);
	assert_int_equal(e->tcp_flags, 0);
	assert_int_equal(e->remote_port, htons(5353));
	assert_int_equal(inet_pton(AF_INET6, SL_REMOTE6, address), 1);
	assert_memory_equal(e->remote, address, 16);
	assert_int_equal(inet_pton(AF_INET6, SL_LOCAL6, address), 1);
	assert_memory_equal(e->local, address, 16);
}

/* Nothing of the frame before is left in an event about one that could not be read. */
static void an_unreadable_packet_has_an_empty_summary(void **state)
{
	static const uint8_t zeros[16];
	struct sl_pkt p = SL_PKT(.to = SL_LOCAL4);
	struct sl_shield *s = *state;
	struct seen seen;

	drop(s, 3);
	p.length = p.l3 + 9;
	sl_expect(s, &p, SL_TENANT_UNKNOWN, SL_REASON_MALFORMED);
	drain(&seen, s);
	assert_int_equal(seen.count, 4);
	assert_int_equal(seen.events[3].reason, SL_REASON_MALFORMED);
	assert_int_equal(seen.events[3].tenant, SL_TENANT_UNKNOWN);
	assert_int_equal(seen.events[3].family, 0);
	assert_int_equal(seen.events[3].length_bytes, p.length);
	assert_memory_equal(seen.events[3].remote, zeros, 16);
	assert_memory_equal(seen.events[3].local, zeros, 16);
}

static void a_shadow_drop_says_so(void **state)
{
	const struct sl_pkt p = SL_PKT(.to = SL_LOCAL4);
	struct sl_shield *s = *state;
	struct seen seen;

	s->ctl->mode = SL_MODE_SHADOW;
	sl_expect_at(SL_HERE("shadow"), s, SL_AT_XDP, &p,
		     (struct sl_expected){ .tenant = SL_TENANT,
					   .reason = SL_REASON_BLOCKED_TENANT,
					   .shadow = true });
	drain(&seen, s);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.events[0].shadow, 1);
	assert_int_equal(seen.events[0].reason, SL_REASON_BLOCKED_TENANT);
}

static void what_passes_makes_no_event(void **state)
{
	const struct sl_pkt p = SL_PKT(.to = SL_LOCAL4), other = SL_PKT(.to = SL_OTHER4);
	struct sl_shield *s = *state;
	struct seen seen;

	sl_shield_limit(s, SL_TENANT)->ingress.flags = 0;
	sl_expect(s, &p, SL_TENANT, SL_REASON_PASS);
	sl_expect_bypass(s, &other, SL_FOUND_UNPROTECTED);
	drain(&seen, s);
	assert_int_equal(seen.count, 0);
}

/* ---- how many
 * ------------------------------------------------------------------------------------ */

static void one_in_so_many_is_an_event(void **state)
{
	struct sl_shield *s = *state;
	struct seen seen;

	s->ctl->event_mask = 7;
	drop(s, 33);
	drain(&seen, s);
	assert_int_equal(seen.count, 5); /* the 1st, 9th, 17th, 25th and 33rd */
}

/* Each reason begins anew: a rare one is not lost among many of another. */
static void the_first_drop_of_each_reason_is_an_event(void **state)
{
	const struct sl_pkt p = SL_PKT(.to = SL_LOCAL4);
	struct sl_shield *s = *state;
	struct seen seen;

	s->ctl->event_mask = 0xffff;
	drop(s, 10);
	sl_shield_block(s, "10.0.0.0/8", 0);
	sl_expect(s, &p, SL_TENANT, SL_REASON_BLOCKED_PREFIX);
	drain(&seen, s);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.events[1].reason, SL_REASON_BLOCKED_PREFIX);
}

static void events_are_limited(void **state)
{
	struct sl_shield *s = *state;
	struct sl_tally tally;
	struct seen seen;

	s->ctl->event_burst_cu = 4 * s->ctl->event_cost_cu;
	drop(s, 20);
	drain(&seen, s);
	assert_int_equal(seen.count, 4);
	tally = tally_of(s);
	assert_int_equal(tally.node.events_sent, 4);
	assert_int_equal(tally.node.events_suppressed, 16);
	assert_int_equal(tally.node.events_lost, 0);
}

/* A tenant with the coarse clock does not undo what one with the fine clock has charged. */
static void both_clocks_share_one_limit(void **state)
{
	struct sl_shield *s = *state;
	uint64_t tat_cu;

	s->ctl->event_cost_cu = SL_CU_S / 1000;
	s->ctl->event_burst_cu = 4 * s->ctl->event_cost_cu;
	tat_cu =
		((sl_shield_now_ns() + 100 * SL_NS_MS) << SL_CREDIT_SHIFT) + s->ctl->event_burst_cu;
	s->ctl->event_tat_cu = tat_cu;
	drop(s, 5);
	assert_int_equal(s->ctl->event_tat_cu, tat_cu);
	assert_int_equal(tally_of(s).node.events_suppressed, 5);
}

static void without_a_rate_there_are_none(void **state)
{
	struct sl_shield *s = *state;
	struct seen seen;

	s->ctl->event_cost_cu = 0;
	drop(s, 5);
	drain(&seen, s);
	assert_int_equal(seen.count, 0);
	assert_int_equal(tally_of(s).node.events_suppressed, 5);
}

static void a_full_ring_loses_events_and_counts_them(void **state)
{
	struct sl_shield *s = *state;
	struct sl_tally tally;
	struct seen seen;

	drop(s, 100);
	drain(&seen, s);
	tally = tally_of(s);
	assert_int_equal(seen.count, tally.node.events_sent);
	assert_in_range(seen.count, RING_EVENTS - 1, RING_EVENTS);
	assert_int_equal(tally.node.events_sent + tally.node.events_lost, 100);
	/* Emptied, it takes more. */
	drop(s, 10);
	drain(&seen, s);
	assert_int_equal(seen.count, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_event_tells_of_its_packet, every_drop),
		cmocka_unit_test_setup(an_unreadable_packet_has_an_empty_summary, every_drop),
		cmocka_unit_test_setup(a_shadow_drop_says_so, every_drop),
		cmocka_unit_test_setup(what_passes_makes_no_event, every_drop),
		cmocka_unit_test_setup(one_in_so_many_is_an_event, every_drop),
		cmocka_unit_test_setup(the_first_drop_of_each_reason_is_an_event, every_drop),
		cmocka_unit_test_setup(events_are_limited, every_drop),
		cmocka_unit_test_setup(both_clocks_share_one_limit, every_drop),
		cmocka_unit_test_setup(without_a_rate_there_are_none, every_drop),
		cmocka_unit_test_setup(a_full_ring_loses_events_and_counts_them, every_drop),
	};

	return cmocka_run_group_tests(tests, sl_setup_xdp, sl_teardown);
}
