/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/base/clock.h"
#include "userspace/gateway/gateway_private.h"
#include "userspace/gateway/line.h"

/* Where the fields go, and the text of the one that is being written. */
struct fields {
	sl_exchange_field *put;
	void *context;
	struct sl_line line;
};

static void put_number(struct fields *fields, struct sl_span name, uint64_t value)
{
	fields->line.length = 0;
	sl_line_number(&fields->line, value);
	fields->put(fields->context, name, sl_line_text(&fields->line));
}

/* "NAME";a=1;b=2 */
static void put_pair(struct fields *fields, struct sl_span header, struct sl_span name,
		     struct sl_span first, uint64_t one, struct sl_span second, uint64_t two)
{
	struct sl_line *line = &fields->line;

	line->length = 0;
	sl_line_add(line, SL_SPAN("\""));
	sl_line_add(line, name);
	sl_line_add(line, first);
	sl_line_number(line, one);
	sl_line_add(line, second);
	sl_line_number(line, two);
	fields->put(fields->context, header, sl_line_text(line));
}

/* The class of a tenant's limit; of others whose it is and, if it is of one, the class. */
static struct sl_span name_of(struct sl_line *buffer, const struct sl_exchange *exchange)
{
	const struct sl_quota *quota = &exchange->quota;
	const struct sl_span name = sl_span_of(sl_rate_class_name(quota->rate_class));

	if (quota->level <= SL_LEVEL_TENANT)
		return name;
	buffer->length = 0;
	if (sl_limit_is_policy(quota->level)) {
		sl_line_add(buffer, SL_SPAN("policy/"));
		sl_line_add(buffer, sl_span_of(exchange->policy));
	} else {
		sl_line_add(buffer, SL_SPAN("node"));
	}
	if (quota->rate_class != SL_CLASS_GLOBAL) {
		sl_line_add(buffer, SL_SPAN("/"));
		sl_line_add(buffer, name);
	}
	return sl_line_text(buffer);
}

/* X-RateLimit-* as the contract has them, and the fields of
 * draft-ietf-httpapi-ratelimit-headers. */
static void put_quota(struct fields *fields, const struct sl_exchange *exchange)
{
	const struct sl_quota *quota = &exchange->quota;
	struct sl_line buffer;
	struct sl_span name = name_of(&buffer, exchange);

	put_number(fields, SL_SPAN("X-RateLimit-Limit"), quota->limit);
	put_number(fields, SL_SPAN("X-RateLimit-Remaining"), quota->remaining);
	put_number(fields, SL_SPAN("X-RateLimit-Reset"),
		   quota->reset_at_s ? quota->reset_at_s
				     : (uint64_t)(sl_unix_ms() + 999) / 1000 + quota->reset_s);
	put_pair(fields, SL_SPAN("RateLimit"), name, SL_SPAN("\";r="), quota->remaining,
		 SL_SPAN(";t="), quota->reset_s);
	put_pair(fields, SL_SPAN("RateLimit-Policy"), name, SL_SPAN("\";q="), quota->limit,
		 SL_SPAN(";w="), quota->window_s);
}

void sl_exchange_fields(const struct sl_exchange *exchange, const struct sl_answer *answer,
			sl_exchange_field *field, void *context)
{
	struct fields fields;
	char traceparent[SL_TRACEPARENT_CHARS + 1];

	fields.put = field;
	fields.context = context;
	sl_trace_parent(traceparent, &exchange->trace);
	field(context, SL_SPAN("traceparent"),
	      (struct sl_span){ traceparent, SL_TRACEPARENT_CHARS });
	field(context, SL_SPAN("X-Request-ID"), sl_span_of(exchange->request_id));
	if (exchange->quota.known)
		put_quota(&fields, exchange);
	if (answer->retry_after_s)
		put_number(&fields, SL_SPAN("Retry-After"), answer->retry_after_s);
	if (answer->status == 401)
		field(context, SL_SPAN("WWW-Authenticate"), SL_SPAN("Bearer"));
}
