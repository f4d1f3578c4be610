// SPDX-License-Identifier: Apache-2.0
/* What a job writes: the answer, the assignment, what other routers are told. */
#include <stdio.h>
#include <string.h>

#include "userspace/router/job_private.h"

struct sl_span sl_job_text(const struct sl_json_out *out)
{
	struct sl_span text = { NULL, 0 };

	(void)sl_json_done(&text, out);
	return text;
}
/* ---- what is written --------------------------------------------------------------------------
 */

void sl_job_write_assignment(struct sl_job *job, const struct sl_provider *provider)
{
	const struct sl_request *request = &job->request;
	const struct sl_decide *decide = &request->decide;
	struct sl_request_options options = {
		.priority = provider->priority,
		.deadline_ms = sl_core_deadline_ms(provider),
		.max_attempts = 2,
		.backoff_ms = 200,
	};
	struct sl_exec_assignment assignment = {
		.job = decide->task.raw,
		.options = decide->options.type == SL_JSON_OBJECT ? decide->options.raw
								  : (struct sl_span){ NULL, 0 },
		.decision = sl_job_text(&job->decision),
		.metadata = decide->metadata.type == SL_JSON_OBJECT ? decide->metadata.raw
								    : (struct sl_span){ NULL, 0 },
	};
	struct sl_decide_fault fault;
	size_t length;

	/* They were judged when the request came. */
	(void)sl_request_options(&options, request, &fault);
	assignment.priority = options.priority;
	assignment.deadline_ms = options.deadline_ms;
	assignment.retry_max_attempts = options.max_attempts;
	assignment.retry_backoff_ms = options.backoff_ms;

#define PUT(field, text) (void)snprintf(assignment.field, sizeof(assignment.field), "%s", text)
	PUT(assignment_id, job->assignment_id);
	PUT(request_id, request->request_id);
	PUT(tenant_id, request->tenant_id);
	PUT(trace_id, request->trace.trace_id);
	PUT(provider_id, provider->id);
	PUT(channel, provider->channel == SL_CHANNEL_GRPC ? "grpc" : "nats");
	PUT(endpoint, provider->endpoint);
#undef PUT
	if (decide->run_id.type == SL_JSON_STRING) {
		(void)sl_json_text(assignment.run_id, sizeof(assignment.run_id), &length,
				   decide->run_id);
		(void)sl_json_text(assignment.flow_id, sizeof(assignment.flow_id), &length,
				   decide->flow_id);
		(void)sl_json_text(assignment.step_id, sizeof(assignment.step_id), &length,
				   decide->step_id);
	}
	job->deadline_ms = assignment.deadline_ms;
	sl_json_out_reset(&job->assignment);
	sl_exec_assignment_write(&job->assignment, &assignment);
	(void)sl_exec_msg_id(job->msg_id, SL_MSG_ID_ASSIGN, job->assignment_id, "");
}

void sl_job_write_record(struct sl_job *job)
{
	struct sl_shared_record record = { .digest = job->digest,
					   .answer = sl_job_text(&job->answer) };

	if (job->request.pushes)
		memcpy(record.assignment_id, job->assignment_id, sizeof(record.assignment_id));
	sl_json_out_reset(&job->record);
	sl_shared_write(&job->record, &record);
}

int sl_job_write(struct sl_job *job, const struct sl_core_choice *choice)
{
	struct sl_span text;
	int err;

	sl_core_write_decision(&job->decision, choice,
			       job->request.pushes ? job->assignment_id : NULL);
	sl_core_write_answer(&job->answer, sl_job_text(&job->decision), &job->request);
	sl_job_write_record(job);
	if (job->request.pushes)
		sl_job_write_assignment(job, choice->provider);
	err = sl_json_done(&text, &job->answer);
	if (!err)
		err = sl_json_done(&text, &job->record);
	return err || !job->request.pushes ? err : sl_json_done(&text, &job->assignment);
}

void sl_job_follow(struct sl_job *job)
{
	struct sl_router *router = job->router;
	const uint64_t now_ns = sl_router_now(router);
	char run_id[SL_IDENTIFIER_MAX + 1] = "", type[SL_EXEC_TYPE_BYTES] = "";
	const struct sl_assigned assigned = {
		.assignment_id = job->assignment_id,
		.request_id = job->request.request_id,
		.tenant_id = job->request.tenant_id,
		.provider_id = job->provider_id,
		.job_type = type,
		.trace_id = job->request.trace.trace_id,
		.run_id = run_id,
		.mark = job->mark,
		.begun_ns = now_ns,
		.due_ns = now_ns + job->deadline_ms * SL_MS_NS + router->settings.result_grace_ns,
	};
	size_t length;

	if (job->request.decide.run_id.type == SL_JSON_STRING)
		(void)sl_json_text(run_id, sizeof(run_id), &length, job->request.decide.run_id);
	(void)sl_json_text(type, sizeof(type), &length, job->request.decide.task_type);
	if (sl_expiry_follow(router, &assigned))
		job->mark = 0; /* closed with its result */
}
