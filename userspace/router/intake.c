// SPDX-License-Identifier: Apache-2.0
/* DecideRequests: read, judged, decided and answered in one go, unless something must wait. */
#include <stdio.h>
#include <string.h>

#include "userspace/base/clock.h"
#include "userspace/router/router_private.h"

#define REPLY_BYTES   256
#define DETAILS_BYTES 64

/* ---- answers ---------------------------------------------------------------------------- */

void sl_intake_respond(struct sl_router *router, const char *reply, struct sl_trace *trace,
		       const char *tenant, struct sl_span payload)
{
	struct sl_out_headers headers;
	int err;

	sl_out_headers(&headers, trace, tenant);
	err = sl_bus_publish(router->bus, *reply ? reply : SL_SUBJECT_DECIDE_REPLY, NULL,
			     headers.at, headers.count, payload);
	if (err)
		sl_log_limited(router->log, SL_LOG_CLIENTS, SL_LOG_WARN, "answer not sent",
			       SL_STR("trace_id", trace->trace_id),
			       SL_STR("error", strerrordesc_np(-err)));
}

static struct sl_span overload_details(char buffer[DETAILS_BYTES], const struct sl_router *router)
{
	(void)snprintf(buffer, DETAILS_BYTES, "{\"retry_after_seconds\":%u}",
		       router->retry_after_s
			       ? router->retry_after_s
			       : (unsigned int)(router->settings.retry_after_ns / 1000000000u));
	return sl_span_of(buffer);
}

static void answer_fault(struct sl_router *router, const char *reply, struct sl_request *request,
			 const struct sl_decide_fault *fault)
{
	struct sl_span text = { NULL, 0 }, details = { NULL, 0 };
	char buffer[DETAILS_BYTES];

	if (fault->code == SL_CODE_SERVICE_OVERLOADED)
		details = overload_details(buffer, router);
	sl_json_out_reset(&router->answer);
	sl_core_write_fault(&router->answer, fault, request, details);
	if (sl_json_done(&text, &router->answer) == 0)
		sl_intake_respond(router, reply, &request->trace, request->tenant_id, text);
}

void sl_intake_refuse(struct sl_router *router, const char *reply, struct sl_request *request,
		      const struct sl_decide_fault *fault, struct sl_span payload,
		      const char *msg_id)
{
	const char *intake = sl_intake_name(fault->intake);
	const struct sl_burial burial = {
		.subject = router->settings.decide_subject,
		.msg_id = msg_id,
		.reason = intake ? SL_DEAD_VALIDATION : SL_DEAD_PROCESSING,
		.error_code = intake ? intake : sl_code_name(fault->code),
		.tenant_id = request->tenant_id,
		.trace = &request->trace,
		.message = payload,
	};

	router->counts.refused[SL_INTAKE_DECIDE]++;
	router->counts.codes[fault->code]++;
	if (intake)
		router->counts.validation_errors[fault->intake]++;
	answer_fault(router, reply, request, fault);
	sl_log_limited(router->log, SL_LOG_CLIENTS, SL_LOG_WARN, "request refused",
		       SL_STR("tenant_id", request->tenant_id),
		       SL_STR("request_id", request->request_id),
		       SL_STR("trace_id", request->trace.trace_id),
		       SL_STR("error_code", burial.error_code), SL_STR("why", fault->message));
	/* A letter for each request that finds no room would make it worse. */
	if (fault->code != SL_CODE_SERVICE_OVERLOADED)
		sl_router_bury(router, &burial);
}

/* ---- memory ------------------------------------------------------------------------------- */

static void remember_as(struct sl_router *router, char kind, const char *tenant, const char *name,
			struct sl_digest digest, struct sl_span answer, uint64_t now_ns)
{
	struct sl_idempotency *decisions = router->core->decisions;

	if (name[0])
		(void)sl_idempotency_store(
			decisions,
			sl_idempotency_key(decisions, kind, sl_span_of(tenant), sl_span_of(name)),
			digest, answer, now_ns);
}

void sl_intake_remember(struct sl_router *router, const struct sl_request *request,
			struct sl_digest digest, struct sl_span answer)
{
	const uint64_t now_ns = sl_router_now(router);

	remember_as(router, 'i', request->tenant_id, request->idempotency_key, digest, answer,
		    now_ns);
	remember_as(router, 'm', request->tenant_id, request->message_id, digest, answer, now_ns);
	remember_as(router, 'r', request->tenant_id, request->request_id, digest, answer, now_ns);
}

/* ---- a request ------------------------------------------------------------------------------ */

struct intake {
	struct sl_router *router;
	const struct sl_bus_message *message;
	char reply[REPLY_BYTES];
	struct sl_request request;
	struct sl_digest digest;
	struct sl_decide_fault fault;
	uint8_t random[24];
};

static void refuse(struct intake *intake)
{
	char msg_id[SL_DEAD_ID_BYTES] = "";
	const struct sl_span header = sl_bus_header(intake->message, SL_HEADER_MSG_ID);

	if (header.length && header.length < sizeof(msg_id)) {
		memcpy(msg_id, header.at, header.length);
		msg_id[header.length] = '\0';
	}
	sl_intake_refuse(intake->router, intake->reply, &intake->request, &intake->fault,
			 sl_bus_payload(intake->message),
			 msg_id[0] ? msg_id : intake->request.request_id);
}

static void refuse_as(struct intake *intake, enum sl_code code, enum sl_intake why,
		      const char *text)
{
	intake->fault.code = code;
	intake->fault.intake = why;
	(void)snprintf(intake->fault.message, sizeof(intake->fault.message), "%s", text);
	refuse(intake);
}

static void refuse_overloaded(struct intake *intake)
{
	intake->router->counts.overloaded_total++;
	refuse_as(intake, SL_CODE_SERVICE_OVERLOADED, SL_INTAKE_NONE,
		  "as many assignments are being published as may be");
}

/* True: it was dealt with. */
static bool met_before(struct intake *intake)
{
	struct sl_router *router = intake->router;
	struct sl_request *request = &intake->request;
	struct sl_span answer = { NULL, 0 };
	struct sl_idempotency_key key;

	if (!request->idempotency_key[0])
		return false;
	intake->digest = sl_request_digest(request);
	key = sl_idempotency_key(router->core->decisions, 'i', sl_span_of(request->tenant_id),
				 sl_span_of(request->idempotency_key));
	switch (sl_idempotency_look(&answer, router->core->decisions, key, intake->digest,
				    sl_router_now(router))) {
	case SL_IDEMPOTENCY_NEW:
		return false;
	case SL_IDEMPOTENCY_STORED:
		router->counts.duplicates_total++;
		router->counts.accepted[SL_INTAKE_DECIDE]++;
		sl_intake_respond(router, intake->reply, &request->trace, request->tenant_id,
				  answer);
		return true;
	case SL_IDEMPOTENCY_PENDING:
		router->counts.duplicates_total++;
		if (!sl_job_join(router, request, intake->message))
			refuse_overloaded(intake);
		return true;
	case SL_IDEMPOTENCY_CONFLICT:
		router->counts.conflicts_total++;
		refuse_as(intake, SL_CODE_INVALID_REQUEST, SL_INTAKE_IDEMPOTENCY_VIOLATION,
			  "the idempotency_key was used for another request");
		return true;
	}
	return false;
}

/* What must be heard of elsewhere before, or published: the answer waits. */
static bool must_wait(const struct intake *intake)
{
	const struct sl_request *request = &intake->request;

	return request->pushes || (sl_shared_on(intake->router) &&
				   (request->idempotency_key[0] || request->message_id[0]));
}

static void answer_at_once(struct intake *intake, const struct sl_core_choice *choice)
{
	struct sl_router *router = intake->router;
	struct sl_request *request = &intake->request;
	struct sl_span text = { NULL, 0 };

	sl_json_out_reset(&router->decision);
	sl_core_write_decision(&router->decision, choice, NULL);
	sl_json_out_reset(&router->answer);
	if (sl_json_done(&text, &router->decision) == 0)
		sl_core_write_answer(&router->answer, text, request);
	if (sl_json_done(&text, &router->answer) != 0) {
		refuse_as(intake, SL_CODE_INTERNAL, SL_INTAKE_INTERNAL_VALIDATION_ERROR,
			  "out of memory");
		return;
	}
	sl_intake_respond(router, intake->reply, &request->trace, request->tenant_id, text);
	router->counts.accepted[SL_INTAKE_DECIDE]++;
	router->counts.assignments_skipped_total++;
	sl_intake_remember(router, request, intake->digest, text);
}

/*
 * True: it was refused, for the sake of the workers it would go to. It is chosen twice, with
 * the same luck: what is refused must leave no trace in breakers and sessions.
 */
static bool is_shed(struct intake *intake)
{
	struct sl_router *router = intake->router;
	const uint64_t random = router->core->random;
	struct sl_pressure_refusal refusal;
	struct sl_core_choice choice;
	int err;

	if (!sl_pressure_has_pools(router->pressure))
		return false;
	err = sl_core_choose(&choice, router->core, &intake->request, false, sl_router_now(router),
			     &intake->fault);
	router->core->random = random;
	if (err ||
	    !sl_pressure_refuses(&refusal, router->pressure, &intake->request, choice.provider))
		return false; /* what is wrong with it is said when it is chosen */
	router->counts.overloaded_total++;
	router->retry_after_s = refusal.retry_after_s;
	refuse_as(intake, SL_CODE_SERVICE_OVERLOADED, SL_INTAKE_NONE, refusal.why);
	router->retry_after_s = 0;
	return true;
}

static void decide(struct intake *intake)
{
	struct sl_router *router = intake->router;
	struct sl_request *request = &intake->request;
	struct sl_core_choice choice;

	if (request->pushes && router->job_count >= router->settings.in_flight_max) {
		router->counts.assignments_blocked_total++;
		refuse_overloaded(intake);
		return;
	}
	if (is_shed(intake))
		return;
	if (sl_core_choose(&choice, router->core, request, true, sl_router_now(router),
			   &intake->fault) != 0) {
		refuse(intake);
		return;
	}
	if (choice.breaker_moved)
		sl_results_breaker(router, request->tenant_id, choice.provider->id);
	if (!must_wait(intake))
		answer_at_once(intake, &choice);
	else if (!sl_job_start(router, intake->message, request, &choice, intake->digest))
		refuse_as(intake, SL_CODE_INTERNAL, SL_INTAKE_INTERNAL_VALIDATION_ERROR,
			  "out of memory");
}

static void take(struct intake *intake)
{
	const struct sl_request_headers headers = sl_in_headers(intake->message);
	const struct sl_span reply = sl_bus_reply(intake->message);

	if (reply.length < sizeof(intake->reply)) {
		memcpy(intake->reply, reply.at, reply.length);
		intake->reply[reply.length] = '\0';
	}
	sl_router_random(intake->router, intake->random, sizeof(intake->random));
	if (sl_request_read(&intake->request, &headers, sl_bus_payload(intake->message),
			    intake->random, &intake->fault) != 0 ||
	    sl_core_admit(intake->router->core, &intake->request, &intake->fault) != 0)
		refuse(intake);
	else if (!met_before(intake))
		decide(intake);
}

void sl_intake_decide(void *context, const struct sl_bus_message *message)
{
	struct sl_router *router = context;
	const uint64_t begin_ns = sl_monotonic_ns();
	struct intake intake;
	double seconds;

	/* The arrays of texts need no zeroing: this runs for every request. */
	intake.router = router;
	intake.message = message;
	intake.reply[0] = '\0';
	intake.digest = (struct sl_digest){ { 0, 0 } };
	take(&intake);
	seconds = (double)(sl_monotonic_ns() - begin_ns) / 1e9;
	sl_latency_add(&router->counts.latency, seconds);
	sl_latency_add(&router->counts.recent, seconds);
}
