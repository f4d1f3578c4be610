// SPDX-License-Identifier: Apache-2.0
/* The configuration, at the start and on SIGHUP. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/worker/worker_private.h"

#define NS_PER_MS 1000000ull

#define HOST_BYTES 65

static int load_config(struct sl_worker_config **ret, const char *path,
		       struct sl_program_error *error)
{
	sl_autofree struct sl_worker_config *config = calloc(1, sizeof(*config));
	struct sl_conf_error why = { .message = "" };
	int err = config ? sl_worker_config_load(config, path, environ, &why) : -ENOMEM;

	if (err) {
		(void)sl_program_fail(error, err, "%s", config ? why.message : "out of memory");
		return err;
	}
	*ret = SL_TAKE_PTR(config);
	return 0;
}

static int load_handlers(struct sl_handlers **ret, const struct sl_worker_config **ret_config,
			 const char *path, struct sl_program_error *error)
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
		(void)sl_program_fail(error, err, "%s", why.message);
		return err;
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

int sl_worker_read_config(struct sl_worker *worker, struct sl_program_error *error)
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
	worker->backoff = config->backoff;
	if (!worker->backoff.count)
		worker->backoff =
			sl_backoff_doubling((uint32_t)(config->reject_delay_ns / NS_PER_MS));
	worker->grace_ns = config->drain_grace_ns;
	name_stats(worker);
	return 0;
}

void sl_worker_reload(void *context)
{
	struct sl_worker *worker = context;
	struct sl_program_error error = { .message = "" };
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
