// SPDX-License-Identifier: Apache-2.0
/* Every message about jobs from any text; what is accepted reads back the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/domain/exec_ack.h"
#include "userspace/domain/exec_assignment.h"
#include "userspace/domain/usage_event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT_MAX (8u << 20)

static void require(int truth)
{
	if (!truth)
		abort();
}

static struct sl_span written(const struct sl_json_out *out)
{
	struct sl_span text = { NULL, 0 };

	require(sl_json_done(&text, out) == 0);
	return text;
}

static void try_assignment(struct sl_span text)
{
	struct sl_exec_assignment read, again;
	struct sl_json_out out = SL_JSON_OUT(OUT_MAX);

	if (sl_exec_assignment_read(&read, text, NULL) != 0)
		return;
	sl_exec_assignment_write(&out, &read);
	require(sl_exec_assignment_read(&again, written(&out), NULL) == 0);
	require(strcmp(again.assignment_id, read.assignment_id) == 0);
	require(again.deadline_ms == read.deadline_ms && again.priority == read.priority);
	require(sl_span_equal(again.payload, read.payload));
	sl_json_out_free(&out);
}

static void try_result(struct sl_span text)
{
	struct sl_exec_result read, again;
	struct sl_usage_event event, event_again;
	struct sl_json_out out = SL_JSON_OUT(OUT_MAX);

	if (sl_exec_result_read(&read, text, NULL) != 0)
		return;
	sl_exec_result_write(&out, &read);
	require(sl_exec_result_read(&again, written(&out), NULL) == 0);
	require(again.status == read.status && again.cost == read.cost);
	require(sl_span_equal(again.payload, read.payload));
	sl_json_out_reset(&out);
	if (!read.tenant_id[0])
		(void)memcpy(read.tenant_id, "t", 2);
	sl_usage_event_of(&event, &read);
	sl_usage_event_write(&out, &event);
	require(sl_usage_event_read(&event_again, written(&out), NULL) == 0);
	require(strcmp(sl_usage_event_run(&event_again), sl_usage_event_run(&event)) == 0);
	sl_json_out_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sl_span text = { (const char *)data, size };
	struct sl_fields_error error;
	struct sl_usage_event event;
	struct sl_exec_cancel cancel;
	struct sl_exec_ack ack;

	try_assignment(text);
	try_result(text);
	(void)sl_usage_event_read(&event, text, &error);
	(void)sl_exec_ack_read(&ack, text, &error);
	(void)sl_exec_cancel_read(&cancel, text, &error);
	return 0;
}
