// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <stdio.h>
#include <string.h>

#include "tests/harness/clock.h"
#include "tests/harness/js_world.h"

#define PUBLISH_MS 2000u

void sl_js_world_open(struct sl_js_world *ret)
{
	*ret = (struct sl_js_world){ .streams = 0 };
	sl_nats_open(&ret->server, NULL);
	sl_bus_loop_open(&ret->loop);
	ret->bus = sl_bus_loop_connect(&ret->loop, ret->server.url);
}

void sl_js_world_close(struct sl_js_world *world)
{
	sl_bus_free(world->bus);
	sl_bus_loop_close(&world->loop);
	sl_nats_close(&world->server);
}

void sl_js_end(void *context, int status)
{
	struct sl_js_end *end = context;

	end->count++;
	end->status = status;
}

int sl_js_wait(const struct sl_js_world *world, const struct sl_js_end *end)
{
	assert_true(sl_bus_loop_count(&world->loop, &end->count, 1, SL_JS_SOON_MS));
	assert_int_equal(end->count, 1);
	return end->status;
}

int sl_js_ensure_now(const struct sl_js_world *world, const struct sl_js_stream *stream)
{
	struct sl_js_end end = { 0 };

	assert_int_equal(sl_js_ensure_stream(world->bus, stream, sl_js_end, &end), 0);
	return sl_js_wait(world, &end);
}

int sl_js_ensure_consumer_now(const struct sl_js_world *world,
			      const struct sl_js_consumer *consumer)
{
	struct sl_js_end end = { 0 };

	assert_int_equal(sl_js_ensure_consumer(world->bus, consumer, sl_js_end, &end), 0);
	return sl_js_wait(world, &end);
}

void sl_js_place_make(struct sl_js_place *ret, struct sl_js_world *world, bool work_queue)
{
	struct sl_js_stream stream = { .name = ret->stream,
				       .subjects = ret->subjects,
				       .work_queue = work_queue };

	(void)snprintf(ret->stream, sizeof(ret->stream), "S%u", world->streams++);
	ret->subjects[0] = ret->stream;
	ret->subjects[1] = NULL;
	assert_int_equal(sl_js_ensure_now(world, &stream), 0);
}

void sl_js_place_consumer(const struct sl_js_place *place, const struct sl_js_world *world,
			  uint64_t ack_wait_ms)
{
	struct sl_js_consumer consumer = { .stream = place->stream,
					   .durable = "d",
					   .ack_wait_ms = ack_wait_ms };

	assert_int_equal(sl_js_ensure_consumer_now(world, &consumer), 0);
}

void sl_js_stored(void *context, int status, const struct sl_js_published *ack)
{
	struct sl_js_stored *stored = context;

	assert_true(!ack == (status != 0));
	stored->count++;
	stored->status = status;
	if (ack)
		stored->last = *ack;
}

struct sl_js_published sl_js_publish_now(const struct sl_js_world *world, const char *subject,
					 const char *id, const char *text)
{
	struct sl_js_stored stored = { 0 };

	assert_int_equal(sl_js_publish(world->bus, subject, id, NULL, 0, sl_span_of(text),
				       PUBLISH_MS, sl_js_stored, &stored),
			 0);
	assert_true(sl_bus_loop_count(&world->loop, &stored.count, 1, SL_JS_SOON_MS));
	assert_int_equal(stored.status, 0);
	return stored.last;
}

static void take(void *context, const struct sl_bus_message *message, const struct sl_js_meta *meta,
		 const struct sl_js_token *token)
{
	struct sl_js_taken *taken = context;

	assert_true(taken->count < SL_JS_TAKEN_MAX);
	taken->tokens[taken->count] = *token;
	taken->sequences[taken->count] = meta->stream_sequence;
	taken->deliveries = meta->deliveries;
	taken->pending = meta->pending;
	taken->at_ns = sl_now_ns();
	sl_bus_loop_copy(taken->text, sizeof(taken->text), sl_bus_payload(message));
	taken->count++;
	if (taken->ack) {
		assert_int_equal(sl_js_ack(taken->world->bus, token), 0);
		sl_js_pull_done(taken->pull);
	}
}

void sl_js_take(struct sl_js_taken *ret, const struct sl_js_world *world,
		const struct sl_js_place *place, uint32_t window)
{
	ret->world = world;
	assert_int_equal(
		sl_js_pull_new(&ret->pull, world->bus, place->stream, "d", window, take, ret), 0);
}
