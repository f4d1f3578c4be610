/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JetStream by plain messages of the bus: nats.c's own calls block or use threads.
 * Source of the API's subjects and forms: NATS ADR-1, ADR-8 (KV), ADR-13 (pull).
 *
 * Owner:  pulls are freed before the bus. Names, texts and options are copied.
 * Thread, errors: as bus.h. A server error is -EREMOTEIO with text in sl_js_error();
 *         without a JetStream-enabled server, -EHOSTUNREACH; an answer that is not
 *         JetStream's, -EPROTO. A call that returns an error calls nothing back.
 *         Names of streams, durables and buckets are [A-Za-z0-9_-], at most 63 (-EINVAL).
 */
#pragma once

#include "userspace/bus/bus.h"

/* What the server said last when it refused something, for a log line; "": nothing. */
const char *sl_js_error(const struct sl_bus *bus);

struct sl_js_stream {
	const char *name;
	const char *const *subjects; /* ends with NULL */
	bool work_queue;	     /* a message goes when it is acked; full: refuses */
	uint64_t max_age_s;	     /* 0: no end */
	uint64_t max_bytes;	     /* 0: no end; full: the oldest go */
	uint64_t max_message_bytes;  /* 0: the server's */
	uint64_t duplicate_window_s; /* of Nats-Msg-Id; 0: the server's 120 */
	uint64_t max_per_subject;    /* 0: no end */
	bool memory;		     /* else files */
	bool direct_get;	     /* allow_direct: for key-value buckets */
	uint32_t replicas;	     /* 0: the bus's stream_replicas */
	bool owns_age, owns_bytes;   /* by a setting: one that is there gets them too */
};

struct sl_js_consumer {
	const char *stream;
	const char *durable;
	const char *filter_subject; /* NULL: all */
	uint64_t ack_wait_ms;
	uint32_t max_deliver;	    /* 0: no end */
	const uint64_t *backoff_ms; /* [backoff_count]; NULL: ack_wait */
	size_t backoff_count;
	uint32_t max_ack_pending; /* 0: the server's */
};

typedef void sl_js_done(void *context, int status);

/*
 * Makes it; or changes of one that is there what Sluice cannot do without, and nothing that
 * an operator chose: stream_config.h has the list. -EEXIST: the one that is there cannot be
 * used, sl_js_error() says why.
 */
int sl_js_ensure_stream(struct sl_bus *bus, const struct sl_js_stream *stream, sl_js_done *done,
			void *context);
int sl_js_ensure_consumer(struct sl_bus *bus, const struct sl_js_consumer *consumer,
			  sl_js_done *done, void *context);

struct sl_js_published {
	uint64_t sequence;
	bool duplicate; /* the stream had this @id already */
};

/* @id: Nats-Msg-Id, may be NULL. 0: stored. -ETIMEDOUT: perhaps stored: try again with the same id.
 */
typedef void sl_js_published_fn(void *context, int status, const struct sl_js_published *ack);
int sl_js_publish(struct sl_bus *bus, const char *subject, const char *id,
		  const struct sl_bus_header *headers, size_t count, struct sl_span payload,
		  uint32_t timeout_ms, sl_js_published_fn *done, void *context);

/* ---- pull consumer ---------------------------------------------------------------- */

struct sl_js_pull;

/* Where a message stands, from its reply subject. */
struct sl_js_meta {
	uint64_t stream_sequence;
	uint64_t deliveries;   /* 1: the first time */
	uint64_t timestamp_ns; /* stored at, CLOCK_REALTIME */
	uint64_t pending;      /* that wait behind it */
};

/* To be acked later: a copy of the reply subject. */
struct sl_js_token {
	char subject[256];
};

typedef void sl_js_handler(void *context, const struct sl_bus_message *message,
			   const struct sl_js_meta *meta, const struct sl_js_token *token);

/*
 * Keeps up to @window messages asked for, refilled as sl_js_pull_done() says that
 * one was finished; asks again after a reconnect and when the server forgets.
 */
int sl_js_pull_new(struct sl_js_pull **ret, struct sl_bus *bus, const char *stream,
		   const char *durable, uint32_t window, sl_js_handler *handler, void *context);
/* One delivered message needs no more room (it was acked, nakked or dropped). */
void sl_js_pull_done(struct sl_js_pull *pull);
/* Change how many may be in hand: 0 pauses. What was asked for before may still come,
 * at most the former window. */
void sl_js_pull_window(struct sl_js_pull *pull, uint32_t window);
/* Also from the handler. What is under way comes again after ack_wait. NULL is fine. */
void sl_js_pull_free(struct sl_js_pull *pull);

int sl_js_ack(struct sl_bus *bus, const struct sl_js_token *token);
/* Acked and the server said so: for exactly-once. */
int sl_js_ack_sync(struct sl_bus *bus, const struct sl_js_token *token, uint32_t timeout_ms,
		   sl_js_done *done, void *context);
int sl_js_nak(struct sl_bus *bus, const struct sl_js_token *token, uint64_t delay_ms);
int sl_js_in_progress(struct sl_bus *bus, const struct sl_js_token *token);
int sl_js_term(struct sl_bus *bus, const struct sl_js_token *token);

/* ---- one message of a stream, for dlq show and key-value reads ---------------------- */

typedef void sl_js_got(void *context, int status, const struct sl_bus_message *message,
		       uint64_t sequence);
/* Last of a subject (@subject) or by number (@sequence, when @subject is NULL). -ENOENT. */
int sl_js_get(struct sl_bus *bus, const char *stream, const char *subject, uint64_t sequence,
	      uint32_t timeout_ms, sl_js_got *done, void *context);

/* ---- key-value (a stream KV_<bucket>, subjects $KV.<bucket>.<key>) -------------------- */

struct sl_kv_bucket {
	const char *name;
	uint64_t ttl_s; /* of each value; 0: none; a bucket that is there gets it too */
	uint64_t max_bytes;
	bool owns_bytes; /* max_bytes is by a setting: as ttl_s */
	uint64_t max_value_bytes;
	bool memory;
	uint32_t replicas; /* as of a stream */
};

/* As sl_js_ensure_stream(). */
int sl_kv_ensure(struct sl_bus *bus, const struct sl_kv_bucket *bucket, sl_js_done *done,
		 void *context);
/* Keys are [A-Za-z0-9_=./-], not empty, not starting or ending with a dot (-EINVAL). */
int sl_kv_put(struct sl_bus *bus, const char *bucket, const char *key, struct sl_span value,
	      uint32_t timeout_ms, sl_js_published_fn *done, void *context);
/* Only when @revision is still the last one; 0: only when there is none. -EEXIST. */
int sl_kv_update(struct sl_bus *bus, const char *bucket, const char *key, struct sl_span value,
		 uint64_t revision, uint32_t timeout_ms, sl_js_published_fn *done, void *context);
int sl_kv_delete(struct sl_bus *bus, const char *bucket, const char *key, uint32_t timeout_ms,
		 sl_js_published_fn *done, void *context);
/* -ENOENT also for a deleted key. Without the bucket nobody answers: -ETIMEDOUT. */
int sl_kv_get(struct sl_bus *bus, const char *bucket, const char *key, uint32_t timeout_ms,
	      sl_js_got *done, void *context);
/* The last value of every key that matches ("T.>"), by an ordered throw-away consumer:
 * @each for every one, up to @max, then @done. */
int sl_kv_list(struct sl_bus *bus, const char *bucket, const char *filter, uint32_t max,
	       uint32_t timeout_ms, sl_js_got *each, sl_js_done *done, void *context);
