// SPDX-License-Identifier: Apache-2.0
/* Start, loop, end. */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sluice/envelope.h"
#include "userspace/base/cleanup.h"
#include "userspace/base/clock.h"
#include "userspace/bus/streams.h"
#include "userspace/service/bus_options.h"
#include "userspace/service/program_loop.h"
#include "userspace/usage/usage_private.h"

#define NS_PER_MS    1000000ull
#define NS_PER_S     1000000000ull
#define TICK_MS	     250
#define FLUSH_MS     2000
#define ACKS_PENDING 100000u

/* Old events go in small steps, so that new ones need not wait long. */
#define FORGET_MAX	1000
#define FORGET_AGAIN_NS (60 * NS_PER_S)

typedef int step_fn(struct sl_usage *usage, struct sl_program_error *error);

/* ---- the bus ---------------------------------------------------------------------- */

static int open_bus(struct sl_usage *usage, struct sl_program_error *error)
{
	return sl_bus_open(&usage->bus, usage->loop, &usage->config.nats, "sluice-usage", NULL,
			   NULL, error);
}

static void begun(void *context, struct sl_js_pull *pull)
{
	struct sl_usage *usage = context;

	usage->pull = pull;
	usage->ready = true;
	sl_log(usage->log, SL_LOG_INFO, "ready", SL_STR("ledger", usage->config.ledger));
}

static int consume(struct sl_usage *usage, struct sl_program_error *error)
{
	static const struct sl_js_stream *const streams[] = { &sl_stream_usage,
							      &sl_stream_dead_letters, NULL };
	int err;

	usage->terms = (struct sl_consuming_terms){
		.streams = streams,
		.consumer = { .stream = SL_STREAM_USAGE,
			      .durable = SL_DURABLE_USAGE,
			      .ack_wait_ms = usage->config.ack_wait_ns / NS_PER_MS,
			      /* An event is written or refused, and a ledger that is down is no
			       * reason to lose one. */
			      .max_deliver = 0,
			      .max_ack_pending = ACKS_PENDING },
		.window = usage->config.batch,
		.handler = sl_usage_on_event,
		.begun = begun,
		.context = usage,
	};
	err = sl_consuming_new(&usage->consuming, usage->bus, usage->log, &usage->terms);
	return err ? sl_program_fail(error, err, "cannot start: %s", strerror(-err)) : 0;
}

/* ---- timers, and what signals call ------------------------------------------------ */

static void forget_old(struct sl_usage *usage, uint64_t now_ns)
{
	uint64_t kept_ms = usage->config.retention_ns / NS_PER_MS, deleted = 0;
	struct sl_ledger_error error = { .message = "" };

	if (usage->config.retention_ns == SL_DURATION_NEVER || now_ns < usage->forget_at_ns)
		return;
	if (sl_ledger_forget(&deleted, usage->ledger, sl_wall_ms() - kept_ms, FORGET_MAX, &error) !=
	    0)
		sl_log_limited(usage->log, SL_LOG_SYNC, SL_LOG_WARN, "old events stay",
			       SL_STR("error", error.message));
	usage->stats.forgotten_total += deleted;
	if (deleted < FORGET_MAX)
		usage->forget_at_ns = now_ns + FORGET_AGAIN_NS;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct sl_usage *usage = arg;
	uint64_t now_ns = sl_monotonic_ns();

	(void)fd;
	(void)what;
	if (usage->ending)
		return;
	sl_consuming_tick(usage->consuming, now_ns);
	sl_usage_batch_tick(usage);
	if (now_ns > usage->config.run_quiet_ns)
		sl_runs_close_quiet(usage->runs, now_ns - usage->config.run_quiet_ns);
	forget_old(usage, now_ns);
}

static void on_flushed(void *context, int status)
{
	struct sl_usage *usage = context;

	(void)status;
	(void)event_base_loopbreak(usage->base);
}

/* What is in hand is written and acked; what cannot be comes again. */
static void end(void *context)
{
	struct sl_usage *usage = context;

	if (usage->ending) {
		(void)event_base_loopbreak(usage->base);
		return;
	}
	usage->ending = true;
	sl_log(usage->log, SL_LOG_INFO, "ending", SL_NUM("events", usage->count));
	sl_consuming_stop(usage->consuming);
	if (usage->pull)
		sl_js_pull_window(usage->pull, 0);
	(void)sl_usage_write(usage);
	if (sl_bus_flush(usage->bus, FLUSH_MS, on_flushed, usage) != 0)
		(void)event_base_loopbreak(usage->base);
}

/* The ledger and the bus stay as they are; the rest is taken over. */
static void reload(void *context)
{
	struct sl_usage *usage = context;
	struct sl_conf_error error = { .message = "" };
	struct sl_usage_config config;

	if (sl_usage_config_load(&config, usage->options.config_path, environ, &error) != 0) {
		sl_log(usage->log, SL_LOG_ERROR,
		       "the configuration was refused and changes nothing",
		       SL_STR("error", error.message));
		return;
	}
	usage->config.batch_wait_ns = config.batch_wait_ns;
	usage->config.retention_ns = config.retention_ns;
	usage->config.run_quiet_ns = config.run_quiet_ns;
	usage->config.dead_letter_body = config.dead_letter_body;
	usage->forget_at_ns = 0;
	sl_log(usage->log, SL_LOG_INFO, "times and retention were read again");
}

static int start_timers(struct sl_usage *usage, struct sl_program_error *error)
{
	const struct timeval period = { .tv_usec = TICK_MS * 1000 };

	usage->batch_timer =
		(struct sl_loop_timer){ .fire = sl_usage_on_batch_timer, .context = usage };
	usage->tick = event_new(usage->base, -1, EV_PERSIST, on_tick, usage);
	if (!usage->tick || event_add(usage->tick, &period) != 0)
		return sl_program_fail(error, -ENOMEM, "cannot make timers");
	return 0;
}

/* ---- start and end ---------------------------------------------------------------- */

static int read_config(struct sl_usage *usage, struct sl_program_error *error)
{
	struct sl_conf_error why = { .message = "" };
	int err = sl_usage_config_load(&usage->config, usage->options.config_path, environ, &why);

	return err ? sl_program_fail(error, err, "%s", why.message) : 0;
}

static int open_ledger(struct sl_usage *usage, struct sl_program_error *error)
{
	struct sl_ledger_error why = { .message = "" };
	int err = sl_ledger_open(&usage->ledger, usage->config.ledger, &why);

	return err ? sl_program_fail(error, err, "%.200s: %s", usage->config.ledger, why.message)
		   : 0;
}

static int make_loop(struct sl_usage *usage, struct sl_program_error *error)
{
	static const struct sl_program_signals signals = { reload, end };
	int err = sl_program_loop_new(&usage->program, &signals, usage);

	if (err)
		return sl_program_fail(error, err, "cannot start: %s", strerror(-err));
	usage->base = sl_program_loop_base(usage->program);
	usage->loop = sl_program_loop_bus(usage->program);
	return 0;
}

static int make_batch(struct sl_usage *usage, struct sl_program_error *error)
{
	int err = sl_runs_new(&usage->runs, usage->config.runs_open, sl_usage_run_closed, usage);

	usage->events = calloc(usage->config.batch, sizeof(usage->events[0]));
	usage->tokens = calloc(usage->config.batch, sizeof(usage->tokens[0]));
	usage->is_new = calloc(usage->config.batch, sizeof(usage->is_new[0]));
	if (!err && (!usage->events || !usage->tokens || !usage->is_new))
		err = -ENOMEM;
	return err ? sl_program_fail(error, err, "cannot start: %s", strerror(-err)) : 0;
}

static int open_http(struct sl_usage *usage, struct sl_program_error *error)
{
	const struct sl_usage_config *config = &usage->config;
	int err;

	if (!config->metrics_port)
		return 0;
	err = sl_http_new(&usage->http, usage->base, config->metrics_address, config->metrics_port,
			  sl_usage_routes, usage);
	return err ? sl_program_fail(error, err, "metrics at %s port %u: %s",
				     config->metrics_address, config->metrics_port, strerror(-err))
		   : 0;
}

static step_fn *const steps[] = { read_config, open_ledger, make_loop, make_batch,
				  open_http,   open_bus,    consume,   start_timers };

int sl_usage_start(struct sl_usage **ret, const struct sl_program_options *options,
		   struct sl_log *log)
{
	struct sl_usage *usage = calloc(1, sizeof(*usage));

	if (!usage)
		return -ENOMEM;
	usage->options = *options;
	usage->log = log;
	sl_log(log, SL_LOG_INFO, "starting", SL_STR("version", SL_VERSION));
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct sl_program_error error = { .message = "" };
		int err = steps[i](usage, &error);

		if (!err)
			continue;
		sl_log(log, SL_LOG_ERROR, "cannot start", SL_STR("error", error.message));
		sl_usage_free(usage);
		return err;
	}
	*ret = usage;
	return 0;
}

int sl_usage_run(struct sl_usage *usage)
{
	int err = event_base_dispatch(usage->base) < 0 ? -EIO : 0;

	sl_log(usage->log, SL_LOG_INFO, err ? "the event loop failed" : "ended");
	return err;
}

void sl_usage_free(struct sl_usage *usage)
{
	if (!usage)
		return;
	if (usage->loop)
		usage->loop->timer_clear(usage->loop, &usage->batch_timer);
	sl_js_pull_free(usage->pull);
	sl_bus_free(usage->bus);
	sl_consuming_free(usage->consuming);
	if (usage->tick)
		event_free(usage->tick);
	sl_http_free(usage->http);
	sl_program_loop_free(usage->program);
	sl_ledger_close(usage->ledger);
	sl_runs_free(usage->runs);
	free(usage->events);
	free(usage->tokens);
	free(usage->is_new);
	free(usage);
}
