/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A DecideRequest: found in one pass, judged by the contract's rules in the
 * contract's order. The gateway judges the body it received, the router the
 * message; both forward the sender's bytes.
 *
 * Owner:  spans point into the caller's text.
 * Thread: pure functions.
 */
#pragma once

#include "userspace/domain/codes.h"
#include "userspace/domain/json.h"

struct sl_decide {
	struct sl_span body; /* the whole object, without the space around it */
	struct sl_json_value version, tenant_id, request_id, trace_id;
	struct sl_json_value run_id, flow_id, step_id, idempotency_key, policy_id;
	struct sl_json_value task, task_type, task_payload, task_payload_ref;
	struct sl_json_value constraints, metadata, context, options;
	struct sl_json_value push_assignment, assignment_subject, message;
	struct sl_json_value message_id; /* of message */
};

struct sl_decide_fault {
	enum sl_code code;
	enum sl_intake intake;
	char message[160]; /* names the field and the rule; never quotes a value */
};

/* Steps 1 and 2: size and JSON object. -EINVAL with @fault filled. */
int sl_decide_read(struct sl_decide *ret, struct sl_span body, struct sl_decide_fault *fault);

/*
 * The rest, in the router's order: version, tenant_id, run/flow/step together,
 * formats, request_id, task.type, payload or payload_ref, payload's size (as encoded
 * without space between its parts; not asked for beside a payload_ref).
 * null is the same as not there. A trace_id that is a string of another form passes:
 * it is ignored (trace.h). Texts are counted in bytes.
 * @header_version: empty, or the message header, which wins. -EINVAL with @fault.
 */
int sl_decide_check(const struct sl_decide *decide, struct sl_span header_version,
		    struct sl_decide_fault *fault);

/* true, "true", 1; anything else is no. */
bool sl_decide_pushes(const struct sl_decide *decide);

/*
 * The body with members replaced or added: {"tenant_id": ..., "trace_id": ...,
 * "idempotency_key": ...}; every other byte as it came. An empty span leaves a
 * member as it is. What sl_json_done() says.
 */
struct sl_decide_set {
	struct sl_span tenant_id, trace_id, request_id, idempotency_key;
};
int sl_decide_forward(struct sl_json_out *out, const struct sl_decide *decide,
		      const struct sl_decide_set *set);
