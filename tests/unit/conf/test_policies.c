// SPDX-License-Identifier: Apache-2.0
/* Limits of policies become rows behind the tenants. */
#include "tests/unit/conf/accepted.h"
#include "tests/unit/conf/refused.h"

#define TENANTS "tenants: [{name: acme}, {name: beta}]\n"

static const struct sl_tenant_spec *row(const struct sl_config *config, const char *name)
{
	size_t i = 0;

	while (i < config->tenant_count && strcmp(config->tenants[i].name, name))
		i++;
	assert_true(i < config->tenant_count);
	return &config->tenants[i];
}

static void each_is_a_row(void **state)
{
	struct sl_config *config =
		parse(V TENANTS "policies:\n"
				"  - {name: premium, each: true, requests: {global: 9}}\n"
				"  - {name: premium, tenant: acme, mode: shadow,\n"
				"     requests: {global: 5, routes_decide: 3, window: 1d}}\n"
				"  - {name: premium, requests: {global: 20}, global: true}\n"
				"  - {requests: {registry_blocks: 7}}\n");
	const struct sl_tenant_spec *at = row(config, "acme/premium");

	assert_int_equal(config->tenant_count, 6);
	assert_string_equal(config->tenants[1].name, "beta");
	assert_int_equal(at->mode, SL_MODE_SHADOW);
	assert_int_equal(at->requests.set, (1u << SL_REQUEST_CLASSES) - 1);
	assert_int_equal(at->requests.per_window[SL_REQUEST_GLOBAL], 5);
	assert_int_equal(at->requests.per_window[SL_REQUEST_ROUTES_DECIDE], 3);
	assert_true(at->requests.per_window[SL_REQUEST_COST] == SL_REQUESTS_UNLIMITED);
	assert_true(at->requests.window_ns == 86400 * 1000000000ull);
	assert_true(at->ingress_packets.unlimited && at->egress_bytes.unlimited &&
		    at->new_connections.unlimited && at->fragments.unlimited);
	assert_int_equal(row(config, "beta/premium")->requests.per_window[SL_REQUEST_GLOBAL], 9);
	at = row(config, "*/premium");
	assert_true(at->global.requests);
	assert_int_equal(at->on_lease_expiry, SL_FALLBACK_BLEND);
	/* As a tenant's that says no more than that: Redis refuses terms without. */
	assert_int_equal(at->global.guarantee_percent, 100);
	assert_int_equal(at->global.ceiling_percent, 100);
	assert_int_equal(at->global.weight, 100);
	assert_int_equal(row(config, "*")->requests.per_window[SL_REQUEST_REGISTRY_BLOCKS], 7);
	sl_config_free(config);
}

#define P(text) V TENANTS "policies: [" text "]\n"

static void contradictions_are_refused(void **state)
{
	static const struct refused cases[] = {
		{ P("{name: x, tenant: nobody}"),
		  "t.yaml:3:30: policies[0].tenant: no tenant is called \"nobody\"" },
		{ P("{name: x, tenant: acme, each: true}"),
		  "t.yaml:3:42: policies[0].each: either each tenant or the one that is named" },
		{ P("{tenant: acme}"),
		  "t.yaml:3:12: policies[0]: name: which policy? What a tenant asks of all of them is "
		  "limited by its own requests, under tenants" },
		{ P("{name: x}, {name: x}"), "t.yaml:3:12: policies[0]: */x has limits already, at "
					     "line 3" },
		{ P("{name: x, each: true}, {name: x, each: true}"),
		  "t.yaml:3:12: policies[0]: acme/x has limits already, at line 3" },
		{ P("{name: x, global: true}"),
		  "t.yaml:3:30: policies[0].global: global shares requests.global, which is "
		  "unlimited" },
		{ P("{name: \"a/b\"}"),
		  "t.yaml:3:19: policies[0].name: \"a/b\" is not a name; allowed: 1 to 55 of A-Z a-z "
		  "0-9 . _ -, the first a letter or digit" },
		{ P("{name: a23456789012345678901234567890123456789012345678901, tenant: acme}"),
		  "t.yaml:3:12: policies[0]: "
		  "acme/a23456789012345678901234567890123456789012345678901: longer together than "
		  "55 characters" },
		{ V TENANTS "sizes: {tenants: 4}\npolicies: [{name: x, each: true}]\n",
		  "t.yaml:4:12: policies[0]: tenants and limits of policies together are more than "
		  "sizes.tenants leaves room for, which is 3" },
	};

	assert_refused(cases, sizeof(cases) / sizeof(cases[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_a_row),
		cmocka_unit_test(contradictions_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
