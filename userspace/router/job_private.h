/* SPDX-License-Identifier: Apache-2.0 */
/* A request whose answer waits. Private to job.c and job_write.c. */
#pragma once

#include "userspace/router/router_private.h"

#define SL_JOB_REPLY_BYTES 256
#define SL_JOB_WAITING_MAX 16

struct sl_job_waiting {
	char reply[SL_JOB_REPLY_BYTES];
	struct sl_trace trace;
};

struct sl_job {
	struct sl_router *router;
	struct sl_job *next, **link;
	struct sl_request request; /* its spans point into body */
	char *body;
	struct sl_digest digest;
	struct sl_job_waiting waiting[SL_JOB_WAITING_MAX];
	uint32_t waiting_count;
	char assignment_id[SL_UUID_BYTES];
	char msg_id[SL_EXEC_MSG_ID_BYTES];
	char provider_id[SL_PROVIDER_ID_BYTES];
	uint64_t deadline_ms;
	uint32_t mark; /* of its pool, until it is followed */
	char subject[SL_POLICY_ENDPOINT_BYTES];
	struct sl_json_out decision, answer, assignment, record;
	struct sl_trace assign_trace;
	unsigned int attempts;
	struct sl_loop_timer retry;
};

/* Empty after an error of writing. */
struct sl_span sl_job_text(const struct sl_json_out *out);

/* All of it. What sl_json_done() says. */
int sl_job_write(struct sl_job *job, const struct sl_core_choice *choice);
void sl_job_write_record(struct sl_job *job);
/* Under job->assignment_id, with job->decision. */
void sl_job_write_assignment(struct sl_job *job, const struct sl_provider *provider);

/* From now on its result is waited for. */
void sl_job_follow(struct sl_job *job);
