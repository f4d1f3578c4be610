/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NATS in somebody's event loop: publish, subscribe, request with a deadline. The
 * only file, with the rest of this folder, that knows nats.c.
 *
 * A thread of the bus connects; it reaches the loop by an eventfd, so that every
 * callback here comes in the loop's thread. Subscriptions are drained in the loop right
 * after a read. Writes go out at the end of the loop's turn, in one system call.
 *
 * Owner:  sl_bus_free() ends every request with -ECANCELED and closes. Spans of a
 *         message are valid during the callback.
 * Thread: the loop's, that called sl_bus_new(); after fork() only.
 * Errors: 0 or -errno; -ENOTCONN: not connected (nothing is queued for later);
 *         -EINVAL: a subject, name or value that cannot be sent; -EMSGSIZE: larger than
 *         the server takes; -ENOBUFS: 16 MiB wait for a server that does not read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/base/span.h"
#include "userspace/base/loop.h"

#define SL_BUS_PAYLOAD_MAX (1u << 20) /* NATS's own default limit */

struct sl_bus;
struct sl_bus_subscription;
struct sl_bus_request;
struct sl_bus_message;

struct sl_bus_options {
	const char *servers; /* "nats://a:4222,nats://b:4222" */
	const char *name;    /* shown by the server */
	const char *user, *password, *token;
	const char *credentials_file; /* JWT and seed (.creds) */
	const char *nkey_seed_file;   /* its public key is derived or given */
	const char *nkey_public;
	const char *tls_ca_file, *tls_cert_file, *tls_key_file;
	bool tls;
	uint32_t connect_timeout_ms;   /* 0: 2000 */
	uint32_t reconnect_wait_ms;    /* 0: 250, with jitter; tries never end */
	uint32_t ping_interval_ms;     /* 0: 5000; two lost pings = not connected */
	uint32_t requests_max;	       /* in flight; 0: 65536. One more: -EBUSY */
	uint32_t pending_messages_max; /* of one subscription; 0: 65536 */
	uint64_t pending_bytes_max;    /* of one subscription; 0: 64 MiB */
	uint32_t stream_replicas;      /* of streams made over it; 0: 1, and what is there stays */
};

enum sl_bus_state {
	SL_BUS_CONNECTING = 0,
	SL_BUS_CONNECTED,
	SL_BUS_RECONNECTING,
	SL_BUS_REFUSED, /* by authentication; tried again, slower: keys are rotated */
};

struct sl_bus_error {
	char message[256];
};

struct sl_bus_stats {
	uint64_t published_total;
	uint64_t publish_failures_total;
	uint64_t received_total;
	uint64_t requests_total;
	uint64_t timeouts_total;
	uint64_t late_replies_total;  /* to nobody any more; counted with the next ping */
	uint64_t slow_consumer_total; /* messages lost to the pending bounds */
	uint64_t reconnects_total;
	uint64_t requests_in_flight;
};

/* @state_changed may be NULL. The connection is made in the background: 0 also
 * when no server answers yet. -EINVAL: the options; @error says which. */
int sl_bus_new(struct sl_bus **ret, struct sl_loop *loop, const struct sl_bus_options *options,
	       void (*state_changed)(void *context, enum sl_bus_state state), void *context,
	       struct sl_bus_error *error);
/*
 * Not from a callback of the bus. Waits for a connect that is under way, at most
 * connect_timeout_ms. Frees subscriptions too.
 */
void sl_bus_free(struct sl_bus *bus);
void sl_bus_freep(struct sl_bus **bus);
/*
 * Ends nats.c's own threads, after the last bus: before the code is unloaded (nginx) or
 * a leak checker looks. 0 or -ETIMEDOUT.
 */
int sl_bus_library_close(uint32_t timeout_ms);

enum sl_bus_state sl_bus_state(const struct sl_bus *bus);
struct sl_bus_stats sl_bus_stats(const struct sl_bus *bus);
/* Why the last connection ended or could not be made, or what the server refuses
 * meanwhile (a subject that we may not use; within a ping); "" at first. */
const char *sl_bus_last_error(const struct sl_bus *bus);

/* Name and value; values hold no CR and no LF (-EINVAL). An empty value is left out. */
struct sl_bus_header {
	const char *name;
	struct sl_span value;
};

/* Fire and forget. @reply may be NULL. */
int sl_bus_publish(struct sl_bus *bus, const char *subject, const char *reply,
		   const struct sl_bus_header *headers, size_t count, struct sl_span payload);

typedef void sl_bus_handler(void *context, const struct sl_bus_message *message);

/* @queue NULL: no queue group. Survives reconnects. */
int sl_bus_subscribe(struct sl_bus_subscription **ret, struct sl_bus *bus, const char *subject,
		     const char *queue, sl_bus_handler *handler, void *context);
/* No callback comes after it. NULL is fine. */
void sl_bus_unsubscribe(struct sl_bus_subscription *subscription);
/*
 * Stop receiving, let what is pending be handled: @drained, once, from the loop (also
 * when the connection breaks meanwhile). The owner unsubscribes after it, as ever.
 */
int sl_bus_drain(struct sl_bus_subscription *subscription, void (*drained)(void *context),
		 void *context);

struct sl_span sl_bus_subject(const struct sl_bus_message *message);
struct sl_span sl_bus_reply(const struct sl_bus_message *message); /* empty: none wanted */
struct sl_span sl_bus_payload(const struct sl_bus_message *message);
/* Case-sensitive, the first of that name; empty when it is not there. */
struct sl_span sl_bus_header(const struct sl_bus_message *message, const char *name);
/* It and a NUL; a value that is empty or does not fit leaves @ret as it is. */
void sl_bus_header_copy(char *ret, size_t size, const struct sl_bus_message *message,
			const char *name);

/*
 * @done comes exactly once, from the loop, unless cancelled: 0 with the reply, or
 * with NULL: -ETIMEDOUT, -EHOSTUNREACH (nobody listens), -ENOTCONN (the connection
 * broke meanwhile), -ECANCELED (the bus is being freed). @ret may be NULL.
 * -EBUSY: requests_max are in flight.
 */
typedef void sl_bus_done(void *context, int status, const struct sl_bus_message *reply);
int sl_bus_request(struct sl_bus_request **ret, struct sl_bus *bus, const char *subject,
		   const struct sl_bus_header *headers, size_t count, struct sl_span payload,
		   uint32_t timeout_ms, sl_bus_done *done, void *context);
/* Before @done came: it will not come. A reply that comes is late. NULL is fine. */
void sl_bus_cancel(struct sl_bus_request *request);

/* Answers @message; 0 and nothing sent when it wants no reply. */
int sl_bus_respond(struct sl_bus *bus, const struct sl_bus_message *message,
		   const struct sl_bus_header *headers, size_t count, struct sl_span payload);

/* Everything handed to publish is with the server, or @timeout_ms is over. */
int sl_bus_flush(struct sl_bus *bus, uint32_t timeout_ms, void (*done)(void *context, int status),
		 void *context);
