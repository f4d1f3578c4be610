/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an HTTP/1 request, as far as a page without parameters needs it. */
#pragma once

#include <stddef.h>

#define SL_HTTP_HEAD_BYTES_MAX 8192u
#define SL_HTTP_PATH_BYTES     64u /* longer paths are not ours */

struct sl_http_request {
	char path[SL_HTTP_PATH_BYTES]; /* without the query */
	int head_only;		       /* HEAD */
	int openmetrics;	       /* by Accept, see accept.h */
};

/*
 * Reads what came so far. 0: more must come. 200: @ret is filled. Else the
 * status to answer with: 400 not HTTP/1 or a malformed head, 404 a path too
 * long to be known, 405 neither GET nor HEAD, 431 the head is too large.
 * Pure; never reads past @length.
 */
int sl_http_parse(struct sl_http_request *ret, const char *bytes, size_t length);
