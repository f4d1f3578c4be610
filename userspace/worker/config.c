// SPDX-License-Identifier: Apache-2.0
#include "userspace/worker/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/conf/backoff.h"
#include "userspace/domain/dead_letter.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define MS_NS 1000000ull
#define S_NS  1000000000ull

static const struct sl_choice kinds[] = {
	{ "echo", SL_HANDLER_ECHO },
	{ "simulate", SL_HANDLER_SIMULATE },
	{ "http", SL_HANDLER_HTTP },
	{ "plugin", SL_HANDLER_PLUGIN },
	{ NULL, 0 },
};
static const struct sl_choice bodies[] = {
	{ "none", SL_DEAD_BODY_NONE },
	{ "masked", SL_DEAD_BODY_MASKED },
	{ "whole", SL_DEAD_BODY_WHOLE },
	{ NULL, 0 },
};
static const struct sl_choice web[] = { { "http", 0 }, { "https", 1 }, { NULL, 0 } };

#define HANDLER(member) SL_CONF_MEMBER(sl_handler_config, member)
#define WORKER(member)	SL_CONF_MEMBER(sl_worker_config, member)

static const struct sl_conf_field handler_fields[] = {
	{ "name", &sl_conf_word, HANDLER(name), .flags = SL_CONF_REQUIRED,
	  .help = "What messages and metrics call it." },
	{ "kind", &sl_conf_choice, HANDLER(kind), .choices = kinds, .flags = SL_CONF_REQUIRED,
	  .help = "What it does with a job: give it back, pretend, post it, or what a plugin "
		  "does." },
	{ "types", &sl_conf_text, SL_CONF_LIST(sl_handler_config, types, type_count), .max = 64,
	  .flags = SL_CONF_UNIQUE, .help = "Only jobs of these types." },
	{ "providers", &sl_conf_text, SL_CONF_LIST(sl_handler_config, providers, provider_count),
	  .max = 256, .flags = SL_CONF_UNIQUE, .help = "Only jobs for these providers." },
	{ "cost", &sl_conf_real, .fallback = "0", HANDLER(cost), .max = 1000000,
	  .help = "What a job costs that was done (simulate, http)." },
	{ "latency", &sl_conf_duration, .fallback = "10ms", HANDLER(latency_ns), .min = 1,
	  .max = 3600 * S_NS, .help = "How long a job takes (simulate)." },
	{ "jitter", &sl_conf_duration, .fallback = "1ns", HANDLER(jitter_ns), .min = 1,
	  .max = 3600 * S_NS, .help = "Up to so much longer, evenly (simulate)." },
	{ "failure_rate", &sl_conf_real, .fallback = "0", HANDLER(failure_rate), .max = 1,
	  .help = "Share of jobs that fail (simulate)." },
	{ "seed", &sl_conf_integer, .fallback = "1", HANDLER(seed), .max = UINT32_MAX,
	  .help = "Same seed and assignment_id: same jitter, same failure (simulate)." },
	{ "url", &sl_conf_url, .fallback = "", HANDLER(url), .choices = web,
	  .help = "Where the job's payload is posted (http)." },
	{ "timeout", &sl_conf_duration, .fallback = "30s", HANDLER(timeout_ns), .min = MS_NS,
	  .max = 3600 * S_NS, .help = "Of one try, within the job's deadline (http)." },
	{ "response_max", &sl_conf_bytes, .fallback = "256KiB", HANDLER(response_bytes_max),
	  .min = 1, .max = SL_WORKER_OUTPUT_MAX, .help = "A larger answer is an error (http)." },
	{ "idempotent", &sl_conf_bool, .fallback = "false", HANDLER(idempotent),
	  .help = "The provider takes an Idempotency-Key: a try that perhaps arrived may be "
		  "repeated (http)." },
	{ "authorization_file", &sl_conf_file, .fallback = "", HANDLER(authorization_file),
	  .help = "Its first line is sent as Authorization (http)." },
	{ "ca_file", &sl_conf_file, .fallback = "", HANDLER(ca_file),
	  .help = "Whom to trust; else whom the system trusts (http)." },
	{ "path", &sl_conf_file, .fallback = "", HANDLER(path),
	  .help = "The shared object (plugin); see sluice/worker.h." },
	{ "settings", &sl_conf_text, .fallback = "", HANDLER(settings),
	  .help = "Handed to the plugin's init() as it is." },
};
static const struct sl_conf_table handler_table = {
	"Who runs which jobs: the first that fits.", SL_CONF_TABLE(handler_fields),
	.line_offset = offsetof(struct sl_handler_config, line)
};

static const struct sl_choice works[] = {
	{ "interactive", SL_WORK_INTERACTIVE },
	{ "batch-interactive", SL_WORK_BATCH_INTERACTIVE },
	{ "batch", SL_WORK_BATCH },
	{ NULL, 0 },
};

static const struct sl_conf_field pressure_fields[] = {
	{ "pool", &sl_conf_word, .fallback = "default", WORKER(pressure_pool),
	  .help = "The workers that share the work name the same pool: A-Z, a-z, 0-9, _ and -." },
	{ "class", &sl_conf_choice, .fallback = "interactive", WORKER(pressure_class),
	  .choices = works,
	  .help = "How long jobs may wait before that is pressure: 100 ms, 1 s or 30 s." },
};
static const struct sl_conf_table pressure_table = {
	"Backpressure: what this worker tells routers of its queue.",
	SL_CONF_TABLE(pressure_fields), 0
};

static const struct sl_conf_field metrics_fields[] = {
	{ "address", &sl_conf_ip_text, .fallback = "127.0.0.1", WORKER(metrics_address),
	  .help = "Where /metrics, /livez and /readyz are served." },
	{ "port", &sl_conf_integer, .fallback = "9403", WORKER(metrics_port), .max = UINT16_MAX,
	  .help = "0: not at all." },
};
static const struct sl_conf_table metrics_table = { "Pages for scrapers and probes.",
						    SL_CONF_TABLE(metrics_fields), 0 };

static const struct sl_conf_field root_fields[] = {
	{ "version", &sl_conf_integer, WORKER(version), .min = 1, .max = 1,
	  .flags = SL_CONF_REQUIRED, .help = "Of the file's format." },
	{ "worker_id", &sl_conf_word, .fallback = "", WORKER(worker_id),
	  .help = "Our name in acks and heartbeats; else host name and process." },
	{ "tenant_id", &sl_conf_word, .fallback = "system", WORKER(tenant_id),
	  .help = "The tenant that heartbeats name." },
	{ "nats", .table = &sl_conf_nats_table, WORKER(nats) },
	{ "concurrency", &sl_conf_integer, .fallback = "4", WORKER(concurrency), .min = 1,
	  .max = SL_WORKER_CONCURRENCY_MAX, .help = "Jobs that run at once, each in a thread." },
	{ "queue", &sl_conf_integer, .fallback = "4", WORKER(queue), .max = SL_WORKER_QUEUE_MAX,
	  .help = "Jobs that wait here for a thread." },
	{ "pull_ahead", &sl_conf_integer, .fallback = "0", WORKER(pull_ahead), .max = 64,
	  .help = "Jobs asked for though there is no room: they are rejected and go to another "
		  "worker, or come again." },
	{ "max_deliver", &sl_conf_integer, .fallback = "3", WORKER(max_deliver), .min = 1,
	  .max = 1000,
	  .help = "A job that was delivered more often than this, over more than as many "
		  "ack_waits, is given up." },
	{ "ack_wait", &sl_conf_duration, .fallback = "30s", WORKER(ack_wait_ns), .min = 300 * MS_NS,
	  .max = 3600 * S_NS, .help = "How long after a worker died another gets its jobs." },
	{ "reject_delay", &sl_conf_duration, .fallback = "1s", WORKER(reject_delay_ns),
	  .min = MS_NS, .max = 60 * S_NS,
	  .help = "How long a rejected job waits at least until it is offered again; after the "
		  "second delivery twice, then four times as long." },
	{ "backoff", &sl_conf_backoff, .fallback = "", WORKER(backoff),
	  .help = "The same for each delivery, the last for all further ones: `1s,2s,4s`. It "
		  "wins over `reject_delay`; up to a fifth is added at random." },
	{ "remember", &sl_conf_integer, .fallback = "10000", WORKER(remember), .min = 16,
	  .max = 1000000, .help = "Finished and cancelled assignments that are recognised." },
	{ "drain_grace", &sl_conf_duration, .fallback = "25s", WORKER(drain_grace_ns), .min = MS_NS,
	  .max = 3600 * S_NS, .help = "How long running jobs may take to end after SIGTERM." },
	{ "heartbeat", &sl_conf_duration, .fallback = "5s", WORKER(heartbeat_ns),
	  .min = 100 * MS_NS, .max = 60 * S_NS, .help = "Between two heartbeats." },
	{ "dead_letter_body", &sl_conf_choice, .fallback = "none", WORKER(dead_letter_body),
	  .choices = bodies,
	  .help = "What of an assignment goes into its dead letter; only what is there can be "
		  "replayed, and it may hold personal data." },
	{ "pressure", .table = &pressure_table },
	{ "metrics", .table = &metrics_table },
	{ "handlers", .table = &handler_table,
	  SL_CONF_LIST(sl_worker_config, handlers, handler_count), .max = 64,
	  .flags = SL_CONF_UNIQUE },
};
static const struct sl_conf_table root = { NULL, SL_CONF_TABLE(root_fields), 0 };

static const struct sl_conf_variable variables[] = {
	{ "NATS_URL", "nats.servers", NULL },
	{ "NATS_ACK_WAIT_MS", "ack_wait", "ms" },
	{ "NATS_MAX_DELIVER", "max_deliver", NULL },
	{ "NATS_BACKOFF_MS", "backoff", NULL },
};

static int check(struct sl_conf_context *ctx, void *filled)
{
	const struct sl_worker_config *config = filled;
	char path[64];

	if (!sl_signal_is_name(config->pressure_pool))
		return sl_conf_refuse(ctx, "pressure.pool",
				      "a pool is called by A-Z, a-z, 0-9, _ and -");
	if (!config->handler_count)
		return sl_conf_refuse(ctx, "handlers", "a worker needs a handler");
	for (size_t i = 0; i < config->handler_count; i++) {
		const struct sl_handler_config *handler = &config->handlers[i];

		(void)snprintf(path, sizeof(path), "handlers[%zu]", i);
		if (handler->kind == SL_HANDLER_HTTP && !handler->url[0])
			return sl_conf_refuse(ctx, path, "http needs a url");
		if (handler->kind == SL_HANDLER_PLUGIN && !handler->path[0])
			return sl_conf_refuse(ctx, path, "plugin needs a path");
	}
	return 0;
}

static const char intro[] =
	"# Configuration of sluice-worker\n"
	"\n"
	"YAML, strict: a key that is unknown, doubled or out of range is refused with its line.\n"
	"`sluice-worker --check --config FILE` says whether a file is good. This page is what\n"
	"`sluice-worker --config-help` prints.\n"
	"\n";

const struct sl_conf_schema sl_worker_schema = {
	.program = "worker",
	.intro = intro,
	.root = &root,
	.size = sizeof(struct sl_worker_config),
	.check = check,
	.variables = variables,
	.variable_count = COUNT(variables),
};

int sl_worker_config_load(struct sl_worker_config *ret, const char *path, char *const *environment,
			  struct sl_conf_error *error)
{
	return sl_conf_read_file(ret, &sl_worker_schema, path, environment, error);
}

void sl_worker_config_clear(struct sl_worker_config *config)
{
	sl_conf_clear(config, &sl_worker_schema);
}

static bool fits(const char *list, size_t count, size_t size, const char *wanted)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list + i * size, wanted) == 0)
			return true;
	return count == 0;
}

const struct sl_handler_config *sl_worker_config_handler(const struct sl_worker_config *config,
							 const char *provider_id, const char *type)
{
	for (size_t i = 0; i < config->handler_count; i++) {
		const struct sl_handler_config *handler = &config->handlers[i];

		if (fits((const char *)handler->types, handler->type_count,
			 sizeof(handler->types[0]), type) &&
		    fits((const char *)handler->providers, handler->provider_count,
			 sizeof(handler->providers[0]), provider_id))
			return handler;
	}
	return NULL;
}
