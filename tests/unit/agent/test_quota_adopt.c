// SPDX-License-Identifier: Apache-2.0
/* From one agent to the next by maps that both have in hand: a lease of each kind. */
#include "userspace/agent/quota_adopt.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/test.h"
#include "userspace/dataplane/maps_private.h"

#define MS_NS	1000000ull
#define S_NS	1000000000ull
#define TENANTS 4u
#define ID	2u
#define GEN	7u
#define LIVE	3u
#define FORMER	77
#define NEXT	99
#define NOW_NS	(1000 * S_NS)

/* What both agents see. */
struct fixture {
	struct event_base *base;
	struct sl_maps maps;
	struct sl_ctl ctl;
	struct sl_limit limits[2 * TENANTS];
	struct sl_bucket buckets[TENANTS];
	struct sl_requests requests[2 * TENANTS];
	struct sl_request_words words[TENANTS];
	struct sl_tenant_spec tenant;
	struct sl_config config;
	struct sl_quota *former, *next;
	uint32_t id[1];
	struct sl_limit plan_limits[TENANTS];
	struct sl_requests plan_requests[TENANTS];
	struct sl_plan plan;
};

static struct sl_quota *agent(struct fixture *f, int64_t incarnation, const char *prefix)
{
	const struct sl_quota_options options = {
		.redis = { .addresses = "127.0.0.1:1" },
		.node = "n",
		.prefix = prefix,
		.buckets = 256,
		.incarnation = incarnation,
		.maps = incarnation == FORMER ? NULL : &f->maps,
	};
	struct sl_redis_error_text error;
	struct sl_quota *quota = NULL;

	assert_int_equal(sl_quota_new(&quota, f->base, &options, &error), 0);
	return quota;
}

static void take(struct fixture *f, struct sl_quota *quota, uint64_t now_ns)
{
	sl_quota_take(quota, &f->config, &f->plan, MS_NS, now_ns);
}

static int begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	f->base = event_base_new();
	f->maps.view = (struct sl_maps_view){ .ctl = &f->ctl,
					      .limits = f->limits,
					      .buckets = f->buckets,
					      .requests = f->requests,
					      .request_words = f->words,
					      .tenants = TENANTS };
	f->tenant = (struct sl_tenant_spec){
		.name = "acme",
		.ingress_packets = { .per_s = 3000, .burst = 300 },
		.ingress_bytes = { .per_s = 3000000, .burst = 300000 },
		.new_connections = { .per_s = 300, .burst = 30 },
		.requests = { .per_window = { [SL_REQUEST_GLOBAL] = 60000,
					      [SL_REQUEST_COST] = 6000000 },
			      .window_ns = 60 * S_NS,
			      .cost_window_ns = 60 * S_NS },
		.global = { true, true, true, true, true, .guarantee_percent = 100,
			    .ceiling_percent = 100, .weight = 100 },
		.on_lease_expiry = SL_FALLBACK_BLEND,
	};
	f->config = (struct sl_config){
		.tenants = &f->tenant,
		.tenant_count = 1,
		.quota = { .nodes = LIVE, .generation = 1, .period_ns = S_NS, .ttl_ns = 5 * S_NS },
	};
	f->id[0] = ID;
	f->plan = (struct sl_plan){ .ids = f->id,
				    .tenants = TENANTS,
				    .limits = f->plan_limits,
				    .requests = f->plan_requests };
	f->limits[ID].ingress.gen = f->limits[TENANTS + ID].ingress.gen = GEN;
	f->plan_limits[ID].ingress.gen = GEN;
	f->former = agent(f, FORMER, "q");
	take(f, f->former, NOW_NS);
	f->former->maps = &f->maps;
	*state = f;
	return f->former->count == SL_QUOTA_KINDS ? 0 : -1;
}

static int end(void **state)
{
	struct fixture *f = *state;

	sl_quota_free(f->former);
	sl_quota_free(f->next);
	event_base_free(f->base);
	free(f);
	return 0;
}

static struct sl_quota_slot *slot_of(struct sl_quota *quota, enum sl_quota_kind kind)
{
	size_t at = 0;

	while (at + 1 < quota->count && quota->slots[at]->kind != kind)
		at++;
	assert_int_equal(quota->slots[at]->kind, kind);
	return quota->slots[at];
}

static struct sl_lease *lease_of(struct sl_quota *quota, enum sl_quota_kind kind)
{
	return &slot_of(quota, kind)->lease;
}

/* Of each kind another part, so that no kind passes for another: a fifth and more of R. */
static int64_t part_of(const struct sl_lease *lease, enum sl_quota_kind kind)
{
	return lease->terms.rate_mu_per_s / 10 * (2 + (int64_t)kind);
}

static int64_t safe_of(const struct sl_lease *lease, enum sl_quota_kind kind)
{
	return part_of(lease, kind) / 2;
}

/* The kinds of the kernel share an end. */
static uint64_t end_of(enum sl_quota_kind kind)
{
	if (kind == SL_QUOTA_REQUESTS)
		return NOW_NS + 4 * S_NS;
	return NOW_NS + (kind == SL_QUOTA_COST ? 3 * S_NS : 5 * S_NS);
}

/* Held of all kinds, and in the maps what is in force at @now_ns. */
static void leave(struct fixture *f, uint64_t now_ns)
{
	for (size_t i = 0; i < f->former->count; i++) {
		struct sl_quota_slot *slot = f->former->slots[i];
		struct sl_lease *lease = &slot->lease;

		lease->has_lease = true;
		lease->live = LIVE;
		lease->rate_mu_per_s = lease->granted_mu_per_s = part_of(lease, slot->kind);
		lease->burst_mu = lease->terms.burst_mu / 2;
		lease->safe_mu_per_s = safe_of(lease, slot->kind);
		lease->expiry_ns = end_of(slot->kind);
	}
	for (size_t i = 0; i < f->former->count; i++)
		sl_quota_write(f->former, f->former->slots[i], now_ns);
	sl_quota_own(f->former);
}

static void follow(struct fixture *f, const char *prefix, uint64_t now_ns)
{
	f->next = agent(f, NEXT, prefix);
	take(f, f->next, now_ns);
}

/* Rates in the maps are whole steps: never more than was leased, and hardly less. */
static void assert_about(int64_t got, int64_t left)
{
	assert_true(got <= left);
	assert_true(got >= left - left / 500 - 1);
}

static void a_lease_of_each_kind_goes_on(void **state)
{
	struct fixture *f = *state;

	leave(f, NOW_NS);
	follow(f, "q", NOW_NS + S_NS);
	assert_int_equal(f->next->incarnation, FORMER);
	for (int kind = 0; kind < SL_QUOTA_KINDS; kind++) {
		const struct sl_lease *lease = lease_of(f->next, (enum sl_quota_kind)kind);

		assert_true(lease->has_lease);
		assert_int_equal(lease->live, LIVE);
		assert_int_equal(lease->expiry_ns, end_of((enum sl_quota_kind)kind));
		assert_about(lease->rate_mu_per_s, part_of(lease, (enum sl_quota_kind)kind));
		assert_about(lease->safe_mu_per_s, safe_of(lease, (enum sl_quota_kind)kind));
		assert_true(sl_lease_due_ns(lease, NOW_NS + S_NS) <= NOW_NS + S_NS);
	}
}

/* Whole nanoseconds a request are rounded so that they are not too few. */
static void gateways_admit_no_more_than_is_leased(void **state)
{
	static const int64_t rates[] = {
		1, 999, 1001, 700007, 333333333, 7000000003, 600000000001
	};
	struct fixture *f = *state;
	struct sl_quota_slot *slot = slot_of(f->former, SL_QUOTA_COST);

	leave(f, NOW_NS);
	slot->lease.terms.rate_mu_per_s = SL_QUOTA_RATE_MAX;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		const struct sl_request_rule *rule = &f->requests[ID].rule[SL_REQUEST_COST];

		slot->lease.rate_mu_per_s = slot->lease.granted_mu_per_s = rates[i];
		sl_quota_write(f->former, slot, NOW_NS);
		assert_true(rule->limit.period_ns * (uint64_t)rates[i] >= 1000 * S_NS);
		assert_true((rule->limit.period_ns - 1) * (uint64_t)rates[i] < 1000 * S_NS);
	}
}

/* Gateways would go on from the last rate of a small tenant, which may be R on each node. */
static void gateways_turn_to_the_safe_share_of_a_small_tenant_at_once(void **state)
{
	static const struct {
		enum sl_fallback on_expiry, of_gateways;
		uint64_t per_window;
	} rows[] = {
		{ SL_FALLBACK_BLEND, SL_FALLBACK_BLEND, 60000 },
		{ SL_FALLBACK_LAST, SL_FALLBACK_LAST, 60000 },
		{ SL_FALLBACK_BLEND, SL_FALLBACK_SAFE, 60 },
		{ SL_FALLBACK_LAST, SL_FALLBACK_SAFE, 60 },
		{ SL_FALLBACK_SAFE, SL_FALLBACK_SAFE, 60 },
		{ SL_FALLBACK_CLOSED, SL_FALLBACK_CLOSED, 60 },
		{ SL_FALLBACK_OPEN, SL_FALLBACK_OPEN, 60 },
	};
	struct fixture *f = *state;
	uint32_t *flags = &f->plan_requests[ID].flags;

	f->tenant.global.cost = false;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		f->tenant.on_lease_expiry = rows[i].on_expiry;
		f->tenant.requests.per_window[SL_REQUEST_GLOBAL] = rows[i].per_window;
		f->config.quota.generation++;
		*flags = SL_REQUESTS_BLOCKED | (uint32_t)rows[i].on_expiry
						       << SL_REQUESTS_FALLBACK_SHIFT;
		take(f, f->former, NOW_NS);
		assert_int_equal(*flags >> SL_REQUESTS_FALLBACK_SHIFT & SL_REQUESTS_FALLBACK_MASK,
				 rows[i].of_gateways);
		assert_true(*flags & SL_REQUESTS_BLOCKED);
	}
}

/* From agent to agent to agent the rates of gateways and the kernel only shrink. */
static void nothing_grows_by_starting_often(void **state)
{
	struct fixture *f = *state;
	int64_t before[SL_QUOTA_KINDS];

	leave(f, NOW_NS);
	for (int kind = 0; kind < SL_QUOTA_KINDS; kind++)
		before[kind] = lease_of(f->former, (enum sl_quota_kind)kind)->rate_mu_per_s;
	for (unsigned int i = 0; i < 20; i++) {
		follow(f, "q", NOW_NS + i * MS_NS);
		for (int kind = 0; kind < SL_QUOTA_KINDS; kind++) {
			const int64_t rate =
				lease_of(f->next, (enum sl_quota_kind)kind)->rate_mu_per_s;

			assert_about(rate, before[kind]);
			before[kind] = rate;
		}
		f->next->maps = &f->maps;
		for (size_t at = 0; at < f->next->count; at++)
			sl_quota_write(f->next, f->next->slots[at], NOW_NS + i * MS_NS);
		sl_quota_own(f->next);
		sl_quota_free(f->next);
		f->next = NULL;
	}
}

/* The former agent still wrote how far its blend was; its end is not known, so it is there. */
static void one_that_ended_is_at_its_safe_share(void **state)
{
	struct fixture *f = *state;
	const uint64_t late_ns = NOW_NS + 15 * S_NS;

	leave(f, late_ns);
	follow(f, "q", late_ns + MS_NS);
	for (int kind = 0; kind < SL_QUOTA_KINDS; kind++) {
		const struct sl_lease *lease = lease_of(f->next, (enum sl_quota_kind)kind);
		struct sl_quota_state is;

		sl_lease_state(lease, &is, late_ns + MS_NS);
		assert_int_equal(is.mode, SL_QUOTA_MODE_SAFE);
		assert_about(is.rate_mu_per_s, safe_of(lease, (enum sl_quota_kind)kind));
	}
}

static size_t adopted(struct sl_quota *quota)
{
	size_t count = 0;

	for (size_t i = 0; i < quota->count; i++)
		count += quota->slots[i]->lease.has_lease;
	return count;
}

static void what_is_anothers_is_not_taken_over(void **state)
{
	struct fixture *f = *state;

	leave(f, NOW_NS);
	follow(f, "other", NOW_NS + S_NS);
	assert_int_equal(adopted(f->next), 0);
	assert_int_equal(f->next->incarnation, NEXT);
	sl_quota_free(f->next);
	f->plan_limits[ID].ingress.gen = GEN + 1; /* another tenant has the id now */
	follow(f, "q", NOW_NS + S_NS);
	assert_int_equal(adopted(f->next), 0);
	assert_int_equal(f->next->incarnation, NEXT);
}

/* Maps of an agent that knew no requests; and a cost that was not leased before. */
static void only_what_was_leased_is_taken_over(void **state)
{
	struct fixture *f = *state;

	leave(f, NOW_NS);
	f->maps.view.requests = NULL;
	follow(f, "q", NOW_NS + S_NS);
	assert_int_equal(adopted(f->next), 3);
	f->maps.view.requests = f->requests;
	sl_quota_free(f->next);

	f->tenant.global.cost = false;
	take(f, f->former, NOW_NS);
	leave(f, NOW_NS);
	f->tenant.global.cost = true;
	follow(f, "q", NOW_NS + S_NS);
	assert_int_equal(adopted(f->next), 4);
	assert_false(lease_of(f->next, SL_QUOTA_COST)->has_lease);
	assert_true(lease_of(f->next, SL_QUOTA_REQUESTS)->has_lease);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_lease_of_each_kind_goes_on, begin, end),
		cmocka_unit_test_setup_teardown(gateways_admit_no_more_than_is_leased, begin, end),
		cmocka_unit_test_setup_teardown(
			gateways_turn_to_the_safe_share_of_a_small_tenant_at_once, begin, end),
		cmocka_unit_test_setup_teardown(nothing_grows_by_starting_often, begin, end),
		cmocka_unit_test_setup_teardown(one_that_ended_is_at_its_safe_share, begin, end),
		cmocka_unit_test_setup_teardown(what_is_anothers_is_not_taken_over, begin, end),
		cmocka_unit_test_setup_teardown(only_what_was_leased_is_taken_over, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
