/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A DecideRequest as the router takes it: the sender's bytes, the texts it works
 * with, the trace that goes on.
 *
 * Owner:  spans point into the message.
 * Thread: pure functions.
 */
#pragma once

#include "userspace/domain/decide.h"
#include "userspace/domain/idempotency.h"
#include "userspace/domain/route.h"
#include "userspace/domain/trace.h"
#include "userspace/pressure/priority.h"

/* Headers of the message; they win over the payload. Empty: not there. */
struct sl_request_headers {
	struct sl_span tenant_id, trace_id, version, traceparent, tracestate, criticality;
};

struct sl_request {
	struct sl_decide decide;
	struct sl_trace trace;
	char tenant_id[SL_IDENTIFIER_MAX + 1];
	char request_id[SL_IDENTIFIER_MAX + 1];
	char policy_id[SL_POLICY_ID_BYTES]; /* "" like the rest, when it is not there */
	char idempotency_key[SL_IDEMPOTENCY_KEY_MAX + 1];
	char message_id[SL_IDENTIFIER_MAX + 1];
	char assignment_subject[SL_POLICY_ENDPOINT_BYTES];
	bool pushes;
	enum sl_criticality criticality;
};

/*
 * Reads and judges; the trace is begun in any case, so that also a refusal belongs to
 * one. @random: 24 bytes. -EINVAL with @fault; @ret then has what was found.
 */
int sl_request_read(struct sl_request *ret, const struct sl_request_headers *headers,
		    struct sl_span payload, const uint8_t random[24],
		    struct sl_decide_fault *fault);

/* What the request asks of a provider. -EINVAL with @fault: constraints make no sense. */
int sl_request_constraints(struct sl_route_request *ret, const struct sl_request *request,
			   struct sl_decide_fault *fault);

/* What an assignment is given unless the request's options say otherwise. */
struct sl_request_options {
	int64_t priority;
	uint64_t deadline_ms;
	uint64_t max_attempts;
	uint64_t backoff_ms;
};
/* Over what @ret has. -EINVAL with @fault. */
int sl_request_options(struct sl_request_options *ret, const struct sl_request *request,
		       struct sl_decide_fault *fault);

/* The value of context.@name as text; "" when there is none or it is no text or number. */
void sl_request_session(char *buffer, size_t size, const struct sl_request *request,
			const char *name);

/* What makes two requests the same: all but who carries them. */
struct sl_digest sl_request_digest(const struct sl_request *request);
