/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the router. Private to router/; one thread, the loop's. */
#pragma once

#include <event2/event.h>

#include "userspace/base/cleanup.h"
#include "userspace/bus/jetstream.h"
#include "userspace/base/loop.h"
#include "userspace/domain/ident.h"
#include "userspace/domain/assignments.h"
#include "userspace/domain/dead_letter.h"
#include "userspace/domain/exec_ack.h"
#include "userspace/domain/exec_assignment.h"
#include "userspace/domain/usage_event.h"
#include "userspace/obs/http.h"
#include "userspace/obs/log.h"
#include "userspace/obs/metrics.h"
#include "userspace/pressure/retry_budget.h"
#include "userspace/router/core.h"
#include "userspace/router/counts.h"
#include "userspace/router/pressure.h"
#include "userspace/router/router.h"

#define SL_ROUTER_SUBSCRIPTIONS_MAX 24
#define SL_ROUTER_ANSWER_BYTES_MAX  65536u
#define SL_SUBJECT_BACKPRESSURE	    "beamline.router.v2.status.backpressure"
#define SL_SUBJECT_PEERS	    "beamline.router.v1.get_decision.peers" /* additive */
#define SL_MS_NS		    1000000ull

struct sl_job;

struct sl_router {
	const struct sl_program_options *options;
	struct sl_router_settings settings; /* in force */
	struct sl_core *core;
	struct sl_assignments *assignments;
	struct sl_table *results; /* ids whose result was counted */
	struct sl_log *log;
	struct sl_program_loop *program;
	struct event_base *base; /* of the program, like the next */
	struct sl_loop *loop;
	struct sl_bus *bus;
	struct sl_http *http;
	struct sl_counts counts;
	struct sl_json_out decision, answer, letter; /* kept between requests */

	struct sl_bus_subscription *subscriptions[SL_ROUTER_SUBSCRIPTIONS_MAX];
	size_t subscription_count;
	struct sl_js_pull *result_pull, *ack_pull;
	struct sl_pressure *pressure;
	uint32_t retry_after_s; /* of the refusal being answered; 0: what the settings say */
	struct sl_job *jobs;	/* whose answer waits */
	uint32_t job_count;
	struct sl_retry_budget retries; /* of assignments that could not be published */
	uint32_t settling;		/* results whose usage is being published */

	struct sl_loop_timer tick, setup_again, drain_end;
	uint64_t started_ns, ticks;
	uint64_t config_mtime_ns;
	uint64_t pending_results; /* behind the last one that came */
	char config_error[512];	  /* why the file on disk is not in force; "" */
	bool decide_ready;	  /* decide is listened to */
	bool js_ready;		  /* streams, consumers and pulls are there */
	bool streams_unsure;	  /* the server was away: it may have lost them */
	bool setting_up;
	bool captured; /* a stream takes decide: the contract is broken */
	bool draining;
	uint32_t undrained; /* subscriptions that still are to be drained */
	int result;	    /* of sl_router_run() */
};

/* ---- headers.c: what every message has --------------------------------------------------- */

#define SL_OUT_HEADERS_MAX 8

struct sl_out_headers {
	struct sl_bus_header at[SL_OUT_HEADERS_MAX];
	size_t count;
	char traceparent[SL_TRACEPARENT_CHARS + 1];
};

/* Borrows @trace and @tenant. */
void sl_out_headers(struct sl_out_headers *ret, const struct sl_trace *trace, const char *tenant);
void sl_out_header(struct sl_out_headers *headers, const char *name, const char *value);
struct sl_request_headers sl_in_headers(const struct sl_bus_message *message);
/* The trace of a message that is no request goes on, or one begins. */
void sl_router_trace(struct sl_trace *ret, struct sl_router *router,
		     const struct sl_bus_message *message, const char *trace_id);
void sl_router_random(struct sl_router *router, uint8_t *bytes, size_t count);
uint64_t sl_router_now(const struct sl_router *router);

/* ---- intake.c ------------------------------------------------------------------------------ */

void sl_intake_decide(void *context, const struct sl_bus_message *message);
/* Answers @reply, or decide.reply when it is empty. */
void sl_intake_respond(struct sl_router *router, const char *reply, struct sl_trace *trace,
		       const char *tenant, struct sl_span payload);
/* Counts, answers, buries. @payload: the message as it came. */
void sl_intake_refuse(struct sl_router *router, const char *reply, struct sl_request *request,
		      const struct sl_decide_fault *fault, struct sl_span payload,
		      const char *msg_id);
/* Under what a decision is found again. */
void sl_intake_remember(struct sl_router *router, const struct sl_request *request,
			struct sl_digest digest, struct sl_span answer);

/* ---- job.c: requests whose answer waits ------------------------------------------------------ */

/* Takes over; answers later. False: nothing was done (no memory). */
bool sl_job_start(struct sl_router *router, const struct sl_bus_message *message,
		  const struct sl_request *request, const struct sl_core_choice *choice,
		  struct sl_digest digest);
/* The same request is being worked on: answered together. False: too many wait. */
bool sl_job_join(struct sl_router *router, const struct sl_request *request,
		 const struct sl_bus_message *message);
void sl_jobs_free(struct sl_router *router);

/* ---- dlq.c ----------------------------------------------------------------------------------- */

struct sl_burial {
	const char *subject; /* where it came from, or should have gone */
	const char *msg_id;
	const char *reason;
	const char *error_code;
	const char *tenant_id;
	const struct sl_trace *trace;
	struct sl_span message;
	bool whole; /* our own message: kept, whatever the settings say */
};
void sl_router_bury(struct sl_router *router, const struct sl_burial *burial);

/* @severity: "critical", "warning", "info". */
void sl_router_alert(struct sl_router *router, const char *severity, const char *message,
		     const char *tenant, const char *provider);

/* ---- results.c, expiry.c ----------------------------------------------------------------------
 */

void sl_results_follow(void *context, const struct sl_bus_message *message); /* by core NATS */
void sl_results_follow_ack(void *context, const struct sl_bus_message *message);
void sl_results_take(void *context, const struct sl_bus_message *message,
		     const struct sl_js_meta *meta, const struct sl_js_token *token);
void sl_results_take_ack(void *context, const struct sl_bus_message *message,
			 const struct sl_js_meta *meta, const struct sl_js_token *token);
/* Its result was heard. */
bool sl_results_seen(struct sl_router *router, const char *assignment_id);
void sl_results_heartbeat(void *context, const struct sl_bus_message *message);
/* A breaker moved: counted, logged, alerted. */
void sl_results_breaker(struct sl_router *router, const char *tenant, const char *provider);

/* False: its result was heard already, or there is no room. */
bool sl_expiry_follow(struct sl_router *router, const struct sl_assigned *assigned);
void sl_expiry_run(struct sl_router *router);
/* Assignments of routers that are gone. */
void sl_expiry_adopt(struct sl_router *router);

/* ---- setup.c ------------------------------------------------------------------------------------
 */

void sl_setup_begin(struct sl_router *router);

/* ---- admin.c, found.c
 * ------------------------------------------------------------------------------ */

void sl_admin_health(void *context, const struct sl_bus_message *message);
void sl_admin_breakers(void *context, const struct sl_bus_message *message);
void sl_admin_dry_run(void *context, const struct sl_bus_message *message);
void sl_admin_complexity(void *context, const struct sl_bus_message *message);
void sl_admin_backpressure(void *context, const struct sl_bus_message *message);
void sl_found_get(void *context, const struct sl_bus_message *message);
void sl_found_peer(void *context, const struct sl_bus_message *message);

/* ---- shared.c: decisions in JetStream ----------------------------------------------------------
 */

#define SL_SHARED_KEY_BYTES 64

/* @kind: i(dempotency key), m(essage), r(equest), a(ssignment). */
const char *sl_shared_key(char ret[SL_SHARED_KEY_BYTES], char kind, const char *tenant,
			  const char *name);
struct sl_shared_record {
	struct sl_digest digest;
	char assignment_id[SL_UUID_BYTES]; /* "" when nothing was pushed */
	struct sl_span answer;
};
void sl_shared_write(struct sl_json_out *out, const struct sl_shared_record *record);
/* -EINVAL. */
int sl_shared_read(struct sl_shared_record *ret, struct sl_span text);
bool sl_shared_on(const struct sl_router *router);
/* For what is stored without waiting: counts when it was not. */
void sl_router_stored(void *router, int status, const struct sl_js_published *ack);

/* ---- exporter.c
 * ----------------------------------------------------------------------------------- */

int sl_router_serve(struct sl_router *router);
