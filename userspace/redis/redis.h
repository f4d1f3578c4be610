/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redis in an event loop: one server, a master behind Sentinel, or a Cluster. One connection to
 * each master, every command with a deadline, a breaker for each master. The only folder that knows
 * hiredis.
 *
 * hiredis 0.14 has no timeouts and no TLS, and stops the program when a server answers
 * what nobody asked: deadlines are ours, answers are read into bounded memory of ours
 * (reply.h), and a server that speaks unasked is left.
 *
 * Owner:  sl_redis_free() ends every call with -ECANCELED and closes.
 * Thread: the loop's. Callbacks come from the loop, never from inside sl_redis_call().
 * Signals: the process ignores SIGPIPE.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/base/loop.h"
#include "userspace/redis/library.h"
#include "userspace/redis/reply.h"
#include "userspace/redis/slots.h"

#define SL_REDIS_ADDRESSES_MAX	16u
#define SL_REDIS_ARGUMENTS_MAX	4096u
#define SL_REDIS_CALL_BYTES_MAX (512u << 10) /* of one call, as it is sent */
#define SL_REDIS_ANY_SLOT	(-1)

struct sl_redis;

enum sl_redis_mode {
	SL_REDIS_STANDALONE = 0, /* several addresses: the first one that is a master */
	SL_REDIS_SENTINEL,	 /* the addresses are those of the sentinels */
	SL_REDIS_CLUSTER,	 /* the addresses are some of its nodes */
};

/* Texts are copied. 0 means the default in brackets. */
struct sl_redis_options {
	enum sl_redis_mode mode;
	/* "192.0.2.1:6379,[2001:db8::1]:6379"; a name stands for all its addresses. They are
	 * asked for in the background, and again while none of them leads anywhere. */
	const char *addresses;
	const char *master;	   /* its name, asked of the sentinels; else NULL */
	const char *user;	   /* NULL: the default user, when there is a password */
	const char *password_file; /* its first line, read for each connection; NULL: none */
	const char *password;	   /* in place of the file; NULL: none. At most 511 bytes */
	const char *sentinel_user, *sentinel_password_file;
	uint32_t database;			     /* not in a cluster */
	bool tls;				     /* refused: hiredis 0.14 has none */
	uint64_t connect_timeout_ns;		     /* until it is ready to be used [250 ms] */
	uint64_t command_timeout_ns;		     /* of a call with all its tries [250 ms] */
	uint32_t calls_max;			     /* in flight, one more is -EBUSY [1024] */
	uint64_t reconnect_min_ns, reconnect_max_ns; /* [50 ms, 2 s], with jitter */
	uint64_t resolve_ns;	   /* asks the sentinels, or the cluster, again [2 s, 30 s] */
	uint32_t breaker_failures; /* in a row until it opens [5] */
	uint64_t breaker_open_ns;  /* until one call may try [1 s] */
	uint64_t seed;		   /* of the jitter */
};

enum sl_redis_state {
	SL_REDIS_DOWN = 0, /* no master can be used */
	SL_REDIS_DEGRADED, /* some can: of a cluster */
	SL_REDIS_OK,
};

struct sl_redis_error_text {
	char message[256];
};

/* Counters, and what there is now at the end. sl_redis_metrics describes them. */
struct sl_redis_stats {
	uint64_t calls_total;
	uint64_t answers_total;	      /* calls that got an answer, an error or not */
	uint64_t timeouts_total;      /* calls that ended by their deadline */
	uint64_t lost_total;	      /* calls whose connection broke after they were sent */
	uint64_t short_circuit_total; /* calls that an open breaker refused */
	uint64_t busy_total;	      /* calls refused by calls_max */
	uint64_t resent_total;	      /* sent again after an answer that said so */
	uint64_t moved_total, ask_total, try_again_total, cluster_down_total, loading_total;
	uint64_t read_only_total, no_function_total, denied_total, full_total;
	uint64_t other_errors_total;
	uint64_t connects_total; /* ready to be used */
	uint64_t connect_failures_total;
	uint64_t disconnects_total; /* of connections that were ready */
	uint64_t breaker_opened_total;
	uint64_t master_changes_total; /* another address behind Sentinel or in the list */
	uint64_t resolves_total;       /* answers of sentinels, slot maps */
	uint64_t resolve_failures_total;
	uint64_t name_failures_total; /* no name had an address */
	uint64_t hostile_total;	      /* answers that cannot be: hosts, maps, sizes */
	uint64_t library_loads_total;
	uint64_t library_load_failures_total;
	uint64_t library_newer_total; /* a server had a newer one: left as it is */
	uint64_t in_flight;
	uint64_t masters, masters_usable;
};

struct sl_redis_metric {
	const char *name; /* "redis_calls_total": the caller puts its prefix before it */
	const char *help;
	size_t offset; /* of a uint64_t in struct sl_redis_stats */
	bool gauge;
};
extern const struct sl_redis_metric sl_redis_metrics[];
extern const size_t sl_redis_metric_count;
uint64_t sl_redis_metric_value(const struct sl_redis_metric *metric,
			       const struct sl_redis_stats *stats);

/*
 * Connects in the background: 0 also when no server answers. -EPROTONOSUPPORT: TLS is
 * asked for; -EINVAL: an option; @error says which.
 */
int sl_redis_new(struct sl_redis **ret, struct sl_loop *loop,
		 const struct sl_redis_options *options, struct sl_redis_error_text *error);
/* Whether sl_redis_new() would take them. */
int sl_redis_check(const struct sl_redis_options *options, struct sl_redis_error_text *error);
void sl_redis_free(struct sl_redis *redis); /* not from a callback; NULL is fine */
void sl_redis_freep(struct sl_redis **redis);

/*
 * The answer of a call. 0 with @reply; with @reply of the type SL_REDIS_ERROR:
 *   -EREMOTEIO  the command's own error
 *   -EACCES     user, password or rights (NOAUTH, WRONGPASS, NOPERM)
 *   -ENOENT     no such function, also after the library was loaded again
 *   -ENOSPC     the server's memory is full (OOM)
 *   -EXDEV      keys of several slots (CROSSSLOT)
 *   -EIO        the server cannot write to its disk (MISCONF)
 *   -EROFS, -EAGAIN, -ENETDOWN, -ELOOP: so it said until there was no time for another
 *               try: READONLY; LOADING, TRYAGAIN, MASTERDOWN, NOREPLICAS, BUSY;
 *               CLUSTERDOWN; redirects without end
 * With NULL:
 *   -ETIMEDOUT    no answer until the deadline; executed or not
 *   -ECONNRESET   the connection broke after it was sent; executed or not
 *   -EHOSTUNREACH the breaker of this master is open; not sent
 *   -EACCES       the server lets us not in; not sent
 *   -ECANCELED    sl_redis_free()
 */
typedef void sl_redis_done(void *userdata, int status, const struct sl_redis_reply *reply);

/*
 * Sends a command: @argc values of @lens bytes each at @argv. @slot is that of its keys
 * (sl_redis_slot()), or SL_REDIS_ANY_SLOT; only a cluster looks at it. On 0 @done comes
 * exactly once. Else it does not come: -EBUSY: calls_max are in flight, -EMSGSIZE: too
 * many values or bytes, -EINVAL: nothing, or a command that answers more than once
 * (SUBSCRIBE, MONITOR), -ENOMEM.
 */
int sl_redis_call(struct sl_redis *redis, int slot, size_t argc, const char *const *argv,
		  const size_t *lens, sl_redis_done *done, void *userdata);

/*
 * Keeps this library on every master: it is looked for on each new connection and loaded
 * when it is missing or older (library.h), before calls go there; and again when a call
 * finds that its function is gone. Without the right to do so (FUNCTION LIST, FUNCTION
 * LOAD) calls go there all the same. Copied. -EINVAL: the name, or code that does not
 * begin with "#!lua name=NAME" or has no "-- version: N"; -EALREADY: there is one.
 */
int sl_redis_load_function(struct sl_redis *redis, const char *name, const char *code,
			   size_t length);

/* *ret_since_ns: of CLOCK_MONOTONIC; may be NULL. */
enum sl_redis_state sl_redis_state(const struct sl_redis *redis, uint64_t *ret_since_ns);
const char *sl_redis_state_name(enum sl_redis_state state); /* "degraded" */
/* Why the last connection, resolution or library failed; "" at first. */
const char *sl_redis_last_error(const struct sl_redis *redis);
struct sl_redis_stats sl_redis_stats(const struct sl_redis *redis);
