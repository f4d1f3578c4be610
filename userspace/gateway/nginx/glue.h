/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway inside nginx: what the files of this folder share. Nothing is decided
 * here; requests are turned into exchanges and answers into bytes.
 *
 * Thread: the one of an nginx worker.
 */
#pragma once

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "userspace/base/span.h"
#include "userspace/base/loop.h"
#include "userspace/gateway/exchange.h"
#include "userspace/gateway/gateway.h"

extern ngx_module_t ngx_http_sluice_module;

struct sl_glue_main {
	ngx_str_t config_path;
	struct sl_settings *settings;
	ngx_shm_zone_t *zone;
	ngx_open_file_t *log_file; /* NULL: the error log */
	ngx_flag_t wanted;	   /* some location is ours */
};

struct sl_glue_server {
	ngx_flag_t ours; /* errors of this server are told in the contract's form */
};

enum sl_glue_role {
	SL_GLUE_OFF = 0,
	SL_GLUE_API,
	SL_GLUE_OPERATOR,
};

struct sl_glue_location {
	ngx_uint_t role;
};

/* Of one worker. */
struct sl_worker {
	struct sl_loop loop;
	struct sl_gateway *gateway; /* NULL: it could not be made; requests get 503 */
	struct sl_log *log;
	int log_fd;
	struct sl_glue_main *main;
	ngx_connection_t dummy; /* nginx's debug log looks at what an event belongs to */
	ngx_event_t tick;
	ngx_uint_t streams;
};

struct sl_worker *sl_glue_worker(void);

/* Of one request: in r->ctx, freed with r->pool. */
struct sl_glue_request {
	ngx_http_request_t *request;
	ngx_event_t timer;
	ngx_connection_t dummy;
	bool reading;	/* the body, which is not there yet */
	bool answered;	/* the header that goes out is ours */
	bool capturing; /* the answer goes into `body` and the header, not out */
	bool replaced;	/* ... and `body` went out */
	bool stream;
	size_t body_bytes;
	ngx_str_t body;
	ngx_chain_t *free;
	ngx_chain_t *busy;
	struct sl_exchange exchange; /* last: its own end is not zeroed */
};

void sl_glue_loop_init(struct sl_loop *loop);

/* What is kept of the request's TCP connection, until that closes. NULL: no agent is
 * wanted, or no memory. */
struct sl_kernel_connection *sl_glue_connection(ngx_http_request_t *r);
/* Ports that the cycle listens on, at most @max; how many. */
size_t sl_glue_ports(uint16_t *ret, size_t max, const ngx_cycle_t *cycle);

ngx_int_t sl_glue_handle(ngx_http_request_t *r);
/* A context with an exchange that has seen nothing yet; NULL: no memory. */
struct sl_glue_request *sl_glue_request_new(ngx_http_request_t *r);
void sl_glue_read_call(struct sl_call *call, ngx_http_request_t *r);
/* Status, type, length and fields into r->headers_out. */
ngx_int_t sl_glue_head(ngx_http_request_t *r, const struct sl_exchange *exchange,
		       const struct sl_answer *answer);
ngx_int_t sl_glue_field(ngx_http_request_t *r, struct sl_span name, struct sl_span value);

int sl_glue_stream_opened(struct sl_exchange *exchange, struct sl_span first);
int sl_glue_stream_written(struct sl_exchange *exchange, struct sl_span bytes);
void sl_glue_stream_closed(struct sl_exchange *exchange);
void sl_glue_stream_began(void);

/* Errors that nginx answers by itself get the contract's body. */
ngx_int_t sl_glue_filter_init(ngx_conf_t *cf);

static inline struct sl_span sl_glue_span(ngx_str_t text)
{
	return (struct sl_span){ (const char *)text.data, text.len };
}
