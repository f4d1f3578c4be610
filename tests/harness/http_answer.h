/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an HTTP/1.1 answer piece by piece, as much of HTTP as our own test servers speak. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SL_HTTP_HEAD_BYTES 8192

struct sl_http_answer {
	size_t head_bytes;   /* 0: the head is not complete */
	uint64_t body_bytes; /* still to come, by Content-Length */
	int status;
	bool closes; /* the server ends the connection after it */
	bool broken; /* a head too long, or not HTTP/1.x, or chunked */
	size_t filled;
	char head[SL_HTTP_HEAD_BYTES];
};

void sl_http_answer_begin(struct sl_http_answer *answer);

/* Takes the next @n bytes. True when the answer is complete, or broken. */
bool sl_http_answer_take(struct sl_http_answer *answer, const char *bytes, size_t n);
