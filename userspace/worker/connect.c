// SPDX-License-Identifier: Apache-2.0
/* The bus, and what is to be taken from it. */
#include <errno.h>
#include <string.h>

#include "userspace/bus/streams.h"
#include "userspace/service/bus_options.h"
#include "userspace/worker/worker_private.h"

#define NS_PER_MS    1000000ull
#define ACKS_PENDING 100000u

int sl_worker_open_bus(struct sl_worker *worker, struct sl_program_error *error)
{
	return sl_bus_open(&worker->bus, worker->loop, &worker->config->nats, worker->worker_id,
			   NULL, NULL, error);
}

static void begun(void *context, struct sl_js_pull *pull)
{
	struct sl_worker *worker = context;

	worker->pull = pull;
	worker->phase = SL_WORKER_READY;
	sl_log(worker->log, SL_LOG_INFO, "ready", SL_STR("worker_id", worker->worker_id),
	       SL_NUM("concurrency", worker->concurrency), SL_NUM("queue", worker->queue),
	       SL_NUM("handlers", worker->config->handler_count));
	sl_worker_beat(worker);
}

int sl_worker_consume(struct sl_worker *worker, struct sl_program_error *error)
{
	static const struct sl_js_stream *const streams[] = { &sl_stream_assign, &sl_stream_acks,
							      &sl_stream_results,
							      &sl_stream_dead_letters, NULL };
	int err;

	worker->terms = (struct sl_consuming_terms){
		.streams = streams,
		.consumer = { .stream = SL_STREAM_ASSIGN,
			      .durable = SL_DURABLE_WORKERS,
			      .ack_wait_ms = worker->ack_wait_ns / NS_PER_MS,
			      /* The worker counts itself: what the server gives up it would only
			       * hide. */
			      .max_deliver = 0,
			      .max_ack_pending = ACKS_PENDING },
		.window = worker->window,
		.handler = sl_worker_on_assignment,
		.begun = begun,
		.context = worker,
	};
	err = sl_consuming_new(&worker->consuming, worker->bus, worker->log, &worker->terms);
	return err ? sl_program_fail(error, err, "cannot start: %s", strerror(-err)) : 0;
}

int sl_worker_subscribe(struct sl_worker *worker, struct sl_program_error *error)
{
	int err = sl_bus_subscribe(&worker->cancels, worker->bus, SL_SUBJECT_CANCEL, NULL,
				   sl_worker_on_cancel, worker);

	return err ? sl_program_fail(error, err, "cannot subscribe: %s", strerror(-err)) : 0;
}
