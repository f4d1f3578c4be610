// SPDX-License-Identifier: Apache-2.0
#include "userspace/bus/bus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/bus/bus_private.h"

#define COLLECT_MS 10

static void release(struct sl_bus *bus)
{
	sl_bus_spent_free(bus);
	sl_bus_subscriptions_free(bus);
	if (bus->requests.chunks)
		sl_bus_requests_free(bus);
	sl_bus_worker_stop(&bus->worker);
	free(bus);
}

/* The texts are the caller's; what the worker needs of them it has copied. */
static struct sl_bus_options numbers(const struct sl_bus_options *options)
{
	return (struct sl_bus_options){
		.reconnect_wait_ms = options->reconnect_wait_ms,
		.ping_interval_ms = options->ping_interval_ms,
		.requests_max = options->requests_max,
		.pending_messages_max = options->pending_messages_max,
		.pending_bytes_max = options->pending_bytes_max,
		.stream_replicas = options->stream_replicas,
	};
}

int sl_bus_new(struct sl_bus **ret, struct sl_loop *loop, const struct sl_bus_options *options,
	       void (*state_changed)(void *context, enum sl_bus_state state), void *context,
	       struct sl_bus_error *error)
{
	struct sl_bus *bus;
	int result;

	if (nats_Open(-1) != NATS_OK)
		return -ENOMEM;
	bus = calloc(1, sizeof(*bus));
	if (!bus)
		return -ENOMEM;
	bus->loop = loop;
	bus->state_changed = state_changed;
	bus->context = context;
	bus->options = numbers(options);
	result = sl_bus_worker_configure(&bus->worker, options, error);
	if (!result)
		result = sl_bus_requests_init(bus);
	if (!result)
		result = sl_bus_link_start(bus);
	if (result) {
		release(bus);
		return result;
	}
	*ret = bus;
	return 0;
}

void sl_bus_free(struct sl_bus *bus)
{
	if (!bus)
		return;
	bus->freeing = true;
	sl_bus_requests_fail(bus, -ECANCELED);
	sl_bus_link_stop(bus);
	release(bus);
}

void sl_bus_freep(struct sl_bus **bus)
{
	sl_bus_free(*bus);
}

enum sl_bus_state sl_bus_state(const struct sl_bus *bus)
{
	return bus->state;
}

struct sl_bus_stats sl_bus_stats(const struct sl_bus *bus)
{
	struct sl_bus_stats stats = bus->stats;

	stats.slow_consumer_total += sl_bus_subscriptions_dropped(bus);
	stats.requests_in_flight = bus->requests.count;
	return stats;
}

const char *sl_bus_last_error(const struct sl_bus *bus)
{
	return bus->last_error;
}

int sl_bus_library_close(uint32_t timeout_ms)
{
	natsStatus status;

	/* It frees messages in a thread, and does not wait until all are. */
	nats_Sleep(COLLECT_MS);
	status = nats_CloseAndWait(timeout_ms);
	return status == NATS_OK ? 0 : -ETIMEDOUT;
}
