/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin socket: a Unix stream socket, a line of JSON there, a line back
 * (docs/ops/admin-protocol.md). Its clients are root and, where one was named,
 * the members of a group; the kernel says who they are. The gateway's socket is
 * another one of these, which serves only what a gateway may ask.
 *
 * Owner:  sl_admin_free() closes all of it and removes the socket.
 * Thread: the one that runs the event base.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

#include "userspace/agent/admin_request.h"

#define SL_ADMIN_CLIENTS_MAX	 64u
#define SL_ADMIN_IDLE_S		 120 /* without a request; followers may be idle for ever */
#define SL_ADMIN_WRITE_S	 30  /* for a client to take what it asked for */
#define SL_ADMIN_FDS_MAX	 16u
#define SL_ADMIN_QUEUE_BYTES_MAX 262144u /* of a follower: then its events are lost */

struct event_base;
struct sl_log;
struct sl_admin;
struct sl_admin_later;

/* What a request is answered with. */
struct sl_admin_reply {
	json_t *body; /* an object without "ok", the server's from here on; NULL: {} */
	char error[512];
	bool refused;		   /* "ok" is false and @error says why */
	bool follow;		   /* from now on this client gets what is broadcast */
	int fds[SL_ADMIN_FDS_MAX]; /* sent along; the server's from here on */
	size_t fd_count;
	void *asker; /* for sl_admin_later() */
};

/* The answer is "no", and why. */
__attribute__((format(printf, 2, 3))) void sl_admin_refuse(struct sl_admin_reply *reply,
							   const char *format, ...);

/* @line is the request as it came, for the log. */
typedef void sl_admin_fn(struct sl_admin_reply *reply, const struct sl_admin_request *request,
			 const char *line, void *context);

/*
 * Called by a function instead of filling @reply: the answer comes later. What the client
 * asks next waits for it, so answers stay in order. NULL: no memory, and @reply is due now.
 * sl_admin_answer() ends it, exactly once and not from inside the function; it is fine when
 * the client or the whole server is gone by then. Takes what @reply holds.
 */
struct sl_admin_later *sl_admin_later(struct sl_admin_reply *reply);
void sl_admin_answer(struct sl_admin_later *later, struct sl_admin_reply *reply);
/* Still inside the function: the answer is in its reply after all. */
void sl_admin_at_once(struct sl_admin_later *later);

struct sl_admin_options {
	const char *path; /* of the socket; its folder is made when it does not exist */
	gid_t group;	  /* 0: root only */
	bool gateway;	  /* serves ping and maps.fds, and nothing else */
	struct sl_log *log;
	sl_admin_fn *function;
	void *context;
};

struct sl_admin_stats {
	uint64_t requests_total;
	uint64_t failed_total;	/* answered by "ok": false */
	uint64_t refused_total; /* clients turned away: not allowed, or too many */
	uint64_t events_lost_total;
	unsigned int clients;
	unsigned int followers;
};

/* -EADDRINUSE: an agent answers there. Else why bind, chown or listen failed. */
int sl_admin_new(struct sl_admin **ret, struct event_base *base,
		 const struct sl_admin_options *options);
void sl_admin_free(struct sl_admin *admin);

/* One line to every follower that keeps up; takes the reference of @body. */
void sl_admin_broadcast(struct sl_admin *admin, json_t *body);

/* NULL: all 0. */
struct sl_admin_stats sl_admin_stats(const struct sl_admin *admin);
