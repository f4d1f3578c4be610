// SPDX-License-Identifier: Apache-2.0
#include "userspace/service/consuming.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/bus/streams.h"

#define AGAIN_NS 2000000000ull

struct sl_consuming {
	struct sl_bus *bus;
	struct sl_log *log;
	const struct sl_consuming_terms *terms;
	bool trying;
	bool over; /* begun, or stopped */
	uint64_t now_ns, again_ns;
};

static void failed(struct sl_consuming *consuming, int status)
{
	consuming->trying = false;
	consuming->again_ns = consuming->now_ns + AGAIN_NS;
	sl_log_limited(consuming->log, SL_LOG_SYNC, SL_LOG_WARN,
		       "streams are not ready; will try again", SL_STR("error", strerror(-status)),
		       SL_STR("server", sl_js_error(consuming->bus)));
}

static void consumer_made(void *context, int status)
{
	struct sl_consuming *consuming = context;
	const struct sl_consuming_terms *terms = consuming->terms;
	struct sl_js_pull *pull = NULL;

	if (consuming->over)
		return;
	if (!status)
		status = sl_js_pull_new(&pull, consuming->bus, terms->consumer.stream,
					terms->consumer.durable, terms->window, terms->handler,
					terms->context);
	if (status) {
		failed(consuming, status);
		return;
	}
	consuming->over = true;
	terms->begun(terms->context, pull);
}

static void streams_made(void *context, int status)
{
	struct sl_consuming *consuming = context;

	if (consuming->over)
		return;
	if (!status)
		status = sl_js_ensure_consumer(consuming->bus, &consuming->terms->consumer,
					       consumer_made, consuming);
	if (status)
		failed(consuming, status);
}

int sl_consuming_new(struct sl_consuming **ret, struct sl_bus *bus, struct sl_log *log,
		     const struct sl_consuming_terms *terms)
{
	struct sl_consuming *consuming = calloc(1, sizeof(*consuming));

	if (!consuming)
		return -ENOMEM;
	consuming->bus = bus;
	consuming->log = log;
	consuming->terms = terms;
	*ret = consuming;
	return 0;
}

void sl_consuming_tick(struct sl_consuming *consuming, uint64_t now_ns)
{
	int err;

	consuming->now_ns = now_ns;
	if (consuming->over || consuming->trying || now_ns < consuming->again_ns ||
	    sl_bus_state(consuming->bus) != SL_BUS_CONNECTED)
		return;
	consuming->trying = true;
	err = sl_streams_ensure(consuming->bus, consuming->terms->streams, streams_made, consuming);
	if (err)
		failed(consuming, err);
}

void sl_consuming_stop(struct sl_consuming *consuming)
{
	consuming->over = true;
}

void sl_consuming_free(struct sl_consuming *consuming)
{
	free(consuming);
}
