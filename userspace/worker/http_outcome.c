// SPDX-License-Identifier: Apache-2.0
#include "userspace/worker/http_outcome.h"

#define BACKOFF_MS_MAX 60000u

static struct sl_http_outcome answered(long status)
{
	if (status >= 200 && status <= 299)
		return (struct sl_http_outcome){ SL_WORKER_NO_CODE, SL_HTTP_NEVER };
	switch (status) {
	case 400:
	case 413:
	case 415:
	case 422:
		return (struct sl_http_outcome){ SL_WORKER_INVALID_INPUT, SL_HTTP_NEVER };
	case 401:
	case 403:
		return (struct sl_http_outcome){ SL_WORKER_PERMISSION_DENIED, SL_HTTP_NEVER };
	case 402:
		return (struct sl_http_outcome){ SL_WORKER_QUOTA_EXCEEDED, SL_HTTP_NEVER };
	case 429: /* refused before any work */
		return (struct sl_http_outcome){ SL_WORKER_QUOTA_EXCEEDED, SL_HTTP_SAFE };
	case 503:
		return (struct sl_http_outcome){ SL_WORKER_RESOURCE_UNAVAILABLE, SL_HTTP_SAFE };
	case 408:
	case 504:
		return (struct sl_http_outcome){ SL_WORKER_CONNECTION_TIMEOUT,
						 SL_HTTP_IF_IDEMPOTENT };
	default:
		return (struct sl_http_outcome){ SL_WORKER_HTTP_ERROR,
						 status >= 500 ? SL_HTTP_IF_IDEMPOTENT
							       : SL_HTTP_NEVER };
	}
}

struct sl_http_outcome sl_http_outcome_of(enum sl_http_trouble trouble, long status)
{
	switch (trouble) {
	case SL_HTTP_ANSWERED:
		return answered(status);
	case SL_HTTP_NOT_SENT:
		return (struct sl_http_outcome){ SL_WORKER_NETWORK_ERROR, SL_HTTP_SAFE };
	case SL_HTTP_TOO_SLOW:
		return (struct sl_http_outcome){ SL_WORKER_CONNECTION_TIMEOUT,
						 SL_HTTP_IF_IDEMPOTENT };
	case SL_HTTP_BROKEN:
		return (struct sl_http_outcome){ SL_WORKER_NETWORK_ERROR, SL_HTTP_IF_IDEMPOTENT };
	case SL_HTTP_TOO_LARGE:
		return (struct sl_http_outcome){ SL_WORKER_HTTP_ERROR, SL_HTTP_NEVER };
	case SL_HTTP_MISCONFIGURED:
		break;
	}
	return (struct sl_http_outcome){ SL_WORKER_INTERNAL_ERROR, SL_HTTP_NEVER };
}

uint64_t sl_http_backoff_ms(uint32_t backoff_ms, unsigned int attempt, uint32_t random)
{
	uint64_t ms = backoff_ms;

	while (--attempt && ms < BACKOFF_MS_MAX)
		ms *= 2;
	if (ms > BACKOFF_MS_MAX)
		ms = BACKOFF_MS_MAX;
	return ms + ms * (random % 1000) / 5000;
}
