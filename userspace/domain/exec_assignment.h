/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ExecAssignment (contract, 2.4): the work a router gives to a worker. Read by the
 * worker, written by the router.
 *
 * Owner:  spans point into the text that was read, or to where the writer says.
 * Thread: pure functions.
 */
#pragma once

#include "userspace/domain/exec.h"

#define SL_EXEC_DEADLINE_MS_DEFAULT 60000u
#define SL_EXEC_DEADLINE_MS_MAX	    (24u * 3600 * 1000)
#define SL_EXEC_RETRY_ATTEMPTS_MAX  10u
#define SL_EXEC_RETRY_BACKOFF_MAX   60000u

struct sl_exec_assignment {
	char version[8];
	char assignment_id[SL_EXEC_ID_BYTES];
	char request_id[SL_EXEC_ID_BYTES];
	char tenant_id[SL_EXEC_ID_BYTES];
	char trace_id[SL_EXEC_ID_BYTES];
	char run_id[SL_EXEC_ID_BYTES]; /* "" when there is none, like the next two */
	char flow_id[SL_EXEC_ID_BYTES];
	char step_id[SL_EXEC_ID_BYTES];
	char provider_id[SL_EXEC_ID_BYTES];
	char channel[16];		       /* "nats" or "grpc" */
	char endpoint[SL_EXEC_ENDPOINT_BYTES]; /* "" when there is none */
	char job_type[SL_EXEC_TYPE_BYTES];
	char payload_ref[SL_EXEC_ENDPOINT_BYTES];
	struct sl_span job;	/* the object; a copy of the task */
	struct sl_span payload; /* of the job; empty when there is none */
	struct sl_span options; /* read: as it came. Written: the request's own, to merge */
	struct sl_span decision;
	struct sl_span metadata;
	int64_t priority;
	uint64_t deadline_ms; /* from when the message was stored */
	uint64_t retry_max_attempts;
	uint64_t retry_backoff_ms;
};

/* -EINVAL with @error: what the contract does not allow. Absent options get its defaults. */
int sl_exec_assignment_read(struct sl_exec_assignment *ret, struct sl_span text,
			    struct sl_fields_error *error);

/*
 * Of a message that was refused: who it is for, so that it can be answered. Fills the
 * identifiers that are as they should be, and the provider and job type, "unknown" where
 * they are not. -EINVAL: there is no usable assignment_id.
 */
int sl_exec_assignment_identify(struct sl_exec_assignment *ret, struct sl_span text);

/*
 * The router's side: @assignment->version, job_type, payload and payload_ref are not
 * looked at (the job has the last three). Members of @assignment->options other than
 * priority, deadline_ms and retry are copied as they are.
 */
void sl_exec_assignment_write(struct sl_json_out *out, const struct sl_exec_assignment *assignment);
