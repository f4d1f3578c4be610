// SPDX-License-Identifier: Apache-2.0
/* Options: which are refused, and who a server takes us for. */
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness/bus_loop.h"
#include "tests/harness/nats.h"
#include "userspace/bus/bus.h"

#define SOON_MS 8000u

static struct sl_bus_loop loop;

static bool has_error(void *context)
{
	return *sl_bus_last_error(context) != '\0';
}

static void expect(const struct sl_bus_options *options, enum sl_bus_state state)
{
	struct sl_bus *bus = sl_bus_loop_bus(&loop, options);

	if (!sl_bus_loop_state(&loop, bus, state, SOON_MS))
		fail_msg("state %d, not %d: %s", sl_bus_state(bus), state, sl_bus_last_error(bus));
	if (state == SL_BUS_REFUSED)
		assert_non_null(strstr(sl_bus_last_error(bus), ": Authorization Violation"));
	assert_null(strstr(sl_bus_last_error(bus), ".c:"));
	sl_bus_free(bus);
}

static void test_user_and_password(void **state)
{
	struct sl_nats server;
	struct sl_bus_options options = { .user = "sluice", .password = "s3cret" };
	char in_url[96];

	sl_nats_open(&server, "authorization { user: sluice, password: s3cret }");
	options.servers = server.url;
	expect(&options, SL_BUS_CONNECTED);
	options.password = "wrong";
	expect(&options, SL_BUS_REFUSED);
	options.user = options.password = NULL;
	expect(&options, SL_BUS_REFUSED);
	(void)snprintf(in_url, sizeof(in_url), "nats://%s:%s@127.0.0.1:%u", "sluice", "s3cret",
		       server.port);
	options.servers = in_url;
	expect(&options, SL_BUS_CONNECTED);
	sl_nats_close(&server);
}

/* It is said, and the connection stays. */
static void test_subject_that_is_not_allowed(void **state)
{
	struct sl_nats server;
	struct sl_bus_options options = { .user = "a", .password = "b", .ping_interval_ms = 50 };
	struct sl_bus *bus;

	sl_nats_open(&server, "authorization { users: [ { user: a, password: b, permissions: "
			      "{ publish: { deny: \"secret\" } } } ] }");
	options.servers = server.url;
	bus = sl_bus_loop_bus(&loop, &options);
	assert_true(sl_bus_loop_state(&loop, bus, SL_BUS_CONNECTED, SOON_MS));
	assert_string_equal(sl_bus_last_error(bus), "");
	assert_int_equal(sl_bus_publish(bus, "secret", NULL, NULL, 0, SL_SPAN("x")), 0);
	assert_true(sl_bus_loop_until(&loop, has_error, bus, SOON_MS));
	assert_non_null(strstr(sl_bus_last_error(bus), "ermission"));
	assert_int_equal(sl_bus_state(bus), SL_BUS_CONNECTED);
	sl_bus_free(bus);
	sl_nats_close(&server);
}

/* A refused client goes on, slower: the key may have been changed. */
static void test_refused_then_allowed(void **state)
{
	struct sl_nats server;
	struct sl_bus_options options = { .token = "t0ken", .reconnect_wait_ms = 20 };
	struct sl_bus *bus;

	sl_nats_open(&server, "authorization { token: other }");
	options.servers = server.url;
	bus = sl_bus_loop_bus(&loop, &options);
	assert_true(sl_bus_loop_state(&loop, bus, SL_BUS_REFUSED, SOON_MS));
	sl_nats_kill(&server);
	free(server.settings);
	server.settings = strdup("authorization { token: t0ken }");
	sl_nats_start(&server);
	assert_true(sl_bus_loop_state(&loop, bus, SL_BUS_CONNECTED, SOON_MS));
	sl_bus_free(bus);
	sl_nats_close(&server);
}

#define SEED   "SUAACAQDAQCQMBYIBEFAWDANBYHRAEISCMKBKFQXDAMRUGY4DUPB6IC5CQ"
#define SEED_2 "SUAACAQDAQCQMBYIBEFAWDANBYHRAEISCMKBKFQXDAMRUGY4DUPB6IC5CA" /* sum is wrong */
#define PUBLIC "UB43KVROR7TFJ6KAPCYRF2FJROTZAH4FHLTJLPWX4DRZCC5NASLGJBFE"

static void write_file(char ret[128], const struct sl_nats *server, const char *name,
		       const char *text)
{
	FILE *file;

	(void)snprintf(ret, 128, "%s/%s", server->folder, name);
	file = fopen(ret, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void refused(const struct sl_bus_options *options, const char *why)
{
	struct sl_bus_error error = { .message = "" };
	struct sl_bus *bus = NULL;

	assert_int_equal(sl_bus_new(&bus, loop.loop, options, NULL, NULL, &error), -EINVAL);
	assert_null(bus);
	if (!strstr(error.message, why))
		fail_msg("%s does not say %s", error.message, why);
}

static void test_nkey(void **state)
{
	struct sl_nats server;
	struct sl_bus_options options = { .servers = "x" };
	char seed[128], bad[128];

	sl_nats_prepare(&server, "authorization { users: [ { nkey: " PUBLIC " } ] }");
	write_file(seed, &server, "seed", SEED "\n");
	write_file(bad, &server, "bad", SEED_2 "\n");
	sl_nats_start(&server);
	options.servers = server.url;
	expect(&options, SL_BUS_REFUSED);
	options.nkey_seed_file = seed;
	expect(&options, SL_BUS_CONNECTED);
	options.nkey_public = PUBLIC;
	expect(&options, SL_BUS_CONNECTED);
	options.nkey_public = NULL;
	options.nkey_seed_file = bad;
	refused(&options, "not a user seed");
	sl_nats_close(&server);
}

/* Of a server: its certificate for localhost, which is its own CA, and the key. */
struct certificate {
	char ca[128], key[128];
};

/* @wants_ours: from clients as well. */
static void open_with_tls(struct sl_nats *server, struct certificate *ret, bool wants_ours)
{
	char command[1024], settings[512];

	sl_nats_prepare(server, NULL);
	(void)snprintf(ret->ca, sizeof(ret->ca), "%s/cert.pem", server->folder);
	(void)snprintf(ret->key, sizeof(ret->key), "%s/key.pem", server->folder);
	(void)snprintf(command, sizeof(command),
		       "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
		       "-days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost "
		       "-keyout %s -out %s 2>/dev/null",
		       ret->key, ret->ca);
	assert_int_equal(system(command), 0);
	(void)snprintf(settings, sizeof(settings),
		       "tls { cert_file: \"%s\", key_file: \"%s\", ca_file: \"%s\", verify: %s }",
		       ret->ca, ret->key, ret->ca, wants_ours ? "true" : "false");
	server->settings = strdup(settings);
	sl_nats_start(server);
}

static void test_tls(void **state)
{
	struct sl_nats server;
	struct sl_bus_options options = { .servers = NULL };
	struct certificate certificate;
	char url[64];
	char *reason;

	open_with_tls(&server, &certificate, true);
	(void)snprintf(url, sizeof(url), "tls://localhost:%u", server.port);
	options.servers = url;
	options.tls_ca_file = certificate.ca;
	options.tls_cert_file = certificate.ca;
	options.tls_key_file = certificate.key;
	expect(&options, SL_BUS_CONNECTED);

	{ /* without the CA it is not believed; without a certificate we are not */
		struct sl_bus_options blind = options;
		struct sl_bus *bus;

		blind.tls_ca_file = NULL;
		bus = sl_bus_loop_bus(&loop, &blind);
		assert_true(sl_bus_loop_until(&loop, has_error, bus, SOON_MS));
		assert_int_equal(sl_bus_state(bus), SL_BUS_CONNECTING);
		sl_bus_free(bus);
		blind = options;
		blind.tls_cert_file = blind.tls_key_file = NULL;
		bus = sl_bus_loop_bus(&loop, &blind);
		assert_true(sl_bus_loop_until(&loop, has_error, bus, SOON_MS));
		assert_int_not_equal(sl_bus_state(bus), SL_BUS_CONNECTED);
		sl_bus_free(bus);
		/* Another name than the certificate's. */
		blind = options;
		(void)snprintf(url, sizeof(url), "tls://127.0.0.1:%u", server.port);
		bus = sl_bus_loop_bus(&loop, &blind);
		assert_true(sl_bus_loop_until(&loop, has_error, bus, SOON_MS));
		assert_int_not_equal(sl_bus_state(bus), SL_BUS_CONNECTED);
		reason = strdup(sl_bus_last_error(bus));
		sl_bus_free(bus);
	}
	assert_non_null(reason);
	assert_string_not_equal(reason, "");
	free(reason);
	sl_nats_close(&server);
}

static void test_tls_carries_much(void **state)
{
	struct sl_nats server;
	struct certificate certificate;
	char url[64];
	struct sl_bus_options options = { .servers = url };
	struct sl_bus_subscription *subscription;
	size_t bytes = 1u << 19;
	char *big = calloc(1, bytes);
	struct sl_bus *bus;
	int heard = 0;

	assert_non_null(big);
	open_with_tls(&server, &certificate, false);
	(void)snprintf(url, sizeof(url), "nats://localhost:%u", server.port);
	options.tls_ca_file = certificate.ca;
	bus = sl_bus_loop_bus(&loop, &options);
	assert_true(sl_bus_loop_state(&loop, bus, SL_BUS_CONNECTED, SOON_MS));
	assert_int_equal(
		sl_bus_subscribe(&subscription, bus, "x", NULL, sl_bus_loop_count_message, &heard),
		0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(
			sl_bus_publish(bus, "x", NULL, NULL, 0, (struct sl_span){ big, bytes }), 0);
	assert_true(sl_bus_loop_count(&loop, &heard, 20, SOON_MS));
	sl_bus_free(bus);
	free(big);
	sl_nats_close(&server);
}

static void test_options_are_checked(void **state)
{
	struct sl_bus_options options = { .servers = NULL };

	refused(&options, "not given");
	options.servers = "nats://a:4222,,nats://b";
	refused(&options, "empty");
	options.servers = "http://a:4222";
	refused(&options, "want nats://");
	options.servers = "nats://user:pass@a b:4222";
	refused(&options, "want nats://");
	options.servers = "nats://";
	refused(&options, "want nats://");
	options.servers = "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q";
	refused(&options, "more than 16");
	options.servers = "nats://127.0.0.1:1";
	options.tls_ca_file = "/nonexistent/ca";
	refused(&options, "No such file");
	options.tls_ca_file = "/dev/null";
	refused(&options, "no certificates");
	options.tls_ca_file = NULL;
	options.tls_cert_file = "/dev/null";
	refused(&options, "go together");
	options.tls_cert_file = NULL;
	options.credentials_file = "/nonexistent/creds";
	refused(&options, "credentials_file");
}

static int open_all(void **state)
{
	sl_bus_loop_open(&loop);
	return 0;
}

static int close_all(void **state)
{
	sl_bus_loop_close(&loop);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_user_and_password),
		cmocka_unit_test(test_subject_that_is_not_allowed),
		cmocka_unit_test(test_refused_then_allowed),
		cmocka_unit_test(test_nkey),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_tls_carries_much),
		cmocka_unit_test(test_options_are_checked),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
