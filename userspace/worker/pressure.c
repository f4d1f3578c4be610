// SPDX-License-Identifier: Apache-2.0
/* How pressed this worker is: measured, told, and heeded when the next job is chosen. */
#include <stdio.h>
#include <string.h>

#include "userspace/base/clock.h"
#include "userspace/worker/worker_private.h"

#define BACKLOG_KEPT_NS 1000000000ull

/* ---- who we are, and who gives us work --------------------------------------------------- */

/* One token of a subject, of what may be any word. */
static void make_name(char ret[SL_SIGNAL_NAME_BYTES], const char *worker_id)
{
	size_t i = 0;

	for (; worker_id[i] && i + 1 < SL_SIGNAL_NAME_BYTES; i++) {
		const char one[] = { worker_id[i], '\0' };

		ret[i] = sl_signal_is_name(one) ? worker_id[i] : '_';
	}
	ret[i] = '\0';
}

static int make_routers(struct sl_worker *worker)
{
	struct sl_table_options options = {
		.entries_max = SL_WORKER_ROUTERS_MAX,
		.value_size = 1,
		.ttl_ns = SL_PRESSURE_STALE_NS,
	};

	sl_worker_random(options.secret, sizeof(options.secret));
	return sl_table_new(&worker->routers, &options);
}

int sl_worker_gauge(struct sl_worker *worker, struct sl_program_error *error)
{
	const struct sl_worker_config *config = worker->config;
	const uint64_t now_ns = sl_monotonic_ns();
	char source[SL_SIGNAL_NAME_BYTES];
	const struct sl_gauge_options options = {
		.pool = config->pressure_pool,
		.source = source,
		.work = (enum sl_work_class)config->pressure_class,
		.epoch = sl_wall_ms(),
		.slots = worker->concurrency,
	};
	int err = make_routers(worker);

	make_name(source, worker->worker_id);
	sl_gauge_init(&worker->gauge, &options, now_ns);
	sl_queue_init(&worker->order, sl_work_class_target_ns(options.work), now_ns);
	worker->youngest_ns = UINT64_MAX;
	return err ? sl_program_fail(error, err, "cannot start: %s", strerror(-err)) : 0;
}

static void on_signal(void *context, const struct sl_bus_message *message)
{
	struct sl_worker *worker = context;
	const uint64_t now_ns = sl_monotonic_ns();
	struct sl_signal signal;
	struct sl_span name;

	if (sl_signal_read(&signal, sl_bus_payload(message), NULL) != 0) {
		worker->stats.signals_malformed_total++;
		return;
	}
	if (signal.role != SL_SIGNAL_ROUTER)
		return;
	name = sl_span_of(signal.source);
	(void)sl_table_put(worker->routers, sl_table_key(worker->routers, &name, 1), now_ns);
}

int sl_worker_listen_to_routers(struct sl_worker *worker, struct sl_program_error *error)
{
	char subject[SL_SIGNAL_SUBJECT_BYTES];
	int err = sl_bus_subscribe(
		&worker->router_signals, worker->bus,
		sl_signal_subject(subject, worker->gauge.last.work, worker->gauge.last.pool), NULL,
		on_signal, worker);

	return err ? sl_program_fail(error, err, "cannot subscribe: %s", strerror(-err)) : 0;
}

static uint32_t count_routers(const struct sl_worker *worker, uint64_t now_ns)
{
	uint32_t at = 0, count = 0;

	while (sl_table_next(worker->routers, &at, now_ns))
		count++;
	return count;
}

/* ---- measuring ---------------------------------------------------------------------------- */

/*
 * Since when a job waits, its time in the stream included. The clocks of server and
 * worker differ: the youngest message that ever came is taken to have just been sent.
 */
uint64_t sl_worker_queued_ns(struct sl_worker *worker, uint64_t age_ns, uint64_t deliveries,
			     uint64_t pending, uint64_t now_ns)
{
	worker->backlog = pending;
	worker->backlog_ns = now_ns;
	if (age_ns < worker->youngest_ns)
		worker->youngest_ns = age_ns;
	/* A job that comes again waited to be offered again: that is no queue. */
	return deliveries > 1 ? now_ns : now_ns - (age_ns - worker->youngest_ns);
}

/* What the stream said with its last message; others may have taken it since. */
static uint64_t backlog_of(const struct sl_worker *worker, uint64_t now_ns)
{
	const bool is_old = now_ns - worker->backlog_ns > BACKLOG_KEPT_NS;

	return is_old && sl_pool_idle(worker->pool) ? 0 : worker->backlog;
}

static void publish(struct sl_worker *worker)
{
	struct sl_json_out out = SL_JSON_OUT(SL_SIGNAL_BYTES_MAX);
	const struct sl_signal *signal = &worker->gauge.last;
	char subject[SL_SIGNAL_SUBJECT_BYTES], parent[SL_TRACEPARENT_CHARS + 1];
	struct sl_bus_header headers[4] = {
		{ SL_HEADER_VERSION, SL_SPAN(SL_MESSAGE_VERSION) },
		{ SL_HEADER_TENANT_ID, sl_span_of(worker->config->tenant_id) },
	};
	struct sl_span none = { NULL, 0 }, text;
	struct sl_trace trace;
	uint8_t random[24];

	sl_worker_random(random, sizeof(random));
	sl_trace_start(&trace, none, none, none, random);
	sl_trace_parent(parent, &trace);
	headers[2] = (struct sl_bus_header){ SL_HEADER_TRACE_ID, sl_span_of(trace.trace_id) };
	headers[3] = (struct sl_bus_header){ SL_HEADER_TRACEPARENT, sl_span_of(parent) };
	sl_signal_write(&out, signal);
	if (sl_json_done(&text, &out) == 0 &&
	    sl_bus_publish(worker->bus, sl_signal_subject(subject, signal->work, signal->pool),
			   NULL, headers, 4, text) == 0)
		worker->stats.signals_total++;
	sl_json_out_free(&out);
}

static size_t list_waiting(uint64_t since_ns[SL_METER_SAMPLES], const struct sl_worker *worker)
{
	size_t count = 0;

	for (const struct sl_job *job = worker->jobs; job && count < SL_METER_SAMPLES;
	     job = job->next)
		if (job->state == SL_JOB_WAITING)
			since_ns[count++] = job->queued_ns;
	return count;
}

void sl_worker_tell_pressure(struct sl_worker *worker, bool leaving)
{
	const uint64_t now_ns = sl_monotonic_ns();
	uint64_t since_ns[SL_METER_SAMPLES], random;
	const struct sl_gauge_now now = {
		.busy = sl_pool_busy(worker->pool),
		.waiting = { since_ns, list_waiting(since_ns, worker) },
		.backlog = backlog_of(worker, now_ns),
		.drops = sl_bus_stats(worker->bus).slow_consumer_total,
		.routers = count_routers(worker, now_ns),
		.wall_ms = sl_wall_ms(),
	};

	sl_queue_note(&worker->order, !now.waiting.count, now_ns);
	if (!leaving && !sl_gauge_is_due(&worker->gauge, &now, now_ns))
		return;
	sl_worker_random(&random, sizeof(random));
	worker->gauge.last.leaving = leaving;
	if (sl_gauge_signal(&worker->gauge, &now, random, now_ns))
		sl_log_limited(worker->log, SL_LOG_SYNC, SL_LOG_WARN, "pressure changed",
			       SL_STR("state", sl_pressure_state_name(worker->gauge.level.state)),
			       SL_NUM("waiting", now.waiting.count));
	publish(worker);
}

/* ---- choosing ----------------------------------------------------------------------------- */

static struct sl_queue_item item_of(const struct sl_job *job)
{
	return (struct sl_queue_item){ .queued_ns = job->queued_ns,
				       .deadline_ns = job->deadline_ns,
				       .criticality = job->criticality };
}

struct sl_job *sl_worker_next(const struct sl_worker *worker)
{
	struct sl_job *best = NULL;
	struct sl_queue_item best_item = { 0 };

	/* The newest are first in the list: of two that came together, the older one. */
	for (struct sl_job *job = worker->jobs; job; job = job->next) {
		const struct sl_queue_item item = item_of(job);

		if (job->state != SL_JOB_WAITING ||
		    (best && sl_queue_before(&best_item, &item, worker->gauge.level.state)))
			continue;
		best = job;
		best_item = item;
	}
	return best;
}

bool sl_worker_waited_too_long(struct sl_worker *worker, const struct sl_job *job)
{
	const uint64_t now_ns = sl_monotonic_ns();
	const struct sl_queue_item item = item_of(job);

	return sl_queue_judge(&worker->order, &item, now_ns) == SL_QUEUE_LATE;
}
