// SPDX-License-Identifier: Apache-2.0
/* Starts, runs, reloads, drains and ends the router. */
#include "userspace/router/router.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/router/router_private.h"
#include "userspace/service/bus_options.h"
#include "userspace/service/program_loop.h"

#define TICK_MS	       250u
#define TICKS_PER_S    4u
#define P95_TICKS      40u  /* 10 s */
#define CHECK_TICKS    120u /* 30 s: does a stream capture decide by now? */
#define RESULTS_MAX    262144u
#define RESULTS_TTL_NS (3600ull * 1000000000u)
#define FLUSH_MS       2000u
#define LETTER_BYTES   (2u << 20)
#define NS_PER_S       1000000000ull

/* ---- configuration -------------------------------------------------------------------------- */

static uint64_t mtime_of(const char *path)
{
	struct stat st;

	if (!path || stat(path, &st) != 0)
		return 0;
	return (uint64_t)st.st_mtim.tv_sec * NS_PER_S + (uint64_t)st.st_mtim.tv_nsec;
}

static int read_settings(struct sl_router_settings *ret, struct sl_router *router)
{
	struct sl_conf_error error = { .message = "" };
	int err;

	router->config_mtime_ns = mtime_of(router->options->config_path);
	err = sl_router_settings_read(ret, router->options->config_path, environ, &error);
	(void)snprintf(router->config_error, sizeof(router->config_error), "%s", error.message);
	if (err)
		sl_log(router->log, SL_LOG_ERROR, "configuration refused",
		       SL_STR("error", error.message));
	return err;
}

static void reload(void *context)
{
	struct sl_router *router = context;
	struct sl_router_settings settings;

	router->counts.reloads_total++;
	if (read_settings(&settings, router) != 0) {
		router->counts.reload_failures_total++;
		return;
	}
	sl_router_settings_clear(&router->settings);
	router->settings = settings;
	sl_core_tick(router->core, sl_router_now(router));
	sl_log(router->log, SL_LOG_INFO, "configuration in force",
	       SL_NUM("providers", settings.policies.provider_count),
	       SL_NUM("policies", settings.policies.policy_count));
}

/* ---- the end -----------------------------------------------------------------------------------
 */

static void flushed(void *context, int status)
{
	struct sl_router *router = context;

	(void)status;
	(void)event_base_loopexit(router->base, NULL);
}

static void end_when_done(struct sl_router *router)
{
	if (!router->draining || router->undrained || router->job_count || router->settling)
		return;
	if (sl_bus_flush(router->bus, FLUSH_MS, flushed, router) != 0)
		flushed(router, 0);
}

static void drained(void *context)
{
	struct sl_router *router = context;

	router->undrained--;
}

static void drain_over(struct sl_loop_timer *timer)
{
	struct sl_router *router = timer->context;

	sl_log(router->log, SL_LOG_WARN, "drained in part", SL_NUM("jobs", router->job_count),
	       SL_NUM("results", router->settling));
	(void)event_base_loopexit(router->base, NULL);
}

static void drain(struct sl_router *router)
{
	router->draining = true;
	sl_log(router->log, SL_LOG_INFO, "draining", SL_NUM("jobs", router->job_count),
	       SL_NUM("results", router->settling));
	sl_pressure_leave(router->pressure);
	if (router->result_pull)
		sl_js_pull_window(router->result_pull, 0);
	if (router->ack_pull)
		sl_js_pull_window(router->ack_pull, 0);
	for (size_t i = 0; i < router->subscription_count; i++)
		if (sl_bus_drain(router->subscriptions[i], drained, router) == 0)
			router->undrained++;
	(void)router->loop->timer_set(router->loop, &router->drain_end,
				      router->settings.drain_ns / SL_MS_NS);
}

static void terminate(void *context)
{
	struct sl_router *router = context;

	if (router->draining)
		(void)event_base_loopexit(router->base, NULL);
	else
		drain(router);
}

/* ---- the clock
 * ----------------------------------------------------------------------------------- */

static void every_second(struct sl_router *router)
{
	const uint64_t mtime_ns = mtime_of(router->options->config_path);

	sl_core_tick(router->core, sl_router_now(router));
	if (mtime_ns && mtime_ns != router->config_mtime_ns)
		reload(router);
}

static void tick(struct sl_loop_timer *timer)
{
	struct sl_router *router = timer->context;
	struct sl_counts *counts = &router->counts;

	router->ticks++;
	if (router->ticks % TICKS_PER_S == 0)
		every_second(router);
	if (router->ticks % P95_TICKS == 0) {
		counts->recent_p95_us =
			(uint64_t)(sl_latency_quantile(&counts->recent, 0.95) * 1e6);
		counts->recent = (struct sl_latency){ .count = 0 };
	}
	if (router->ticks % CHECK_TICKS == 0)
		sl_setup_begin(router);
	if (!router->draining)
		sl_expiry_run(router);
	end_when_done(router);
	(void)router->loop->timer_set(router->loop, &router->tick,
				      router->draining ? TICK_MS / 10 : TICK_MS);
}

static void set_up_again(struct sl_loop_timer *timer)
{
	sl_setup_begin(timer->context);
}

/* ---- the bus
 * ---------------------------------------------------------------------------------------- */

static void state_changed(void *context, enum sl_bus_state state)
{
	struct sl_router *router = context;

	switch (state) {
	case SL_BUS_CONNECTED:
		sl_log(router->log, SL_LOG_INFO, "connected");
		router->streams_unsure = true;
		sl_setup_begin(router);
		break;
	case SL_BUS_CONNECTING:
	case SL_BUS_RECONNECTING:
		router->counts.connection_errors_total++;
		sl_log_limited(router->log, SL_LOG_SYNC, SL_LOG_WARN, "not connected",
			       SL_STR("error", sl_bus_last_error(router->bus)));
		break;
	case SL_BUS_REFUSED:
		sl_log_limited(router->log, SL_LOG_SYNC, SL_LOG_ERROR, "the server refuses us",
			       SL_STR("error", sl_bus_last_error(router->bus)));
		break;
	}
}

static int connect_bus(struct sl_router *router)
{
	struct sl_program_error error = { .message = "" };
	int err = sl_bus_open(&router->bus, router->loop, &router->settings.nats, "sluice-router",
			      state_changed, router, &error);

	if (err)
		sl_log(router->log, SL_LOG_ERROR, "cannot begin to connect",
		       SL_STR("error", error.message));
	return err;
}

/* ---- start
 * -------------------------------------------------------------------------------------------- */

static int make_stores(struct sl_router *router)
{
	struct sl_table_options results = {
		.entries_max = RESULTS_MAX,
		.value_size = 1,
		.ttl_ns = RESULTS_TTL_NS,
	};
	uint64_t seed;
	int err;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed) ||
	    getrandom(results.secret, sizeof(results.secret), 0) != sizeof(results.secret))
		return -EIO;
	err = sl_core_new(&router->core, &router->settings, seed);
	if (!err)
		err = sl_pressure_new(&router->pressure, router);
	if (!err)
		err = sl_table_new(&router->results, &results);
	return err ? err
		   : sl_assignments_new(&router->assignments, router->settings.assignments_max,
					results.secret);
}

static int make_loop(struct sl_router *router)
{
	static const struct sl_program_signals signals = { reload, terminate };
	int err = sl_program_loop_new(&router->program, &signals, router);

	if (err)
		return err;
	router->base = sl_program_loop_base(router->program);
	router->loop = sl_program_loop_bus(router->program);
	router->tick = (struct sl_loop_timer){ .fire = tick, .context = router };
	router->setup_again = (struct sl_loop_timer){ .fire = set_up_again, .context = router };
	router->drain_end = (struct sl_loop_timer){ .fire = drain_over, .context = router };
	return 0;
}

static int start(struct sl_router *router)
{
	int err = make_loop(router);

	if (!err)
		err = make_stores(router);
	if (!err) {
		router->started_ns = sl_router_now(router);
		sl_core_tick(router->core, router->started_ns);
		err = router->loop->timer_set(router->loop, &router->tick, TICK_MS);
	}
	if (!err && router->settings.metrics_port)
		err = sl_router_serve(router);
	return err ? err : connect_bus(router);
}

int sl_router_new(struct sl_router **ret, const struct sl_program_options *options,
		  struct sl_log *log)
{
	struct sl_router *router = calloc(1, sizeof(*router));
	int err;

	if (!router)
		return -ENOMEM;
	router->options = options;
	router->log = log;
	router->decision = router->answer = SL_JSON_OUT(SL_ROUTER_ANSWER_BYTES_MAX);
	router->letter = SL_JSON_OUT(LETTER_BYTES);
	err = read_settings(&router->settings, router);
	if (!err) {
		err = start(router);
		if (err)
			sl_log(log, SL_LOG_ERROR, "cannot start",
			       SL_STR("error", strerrordesc_np(-err)));
	}
	if (err) {
		sl_router_free(router);
		return err;
	}
	*ret = router;
	return 0;
}

int sl_router_run(struct sl_router *router)
{
	(void)event_base_dispatch(router->base);
	sl_log(router->log, SL_LOG_INFO, "router ended");
	return router->result;
}

void sl_router_free(struct sl_router *router)
{
	if (!router)
		return;
	router->draining = true;
	sl_js_pull_free(router->result_pull);
	sl_js_pull_free(router->ack_pull);
	sl_bus_free(router->bus);
	sl_jobs_free(router);
	sl_pressure_free(router->pressure);
	sl_http_free(router->http);
	if (router->loop) {
		router->loop->timer_clear(router->loop, &router->tick);
		router->loop->timer_clear(router->loop, &router->setup_again);
		router->loop->timer_clear(router->loop, &router->drain_end);
	}
	sl_program_loop_free(router->program);
	sl_assignments_free(router->assignments);
	sl_table_free(router->results);
	sl_core_free(router->core);
	sl_json_out_free(&router->decision);
	sl_json_out_free(&router->answer);
	sl_json_out_free(&router->letter);
	sl_router_settings_clear(&router->settings);
	free(router);
}
