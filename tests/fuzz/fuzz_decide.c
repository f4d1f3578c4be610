// SPDX-License-Identifier: Apache-2.0
/* Any body as a request: judged without a crash, and valid still when it goes on. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/domain/decide.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static void forward(const struct sl_decide *decide)
{
	const struct sl_decide_set set = {
		.tenant_id = SL_SPAN("acme"),
		.trace_id = SL_SPAN("4bf92f3577b34da6a3ce929d0e0e4736"),
		.idempotency_key = SL_SPAN("\"\\"),
	};
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(2u << 20);
	struct sl_decide_fault fault;
	struct sl_decide again;
	struct sl_span text;
	char tenant[8];
	size_t length;

	require(sl_decide_forward(&out, decide, &set) == 0);
	require(sl_json_done(&text, &out) == 0);
	require(sl_decide_read(&again, text, &fault) == 0);
	require(sl_json_text(tenant, sizeof(tenant), &length, again.tenant_id) == 0);
	require(strcmp(tenant, "acme") == 0);
	require(sl_span_equal(again.task.raw, decide->task.raw));
	require(sl_span_equal(again.metadata.raw, decide->metadata.raw));
	require(sl_decide_pushes(&again) == sl_decide_pushes(decide));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_decide_fault fault = { .message = "" };
	struct sl_decide decide;

	if (sl_decide_read(&decide, (struct sl_span){ (const char *)data, size }, &fault) != 0) {
		require(fault.message[0] && fault.intake == SL_INTAKE_SCHEMA_VALIDATION_FAILED);
		return 0;
	}
	if (sl_decide_check(&decide, SL_SPAN(""), &fault) != 0)
		require(fault.message[0] && fault.intake != SL_INTAKE_NONE);
	forward(&decide);
	return 0;
}
