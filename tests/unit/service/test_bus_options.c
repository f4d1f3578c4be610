// SPDX-License-Identifier: Apache-2.0
/* From the mapping `nats` to the options of a bus. */
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/service/bus_options.h"

static void write_file(char ret[64], const char *text, size_t length)
{
	FILE *file;
	int fd;

	(void)snprintf(ret, 64, "/tmp/sluice-password-XXXXXX");
	fd = mkstemp(ret);
	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static void test_all_is_taken_over(void **state)
{
	const struct sl_conf_nats nats = {
		.servers = "nats://a:1",
		.user = "u",
		.credentials_file = "/c",
		.nkey_seed_file = "/n",
		.tls_ca_file = "/ca",
		.tls_cert_file = "/cert",
		.tls_key_file = "/key",
		.tls = true,
		.connect_timeout_ns = 1500000000,
		.reconnect_wait_ns = 20000000,
		.ping_interval_ns = 3000000,
		.replicas = 3,
	};
	struct sl_bus_options options;

	sl_bus_options_fill(&options, &nats, "me", "secret");
	assert_string_equal(options.servers, "nats://a:1");
	assert_string_equal(options.name, "me");
	assert_string_equal(options.user, "u");
	assert_string_equal(options.password, "secret");
	assert_string_equal(options.credentials_file, "/c");
	assert_string_equal(options.nkey_seed_file, "/n");
	assert_string_equal(options.tls_ca_file, "/ca");
	assert_string_equal(options.tls_cert_file, "/cert");
	assert_string_equal(options.tls_key_file, "/key");
	assert_true(options.tls);
	assert_int_equal(options.connect_timeout_ms, 1500);
	assert_int_equal(options.reconnect_wait_ms, 20);
	assert_int_equal(options.ping_interval_ms, 3);
	assert_int_equal(options.stream_replicas, 3);
}

static void test_what_is_empty_is_not_given(void **state)
{
	const struct sl_conf_nats nats = { .servers = "x" };
	struct sl_bus_options options;

	sl_bus_options_fill(&options, &nats, "me", "");
	assert_null(options.user);
	assert_null(options.password);
	assert_null(options.token);
	assert_null(options.credentials_file);
	assert_null(options.nkey_seed_file);
	assert_null(options.tls_ca_file);
	assert_null(options.tls_cert_file);
	assert_null(options.tls_key_file);
	assert_false(options.tls);
}

static void test_password_is_the_first_line(void **state)
{
	static const struct {
		const char *text, *password;
	} cases[] = { { "one\ntwo\n", "one" },
		      { "one\r\n", "one" },
		      { "one", "one" },
		      { "\n", "" },
		      { " a b ", " a b " } };
	struct sl_program_error error = { .message = "" };
	char password[SL_BUS_PASSWORD_BYTES], path[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_file(path, cases[i].text, strlen(cases[i].text));
		assert_int_equal(sl_bus_password_read(password, path, &error), 0);
		assert_string_equal(password, cases[i].password);
		assert_int_equal(remove(path), 0);
	}
	assert_int_equal(sl_bus_password_read(password, "", &error), 0);
	assert_string_equal(password, "");
	assert_string_equal(error.message, "");
}

static void refused(const char *path, const char *why)
{
	struct sl_program_error error = { .message = "" };
	char password[SL_BUS_PASSWORD_BYTES];

	assert_int_equal(sl_bus_password_read(password, path, &error), -ENOENT);
	assert_string_equal(password, "");
	if (!strstr(error.message, why))
		fail_msg("%s does not say %s", error.message, why);
}

static void test_password_that_cannot_be_read(void **state)
{
	char path[64], line[SL_BUS_PASSWORD_BYTES];
	struct sl_program_error error = { .message = "" };
	char password[SL_BUS_PASSWORD_BYTES];

	refused("/nonexistent/password", "nats.password_file: cannot read /nonexistent/password");
	refused("/tmp", "cannot read /tmp");
	refused("/dev/null", "cannot read /dev/null");

	/* As long as it may be, and one byte more. */
	memset(line, 'x', sizeof(line));
	write_file(path, line, sizeof(line) - 2);
	assert_int_equal(sl_bus_password_read(password, path, &error), 0);
	assert_int_equal(strlen(password), sizeof(line) - 2);
	assert_int_equal(remove(path), 0);
	write_file(path, line, sizeof(line) - 1);
	refused(path, "is longer than 254 bytes");
	assert_int_equal(remove(path), 0);
}

static void test_open_says_what_is_wrong(void **state)
{
	struct sl_conf_nats nats = { .servers = "x", .password_file = "/nonexistent/password" };
	struct sl_program_error error = { .message = "" };
	struct sl_bus *bus = NULL;

	assert_int_equal(sl_bus_open(&bus, NULL, &nats, "me", NULL, NULL, &error), -ENOENT);
	assert_non_null(strstr(error.message, "nats.password_file: cannot read"));
	nats.password_file[0] = '\0';
	(void)snprintf(nats.servers, sizeof(nats.servers), "http://a:1");
	assert_int_equal(sl_bus_open(&bus, NULL, &nats, "me", NULL, NULL, &error), -EINVAL);
	assert_memory_equal(error.message, "nats: ", 6);
	assert_non_null(strstr(error.message, "want nats://"));
	assert_null(bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_is_taken_over),
		cmocka_unit_test(test_what_is_empty_is_not_given),
		cmocka_unit_test(test_password_is_the_first_line),
		cmocka_unit_test(test_password_that_cannot_be_read),
		cmocka_unit_test(test_open_says_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
