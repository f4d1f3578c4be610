/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the messages about a job have in common: bounds, the status of a result and
 * the error codes of workers (contract, 2.6).
 *
 * Thread: pure functions.
 */
#pragma once

#include "sluice/envelope.h"
#include "sluice/worker.h"
#include "userspace/domain/fields.h"

#define SL_EXEC_ID_BYTES       (SL_IDENTIFIER_MAX + 1)
#define SL_EXEC_TYPE_BYTES     (SL_TASK_TYPE_MAX * 4 + 1) /* characters of up to 4 bytes */
#define SL_EXEC_ENDPOINT_BYTES 1025
#define SL_EXEC_CODE_BYTES     65
#define SL_EXEC_MESSAGE_BYTES  513
#define SL_EXEC_BYTES_MAX      SL_REQUEST_BYTES_MAX /* of a whole message */

const char *sl_exec_status_name(enum sl_worker_status status); /* "success" */
/* Takes "canceled" as well. -EINVAL. */
int sl_exec_status_of(enum sl_worker_status *ret, const char *name);

const char *sl_exec_code_name(enum sl_worker_code code); /* "INVALID_INPUT"; NONE: "" */
