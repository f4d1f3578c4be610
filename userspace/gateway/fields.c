/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/gateway_private.h"

#include <inttypes.h>
#include <stdio.h>

static void put_number(sl_exchange_field *field, void *context, const char *name, uint64_t value)
{
	char text[24];
	int length = snprintf(text, sizeof(text), "%" PRIu64, value);

	field(context, name, (struct sl_span){ text, (size_t)length });
}

/* X-RateLimit-* as the contract has them, and the fields of
 * draft-ietf-httpapi-ratelimit-headers. */
static void put_quota(const struct sl_exchange *exchange, sl_exchange_field *field, void *context)
{
	const struct sl_quota *quota = &exchange->quota;
	const char *name = sl_rate_class_name(quota->rate_class);
	char text[128];
	int length;

	put_number(field, context, "X-RateLimit-Limit", quota->limit);
	put_number(field, context, "X-RateLimit-Remaining", quota->remaining);
	put_number(field, context, "X-RateLimit-Reset",
		   (uint64_t)(sl_gateway_clock_ms() + 999) / 1000 + quota->reset_s);
	length = snprintf(text, sizeof(text), "\"%s\";r=%" PRIu64 ";t=%" PRIu64, name,
			  quota->remaining, quota->reset_s);
	field(context, "RateLimit", (struct sl_span){ text, (size_t)length });
	length = snprintf(text, sizeof(text), "\"%s\";q=%" PRIu64 ";w=%" PRIu64, name, quota->limit,
			  quota->window_s);
	field(context, "RateLimit-Policy", (struct sl_span){ text, (size_t)length });
}

void sl_exchange_fields(const struct sl_exchange *exchange, const struct sl_answer *answer,
			sl_exchange_field *field, void *context)
{
	char traceparent[SL_TRACEPARENT_CHARS + 1];

	sl_trace_parent(traceparent, &exchange->trace);
	field(context, "traceparent", sl_span_of(traceparent));
	field(context, "X-Request-ID", sl_span_of(exchange->request_id));
	if (exchange->quota.known)
		put_quota(exchange, field, context);
	if (answer->retry_after_s)
		put_number(field, context, "Retry-After", answer->retry_after_s);
	if (answer->status == 401)
		field(context, "WWW-Authenticate", SL_SPAN("Bearer"));
}
