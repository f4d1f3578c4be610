/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UsageEvent (contract, 2.7): what a job cost, for whom, by whom. Written by the
 * router from a result, read by the usage ledger.
 *
 * Thread: pure functions.
 */
#pragma once

#include "userspace/domain/exec_result.h"

struct sl_usage_event {
	char version[8];
	char tenant_id[SL_EXEC_ID_BYTES];
	char provider_id[SL_EXEC_ID_BYTES];
	char event_type[SL_EXEC_TYPE_BYTES]; /* the job's */
	double latency_ms;
	double cost;
	enum sl_worker_status status;
	char trace_id[SL_EXEC_ID_BYTES];
	uint64_t timestamp_ms;
	char assignment_id[SL_EXEC_ID_BYTES]; /* one of the two may be "" */
	char request_id[SL_EXEC_ID_BYTES];
	char run_id[SL_EXEC_ID_BYTES];
};

/* -EINVAL with @error. */
int sl_usage_event_read(struct sl_usage_event *ret, struct sl_span text,
			struct sl_fields_error *error);
void sl_usage_event_write(struct sl_json_out *out, const struct sl_usage_event *event);

/* What a result costs; the router fills what the worker left out before. */
void sl_usage_event_of(struct sl_usage_event *ret, const struct sl_exec_result *result);

/* "usage-" and the assignment_id, or request_id where that is "": counted once. */
const char *sl_usage_event_id(char ret[SL_EXEC_MSG_ID_BYTES], const struct sl_usage_event *event);

/* What costs of one run are summed by: run_id, or request_id, or assignment_id. */
const char *sl_usage_event_run(const struct sl_usage_event *event);
