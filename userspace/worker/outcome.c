// SPDX-License-Identifier: Apache-2.0
/* What is told about a job that ended, and to the counters. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "userspace/base/clock.h"
#include "userspace/worker/worker_private.h"

#define NS_PER_MS	    1e6
#define NS_PER_MS_WHOLE	    1000000ull
#define NS_PER_S	    1e9
#define RESULT_BYTES_MAX    (SL_BUS_PAYLOAD_MAX - 4096u) /* headers take some */
#define METRICS_BYTES	    192
#define PUBLISH_TIMEOUT_MS  5000
#define RETRY_FIRST_NS	    250000000ull
#define RETRY_DOUBLINGS_MAX 4u

/* Upper ones, in seconds. */
const double sl_worker_bounds[SL_WORKER_BUCKETS] = { 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
						     0.5,   1,	  2.5,	 5,    10,  60 };

void sl_worker_count_end(struct sl_worker *worker, const struct sl_job *job,
			 enum sl_worker_status status, enum sl_worker_code code)
{
	struct sl_handler_stats *stats = &worker->stats.handlers[0];
	uint64_t ended_ns = job->run.ended_ns ? job->run.ended_ns : sl_monotonic_ns();
	double seconds;
	size_t i = 0;

	for (size_t at = 0; at < worker->stats.handler_count; at++)
		if (job->bound &&
		    strcmp(worker->stats.handlers[at].name, job->bound->config->name) == 0)
			stats = &worker->stats.handlers[at];
	stats->executions[(unsigned int)status % SL_WORKER_STATUSES]++;
	if (status != SL_WORKER_SUCCESS)
		worker->stats.errors[(unsigned int)code < SL_WORKER_CODES
					     ? (unsigned int)code
					     : (unsigned int)SL_WORKER_INTERNAL_ERROR]++;
	if (!job->run.started_ns) {
		if (status == SL_WORKER_TIMEOUT)
			sl_meter_count(&worker->gauge.meter, SL_METER_EXPIRED, ended_ns);
		return;
	}
	sl_meter_count(&worker->gauge.meter, SL_METER_DONE, ended_ns);
	seconds = (double)(ended_ns - job->run.started_ns) / NS_PER_S;
	while (i < SL_WORKER_BUCKETS && seconds > sl_worker_bounds[i])
		i++;
	stats->seconds[i]++;
	stats->seconds_sum += seconds;
}

size_t sl_job_headers(struct sl_bus_header ret[4], const struct sl_job *job)
{
	ret[0] = (struct sl_bus_header){ SL_HEADER_TRACE_ID, sl_span_of(job->trace.trace_id) };
	ret[1] = (struct sl_bus_header){ SL_HEADER_TENANT_ID,
					 sl_span_of(job->assignment.tenant_id) };
	ret[2] = (struct sl_bus_header){ SL_HEADER_VERSION, SL_SPAN(SL_MESSAGE_VERSION) };
	ret[3] = (struct sl_bus_header){ SL_HEADER_TRACEPARENT, sl_span_of(job->traceparent) };
	return 4;
}

static void fill_figures(struct sl_exec_result *result, const struct sl_job *job,
			 char metrics[METRICS_BYTES])
{
	uint64_t now_ns = sl_monotonic_ns(), started_ns = job->run.started_ns;
	uint64_t ended_ns = job->run.ended_ns ? job->run.ended_ns : now_ns;
	uint64_t began_ns = started_ns ? started_ns : now_ns;
	int length;

	result->latency_ms = started_ns ? round((double)(ended_ns - started_ns) / NS_PER_MS) : 0;
	length = snprintf(metrics, METRICS_BYTES, "{\"queue_ms\":%llu,\"deliveries\":%llu}",
			  (unsigned long long)((began_ns - job->received_ns) / NS_PER_MS_WHOLE),
			  (unsigned long long)job->deliveries);
	result->metrics = (struct sl_span){ metrics, (size_t)length };
}

#define COPY(to, from)                                                                             \
	do {                                                                                       \
		_Static_assert(sizeof(to) == sizeof(from), "identifiers are of one size");         \
		memcpy((to), (from), sizeof(to));                                                  \
	} while (0)

int sl_job_write_result(struct sl_job *job, enum sl_worker_status status, enum sl_worker_code code,
			const char *message, bool with_output)
{
	const struct sl_exec_assignment *assignment = &job->assignment;
	struct sl_exec_result result = { .status = status, .timestamp_ms = sl_wall_ms() };
	char metrics[METRICS_BYTES];
	struct sl_span text;

	COPY(result.assignment_id, assignment->assignment_id);
	COPY(result.request_id, assignment->request_id);
	COPY(result.provider_id, assignment->provider_id);
	COPY(result.job_type, assignment->job_type);
	COPY(result.tenant_id, assignment->tenant_id);
	COPY(result.run_id, assignment->run_id);
	memcpy(result.trace_id, job->trace.trace_id, sizeof(job->trace.trace_id));
	(void)snprintf(result.error_code, sizeof(result.error_code), "%s",
		       status == SL_WORKER_SUCCESS ? "" : sl_exec_code_name(code));
	if (status != SL_WORKER_SUCCESS)
		(void)snprintf(result.error_message, sizeof(result.error_message), "%s", message);
	fill_figures(&result, job, metrics);
	if (with_output) {
		result.cost = job->run.result.cost;
		result.payload = (struct sl_span){ job->run.output, job->run.output_length };
	}
	job->out.bytes_max = RESULT_BYTES_MAX;
	sl_json_out_reset(&job->out);
	sl_exec_result_write(&job->out, &result);
	return sl_json_done(&text, &job->out);
}

static void on_published(void *context, int status, const struct sl_js_published *ack)
{
	struct sl_job *job = context;
	struct sl_worker *worker = job->worker;

	(void)ack; /* a duplicate was reported before: fine */
	job->asked = false;
	if (status) {
		unsigned int doublings =
			job->tries < RETRY_DOUBLINGS_MAX ? job->tries : RETRY_DOUBLINGS_MAX;

		job->tries++;
		job->retry_at_ns = sl_monotonic_ns() + (RETRY_FIRST_NS << doublings);
		worker->stats.result_failures_total++;
		return;
	}
	sl_recent_add(worker->done, job->assignment.assignment_id, 0);
	/* Lost, these come again: and are then known as done. */
	(void)(job->give_up ? sl_js_term(worker->bus, &job->token)
			    : sl_js_ack(worker->bus, &job->token));
	if (job->in_thread)
		job->state = SL_JOB_GONE;
	else
		sl_job_free(job);
	sl_worker_dispatch(worker);
}

int sl_job_publish(struct sl_job *job)
{
	struct sl_bus_header headers[4];
	size_t count = sl_job_headers(headers, job);
	char id[SL_EXEC_MSG_ID_BYTES];
	struct sl_span text = { NULL, 0 };
	int err = sl_json_done(&text, &job->out);

	job->retry_at_ns = 0;
	if (!err)
		err = sl_js_publish(
			job->worker->bus, SL_SUBJECT_RESULT,
			sl_exec_msg_id(id, SL_MSG_ID_RESULT, job->assignment.assignment_id, ""),
			headers, count, text, PUBLISH_TIMEOUT_MS, on_published, job);
	job->asked = !err;
	if (err)
		on_published(job, err, NULL);
	return err;
}
