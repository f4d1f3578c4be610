// SPDX-License-Identifier: Apache-2.0
/* The end: running jobs may finish for a while, all others go back to the stream. */
#include <event2/event.h>

#include "userspace/base/clock.h"
#include "userspace/worker/worker_private.h"

#define FLUSH_MS	 2000
#define STOP_PATIENCE_NS 2000000000ull

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

void sl_worker_drain(void *context)
{
	struct sl_worker *worker = context;

	if (worker->phase >= SL_WORKER_DRAINING) { /* told twice: now */
		worker->drain_until_ns = sl_monotonic_ns();
		return;
	}
	sl_log(worker->log, SL_LOG_INFO, "ending: running jobs may finish, the rest goes back",
	       SL_NUM("running", sl_pool_busy(worker->pool)),
	       SL_NUM("waiting", sl_worker_count(worker, SL_JOB_WAITING)));
	worker->phase = SL_WORKER_DRAINING;
	worker->drain_until_ns = sl_monotonic_ns() + worker->grace_ns;
	sl_consuming_stop(worker->consuming);
	if (worker->pull)
		sl_js_pull_window(worker->pull, 0);
	hand_back_waiting(worker);
	sl_worker_beat(worker);
	sl_worker_tell_pressure(worker, true);
}

void sl_worker_drain_on(struct sl_worker *worker)
{
	uint64_t now_ns = sl_monotonic_ns();

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
