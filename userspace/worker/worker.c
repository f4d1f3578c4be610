// SPDX-License-Identifier: Apache-2.0
/* Start, loop, drain, end. */
#include "userspace/base/clock.h"
#include "userspace/worker/worker_private.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "userspace/service/program_loop.h"

#define NS_PER_MS 1000000ull
#define TICK_MS	  50

typedef int step_fn(struct sl_worker *worker, struct sl_program_error *error);

/* Short reads happen only before the kernel has entropy. */
void sl_worker_random(void *ret, size_t size)
{
	char *at = ret;

	while (size) {
		ssize_t got = getrandom(at, size, 0);

		if (got <= 0)
			continue;
		at += got;
		size -= (size_t)got;
	}
}

/* ---- timers ----------------------------------------------------------------------- */

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct sl_worker *worker = arg;

	(void)fd;
	(void)what;
	if (worker->phase == SL_WORKER_FLUSHING)
		return;
	sl_worker_on_tick(worker);
	if (worker->phase == SL_WORKER_READY)
		sl_worker_tell_pressure(worker, false);
	sl_consuming_tick(worker->consuming, sl_monotonic_ns());
	if (worker->phase == SL_WORKER_DRAINING)
		sl_worker_drain_on(worker);
}

static void on_beat(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	sl_worker_beat(arg);
}

static struct event *every(struct sl_worker *worker, uint64_t ms, event_callback_fn function)
{
	const struct timeval period = { .tv_sec = (time_t)(ms / 1000),
					.tv_usec = (suseconds_t)(ms % 1000 * 1000) };
	struct event *event = event_new(worker->base, -1, EV_PERSIST, function, worker);

	if (event && event_add(event, &period) != 0) {
		event_free(event);
		return NULL;
	}
	return event;
}

static int start_timers(struct sl_worker *worker, struct sl_program_error *error)
{
	worker->tick = every(worker, TICK_MS, on_tick);
	worker->beat = every(worker, worker->config->heartbeat_ns / NS_PER_MS, on_beat);
	return worker->tick && worker->beat ? 0
					    : sl_program_fail(error, -ENOMEM, "cannot make timers");
}

/* ---- start and end ---------------------------------------------------------------- */

static int make_loop(struct sl_worker *worker, struct sl_program_error *error)
{
	static const struct sl_program_signals signals = { sl_worker_reload, sl_worker_drain };
	int err = sl_program_loop_new(&worker->program, &signals, worker);

	if (err)
		return sl_program_fail(error, err, "cannot start: %s", strerror(-err));
	worker->base = sl_program_loop_base(worker->program);
	worker->loop = sl_program_loop_bus(worker->program);
	return 0;
}

static int make_pool(struct sl_worker *worker, struct sl_program_error *error)
{
	int err = sl_recent_new(&worker->done, worker->config->remember);
	if (!err)
		err = sl_recent_new(&worker->called_off, worker->config->remember);
	if (!err)
		err = sl_pool_new(&worker->pool, worker->loop, worker->concurrency,
				  sl_worker_on_run_done, worker);
	return err ? sl_program_fail(error, err, "cannot start: %s", strerror(-err)) : 0;
}

static int open_http(struct sl_worker *worker, struct sl_program_error *error)
{
	const struct sl_worker_config *config = worker->config;
	int err;

	if (!config->metrics_port)
		return 0;
	err = sl_http_new(&worker->http, worker->base, config->metrics_address,
			  config->metrics_port, sl_worker_routes, worker);
	return err ? sl_program_fail(error, err, "metrics at %s port %u: %s",
				     config->metrics_address, config->metrics_port, strerror(-err))
		   : 0;
}

static step_fn *const steps[] = {
	sl_worker_read_config, make_loop,	    make_pool,
	sl_worker_gauge,       open_http,	    sl_worker_open_bus,
	sl_worker_consume,     sl_worker_subscribe, sl_worker_listen_to_routers,
	start_timers
};

int sl_worker_start(struct sl_worker **ret, const struct sl_program_options *options,
		    struct sl_log *log)
{
	struct sl_worker *worker = calloc(1, sizeof(*worker));

	if (!worker)
		return -ENOMEM;
	worker->options = *options;
	worker->log = log;
	sl_log(log, SL_LOG_INFO, "starting", SL_STR("version", SL_VERSION));
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct sl_program_error error = { .message = "" };
		int err = steps[i](worker, &error);

		if (!err)
			continue;
		sl_log(log, SL_LOG_ERROR, "cannot start", SL_STR("error", error.message));
		(void)sl_worker_free(worker);
		return err;
	}
	*ret = worker;
	return 0;
}

int sl_worker_run(struct sl_worker *worker)
{
	int err = event_base_dispatch(worker->base) < 0 ? -EIO : 0;

	sl_log(worker->log, SL_LOG_INFO, err ? "the event loop failed" : "ended");
	return err;
}

static void free_event(struct event *event)
{
	if (event)
		event_free(event);
}

int sl_worker_free(struct sl_worker *worker)
{
	if (!worker)
		return 0;
	if (worker->pool && sl_pool_busy(worker->pool))
		return -EBUSY;
	sl_pool_free(worker->pool);
	sl_bus_unsubscribe(worker->cancels);
	sl_bus_unsubscribe(worker->router_signals);
	sl_js_pull_free(worker->pull);
	worker->pull = NULL;
	sl_bus_free(worker->bus); /* before the jobs: their results end in it */
	sl_consuming_free(worker->consuming);
	while (worker->jobs)
		sl_job_free(worker->jobs);
	free_event(worker->tick);
	free_event(worker->beat);
	sl_http_free(worker->http);
	sl_program_loop_free(worker->program);
	sl_recent_free(worker->done);
	sl_recent_free(worker->called_off);
	sl_table_free(worker->routers);
	sl_handlers_drop(worker->handlers);
	free(worker);
	return 0;
}
