/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/gateway_private.h"

/* Texts of fields are put together by hand: snprintf was a tenth of a refusal's cost. */
struct text {
	char at[160];
	size_t length;
};

static void add(struct text *text, const char *more)
{
	size_t length = strlen(more);

	if (length > sizeof(text->at) - text->length)
		return;
	memcpy(text->at + text->length, more, length);
	text->length += length;
}

static void add_number(struct text *text, uint64_t value)
{
	char digits[24];
	size_t at = sizeof(digits) - 1;

	digits[at] = '\0';
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	add(text, digits + at);
}

static void put(sl_exchange_field *field, void *context, const char *name, const struct text *text)
{
	field(context, name, (struct sl_span){ text->at, text->length });
}

static void put_number(sl_exchange_field *field, void *context, const char *name, uint64_t value)
{
	struct text text;

	text.length = 0;
	add_number(&text, value);
	put(field, context, name, &text);
}

/* "NAME";a=1;b=2 */
static void put_pair(sl_exchange_field *field, void *context, const char *header, const char *name,
		     const char *first, uint64_t one, const char *second, uint64_t two)
{
	struct text text;

	text.length = 0;
	add(&text, "\"");
	add(&text, name);
	add(&text, first);
	add_number(&text, one);
	add(&text, second);
	add_number(&text, two);
	put(field, context, header, &text);
}

/* X-RateLimit-* as the contract has them, and the fields of
 * draft-ietf-httpapi-ratelimit-headers. */
static void put_quota(const struct sl_exchange *exchange, sl_exchange_field *field, void *context)
{
	const struct sl_quota *quota = &exchange->quota;
	const char *name = sl_rate_class_name(quota->rate_class);

	put_number(field, context, "X-RateLimit-Limit", quota->limit);
	put_number(field, context, "X-RateLimit-Remaining", quota->remaining);
	put_number(field, context, "X-RateLimit-Reset",
		   (uint64_t)(sl_gateway_clock_ms() + 999) / 1000 + quota->reset_s);
	put_pair(field, context, "RateLimit", name, "\";r=", quota->remaining,
		 ";t=", quota->reset_s);
	put_pair(field, context, "RateLimit-Policy", name, "\";q=", quota->limit,
		 ";w=", quota->window_s);
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
