// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <string.h>

#include "userspace/redis/address.h"

static void addresses_are_read(void **state)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
	} rows[] = {
		{ "127.0.0.1:6380", "127.0.0.1", 6380 },       { "127.0.0.1", "127.0.0.1", 26379 },
		{ "[2001:db8::1]:7000", "2001:db8::1", 7000 }, { "[::1]", "::1", 26379 },
		{ "redis_1.example:1", "redis_1.example", 1 }, { "1redis", "1redis", 26379 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sl_redis_address got;

		assert_int_equal(sl_redis_parse_address(&got, sl_span_of(rows[i].text), 26379), 0);
		assert_string_equal(got.host, rows[i].host);
		assert_int_equal(got.port, rows[i].port);
	}
}

static void odd_ones_are_refused(void **state)
{
	static const char *const texts[] = {
		"",	   ":",		  ":6379",	 "a:",		"a:0",
		"a:65536", "a:x",	  "a:1:2",	 "[::1",	"[::1]6379",
		"[::1]:",  "[]:1",	  "::1",	 "a b:1",	"a\n:1",
		"[a]b:1",  "0.0.0.0:1",	  "[::]:1",	 "1.2.3:1",	"1.2.3.4.5",
		"_a:1",	   "redis://a:1", "[ff02::1]:1", "239.1.1.1:1", "a/b",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct sl_redis_address got = { .port = 9 };

		assert_int_equal(sl_redis_parse_address(&got, sl_span_of(texts[i]), 1), -EINVAL);
		assert_int_equal(got.port, 9);
	}
}

static void servers_name_digits_only(void **state)
{
	char host[SL_REDIS_HOST_BYTES] = "";

	assert_int_equal(sl_redis_parse_host(host, SL_SPAN("192.0.2.1")), 0);
	assert_string_equal(host, "192.0.2.1");
	assert_int_equal(sl_redis_parse_host(host, SL_SPAN("2001:db8::1")), 0);
	assert_string_equal(host, "2001:db8::1");
	assert_int_equal(sl_redis_parse_host(host, SL_SPAN("localhost")), -EINVAL);
	assert_int_equal(sl_redis_parse_host(host, SL_SPAN("192.0.2.1\0b")), -EINVAL);
	assert_int_equal(sl_redis_parse_host(host, SL_SPAN("")), -EINVAL);
	assert_string_equal(host, "2001:db8::1");
}

static void a_name_is_not_cut(void **state)
{
	char text[260];
	struct sl_redis_address got;

	memset(text, 'a', sizeof(text));
	memcpy(text + 253, ":6379", 6);
	assert_int_equal(sl_redis_parse_address(&got, sl_span_of(text), 1), 0);
	assert_int_equal(strlen(got.host), 253);
	text[253] = 'a';
	memcpy(text + 254, ":6379", 6);
	assert_int_equal(sl_redis_parse_address(&got, sl_span_of(text), 1), -EINVAL);
}

static void names_are_told_from_digits(void **state)
{
	assert_true(sl_redis_host_is_numeric("192.0.2.1"));
	assert_true(sl_redis_host_is_numeric("::1"));
	assert_false(sl_redis_host_is_numeric("localhost"));
	assert_false(sl_redis_host_is_numeric("1.example"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read),
		cmocka_unit_test(odd_ones_are_refused),
		cmocka_unit_test(servers_name_digits_only),
		cmocka_unit_test(a_name_is_not_cut),
		cmocka_unit_test(names_are_told_from_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
