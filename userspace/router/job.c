// SPDX-License-Identifier: Apache-2.0
/*
 * Requests whose answer waits: for the shared memory of decisions, for the stream of
 * assignments, or both. One after the other:
 *
 *	claim    the idempotency key, among all routers
 *	publish  the assignment, up to three times; then it is buried
 *	finish   remember, share, follow, answer everybody who asked
 *
 * A router that dies between two steps has answered nobody: the client asks again with
 * the same key, another router finds the claim and publishes under the same id, which
 * the stream knows. So nothing is assigned twice, and nothing accepted is lost.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/router/router_private.h"

#define REPLY_BYTES	     256
#define WAITING_MAX	     16
#define ATTEMPTS_MAX	     3
#define BACKOFF_MS	     100u
#define SHARED_TIMEOUT_MS    1000u
#define RECORD_BYTES_MAX     (SL_ROUTER_ANSWER_BYTES_MAX + 512)
#define ASSIGNMENT_BYTES_MAX (2u << 20)

struct waiting {
	char reply[REPLY_BYTES];
	struct sl_trace trace;
};

struct sl_job {
	struct sl_router *router;
	struct sl_job *next, **link;
	struct sl_request request; /* its spans point into body */
	char *body;
	struct sl_digest digest;
	struct waiting waiting[WAITING_MAX];
	uint32_t waiting_count;
	char assignment_id[SL_UUID_BYTES];
	char msg_id[SL_EXEC_MSG_ID_BYTES];
	char provider_id[SL_PROVIDER_ID_BYTES];
	uint64_t deadline_ms;
	char subject[SL_POLICY_ENDPOINT_BYTES];
	struct sl_json_out decision, answer, assignment, record;
	struct sl_trace assign_trace;
	unsigned int attempts;
	struct sl_loop_timer retry;
};

static void claim(struct sl_job *job);
static void publish(struct sl_job *job);
static void finish(struct sl_job *job);

/* ---- a job's life -------------------------------------------------------------------------- */

static void job_free(struct sl_job *job)
{
	struct sl_router *router = job->router;

	if (job->link) {
		*job->link = job->next;
		if (job->next)
			job->next->link = job->link;
		router->job_count--;
	}
	router->loop->timer_clear(router->loop, &job->retry);
	sl_json_out_free(&job->decision);
	sl_json_out_free(&job->answer);
	sl_json_out_free(&job->assignment);
	sl_json_out_free(&job->record);
	free(job->body);
	free(job);
}

static void job_freep(struct sl_job **job)
{
	if (*job)
		job_free(*job);
}

void sl_jobs_free(struct sl_router *router)
{
	while (router->jobs)
		job_free(router->jobs);
}

static struct sl_span text_of(const struct sl_json_out *out)
{
	struct sl_span text = { NULL, 0 };

	(void)sl_json_done(&text, out);
	return text;
}

static bool add_waiting(struct sl_job *job, const struct sl_trace *trace,
			const struct sl_bus_message *message)
{
	const struct sl_span reply = sl_bus_reply(message);
	struct waiting *waiting = &job->waiting[job->waiting_count];

	if (job->waiting_count == WAITING_MAX || reply.length >= sizeof(waiting->reply))
		return false;
	memcpy(waiting->reply, reply.length ? reply.at : "", reply.length);
	waiting->reply[reply.length] = '\0';
	waiting->trace = *trace;
	job->waiting_count++;
	return true;
}

bool sl_job_join(struct sl_router *router, const struct sl_request *request,
		 const struct sl_bus_message *message)
{
	for (struct sl_job *job = router->jobs; job; job = job->next)
		if (strcmp(job->request.idempotency_key, request->idempotency_key) == 0 &&
		    strcmp(job->request.tenant_id, request->tenant_id) == 0)
			return add_waiting(job, &request->trace, message);
	return false;
}

static struct sl_idempotency_key local_key(const struct sl_job *job)
{
	return sl_idempotency_key(job->router->core->decisions, 'i',
				  sl_span_of(job->request.tenant_id),
				  sl_span_of(job->request.idempotency_key));
}

static void fail(struct sl_job *job, enum sl_code code, enum sl_intake intake, const char *why)
{
	struct sl_router *router = job->router;
	struct sl_decide_fault fault = { .code = code, .intake = intake };

	(void)snprintf(fault.message, sizeof(fault.message), "%s", why);
	if (job->request.idempotency_key[0])
		sl_idempotency_forget(router->core->decisions, local_key(job));
	for (uint32_t i = 0; i < job->waiting_count; i++) {
		job->request.trace = job->waiting[i].trace;
		sl_intake_refuse(router, job->waiting[i].reply, &job->request, &fault,
				 job->request.decide.body, job->request.request_id);
	}
	job_free(job);
}

/* ---- what is written --------------------------------------------------------------------------
 */

static void write_assignment(struct sl_job *job, const struct sl_provider *provider)
{
	const struct sl_request *request = &job->request;
	const struct sl_decide *decide = &request->decide;
	struct sl_exec_assignment assignment = {
		.job = decide->task.raw,
		.options = decide->options.type == SL_JSON_OBJECT ? decide->options.raw
								  : (struct sl_span){ NULL, 0 },
		.decision = text_of(&job->decision),
		.metadata = decide->metadata.type == SL_JSON_OBJECT ? decide->metadata.raw
								    : (struct sl_span){ NULL, 0 },
		.priority = provider->priority,
		.deadline_ms = sl_core_deadline_ms(provider),
		.retry_max_attempts = 2,
		.retry_backoff_ms = 200,
	};
	size_t length;

#define PUT(field, text) (void)snprintf(assignment.field, sizeof(assignment.field), "%s", text)
	PUT(assignment_id, job->assignment_id);
	PUT(request_id, request->request_id);
	PUT(tenant_id, request->tenant_id);
	PUT(trace_id, request->trace.trace_id);
	PUT(provider_id, provider->id);
	PUT(channel, provider->channel == SL_CHANNEL_GRPC ? "grpc" : "nats");
	PUT(endpoint, provider->endpoint);
#undef PUT
	if (decide->run_id.type == SL_JSON_STRING) {
		(void)sl_json_text(assignment.run_id, sizeof(assignment.run_id), &length,
				   decide->run_id);
		(void)sl_json_text(assignment.flow_id, sizeof(assignment.flow_id), &length,
				   decide->flow_id);
		(void)sl_json_text(assignment.step_id, sizeof(assignment.step_id), &length,
				   decide->step_id);
	}
	job->deadline_ms = assignment.deadline_ms;
	sl_json_out_reset(&job->assignment);
	sl_exec_assignment_write(&job->assignment, &assignment);
	(void)sl_exec_msg_id(job->msg_id, SL_MSG_ID_ASSIGN, job->assignment_id, "");
}

static void write_record(struct sl_job *job)
{
	struct sl_shared_record record = { .digest = job->digest, .answer = text_of(&job->answer) };

	if (job->request.pushes)
		memcpy(record.assignment_id, job->assignment_id, sizeof(record.assignment_id));
	sl_json_out_reset(&job->record);
	sl_shared_write(&job->record, &record);
}

static int write_all(struct sl_job *job, const struct sl_core_choice *choice)
{
	struct sl_span text;
	int err;

	sl_core_write_decision(&job->decision, choice,
			       job->request.pushes ? job->assignment_id : NULL);
	sl_core_write_answer(&job->answer, text_of(&job->decision), &job->request);
	write_record(job);
	if (job->request.pushes)
		write_assignment(job, choice->provider);
	err = sl_json_done(&text, &job->answer);
	if (!err)
		err = sl_json_done(&text, &job->record);
	return err || !job->request.pushes ? err : sl_json_done(&text, &job->assignment);
}

/* The request again, over a copy of its bytes. */
static int copy_request(struct sl_job *job, const struct sl_request *request)
{
	const struct sl_span body = request->decide.body;
	struct sl_decide_fault fault;

	job->body = malloc(body.length + 1);
	if (!job->body)
		return -ENOMEM;
	memcpy(job->body, body.at, body.length);
	job->request = *request;
	return sl_decide_read(&job->request.decide, (struct sl_span){ job->body, body.length },
			      &fault);
}

static void retry_fires(struct sl_loop_timer *timer)
{
	publish(timer->context);
}

bool sl_job_start(struct sl_router *router, const struct sl_bus_message *message,
		  const struct sl_request *request, const struct sl_core_choice *choice,
		  struct sl_digest digest)
{
	sl_cleanup(job_freep) struct sl_job *job = calloc(1, sizeof(*job));
	const char *subject = sl_router_assignment_subject(&router->settings,
							   sl_span_of(request->assignment_subject));
	struct sl_job *begun;
	uint8_t random[16];

	if (!job)
		return false;
	job->router = router;
	job->digest = digest;
	job->retry = (struct sl_loop_timer){ .fire = retry_fires, .context = job };
	job->decision = job->answer = SL_JSON_OUT(SL_ROUTER_ANSWER_BYTES_MAX);
	job->assignment = SL_JSON_OUT(ASSIGNMENT_BYTES_MAX);
	job->record = SL_JSON_OUT(RECORD_BYTES_MAX);
	sl_router_random(router, random, sizeof(random));
	sl_uuid4(job->assignment_id, random);
	(void)snprintf(job->provider_id, sizeof(job->provider_id), "%s", choice->provider->id);
	(void)snprintf(job->subject, sizeof(job->subject), "%s", subject ? subject : "");
	if (copy_request(job, request) || write_all(job, choice) ||
	    !add_waiting(job, &request->trace, message))
		return false;
	begun = SL_TAKE_PTR(job);
	begun->next = router->jobs;
	begun->link = &router->jobs;
	if (begun->next)
		begun->next->link = &begun->next;
	router->jobs = begun;
	router->job_count++;
	if (request->idempotency_key[0])
		sl_idempotency_begin(router->core->decisions, local_key(begun), digest,
				     sl_router_now(router));
	claim(begun);
	return true;
}

/* ---- claim
 * ---------------------------------------------------------------------------------------- */

/* Somebody answered the same request before: with this answer and under this id. */
static void take_over(struct sl_job *job, const struct sl_shared_record *record)
{
	const struct sl_policies *policies = &job->router->settings.policies;
	static const char *const wanted[] = { "decision", "decision.provider_id" };
	struct sl_json_value found[2];
	struct sl_provider provider = { .priority = 0 };
	size_t length;

	sl_json_out_reset(&job->answer);
	sl_json_put_raw(&job->answer, record->answer);
	if (!job->request.pushes)
		return;
	memcpy(job->assignment_id, record->assignment_id, sizeof(job->assignment_id));
	if (sl_json_pick(found, wanted, 2, record->answer, NULL) != 0 ||
	    sl_json_text(provider.id, sizeof(provider.id), &length, found[1]) != 0)
		return;
	for (size_t i = 0; i < policies->provider_count; i++)
		if (strcmp(policies->providers[i].id, provider.id) == 0)
			provider = policies->providers[i];
	memcpy(job->provider_id, provider.id, sizeof(job->provider_id));
	sl_json_out_reset(&job->decision);
	sl_json_put_raw(&job->decision, found[0].raw);
	write_assignment(job, &provider);
}

static void claim_failed(struct sl_job *job, int status)
{
	/* Better an answer that another router does not know than none. */
	job->router->counts.degraded_total++;
	sl_log_limited(job->router->log, SL_LOG_SYNC, SL_LOG_WARN, "decision not shared",
		       SL_STR("error", strerrordesc_np(-status)));
	publish(job);
}

static void claim_found(void *context, int status, const struct sl_bus_message *message,
			uint64_t sequence)
{
	struct sl_job *job = context;
	struct sl_shared_record record;

	(void)sequence;
	if (status == -ECANCELED) /* the bus is being freed, the job after it */
		return;
	if (status || sl_shared_read(&record, sl_bus_payload(message)) != 0) {
		claim_failed(job, status ? status : -EPROTO);
		return;
	}
	if (memcmp(&record.digest, &job->digest, sizeof(record.digest)) != 0) {
		job->router->counts.conflicts_total++;
		fail(job, SL_CODE_INVALID_REQUEST, SL_INTAKE_IDEMPOTENCY_VIOLATION,
		     "the idempotency_key was used for another request");
		return;
	}
	job->router->counts.duplicates_total++;
	take_over(job, &record);
	publish(job);
}

static void claimed(void *context, int status, const struct sl_js_published *ack)
{
	struct sl_job *job = context;
	char key[SL_SHARED_KEY_BYTES];
	int err = status;

	(void)ack;
	if (status == -ECANCELED)
		return;
	if (status == -EEXIST) {
		(void)sl_shared_key(key, 'i', job->request.tenant_id, job->request.idempotency_key);
		err = sl_kv_get(job->router->bus, SL_BUCKET_DECISIONS, key, SHARED_TIMEOUT_MS,
				claim_found, job);
		if (!err)
			return;
	}
	if (err)
		claim_failed(job, err);
	else
		publish(job);
}

static void claim(struct sl_job *job)
{
	struct sl_router *router = job->router;
	char key[SL_SHARED_KEY_BYTES];
	int err;

	if (!sl_shared_on(router) || !job->request.idempotency_key[0]) {
		publish(job);
		return;
	}
	(void)sl_shared_key(key, 'i', job->request.tenant_id, job->request.idempotency_key);
	err = sl_kv_update(router->bus, SL_BUCKET_DECISIONS, key, text_of(&job->record), 0,
			   SHARED_TIMEOUT_MS, claimed, job);
	if (err)
		claim_failed(job, err);
}

/* ---- publish
 * ---------------------------------------------------------------------------------------- */

static void give_up(struct sl_job *job, int status)
{
	struct sl_router *router = job->router;
	const struct sl_burial burial = {
		.subject = job->subject,
		.msg_id = job->msg_id,
		.reason = SL_DEAD_PROCESSING,
		.error_code = sl_code_name(SL_CODE_UNAVAILABLE),
		.tenant_id = job->request.tenant_id,
		.trace = &job->request.trace,
		.message = text_of(&job->assignment),
	};

	router->counts.assignments_failed_total++;
	router->counts.retries_exhausted_total++;
	sl_log_limited(router->log, SL_LOG_DROPS, SL_LOG_ERROR, "assignment not published",
		       SL_STR("assignment_id", job->assignment_id),
		       SL_STR("trace_id", job->request.trace.trace_id),
		       SL_STR("tenant_id", job->request.tenant_id),
		       SL_STR("error", strerrordesc_np(-status)));
	sl_router_bury(router, &burial);
	sl_router_alert(router, "critical", "an assignment could not be published",
			job->request.tenant_id, job->provider_id);
	fail(job, SL_CODE_UNAVAILABLE, SL_INTAKE_NONE, "the assignment could not be published");
}

static void publish_failed(struct sl_job *job, int status)
{
	struct sl_router *router = job->router;
	const uint64_t backoff_ms = BACKOFF_MS << (job->attempts - 1);
	uint64_t jitter_ms;

	if (job->attempts >= ATTEMPTS_MAX) {
		give_up(job, status);
		return;
	}
	router->counts.assignments_retried_total++;
	jitter_ms = sl_core_random(router->core) % (backoff_ms / 2);
	if (router->loop->timer_set(router->loop, &job->retry, backoff_ms + jitter_ms) != 0)
		give_up(job, -ENOMEM);
}

static void published(void *context, int status, const struct sl_js_published *ack)
{
	struct sl_job *job = context;

	(void)ack;
	if (status == -ECANCELED)
		return;
	if (status) {
		publish_failed(job, status);
		return;
	}
	job->router->counts.assignments_published_total++;
	finish(job);
}

static void publish(struct sl_job *job)
{
	struct sl_router *router = job->router;
	struct sl_out_headers headers;
	uint8_t random[8];
	int err;

	if (!job->request.pushes) {
		finish(job);
		return;
	}
	if (job->attempts++ == 0) {
		sl_router_random(router, random, sizeof(random));
		job->assign_trace = job->request.trace;
		sl_trace_next(&job->assign_trace, random);
	}
	sl_out_headers(&headers, &job->assign_trace, job->request.tenant_id);
	err = sl_js_publish(router->bus, job->subject, job->msg_id, headers.at, headers.count,
			    text_of(&job->assignment),
			    (uint32_t)(router->settings.publish_timeout_ns / SL_MS_NS), published,
			    job);
	if (err)
		publish_failed(job, err);
}

/* ---- finish
 * ------------------------------------------------------------------------------------------- */

static void share(struct sl_job *job, char kind, const char *name)
{
	struct sl_router *router = job->router;
	char key[SL_SHARED_KEY_BYTES];

	if (!name[0] || !sl_shared_on(router))
		return;
	(void)sl_shared_key(key, kind, job->request.tenant_id, name);
	if (sl_kv_put(router->bus, SL_BUCKET_DECISIONS, key, text_of(&job->record),
		      SHARED_TIMEOUT_MS, sl_router_stored, router) != 0)
		router->counts.degraded_total++;
}

static void follow(struct sl_job *job)
{
	struct sl_router *router = job->router;
	const uint64_t now_ns = sl_router_now(router);
	char run_id[SL_IDENTIFIER_MAX + 1] = "", type[SL_EXEC_TYPE_BYTES] = "";
	const struct sl_assigned assigned = {
		.assignment_id = job->assignment_id,
		.request_id = job->request.request_id,
		.tenant_id = job->request.tenant_id,
		.provider_id = job->provider_id,
		.job_type = type,
		.trace_id = job->request.trace.trace_id,
		.run_id = run_id,
		.begun_ns = now_ns,
		.due_ns = now_ns + job->deadline_ms * SL_MS_NS + router->settings.result_grace_ns,
	};
	size_t length;

	if (job->request.decide.run_id.type == SL_JSON_STRING)
		(void)sl_json_text(run_id, sizeof(run_id), &length, job->request.decide.run_id);
	(void)sl_json_text(type, sizeof(type), &length, job->request.decide.task_type);
	sl_expiry_follow(router, &assigned);
}

static void finish(struct sl_job *job)
{
	struct sl_router *router = job->router;
	const struct sl_span answer = text_of(&job->answer);

	router->counts.accepted[SL_INTAKE_DECIDE]++;
	sl_intake_remember(router, &job->request, job->digest, answer);
	write_record(job);
	share(job, 'm', job->request.message_id);
	share(job, 'r', job->request.request_id);
	if (job->request.pushes)
		follow(job);
	for (uint32_t i = 0; i < job->waiting_count; i++)
		sl_intake_respond(router, job->waiting[i].reply, &job->waiting[i].trace,
				  job->request.tenant_id, answer);
	job_free(job);
}
