// SPDX-License-Identifier: Apache-2.0
/* A line of the admin socket: what is accepted is in bounds, what is not has a message. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/agent/admin_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_admin_request request;
	struct sl_text_error error = { .message = "" };
	int err;

	memset(&request, 'x', sizeof(request));
	err = sl_admin_parse(&request, (const char *)data, size, &error);
	if (err) {
		require(err < 0 && error.message[0]);
		return 0;
	}
	require(request.command < SL_ADMIN_COMMANDS);
	require(memchr(request.tenant, '\0', sizeof(request.tenant)) != NULL);
	require(request.permille <= 1000 && request.mode <= SL_MODE_OFF);
	require(request.for_ns <= SL_DURATION_NS_MAX);
	require(request.set_count <= SL_OVERRIDE_FIELDS_);
	require(memchr(request.node, '\0', sizeof(request.node)) != NULL);
	require((unsigned int)request.limit < SL_QUOTA_KINDS && request.amount_percent <= 1000);
	require(request.amount_mu_per_s >= 0 && request.amount_mu_per_s <= SL_QUOTA_RATE_MAX);
	for (size_t i = 0; i < request.set_count; i++)
		require(request.set[i].field < SL_OVERRIDE_FIELDS_);
	return 0;
}
