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

#include "userspace/router/job_private.h"

#define ATTEMPTS_MAX	     3
#define BACKOFF_MS	     100u
#define SHARED_TIMEOUT_MS    1000u
#define RECORD_BYTES_MAX     (SL_ROUTER_ANSWER_BYTES_MAX + 512)
#define ASSIGNMENT_BYTES_MAX (2u << 20)

static void claim(struct sl_job *job);
static void publish(struct sl_job *job);
static void finish(struct sl_job *job);

/* ---- a job's life -------------------------------------------------------------------------- */

static void job_free(struct sl_job *job)
{
	struct sl_router *router = job->router;

	sl_pressure_close(router->pressure, job->mark, false);
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

static bool add_waiting(struct sl_job *job, const struct sl_trace *trace,
			const struct sl_bus_message *message)
{
	const struct sl_span reply = sl_bus_reply(message);
	struct sl_job_waiting *waiting = &job->waiting[job->waiting_count];

	if (job->waiting_count == SL_JOB_WAITING_MAX || reply.length >= sizeof(waiting->reply))
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
	if (copy_request(job, request) || sl_job_write(job, choice) ||
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
	if (request->pushes)
		begun->mark =
			sl_pressure_open(router->pressure, choice->provider, request->criticality);
	claim(begun);
	return true;
}

/* ---- claim
 * ---------------------------------------------------------------------------------------- */

/* Somebody answered the same request before: with this answer and under this id. */
static void take_over(struct sl_job *job, const struct sl_shared_record *record)
{
	const struct sl_policies *policies = &job->router->settings.policies;
	static const char *const wanted[] = { "decision", "decision.provider_id",
					      "context.trace_id" };
	struct sl_json_value found[3];
	struct sl_provider provider = { .priority = 0 };
	char trace_id[SL_TRACE_ID_CHARS + 1];
	size_t length;

	sl_json_out_reset(&job->answer);
	sl_json_put_raw(&job->answer, record->answer);
	if (!job->request.pushes)
		return;
	memcpy(job->assignment_id, record->assignment_id, sizeof(job->assignment_id));
	if (sl_json_pick(found, wanted, 3, record->answer, NULL) != 0 ||
	    sl_json_text(provider.id, sizeof(provider.id), &length, found[1]) != 0)
		return;
	/* Who claimed it may have died before it was published: it then goes out from here,
	 * in the trace that the answer names. */
	if (sl_json_text(trace_id, sizeof(trace_id), &length, found[2]) == 0 &&
	    length == SL_TRACE_ID_CHARS)
		memcpy(job->request.trace.trace_id, trace_id, sizeof(trace_id));
	for (size_t i = 0; i < policies->provider_count; i++)
		if (strcmp(policies->providers[i].id, provider.id) == 0)
			provider = policies->providers[i];
	memcpy(job->provider_id, provider.id, sizeof(job->provider_id));
	sl_json_out_reset(&job->decision);
	sl_json_put_raw(&job->decision, found[0].raw);
	sl_job_write_assignment(job, &provider);
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
	err = sl_kv_update(router->bus, SL_BUCKET_DECISIONS, key, sl_job_text(&job->record), 0,
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
		.message = sl_job_text(&job->assignment),
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

/* Retries of all jobs together have a budget: a stream that is down is not flooded. */
static bool may_try_again(struct sl_job *job)
{
	if (job->attempts >= ATTEMPTS_MAX)
		return false;
	if (sl_retry_budget_take(&job->router->retries, job->attempts, false))
		return true;
	job->router->counts.retry_budget_empty_total++;
	return false;
}

static void publish_failed(struct sl_job *job, int status)
{
	struct sl_router *router = job->router;
	const uint64_t backoff_ms = BACKOFF_MS << (job->attempts - 1);
	uint64_t jitter_ms;

	if (status == -ETIMEDOUT || status == -EBUSY)
		router->counts.publish_stalls_total++;
	if (!may_try_again(job)) {
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
		sl_retry_budget_request(&router->retries);
		sl_router_random(router, random, sizeof(random));
		job->assign_trace = job->request.trace;
		sl_trace_next(&job->assign_trace, random);
	}
	sl_out_headers(&headers, &job->assign_trace, job->request.tenant_id);
	sl_out_header(&headers, SL_HEADER_CRITICALITY,
		      sl_criticality_name(job->request.criticality));
	err = sl_js_publish(router->bus, job->subject, job->msg_id, headers.at, headers.count,
			    sl_job_text(&job->assignment),
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
	if (sl_kv_put(router->bus, SL_BUCKET_DECISIONS, key, sl_job_text(&job->record),
		      SHARED_TIMEOUT_MS, sl_router_stored, router) != 0)
		router->counts.degraded_total++;
}

static void finish(struct sl_job *job)
{
	struct sl_router *router = job->router;
	const struct sl_span answer = sl_job_text(&job->answer);

	router->counts.accepted[SL_INTAKE_DECIDE]++;
	sl_intake_remember(router, &job->request, job->digest, answer);
	sl_job_write_record(job);
	share(job, 'm', job->request.message_id);
	share(job, 'r', job->request.request_id);
	if (job->request.pushes)
		sl_job_follow(job);
	for (uint32_t i = 0; i < job->waiting_count; i++)
		sl_intake_respond(router, job->waiting[i].reply, &job->waiting[i].trace,
				  job->request.tenant_id, answer);
	job_free(job);
}
