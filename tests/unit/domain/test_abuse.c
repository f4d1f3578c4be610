// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <stdio.h>

#include "userspace/domain/abuse.h"

#define S_NS   1000000000ull
#define NOW_NS (1000 * S_NS)

#define BIT(pattern) (1u << SL_ABUSE_##pattern)

static const struct sl_abuse_rules logged = {
	.action = { SL_ABUSE_LOG, SL_ABUSE_LOG, SL_ABUSE_LOG, SL_ABUSE_LOG, SL_ABUSE_LOG },
	.window_ns = 60 * S_NS,
	.punish_ns = 300 * S_NS,
	.requests = 500,
	.requests_critical = 1000,
	.keys = 10,
	.addresses = 10,
	.heavy_bytes = 512 * 1024,
	.heavy_requests = 10,
	.heavy_share = 0.8,
	.flood_tenants = 20,
	.flood_requests = 10,
};

static struct sl_abuse_rules with(enum sl_abuse_pattern pattern, enum sl_abuse_action action)
{
	struct sl_abuse_rules rules = logged;

	rules.action[pattern] = (int)action;
	return rules;
}

static struct sl_abuse *make(void)
{
	struct sl_abuse *abuse = calloc(1, sizeof(*abuse));

	assert_non_null(abuse);
	abuse->secret[0] = 11;
	abuse->secret[1] = 22;
	return abuse;
}

static struct sl_abuse_verdict ask(struct sl_abuse *abuse, const struct sl_abuse_rules *rules,
				   const char *tenant, const char *credential, const char *address,
				   uint64_t now_ns)
{
	const struct sl_abuse_request request = { sl_span_of(tenant), sl_span_of(credential),
						  sl_span_of(address) };
	struct sl_abuse_verdict verdict;

	sl_abuse_request(&verdict, abuse, rules, &request, now_ns);
	return verdict;
}

static void a_tenant_asked_for_too_often_is_told_twice_a_minute(void **state)
{
	struct sl_abuse *abuse = make();

	for (unsigned int window = 0; window < 2; window++) {
		for (unsigned int i = 1; i <= 2000; i++) {
			struct sl_abuse_verdict got =
				ask(abuse, &logged, "t", "k", "a", NOW_NS + window * 60 * S_NS + i);

			assert_int_equal(got.events,
					 i == 501 || i == 1001 ? BIT(TARGETED_TENANT) : 0);
			assert_int_equal(got.critical, i == 1001);
			assert_int_equal(got.tenant, SL_ABUSE_OFF);
		}
	}
	free(abuse);
}

static void five_hundred_in_a_minute_are_fine(void **state)
{
	struct sl_abuse *abuse = make();

	for (unsigned int i = 0; i < 5000; i++)
		assert_int_equal(
			ask(abuse, &logged, "t", "k", "a", NOW_NS + i * 120000000ull).events, 0);
	free(abuse);
}

static void the_eleventh_key_or_address_is_evasion(void **state)
{
	for (unsigned int which = 0; which < 2; which++) {
		struct sl_abuse *abuse = make();
		char name[16];

		for (unsigned int i = 0; i < 40; i++) {
			struct sl_abuse_verdict got;

			(void)snprintf(name, sizeof(name), "n%u", i / 2);
			got = ask(abuse, &logged, "t", which ? name : "k", which ? "a" : name,
				  NOW_NS + i);
			assert_int_equal(got.events, i == 20 ? BIT(RATE_LIMIT_EVASION) : 0);
		}
		/* The next window counts from the beginning. */
		for (unsigned int i = 0; i < 10; i++) {
			(void)snprintf(name, sizeof(name), "m%u", i);
			assert_int_equal(ask(abuse, &logged, "t", which ? name : "k",
					     which ? "a" : name, NOW_NS + 60 * S_NS)
						 .events,
					 0);
		}
		free(abuse);
	}
}

static void what_is_not_known_is_not_counted(void **state)
{
	struct sl_abuse *abuse = make();

	for (unsigned int i = 0; i < 500; i++)
		assert_int_equal(ask(abuse, &logged, "t", "", "", NOW_NS).events, 0);
	assert_int_equal(abuse->untracked_total, 0);
	free(abuse);
}

static void heavy_bodies_are_over_ten_and_over_four_fifths(void **state)
{
	static const struct {
		unsigned int light, heavy;
		uint32_t events;
	} rows[] = {
		{ 0, 10, 0 }, { 0, 11, BIT(HEAVY_PAYLOAD) }, { 20, 80, 0 },
		{ 3, 12, 0 }, { 3, 13, BIT(HEAVY_PAYLOAD) }, { 100, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sl_abuse *abuse = make();
		uint32_t events = 0;

		for (unsigned int j = 0; j < rows[i].light; j++)
			events |= sl_abuse_body(abuse, &logged, SL_SPAN("t"), 512 * 1024, NOW_NS);
		for (unsigned int j = 0; j < rows[i].heavy; j++)
			events |=
				sl_abuse_body(abuse, &logged, SL_SPAN("t"), 512 * 1024 + 1, NOW_NS);
		assert_int_equal(events, rows[i].events);
		free(abuse);
	}
}

/* @tenants from one address, each @each times. */
static uint32_t flood(unsigned int tenants, unsigned int each)
{
	struct sl_abuse *abuse = make();
	uint32_t events = 0;
	char name[16];

	for (unsigned int i = 0; i < tenants * each; i++) {
		(void)snprintf(name, sizeof(name), "tenant-%u", i % tenants);
		events |= ask(abuse, &logged, name, "k", "a", NOW_NS + i).events;
	}
	free(abuse);
	return events;
}

static void many_tenants_from_one_source_are_a_flood(void **state)
{
	assert_int_equal(flood(30, 12), BIT(MULTI_TENANT_FLOOD));
	assert_int_equal(flood(200, 12), BIT(MULTI_TENANT_FLOOD));
	assert_int_equal(flood(18, 30), 0);  /* too few */
	assert_int_equal(flood(30, 9), 0);   /* too quiet */
	assert_int_equal(flood(1000, 8), 0); /* an average is of all of them */
}

static void a_block_is_of_its_tenant_and_ends(void **state)
{
	const struct sl_abuse_rules rules = with(SL_ABUSE_TARGETED_TENANT, SL_ABUSE_BLOCK);
	struct sl_abuse *abuse = make();
	struct sl_abuse_verdict got;

	for (unsigned int i = 0; i < 501; i++)
		got = ask(abuse, &rules, "t", "k", "a", NOW_NS);
	assert_int_equal(got.tenant, SL_ABUSE_BLOCK);
	assert_int_equal(got.tenant_left_ns, 300 * S_NS);
	assert_int_equal(sl_abuse_blocked(abuse, NOW_NS), 1);
	assert_int_equal(ask(abuse, &rules, "u", "k", "b", NOW_NS).tenant, SL_ABUSE_OFF);
	/* It goes on asking, which makes it no longer. */
	for (unsigned int i = 0; i < 3000; i++) {
		got = ask(abuse, &rules, "t", "k", "a", NOW_NS + i * S_NS / 10);
		assert_int_equal(got.tenant, SL_ABUSE_BLOCK);
		assert_int_equal(got.events, 0);
	}
	got = ask(abuse, &rules, "t", "k", "a", NOW_NS + 300 * S_NS);
	assert_int_equal(got.tenant, SL_ABUSE_OFF);
	assert_int_equal(got.tenant_left_ns, 0);
	assert_int_equal(sl_abuse_blocked(abuse, NOW_NS + 300 * S_NS), 0);
	free(abuse);
}

static void a_source_is_blocked_for_its_flood(void **state)
{
	const struct sl_abuse_rules rules = with(SL_ABUSE_MULTI_TENANT_FLOOD, SL_ABUSE_BLOCK);
	struct sl_abuse *abuse = make();
	char name[16];

	for (unsigned int i = 0; i < 350; i++) {
		(void)snprintf(name, sizeof(name), "t%u", i % 40);
		(void)ask(abuse, &rules, name, "k", i < 349 ? "a" : "b", NOW_NS);
	}
	assert_int_equal(sl_abuse_source_left_ns(abuse, SL_SPAN("a"), NOW_NS), 0);
	for (unsigned int i = 0; i < 150; i++) {
		(void)snprintf(name, sizeof(name), "t%u", i % 40);
		(void)ask(abuse, &rules, name, "k", "a", NOW_NS);
	}
	assert_int_equal(sl_abuse_source_left_ns(abuse, SL_SPAN("a"), NOW_NS), 300 * S_NS);
	assert_int_equal(sl_abuse_source_left_ns(abuse, SL_SPAN("a"), NOW_NS + 300 * S_NS), 0);
	assert_int_equal(sl_abuse_source_left_ns(abuse, SL_SPAN("b"), NOW_NS), 0);
	assert_int_equal(sl_abuse_source_left_ns(abuse, SL_SPAN("c"), NOW_NS), 0);
	assert_int_equal(sl_abuse_blocked(abuse, NOW_NS), 0); /* of tenants none */
	free(abuse);
}

static void a_cut_does_not_soften_a_block(void **state)
{
	struct sl_abuse_rules rules = with(SL_ABUSE_EMPTY_PAYLOAD, SL_ABUSE_BLOCK);
	struct sl_abuse *abuse = make();

	assert_int_equal(sl_abuse_empty(abuse, &rules, SL_SPAN("t"), NOW_NS), BIT(EMPTY_PAYLOAD));
	assert_int_equal(sl_abuse_empty(abuse, &rules, SL_SPAN("t"), NOW_NS), BIT(EMPTY_PAYLOAD));
	rules.action[SL_ABUSE_HEAVY_PAYLOAD] = SL_ABUSE_CUT;
	for (unsigned int i = 0; i < 20; i++)
		(void)sl_abuse_body(abuse, &rules, SL_SPAN("t"), 1u << 20, NOW_NS);
	assert_int_equal(ask(abuse, &rules, "t", "k", "a", NOW_NS).tenant, SL_ABUSE_BLOCK);
	/* When that is over, another window may cut it. */
	for (unsigned int i = 0; i < 20; i++)
		(void)sl_abuse_body(abuse, &rules, SL_SPAN("t"), 1u << 20, NOW_NS + 300 * S_NS);
	assert_int_equal(ask(abuse, &rules, "t", "k", "a", NOW_NS + 300 * S_NS).tenant,
			 SL_ABUSE_CUT);
	free(abuse);
}

static void what_is_off_is_never_told(void **state)
{
	struct sl_abuse_rules rules = logged;
	struct sl_abuse *abuse = make();
	char name[16];

	memset(rules.action, 0, sizeof(rules.action));
	for (unsigned int i = 0; i < 3000; i++) {
		(void)snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(ask(abuse, &rules, "t", name, name, NOW_NS).events, 0);
		assert_int_equal(sl_abuse_body(abuse, &rules, SL_SPAN("t"), 1u << 20, NOW_NS), 0);
		assert_int_equal(sl_abuse_empty(abuse, &rules, SL_SPAN("t"), NOW_NS), 0);
	}
	free(abuse);
}

/* More names than places: the loud one keeps its place, the blocked ones theirs. */
static void a_crowd_turns_out_neither_the_loud_nor_the_blocked(void **state)
{
	const struct sl_abuse_rules rules = with(SL_ABUSE_EMPTY_PAYLOAD, SL_ABUSE_BLOCK);
	struct sl_abuse *abuse = make();
	uint32_t events = 0;
	char name[16];

	(void)sl_abuse_empty(abuse, &rules, SL_SPAN("blocked"), NOW_NS);
	for (unsigned int i = 0; i < 50000; i++) {
		(void)snprintf(name, sizeof(name), "crowd-%u", i);
		(void)ask(abuse, &rules, name, "k", name, NOW_NS + i);
		if (i % 50 == 0)
			events |= ask(abuse, &rules, "loud", "k", "a", NOW_NS + i).events;
	}
	assert_int_equal(events, BIT(TARGETED_TENANT));
	assert_int_equal(ask(abuse, &rules, "blocked", "k", "a", NOW_NS).tenant, SL_ABUSE_BLOCK);
	assert_int_equal(abuse->untracked_total, 0);
	free(abuse);
}

static void without_a_place_nobody_is_punished(void **state)
{
	const struct sl_abuse_rules rules = with(SL_ABUSE_EMPTY_PAYLOAD, SL_ABUSE_BLOCK);
	struct sl_abuse *abuse = make();
	char name[16];

	for (unsigned int i = 0; i < 3 * SL_ABUSE_TENANTS; i++) {
		(void)snprintf(name, sizeof(name), "t%u", i);
		(void)sl_abuse_empty(abuse, &rules, sl_span_of(name), NOW_NS);
	}
	assert_true(abuse->untracked_total > SL_ABUSE_TENANTS);
	assert_int_equal(sl_abuse_blocked(abuse, NOW_NS),
			 3 * SL_ABUSE_TENANTS - abuse->untracked_total);
	free(abuse);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tenant_asked_for_too_often_is_told_twice_a_minute),
		cmocka_unit_test(five_hundred_in_a_minute_are_fine),
		cmocka_unit_test(the_eleventh_key_or_address_is_evasion),
		cmocka_unit_test(what_is_not_known_is_not_counted),
		cmocka_unit_test(heavy_bodies_are_over_ten_and_over_four_fifths),
		cmocka_unit_test(many_tenants_from_one_source_are_a_flood),
		cmocka_unit_test(a_block_is_of_its_tenant_and_ends),
		cmocka_unit_test(a_source_is_blocked_for_its_flood),
		cmocka_unit_test(a_cut_does_not_soften_a_block),
		cmocka_unit_test(what_is_off_is_never_told),
		cmocka_unit_test(a_crowd_turns_out_neither_the_loud_nor_the_blocked),
		cmocka_unit_test(without_a_place_nobody_is_punished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
