// SPDX-License-Identifier: Apache-2.0
/* Start, loop, end. */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sluice/envelope.h"
#include "userspace/base/cleanup.h"
#include "userspace/bus/loop_event.h"
#include "userspace/bus/streams.h"
#include "userspace/usage/usage_private.h"

#define NS_PER_MS      1000000ull
#define NS_PER_S       1000000000ull
#define TICK_MS	       250
#define SETUP_AGAIN_NS (2 * NS_PER_S)
#define FLUSH_MS       2000
#define PASSWORD_BYTES 256
#define ACKS_PENDING   100000u

/* Old events go in small steps, so that new ones need not wait long. */
#define FORGET_MAX	1000
#define FORGET_AGAIN_NS (60 * NS_PER_S)

struct step_error {
	char message[400];
};

typedef int step_fn(struct sl_usage *usage, struct step_error *error);

uint64_t sl_usage_now_ns(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t sl_usage_wall_ms(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / NS_PER_MS;
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

/* ---- the bus ---------------------------------------------------------------------- */

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

static int open_bus(struct sl_usage *usage, struct step_error *error)
{
	const struct sl_conf_nats *nats = &usage->config.nats;
	char password[PASSWORD_BYTES];
	struct sl_bus_error why = { .message = "" };
	struct sl_bus_options options = {
		.servers = nats->servers,
		.name = "sluice-usage",
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
	err = sl_bus_new(&usage->bus, usage->loop, &options, NULL, NULL, &why);
	explicit_bzero(password, sizeof(password));
	return err ? fail(error, err, "nats: %s", why.message) : 0;
}

static void setup_failed(struct sl_usage *usage, int status)
{
	usage->setting_up = false;
	usage->retry_setup_ns = sl_usage_now_ns() + SETUP_AGAIN_NS;
	sl_log_limited(usage->log, SL_LOG_SYNC, SL_LOG_WARN,
		       "streams are not ready; will try again", SL_STR("error", strerror(-status)),
		       SL_STR("server", sl_js_error(usage->bus)));
}

static void on_consumer(void *context, int status)
{
	struct sl_usage *usage = context;

	if (!status)
		status = sl_js_pull_new(&usage->pull, usage->bus, SL_STREAM_USAGE, SL_DURABLE_USAGE,
					usage->config.batch, sl_usage_on_event, usage);
	if (status) {
		setup_failed(usage, status);
		return;
	}
	usage->setting_up = false;
	usage->ready = true;
	sl_log(usage->log, SL_LOG_INFO, "ready", SL_STR("ledger", usage->config.ledger));
}

static void on_streams(void *context, int status)
{
	struct sl_usage *usage = context;
	const struct sl_js_consumer consumer = {
		.stream = SL_STREAM_USAGE,
		.durable = SL_DURABLE_USAGE,
		.ack_wait_ms = usage->config.ack_wait_ns / NS_PER_MS,
		/* An event is written or refused, and a ledger that is down is no reason to
		 * lose one. */
		.max_deliver = 0,
		.max_ack_pending = ACKS_PENDING,
	};

	if (!status)
		status = sl_js_ensure_consumer(usage->bus, &consumer, on_consumer, usage);
	if (status)
		setup_failed(usage, status);
}

static void set_up(struct sl_usage *usage)
{
	static const struct sl_js_stream *const streams[] = { &sl_stream_usage,
							      &sl_stream_dead_letters, NULL };
	int err;

	if (sl_bus_state(usage->bus) != SL_BUS_CONNECTED)
		return;
	usage->setting_up = true;
	err = sl_streams_ensure(usage->bus, streams, on_streams, usage);
	if (err)
		setup_failed(usage, err);
}

/* ---- timers and signals ----------------------------------------------------------- */

static void forget_old(struct sl_usage *usage, uint64_t now_ns)
{
	uint64_t kept_ms = usage->config.retention_ns / NS_PER_MS, deleted = 0;
	struct sl_ledger_error error = { .message = "" };

	if (usage->config.retention_ns == SL_DURATION_NEVER || now_ns < usage->forget_at_ns)
		return;
	if (sl_ledger_forget(&deleted, usage->ledger, sl_usage_wall_ms() - kept_ms, FORGET_MAX,
			     &error) != 0)
		sl_log_limited(usage->log, SL_LOG_SYNC, SL_LOG_WARN, "old events stay",
			       SL_STR("error", error.message));
	usage->stats.forgotten_total += deleted;
	if (deleted < FORGET_MAX)
		usage->forget_at_ns = now_ns + FORGET_AGAIN_NS;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct sl_usage *usage = arg;
	uint64_t now_ns = sl_usage_now_ns();

	(void)fd;
	(void)what;
	if (usage->ending)
		return;
	if (!usage->ready && !usage->setting_up && now_ns >= usage->retry_setup_ns)
		set_up(usage);
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
static void end(struct sl_usage *usage)
{
	if (usage->ending) {
		(void)event_base_loopbreak(usage->base);
		return;
	}
	usage->ending = true;
	sl_log(usage->log, SL_LOG_INFO, "ending", SL_NUM("events", usage->count));
	if (usage->pull)
		sl_js_pull_window(usage->pull, 0);
	(void)sl_usage_write(usage);
	if (sl_bus_flush(usage->bus, FLUSH_MS, on_flushed, usage) != 0)
		(void)event_base_loopbreak(usage->base);
}

/* The ledger and the bus stay as they are; the rest is taken over. */
static void reload(struct sl_usage *usage)
{
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

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	(void)what;
	if (number == SIGHUP)
		reload(arg);
	else
		end(arg);
}

static int start_timers(struct sl_usage *usage, struct step_error *error)
{
	static const int numbers[] = { SIGHUP, SIGTERM, SIGINT };
	const struct timeval period = { .tv_usec = TICK_MS * 1000 };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		usage->signals[i] = evsignal_new(usage->base, numbers[i], on_signal, usage);
		if (!usage->signals[i] || event_add(usage->signals[i], NULL) != 0)
			return fail(error, -ENOMEM, "cannot watch signals");
	}
	usage->batch_timer =
		(struct sl_loop_timer){ .fire = sl_usage_on_batch_timer, .context = usage };
	usage->tick = event_new(usage->base, -1, EV_PERSIST, on_tick, usage);
	if (!usage->tick || event_add(usage->tick, &period) != 0)
		return fail(error, -ENOMEM, "cannot make timers");
	return 0;
}

/* ---- start and end ---------------------------------------------------------------- */

static int read_config(struct sl_usage *usage, struct step_error *error)
{
	struct sl_conf_error why = { .message = "" };
	int err = sl_usage_config_load(&usage->config, usage->options.config_path, environ, &why);

	return err ? fail(error, err, "%s", why.message) : 0;
}

static int open_ledger(struct sl_usage *usage, struct step_error *error)
{
	struct sl_ledger_error why = { .message = "" };
	int err = sl_ledger_open(&usage->ledger, usage->config.ledger, &why);

	return err ? fail(error, err, "%.200s: %s", usage->config.ledger, why.message) : 0;
}

static int make_loop(struct sl_usage *usage, struct step_error *error)
{
	int err;

	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return fail(error, -errno, "signal: %s", strerror(errno));
	usage->base = event_base_new();
	err = usage->base ? sl_loop_event_new(&usage->loop, usage->base) : -ENOMEM;
	if (!err)
		err = sl_runs_new(&usage->runs, usage->config.runs_open, sl_usage_run_closed,
				  usage);
	usage->events = calloc(usage->config.batch, sizeof(usage->events[0]));
	usage->tokens = calloc(usage->config.batch, sizeof(usage->tokens[0]));
	usage->is_new = calloc(usage->config.batch, sizeof(usage->is_new[0]));
	if (!err && (!usage->events || !usage->tokens || !usage->is_new))
		err = -ENOMEM;
	return err ? fail(error, err, "cannot start: %s", strerror(-err)) : 0;
}

static int open_http(struct sl_usage *usage, struct step_error *error)
{
	const struct sl_usage_config *config = &usage->config;
	int err;

	if (!config->metrics_port)
		return 0;
	err = sl_http_new(&usage->http, usage->base, config->metrics_address, config->metrics_port,
			  sl_usage_routes, usage);
	return err ? fail(error, err, "metrics at %s port %u: %s", config->metrics_address,
			  config->metrics_port, strerror(-err))
		   : 0;
}

static step_fn *const steps[] = { read_config, open_ledger, make_loop,
				  open_http,   open_bus,    start_timers };

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
		struct step_error error = { .message = "" };
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

static void free_event(struct event *event)
{
	if (event)
		event_free(event);
}

void sl_usage_free(struct sl_usage *usage)
{
	if (!usage)
		return;
	if (usage->loop)
		usage->loop->timer_clear(usage->loop, &usage->batch_timer);
	sl_js_pull_free(usage->pull);
	sl_bus_free(usage->bus);
	for (size_t i = 0; i < sizeof(usage->signals) / sizeof(usage->signals[0]); i++)
		free_event(usage->signals[i]);
	free_event(usage->tick);
	sl_http_free(usage->http);
	sl_loop_event_free(usage->loop);
	if (usage->base)
		event_base_free(usage->base);
	sl_ledger_close(usage->ledger);
	sl_runs_free(usage->runs);
	free(usage->events);
	free(usage->tokens);
	free(usage->is_new);
	free(usage);
}
