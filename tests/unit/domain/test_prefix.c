// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <string.h>

#include "userspace/domain/prefix.h"
#include "userspace/domain/text.h"

static union sl_prefix_key key(const char *text)
{
	struct sl_prefix_spec prefix;

	assert_int_equal(sl_parse_prefix(&prefix, text, NULL), 0);
	return sl_prefix_key_of(&prefix);
}

static void a_key_is_what_the_kernel_takes(void **state)
{
	static const uint8_t v4[8] = { 12, 0, 0, 0, 10, 0x50, 0, 0 };
	const union sl_prefix_key k4 = key("10.80.0.0/12");
	const union sl_prefix_key k6 = key("2001:db8::/32");

	assert_int_equal(sizeof(k4.v4), sizeof(v4));
	assert_memory_equal(&k4.v4, v4, sizeof(v4));
	assert_int_equal(k6.v6.prefix_bits, 32);
	assert_memory_equal(k6.v6.address, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\0", 16);
}

static void what_lies_after_an_ipv4_address_is_left_out(void **state)
{
	struct sl_prefix_spec prefix = { .address = { .family = 4 }, .bits = 32 };
	union sl_prefix_key k;

	memset(prefix.address.bytes, 0xab, sizeof(prefix.address.bytes));
	k = sl_prefix_key_of(&prefix);
	assert_memory_equal(k.v6.address, "\xab\xab\xab\xab\0\0\0\0\0\0\0\0\0\0\0\0", 16);
}

static void a_prefix_stands_after_those_around_it(void **state)
{
	static const char *const sorted[] = { "0.0.0.0/0",   "10.0.0.0/8",  "10.0.0.0/9",
					      "10.0.0.0/32", "10.1.0.0/16", "11.0.0.0/8" };

	for (size_t i = 0; i < 6; i++) {
		for (size_t j = 0; j < 6; j++) {
			const union sl_prefix_key a = key(sorted[i]), b = key(sorted[j]);
			int order = sl_prefix_compare(&a, &b);

			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
		}
	}
}

static void covering_is_by_the_outer_bits(void **state)
{
	static const struct {
		const char *outer, *inner;
		bool covers;
	} cases[] = {
		{ "0.0.0.0/0", "255.255.255.255/32", true },
		{ "10.0.0.0/8", "10.255.0.0/16", true },
		{ "10.0.0.0/8", "10.0.0.0/8", true },
		{ "10.0.0.0/9", "10.128.0.0/9", false },
		{ "10.0.0.0/9", "10.0.0.0/8", false },
		{ "10.0.0.0/15", "10.1.2.3/32", true },
		{ "10.0.0.0/15", "10.2.2.3/32", false },
		{ "192.0.2.1/32", "192.0.2.1/32", true },
		{ "192.0.2.1/32", "192.0.2.2/32", false },
		{ "2001:db8::/33", "2001:db8:7fff::/48", true },
		{ "2001:db8::/33", "2001:db8:8000::/48", false },
		{ "::1/128", "::1/128", true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const union sl_prefix_key outer = key(cases[i].outer), inner = key(cases[i].inner);

		assert_int_equal(sl_prefix_covers(&outer, &inner), cases[i].covers);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_what_the_kernel_takes),
		cmocka_unit_test(what_lies_after_an_ipv4_address_is_left_out),
		cmocka_unit_test(a_prefix_stands_after_those_around_it),
		cmocka_unit_test(covering_is_by_the_outer_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
