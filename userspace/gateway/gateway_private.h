/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share. */
#pragma once

#include "userspace/bus/jetstream.h"
#include "userspace/domain/json.h"
#include "userspace/gateway/cost.h"
#include "userspace/gateway/exchange.h"
#include "userspace/gateway/gateway.h"
#include "userspace/gateway/kernel.h"
#include "userspace/gateway/pressure_gate.h"
#include "userspace/gateway/window_client.h"
#include "userspace/obs/log.h"
#include "userspace/pressure/priority.h"

#define SL_STORE_TIMEOUT_MS 2000
#define SL_RANDOM_KEPT	    4096

struct sl_metrics;

/* A bucket of the key-value store, made when the connection is there. */
enum sl_store {
	SL_STORE_IDEMPOTENCY = 0,
	SL_STORE_REGISTRY,
	SL_STORE_MESSAGES,
	SL_STORES,
};

struct sl_gateway {
	struct sl_loop *loop;
	const struct sl_settings *settings;
	struct sl_shared *shared;
	struct sl_worker_counters *counters;
	struct sl_log *log;
	struct sl_keyring *keyring;
	struct sl_kernel *kernel;
	struct sl_window *window; /* NULL: every limit is counted here */
	struct sl_cost *cost;	  /* NULL: nothing was reserved yet */
	struct sl_bus *bus;
	struct sl_pressure_gate pressure;
	struct sl_bus_stats counted; /* what the shared counters have already */
	struct sl_loop_timer tick;
	bool draining;
	bool warming; /* NATS was not reached yet: what needs it waits, for a while */
	uint64_t warm_by_ns;
	struct sl_exchange *parked;
	bool store_ready[SL_STORES];
	bool store_asked;
	struct sl_json_out out;	 /* of the answer that is being written */
	struct sl_json_out wire; /* of the message that is being sent */
	struct sl_stream *streams;
	uint32_t stream_count;
	uint32_t asked_count; /* requests of clients that are at the router */
	struct sl_bus_subscription *results;
	uint8_t random[SL_RANDOM_KEPT];
	size_t random_left;
};

uint64_t sl_gateway_now_ns(const struct sl_gateway *gateway);
/* @count at most SL_RANDOM_KEPT. */
void sl_gateway_random(struct sl_gateway *gateway, void *ret, size_t count);
/* RFC 3339 in UTC with milliseconds; @buffer of 32 bytes. */
struct sl_span sl_timestamp(char *buffer, int64_t clock_ms);
/* The first 128 bits of SHA-256 in hex. */
void sl_token(char ret[SL_KEY_MAX], struct sl_span text);

/* Within its limits: it goes on. */
void sl_exchange_admitted(struct sl_exchange *exchange);

/* What waited goes on, whether NATS is there or not. */
void sl_exchange_warm(struct sl_gateway *gateway);

/* What the router said, read once: it points into its message. */
#define SL_REPLY_MEMBERS 6
struct sl_reply {
	struct sl_span body;
	struct sl_json_value found[SL_REPLY_MEMBERS];
	int ok; /* 1; 0: an error; -EINVAL: neither, or no decision where one is due */
};
void sl_reply_read(struct sl_reply *ret, const struct sl_exchange *exchange, struct sl_span body);

/* ---- answering (answer.c) ----------------------------------------------------------- */

void sl_answer_json(struct sl_exchange *exchange, int status, struct sl_span body);
/* What gateway->out holds. */
void sl_answer_out(struct sl_exchange *exchange, int status);
/* The contract's body of an error. @status 0: the code's own. */
void sl_answer_error(struct sl_exchange *exchange, enum sl_code code, int status,
		     enum sl_intake intake, const char *message);
/* The same with details and Retry-After. */
struct sl_failure {
	enum sl_code code;
	int status;
	enum sl_intake intake;
	const char *message;
	struct sl_span details;
	uint32_t retry_after_s;
	bool close;
};
void sl_answer_failure(struct sl_exchange *exchange, const struct sl_failure *failure);
/* NATS did not bring a reply: 503. */
void sl_answer_lost(struct sl_exchange *exchange, int status);
/* A reply of the router: ok verbatim, an error in the contract's form. */
void sl_answer_reply(struct sl_exchange *exchange, const struct sl_reply *reply);
/* The HTTP status that a router's reply stands for. */
int sl_reply_status(const struct sl_reply *reply);
void sl_answer(struct sl_exchange *exchange, const struct sl_answer *answer);

/* ---- before the body (admit.c, identify.c) -------------------------------------------- */

/* False: it was answered. */
bool sl_identify(struct sl_exchange *exchange);
enum sl_admission {
	SL_ADMITTED,
	SL_ANSWERED,
	SL_PENDING, /* sl_exchange_admitted(), or an answer, comes from the loop */
};
enum sl_admission sl_admit(struct sl_exchange *exchange);
/* A caller without a valid credential. False: over the limit of its address, answered. */
bool sl_admit_stranger(struct sl_exchange *exchange);

/* Where each level stands; how many there are. */
size_t sl_admit_look_up(struct sl_standing ret[SL_EARLY_LEVELS], struct sl_exchange *exchange,
			uint64_t now_ns);
/* What sl_admit() charged goes back: another level refused. */
void sl_admit_return(struct sl_exchange *exchange);
/* Over a limit in shadow: only counts. */
void sl_admit_over(struct sl_exchange *exchange);
/* Over the limit of @standing: counts and answers. */
void sl_admit_refuse(struct sl_exchange *exchange, const struct sl_standing *standing,
		     uint64_t wait_ns, uint64_t now_ns);
void sl_admit_describe(struct sl_exchange *exchange, const struct sl_standing *standing,
		       uint64_t now_ns);

void sl_admit_count_refused(struct sl_exchange *exchange, enum sl_limit_level level);
void sl_admit_tell_kernel(struct sl_exchange *exchange, uint64_t wait_ns, bool shadow);
/* Within all its limits, unless some in shadow: counts. */
void sl_admit_allowed(struct sl_exchange *exchange);
/* What Redis should have counted is counted by this node. False: answered. */
bool sl_admit_here(struct sl_exchange *exchange);

/* Limits that are counted in Redis (window_admit.c): of the first @count levels those that
 * it is asked about go into exchange->window, and those that it counts alone are left out. */
void sl_window_split(struct sl_exchange *exchange, struct sl_standing *standings, size_t count);
void sl_window_leave_out(struct sl_standing *standing);
bool sl_window_has(const struct sl_exchange *exchange, const struct sl_standing *standing);
/* Asks. What was charged here before goes back when Redis refuses. */
enum sl_admission sl_window_admit(struct sl_exchange *exchange);

/* The limits of its policy (policy_admit.c), which the body names. False: answered. */
bool sl_policy_admit(struct sl_exchange *exchange);

/* 429: the limit, and after which time it may come again; UINT64_MAX: never. */
void sl_answer_limited(struct sl_exchange *exchange, uint64_t limit, uint64_t wait_ns);

/* Limits of this request, while the router warns or the tenant is being cut. */
struct sl_request_limit sl_tighten(const struct sl_exchange *exchange,
				   struct sl_request_limit limit);

/* ---- abuse (abuse_watch.c): authenticated requests, in this order ---------------------- */

/* False: its source is blocked, and it was answered. */
bool sl_watch_source(struct sl_exchange *exchange);
void sl_watch_request(struct sl_exchange *exchange);
/* False: its tenant is blocked, and it was answered. */
bool sl_watch_tenant(struct sl_exchange *exchange);
void sl_watch_body(struct sl_exchange *exchange);
void sl_watch_empty(struct sl_exchange *exchange);

/* ---- what the routes do ------------------------------------------------------------------ */

void sl_do_decide(struct sl_exchange *exchange);
void sl_do_ask(struct sl_exchange *exchange); /* get_decision and admin: request and reply */
void sl_do_message(struct sl_exchange *exchange);
void sl_do_block(struct sl_exchange *exchange);
void sl_do_health(struct sl_exchange *exchange);
/* What of it is about the kernel, onto the page of metrics. */
void sl_kernel_metrics(struct sl_metrics *page, const struct sl_worker_counters *sum);
void sl_guard_metrics(struct sl_metrics *page, const struct sl_gateway *gateway,
		      const struct sl_worker_counters *sum);
void sl_do_metrics(struct sl_exchange *exchange);
void sl_do_limits(struct sl_exchange *exchange);
void sl_do_stream(struct sl_exchange *exchange);

/* What its tenant's class, its credential's plan and its route leave of importance. */
enum sl_criticality sl_exchange_criticality(const struct sl_exchange *exchange);

/* Sends to the router with the headers of every message. Answers when it cannot. Its done
 * calls sl_ask_ended() first. */
void sl_ask_router(struct sl_exchange *exchange, const char *subject, struct sl_span payload,
		   sl_bus_done *done);
void sl_ask_ended(struct sl_exchange *exchange);
/* At least the headers of every message; returns how many. */
#define SL_HEADERS_MAX 6 /* with one of the caller */
size_t sl_message_headers(struct sl_bus_header ret[SL_HEADERS_MAX],
			  const struct sl_exchange *exchange, char traceparent[]);

/* A decide with an idempotency key: answers, or goes on with sl_decide_send(). */
void sl_idempotency_begin(struct sl_exchange *exchange, struct sl_span key);
/* Its answer is there: keep it for who comes again (@status 200), or forget the key. */
void sl_idempotency_end(struct sl_exchange *exchange, int status, struct sl_span reply);
void sl_idempotency_stop(struct sl_exchange *exchange);
void sl_decide_send(struct sl_exchange *exchange);

/* A message was accepted: keep it and tell the streams. */
void sl_message_accepted(struct sl_exchange *exchange, struct sl_span reply);
/* To the streams of a tenant, on all gateways. */
void sl_event_publish(struct sl_exchange *exchange, const char *event, struct sl_span data);

void sl_stream_free(struct sl_stream *stream);
void sl_streams_tick(struct sl_gateway *gateway, uint64_t now_ns);
void sl_streams_close(struct sl_gateway *gateway);

/* ---- tickets ------------------------------------------------------------------------------- */

/* For one call that cannot be taken back. NULL: no memory. */
struct sl_ticket *sl_ticket_take(struct sl_exchange *exchange);
/* Gives it back: the exchange, or NULL when it is gone. */
struct sl_exchange *sl_ticket_end(struct sl_ticket *ticket);

/* A value of "a=1&b=2", decoded into @buffer. 0; -ENOENT; -EINVAL: too long or malformed. */
int sl_query_value(char *buffer, size_t size, struct sl_span query, const char *name);
