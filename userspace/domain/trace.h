/* SPDX-License-Identifier: Apache-2.0 */
/*
 * W3C Trace Context, level 1 and 2 (https://www.w3.org/TR/trace-context-2/): read,
 * continue, write. What is invalid is ignored, never fatal: the request then starts
 * a trace of its own.
 *
 * Thread: pure functions; randomness is the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sluice/envelope.h"
#include "userspace/base/span.h"

#define SL_TRACE_ID_CHARS    32
#define SL_SPAN_ID_CHARS     16
#define SL_TRACEPARENT_CHARS 55
#define SL_TRACE_SAMPLED     0x1u
#define SL_TRACE_RANDOM	     0x2u /* level 2 */

struct sl_trace {
	char trace_id[SL_TRACE_ID_CHARS + 1]; /* lower case hex, not all zero */
	char parent_id[SL_SPAN_ID_CHARS + 1]; /* the caller's span; "" when there is none */
	char span_id[SL_SPAN_ID_CHARS + 1];   /* ours */
	uint8_t flags;			      /* only those known here go out */
	char tracestate[SL_TRACESTATE_MAX + 1];
};

/*
 * Where a request says where it belongs, strongest first: traceparent, then
 * @trace_id (X-Trace-ID, or the body's): 32 hex or a UUIDv4, else a new one. @random
 * gives the new ids; a trace of our own is sampled. @tracestate is kept only with a valid
 * traceparent, cut at whole entries from the right to SL_TRACESTATE_MAX.
 */
void sl_trace_start(struct sl_trace *ret, struct sl_span traceparent, struct sl_span tracestate,
		    struct sl_span trace_id, const uint8_t random[24]);

/* A hop further: same trace, the present span becomes the parent, a new one from @random. */
void sl_trace_next(struct sl_trace *trace, const uint8_t random[8]);

/* "00-<trace>-<our span>-<flags>" with a final NUL. */
void sl_trace_parent(char ret[SL_TRACEPARENT_CHARS + 1], const struct sl_trace *trace);
