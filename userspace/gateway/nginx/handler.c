/* SPDX-License-Identifier: Apache-2.0 */
/* One request through the gateway: body in, answer out. */
#include "userspace/gateway/nginx/glue.h"

#include <stdio.h>

/* How much longer than the router's deadline a request may take, with the store's part. */
#define GUARD_MARGIN_MS 15000

static void stop_timer(struct sl_glue_request *own)
{
	if (own->timer.timer_set)
		ngx_del_timer(&own->timer);
}

static void start_timer(struct sl_glue_request *own, ngx_msec_t delay_ms)
{
	stop_timer(own);
	ngx_add_timer(&own->timer, delay_ms);
}

ngx_int_t sl_glue_field(ngx_http_request_t *r, struct sl_span name, struct sl_span value)
{
	ngx_table_elt_t *header = ngx_list_push(&r->headers_out.headers);
	u_char *copy;

	if (!header)
		return NGX_ERROR;
	header->hash = 0; /* not to be sent before it is whole */
	copy = ngx_pnalloc(r->pool, name.length + value.length);
	if (!copy)
		return NGX_ERROR;
	memcpy(copy, name.at, name.length);
	memcpy(copy + name.length, value.at, value.length);
	header->key = (ngx_str_t){ name.length, copy };
	header->value = (ngx_str_t){ value.length, copy + name.length };
	header->lowcase_key = NULL;
	header->hash = 1;
	return NGX_OK;
}

static void put_field(void *context, struct sl_span name, struct sl_span value)
{
	ngx_http_request_t *r = context;

	/* Out of memory: the answer goes without the field. */
	(void)sl_glue_field(r, name, value);
}

ngx_int_t sl_glue_head(ngx_http_request_t *r, const struct sl_exchange *exchange,
		       const struct sl_answer *answer)
{
	size_t length = strlen(answer->content_type);
	u_char *type = ngx_pnalloc(r->pool, length);

	if (!type)
		return NGX_ERROR;
	memcpy(type, answer->content_type, length);
	r->headers_out.status = (ngx_uint_t)answer->status;
	r->headers_out.content_type = (ngx_str_t){ length, type };
	r->headers_out.content_type_len = length;
	r->headers_out.content_type_lowcase = NULL;
	r->headers_out.content_length_n = (off_t)answer->body.length;
	if (answer->close)
		r->keepalive = 0;
	sl_exchange_fields(exchange, answer, put_field, r);
	return NGX_OK;
}

static ngx_int_t send_answer(ngx_http_request_t *r, const struct sl_exchange *exchange,
			     const struct sl_answer *answer)
{
	ngx_chain_t out = { 0 };
	ngx_buf_t *buffer;
	ngx_int_t rc;

	if (sl_glue_head(r, exchange, answer) != NGX_OK)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	rc = ngx_http_send_header(r);
	if (rc == NGX_ERROR || rc > NGX_OK || r->header_only)
		return rc;
	buffer = ngx_create_temp_buf(r->pool, answer->body.length ? answer->body.length : 1);
	if (!buffer)
		return NGX_ERROR;
	buffer->last = ngx_cpymem(buffer->pos, answer->body.at, answer->body.length);
	buffer->last_buf = 1;
	buffer->last_in_chain = 1;
	buffer->memory = answer->body.length > 0;
	buffer->temporary = 0;
	out.buf = buffer;
	return ngx_http_output_filter(r, &out);
}

/* For the filter: the body is kept, the fields are set. */
static void capture(struct sl_glue_request *own, const struct sl_answer *answer)
{
	ngx_http_request_t *r = own->request;

	own->body.data = ngx_pnalloc(r->pool, answer->body.length);
	if (!own->body.data)
		return;
	memcpy(own->body.data, answer->body.at, answer->body.length);
	own->body.len = answer->body.length;
	(void)sl_glue_head(r, &own->exchange, answer);
}

static void answered(struct sl_exchange *exchange, const struct sl_answer *answer)
{
	struct sl_glue_request *own = exchange->context;
	ngx_http_request_t *r = own->request;
	ngx_connection_t *connection = r->connection;
	ngx_int_t rc = NGX_OK;

	if (own->capturing) {
		capture(own, answer);
		return;
	}
	stop_timer(own);
	own->answered = true;
	if (own->reading) {
		/* Given up in the middle: what still comes is not read. */
		r->keepalive = 0;
		r->read_event_handler = ngx_http_block_reading;
	} else if (!r->request_body && !answer->close) {
		rc = ngx_http_discard_request_body(r);
	}
	if (rc == NGX_OK)
		rc = send_answer(r, exchange, answer);
	ngx_http_finalize_request(r, rc);
	ngx_http_run_posted_requests(connection);
}

static void body_wanted(struct sl_exchange *exchange);

static const struct sl_exchange_calls calls = {
	.body_wanted = body_wanted,
	.answered = answered,
	.stream_opened = sl_glue_stream_opened,
	.stream_written = sl_glue_stream_written,
	.stream_closed = sl_glue_stream_closed,
};

static void released(void *data)
{
	struct sl_glue_request *own = data;

	stop_timer(own);
	if (own->stream) {
		own->stream = false;
		sl_glue_worker()->streams--;
	}
	sl_exchange_cancel(&own->exchange);
}

/* The body drips, or what should have answered did not. */
static void too_late(ngx_event_t *event)
{
	struct sl_glue_request *own =
		(void *)((char *)event->data - offsetof(struct sl_glue_request, dummy));

	if (own->exchange.stage == SL_STAGE_BODY) {
		sl_exchange_refuse(&own->exchange, 408);
		return;
	}
	sl_exchange_expire(&own->exchange);
}

struct sl_glue_request *sl_glue_request_new(ngx_http_request_t *r)
{
	ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(r->pool, 0);
	struct sl_glue_request *own = ngx_palloc(r->pool, sizeof(*own));

	if (!cleanup || !own)
		return NULL;
	ngx_memzero(own, offsetof(struct sl_glue_request, exchange.decide));
	own->request = r;
	own->dummy.fd = (ngx_socket_t)-1;
	own->timer.data = &own->dummy;
	own->timer.handler = too_late;
	own->timer.log = r->connection->log;
	own->exchange.calls = &calls;
	own->exchange.context = own;
	cleanup->handler = released;
	cleanup->data = own;
	ngx_http_set_ctx(r, own, ngx_http_sluice_module);
	return own;
}

/* The body as one span; bodies that nginx put into a file are read back. */
static ngx_int_t gather(struct sl_span *ret, ngx_http_request_t *r)
{
	const ngx_chain_t *link;
	size_t length = 0;
	u_char *copy, *at;

	*ret = (struct sl_span){ 0 };
	if (!r->request_body || !r->request_body->bufs)
		return NGX_OK;
	link = r->request_body->bufs;
	if (!link->next && !link->buf->in_file) {
		*ret = (struct sl_span){ (char *)link->buf->pos,
					 (size_t)(link->buf->last - link->buf->pos) };
		return NGX_OK;
	}
	for (; link; link = link->next)
		length += (size_t)ngx_buf_size(link->buf);
	copy = at = ngx_pnalloc(r->pool, length + 1);
	if (!copy)
		return NGX_ERROR;
	for (link = r->request_body->bufs; link; link = link->next) {
		const ngx_buf_t *buf = link->buf;

		if (!buf->in_file) {
			if (buf->last != buf->pos)
				at = ngx_cpymem(at, buf->pos, (size_t)(buf->last - buf->pos));
			continue;
		}
		if (ngx_read_file(buf->file, at, (size_t)(buf->file_last - buf->file_pos),
				  buf->file_pos) != buf->file_last - buf->file_pos)
			return NGX_ERROR;
		at += buf->file_last - buf->file_pos;
	}
	*ret = (struct sl_span){ (char *)copy, length };
	return NGX_OK;
}

/* While it waits: notice a client that leaves, and never wait for ever. */
static void wait_for_answer(struct sl_glue_request *own)
{
	const struct sl_settings *settings = sl_glue_worker()->main->settings;
	uint64_t wait_ns = settings->router.timeout_ns;

	if (own->exchange.stage != SL_STAGE_WAITING)
		return;
	if (settings->distributed.in_force != SL_WINDOW_LOCAL)
		wait_ns += settings->distributed.redis.command_timeout_ns;
	own->request->read_event_handler = ngx_http_test_reading;
	start_timer(own, (uint32_t)(wait_ns / 1000000) + GUARD_MARGIN_MS);
}

static void body_ready(ngx_http_request_t *r)
{
	struct sl_glue_request *own = ngx_http_get_module_ctx(r, ngx_http_sluice_module);
	struct sl_span body;

	stop_timer(own);
	own->reading = false;
	if (gather(&body, r) != NGX_OK) {
		ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
		return;
	}
	/* The answer may come, and free the request, before this returns. */
	r->main->count++;
	sl_exchange_body(&own->exchange, body);
	wait_for_answer(own);
	ngx_http_finalize_request(r, NGX_DONE);
}

static ngx_int_t read_body(struct sl_glue_request *own)
{
	ngx_http_request_t *r = own->request;
	ngx_int_t rc;

	r->request_body_in_single_buf = 1;
	own->reading = true;
	rc = ngx_http_read_client_request_body(r, body_ready);
	if (rc >= NGX_HTTP_SPECIAL_RESPONSE)
		return rc;
	if (own->exchange.stage == SL_STAGE_BODY)
		start_timer(
			own,
			(ngx_msec_t)(sl_glue_worker()->main->settings->requests.body_timeout_ns /
				     1000000));
	return NGX_DONE;
}

/* Redis has let it pass. Reading holds the request for itself, and lets go by NGX_DONE. */
static void body_wanted(struct sl_exchange *exchange)
{
	struct sl_glue_request *own = exchange->context;
	ngx_http_request_t *r = own->request;
	ngx_connection_t *connection = r->connection;

	stop_timer(own);
	ngx_http_finalize_request(r, read_body(own));
	ngx_http_run_posted_requests(connection);
}

ngx_int_t sl_glue_handle(ngx_http_request_t *r)
{
	const struct sl_glue_location *location =
		ngx_http_get_module_loc_conf(r, ngx_http_sluice_module);
	struct sl_worker *worker = sl_glue_worker();
	struct sl_glue_request *own;

	if (!worker || !worker->gateway)
		return NGX_HTTP_SERVICE_UNAVAILABLE;
	own = sl_glue_request_new(r);
	if (!own)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	sl_glue_read_call(&own->exchange.call, r);
	own->exchange.call.connection = sl_glue_connection(r);
	own->exchange.call.operator_listener = location->role == SL_GLUE_OPERATOR;
	r->main->count++;
	if (sl_exchange_begin(&own->exchange, worker->gateway)) {
		r->main->count--;
		return read_body(own);
	}
	wait_for_answer(own);
	return NGX_DONE;
}
