// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness/bus_loop.h"
#include "tests/harness/nats.h"
#include "userspace/bus/jetstream.h"

#define SOON_MS 8000u

static struct sl_nats server;
static struct sl_bus_loop loop;
static struct sl_bus *bus;

struct outcome {
	int count, status;
	uint64_t sequence;
	char value[64];
};

static void done(void *context, int status)
{
	struct outcome *outcome = context;

	outcome->count++;
	outcome->status = status;
}

static void stored(void *context, int status, const struct sl_js_published *published)
{
	struct outcome *outcome = context;

	done(context, status);
	outcome->sequence = published ? published->sequence : 0;
}

static void got(void *context, int status, const struct sl_bus_message *message, uint64_t sequence)
{
	struct outcome *outcome = context;
	struct sl_span value = message ? sl_bus_payload(message) : (struct sl_span){ "", 0 };

	done(context, status);
	outcome->sequence = sequence;
	sl_bus_loop_copy(outcome->value, sizeof(outcome->value), value);
}

static void wait_for(const struct outcome *outcome)
{
	assert_true(sl_bus_loop_count(&loop, &outcome->count, 1, SOON_MS));
	assert_int_equal(outcome->count, 1);
}

static void ensure(const char *name, uint64_t ttl_s)
{
	struct outcome outcome = { 0 };
	struct sl_kv_bucket bucket = { .name = name, .ttl_s = ttl_s, .max_value_bytes = 1024 };

	assert_int_equal(sl_kv_ensure(bus, &bucket, done, &outcome), 0);
	wait_for(&outcome);
	if (outcome.status)
		fail_msg("%d %s", outcome.status, sl_js_error(bus));
}

static struct outcome put(const char *bucket, const char *key, const char *value)
{
	struct outcome outcome = { 0 };

	assert_int_equal(sl_kv_put(bus, bucket, key, sl_span_of(value), 2000, stored, &outcome), 0);
	wait_for(&outcome);
	return outcome;
}

static struct outcome update(const char *bucket, const char *key, const char *value,
			     uint64_t revision)
{
	struct outcome outcome = { 0 };

	assert_int_equal(
		sl_kv_update(bus, bucket, key, sl_span_of(value), revision, 2000, stored, &outcome),
		0);
	wait_for(&outcome);
	return outcome;
}

static struct outcome get(const char *bucket, const char *key)
{
	struct outcome outcome = { 0 };

	assert_int_equal(sl_kv_get(bus, bucket, key, 2000, got, &outcome), 0);
	wait_for(&outcome);
	return outcome;
}

static void delete (const char *bucket, const char *key)
{
	struct outcome outcome = { 0 };

	assert_int_equal(sl_kv_delete(bus, bucket, key, 2000, stored, &outcome), 0);
	wait_for(&outcome);
	assert_int_equal(outcome.status, 0);
}

static void test_put_get_delete(void **state)
{
	struct outcome first, second, read;

	ensure("B", 0);
	ensure("B", 0);
	assert_int_equal(get("B", "k.1").status, -ENOENT);
	first = put("B", "k.1", "one");
	assert_int_equal(first.status, 0);
	second = put("B", "k.1", "two");
	read = get("B", "k.1");
	assert_int_equal(read.status, 0);
	assert_string_equal(read.value, "two");
	assert_int_equal(read.sequence, second.sequence);
	delete ("B", "k.1");
	assert_int_equal(get("B", "k.1").status, -ENOENT);
	put("B", "empty", "");
	assert_int_equal(get("B", "empty").status, 0);
	read.count = 0;
	assert_int_equal(sl_kv_get(bus, "NONE", "k", 100, got, &read), 0);
	wait_for(&read);
	assert_int_equal(read.status, -ETIMEDOUT);
}

static void test_update_and_create(void **state)
{
	struct outcome made, changed;

	ensure("C", 0);
	made = update("C", "k", "one", 0);
	assert_int_equal(made.status, 0);
	assert_int_equal(update("C", "k", "other", 0).status, -EEXIST);
	changed = update("C", "k", "two", made.sequence);
	assert_int_equal(changed.status, 0);
	assert_int_equal(update("C", "k", "late", made.sequence).status, -EEXIST);
	assert_string_equal(get("C", "k").value, "two");
	/* A deleted key can be created again. */
	delete ("C", "k");
	assert_int_equal(update("C", "k", "again", 0).status, 0);
	assert_string_equal(get("C", "k").value, "again");
}

static void test_time_to_live(void **state)
{
	ensure("T", 1);
	put("T", "k", "short");
	assert_int_equal(get("T", "k").status, 0);
	for (int i = 0; i < 40 && get("T", "k").status == 0; i++)
		sl_bus_loop_for(&loop, 100);
	assert_int_equal(get("T", "k").status, -ENOENT);
	assert_int_equal(update("T", "k", "new", 0).status, 0);
}

struct listed {
	struct outcome end;
	int keys;
	int total;
};

static void each(void *context, int status, const struct sl_bus_message *message, uint64_t sequence)
{
	struct listed *listed = context;
	struct sl_span value = sl_bus_payload(message);
	char text[32];

	assert_int_equal(status, 0);
	assert_true(sequence > 0);
	sl_bus_loop_copy(text, sizeof(text), value);
	listed->keys++;
	listed->total += atoi(text);
}

static void list_end(void *context, int status)
{
	done(&((struct listed *)context)->end, status);
}

static struct listed list(const char *bucket, const char *filter, uint32_t max)
{
	struct listed listed = { .keys = 0 };

	assert_int_equal(sl_kv_list(bus, bucket, filter, max, 5000, each, list_end, &listed), 0);
	wait_for(&listed.end);
	return listed;
}

static void test_list(void **state)
{
	struct listed all, some, few, none;
	struct outcome outcome = { 0 };
	char key[32], value[32];

	ensure("L", 0);
	assert_int_equal(list("L", ">", 10).keys, 0);
	for (int i = 1; i <= 600; i++) {
		(void)snprintf(key, sizeof(key), "%s.%d", i % 2 ? "odd" : "even", i);
		(void)snprintf(value, sizeof(value), "%d", i);
		outcome.count = 0;
		assert_int_equal(
			sl_kv_put(bus, "L", key, sl_span_of(value), 2000, stored, &outcome), 0);
		if (i % 50 == 0)
			wait_for(&outcome);
		else
			assert_true(sl_bus_loop_count(&loop, &outcome.count, 1, SOON_MS));
	}
	delete ("L", "odd.1");
	all = list("L", ">", 10000);
	assert_int_equal(all.end.status, 0);
	assert_int_equal(all.keys, 599);
	assert_int_equal(all.total, 600 * 601 / 2 - 1);
	some = list("L", "even.*", 10000);
	assert_int_equal(some.keys, 300);
	few = list("L", ">", 7);
	assert_int_equal(few.keys, 7);
	none = list("L", "none.*", 7);
	assert_int_equal(none.keys, 0);
	assert_int_equal(none.end.status, 0);
	assert_int_equal(list("NONE", ">", 7).end.status, -ENOENT);
}

static void test_list_ends_with_the_connection(void **state)
{
	struct listed listed = { .keys = 0 };

	ensure("R", 0);
	put("R", "k", "1");
	assert_int_equal(sl_kv_list(bus, "R", ">", 10, 5000, each, list_end, &listed), 0);
	sl_nats_kill(&server);
	wait_for(&listed.end);
	/* It may have been quicker than the kill. */
	assert_true(listed.end.status == -ENOTCONN || listed.keys == 1);
	sl_nats_start(&server);
	assert_true(sl_bus_loop_state(&loop, bus, SL_BUS_CONNECTED, SOON_MS));
	for (int i = 0; i < 50 && get("R", "k").status != 0; i++)
		sl_bus_loop_for(&loop, 50);
	assert_string_equal(get("R", "k").value, "1"); /* it was stored */
}

static void test_keys_are_checked(void **state)
{
	static const char *const bad[] = { "",	  ".",	".a", "a.",    "a..b",
					   "a b", "a*", ">",  "a\r\n", "\xc3\xa9" };
	struct outcome outcome = { 0 };
	char long_key[300];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(sl_kv_put(bus, "B", bad[i], SL_SPAN("x"), 100, stored, &outcome),
				 -EINVAL);
	memset(long_key, 'k', sizeof(long_key) - 1);
	long_key[sizeof(long_key) - 1] = '\0';
	assert_int_equal(sl_kv_get(bus, "B", long_key, 100, got, &outcome), -EINVAL);
	assert_int_equal(sl_kv_get(bus, "B.C", "k", 100, got, &outcome), -EINVAL);
	assert_int_equal(sl_kv_list(bus, "B", "a b", 1, 100, each, list_end, &outcome), -EINVAL);
	assert_int_equal(outcome.count, 0);
}

static int open_all(void **state)
{
	sl_nats_open(&server, NULL);
	sl_bus_loop_open(&loop);
	bus = sl_bus_loop_connect(&loop, server.url);
	return 0;
}

static int close_all(void **state)
{
	sl_bus_free(bus);
	sl_bus_loop_close(&loop);
	sl_nats_close(&server);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_get_delete),
		cmocka_unit_test(test_update_and_create),
		cmocka_unit_test(test_time_to_live),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_keys_are_checked),
		cmocka_unit_test(test_list_ends_with_the_connection),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
