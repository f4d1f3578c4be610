// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/exec.h"

#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const statuses[] = {
	[SL_WORKER_SUCCESS] = "success",
	[SL_WORKER_ERROR] = "error",
	[SL_WORKER_TIMEOUT] = "timeout",
	[SL_WORKER_CANCELLED] = "cancelled",
};

static const char *const codes[] = {
	[SL_WORKER_NO_CODE] = "",
	[SL_WORKER_INVALID_INPUT] = "INVALID_INPUT",
	[SL_WORKER_MISSING_REQUIRED_FIELD] = "MISSING_REQUIRED_FIELD",
	[SL_WORKER_INVALID_FORMAT] = "INVALID_FORMAT",
	[SL_WORKER_EXECUTION_FAILED] = "EXECUTION_FAILED",
	[SL_WORKER_RESOURCE_UNAVAILABLE] = "RESOURCE_UNAVAILABLE",
	[SL_WORKER_PERMISSION_DENIED] = "PERMISSION_DENIED",
	[SL_WORKER_QUOTA_EXCEEDED] = "QUOTA_EXCEEDED",
	[SL_WORKER_NETWORK_ERROR] = "NETWORK_ERROR",
	[SL_WORKER_CONNECTION_TIMEOUT] = "CONNECTION_TIMEOUT",
	[SL_WORKER_HTTP_ERROR] = "HTTP_ERROR",
	[SL_WORKER_INTERNAL_ERROR] = "INTERNAL_ERROR",
	[SL_WORKER_SYSTEM_OVERLOAD] = "SYSTEM_OVERLOAD",
	[SL_WORKER_CANCELLED_BY_USER] = "CANCELLED_BY_USER",
	[SL_WORKER_CANCELLED_BY_TIMEOUT] = "CANCELLED_BY_TIMEOUT",
};

const char *sl_exec_status_name(enum sl_worker_status status)
{
	return (size_t)status < COUNT(statuses) ? statuses[status] : "error";
}

int sl_exec_status_of(enum sl_worker_status *ret, const char *name)
{
	if (strcmp(name, "canceled") == 0) {
		*ret = SL_WORKER_CANCELLED;
		return 0;
	}
	for (size_t i = 0; i < COUNT(statuses); i++) {
		if (strcmp(name, statuses[i]) == 0) {
			*ret = (enum sl_worker_status)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* A handler of another author may say any number. */
const char *sl_exec_code_name(enum sl_worker_code code)
{
	return (size_t)code < COUNT(codes) ? codes[code] : "INTERNAL_ERROR";
}
