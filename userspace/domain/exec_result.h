/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ExecResult (contract, 2.6): how a job ended. Written by the worker, read by the
 * router, from workers of any author: bare, or wrapped as
 * {"version":"v1","kind":"exec_result","data":{...}} with a flat job_type.
 *
 * Owner:  spans point into the text that was read, or to where the writer says.
 * Thread: pure functions.
 */
#pragma once

#include "userspace/domain/exec.h"

struct sl_exec_result {
	char version[8];
	char assignment_id[SL_EXEC_ID_BYTES]; /* one of the two may be "" */
	char request_id[SL_EXEC_ID_BYTES];
	enum sl_worker_status status;
	char provider_id[SL_EXEC_ID_BYTES];
	char job_type[SL_EXEC_TYPE_BYTES];
	double latency_ms;
	double cost;
	uint64_t timestamp_ms; /* CLOCK_REALTIME; 0 when the sender did not say */
	char trace_id[SL_EXEC_ID_BYTES];
	char tenant_id[SL_EXEC_ID_BYTES];
	char run_id[SL_EXEC_ID_BYTES];
	char error_code[SL_EXEC_CODE_BYTES];
	char error_message[SL_EXEC_MESSAGE_BYTES];
	struct sl_span payload; /* of the result; empty when there is none */
	struct sl_span metrics;
};

/* -EINVAL with @error. */
int sl_exec_result_read(struct sl_exec_result *ret, struct sl_span text,
			struct sl_fields_error *error);

/* Bare. @result->version is not looked at. */
void sl_exec_result_write(struct sl_json_out *out, const struct sl_exec_result *result);

#define SL_EXEC_MSG_ID_BYTES (sizeof(SL_MSG_ID_RESULT) + SL_IDENTIFIER_MAX)

/* @prefix (SL_MSG_ID_...) and the assignment_id, or request_id where that is "". */
const char *sl_exec_msg_id(char ret[SL_EXEC_MSG_ID_BYTES], const char *prefix,
			   const char *assignment_id, const char *request_id);
