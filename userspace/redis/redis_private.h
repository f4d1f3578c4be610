/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of one client. Only the files of this folder include this.
 *
 * call.c       a call from its birth to its one answer: deadline, tries
 * answer.c     what an answer means for the call and for what is known of the servers
 * node.c       one server: connection, backoff, breaker, calls that wait for it
 * handshake.c  what a new connection is asked before calls go there
 * names.c      the addresses of names
 * resolve.c    where the master is: the list, sentinels; cluster.c: where each slot is
 */
#pragma once

#include <sys/queue.h>

#include "userspace/domain/breaker.h"
#include "userspace/redis/backoff.h"
#include "userspace/redis/error.h"
#include "userspace/redis/link.h"
#include "userspace/redis/names.h"
#include "userspace/redis/redis.h"

#define SL_REDIS_TRIES_MAX	16u
#define SL_REDIS_REDIRECTS_MAX	8u
#define SL_REDIS_PASSWORD_BYTES 514 /* with the line's end */

struct sl_redis_call;
struct sl_redis_node;
TAILQ_HEAD(sl_redis_calls, sl_redis_call);

/* ---- a call ----------------------------------------------------------------------------- */

struct sl_redis_call {
	struct sl_redis_ticket ticket; /* first */
	struct sl_redis *redis;
	TAILQ_ENTRY(sl_redis_call) by_age; /* of redis->calls */
	TAILQ_ENTRY(sl_redis_call) queued; /* of `queue` */
	struct sl_redis_calls *queue;	   /* NULL: in none */
	struct sl_redis_node *node;	   /* that it waits for or was sent to */
	struct sl_redis_node *pinned;	   /* goes there and nowhere else */
	uint64_t sent_ns, deadline_ns;
	uint64_t due_ns;      /* of the next try, in redis->later */
	uint32_t admitted_by; /* the id of the node whose breaker let it pass */
	int slot;
	int ending; /* it ends so, from the loop */
	uint8_t tries, redirects;
	bool asking, reloaded, internal;
	bool sent;		     /* hiredis has it */
	bool answered;		     /* its callback came: freed when hiredis does not have it */
	enum sl_redis_error refusal; /* the last one */
	bool refused;		     /* there was one */
	sl_redis_done *done;
	void *userdata;
	size_t length;
	char wire[];
};

/* Not bound by calls_max: for the client itself. */
int sl_redis_call_to(struct sl_redis_node *node, size_t argc, const char *const *argv,
		     sl_redis_done *done, void *userdata);
/* A call like any other, for the sake of the node's breaker. */
void sl_redis_probe(struct sl_redis_node *node);
/* To its node, or into a queue. */
void sl_redis_dispatch(struct sl_redis_call *call);
void sl_redis_dispatch_all(struct sl_redis_calls *calls);
void sl_redis_enqueue(struct sl_redis_call *call, struct sl_redis_calls *queue);
void sl_redis_dequeue(struct sl_redis_call *call);
/* Its one answer. */
void sl_redis_finish(struct sl_redis_call *call, int status, const struct sl_redis_reply *reply);
/* The same, but from the loop. */
void sl_redis_finish_soon(struct sl_redis_call *call, int status);
/* Again after a while; @reply is its answer when there is no time for that. */
void sl_redis_try_later(struct sl_redis_call *call, enum sl_redis_error refusal,
			const struct sl_redis_reply *reply);
void sl_redis_answered(struct sl_redis_ticket *ticket, const struct sl_redis_reply *reply);
void sl_redis_tick(struct sl_loop_timer *timer); /* its context: the client */

/* ---- a server ----------------------------------------------------------------------------- */

enum sl_redis_step {
	SL_REDIS_STEP_IDLE = 0, /* not connected; its timer says when */
	SL_REDIS_STEP_CONNECT,
	SL_REDIS_STEP_AUTH,
	SL_REDIS_STEP_SELECT,
	SL_REDIS_STEP_ROLE, /* or PING, where any role will do */
	SL_REDIS_STEP_LIBRARY,
	SL_REDIS_STEP_LOAD,
	SL_REDIS_STEP_READY,
	SL_REDIS_STEP_LEAVE, /* a replica by now: answers may come, nothing is sent */
};

struct sl_redis_node {
	struct sl_redis *redis;
	uint32_t id; /* never the same again */
	uint16_t at; /* in redis->nodes */
	bool is_sentinel;
	bool in_map;	/* a master that calls go to */
	bool refused;	/* by authentication */
	bool known;	/* has an address */
	bool was_ready; /* this connection */
	struct sl_redis_address address;
	struct sl_redis_link *link;
	enum sl_redis_step step;
	struct sl_loop_timer timer;
	bool timer_runs;
	uint32_t attempts;
	struct sl_breaker breaker;
	struct sl_redis_calls waiting;
	uint32_t sent;
	uint64_t used_ns;
};

/* @address NULL: not known yet. */
int sl_redis_node_new(struct sl_redis_node **ret, struct sl_redis *redis,
		      const struct sl_redis_address *address);
/* Its calls have been answered or moved before. */
void sl_redis_node_free(struct sl_redis_node *node);
/* Connects now, unless it waits for its time or is connected. */
void sl_redis_node_kick(struct sl_redis_node *node);
/* Somewhere else from now on. */
void sl_redis_node_move(struct sl_redis_node *node, const struct sl_redis_address *address);
/* Closes; counts; tries again after a while. @reason: for people. */
void sl_redis_node_fail(struct sl_redis_node *node, const char *reason);
/* How a call or a connection ended, for the breaker. */
void sl_redis_node_report(struct sl_redis_node *node, bool success, uint64_t latency_ns);
/* It says it is no master: it is left as soon as what it was sent is answered. */
void sl_redis_node_leave(struct sl_redis_node *node);
void sl_redis_node_ready(struct sl_redis_node *node);
void sl_redis_node_set_timer(struct sl_redis_node *node, uint64_t delay_ns);
int sl_redis_node_send(struct sl_redis_node *node, struct sl_redis_call *call);

/* The connection is there: asks what is to be asked, then it is ready. */
void sl_redis_handshake_begin(struct sl_redis_node *node);
void sl_redis_handshake_answered(struct sl_redis_node *node, const struct sl_redis_reply *reply);
/* Looks for the library (again) before more calls go there. */
void sl_redis_handshake_library(struct sl_redis_node *node);

/* ---- where servers are ------------------------------------------------------------------------
 */

int sl_redis_resolve_start(struct sl_redis *redis);
/* Of the list, in turn; NULL: no name has an address yet. */
const struct sl_redis_address *sl_redis_next_address(struct sl_redis *redis);
/* Soon, but not more often than every 100 ms. */
void sl_redis_resolve_soon(struct sl_redis *redis);
/* Nobody is there to be asked yet. */
void sl_redis_resolve_later(struct sl_redis *redis);
void sl_redis_resolve_ready(struct sl_redis_node *node);
void sl_redis_resolve_failed(struct sl_redis_node *node);
/* For cluster.c and resolve.c: an answer came, or none. */
void sl_redis_resolved(struct sl_redis *redis, bool found);

struct sl_redis_node *sl_redis_cluster_route(struct sl_redis *redis, int slot);
/* The node there, made when there is none; NULL: no room or memory. */
struct sl_redis_node *sl_redis_cluster_node(struct sl_redis *redis,
					    const struct sl_redis_address *address);
void sl_redis_cluster_moved(struct sl_redis *redis, uint16_t slot, struct sl_redis_node *node);
void sl_redis_cluster_ask(struct sl_redis *redis);
void sl_redis_cluster_sweep(struct sl_redis *redis);
/*
 * Probes each master whose breaker lets a call pass but is not closed: breakers close by calls,
 * and one that no call of ours goes to would be thought broken for ever. True: some are not closed.
 */
bool sl_redis_cluster_probe(struct sl_redis *redis);

/* ---- the client
 * ---------------------------------------------------------------------------------- */

struct sl_redis_settings {
	enum sl_redis_mode mode;
	struct sl_redis_address names[SL_REDIS_ADDRESSES_MAX]; /* as configured */
	size_t name_count;
	struct sl_redis_address addresses[SL_REDIS_ADDRESSES_MAX]; /* in digits, as found last */
	size_t address_count;
	char *master, *user, *password_file, *sentinel_user, *sentinel_password_file;
	char *password; /* of servers, in place of the file */
	uint32_t database, calls_max;
	uint64_t connect_timeout_ns, command_timeout_ns, resolve_ns;
	struct sl_redis_backoff reconnect;
	struct sl_breaker_limits breaker;
};

int sl_redis_settings_read(struct sl_redis_settings *ret, const struct sl_redis_options *options,
			   struct sl_redis_error_text *error);
void sl_redis_settings_clear(struct sl_redis_settings *settings);

struct sl_redis_library {
	char name[SL_REDIS_LIBRARY_NAME_BYTES];
	char *code;
	size_t length;
};

struct sl_redis {
	struct sl_loop *loop;
	struct sl_redis_settings settings;
	struct sl_redis_library library;
	uint64_t random;
	uint32_t next_id;
	bool freeing;

	struct sl_redis_calls calls; /* not answered, by age and so by deadline */
	struct sl_redis_calls later; /* to be tried again, or to be ended */
	struct sl_loop_timer timer;  /* of both */
	uint64_t timer_ns;	     /* 0: not set */

	/* In a cluster any; else the first, which is the master. */
	struct sl_redis_node *nodes[SL_REDIS_NODES_MAX];
	struct sl_redis_node *nowhere;	/* calls of slots that nobody is known to have */
	uint16_t owner[SL_REDIS_SLOTS]; /* index + 1 */
	uint32_t covered;
	size_t turn; /* of nodes */

	struct sl_redis_names *names; /* NULL: all of them are addresses */
	struct sl_redis_node *sentinel;
	size_t next_address;
	struct sl_redis_address last_master; /* that was ready */
	struct sl_loop_timer resolve_timer;
	uint64_t resolved_ns; /* when it was last tried */
	uint32_t resolve_attempts;
	bool resolving, resolve_wanted;

	enum sl_redis_state state;
	uint64_t since_ns;
	char last_error[256];
	struct sl_redis_stats stats;
};

void sl_redis_arm(struct sl_redis *redis, uint64_t at_ns);
void sl_redis_set_timer(struct sl_redis *redis, struct sl_loop_timer *timer, uint64_t delay_ns);
void sl_redis_set_error(struct sl_redis *redis, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* After anything that may change it. */
void sl_redis_update_state(struct sl_redis *redis);
