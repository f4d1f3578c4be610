/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of JetStream and key-value share. */
#pragma once

#include "userspace/bus/bus_private.h"
#include "userspace/bus/jetstream.h"
#include "userspace/bus/jetstream_parse.h"
#include "userspace/domain/json.h"

#define SL_JS_API_MS	  5000u /* for an answer of the API */
#define SL_JS_HEADERS_MAX 32u
#define SL_JS_NAME_MAX	  64u
#define SL_JS_JSON_MAX	  (64u << 10)
#define SL_NS_PER_MS	  1000000ull
#define SL_NS_PER_S	  1000000000ull

/* Stream, durable and bucket names go into subjects: [A-Za-z0-9_-], at most 63. */
bool sl_js_name_valid(const char *name);

/* "$JS.API.<verb>.<one>[.<two>]" */
void sl_js_subject(char ret[SL_BUS_SUBJECT_MAX], const char *verb, const char *one,
		   const char *two);

/* The status to tell of an answer; sets sl_js_error() when it is a failure. */
int sl_js_status(struct sl_bus *bus, int status, const struct sl_bus_message *reply,
		 struct sl_js_reply *ret);
void sl_js_set_error(struct sl_bus *bus, const char *text);

/* Sends @json (and frees it) to the API. @done as sl_bus_done. */
int sl_js_call(struct sl_bus *bus, const char *subject, struct sl_json_out *json,
	       uint32_t timeout_ms, sl_bus_done *done, void *context);

/* A member with its value; "endless": 0 is written as -1. */
void sl_js_put_number(struct sl_json_out *json, const char *key, uint64_t value);
void sl_js_put_text(struct sl_json_out *json, const char *key, const char *value);
void sl_js_put_true(struct sl_json_out *json, const char *key);
void sl_js_put_or_endless(struct sl_json_out *json, const char *key, uint64_t value);

/* A stream for a bucket allows what a stream of events does not. */
int sl_js_ensure(struct sl_bus *bus, const struct sl_js_stream *stream, bool bucket,
		 sl_js_done *done, void *context);

/* As sl_js_publish(); @more go before @headers. */
int sl_js_store(struct sl_bus *bus, const char *subject, const struct sl_bus_header *more,
		size_t more_count, const struct sl_bus_header *headers, size_t count,
		struct sl_span payload, uint32_t timeout_ms, sl_js_published_fn *done,
		void *context);
