/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits counted in Redis, over all gateways that share it: how a counter is called, what is
 * asked (window.lua answers), and what an answer means.
 *
 * A counter is one tenant's requests of one rate class in one window. Windows have the length
 * of limits.window and are aligned to the epoch of Redis' clock, so a limit of N is N requests
 * from one multiple of the window to the next, and at most 2 N in any window's length. Its key:
 *
 *   PREFIX:{TENANT}:CLASS:SECONDS     ratelimit:{acme}:routes_decide:60
 *
 * Bytes of a tenant's id other than A-Z a-z 0-9 . _ - ~ are %XX, so that no id looks like
 * another's key, and the braces put all counters of a tenant into one slot of a Cluster.
 *
 * Source: the fixed window counter that "INCR" of the Redis commands describes as a rate
 *         limiter, with its expiry set in the same step.
 * Thread: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/envelope.h"
#include "userspace/base/span.h"
#include "userspace/domain/ident.h"
#include "userspace/gateway/route.h"
#include "userspace/redis/reply.h"

#define SL_WINDOW_LEVELS_MAX   2u /* of a request: its class, and all classes together */
#define SL_WINDOW_KEYS_MAX     4u /* of a tenant: all its classes */
#define SL_WINDOW_PREFIX_BYTES 33
#define SL_WINDOW_KEY_BYTES    (SL_WINDOW_PREFIX_BYTES + 3 * SL_IDENTIFIER_MAX + 48)
#define SL_WINDOW_COUNT_MAX    (1ull << 53) /* what Lua counts exactly */

enum sl_window_mode {
	SL_WINDOW_LOCAL = 0, /* Redis is not asked */
	SL_WINDOW_REDIS,     /* Redis counts, this gateway does not */
	SL_WINDOW_HYBRID,    /* this gateway admits first, then Redis */
};

struct sl_window_level {
	enum sl_rate_class rate_class;
	uint64_t limit; /* requests in a window; 0: none */
};

/* One question; argv points into it. */
struct sl_window_question {
	char keys[SL_WINDOW_KEYS_MAX][SL_WINDOW_KEY_BYTES];
	char key_count[2];
	char numbers[1 + SL_WINDOW_KEYS_MAX][24]; /* the window in ms, limits */
	const char *argv[4 + 2 * SL_WINDOW_KEYS_MAX];
	size_t lens[4 + 2 * SL_WINDOW_KEYS_MAX];
	size_t argc;
	int slot; /* of all its keys */
};

struct sl_window_verdict {
	bool admitted;
	size_t level;			     /* that refused */
	uint64_t reset_ms;		     /* until the window ends: 1 to its length */
	uint64_t counts[SL_WINDOW_KEYS_MAX]; /* with this request, when it is admitted */
};

/* Whose counters: @prefix of at most SL_WINDOW_PREFIX_BYTES - 1 bytes. */
struct sl_window_owner {
	const char *prefix;
	struct sl_span tenant; /* an identifier */
	uint64_t window_s;
};

/* @ret of SL_WINDOW_KEY_BYTES; its length. */
size_t sl_window_key(char *ret, const struct sl_window_owner *owner, enum sl_rate_class rate_class);

/* Count one request in @count levels, 1 to SL_WINDOW_KEYS_MAX, or in none. */
void sl_window_ask(struct sl_window_question *ret, const struct sl_window_owner *owner,
		   const struct sl_window_level *levels, size_t count);
/* Where they stand. */
void sl_window_ask_look(struct sl_window_question *ret, const struct sl_window_owner *owner,
			const struct sl_window_level *levels, size_t count);

/* The answer to sl_window_ask() with so many levels. -EPROTO: it cannot be one. */
int sl_window_read(struct sl_window_verdict *ret, const struct sl_redis_reply *reply, size_t count,
		   uint64_t window_s);
/* To sl_window_ask_look(): counts and reset_ms. */
int sl_window_read_look(struct sl_window_verdict *ret, const struct sl_redis_reply *reply,
			size_t count, uint64_t window_s);

/* How a question ended. */
enum sl_window_outcome {
	SL_WINDOW_ADMITTED = 0,
	SL_WINDOW_REFUSED,
	SL_WINDOW_TIMEOUT, /* no answer within the deadline; counted there or not */
	SL_WINDOW_LOST,	   /* the connection broke; the same */
	SL_WINDOW_OPEN,	   /* not asked: the breaker of this server is open */
	SL_WINDOW_BUSY,	   /* not asked: too many questions in flight */
	SL_WINDOW_ERROR,   /* Redis said an error, or lets us not in */
	SL_WINDOW_INVALID, /* an answer that cannot be */
	SL_WINDOW_OUTCOMES,
};

/* Of a call that brought no answer to read; @status as sl_redis_done has it, not 0. */
enum sl_window_outcome sl_window_outcome_of(int status);
const char *sl_window_outcome_name(enum sl_window_outcome outcome); /* "admitted" */

/* "local", "redis", "hybrid" */
const char *sl_window_mode_name(enum sl_window_mode mode);
