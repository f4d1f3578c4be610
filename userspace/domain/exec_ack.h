/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said about an assignment: a worker's ack (contract, 2.5), and a router's
 * cancellation (caf.exec.cancel.v1, an addition).
 *
 * Thread: pure functions.
 */
#pragma once

#include "userspace/domain/exec.h"

struct sl_exec_ack {
	char version[8];
	char assignment_id[SL_EXEC_ID_BYTES];
	char tenant_id[SL_EXEC_ID_BYTES];
	char trace_id[SL_EXEC_ID_BYTES];
	char worker_id[SL_EXEC_ID_BYTES]; /* metadata.worker_id */
	char reason[257];		  /* "" when there is none */
	bool accepted;
};

int sl_exec_ack_read(struct sl_exec_ack *ret, struct sl_span text, struct sl_fields_error *error);
void sl_exec_ack_write(struct sl_json_out *out, const struct sl_exec_ack *ack);

struct sl_exec_cancel {
	char version[8];
	char assignment_id[SL_EXEC_ID_BYTES];
	char reason[257]; /* "timeout", "user", ...; "" when there is none */
};

int sl_exec_cancel_read(struct sl_exec_cancel *ret, struct sl_span text,
			struct sl_fields_error *error);
void sl_exec_cancel_write(struct sl_json_out *out, const struct sl_exec_cancel *cancel);
