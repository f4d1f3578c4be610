/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What JetStream says, read. Everything comes from the network: any bytes are fine.
 *
 * Thread: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "userspace/base/span.h"
#include "userspace/bus/jetstream.h"

#define SL_JS_MISSING	      10037u /* no message found */
#define SL_JS_NAME_IN_USE     10058u /* a stream of that name is configured otherwise */
#define SL_JS_WRONG_SEQUENCE  10071u /* not the last sequence of the subject */
#define SL_JS_NO_STREAM	      10059u
#define SL_JS_TEXT_BYTES      200u
#define SL_JS_MESSAGE_HEADERS 64u

/* A reply of the API: a positive one, or an error. */
struct sl_js_reply {
	bool failed;
	uint32_t code;	     /* as in HTTP */
	uint32_t error_code; /* of JetStream */
	char text[SL_JS_TEXT_BYTES];
};

/* 0 or -EPROTO: not an answer of the API. */
int sl_js_parse_reply(struct sl_js_reply *ret, struct sl_span text);
/* The answer to a publish that did not fail. 0 or -EPROTO. */
int sl_js_parse_published(struct sl_js_published *ret, struct sl_span text);

/*
 * "$JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<...>.<time>.<pending>", or with
 * domain and account before the stream. 0 or -EINVAL.
 */
int sl_js_parse_ack_subject(struct sl_js_meta *ret, struct sl_span subject);

/* Three digits, nothing else; 0: not a status. */
uint32_t sl_js_parse_status(struct sl_span text);
/* Decimal digits only. 0 or -EINVAL; -ERANGE: over 2^64 - 1. */
int sl_js_parse_number(uint64_t *ret, struct sl_span text);

/* Standard alphabet, padded, no white space; @at and *ret_length: room and length.
 * 0, -EINVAL, -ENOBUFS. */
int sl_js_base64(uint8_t *at, size_t *ret_length, struct sl_span text);

/* One header line of "NATS/1.0\r\nname: value\r\n...\r\n\r\n". *state starts as 0.
 * 1: there is one; 0: the end; -EINVAL. */
int sl_js_next_header(struct sl_span *ret_name, struct sl_span *ret_value, size_t *state,
		      struct sl_span block);
