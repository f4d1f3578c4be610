// SPDX-License-Identifier: Apache-2.0
/* Whose packet it is: service, remote prefix, nobody's. Bound flows: test_flows.c. */
#include "tests/harness/test.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness/suite.h"

#define SERVICE_TENANT 4u
#define SOURCE_TENANT  5u

static int reset(void **state)
{
	sl_shield_reset(*state);
	return 0;
}

static void serve(struct sl_shield *s, const char *address, uint8_t flags, uint16_t tenant)
{
	sl_shield_service(s, sl_shield_half(s),
			  &(struct sl_service_set){ .address = address,
						    .protocol = IPPROTO_UDP,
						    .port = 443,
						    .vlan = SL_VLAN_ANY,
						    .flags = flags,
						    .tenant = tenant });
}

static void expect_found(const struct sl_shield *s, const struct sl_pkt *p, uint32_t tenant,
			 enum sl_found_by found_by)
{
	sl_expect(s, p, tenant, SL_REASON_PASS);
	assert_int_equal(sl_explain(s, SL_AT_XDP, p).found_by, found_by);
}

/* ---- services --------------------------------------------------------------------------- */

struct shape_row {
	struct sl_service_set service;
	struct sl_pkt_spec hit, miss;
};

#define UDP443 .protocol = IPPROTO_UDP, .port = 443

/* Each of the eight combinations of wildcards, alone in the table, both families. */
static const struct shape_row shapes4[] = {
	{ { .address = SL_LOCAL4, UDP443, .vlan = 5 },
	  { .to = SL_LOCAL4, .tags = 1, .tci = { 5 } },
	  { .to = SL_LOCAL4, .tags = 1, .tci = { 6 } } },
	{ { .address = SL_LOCAL4, UDP443, .vlan = 5 }, /* the outer of two */
	  { .to = SL_LOCAL4, .tags = 2, .tci = { 5, 6 } },
	  { .to = SL_LOCAL4, .tags = 2, .tci = { 6, 5 } } },
	{ { .address = SL_LOCAL4, UDP443, .vlan = 0 },
	  { .to = SL_LOCAL4 },
	  { .to = SL_LOCAL4, .tags = 1, .tci = { 6 } } },
	{ { .address = SL_LOCAL4, UDP443, .vlan = SL_VLAN_ANY },
	  { .to = SL_LOCAL4, .tags = 2, .tci = { 4094, 6 } },
	  { .to = SL_LOCAL4, .to_port = 442 } },
	{ { .address = SL_LOCAL4, .protocol = IPPROTO_UDP, .vlan = 5 },
	  { .to = SL_LOCAL4, .tags = 1, .tci = { 5 }, .to_port = 65535 },
	  { .to = SL_LOCAL4, .to_port = 65535 } },
	{ { .address = SL_LOCAL4, .protocol = IPPROTO_UDP, .vlan = SL_VLAN_ANY },
	  { .to = SL_LOCAL4, .to_port = 1 },
	  { .to = SL_OTHER4, .to_port = 1 } },
	{ { .family = 4, UDP443, .vlan = 5 },
	  { .to = SL_OTHER4, .tags = 1, .tci = { 5 } },
	  { .to = SL_OTHER4 } },
	{ { .family = 4, UDP443, .vlan = SL_VLAN_ANY },
	  { .to = SL_OTHER4, .tags = 1, .tci = { 7 } },
	  { .to = SL_OTHER4, .to_port = 80 } },
	{ { .family = 4, .protocol = IPPROTO_UDP, .vlan = 5 },
	  { .to = SL_OTHER4, .tags = 1, .tci = { 5 }, .to_port = 9 },
	  { .to = SL_OTHER4, .to_port = 9 } },
	{ { .family = 4, .protocol = IPPROTO_UDP, .vlan = SL_VLAN_ANY },
	  { .to = SL_OTHER4, .to_port = 9 },
	  { .to = SL_OTHER4, .protocol = IPPROTO_TCP, .to_port = 9 } },
	{ { .address = SL_LOCAL4, UDP443, .vlan = 5 },
	  { .to = SL_LOCAL4, .tags = 1, .tci = { 0xe005 } }, /* priority bits are no VLAN */
	  { .to = SL_LOCAL6, .tags = 1, .tci = { 5 } } },
};

static const char *six(const char *address)
{
	if (!address)
		return NULL;
	return strcmp(address, SL_LOCAL4) == 0 ? SL_LOCAL6 : SL_OTHER6;
}

static void try_shape(struct sl_shield *s, struct shape_row row, unsigned index, uint32_t seed)
{
	const struct sl_pkt hit = sl_pkt_build(&row.hit), miss = sl_pkt_build(&row.miss);
	char name[40];

	(void)snprintf(name, sizeof(name), "shape row %u, seed %u", index, seed);
	sl_shield_reset(s);
	s->ctl->half[0].services4_seed = s->ctl->half[0].services6_seed = seed;
	row.service.flags = SL_SERVICE_TENANT;
	row.service.tenant = SERVICE_TENANT;
	sl_shield_service(s, 0, &row.service);
	sl_expect_at(SL_HERE(name), s, SL_AT_XDP, &hit,
		     (struct sl_expected){ .tenant = SERVICE_TENANT });
	sl_expect_at(
		SL_HERE(name), s, SL_AT_XDP, &miss,
		(struct sl_expected){ .tenant = SL_TENANT_NONE, .bypass = SL_FOUND_UNPROTECTED });
}

static void every_wildcard_matches_what_it_says(void **state)
{
	for (unsigned i = 0; i < SL_ROWS(shapes4); i++) {
		for (uint32_t seed = 0; seed < 4; seed++) {
			struct shape_row row = shapes4[i];

			try_shape(*state, row, i, seed);
			if (!row.service.address)
				row.service.family = 6;
			row.service.address = six(row.service.address);
			row.hit.to = six(row.hit.to);
			row.miss.to = strchr(row.miss.to, ':') ? SL_OTHER4 : six(row.miss.to);
			try_shape(*state, row, 100 + i, seed);
		}
	}
}

static void the_most_specific_service_wins(void **state)
{
	static const struct sl_service_set wide = { .family = 4,
						    .protocol = IPPROTO_UDP,
						    .vlan = SL_VLAN_ANY,
						    .flags = SL_SERVICE_TENANT,
						    .tenant = 1 };
	static const struct sl_service_set middle = { .address = SL_LOCAL4,
						      .protocol = IPPROTO_UDP,
						      .vlan = SL_VLAN_ANY,
						      .flags = SL_SERVICE_TENANT,
						      .tenant = 2 };
	static const struct sl_service_set narrow = {
		.address = SL_LOCAL4, UDP443, .vlan = 5, .flags = SL_SERVICE_TENANT, .tenant = 3
	};
	const struct sl_pkt exact = SL_PKT(.to = SL_LOCAL4, .tags = 1, .tci = { 5 });
	const struct sl_pkt port = SL_PKT(.to = SL_LOCAL4, .to_port = 80);
	const struct sl_pkt other = SL_PKT(.to = SL_OTHER4);
	struct sl_shield *s = *state;

	sl_shield_service(s, 0, &wide);
	sl_shield_service(s, 0, &middle);
	sl_shield_service(s, 0, &narrow);
	expect_found(s, &exact, 3, SL_FOUND_SERVICE);
	expect_found(s, &port, 2, SL_FOUND_SERVICE);
	expect_found(s, &other, 1, SL_FOUND_SERVICE);
}

/* 300 services in 256 slots of a half would not fit; 150 do, in either of their lines. */
static void a_full_table_finds_them_all(void **state)
{
	struct sl_shield *s = *state;
	char address[32];

	for (unsigned i = 0; i < 150; i++) {
		(void)snprintf(address, sizeof(address), "198.51.100.%u", i);
		serve(s, address, SL_SERVICE_TENANT, (uint16_t)(1 + i % 15));
	}
	for (unsigned i = 0; i < 150; i++) {
		struct sl_pkt p;

		(void)snprintf(address, sizeof(address), "198.51.100.%u", i);
		p = SL_PKT(.to = address);
		sl_expect(s, &p, 1 + i % 15, SL_REASON_PASS);
	}
}

/* ---- sources ------------------------------------------------------------------------------ */

static void the_longest_prefix_names_the_tenant(void **state)
{
	static const struct {
		const char *from, *to;
		uint32_t tenant;
	} rows[] = {
		{ "10.1.2.3", SL_LOCAL4, 3 },	     { "10.1.2.4", SL_LOCAL4, 2 },
		{ "10.2.0.1", SL_LOCAL4, 1 },	     { "11.0.0.1", SL_LOCAL4, 0 },
		{ "2001:db8:9:1::1", SL_LOCAL6, 6 }, { "2001:db8:9:2::1", SL_LOCAL6, 5 },
		{ "2001:db9::1", SL_LOCAL6, 0 },
	};
	struct sl_shield *s = *state;

	serve(s, SL_LOCAL4, 0, 0);
	serve(s, SL_LOCAL6, 0, 0);
	sl_shield_source(s, "10.0.0.0/8", 1, 9);
	sl_shield_source(s, "10.1.0.0/16", 2, 9);
	sl_shield_source(s, "10.1.2.3/32", 3, 9);
	sl_shield_source(s, "2001:db8::/32", 5, 9);
	sl_shield_source(s, "2001:db8:9:1::/64", 6, 9);
	for (size_t i = 0; i < SL_ROWS(rows); i++) {
		const struct sl_pkt p = SL_PKT(.from = rows[i].from, .to = rows[i].to);

		expect_found(s, &p, rows[i].tenant,
			     rows[i].tenant ? SL_FOUND_SOURCE : SL_FOUND_UNKNOWN);
	}
}

/* The epoch turns services, sources and limits together. */
static void each_half_has_answers_of_its_own(void **state)
{
	const struct sl_pkt v4 = SL_PKT(.to = SL_LOCAL4), v6 = SL_PKT(.to = SL_LOCAL6);
	const struct sl_pkt late = SL_PKT(.to = SL_OTHER4);
	struct sl_shield *s = *state;

	sl_shield_source(s, "10.0.0.0/8", SOURCE_TENANT, SL_TENANT_NONE);
	sl_shield_source(s, "2001:db8::/32", SL_TENANT_NONE, SOURCE_TENANT);
	serve(s, SL_LOCAL4, 0, 0);
	serve(s, SL_LOCAL6, 0, 0);
	expect_found(s, &v4, SOURCE_TENANT, SL_FOUND_SOURCE);
	expect_found(s, &v6, SL_TENANT_UNKNOWN, SL_FOUND_UNKNOWN);
	sl_expect_bypass(s, &late, SL_FOUND_UNPROTECTED);

	s->ctl->epoch = 41;
	sl_expect_bypass(s, &v4, SL_FOUND_UNPROTECTED);
	serve(s, SL_LOCAL4, 0, 0);
	serve(s, SL_LOCAL6, 0, 0);
	serve(s, SL_OTHER4, SL_SERVICE_TENANT, SERVICE_TENANT);
	expect_found(s, &v4, SL_TENANT_UNKNOWN, SL_FOUND_UNKNOWN);
	expect_found(s, &v6, SOURCE_TENANT, SL_FOUND_SOURCE);
	expect_found(s, &late, SERVICE_TENANT, SL_FOUND_SERVICE);

	s->ctl->epoch = 42;
	expect_found(s, &v4, SOURCE_TENANT, SL_FOUND_SOURCE);
	sl_expect_bypass(s, &late, SL_FOUND_UNPROTECTED);
}

static void the_service_comes_before_the_source(void **state)
{
	const struct sl_pkt p = SL_PKT(.to = SL_LOCAL4);
	struct sl_shield *s = *state;

	serve(s, SL_LOCAL4, SL_SERVICE_TENANT, SERVICE_TENANT);
	sl_shield_source(s, "10.0.0.0/8", SOURCE_TENANT, SOURCE_TENANT);
	expect_found(s, &p, SERVICE_TENANT, SL_FOUND_SERVICE);
}

/* A fragment has no ports but it has a source. */
static void a_fragment_is_its_sources(void **state)
{
	const struct sl_pkt later = SL_PKT(.to = SL_LOCAL4, .fragment = 1, .payload_bytes = 8);
	struct sl_shield *s = *state;

	sl_shield_protect(s, 0, SL_TENANT_NONE);
	sl_shield_source(s, "10.0.0.0/8", SOURCE_TENANT, SOURCE_TENANT);
	expect_found(s, &later, SOURCE_TENANT, SL_FOUND_SOURCE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_wildcard_matches_what_it_says, reset),
		cmocka_unit_test_setup(the_most_specific_service_wins, reset),
		cmocka_unit_test_setup(a_full_table_finds_them_all, reset),
		cmocka_unit_test_setup(the_longest_prefix_names_the_tenant, reset),
		cmocka_unit_test_setup(each_half_has_answers_of_its_own, reset),
		cmocka_unit_test_setup(the_service_comes_before_the_source, reset),
		cmocka_unit_test_setup(a_fragment_is_its_sources, reset),
	};

	return cmocka_run_group_tests(tests, sl_setup_xdp, sl_teardown);
}
