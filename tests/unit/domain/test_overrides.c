// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/domain/overrides.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct sl_override rate(enum sl_override_field field, const char *tenant, uint64_t per_s,
			       uint64_t burst)
{
	struct sl_override item = { .field = field, .rate = { .per_s = per_s, .burst = burst } };

	(void)snprintf(item.tenant, sizeof(item.tenant), "%s", tenant);
	return item;
}

static struct sl_override value(enum sl_override_field field, const char *tenant, uint64_t number)
{
	struct sl_override item = { .field = field, .value = number };

	(void)snprintf(item.tenant, sizeof(item.tenant), "%s", tenant);
	return item;
}

static struct sl_override prefix(const char *text, uint64_t number)
{
	struct sl_override item = { .field = SL_OVERRIDE_PREFIX, .value = number };

	assert_int_equal(sl_parse_prefix(&item.prefix, text, NULL), 0);
	return item;
}

static void set(struct sl_overrides *overrides, struct sl_override item, uint64_t until)
{
	item.until_unix_ns = until;
	assert_int_equal(sl_overrides_set(overrides, &item, NULL), 0);
}

static void a_subject_has_one_item(void **state)
{
	struct sl_override wanted = value(SL_OVERRIDE_BLOCKED, "acme", 0);
	struct sl_overrides o = { 0 };

	set(&o, value(SL_OVERRIDE_BLOCKED, "acme", 1), 5);
	set(&o, value(SL_OVERRIDE_BLOCKED, "other", 1), 0);
	set(&o, value(SL_OVERRIDE_CONNECTIONS, "acme", 9), 0);
	set(&o, value(SL_OVERRIDE_MODE, "", SL_MODE_SHADOW), 0);
	set(&o, prefix("192.0.2.0/24", 1), 0);
	set(&o, prefix("192.0.2.0/25", 1), 0);
	set(&o, prefix("c000:200::/24", 1), 0); /* the same bytes and bits, another family */
	assert_int_equal(o.count, 7);
	set(&o, value(SL_OVERRIDE_BLOCKED, "acme", 0), 7);
	set(&o, value(SL_OVERRIDE_MODE, "", SL_MODE_OFF), 0);
	set(&o, prefix("192.0.2.0/24", 0), 0);
	assert_int_equal(o.count, 7);
	assert_int_equal(o.at[0].value, 0);
	assert_int_equal(o.at[0].until_unix_ns, 7);
	assert_ptr_equal(sl_overrides_find(&o, &wanted), &o.at[0]);
	assert_int_equal(o.at[3].value, SL_MODE_OFF);
	assert_int_equal(o.at[4].value, 0);
	sl_overrides_release(&o);
	assert_int_equal(o.count, 0);
}

static void only_what_the_field_uses_is_kept(void **state)
{
	struct sl_override expected = rate(SL_OVERRIDE_EGRESS_BYTES, "acme", 1000000, 4096);
	struct sl_override item = expected;
	struct sl_overrides o = { 0 };

	item.value = 3;
	item.prefix.bits = 9;
	memset(item.tenant + 5, 'x', 10);
	set(&o, item, 0);
	assert_memory_equal(&o.at[0], &expected, sizeof(expected));
	item = value(SL_OVERRIDE_MODE, "acme", 1);
	item.rate.per_s = 5;
	expected = value(SL_OVERRIDE_MODE, "", 1);
	set(&o, item, 0);
	assert_memory_equal(&o.at[1], &expected, sizeof(expected));
	sl_overrides_release(&o);
}

static void a_rate_without_a_burst_gets_the_default(void **state)
{
	struct sl_overrides o = { 0 };

	set(&o, rate(SL_OVERRIDE_INGRESS_PACKETS, "acme", 5000, 0), 0);
	assert_int_equal(o.at[0].rate.burst, 500);
	set(&o, rate(SL_OVERRIDE_INGRESS_BYTES, "acme", 5000, 0), 0);
	assert_int_equal(o.at[1].rate.burst, 16384);
	set(&o, rate(SL_OVERRIDE_INGRESS_PACKETS, "acme", 0, 0), 0);
	assert_int_equal(o.at[0].rate.per_s, 0);
	assert_false(o.at[0].rate.unlimited);
	sl_overrides_release(&o);
}

static void what_cannot_be_is_refused(void **state)
{
	struct sl_override twisted = prefix("10.0.0.0/8", 1);
	struct sl_override nameless = value(SL_OVERRIDE_BLOCKED, "", 1);
	const struct sl_override host_bits = {
		.field = SL_OVERRIDE_PREFIX,
		.prefix = { .address = { 4, { 10, 0, 0, 1 } }, .bits = 8 },
	};
	const struct {
		struct sl_override item;
		int err;
		const char *message;
	} cases[] = {
		{ value(SL_OVERRIDE_BLOCKED, "acme", 2), -EINVAL,
		  "blocked is out of range; allowed: 0 to 1" },
		{ value(SL_OVERRIDE_TENANT_MODE, "acme", 3), -EINVAL,
		  "tenant_mode is out of range; allowed: 0 to 2" },
		{ value(SL_OVERRIDE_MODE, "", 3), -EINVAL,
		  "mode is out of range; allowed: 0 to 2" },
		{ value(SL_OVERRIDE_CONNECTIONS, "acme", 1ull << 32), -EINVAL,
		  "connections is out of range; allowed: 0 to 4294967295" },
		{ value(SL_OVERRIDE_REQUESTS_COST, "acme", SL_REQUESTS_MAX + 1), -EINVAL, NULL },
		{ value(SL_OVERRIDE_REQUESTS_GLOBAL, "unknown", 1), -EINVAL,
		  "\"unknown\" has no requests_global" },
		{ value(SL_OVERRIDE_BLOCKED, "a b", 1), -EINVAL, NULL },
		{ nameless, -EINVAL, NULL },
		{ value(SL_OVERRIDE_BLOCKED, "unknown", 1), -EINVAL, "\"unknown\" has no blocked" },
		{ value(SL_OVERRIDE_CONNECTIONS, "unknown", 1), -EINVAL,
		  "\"unknown\" has no connections" },
		{ rate(SL_OVERRIDE_SAFE_BYTES, "unknown", 5000, 0), -EINVAL,
		  "\"unknown\" has no safe_bytes" },
		{ rate(SL_OVERRIDE_INGRESS_BYTES, "acme", 999, 0), -ERANGE, NULL },
		{ rate(SL_OVERRIDE_INGRESS_BYTES, "acme", 5000, 100), -ERANGE, NULL },
		{ rate(SL_OVERRIDE_FRAGMENTS, "acme", 100000001, 0), -ERANGE, NULL },
		{ rate(SL_OVERRIDE_FRAGMENTS, "acme", 1, 100000), -ERANGE, NULL },
		{ host_bits, -EINVAL, NULL },
		{ value(SL_OVERRIDE_FIELDS_, "acme", 1), -EINVAL, "no such field: 18" },
		{ value((enum sl_override_field)UINT32_MAX, "acme", 1), -EINVAL, NULL },
	};
	struct sl_overrides o = { 0 };

	set(&o, value(SL_OVERRIDE_BLOCKED, "acme", 1), 0);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sl_text_error error = { "" };

		assert_int_equal(sl_overrides_set(&o, &cases[i].item, &error), cases[i].err);
		if (cases[i].message)
			assert_string_equal(error.message, cases[i].message);
		assert_int_not_equal(error.message[0], '\0');
		assert_int_equal(o.count, 1);
		assert_int_equal(o.at[0].value, 1);
	}
	twisted.prefix.bits = 33;
	assert_int_equal(sl_overrides_set(&o, &twisted, NULL), -EINVAL);
	twisted.prefix.address.family = 5;
	assert_int_equal(sl_overrides_set(&o, &twisted, NULL), -EINVAL);
	memset(nameless.tenant, 'n', sizeof(nameless.tenant)); /* without an end */
	assert_int_equal(sl_overrides_set(&o, &nameless, NULL), -EINVAL);
	assert_int_equal(o.count, 1);
	sl_overrides_release(&o);
}

static void the_list_is_bounded(void **state)
{
	struct sl_override item = value(SL_OVERRIDE_BLOCKED, "one-more", 1);
	struct sl_overrides o = { 0 };
	struct sl_text_error error;
	char name[16];

	for (unsigned i = 0; i < SL_OVERRIDES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "t%u", i);
		set(&o, value(SL_OVERRIDE_BLOCKED, name, 1), 0);
	}
	assert_int_equal(sl_overrides_set(&o, &item, &error), -ENOSPC);
	assert_string_equal(error.message, "there are 4096 overrides already: clear some, or write "
					   "them into the configuration");
	set(&o, value(SL_OVERRIDE_BLOCKED, "t7", 0), 0); /* replacing takes no room */
	assert_int_equal(o.count, SL_OVERRIDES_MAX);
	sl_overrides_release(&o);
}

static void clearing_takes_one_or_all_of_a_tenant(void **state)
{
	struct sl_override item = value(SL_OVERRIDE_BLOCKED, "acme", 0);
	struct sl_overrides o = { 0 };

	set(&o, value(SL_OVERRIDE_BLOCKED, "acme", 1), 0);
	set(&o, value(SL_OVERRIDE_CONNECTIONS, "acme", 1), 0);
	set(&o, value(SL_OVERRIDE_BLOCKED, "other", 1), 0);
	set(&o, value(SL_OVERRIDE_MODE, "", 1), 0);
	set(&o, rate(SL_OVERRIDE_FRAGMENTS, "acme", 1, 1), 0);
	assert_int_equal(sl_overrides_clear(&o, &item), 0);
	assert_int_equal(sl_overrides_clear(&o, &item), -ENOENT);
	assert_int_equal(o.count, 4);
	assert_int_equal(sl_overrides_clear_tenant(&o, "acme"), 2);
	assert_int_equal(sl_overrides_clear_tenant(&o, "acme"), 0);
	assert_int_equal(sl_overrides_clear_tenant(&o, ""), 0);
	assert_int_equal(o.count, 2);
	assert_string_equal(o.at[0].tenant, "other");
	assert_int_equal(o.at[1].field, SL_OVERRIDE_MODE);
	sl_overrides_release(&o);
}

static void items_end_at_their_time(void **state)
{
	struct sl_overrides o = { 0 };

	assert_int_equal(sl_overrides_expire(&o, 5), 0);
	set(&o, value(SL_OVERRIDE_BLOCKED, "a", 1), 100);
	set(&o, value(SL_OVERRIDE_BLOCKED, "b", 1), 0);
	set(&o, value(SL_OVERRIDE_BLOCKED, "c", 1), 50);
	assert_int_equal(sl_overrides_expire(&o, 49), 50);
	assert_int_equal(o.count, 3);
	assert_int_equal(sl_overrides_expire(&o, 50), 100);
	assert_int_equal(o.count, 2);
	assert_string_equal(o.at[1].tenant, "b");
	assert_int_equal(sl_overrides_expire(&o, 1000), 0);
	assert_int_equal(o.count, 1);
	sl_overrides_release(&o);
}

static void every_field_has_a_word(void **state)
{
	for (int field = 0; field < SL_OVERRIDE_FIELDS_; field++) {
		const char *name = sl_choice_name(sl_choices_override, field);
		int back = -1;

		assert_string_not_equal(name, "?");
		assert_int_equal(sl_parse_choice(&back, name, sl_choices_override, NULL), 0);
		assert_int_equal(back, field);
		assert_int_equal(sl_override_is_rate((enum sl_override_field)field),
				 field < SL_OVERRIDE_CONNECTIONS);
	}
	assert_int_equal(sl_override_unit(SL_OVERRIDE_EGRESS_BYTES), SL_UNIT_BYTES);
	assert_int_equal(sl_override_unit(SL_OVERRIDE_EGRESS_PACKETS), SL_UNIT_COUNT);
	assert_int_equal(sl_override_unit(SL_OVERRIDE_SAFE_BYTES), SL_UNIT_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_subject_has_one_item),
		cmocka_unit_test(only_what_the_field_uses_is_kept),
		cmocka_unit_test(a_rate_without_a_burst_gets_the_default),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(the_list_is_bounded),
		cmocka_unit_test(clearing_takes_one_or_all_of_a_tenant),
		cmocka_unit_test(items_end_at_their_time),
		cmocka_unit_test(every_field_has_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
