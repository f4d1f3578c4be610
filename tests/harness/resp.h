/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Redis server on loopback for tests of its functions: blocking, RESP2.
 * The product's client is userspace/redis; this one has nothing of its own to test. Ends the
 * program with a message when the server does not answer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/base/span.h"

#define SL_RESP_BYTES (1u << 20) /* the largest reply */

struct sl_resp {
	int fd;
	size_t begin, end; /* of what was read and not used */
	char bytes[SL_RESP_BYTES];
};

/* Into the caller's memory: it is large. */
void sl_resp_open(struct sl_resp *resp, uint16_t port);
void sl_resp_close(struct sl_resp *resp);

/* *ret is valid until the next call. True: a status, a number or a string; false: an error,
 * or nil, whose text is then empty. An array is not read by this. */
bool sl_resp_call(struct sl_resp *resp, struct sl_span *ret, const char *const *argv,
		  const size_t *lengths, size_t argc);

/* The two halves of it: several calls may be sent before their replies are read. */
void sl_resp_send(struct sl_resp *resp, const char *const *argv, const size_t *lengths,
		  size_t argc);
bool sl_resp_read(struct sl_resp *resp, struct sl_span *ret);

/* The same of NUL-terminated words, NULL at the end. */
bool sl_resp_words(struct sl_resp *resp, struct sl_span *ret, ...) __attribute__((sentinel));
