// SPDX-License-Identifier: Apache-2.0
/* The headers that every message has, and the trace they carry. */
#include <string.h>

#include "userspace/router/router_private.h"

void sl_out_header(struct sl_out_headers *headers, const char *name, const char *value)
{
	if (headers->count < SL_OUT_HEADERS_MAX)
		headers->at[headers->count++] = (struct sl_bus_header){ name, sl_span_of(value) };
}

void sl_out_headers(struct sl_out_headers *ret, const struct sl_trace *trace, const char *tenant)
{
	ret->count = 0;
	sl_trace_parent(ret->traceparent, trace);
	sl_out_header(ret, SL_HEADER_TRACE_ID, trace->trace_id);
	sl_out_header(ret, SL_HEADER_TENANT_ID, tenant);
	sl_out_header(ret, SL_HEADER_VERSION, SL_MESSAGE_VERSION);
	sl_out_header(ret, SL_HEADER_TRACEPARENT, ret->traceparent);
	if (trace->tracestate[0])
		sl_out_header(ret, SL_HEADER_TRACESTATE, trace->tracestate);
}

struct sl_request_headers sl_in_headers(const struct sl_bus_message *message)
{
	return (struct sl_request_headers){
		.tenant_id = sl_bus_header(message, SL_HEADER_TENANT_ID),
		.trace_id = sl_bus_header(message, SL_HEADER_TRACE_ID),
		.version = sl_bus_header(message, SL_HEADER_VERSION),
		.traceparent = sl_bus_header(message, SL_HEADER_TRACEPARENT),
		.tracestate = sl_bus_header(message, SL_HEADER_TRACESTATE),
		.criticality = sl_bus_header(message, SL_HEADER_CRITICALITY),
	};
}

void sl_router_random(struct sl_router *router, uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i += sizeof(uint64_t)) {
		const uint64_t word = sl_core_random(router->core);
		const size_t left = count - i;

		memcpy(bytes + i, &word, left < sizeof(word) ? left : sizeof(word));
	}
}

void sl_router_trace(struct sl_trace *ret, struct sl_router *router,
		     const struct sl_bus_message *message, const char *trace_id)
{
	const struct sl_request_headers headers = sl_in_headers(message);
	uint8_t random[24];

	sl_router_random(router, random, sizeof(random));
	sl_trace_start(ret, headers.traceparent, headers.tracestate,
		       headers.trace_id.length ? headers.trace_id : sl_span_of(trace_id), random);
}

uint64_t sl_router_now(const struct sl_router *router)
{
	return router->loop->now_ns(router->loop);
}
