/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events out of nginx: few buffers, used again and again. */
#include "userspace/gateway/nginx/glue.h"

#include <errno.h>

#define BUFFER_BYTES 4096u
#define BUSY_MAX     64u /* buffers that the client has not read */

static ngx_buf_tag_t tag_of(void)
{
	return (ngx_buf_tag_t)&ngx_http_sluice_module;
}

/* A link with room for BUFFER_BYTES, out of those that were sent or anew. */
static ngx_chain_t *take_buffer(struct sl_glue_request *own)
{
	ngx_chain_t *link = own->free;
	ngx_buf_t *buffer;

	if (link) {
		own->free = link->next;
		link->next = NULL;
		buffer = link->buf;
	} else {
		link = ngx_alloc_chain_link(own->request->pool);
		buffer = ngx_create_temp_buf(own->request->pool, BUFFER_BYTES);
		if (!link || !buffer)
			return NULL;
		buffer->tag = tag_of();
		link->buf = buffer;
		link->next = NULL;
	}
	buffer->pos = buffer->start;
	buffer->last = buffer->start;
	buffer->flush = 1;
	return link;
}

static ngx_uint_t busy_count(const struct sl_glue_request *own)
{
	ngx_uint_t count = 0;

	for (const ngx_chain_t *link = own->busy; link; link = link->next)
		count++;
	return count;
}

static ngx_int_t put_out(struct sl_glue_request *own, ngx_chain_t *out)
{
	ngx_http_request_t *r = own->request;
	ngx_int_t rc = ngx_http_output_filter(r, out);

	ngx_chain_update_chains(r->pool, &own->free, &own->busy, &out, tag_of());
	if (rc == NGX_ERROR)
		return NGX_ERROR;
	if (own->busy && !r->connection->write->timer_set) {
		const ngx_http_core_loc_conf_t *core =
			ngx_http_get_module_loc_conf(r, ngx_http_core_module);

		ngx_add_timer(r->connection->write, core->send_timeout);
	} else if (!own->busy && r->connection->write->timer_set) {
		ngx_del_timer(r->connection->write);
	}
	return ngx_handle_write_event(r->connection->write, 0);
}

int sl_glue_stream_written(struct sl_exchange *exchange, struct sl_span bytes)
{
	struct sl_glue_request *own = exchange->context;
	ngx_chain_t *out = NULL, **last = &out;

	if (own->request->connection->error)
		return -EPIPE;
	if (busy_count(own) + bytes.length / BUFFER_BYTES >= BUSY_MAX)
		return -EAGAIN;
	while (bytes.length) {
		size_t part = bytes.length < BUFFER_BYTES ? bytes.length : BUFFER_BYTES;
		ngx_chain_t *link = take_buffer(own);

		if (!link)
			return -ENOMEM;
		link->buf->last = ngx_cpymem(link->buf->last, bytes.at, part);
		*last = link;
		last = &link->next;
		bytes.at += part;
		bytes.length -= part;
	}
	return put_out(own, out) == NGX_OK ? 0 : -EPIPE;
}

static void finish(struct sl_glue_request *own, ngx_int_t rc)
{
	ngx_connection_t *connection = own->request->connection;

	ngx_http_finalize_request(own->request, rc);
	ngx_http_run_posted_requests(connection);
}

/* The socket takes more, or has taken nothing for too long. */
static void writable(ngx_http_request_t *r)
{
	struct sl_glue_request *own = ngx_http_get_module_ctx(r, ngx_http_sluice_module);

	if (r->connection->write->timedout) {
		r->connection->timedout = 1;
		finish(own, NGX_HTTP_REQUEST_TIME_OUT);
		return;
	}
	if (put_out(own, NULL) == NGX_ERROR)
		finish(own, NGX_ERROR);
}

int sl_glue_stream_opened(struct sl_exchange *exchange, struct sl_span first)
{
	struct sl_glue_request *own = exchange->context;
	ngx_http_request_t *r = own->request;
	const struct sl_answer answer = { .status = 200, .content_type = "text/event-stream" };
	ngx_int_t rc;

	own->answered = true;
	if (ngx_http_discard_request_body(r) != NGX_OK ||
	    sl_glue_head(r, exchange, &answer) != NGX_OK ||
	    sl_glue_field(r, SL_SPAN("Cache-Control"), SL_SPAN("no-store")) != NGX_OK ||
	    sl_glue_field(r, SL_SPAN("X-Accel-Buffering"), SL_SPAN("no")) != NGX_OK)
		return -ENOMEM;
	r->headers_out.content_length_n = -1;
	rc = ngx_http_send_header(r);
	if (rc == NGX_ERROR || rc > NGX_OK)
		return -EPIPE;
	own->stream = true;
	sl_glue_stream_began();
	r->read_event_handler = ngx_http_test_reading;
	r->write_event_handler = writable;
	return r->header_only ? 0 : sl_glue_stream_written(exchange, first);
}

void sl_glue_stream_closed(struct sl_exchange *exchange)
{
	struct sl_glue_request *own = exchange->context;

	if (own->request->connection->write->timer_set)
		ngx_del_timer(own->request->connection->write);
	finish(own, ngx_http_send_special(own->request, NGX_HTTP_LAST));
}
