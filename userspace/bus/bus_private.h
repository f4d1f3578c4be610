/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of one bus. Only the files of the bus itself include this.
 *
 * bus_worker.c  a thread of the bus, for what nats.c does blocking: connect, flush, destroy
 * bus_link.c    one connection in the loop: read, write, established, lost, again
 * bus_send.c    publish; bus_subscribe.c; bus_request.c: replies and deadlines
 *
 * nats.c's own reconnect is not used: it holds the lock that every publish takes while
 * it connects, and it keeps a half-read message across connections. A connection that
 * is lost is thrown away and the worker makes another. So nats.c closes a socket in the
 * loop's thread only.
 */
#pragma once

#include <nats/nats.h>
#include <pthread.h>
#include <stdatomic.h>

#include "userspace/bus/bus.h"

#define SL_BUS_SERVERS_MAX   16u
#define SL_BUS_SUBJECT_MAX   256u
#define SL_BUS_INBOX_BYTES   64u
#define SL_BUS_UNSENT_MAX    (16u << 20) /* bytes that a stuck server leaves with us */
#define SL_BUS_HEADERS_BYTES (64u << 10)

/* ---- the worker thread -------------------------------------------------------------- */

struct sl_bus_server {
	char *url;
	char *host; /* for the certificate */
};

struct sl_bus_connected {
	natsConnection *nats; /* NULL: it could not */
	int fd;		      /* a duplicate of its socket, ours */
	bool refused;	      /* by authentication */
	char error[256];
};

struct sl_bus_worker {
	pthread_t thread, loop_thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int event_fd; /* wakes the loop */
	bool started;

	natsOptions *options; /* the thread's */
	struct sl_bus_server servers[SL_BUS_SERVERS_MAX];
	size_t server_count;
	size_t next_server;
	bool tls;
	int attached_fd; /* what the attach callback has just duplicated */

	/* Under the mutex: what the loop asks for, and the answers. */
	bool connect, quit;
	natsConnection *condemned;
	natsConnection *flush;
	int64_t flush_timeout_ms;
	bool connect_answered, flush_answered;
	struct sl_bus_connected connected;
	natsStatus flushed;

	atomic_bool want_write; /* nats.c has bytes for the socket */
	atomic_bool closed;	/* nats.c gave the connection up */
	atomic_bool stop;
};

/* Takes what it needs of @options. */
int sl_bus_worker_configure(struct sl_bus_worker *worker, const struct sl_bus_options *options,
			    struct sl_bus_error *error);
int sl_bus_worker_start(struct sl_bus_worker *worker);
/* Waits for the thread: as long as one connect may take. Frees what it holds. */
void sl_bus_worker_stop(struct sl_bus_worker *worker);
void sl_bus_worker_connect(struct sl_bus_worker *worker);
void sl_bus_worker_flush(struct sl_bus_worker *worker, natsConnection *nats, int64_t timeout_ms);
void sl_bus_worker_destroy(struct sl_bus_worker *worker, natsConnection *nats);
bool sl_bus_worker_take_connected(struct sl_bus_worker *worker, struct sl_bus_connected *ret);
bool sl_bus_worker_take_flushed(struct sl_bus_worker *worker, natsStatus *ret);
void sl_bus_worker_wake(struct sl_bus_worker *worker);

/* natsOptions of @options, the parts that do not change with the server. */
int sl_bus_options_make(struct sl_bus_worker *worker, const struct sl_bus_options *options,
			struct sl_bus_error *error);
/* "UA..." of the seed in @path. 0, -EINVAL, or the error of reading. */
int sl_bus_nkey_public(char ret[64], const char *path);

/* ---- requests ------------------------------------------------------------------------ */

#define SL_BUS_CHUNK 256u

struct sl_bus_request {
	uint32_t slot;
	uint32_t generation;
	uint32_t heap_at; /* of the deadlines; UINT32_MAX: not in flight */
	uint32_t lane;
	uint32_t kind;			      /* sl_bus_lane_kind() */
	struct sl_bus_request *older, *newer; /* of the lane */
	uint32_t next_free;
	uint64_t deadline_ns;
	sl_bus_done *done;
	void (*flushed)(void *context, int status); /* a flush, not a request */
	uint64_t round;				    /* of the flush that answers it */
	void *context;
	struct sl_bus *bus;
};

/*
 * nats.c swallows "no responders": it says that a subscription had one, not for which
 * subject. So replies come by many subscriptions, a request takes an idle one, and
 * the answer is exact while there are idle ones. Beyond, it is of the newest
 * of the lane: the server says it at once, who waits longer has somebody working.
 * Those who share a lane ask the same, so that it is true of each (bus_lane.c).
 */
#define SL_BUS_LANES 64u

struct sl_bus_lane {
	struct sl_bus_subscription *subscription;
	struct sl_bus_request *newest;
	struct sl_bus *bus;
};

struct sl_bus_requests {
	struct sl_bus_lane lanes[SL_BUS_LANES];
	uint64_t busy; /* a bit for each lane with requests in flight */
	uint32_t next_lane;
	struct sl_bus_request **chunks; /* [max / SL_BUS_CHUNK] */
	uint32_t made, max;
	uint32_t free_slot;	      /* UINT32_MAX: none */
	struct sl_bus_request **heap; /* by deadline, [made] */
	uint32_t count;
	struct sl_loop_timer timer;
	uint64_t timer_ns; /* armed for; 0: not armed */
};

/* ---- the bus ------------------------------------------------------------------------- */

struct sl_bus_message {
	natsMsg *nats;
	struct sl_span subject; /* when it is not the message's own */
};

struct sl_bus_subscription {
	struct sl_bus *bus;
	struct sl_bus_subscription *next;
	natsSubscription *nats; /* NULL: not connected */
	char *subject, *queue;
	sl_bus_handler *handler;
	void (*no_responders)(void *context); /* to what was asked with it as reply; or NULL */
	void *context;
	bool lane;
	bool dead; /* to be freed when nobody walks the list */
	bool draining;
	bool drained_due;
	struct sl_bus_request *drain_flush;
	void (*drained)(void *context);
	void *drained_context;
};

/*
 * Messages that were handled. nats.c frees each in a thread of its own, which it wakes
 * for it: a switch of threads a message, a third of what a request cost. Handed over
 * together they cost one; the more of them, the less the two threads meet at its lock
 * (128 at a time: 15.5 us of a gateway's request, 1024: 13.8 us).
 */
#define SL_BUS_SPENT_MAX       1024u
#define SL_BUS_SPENT_BYTES_MAX (1u << 20)

struct sl_bus_spent {
	natsMsg *messages[SL_BUS_SPENT_MAX];
	unsigned int count;
	size_t bytes;
};

void sl_bus_spend(struct sl_bus *bus, natsMsg *message);
void sl_bus_spent_free(struct sl_bus *bus);

struct sl_bus {
	struct sl_loop *loop;
	struct sl_bus_worker worker;
	struct sl_loop_fd wake;	  /* the worker's eventfd */
	struct sl_loop_fd socket; /* of the connection */
	struct sl_loop_timer retry, ping, soon;
	bool soon_set;

	natsConnection *nats; /* NULL: not connected */
	int64_t payload_max;
	size_t unsent;
	enum sl_bus_state state;
	bool was_connected;
	unsigned int walking; /* callbacks run from a walk of ours */
	bool freeing;
	uint64_t flush_round; /* of the flush that runs or ran last */
	bool flush_running;
	uint64_t flush_wanted;

	struct sl_bus_options options;	/* numbers only; texts belong to the worker */
	char inbox[SL_BUS_INBOX_BYTES]; /* "_INBOX.<nuid>." */
	size_t inbox_length;
	uint64_t inbox_count;
	uint64_t random;

	struct sl_bus_subscription *subscriptions;
	struct sl_bus_requests requests;
	struct sl_bus_stats stats;
	void (*state_changed)(void *context, enum sl_bus_state state);
	void *context;
	char last_error[256];
	char js_error[256];
	struct sl_bus_spent spent;
	/* Somebody of this folder who must know of a new connection. */
	struct sl_bus_watch *watches;
	uint64_t watch_round;
};

/* Told after each (re)connect, subscriptions made, and after each loss. */
struct sl_bus_watch {
	struct sl_bus_watch *next;
	uint64_t round; /* that it was told in */
	void *context;
	void (*changed)(struct sl_bus_watch *watch, bool connected);
};

void sl_bus_watch_add(struct sl_bus *bus, struct sl_bus_watch *watch);
void sl_bus_watch_remove(struct sl_bus *bus, struct sl_bus_watch *watch);

int sl_bus_link_start(struct sl_bus *bus);
void sl_bus_link_stop(struct sl_bus *bus);
/* Bytes are in nats.c's buffer: they go out at the end of this turn of the loop. */
void sl_bus_link_send_soon(struct sl_bus *bus, size_t bytes);
/* The end of this turn, or the next: sweeps, sends. */
void sl_bus_link_soon(struct sl_bus *bus);
/* Runs round @ret_round, or the one after the one that runs. */
void sl_bus_link_flush(struct sl_bus *bus, uint64_t *ret_round);

/* A subject under the inbox that no request uses. */
void sl_bus_inbox_subject(struct sl_bus *bus, char ret[SL_BUS_SUBJECT_MAX]);
bool sl_bus_subject_valid(const char *subject);

int sl_bus_subscriptions_connect(struct sl_bus *bus);
void sl_bus_subscriptions_disconnect(struct sl_bus *bus);
/* Who answers, of a subject. */
uint32_t sl_bus_lane_kind(const char *subject);

/* An idle lane, each in its turn; when only a few are, one that has requests of the same
 * kind, if there is any. Only of more kinds at once than are kept lanes for do two share one. */
uint32_t sl_bus_lane_choose(struct sl_bus_requests *requests, uint32_t kind);
void sl_bus_lane_enter(struct sl_bus_requests *requests, struct sl_bus_request *request);
void sl_bus_lane_leave(struct sl_bus_requests *requests, struct sl_bus_request *request);

/* @all: also the lanes where nobody waits, for late replies. */
void sl_bus_subscriptions_deliver(struct sl_bus *bus, bool all);
void sl_bus_subscription_deliver(struct sl_bus_subscription *subscription);
void sl_bus_subscriptions_sweep(struct sl_bus *bus);
void sl_bus_subscriptions_free(struct sl_bus *bus);
uint64_t sl_bus_subscriptions_dropped(const struct sl_bus *bus);

/* As sl_bus_flush(); can be cancelled. */
int sl_bus_flush_slot(struct sl_bus_request **ret, struct sl_bus *bus, uint32_t timeout_ms,
		      void (*flushed)(void *context, int status), void *context);
int sl_bus_requests_init(struct sl_bus *bus);
void sl_bus_requests_deliver(struct sl_bus *bus, bool all);
void sl_bus_requests_fail(struct sl_bus *bus, int status);
void sl_bus_requests_flushed(struct sl_bus *bus, uint64_t round, int status);
void sl_bus_requests_free(struct sl_bus *bus);
