// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include "tests/harness/bus_loop.h"

#include "tests/harness/clock.h"
#include "userspace/bus/loop_event.h"

#define TICK_US	   2000
#define NS_PER_MS  1000000ull
#define CONNECT_MS 5000u

/* nats.c 3.4.1 loses the buffer of a message that a broken connection cut in two. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:natsBuf_Create\n";
}

void sl_bus_loop_open(struct sl_bus_loop *ret)
{
	ret->base = event_base_new();
	assert_non_null(ret->base);
	assert_int_equal(sl_loop_event_new(&ret->loop, ret->base), 0);
}

void sl_bus_loop_close(struct sl_bus_loop *loop)
{
	sl_loop_event_free(loop->loop);
	event_base_free(loop->base);
	assert_int_equal(sl_bus_library_close(5000), 0);
}

static void nothing(evutil_socket_t fd, short events, void *context)
{
	(void)fd;
	(void)events;
	(void)context;
}

bool sl_bus_loop_until(const struct sl_bus_loop *loop, bool (*is_so)(void *context), void *context,
		       uint32_t timeout_ms)
{
	uint64_t end_ns = sl_now_ns() + timeout_ms * NS_PER_MS;
	struct event *tick = event_new(loop->base, -1, EV_PERSIST, nothing, NULL);
	struct timeval period = { .tv_usec = TICK_US };
	bool so;

	assert_non_null(tick);
	event_add(tick, &period);
	while (!(so = is_so(context)) && sl_now_ns() < end_ns)
		event_base_loop(loop->base, EVLOOP_ONCE);
	event_free(tick);
	return so;
}

struct counted {
	const int *counter;
	int least;
};

static bool enough(void *context)
{
	const struct counted *counted = context;

	return *counted->counter >= counted->least;
}

bool sl_bus_loop_count(const struct sl_bus_loop *loop, const int *counter, int least,
		       uint32_t timeout_ms)
{
	struct counted counted = { counter, least };

	return sl_bus_loop_until(loop, enough, &counted, timeout_ms);
}

void sl_bus_loop_for(const struct sl_bus_loop *loop, uint32_t ms)
{
	const int never = 0;

	(void)sl_bus_loop_count(loop, &never, 1, ms);
}

struct sl_bus *sl_bus_loop_bus(const struct sl_bus_loop *loop, const struct sl_bus_options *options)
{
	struct sl_bus_error error = { .message = "" };
	struct sl_bus *bus = NULL;
	int ret = sl_bus_new(&bus, loop->loop, options, NULL, NULL, &error);

	if (ret)
		fail_msg("sl_bus_new: %d %s", ret, error.message);
	return bus;
}

struct awaited {
	const struct sl_bus *bus;
	enum sl_bus_state state;
};

static bool in_state(void *context)
{
	const struct awaited *awaited = context;

	return sl_bus_state(awaited->bus) == awaited->state;
}

bool sl_bus_loop_state(const struct sl_bus_loop *loop, const struct sl_bus *bus,
		       enum sl_bus_state state, uint32_t timeout_ms)
{
	struct awaited awaited = { bus, state };

	return sl_bus_loop_until(loop, in_state, &awaited, timeout_ms);
}

struct sl_bus *sl_bus_loop_connect(const struct sl_bus_loop *loop, const char *url)
{
	struct sl_bus_options options = { .servers = url, .name = "test" };
	struct sl_bus *bus = sl_bus_loop_bus(loop, &options);

	if (!sl_bus_loop_state(loop, bus, SL_BUS_CONNECTED, CONNECT_MS))
		fail_msg("not connected: %s", sl_bus_last_error(bus));
	return bus;
}

void sl_bus_loop_copy(char *to, size_t size, struct sl_span span)
{
	size_t length = span.length < size ? span.length : size - 1;

	if (length)
		memcpy(to, span.at, length);
	to[length] = '\0';
}

void sl_bus_loop_count_message(void *counter, const struct sl_bus_message *message)
{
	(void)message;
	(*(int *)counter)++;
}
