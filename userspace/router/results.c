// SPDX-License-Identifier: Apache-2.0
/*
 * What workers say. Each result is heard twice: by core NATS, by every router, which
 * follows its own assignments and keeps its breakers; and by the durable consumer, by
 * one router, which meters it: the usage event is stored first, then the result acked.
 */
#include <errno.h>
#include <string.h>

#include "userspace/base/clock.h"
#include "userspace/router/router_private.h"

#define DELIVERIES_MAX	 10 /* of a result */
#define USAGE_BYTES_MAX	 8192u
#define USAGE_TIMEOUT_MS 5000u
#define RETRY_MS	 1000u

static struct sl_span id_of(const struct sl_exec_result *result)
{
	return sl_span_of(result->assignment_id[0] ? result->assignment_id : result->request_id);
}

/* ---- breakers ------------------------------------------------------------------------------- */

void sl_results_breaker(struct sl_router *router, const char *tenant, const char *provider)
{
	const struct sl_breaker *breaker =
		sl_breaker_find(router->core->breakers, sl_span_of(tenant), sl_span_of(provider),
				sl_router_now(router));

	router->counts.breaker_moves_total++;
	if (!breaker)
		return;
	sl_log_limited(router->log, SL_LOG_SYNC, SL_LOG_WARN, "circuit breaker moved",
		       SL_STR("tenant_id", tenant), SL_STR("provider_id", provider),
		       SL_STR("state", sl_breaker_state_name(breaker->state)));
	if (breaker->state == SL_BREAKER_OPEN)
		sl_router_alert(router, "warning", "circuit breaker opened", tenant, provider);
	else if (breaker->state == SL_BREAKER_CLOSED)
		sl_router_alert(router, "info", "circuit breaker closed", tenant, provider);
}

static void feed_breaker(struct sl_router *router, const struct sl_exec_result *result)
{
	/* What the caller wanted to end says nothing about the provider. */
	if (!result->tenant_id[0] || !result->provider_id[0] ||
	    result->status == SL_WORKER_CANCELLED)
		return;
	if (sl_core_result(router->core, sl_span_of(result->tenant_id),
			   sl_span_of(result->provider_id), result->status == SL_WORKER_SUCCESS,
			   (uint64_t)(result->latency_ms * (double)SL_MS_NS),
			   sl_router_now(router)))
		sl_results_breaker(router, result->tenant_id, result->provider_id);
}

/* ---- reading -----------------------------------------------------------------------------------
 */

static void fill(char *field, size_t size, struct sl_span value)
{
	if (value.length && value.length < size) {
		memcpy(field, value.at, value.length);
		field[value.length] = '\0';
	}
}

static void fill_text(char *field, size_t size, const char *value)
{
	if (!field[0])
		fill(field, size, sl_span_of(value));
}

#define FIELD(name) result->name, sizeof(result->name)

/* Headers win over the payload; what neither says, our own assignment does. */
static void complete(struct sl_exec_result *result, struct sl_router *router,
		     const struct sl_bus_message *message)
{
	const struct sl_assigned *ours =
		sl_assignments_find(router->assignments, sl_span_of(result->assignment_id));

	fill(FIELD(tenant_id), sl_bus_header(message, SL_HEADER_TENANT_ID));
	fill(FIELD(trace_id), sl_bus_header(message, SL_HEADER_TRACE_ID));
	if (ours) {
		fill_text(FIELD(tenant_id), ours->tenant_id);
		fill_text(FIELD(trace_id), ours->trace_id);
		fill_text(FIELD(request_id), ours->request_id);
		fill_text(FIELD(provider_id), ours->provider_id);
		fill_text(FIELD(job_type), ours->job_type);
		fill_text(FIELD(run_id), ours->run_id);
	}
	if (!result->timestamp_ms)
		result->timestamp_ms = sl_wall_ms();
}

static int read_result(struct sl_exec_result *ret, struct sl_router *router,
		       const struct sl_bus_message *message, struct sl_fields_error *error)
{
	int err = sl_exec_result_read(ret, sl_bus_payload(message), error);

	if (!err)
		complete(ret, router, message);
	return err;
}

/* ---- following, in every router
 * -------------------------------------------------------------------- */

/* True: this result was not seen before. */
static bool first_time(struct sl_router *router, char kind, struct sl_span id)
{
	const struct sl_span parts[] = { { &kind, 1 }, id };
	const struct sl_table_key key = sl_table_key(router->results, parts, 2);
	const uint64_t now_ns = sl_router_now(router);

	if (sl_table_get(router->results, key, now_ns))
		return false;
	(void)sl_table_put(router->results, key, now_ns);
	return true;
}

bool sl_results_seen(struct sl_router *router, const char *assignment_id)
{
	static const char kind = 'f';
	const struct sl_span parts[] = { { &kind, 1 }, sl_span_of(assignment_id) };

	return sl_table_peek(router->results, sl_table_key(router->results, parts, 2),
			     sl_router_now(router)) != NULL;
}

static void forget(struct sl_router *router, char kind, struct sl_span id)
{
	const struct sl_span parts[] = { { &kind, 1 }, id };

	sl_table_remove(router->results, sl_table_key(router->results, parts, 2));
}

static void forget_shared(struct sl_router *router, const char *assignment_id)
{
	char key[SL_SHARED_KEY_BYTES];

	if (sl_shared_on(router))
		(void)sl_kv_delete(router->bus, SL_BUCKET_DECISIONS,
				   sl_shared_key(key, 'a', "", assignment_id), RETRY_MS,
				   sl_router_stored, router);
}

static void follow(struct sl_router *router, const struct sl_exec_result *result)
{
	const struct sl_span id = sl_span_of(result->assignment_id);
	const struct sl_assigned *ours;

	if (first_time(router, 'f', id_of(result)))
		feed_breaker(router, result);
	ours = id.length ? sl_assignments_find(router->assignments, id) : NULL;
	if (!ours)
		return;
	sl_pressure_close(router->pressure, ours->mark, ours->accepted);
	sl_assignments_remove(router->assignments, id);
	forget_shared(router, result->assignment_id);
}

void sl_results_follow(void *context, const struct sl_bus_message *message)
{
	struct sl_router *router = context;
	struct sl_exec_result result = { .status = SL_WORKER_SUCCESS };

	/* What is wrong with it is said by who takes it off the stream. */
	if (read_result(&result, router, message, NULL) == 0)
		follow(router, &result);
}

void sl_results_follow_ack(void *context, const struct sl_bus_message *message)
{
	struct sl_router *router = context;
	struct sl_exec_ack ack = { .version = "" };
	struct sl_assigned *assigned;
	uint64_t now_ns;

	if (sl_exec_ack_read(&ack, sl_bus_payload(message), NULL) != 0 || !ack.accepted)
		return;
	assigned = sl_assignments_find(router->assignments, sl_span_of(ack.assignment_id));
	if (!assigned || assigned->accepted)
		return;
	/* It waited in a queue until now; its work begins. */
	assigned->accepted = true;
	sl_pressure_accepted(router->pressure, assigned->mark);
	now_ns = sl_router_now(router);
	sl_assignments_extend(router->assignments, sl_span_of(ack.assignment_id),
			      now_ns + (assigned->due_ns - assigned->begun_ns));
}

void sl_results_heartbeat(void *context, const struct sl_bus_message *message)
{
	struct sl_router *router = context;
	struct sl_heartbeat heartbeat;

	if (sl_heartbeat_read(&heartbeat, sl_bus_payload(message), NULL) != 0) {
		router->counts.heartbeats_invalid_total++;
		return;
	}
	router->counts.heartbeats_total++;
	sl_health_heard(router->core->health, &heartbeat, sl_router_now(router));
}

/* ---- settling, in one router
 * -------------------------------------------------------------------------- */

struct settling {
	struct sl_router *router;
	struct sl_js_token token;
	uint64_t deliveries;
	enum sl_worker_status status;
	struct sl_usage_count *count;
	char id[SL_EXEC_MSG_ID_BYTES];
};

static void done_with(struct sl_router *router, const struct sl_js_token *token)
{
	(void)sl_js_ack(router->bus, token);
	router->counts.js_acks_total++;
	sl_js_pull_done(router->result_pull);
}

static uint64_t again_ms(const struct settling *settling)
{
	uint32_t luck;

	sl_router_random(settling->router, (uint8_t *)&luck, sizeof(luck));
	return sl_backoff_ms(&settling->router->settings.backoff, settling->deliveries, luck);
}

static void metered(void *context, int status, const struct sl_js_published *ack)
{
	struct settling *settling = context;
	struct sl_router *router = settling->router;

	if (status == 0) {
		if (!ack->duplicate)
			settling->count->by_status[settling->status]++;
		done_with(router, &settling->token);
	} else if (status != -ECANCELED) {
		router->counts.usage_failed_total++;
		forget(router, 'u', sl_span_of(settling->id));
		(void)sl_js_nak(router->bus, &settling->token, again_ms(settling));
		sl_js_pull_done(router->result_pull);
	}
	router->settling--;
	free(settling);
}

static void meter(struct sl_router *router, const struct sl_exec_result *result,
		  const struct sl_bus_message *message, uint64_t deliveries,
		  const struct sl_js_token *token)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(USAGE_BYTES_MAX);
	struct settling *settling = calloc(1, sizeof(*settling));
	struct sl_usage_event event = { .version = "" };
	struct sl_out_headers headers;
	struct sl_trace trace;
	struct sl_span text;
	uint8_t random[8];
	int err = -ENOMEM;

	sl_usage_event_of(&event, result);
	sl_usage_event_write(&out, &event);
	sl_router_trace(&trace, router, message, result->trace_id);
	sl_router_random(router, random, sizeof(random));
	sl_trace_next(&trace, random);
	sl_out_headers(&headers, &trace, event.tenant_id);
	if (settling) {
		*settling = (struct settling){ .router = router,
					       .token = *token,
					       .deliveries = deliveries,
					       .status = result->status,
					       .count = sl_counts_usage(&router->counts,
									result->provider_id) };
		(void)sl_usage_event_id(settling->id, &event);
		err = sl_json_done(&text, &out);
		router->settling++;
		if (!err)
			err = sl_js_publish(router->bus, SL_SUBJECT_USAGE, settling->id, headers.at,
					    headers.count, text, USAGE_TIMEOUT_MS, metered,
					    settling);
		if (err)
			metered(settling, err, NULL);
	}
}

static void bury_message(struct sl_router *router, const struct sl_bus_message *message,
			 const char *subject, const char *reason, const char *code)
{
	char tenant[SL_IDENTIFIER_MAX + 1] = "", msg_id[SL_DEAD_ID_BYTES] = "";
	struct sl_trace trace;
	const struct sl_burial burial = {
		.subject = subject,
		.msg_id = msg_id,
		.reason = reason,
		.error_code = code,
		.tenant_id = tenant,
		.trace = &trace,
		.message = sl_bus_payload(message),
	};

	fill(tenant, sizeof(tenant), sl_bus_header(message, SL_HEADER_TENANT_ID));
	fill(msg_id, sizeof(msg_id), sl_bus_header(message, SL_HEADER_MSG_ID));
	sl_router_trace(&trace, router, message, "");
	sl_router_bury(router, &burial);
}

/* NULL: it can be metered. Else the word for why not. */
static const char *fault_of(struct sl_router *router, const struct sl_exec_result *result)
{
	if (!result->tenant_id[0]) {
		router->counts.results_invalid_total++;
		return "MISSING_REQUIRED_FIELD";
	}
	if (!sl_router_allows(&router->settings, sl_span_of(result->tenant_id))) {
		router->counts.results_tenant_rejected_total++;
		return "TENANT_FORBIDDEN";
	}
	return NULL;
}

static void settle(struct sl_router *router, const struct sl_exec_result *result,
		   const struct sl_bus_message *message, uint64_t deliveries,
		   const struct sl_js_token *token)
{
	const char *fault = fault_of(router, result);
	char usage_id[SL_EXEC_MSG_ID_BYTES];

	follow(router, result);
	if (fault) {
		bury_message(router, message, SL_SUBJECT_RESULT, SL_DEAD_VALIDATION, fault);
		done_with(router, token);
		return;
	}
	(void)sl_exec_msg_id(usage_id, SL_MSG_ID_USAGE, result->assignment_id, result->request_id);
	if (!first_time(router, 'u', sl_span_of(usage_id))) {
		router->counts.results_duplicate_total++;
		done_with(router, token);
	} else if (!router->settings.usage) {
		done_with(router, token);
	} else {
		meter(router, result, message, deliveries, token);
	}
}

void sl_results_take(void *context, const struct sl_bus_message *message,
		     const struct sl_js_meta *meta, const struct sl_js_token *token)
{
	struct sl_router *router = context;
	struct sl_exec_result result = { .status = SL_WORKER_SUCCESS };

	router->counts.results_total++;
	router->counts.js_redeliveries_total += meta->deliveries > 1;
	router->pending_results = meta->pending;
	if (read_result(&result, router, message, NULL) != 0) {
		router->counts.results_invalid_total++;
		bury_message(router, message, SL_SUBJECT_RESULT, SL_DEAD_VALIDATION,
			     "INVALID_FORMAT");
		done_with(router, token);
	} else if (meta->deliveries >= DELIVERIES_MAX) {
		router->counts.js_exhausted_total++;
		bury_message(router, message, SL_SUBJECT_RESULT, SL_DEAD_MAXDELIVER,
			     "EXECUTION_FAILED");
		done_with(router, token);
	} else {
		settle(router, &result, message, meta->deliveries, token);
	}
}

void sl_results_take_ack(void *context, const struct sl_bus_message *message,
			 const struct sl_js_meta *meta, const struct sl_js_token *token)
{
	struct sl_router *router = context;
	struct sl_exec_ack ack = { .version = "" };

	router->counts.js_redeliveries_total += meta->deliveries > 1;
	if (sl_exec_ack_read(&ack, sl_bus_payload(message), NULL) != 0)
		bury_message(router, message, SL_SUBJECT_ASSIGN_ACK, SL_DEAD_VALIDATION,
			     "INVALID_FORMAT");
	else if (ack.accepted)
		router->counts.acks_accepted_total++;
	else
		router->counts.acks_rejected_total++;
	(void)sl_js_ack(router->bus, token);
	router->counts.js_acks_total++;
	sl_js_pull_done(router->ack_pull);
}
