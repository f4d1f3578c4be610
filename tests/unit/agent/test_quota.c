// SPDX-License-Identifier: Apache-2.0
/* Which leases there are after a configuration was taken; Redis is never reached. */
#include "tests/harness/test.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "userspace/agent/quota_private.h"
#include "userspace/domain/rate_change.h"

#define S_NS	     1000000000ull
#define TENANTS	     60000u
#define CPU_S_MAX    5.0 /* compared one by one they took over five minutes */
#define GLOBAL_TERMS .guarantee_percent = 100, .ceiling_percent = 100, .weight = 100

struct fixture {
	struct event_base *base;
	struct sl_quota *quota;
	struct sl_config config;
	struct sl_plan plan;
};

static int begin(void **state)
{
	const struct sl_quota_options options = {
		.redis = { .addresses = "127.0.0.1:1" },
		.node = "n",
		.prefix = "q",
		.buckets = 256,
		.incarnation = 1,
	};
	struct sl_redis_error_text error;
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	f->base = event_base_new();
	f->config.quota = (struct sl_quota_spec){
		.nodes = 3, .generation = 1, .period_ns = S_NS, .ttl_ns = 5 * S_NS
	};
	f->config.tenants = calloc(TENANTS, sizeof(*f->config.tenants));
	f->plan.ids = calloc(TENANTS, sizeof(*f->plan.ids));
	*state = f;
	return f->config.tenants && f->plan.ids ? sl_quota_new(&f->quota, f->base, &options, &error)
						: -1;
}

static int end(void **state)
{
	struct fixture *f = *state;

	sl_quota_free(f->quota);
	event_base_free(f->base);
	free(f->config.tenants);
	free(f->plan.ids);
	free(f);
	return 0;
}

/* Tenant @number at @at; its packets are global, and its bytes when it is even. */
static void put_tenant(struct fixture *f, size_t at, unsigned int number)
{
	struct sl_tenant_spec *tenant = &f->config.tenants[at];

	*tenant = (struct sl_tenant_spec){
		.ingress_packets = { .per_s = 1000 + number, .burst = 100 },
		.ingress_bytes = { .per_s = 1000000, .burst = 50000 },
		.global = { .packets = true, .bytes = !(number & 1), GLOBAL_TERMS },
	};
	(void)snprintf(tenant->name, sizeof(tenant->name), "t%u", number);
	f->plan.ids[at] = number + 1;
}

static void take(struct fixture *f, size_t count)
{
	f->config.tenant_count = count;
	sl_quota_take(f->quota, &f->config, &f->plan, 1000000, S_NS);
}

struct seen {
	size_t leases, wrong;
};

static void look(const struct sl_quota_view *view, void *context)
{
	struct seen *seen = context;
	const unsigned int number = (unsigned int)strtoul(view->tenant + 1, NULL, 10);

	seen->leases++;
	if (view->kind == SL_QUOTA_PACKETS)
		seen->wrong += view->terms.rate_mu_per_s != 1000 * (1000 + (int64_t)number);
	else
		seen->wrong += view->kind != SL_QUOTA_BYTES || (number & 1);
}

static struct seen seen_of(const struct fixture *f)
{
	struct seen seen = { .leases = 0 };

	sl_quota_walk(f->quota, S_NS, look, &seen);
	return seen;
}

static void leases_follow_the_configuration(void **state)
{
	struct fixture *f = *state;
	struct seen seen;

	for (unsigned int i = 0; i < 100; i++)
		put_tenant(f, i, i);
	take(f, 100);
	seen = seen_of(f);
	assert_int_equal(seen.leases, 150);
	assert_int_equal(seen.wrong, 0);
	/* In another order, some gone, some new. */
	for (unsigned int i = 0; i < 100; i++)
		put_tenant(f, i, 149 - i);
	take(f, 100);
	seen = seen_of(f);
	assert_int_equal(seen.leases, 150);
	assert_int_equal(seen.wrong, 0);
	take(f, 0);
	assert_int_equal(seen_of(f).leases, 0);
}

/* ---- what the kernel turns to by itself ------------------------------------------------- */

/* One tenant whose packets, bytes and new connections are global, each of them held. */
static void hold_all(struct fixture *f, enum sl_fallback on_expiry, uint64_t until_ns)
{
	put_tenant(f, 0, 0);
	f->config.tenants[0].new_connections = (struct sl_rate_spec){ .per_s = 300, .burst = 30 };
	f->config.tenants[0].global.new_connections = true;
	f->config.tenants[0].on_lease_expiry = on_expiry;
	take(f, 1);
	for (size_t i = 0; i < f->quota->count; i++) {
		struct sl_lease *lease = &f->quota->slots[i]->lease;

		lease->has_lease = true;
		lease->live = 3;
		lease->expiry_ns = until_ns;
		lease->rate_mu_per_s = lease->granted_mu_per_s = lease->terms.rate_mu_per_s / 2;
		lease->burst_mu = lease->terms.burst_mu / 2;
		lease->safe_mu_per_s = lease->terms.rate_mu_per_s / 3;
	}
}

static uint64_t cost_of(uint64_t rate_mu_per_s)
{
	return sl_rate_of_mu(rate_mu_per_s, 0, SL_UNIT_COUNT).cost;
}

static void each_kind_of_the_kernel_has_its_fallback(void **state)
{
	static const struct {
		enum sl_fallback on_expiry, of_kernel;
		bool is_safe;
	} rows[] = {
		{ SL_FALLBACK_BLEND, SL_FALLBACK_BLEND, true },
		{ SL_FALLBACK_SAFE, SL_FALLBACK_SAFE, true },
		{ SL_FALLBACK_LAST, SL_FALLBACK_LAST, false },
		{ SL_FALLBACK_CLOSED, SL_FALLBACK_CLOSED, false },
		{ SL_FALLBACK_OPEN, SL_FALLBACK_OPEN, false },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sl_limit limits[2] = { 0 };
		const struct sl_limit *limit = &limits[1];

		take(f, 0);
		hold_all(f, rows[i].on_expiry, 5 * S_NS);
		f->plan.limits = limits;
		f->plan.tenants = 2;
		sl_quota_overlay(f->quota, &f->plan, 1000000, S_NS);
		assert_int_equal(limit->ingress.lease_until_ns, 5 * S_NS);
		assert_int_equal(sl_side_fallback(limit->ingress.flags), rows[i].of_kernel);
		assert_int_equal(limit->new_conns.cost, cost_of(150000));
		assert_int_equal(limit->safe_new_conns.cost,
				 cost_of(rows[i].is_safe ? 100000 : 150000));
		assert_int_equal(limit->safe_packets.cost,
				 cost_of(rows[i].is_safe ? 333333 : 500000));
		f->plan.limits = NULL;
		f->plan.tenants = 0;
	}
}

static void many_tenants_are_taken_again_in_no_time(void **state)
{
	struct fixture *f = *state;
	clock_t began;

	for (unsigned int i = 0; i < TENANTS; i++) {
		put_tenant(f, i, i);
		f->config.tenants[i].global.bytes = false;
	}
	take(f, TENANTS);
	assert_int_equal(seen_of(f).leases, TENANTS);
	began = clock();
	take(f, TENANTS);
	assert_int_equal(seen_of(f).leases, TENANTS);
	assert_true((double)(clock() - began) / CLOCKS_PER_SEC < CPU_S_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(leases_follow_the_configuration, begin, end),
		cmocka_unit_test_setup_teardown(each_kind_of_the_kernel_has_its_fallback, begin,
						end),
		cmocka_unit_test_setup_teardown(many_tenants_are_taken_again_in_no_time, begin,
						end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
