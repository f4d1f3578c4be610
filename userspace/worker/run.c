// SPDX-License-Identifier: Apache-2.0
#include "userspace/worker/run.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/clock.h"
#include "userspace/domain/fields.h"

#define NS_PER_S  1000000000ull
#define NS_PER_MS 1000000ull

int sl_run_init(struct sl_run *run)
{
	pthread_condattr_t attributes;
	int err = pthread_condattr_init(&attributes);

	if (err)
		return -err;
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	err = pthread_cond_init(&run->stopped, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	if (err)
		return -err;
	(void)pthread_mutex_init(&run->mutex, NULL);
	atomic_init(&run->stop, SL_STOP_NONE);
	run->job.internal = run;
	run->result.internal = run;
	return 0;
}

void sl_run_release(struct sl_run *run)
{
	(void)pthread_cond_destroy(&run->stopped);
	(void)pthread_mutex_destroy(&run->mutex);
	free(run->output);
	run->output = NULL;
}

enum sl_stop sl_run_cause(struct sl_run *run)
{
	enum sl_stop cause = (enum sl_stop)atomic_load(&run->stop);

	if (cause == SL_STOP_NONE && sl_monotonic_ns() >= run->job.deadline_ns)
		return SL_STOP_DEADLINE;
	return cause;
}

void sl_run_stop(struct sl_run *run, enum sl_stop cause)
{
	int none = SL_STOP_NONE;

	(void)pthread_mutex_lock(&run->mutex);
	(void)atomic_compare_exchange_strong(&run->stop, &none, (int)cause);
	(void)pthread_cond_broadcast(&run->stopped);
	(void)pthread_mutex_unlock(&run->mutex);
}

void sl_run_execute(struct sl_run *run)
{
	run->started_ns = sl_monotonic_ns();
	if (sl_run_cause(run) == SL_STOP_NONE)
		run->handler->run(run->state, &run->job, &run->result);
	run->ended_ns = sl_monotonic_ns();
	run->result.message[sizeof(run->result.message) - 1] = '\0';
	if (!(run->result.cost >= 0) || isinf(run->result.cost))
		run->result.cost = 0;
	else if (run->result.cost > SL_FIELD_AMOUNT_MAX)
		run->result.cost = SL_FIELD_AMOUNT_MAX;
}

/* ---- what a handler may ask ------------------------------------------------------- */

static bool host_stopped(const struct sl_worker_job *job)
{
	return sl_run_cause(job->internal) != SL_STOP_NONE;
}

static bool host_sleep(const struct sl_worker_job *job, uint64_t ms)
{
	struct sl_run *run = job->internal;
	uint64_t now_ns = sl_monotonic_ns(), until_ns = job->deadline_ns;
	struct timespec until;
	int err = 0;

	if (now_ns < until_ns && ms < (until_ns - now_ns) / NS_PER_MS)
		until_ns = now_ns + ms * NS_PER_MS;
	until = (struct timespec){ (time_t)(until_ns / NS_PER_S), (long)(until_ns % NS_PER_S) };
	(void)pthread_mutex_lock(&run->mutex);
	while (!err && atomic_load(&run->stop) == SL_STOP_NONE)
		err = pthread_cond_timedwait(&run->stopped, &run->mutex, &until);
	(void)pthread_mutex_unlock(&run->mutex);
	return !host_stopped(job);
}

static int keep_output(struct sl_run *run, const char *json, size_t length)
{
	char *copy = malloc(length + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, json, length);
	copy[length] = '\0';
	free(run->output);
	run->output = copy;
	run->output_length = length;
	return 0;
}

static int host_output(struct sl_worker_result *result, const char *json, size_t length)
{
	enum sl_json_type type;

	if (length > SL_WORKER_OUTPUT_MAX)
		return -EFBIG;
	if (!length || sl_json_check(&type, (struct sl_span){ json, length }, NULL) != 0)
		return -EINVAL;
	return keep_output(result->internal, json, length);
}

static int host_output_text(struct sl_worker_result *result, const char *text, size_t length)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(SL_WORKER_OUTPUT_MAX);
	struct sl_span json;
	int err;

	sl_json_put_text(&out, (struct sl_span){ text, length });
	err = sl_json_done(&json, &out);
	return err ? err : keep_output(result->internal, json.at, json.length);
}

const struct sl_worker_host sl_run_host = {
	.api = SL_WORKER_API,
	.stopped = host_stopped,
	.sleep = host_sleep,
	.output = host_output,
	.output_text = host_output_text,
};
