// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/redis/uri.h"

static void what_is_good_is_taken_apart(void **state)
{
	static const struct {
		const char *text, *address, *user, *password;
		uint32_t database;
	} rows[] = {
		{ "redis://127.0.0.1", "127.0.0.1", "", "", 0 },
		{ "redis://redis.example:7000/", "redis.example:7000", "", "", 0 },
		{ "redis://[2001:db8::1]:7000/15", "[2001:db8::1]:7000", "", "", 15 },
		{ "redis://:p@h", "h", "", "p", 0 },
		{ "redis://p@h", "h", "", "p", 0 },
		{ "redis://me:"
		  "a%3Ab%40c%2F%25@h:1/1023",
		  "h:1", "me", "a:b@c/%", 1023 },
		{ "redis://me:a@b:c@h", "h", "me", "a@b:c", 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sl_redis_uri uri;
		const char *why = NULL;

		if (sl_redis_uri_parse(&uri, sl_span_of(rows[i].text), &why))
			fail_msg("%s: %s", rows[i].text, why);
		assert_string_equal(uri.address, rows[i].address);
		assert_string_equal(uri.user, rows[i].user);
		assert_string_equal(uri.password, rows[i].password);
		assert_int_equal(uri.database, rows[i].database);
	}
}

static void what_is_not_is_refused(void **state)
{
	static const struct {
		const char *text;
		int err;
	} rows[] = {
		{ "rediss://127.0.0.1", -EPROTONOSUPPORT },
		{ "", -EINVAL },
		{ "redis:", -EINVAL },
		{ "redis://", -EINVAL },
		{ "REDIS://h", -EINVAL },
		{ "http://h", -EINVAL },
		{ "redis://h:", -EINVAL },
		{ "redis://h:0", -EINVAL },
		{ "redis://h:65536", -EINVAL },
		{ "redis://0.0.0.0", -EINVAL },
		{ "redis://::1", -EINVAL },
		{ "redis://h/x", -EINVAL },
		{ "redis://h/1024", -EINVAL },
		{ "redis://h/00001", -EINVAL },
		{ "redis://h/-1", -EINVAL },
		{ "redis://h/1?timeout=3", -EINVAL },
		{ "redis://h#1", -EINVAL },
		{ "redis://@h", -EINVAL },
		{ "redis://me:@h", -EINVAL },
		{ "redis://:%@h", -EINVAL },
		{ "redis://:%4@h", -EINVAL },
		{ "redis://:%4g@h", -EINVAL },
		{ "redis://:%00@h", -EINVAL },
		{ "redis://:%0a@h", -EINVAL },
		{ "redis://h,i", -EINVAL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sl_redis_uri uri = { .database = 7 };
		const char *why = NULL;

		if (sl_redis_uri_parse(&uri, sl_span_of(rows[i].text), &why) != rows[i].err)
			fail_msg("%s", rows[i].text);
		assert_non_null(why);
		assert_int_equal(uri.database, 7);
	}
}

static void lengths_are_bounded(void **state)
{
	static const size_t lengths[] = { 64, 65, 256, 257, 600 };
	struct sl_redis_uri uri;
	const char *why;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		char text[700], word[601] = "";

		memset(word, 'x', lengths[i]);
		(void)snprintf(text, sizeof(text), "redis://%s:p@h", word);
		assert_int_equal(sl_redis_uri_parse(&uri, sl_span_of(text), &why),
				 lengths[i] < SL_REDIS_URI_USER_BYTES ? 0 : -EINVAL);
		(void)snprintf(text, sizeof(text), "redis://:%s@h", word);
		assert_int_equal(sl_redis_uri_parse(&uri, sl_span_of(text), &why),
				 lengths[i] < SL_REDIS_URI_PASSWORD_BYTES ? 0 : -EINVAL);
		(void)snprintf(text, sizeof(text), "redis://%s", word);
		assert_int_equal(sl_redis_uri_parse(&uri, sl_span_of(text), &why),
				 lengths[i] < SL_REDIS_HOST_BYTES ? 0 : -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_good_is_taken_apart),
		cmocka_unit_test(what_is_not_is_refused),
		cmocka_unit_test(lengths_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
