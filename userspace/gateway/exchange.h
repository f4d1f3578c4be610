/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request and its answer, without a word of the HTTP server: the glue fills
 * `call`, the gateway judges it in the contract's order and answers.
 *
 * Owner:  the glue keeps the exchange, and what the spans of `call` and the body
 *         point to, until it was answered and released, or cancelled. Answers point
 *         into memory that lives only as long as the callback that hands them out.
 * Thread: the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sluice/envelope.h"
#include "userspace/base/span.h"
#include "userspace/bus/bus.h"
#include "userspace/domain/codes.h"
#include "userspace/domain/decide.h"
#include "userspace/domain/ident.h"
#include "userspace/domain/trace.h"
#include "userspace/gateway/limits.h"
#include "userspace/gateway/route.h"
#include "userspace/gateway/settings.h"
#include "userspace/gateway/window.h"

struct sl_gateway;
struct sl_exchange;
struct sl_stream;
struct sl_caller_bucket;
struct sl_kernel_connection;

/* Levels that a request is held against before its body is read: the tenant's, the node's. */
#define SL_EARLY_LEVELS 4

#define SL_TEXT_MAX (SL_IDENTIFIER_MAX + 1)
#define SL_KEY_MAX  33 /* of a key-value store's key part: a hash in hex, with NUL */

/* What came. Header fields that did not come are empty. */
struct sl_call {
	enum sl_method method;
	struct sl_span path;  /* decoded */
	struct sl_span query; /* as it came, without the question mark */
	struct sl_span tenant_id, api_key, authorization, trace_id, traceparent, tracestate;
	struct sl_span request_id, idempotency_key, content_type, accept;
	struct sl_span client_subject; /* of a verified client certificate */
	uint8_t peer[16];
	uint8_t peer_bytes;			 /* 4 or 16; 0: not known */
	int64_t content_length;			 /* -1: not said (chunked) */
	struct sl_kernel_connection *connection; /* NULL: not TCP, or no agent */
	bool doubled;				 /* one of the fields above came twice */
	bool operator_listener;
};

/* Who asks. */
struct sl_principal {
	char tenant[SL_TEXT_MAX]; /* "": nobody in particular */
	bool authenticated;
	bool admin;
	const struct sl_plan *plan;
};

/* Where the limit stands, for the answer's fields. */
struct sl_quota {
	bool known;
	enum sl_limit_level level;
	enum sl_rate_class rate_class;
	uint64_t limit;
	uint64_t remaining;
	uint64_t reset_s;    /* from now, until the bucket is full */
	uint64_t reset_at_s; /* the same since 1970; 0: not known so exactly */
	uint64_t window_s;
};

/* What Redis counts of it. */
struct sl_window_part {
	struct sl_window_level levels[SL_WINDOW_LEVELS_MAX];
	uint8_t count; /* 0: nothing */
};

struct sl_answer {
	int status;
	const char *content_type;
	struct sl_span body;
	uint32_t retry_after_s; /* 0: none */
	bool close;		/* the connection: the rest of the body is not wanted */
};

/* What the glue is called with. Each comes from the loop or from inside a call. */
struct sl_exchange_calls {
	/* Once, unless cancelled or a stream was opened. */
	void (*answered)(struct sl_exchange *exchange, const struct sl_answer *answer);
	/* The body is wanted after all: as if sl_exchange_begin() had returned true. */
	void (*body_wanted)(struct sl_exchange *exchange);
	/* A stream of events begins with @first. 0, or -errno and it does not. */
	int (*stream_opened)(struct sl_exchange *exchange, struct sl_span first);
	/* 0; -EAGAIN: the client reads too slowly and should be let go. */
	int (*stream_written)(struct sl_exchange *exchange, struct sl_span bytes);
	/* The stream is over. */
	void (*stream_closed)(struct sl_exchange *exchange);
};

enum sl_stage {
	SL_STAGE_NEW = 0,
	SL_STAGE_BODY, /* waits for the body */
	SL_STAGE_WAITING,
	SL_STAGE_STREAM,
	SL_STAGE_DONE,
};

/* How far a decide with an idempotency key is. */
struct sl_idempotent {
	bool active;	   /* the answer is to be stored */
	char key[80];	   /* of the store */
	char digest[65];   /* of the body, hex */
	uint64_t until_ns; /* how long to wait for who came first */
	struct sl_loop_timer again;
};

struct sl_exchange {
	struct sl_gateway *gateway;
	const struct sl_exchange_calls *calls;
	void *context; /* the glue's */
	struct sl_call call;
	enum sl_stage stage;
	struct sl_route_match match;
	struct sl_trace trace;
	char request_id[SL_TEXT_MAX];
	struct sl_principal who;
	struct sl_caller_bucket *bucket;
	struct sl_quota quota;
	uint64_t charged_ns[SL_EARLY_LEVELS]; /* to words of the early levels */
	struct sl_window_part window;
	bool over;			   /* a limit in shadow */
	char policy[SL_TENANT_NAME_BYTES]; /* whose limits it is held against; "": none */
	double limit_factor;		   /* what is left of limits; 0: all */
	struct sl_abuse_verdict abuse;
	struct sl_span body;
	struct sl_bus_request *pending;
	uint64_t reservation; /* of cost (cost.h); 0: none */
	/* Asynchronous calls of the store that cannot be taken back hold this, which says
	 * whether the exchange is still there. */
	struct sl_ticket *ticket;
	struct sl_idempotent idempotent;
	struct sl_stream *stream;
	struct sl_exchange *parked_next;
	uint64_t started_ns;	 /* all before the body is judged as of this moment */
	int status;		 /* once answered */
	struct sl_decide decide; /* written before it is read: need not be zero at first */
};

/* Who holds a ticket may outlive its exchange. Freed with its last holder. */
struct sl_ticket {
	struct sl_exchange *exchange; /* NULL: it is gone */
	unsigned int holders;
};

/*
 * Judges what came up to the body. True: the body is wanted, to be given to
 * sl_exchange_body(). False: it is answered, or will be, or body_wanted() comes.
 * `call`, `calls` and `context` are set, all else but `decide` is zero.
 */
bool sl_exchange_begin(struct sl_exchange *exchange, struct sl_gateway *gateway);

/* The whole body. */
void sl_exchange_body(struct sl_exchange *exchange, struct sl_span body);

/* It cannot be read or served: @status is 4xx or 5xx. */
void sl_exchange_refuse(struct sl_exchange *exchange, int status);

/* Nothing came of it in time: 503. */
void sl_exchange_expire(struct sl_exchange *exchange);

/* The client left, or the server ends. No callback comes after it. */
void sl_exchange_cancel(struct sl_exchange *exchange);

/* Fields of the answer, one after the other; name and value live during the call. */
typedef void sl_exchange_field(void *context, struct sl_span name, struct sl_span value);
void sl_exchange_fields(const struct sl_exchange *exchange, const struct sl_answer *answer,
			sl_exchange_field *field, void *context);

/* A request that the HTTP server refuses before it is one: `call` may be empty. */
void sl_exchange_fail(struct sl_exchange *exchange, struct sl_gateway *gateway, int status);
