// SPDX-License-Identifier: Apache-2.0
/* The client without a server: its options, what it refuses, how its calls end. */
#include "tests/harness/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness/clock.h"
#include "userspace/bus/loop_event.h"
#include "userspace/redis/redis.h"

#define MS_NS 1000000ull

static struct sl_loop *loop_on(struct event_base *base)
{
	struct sl_loop *loop = NULL;

	assert_non_null(base);
	assert_int_equal(sl_loop_event_new(&loop, base), 0);
	return loop;
}

static void end_loop(struct sl_loop *loop, struct event_base *base)
{
	sl_loop_event_free(loop);
	event_base_free(base);
}

static struct sl_redis *open_at(struct sl_loop *loop, const char *addresses)
{
	const struct sl_redis_options options = {
		.addresses = addresses,
		.command_timeout_ns = 50 * MS_NS,
		.connect_timeout_ns = 50 * MS_NS,
		.reconnect_min_ns = 5 * MS_NS,
		.reconnect_max_ns = 10 * MS_NS,
		.breaker_failures = 3,
		.breaker_open_ns = 40 * MS_NS,
		.calls_max = 4,
		.seed = 1,
	};
	struct sl_redis_error_text error = { "" };
	struct sl_redis *redis = NULL;

	assert_int_equal(sl_redis_new(&redis, loop, &options, &error), 0);
	return redis;
}

static void options_are_checked(void **state)
{
	static const struct {
		struct sl_redis_options options;
		int err;
		const char *says;
	} rows[] = {
		{ { .addresses = NULL }, -EINVAL, "addresses" },
		{ { .addresses = "" }, -EINVAL, "addresses" },
		{ { .addresses = "127.0.0.1:1,,127.0.0.1:2" }, -EINVAL, "addresses" },
		{ { .addresses = "127.0.0.1:x" }, -EINVAL, "127.0.0.1:x" },
		{ { .addresses = "::1" }, -EINVAL, "::1" },
		{ { .addresses = "no/body.invalid" }, -EINVAL, "no/body.invalid" },
		{ { .addresses = "1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,"
				 "1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,"
				 "1.1.1.1" },
		  -EINVAL,
		  "more than 16" },
		{ { .addresses = "127.0.0.1", .tls = true }, -EPROTONOSUPPORT, "tls" },
		{ { .addresses = "127.0.0.1", .mode = SL_REDIS_SENTINEL }, -EINVAL, "master" },
		{ { .addresses = "127.0.0.1", .master = "main" }, -EINVAL, "master" },
		{ { .addresses = "127.0.0.1", .mode = SL_REDIS_CLUSTER, .database = 1 },
		  -EINVAL,
		  "database" },
		{ { .addresses = "127.0.0.1", .user = "u" }, -EINVAL, "password_file" },
		{ { .addresses = "127.0.0.1", .password_file = "/nowhere/x" },
		  -EINVAL,
		  "/nowhere/x" },
		{ { .addresses = "127.0.0.1", .command_timeout_ns = 10001 * MS_NS },
		  -EINVAL,
		  "timeout" },
		{ { .addresses = "127.0.0.1", .reconnect_min_ns = 9000 * MS_NS },
		  -EINVAL,
		  "reconnect" },
	};
	struct event_base *base = event_base_new();
	struct sl_loop *loop = loop_on(base);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sl_redis_error_text error = { "" };
		struct sl_redis *redis = NULL;

		assert_int_equal(sl_redis_new(&redis, loop, &rows[i].options, &error), rows[i].err);
		assert_non_null(strstr(error.message, rows[i].says));
		assert_null(redis);
	}
	end_loop(loop, base);
}

struct ended {
	int count, last;
	uint64_t at_ns;
};

static void end(void *userdata, int status, const struct sl_redis_reply *reply)
{
	struct ended *ended = userdata;

	assert_null(reply);
	ended->count++;
	ended->last = status;
	ended->at_ns = sl_now_ns();
}

static int call(struct sl_redis *redis, const char *command, struct ended *ended)
{
	const char *const argv[] = { command, "x" };
	const size_t lens[] = { strlen(command), 1 };

	return sl_redis_call(redis, SL_REDIS_ANY_SLOT, 2, argv, lens, end, ended);
}

static void what_cannot_be_sent_is_refused(void **state)
{
	static const char *const names[] = { "SUBSCRIBE", "pSubscribe", "MONITOR", "unsubscribe",
					     "RESET",	  "HELLO",	"QUIT",	   "" };
	static char large[SL_REDIS_CALL_BYTES_MAX];
	static const char *many[SL_REDIS_ARGUMENTS_MAX + 1];
	static size_t lens[SL_REDIS_ARGUMENTS_MAX + 1];
	struct event_base *base = event_base_new();
	struct sl_loop *loop = loop_on(base);
	struct sl_redis *redis = open_at(loop, "127.0.0.1:1");
	struct ended ended = { 0 };
	const char *const one[] = { large };
	const size_t length = sizeof(large);

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_int_equal(call(redis, names[i], &ended), -EINVAL);
	assert_int_equal(sl_redis_call(redis, 0, 0, one, &length, end, &ended), -EINVAL);
	assert_int_equal(sl_redis_call(redis, -2, 1, one, &length, end, &ended), -EINVAL);
	assert_int_equal(sl_redis_call(redis, 16384, 1, one, &length, end, &ended), -EINVAL);
	assert_int_equal(sl_redis_call(redis, 0, 1, one, &length, end, &ended), -EMSGSIZE);
	for (size_t i = 0; i <= SL_REDIS_ARGUMENTS_MAX; i++) {
		many[i] = "x";
		lens[i] = 1;
	}
	assert_int_equal(
		sl_redis_call(redis, 0, SL_REDIS_ARGUMENTS_MAX + 1, many, lens, end, &ended),
		-EMSGSIZE);
	assert_int_equal(sl_redis_stats(redis).in_flight, 0);
	sl_redis_free(redis);
	assert_int_equal(ended.count, 0);
	end_loop(loop, base);
}

static void calls_in_flight_are_bounded_and_cancelled(void **state)
{
	struct event_base *base = event_base_new();
	struct sl_loop *loop = loop_on(base);
	struct sl_redis *redis = open_at(loop, "127.0.0.1:1");
	struct ended ended = { 0 };

	for (int i = 0; i < 4; i++)
		assert_int_equal(call(redis, "GET", &ended), 0);
	assert_int_equal(call(redis, "GET", &ended), -EBUSY);
	assert_int_equal(sl_redis_stats(redis).in_flight, 4);
	assert_int_equal(sl_redis_stats(redis).busy_total, 1);
	assert_int_equal(ended.count, 0);
	sl_redis_free(redis);
	assert_int_equal(ended.count, 4);
	assert_int_equal(ended.last, -ECANCELED);
	end_loop(loop, base);
}

/* A server that takes connections and says nothing; its backlog answers for it. */
static int listen_mute(char ret[32])
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	(void)snprintf(ret, 32, "127.0.0.1:%u", (unsigned int)ntohs(address.sin_port));
	return fd;
}

static void run_until(struct event_base *base, const int *counter, int least)
{
	const uint64_t end_ns = sl_now_ns() + 3 * SL_NS_PER_S;

	while (*counter < least && sl_now_ns() < end_ns)
		(void)event_base_loop(base, EVLOOP_ONCE);
	assert_true(*counter >= least);
}

static void a_mute_server_costs_one_deadline(void **state)
{
	char address[32];
	const int fd = listen_mute(address);
	struct event_base *base = event_base_new();
	struct sl_loop *loop = loop_on(base);
	struct sl_redis *redis = open_at(loop, address);
	const uint64_t begun_ns = sl_now_ns();
	struct ended ended = { 0 };

	for (int i = 0; i < 4; i++)
		assert_int_equal(call(redis, "GET", &ended), 0);
	run_until(base, &ended.count, 4);
	assert_int_equal(ended.last, -ETIMEDOUT);
	assert_true(ended.at_ns - begun_ns >= 50 * MS_NS);
	assert_int_equal(sl_redis_stats(redis).timeouts_total, 4);
	assert_int_equal(sl_redis_stats(redis).breaker_opened_total, 1);
	assert_int_equal(sl_redis_state(redis, NULL), SL_REDIS_DOWN);

	/* The breaker is open: said at once, but from the loop. */
	assert_int_equal(call(redis, "GET", &ended), 0);
	assert_int_equal(ended.count, 4);
	run_until(base, &ended.count, 5);
	assert_int_equal(ended.last, -EHOSTUNREACH);
	sl_redis_free(redis);
	end_loop(loop, base);
	(void)close(fd);
}

/* It used to hold up the loop, for as long as name servers are silent. */
static void a_name_is_asked_for_in_the_background(void **state)
{
	struct event_base *base = event_base_new();
	struct sl_loop *loop = loop_on(base);
	struct sl_redis *redis = open_at(loop, "localhost:1");
	const uint64_t end_ns = sl_now_ns() + 3 * SL_NS_PER_S;
	struct ended ended = { 0 };

	(void)state;
	assert_int_equal(sl_redis_state(redis, NULL), SL_REDIS_DOWN);
	/* Its port 1 refuses: so there was an address. */
	while (!sl_redis_stats(redis).connect_failures_total && sl_now_ns() < end_ns)
		(void)event_base_loop(base, EVLOOP_ONCE);
	assert_true(sl_redis_stats(redis).connect_failures_total > 0);
	assert_int_equal(sl_redis_stats(redis).name_failures_total, 0);
	sl_redis_free(redis);

	/* Freed while it is asked; a call that waits for it ends by its deadline before. */
	redis = open_at(loop, "nobody.invalid:1,also.invalid:1");
	assert_int_equal(call(redis, "GET", &ended), 0);
	run_until(base, &ended.count, 1);
	assert_int_equal(ended.last, -ETIMEDOUT);
	sl_redis_free(redis);
	redis = open_at(loop, "nobody.invalid:1");
	sl_redis_free(redis);
	end_loop(loop, base);
}

static void a_library_is_checked_before_it_is_kept(void **state)
{
	static const char code[] = "#!lua name=q\n-- version: 1\n";
	struct event_base *base = event_base_new();
	struct sl_loop *loop = loop_on(base);
	struct sl_redis *redis = open_at(loop, "127.0.0.1:1");

	assert_int_equal(sl_redis_load_function(redis, "other", code, sizeof(code) - 1), -EINVAL);
	assert_int_equal(sl_redis_load_function(redis, "q", code, 13), -EINVAL);
	assert_int_equal(sl_redis_load_function(redis, "q", code, sizeof(code) - 1), 0);
	assert_int_equal(sl_redis_load_function(redis, "q", code, sizeof(code) - 1), -EALREADY);
	sl_redis_free(redis);
	end_loop(loop, base);
}

static void metrics_name_every_counter(void **state)
{
	struct sl_redis_stats stats;
	const size_t count = sizeof(stats) / sizeof(uint64_t);

	assert_int_equal(sl_redis_metric_count, count);
	for (size_t i = 0; i < count; i++) {
		memset(&stats, 0, sizeof(stats));
		memset((char *)&stats + i * sizeof(uint64_t), 0x11, sizeof(uint64_t));
		assert_int_equal(sl_redis_metric_value(&sl_redis_metrics[i], &stats),
				 0x1111111111111111ull);
		assert_int_equal(strstr(sl_redis_metrics[i].name, "_total") == NULL,
				 sl_redis_metrics[i].gauge);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_checked),
		cmocka_unit_test(what_cannot_be_sent_is_refused),
		cmocka_unit_test(calls_in_flight_are_bounded_and_cancelled),
		cmocka_unit_test(a_mute_server_costs_one_deadline),
		cmocka_unit_test(a_name_is_asked_for_in_the_background),
		cmocka_unit_test(a_library_is_checked_before_it_is_kept),
		cmocka_unit_test(metrics_name_every_counter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
