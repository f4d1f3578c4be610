// SPDX-License-Identifier: Apache-2.0
/* Core messages over a real server. */
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness/bus_loop.h"
#include "tests/harness/nats.h"
#include "userspace/bus/bus.h"

#define SOON_MS 3000u

static struct sl_nats server;
static struct sl_bus_loop loop;

struct heard {
	struct sl_bus *bus;
	int count;
	char subject[64], payload[64], header[64], other_case[64];
	size_t payload_bytes;
	bool answer;
};

static void hear(void *context, const struct sl_bus_message *message)
{
	struct heard *heard = context;

	heard->count++;
	sl_bus_loop_copy(heard->subject, sizeof(heard->subject), sl_bus_subject(message));
	sl_bus_loop_copy(heard->payload, sizeof(heard->payload), sl_bus_payload(message));
	sl_bus_loop_copy(heard->header, sizeof(heard->header), sl_bus_header(message, "trace_id"));
	sl_bus_loop_copy(heard->other_case, sizeof(heard->other_case),
			 sl_bus_header(message, "Trace_Id"));
	heard->payload_bytes = sl_bus_payload(message).length;
	if (heard->answer)
		assert_int_equal(
			sl_bus_respond(heard->bus, message, NULL, 0, sl_bus_payload(message)), 0);
}

struct answered {
	int count;
	int status;
	char payload[64];
	size_t payload_bytes;
};

static void answer(void *context, int status, const struct sl_bus_message *reply)
{
	struct answered *answered = context;

	answered->count++;
	answered->status = status;
	assert_true(!reply == (status != 0));
	if (reply) {
		sl_bus_loop_copy(answered->payload, sizeof(answered->payload),
				 sl_bus_payload(reply));
		answered->payload_bytes = sl_bus_payload(reply).length;
	}
}

static struct sl_bus *connected(void)
{
	return sl_bus_loop_connect(&loop, server.url);
}

static struct sl_bus_request *ask(struct sl_bus *bus, const char *subject, uint32_t timeout_ms,
				  struct answered *answered)
{
	struct sl_bus_request *request = NULL;

	assert_int_equal(sl_bus_request(&request, bus, subject, NULL, 0, SL_SPAN("hello"),
					timeout_ms, answer, answered),
			 0);
	return request;
}

static void flush_done(void *context, int status)
{
	*(int *)context = status ? status : 1;
}

/* What was published before is with the server. */
static void flush(struct sl_bus *bus)
{
	int done = 0;

	assert_int_equal(sl_bus_flush(bus, SOON_MS, flush_done, &done), 0);
	assert_true(sl_bus_loop_count(&loop, &done, 1, SOON_MS));
}

static void test_round_trip(void **state)
{
	struct sl_bus *bus = connected();
	struct heard heard = { .bus = bus, .answer = true };
	struct answered answered = { .count = 0 };
	struct sl_bus_subscription *subscription;

	assert_int_equal(sl_bus_subscribe(&subscription, bus, "a.*", NULL, hear, &heard), 0);
	ask(bus, "a.b", SOON_MS, &answered);
	assert_true(sl_bus_loop_count(&loop, &answered.count, 1, SOON_MS));
	assert_int_equal(answered.status, 0);
	assert_string_equal(answered.payload, "hello");
	assert_string_equal(heard.subject, "a.b");
	assert_int_equal(sl_bus_stats(bus).requests_in_flight, 0);
	assert_int_equal(sl_bus_stats(bus).requests_total, 1);
	sl_bus_free(bus);
}

static void test_headers(void **state)
{
	struct sl_bus *bus = connected();
	struct heard heard = { .bus = bus };
	struct sl_bus_subscription *subscription;
	struct sl_bus_header headers[] = { { "trace_id", SL_SPAN("abc def") },
					   { "empty", { NULL, 0 } } };
	struct sl_bus_header bad[] = { { "trace_id", SL_SPAN("a\r\nNats-Msg-Id: x") } };
	struct sl_bus_header bare_lf[] = { { "trace_id", SL_SPAN("a\nb") } };
	struct sl_bus_header bare_cr[] = { { "trace_id", SL_SPAN("a\rb") } };
	struct sl_bus_header bad_name[] = { { "a: b\r\nc", SL_SPAN("x") } };
	struct sl_bus_header nul[] = { { "trace_id", SL_SPAN("a\0b") } };

	assert_int_equal(sl_bus_subscribe(&subscription, bus, "h", NULL, hear, &heard), 0);
	assert_int_equal(sl_bus_publish(bus, "h", NULL, headers, 2, SL_SPAN("x")), 0);
	assert_int_equal(sl_bus_publish(bus, "h", NULL, bad, 1, SL_SPAN("x")), -EINVAL);
	assert_int_equal(sl_bus_publish(bus, "h", NULL, bare_lf, 1, SL_SPAN("x")), -EINVAL);
	assert_int_equal(sl_bus_publish(bus, "h", NULL, bare_cr, 1, SL_SPAN("x")), -EINVAL);
	assert_int_equal(sl_bus_publish(bus, "h", NULL, bad_name, 1, SL_SPAN("x")), -EINVAL);
	assert_int_equal(sl_bus_publish(bus, "h", NULL, nul, 1, SL_SPAN("x")), -EINVAL);
	assert_int_equal(sl_bus_publish(bus, "h h", NULL, NULL, 0, SL_SPAN("x")), -EINVAL);
	assert_int_equal(sl_bus_publish(bus, "h\r\nPUB x 0\r\n", NULL, NULL, 0, SL_SPAN("x")),
			 -EINVAL);
	assert_int_equal(sl_bus_publish(bus, "", NULL, NULL, 0, SL_SPAN("x")), -EINVAL);
	assert_int_equal(sl_bus_publish(bus, "h", "r r", NULL, 0, SL_SPAN("x")), -EINVAL);
	assert_true(sl_bus_loop_count(&loop, &heard.count, 1, SOON_MS));
	sl_bus_loop_for(&loop, 20);
	assert_int_equal(heard.count, 1);
	assert_string_equal(heard.header, "abc def");
	assert_string_equal(heard.other_case, "");
	assert_int_equal(sl_bus_stats(bus).publish_failures_total, 9);
	sl_bus_free(bus);
}

struct heads {
	int count;
	char first[16], long_one[4096], last[16];
};

static void hear_heads(void *context, const struct sl_bus_message *message)
{
	struct heads *heads = context;

	heads->count++;
	sl_bus_loop_copy(heads->first, sizeof(heads->first), sl_bus_header(message, "first"));
	sl_bus_loop_copy(heads->long_one, sizeof(heads->long_one), sl_bus_header(message, "long"));
	sl_bus_loop_copy(heads->last, sizeof(heads->last), sl_bus_header(message, "last"));
}

/* They go to nats.c as one. */
static void test_all_headers_arrive(void **state)
{
	struct sl_bus *bus = connected();
	struct heads heads = { .count = 0 };
	struct sl_bus_subscription *subscription;
	char long_value[3001];
	struct sl_bus_header headers[] = { { "empty", { NULL, 0 } },
					   { "first", SL_SPAN("1: a") },
					   { "long", { long_value, sizeof(long_value) - 1 } },
					   { "last", SL_SPAN("z") } };

	memset(long_value, 'x', sizeof(long_value) - 1);
	long_value[sizeof(long_value) - 1] = '\0';
	assert_int_equal(sl_bus_subscribe(&subscription, bus, "h", NULL, hear_heads, &heads), 0);
	assert_int_equal(sl_bus_publish(bus, "h", NULL, headers, 4, SL_SPAN("x")), 0);
	assert_true(sl_bus_loop_count(&loop, &heads.count, 1, SOON_MS));
	assert_string_equal(heads.first, "1: a");
	assert_string_equal(heads.long_one, long_value);
	assert_string_equal(heads.last, "z");
	sl_bus_free(bus);
}

static void test_queue_group(void **state)
{
	struct sl_bus *bus = connected();
	struct heard one = { .bus = bus }, two = { .bus = bus }, all = { .bus = bus };
	struct sl_bus_subscription *a, *b, *c;

	assert_int_equal(sl_bus_subscribe(&a, bus, "q", "group", hear, &one), 0);
	assert_int_equal(sl_bus_subscribe(&b, bus, "q", "group", hear, &two), 0);
	assert_int_equal(sl_bus_subscribe(&c, bus, "q", NULL, hear, &all), 0);
	for (int i = 0; i < 200; i++)
		assert_int_equal(sl_bus_publish(bus, "q", NULL, NULL, 0, SL_SPAN("x")), 0);
	assert_true(sl_bus_loop_count(&loop, &all.count, 200, SOON_MS));
	flush(bus);
	assert_int_equal(one.count + two.count, 200);
	assert_true(one.count > 0 && two.count > 0);
	sl_bus_unsubscribe(a);
	for (int i = 0; i < 10; i++)
		assert_int_equal(sl_bus_publish(bus, "q", NULL, NULL, 0, SL_SPAN("x")), 0);
	assert_true(sl_bus_loop_count(&loop, &all.count, 210, SOON_MS));
	flush(bus);
	assert_int_equal(one.count + two.count, 210);
	sl_bus_free(bus);
}

static void test_deadline_and_late_reply(void **state)
{
	struct sl_bus *bus = connected();
	struct heard heard = { .bus = bus };
	struct answered answered = { .count = 0 };
	struct sl_bus_subscription *subscription;
	struct answered many[3] = { { .count = 0 } };

	assert_int_equal(sl_bus_subscribe(&subscription, bus, "mute", NULL, hear, &heard), 0);
	for (int i = 0; i < 3; i++)
		ask(bus, "mute", 60u - 20u * (uint32_t)i, &many[i]);
	ask(bus, "mute", 30, &answered);
	assert_true(sl_bus_loop_count(&loop, &many[0].count, 1, SOON_MS));
	assert_int_equal(answered.count + many[1].count + many[2].count, 3);
	assert_int_equal(answered.status, -ETIMEDOUT);
	assert_int_equal(sl_bus_stats(bus).timeouts_total, 4);
	sl_bus_free(bus);
}

struct keeper {
	struct sl_bus *bus;
	char reply[128];
	int count;
};

static void keep(void *context, const struct sl_bus_message *message)
{
	struct keeper *keeper = context;

	sl_bus_loop_copy(keeper->reply, sizeof(keeper->reply), sl_bus_reply(message));
	keeper->count++;
}

static void test_late_reply_finds_nobody(void **state)
{
	struct sl_bus *bus = connected();
	struct keeper keeper = { .bus = bus };
	struct answered first = { .count = 0 }, second = { .count = 0 };
	struct sl_bus_subscription *subscription;

	assert_int_equal(sl_bus_subscribe(&subscription, bus, "keep", NULL, keep, &keeper), 0);
	ask(bus, "keep", 30, &first);
	assert_true(sl_bus_loop_count(&loop, &first.count, 1, SOON_MS));
	assert_int_equal(first.status, -ETIMEDOUT);
	assert_int_equal(keeper.count, 1);
	{
		char late[128];

		(void)snprintf(late, sizeof(late), "%s", keeper.reply);
		/* The slot is used again: the old name must not reach the new one. */
		ask(bus, "keep", 200, &second);
		assert_int_equal(sl_bus_publish(bus, late, NULL, NULL, 0, SL_SPAN("late")), 0);
		flush(bus);
		assert_int_equal(second.count, 0);
		assert_int_equal(sl_bus_stats(bus).late_replies_total, 1);
		late[strlen(late) - 1] = 'z';
		assert_int_equal(sl_bus_publish(bus, late, NULL, NULL, 0, SL_SPAN("bad")), 0);
		flush(bus);
		assert_int_equal(sl_bus_stats(bus).late_replies_total, 2);
	}
	assert_int_equal(sl_bus_publish(bus, keeper.reply, NULL, NULL, 0, SL_SPAN("right")), 0);
	assert_true(sl_bus_loop_count(&loop, &second.count, 1, SOON_MS));
	assert_string_equal(second.payload, "right");
	/* Twice answered is late. */
	assert_int_equal(sl_bus_publish(bus, keeper.reply, NULL, NULL, 0, SL_SPAN("again")), 0);
	flush(bus);
	assert_int_equal(second.count, 1);
	assert_int_equal(sl_bus_stats(bus).late_replies_total, 3);
	sl_bus_free(bus);
}

static void test_no_responders(void **state)
{
	struct sl_bus *bus = connected();
	struct answered answered = { .count = 0 };

	ask(bus, "nobody.listens", SOON_MS, &answered);
	assert_true(sl_bus_loop_count(&loop, &answered.count, 1, SOON_MS));
	assert_int_equal(answered.status, -EHOSTUNREACH);
	sl_bus_free(bus);
}

/* More in flight than there are lanes: those with a listener are not told so. */
static void test_no_responders_among_many(void **state)
{
	struct sl_bus *bus = connected();
	struct heard heard = { .bus = bus };
	struct answered mute = { .count = 0 }, nobody = { .count = 0 };
	struct sl_bus_subscription *subscription;

	assert_int_equal(sl_bus_subscribe(&subscription, bus, "mute", NULL, hear, &heard), 0);
	for (int i = 0; i < 500; i++)
		ask(bus, "mute", 60000, &mute);
	assert_true(sl_bus_loop_count(&loop, &heard.count, 500, SOON_MS));
	for (int i = 0; i < 30; i++)
		ask(bus, "nobody.listens", SOON_MS, &nobody);
	assert_true(sl_bus_loop_count(&loop, &nobody.count, 30, SOON_MS));
	assert_int_equal(nobody.status, -EHOSTUNREACH);
	assert_int_equal(mute.count, 0);
	sl_bus_free(bus);
	assert_int_equal(mute.count, 500);
}

static void test_cancel(void **state)
{
	struct sl_bus *bus = connected();
	struct heard heard = { .bus = bus, .answer = true };
	struct answered answered = { .count = 0 };
	struct sl_bus_subscription *subscription;

	assert_int_equal(sl_bus_subscribe(&subscription, bus, "c", NULL, hear, &heard), 0);
	sl_bus_cancel(ask(bus, "c", 50, &answered));
	sl_bus_cancel(NULL);
	assert_int_equal(sl_bus_stats(bus).requests_in_flight, 0);
	assert_true(sl_bus_loop_count(&loop, &heard.count, 1, SOON_MS));
	sl_bus_loop_for(&loop, 80);
	flush(bus);
	assert_int_equal(answered.count, 0);
	assert_int_equal(sl_bus_stats(bus).late_replies_total, 1);
	sl_bus_free(bus);
}

static void test_bound_of_requests(void **state)
{
	struct sl_bus_options options = { .servers = server.url, .requests_max = 300 };
	struct sl_bus *bus = sl_bus_loop_bus(&loop, &options);
	struct heard heard = { .bus = bus };
	struct sl_bus_subscription *subscription;
	struct answered answered = { .count = 0 };
	struct sl_bus_request *request;

	assert_true(sl_bus_loop_state(&loop, bus, SL_BUS_CONNECTED, SOON_MS));
	assert_int_equal(sl_bus_subscribe(&subscription, bus, "b", NULL, hear, &heard), 0);
	for (int i = 0; i < 300; i++)
		ask(bus, "b", 100, &answered);
	assert_int_equal(
		sl_bus_request(&request, bus, "b", NULL, 0, SL_SPAN("x"), 100, answer, &answered),
		-EBUSY);
	assert_true(sl_bus_loop_count(&loop, &answered.count, 300, SOON_MS));
	assert_int_equal(answered.status, -ETIMEDOUT);
	ask(bus, "b", 1000, &answered);
	sl_bus_free(bus);
	assert_int_equal(answered.count, 301);
	assert_int_equal(answered.status, -ECANCELED);
}

static void test_big_payload(void **state)
{
	struct sl_bus *bus = connected();
	struct heard heard = { .bus = bus, .answer = true };
	struct answered answered = { .count = 0 };
	struct sl_bus_subscription *subscription;
	size_t bytes = SL_BUS_PAYLOAD_MAX;
	char *big = malloc(bytes + 1);

	assert_non_null(big);
	memset(big, 'x', bytes + 1);
	assert_int_equal(sl_bus_subscribe(&subscription, bus, "big", NULL, hear, &heard), 0);
	assert_int_equal(sl_bus_request(NULL, bus, "big", NULL, 0, (struct sl_span){ big, bytes },
					SOON_MS, answer, &answered),
			 0);
	assert_int_equal(
		sl_bus_publish(bus, "big", NULL, NULL, 0, (struct sl_span){ big, bytes + 1 }),
		-EMSGSIZE);
	assert_true(sl_bus_loop_count(&loop, &answered.count, 1, SOON_MS));
	assert_int_equal(answered.status, 0);
	assert_int_equal(answered.payload_bytes, bytes);
	free(big);
	sl_bus_free(bus);
}

static void test_slow_consumer_is_counted(void **state)
{
	struct sl_bus_options options = { .servers = server.url, .pending_messages_max = 10 };
	struct sl_bus *slow = sl_bus_loop_bus(&loop, &options);
	struct sl_bus *fast = connected();
	struct heard heard = { .bus = slow };
	struct sl_bus_subscription *subscription;

	assert_true(sl_bus_loop_state(&loop, slow, SL_BUS_CONNECTED, SOON_MS));
	assert_int_equal(sl_bus_subscribe(&subscription, slow, "s", NULL, hear, &heard), 0);
	flush(slow);
	for (int i = 0; i < 500; i++)
		assert_int_equal(sl_bus_publish(fast, "s", NULL, NULL, 0, SL_SPAN("x")), 0);
	flush(fast);
	flush(slow);
	assert_true(heard.count >= 10);
	assert_int_equal((uint64_t)heard.count + sl_bus_stats(slow).slow_consumer_total, 500);
	assert_true(sl_bus_stats(slow).slow_consumer_total > 0);
	sl_bus_unsubscribe(subscription);
	assert_int_equal((uint64_t)heard.count + sl_bus_stats(slow).slow_consumer_total, 500);
	sl_bus_free(slow);
	sl_bus_free(fast);
}

static void drained(void *context)
{
	(*(int *)context)++;
}

static void test_drain(void **state)
{
	struct sl_bus *bus = connected();
	struct sl_bus *other = connected();
	struct heard heard = { .bus = bus };
	struct sl_bus_subscription *subscription;
	int done = 0;

	assert_int_equal(sl_bus_subscribe(&subscription, bus, "d", "g", hear, &heard), 0);
	flush(bus);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(sl_bus_publish(other, "d", NULL, NULL, 0, SL_SPAN("x")), 0);
	flush(other);
	assert_int_equal(sl_bus_drain(subscription, drained, &done), 0);
	assert_int_equal(sl_bus_drain(subscription, drained, &done), -EALREADY);
	assert_true(sl_bus_loop_count(&loop, &done, 1, SOON_MS));
	assert_int_equal(heard.count, 1000);
	assert_int_equal(sl_bus_publish(other, "d", NULL, NULL, 0, SL_SPAN("x")), 0);
	flush(other);
	flush(bus);
	assert_int_equal(heard.count, 1000);
	assert_int_equal(done, 1);
	sl_bus_unsubscribe(subscription);
	sl_bus_free(bus);
	sl_bus_free(other);
}

struct leaver {
	struct sl_bus_subscription *own, *other;
	int count;
};

static void leave(void *context, const struct sl_bus_message *message)
{
	struct leaver *leaver = context;

	(void)message;
	leaver->count++;
	sl_bus_unsubscribe(leaver->own);
	sl_bus_unsubscribe(leaver->other);
	leaver->own = leaver->other = NULL;
}

static void test_unsubscribe_in_a_handler(void **state)
{
	struct sl_bus *bus = connected();
	struct leaver leaver = { .count = 0 };

	assert_int_equal(sl_bus_subscribe(&leaver.own, bus, "u", NULL, leave, &leaver), 0);
	assert_int_equal(sl_bus_subscribe(&leaver.other, bus, "u", NULL, leave, &leaver), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(sl_bus_publish(bus, "u", NULL, NULL, 0, SL_SPAN("x")), 0);
	flush(bus);
	assert_int_equal(leaver.count, 1);
	sl_bus_free(bus);
}

static int open_all(void **state)
{
	sl_nats_open(&server, NULL);
	sl_bus_loop_open(&loop);
	return 0;
}

static int close_all(void **state)
{
	sl_bus_loop_close(&loop);
	sl_nats_close(&server);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_all_headers_arrive),
		cmocka_unit_test(test_queue_group),
		cmocka_unit_test(test_deadline_and_late_reply),
		cmocka_unit_test(test_late_reply_finds_nobody),
		cmocka_unit_test(test_no_responders),
		cmocka_unit_test(test_no_responders_among_many),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_bound_of_requests),
		cmocka_unit_test(test_big_payload),
		cmocka_unit_test(test_slow_consumer_is_counted),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_unsubscribe_in_a_handler),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
