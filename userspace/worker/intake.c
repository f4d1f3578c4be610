// SPDX-License-Identifier: Apache-2.0
/* What comes from the bus: assignments, judged before they cost anything, and cancellations. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/clock.h"
#include "userspace/bus/bury.h"
#include "userspace/worker/worker_private.h"

#define NS_PER_MS	  1000000ull
#define ACK_REASON_FULL	  "the queue is full"
#define ACK_REASON_NOBODY "no handler here for this type and provider"

/* Deliveries count rejections too, which say nothing against a job: so it must also
 * have had the time for so many workers to die of it. */
static bool is_exhausted(const struct sl_job *job, uint64_t age_ns)
{
	const struct sl_worker *worker = job->worker;

	return job->deliveries > worker->max_deliver &&
	       age_ns > worker->max_deliver * worker->ack_wait_ns;
}

/* ---- a message becomes a job ------------------------------------------------------ */

static char *copy_of(struct sl_span span)
{
	char *copy = malloc(span.length + 1);

	if (!copy)
		return NULL;
	if (span.length)
		memcpy(copy, span.at, span.length);
	copy[span.length] = '\0';
	return copy;
}

static void fill_view(struct sl_job *job)
{
	const struct sl_exec_assignment *assignment = &job->assignment;

	job->run.job = (struct sl_worker_job){
		.assignment_id = assignment->assignment_id,
		.request_id = assignment->request_id,
		.tenant_id = assignment->tenant_id,
		.provider_id = assignment->provider_id,
		.endpoint = assignment->endpoint,
		.type = assignment->job_type,
		.run_id = assignment->run_id,
		.trace_id = job->trace.trace_id,
		.traceparent = job->traceparent,
		.tracestate = job->trace.tracestate,
		.payload_ref = assignment->payload_ref,
		.payload = job->payload,
		.payload_length = assignment->payload.length,
		.options = job->options,
		.options_length = assignment->options.length,
		.deadline_ns = job->deadline_ns,
		.deliveries = (uint32_t)job->deliveries,
		.attempts_max = (uint32_t)assignment->retry_max_attempts,
		.backoff_ms = (uint32_t)assignment->retry_backoff_ms,
	};
}

/* Headers win over what the payload says. */
static void fill_trace(struct sl_job *job, const struct sl_bus_message *message)
{
	struct sl_span trace_id = sl_bus_header(message, SL_HEADER_TRACE_ID);
	uint8_t random[24];

	if (!trace_id.length)
		trace_id = sl_span_of(job->assignment.trace_id);
	sl_worker_random(random, sizeof(random));
	sl_trace_start(&job->trace, sl_bus_header(message, SL_HEADER_TRACEPARENT),
		       sl_bus_header(message, SL_HEADER_TRACESTATE), trace_id, random);
	sl_trace_parent(job->traceparent, &job->trace);
}

/* Deadlines count from when the message was stored: time on the way is spent. */
static void fill_times(struct sl_job *job, const struct sl_js_meta *meta, uint64_t *ret_age_ns)
{
	uint64_t wall_ns = sl_wall_ms() * NS_PER_MS, now_ns = sl_monotonic_ns();
	uint64_t age_ns = wall_ns > meta->timestamp_ns ? wall_ns - meta->timestamp_ns : 0;
	uint64_t allowed_ns = job->assignment.deadline_ms * NS_PER_MS;

	job->received_ns = now_ns;
	job->extended_ns = now_ns;
	job->deadline_ns = now_ns + (age_ns < allowed_ns ? allowed_ns - age_ns : 0);
	job->queued_ns =
		sl_worker_queued_ns(job->worker, age_ns, meta->deliveries, meta->pending, now_ns);
	*ret_age_ns = age_ns;
}

static void free_jobp(struct sl_job **job)
{
	if (*job)
		sl_job_free(*job);
}

static int make_job(struct sl_job **ret, struct sl_worker *worker, struct sl_span text)
{
	sl_cleanup(sl_freep) struct sl_job *job = calloc(1, sizeof(*job));
	int err;

	if (!job)
		return -ENOMEM;
	job->worker = worker;
	job->text = copy_of(text);
	err = job->text ? sl_run_init(&job->run) : -ENOMEM;
	if (err)
		free(job->text);
	else
		*ret = SL_TAKE_PTR(job);
	return err;
}

static int read_job(struct sl_job *job, size_t length, struct sl_fields_error *error)
{
	const struct sl_span text = { job->text, length };
	int err = sl_exec_assignment_read(&job->assignment, text, error);

	if (err)
		return err;
	job->payload = copy_of(job->assignment.payload);
	job->options = copy_of(job->assignment.options);
	return job->payload && job->options ? 0 : -ENOMEM;
}

/* ---- verdicts --------------------------------------------------------------------- */

static void say(struct sl_job *job, bool accepted, const char *reason)
{
	struct sl_worker *worker = job->worker;
	struct sl_exec_ack ack = { .accepted = accepted };
	struct sl_json_out out = SL_JSON_OUT(4096);
	struct sl_bus_header headers[5];
	size_t count = sl_job_headers(headers, job);
	char id[sizeof(SL_MSG_ID_ACK) + sizeof(ack.assignment_id) + 24];
	struct sl_span text;

	/* Accepted is said once; a job may be rejected by several workers. */
	if (accepted)
		(void)snprintf(id, sizeof(id), SL_MSG_ID_ACK "%s", job->assignment.assignment_id);
	else
		(void)snprintf(id, sizeof(id), SL_MSG_ID_ACK "%s-%llu",
			       job->assignment.assignment_id, (unsigned long long)job->deliveries);
	headers[count++] = (struct sl_bus_header){ SL_HEADER_MSG_ID, sl_span_of(id) };
	(void)snprintf(ack.assignment_id, sizeof(ack.assignment_id), "%s",
		       job->assignment.assignment_id);
	(void)snprintf(ack.tenant_id, sizeof(ack.tenant_id), "%s", job->assignment.tenant_id);
	(void)snprintf(ack.trace_id, sizeof(ack.trace_id), "%s", job->trace.trace_id);
	(void)snprintf(ack.worker_id, sizeof(ack.worker_id), "%s", worker->worker_id);
	(void)snprintf(ack.reason, sizeof(ack.reason), "%s", reason);
	sl_exec_ack_write(&out, &ack);
	/* An ack that is lost costs the router a guess, not the job. */
	if (sl_json_done(&text, &out) == 0)
		(void)sl_bus_publish(worker->bus, SL_SUBJECT_ASSIGN_ACK, NULL, headers, count,
				     text);
	sl_json_out_free(&out);
}

static uint64_t delay_ms(const struct sl_job *job)
{
	uint32_t luck;

	sl_worker_random(&luck, sizeof(luck));
	return sl_backoff_ms(&job->worker->backoff, job->deliveries, luck);
}

void sl_job_reject(struct sl_job *job, const char *reason)
{
	say(job, false, reason);
	(void)sl_js_nak(job->worker->bus, &job->token, delay_ms(job));
}

static void give_up(struct sl_job *job)
{
	struct sl_worker *worker = job->worker;
	struct sl_dead_letter letter = {
		.reason = SL_DEAD_MAXDELIVER,
		.error_code = "EXECUTION_FAILED",
		.message = { job->text, strlen(job->text) },
	};

	(void)snprintf(letter.trace_id, sizeof(letter.trace_id), "%s", job->trace.trace_id);
	(void)snprintf(letter.tenant_id, sizeof(letter.tenant_id), "%s", job->assignment.tenant_id);
	(void)snprintf(letter.msg_id, sizeof(letter.msg_id), SL_MSG_ID_ASSIGN "%s",
		       job->assignment.assignment_id);
	worker->stats.given_up_total++;
	sl_log_limited(worker->log, SL_LOG_CLIENTS, SL_LOG_ERROR,
		       "an assignment was delivered too often and is given up",
		       SL_STR("assignment_id", job->assignment.assignment_id),
		       SL_NUM("deliveries", job->deliveries));
	sl_worker_bury(worker, &letter, NULL);
	job->give_up = true;
	sl_job_end(job, SL_WORKER_ERROR, SL_WORKER_EXECUTION_FAILED,
		   "delivered too often without a result");
}

/* In hand or done already: the stream did not hear of it. True when it was. */
static bool is_known(struct sl_worker *worker, const struct sl_job *job)
{
	struct sl_job *present = sl_worker_find(worker, job->assignment.assignment_id);

	if (present && present->state != SL_JOB_GONE) {
		present->token = job->token; /* the later delivery is the one to ack */
		present->deliveries = job->deliveries;
	} else if (sl_recent_has(worker->done, job->assignment.assignment_id, NULL)) {
		(void)sl_js_ack(worker->bus, &job->token);
	} else {
		return false;
	}
	worker->stats.duplicates_total++;
	return true;
}

static bool has_room(const struct sl_worker *worker)
{
	size_t in_hand = 0;

	for (const struct sl_job *job = worker->jobs; job; job = job->next)
		in_hand += job->state != SL_JOB_ENDING || job->in_thread;
	return in_hand < (size_t)worker->concurrency + worker->queue;
}

/* True when the job is kept: in the list, with its place in the window. */
static bool judge(struct sl_worker *worker, struct sl_job *job, uint64_t age_ns)
{
	int cause = SL_STOP_NONE;

	if (is_known(worker, job))
		return false;
	if (worker->phase >= SL_WORKER_DRAINING) {
		(void)sl_js_nak(worker->bus, &job->token, 0);
		return false;
	}
	(void)sl_recent_has(worker->called_off, job->assignment.assignment_id, &cause);
	if (cause != SL_STOP_NONE || sl_run_cause(&job->run) != SL_STOP_NONE) {
		sl_worker_add(worker, job);
		sl_job_end_by(job, cause != SL_STOP_NONE ? (enum sl_stop)cause : SL_STOP_DEADLINE);
		return true;
	}
	if (is_exhausted(job, age_ns)) {
		sl_worker_add(worker, job);
		give_up(job);
		return true;
	}
	job->bound = sl_handlers_find(worker->handlers, job->assignment.provider_id,
				      job->assignment.job_type);
	if (!job->bound || !has_room(worker)) {
		worker->stats.rejected_unknown_total += !job->bound;
		worker->stats.rejected_full_total += job->bound != NULL;
		if (job->bound)
			sl_meter_count(&worker->gauge.meter, SL_METER_REFUSED, sl_monotonic_ns());
		sl_job_reject(job, job->bound ? ACK_REASON_FULL : ACK_REASON_NOBODY);
		return false;
	}
	return true;
}

/* Too long is as good as not given. */
/* A dead letter, and an error result where it can be told whose. True: @job is kept. */
static bool refuse_malformed(struct sl_worker *worker, struct sl_job *job,
			     const struct sl_bus_message *message,
			     const struct sl_fields_error *error)
{
	enum sl_worker_code code =
		error->missing ? SL_WORKER_MISSING_REQUIRED_FIELD : SL_WORKER_INVALID_FORMAT;
	struct sl_dead_letter letter = { .reason = SL_DEAD_VALIDATION,
					 .message = sl_bus_payload(message) };
	bool named = sl_exec_assignment_identify(&job->assignment, letter.message) == 0;

	(void)snprintf(letter.error_code, sizeof(letter.error_code), "%s", sl_exec_code_name(code));
	sl_bus_letter_name(&letter, message);
	if (named && is_known(worker, job))
		return false;
	worker->stats.malformed_total++;
	sl_log_limited(worker->log, SL_LOG_CLIENTS, SL_LOG_WARN, "an assignment was refused",
		       SL_STR("error", error->message), SL_STR("trace_id", letter.trace_id));
	sl_worker_bury(worker, &letter, named ? NULL : &job->token);
	if (!named)
		return false;
	fill_trace(job, message);
	job->give_up = true;
	sl_worker_add(worker, job);
	sl_job_end(job, SL_WORKER_ERROR, code, error->message);
	return true;
}

static void accept(struct sl_worker *worker, struct sl_job *job)
{
	sl_handlers_hold(worker->handlers);
	job->handlers = worker->handlers;
	job->run.handler = job->bound->handler;
	job->run.state = job->bound->state;
	sl_worker_add(worker, job);
	say(job, true, "");
	sl_worker_dispatch(worker);
}

/* True when @job is kept. */
static bool take_in(struct sl_worker *worker, struct sl_job *job,
		    const struct sl_bus_message *message, const struct sl_js_meta *meta)
{
	struct sl_fields_error error = { .message = "" };
	uint64_t age_ns = 0;
	int err = read_job(job, sl_bus_payload(message).length, &error);

	if (err == -EINVAL) {
		fill_times(job, meta, &age_ns);
		return refuse_malformed(worker, job, message, &error);
	}
	if (err) {
		(void)sl_js_nak(worker->bus, &job->token, worker->backoff.delay_ms[0]);
		return false;
	}
	fill_times(job, meta, &age_ns);
	job->criticality = SL_CRITICAL;
	(void)sl_criticality_of(&job->criticality, sl_bus_header(message, SL_HEADER_CRITICALITY));
	fill_trace(job, message);
	fill_view(job);
	job->run.job.internal = &job->run;
	if (!judge(worker, job, age_ns))
		return false;
	if (job->bound)
		accept(worker, job);
	return true;
}

void sl_worker_on_assignment(void *context, const struct sl_bus_message *message,
			     const struct sl_js_meta *meta, const struct sl_js_token *token)
{
	struct sl_worker *worker = context;
	sl_cleanup(free_jobp) struct sl_job *job = NULL;
	int err = make_job(&job, worker, sl_bus_payload(message));

	worker->stats.received_total++;
	if (err) {
		(void)sl_js_nak(worker->bus, token, worker->backoff.delay_ms[0]);
		sl_js_pull_done(worker->pull);
		return;
	}
	job->token = *token;
	job->deliveries = meta->deliveries;
	if (take_in(worker, job, message, meta))
		job = NULL;
	else
		sl_js_pull_done(worker->pull);
}

/* ---- cancellations ---------------------------------------------------------------- */

void sl_worker_on_cancel(void *context, const struct sl_bus_message *message)
{
	struct sl_fields_error error = { .message = "" };
	struct sl_worker *worker = context;
	struct sl_exec_cancel cancel;
	struct sl_job *job;
	enum sl_stop cause;

	if (sl_exec_cancel_read(&cancel, sl_bus_payload(message), &error) != 0) {
		worker->stats.cancel_malformed_total++;
		sl_log_limited(worker->log, SL_LOG_CLIENTS, SL_LOG_WARN,
			       "a cancellation was refused", SL_STR("error", error.message));
		return;
	}
	cause = strcmp(cancel.reason, "timeout") == 0 ? SL_STOP_DEADLINE : SL_STOP_USER;
	job = sl_worker_find(worker, cancel.assignment_id);
	if (!job)
		sl_recent_add(worker->called_off, cancel.assignment_id, (int)cause);
	else if (job->state == SL_JOB_WAITING)
		sl_job_end_by(job, cause);
	else if (job->state == SL_JOB_RUNNING)
		sl_run_stop(&job->run, cause); /* and the handler, or the tick, ends it */
}
