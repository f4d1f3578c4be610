/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files of worker.h. The life of a job, all in the loop's thread:
 *
 *	intake.c    message -> read, judged -> rejected, or
 *	flow.c      WAITING -> RUNNING (a thread has it) -> ENDING (its result is on
 *	            its way) -> acked and forgotten
 *
 * A job whose handler does not stop in time goes to ENDING with the thread still
 * in it, and stays in the list, GONE, until the thread lets go.
 */
#pragma once

#include "userspace/base/table.h"
#include "userspace/bus/jetstream.h"
#include "userspace/domain/backoff.h"
#include "userspace/domain/dead_letter.h"
#include "userspace/domain/exec_ack.h"
#include "userspace/domain/exec_assignment.h"
#include "userspace/domain/exec_result.h"
#include "userspace/domain/trace.h"
#include "userspace/obs/http.h"
#include "userspace/pressure/gauge.h"
#include "userspace/pressure/queue.h"
#include "userspace/service/consuming.h"
#include "userspace/service/program.h"
#include "userspace/worker/handlers.h"
#include "userspace/worker/load.h"
#include "userspace/worker/pool.h"
#include "userspace/worker/recent.h"
#include "userspace/worker/worker.h"

#define SL_WORKER_ROUTERS_MAX	64u
#define SL_WORKER_STATUSES	4u
#define SL_WORKER_CODES		15u
#define SL_WORKER_BUCKETS	12u
#define SL_WORKER_STAT_HANDLERS 65u /* as many as the configuration may have, and one */

enum sl_job_state {
	SL_JOB_WAITING,
	SL_JOB_RUNNING,
	SL_JOB_ENDING,
	SL_JOB_GONE,
};

struct sl_job {
	struct sl_job *next;
	struct sl_job **link;
	struct sl_worker *worker;
	enum sl_job_state state;
	bool in_thread;
	bool give_up; /* term instead of ack: it was delivered too often */

	struct sl_exec_assignment assignment; /* its spans point into text */
	char *text;
	char *payload; /* NUL-terminated copies, for the handler */
	char *options;
	struct sl_trace trace;
	char traceparent[SL_TRACEPARENT_CHARS + 1];
	struct sl_handlers *handlers; /* held */
	const struct sl_bound_handler *bound;

	struct sl_js_token token;
	uint64_t deliveries;
	uint64_t received_ns, deadline_ns, extended_ns, stopped_ns;
	uint64_t queued_ns; /* with its time in the stream */
	enum sl_criticality criticality;
	struct sl_run run;

	struct sl_json_out out; /* the result, once it is known */
	unsigned int tries;
	bool asked;	      /* the stream for it */
	uint64_t retry_at_ns; /* 0: no */
};

extern const double sl_worker_bounds[SL_WORKER_BUCKETS];

struct sl_handler_stats {
	char name[SL_EXEC_TYPE_BYTES];
	uint64_t executions[SL_WORKER_STATUSES];
	uint64_t seconds[SL_WORKER_BUCKETS + 1]; /* by sl_worker_bounds, and above */
	double seconds_sum;
};

struct sl_worker_stats {
	struct sl_handler_stats handlers[SL_WORKER_STAT_HANDLERS];
	size_t handler_count;
	uint64_t errors[SL_WORKER_CODES];
	uint64_t received_total, malformed_total, duplicates_total, given_up_total;
	uint64_t rejected_full_total, rejected_unknown_total, rejected_late_total;
	uint64_t signals_total, signals_malformed_total;
	uint64_t expired_total, cancelled_total, abandoned_total, handed_back_total;
	uint64_t result_failures_total, dead_letter_failures_total, cancel_malformed_total;
	uint64_t heartbeats_total, reloads_total, reload_failures_total;
};

enum sl_worker_phase {
	SL_WORKER_STARTING, /* streams are being made */
	SL_WORKER_READY,
	SL_WORKER_DRAINING,
	SL_WORKER_FLUSHING,
};

struct sl_worker {
	struct sl_program_options options;
	struct sl_log *log;
	const struct sl_worker_config *config; /* of the handlers in use */
	struct sl_handlers *handlers;
	char worker_id[SL_EXEC_ID_BYTES];

	struct sl_program_loop *program;
	struct event_base *base; /* of the program, like the next */
	struct sl_loop *loop;
	struct event *tick, *beat;
	struct sl_bus *bus;
	struct sl_bus_subscription *cancels;
	struct sl_consuming_terms terms;
	struct sl_consuming *consuming;
	struct sl_js_pull *pull; /* NULL while starting */
	struct sl_http *http;
	struct sl_pool *pool;

	/* Fixed at the start: a reload changes the handlers. */
	uint32_t concurrency, queue, window, max_deliver;
	uint64_t ack_wait_ns, grace_ns;
	struct sl_backoff backoff; /* of jobs that were not taken */

	struct sl_job *jobs;	      /* all in hand, the newest first */
	struct sl_recent *done;	      /* assignments whose result is published */
	struct sl_recent *called_off; /* enum sl_stop of those cancelled before they came */
	enum sl_worker_phase phase;
	uint64_t drain_until_ns;
	struct sl_load load;

	struct sl_gauge gauge;
	struct sl_queue order;
	struct sl_bus_subscription *router_signals;
	struct sl_table *routers;     /* heard of within 3 s */
	uint64_t backlog, backlog_ns; /* behind the last message of the stream */
	uint64_t youngest_ns;	      /* the least age of a message when it came */
	struct sl_worker_stats stats;
};

void sl_worker_random(void *ret, size_t size);

/* reload.c: the file, and the handlers that it names. */
int sl_worker_read_config(struct sl_worker *worker, struct sl_program_error *error);
void sl_worker_reload(void *context); /* a struct sl_worker */

/* connect.c: the bus, the streams and the pull. */
int sl_worker_open_bus(struct sl_worker *worker, struct sl_program_error *error);
int sl_worker_subscribe(struct sl_worker *worker, struct sl_program_error *error);
int sl_worker_consume(struct sl_worker *worker, struct sl_program_error *error);

/* drain.c */
void sl_worker_drain(void *context); /* the same; twice: now */
void sl_worker_drain_on(struct sl_worker *worker);

size_t sl_worker_count(const struct sl_worker *worker, enum sl_job_state state);
struct sl_job *sl_worker_find(const struct sl_worker *worker, const char *assignment_id);

/* intake.c */
void sl_worker_on_assignment(void *context, const struct sl_bus_message *message,
			     const struct sl_js_meta *meta, const struct sl_js_token *token);
void sl_worker_on_cancel(void *context, const struct sl_bus_message *message);

/* Left to another worker, or to a later time; the caller frees it. */
void sl_job_reject(struct sl_job *job, const char *reason);

/* pressure.c */
int sl_worker_gauge(struct sl_worker *worker, struct sl_program_error *error);
int sl_worker_listen_to_routers(struct sl_worker *worker, struct sl_program_error *error);
/* When a message came: since when its job waits. */
uint64_t sl_worker_queued_ns(struct sl_worker *worker, uint64_t age_ns, uint64_t deliveries,
			     uint64_t pending, uint64_t now_ns);
/* Now and then, and with @leaving once at the end. */
void sl_worker_tell_pressure(struct sl_worker *worker, bool leaving);
/* Of those that wait; NULL: none. */
struct sl_job *sl_worker_next(const struct sl_worker *worker);
bool sl_worker_waited_too_long(struct sl_worker *worker, const struct sl_job *job);

/* flow.c */
void sl_worker_add(struct sl_worker *worker, struct sl_job *job);
void sl_worker_dispatch(struct sl_worker *worker);
void sl_worker_on_run_done(void *context, struct sl_run *run);
/* The job ends so, whatever a thread still does with it. */
void sl_job_end(struct sl_job *job, enum sl_worker_status status, enum sl_worker_code code,
		const char *message);
void sl_job_end_by(struct sl_job *job, enum sl_stop cause);
void sl_worker_on_tick(struct sl_worker *worker);
/* Back to the stream, for another worker. */
void sl_job_hand_back(struct sl_job *job);
void sl_job_free(struct sl_job *job);

/* outcome.c */
int sl_job_publish(struct sl_job *job);
size_t sl_job_headers(struct sl_bus_header ret[4], const struct sl_job *job);
int sl_job_write_result(struct sl_job *job, enum sl_worker_status status, enum sl_worker_code code,
			const char *message, bool with_output);
void sl_worker_count_end(struct sl_worker *worker, const struct sl_job *job,
			 enum sl_worker_status status, enum sl_worker_code code);

/* bury.c: stores the letter, its subject, time and body filled in; then terms, or, when
 * it cannot be stored, asks for the message again. @token NULL: neither. */
void sl_worker_bury(struct sl_worker *worker, struct sl_dead_letter *letter,
		    const struct sl_js_token *token);

/* beat.c */
void sl_worker_beat(struct sl_worker *worker);

/* exporter.c */
extern const struct sl_http_route sl_worker_routes[];
