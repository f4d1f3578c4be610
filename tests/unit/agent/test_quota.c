// SPDX-License-Identifier: Apache-2.0
/* Which leases there are after a configuration was taken; Redis is never reached. */
#include "tests/harness/test.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "userspace/agent/quota.h"

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
		cmocka_unit_test_setup_teardown(many_tenants_are_taken_again_in_no_time, begin,
						end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
