// SPDX-License-Identifier: Apache-2.0
/* Start, loop, drain, end. */
#include "userspace/worker/worker_private.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/bus/loop_event.h"
#include "userspace/bus/streams.h"

#define NS_PER_MS	 1000000ull
#define NS_PER_S	 1000000000ull
#define TICK_MS		 50
#define SETUP_AGAIN_NS	 (2 * NS_PER_S)
#define FLUSH_MS	 2000
#define ACKS_PENDING	 100000u
#define HOST_BYTES	 65
#define PASSWORD_BYTES	 256
#define STOP_PATIENCE_NS (2 * NS_PER_S)

struct step_error {
	char message[400];
};

typedef int step_fn(struct sl_worker *worker, struct step_error *error);

uint64_t sl_worker_wall_ms(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / NS_PER_MS;
}

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

__attribute__((format(printf, 3, 4))) static int fail(struct step_error *error, int err,
						      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);
	return err;
}

/* ---- configuration --------------------------------------------------------------------------- */

static int load_config(struct sl_worker_config **ret, const char *path, struct step_error *error)
{
	sl_autofree struct sl_worker_config *config = calloc(1, sizeof(*config));
	struct sl_conf_error why = { .message = "" };
	int err = config ? sl_worker_config_load(config, path, environ, &why) : -ENOMEM;

	if (err)
		return fail(error, err, "%s", config ? why.message : "out of memory");
	*ret = SL_TAKE_PTR(config);
	return 0;
}

static int load_handlers(struct sl_handlers **ret, const struct sl_worker_config **ret_config,
			 const char *path, struct step_error *error)
{
	struct sl_handlers_error why = { .message = "" };
	struct sl_worker_config *config = NULL;
	int err = load_config(&config, path, error);

	if (err)
		return err;
	err = sl_handlers_new(ret, config, &why);
	if (err) {
		sl_worker_config_clear(config);
		free(config);
		return fail(error, err, "%s", why.message);
	}
	*ret_config = config;
	return 0;
}

/* Counters are kept by name over reloads; slot 0 is for jobs that no handler saw. */
static void name_stats(struct sl_worker *worker)
{
	struct sl_worker_stats *stats = &worker->stats;

	if (!stats->handler_count)
		(void)snprintf(stats->handlers[stats->handler_count++].name, SL_EXEC_TYPE_BYTES,
			       "none");
	for (size_t i = 0; i < worker->config->handler_count; i++) {
		const char *name = worker->config->handlers[i].name;
		size_t at = 1;

		while (at < stats->handler_count && strcmp(stats->handlers[at].name, name) != 0)
			at++;
		if (at == stats->handler_count && at < SL_WORKER_STAT_HANDLERS)
			(void)snprintf(stats->handlers[stats->handler_count++].name,
				       SL_EXEC_TYPE_BYTES, "%s", name);
	}
}

static int read_config(struct sl_worker *worker, struct step_error *error)
{
	char host[HOST_BYTES] = "worker";
	int err = load_handlers(&worker->handlers, &worker->config, worker->options.config_path,
				error);
	const struct sl_worker_config *config = worker->config;

	if (err)
		return err;
	(void)gethostname(host, sizeof(host) - 1);
	if (config->worker_id[0])
		(void)snprintf(worker->worker_id, sizeof(worker->worker_id), "%s",
			       config->worker_id);
	else
		(void)snprintf(worker->worker_id, sizeof(worker->worker_id), "%s-%d", host,
			       (int)getpid());
	worker->concurrency = config->concurrency;
	worker->queue = config->queue;
	worker->window = config->concurrency + config->queue + config->pull_ahead;
	worker->max_deliver = config->max_deliver;
	worker->ack_wait_ns = config->ack_wait_ns;
	worker->reject_delay_ns = config->reject_delay_ns;
	worker->grace_ns = config->drain_grace_ns;
	name_stats(worker);
	return 0;
}

static void reload(struct sl_worker *worker)
{
	struct step_error error = { .message = "" };
	const struct sl_worker_config *config = NULL;
	struct sl_handlers *handlers = NULL;

	worker->stats.reloads_total++;
	if (load_handlers(&handlers, &config, worker->options.config_path, &error) != 0) {
		worker->stats.reload_failures_total++;
		sl_log(worker->log, SL_LOG_ERROR, "the configuration was refused; handlers stay",
		       SL_STR("error", error.message));
		return;
	}
	sl_handlers_drop(worker->handlers);
	worker->handlers = handlers;
	worker->config = config;
	name_stats(worker);
	sl_log(worker->log, SL_LOG_INFO, "handlers were read again; all else needs a restart",
	       SL_NUM("handlers", config->handler_count));
}

/* ---- the bus
 * ------------------------------------------------------------------------------------- */

static int read_password(char ret[PASSWORD_BYTES], const char *path, struct step_error *error)
{
	sl_autofclose FILE *file = path[0] ? fopen(path, "re") : NULL;

	ret[0] = '\0';
	if (!path[0])
		return 0;
	if (!file || !fgets(ret, PASSWORD_BYTES, file))
		return fail(error, -ENOENT, "nats.password_file: cannot read %.200s", path);
	ret[strcspn(ret, "\r\n")] = '\0';
	return 0;
}

static const char *given(const char *text)
{
	return text[0] ? text : NULL;
}

static int open_bus(struct sl_worker *worker, struct step_error *error)
{
	const struct sl_conf_nats *nats = &worker->config->nats;
	char password[PASSWORD_BYTES];
	struct sl_bus_error why = { .message = "" };
	struct sl_bus_options options = {
		.servers = nats->servers,
		.name = worker->worker_id,
		.user = given(nats->user),
		.password = password,
		.credentials_file = given(nats->credentials_file),
		.nkey_seed_file = given(nats->nkey_seed_file),
		.tls_ca_file = given(nats->tls_ca_file),
		.tls_cert_file = given(nats->tls_cert_file),
		.tls_key_file = given(nats->tls_key_file),
		.tls = nats->tls,
		.connect_timeout_ms = (uint32_t)(nats->connect_timeout_ns / NS_PER_MS),
		.reconnect_wait_ms = (uint32_t)(nats->reconnect_wait_ns / NS_PER_MS),
		.ping_interval_ms = (uint32_t)(nats->ping_interval_ns / NS_PER_MS),
	};
	int err = read_password(password, nats->password_file, error);

	if (err)
		return err;
	options.password = given(password);
	err = sl_bus_new(&worker->bus, worker->loop, &options, NULL, NULL, &why);
	explicit_bzero(password, sizeof(password));
	return err ? fail(error, err, "nats: %s", why.message) : 0;
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

static void set_up(struct sl_worker *worker)
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

static int subscribe(struct sl_worker *worker, struct step_error *error)
{
	int err = sl_bus_subscribe(&worker->cancels, worker->bus, SL_SUBJECT_CANCEL, NULL,
				   sl_worker_on_cancel, worker);

	return err ? fail(error, err, "cannot subscribe: %s", strerror(-err)) : 0;
}

/* ---- draining
 * ---------------------------------------------------------------------------------------- */

static void leave(struct sl_worker *worker)
{
	(void)event_base_loopbreak(worker->base);
}

static void on_flushed(void *context, int status)
{
	(void)status;
	leave(context);
}

static bool is_idle(const struct sl_worker *worker)
{
	for (const struct sl_job *job = worker->jobs; job; job = job->next)
		if (job->state != SL_JOB_GONE)
			return false;
	return true;
}

static void finish(struct sl_worker *worker)
{
	worker->phase = SL_WORKER_FLUSHING;
	if (sl_bus_flush(worker->bus, FLUSH_MS, on_flushed, worker) != 0)
		leave(worker);
}

static void hand_back_waiting(struct sl_worker *worker)
{
	struct sl_job *next;

	for (struct sl_job *job = worker->jobs; job; job = next) {
		next = job->next;
		if (job->state == SL_JOB_WAITING)
			sl_job_hand_back(job);
	}
}

/* The grace is over: what runs is told to stop, and goes back when it did not hear. */
static void stop_running(struct sl_worker *worker, bool patient)
{
	struct sl_job *next;

	for (struct sl_job *job = worker->jobs; job; job = next) {
		next = job->next;
		if (job->state != SL_JOB_RUNNING)
			continue;
		sl_run_stop(&job->run, SL_STOP_SHUTDOWN);
		if (!patient)
			sl_job_hand_back(job);
	}
}

static void drain(struct sl_worker *worker)
{
	if (worker->phase >= SL_WORKER_DRAINING) { /* told twice: now */
		worker->drain_until_ns = sl_run_now_ns();
		return;
	}
	sl_log(worker->log, SL_LOG_INFO, "ending: running jobs may finish, the rest goes back",
	       SL_NUM("running", sl_pool_busy(worker->pool)),
	       SL_NUM("waiting", sl_worker_count(worker, SL_JOB_WAITING)));
	worker->phase = SL_WORKER_DRAINING;
	worker->drain_until_ns = sl_run_now_ns() + worker->grace_ns;
	if (worker->pull)
		sl_js_pull_window(worker->pull, 0);
	hand_back_waiting(worker);
	sl_worker_beat(worker);
}

static void drain_on(struct sl_worker *worker)
{
	uint64_t now_ns = sl_run_now_ns();

	if (is_idle(worker)) {
		finish(worker);
		return;
	}
	if (now_ns < worker->drain_until_ns)
		return;
	stop_running(worker, now_ns < worker->drain_until_ns + STOP_PATIENCE_NS);
	/* Results that cannot be told: their jobs come again. */
	if (now_ns > worker->drain_until_ns + 2 * STOP_PATIENCE_NS)
		finish(worker);
}

/* ---- timers and signals
 * ---------------------------------------------------------------------------------- */

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct sl_worker *worker = arg;

	(void)fd;
	(void)what;
	if (worker->phase == SL_WORKER_FLUSHING)
		return;
	sl_worker_on_tick(worker);
	if (worker->phase == SL_WORKER_STARTING && !worker->setting_up &&
	    sl_run_now_ns() >= worker->retry_setup_ns)
		set_up(worker);
	if (worker->phase == SL_WORKER_DRAINING)
		drain_on(worker);
}

static void on_beat(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	sl_worker_beat(arg);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	(void)what;
	if (number == SIGHUP)
		reload(arg);
	else
		drain(arg);
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

static int start_timers(struct sl_worker *worker, struct step_error *error)
{
	static const int numbers[] = { SIGHUP, SIGTERM, SIGINT };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		worker->signals[i] = evsignal_new(worker->base, numbers[i], on_signal, worker);
		if (!worker->signals[i] || event_add(worker->signals[i], NULL) != 0)
			return fail(error, -ENOMEM, "cannot watch signals");
	}
	worker->tick = every(worker, TICK_MS, on_tick);
	worker->beat = every(worker, worker->config->heartbeat_ns / NS_PER_MS, on_beat);
	return worker->tick && worker->beat ? 0 : fail(error, -ENOMEM, "cannot make timers");
}

/* ---- start and end
 * ------------------------------------------------------------------------------------------ */

static int make_loop(struct sl_worker *worker, struct step_error *error)
{
	int err;

	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return fail(error, -errno, "signal: %s", strerror(errno));
	worker->base = event_base_new();
	err = worker->base ? sl_loop_event_new(&worker->loop, worker->base) : -ENOMEM;
	if (!err)
		err = sl_recent_new(&worker->done, worker->config->remember);
	if (!err)
		err = sl_recent_new(&worker->called_off, worker->config->remember);
	if (!err)
		err = sl_pool_new(&worker->pool, worker->loop, worker->concurrency,
				  sl_worker_on_run_done, worker);
	return err ? fail(error, err, "cannot start: %s", strerror(-err)) : 0;
}

static int open_http(struct sl_worker *worker, struct step_error *error)
{
	const struct sl_worker_config *config = worker->config;
	int err;

	if (!config->metrics_port)
		return 0;
	err = sl_http_new(&worker->http, worker->base, config->metrics_address,
			  config->metrics_port, sl_worker_routes, worker);
	return err ? fail(error, err, "metrics at %s port %u: %s", config->metrics_address,
			  config->metrics_port, strerror(-err))
		   : 0;
}

static step_fn *const steps[] = { read_config, make_loop, open_http,
				  open_bus,    subscribe, start_timers };

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
		struct step_error error = { .message = "" };
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
	sl_js_pull_free(worker->pull);
	worker->pull = NULL;
	sl_bus_free(worker->bus); /* before the jobs: their results end in it */
	while (worker->jobs)
		sl_job_free(worker->jobs);
	for (size_t i = 0; i < sizeof(worker->signals) / sizeof(worker->signals[0]); i++)
		free_event(worker->signals[i]);
	free_event(worker->tick);
	free_event(worker->beat);
	sl_http_free(worker->http);
	sl_loop_event_free(worker->loop);
	if (worker->base)
		event_base_free(worker->base);
	sl_recent_free(worker->done);
	sl_recent_free(worker->called_off);
	sl_handlers_drop(worker->handlers);
	free(worker);
	return 0;
}
