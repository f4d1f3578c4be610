// SPDX-License-Identifier: Apache-2.0
/* Bound flows, as the packet path finds them: where they may stand, and what is none. */
#include "tests/harness/test.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "sluice/flow.h"
#include "tests/harness/suite.h"

#define FLOW_TENANT    3u
#define SERVICE_TENANT 4u
#define ROUNDS	       150u
#define STATE4	       15 /* the byte of state and turn */
#define STATE6	       39
#define PACKETS	       2000u

static int reset(void **state)
{
	sl_shield_reset(*state);
	return 0;
}

static void serve_with(struct sl_shield *s, const char *address, uint8_t flags)
{
	for (unsigned half = 0; half < 2; half++)
		sl_shield_service(s, half,
				  &(struct sl_service_set){ .address = address,
							    .protocol = IPPROTO_UDP,
							    .port = 443,
							    .vlan = SL_VLAN_ANY,
							    .flags = flags,
							    .tenant = SERVICE_TENANT });
}

/* A service where flows are looked for; what is none is SERVICE_TENANT's. */
static void serve(struct sl_shield *s, const char *address)
{
	serve_with(s, address, SL_SERVICE_TENANT | SL_SERVICE_BIND);
}

static void expect_found(const struct sl_shield *s, const struct sl_pkt *p, uint32_t tenant,
			 enum sl_found_by found_by)
{
	sl_expect(s, p, tenant, SL_REASON_PASS);
	assert_int_equal(sl_explain(s, SL_AT_XDP, p).found_by, found_by);
}

static const struct sl_flow_set flow4 = {
	.remote = SL_REMOTE4,
	.local = SL_LOCAL4,
	.remote_port = 40000,
	.local_port = 443,
	.protocol = IPPROTO_UDP,
	.tenant = FLOW_TENANT,
};
static const struct sl_flow_set flow6 = {
	.remote = SL_REMOTE6,
	.local = SL_LOCAL6,
	.remote_port = 40000,
	.local_port = 443,
	.protocol = IPPROTO_UDP,
	.tenant = FLOW_TENANT,
};

static void a_bound_flow_comes_first(void **state)
{
	const struct sl_pkt bound4 = SL_PKT(.to = SL_LOCAL4), bound6 = SL_PKT(.to = SL_LOCAL6);
	const struct sl_pkt others[] = {
		SL_PKT(.to = SL_LOCAL4, .from_port = 40001),
		SL_PKT(.to = SL_LOCAL4, .from = "10.0.0.2"),
		SL_PKT(.to = SL_LOCAL6, .from = "2001:db8:9::2"),
		SL_PKT(.to = SL_LOCAL6, .from_port = 39999),
	};
	struct sl_shield *s = *state;

	serve(s, SL_LOCAL4);
	serve(s, SL_LOCAL6);
	sl_shield_flow(s, &flow4);
	sl_shield_flow(s, &flow6);
	expect_found(s, &bound4, FLOW_TENANT, SL_FOUND_FLOW);
	expect_found(s, &bound6, FLOW_TENANT, SL_FOUND_FLOW);
	for (size_t i = 0; i < SL_ROWS(others); i++)
		expect_found(s, &others[i], SERVICE_TENANT, SL_FOUND_SERVICE);
}

/* Not asked where the service does not say so, or the feature is off. */
static void flows_are_looked_at_only_where_they_may_be(void **state)
{
	const struct sl_pkt p = SL_PKT(.to = SL_LOCAL4);
	struct sl_shield *s = *state;

	serve_with(s, SL_LOCAL4, SL_SERVICE_TENANT);
	sl_shield_flow(s, &flow4);
	expect_found(s, &p, SERVICE_TENANT, SL_FOUND_SERVICE);

	sl_shield_reset(s);
	serve(s, SL_LOCAL4);
	sl_shield_flow(s, &flow4);
	s->ctl->half[0].features = 0;
	expect_found(s, &p, SERVICE_TENANT, SL_FOUND_SERVICE);
}

static void a_flow_of_no_tenant_is_not_believed(void **state)
{
	static const uint16_t bad[] = { SL_SHIELD_TENANTS, SL_SHIELD_TENANTS + FLOW_TENANT, 65535 };
	const struct sl_pkt p = SL_PKT(.to = SL_LOCAL4);
	struct sl_flow_set flow = flow4;
	struct sl_shield *s = *state;

	serve(s, SL_LOCAL4);
	for (size_t i = 0; i < SL_ROWS(bad); i++) {
		flow.tenant = bad[i];
		sl_shield_flow(s, &flow);
		expect_found(s, &p, SERVICE_TENANT, SL_FOUND_SERVICE);
	}
	flow.tenant = SL_SHIELD_TENANTS - 1;
	sl_shield_flow(s, &flow);
	expect_found(s, &p, SL_SHIELD_TENANTS - 1, SL_FOUND_FLOW);
}

/* A later fragment has no ports: it is no flow's, even of one with ports 0. */
static void a_fragment_is_no_flows(void **state)
{
	const struct sl_pkt later = SL_PKT(.to = SL_LOCAL4, .fragment = 1, .payload_bytes = 8);
	struct sl_flow_set flow = flow4;
	struct sl_shield *s = *state;

	sl_shield_service(s, 0,
			  &(struct sl_service_set){ .address = SL_LOCAL4,
						    .protocol = SL_PROTO_FRAGMENT,
						    .vlan = SL_VLAN_ANY,
						    .flags = SL_SERVICE_BIND | SL_SERVICE_TENANT,
						    .tenant = SERVICE_TENANT });
	flow.remote_port = flow.local_port = 0;
	sl_shield_flow(s, &flow);
	expect_found(s, &later, SERVICE_TENANT, SL_FOUND_SERVICE);
}

/* ---- where a flow stands --------------------------------------------------------------------- */

/* Lines of flow4 or flow6 by the hash that both sides share. */
static void lines_of(uint32_t line[2], const struct sl_shield *s, const struct sl_flow_set *flow)
{
	const uint64_t key =
		sl_flow_key(htons(flow->remote_port), htons(flow->local_port), flow->protocol);
	uint32_t four[2];
	__u64 six[4];
	uint64_t hash;

	if (strchr(flow->local, ':')) {
		assert_int_equal(inet_pton(AF_INET6, flow->remote, six), 1);
		assert_int_equal(inet_pton(AF_INET6, flow->local, six + 2), 1);
		hash = sl_flow6_hash(six, key, s->ctl->hash_seed);
	} else {
		assert_int_equal(inet_pton(AF_INET, flow->remote, &four[0]), 1);
		assert_int_equal(inet_pton(AF_INET, flow->local, &four[1]), 1);
		hash = sl_flow4_hash(four[0] | (uint64_t)four[1] << 32, key, s->ctl->hash_seed);
	}
	line[0] = sl_flow_first_line(hash, SL_SHIELD_FLOW_LINES);
	line[1] = sl_flow_second_line(hash, line[0], SL_SHIELD_FLOW_LINES);
}

static void both_lines_and_all_slots_are_looked_at(void **state)
{
	const struct sl_pkt p4 = SL_PKT(.to = SL_LOCAL4), p6 = SL_PKT(.to = SL_LOCAL6);
	struct sl_shield *s = *state;
	uint32_t line4[2], line6[2];
	struct sl_flow4 four;
	struct sl_flow6 six;

	serve(s, SL_LOCAL4);
	serve(s, SL_LOCAL6);
	sl_shield_flow(s, &flow4);
	sl_shield_flow(s, &flow6);
	lines_of(line4, s, &flow4);
	lines_of(line6, s, &flow6);
	four = s->flows4[line4[0]].slot[0];
	six = s->flows6[line6[0]].slot[0];
	assert_int_equal(four.state, SL_FLOW_USED);
	assert_int_equal(six.state, SL_FLOW_USED);
	for (unsigned choice = 0; choice < 2; choice++) {
		for (unsigned i = 0; i < SL_FLOW4_SLOTS; i++) {
			memset(s->flows4, 0, SL_SHIELD_FLOW_LINES * sizeof(*s->flows4));
			expect_found(s, &p4, SERVICE_TENANT, SL_FOUND_SERVICE);
			((uint8_t *)&four)[STATE4] += 1 << 2; /* another turn */
			s->flows4[line4[choice]].slot[i] = four;
			expect_found(s, &p4, FLOW_TENANT, SL_FOUND_FLOW);
		}
		for (unsigned i = 0; i < SL_FLOW6_SLOTS; i++) {
			memset(s->flows6, 0, SL_SHIELD_FLOW_LINES * sizeof(*s->flows6));
			expect_found(s, &p6, SERVICE_TENANT, SL_FOUND_SERVICE);
			s->flows6[line6[choice]].slot[i] = six;
			expect_found(s, &p6, FLOW_TENANT, SL_FOUND_FLOW);
		}
	}
	/* In no other line. */
	s->flows4[line4[1]].slot[SL_FLOW4_SLOTS - 1].state = SL_FLOW_FREE;
	for (uint32_t i = 0; i < SL_SHIELD_FLOW_LINES; i++) {
		if (i != line4[0] && i != line4[1])
			s->flows4[i].slot[0] = four;
	}
	expect_found(s, &p4, SERVICE_TENANT, SL_FOUND_SERVICE);
}

static void only_a_slot_in_use_is_a_flow(void **state)
{
	const struct sl_pkt p4 = SL_PKT(.to = SL_LOCAL4), p6 = SL_PKT(.to = SL_LOCAL6);
	struct sl_shield *s = *state;
	uint32_t line4[2], line6[2];

	serve(s, SL_LOCAL4);
	serve(s, SL_LOCAL6);
	sl_shield_flow(s, &flow4);
	sl_shield_flow(s, &flow6);
	lines_of(line4, s, &flow4);
	lines_of(line6, s, &flow6);
	for (uint8_t value = 0; value < 4; value++) {
		const bool is = value == SL_FLOW_USED;

		((uint8_t *)&s->flows4[line4[0]].slot[0])[STATE4] = value;
		((uint8_t *)&s->flows6[line6[0]].slot[0])[STATE6] = value;
		expect_found(s, &p4, is ? FLOW_TENANT : SERVICE_TENANT,
			     is ? SL_FOUND_FLOW : SL_FOUND_SERVICE);
		expect_found(s, &p6, is ? FLOW_TENANT : SERVICE_TENANT,
			     is ? SL_FOUND_FLOW : SL_FOUND_SERVICE);
	}
}

/* Flows have no halves: a plan that flips the epoch does not touch them. */
static void a_flow_is_in_force_in_both_halves(void **state)
{
	const struct sl_pkt p = SL_PKT(.to = SL_LOCAL4);
	struct sl_shield *s = *state;

	serve(s, SL_LOCAL4);
	sl_shield_flow(s, &flow4);
	for (unsigned i = 0; i < 4; i++, s->ctl->epoch++)
		expect_found(s, &p, FLOW_TENANT, SL_FOUND_FLOW);
}

/* Addresses, ports and protocol: one bit off is another flow. */
static void each_part_of_the_flow_counts(void **state)
{
	const struct sl_pkt p6 = SL_PKT(.to = SL_LOCAL6), p4 = SL_PKT(.to = SL_LOCAL4);
	struct sl_shield *s = *state;
	uint32_t line4[2], line6[2];
	struct sl_flow4 *four;
	struct sl_flow6 *six;

	serve(s, SL_LOCAL4);
	serve(s, SL_LOCAL6);
	sl_shield_flow(s, &flow4);
	sl_shield_flow(s, &flow6);
	lines_of(line4, s, &flow4);
	lines_of(line6, s, &flow6);
	four = &s->flows4[line4[0]].slot[0];
	six = &s->flows6[line6[0]].slot[0];
	for (unsigned i = 0; i < sizeof(*six); i++) {
		uint8_t *byte = (uint8_t *)six + i;

		/* Not the tenant, nor the byte of state and turn. */
		if (i == 36 || i == 37 || i == STATE6)
			continue;
		*byte ^= 4;
		expect_found(s, &p6, SERVICE_TENANT, SL_FOUND_SERVICE);
		*byte ^= 4;
	}
	for (unsigned i = 0; i < sizeof(*four); i++) {
		uint8_t *byte = (uint8_t *)four + i;

		if (i == 12 || i == 13 || i == STATE4)
			continue;
		*byte ^= 4;
		expect_found(s, &p4, SERVICE_TENANT, SL_FOUND_SERVICE);
		*byte ^= 4;
	}
	expect_found(s, &p4, FLOW_TENANT, SL_FOUND_FLOW);
	expect_found(s, &p6, FLOW_TENANT, SL_FOUND_FLOW);
}

/* ---- while packets come -------------------------------------------------------------------------
 */

struct mover {
	struct sl_shield *shield;
	struct sl_flow_set others[2 * SL_FLOW4_SLOTS];
	char addresses[2 * SL_FLOW4_SLOTS][20];
	atomic_uint begin;
	unsigned wait;
};

/* Fills both lines of a flow to come, of which the first is flow4's first: flow4 moves. */
static void find_others(struct mover *m)
{
	uint32_t target[2], line[2];
	unsigned count = 0;

	lines_of(target, m->shield, &flow4);
	for (unsigned i = 0; count < SL_ROWS(m->others); i++) {
		struct sl_flow_set *other = &m->others[count];

		*other = flow4;
		other->remote = m->addresses[count];
		(void)snprintf(m->addresses[count], sizeof(m->addresses[count]), "10.%u.%u.%u",
			       1 + (i >> 16), i >> 8 & 255, i & 255);
		lines_of(line, m->shield, other);
		count += line[0] == target[0] && line[1] == (target[1] + 50) % SL_SHIELD_FLOW_LINES;
	}
}

static void *move(void *context)
{
	struct mover *m = context;

	while (!m->begin)
		;
	for (volatile unsigned i = 0; i < m->wait; i++)
		;
	for (size_t i = 0; i < SL_ROWS(m->others); i++)
		sl_shield_flow(m->shield, &m->others[i]);
	return NULL;
}

static void no_packet_misses_a_flow_that_moves(void **state)
{
	const struct sl_pkt p = SL_PKT(.to = SL_LOCAL4);
	static struct mover m;
	struct sl_shield *s = *state;
	uint32_t line[2];

	m.shield = s;
	find_others(&m);
	lines_of(line, s, &flow4);
	serve(s, SL_LOCAL4);
	for (unsigned round = 0; round < ROUNDS; round++) {
		pthread_t thread;

		memset(s->flows4, 0, SL_SHIELD_FLOW_LINES * sizeof(*s->flows4));
		sl_shield_flow(s, &flow4);
		m.begin = 0;
		m.wait = round * 613 % 200000;
		assert_int_equal(pthread_create(&thread, NULL, move, &m), 0);
		m.begin = 1;
		(void)sl_run(s, SL_AT_XDP, &p, PACKETS, NULL);
		assert_int_equal(pthread_join(thread, NULL), 0);
		/* It has moved, and all packets were its. */
		assert_int_not_equal(s->flows4[line[0]].slot[0].remote,
				     s->flows4[line[1]].slot[0].remote);
		assert_int_equal(s->flows4[line[1]].slot[0].tenant, FLOW_TENANT);
	}
	assert_int_equal(sl_counted(s, FLOW_TENANT, SL_REASON_PASS).packets, ROUNDS * PACKETS);
	assert_int_equal(sl_counted(s, SERVICE_TENANT, SL_REASON_PASS).packets, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_bound_flow_comes_first, reset),
		cmocka_unit_test_setup(flows_are_looked_at_only_where_they_may_be, reset),
		cmocka_unit_test_setup(a_flow_of_no_tenant_is_not_believed, reset),
		cmocka_unit_test_setup(a_fragment_is_no_flows, reset),
		cmocka_unit_test_setup(both_lines_and_all_slots_are_looked_at, reset),
		cmocka_unit_test_setup(only_a_slot_in_use_is_a_flow, reset),
		cmocka_unit_test_setup(a_flow_is_in_force_in_both_halves, reset),
		cmocka_unit_test_setup(each_part_of_the_flow_counts, reset),
		cmocka_unit_test_setup(no_packet_misses_a_flow_that_moves, reset),
	};

	return cmocka_run_group_tests(tests, sl_setup_xdp, sl_teardown);
}
