// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <stdio.h>
#include <string.h>

#include "userspace/domain/overrides.h"

#define NOW 1000000u

static struct sl_prefix_spec prefix(const char *text)
{
	struct sl_prefix_spec parsed;

	assert_int_equal(sl_parse_prefix(&parsed, text, NULL), 0);
	return parsed;
}

/* Two tenants, "acme" and "beta", and four blocks. */
static struct sl_config *make_config(void)
{
	static const char *const prefixes[] = { "198.51.100.0/24", "192.0.2.0/24", "2001:db8::/32",
						"203.0.113.0/24" };
	static const uint64_t for_ns[] = { 0, 500, 700, 300 };
	struct sl_config *config = calloc(1, sizeof(*config));

	assert_non_null(config);
	config->sizes.blocks = 4;
	config->tenants = calloc(2, sizeof(*config->tenants));
	config->blocks = calloc(4, sizeof(*config->blocks));
	assert_non_null(config->tenants);
	assert_non_null(config->blocks);
	config->tenant_count = 2;
	(void)snprintf(config->tenants[0].name, SL_TENANT_NAME_BYTES, "acme");
	(void)snprintf(config->tenants[1].name, SL_TENANT_NAME_BYTES, "beta");
	config->tenants[1].blocked = true;
	for (size_t i = 0; i < 4; i++)
		config->blocks[config->block_count++] =
			(struct sl_block_spec){ .prefix = prefix(prefixes[i]),
						.for_ns = for_ns[i] };
	return config;
}

/* One override with every member set, as the field uses them. */
static void set(struct sl_overrides *o, enum sl_override_field field, const char *subject,
		uint64_t number, uint64_t until)
{
	struct sl_override item = {
		.field = field,
		.value = number,
		.rate = { .per_s = number * 1000, .burst = 4000 + number },
		.until_unix_ns = until,
	};

	if (field == SL_OVERRIDE_PREFIX)
		item.prefix = prefix(subject);
	else
		(void)snprintf(item.tenant, sizeof(item.tenant), "%s", subject);
	assert_int_equal(sl_overrides_set(o, &item, NULL), 0);
}

static void assert_rate(const struct sl_rate_spec *rate, uint64_t number)
{
	assert_int_equal(rate->per_s, number * 1000);
	assert_int_equal(rate->burst, 4000 + number);
}

static const struct sl_block_spec *block_of(const struct sl_config *config, const char *text)
{
	const struct sl_prefix_spec wanted = prefix(text);

	for (size_t i = 0; i < config->block_count; i++)
		if (memcmp(&config->blocks[i].prefix, &wanted, sizeof(wanted)) == 0)
			return &config->blocks[i];
	return NULL;
}

static void each_field_comes_to_its_place(void **state)
{
	struct sl_config *config = make_config();
	const struct sl_tenant_spec *t = &config->tenants[0];
	struct sl_overrides o = { 0 };

	for (unsigned field = 0; field <= SL_OVERRIDE_SAFE_BYTES; field++)
		set(&o, (enum sl_override_field)field, "acme", field + 1, 0);
	set(&o, SL_OVERRIDE_CONNECTIONS, "acme", 77, 0);
	set(&o, SL_OVERRIDE_BLOCKED, "acme", 1, NOW + 30);
	set(&o, SL_OVERRIDE_TENANT_MODE, "acme", SL_MODE_SHADOW, 0);
	set(&o, SL_OVERRIDE_MODE, "", SL_MODE_OFF, 0);
	set(&o, SL_OVERRIDE_REQUESTS_GLOBAL, "acme", 42, 0);
	set(&o, SL_OVERRIDE_REQUESTS_COST, "acme", SL_REQUESTS_UNLIMITED, 0);
	assert_int_equal(sl_overrides_apply(config, &o, NOW, 0, NULL), 0);

	assert_rate(&t->ingress_packets, 1);
	assert_rate(&t->ingress_bytes, 2);
	assert_rate(&t->egress_packets, 3);
	assert_rate(&t->egress_bytes, 4);
	assert_rate(&t->new_connections, 5);
	assert_rate(&t->fragments, 6);
	assert_rate(&t->safe_packets, 7);
	assert_rate(&t->safe_bytes, 8);
	assert_int_equal(t->connections_max, 77);
	/* The rest of the classes stays the gateway's. */
	assert_int_equal(t->requests.set, 1u << SL_REQUEST_GLOBAL | 1u << SL_REQUEST_COST);
	assert_int_equal(t->requests.per_window[SL_REQUEST_GLOBAL], 42);
	assert_true(t->requests.per_window[SL_REQUEST_COST] == SL_REQUESTS_UNLIMITED);
	assert_int_equal(config->tenants[1].requests.set, 0);
	assert_true(t->blocked);
	assert_int_equal(t->blocked_for_ns, 30);
	assert_int_equal(t->mode, SL_MODE_SHADOW);
	assert_int_equal(config->mode, SL_MODE_OFF);
	assert_int_equal(config->tenants[1].mode, SL_MODE_ENFORCE);
	assert_int_equal(config->tenants[1].connections_max, 0);
	sl_overrides_release(&o);
	sl_config_free(config);
}

static void the_unknown_tenant_can_be_steered_too(void **state)
{
	struct sl_config *config = make_config();
	const struct sl_unknown_spec *u = &config->unknown;
	struct sl_overrides o = { 0 };

	for (unsigned field = 0; field <= SL_OVERRIDE_FRAGMENTS; field++)
		set(&o, (enum sl_override_field)field, "unknown", field + 1, 0);
	set(&o, SL_OVERRIDE_TENANT_MODE, "unknown", SL_MODE_SHADOW, 0);
	assert_int_equal(sl_overrides_apply(config, &o, NOW, 0, NULL), 0);
	assert_rate(&u->packets, 1);
	assert_rate(&u->bytes, 2);
	assert_rate(&u->egress_packets, 3);
	assert_rate(&u->egress_bytes, 4);
	assert_rate(&u->new_connections, 5);
	assert_rate(&u->fragments, 6);
	assert_int_equal(u->mode, SL_MODE_SHADOW);
	sl_overrides_release(&o);
	sl_config_free(config);
}

static void a_tenant_can_be_let_go(void **state)
{
	struct sl_config *config = make_config();
	struct sl_overrides o = { 0 };

	set(&o, SL_OVERRIDE_BLOCKED, "beta", 0, NOW + 10);
	assert_int_equal(sl_overrides_apply(config, &o, NOW, 0, NULL), 0);
	assert_false(config->tenants[1].blocked);
	assert_int_equal(config->tenants[1].blocked_for_ns, 0);
	sl_overrides_release(&o);
	sl_config_free(config);
}

static void what_has_no_effect_is_reported(void **state)
{
	struct sl_config *config = make_config();
	enum sl_override_state states[4] = { 0 };
	struct sl_overrides o = { 0 };

	set(&o, SL_OVERRIDE_CONNECTIONS, "gone", 1, 0);
	set(&o, SL_OVERRIDE_CONNECTIONS, "acme", 1, NOW);
	set(&o, SL_OVERRIDE_CONNECTIONS, "beta", 1, NOW + 1);
	set(&o, SL_OVERRIDE_MODE, "", SL_MODE_OFF, NOW - 1);
	assert_int_equal(sl_overrides_apply(config, &o, NOW, 0, states), 0);
	assert_int_equal(states[0], SL_OVERRIDE_NO_TENANT);
	assert_int_equal(states[1], SL_OVERRIDE_ENDED);
	assert_int_equal(states[2], SL_OVERRIDE_APPLIED);
	assert_int_equal(states[3], SL_OVERRIDE_ENDED);
	assert_int_equal(config->tenants[0].connections_max, 0);
	assert_int_equal(config->tenants[1].connections_max, 1);
	assert_int_equal(config->mode, SL_MODE_ENFORCE);
	sl_overrides_release(&o);
	sl_config_free(config);
}

static void blocks_of_the_file_grow_old(void **state)
{
	const struct sl_overrides none = { 0 };
	struct sl_config *config = make_config();

	assert_int_equal(sl_overrides_apply(config, &none, NOW, 500, NULL), 0);
	assert_int_equal(config->block_count, 2);
	assert_int_equal(block_of(config, "198.51.100.0/24")->for_ns, 0);
	assert_int_equal(block_of(config, "2001:db8::/32")->for_ns, 200);
	sl_config_free(config);
}

static void blocks_are_added_changed_and_removed(void **state)
{
	struct sl_config *config = make_config();
	struct sl_overrides o = { 0 };

	set(&o, SL_OVERRIDE_PREFIX, "10.0.0.0/8", 1, NOW + 40);
	set(&o, SL_OVERRIDE_PREFIX, "198.51.100.0/24", 0, 0);
	set(&o, SL_OVERRIDE_PREFIX, "192.0.2.0/24", 1, NOW + 90);
	set(&o, SL_OVERRIDE_PREFIX, "203.0.113.0/24", 1, 0);
	set(&o, SL_OVERRIDE_PREFIX, "203.0.113.0/25", 0, 0); /* there is none to remove */
	assert_int_equal(sl_overrides_apply(config, &o, NOW, 100, NULL), 0);
	assert_int_equal(config->block_count, 4);
	assert_int_equal(block_of(config, "10.0.0.0/8")->for_ns, 40);
	assert_null(block_of(config, "198.51.100.0/24"));
	assert_int_equal(block_of(config, "192.0.2.0/24")->for_ns, 90);
	assert_int_equal(block_of(config, "203.0.113.0/24")->for_ns, 0);
	assert_int_equal(block_of(config, "2001:db8::/32")->for_ns, 600);
	sl_overrides_release(&o);
	sl_config_free(config);
}

/* Three of the four IPv4 blocks there may be are in the file. */
static void there_is_room_for_so_many_blocks(void **state)
{
	struct sl_config *config = make_config();
	enum sl_override_state states[7];
	struct sl_overrides o = { 0 };

	set(&o, SL_OVERRIDE_PREFIX, "10.0.0.0/8", 1, 0);
	set(&o, SL_OVERRIDE_PREFIX, "11.0.0.0/8", 1, 0);
	set(&o, SL_OVERRIDE_PREFIX, "2001:db8:1::/48", 1, 0); /* has room of its own */
	set(&o, SL_OVERRIDE_PREFIX, "192.0.2.0/24", 1, 0);    /* takes none */
	set(&o, SL_OVERRIDE_PREFIX, "198.51.100.0/24", 0, 0); /* makes some */
	set(&o, SL_OVERRIDE_PREFIX, "12.0.0.0/8", 1, 0);
	set(&o, SL_OVERRIDE_PREFIX, "13.0.0.0/8", 1, 0);
	assert_int_equal(sl_overrides_apply(config, &o, NOW, 0, states), 0);
	assert_int_equal(states[0], SL_OVERRIDE_APPLIED);
	assert_int_equal(states[1], SL_OVERRIDE_NO_ROOM);
	assert_int_equal(states[2], SL_OVERRIDE_APPLIED);
	assert_int_equal(states[3], SL_OVERRIDE_APPLIED);
	assert_int_equal(states[4], SL_OVERRIDE_APPLIED);
	assert_int_equal(states[5], SL_OVERRIDE_APPLIED);
	assert_int_equal(states[6], SL_OVERRIDE_NO_ROOM);
	assert_int_equal(config->block_count, 6);
	assert_null(block_of(config, "11.0.0.0/8"));
	assert_non_null(block_of(config, "12.0.0.0/8"));
	sl_overrides_release(&o);
	sl_config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_field_comes_to_its_place),
		cmocka_unit_test(the_unknown_tenant_can_be_steered_too),
		cmocka_unit_test(a_tenant_can_be_let_go),
		cmocka_unit_test(what_has_no_effect_is_reported),
		cmocka_unit_test(blocks_of_the_file_grow_old),
		cmocka_unit_test(blocks_are_added_changed_and_removed),
		cmocka_unit_test(there_is_room_for_so_many_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
