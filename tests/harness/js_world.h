/* SPDX-License-Identifier: Apache-2.0 */
/* A server with JetStream, a bus connected to it, streams and pulls for suites. All
 * functions assert. */
#pragma once

#include "tests/harness/bus_loop.h"
#include "tests/harness/nats.h"
#include "userspace/bus/jetstream.h"

#define SL_JS_TAKEN_MAX 512
#define SL_JS_SOON_MS	8000u

struct sl_js_world {
	struct sl_nats server;
	struct sl_bus_loop loop;
	struct sl_bus *bus;
	unsigned int streams;
};

void sl_js_world_open(struct sl_js_world *ret);
void sl_js_world_close(struct sl_js_world *world);

/* What an sl_js_done came to. */
struct sl_js_end {
	int count;
	int status;
};

void sl_js_end(void *context, int status);
int sl_js_wait(const struct sl_js_world *world, const struct sl_js_end *end);

int sl_js_ensure_now(const struct sl_js_world *world, const struct sl_js_stream *stream);
int sl_js_ensure_consumer_now(const struct sl_js_world *world,
			      const struct sl_js_consumer *consumer);

/* A stream of its own for each test; its one subject has the same name. */
struct sl_js_place {
	char stream[32];
	const char *subjects[2];
};

void sl_js_place_make(struct sl_js_place *ret, struct sl_js_world *world, bool work_queue);
/* A durable "d". */
void sl_js_place_consumer(const struct sl_js_place *place, const struct sl_js_world *world,
			  uint64_t ack_wait_ms);

struct sl_js_stored {
	int count;
	int status;
	struct sl_js_published last;
};

void sl_js_stored(void *context, int status, const struct sl_js_published *ack);
/* Stored when it returns. @id may be NULL. */
struct sl_js_published sl_js_publish_now(const struct sl_js_world *world, const char *subject,
					 const char *id, const char *text);

struct sl_js_taken {
	const struct sl_js_world *world;
	struct sl_js_pull *pull;
	int count;
	uint64_t deliveries; /* of the last one */
	uint64_t pending;
	uint64_t at_ns;
	char text[64];
	uint64_t sequences[SL_JS_TAKEN_MAX];
	struct sl_js_token tokens[SL_JS_TAKEN_MAX];
	bool ack; /* each, at once */
};

/* Pulls by the durable "d" into @ret; freed by the test. */
void sl_js_take(struct sl_js_taken *ret, const struct sl_js_world *world,
		const struct sl_js_place *place, uint32_t window);
