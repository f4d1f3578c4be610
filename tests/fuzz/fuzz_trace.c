// SPDX-License-Identifier: Apache-2.0
/* Three lines as traceparent, tracestate and trace id: what starts is always valid. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/domain/ident.h"
#include "userspace/domain/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static struct sl_span line(struct sl_span *rest)
{
	const char *end = rest->length ? memchr(rest->at, '\n', rest->length) : NULL;
	struct sl_span line = { rest->at, end ? (size_t)(end - rest->at) : rest->length };

	rest->at += line.length + (end != NULL);
	rest->length -= line.length + (end != NULL);
	return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_span rest = { (const char *)data, size };
	struct sl_span parent = line(&rest), state = line(&rest);
	char text[SL_TRACEPARENT_CHARS + 1];
	struct sl_trace trace, again;
	uint8_t random[24] = { 0 };

	sl_trace_start(&trace, parent, state, rest, random);
	require(sl_is_hex(sl_span_of(trace.trace_id), SL_TRACE_ID_CHARS));
	require(sl_is_hex(sl_span_of(trace.span_id), SL_SPAN_ID_CHARS));
	require(strlen(trace.tracestate) <= SL_TRACESTATE_MAX);
	require(trace.parent_id[0] || !trace.tracestate[0]);

	/* What goes out is read as the same trace, and the state does not change again. */
	sl_trace_parent(text, &trace);
	sl_trace_start(&again, sl_span_of(text), sl_span_of(trace.tracestate), SL_SPAN(""), random);
	require(strcmp(again.trace_id, trace.trace_id) == 0);
	require(strcmp(again.parent_id, trace.span_id) == 0);
	require(strcmp(again.tracestate, trace.tracestate) == 0);
	require(again.flags == trace.flags);
	sl_trace_next(&trace, random);
	require(strcmp(again.parent_id, trace.parent_id) == 0);
	return 0;
}
