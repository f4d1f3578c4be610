/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's admin socket from the client's side: a line of JSON there, a line
 * back (docs/ops/admin-protocol.md).
 *
 * Owner:  sl_client_close().
 * Thread: one.
 * Errors: -ENOENT, -ECONNREFUSED: no agent there. -EACCES: not allowed.
 *         -ETIMEDOUT: no answer in time. -EPROTO: not an answer of ours.
 *         -EREMOTEIO: the agent refused; error->message is its own words.
 *         In each case error->message can be shown.
 */
#pragma once

#include <stdint.h>

#include <jansson.h>

#define SL_CLIENT_LINE_BYTES_MAX (16u << 20)
#define SL_CLIENT_TIMEOUT_MS	 15000u

struct sl_client_error {
	char message[512];
};

struct sl_client;

int sl_client_open(struct sl_client **ret, const char *path, struct sl_client_error *error);
void sl_client_close(struct sl_client *client); /* NULL is fine */
void sl_client_closep(struct sl_client **client);

/* Sends @request and waits for its answer, which has "ok": true; json_decref(*ret). */
int sl_client_call(json_t **ret, struct sl_client *client, const json_t *request,
		   struct sl_client_error *error);

/*
 * The next line that comes without being asked (events.follow). @timeout_ms over:
 * -ETIMEDOUT, and it may be called again. -EPIPE: the agent ended the stream.
 */
int sl_client_next(json_t **ret, struct sl_client *client, uint64_t timeout_ms,
		   struct sl_client_error *error);

/* For sl_cleanup. */
static inline void sl_json_freep(json_t **json)
{
	json_decref(*json);
}
