// SPDX-License-Identifier: Apache-2.0
/*
 * Assignments whose result does not come: cancelled, and given the result "timeout"
 * under the message id that the true result would have, so that the stream keeps
 * whichever came first and each assignment has exactly one.
 *
 * Each is also noted in the shared bucket; who finds it there after a start takes it
 * over, since the router that gave it out may be gone.
 */
#include <stdio.h>
#include <string.h>

#include "userspace/base/clock.h"
#include "userspace/router/router_private.h"

#define NOTE_BYTES_MAX	  4096u
#define NOTE_TIMEOUT_MS	  2000u
#define ADOPT_MAX	  100000u
#define ADOPT_TIMEOUT_MS  10000u
#define RESULT_TIMEOUT_MS 5000u
#define EXPIRE_MAX	  1000 /* in one turn */
#define TRY_AGAIN_NS	  (5000 * SL_MS_NS)

/* ---- notes ---------------------------------------------------------------------------------- */

static void write_note(struct sl_json_out *out, const struct sl_router *router,
		       const struct sl_assigned *assigned)
{
	const uint64_t left_ns = assigned->due_ns - sl_router_now(router);

	sl_json_open(out, '{');
	sl_fields_put_text(out, "assignment_id", assigned->assignment_id);
	sl_fields_put_text(out, "request_id", assigned->request_id);
	sl_fields_put_text(out, "tenant_id", assigned->tenant_id);
	sl_fields_put_text(out, "provider_id", assigned->provider_id);
	sl_fields_put_text(out, "job_type", assigned->job_type);
	sl_fields_put_text(out, "trace_id", assigned->trace_id);
	sl_fields_put_text(out, "run_id", assigned->run_id);
	sl_json_key(out, "due_ms");
	sl_json_put_integer(out, (int64_t)(sl_wall_ms() + left_ns / SL_MS_NS));
	sl_json_close(out, '}');
}

bool sl_expiry_follow(struct sl_router *router, const struct sl_assigned *assigned)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(NOTE_BYTES_MAX);
	char key[SL_SHARED_KEY_BYTES];
	struct sl_span text;
	int err;

	/* A worker may be faster than the server's word that it has the assignment. */
	if (sl_results_seen(router, assigned->assignment_id))
		return false;
	err = sl_assignments_add(router->assignments, assigned);
	if (err)
		sl_log_limited(router->log, SL_LOG_SYNC, SL_LOG_WARN, "assignment not followed",
			       SL_STR("assignment_id", assigned->assignment_id),
			       SL_STR("error", strerrordesc_np(-err)));
	if (!sl_shared_on(router))
		return !err;
	write_note(&out, router, assigned);
	(void)sl_shared_key(key, 'a', "", assigned->assignment_id);
	if (sl_json_done(&text, &out) != 0 ||
	    sl_kv_put(router->bus, SL_BUCKET_DECISIONS, key, text, NOTE_TIMEOUT_MS,
		      sl_router_stored, router) != 0)
		router->counts.degraded_total++;
	return !err;
}

struct note {
	char assignment_id[SL_EXEC_ID_BYTES], request_id[SL_EXEC_ID_BYTES];
	char tenant_id[SL_EXEC_ID_BYTES], provider_id[SL_EXEC_ID_BYTES];
	char trace_id[SL_EXEC_ID_BYTES], run_id[SL_EXEC_ID_BYTES];
	char job_type[SL_EXEC_TYPE_BYTES];
	uint64_t due_ms;
};

#define FIELD(member, kind, flags)                                                                 \
	{                                                                                          \
#member, kind, SL_FIELD_AT(struct note, member), flags                             \
	}

static const struct sl_field note_fields[] = {
	FIELD(assignment_id, SL_FIELD_IDENTIFIER, SL_FIELD_REQUIRED),
	FIELD(request_id, SL_FIELD_IDENTIFIER, 0),
	FIELD(tenant_id, SL_FIELD_IDENTIFIER, SL_FIELD_REQUIRED),
	FIELD(provider_id, SL_FIELD_IDENTIFIER, SL_FIELD_REQUIRED),
	FIELD(trace_id, SL_FIELD_IDENTIFIER, 0),
	FIELD(run_id, SL_FIELD_IDENTIFIER, 0),
	FIELD(job_type, SL_FIELD_TEXT, 0),
	FIELD(due_ms, SL_FIELD_WHOLE, SL_FIELD_REQUIRED),
};

static void adopt(void *context, int status, const struct sl_bus_message *message,
		  uint64_t sequence)
{
	struct sl_router *router = context;
	struct note note = { .due_ms = 0 };
	const uint64_t now_ns = sl_router_now(router), now_ms = sl_wall_ms();
	struct sl_assigned assigned = {
		.assignment_id = note.assignment_id,
		.request_id = note.request_id,
		.tenant_id = note.tenant_id,
		.provider_id = note.provider_id,
		.job_type = note.job_type,
		.trace_id = note.trace_id,
		.run_id = note.run_id,
		.begun_ns = now_ns,
	};
	uint64_t left_ms;

	(void)sequence;
	if (status || !sl_bus_payload(message).length ||
	    sl_fields_read(&note, note_fields, sizeof(note_fields) / sizeof(note_fields[0]),
			   sl_bus_payload(message), NULL) != 0 ||
	    sl_results_seen(router, note.assignment_id))
		return;
	/* Not at once: the one who gave it out, if it lives, comes first. */
	left_ms = (note.due_ms > now_ms ? note.due_ms - now_ms : 0) +
		  router->settings.result_grace_ns / SL_MS_NS;
	if (left_ms > SL_EXEC_DEADLINE_MS_MAX)
		left_ms = SL_EXEC_DEADLINE_MS_MAX;
	assigned.due_ns = now_ns + left_ms * SL_MS_NS;
	if (sl_assignments_add(router->assignments, &assigned) == 0)
		router->counts.adopted_total++;
}

static void adopted(void *context, int status)
{
	struct sl_router *router = context;

	if (status && router->bus)
		sl_log(router->log, SL_LOG_DEBUG, "open assignments not listed",
		       SL_STR("error", strerrordesc_np(-status)));
}

void sl_expiry_adopt(struct sl_router *router)
{
	if (sl_shared_on(router))
		(void)sl_kv_list(router->bus, SL_BUCKET_DECISIONS, "a.>", ADOPT_MAX,
				 ADOPT_TIMEOUT_MS, adopt, adopted, router);
}

/* ---- expiry -----------------------------------------------------------------------------------
 */

static void new_trace(struct sl_trace *ret, struct sl_router *router,
		      const struct sl_assigned *assigned)
{
	const struct sl_span none = { NULL, 0 };
	uint8_t random[24];

	sl_router_random(router, random, sizeof(random));
	sl_trace_start(ret, none, none, sl_span_of(assigned->trace_id), random);
}

static void cancel(struct sl_router *router, const struct sl_assigned *assigned,
		   const struct sl_out_headers *headers)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(NOTE_BYTES_MAX);
	struct sl_exec_cancel message = { .reason = "timeout" };
	struct sl_span text;

	(void)snprintf(message.assignment_id, sizeof(message.assignment_id), "%s",
		       assigned->assignment_id);
	sl_exec_cancel_write(&out, &message);
	if (sl_json_done(&text, &out) == 0)
		(void)sl_bus_publish(router->bus, SL_SUBJECT_CANCEL, NULL, headers->at,
				     headers->count, text);
}

static void write_timeout(struct sl_json_out *out, const struct sl_router *router,
			  const struct sl_assigned *assigned)
{
	struct sl_exec_result result = {
		.status = SL_WORKER_TIMEOUT,
		.latency_ms =
			(double)(sl_router_now(router) - assigned->begun_ns) / (double)SL_MS_NS,
		.timestamp_ms = sl_wall_ms(),
	};

#define PUT(field, text) (void)snprintf(result.field, sizeof(result.field), "%s", text)
	PUT(assignment_id, assigned->assignment_id);
	PUT(request_id, assigned->request_id);
	PUT(provider_id, assigned->provider_id);
	PUT(tenant_id, assigned->tenant_id);
	PUT(trace_id, assigned->trace_id);
	PUT(run_id, assigned->run_id);
	PUT(job_type, assigned->job_type);
	PUT(error_code, sl_exec_code_name(SL_WORKER_CANCELLED_BY_TIMEOUT));
	PUT(error_message, "no result came before the deadline");
#undef PUT
	sl_exec_result_write(out, &result);
}

/* 0: handed to the stream. */
static int publish_timeout(struct sl_router *router, const struct sl_assigned *assigned,
			   const struct sl_out_headers *headers)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(NOTE_BYTES_MAX);
	char id[SL_EXEC_MSG_ID_BYTES];
	struct sl_span text;
	int err;

	write_timeout(&out, router, assigned);
	(void)sl_exec_msg_id(id, SL_MSG_ID_RESULT, assigned->assignment_id, assigned->request_id);
	err = sl_json_done(&text, &out);
	return err ? err
		   : sl_js_publish(router->bus, SL_SUBJECT_RESULT, id, headers->at, headers->count,
				   text, RESULT_TIMEOUT_MS, sl_router_stored, router);
}

static void expire(struct sl_router *router, const struct sl_assigned *assigned)
{
	const struct sl_span id = sl_span_of(assigned->assignment_id);
	struct sl_out_headers headers;
	struct sl_trace trace;

	new_trace(&trace, router, assigned);
	sl_out_headers(&headers, &trace, assigned->tenant_id);
	/* Followed until a result is heard, be it this one: the server may be away. */
	sl_assignments_extend(router->assignments, id, sl_router_now(router) + TRY_AGAIN_NS);
	if (publish_timeout(router, assigned, &headers) != 0)
		return;
	cancel(router, assigned, &headers);
	router->counts.expired_total++;
	sl_log_limited(router->log, SL_LOG_SYNC, SL_LOG_WARN, "assignment expired",
		       SL_STR("assignment_id", assigned->assignment_id),
		       SL_STR("tenant_id", assigned->tenant_id),
		       SL_STR("trace_id", trace.trace_id));
}

void sl_expiry_run(struct sl_router *router)
{
	const uint64_t now_ns = sl_router_now(router);

	for (int i = 0; i < EXPIRE_MAX; i++) {
		const struct sl_assigned *next = sl_assignments_next(router->assignments);

		if (!next || next->due_ns > now_ns)
			break;
		expire(router, next);
	}
}
