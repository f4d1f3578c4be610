// SPDX-License-Identifier: Apache-2.0
/* The way to the stream: bus, streams, consumer, pull; tried until it stands. */
#include <errno.h>
#include <string.h>

#include "userspace/bus/streams.h"
#include "userspace/service/bus_options.h"
#include "userspace/worker/worker_private.h"

#define NS_PER_MS      1000000ull
#define SETUP_AGAIN_NS 2000000000ull
#define ACKS_PENDING   100000u

int sl_worker_open_bus(struct sl_worker *worker, struct sl_program_error *error)
{
	return sl_bus_open(&worker->bus, worker->loop, &worker->config->nats, worker->worker_id,
			   NULL, NULL, error);
}

static void setup_failed(struct sl_worker *worker, int status)
{
	worker->setting_up = false;
	worker->retry_setup_ns = sl_run_now_ns() + SETUP_AGAIN_NS;
	sl_log_limited(worker->log, SL_LOG_SYNC, SL_LOG_WARN,
		       "streams are not ready; will try again", SL_STR("error", strerror(-status)),
		       SL_STR("server", sl_js_error(worker->bus)));
}

static void on_consumer(void *context, int status)
{
	struct sl_worker *worker = context;

	if (!status)
		status = sl_js_pull_new(&worker->pull, worker->bus, SL_STREAM_ASSIGN,
					SL_DURABLE_WORKERS, worker->window, sl_worker_on_assignment,
					worker);
	if (status) {
		setup_failed(worker, status);
		return;
	}
	worker->setting_up = false;
	if (worker->phase == SL_WORKER_STARTING)
		worker->phase = SL_WORKER_READY;
	sl_log(worker->log, SL_LOG_INFO, "ready", SL_STR("worker_id", worker->worker_id),
	       SL_NUM("concurrency", worker->concurrency), SL_NUM("queue", worker->queue),
	       SL_NUM("handlers", worker->config->handler_count));
	sl_worker_beat(worker);
}

static void on_streams(void *context, int status)
{
	struct sl_worker *worker = context;
	const struct sl_js_consumer consumer = {
		.stream = SL_STREAM_ASSIGN,
		.durable = SL_DURABLE_WORKERS,
		.ack_wait_ms = worker->ack_wait_ns / NS_PER_MS,
		/* The worker counts itself: what the server gives up it would only hide. */
		.max_deliver = 0,
		.max_ack_pending = ACKS_PENDING,
	};

	if (!status)
		status = sl_js_ensure_consumer(worker->bus, &consumer, on_consumer, worker);
	if (status)
		setup_failed(worker, status);
}

void sl_worker_set_up(struct sl_worker *worker)
{
	static const struct sl_js_stream *const streams[] = { &sl_stream_assign, &sl_stream_acks,
							      &sl_stream_results,
							      &sl_stream_dead_letters, NULL };
	int err;

	if (sl_bus_state(worker->bus) != SL_BUS_CONNECTED)
		return;
	worker->setting_up = true;
	err = sl_streams_ensure(worker->bus, streams, on_streams, worker);
	if (err)
		setup_failed(worker, err);
}

int sl_worker_subscribe(struct sl_worker *worker, struct sl_program_error *error)
{
	int err = sl_bus_subscribe(&worker->cancels, worker->bus, SL_SUBJECT_CANCEL, NULL,
				   sl_worker_on_cancel, worker);

	return err ? sl_program_fail(error, err, "cannot subscribe: %s", strerror(-err)) : 0;
}
