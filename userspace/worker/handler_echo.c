// SPDX-License-Identifier: Apache-2.0
/* Gives the payload back. */
#include "userspace/base/cleanup.h"
#include "userspace/domain/fields.h"
#include "userspace/worker/handlers.h"
#include "userspace/worker/run.h"

static void put_reference(struct sl_worker_result *result, const char *payload_ref)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(SL_WORKER_OUTPUT_MAX);
	struct sl_span json;

	sl_json_open(&out, '{');
	sl_fields_put_text(&out, "payload_ref", payload_ref);
	sl_json_close(&out, '}');
	if (sl_json_done(&json, &out) == 0)
		(void)sl_run_host.output(result, json.at, json.length);
}

static void run(void *state, const struct sl_worker_job *job, struct sl_worker_result *result)
{
	(void)state;
	if (job->payload_ref[0]) {
		put_reference(result, job->payload_ref);
		return;
	}
	if (sl_run_host.output(result, job->payload, job->payload_length) == 0)
		return;
	result->status = SL_WORKER_ERROR;
	result->code = SL_WORKER_INVALID_INPUT;
	(void)snprintf(result->message, sizeof(result->message),
		       "the payload has more than %u bytes", SL_WORKER_OUTPUT_MAX);
}

const struct sl_built_in sl_handler_echo = {
	.handler = { .api = SL_WORKER_API, .name = "echo", .run = run },
};
