// SPDX-License-Identifier: Apache-2.0
/*
 * What a gateway refused until later is refused by the packet path: the requests of a
 * connection or of a tenant, and nothing else, until the deadline and no longer.
 */
#include "tests/harness/test.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness/suite.h"
#include "userspace/domain/refusals.h"
#include "userspace/domain/text.h"

#define FROM_PORT 40000
#define LATER_NS  (30 * SL_NS_S)

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SL_NS_S + (uint64_t)now.tv_nsec;
}

static struct sl_connection connection(const char *remote, const char *local)
{
	struct sl_connection c = { .remote_port = FROM_PORT,
				   .local_port = 443,
				   .protocol = IPPROTO_TCP };

	assert_int_equal(sl_parse_address(&c.remote, remote, NULL), 0);
	assert_int_equal(sl_parse_address(&c.local, local, NULL), 0);
	return c;
}

static void refuse_for(struct sl_shield *s, const char *remote, const char *local, uint64_t ns)
{
	const struct sl_refusals refusals = { s->refusals, s->ctl->hash_seed };
	const struct sl_connection c = connection(remote, local);
	const uint64_t now = now_ns();

	assert_int_equal(sl_refuse_connection(&refusals, &s->buckets[SL_TENANT], &c, now + ns, now),
			 0);
}

static void refuse_tenant(struct sl_shield *s, uint32_t tenant)
{
	const struct sl_refusals refusals = { s->refusals, s->ctl->hash_seed };
	const uint64_t now = now_ns();

	assert_int_equal(
		sl_refuse_tenant(&refusals, &s->buckets[tenant], tenant, now + LATER_NS, now), 0);
}

/* The gen is the tenant's own, as after its first packet. */
static int refused_tenant(void **state)
{
	struct sl_shield *s;

	(void)sl_setup_world(state);
	s = *state;
	s->buckets[SL_TENANT].ingress.gen = sl_shield_limit(s, SL_TENANT)->ingress.gen;
	return 0;
}

#define TCP(to_, flags_, payload)                                                                  \
	{                                                                                          \
		.to = (to_), .protocol = IPPROTO_TCP, .from_port = FROM_PORT, .flags = (flags_),   \
		.payload_bytes = (payload)                                                         \
	}

static const struct row {
	const char *name;
	struct sl_pkt_spec packet;
	enum sl_reason of_connection; /* when its connection is refused */
	enum sl_reason of_tenant;
} rows[] = {
	{ "a request", TCP(SL_LOCAL4, TH_ACK | TH_PUSH, 100), SL_REASON_ESCALATED,
	  SL_REASON_ESCALATED },
	{ "a request, IPv6", TCP(SL_LOCAL6, TH_ACK | TH_PUSH, 100), SL_REASON_ESCALATED,
	  SL_REASON_ESCALATED },
	{ "the last of it", TCP(SL_LOCAL4, TH_ACK | TH_FIN, 1), SL_REASON_ESCALATED,
	  SL_REASON_ESCALATED },
	{ "an acknowledgement", TCP(SL_LOCAL4, TH_ACK, 0), SL_REASON_PASS, SL_REASON_PASS },
	{ "the end", TCP(SL_LOCAL4, TH_ACK | TH_FIN, 0), SL_REASON_PASS, SL_REASON_PASS },
	{ "the end, IPv6", TCP(SL_LOCAL6, TH_ACK | TH_FIN, 0), SL_REASON_PASS, SL_REASON_PASS },
	{ "a reset", TCP(SL_LOCAL4, TH_RST, 0), SL_REASON_PASS, SL_REASON_PASS },
	{ "a reset with text", TCP(SL_LOCAL4, TH_RST | TH_ACK, 10), SL_REASON_PASS,
	  SL_REASON_PASS },
	{ "a new one from there", TCP(SL_LOCAL4, TH_SYN, 0), SL_REASON_PASS, SL_REASON_ESCALATED },
	{ "a new one, IPv6", TCP(SL_LOCAL6, TH_SYN, 0), SL_REASON_PASS, SL_REASON_ESCALATED },
	{ "another port",
	  { .to = SL_LOCAL4,
	    .protocol = IPPROTO_TCP,
	    .from_port = FROM_PORT + 1,
	    .flags = TH_ACK,
	    .payload_bytes = 100 },
	  SL_REASON_PASS,
	  SL_REASON_ESCALATED },
	{ "another source",
	  { .from = "10.0.0.77",
	    .to = SL_LOCAL4,
	    .protocol = IPPROTO_TCP,
	    .from_port = FROM_PORT,
	    .flags = TH_ACK,
	    .payload_bytes = 100 },
	  SL_REASON_PASS,
	  SL_REASON_ESCALATED },
	{ "a datagram",
	  { .to = SL_LOCAL4, .from_port = FROM_PORT, .payload_bytes = 100 },
	  SL_REASON_PASS,
	  SL_REASON_PASS },
};

static void a_connection_is_refused_alone(void **state)
{
	struct sl_shield *s = *state;

	refuse_for(s, SL_REMOTE4, SL_LOCAL4, LATER_NS);
	refuse_for(s, SL_REMOTE6, SL_LOCAL6, LATER_NS);
	for (size_t i = 0; i < SL_ROWS(rows); i++) {
		const struct sl_pkt p = sl_pkt_build(&rows[i].packet);

		sl_expect_at(SL_HERE(rows[i].name), s, SL_AT_XDP, &p,
			     (struct sl_expected){ .tenant = SL_TENANT,
						   .reason = rows[i].of_connection });
	}
}

static void a_tenant_is_refused_whole(void **state)
{
	struct sl_shield *s = *state;

	refuse_tenant(s, SL_TENANT);
	for (size_t i = 0; i < SL_ROWS(rows); i++) {
		const struct sl_pkt p = sl_pkt_build(&rows[i].packet);

		sl_expect_at(
			SL_HERE(rows[i].name), s, SL_AT_XDP, &p,
			(struct sl_expected){ .tenant = SL_TENANT, .reason = rows[i].of_tenant });
	}
}

static void another_tenant_is_not_touched(void **state)
{
	struct sl_shield *s = *state;
	const struct sl_pkt p = sl_pkt_build(&rows[0].packet);

	refuse_tenant(s, SL_TENANT + 1);
	s->buckets[SL_TENANT].ingress.refusals_until_ns = now_ns() + LATER_NS;
	sl_expect(s, &p, SL_TENANT, SL_REASON_PASS);
}

static void it_ends_by_itself(void **state)
{
	struct sl_shield *s = *state;
	const struct sl_pkt p = sl_pkt_build(&rows[0].packet);

	refuse_for(s, SL_REMOTE4, SL_LOCAL4, 300 * SL_NS_MS);
	sl_expect(s, &p, SL_TENANT, SL_REASON_ESCALATED);
	(void)usleep(320 * 1000);
	sl_expect(s, &p, SL_TENANT, SL_REASON_PASS);
	/* Also when others of the tenant are refused for longer. */
	s->buckets[SL_TENANT].ingress.refusals_until_ns = now_ns() + LATER_NS;
	sl_expect(s, &p, SL_TENANT, SL_REASON_PASS);
}

static void without_the_tenants_deadline_no_cell_is_looked_at(void **state)
{
	struct sl_shield *s = *state;
	const struct sl_pkt p = sl_pkt_build(&rows[0].packet);

	refuse_for(s, SL_REMOTE4, SL_LOCAL4, LATER_NS);
	s->buckets[SL_TENANT].ingress.refusals_until_ns = 0;
	sl_expect(s, &p, SL_TENANT, SL_REASON_PASS);
}

/* The id changed hands: the refusals were another's. */
static void another_generation_is_not_refused(void **state)
{
	struct sl_shield *s = *state;
	const struct sl_pkt p = sl_pkt_build(&rows[0].packet);

	refuse_tenant(s, SL_TENANT);
	s->buckets[SL_TENANT].ingress.gen++;
	sl_expect(s, &p, SL_TENANT, SL_REASON_PASS);
	assert_int_equal(s->buckets[SL_TENANT].ingress.refusals_until_ns, 0);
}

static void shadow_counts_it_and_lets_it_pass(void **state)
{
	struct sl_shield *s = *state;
	const struct sl_pkt p = sl_pkt_build(&rows[0].packet);

	refuse_for(s, SL_REMOTE4, SL_LOCAL4, LATER_NS);
	s->ctl->mode = SL_MODE_SHADOW;
	sl_expect_at(SL_HERE(""), s, SL_AT_XDP, &p,
		     (struct sl_expected){
			     .tenant = SL_TENANT, .reason = SL_REASON_ESCALATED, .shadow = true });
}

/* What is refused here costs the tenant nothing: it is free when the deadline comes. */
static void nothing_is_charged(void **state)
{
	struct sl_shield *s = *state;
	const struct sl_pkt p = sl_pkt_build(&rows[0].packet), ack = sl_pkt_build(&rows[3].packet);

	sl_shield_limit(s, SL_TENANT)->ingress.packets = sl_shield_rate(0, 1);
	refuse_for(s, SL_REMOTE4, SL_LOCAL4, LATER_NS);
	for (int i = 0; i < 3; i++)
		sl_expect(s, &p, SL_TENANT, SL_REASON_ESCALATED);
	sl_expect(s, &ack, SL_TENANT, SL_REASON_PASS);
	sl_expect(s, &ack, SL_TENANT, SL_REASON_RATE_PACKETS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_connection_is_refused_alone, refused_tenant),
		cmocka_unit_test_setup(a_tenant_is_refused_whole, refused_tenant),
		cmocka_unit_test_setup(another_tenant_is_not_touched, refused_tenant),
		cmocka_unit_test_setup(it_ends_by_itself, refused_tenant),
		cmocka_unit_test_setup(without_the_tenants_deadline_no_cell_is_looked_at,
				       refused_tenant),
		cmocka_unit_test_setup(another_generation_is_not_refused, refused_tenant),
		cmocka_unit_test_setup(shadow_counts_it_and_lets_it_pass, refused_tenant),
		cmocka_unit_test_setup(nothing_is_charged, refused_tenant),
	};

	return cmocka_run_group_tests(tests, sl_setup_xdp, sl_teardown);
}
