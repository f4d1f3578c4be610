// SPDX-License-Identifier: Apache-2.0
/* From the queue into a thread, and out again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/clock.h"
#include "userspace/worker/worker_private.h"

#define REASON_LATE	 "it waited too long in the queue"
#define STOP_PATIENCE_NS 1000000000ull /* for a handler that was told to stop */

size_t sl_worker_count(const struct sl_worker *worker, enum sl_job_state state)
{
	size_t count = 0;

	for (const struct sl_job *job = worker->jobs; job; job = job->next)
		count += job->state == state;
	return count;
}

struct sl_job *sl_worker_find(const struct sl_worker *worker, const char *assignment_id)
{
	for (struct sl_job *job = worker->jobs; job; job = job->next)
		if (strcmp(job->assignment.assignment_id, assignment_id) == 0)
			return job;
	return NULL;
}

void sl_worker_add(struct sl_worker *worker, struct sl_job *job)
{
	job->next = worker->jobs;
	job->link = &worker->jobs;
	if (job->next)
		job->next->link = &job->next;
	worker->jobs = job;
}

/* Its place is free: the stream may send another. */
void sl_job_free(struct sl_job *job)
{
	if (job->link) {
		*job->link = job->next;
		if (job->next)
			job->next->link = job->link;
		if (job->worker->pull)
			sl_js_pull_done(job->worker->pull);
	}
	sl_run_release(&job->run);
	sl_handlers_drop(job->handlers);
	sl_json_out_free(&job->out);
	free(job->payload);
	free(job->options);
	free(job->text);
	free(job);
}

void sl_job_end(struct sl_job *job, enum sl_worker_status status, enum sl_worker_code code,
		const char *message)
{
	struct sl_worker *worker = job->worker;
	bool has_result = job->state == SL_JOB_RUNNING && !job->in_thread;
	int err = sl_job_write_result(job, status, code, message, has_result);

	if (err == -EFBIG && has_result) {
		status = SL_WORKER_ERROR;
		code = SL_WORKER_INTERNAL_ERROR;
		err = sl_job_write_result(job, status, code, "the result is too large", false);
	}
	sl_worker_count_end(worker, job, status, code);
	sl_log(worker->log, SL_LOG_DEBUG, "job ended",
	       SL_STR("assignment_id", job->assignment.assignment_id),
	       SL_STR("status", sl_exec_status_name(status)));
	job->state = SL_JOB_ENDING;
	if (!err)
		(void)sl_job_publish(job);
	else /* no memory: another delivery may find some */
		sl_job_hand_back(job);
}

void sl_job_end_by(struct sl_job *job, enum sl_stop cause)
{
	if (cause == SL_STOP_USER) {
		job->worker->stats.cancelled_total++;
		sl_job_end(job, SL_WORKER_CANCELLED, SL_WORKER_CANCELLED_BY_USER,
			   "the job was cancelled");
		return;
	}
	job->worker->stats.expired_total++;
	sl_job_end(job, SL_WORKER_TIMEOUT, SL_WORKER_CANCELLED_BY_TIMEOUT,
		   "the job's deadline is over");
}

void sl_job_hand_back(struct sl_job *job)
{
	struct sl_worker *worker = job->worker;

	worker->stats.handed_back_total++;
	(void)sl_js_nak(worker->bus, &job->token, 0);
	if (job->in_thread)
		job->state = SL_JOB_GONE;
	else
		sl_job_free(job);
}

/* ---- into a thread ---------------------------------------------------------------- */

static void reject_late(struct sl_job *job)
{
	struct sl_worker *worker = job->worker;

	worker->stats.rejected_late_total++;
	sl_meter_count(&worker->gauge.meter, SL_METER_EXPIRED, sl_monotonic_ns());
	sl_job_reject(job, REASON_LATE);
	sl_job_free(job);
}

static void start(struct sl_worker *worker, struct sl_job *job)
{
	const uint64_t now_ns = sl_monotonic_ns();

	job->state = SL_JOB_RUNNING;
	job->in_thread = true;
	sl_meter_waited(&worker->gauge.meter, now_ns > job->queued_ns ? now_ns - job->queued_ns : 0,
			now_ns);
	(void)sl_pool_start(worker->pool, &job->run);
}

void sl_worker_dispatch(struct sl_worker *worker)
{
	struct sl_job *job;

	if (worker->phase >= SL_WORKER_DRAINING)
		return;
	while (sl_pool_idle(worker->pool) && (job = sl_worker_next(worker))) {
		enum sl_stop cause = sl_run_cause(&job->run);

		if (cause != SL_STOP_NONE) {
			sl_job_end_by(job, cause);
			continue;
		}
		if (sl_worker_waited_too_long(worker, job))
			reject_late(job);
		else
			start(worker, job);
	}
	if (sl_pool_idle(worker->pool))
		sl_queue_note(&worker->order, true, sl_monotonic_ns());
}

/* Who was told to stop and did not finish says nothing, or an error: the cause counts. */
static void end_by_result(struct sl_job *job)
{
	const struct sl_worker_result *result = &job->run.result;
	bool finished = result->status == SL_WORKER_SUCCESS && job->run.output;
	enum sl_stop cause = (enum sl_stop)atomic_load(&job->run.stop);
	enum sl_worker_code code = result->code;

	if (cause == SL_STOP_NONE && job->run.ended_ns >= job->deadline_ns)
		cause = SL_STOP_DEADLINE;
	if (cause == SL_STOP_SHUTDOWN && !finished) {
		sl_job_hand_back(job);
		return;
	}
	if (cause != SL_STOP_NONE && !finished) {
		sl_job_end_by(job, cause);
		return;
	}
	if (result->status != SL_WORKER_SUCCESS && code == SL_WORKER_NO_CODE)
		code = SL_WORKER_EXECUTION_FAILED;
	sl_job_end(job, result->status, code, result->message);
}

void sl_worker_on_run_done(void *context, struct sl_run *run)
{
	struct sl_job *job = (struct sl_job *)(void *)((char *)run - offsetof(struct sl_job, run));
	struct sl_worker *worker = context;

	job->in_thread = false;
	switch (job->state) {
	case SL_JOB_RUNNING:
		end_by_result(job);
		break;
	case SL_JOB_GONE: /* reported long ago */
		sl_job_free(job);
		break;
	case SL_JOB_WAITING:
	case SL_JOB_ENDING: /* its result is on its way: freed when it has arrived */
		break;
	}
	sl_worker_dispatch(worker);
}

/* ---- by the clock ----------------------------------------------------------------- */

static void extend(struct sl_job *job, uint64_t now_ns)
{
	if (job->state == SL_JOB_GONE || now_ns - job->extended_ns < job->worker->ack_wait_ns / 3)
		return;
	job->extended_ns = now_ns;
	(void)sl_js_in_progress(job->worker->bus, &job->token);
}

/* True when @job may have been freed. */
static bool check_deadline(struct sl_job *job, uint64_t now_ns)
{
	enum sl_stop cause = sl_run_cause(&job->run);

	if (cause == SL_STOP_NONE || cause == SL_STOP_SHUTDOWN)
		return false;
	if (job->state == SL_JOB_WAITING) {
		sl_job_end_by(job, cause);
		return true;
	}
	if (job->state != SL_JOB_RUNNING)
		return false;
	sl_run_stop(&job->run, cause);
	if (!job->stopped_ns)
		job->stopped_ns = now_ns;
	if (now_ns - job->stopped_ns < STOP_PATIENCE_NS)
		return false;
	job->worker->stats.abandoned_total++;
	sl_log(job->worker->log, SL_LOG_WARN, "a handler does not stop: its job is reported",
	       SL_STR("handler", job->bound->config->name),
	       SL_STR("assignment_id", job->assignment.assignment_id));
	sl_job_end_by(job, cause);
	return true;
}

void sl_worker_on_tick(struct sl_worker *worker)
{
	uint64_t now_ns = sl_monotonic_ns();
	struct sl_job *next;

	for (struct sl_job *job = worker->jobs; job; job = next) {
		next = job->next;
		extend(job, now_ns);
		if (check_deadline(job, now_ns))
			continue;
		if (job->state == SL_JOB_ENDING && job->retry_at_ns && now_ns >= job->retry_at_ns)
			(void)sl_job_publish(job);
	}
}
