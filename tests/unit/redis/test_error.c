// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <string.h>

#include "userspace/redis/error.h"

#define FROM "192.0.2.9"

static void errors_are_told_apart(void **state)
{
	static const struct {
		const char *text;
		enum sl_redis_error error;
		int status;
	} rows[] = {
		{ "MOVED 3999 127.0.0.1:6381", SL_REDIS_ERROR_MOVED, -ELOOP },
		{ "ASK 3999 127.0.0.1:6381", SL_REDIS_ERROR_ASK, -ELOOP },
		{ "TRYAGAIN Multiple keys", SL_REDIS_ERROR_TRYAGAIN, -EAGAIN },
		{ "CLUSTERDOWN Hash slot not served", SL_REDIS_ERROR_CLUSTERDOWN, -ENETDOWN },
		{ "LOADING Redis is loading", SL_REDIS_ERROR_LOADING, -EAGAIN },
		{ "READONLY You can't write", SL_REDIS_ERROR_READONLY, -EROFS },
		{ "MASTERDOWN Link with MASTER", SL_REDIS_ERROR_MASTERDOWN, -EAGAIN },
		{ "NOREPLICAS Not enough", SL_REDIS_ERROR_NOREPLICAS, -EAGAIN },
		{ "BUSY Redis is busy", SL_REDIS_ERROR_BUSY, -EAGAIN },
		{ "ERR Function not found", SL_REDIS_ERROR_NO_FUNCTION, -ENOENT },
		{ "NOAUTH Authentication required.", SL_REDIS_ERROR_DENIED, -EACCES },
		{ "WRONGPASS invalid", SL_REDIS_ERROR_DENIED, -EACCES },
		{ "NOPERM this user", SL_REDIS_ERROR_DENIED, -EACCES },
		{ "ERR invalid password", SL_REDIS_ERROR_DENIED, -EACCES },
		{ "OOM command not allowed", SL_REDIS_ERROR_FULL, -ENOSPC },
		{ "CROSSSLOT Keys in request", SL_REDIS_ERROR_CROSSSLOT, -EXDEV },
		{ "MISCONF Redis is configured", SL_REDIS_ERROR_MISCONF, -EIO },
		{ "ERR unknown command", SL_REDIS_ERROR_OTHER, -EREMOTEIO },
		{ "WRONGTYPE Operation", SL_REDIS_ERROR_OTHER, -EREMOTEIO },
		{ "MOVEDX 1 a:1", SL_REDIS_ERROR_OTHER, -EREMOTEIO },
		{ "moved 1 a:1", SL_REDIS_ERROR_OTHER, -EREMOTEIO },
		{ "BUSYGROUP of a stream", SL_REDIS_ERROR_OTHER, -EREMOTEIO },
		{ "ASK", SL_REDIS_ERROR_ASK, -ELOOP },
		{ "", SL_REDIS_ERROR_OTHER, -EREMOTEIO },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(sl_redis_error_of(sl_span_of(rows[i].text)), rows[i].error);
		assert_int_equal(sl_redis_error_status(rows[i].error), rows[i].status);
	}
	assert_int_equal(sl_redis_error_status(SL_REDIS_ERROR_KINDS), -EREMOTEIO);
}

static void redirects_are_read(void **state)
{
	static const struct {
		const char *text, *host;
		uint16_t slot, port;
	} rows[] = {
		{ "MOVED 3999 127.0.0.1:6381", "127.0.0.1", 3999, 6381 },
		{ "ASK 0 192.0.2.1:1", "192.0.2.1", 0, 1 },
		{ "MOVED 16383 2001:db8::5:65535", "2001:db8::5", 16383, 65535 },
		{ "MOVED 1 :6379", FROM, 1, 6379 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sl_redis_redirect got;

		assert_int_equal(sl_redis_redirect_parse(&got, sl_span_of(rows[i].text), FROM), 0);
		assert_int_equal(got.slot, rows[i].slot);
		assert_int_equal(got.to.port, rows[i].port);
		assert_string_equal(got.to.host, rows[i].host);
	}
}

static void odd_redirects_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"MOVED",
		"MOVED ",
		"MOVED 1",
		"MOVED 1 ",
		"MOVED 1 192.0.2.1",
		"MOVED 1 192.0.2.1:",
		"MOVED 1 192.0.2.1:0",
		"MOVED 1 192.0.2.1:65536",
		"MOVED 1 192.0.2.1:99999999999999999999",
		"MOVED 1 192.0.2.1:+1",
		"MOVED 1 192.0.2.1:6379 more",
		"MOVED 16384 192.0.2.1:6379",
		"MOVED -1 192.0.2.1:6379",
		"MOVED 1x 192.0.2.1:6379",
		"MOVED  1 192.0.2.1:6379",
		"MOVED 1 0.0.0.0:6379",
		"MOVED 1 :::6379",
		"MOVED 1 224.0.0.1:6379",
		"MOVED 1 255.255.255.255:6379",
		"MOVED 1 ff02::1:6379",
		"MOVED 1 300.1.1.1:6379",
		"MOVED 1 ../etc/passwd:6379",
		"MOVED 1 redis-0.redis.svc:6379",
		"MOVED 1 -host:6379",
		"MOVED 1 a..b:6379",
		"MOVED 1 ?:6379",
		"GO 1 192.0.2.1:6379",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct sl_redis_redirect got = { .slot = 7 };

		assert_int_equal(sl_redis_redirect_parse(&got, sl_span_of(texts[i]), FROM),
				 -EINVAL);
		assert_int_equal(got.slot, 7);
	}
}

static void a_long_host_is_refused(void **state)
{
	char text[400];
	struct sl_redis_redirect got;

	memset(text, '1', sizeof(text));
	memcpy(text, "MOVED 1 ", 8);
	memcpy(text + sizeof(text) - 6, ":6379", 6);
	assert_int_equal(sl_redis_redirect_parse(&got, sl_span_of(text), FROM), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_are_told_apart),
		cmocka_unit_test(redirects_are_read),
		cmocka_unit_test(odd_redirects_are_refused),
		cmocka_unit_test(a_long_host_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
