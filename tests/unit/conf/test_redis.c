// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/conf/redis.h"

struct file {
	uint32_t version;
	struct sl_redis_spec redis;
};

static const struct sl_conf_field fields[] = {
	{ "version", &sl_conf_integer, SL_CONF_MEMBER(file, version), .min = 1, .max = 1,
	  .flags = SL_CONF_REQUIRED, .help = "Of the format." },
	{ "redis", .table = &sl_conf_redis_table, SL_CONF_MEMBER(file, redis) },
};
static const struct sl_conf_table root = { "A file.", SL_CONF_TABLE(fields), 0 };
static const struct sl_conf_schema schema = {
	.program = "test",
	.root = &root,
	.size = sizeof(struct file),
};

static int read_text(struct file *ret, const char *text, struct sl_conf_error *error)
{
	return sl_conf_read_text(ret, &schema, "f", text, strlen(text), NULL, error);
}

static void what_is_left_out_has_a_default(void **state)
{
	struct file file;
	struct sl_conf_error error;

	assert_int_equal(read_text(&file, "version: 1\n", &error), 0);
	assert_int_equal(file.redis.mode, 0);
	assert_string_equal(file.redis.addresses, "127.0.0.1:6379");
	assert_string_equal(file.redis.password_file, "");
	assert_int_equal(file.redis.command_timeout_ns, 250000000);
	assert_int_equal(file.redis.connect_timeout_ns, 250000000);
	assert_false(file.redis.tls);
}

static void what_is_given_is_read(void **state)
{
	struct file file;
	struct sl_conf_error error;

	assert_int_equal(read_text(&file,
				   "version: 1\n"
				   "redis:\n"
				   "  mode: sentinel\n"
				   "  addresses: '192.0.2.1:26379,[2001:db8::1]:26379'\n"
				   "  master: main\n"
				   "  user: sluice\n"
				   "  password_file: /etc/sluice/redis\n"
				   "  database: 3\n"
				   "  tls: true\n"
				   "  command_timeout: 100ms\n",
				   &error),
			 0);
	assert_int_equal(file.redis.mode, 1);
	assert_string_equal(file.redis.addresses, "192.0.2.1:26379,[2001:db8::1]:26379");
	assert_string_equal(file.redis.master, "main");
	assert_string_equal(file.redis.user, "sluice");
	assert_string_equal(file.redis.password_file, "/etc/sluice/redis");
	assert_int_equal(file.redis.database, 3);
	assert_true(file.redis.tls);
	assert_int_equal(file.redis.command_timeout_ns, 100000000);
	assert_int_equal(read_text(&file, "version: 1\nredis: {mode: cluster}\n", &error), 0);
	assert_int_equal(file.redis.mode, 2);
}

static void what_cannot_be_is_refused(void **state)
{
	static const struct {
		const char *redis, *says;
	} rows[] = {
		{ "mode: replica", "redis.mode" },
		{ "command_timeout: 11s", "redis.command_timeout" },
		{ "connect_timeout: 1ms", "redis.connect_timeout" },
		{ "database: 1024", "redis.database" },
		{ "password_file: redis", "redis.password_file" },
		{ "password: secret", "redis.password" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sl_conf_error error = { "" };
		struct file file;
		char text[256];

		(void)snprintf(text, sizeof(text), "version: 1\nredis: {%s}\n", rows[i].redis);
		assert_int_equal(read_text(&file, text, &error), -EINVAL);
		if (!strstr(error.message, rows[i].says))
			fail_msg("%s: %s", rows[i].redis, error.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left_out_has_a_default),
		cmocka_unit_test(what_is_given_is_read),
		cmocka_unit_test(what_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
