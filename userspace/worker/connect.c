// SPDX-License-Identifier: Apache-2.0
/* The way to the stream: bus, streams, consumer, pull; tried until it stands. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/bus/streams.h"
#include "userspace/worker/worker_private.h"

#define NS_PER_MS      1000000ull
#define SETUP_AGAIN_NS 2000000000ull
#define ACKS_PENDING   100000u
#define PASSWORD_BYTES 256

static int read_password(char ret[PASSWORD_BYTES], const char *path, struct sl_worker_error *error)
{
	sl_autofclose FILE *file = path[0] ? fopen(path, "re") : NULL;

	ret[0] = '\0';
	if (!path[0])
		return 0;
	if (!file || !fgets(ret, PASSWORD_BYTES, file))
		return sl_worker_fail(error, -ENOENT, "nats.password_file: cannot read %.200s",
				      path);
	ret[strcspn(ret, "\r\n")] = '\0';
	return 0;
}

static const char *given(const char *text)
{
	return text[0] ? text : NULL;
}

int sl_worker_open_bus(struct sl_worker *worker, struct sl_worker_error *error)
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
	return err ? sl_worker_fail(error, err, "nats: %s", why.message) : 0;
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

int sl_worker_subscribe(struct sl_worker *worker, struct sl_worker_error *error)
{
	int err = sl_bus_subscribe(&worker->cancels, worker->bus, SL_SUBJECT_CANCEL, NULL,
				   sl_worker_on_cancel, worker);

	return err ? sl_worker_fail(error, err, "cannot subscribe: %s", strerror(-err)) : 0;
}
